"""`CompositeTensor`: a value that is made of tensors and passes wherever a tensor does."""

from __future__ import annotations

from typing import Any

from .type_spec import TypeSpec

__all__ = ["CompositeTensor"]


class CompositeTensor:
    """The base of values made of several tensors.

    A subclass has a property `_type_spec`, the `TypeSpec` of the value, which takes the value apart and puts it
    together. That is all it needs to be an argument and a result of functions, and to be saved.
    """

    _counts_as_tensor = True  # does `is_tensor` say so?

    @property
    def _type_spec(self) -> TypeSpec:
        raise NotImplementedError(f"{type(self).__name__} does not say what its _type_spec is")

    def __tf_tracing_type__(self, context: Any) -> TypeSpec:
        return self._type_spec
