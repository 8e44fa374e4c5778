"""The one way kernels are compiled: numba, cached on disk, without the interpreter lock."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar, cast

from numba import njit

Kernel = TypeVar("Kernel", bound=Callable[..., object])


def compiled(function: Kernel) -> Kernel:
    """Compile `function` at its first call; the machine code is cached next to its file.

    No wrapper for C callers, which nobody here is: it takes a tenth of the compile time. No fast-math: sums keep their
    order, so the same input gives the same bytes.
    """
    return cast(Kernel, njit(cache=True, nogil=True, no_cfunc_wrapper=True)(function))  # type: ignore[call-overload]


def inner(function: Kernel) -> Kernel:
    """Compile like `compiled` what only other kernels call: no wrapper for the interpreter either, half the compile time."""
    made = njit(cache=True, nogil=True, no_cfunc_wrapper=True, no_cpython_wrapper=True)(function)  # type: ignore[call-overload]
    return cast(Kernel, made)
