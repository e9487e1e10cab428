"""Draw a result: a sweep or a single run.

Without --kind a sweep over pulse widths gives the study's four pictures, a run with --draws its
bands, anything else the accuracy over the images seen.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from feemu.cli.parser import Parser, number

if TYPE_CHECKING:
    import xarray as xr

EXAMPLES = [
    "feemu plot demo.nc",
    "feemu plot run.nc --kind weights --out weights.svg",
    "feemu plot study.nc --kind epochs-to-target --target 0.95",
]
#: Kind -> function of feemu.plots, and the options that it takes.
KINDS = {
    "study": ("study_figure", ("target",)),
    "accuracy": ("accuracy_over_epoch", ("target",)),
    "accuracy-over-energy": ("accuracy_over_energy", ()),
    "final-accuracy": ("final_accuracy", ()),
    "energy": ("energy_over_width", ("target",)),
    "epochs-to-target": ("epochs_to_target", ("target",)),
    "energy-to-target": ("energy_to_target", ("target",)),
    "time-to-target": ("time_to_target", ("target",)),
    "weights": ("weight_histogram", ()),
    "states": ("state_histogram", ()),
    "draws": ("bands_over_draws", ()),
}
#: Those that cannot be drawn without a target.
_NEED = ("study", "epochs-to-target", "energy-to-target", "time-to-target")
SUFFIXES = (".png", ".pdf", ".svg")
TARGET = 0.9


def add_arguments(parser: Parser) -> None:
    """Declare the file, the picture and where it goes."""
    parser.add_argument("file", metavar="FILE.nc", help="result of 'feemu train' or 'feemu demo'")
    parser.add_argument("--kind", metavar="KIND", help=f"one of {', '.join(KINDS)}")
    parser.add_argument("--target", type=number, metavar="X",
                        help=f"validation accuracy between 0 and 1 ({TARGET})")  # fmt: skip
    parser.add_argument(
        "--out", metavar="FILE", help="picture: .png, .pdf or .svg (FILE.png, FILE.KIND.png)"
    )


def run(options: argparse.Namespace) -> None:
    """Draw and write the picture."""
    from feemu.cli.output import check_output
    from feemu.params import unknown
    from feemu.store import load

    if options.kind is not None and options.kind not in KINDS:
        raise ValueError(unknown("kind of plot", options.kind, KINDS))
    if options.target is not None and not 0 < options.target < 1:
        raise ValueError(f"--target {options.target:g}: allowed is 0 < target < 1, e.g. 0.9")
    of_kind = f".{options.kind}.png" if options.kind else ".png"
    out = check_output(options.out or Path(options.file).with_suffix(of_kind), SUFFIXES)
    if Path(options.file).name == "fit.nc" and Path(options.file).with_name("report.png").is_file():
        raise ValueError(f"{options.file}: a fit, no training; its picture is report.png beside it")
    ds = load(options.file)
    many = "pulse_width" in ds.dims and ds.sizes["pulse_width"] > 1
    kind = options.kind or ("study" if many else "draws" if "draw" in ds.dims else "accuracy")
    if "draw" in ds.dims and kind != "draws":
        raise ValueError(f"--kind {kind} shows one device, {options.file} holds {ds.sizes['draw']} "
                         "drawn from a fit; leave --kind out, or write 'draws'")  # fmt: skip
    print(f"drew      {kind}\nwrote     {draw(ds, kind, out, options.target)}")


def draw(ds: xr.Dataset, kind: str, out: Path, target: float | None = None) -> Path:
    """Write one picture of a result and return its path."""
    from feemu import plots

    name, takes = KINDS[kind]
    if target is not None and "target" not in takes:
        raise ValueError(f"--target does not belong to --kind {kind}; leave it out")
    level = TARGET if target is None and kind in _NEED else target
    options = {"target": level} if "target" in takes and level is not None else {}
    if kind == "study":
        family = _family(ds)
        if family is not None:
            options["family"] = family
    picture = getattr(plots, name)(ds, **options)
    axes = picture[0] if isinstance(picture, list) else picture
    return plots.save_figure(axes, out)


def _family(ds: xr.Dataset):
    """Return the preset behind a result, if it is one of feemu's families."""
    from feemu.devices import Family, preset, preset_names

    name = str(ds["device"].item()) if "device" in ds.coords and ds["device"].ndim == 0 else ""
    found = preset(name) if name in preset_names() else None
    return found if isinstance(found, Family) else None
