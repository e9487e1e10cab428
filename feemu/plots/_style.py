"""What all pictures share: colours, labels with units, notes, the axis of pulse widths."""

from __future__ import annotations

import math
import textwrap
import zlib
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.colors import to_hex, to_rgb
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import (
    FixedFormatter,
    FixedLocator,
    FuncFormatter,
    LogLocator,
    NullFormatter,
    NullLocator,
)

from feemu.params import format_width

if TYPE_CHECKING:
    import xarray as xr

#: Colour and marker of each algorithm (Okabe and Ito's colours, https://jfly.uni-koeln.de/color/).
ALGORITHM_STYLES = {
    "float": ("#4d4d4d", "X"),
    "mixed_precision": ("#0072B2", "o"),
    "plain_sgd": ("#D55E00", "s"),
    "shift_none": ("#8c6d31", "v"),
    "shift_reference": ("#009E73", "^"),
    "shift_global": ("#56B4E9", "<"),
    "shift_trim": ("#E69F00", ">"),
    "shift_push_pull": ("#CC79A7", "D"),
    "tiki_taka_v1": ("#332288", "P"),
    "tiki_taka_v2": ("#882255", "p"),
    "chopped_tiki_taka": ("#AA4499", "v"),
    "agad": ("#117733", "*"),
    "dynamic_tracking": ("#999933", "d"),
    "dynamic_tracking_chopped": ("#4d4d00", "<"),
    "residual_learning": ("#44AA99", ">"),
    "multi_tile": ("#661100", "P"),
    "stochastic_rounding": ("#6699CC", "8"),
    "manhattan": ("#DDAA33", "h"),
    "write_verify": ("#888888", "*"),
}
_OTHERS = ("#882255", "#999933", "#332288", "#44AA99")
_OTHER_MARKERS = ("P", "p", "h", "*")
_IDEAL = "_ideal"
LINES = ("-", "--", "-.", ":", (0, (6, 1, 1, 1, 1, 1)), (0, (8, 4)), (0, (1, 4)))
GREY = "#595959"
#: Ticks of accuracies.
_ACCURACIES = (0.1, 0.2, 0.5, 0.7, 0.8, 0.9, 0.95, 0.98, 0.99, 0.995, 0.998, 0.999)
NOTE_SIZE = 7.5
TEXT_SIZE = 9.0
PANEL = (6.4, 4.2)
#: Inches of a line of note text per character, at NOTE_SIZE.
_CHARACTER = 0.05


def algorithm_style(name: str) -> tuple[str, str]:
    """Return colour and marker of an algorithm, the same in every picture; ideal ones darker."""
    base = name.removesuffix(_IDEAL)
    pick = zlib.crc32(base.encode())
    other = (_OTHERS[pick % 4], _OTHER_MARKERS[pick // 4 % 4])
    colour, marker = ALGORITHM_STYLES.get(base, other)
    return (colour if base == name else _darker(colour)), marker


def algorithm_order(names: Iterable[str]) -> list[str]:
    """Return algorithms in the order of the legend; unknown ones last, by name."""
    known = list(ALGORITHM_STYLES)
    rank = {n: i for i, n in enumerate(known)}
    return sorted(names, key=lambda n: (rank.get(n.removesuffix(_IDEAL), len(known)), n))


def algorithm_words(name: str) -> str:
    """Return the name of an algorithm as shown, e.g. ``plain SGD``, ``shift: push pull``."""
    base = name.removesuffix(_IDEAL)
    words = base.replace("shift_", "shift: ", 1).replace("_", " ").replace("sgd", "SGD")
    words = words.replace("tiki taka", "Tiki-Taka").replace("agad", "AGAD")
    return f"{words} (ideal)" if base != name else words


def algorithm_marks(name: str) -> dict[str, Any]:
    """Return marker options of an algorithm; hollow for ideal variants."""
    colour, marker = algorithm_style(name)
    face = "white" if name.endswith(_IDEAL) else colour
    return {"color": colour, "marker": marker, "markerfacecolor": face, "markersize": 6}


def width_colours(n: int) -> list:
    """Return n colours from short to long, ordered in lightness for every kind of vision."""
    return [colormaps["viridis"](x) for x in np.linspace(0.0, 0.82, max(n, 2))[:n]]


def width_words(width: float, origin: str = "measured", sep: str = " ") -> str:
    """Return a pulse width as shown, with its origin unless it was measured.

    Parameters
    ----------
    width : float
        Pulse width [s]; NaN where it is not known.
    origin : str
        ``measured``, ``interpolated``, ``extrapolated`` or ``virtual``.
    sep : str
        Between the width and the origin.
    """
    if math.isnan(width):
        return "width not given"
    text = format_width(width)
    digits = len(text.rstrip("pnumsµ"))
    shown = f"{text[:digits]} {text[digits:].replace('us', 'µs')}"
    short = {"interpolated": "interp.", "extrapolated": "extrap."}.get(origin, origin)
    return shown if origin in ("", "measured") else f"{shown}{sep}({short})"


def label_of(values: xr.DataArray) -> str:
    """Return the axis label of a variable: long name and unit from its attributes."""
    name = values.attrs.get("long_name", str(values.name).replace("_", " "))
    return f"{name} [{values.attrs.get('units', '1')}]"


def new_axes(ax: Axes | None, size: tuple[float, float] = PANEL) -> Axes:
    """Return the given axes, or those of a new figure that no global state knows.

    Raises
    ------
    TypeError
        If `ax` is no axes.
    """
    if ax is None:
        return Figure(figsize=size, dpi=100, layout="constrained").subplots()
    if not isinstance(ax, Axes):
        raise TypeError(f"ax: expected matplotlib axes, got {type(ax).__name__}; e.g. ax=fig.gca()")
    return ax


def axes_grid(n: int) -> list[Axes]:
    """Return n axes in a new figure, up to three in a row, sharing both scales."""
    columns = n if n <= 3 else math.ceil(n / 2)
    rows = math.ceil(n / columns)
    size = (1.6 + 3.6 * columns, 0.4 + 3.8 * rows)
    figure = Figure(figsize=size, dpi=100, layout="constrained")
    axes = figure.subplots(rows, columns, sharey=True, squeeze=False).ravel()
    for spare in axes[n:]:
        spare.remove()
    return list(axes[:n])


def panels(
    ax: Axes | Sequence[Axes] | None, n: int, each: str, *, single: bool = True
) -> list[Axes]:
    """Return the given axes, or n new ones side by side; a single one only if `single`.

    Raises
    ------
    TypeError, ValueError
        If they are no axes, or of another number.
    """
    if ax is None:
        return axes_grid(n) if n > 1 else [new_axes(None)]
    given = [new_axes(a) for a in np.ravel(np.array(ax, object))]
    if len(given) not in ((1, n) if single else (n,)):
        allowed = f"1 or {n}" if single and n > 1 else f"{n}"
        hint = "" if single else "; select a single pulse width to use one"
        raise ValueError(f"ax: got {len(given)} axes, expected {allowed}, one per {each}{hint}")
    return given


def beside(axes: list[Axes]) -> Axes:
    """Return the axes that a legend stands beside: the last one of the first row."""
    specs = [ax.get_subplotspec() for ax in axes]
    if any(spec is None for spec in specs):
        return axes[-1]
    row = [ax for ax, spec in zip(axes, specs) if spec.rowspan.start == specs[0].rowspan.start]
    return row[-1]


def one_or_all(axes: list[Axes]) -> Axes | list[Axes]:
    """Return a single axes as itself, several as a list."""
    return axes[0] if len(axes) == 1 else axes


def finish(ax: Axes, title: str, notes: Sequence[str] = ()) -> Axes:
    """Set title, small notes under it, font sizes, grid and spines."""
    ax.spines[["top", "right"]].set_visible(False)
    ax.grid(True, which="major", color="#b0b0b0", alpha=0.35, linewidth=0.6)
    ax.set_axisbelow(True)
    ax.tick_params(labelsize=TEXT_SIZE - 1)
    for label in (ax.xaxis.label, ax.yaxis.label):
        label.set_size(TEXT_SIZE)
    lines = _wrap(ax, notes)
    ax.set_title(title, loc="left", fontsize=TEXT_SIZE + 1, pad=6 + 10.0 * len(lines))
    if lines:
        ax.annotate(
            "\n".join(lines),
            xy=(0, 1),
            xycoords="axes fraction",
            xytext=(0, 3),
            textcoords="offset points",
            va="bottom",
            fontsize=NOTE_SIZE,
            color=GREY,
            linespacing=1.15,
            gid="note",
        )
    return ax


def legend(ax: Axes, where: bool | str, handles: list, title: str | None = None) -> None:
    """Put a legend beside the axes if the layout makes room for it, else inside; or at a place.

    `where` is False for none, True for this choice, or a place inside such as "upper right".
    """
    if not handles or where is False:
        return
    place: dict[str, Any] = {"loc": where if isinstance(where, str) else "best"}
    if where is True and ax.figure.get_layout_engine() is not None:
        place = {"loc": "upper left", "bbox_to_anchor": (1.01, 1.0), "borderaxespad": 0.0}
    box = ax.legend(
        handles=handles,
        title=title,
        fontsize=TEXT_SIZE - 1,
        title_fontsize=NOTE_SIZE,
        frameon=False,
        alignment="left",
        handlelength=2.6,
        **place,
    )
    box.get_title().set_color(GREY)


def handle(label: str, **style: Any) -> Line2D:
    """Return a legend entry."""
    return Line2D([], [], label=label, **style)


def algorithm_handles(names: Sequence[str], *, marks: bool = True) -> list[Line2D]:
    """Return one legend entry per algorithm, with or without its marker."""
    return [
        handle(
            algorithm_words(n),
            **(algorithm_marks(n) if marks else {"color": algorithm_style(n)[0], "linewidth": 3}),
        )
        for n in names
    ]


def style_handles(labels: Sequence[str]) -> list[Line2D]:
    """Return one grey legend entry per line style."""
    return [handle(text, color=GREY, linestyle=line_style(i)) for i, text in enumerate(labels)]


def line_style(i: int) -> Any:
    """Return the i-th line style."""
    return LINES[i % len(LINES)]


def width_axis(ax: Axes, widths: Sequence[float], origins: Sequence[str]) -> None:
    """Make x a logarithmic axis with one labelled tick per pulse width [s]."""
    gap = width_gap(widths)
    ax.set_xscale("log")
    ax.set_xlim(min(widths) * 10 ** (-0.55 * gap), max(widths) * 10 ** (0.55 * gap))
    texts = [width_words(w, o, "\n") for w, o in zip(widths, origins)]
    ax.xaxis.set_major_locator(FixedLocator(list(widths)))
    ax.xaxis.set_major_formatter(FixedFormatter(texts))
    ax.xaxis.set_minor_locator(NullLocator())
    ax.set_xlabel("pulse width [s]")
    span = math.log10(max(widths) / min(widths))
    if len(widths) > 1 and gap / (span + 1.1 * gap) < 0.1:
        ax.tick_params(axis="x", labelrotation=45)


def log_labels(axis: Axis) -> None:
    """Label a logarithmic axis readably: 1, 2 and 5 where it spans less than two decades."""
    low, high = axis.get_view_interval()
    decades = np.log10(high / low)
    if decades < 1.7:
        fine = (1.0, 1.5, 2.0, 3.0, 4.0, 5.0, 7.0)
        axis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0) if decades > 0.8 else fine))
        axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axis.set_minor_formatter(NullFormatter())


def accuracy_axis(ax: Axes) -> None:
    """Make y a logit axis with plain labels: accuracies near one get the room that they need."""
    ax.set_yscale("logit")
    ax.yaxis.set_major_locator(FixedLocator(_ACCURACIES))
    ax.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    ax.yaxis.set_minor_locator(NullLocator())


def width_gap(widths: Sequence[float]) -> float:
    """Return the smallest distance of neighbouring widths in decades; 1 for a single one."""
    places = np.sort(np.log10(np.asarray(widths, float)))
    return float(np.diff(places).min()) if places.size > 1 else 1.0


def dodge(widths: Sequence[float], i: int, n: int, share: float = 0.75) -> np.ndarray:
    """Return the widths moved sideways so that n series stand next to each other."""
    step = share * width_gap(widths) * ((i + 0.5) / n - 0.5) if n > 1 else 0.0
    return np.asarray(widths, float) * 10**step


def mark_size(ax: Axes, n: int) -> float:
    """Return the size [pt] of marks of which n stand side by side."""
    return float(np.clip(0.6 * 72 * _inches(ax) / n, 3.0, 11.0))


def ylabel(axes: Sequence[Axes], text: str) -> None:
    """Label y of the axes that stand at the left."""
    for i, ax in enumerate(axes):
        spec = ax.get_subplotspec()
        if i == 0 or spec is None or spec.is_first_col():
            ax.set_ylabel(text, fontsize=TEXT_SIZE)


def _darker(colour: str) -> str:
    return to_hex(0.5 * np.array(to_rgb(colour)))


def root_figure(ax: Axes) -> Figure:
    """Return the figure that holds the axes, whatever lies between."""
    figure = ax.figure
    while not isinstance(figure, Figure):
        figure = figure.figure
    return figure


def _inches(ax: Axes) -> float:
    return ax.get_position().width * root_figure(ax).get_figwidth()


def _wrap(ax: Axes, notes: Sequence[str]) -> list[str]:
    room = max(24, int(_inches(ax) / _CHARACTER))
    return [line for text in notes if text for line in textwrap.wrap(text, room)]
