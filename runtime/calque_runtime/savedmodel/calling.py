"""Loaded functions as Python callables."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from calque_runtime.dtypes import resource
from calque_runtime.environment import Environment
from calque_runtime.errors import InvalidArgumentError
from calque_runtime.ir import Function, Value
from calque_runtime.structure import TensorSpecValue

from .matching import (
    ArgumentError,
    Convention,
    SignatureMismatchError,
    canonicalize,
    describe,
    describe_spec,
    flat_specs,
    match,
    pack,
)
from .metagraph import ConcreteFunctionInfo, FunctionSpec
from .shortcut import Call, plain_key, shortcut

if TYPE_CHECKING:
    from ..plan.bound import BoundPlan

__all__ = [
    "ArgumentError",
    "Concrete",
    "ConcreteFunction",
    "RestoredFunction",
    "SignatureFunction",
    "SignatureMismatchError",
]


class Concrete:
    """One concrete function of a loaded model, ready to be called with flat arrays.

    Attributes:
        name: its name in the library.
        info: what was saved of it: structures of arguments and result.
        bound: the objects behind its captures, as the factory made them.
        env: where it runs.
    """

    def __init__(
        self,
        name: str,
        info: ConcreteFunctionInfo,
        env: Environment,
        bound: Sequence[Any],
        captures: Callable[[], list[Any]],
    ) -> None:
        self.name = name
        self.info = info
        self.env = env
        self.bound = bound
        self._captures = captures
        self._resolved: list[Any] | None = None
        self._plan: BoundPlan | None = None

    @property
    def function(self) -> Function:
        """The graph, decoded on first use."""
        return self.env.library[self.name]

    @property
    def captures(self) -> list[Any]:
        """What its last arguments are bound to: variables' states, arrays, other resources."""
        if self._resolved is None:
            self._resolved = self._captures()
        return self._resolved

    def run(self, flat: Sequence[Any]) -> list[Any]:
        """The flat results for flat arguments, captures not among them; compiled on the first call."""
        plan = self._plan
        if plan is None:
            self.check(len(flat))
            plan = self._plan = self.env.bound(self.function, self.captures)
        return plan(*flat)

    def plan_for(self, flat: Sequence[Any]) -> Callable[..., list[Any]] | None:
        """The plan for arrays of just these shapes, if there is one."""
        return None if self._plan is None else self._plan.specialized(flat)

    def check(self, given: int | None = None) -> None:
        """Do function, saved signature and captures fit each other?

        Args:
            given: how many flat arguments a call gives; default: as many as the signature has.

        Raises:
            InvalidArgumentError: they do not: the model contradicts itself.
        """
        function, captures = self.function, self.captures
        arguments = list(flat_specs(self.info.input_signature))
        given = len(arguments) if given is None else given
        count = given + len(captures)
        if count != len(function.inputs):
            raise InvalidArgumentError(
                None,
                None,
                f"function '{self.name}' takes {len(function.inputs)} arguments, but its saved signature and "
                f"captures make {count}",
            )
        if len(arguments) == given:
            _check_types(f"argument of function '{self.name}'", arguments, function.inputs[:given])
        for capture, value in zip(captures, function.inputs[given:], strict=True):
            array = isinstance(capture, (np.ndarray, np.generic))
            fits = capture.dtype == value.dtype.np if array else value.dtype.np == np.dtype(object)
            if not fits or (array and value.dtype is resource):
                raise InvalidArgumentError(
                    None,
                    None,
                    f"function '{self.name}' takes {value.dtype.name} as '{value.node.name}', but it is bound to "
                    f"{describe(capture)}",
                )
        results = list(flat_specs(self.info.output_signature))
        if len(results) != len(function.outputs):
            raise InvalidArgumentError(
                None,
                None,
                f"function '{self.name}' gives {len(function.outputs)} results, but its saved signature has "
                f"{len(results)}",
            )
        _check_types(f"result of function '{self.name}'", results, function.outputs)

    def __repr__(self) -> str:
        return f"<concrete function {self.name}{self.signature}>"

    @property
    def signature(self) -> str:
        """Arguments and result, for people."""
        positional, keyword = self.info.input_signature
        parts = [describe_spec(one) for one in positional]
        parts += [f"{name}={describe_spec(one)}" for name, one in keyword.items()]
        return f"({', '.join(parts)}) -> {describe_spec(self.info.output_signature)}"


def _check_types(what: str, specs: Sequence[TensorSpecValue | None], values: Sequence[Value]) -> None:
    for spec, value in zip(specs, values, strict=True):
        if spec is not None and spec.dtype.base_dtype is not value.dtype.base_dtype:
            raise InvalidArgumentError(
                None,
                None,
                f"a {what} is '{value.node.name}' of type {value.dtype.name}, but {spec.dtype.name} in its saved "
                f"signature",
            )


class RestoredFunction:
    """A loaded polymorphic function: a call picks the concrete function that fits.

    Attributes:
        concrete_functions: in the order in which a call tries them.
        spec: how it is called; None where the file does not say.
        name: the attribute it was saved under.
    """

    def __init__(
        self,
        concrete_functions: Sequence[Concrete],
        spec: FunctionSpec | None,
        name: str = "",
        convention: Convention | None = None,
    ) -> None:
        self.concrete_functions = tuple(concrete_functions)
        self.spec = spec
        self.name = name
        self.convention = convention or Convention()
        self._shortcuts: dict[Any, Call] = {}

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Call the concrete function that fits the arguments.

        Args:
            *args: arrays; Python numbers, strings and lists become arrays where the function wants one, and must
                equal the saved value where it was traced with a Python value.
            **kwargs: the same.

        Returns:
            The result in the structure in which it was saved: arrays, numbers and bytes for scalars.

        Raises:
            ArgumentError: an argument is missing or not taken (also a TypeError).
            SignatureMismatchError: no concrete function fits (also a ValueError).
        """
        key = plain_key(args, kwargs)
        if key is not None:
            known = self._shortcuts.get(key)
            if known is not None:
                return known(args, kwargs)
        if self.spec is not None:
            positional, keyword = canonicalize(self.spec, args, kwargs, self.name)
        else:
            positional, keyword = args, kwargs
        for convert in (False, True):
            for concrete in self.concrete_functions:
                flat: list[Any] = []
                if _fits(concrete.info, positional, keyword, flat, self.convention, convert):
                    result = _call(concrete, flat, self.convention)
                    if key is not None:
                        _learn(self._shortcuts, key, args, kwargs, flat, concrete, self.convention)
                    return result
        raise self._mismatch(positional, keyword)

    def _mismatch(self, positional: tuple[Any, ...], keyword: dict[str, Any]) -> SignatureMismatchError:
        names = list(self.spec.args) if self.spec is not None else []
        if self.spec is not None and self.spec.is_method:
            names = names[1:]
        names += [f"argument {i}" for i in range(len(names), len(positional))]
        came = [f"  {name} = {describe(value)}" for name, value in zip(names, positional, strict=False)]
        came += [f"  {name} = {describe(value)}" for name, value in keyword.items()]
        lines = [
            "Could not find matching concrete function to call loaded from the SavedModel.",
            f"No concrete function of '{self.name}' fits this call:",
            *(came or ["  no arguments"]),
        ]
        if not self.concrete_functions:
            lines[0] = "Found zero restored functions for caller function."
            lines.append("It was saved without any: it was never called before it was saved.")
            return SignatureMismatchError(None, None, "\n".join(lines))
        lines.append("There are:")
        best: tuple[int, int, list[str]] | None = None
        for i, concrete in enumerate(self.concrete_functions):
            lines.append(f"  {i + 1}. {concrete.signature}")
            problems = _problems(concrete.info, positional, keyword, names, self.convention)
            if best is None or len(problems) < best[0]:
                best = (len(problems), i, problems)
        if best is not None and best[2]:
            lines.append(f"The nearest is {best[1] + 1}: {'; '.join(best[2])}")
        return SignatureMismatchError(None, None, "\n".join(lines))

    def __repr__(self) -> str:
        count = len(self.concrete_functions)
        return f"<function {self.name}: {count} concrete function{'s' * (count != 1)}>"


def _fits(
    info: ConcreteFunctionInfo,
    positional: tuple[Any, ...],
    keyword: dict[str, Any],
    flat: list[Any],
    convention: Convention,
    convert: bool,
) -> bool:
    wanted, wanted_keyword = info.input_signature
    if len(wanted) != len(positional) or len(wanted_keyword) != len(keyword):
        return False
    for spec, value in zip(wanted, positional, strict=True):
        if not match(spec, value, flat, convention, convert, "", None):
            return False
    return not wanted_keyword or match(wanted_keyword, keyword, flat, convention, convert, "", None)


def _problems(
    info: ConcreteFunctionInfo,
    positional: tuple[Any, ...],
    keyword: dict[str, Any],
    names: Sequence[str],
    convention: Convention,
) -> list[str]:
    wanted, wanted_keyword = info.input_signature
    problems: list[str] = []
    if len(wanted) != len(positional):
        problems.append(f"{len(positional)} positional arguments came, it wants {len(wanted)}")
    for spec, value, name in zip(wanted, positional, names, strict=False):
        match(spec, value, [], convention, True, f"'{name}'", problems)
    for name in sorted({*wanted_keyword, *keyword}):
        if name not in keyword:
            problems.append(f"'{name}' is missing")
        elif name not in wanted_keyword:
            problems.append(f"'{name}' is not taken")
        else:
            match(wanted_keyword[name], keyword[name], [], convention, True, f"'{name}'", problems)
    return problems


def _call(concrete: Concrete, flat: list[Any], convention: Convention) -> Any:
    results = iter(concrete.run(flat))
    try:
        return pack(concrete.info.output_signature, results, convention)
    except StopIteration:
        raise InvalidArgumentError(
            None, None, f"function '{concrete.name}' gives fewer results than its saved signature says"
        ) from None


def _learn(
    shortcuts: dict[Any, Call],
    key: Any,
    args: tuple[Any, ...],
    kwargs: dict[str, Any],
    flat: Sequence[Any],
    concrete: Concrete,
    convention: Convention,
) -> None:
    """Remember the way of a call that has been answered."""
    if type(convention) is not Convention:
        return
    plan = concrete.plan_for(flat)
    way = shortcut(args, kwargs, flat, plan, concrete.info.output_signature)
    if way is not None:
        if len(shortcuts) >= _MOST_SHORTCUTS:
            shortcuts.clear()
        shortcuts[key] = way


_MOST_SHORTCUTS = 64


class ConcreteFunction:
    """A loaded function of one signature.

    Arguments are its flat tensors, by name (`argument_keywords`), the first few by position as well; where the file
    says how the Python function was called, it can be called that way, too.

    Attributes:
        concrete: what runs.
        argument_keywords: the names of its tensors, in order.
    """

    def __init__(
        self,
        concrete: Concrete,
        argument_keywords: Sequence[str],
        allowed_positional: int,
        spec: FunctionSpec | None,
        name: str = "",
        convention: Convention | None = None,
    ) -> None:
        self.concrete = concrete
        self.argument_keywords = tuple(argument_keywords)
        self.name = name or concrete.name
        self.convention = convention or Convention()
        self.defaults: Mapping[str, Any] = {}
        self._allowed = allowed_positional
        self._structured = (
            None if spec is None else RestoredFunction([concrete], spec, self.name, self.convention)
        )
        self._specs: dict[str, TensorSpecValue | None] | None = None
        self._shortcuts: dict[Any, Call] = {}

    @property
    def inputs(self) -> dict[str, TensorSpecValue | None]:
        """What is known of each flat argument, by its name."""
        if self._specs is None:
            specs = list(flat_specs(self.concrete.info.input_signature))
            if len(specs) != len(self.argument_keywords):
                specs = [None] * len(self.argument_keywords)
            self._specs = dict(zip(self.argument_keywords, specs, strict=True))
        return self._specs

    @property
    def structured_outputs(self) -> Any:
        """The structure of the result, with a spec for each tensor."""
        return self.concrete.info.output_signature

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Run it.

        Args:
            *args: arrays, or what becomes one.
            **kwargs: the same by name.

        Returns:
            The result in the structure in which it was saved.

        Raises:
            ArgumentError: an argument is missing or not taken; the message lists what is wanted.
            SignatureMismatchError: one has the wrong dtype or shape.
        """
        key = plain_key(args, kwargs)
        if key is not None:
            known = self._shortcuts.get(key)
            if known is not None:
                return known(args, kwargs)
        if self._is_structured(args, kwargs):
            return self._structured(*args, **kwargs)  # type: ignore[misc]
        given = self._bind(args, kwargs)
        flat: list[Any] = []
        problems: list[str] = []
        for name, spec in self.inputs.items():
            if spec is None:
                flat.append(given[name])
            else:
                match(spec, given[name], flat, self.convention, True, f"input '{name}'", problems)
        if problems:
            raise SignatureMismatchError(None, None, f"'{self.name}': {'; '.join(problems)}")
        result = _call(self.concrete, flat, self.convention)
        if key is not None and len(given) == len(args) + len(kwargs):
            _learn(self._shortcuts, key, args, kwargs, flat, self.concrete, self.convention)
        return result

    def _is_structured(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> bool:
        if self._structured is None:
            return False
        flat_call = len(args) <= self._allowed and set(kwargs) <= set(self.argument_keywords)
        return not flat_call or any(isinstance(v, (list, tuple, dict)) and self._nests() for v in args)

    def _nests(self) -> bool:
        positional, keyword = self.concrete.info.input_signature
        return not all(isinstance(one, TensorSpecValue) for one in (*positional, *keyword.values()))

    def _bind(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> dict[str, Any]:
        """The arguments by name."""
        names = self.argument_keywords
        if len(args) > max(self._allowed, int(len(names) == 1)):
            raise ArgumentError(
                None,
                None,
                f"'{self.name}' takes {self._allowed or 'no'} positional arguments, got {len(args)}; give them "
                f"by name: {self._wants()}",
            )
        given = {**self.defaults, **dict(zip(names, args, strict=False)), **kwargs}
        if len(given) == len(names) == len(args) + len(kwargs) and all(name in given for name in names):
            return given
        twice = [name for name in kwargs if name in names[: len(args)]]
        unexpected = [name for name in kwargs if name not in names]
        missing = [name for name in names if name not in given]
        problems = [
            f"{what} {', '.join(map(repr, which))}"
            for what, which in (("missing", missing), ("unexpected", unexpected), ("given twice", twice))
            if which
        ]
        if problems:
            raise ArgumentError(None, None, f"'{self.name}': {'; '.join(problems)}. It takes {self._wants()}")
        return given

    def _wants(self) -> str:
        inputs = self.inputs.items()
        return ", ".join(k if v is None else f"{k}: {describe_spec(v)}" for k, v in inputs) or "no inputs"

    def __repr__(self) -> str:
        return f"<concrete function {self.name}{self.concrete.signature}>"


class SignatureFunction(ConcreteFunction):
    """A signature of a loaded model: tensors by name in, a dict of tensors by name out."""

    def _is_structured(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> bool:
        return False

    def __repr__(self) -> str:
        inputs = ", ".join(f"{k}: {'?' if v is None else describe_spec(v)}" for k, v in self.inputs.items())
        return f"<signature {self.name}({inputs}) -> {describe_spec(self.structured_outputs)}>"
