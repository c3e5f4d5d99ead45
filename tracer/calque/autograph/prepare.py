"""What is done to a function's tree before malt's converters see it, and undone afterwards.

- ``super()`` gets the arguments that it finds by itself in a method: ``super(__class__, self)``.
- Private names are spelled out as the compiler spells them in a class: ``self.__x`` becomes ``self._Class__x``.
- The name in ``except E as name`` becomes a node, as malt expects.
- Annotations of local variables go: Python does not evaluate them in a function.
- A `match` statement only finds out which case it is; an `if` statement for each case follows.
- Inner generators and coroutines are hidden from malt, which cannot convert them: they stay what they are.
- What malt would convert into something else is refused.
"""

from __future__ import annotations

import ast
from typing import Any

from .errors import UnsupportedSyntaxError

__all__ = ["Preparation", "dotted"]


class Preparation:
    """A function's tree made ready for malt.

    Args:
        node: its definition, changed in place.
        class_name: the class that it is defined in, or None.

    Attributes:
        node: the tree for malt.
        hidden: what is hidden from it, by the name of what stands in for it.

    Raises:
        UnsupportedSyntaxError: it uses a part of Python that is not converted.
    """

    def __init__(self, node: Any, class_name: str | None) -> None:
        args = node.args
        args.defaults = [ast.copy_location(ast.Constant(None), d) for d in args.defaults]
        args.kw_defaults = [d and ast.copy_location(ast.Constant(None), d) for d in args.kw_defaults]
        for arg in [*args.posonlyargs, *args.args, *args.kwonlyargs, args.vararg, args.kwarg]:
            if arg is not None:
                arg.annotation = None
        if isinstance(node, ast.FunctionDef):
            node.returns = None
            node.decorator_list = []
        _refuse_lifted_assignments(node)
        preparer = _Preparer(class_name)
        self.node = ast.fix_missing_locations(preparer.visit(node))
        self.hidden = preparer.hidden

    def finish(self, node: Any) -> Any:
        """`node`, what the converters made of the tree, with what was done for them alone undone."""
        return _Finisher(self.hidden).visit(node)


def _refuse_lifted_assignments(node: Any) -> None:
    """Refuse ``name := value`` in expressions that become functions of their own, where it would assign elsewhere."""
    for one in ast.walk(node):
        lifted: list[ast.AST] = []
        if isinstance(one, ast.While):
            lifted = [one.test]
        elif isinstance(one, ast.BoolOp):
            lifted = list(one.values)
        elif isinstance(one, ast.IfExp):
            lifted = [one.body, one.orelse]
        elif isinstance(one, ast.Compare) and len(one.ops) > 1:
            lifted = [one]
        if any(isinstance(inner, ast.NamedExpr) for part in lifted for inner in ast.walk(part)):
            raise UnsupportedSyntaxError(
                f"line {one.lineno}: ':=' is not supported in the condition of a while statement, nor within 'and', "  # type: ignore[attr-defined]
                "'or', a chained comparison or a branch of a conditional expression; assign in a statement before."
            )


class _Preparer(ast.NodeTransformer):
    """See the module; `hidden` has what malt must not see, by the name that stands in for it."""

    def __init__(self, class_name: str | None) -> None:
        self.hidden: dict[str, ast.stmt] = {}
        self._matches = 0
        self._in_class = False
        self._mangled = _mangled(class_name)
        self._first: list[str | None] = []  # the first parameter of each function around

    def _private(self, name: str) -> str:
        if self._mangled and name.startswith("__") and not name.endswith("__"):
            return self._mangled + name
        return name

    def visit_ClassDef(self, node: ast.ClassDef) -> ast.AST:
        before = self._mangled, self._in_class
        self._mangled, self._in_class = _mangled(node.name), True
        self.generic_visit(node)
        self._mangled, self._in_class = before
        return node

    def _function(self, node: Any) -> ast.AST:
        if self._first and isinstance(node, ast.FunctionDef):
            node.name = self._private(node.name)
        first = [*node.args.posonlyargs, *node.args.args]
        in_class, self._in_class = self._in_class, False
        self._first.append(first[0].arg if first else None)
        self.generic_visit(node)
        self._first.pop()
        self._in_class = in_class
        if self._first and isinstance(node, ast.FunctionDef) and _is_generator(node):
            return self._hide(node)
        return node  # type: ignore[no-any-return]

    def visit_AsyncFunctionDef(self, node: ast.AsyncFunctionDef) -> ast.AST:
        return self._hide(node)

    def _hide(self, node: Any) -> ast.AST:
        """An assignment that reads what the definition `node` reads, to stand in for it."""
        name = f"ag__hidden_{len(self.hidden)}"
        self.hidden[name] = node
        seen = ast.Lambda(_no_arguments(), _reads(node))
        call = ast.Call(ast.Attribute(ast.Name("ag__", ast.Load()), name, ast.Load()), [seen], [])
        return _placed(ast.Assign([ast.Name(node.name, ast.Store())], call), node)  # type: ignore[no-any-return]

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

    def visit_Match(self, node: ast.Match) -> list[ast.stmt]:
        self.generic_visit(node)
        self._matches += 1
        chosen, subject = f"match_{self._matches}", f"match_{self._matches}_subject"
        cases, branches = [], []
        for number, case in enumerate(node.cases):
            renamed = _Captures(f"{chosen}_")
            pattern = renamed.visit(case.pattern)
            guard = None if case.guard is None else renamed.visit(case.guard)
            cases.append(ast.match_case(pattern, guard, [_assigned(chosen, ast.Constant(number))]))
            captured: list[ast.stmt] = [
                _assigned(name, ast.Name(new, ast.Load())) for name, new in renamed.names.items()
            ]
            branches.append((number, captured + case.body))
        ifs: list[ast.stmt] = []
        for number, body in reversed(branches):
            test = ast.Compare(ast.Name(chosen, ast.Load()), [ast.Eq()], [ast.Constant(number)])
            ifs = [ast.If(test, body, ifs)]
        match = ast.Match(ast.Name(subject, ast.Load()), cases)
        statements = [
            _assigned(subject, node.subject),
            _assigned(chosen, ast.Constant(-1)),
            ast.Expr(
                ast.Lambda(_no_arguments(), _reads(match))
            ),  # malt does not see what patterns and guards read
            match,
            *ifs,
        ]
        return [_placed(one, node) for one in statements]

    def visit_AnnAssign(self, node: ast.AnnAssign) -> ast.AST:
        self.generic_visit(node)
        if self._in_class:
            return node
        if node.value is None:
            return ast.copy_location(ast.Pass(), node)
        return ast.copy_location(ast.Assign([node.target], node.value, lineno=node.lineno), node)


class _Captures(ast.NodeTransformer):
    """Renames what a pattern captures, in the pattern and in its guard; `names` has the new names by the old."""

    def __init__(self, prefix: str) -> None:
        self._prefix = prefix
        self.names: dict[str, str] = {}

    def _new(self, name: str | None) -> str | None:
        return None if name is None else self.names.setdefault(name, self._prefix + name)

    def _capture(self, node: Any) -> ast.AST:
        node.name = self._new(node.name)
        return self.generic_visit(node)

    visit_MatchAs = visit_MatchStar = _capture

    def visit_MatchMapping(self, node: ast.MatchMapping) -> ast.AST:
        node.rest = self._new(node.rest)
        return self.generic_visit(node)

    def visit_Name(self, node: ast.Name) -> ast.AST:
        node.id = self.names.get(node.id, node.id)
        return node


class _Finisher(ast.NodeTransformer):
    def __init__(self, hidden: dict[str, ast.stmt]) -> None:
        self._hidden = hidden
        self._in_pattern = False

    def visit_ExceptHandler(self, node: Any) -> ast.AST:
        self.generic_visit(node)
        if isinstance(node.name, ast.Name):
            node.name = node.name.id
        return node  # type: ignore[no-any-return]

    def visit_Assign(self, node: ast.Assign) -> ast.AST:
        called = node.value.func if isinstance(node.value, ast.Call) else None
        if isinstance(called, ast.Attribute) and called.attr in self._hidden:
            return self._hidden[called.attr]
        return self.generic_visit(node)

    def visit_match_case(self, node: ast.match_case) -> ast.AST:
        self._in_pattern = True
        node.pattern = self.visit(node.pattern)
        self._in_pattern = False
        return self.generic_visit(node)

    def visit_Call(self, node: ast.Call) -> ast.AST:
        if self._in_pattern and dotted(node.func) == ("ag__", "ld"):
            return node.args[0]  # patterns take plain names
        return self.generic_visit(node)


def _mangled(class_name: str | None) -> str | None:
    """What the compiler puts in front of a private name in a class; None where there is none."""
    name = (class_name or "").lstrip("_")
    return f"_{name}" if name else None


def _is_generator(function: ast.FunctionDef) -> bool:
    waiting: list[ast.AST] = list(function.body)
    while waiting:
        node = waiting.pop()
        if isinstance(node, (ast.Yield, ast.YieldFrom)):
            return True
        if not isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda, ast.ClassDef)):
            waiting += ast.iter_child_nodes(node)
    return False


def _reads(node: ast.AST) -> ast.Tuple:
    """A tuple of the names read in `node` that it does not assign itself."""
    names = [n for n in ast.walk(node) if isinstance(n, ast.Name)]
    own = {n.id for n in names if not isinstance(n.ctx, ast.Load)}
    own |= {n.arg for n in ast.walk(node) if isinstance(n, ast.arg)}
    return ast.Tuple([ast.Name(i, ast.Load()) for i in sorted({n.id for n in names} - own)], ast.Load())


def _no_arguments() -> ast.arguments:
    return ast.arguments([], [], None, [], [], None, [])


def _assigned(name: str, value: ast.expr) -> ast.Assign:
    return ast.Assign([ast.Name(name, ast.Store())], value)


def _placed(node: Any, like: ast.AST) -> Any:
    """`node`, with the places that are missing in it taken from `like`."""
    return ast.fix_missing_locations(ast.copy_location(node, like))


def dotted(func: ast.expr) -> tuple[str, ...] | None:
    """``a.b.c`` as a tuple of names; None for what is no such thing."""
    names: list[str] = []
    while isinstance(func, ast.Attribute):
        names.append(func.attr)
        func = func.value
    if not isinstance(func, ast.Name):
        return None
    return (func.id, *reversed(names))
