"""``import feemu``: cheap, complete, and functions stay functions."""

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


def test_functions_named_like_their_modules_stay_functions():
    code = (
        "import feemu.train, feemu.sweep, feemu.energy, feemu.energy.pricing;"
        "from feemu.train import Progress; from feemu.energy import EnergyModel;"
        "print(*(callable(f) for f in (feemu.train, feemu.sweep, feemu.energy)))"
    )
    assert python(code) == "True True True"


def test_unknown_attribute_is_an_attribute_error():
    assert python("import feemu; print(hasattr(feemu, 'trian'))") == "False"
