"""What trains a model: `compile`, `fit`, `evaluate`, `predict`, and the steps they are made of."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from ... import nest
from ...context import functions_run_eagerly
from ...errors import OutOfRangeError
from ...function.polymorphic import Function
from ...gradient.tape import GradientTape
from ...tensor import Tensor, convert_to_tensor
from .compiled import CompiledLoss, CompiledMetrics
from .data_adapter import Batches, batches_of, pack, split_for_validation, unpack
from .state import unique
from .weights import WeightHolder

__all__ = ["Trainer"]


class Trainer(WeightHolder):
    """The training loop of models.

    Attributes:
        optimizer: what `compile` was given.
        loss: what `compile` was given.
        compiled_loss, compiled_metrics: both, made ready for the model's outputs.
        stop_training: set it, and `fit` ends after the step or epoch.
        history: of the last `fit`.
    """

    optimizer: Any
    loss: Any
    compiled_loss: Any
    compiled_metrics: Any
    stop_training: bool
    history: Any
    _compile_arguments: Any

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
            _steps={},
            _run_eagerly=None,
        )

    # Compilation

    def compile(
        self,
        optimizer: Any = "rmsprop",
        loss: Any = None,
        metrics: Any = None,
        loss_weights: Any = None,
        weighted_metrics: Any = None,
        run_eagerly: bool | None = None,
        steps_per_execution: int | None = None,
        jit_compile: bool | None = None,
        pss_evaluation_shards: Any = 0,
        **kwargs: Any,
    ) -> None:
        """Say how the model is trained.

        Args:
            optimizer: an optimizer, or its name.
            loss: a loss (an object, a name, a function of targets and predictions), or a list or dict of them, one for
                each output.
            metrics: a list of metrics (objects, names, functions), or a list or dict of lists, one for each output.
                "accuracy" is of the kind that fits the output and its targets.
            loss_weights: numbers that the outputs' losses are multiplied by, in a list or dict.
            weighted_metrics: metrics that take sample weights.
            run_eagerly: run the steps in Python, to debug them?
            steps_per_execution, jit_compile, pss_evaluation_shards: accepted, without effect.

        Raises:
            TypeError: an unknown argument.
            ValueError: an unknown optimizer.
        """
        from ..optimizers import get as get_optimizer

        unknown = set(kwargs) - {
            "experimental_run_tf_function",
            "from_serialized",
            "distribute",
            "sample_weight_mode",
        }
        if unknown:
            raise TypeError(f"Invalid keyword argument(s) in `compile()`: {sorted(unknown)}")
        self.optimizer = get_optimizer(optimizer)
        names = getattr(self, "output_names", None)
        self.__dict__.update(
            loss=loss,
            compiled_loss=loss if isinstance(loss, CompiledLoss) else CompiledLoss(loss, loss_weights, names),
            compiled_metrics=CompiledMetrics(metrics, weighted_metrics, names),
            _compile_arguments={
                "loss": loss,
                "metrics": metrics,
                "weighted_metrics": weighted_metrics,
                "loss_weights": loss_weights,
            },
            _steps={},
            _run_eagerly=run_eagerly,
        )

    @property
    def run_eagerly(self) -> bool:
        """Do the steps run in Python?"""
        asked = self.__dict__.get("_run_eagerly")
        return bool(asked) or functions_run_eagerly() or bool(self.dynamic)  # type: ignore[attr-defined]

    @run_eagerly.setter
    def run_eagerly(self, value: bool | None) -> None:
        self.__dict__["_run_eagerly"] = value
        self.__dict__["_steps"] = {}

    def _check_compiled(self) -> None:
        if self.compiled_loss is None:
            raise RuntimeError(
                "You must compile your model before training/testing. Use `model.compile(optimizer, loss)`."
            )

    @property
    def metrics(self) -> list[Any]:
        """The mean of the loss, the metrics that `compile` was given, and those of the layers."""
        found: list[Any] = []
        if self.compiled_loss is not None:
            found += self.compiled_loss.metrics + self.compiled_metrics.metrics
        return unique([*found, *[m for layer in self._flatten_layers() for m in layer._state.metrics]])

    @property
    def metrics_names(self) -> list[str]:
        """Their names, in the order in which `evaluate` gives their values."""
        return [metric.name for metric in self.metrics]

    def reset_metrics(self) -> None:
        """Start all metrics over."""
        for metric in self.metrics:
            metric.reset_state()

    # Steps, which subclasses may define anew

    def train_step(self, data: Any) -> dict[str, Any]:
        """One step of training on a batch.

        Args:
            data: (x,), (x, y) or (x, y, sample_weight), tensors.

        Returns:
            What is measured, by name.
        """
        x, y, sample_weight = unpack(data)
        with GradientTape() as tape:
            y_pred = self(x, training=True)  # type: ignore[operator]
            loss = self.compute_loss(x, y, y_pred, sample_weight)
        if self.loss is not None and y is None:
            raise TypeError(
                "Target data is missing. Your model was compiled with "
                f"loss={self.loss}, and therefore expects target data to be provided in `fit()`."
            )
        self.optimizer.minimize(loss, self.trainable_variables, tape=tape)
        return self.compute_metrics(x, y, y_pred, sample_weight)

    def test_step(self, data: Any) -> dict[str, Any]:
        """One step of evaluation on a batch; see `train_step`."""
        x, y, sample_weight = unpack(data)
        y_pred = self(x, training=False)  # type: ignore[operator]
        self.compute_loss(x, y, y_pred, sample_weight)
        return self.compute_metrics(x, y, y_pred, sample_weight)

    def predict_step(self, data: Any) -> Any:
        """What the model gives for a batch; see `train_step`."""
        x, _, _ = unpack(data)
        return self(x, training=False)  # type: ignore[operator]

    def compute_loss(
        self, x: Any = None, y: Any = None, y_pred: Any = None, sample_weight: Any = None
    ) -> Any:
        """The loss of a batch, with those that layers added."""
        return self.compiled_loss(y, y_pred, sample_weight, regularization_losses=self.losses)

    def compute_metrics(self, x: Any, y: Any, y_pred: Any, sample_weight: Any) -> dict[str, Any]:
        """Bring the metrics up to date; their results by name."""
        if y is not None:
            self.compiled_metrics.update_state(y, y_pred, sample_weight)
        return self.get_metrics_result()

    def get_metrics_result(self) -> dict[str, Any]:
        """The metrics' results by name; a metric that gives a dict gives its entries."""
        found: dict[str, Any] = {}
        for metric in self.metrics:
            result = metric.result()
            if isinstance(result, Mapping):
                found.update(result)
            else:
                found[metric.name] = result
        return found

    # Steps as functions

    def _step(self, kind: str) -> Callable[..., Any]:
        """A step as a function of inputs, targets and sample weights, traced once for each signature."""
        known = self.__dict__["_steps"].get(kind)
        if known is None:
            run = getattr(self, f"{kind}_step")

            def step(x: Any, y: Any, sample_weight: Any) -> Any:
                return run(pack(x, y, sample_weight))

            known = step if self.run_eagerly else Function(step, f"{kind}_step", reduce_retracing=True)
            self.__dict__["_steps"][kind] = known
        return known  # type: ignore[no-any-return]

    def make_train_function(self, force: bool = False) -> Callable[[Any], Any]:
        """A function of an iterator of batches that does one training step.

        Args:
            force: make it anew, if `train_step` or what it depends on has changed?
        """
        return self._make_function("train", force)

    def make_test_function(self, force: bool = False) -> Callable[[Any], Any]:
        """A function of an iterator of batches that does one evaluation step; see `make_train_function`."""
        return self._make_function("test", force)

    def make_predict_function(self, force: bool = False) -> Callable[[Any], Any]:
        """A function of an iterator of batches that predicts one batch; see `make_train_function`."""
        return self._make_function("predict", force)

    def _make_function(self, kind: str, force: bool) -> Callable[[Any], Any]:
        if force:
            self.__dict__["_steps"].pop(kind, None)
        step = self._step(kind)
        return lambda iterator: step(*_tensors(next(iterator)))

    # Training

    def fit(
        self,
        x: Any = None,
        y: Any = None,
        batch_size: int | None = None,
        epochs: int = 1,
        verbose: Any = "auto",
        callbacks: Any = None,
        validation_split: float = 0.0,
        validation_data: Any = None,
        shuffle: bool = True,
        class_weight: Mapping[int, float] | None = None,
        sample_weight: Any = None,
        initial_epoch: int = 0,
        steps_per_epoch: int | None = None,
        validation_steps: int | None = None,
        validation_batch_size: int | None = None,
        validation_freq: Any = 1,
        max_queue_size: int = 10,
        workers: int = 1,
        use_multiprocessing: bool = False,
    ) -> Any:
        """Train the model.

        Args:
            x: the inputs: arrays, or a structure of arrays; or something that gives batches (inputs, targets and maybe
                sample weights): a `tf.data.Dataset`, a `keras.utils.Sequence`, a generator, an iterable.
            y: the targets, where `x` is arrays.
            batch_size: rows in a batch; None: 32.
            epochs: the number of the last epoch.
            verbose: 0: nothing is printed; 1: a bar; 2: a line for each epoch; "auto": 1.
            callbacks: a list of `keras.callbacks.Callback`s.
            validation_split: the share of the rows, from the end, that is evaluated after each epoch instead.
            validation_data: what is evaluated after each epoch: (x, y), (x, y, sample_weight), or something that gives
                batches.
            shuffle: put the rows into another order in each epoch?
            class_weight: by class, the weight of rows whose target it is.
            sample_weight: the weight of each row.
            initial_epoch: the number of epochs that are over already.
            steps_per_epoch, validation_steps: batches in an epoch, where not all there are.
            validation_batch_size: rows in a batch of validation; None: `batch_size`.
            validation_freq: validate after each so many epochs, or after those listed.
            max_queue_size, workers, use_multiprocessing: accepted, without effect.

        Returns:
            A `History`: its `history` has a list for each thing measured.

        Raises:
            RuntimeError: the model was not compiled.
            ValueError: the data does not fit the arguments, or is empty.
        """
        from ..callbacks import CallbackList

        self._check_compiled()
        verbose = 1 if verbose == "auto" else int(verbose)
        if validation_split and validation_data is None:
            (x, y, sample_weight), validation_data = split_for_validation(
                (x, y, sample_weight), validation_split
            )
        batches = batches_of(x, y, sample_weight, batch_size, steps_per_epoch, shuffle, class_weight)
        watching = CallbackList.of(
            callbacks, add_history=True, add_progbar=verbose != 0, model=self, verbose=verbose, epochs=epochs,
            steps=batches.steps,
        )  # fmt: skip
        validation: Batches | None = None
        self.stop_training = False
        step = self._step("train")
        watching.on_train_begin()
        logs: Any = None
        done = max((c.epochs_done for c in watching.callbacks if hasattr(c, "epochs_done")), default=0)
        for epoch in range(max(initial_epoch, done), epochs):
            self.reset_metrics()
            watching.on_epoch_begin(epoch)
            logs = self._one_pass(batches, step, watching, "train")
            batches.at_epoch_end()
            if logs is None:
                raise ValueError(
                    "Unexpected result of `train_function` (Empty Logs): there were no batches. Was the generator or "
                    "dataset used up by an earlier epoch? Give one that starts anew, or one that never ends with "
                    "`steps_per_epoch`."
                )
            epoch_logs = dict(logs)
            if validation_data is not None and _is_due(validation_freq, epoch):
                if validation is None:
                    validation = self._validation(
                        validation_data, validation_batch_size or batch_size, validation_steps
                    )
                found = self._evaluate(validation, watching)
                epoch_logs |= {f"val_{name}": value for name, value in found.items()}
            epoch_logs = _numbers(epoch_logs)
            watching.on_epoch_end(epoch, epoch_logs)
            if self.stop_training:
                break
        watching.on_train_end(None if logs is None else epoch_logs)
        return self.history

    def _validation(self, data: Any, batch_size: int | None, steps: int | None) -> Batches:
        from ..utils.sequences import Sequence

        if isinstance(data, (tuple, list)) and not isinstance(data, Sequence):
            x, y, sample_weight = unpack(tuple(data))
            return batches_of(x, y, sample_weight, batch_size, steps)
        return batches_of(data, steps=steps)

    def _one_pass(self, batches: Batches, step: Callable[..., Any], watching: Any, mode: str) -> Any:
        """One pass; what the last step measured, None if there was no batch."""
        logs: Any = None
        done = 0
        source = batches.epoch()
        while batches.steps is None or done < batches.steps:
            try:
                data = next(source)
            except (StopIteration, OutOfRangeError):
                if batches.steps is not None and batches._is_endless:
                    warnings.warn(
                        "Your input ran out of data; interrupting training. Make sure that your dataset or generator "
                        f"can generate at least `steps_per_epoch * epochs` batches (here {batches.steps} in the "
                        "epoch).",
                        stacklevel=3,
                    )
                break
            watching.on_batch_begin(mode, done)
            logs = step(*_tensors(data))
            watching.on_batch_end(mode, done, logs)
            done += 1
            if self.stop_training:
                break
        if batches.steps is None:
            batches.steps = done or None
        return logs

    # Evaluation

    def evaluate(
        self,
        x: Any = None,
        y: Any = None,
        batch_size: int | None = None,
        verbose: Any = "auto",
        sample_weight: Any = None,
        steps: int | None = None,
        callbacks: Any = None,
        max_queue_size: int = 10,
        workers: int = 1,
        use_multiprocessing: bool = False,
        return_dict: bool = False,
        **kwargs: Any,
    ) -> Any:
        """The loss and the metrics on data; the arguments are those of `fit`.

        Returns:
            Their values in the order of `metrics_names` (the loss alone where there is nothing else); or, with
            `return_dict`, by name.

        Raises:
            RuntimeError: the model was not compiled.
            ValueError: the data does not fit the arguments, or is empty.
            TypeError: an unknown argument.
        """
        from ..callbacks import CallbackList

        if kwargs:
            raise TypeError(f"Invalid keyword arguments: {sorted(kwargs)}")
        self._check_compiled()
        verbose = 1 if verbose == "auto" else int(verbose)
        batches = batches_of(x, y, sample_weight, batch_size, steps)
        watching = CallbackList.of(
            callbacks, add_progbar=verbose != 0, model=self, verbose=verbose, epochs=1, steps=batches.steps
        )
        found = _numbers(self._evaluate(batches, watching))
        if return_dict:
            return found
        values = list(found.values())
        return values[0] if len(values) == 1 else values

    def _evaluate(self, batches: Batches, watching: Any) -> dict[str, Any]:
        watching.on_test_begin()
        self.reset_metrics()
        logs = self._one_pass(batches, self._step("test"), watching, "test")
        if logs is None:
            raise ValueError("Unexpected result of `test_function` (Empty Logs): there were no batches.")
        watching.on_test_end(logs)
        return dict(logs)

    # Prediction

    def predict(
        self,
        x: Any,
        batch_size: int | None = None,
        verbose: Any = "auto",
        steps: int | None = None,
        callbacks: Any = None,
        max_queue_size: int = 10,
        workers: int = 1,
        use_multiprocessing: bool = False,
    ) -> Any:
        """What the model gives for data, batch by batch; the arguments are those of `fit`.

        Returns:
            Arrays, structured as the model's outputs.

        Raises:
            ValueError: the data does not fit the arguments, or is empty.
        """
        from ..callbacks import CallbackList

        verbose = 1 if verbose == "auto" else int(verbose)
        batches = batches_of(x, batch_size=batch_size, steps=steps)
        watching = CallbackList.of(
            callbacks, add_progbar=verbose != 0, model=self, verbose=verbose, epochs=1, steps=batches.steps
        )
        step = self._step("predict")
        found: list[Any] = []

        def keep(*data: Any) -> Any:
            outputs = step(*data)
            found.append(outputs)
            return {"outputs": outputs}

        watching.on_predict_begin()
        if self._one_pass(batches, keep, watching, "predict") is None:
            raise ValueError(
                "Unexpected result of `predict_function` (Empty batch_outputs): there were no batches."
            )
        watching.on_predict_end()
        return nest.map_structure(_joined, found[0], *found[1:])

    # Single batches

    def train_on_batch(
        self,
        x: Any,
        y: Any = None,
        sample_weight: Any = None,
        class_weight: Mapping[int, float] | None = None,
        reset_metrics: bool = True,
        return_dict: bool = False,
    ) -> Any:
        """One training step on one batch; the arguments are those of `fit`, the result that of `evaluate`.

        Args:
            x, y, sample_weight, class_weight: the batch.
            reset_metrics: start the metrics over first?
            return_dict: give the results by name?
        """
        return self._on_batch("train", x, y, sample_weight, class_weight, reset_metrics, return_dict)

    def test_on_batch(
        self,
        x: Any,
        y: Any = None,
        sample_weight: Any = None,
        reset_metrics: bool = True,
        return_dict: bool = False,
    ) -> Any:
        """The loss and the metrics on one batch; see `train_on_batch`."""
        return self._on_batch("test", x, y, sample_weight, None, reset_metrics, return_dict)

    def _on_batch(
        self, kind: str, x: Any, y: Any, sample_weight: Any, class_weight: Any, reset: bool, return_dict: bool
    ) -> Any:
        self._check_compiled()
        if reset:
            self.reset_metrics()
        rows = len(nest.flatten(x)[0])
        (data,) = batches_of(x, y, sample_weight, max(rows, 1), None, False, class_weight).epoch()
        found = _numbers(self._step(kind)(*_tensors(data)))
        if return_dict:
            return found
        values = list(found.values())
        return values[0] if len(values) == 1 else values

    def predict_on_batch(self, x: Any) -> Any:
        """What the model gives for one batch, as arrays."""
        rows = len(nest.flatten(x)[0])
        (data,) = batches_of(x, batch_size=max(rows, 1)).epoch()
        return nest.map_structure(lambda t: t.numpy(), self._step("predict")(*_tensors(data)))


def _tensors(data: Any) -> tuple[Any, Any, Any]:
    """A batch's inputs, targets and sample weights as tensors."""
    x, y, sample_weight = unpack(data)
    return (
        nest.map_structure(_tensor, x),
        None if y is None else nest.map_structure(_tensor, y),
        None if sample_weight is None else nest.map_structure(_tensor, sample_weight),
    )


def _tensor(value: Any) -> Any:
    if isinstance(value, Tensor) or value is None or hasattr(value, "_type_spec"):
        return value
    array = np.asarray(value)
    if array.dtype == np.float64:
        from ..config import floatx

        array = array.astype(floatx())
    return convert_to_tensor(array)


def _numbers(logs: Mapping[str, Any]) -> dict[str, Any]:
    """What was measured, as Python numbers, or arrays where it is no single number."""

    def number(value: Any) -> Any:
        array = value.numpy() if isinstance(value, Tensor) else np.asarray(value)
        return array.item() if np.ndim(array) == 0 else array

    return {name: number(value) for name, value in logs.items()}


def _joined(*parts: Any) -> Any:
    """Results of batches, one behind the other."""
    if hasattr(parts[0], "_type_spec"):
        from ...api.array_ops import concat

        return parts[0] if len(parts) == 1 else concat(list(parts), axis=0)
    arrays = [part.numpy() for part in parts]
    if np.ndim(arrays[0]) == 0:
        return np.stack(arrays)
    return arrays[0] if len(arrays) == 1 else np.concatenate(arrays)


def _is_due(validation_freq: Any, epoch: int) -> bool:
    if isinstance(validation_freq, int):
        return (epoch + 1) % validation_freq == 0
    return epoch + 1 in validation_freq
