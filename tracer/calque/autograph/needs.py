"""Does a function need conversion at all? Straight-line code that calls nothing but library functions does not.

Such functions, which are common in models, are traced as they stand: nothing is generated for them, and malt is not
imported.
"""

from __future__ import annotations

import ast
import builtins
import types
import weakref
from typing import Any

from .allowlist import is_allowlisted, is_builtin
from .options import ConversionOptions, Feature
from .prepare import dotted
from .source import definition

__all__ = ["needs_conversion"]

_CONTROL = (ast.If, ast.While, ast.For, ast.BoolOp, ast.IfExp, ast.Delete, ast.Yield, ast.YieldFrom)


_known: weakref.WeakKeyDictionary[types.CodeType, dict[Any, _Needs]] = weakref.WeakKeyDictionary()


def needs_conversion(function: types.FunctionType, options: ConversionOptions) -> bool:
    """Must `function` be converted?

    Raises:
        InaccessibleSourceError: its source cannot be had.
        UnsupportedSyntaxError: its source cannot be told from that of others.
    """
    code = function.__code__
    known = _known.setdefault(code, {})
    key = options, code.co_filename
    needs = known.get(key)
    if needs is None:
        needs = known[key] = _Needs(definition(function).node, options)
    return needs.conversion(function)


class _Needs:
    """What a definition consists of, as far as it decides.

    Args:
        node: the definition.
        options: the conversion asked for.
    """

    def __init__(self, node: Any, options: ConversionOptions) -> None:
        self._always = False
        self._calls: set[tuple[str, ...]] = set()
        local = {a.arg for n in ast.walk(node) if isinstance(n, ast.arguments) for a in _arguments(n)}
        local |= {n.id for n in ast.walk(node) if isinstance(n, ast.Name) and not isinstance(n.ctx, ast.Load)}
        for n in _inside(node):
            if isinstance(n, ast.Call):
                path = dotted(n.func)
                if path is None or path[0] in local:
                    self._always = True
                else:
                    self._calls.add(path)
            elif isinstance(n, (ast.Assert, ast.List)):
                feature = Feature.LISTS if isinstance(n, ast.List) else Feature.ASSERT_STATEMENTS
                self._always |= options.uses(feature)
            elif isinstance(n, ast.Compare):
                equality = any(isinstance(op, (ast.Eq, ast.NotEq)) for op in n.ops)
                self._always |= len(n.ops) > 1 or (equality and options.uses(Feature.EQUALITY_OPERATORS))
            elif isinstance(n, _CONTROL) or (isinstance(n, ast.UnaryOp) and isinstance(n.op, ast.Not)):
                self._always = True
            elif isinstance(n, (ast.Subscript, ast.FunctionDef, ast.Import, ast.ImportFrom, ast.ClassDef)):
                # Names that a statement binds hide the globals that calls were resolved in.
                self._always |= not isinstance(n, ast.Subscript) or options.uses(Feature.LISTS)
        self._always |= options.uses(Feature.NAME_SCOPES)

    def conversion(self, function: types.FunctionType) -> bool:
        """Must `function`, of this definition, be converted?"""
        return self._always or not all(_runs_as_it_stands(function, path) for path in self._calls)


def _inside(node: Any) -> list[ast.AST]:
    """The nodes of a definition's body."""
    body = node.body if isinstance(node.body, list) else [node.body]
    return [n for statement in body for n in ast.walk(statement)]


def _arguments(args: ast.arguments) -> list[ast.arg]:
    every = [*args.posonlyargs, *args.args, *args.kwonlyargs, args.vararg, args.kwarg]
    return [a for a in every if a is not None]


def _runs_as_it_stands(function: types.FunctionType, path: tuple[str, ...]) -> bool:
    """Does the global (or builtin, or closed-over module's) ``a.b.c`` name a function that is not converted?"""
    from .operators import py_builtins

    root, *rest = path
    found = function.__globals__.get(root, getattr(builtins, root, None))
    if root in function.__code__.co_freevars:
        cells = dict(zip(function.__code__.co_freevars, function.__closure__ or (), strict=True))
        try:
            found = cells[root].cell_contents
        except ValueError:  # not assigned yet
            return False
        if not isinstance(found, types.ModuleType):
            return False
    for name in rest:
        if not isinstance(found, types.ModuleType):
            return False
        found = vars(found).get(name)
    if is_builtin(found):
        return found is not super and not py_builtins.overloads(found)
    return callable(found) and is_allowlisted(found)
