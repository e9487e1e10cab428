"""A study as a TOML file: one setting for all, a grid of those that differ, a search."""

from __future__ import annotations

import contextlib
import dataclasses
import itertools
import re
import tomllib
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

from feemu.algorithms import ALGORITHMS, Algorithm, algorithm
from feemu.case import Case
from feemu.cli.choose import open_device, open_preset
from feemu.cli.measured import fitted_preset
from feemu.devices import Device, DeviceTables, tabulate
from feemu.params import Record, parse_width, unknown
from feemu.sweeping import GRID, free
from feemu.tuning import Search

_OWN = ("device", "pulse_width", "algorithm")
_SET_BY_FEEMU = ("data_sha256", "physics_version")
#: What the search chooses; it cannot be in the grid as well.
SEARCHED = ("lr", "weight_scale")
FIELDS = tuple(f.name for f in dataclasses.fields(Case) if f.name not in _SET_BY_FEEMU)
KNOWN = (*dict.fromkeys((*_OWN, *FIELDS)),)
#: Parts of a device whose parameters can be set, as in ``noise.relative = 0.1``.
PARTS = tuple(f.name for f in dataclasses.fields(Device))
TABLES = ("grid", "algorithms", "search", "measured")


@dataclasses.dataclass(frozen=True)
class Study:
    """What a study file asks for.

    Attributes
    ----------
    cases : list of Case
        One for each point of the grid.
    marks : list of dict
        Its further dimensions, by name.
    axes : dict of list
        The grid: values by name.
    search : Search or None
        Hyper-parameter search of each cell.
    """

    cases: list[Case]
    marks: list[dict]
    axes: dict[str, list]
    search: Search | None


def read_study(path: str | Path, out: str | Path) -> Study:
    """Return the study of a file; everything in it is checked.

    Measured files that it names are fitted first; the fit lies in the folder `out` of the sweep.

    Raises
    ------
    ValueError
        For what is wrong, with its line and the nearest known names.
    """
    return _Reader(Path(path), Path(out)).study()


class _Reader:
    def __init__(self, path: Path, out: Path) -> None:
        self.path, self.out = path, out
        try:
            self.text = path.read_text(encoding="utf-8")
            self.body = tomllib.loads(self.text)
        except OSError as error:
            raise type(error)(f"{path}: cannot be read: {error.strerror or error}") from None
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise ValueError(f"{path}: is no TOML: {' '.join(str(error).split())}") from None
        self.options = self._table("algorithms")
        self.axes = _flat(self._table("grid"))
        whole = {k: v for k, v in self.body.items() if k not in TABLES}
        one = {"algorithm": whole.pop("algorithm")} if "algorithm" in whole else {}
        self.settings = _flat(whole) | one

    def study(self) -> Study:
        """Check everything, and return one case for each point of the grid."""
        for name in self.settings:
            head = name.partition(".")[0]
            with self._at("" if name in self.body else head, name):
                if head not in (KNOWN if head == name else PARTS):
                    raise ValueError(unknown("setting", head, (*KNOWN, *TABLES)))
        self._check_options()
        for name, values in self.axes.items():
            with self._at("grid", name):
                self._check_axis(name, values)
        search = self._search()
        if "measured" in self.body:
            self._fit()
        base = self._base()
        self._check_values(base)
        cases, marks = [], []
        for values in itertools.product(*self.axes.values()):
            at = dict(zip(self.axes, values))
            cases.append(self._case({**self.settings, **at}))
            further = {k: v for k, v in at.items() if k not in GRID}
            marks.append({dimension(k): _scalar(v) for k, v in further.items()})
        return Study(cases, marks, self.axes, search)

    def _table(self, name: str) -> dict:
        found = self.body.get(name, {})
        if not isinstance(found, dict):
            with self._at("", name):
                raise ValueError(f"{name} = {found!r}: must be a table, [{name}]")
        return found

    @contextlib.contextmanager
    def _at(self, table: str, name: str) -> Iterator[None]:
        """Put file and line in front of errors about a key."""
        try:
            yield
        except (ValueError, TypeError, OSError) as error:
            line = line_of(self.text, table, name)
            where = f"{self.path}:{line}" if line else str(self.path)
            raise ValueError(f"{where}: {' '.join(str(error).split())}") from None

    def _check_options(self) -> None:
        for name, options in self.options.items():
            with self._at("algorithms", name):
                if name not in ALGORITHMS:
                    raise ValueError(unknown("algorithm", name, ALGORITHMS))
                if not isinstance(options, dict):
                    raise ValueError(f"{name} = {options!r}: must be a table of its parameters")
            for key, value in options.items():
                with self._at(f"algorithms.{name}", key):
                    algorithm(name, **{key: value})

    def _check_axis(self, name: str, values: Any) -> None:
        head = name.partition(".")[0]
        if head not in (KNOWN if head == name else PARTS):
            raise ValueError(unknown("dimension of the grid", head, KNOWN))
        if not isinstance(values, list) or not values:
            raise ValueError(f"{name} = {values!r:.60}: must be a list such as [{_example(name)}]")
        if name in self.settings:
            raise ValueError(f"{name} is set for all cases as well; leave one of the two out")
        if "search" in self.body and name in SEARCHED:
            raise ValueError(f"{name} is what the search chooses; leave it or [search] out")
        shown = [repr(v) for v in values]
        if len({*shown}) < len(shown):
            raise ValueError(f"{name}: a value stands there twice; every case runs once")
        if name != "algorithm" and any(isinstance(v, (list, dict)) for v in values):
            raise ValueError(f"{name}: the values of a dimension must be numbers or names")

    def _search(self) -> Search | None:
        if "search" not in self.body:
            return None
        table = self._table("search")
        made = Search(tries=10_000, keep=1, lr_min=1e-9, lr_max=1e6)
        names = [f.name for f in dataclasses.fields(Search)]
        for name, value in table.items():
            with self._at("search", name):
                if name not in names:
                    raise ValueError(unknown("setting of the search", name, names))
                given = tuple(value) if isinstance(value, list) else value
                made.replace(**{name: given})
        with self._at("search", next(iter(table), "")):
            return Search(**{k: tuple(v) if isinstance(v, list) else v for k, v in table.items()})

    def _fit(self) -> None:
        """Make the device of all cases the one that the measured files are fitted to."""
        with self._at("measured", "files"):
            if "device" in self.settings or "device" in self.axes:
                raise ValueError("[measured] is the device; leave it or device out")
            table = self._table("measured")
            self.settings["device"] = str(fitted_preset(table, self.path.parent, self.out))

    def _base(self) -> dict:
        """Return the first point of the grid, device and algorithm checked to be there."""
        first = {k: v[0] for k, v in self.axes.items()}
        base = {**self.settings, **first}
        for name, example in (("device", "hzo_superlattice"), ("algorithm", "mixed_precision")):
            if name not in base:
                raise ValueError(f'{self.path}: no {name}; add e.g. {name} = "{example}"')
        return base

    def _check_values(self, base: dict) -> None:
        """Check every value by itself, so that an error names its line."""
        every = [("", k, v) for k, v in self.settings.items()]
        every += [("grid", k, v) for k, values in self.axes.items() for v in values]
        for table, name, value in sorted(every, key=lambda e: _rank(e[1])):
            with self._at(table, name):
                if name == "device":
                    open_preset(self._preset(value))
                elif name == "algorithm":
                    self._algorithm(value)
                elif name == "pulse_width":
                    parse_width(value)
        with self._at("" if "device" in self.settings else "grid", "device"):
            plain = self._case({k: base[k] for k in _OWN if k in base})
        for table, name, value in every:
            with self._at(table, name):
                if name == "pulse_width" or "." in name:
                    own = {k: base[k] for k in _OWN if k in base}
                    self._case({**own, name: value})
                elif name not in _OWN:
                    plain.replace(**{name: self._value(name, value)})

    def _preset(self, name: Any) -> str:
        if not isinstance(name, str):
            raise ValueError(f"device = {name!r}: must be a name or a preset file")
        return str(self.path.parent / name) if name.endswith(".toml") else name

    def _case(self, made: dict) -> Case:
        dotted = tuple((k, v) for k, v in made.items() if "." in k)
        width = made.get("pulse_width")
        fields = {k: self._value(k, v) for k, v in made.items() if k not in _OWN and "." not in k}
        return Case(
            device=_tables(
                self._preset(made["device"]), None if width is None else parse_width(width), dotted
            ),
            algorithm=self._algorithm(made["algorithm"]),
            **fields,
        )

    def _value(self, name: str, value: Any) -> Any:
        if name == "task" and isinstance(value, str) and value.endswith(".npz"):
            return str(self.path.parent / value)
        return tuple(value) if isinstance(value, list) else value

    def _algorithm(self, told: Any) -> Algorithm:
        own = {"name": told} if isinstance(told, str) else told
        if not isinstance(own, dict) or not isinstance(own.get("name"), str):
            raise ValueError(
                f'algorithm {told!r}: must be a name, or a table such as {{ name = "plain_sgd" }}'
            )
        options = {**self.options.get(own["name"], {}), **own}
        return algorithm(options.pop("name"), **options)


def dimension(name: str) -> str:
    """Return the name of the dimension that a grid's key becomes."""
    plain = name.replace(".", "_")
    return plain if free(plain) else f"{plain}_set"


def line_of(text: str, table: str, name: str) -> int:
    """Return the line of a key in a TOML text, 0 if it is not found."""
    here = ""
    key = re.compile(rf"\s*[\"']?{re.escape(name)}[\"']?\s*=")
    inside = f"{table}.{name}".strip(".")
    for number, line in enumerate(text.splitlines(), 1):
        if header := re.match(r"\s*\[+\s*([^\]]+?)\s*\]", line):
            here = header[1]
            if here == inside:
                return number
        elif here == table and key.match(line):
            return number
    return 0


def _flat(table: dict, lead: str = "") -> dict:
    """Return ``{"a.b": 1}`` for ``{"a": {"b": 1}}``."""
    out = {}
    for name, value in table.items():
        out |= _flat(value, f"{lead}{name}.") if isinstance(value, dict) else {lead + name: value}
    return out


@cache
def _tables(name: str, width: float | None, changes: tuple[tuple[str, float], ...]) -> DeviceTables:
    device = open_device(name, width, way="take a width nearer to them")  # a study has no option
    for dotted, value in changes:
        device = _changed(device, dotted.split("."), value)
    return tabulate(device)


def _changed(record: Record, parts: list[str], value: float) -> Any:
    head, *rest = parts
    inner = getattr(record, head, None)
    if not rest:
        return record.replace(**{head: value})
    if not isinstance(inner, Record):
        known = [
            f.name
            for f in dataclasses.fields(record)
            if isinstance(getattr(record, f.name), Record)
        ]
        what = "part of a device" if isinstance(record, Device) else f"part of {head!r}"
        raise ValueError(unknown(what, head, known))
    return record.replace(**{head: _changed(inner, rest, value)})


def _rank(name: str) -> int:
    return _OWN.index(name) if name in _OWN else len(_OWN)


def _example(name: str) -> str:
    return {"pulse_width": '"20ns", "20us"', "algorithm": '"plain_sgd"'}.get(name, "0, 1, 2")


def _scalar(value: Any) -> float | str | bool:
    """Return whole numbers as numbers like the others, so that 0 and 0.5 share a dimension."""
    whole = isinstance(value, int) and not isinstance(value, bool)
    return float(value) if whole else value
