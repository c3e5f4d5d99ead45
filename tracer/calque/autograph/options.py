"""What a conversion covers: `Feature` and `ConversionOptions`."""

from __future__ import annotations

import ast
import enum
from collections.abc import Iterable
from typing import Any

__all__ = ["ConversionOptions", "Feature"]


class Feature(enum.Enum):
    """Optional parts of AutoGraph, for ``tf.function(experimental_autograph_options=...)``.

    Attributes:
        ALL: all of them.
        AUTO_CONTROL_DEPS: keep effects in program order in `to_graph` too. calque always does.
        ASSERT_STATEMENTS: ``assert`` on a tensor is checked when the graph runs.
        BUILTIN_FUNCTIONS: ``print`` of a tensor prints its value when the graph runs.
        EQUALITY_OPERATORS: ``==`` and ``!=`` on tensors are `tf.equal`, whatever the tensor's own operator does.
        LISTS: ``[]``, ``append``, ``pop``, ``l[i]`` and ``l[i] = x`` work on lists kept in the graph.
        NAME_SCOPES: ops of a function are named after it.
    """

    ALL = "ALL"
    AUTO_CONTROL_DEPS = "AUTO_CONTROL_DEPS"
    ASSERT_STATEMENTS = "ASSERT_STATEMENTS"
    BUILTIN_FUNCTIONS = "BUILTIN_FUNCTIONS"
    EQUALITY_OPERATORS = "EQUALITY_OPERATORS"
    LISTS = "LISTS"
    NAME_SCOPES = "NAME_SCOPES"

    @classmethod
    def all(cls) -> tuple[Feature, ...]:
        """Every feature."""
        return tuple(cls.__members__.values())

    @classmethod
    def all_but(cls, exclude: Feature | Iterable[Feature]) -> tuple[Feature, ...]:
        """Every feature but these."""
        left_out = {exclude} if isinstance(exclude, Feature) else set(exclude)
        return tuple(f for f in cls if f not in left_out | {cls.ALL})


class ConversionOptions:
    """How a function is converted. Immutable.

    Args:
        recursive: convert the functions that it calls as well.
        user_requested: the user asked for this function by name, so that no list of exceptions holds it back.
        internal_convert_user_code: convert user code at all (not only builtins).
        optional_features: a `Feature`, several, or None.

    Raises:
        TypeError: an optional feature is no `Feature`.
    """

    def __init__(
        self,
        recursive: bool = False,
        user_requested: bool = False,
        internal_convert_user_code: bool = True,
        optional_features: Any = Feature.ALL,
    ) -> None:
        self.recursive = recursive
        self.user_requested = user_requested
        self.internal_convert_user_code = internal_convert_user_code
        if optional_features is None:
            optional_features = ()
        elif isinstance(optional_features, Feature):
            optional_features = (optional_features,)
        self.optional_features = frozenset(optional_features)
        for feature in self.optional_features:
            if not isinstance(feature, Feature):
                raise TypeError(
                    f"autograph options are members of tf.autograph.experimental.Feature, not {feature!r}."
                )

    def _key(self) -> tuple[Any, ...]:
        return self.recursive, self.user_requested, self.internal_convert_user_code, self.optional_features

    def __hash__(self) -> int:
        return hash(self._key())

    def __eq__(self, other: object) -> bool:
        return isinstance(other, ConversionOptions) and self._key() == other._key()

    def uses(self, feature: enum.Enum) -> bool:
        """Is the feature on? Takes `Feature` and the converters' own enumeration of the same names."""
        return Feature.ALL in self.optional_features or Feature[feature.name] in self.optional_features

    def call_options(self) -> ConversionOptions:
        """The options for the functions that it calls."""
        return ConversionOptions(self.recursive, False, self.recursive, self.optional_features)

    def to_ast(self) -> ast.expr:
        """The expression that makes these options in converted code."""
        if self == _STANDARD:
            return _expression("ag__.STD")
        features = "".join(f"ag__.{f}, " for f in sorted(self.optional_features, key=lambda f: f.name))
        return _expression(
            f"ag__.ConversionOptions(recursive={self.recursive}, user_requested={self.user_requested}, "
            f"internal_convert_user_code={self.internal_convert_user_code}, optional_features=({features}))"
        )


def _expression(source: str) -> ast.expr:
    return ast.parse(source, mode="eval").body


_STANDARD = ConversionOptions(recursive=True, optional_features=None)
