r"""The text form of functions: what people read, and what tests of passes are written in.

    func @f(%x: float32[?,3], %w: resource[]<float32[3,2]>) -> (y: float32[?,2]) {
      %read = ReadVariableOp(%w) : float32[3,2]
      %mm = MatMul(%x, %read) {transpose_b=false} : float32[?,2] ^other
      return %mm ^other
    }

``%name`` is the first output of a node (or an argument), ``%name:1`` its second. Behind the colon stand the types of
the outputs (``float32`` alone where not even the rank is known), behind ``^`` what must run before. Attributes appear
unless they have their default, or the types of inputs and outputs tell them. Values of attributes are ``3``, ``0.5``,
``true``, ``"bytes\x00"``, ``float32``, ``[2,?]`` (a shape or a list), ``?`` (a shape of unknown rank), ``@function`` and
``tensor<int32[2]>[1, 2]``; large tensors are shortened to ``tensor<int32[1000]>...`` unless asked for in full.
``stateful func``, attributes of the function (``attributes {...}``), of arguments and devices (``on "..."``) appear
where there are any. A ``#`` starts a comment.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np

from .dtypes import DType, bool, float32, float64, string
from .ir import Function, FunctionRef, Library, Node, Value
from .shapes import Shape, known_size
from .signature import MISSING, Arg, Signature

__all__ = ["implied_attrs", "print_function", "print_module", "print_node"]

_LARGE = 16  # elements: what larger tensors hold is rarely what one looks for
_PLAIN = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_./->$")


def print_module(functions: Library | Iterable[Function], full: bool_ = False) -> str:
    """The text of all functions of a library, or of these."""
    several = [functions[name] for name in functions] if isinstance(functions, Library) else functions
    return "\n".join(print_function(f, full) for f in several)
