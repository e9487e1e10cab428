"""``import feemu``: cheap and complete."""

import inspect
import pkgutil
import subprocess
import sys


def python(code):
    run = [sys.executable, "-c", code]
    seen = subprocess.run(run, capture_output=True, text=True, timeout=60, check=True)
    return seen.stdout.strip()


def test_import_is_cheap_and_loads_nothing():
    code = (
        "import time; t = time.process_time(); import feemu, sys;"
        "assert time.process_time() - t < 0.5;"
        "print([m for m in ('numpy', 'numba', 'xarray', 'matplotlib') if m in sys.modules])"
    )
    assert python(code) == "[]"


def test_every_public_name_is_there():
    import feemu

    for name in feemu.__all__:
        assert getattr(feemu, name) is not None
        assert name in dir(feemu)


def test_no_public_name_is_that_of_a_module():
    """Importing a module would put it in the place of the function."""
    import feemu

    modules = {m.name for m in pkgutil.iter_modules(feemu.__path__)}
    shared = {name for name in feemu.__all__ if name in modules}
    assert all(inspect.ismodule(getattr(feemu, name)) for name in shared)


def test_unknown_attribute_is_an_attribute_error():
    assert python("import feemu; print(hasattr(feemu, 'trian'))") == "False"
