"""Runs side by side in one labelled Dataset, taken in one after the other."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from typing import TYPE_CHECKING

import numpy as np

from feemu import schema
from feemu.case import Case
from feemu.params import plain
from feemu.sweeping.places import GRID, axis, place, places, rank
from feemu.sweeping.provenance import Story
from feemu.sweeping.runs import Run

if TYPE_CHECKING:
    import xarray as xr


def combine(results: Iterable[xr.Dataset], extra: list[dict] | None = None) -> xr.Dataset:
    """Join runs into one Dataset over further dimensions, pulse width, algorithm and seed.

    Parameters
    ----------
    results : iterable of xarray.Dataset
        Results of `feemu.train`.
    extra : list of dict, optional
        Further dimensions of each result, by name.

    Returns
    -------
    xarray.Dataset
        Epochs are the union over runs; what was not run is NaN, and False in ``done``.

    Raises
    ------
    ValueError
        If two results have the same place in the grid, or their networks differ in shape.
    """
    runs = [Run.of(ds) for ds in results]
    assembly = Assembly(*places([place(run) for run in runs], extra))
    for number, run in enumerate(runs):
        assembly.add(number, run)
    return assembly.dataset()


class Assembly:
    """Arrays of a whole grid that runs are written into, in any order.

    Parameters
    ----------
    dims : list of str
        Dimensions of the grid.
    stands : list of tuple
        Place of each run, the value of each dimension.
    """

    def __init__(self, dims: list[str], stands: list[tuple]) -> None:
        self.dims, self.stands = dims, stands
        self.axes = {d: axis([s[k] for s in stands]) for k, d in enumerate(dims)}
        indices = [{v: n for n, v in enumerate(values)} for values in self.axes.values()]
        self._cells = [tuple(index[v] for index, v in zip(indices, s)) for s in stands]
        self.lead = tuple(map(len, self.axes.values()))
        self.epochs = np.empty(0)
        self._first: Run | None = None
        self._arrays: dict[str, np.ndarray] = {}
        self._seen = np.zeros((*self.lead, 0), bool)
        self._shared: dict[str, np.ndarray] = {}
        self._widths: dict[float, str] = {}
        self._tasks: set[str] = set()
        self._story, self._added = Story(), []

    def add(self, number: int, run: Run) -> None:
        """Write a run into its place.

        Raises
        ------
        ValueError
            If its network differs in shape from those before.
        """
        if self._first is None:
            self._begin(run)
        self._check(run)
        epochs = run.values["epoch"]
        if len(missing := np.setdiff1d(epochs, self.epochs)):
            self._extend(np.union1d(self.epochs, missing))
        cell, at = self._cells[number], np.searchsorted(self.epochs, epochs)
        self._open(run)
        for name, array in self._arrays.items():
            value = run.values.get(name, np.array(np.nan))
            if not np.can_cast(value.dtype, array.dtype, "safe"):
                array = array.astype(np.result_type(value, array))
                self._arrays[name] = array
            timed = "epoch" in self._first.dims[name]
            array[(*cell, at) if timed else cell] = value
        self._seen[(*cell, at)] = True
        self._shared = {
            n: v for n, v in self._shared.items() if n in run.values and _same(v, run.values[n])
        }
        self._widths[self.stands[number][self.dims.index("pulse_width")]] = run.item("width_label")
        self._tasks.add(run.item("task"))
        self._story.add(number, run.attrs["provenance"])
        self._added.append(number)

    def at(self, number: int) -> dict:
        """Return the place of a run, by name."""
        return plain(dict(zip(self.dims, self.stands[number])))

    def dataset(self, errors: dict[int, str] | None = None) -> xr.Dataset:
        """Return the Dataset; the assembly is used up.

        Parameters
        ----------
        errors : dict
            Error of each case that failed, for the provenance.

        Raises
        ------
        ValueError
            If there is no run.
        """
        import xarray as xr

        if self._first is None:
            raise ValueError("combine: no run to join")
        order, failed = self._ordered(self._added), self._ordered(errors or {})
        story = self._story.text(order, [{"at": self.at(i), "error": errors[i]} for i in failed])
        variables = {
            n: ((*self.dims, *self._first.dims[n]), self._whole(n)) for n in [*self._arrays]
        }
        coords = {n: (self._first.dims[n], v) for n, v in self._shared.items()}
        coords |= {d: ((d,), values) for d, values in self.axes.items()}
        coords["epoch"] = (("epoch",), self.epochs)
        labels = [self._widths.get(w, "") for w in self.axes["pulse_width"]]
        coords["width_label"] = (("pulse_width",), labels)
        joined = xr.Dataset(variables, coords)
        for name in self.dims[: -len(GRID)]:
            joined[name].attrs = _label(name)
        for name, attrs in self._first.labels.items():
            if name in joined.variables:
                joined[name].attrs = attrs
        joined.attrs = {
            "title": f"feemu sweep on {', '.join(sorted(self._tasks))}",
            "provenance": story,
        }
        return schema.annotate(joined)

    def _ordered(self, numbers: Iterable[int]) -> list[int]:
        return sorted(numbers, key=lambda i: [rank(v) for v in self.stands[i]])

    def _begin(self, run: Run) -> None:
        self._first, self.epochs = run, run.values["epoch"].copy()
        leave = {*self.dims, "width_label", "epoch"}
        self._shared = {n: run.values[n].copy() for n in run.coordinates - leave}
        for name, value in run.values.items():
            if name not in run.coordinates:
                self._arrays[name] = np.zeros((*self.lead, *value.shape), value.dtype)
        self._seen = np.zeros((*self.lead, len(self.epochs)), bool)

    def _check(self, run: Run) -> None:
        """Raise a ValueError unless a run has the same layers, pulse kinds and so on."""
        first = self._first
        names = {n for n in first.values if first.dims[n] == (n,) and n != "epoch"}
        for name in sorted(names):
            one, other = first.values[name], run.values.get(name, np.empty(0))
            if not _same(one, other):
                raise ValueError(
                    f"combine: dimension {name!r} is {one.tolist()} in one run and "
                    f"{other.tolist()} in another; combine runs of networks with as many layers, "
                    "on devices with the same pulse kinds"
                )
        if lacking := sorted(self._arrays.keys() - run.values.keys() - {*schema.SOME}):
            raise ValueError(
                f"combine: a run has no {', '.join(lacking)}, another has; run the older one again"
            )

    def _open(self, run: Run) -> None:
        """Make room for what only some runs have: NaN for the others."""
        for name in schema.SOME:
            if name in run.values and name not in self._arrays:
                self._arrays[name] = np.full(self.lead, np.nan)
                self._first.dims[name] = run.dims[name]

    def _extend(self, epochs: np.ndarray) -> None:
        at = (*(slice(None),) * len(self.lead), np.searchsorted(epochs, self.epochs))

        def wider(values: np.ndarray) -> np.ndarray:
            out = np.zeros((*self.lead, len(epochs), *values.shape[len(at) :]), values.dtype)
            out[at] = values
            return out

        for name in [n for n in self._arrays if "epoch" in self._first.dims[n]]:
            self._arrays[name] = wider(self._arrays[name])
        self._seen, self.epochs = wider(self._seen), epochs

    def _whole(self, name: str) -> np.ndarray:
        """Return one variable, NaN (or False) where there is no run."""
        values = self._arrays.pop(name)
        if self._seen.all() or values.dtype == bool:
            return values
        values = values.astype(np.float64, copy=False)
        timed = "epoch" in self._first.dims[name]
        values[~(self._seen if timed else self._seen.any(axis=-1))] = np.nan
        return values


def _same(one: np.ndarray, other: np.ndarray) -> bool:
    return one.shape == other.shape and np.array_equal(
        one, other, equal_nan=one.dtype.kind == other.dtype.kind == "f"
    )


def _label(name: str) -> dict:
    """Return unit and long name of a further dimension: those of the case's field, if it is one."""
    for field in dataclasses.fields(Case):
        if name == field.name:
            meta = field.metadata["param"]
            return {"units": meta["unit"] or "1", "long_name": meta["doc"]}
    return {"units": "1", "long_name": name.replace("_", " ")}
