"""What converted code calls in place of Python's statements and operators.

Each decides by the values it is given: on tensors it builds the graph, on anything else it does what Python does.
"""

from __future__ import annotations

from .asserts import assert_stmt
from .conditionals import if_exp, if_stmt
from .lists import (
    GetItemOpts,
    ListPopOpts,
    ListStackOpts,
    get_item,
    list_append,
    list_pop,
    list_stack,
    new_list,
    set_item,
    update_item_with_op,
)
from .logical import and_, eq, not_, not_eq, or_
from .loops import for_stmt, while_stmt
from .scopes import FunctionScope, with_function_scope
from .variables import Undefined, UndefinedReturnValue, ld, ldu

__all__ = [
    "FunctionScope",
    "GetItemOpts",
    "ListPopOpts",
    "ListStackOpts",
    "Undefined",
    "UndefinedReturnValue",
    "and_",
    "assert_stmt",
    "eq",
    "for_stmt",
    "get_item",
    "if_exp",
    "if_stmt",
    "ld",
    "ldu",
    "list_append",
    "list_pop",
    "list_stack",
    "new_list",
    "not_",
    "not_eq",
    "or_",
    "set_item",
    "update_item_with_op",
    "while_stmt",
    "with_function_scope",
]
