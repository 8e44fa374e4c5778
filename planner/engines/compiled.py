"""The one way kernels are compiled: numba, cached on disk, without the interpreter lock.

Compiling is nearly all type inference and lowering in Python, so it is kept small. What only other kernels call is
`compiled_part`, without a wrapper for Python callers (a third of the time of a short function) and without a file in the cache.
The pipeline leaves out numba's passes for what kernels do not use (closures, array expressions, unrolling, parallel loops).
The collector of cyclic garbage, which would walk through all of the compiler's objects again and again, waits meanwhile.
"""

from __future__ import annotations

import gc
import threading
from collections.abc import Callable
from functools import cache
from typing import Any, TypeVar, cast

from numba import njit
from numba.core import typed_passes, untyped_passes
from numba.core.compiler import CompilerBase, DefaultPassBuilder, Flags
from numba.core.compiler_machinery import PassManager
from numba.core.event import Event, Listener, register
from numba.core.registry import CPUDispatcher

from planner.progress import preparing

Kernel = TypeVar("Kernel", bound=Callable[..., object])


class _KernelFlags(Flags):
    """The flags of a kernel as a key of numba's tables.

    Kernels and parts differ only in their wrappers, so what is found for one (which implementation suits which types) holds for
    all. The hash of plain flags is computed from all options at every look-up, a tenth of the time of compiling.
    """

    def __hash__(self) -> int:
        return hash(_KernelFlags)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _KernelFlags)


#: Passes before lowering, in this order.
_PASSES = (
    untyped_passes.TranslateByteCode,
    untyped_passes.FixupArgs,
    untyped_passes.IRProcessing,
    untyped_passes.GenericRewrites,
    untyped_passes.ReconstructSSA,
    typed_passes.NopythonTypeInference,
    typed_passes.PreLowerStripPhis,
)
# numba's compiler is not typed
_Passes: Any = PassManager
_Builder: Any = DefaultPassBuilder
_MadeFlags: Any = _KernelFlags


class _KernelCompiler(CompilerBase):
    """The passes kernels need."""

    def __init__(self, *context: Any) -> None:
        """Take numba's arguments, of which the flags are the last but one."""
        *before, flags, names = context
        make: Any = super().__init__
        make(*before, _MadeFlags(flags), names)

    def define_pipelines(self) -> list[Any]:
        """Return the way from bytecode over types to machine code."""
        passes = _Passes("kernel")
        for one in _PASSES:
            passes.add_pass(one, one.__name__)
        for one, description in _Builder.define_nopython_lowering_pipeline(self.state).passes:
            passes.add_pass(one, description)
        passes.finalize()
        return [passes]


def compiled(function: Kernel) -> Kernel:
    """Compile `function` at its first call; the machine code is cached next to its file.

    No fast-math: sums keep their order, so the same input gives the same bytes.
    """
    options: dict[str, Any] = {
        "cache": True,
        "nogil": True,
        "no_cfunc_wrapper": True,
        "pipeline_class": _KernelCompiler,
    }
    return cast(Kernel, njit(**options)(function))


class _Part(CPUDispatcher):
    """A part called from Python runs as plain Python: there is no wrapper that could call its machine code."""

    def __call__(self, *arguments: Any) -> Any:
        """Return what the function itself returns."""
        return self.py_func(*arguments)


def compiled_part(function: Kernel) -> Kernel:
    """Compile `function` into the kernels that call it; Python that calls it runs it as it stands."""
    options: dict[str, Any] = {"no_cfunc_wrapper": True, "no_cpython_wrapper": True, "pipeline_class": _KernelCompiler}
    part: Any = njit(**options)(function)
    part.__class__ = _Part
    return cast(Kernel, part)


@cache
def part_alone(part: Kernel) -> Kernel:
    """Return a function that Python can call and that only calls the compiled `part`: to test a part by itself."""
    return cast(Kernel, njit(lambda *arguments: part(*arguments)))  # noqa: PLW0108 - the part itself has no wrapper


class _Compiling(Listener):
    """Tells that kernels are being compiled, and holds the garbage collector still meanwhile."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.depth = 0
        self.was_enabled = False

    def on_start(self, _event: Event) -> None:
        """Take the begin of compiling a kernel, one inside it, or one in another thread."""
        with self.lock:
            self.depth += 1
            is_first = self.depth == 1
            if is_first:
                self.was_enabled = gc.isenabled()
                gc.disable()
        if is_first:
            preparing()

    def on_end(self, _event: Event) -> None:
        """Take its end."""
        with self.lock:
            self.depth -= 1
            if self.depth == 0 and self.was_enabled:
                gc.enable()


register("numba:compile", _Compiling())  # type: ignore[no-untyped-call]
