"""A function's syntax tree, from the file it was defined in.

A file is parsed once, and its tree kept; a definition is found by name and first line, a lambda by the positions its
bytecode carries. Lines and columns are the file's own.
"""

from __future__ import annotations

import ast
import linecache
import sys
import threading
from collections import OrderedDict
from types import FunctionType
from typing import Any

from .errors import InaccessibleSourceError, UnsupportedSyntaxError

__all__ = ["Definition", "definition"]

_KEPT_FILES = 32


class Definition:
    """Where and how a function is defined.

    Attributes:
        node: a `FunctionDef` or `Lambda`; shared, so copy before a change.
        class_name: the innermost class around it, or None.
        lines: the file.
        filename: its name.
    """

    __slots__ = ("class_name", "filename", "lines", "node")

    def __init__(self, node: Any, class_name: str | None, lines: list[str], filename: str) -> None:
        self.node = node
        self.class_name = class_name
        self.lines = lines
        self.filename = filename


class _Index(ast.NodeVisitor):
    """The definitions and lambdas of a file, by first line and name ("<lambda>" for those), with their class."""

    def __init__(self) -> None:
        self.found: dict[tuple[int, str], list[tuple[Any, str | None]]] = {}
        self._class: str | None = None

    def _add(self, line: int, name: str, node: Any) -> None:
        self.found.setdefault((line, name), []).append((node, self._class))
        self.generic_visit(node)

    def visit_ClassDef(self, node: ast.ClassDef) -> None:
        before, self._class = self._class, node.name
        self.generic_visit(node)
        self._class = before

    def visit_FunctionDef(self, node: ast.FunctionDef) -> None:
        self._add(min([node.lineno, *(d.lineno for d in node.decorator_list)]), node.name, node)

    def visit_Lambda(self, node: ast.Lambda) -> None:
        self._add(node.lineno, "<lambda>", node)


class _Files:
    """The files parsed last."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._kept: OrderedDict[str, tuple[list[str], _Index]] = OrderedDict()

    def index(self, filename: str, lines: list[str]) -> _Index:
        """The index of a file whose lines are `lines`.

        Raises:
            SyntaxError: it is no Python.
        """
        with self._lock:
            kept = self._kept.get(filename)
            if kept is not None and kept[0] is lines:
                self._kept.move_to_end(filename)
                return kept[1]
        index = _Index()
        index.visit(ast.parse("".join(lines)))
        with self._lock:
            self._kept[filename] = lines, index
            while len(self._kept) > _KEPT_FILES:
                self._kept.popitem(last=False)
        return index


_files = _Files()


def definition(function: FunctionType) -> Definition:
    """The definition of a Python function.

    Raises:
        InaccessibleSourceError: there is no file, or it is not the one that the function was compiled from.
        UnsupportedSyntaxError: several lambdas stand in one line, and nothing tells which is meant.
    """
    code = function.__code__
    linecache.checkcache(code.co_filename)
    lines = linecache.getlines(code.co_filename, function.__globals__)
    if not lines:
        raise InaccessibleSourceError(
            f"there is no source code of {function!r} (file '{code.co_filename}'). Functions typed at an interactive "
            "prompt or made by exec have none: define them in a file."
        )
    try:
        index = _files.index(code.co_filename, lines)
    except SyntaxError as e:
        raise InaccessibleSourceError(
            f"'{code.co_filename}', where {function!r} was defined, is no Python: {e}"
        ) from None
    found = index.found.get((code.co_firstlineno, code.co_name), [])
    if not found:
        raise InaccessibleSourceError(
            f"'{code.co_filename}' does not define {function!r} in line {code.co_firstlineno}: it has changed."
        )
    node, class_name = found[0] if len(found) == 1 else _the_one(function, found)
    return Definition(node, class_name, lines, code.co_filename)


def _the_one(function: FunctionType, found: list[tuple[Any, str | None]]) -> tuple[Any, str | None]:
    """Which of several definitions in one line is this function's."""
    code = function.__code__
    names = code.co_varnames[: code.co_argcount + code.co_kwonlyargcount]
    fitting = [f for f in found if _parameters(f[0].args) == names]
    if len(fitting) > 1 and sys.version_info >= (3, 11):
        spans = [
            (line, column)
            for line, _, column, _ in code.co_positions()
            if line is not None and column is not None and (line, column) != (code.co_firstlineno, 0)
        ]
        containing = [f for f in fitting if all(_begin(f[0]) <= s < _end(f[0]) for s in spans)]
        fitting = sorted(containing, key=lambda f: _begin(f[0]))[-1:]  # the innermost begins last
    if len(fitting) != 1:
        raise UnsupportedSyntaxError(
            f"several lambdas with the same parameters stand in line {code.co_firstlineno} of '{code.co_filename}': "
            f"put each in a line of its own, so that the source of {function!r} is known."
        )
    return fitting[0]


def _parameters(args: ast.arguments) -> tuple[str, ...]:
    return tuple(a.arg for a in [*args.posonlyargs, *args.args, *args.kwonlyargs])


def _body(node: Any) -> tuple[ast.AST, ast.AST]:
    return (node.body, node.body) if isinstance(node, ast.Lambda) else (node.body[0], node.body[-1])


def _begin(node: Any) -> tuple[int, int]:
    first: Any = _body(node)[0]
    return first.lineno, first.col_offset


def _end(node: Any) -> tuple[int, int]:
    last: Any = _body(node)[1]
    return last.end_lineno, last.end_col_offset
