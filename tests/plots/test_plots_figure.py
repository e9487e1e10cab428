"""The study's figure, and files of figures."""

from __future__ import annotations

import pytest

from feemu import plots


def test_study_figure_has_four_labelled_panels(ds, family):
    for options in ({"family": family.at(2e-8)}, {"family": family}):
        figure = plots.study_figure(ds, target=0.9, **options)
        figure.draw_without_rendering()
        assert len(figure.axes) == 4
        assert all("[" in ax.get_xlabel() and "[" in ax.get_ylabel() for ax in figure.axes)
        assert len(figure.legends) == 1


def test_study_figure_of_one_width(real):
    plots.study_figure(real.isel(pulse_width=[0]))
    plots.study_figure(real.isel(pulse_width=0)).draw_without_rendering()


def test_no_text_of_the_study_figure_overlaps_another(few, family):
    figure = plots.study_figure(few, family=family)
    figure.draw_without_rendering()
    boxes = []
    for ax in figure.axes:
        titles = [ax.title, ax._left_title, ax.xaxis.label, ax.yaxis.label, *ax.texts]
        ticks = [t for t in ax.get_xticklabels() if t.get_text()]
        boxes += [t.get_window_extent() for t in (*titles, *ticks) if t.get_text()]
    for i, a in enumerate(boxes):
        for b in boxes[i + 1 :]:
            wide = min(a.x1, b.x1) - max(a.x0, b.x0)
            high = min(a.y1, b.y1) - max(a.y0, b.y0)
            assert wide < 1 or high < 1, (a, b)


@pytest.mark.parametrize("suffix", [".png", ".pdf", ".svg"])
def test_equal_figures_give_equal_bytes(tmp_path, synthetic, suffix):
    files = []
    for name in ("a", "b"):
        ax = plots.final_accuracy(synthetic)
        files.append(plots.save_figure(ax, tmp_path / f"{name}{suffix}"))
    first, second = (file.read_bytes() for file in files)
    assert first == second and len(first) > 1000
    assert b"Software" not in first and b"CreationDate" not in first
    assert sorted(p.name for p in tmp_path.iterdir()) == [f"a{suffix}", f"b{suffix}"]


def test_saving_answers_wrong_input_in_one_line(tmp_path, synthetic):
    ax = plots.final_accuracy(synthetic)
    with pytest.raises(ValueError, match=r"unknown picture format 'pgn': did you mean 'png'"):
        plots.save_figure(ax, tmp_path / "a.pgn")
    with pytest.raises(TypeError, match="expected a matplotlib figure, got int"):
        plots.save_figure(3, tmp_path / "a.png")
    with pytest.raises(OSError, match="the folder does not exist"):
        plots.save_figure(ax, tmp_path / "none" / "a.png")
