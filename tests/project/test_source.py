"""What holds for every source file: length, docstrings, compiler options; and a cheap import."""

import ast
import inspect
import re
import subprocess
import sys
from pathlib import Path

import pytest

import feemu

ROOT = Path(feemu.__file__).parent
FILES = sorted(ROOT.rglob("*.py"))
#: Lines of a file.
LONGEST = 400


def name_of(path):
    return path.relative_to(ROOT).as_posix()


def public_parts(tree):
    """Yield (name, node) of public functions, classes and methods of a module."""
    for node in tree.body:
        if not isinstance(node, (ast.FunctionDef, ast.ClassDef)) or node.name.startswith("_"):
            continue
        yield node.name, node
        if isinstance(node, ast.ClassDef):
            for inner in node.body:
                if isinstance(inner, ast.FunctionDef) and not inner.name.startswith("_"):
                    yield f"{node.name}.{inner.name}", inner


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_file(path):
    text = path.read_text()
    assert text.count("\n") <= LONGEST, f"{name_of(path)} has more than {LONGEST} lines: split it"
    tree = ast.parse(text)
    assert ast.get_docstring(tree) or not text.strip(), "a module says what it is for"
    bare = [f"{n.lineno}: {name}" for name, n in public_parts(tree) if not ast.get_docstring(n)]
    assert not bare, "without a docstring"


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_docstrings_begin_with_a_sentence(path):
    tree = ast.parse(path.read_text())
    texts = {
        name: ast.get_docstring(node) for name, node in [("module", tree), *public_parts(tree)]
    }
    first = {name: text.split("\n\n")[0] for name, text in texts.items() if text}
    assert not {name: text for name, text in first.items() if text[-1] not in ".:"}


def test_no_loose_arithmetic_and_no_parallel_loops():
    """Sums keep their order, but for reads of an array against the direction of its rows."""
    loose = r"fastmath\s*=\s*(?!False|\{\"reassoc\"\}\)$)|@reordered\b"
    wrong = re.compile(rf"{loose}|parallel\s*=\s*(?!False)|\bprange\b")
    found = [
        f"{name_of(path)}:{number}: {line.strip()}"
        for path in FILES
        for number, line in enumerate(path.read_text().splitlines(), 1)
        if wrong.search(line)
    ]
    reads = r"array/reading\.py:\d+: @reordered$"
    assert not [one for one in found if not re.search(reads, one)] and len(found) == 2
    from feemu import _numba, rng
    from feemu.array import trains

    kernels = [_numba.jit(lambda: 0), _numba.internal(lambda: 0), _numba.inline(lambda: 0)]
    for kernel in [*kernels, rng.fill_words, trains.coincidence]:
        options = kernel.targetoptions
        assert not options.get("fastmath") and not options.get("parallel")


def test_no_compilation_outside_the_one_place():
    found = [
        name_of(path)
        for path in FILES
        if path.name != "_numba.py" and re.search(r"\bnumba\b.*\bn?jit\b|@njit", path.read_text())
    ]
    assert not found


def test_import_takes_less_than_two_seconds():
    """CPU time of ``import feemu`` and of all it offers, in a fresh interpreter: 2 s and 6 s."""
    code = (
        "import time; import feemu; first = time.process_time();"
        "[getattr(feemu, n) for n in feemu.__all__]; print(first, time.process_time())"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    first, everything = map(float, done.stdout.split())
    print(f"import feemu: {first:.2f} s, all public names: {everything:.2f} s")
    assert first < 2 and everything < 6


def test_public_names_have_docstrings():
    for name in feemu.__all__:
        value = getattr(feemu, name)
        if inspect.isroutine(value) or inspect.isclass(value) or inspect.ismodule(value):
            assert inspect.getdoc(value), name


def test_errors_and_texts_name_no_machine():
    """Sources and tests hold no absolute path of a machine."""
    places = re.compile(r"[\"'( ](/home/|/root/|/Users/)")
    tests = [p for p in Path(__file__).resolve().parents[1].rglob("*.py") if p != Path(__file__)]
    found = [p.name for p in [*FILES, *tests] if places.search(p.read_text())]
    assert not found
