"""The one place that decides how kernels are compiled, and where compiled kernels are kept.

No fastmath (sums keep their order, but for those of `reordered`), no parallel; kernels release the
interpreter lock. Numba's own cache looks at one file at a time and would run stale code when a
function in another file changed. Here compiled kernels are kept under a hash of all of feemu's
sources instead, in the user's cache folder; ``FEEMU_KERNEL_CACHE=0`` turns that off, any other
value names a folder.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import numba
import numpy as np
from llvmlite import ir
from numba import config, njit, types
from numba.core import cgutils
from numba.extending import intrinsic

try:
    from numba.core.caching import UserProvidedCacheLocator as _Locator
except ImportError:  # another version of Numba: compile in every process
    _Locator = None

_BYTES = ir.IntType(8).as_pointer()
_OPTIONS = {"nogil": True, "error_model": "numpy", "boundscheck": False, "no_cfunc_wrapper": True}


@cache
def source_hash() -> str:
    """Return the SHA-256 over the names and bytes of all of feemu's Python files."""
    root = Path(__file__).parent
    total = hashlib.sha256(numba.__version__.encode())
    for path in sorted(root.rglob("*.py")):
        total.update(path.relative_to(root).as_posix().encode() + b"\0" + path.read_bytes())
    return total.hexdigest()


@cache
def cache_folder() -> Path | None:
    """Return the folder of compiled kernels, or None where there is none to write to."""
    named = os.environ.get("FEEMU_KERNEL_CACHE", "")
    if named == "0" or _Locator is None or not hasattr(config, "CACHE_LOCATOR_CLASSES"):
        return None
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    folder = Path(named or Path(base) / "feemu" / "kernels") / source_hash()[:24]
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError:
        return None
    return folder if os.access(folder, os.W_OK) else None


if _Locator is not None:

    class SourceHashLocator(_Locator):
        """Tells Numba to keep kernels in `cache_folder`, stamped with `source_hash`."""

        def __init__(self, py_func: Callable, py_file: str) -> None:
            self._py_file = py_file
            self._lineno = py_func.__code__.co_firstlineno

        def get_cache_path(self) -> str:
            """Return the folder."""
            return str(cache_folder())

        def get_source_stamp(self) -> str:
            """Return what must be equal for a kernel to be taken from the folder."""
            return source_hash()

        def get_disambiguator(self) -> str:
            """Return what tells functions of one name apart."""
            return f"{Path(self._py_file).stem}-{self._lineno}"

        @classmethod
        def from_function(cls, py_func: Callable, py_file: str) -> SourceHashLocator:
            """Return the locator of one kernel."""
            return cls(py_func, py_file)


def _compile(function: Callable, **more: Any) -> Callable:
    # The hash says nothing about functions outside this package.
    ours = Path(__file__).parent in Path(function.__code__.co_filename).parents
    if not ours or cache_folder() is None:
        return njit(**_OPTIONS, **more)(function)
    before = config.CACHE_LOCATOR_CLASSES
    config.CACHE_LOCATOR_CLASSES = f"{__name__}.SourceHashLocator"
    try:
        return njit(cache=True, **_OPTIONS, **more)(function)
    finally:
        config.CACHE_LOCATOR_CLASSES = before


def jit(function: Callable) -> Callable:
    """Compile a kernel."""
    return _compile(function)


def reordered(function: Callable) -> Callable:
    """Compile a kernel whose sums may be taken in another order, so that they vectorise.

    The order is the compiler's: the same on one machine, while the last bits of a sum differ
    between processors.
    """
    return _compile(function, fastmath={"reassoc"})


def internal(function: Callable) -> Callable:
    """Compile a function that only kernels call: without wrappers for Python, so faster."""
    return _compile(function, no_cpython_wrapper=True)


#: For small functions inside hot loops: merged into the caller before LLVM sees the loop, so that
#: the loop around them still vectorises.
inline = njit(inline="always", **_OPTIONS)


def interpreted_fma(a, b, c):
    """Return ``a b + c`` of float32 values, rounded to float64 in between."""
    return np.float32(np.float64(a) * np.float64(b) + np.float64(c))


@intrinsic
def _fma(_, a, b, c):
    def build(context, builder, signature, arguments):
        return builder.fma(*arguments)

    return types.float32(types.float32, types.float32, types.float32), build


@intrinsic
def _prefetch(_, values, at):
    def build(context, builder, signature, arguments):
        array = context.make_array(values)(context, builder, arguments[0])
        place = builder.bitcast(builder.gep(array.data, [arguments[1]]), _BYTES)
        given = [ir.IntType(32)(n) for n in (1, 3, 1)]  # to write, all levels, data
        kind = ir.FunctionType(ir.VoidType(), [place.type, *(n.type for n in given)])
        name = "llvm.prefetch.p0i8"
        builder.call(cgutils.get_or_insert_function(builder.module, kind, name), [place, *given])
        return context.get_dummy_value()

    return types.void(values, at), build


@intrinsic
def _bits_of(_, value):
    def build(context, builder, signature, arguments):
        return builder.bitcast(arguments[0], ir.IntType(32))

    return types.int32(types.float32), build


@intrinsic
def _float_of(_, bits):
    def build(context, builder, signature, arguments):
        return builder.bitcast(arguments[0], ir.FloatType())

    return types.float32(types.int32), build


def interpreted_bits_of(value):
    """Return the bits of a float32 as an int32."""
    return np.float32(value).view(np.int32)


def interpreted_float_of(bits):
    """Return the float32 of the bits of an int32."""
    return np.int32(bits).view(np.float32)


@intrinsic
def _trailing_zeros(_, word):
    def build(context, builder, signature, arguments):
        return builder.cttz(arguments[0], ir.IntType(1)(1))

    return types.uint32(types.uint32), build


def interpreted_trailing_zeros(word):
    """Return the number of zeros below the lowest one of a word (uint32) that is not zero."""
    return np.uint32((int(word) & -int(word)).bit_length() - 1)


def interpreted_prefetch(values, at):
    """Do nothing."""


#: Fetch what lies at a flat place of an array into the caches; a wrong place does no harm.
prefetch = interpreted_prefetch if config.DISABLE_JIT else _prefetch

#: ``a b + c`` of float32 values, rounded once: in kernels a single instruction. Written out because
#: a compiler that fuses on its own does so here and not there.
fma = interpreted_fma if config.DISABLE_JIT else _fma

#: Zeros below the lowest one of a uint32 that is not zero: in kernels a single instruction.
trailing_zeros = interpreted_trailing_zeros if config.DISABLE_JIT else _trailing_zeros

#: A float32 as its bits (int32), and back; Numba's own ``view`` compiles slowly.
bits_of = interpreted_bits_of if config.DISABLE_JIT else _bits_of
float_of = interpreted_float_of if config.DISABLE_JIT else _float_of
