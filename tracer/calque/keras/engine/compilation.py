"""`Compiled`: how a model is trained, by `compile`, and the steps of training that follow from it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from ... import nest
from ...context import functions_run_eagerly, init_scope
from ...gradient.tape import GradientTape
from ...variable import Variable
from ..utils.batches import unpack_x_y_sample_weight
from .compiled import CompiledLoss, CompiledMetrics
from .state import unique
from .steps import Step
from .weights import WeightHolder

__all__ = ["Compiled"]

_IGNORED = frozenset(("cloning", "experimental_run_tf_function", "sample_weight_mode"))  # of older releases


class Compiled(WeightHolder):
    """A model that can be compiled, and its steps, which subclasses may define anew.

    Attributes:
        optimizer: the optimizer.
        loss: what `compile` was given as the loss.
        compiled_loss, compiled_metrics: loss and metrics, made ready for the model's outputs; None before `compile`.
        train_function, test_function, predict_function: what `make_train_function` and the like made; None before.
        train_tf_function: the traced function of a training step, once there is one.
    """

    optimizer: Any
    loss: Any
    compiled_loss: Any
    compiled_metrics: Any
    train_function: Any
    test_function: Any
    predict_function: Any
    _compile_arguments: dict[str, Any] | None

    def _init_trainer(self) -> None:
        """Before the model is compiled."""
        self.__dict__.update(
            optimizer=None,
            loss=None,
            compiled_loss=None,
            compiled_metrics=None,
            stop_training=False,
            history=None,
            _compile_arguments=None,
            _is_compiled=False,
            _run_eagerly=None,
            _jit_compile=None,
            _steps_per_execution=1,
            _batches_of_one_size=False,
            _counters={},
            _was_trainable=[],
        )
        self._forget_functions()

    def _forget_functions(self) -> None:
        self.__dict__.update(
            train_function=None, test_function=None, predict_function=None, _train_step_function=None
        )

    def compile(
        self,
        optimizer: Any = "rmsprop",
        loss: Any = None,
        metrics: Any = None,
        loss_weights: Any = None,
        weighted_metrics: Any = None,
        run_eagerly: bool | None = None,
        steps_per_execution: Any = None,
        jit_compile: bool | None = None,
        pss_evaluation_shards: Any = 0,
        **kwargs: Any,
    ) -> None:
        """Say how the model is trained.

        Args:
            optimizer: an optimizer, its name, or a dict of it; or, for steps of your own, a structure of them.
            loss: a loss (an object, a name, a function of targets and outputs), or a list or dict of them, one for each
                output.
            metrics: metrics (objects, names, functions), in a list for all outputs, or in a list or dict with one or
                several for each. "accuracy" and "crossentropy" are of the kind that fits outputs and targets.
            loss_weights: what the outputs' losses are multiplied by: a list or dict of numbers.
            weighted_metrics: metrics that take sample weights and class weights.
            run_eagerly: run the steps in Python, to debug them?
            steps_per_execution: how many batches are taken between two calls of callbacks; "auto": 1.
            jit_compile: accepted: steps are compiled in any case.
            pss_evaluation_shards: accepted.
            **kwargs: of older releases.

        Raises:
            TypeError: an unknown argument.
            ValueError: an unknown optimizer, or arguments that exclude each other.
        """
        from ..optimizers import get as get_optimizer

        for name in ("distribute", "target_tensors"):
            if kwargs.pop(name, None) is not None:
                raise ValueError(f"`{name}` argument is not supported in `compile()`.")
        steps = steps_per_execution or kwargs.pop("experimental_steps_per_execution", None) or 1
        named = kwargs.pop("from_serialized", False)
        unknown = set(kwargs) - _IGNORED
        if unknown:
            raise TypeError(
                f"Invalid keyword argument(s) in `compile()`: {sorted(unknown)}. Valid keyword arguments include "
                '"cloning", "experimental_run_tf_function", "distribute", "target_tensors", or "sample_weight_mode".'
            )
        if (run_eagerly or self.dynamic) and jit_compile:  # type: ignore[attr-defined]
            raise ValueError("You cannot enable `run_eagerly` and `jit_compile` at the same time.")
        self.optimizer = nest.map_structure(get_optimizer, optimizer)
        names = self.__dict__.get("output_names")
        self.__dict__.update(
            loss={} if loss is None else loss,
            compiled_loss=loss if isinstance(loss, CompiledLoss) else CompiledLoss(loss, loss_weights, names),
            compiled_metrics=CompiledMetrics(metrics, weighted_metrics, names, named),
            _compile_arguments={
                "optimizer": optimizer,
                "loss": loss,
                "metrics": metrics,
                "weighted_metrics": weighted_metrics,
                "loss_weights": loss_weights,
                "run_eagerly": run_eagerly,
                "steps_per_execution": steps_per_execution,
                "jit_compile": jit_compile,
            },
            _is_compiled=True,
            _run_eagerly=run_eagerly,
            _jit_compile=jit_compile,
            _steps_per_execution=1 if steps == "auto" else int(steps),
            _was_trainable=[(layer, layer._state.trainable) for layer in self._flatten_layers()],
        )
        self._forget_functions()

    def get_compile_config(self) -> dict[str, Any] | None:
        """The arguments of `compile` as plain data, for `compile_from_config`; None if it was not called."""
        from ..saving.serialization import serialize_keras_object

        if self._compile_arguments is None:
            return None
        return {
            name: nest.map_structure(serialize_keras_object, value) if nest.is_nested(value) else
            serialize_keras_object(value)
            for name, value in self._compile_arguments.items()
        }  # fmt: skip

    def compile_from_config(self, config: Mapping[str, Any]) -> None:
        """`compile` with what `get_compile_config` gave; makes the optimizer's variables if the model is built."""
        from ..saving.serialization import deserialize_keras_object

        self.compile(**{name: deserialize_keras_object(value) for name, value in config.items()})
        build = getattr(self.optimizer, "build", None)
        if build is not None and self.built:  # type: ignore[attr-defined]
            build(self.trainable_variables)

    @property
    def run_eagerly(self) -> bool:
        """Do the steps run in Python? Settable.

        Raises:
            ValueError: it was set to False, but there are layers that only run so.
        """
        asked, dynamic = self.__dict__["_run_eagerly"], bool(self.dynamic)  # type: ignore[attr-defined]
        if dynamic and asked is False:
            raise ValueError(
                "Your model contains layers that can only be successfully run in eager execution (layers constructed "
                "with `dynamic=True`). You cannot set `run_eagerly=False`."
            )
        return dynamic or bool(asked) or (asked is None and functions_run_eagerly())

    @run_eagerly.setter
    def run_eagerly(self, value: bool | None) -> None:
        self.__dict__["_run_eagerly"] = value

    @property
    def jit_compile(self) -> bool | None:
        """What `compile` was given; of no effect."""
        value: bool | None = self.__dict__["_jit_compile"]
        return value

    @jit_compile.setter
    def jit_compile(self, value: bool | None) -> None:
        self.__dict__["_jit_compile"] = value

    @property
    def steps_per_execution(self) -> int:
        """How many batches are taken between two calls of callbacks. Settable."""
        value: int = self.__dict__["_steps_per_execution"]
        return value

    @steps_per_execution.setter
    def steps_per_execution(self, value: int) -> None:
        self.__dict__["_steps_per_execution"] = int(value)

    def _assert_compile_was_called(self) -> None:
        if not self.__dict__["_is_compiled"]:
            raise RuntimeError(
                "You must compile your model before training/testing. Use `model.compile(optimizer, loss)`."
            )

    @contextmanager
    def _trainable_as_compiled(self) -> Iterator[None]:
        """Within it, layers are trainable as they were when the model was compiled."""
        before = [(layer, layer._state.trainable) for layer, _ in self.__dict__["_was_trainable"]]
        for layer, value in self.__dict__["_was_trainable"]:
            layer._state.trainable = value
        try:
            yield
        finally:
            for layer, value in before:
                layer._state.trainable = value

    # Metrics

    @property
    def metrics(self) -> list[Any]:
        """The mean of the loss, the metrics that `compile` was given, and those of layers."""
        found: list[Any] = []
        if self.__dict__["_is_compiled"]:
            found += self.compiled_loss.metrics + self.compiled_metrics.metrics
        return unique(found + [m for layer in self._flatten_layers() for m in layer._state.metrics])

    @property
    def metrics_names(self) -> list[str]:
        """Their names, in the order in which `evaluate` gives their values."""
        return [metric.name for metric in self.metrics]

    def reset_metrics(self) -> None:
        """Start all metrics over."""
        for metric in self.metrics:
            metric.reset_state()

    def get_metrics_result(self) -> dict[str, Any]:
        """What is measured, by name; a metric that gives a dict gives its entries."""
        found: dict[str, Any] = {}
        for metric in self.metrics:
            result = metric.result()
            if isinstance(result, dict):
                found.update(result)
            else:
                found[metric.name] = result
        return found

    # Steps

    def train_step(self, data: Any) -> Any:
        """A step of training.

        Args:
            data: a batch: inputs, (inputs, targets), or (inputs, targets, sample weights).

        Returns:
            What is measured, by name.

        Raises:
            ValueError: there are no targets, or no loss.
        """
        x, y, sample_weight = unpack_x_y_sample_weight(data)
        with GradientTape() as tape:
            y_pred = self(x, training=True)  # type: ignore[operator]
            loss = self.compute_loss(x, y, y_pred, sample_weight)
        if self.loss and y is None:
            raise ValueError(
                f"Target data is missing. Your model was compiled with loss={self.loss}, and therefore expects target "
                "data to be provided in `fit()`."
            )
        if loss is None:
            raise ValueError(
                "No loss found. You may have forgotten to provide a `loss` argument in the `compile()` method."
            )
        self.optimizer.minimize(loss, self.trainable_variables, tape=tape)
        return self.compute_metrics(x, y, y_pred, sample_weight)

    def test_step(self, data: Any) -> Any:
        """A step of evaluation; arguments and result as for `train_step`."""
        x, y, sample_weight = unpack_x_y_sample_weight(data)
        y_pred = self(x, training=False)  # type: ignore[operator]
        self.compute_loss(x, y, y_pred, sample_weight)
        return self.compute_metrics(x, y, y_pred, sample_weight)

    def predict_step(self, data: Any) -> Any:
        """A step of prediction: what the model gives for a batch, of which only the inputs count."""
        x, _, _ = unpack_x_y_sample_weight(data)
        return self(x, training=False)  # type: ignore[operator]

    def compute_loss(
        self, x: Any = None, y: Any = None, y_pred: Any = None, sample_weight: Any = None
    ) -> Any:
        """The loss of a batch, with what layers added; None if there is none."""
        return self.compiled_loss(y, y_pred, sample_weight, regularization_losses=self.losses)

    def compute_metrics(self, x: Any, y: Any, y_pred: Any, sample_weight: Any) -> dict[str, Any]:
        """Take a batch into the metrics of `compile`; gives what is measured, by name."""
        self.compiled_metrics.update_state(y, y_pred, sample_weight)
        return self.get_metrics_result()

    # Steps as functions

    def _counter(self, kind: str) -> Variable:
        """The number of steps of training, evaluation or prediction done since `fit` or the like began."""
        counters = self.__dict__["_counters"]
        if kind not in counters:
            with init_scope():
                counters[kind] = Variable(0, dtype="int64", trainable=False, name=f"{kind}_counter")
        found: Variable = counters[kind]
        return found

    @property
    def _train_counter(self) -> Variable:
        return self._counter("train")

    @property
    def _test_counter(self) -> Variable:
        return self._counter("test")

    @property
    def _predict_counter(self) -> Variable:
        return self._counter("predict")

    @property
    def train_tf_function(self) -> Any:
        """The traced function of a training step, of the tensors of a batch; None before the first."""
        step = self.__dict__["_train_step_function"]
        return None if step is None else step.function

    def make_train_function(self, force: bool = False) -> Callable[[Iterator[Any]], Any]:
        """A function of an iterator of batches that does a training step (or `steps_per_execution` of them).

        Args:
            force: make it anew, because a step has changed?
        """
        if self.train_function is None or force:
            step = Step(self, "train")
            self.__dict__.update(train_function=self._repeated(step), _train_step_function=step)
        return self.train_function  # type: ignore[no-any-return]

    def make_test_function(self, force: bool = False) -> Callable[[Iterator[Any]], Any]:
        """A function of an iterator of batches that does an evaluation step; see `make_train_function`."""
        if self.test_function is None or force:
            step = Step(self, "test")
            self.__dict__["test_function"] = self._repeated(step)
        return self.test_function  # type: ignore[no-any-return]

    def make_predict_function(self, force: bool = False) -> Callable[[Iterator[Any]], Any]:
        """A function of an iterator of batches that predicts for one; see `make_train_function`."""
        if self.predict_function is None or force:
            step = Step(self, "predict")
            self.__dict__["predict_function"] = lambda iterator: step(next(iterator))
        return self.predict_function  # type: ignore[no-any-return]

    def _repeated(self, step: Step) -> Callable[[Iterator[Any]], Any]:
        def function(iterator: Iterator[Any]) -> Any:
            for _ in range(self.__dict__["_steps_per_execution"] - 1):
                step(next(iterator))
            return step(next(iterator))

        return function
