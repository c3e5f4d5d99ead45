"""Conversion proper: a Python function becomes one whose control flow is calls of `operators`.

The analysis and the rewriting are malt's (the fork of TensorFlow's AutoGraph outside of TensorFlow). What is rewritten
is compiled straight from its tree, under the name of the user's file and with the user's line numbers, and its helper
functions bear the name of the user's function. So tracebacks, debuggers and the locations that a trace records show the
user's code, and no generated file is ever written.
"""

from __future__ import annotations

import ast
import copy
import threading
import types
import weakref
from typing import Any

from malt.converters import (
    asserts,
    break_statements,
    call_trees,
    conditional_expressions,
    continue_statements,
    control_flow,
    directives,
    functions,
    lists,
    logical_expressions,
    return_statements,
    slices,
    variables,
)
from malt.core import unsupported_features_checker
from malt.lang import directives as malt_directives
from malt.pyct import (
    anno,
    cfg,
    errors,
    inspect_utils,
    naming,
    origin_info,
    qual_names,
    templates,
    transformer,
)
from malt.pyct.static_analysis import activity, reaching_definitions

from . import log
from .errors import UnsupportedSyntaxError
from .experimental import set_loop_options
from .generated import namespace
from .options import ConversionOptions, Feature
from .prepare import Preparation, dotted
from .source import Definition, definition

__all__ = ["source_of", "transpiled"]

_FUTURES = sum(  # the compiler flags of `from __future__ import ...`
    getattr(__import__("__future__"), name).compiler_flag
    for name in __import__("__future__").all_feature_names
)


class _Factory:
    """Converted code, to be bound to a function's globals, closure and defaults.

    Attributes:
        source: what it would read as.
    """

    def __init__(self, code: types.CodeType, source: str) -> None:
        self._code = code
        self.source = source

    def bound(self, function: types.FunctionType) -> types.FunctionType:
        """The converted `function`."""
        cells = dict(zip(function.__code__.co_freevars, function.__closure__ or (), strict=True))
        closure = tuple(cells[name] for name in self._code.co_freevars)
        make = types.FunctionType(self._code, function.__globals__, closure=closure)
        converted: types.FunctionType = make(namespace())
        converted.__name__ = function.__name__
        converted.__qualname__ = function.__qualname__
        converted.__doc__ = function.__doc__
        converted.__defaults__ = function.__defaults__
        converted.__kwdefaults__ = function.__kwdefaults__
        converted.__annotations__ = dict(function.__annotations__)
        return converted


_lock = threading.RLock()
_factories: weakref.WeakKeyDictionary[types.CodeType, dict[Any, _Factory]] = weakref.WeakKeyDictionary()


def transpiled(function: types.FunctionType, options: ConversionOptions) -> types.FunctionType:
    """`function` converted. The work is done once for each code and options, whatever its closure.

    Raises:
        InaccessibleSourceError: its source cannot be had.
        UnsupportedSyntaxError: it uses a part of Python that is not converted.
    """
    return _factory(function, options).bound(function)


def source_of(function: types.FunctionType, options: ConversionOptions) -> str:
    """What the converted `function` would read as. Raises: as `transpiled`."""
    return _factory(function, options).source


def _factory(function: types.FunctionType, options: ConversionOptions) -> _Factory:
    code = function.__code__
    key = options, code.co_filename  # codes are equal though their files differ
    with _lock:
        factories = _factories.setdefault(code, {})
        factory = factories.get(key)
        if factory is None:
            log.log(1, "AutoGraph converts %s", function)
            factory = factories[key] = _made(function, options)
        return factory


class _User:
    """What malt's converters ask of the conversion they belong to."""

    def __init__(self, options: ConversionOptions) -> None:
        self.options = options


def _made(function: types.FunctionType, options: ConversionOptions) -> _Factory:
    found = definition(function)
    names = {n.name for n in ast.walk(found.node) if isinstance(n, (ast.FunctionDef, ast.AsyncFunctionDef))}
    prepared = Preparation(copy.deepcopy(found.node), found.class_name)
    node = prepared.node
    for part in (node, *prepared.hidden.values()):
        _Origins(found).visit(part)
    spaces = inspect_utils.getnamespace(function)
    namer = naming.Namer(spaces)
    is_lambda = isinstance(node, ast.Lambda)
    name = namer.new_symbol("tf__lam" if is_lambda else f"tf__{node.name}", ())
    info = transformer.EntityInfo(name, "".join(found.lines), found.filename, (), spaces)
    try:
        node = prepared.finish(_converted(node, transformer.Context(info, namer, _User(options)), options))
    except errors.UnsupportedLanguageElementError as e:
        raise UnsupportedSyntaxError(str(e)) from e
    if is_lambda:
        node = ast.Assign([ast.Name(name, ast.Store())], node)
    else:
        node.name = name
    source = ast.unparse(ast.fix_missing_locations(node))
    log.log(2, "AutoGraph made of %s:\n%s", function, source)
    _relocate(node, function.__code__.co_firstlineno)
    code = _compiled(node, name, function)
    return _Factory(_renamed(code, function, names), source)


def _converted(node: Any, context: Any, options: ConversionOptions) -> Any:
    """The tree after every converter: in malt's order, each of which relies on those before it."""
    unsupported_features_checker.verify(node)
    returns_early = _returns_early(node)
    graphs = cfg.build(node)
    node = qual_names.resolve(node)
    node = activity.resolve(node, context, None)
    node = reaching_definitions.resolve(node, context, graphs)
    anno.dup(node, {anno.Static.DEFINITIONS: anno.Static.ORIG_DEFINITIONS})

    node = functions.transform(node, context)
    node = _Directives(context).visit(node)
    # The jumps' converters analyze the whole tree, each anew: only what is there is looked for.
    kinds = {type(n) for n in ast.walk(node)}
    if ast.Break in kinds:
        node = break_statements.transform(node, context)
    if options.uses(Feature.ASSERT_STATEMENTS):
        node = _Asserts(context).visit(node)
    if kinds & {ast.Break, ast.Continue}:  # a break becomes an assignment and a continue
        node = continue_statements.transform(node, context)
    if returns_early:
        node = return_statements.transform(node, context)
    if options.uses(Feature.LISTS):
        node = lists.transform(node, context)
        node = slices.transform(node, context)
    node = call_trees.transform(node, context)
    node = control_flow.transform(node, context)
    node = _IfExps(context).visit(node)
    node = logical_expressions.transform(node, context)
    return variables.transform(node, context)


def _returns_early(node: Any) -> bool:
    """Does a function, or one inside it, return anywhere but in its last statement?"""
    functions = [n for n in ast.walk(node) if isinstance(n, ast.FunctionDef)]
    last = {id(f.body[-1]) for f in functions}
    return any(isinstance(n, ast.Return) and id(n) not in last for n in ast.walk(node))


class _Directives(directives.DirectivesTransformer):  # type: ignore[misc]
    """malt's directives, under calque's names."""

    def visit_Name(self, node: Any) -> Any:
        return self._with_malts_directive(super().visit_Name(node))

    def visit_Attribute(self, node: Any) -> Any:
        return self._with_malts_directive(super().visit_Attribute(node))

    def _with_malts_directive(self, node: Any) -> Any:
        path = dotted(node)
        if path is not None and path[-1] == set_loop_options.__name__:
            found = self.ctx.info.namespace.get(path[0])
            for name in path[1:]:
                found = getattr(found, name, None)
            if found is set_loop_options:
                anno.setanno(node, directives.STATIC_VALUE, malt_directives.set_loop_options)
        return node


class _Asserts(asserts.AssertTransformer):  # type: ignore[misc]
    """malt's, with any expression for a message."""

    def visit_Assert(self, node: ast.Assert) -> Any:
        if node.msg is None or isinstance(node.msg, ast.Constant):
            return super().visit_Assert(node)
        self.generic_visit(node)
        return templates.replace("ag__.assert_stmt(test, lambda: msg)", test=node.test, msg=node.msg)


class _IfExps(conditional_expressions.ConditionalExpressionTransformer):  # type: ignore[misc]
    """malt's, which leaves out those within others."""

    def visit_IfExp(self, node: ast.IfExp) -> Any:
        shown = ast.Constant(ast.unparse(node.test))
        node = self.generic_visit(node)
        new = super().visit_IfExp(node)
        new.args[-1] = shown  # the test as the user wrote it
        return new


class _Origins(ast.NodeVisitor):
    """Notes on each node where it stands in the user's file; the converters carry the notes along."""

    def __init__(self, found: Definition) -> None:
        self._found = found

    def visit(self, node: ast.AST) -> None:
        line = getattr(node, "lineno", None)
        if line is not None:
            place = origin_info.Location(self._found.filename, line, node.col_offset)  # type: ignore[attr-defined]
            anno.setanno(
                node,
                anno.Basic.ORIGIN,
                origin_info.OriginInfo(place, None, self._found.lines[line - 1], None),
            )
            anno.setanno(node, "lineno", line)
        self.generic_visit(node)


_PLACED = (ast.expr, ast.stmt, ast.excepthandler, ast.arg, ast.keyword, ast.alias)


def _relocate(node: Any, line: int) -> None:
    """Give each node the user's line, from its note or that of the first noted node in it; else its parent's."""
    mine = _line(node)
    if mine is None:
        mine = next((found for n in ast.walk(node) if (found := _line(n)) is not None), line)
    if isinstance(node, _PLACED):
        node.lineno = node.end_lineno = mine
        node.col_offset = node.end_col_offset = -1  # unknown: no carets in tracebacks
    for child in ast.iter_child_nodes(node):
        _relocate(child, mine)


def _line(node: ast.AST) -> int | None:
    if not isinstance(node, _PLACED):
        return None  # contexts such as Load are shared by all trees, and bear notes of any of them
    origin = anno.getanno(node, anno.Basic.ORIGIN, default=None)
    return None if origin is None else origin.loc.lineno


def _compiled(node: Any, name: str, function: types.FunctionType) -> types.CodeType:
    """The code of a function of ``ag__`` that returns the converted function, free in the names that `function` is."""
    code = function.__code__
    closed_over = "".join(f"    {n} = None\n" for n in code.co_freevars)
    module = ast.parse(
        f"def outer():\n{closed_over}    def make(ag__):\n        return {name}\n    return make\n"
    )
    for n in ast.walk(module):
        if hasattr(n, "lineno"):
            n.lineno = n.end_lineno = code.co_firstlineno  # type: ignore[attr-defined]
            n.col_offset = n.end_col_offset = -1  # type: ignore[attr-defined]
    make: Any = module.body[0].body[-2]  # type: ignore[attr-defined]
    make.body.insert(0, node)
    flags = code.co_flags & _FUTURES
    scope: dict[str, Any] = {}
    exec(compile(module, code.co_filename, "exec", flags, dont_inherit=True), scope)
    made: types.CodeType = scope["outer"]().__code__
    return made


def _renamed(code: types.CodeType, function: types.FunctionType, names: set[str]) -> types.CodeType:
    """`code` with the user's function's name on it and on all its helpers (all but the user's own inner functions)."""

    def rename(part: types.CodeType, name: str, qualified: str) -> types.CodeType:
        own = part.co_name in names or part.co_name == "<lambda>" or part.co_name.startswith("<")
        if own:
            name, qualified = part.co_name, f"{qualified}.<locals>.{part.co_name}"
        inner = tuple(
            rename(c, name, qualified) if isinstance(c, types.CodeType) else c for c in part.co_consts
        )
        changes: dict[str, Any] = {"co_name": name, "co_consts": inner}
        if hasattr(part, "co_qualname"):
            changes["co_qualname"] = qualified
        return part.replace(**changes)

    return rename(code, function.__code__.co_name, function.__qualname__)
