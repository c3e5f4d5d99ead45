"""Ops that call back into Python.

The function is an object of the process that traced the graph: it stands in the node's private attribute
`PYTHON_FUNCTION`, takes the input arrays and returns a sequence of the output arrays. It goes into no file, so a loaded
graph has none, and loading one never runs Python.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from ..errors import PermissionDeniedError
from ..op import Array, Call, Kernel, Op, Site, register

__all__ = ["PYTHON_FUNCTION", "eager_py_func", "py_func", "py_func_stateless"]

PYTHON_FUNCTION = "_python_function"


def _kernel(s: Site) -> Kernel:
    function: Callable[..., Sequence[Array]] | Any = s.attrs.get(PYTHON_FUNCTION)
    if not callable(function):
        raise s.unsupported(
            f"it calls a Python function of the process that made the graph ({s['token'].decode(errors='replace')}), "
            "which is in no file: compute what it does with ops, or outside the graph"
        )
    if s.env is None or not s.env.limits.allow_python:
        raise s.error(
            "the graph calls back into Python; allow it with Limits(allow_python=True)", PermissionDeniedError
        )
    return function


def _python_call(name: str, doc: str, attrs: str = "", flags: str = "") -> Op:
    return register(
        Op(
            f"{name}(input: list(Tin)) -> (output: list(Tout)) | token: string; {attrs}Tin: list(type) >=0; "
            f"Tout: list(type) >=0{flags}",
            _kernel,
            doc,
        )
    )


eager_py_func: Op = _python_call(
    "EagerPyFunc", "What a Python function of tensors returns.", "is_async: bool=false; ", " | stateful"
)
py_func: Op = _python_call("PyFunc", "What a Python function of numpy arrays returns.", flags=" | stateful")
py_func_stateless: Op = _python_call(
    "PyFuncStateless", "What a Python function of numpy arrays without effects returns."
)
py_func.not_differentiable()
py_func_stateless.not_differentiable()


@eager_py_func.grad
def _(c: Call, *gs: Any) -> list[Any]:
    gradients: list[Any] = c.attrs[PYTHON_FUNCTION].gradient(c.inputs, gs)
    return gradients
