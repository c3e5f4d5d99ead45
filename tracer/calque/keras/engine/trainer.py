"""`Trainer`: the loops of training, evaluation and prediction."""

from __future__ import annotations

import copy
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import numpy as np

import calque as tf

from ... import nest
from ...composite.composite import CompositeTensor
from ...context import state
from ...tensor import EagerTensor
from ..utils.batches import unpack_x_y_sample_weight
from .compilation import Compiled
from .data_adapter import (
    as_data,
    check_sizes,
    class_weights,
    source_of,
    train_validation_split,
)
from .epochs import Epochs
from .logs import as_numbers

__all__ = ["Trainer"]


class Trainer(Compiled):
    """The training loop of models.

    Attributes:
        stop_training: set it, and `fit` ends after the step or epoch.
        history: of the last `fit`, a `keras.callbacks.History`.
    """

    stop_training: bool
    history: Any

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
        shuffle: Any = True,
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
                sample weights): a `tf.data.Dataset`, a `keras.utils.Sequence`, a generator.
            y: the targets, where `x` is arrays.
            batch_size: samples in a batch of arrays; None: 32.
            epochs: the number of the last epoch.
            verbose: 0: nothing is printed; 1: a bar; 2: a line for each epoch; "auto": 1.
            callbacks: `keras.callbacks.Callback`s.
            validation_split: the share of the samples, from the end, that are evaluated after each epoch instead.
            validation_data: what is evaluated after each epoch: (x, y), (x, y, sample_weight), or what gives batches.
            shuffle: take the samples in another order in each epoch? "batch": keep batches together.
            class_weight: by class, what samples of it count.
            sample_weight: what each sample counts, where `x` is arrays.
            initial_epoch: the number of epochs that are over already.
            steps_per_epoch: batches in an epoch; None: all there are; -1: the epoch does not end.
            validation_steps: batches of a validation; None: all there are.
            validation_batch_size: samples in a batch of validation; None: `batch_size`.
            validation_freq: validate after each so many epochs, or after those listed.
            max_queue_size, workers: how many threads fetch batches from a Sequence or generator, if more than one, and
                how many batches may wait.
            use_multiprocessing: accepted: threads do the work.

        Returns:
            A `History`: its `history` has a list for each thing measured.

        Raises:
            RuntimeError: the model was not compiled, or a function is being traced.
            ValueError: the data does not fit the arguments, or is empty.
        """
        self._assert_compile_was_called()
        self._check_call("fit")
        if validation_split and validation_data is None:
            (x, y, sample_weight), validation_data = train_validation_split(
                (x, y, sample_weight), validation_split
            )
        size = _positive("batch_size", batch_size)
        validation: dict[str, Any] = {}
        if validation_data is not None and validation_data != []:
            parts = unpack_x_y_sample_weight(validation_data)
            validation = dict(zip(("x", "y", "sample_weight"), parts, strict=True))
            validation |= {"batch_size": validation_batch_size or size, "steps": validation_steps}
        source = source_of(
            x, y, sample_weight, size, steps_per_epoch, shuffle, _positive("workers", workers), max_queue_size
        )
        going = Epochs(source, steps_per_epoch, initial_epoch, epochs, self.steps_per_execution, class_weight)
        watching = self._watching(callbacks, verbose, going.steps, epochs)
        with self._trainable_as_compiled(), self._validation_kept():
            self.stop_training = False
            self.__dict__["train_function"] = train_function = self.make_train_function()
            self._train_counter.assign(0)
            watching.on_train_begin()
            self._resume(going, steps_per_epoch or going.steps)
            logs: Any = None
            epoch_logs: Any = None
            for epoch, batches in going:
                self.reset_metrics()
                watching.on_epoch_begin(epoch)
                logs = self._run_epoch("train", going, batches, train_function, watching, logs)
                if logs is None:
                    raise ValueError(_EMPTY.format("train_function", "logs"))
                logs = as_numbers(logs)
                epoch_logs = copy.copy(logs)
                if validation and _is_due(validation_freq, epoch):
                    found = self.evaluate(
                        **validation, callbacks=watching, max_queue_size=max_queue_size, workers=workers,
                        return_dict=True, _use_cached_eval_dataset=True,
                    )  # fmt: skip
                    epoch_logs |= {f"val_{name}": value for name, value in found.items()}
                watching.on_epoch_end(epoch, epoch_logs)
                if self.stop_training:
                    break
            finalize = getattr(self.optimizer, "finalize_variable_values", None)
            if finalize is not None:
                finalize(self.trainable_variables)
            watching.on_train_end(epoch_logs)
        return self.history

    def _run_epoch(
        self, mode: str, going: Epochs, batches: Any, function: Callable[[Any], Any], watching: Any, logs: Any
    ) -> Any:
        """The steps of an epoch; gives what the last one gave, or `logs` if there was none."""
        begin = watching.batch_hook(mode, "begin")
        end = watching.batch_hook(mode, "end")
        held = self.__dict__
        at_once = held["_steps_per_execution"]
        held["_batches_of_one_size"] = going.of_one_size
        try:
            for step, count in going.calls():
                if begin is not None:
                    begin(step)
                held["_steps_per_execution"] = count
                logs = function(batches)
                if end is not None:
                    end(step + count - 1, logs)
                if held["stop_training"] and mode == "train":
                    break
        except Exception as error:
            if not going.ended(error):
                raise
        finally:
            held["_steps_per_execution"], held["_batches_of_one_size"] = at_once, False
        return logs

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
        """Measure loss and metrics on data; arguments as for `fit`.

        Returns:
            Their values in the order of `metrics_names` (the value alone where there is just one); or, with
            `return_dict`, by name.

        Raises:
            RuntimeError: the model was not compiled, or a function is being traced.
            ValueError: the data does not fit the arguments, or is empty.
            TypeError: an unknown argument.
        """
        keep = kwargs.pop("_use_cached_eval_dataset", False)
        if kwargs:
            raise TypeError(f"Invalid keyword arguments: {list(kwargs)}")
        self._assert_compile_was_called()
        self._check_call("evaluate")
        source = self.__dict__.get("_validation_source") if keep else None
        if source is None:
            size = _positive("batch_size", batch_size)
            source = source_of(
                x, y, sample_weight, size, steps, False, _positive("workers", workers), max_queue_size
            )
            if keep:
                self.__dict__["_validation_source"] = source
        going = Epochs(source, steps, steps_per_call=self.steps_per_execution)
        watching = self._watching(callbacks, verbose, going.steps, 1)
        self.__dict__["test_function"] = function = self.make_test_function()
        self._test_counter.assign(0)
        watching.on_test_begin()
        logs: Any = None
        for _, batches in going:
            self.reset_metrics()
            logs = self._run_epoch("test", going, batches, function, watching, logs)
        if logs is None:
            raise ValueError(_EMPTY.format("test_function", "logs"))
        logs = as_numbers(logs)
        watching.on_test_end(logs)
        return logs if return_dict else self._in_order(logs)

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
        """What the model gives for inputs, batch by batch; arguments as for `fit`.

        Returns:
            Arrays, structured as the model's outputs.

        Raises:
            RuntimeError: a function is being traced.
            ValueError: the data does not fit the arguments, or is empty.
        """
        self._check_call("predict")
        size = _positive("batch_size", batch_size)
        source = source_of(x, None, None, size, steps, False, _positive("workers", workers), max_queue_size)
        going = Epochs(source, steps)
        watching = self._watching(callbacks, verbose, going.steps, 1)
        self.__dict__["predict_function"] = function = self.make_predict_function()
        self._predict_counter.assign(0)
        watching.on_predict_begin()
        begin, end = watching.batch_hook("predict", "begin"), watching.batch_hook("predict", "end")
        outputs: list[Any] = []
        for _, batches in going:
            self.__dict__["_batches_of_one_size"] = going.of_one_size
            try:
                for step, _ in going.calls():
                    if begin is not None:
                        begin(step)
                    outputs.append(function(batches))
                    if end is not None:
                        end(step, {"outputs": outputs[-1]})
            except Exception as error:
                if not going.ended(error):
                    raise
            finally:
                self.__dict__["_batches_of_one_size"] = False
        if not outputs:
            raise ValueError(_EMPTY.format("predict_function", "batch_outputs"))
        watching.on_predict_end()
        return nest.map_structure(_joined, *outputs)

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
        """One step of training on one batch.

        Args:
            x, y, sample_weight, class_weight: the batch, as for `fit`.
            reset_metrics: start the metrics over first?
            return_dict: give what is measured by name?

        Returns:
            What is measured, as `evaluate` gives it.

        Raises:
            RuntimeError: the model was not compiled, or a function is being traced.
            ValueError: the data does not fit the arguments.
        """
        self._assert_compile_was_called()
        self._check_call("train_on_batch")
        if reset_metrics:
            self.reset_metrics()
        data = _one_batch(x, y, sample_weight)
        if class_weight:
            data = class_weights(class_weight)(data)
        with self._trainable_as_compiled():
            self.__dict__["train_function"] = function = self.make_train_function()
            logs = as_numbers(function(iter([data])))
        return logs if return_dict else self._in_order(logs)

    def test_on_batch(
        self,
        x: Any,
        y: Any = None,
        sample_weight: Any = None,
        reset_metrics: bool = True,
        return_dict: bool = False,
    ) -> Any:
        """Measure loss and metrics on one batch; see `train_on_batch`."""
        self._assert_compile_was_called()
        self._check_call("test_on_batch")
        if reset_metrics:
            self.reset_metrics()
        self.__dict__["test_function"] = function = self.make_test_function()
        logs = as_numbers(function(iter([_one_batch(x, y, sample_weight)])))
        return logs if return_dict else self._in_order(logs)

    def predict_on_batch(self, x: Any) -> Any:
        """What the model gives for one batch, as arrays."""
        self._check_call("predict_on_batch")
        self.__dict__["predict_function"] = function = self.make_predict_function()
        return as_numbers(function(iter([_one_batch(x)])))

    # By their old names

    def fit_generator(self, generator: Any, **kwargs: Any) -> Any:
        """`fit`, with a warning; older releases had another method for generators."""
        _warn_of_generators("fit")
        return self.fit(generator, **kwargs)

    def evaluate_generator(self, generator: Any, **kwargs: Any) -> Any:
        """`evaluate`, with a warning; older releases had another method for generators."""
        _warn_of_generators("evaluate")
        return self.evaluate(generator, **{"verbose": 0} | kwargs)

    def predict_generator(self, generator: Any, **kwargs: Any) -> Any:
        """`predict`, with a warning; older releases had another method for generators."""
        _warn_of_generators("predict")
        return self.predict(generator, **{"verbose": 0} | kwargs)

    # Details

    def _check_call(self, method: str) -> None:
        """Can the loop call the model, and be called here?"""
        if state.trace is not None:
            raise RuntimeError(
                f"Detected a call to `Model.{method}` inside a `tf.function`. `Model.{method}` is a high-level "
                "endpoint that manages its own `tf.function`. Please move the call outside of all enclosing "
                "`tf.function`s. Note that you can call a `Model` directly on `Tensor`s inside a `tf.function` like: "
                "`model(x)`."
            )
        extra = self._call_spec.further_required  # type: ignore[attr-defined]
        if extra:
            raise ValueError(
                f"Models passed to `{method}` can only have `training` and the first argument in `call()` as "
                f"positional arguments, found: {extra}."
            )

    def _watching(self, callbacks: Any, verbose: Any, steps: int | None, epochs: int) -> Any:
        """The callbacks of a loop as a list that calls them."""
        from ..callbacks import CallbackList
        from ..utils.logging import is_interactive_logging_enabled

        if isinstance(callbacks, CallbackList):
            return callbacks
        if verbose == "auto":
            verbose = 1 if is_interactive_logging_enabled() else 2
        return CallbackList(
            callbacks,
            add_history=True,
            add_progbar=verbose != 0,
            model=self,
            verbose=verbose,
            epochs=epochs,
            steps=steps,
        )

    @contextmanager
    def _validation_kept(self) -> Iterator[None]:
        """Within it, validations share one source of batches, that of the first; an interrupted `fit` leaves none."""
        try:
            yield
        finally:
            self.__dict__.pop("_validation_source", None)

    def _resume(self, going: Epochs, steps: int | None) -> None:
        """Begin where `keras.callbacks.BackupAndRestore` says that an earlier training was interrupted."""
        backup = self.__dict__.get("_training_state")
        if backup is not None:
            going.initial_epoch, going.first_step = backup.start(going.initial_epoch, steps)

    def _in_order(self, logs: Any) -> Any:
        """What is measured in the order of `metrics_names`, and then what has other names."""
        if not isinstance(logs, Mapping):
            return logs
        names = self.metrics_names
        values = [logs[name] for name in names if name in logs]
        values += [logs[name] for name in sorted(logs) if name not in names]
        return values[0] if len(values) == 1 else values


_EMPTY = (
    "Unexpected result of `{0}` (Empty {1}). This could be due to issues in input pipeline that resulted in an empty "
    "dataset. Otherwise, please use `Model.compile(..., run_eagerly=True)`, or "
    "`tf.config.run_functions_eagerly(True)` for more information of where went wrong."
)


def _warn_of_generators(method: str) -> None:
    warnings.warn(
        f"`Model.{method}_generator` is deprecated and will be removed in a future version. Please use "
        f"`Model.{method}`, which supports generators.",
        stacklevel=3,
    )


def _positive(name: str, value: Any) -> Any:
    if value is not None and value <= 0 and not (name == "workers" and value == 0):
        raise ValueError(f"Expected {name} to be positive. Received is {value}.")
    return value


def _is_due(frequency: Any, epoch: int) -> bool:
    """Is there a validation after this epoch?"""
    if isinstance(frequency, int):
        return (epoch + 1) % frequency == 0
    if isinstance(frequency, (list, tuple, set)):
        return epoch + 1 in frequency
    raise ValueError(
        f"Expected `validation_freq` to be a list or int. Received: validation_freq={frequency} of the type "
        f"{type(frequency)}."
    )


def _one_batch(x: Any, y: Any = None, sample_weight: Any = None) -> Any:
    """Arrays as one batch."""
    parts = [x] if y is None else [x, y] if sample_weight is None else [x, y, sample_weight]
    if all(isinstance(v, (float, int)) for part in parts for v in nest.flatten(part)):
        parts = [np.asarray(part) for part in parts]
    data = tuple(as_data(part) for part in parts)
    check_sizes(data)
    return data


def _joined(*parts: Any) -> Any:
    """The outputs for batches, one behind the other, as an array; ragged and sparse tensors as such."""
    if isinstance(parts[0], CompositeTensor):
        if isinstance(parts[0], tf.SparseTensor):
            return tf.sparse.concat(axis=0, sp_inputs=list(parts))
        return parts[0] if len(parts) == 1 else tf.concat(list(parts), axis=0)
    arrays = [part.numpy() if isinstance(part, EagerTensor) else np.asarray(part) for part in parts]
    if len(arrays) == 1:
        return arrays[0]
    if arrays[0].ndim == 0:
        return np.stack(arrays)
    if len({array.shape[1:] for array in arrays}) > 1:
        rows = [tf.RaggedTensor.from_tensor(tf.constant(array)) for array in arrays]
        return tf.concat(rows, axis=0)
    return np.concatenate(arrays)
