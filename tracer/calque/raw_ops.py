"""`tf.raw_ops`: every op under its registry name, inputs and attributes by keyword: ``raw_ops.MatMul(a=x, b=y)``."""

from __future__ import annotations

from typing import Any

from .api.arguments import tensor
from .api.raw import raw

__all__: list[str] = []


def __getattr__(name: str) -> Any:
    if name.startswith("_"):
        raise AttributeError(name)
    op = raw(name)

    def call(**kwargs: Any) -> Any:
        given = dict(kwargs)
        inputs = []
        for arg in op.signature.inputs:
            if arg.name not in given:
                raise TypeError(f"{name}() is missing the argument '{arg.name}'")
            value = given.pop(arg.name)
            inputs.append([tensor(v, arg.dtype) for v in value] if arg.is_list else tensor(value, arg.dtype))
        return op(*inputs, **given)

    call.__name__ = call.__qualname__ = name
    call.__doc__ = op.__doc__
    return call
