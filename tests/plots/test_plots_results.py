"""Pictures of results: given axes returned, labels with units, honest marks, one-line errors."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr
from matplotlib.figure import Figure

from feemu import plots
from feemu.energy import EnergyModel, price
from feemu.statistics import energy_to, epochs_to

OVER_WIDTH = {
    "final_accuracy": (plots.final_accuracy, {}),
    "epochs_to_target": (plots.epochs_to_target, {"target": 0.9}),
    "energy_to_target": (plots.energy_to_target, {"target": 0.9}),
    "time_to_target": (plots.time_to_target, {"target": 0.9}),
    "energy_over_width": (plots.energy_over_width, {}),
    "energy_over_width to target": (plots.energy_over_width, {"target": 0.9}),
}
SINGLE = {
    **OVER_WIDTH,
    "accuracy_over_epoch": (plots.accuracy_over_epoch, {}),
}
ALL = {**SINGLE, "accuracy_over_energy": (plots.accuracy_over_energy, {})}


def axes():
    """Return axes of a figure that no global state knows."""
    return Figure().subplots()


def texts(ax) -> str:
    """Return everything that is written in and around the axes."""
    found = [t.get_text() for t in ax.texts]
    if ax.get_legend():
        found += [t.get_text() for t in ax.get_legend().get_texts()]
        found.append(ax.get_legend().get_title().get_text())
    return "\n".join([*found, ax.get_title(loc="left"), ax.get_xlabel(), ax.get_ylabel()])


def ticks(ax) -> list[str]:
    """Return the labels of the ticks of x."""
    ax.figure.draw_without_rendering()
    return [t.get_text() for t in ax.get_xticklabels()]


@pytest.mark.parametrize("name", SINGLE)
def test_draws_into_the_given_axes_with_units(ds, name):
    function, options = SINGLE[name]
    ax = axes()
    assert function(ds, ax=ax, **options) is ax
    ax.figure.draw_without_rendering()
    for label in (ax.get_xlabel(), ax.get_ylabel()):
        assert "[" in label and "]" in label, label
    assert ax.get_legend() is not None


@pytest.mark.parametrize("name", ALL)
def test_makes_its_own_figure_without_global_state(few, name):
    import sys

    function, options = ALL[name]
    before = "matplotlib.pyplot" in sys.modules
    got = function(few, **options)
    for ax in got if isinstance(got, list) else [got]:
        assert "[" in ax.get_xlabel()
    assert ("matplotlib.pyplot" in sys.modules) == before


@pytest.mark.parametrize("name", OVER_WIDTH)
def test_widths_say_where_they_come_from(synthetic, name):
    function, options = OVER_WIDTH[name]
    labels = ticks(function(synthetic, **options))
    assert labels == ["20 ns", "2 µs\n(interp.)", "200 µs\n(extrap.)"]


def test_facets_and_line_styles_say_where_widths_come_from(synthetic):
    panels = plots.accuracy_over_epoch(synthetic)
    titles = [ax.get_title(loc="left") for ax in panels]
    assert titles == ["20 ns", "2 µs (interp.)", "200 µs (extrap.)"]
    one = plots.accuracy_over_epoch(synthetic, axes())
    assert "2 µs (interp.)" in texts(one) and "200 µs (extrap.)" in texts(one)


def test_every_algorithm_has_one_colour_in_every_picture(synthetic):
    first = plots.final_accuracy(synthetic).get_legend().get_lines()
    for function, options in ALL.values():
        got = function(synthetic, **options)
        ax = got[-1] if isinstance(got, list) else got
        legend = ax.get_legend() or got[0].get_legend()
        for a, b in zip(first, legend.get_lines()):
            assert a.get_color() == b.get_color()
            assert a.get_label() == b.get_label()


def test_the_curve_is_the_mean_and_the_band_is_named(real, synthetic):
    ax = plots.accuracy_over_epoch(synthetic.isel(pulse_width=0), axes())
    mean = synthetic["validation_accuracy"].isel(pulse_width=0).mean("seed")
    for line, name in zip(ax.get_lines(), ("mixed_precision", "plain_sgd")):
        np.testing.assert_allclose(line.get_ydata(), mean.sel(algorithm=name), rtol=1e-12)
        assert line.get_xdata()[0] == 0
    assert "95 % t interval" in texts(ax) and "6 seeds" in texts(ax)
    few = plots.accuracy_over_epoch(real.isel(pulse_width=0), axes())
    assert "min to max" in texts(few) and "2 seeds" in texts(few)


def test_a_single_run_has_no_band_and_needs_no_dimensions(real):
    run = real.isel(pulse_width=0, algorithm=1, seed=0)
    assert "1 seed" in texts(plots.accuracy_over_epoch(run))
    assert plots.final_accuracy(run).get_lines()


def test_runs_that_miss_the_target_stand_in_the_strip(synthetic):
    for function in (plots.epochs_to_target, plots.energy_to_target, plots.energy_over_width):
        ax = function(synthetic, target=0.9)
        counts = [t.get_text() for t in ax.texts if "/" in t.get_text()]
        assert sorted(counts) == ["0/6", "0/6", "0/6", "5/6"]
        assert "not reached" in texts(ax)
    free = plots.epochs_to_target(synthetic, 0.05)
    assert "not reached" not in texts(free)


def test_nothing_reached_is_drawn_too(synthetic):
    ax = plots.energy_to_target(synthetic, 0.999)
    ax.figure.draw_without_rendering()
    assert sum("0/6" in t.get_text() for t in ax.texts) == 6


def test_medians_are_those_of_the_statistics(synthetic):
    lines = plots.epochs_to_target(synthetic, 0.9).get_lines()
    want = epochs_to(synthetic, 0.9).sel(algorithm="mixed_precision")
    got = next(line for line in lines if len(line.get_ydata()) == 3)
    np.testing.assert_allclose(got.get_ydata(), np.median(want.transpose("pulse_width", ...), 1))
    ax = plots.energy_to_target(synthetic, 0.9)
    priced = price(synthetic)
    drawn = [line.get_ydata() for line in ax.get_lines() if len(line.get_ydata()) == 3]
    for ydata, column in zip(drawn, ("energy_total", "energy_device")):
        want = energy_to(priced, 0.9, column=column).sel(algorithm="mixed_precision")
        np.testing.assert_allclose(ydata, np.median(want.transpose("pulse_width", ...), 1))


def test_programming_energy_never_stands_alone(ds):
    pair = plots.accuracy_over_energy(ds)
    assert [ax.get_xlabel() for ax in pair] == ["programming energy [J]", "total energy [J]"]
    one = plots.accuracy_over_energy(ds.isel(pulse_width=0), axes())
    assert "total energy" in texts(one) and "programming energy" in texts(one)
    for ax in (plots.energy_to_target(ds, 0.3), plots.energy_over_width(ds)):
        assert "total" in texts(ax) and "programming" in texts(ax)


def test_assumptions_are_said_and_follow_the_model(synthetic):
    for function, options in (
        (plots.energy_over_width, {}),
        (plots.energy_to_target, {"target": 0.9}),
        (plots.accuracy_over_energy, {}),
    ):
        got = function(synthetic, **options)
        ax = got[0] if isinstance(got, list) else got
        assert "assumed: area 2.5 µm²" in texts(ax)
        got = function(synthetic, model=EnergyModel(area=1e-12), **options)
        ax = got[0] if isinstance(got, list) else got
        assert "assumed:" in texts(ax) and "area" not in texts(ax)


def test_a_priced_result_keeps_its_prices(synthetic):
    priced = price(synthetic, EnergyModel(area=1e-12))
    assert "area" not in texts(plots.energy_over_width(priced))


def test_algorithm_at_one_width_only_is_a_level(synthetic):
    level = synthetic.sel(algorithm=["plain_sgd"]).assign_coords(algorithm=["float"])
    level = level.isel(pulse_width=[0]).drop_vars("width_label")
    both = xr.concat([synthetic, level], "algorithm", join="outer", compat="override",
                     coords="minimal", data_vars="all")  # fmt: skip
    ax = plots.final_accuracy(both)
    assert any(list(line.get_xdata()) == [0, 1] for line in ax.get_lines())


@pytest.mark.parametrize("function", [plots.weight_histogram, plots.state_histogram])
def test_histograms(real, function):
    one = real.isel(pulse_width=0)
    ax = axes()
    assert function(one, ax) is ax
    assert "[1]" in ax.get_xlabel() and "fraction of synapses" in ax.get_ylabel()
    assert "layer 1" in texts(ax) and "epoch 2" in texts(ax)
    assert len(function(one)) == 2
    several = function(one, layer=0, epoch=[0, 2])
    assert "epoch 0, 2 (earlier lighter)" in texts(several)
    for patch in several.patches:
        assert patch.get_data().values.sum() == pytest.approx(1)


def test_histogram_without_synapses_has_no_line(real):
    ax = plots.state_histogram(real.isel(pulse_width=0), layer=0)
    assert len(ax.patches) == 2 and "float" not in texts(ax)


def test_tuning_progress_is_the_best_so_far():
    scores = np.array([[0.5, 0.4, 0.7, 0.6], [0.3, np.nan, 0.2, 0.8]])
    table = xr.Dataset(
        {"score": (("algorithm", "try"), scores, {"units": "1", "long_name": "score"})},
        {"algorithm": ["plain_sgd", "mixed_precision"]},
    )
    ax = axes()
    assert plots.tuning_progress(table, ax, metric="score") is ax
    drawn = [list(line.get_ydata()) for line in ax.get_lines()]
    assert drawn == [[0.3, 0.3, 0.8], [0.5, 0.5, 0.7, 0.7]]
    assert ax.get_ylabel() == "best score [1]" and "[1]" in ax.get_xlabel()
    loss = plots.tuning_progress(table.rename(score="loss"), metric="loss")
    assert list(loss.get_lines()[1].get_ydata()) == [0.5, 0.4, 0.4, 0.4]
    accuracy = plots.tuning_progress(table.rename(score="accuracy"), metric="accuracy")
    assert (loss.get_yscale(), accuracy.get_yscale()) == ("linear", "logit")
    assert list(accuracy.get_lines()[1].get_ydata()) == [0.5, 0.5, 0.7, 0.7]


def test_missing_and_unfitting_input_is_one_line(synthetic):
    bare = synthetic.drop_vars(["validation_accuracy", "test_accuracy"])
    cases = [
        (plots.accuracy_over_epoch, (bare,), {}, "validation_accuracy"),
        (plots.accuracy_over_energy, (bare,), {}, "validation_accuracy"),
        (plots.final_accuracy, (bare,), {}, "test_accuracy"),
        (plots.epochs_to_target, (bare, 0.9), {}, "validation_accuracy"),
        (plots.energy_to_target, (synthetic.drop_vars("slots"), 0.9), {}, "lacks slots"),
        (plots.epochs_to_target, (synthetic, 95), {}, "write 0.95"),
        (plots.weight_histogram, (synthetic,), {}, "weight_histogram"),
        (plots.tuning_progress, (synthetic,), {}, "no dimension 'try'"),
        (plots.accuracy_over_epoch, (synthetic, [axes(), axes()]), {}, "got 2 axes"),
        (plots.accuracy_over_energy, (synthetic, axes()), {}, "single pulse width"),
        (plots.final_accuracy, (synthetic.expand_dims(states=3),), {}, "'states'"),
        (plots.study_figure, (bare,), {}, "validation_accuracy"),
        (plots.final_accuracy, (synthetic.isel(pulse_width=0).drop_vars("pulse_width"),), {},
         "no coordinate pulse_width"),
    ]  # fmt: skip
    for function, given, options, words in cases:
        with pytest.raises(ValueError, match=words) as caught:
            function(*given, **options)
        assert "\n" not in str(caught.value)
    with pytest.raises(TypeError, match=r"expected an xarray\.Dataset, got int"):
        plots.final_accuracy(3)
    with pytest.raises(TypeError, match="expected matplotlib axes, got Figure"):
        plots.final_accuracy(synthetic, Figure())


def test_several_widths_of_a_histogram_are_refused(real):
    with pytest.raises(ValueError, match="select one") as caught:
        plots.weight_histogram(real)
    assert "\n" not in str(caught.value)
