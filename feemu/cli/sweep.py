"""Run the study of a TOML file: every case of its grid, on processes or on a Dask cluster.

Finished cases are kept in DIR as they end; the same command continues after an interruption or a
power cut, also with a larger grid. A case that fails is told at the end and does not stop the
others; the exit code is 1 then. 'feemu status DIR' shows where it stands.
"""

from __future__ import annotations

import argparse
import contextlib
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from feemu.cli.parser import Parser, at_least_one

if TYPE_CHECKING:
    from feemu.case import Case
    from feemu.cli.study_file import Study

EXAMPLES = [
    "feemu sweep noise.toml --out results/noise --workers 2",
    "feemu sweep noise.toml --out /shared/noise --dask tcp://10.0.0.1:8786",
]
#: Exit code when a case failed.
FAILED = 1


def add_arguments(parser: Parser) -> None:
    """Declare the study, where it goes and how many processes run it."""
    parser.add_argument("study", metavar="STUDY.toml", help="see the README for its form")
    parser.add_argument("--out", required=True, metavar="DIR", help="folder of the results")
    parser.add_argument(
        "--workers", type=at_least_one, default=None, metavar="N", help="processes (1)"
    )
    parser.add_argument(
        "--dask", metavar="ADDRESS", help="scheduler of a Dask cluster, in place of processes"
    )
    parser.add_argument("--data", metavar="DIR", help="folder of data files (FEEMU_DATA)")


def run(options: argparse.Namespace) -> int:
    """Check everything, run what is missing, write the result; 1 if a case failed."""
    from feemu.cli import jobs, text
    from feemu.cli.board import Board
    from feemu.cli.study_file import read_study
    from feemu.energy import price
    from feemu.store import save
    from feemu.sweeping import SHARDS, failures, sweep

    out = Path(options.out).expanduser()
    study = read_study(options.study, out)
    print(text.wrapped("grid", grid_text(study)), flush=True)
    line = text.Line()
    board = Board(line)
    try:
        with _where(options) as where:
            common = {**where, "data": options.data, "watch": board.within}
            cases = study.cases if study.search is None else _searched(study, out, board, common)
            ds = sweep(
                cases,
                out=out / SHARDS,
                coordinates=study.marks,
                progress=board.begin("cases", len(cases)),
                **common,
            )
    except KeyboardInterrupt:
        line.close()
        print(f"feemu: what is finished is kept in {out}; the same command continues",
              file=sys.stderr)  # fmt: skip
        raise
    finally:
        line.close()
    ds = price(ds)
    result = save(ds, out / f"{Path(options.study).stem}.nc")
    record = jobs.write_run_record(result, line, options.workers or options.dask or 1)
    failed = failures(ds.attrs["provenance"])
    print(f"took      {text.seconds(line.elapsed)}")
    print("\n".join(failure_lines(failed) + [f"wrote     {f}" for f in (result, record)]))
    print(f"next      feemu info {result}")
    return FAILED if failed else 0


@contextlib.contextmanager
def _where(options: argparse.Namespace) -> Iterator[dict]:
    """Yield the options of `feemu.sweep` that say where the cases run."""
    from feemu.sweeping import dask_pool

    if options.dask is None:
        yield {"workers": options.workers or 1}
        return
    if options.workers is not None:
        raise ValueError("--workers and --dask exclude each other; a cluster has its own workers")
    with dask_pool(options.dask) as executor:
        print(f"dask      {options.dask}", flush=True)
        yield {"executor": executor}


def grid_text(study: Study) -> str:
    """Return the dimensions of a grid and their product."""
    sizes = [f"{name} {len(values)}" for name, values in study.axes.items()]
    return f"{' x '.join(sizes) or 'one point'}: {len(study.cases):,} cases"


def failure_lines(failed: list[dict]) -> list[str]:
    """Return one line for each case that failed."""
    return [f"failed    {at_text(f['at'])}: {f['error']}" for f in failed]


def at_text(at: dict) -> str:
    """Return a place in a grid for people, e.g. ``'20ns plain_sgd seed 0'``."""
    from feemu.params import format_width

    own = dict(at)
    width, name = format_width(own.pop("pulse_width")), own.pop("algorithm")
    return " ".join([width, name, *(f"{k} {_short(v)}" for k, v in sorted(own.items()))])


def _short(value: object) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)


def _searched(study: Study, out: Path, board, common: dict) -> list[Case]:
    """Return the cases with the hyper-parameters that a search finds for each cell."""
    from feemu.store import save
    from feemu.sweeping import SEARCH
    from feemu.tasks import load_task
    from feemu.tuning import tune

    chosen: dict[int, Case] = {}
    for number, cells in enumerate(_cells(study)):
        firsts = [study.cases[group[0]] for group in cells]
        n_train = firsts[0].train_images or len(load_task(firsts[0].task, common["data"]).train_y)
        options = {**common, "out": out / SEARCH, "progress": board.begin("tries")}
        tuned = tune(firsts, study.search, n_train=n_train, **options)
        for round_, ds in (("first", tuned.first), ("second", tuned.second)):
            save(ds, out / SEARCH / f"cells{number}-{round_}.nc")
        for group, won in zip(cells, tuned.chosen):
            changes = {"lr": won.lr, "weight_scale": won.weight_scale, "algorithm": won.algorithm}
            chosen |= {i: study.cases[i].replace(**changes) for i in group}
    return [chosen[i] for i in range(len(study.cases))]


def _cells(study: Study) -> list[list[list[int]]]:
    """Return groups of cells that one search takes, each cell as the numbers of its cases.

    A cell is a point of the grid but for the seed; cells of one group differ in pulse width and
    algorithm.
    """
    groups: dict[tuple, dict[tuple, list[int]]] = {}
    for i, (case, mark) in enumerate(zip(study.cases, study.marks)):
        cells = groups.setdefault(tuple(mark.items()), {})
        cells.setdefault((case.device.pulse_width, case.algorithm.label), []).append(i)
    return [list(cells.values()) for cells in groups.values()]
