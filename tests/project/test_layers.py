"""The layers: a module imports from lower layers, or from its own without a circle.

Imports inside functions and under TYPE_CHECKING count too.
"""

import ast
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

import feemu

ROOT = Path(feemu.__file__).parent
LAYERS = (
    ("_numba", "rng", "params", "schema"),
    ("devices", "tasks", "mlp", "case"),
    ("array", "energy", "store", "curves", "instrument"),
    ("algorithms", "fit"),
    ("recorder", "state", "training"),
    ("statistics", "sweeping", "tuning", "plots", "report", "bench"),
    ("cli", "testing", "__init__", "__main__"),
)
PLACE = {name: layer for layer, names in enumerate(LAYERS) for name in names}
FILES = sorted(ROOT.rglob("*.py"))


def module_of(path):
    """Return the dotted name of a file, 'feemu' itself being '__init__'."""
    parts = path.relative_to(ROOT).with_suffix("").parts
    if len(parts) > 1 and parts[-1] == "__init__":
        parts = parts[:-1]
    return ".".join(parts)


MODULES = {module_of(path): path for path in FILES}


def resolve(dotted, names):
    """Return the modules of feemu that ``from feemu.dotted import names`` touches."""
    inside = [f"{dotted}.{n}" if dotted else n for n in names]
    found = {m for m in inside if m in MODULES}
    if len(found) < len(names) or not names:
        found.add(dotted or "__init__")
    return found


def imports(text, here, package):
    """Yield (line, module of feemu) for every import statement in the text of a module."""
    parts = here.split(".")
    parts = parts if package else parts[:-1]
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Import):
            for alias in node.names:
                head, _, rest = alias.name.partition(".")
                if head == "feemu":
                    yield from ((node.lineno, m) for m in resolve(rest, []))
        elif isinstance(node, ast.ImportFrom):
            names, dotted = [alias.name for alias in node.names], node.module or ""
            if node.level:
                base = parts[: len(parts) - node.level + 1]
                dotted = ".".join([*base, *filter(None, [dotted])])
            elif dotted.partition(".")[0] == "feemu":
                dotted = dotted.partition(".")[2]
            else:
                continue
            yield from ((node.lineno, m) for m in resolve(dotted, names))


def imports_of(path):
    """Yield (line, module of feemu) for every import statement of a file of feemu."""
    inner = path.name == "__init__.py" and path.parent != ROOT
    yield from imports(path.read_text(), module_of(path), inner)


def test_every_module_has_a_layer():
    tops = {name.split(".")[0] for name in MODULES}
    assert tops == set(PLACE), f"without layer: {tops - set(PLACE)}, gone: {set(PLACE) - tops}"


@pytest.mark.parametrize("path", FILES, ids=module_of)
def test_imports_point_downwards(path):
    own = PLACE[module_of(path).split(".")[0]]
    wrong = [
        f"{path.name}:{line} imports {module}"
        for line, module in imports_of(path)
        if PLACE[module.split(".")[0]] > own
    ]
    assert not wrong


def test_no_circles():
    """Between modules; a package's own ``__init__`` collects from its modules, never back."""
    graph = {name: {m for _, m in imports_of(path)} for name, path in MODULES.items()}
    # The face imports everything, lazily; importing a part of feemu runs it first.
    graph.pop("__init__")
    circle = []
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        circle = error.args[1]
    assert not circle, " <- ".join(circle)


def test_the_check_sees_every_way_to_import():
    text = (
        "import feemu.sweeping\n"
        "from feemu import schema, price\n"
        "from feemu.array import Ledger, running\n"
        "if TYPE_CHECKING:\n    from feemu.training import train\n"
        "def f():\n    from .reading import read\n    from .. import rng\n    import numpy\n"
    )
    found = sorted(imports(text, "array.cells", package=False))
    assert found == [
        (1, "sweeping"), (2, "__init__"), (2, "schema"), (3, "array"), (3, "array.running"),
        (5, "training"), (7, "array.reading"), (8, "rng"),
    ]  # fmt: skip
