"""Fit a measurement: response model, noise, spread, all with intervals.

The folder receives device.toml (for 'feemu train --device'), fit.nc, report.txt and report.png.
What the files do not say is given with --set, e.g. --set unit=uS; 'feemu.curves.Mapping' lists
the settings. A file may be named as label=path with a label such as up, down or 200ns.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from feemu.cli.parser import Parser

if TYPE_CHECKING:
    from feemu.fit import Fit

EXAMPLES = [
    "feemu fit train.csv --out fitted/",
    "feemu fit up.csv down.csv --set unit=A read_voltage=0.1 --out fitted/",
    "feemu fit 20ns=a.csv 200ns=b.csv --model beta --out fitted/",
]


def add_arguments(parser: Parser) -> None:
    """Declare files, settings and the folder."""
    parser.add_argument("files", nargs="+", metavar="FILE", help="measurement, or a TOML of files")
    parser.add_argument("--out", required=True, metavar="DIR", help="folder to write; is made")
    parser.add_argument("--model", metavar="NAME", help="fix the model; default: the best")
    parser.add_argument("--mapping", metavar="TOML", help="what the files do not say, as a file")
    parser.add_argument(
        "--set", nargs="+", default=[], metavar="NAME=VALUE", help="settings of the reader"
    )
    parser.add_argument(
        "--column", nargs="+", default=[], metavar="ROLE=COLUMN", help="column of a role, e.g. up=1"
    )
    parser.add_argument("--name", metavar="TEXT", help="name of the device; else the first file's")


def run(options: argparse.Namespace) -> None:
    """Read, fit, write and print the report."""
    folder = Path(options.out).expanduser()
    if folder.exists() and not folder.is_dir():
        raise NotADirectoryError(f"--out {options.out}: is a file; name a folder")
    given = settings(options.set)
    if options.column:
        given["columns"] = settings(options.column)
    found, text = fit_files(
        options.files, folder, options.mapping, model=options.model, name=options.name, **given
    )
    print(text)
    width = " --pulse-width WIDTH" if len(found.parts) > 1 else ""
    print(f"wrote     {folder}/device.toml, fit.nc, report.txt, report.png")
    print(f"next      feemu train --device {folder}/device.toml{width} --draws 20 --algorithm NAME")


def fit_files(
    files: list[str],
    folder: Path,
    mapping: str | None = None,
    *,
    model: str | None = None,
    name: str | None = None,
    **given: Any,
) -> tuple[Fit, str]:
    """Read, fit and write into a folder; returns the fit and its report.

    Raises
    ------
    ValueError
        For what the reader refuses, an unknown model or setting, or too little data.
    """
    import numpy as np

    from feemu.cli.output import make_folder
    from feemu.curves import read_curves
    from feemu.fit import SHAPES, fit, fit_dataset
    from feemu.fit.preset import preset_text
    from feemu.params import unknown
    from feemu.plots import save_figure
    from feemu.plots.fitted import fit_figure
    from feemu.report.fitted import fit_text
    from feemu.store import write_dataset_atomic, write_text_atomic

    if model is not None and model not in SHAPES:
        raise ValueError(unknown("model", model, SHAPES))
    ds = read_curves(files, mapping, **given)
    if np.isnan(ds["pulse_width"].values).any():
        raise ValueError(
            f"{files[0]}: no pulse width: add --set pulse_width=200ns, a column 'pulse width (s)', "
            "or name the file with it, e.g. train_200ns.csv"
        )
    found = fit(ds, model, name=name or Path(files[0].rpartition("=")[2]).stem)
    make_folder(folder)
    text = fit_text(found)
    write_text_atomic(folder / "device.toml", preset_text(found))
    write_dataset_atomic(fit_dataset(found), folder / "fit.nc")
    write_text_atomic(folder / "report.txt", text)
    save_figure(fit_figure(found), folder / "report.png")
    return found, text


def settings(pairs: list[str]) -> dict:
    """Return NAME=VALUE pairs as a dict.

    Raises
    ------
    ValueError
        For a part that is no such pair.
    """
    out = {}
    for pair in pairs:
        name, equals, value = pair.partition("=")
        if not equals or not name:
            raise ValueError(f"{pair!r}: expected NAME=VALUE, e.g. unit=uS")
        out[name] = value
    return out
