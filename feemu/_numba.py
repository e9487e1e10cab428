"""The one place that decides how kernels are compiled."""

from __future__ import annotations

from numba import njit

# No fastmath (sums keep their order), no parallel, no disk cache (a cached kernel does not
# notice that a function in another file changed). Kernels release the interpreter lock.
jit = njit(nogil=True, error_model="numpy", boundscheck=False)
# For small functions inside hot loops: merged into the caller before LLVM sees the loop, so that
# the loop around them still vectorises.
inline = njit(nogil=True, error_model="numpy", boundscheck=False, inline="always")
