"""Plans: a function compiled to one straight-line Python function.

`compile_function` schedules the nodes, binds a kernel for each, and writes Python source that calls them in order:

    def plan(a0, a1):
        v0 = k0(a0, c0)
        v1 = k1(v0, a1)
        del v0
        return [v1]

Kernels and constants are the function's globals, so that a call costs the kernels and a few loads. A value is
dropped after its last use. When a kernel fails, the line of the generated source says which node it was.
"""

from __future__ import annotations

from .codegen import compile_function

__all__ = ["compile_function"]
