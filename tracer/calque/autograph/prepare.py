"""What is done to a function's tree before malt's converters see it.

- ``super()`` gets the arguments that it finds by itself in a method: ``super(__class__, self)``.
- Private names are spelled out as the compiler spells them in a class: ``self.__x`` becomes ``self._Class__x``.
- The name in ``except E as name`` becomes a node, as malt expects; `finish` makes it a string again.
- Annotations of local variables go: Python does not evaluate them in a function.
"""

from __future__ import annotations

import ast
from typing import Any

__all__ = ["dotted", "finish", "prepare"]


def prepare(node: Any, class_name: str | None) -> Any:
    """Change `node`, a definition inside the class `class_name` (or None), in place."""
    args = node.args
    args.defaults = [ast.copy_location(ast.Constant(None), d) for d in args.defaults]
    args.kw_defaults = [d and ast.copy_location(ast.Constant(None), d) for d in args.kw_defaults]
    for arg in [*args.posonlyargs, *args.args, *args.kwonlyargs, args.vararg, args.kwarg]:
        if arg is not None:
            arg.annotation = None
    if isinstance(node, ast.FunctionDef):
        node.returns = None
        node.decorator_list = []
    return ast.fix_missing_locations(_Preparer(class_name).visit(node))


class _Preparer(ast.NodeTransformer):
    def __init__(self, class_name: str | None) -> None:
        self._mangled = class_name and class_name.lstrip("_") and f"_{class_name.lstrip('_')}"
        self._first: list[str | None] = []  # the first parameter of each function around

    def _private(self, name: str) -> str:
        if self._mangled and name.startswith("__") and not name.endswith("__"):
            return self._mangled + name
        return name

    def visit_ClassDef(self, node: ast.ClassDef) -> ast.AST:
        return node  # a class of its own, made as it stands

    def _function(self, node: Any) -> ast.AST:
        if self._first and isinstance(node, ast.FunctionDef):
            node.name = self._private(node.name)
        first = [*node.args.posonlyargs, *node.args.args]
        self._first.append(first[0].arg if first else None)
        self.generic_visit(node)
        self._first.pop()
        return node  # type: ignore[no-any-return]

    visit_FunctionDef = visit_Lambda = _function

    def visit_arg(self, node: ast.arg) -> ast.AST:
        node.arg = self._private(node.arg)
        return self.generic_visit(node)

    def visit_Name(self, node: ast.Name) -> ast.AST:
        node.id = self._private(node.id)
        return node

    def visit_Nonlocal(self, node: Any) -> ast.AST:
        node.names = [self._private(n) for n in node.names]
        return node  # type: ignore[no-any-return]

    visit_Global = visit_Nonlocal

    def visit_Attribute(self, node: ast.Attribute) -> ast.AST:
        node.attr = self._private(node.attr)
        return self.generic_visit(node)

    def visit_Call(self, node: ast.Call) -> ast.AST:
        self.generic_visit(node)
        named_super = isinstance(node.func, ast.Name) and node.func.id == "super"
        if named_super and not node.args and not node.keywords and self._first and self._first[-1]:
            names = ("__class__", self._first[-1])
            node.args = [ast.copy_location(ast.Name(n, ast.Load()), node) for n in names]
        return node

    def visit_ExceptHandler(self, node: Any) -> ast.AST:
        self.generic_visit(node)
        if node.name is not None:
            node.name = ast.copy_location(ast.Name(self._private(node.name), ast.Store()), node)
        return node  # type: ignore[no-any-return]

    def visit_AnnAssign(self, node: ast.AnnAssign) -> ast.AST:
        self.generic_visit(node)
        if node.value is None:
            return ast.copy_location(ast.Pass(), node)
        return ast.copy_location(ast.Assign([node.target], node.value, lineno=node.lineno), node)


def finish(node: Any) -> Any:
    """Undo, when the converters are done, what `prepare` did for them alone; changes `node` in place."""
    for one in ast.walk(node):
        if isinstance(one, ast.ExceptHandler) and isinstance(one.name, ast.Name):
            one.name = one.name.id
    return node


def dotted(func: ast.expr) -> tuple[str, ...] | None:
    """``a.b.c`` as a tuple of names; None for what is no such thing."""
    names: list[str] = []
    while isinstance(func, ast.Attribute):
        names.append(func.attr)
        func = func.value
    if not isinstance(func, ast.Name):
        return None
    return (func.id, *reversed(names))
