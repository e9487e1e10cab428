"""A sweep is a map over cases: one shard per case, one labelled Dataset at the end."""

from __future__ import annotations

import json
import logging
import os
import threading
import time
from collections.abc import Callable, Iterable
from concurrent.futures import Executor, ProcessPoolExecutor, as_completed
from contextlib import nullcontext
from functools import lru_cache, partial
from multiprocessing import get_context
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from feemu import schema
from feemu.case import Case
from feemu.store import load, save
from feemu.tasks import Task, load_task
from feemu.train import Progress, train, with_data

if TYPE_CHECKING:
    import xarray as xr

log = logging.getLogger("feemu")

#: Scalars of a run that become dimensions of a sweep.
GRID = ("pulse_width", "algorithm", "seed")


def process_pool(workers: int) -> ProcessPoolExecutor:
    """Return a pool of worker processes.

    They start afresh (spawn), whatever the parent holds, and end when it is killed.
    """
    context = get_context("spawn")
    return ProcessPoolExecutor(workers, context, initializer=_end_with, initargs=(os.getpid(),))


def _end_with(parent: int) -> None:
    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(1.0)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


@lru_cache(maxsize=2)
def _task(name: str, data: str | None) -> Task:
    return load_task(name, data)


def run_case(
    case: Case,
    data: str | None = None,
    folder: str | None = None,
    state: str | None = None,
    progress: Callable[[Progress], None] | None = None,
) -> xr.Dataset:
    """Run one case, or take its shard from `folder` if a valid one is there.

    A shard that does not load is set aside as ``.corrupt`` and run again; a case that was cut
    off continues from its checkpoint. `state` and `progress` as in `feemu.train.train`; without
    its state file a shard does not count.
    """
    task = _task(case.task, data)
    case = with_data(case, task)
    if folder is None:
        return train(case, task, state=state, progress=progress)
    shard = Path(folder) / f"{case.digest()[:32]}.nc"
    checkpoint = shard.with_suffix(".checkpoint.npz")
    if shard.exists() and (state is None or Path(state).exists()):
        try:
            return load(shard)
        except (ValueError, OSError) as error:
            log.warning("shard set aside and run again: %s", error)
            os.replace(shard, shard.with_suffix(".corrupt"))
    ds = train(case, task, checkpoint=checkpoint, state=state, progress=progress)
    save(ds, shard)
    checkpoint.unlink(missing_ok=True)
    return ds


def sweep(
    cases: Iterable[Case],
    *,
    executor: Executor | None = None,
    workers: int = 1,
    data: str | Path | None = None,
    out: str | Path | None = None,
    progress: Callable[[int, int, xr.Dataset], None] | None = None,
    coordinates: list[dict] | None = None,
    states: list[str | Path] | None = None,
    watch: Callable[[Case, Progress], None] | None = None,
) -> xr.Dataset:
    """Run all cases and return one Dataset over pulse width, algorithm and seed.

    Parameters
    ----------
    cases : iterable of Case
        What to run; the result does not depend on their order.
    executor : concurrent.futures.Executor, optional
        Where to run; default: `workers` processes, or this process for one.
    workers : int
        Number of processes when no executor is given.
    data, out : path, optional
        Folder of data files; folder of shards, from which the same sweep resumes.
    progress : callable, optional
        Called with (finished, all, dataset of the finished case).
    coordinates : list of dict, optional
        Further dimensions of each case, such as ``{"states": 50}``.
    states : list of path, optional
        File for the final state of each case.
    watch : callable, optional
        Called with (case, its `Progress`) at each evaluation, where the cases run in this process.

    Returns
    -------
    xarray.Dataset
        Combinations that were not run hold NaN.

    Raises
    ------
    ValueError
        If there is no case, or two cases differ in none of the dimensions.
    """
    cases = list(cases)
    if not cases:
        raise ValueError("sweep: no cases; give at least one feemu.Case")
    _places([_place_of(case) for case in cases], coordinates)
    folder = None if out is None else str(out)
    if folder is not None:
        Path(folder).mkdir(parents=True, exist_ok=True)
    place = None if data is None else str(data)
    files = [None if states is None else str(states[i]) for i in range(len(cases))]
    results: list = [None] * len(cases)
    done = 0
    if executor is None and workers == 1:
        for i, case in enumerate(cases):
            each = None if watch is None else partial(watch, case)
            results[i] = run_case(case, place, folder, files[i], each)
            done += 1
            if progress:
                progress(done, len(cases), results[i])
    else:
        with nullcontext(executor) if executor else process_pool(workers) as pool:
            jobs = {
                pool.submit(run_case, case, place, folder, files[i]): i
                for i, case in enumerate(cases)
            }
            try:
                for job in as_completed(jobs):
                    results[jobs[job]] = job.result()
                    done += 1
                    if progress:
                        progress(done, len(cases), results[jobs[job]])
            except BaseException:
                for job in jobs:
                    job.cancel()
                raise
    return combine(results, coordinates)


def combine(results: list[xr.Dataset], extra: list[dict] | None = None) -> xr.Dataset:
    """Join runs into one Dataset over further dimensions, pulse width, algorithm and seed.

    Parameters
    ----------
    results : list of xarray.Dataset
        Results of `feemu.train.train`.
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
    import xarray as xr

    results = list(results)
    dims, places = _places([_place(ds) for ds in results], extra)
    order = sorted(range(len(results)), key=lambda i: [_rank(v) for v in places[i]])
    results, places = [results[i] for i in order], [places[i] for i in order]
    _check_alike(results)
    axes = {d: _axis([p[i] for p in places]) for i, d in enumerate(dims)}
    epochs = np.unique(np.concatenate([ds["epoch"].values for ds in results]))
    where = [tuple(axes[d].index(p[i]) for i, d in enumerate(dims)) for p in places]
    at = [np.searchsorted(epochs, ds["epoch"].values) for ds in results]
    lead = tuple(len(axes[d]) for d in dims)
    variables = {
        name: ((*dims, *results[0][name].dims), _fill(name, results, where, at, lead, len(epochs)))
        for name in results[0].data_vars
    }
    labels = {
        p[dims.index("pulse_width")]: ds["width_label"].item() for p, ds in zip(places, results)
    }
    kept = _shared_coordinates(results, (*dims, "width_label", "epoch"))
    coords = {**kept, **axes, "epoch": epochs}
    coords["width_label"] = ("pulse_width", [labels[w] for w in axes["pulse_width"]])
    joined = xr.Dataset(variables, coords)
    for name in dims[: -len(GRID)]:
        joined[name].attrs = {"units": "1", "long_name": name.replace("_", " ")}
    joined.attrs = {
        "title": f"feemu sweep on {', '.join(sorted({ds['task'].item() for ds in results}))}",
        "provenance": merge_provenance([ds.attrs["provenance"] for ds in results]),
    }
    return schema.annotate(joined)


def spread_float(ds: xr.Dataset) -> xr.Dataset:
    """Return the sweep with the float baseline of one width repeated at every width.

    The baseline knows no device; where it was run at one width only, the rest is NaN.
    """
    if "float" not in ds["algorithm"].values or ds.sizes["pulse_width"] == 1:
        return ds
    ran = ds["done"].sel(algorithm="float")
    at = ran.any([d for d in ran.dims if d != "pulse_width"]).values.argmax()
    parts = []
    for i in range(ds.sizes["pulse_width"]):
        here = ds.isel(pulse_width=[i])
        source = ds.isel(pulse_width=[int(at)]).assign_coords(
            pulse_width=here["pulse_width"], width_label=here["width_label"]
        )
        parts.append(here.where(here["algorithm"] != "float", source))
    import xarray as xr

    joined = xr.concat(parts, "pulse_width", combine_attrs="override")
    joined["done"] = joined["done"].astype(bool)
    joined.attrs = ds.attrs
    return schema.annotate(joined)


def _places(grid: list[dict], extra: list[dict] | None) -> tuple[list[str], list[tuple]]:
    """Return the dimensions of a sweep, and where each of its runs stands; no two alike."""
    extra = [{} for _ in grid] if extra is None else list(extra)
    if not grid or len(extra) != len(grid) or any(e.keys() != extra[0].keys() for e in extra):
        raise ValueError(
            f"combine: {len(extra)} sets of coordinates for {len(grid)} runs; give one for each "
            "of at least one run, all with the same names"
        )
    dims = [*(d for d in extra[0] if d not in GRID), *GRID]
    places = [tuple({**at, **more}[d] for d in dims) for at, more in zip(grid, extra)]
    if len(set(places)) < len(places):
        twice = next(p for p in places if places.count(p) > 1)
        raise ValueError(
            f"combine: two results at {dict(zip(dims, twice))}; give coordinates that tell them "
            "apart"
        )
    return dims, places


def _check_alike(results: list[xr.Dataset]) -> None:
    """Raise a ValueError unless all runs have the same layers, pulse kinds and so on."""
    for ds in results[1:]:
        for name in (d for d in ds.dims if d != "epoch"):
            one, other = results[0][name].values.tolist(), ds[name].values.tolist()
            if one != other:
                raise ValueError(
                    f"combine: dimension {name!r} is {one} in one run and {other} in another; "
                    "combine runs of networks with as many layers, on devices with the same "
                    "pulse kinds"
                )


def _shared_coordinates(results: list[xr.Dataset], leave: tuple) -> dict:
    """Return the coordinates that are the same in all runs; the others stand in provenance."""
    first = {n: c.variable for n, c in results[0].coords.items() if n not in leave}
    return {
        n: variable
        for n, variable in first.items()
        if all(n in ds and ds[n].variable.equals(variable) for ds in results)
    }


def _rank(value: object) -> tuple:
    return isinstance(value, str), value


def _axis(values: list) -> list:
    """Return the distinct values in order, numbers before names."""
    return sorted(set(values), key=_rank)


def _fill(name: str, results: list, where: list, at: list, lead: tuple, n_epochs: int):
    """Return one variable of all runs in one array, NaN (or False) where there is no run."""
    first = results[0][name]
    timed = "epoch" in first.dims
    own = (n_epochs, *first.shape[1:]) if timed else first.shape
    values = [ds[name].values for ds in results]
    whole = len(results) == np.prod(lead) and all(len(a) == n_epochs for a in at)
    kind = first.dtype if whole or first.dtype == bool else np.float64
    out = np.zeros((*lead, *own), kind)
    if kind == np.float64:
        out[...] = np.nan
    for place, epochs, value in zip(where, at, values):
        if timed:
            out[place][epochs] = value
        else:
            out[place] = value
    return out


def merge_provenance(texts: list[str]) -> str:
    """Return one provenance: what all runs share, and what each case has of its own."""
    bodies = [json.loads(text) for text in texts]
    cases = [body["case"] for body in bodies]
    shared = {k: v for k, v in cases[0].items() if all(c[k] == v for c in cases)}
    own = [{k: v for k, v in case.items() if k not in shared} for case in cases]
    devices = {c["device_sha256"]: c["device"] for c in cases}
    for case in own:
        case.pop("device", None)
    caveats = dict.fromkeys(c for body in bodies for c in body["caveats"])
    head = {k: v for k, v in bodies[0].items() if k not in ("case", "case_sha256", "caveats")}
    merged = {"case": shared, "cases": own, "devices": devices, "caveats": list(caveats)}
    return json.dumps({**head, **merged}, sort_keys=True)


def _place(ds: xr.Dataset) -> dict:
    return {name: ds[name].item() for name in GRID}


def _place_of(case: Case) -> dict:
    return dict(zip(GRID, (case.device.pulse_width, case.algorithm.label, case.seed)))
