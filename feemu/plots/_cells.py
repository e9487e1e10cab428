"""Results as grids over pulse width, algorithm and seed, and their averages over seeds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.ticker import EngFormatter

from feemu.energy import EnergyModel, price
from feemu.params import unknown
from feemu.plots._style import algorithm_order, width_words
from feemu.statistics import MIN_SEEDS, mean_interval

if TYPE_CHECKING:
    import xarray as xr

GRID = ("pulse_width", "algorithm", "seed")
NO_NAME = "run"
FEW = "min to max"
_TELLING = ("area", "amplitude", "g_on")


@dataclass(frozen=True)
class Grid:
    """A result with dimensions pulse_width, algorithm, seed, and what else its variables have."""

    ds: xr.Dataset
    widths: list[float]
    origins: list[str]
    algorithms: list[str]
    seeds: int

    @property
    def width_labels(self) -> list[str]:
        """The pulse widths as shown, with their origin."""
        return [width_words(w, o) for w, o in zip(self.widths, self.origins)]

    def need_widths(self) -> None:
        """Raise a ValueError unless every pulse width is known."""
        if np.isnan(self.widths).any():
            raise ValueError("the dataset has no coordinate pulse_width: there is no axis for it")


def grid(ds: xr.Dataset, *names: str, also: tuple[str, ...] = ()) -> Grid:
    """Return the named variables of a result over pulse width, algorithm and seed.

    Parameters
    ----------
    ds : xarray.Dataset
        A result or a sweep of results.
    *names : str
        Variables that the picture needs.
    also : tuple of str
        Dimensions that the variables may have besides the grid and those of one run's epochs.

    Raises
    ------
    TypeError
        If `ds` is no dataset.
    ValueError
        If a variable is missing, or has a dimension that the picture does not show.
    """
    if not hasattr(ds, "data_vars"):
        raise TypeError(f"ds: expected an xarray.Dataset, got {type(ds).__name__}")
    for name in names:
        if name not in ds:
            raise ValueError(unknown("variable of the dataset", name, map(str, ds.data_vars)))
    part = ds[list(dict.fromkeys(names))]
    if "width_label" in ds.coords:
        part = part.assign_coords(width_label=ds["width_label"])
    for name, value in zip(GRID, (np.nan, NO_NAME, 0)):
        if name not in part.coords and name not in part.dims:
            part = part.assign_coords({name: value})
    part = part.expand_dims([n for n in GRID if n not in part.dims])
    allowed = {*GRID, "epoch", *also}
    for extra in [d for d in part.dims if d not in allowed]:
        raise ValueError(
            f"the dataset has a further dimension {extra!r} with {part.sizes[extra]} values:"
            f" select one, e.g. ds.isel({extra}=0)"
        )
    return _ordered(part)


def priced(ds: xr.Dataset, model: EnergyModel | None) -> xr.Dataset:
    """Return the result with energy columns: its own, or those of `model`, or the default's."""
    if not hasattr(ds, "data_vars"):
        raise TypeError(f"ds: expected an xarray.Dataset, got {type(ds).__name__}")
    if model is None and "energy_total" in ds and "energy_device" in ds:
        return ds
    return price(ds, model)


def spent(ds: xr.Dataset, column: str) -> xr.DataArray:
    """Return an energy column [J], cumulative over epochs, all phases together."""
    values = ds[column]
    if "phase" in values.dims:
        values = values.sum("phase", min_count=1, keep_attrs=True)
    return values


def assumption_note(ds: xr.Dataset, column: str = "energy_total") -> str:
    """Return what an energy rests on that no source gives, in short."""
    parts = ds[column].attrs.get("assumed", "").split(", ")
    return assumed_words(dict(part.split(" = ") for part in parts if " = " in part))


def assumed_words(values: dict[str, Any]) -> str:
    """Return assumed parameters of an energy model in short, the most telling ones first."""
    names = [n for n in _TELLING if n in values]
    shown = names if names else list(values)[:3]
    words = [parameter_words(n, float(values[n])) for n in shown]
    rest = len(values) - len(words)
    return ("assumed: " + ", ".join([*words, *([f"{rest} more"] if rest else [])])) * bool(words)


def parameter_words(name: str, value: float) -> str:
    """Return one parameter of an energy model as shown, e.g. ``area 2.5 µm²``."""
    unit = EnergyModel.__dataclass_fields__[name].metadata["param"]["unit"]
    if unit == "m^2":
        return f"{name} {1e12 * value:g} µm²"
    if unit in ("1", "bit", "V", "C/m^2", "F/m^2") or value == 0:
        return f"{name} {value:g} {unit}".removesuffix(" 1").replace("^2", "²")
    return f"{name} {EngFormatter(unit=unit)(value)}"


def last(values: xr.DataArray) -> xr.DataArray:
    """Return the last known value along epoch; NaN where nothing was run."""
    import xarray as xr

    def body(row: np.ndarray) -> float:
        known = row[~np.isnan(row)]
        return known[-1] if known.size else np.nan

    return xr.apply_ufunc(
        body, values.astype(float), input_core_dims=[["epoch"]], vectorize=True, keep_attrs=True
    )


def median(values: xr.DataArray) -> np.ndarray:
    """Return the median over seeds, +inf taking part; NaN where nothing was run."""
    body = values.transpose(..., "seed").values.astype(float)
    out = np.full(body.shape[:-1], np.nan)
    for place in np.ndindex(out.shape):
        known = body[place][~np.isnan(body[place])]
        if known.size:
            out[place] = np.median(known)
    return out


def summary(values: xr.DataArray) -> xr.Dataset:
    """Return mean, low and high over seeds: 95 % t interval, or min to max under five seeds."""
    out = mean_interval(values, "seed")
    few = out["runs"] < MIN_SEEDS
    low = out["low"].where(~few, values.min("seed"))
    high = out["high"].where(~few, values.max("seed"))
    return out.assign(low=low, high=high)


def seeds_words(runs: Any) -> str:
    """Return how many seeds there are and what a band or bar shows, for a legend."""
    counts = np.asarray(runs)
    counts = counts[counts > 0]
    if counts.size == 0:
        return "no run"
    low, high = int(counts.min()), int(counts.max())
    if high == 1:
        return "1 seed"
    number = f"{low} seeds" if low == high else f"{low} to {high} seeds"
    spans = "95 % t interval" if low >= MIN_SEEDS else FEW
    if low < MIN_SEEDS <= high:
        spans = f"95 % t interval ({FEW} under {MIN_SEEDS} seeds)"
    return f"mean and {spans}\nof {number}"


def _ordered(part: xr.Dataset) -> Grid:
    part = part.sortby("pulse_width")
    algorithms = algorithm_order(map(str, part["algorithm"].values))
    part = part.assign_coords(algorithm=part["algorithm"].astype(str)).sel(algorithm=algorithms)
    widths = [float(w) for w in part["pulse_width"].values]
    origins = [""] * len(widths)
    if "width_label" in part.coords:
        label = part["width_label"]
        spread = [label.values.item()] * len(widths) if label.ndim == 0 else label.values.ravel()
        origins = [o if isinstance(o, str) else "" for o in map(_text, spread)][: len(widths)]
    return Grid(part, widths, origins, algorithms, part.sizes["seed"])


def _text(value: Any) -> Any:
    return str(value) if isinstance(value, (str, np.str_)) else value


def mean_words(seeds: int) -> str:
    """Return what a line without band stands for, for a legend."""
    return "1 seed" if seeds == 1 else f"mean of {seeds} seeds"


def total_words(seeds: int) -> str:
    """Return what a histogram stands for, for a legend."""
    return "1 seed" if seeds == 1 else f"sum of {seeds} seeds"
