"""`Callback`, what is called while a model is trained; and `CallbackList`, which calls several."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from ... import nest
from ..engine.logs import as_numbers

__all__ = ["Callback", "CallbackList"]


class Callback:
    """The base: define those of its methods that you need.

    `logs` is what was measured so far, by name: numbers.

    Attributes:
        model: the model.
        params: "verbose", "epochs" and "steps" of the loop.
    """

    params: Mapping[str, Any]

    def __init__(self) -> None:
        self.validation_data = None
        self.model: Any = None
        # Does it take tensors in `logs`? Making numbers of them costs time.
        self._supports_tf_logs = False

    def set_params(self, params: Mapping[str, Any]) -> None:
        """Called before anything else."""
        self.params = params

    def set_model(self, model: Any) -> None:
        """Called before anything else."""
        self.model = model

    def on_batch_begin(self, batch: int, logs: Any = None) -> None:
        """Before a step of training, by its old name."""

    def on_batch_end(self, batch: int, logs: Any = None) -> None:
        """After a step of training, by its old name."""

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        """Before an epoch of training."""

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """After an epoch of training and its validation, whose names begin with ``val_``."""

    def on_train_batch_begin(self, batch: int, logs: Any = None) -> None:
        """Before a step of training."""
        self.on_batch_begin(batch, logs=logs)

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        """After a step of training."""
        self.on_batch_end(batch, logs=logs)

    def on_test_batch_begin(self, batch: int, logs: Any = None) -> None:
        """Before a step of evaluation or validation."""

    def on_test_batch_end(self, batch: int, logs: Any = None) -> None:
        """After a step of evaluation or validation."""

    def on_predict_batch_begin(self, batch: int, logs: Any = None) -> None:
        """Before a step of prediction."""

    def on_predict_batch_end(self, batch: int, logs: Any = None) -> None:
        """After a step of prediction; `logs` has the outputs as "outputs"."""

    def on_train_begin(self, logs: Any = None) -> None:
        """When training begins."""

    def on_train_end(self, logs: Any = None) -> None:
        """When training ends; `logs` is that of the last epoch."""

    def on_test_begin(self, logs: Any = None) -> None:
        """When evaluation or validation begins."""

    def on_test_end(self, logs: Any = None) -> None:
        """When evaluation or validation ends."""

    def on_predict_begin(self, logs: Any = None) -> None:
        """When prediction begins."""

    def on_predict_end(self, logs: Any = None) -> None:
        """When prediction ends."""

    # Does it do anything at batches?

    def _defines(self, *names: str) -> bool:
        """Does its class, or the object itself, define one of these methods?"""
        return any(
            getattr(getattr(self, name), "__func__", None) is not getattr(Callback, name) for name in names
        )

    def _implements_train_batch_hooks(self) -> bool:
        return self._defines("on_batch_begin", "on_batch_end", "on_train_batch_begin", "on_train_batch_end")

    def _implements_test_batch_hooks(self) -> bool:
        return self._defines("on_test_batch_begin", "on_test_batch_end")

    def _implements_predict_batch_hooks(self) -> bool:
        return self._defines("on_predict_batch_begin", "on_predict_batch_end")


class CallbackList:
    """Calls several callbacks.

    Args:
        callbacks: the callbacks, in a list or structure.
        add_history: add a `History` if there is none?
        add_progbar: add a `ProgbarLogger` if there is none?
        model: the model.
        **params: the parameters of the loop.
    """

    def __init__(
        self,
        callbacks: Any = None,
        add_history: bool = False,
        add_progbar: bool = False,
        model: Any = None,
        **params: Any,
    ) -> None:
        from .progress import History, ProgbarLogger

        self.callbacks: list[Any] = nest.flatten(callbacks) if callbacks else []
        self._history = next((c for c in reversed(self.callbacks) if isinstance(c, History)), None)
        if self._history is None and add_history:
            self._history = History()
            self.callbacks.append(self._history)
        if add_progbar and not any(isinstance(c, ProgbarLogger) for c in self.callbacks):
            self.callbacks.append(ProgbarLogger(count_mode="steps"))
        self.params: Mapping[str, Any] = {}
        self.model: Any = None
        if model is not None:
            self.set_model(model)
        if params:
            self.set_params(params)
        self._look()

    def _look(self) -> None:
        """Note what the callbacks want."""
        modes = ("train", "test", "predict")
        self._at_batches = {
            mode: any(getattr(c, f"_implements_{mode}_batch_hooks")() for c in self.callbacks)
            for mode in modes
        }
        busy = [
            c
            for c in self.callbacks
            if any(getattr(c, f"_implements_{mode}_batch_hooks")() for mode in modes)
        ]
        self._all_take_tensors = all(getattr(c, "_supports_tf_logs", False) for c in self.callbacks)
        self._busy_take_tensors = all(getattr(c, "_supports_tf_logs", False) for c in busy)

    def append(self, callback: Any) -> None:
        """Add one."""
        self.callbacks.append(callback)

    def set_params(self, params: Mapping[str, Any]) -> None:
        """Give all of them the parameters."""
        self.params = params
        for callback in self.callbacks:
            callback.set_params(params)

    def set_model(self, model: Any) -> None:
        """Give all of them the model, and the model its history."""
        self.model = model
        if self._history is not None:
            model.history = self._history
        for callback in self.callbacks:
            callback.set_model(model)

    def __iter__(self) -> Iterator[Any]:
        return iter(self.callbacks)

    def batch_hook(self, mode: str, when: str) -> Callable[..., None] | None:
        """What to call before ("begin") or after ("end") a step; None if nobody listens."""
        if not self._at_batches[mode]:
            return None
        hook: Callable[..., None] = getattr(self, f"on_{mode}_batch_{when}")
        return hook

    def _at_batch(self, mode: str, when: str, batch: int, logs: Any) -> None:
        if not self._at_batches[mode]:
            return
        if logs is None:
            logs = {}
        elif not self._busy_take_tensors:
            logs = as_numbers(logs)
        for callback in self.callbacks:
            getattr(callback, f"on_{mode}_batch_{when}")(batch, logs)

    def _at(self, name: str, logs: Any, *epoch: int) -> None:
        if logs is None:
            logs = {}
        elif not self._all_take_tensors:
            logs = as_numbers(logs)
        for callback in self.callbacks:
            getattr(callback, name)(*epoch, logs)

    def on_batch_begin(self, batch: int, logs: Any = None) -> None:
        """Before a step of training, by its old name."""
        self._at_batch("train", "begin", batch, logs)

    def on_batch_end(self, batch: int, logs: Any = None) -> None:
        """After a step of training, by its old name."""
        self._at_batch("train", "end", batch, logs)

    def on_train_batch_begin(self, batch: int, logs: Any = None) -> None:
        """Before a step of training."""
        self._at_batch("train", "begin", batch, logs)

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        """After a step of training."""
        self._at_batch("train", "end", batch, logs)

    def on_test_batch_begin(self, batch: int, logs: Any = None) -> None:
        """Before a step of evaluation."""
        self._at_batch("test", "begin", batch, logs)

    def on_test_batch_end(self, batch: int, logs: Any = None) -> None:
        """After a step of evaluation."""
        self._at_batch("test", "end", batch, logs)

    def on_predict_batch_begin(self, batch: int, logs: Any = None) -> None:
        """Before a step of prediction."""
        self._at_batch("predict", "begin", batch, logs)

    def on_predict_batch_end(self, batch: int, logs: Any = None) -> None:
        """After a step of prediction."""
        self._at_batch("predict", "end", batch, logs)

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        """Before an epoch."""
        self._at("on_epoch_begin", logs, epoch)

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """After an epoch."""
        self._at("on_epoch_end", logs, epoch)

    def on_train_begin(self, logs: Any = None) -> None:
        """When training begins."""
        self._at("on_train_begin", logs)

    def on_train_end(self, logs: Any = None) -> None:
        """When training ends."""
        self._at("on_train_end", logs)

    def on_test_begin(self, logs: Any = None) -> None:
        """When evaluation begins."""
        self._at("on_test_begin", logs)

    def on_test_end(self, logs: Any = None) -> None:
        """When evaluation ends."""
        self._at("on_test_end", logs)

    def on_predict_begin(self, logs: Any = None) -> None:
        """When prediction begins."""
        self._at("on_predict_begin", logs)

    def on_predict_end(self, logs: Any = None) -> None:
        """When prediction ends."""
        self._at("on_predict_end", logs)
