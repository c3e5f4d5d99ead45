"""`BuiltinOptimizer`: what the constructors and configs of Keras's own optimizers have in common."""

from __future__ import annotations

import inspect
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from ...variable import Variable
from .optimizer import Optimizer

__all__ = ["BuiltinOptimizer"]

# The arguments that follow an optimizer's own, in this order, and their defaults.
_OPTIONS: dict[str, Any] = {
    "weight_decay": None,
    "clipnorm": None,
    "clipvalue": None,
    "global_clipnorm": None,
    "use_ema": False,
    "ema_momentum": 0.99,
    "ema_overwrite_frequency": None,
    "jit_compile": True,
    "name": None,
}


class BuiltinOptimizer(Optimizer):
    """An optimizer with a learning rate and other hyperparameters, which are attributes and part of its config.

    The constructors of subclasses name their own arguments, and take the options of `Optimizer` behind them, by
    position as ``*others`` or by name as ``**options``; their signature shows them all.

    Args:
        learning_rate: a number, variable, schedule, or function without arguments.
        others: options by position.
        options: options by name.
        **hyperparameters: the others.

    Raises:
        TypeError: there are too many, or one twice.
    """

    _hyperparameters: ClassVar[tuple[str, ...]] = ()  # what the config has, besides the learning rate
    _defaults: ClassVar[dict[str, Any]] = {}  # of options: the name, and where they differ from `_OPTIONS`
    _own_options: ClassVar[tuple[str, ...]] = ()  # options that the constructor names itself
    __signature__: ClassVar[inspect.Signature | None] = None

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        constructor = inspect.signature(cls.__init__)
        if "others" not in constructor.parameters:
            cls.__signature__ = None  # that of a subclass is its constructor's
            return
        kind = inspect.Parameter.POSITIONAL_OR_KEYWORD
        own = [p for p in list(constructor.parameters.values())[1:] if p.kind is kind]
        options = [inspect.Parameter(n, kind, default=d) for n, d in cls._option_defaults().items()]
        rest = inspect.Parameter("kwargs", inspect.Parameter.VAR_KEYWORD)
        cls.__signature__ = inspect.Signature([*own, *options, rest])

    @classmethod
    def _option_defaults(cls) -> dict[str, Any]:
        defaults = {**_OPTIONS, **cls._defaults}
        return {name: value for name, value in defaults.items() if name not in cls._own_options}

    def __init__(
        self,
        learning_rate: Any,
        others: Sequence[Any],
        options: Mapping[str, Any],
        **hyperparameters: Any,
    ) -> None:
        defaults = self._option_defaults()
        if len(others) > len(defaults):
            raise TypeError(
                f"{type(self).__name__} takes at most {len(defaults)} arguments after its own, which are "
                f"{', '.join(defaults)}; {len(others)} were given."
            )
        by_position = dict(zip(defaults, others, strict=False))
        twice = sorted(by_position.keys() & options.keys())
        if twice:
            raise TypeError(f"{type(self).__name__} got multiple values for argument {', '.join(twice)}.")
        super().__init__(**{**defaults, **by_position, **options})
        self._learning_rate = self._build_learning_rate(learning_rate)
        for name, value in hyperparameters.items():
            setattr(self, name, value)

    def _slots(self, name: str, var_list: Sequence[Variable]) -> list[Variable]:
        """A slot variable of zeros for each variable."""
        return [self.add_variable_from_reference(variable, name) for variable in var_list]

    def _pairs(
        self, first: str, second: str, var_list: Sequence[Variable]
    ) -> tuple[list[Variable], list[Variable]]:
        """Two slot variables for each variable, made one variable after the other."""
        made = [
            (self.add_variable_from_reference(v, first), self.add_variable_from_reference(v, second))
            for v in var_list
        ]
        return [a for a, _ in made], [b for _, b in made]

    def get_config(self) -> dict[str, Any]:
        """The arguments to make such an optimizer from."""
        own = {name: getattr(self, name) for name in self._hyperparameters}
        return super().get_config() | {"learning_rate": self._configured_rate()} | own
