"""`Callback`, what is called while a model is trained; and `CallbackList`, which calls several."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ...tensor import Tensor

__all__ = ["Callback", "CallbackList", "numbers"]


class Callback:
    """The base: define those of its methods that you need.

    Attributes:
        model: the model.
        params: "verbose", "epochs" and "steps" of the call.

    `logs` is what was measured so far, by name: numbers.
    """

    # Does it take tensors in `logs`? Those of users get numbers.
    _supports_tf_logs = False

    def __init__(self) -> None:
        self.validation_data = None
        self.model: Any = None
        self.params: Any = None

    def set_params(self, params: Mapping[str, Any]) -> None:
        """Given once, before anything else is called."""
        self.params = params

    def set_model(self, model: Any) -> None:
        """Given once, before anything else is called."""
        self.model = model

    def on_batch_begin(self, batch: int, logs: Any = None) -> None:
        """Before a step of training, by an old name."""

    def on_batch_end(self, batch: int, logs: Any = None) -> None:
        """After a step of training, by an old name."""

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        """Before an epoch."""

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """After an epoch and its validation."""

    def on_train_batch_begin(self, batch: int, logs: Any = None) -> None:
        """Before a step of training."""
        self.on_batch_begin(batch, logs=logs)

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        """After a step of training."""
        self.on_batch_end(batch, logs=logs)

    def on_test_batch_begin(self, batch: int, logs: Any = None) -> None:
        """Before a step of evaluation."""

    def on_test_batch_end(self, batch: int, logs: Any = None) -> None:
        """After a step of evaluation."""

    def on_predict_batch_begin(self, batch: int, logs: Any = None) -> None:
        """Before a step of prediction."""

    def on_predict_batch_end(self, batch: int, logs: Any = None) -> None:
        """After a step of prediction."""

    def on_train_begin(self, logs: Any = None) -> None:
        """When training begins."""

    def on_train_end(self, logs: Any = None) -> None:
        """When training ends."""

    def on_test_begin(self, logs: Any = None) -> None:
        """When evaluation or validation begins."""

    def on_test_end(self, logs: Any = None) -> None:
        """When evaluation or validation ends."""

    def on_predict_begin(self, logs: Any = None) -> None:
        """When prediction begins."""

    def on_predict_end(self, logs: Any = None) -> None:
        """When prediction ends."""

    def _has(self, *names: str) -> bool:
        """Does the class define one of these methods?"""
        return any(getattr(type(self), name) is not getattr(Callback, name) for name in names)


def numbers(logs: Any) -> Any:
    """`logs` with numbers in the place of tensors."""
    if not isinstance(logs, Mapping):
        return logs
    return {k: v.numpy() if isinstance(v, Tensor) else v for k, v in logs.items()}


class CallbackList:
    """Calls several callbacks.

    Args:
        callbacks: the callbacks.
        add_history: note what was measured in ``model.history``?
        add_progbar: show how far it is?
        model: their model.
        **params: their parameters.
    """

    def __init__(
        self,
        callbacks: Sequence[Callback] | Callback | None = None,
        add_history: bool = False,
        add_progbar: bool = False,
        model: Any = None,
        **params: Any,
    ) -> None:
        from .history import History, ProgbarLogger

        given = [] if callbacks is None else callbacks
        self.callbacks: list[Callback] = list(given) if isinstance(given, (list, tuple)) else [given]  # type: ignore[list-item]
        if add_progbar and not any(isinstance(c, ProgbarLogger) for c in self.callbacks):
            self.callbacks.append(ProgbarLogger(count_mode="steps"))
        self._history = next((c for c in self.callbacks if isinstance(c, History)), None)
        if add_history and self._history is None:
            self._history = History()
            self.callbacks.append(self._history)
        for callback in self.callbacks:
            if not isinstance(callback, Callback):
                raise TypeError(f"Expected a list of keras.callbacks.Callback, but it has {callback!r}.")
        if model is not None:
            self.set_model(model)
        self.set_params(params)
        self._begin = {
            mode: self._those(f"on_{mode}_batch_begin", mode) for mode in ("train", "test", "predict")
        }
        self._end = {mode: self._those(f"on_{mode}_batch_end", mode) for mode in ("train", "test", "predict")}

    @classmethod
    def of(cls, callbacks: Any, **settings: Any) -> CallbackList:
        """`callbacks` itself if it is a CallbackList, else one of them."""
        return callbacks if isinstance(callbacks, cls) else cls(callbacks, **settings)

    def _those(self, name: str, mode: str) -> list[Callback]:
        """Those that do something at a batch's begin or end: the others need not be called for each."""
        names = [name, name.replace("_train", "")] if mode == "train" else [name]
        return [c for c in self.callbacks if c._has(*names)]

    def append(self, callback: Callback) -> None:
        """Add one."""
        self.__init__([*self.callbacks, callback], model=self.model, **self.params)  # type: ignore[misc]

    def set_params(self, params: Mapping[str, Any]) -> None:
        """Give all of them their parameters."""
        self.params = params
        for callback in self.callbacks:
            callback.set_params(params)

    def set_model(self, model: Any) -> None:
        """Give all of them the model."""
        self.model = model
        if self._history is not None:
            model.__dict__["history"] = self._history
        for callback in self.callbacks:
            callback.set_model(model)

    def on_batch_begin(self, mode: str, batch: int) -> None:
        """Before a step of "train", "test" or "predict"."""
        for callback in self._begin[mode]:
            getattr(callback, f"on_{mode}_batch_begin")(batch, {})

    def on_batch_end(self, mode: str, batch: int, logs: Any) -> None:
        """After a step."""
        plain: Any = None
        for callback in self._end[mode]:
            given = logs
            if not callback._supports_tf_logs:
                plain = given = numbers(logs) if plain is None else plain
            getattr(callback, f"on_{mode}_batch_end")(batch, given)

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        """Before an epoch."""
        for callback in self.callbacks:
            callback.on_epoch_begin(epoch, {} if logs is None else logs)

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """After an epoch."""
        for callback in self.callbacks:
            callback.on_epoch_end(epoch, {} if logs is None else logs)

    def _all(self, name: str, logs: Any) -> None:
        found = {} if logs is None else {k: _number(v) for k, v in logs.items()}
        for callback in self.callbacks:
            getattr(callback, name)(found)

    def on_train_begin(self, logs: Any = None) -> None:
        """When training begins."""
        self._all("on_train_begin", logs)

    def on_train_end(self, logs: Any = None) -> None:
        """When training ends."""
        self._all("on_train_end", logs)

    def on_test_begin(self, logs: Any = None) -> None:
        """When evaluation or validation begins."""
        self._all("on_test_begin", logs)

    def on_test_end(self, logs: Any = None) -> None:
        """When evaluation or validation ends."""
        self._all("on_test_end", logs)

    def on_predict_begin(self, logs: Any = None) -> None:
        """When prediction begins."""
        self._all("on_predict_begin", logs)

    def on_predict_end(self, logs: Any = None) -> None:
        """When prediction ends."""
        self._all("on_predict_end", logs)


def _number(value: Any) -> Any:
    array = value.numpy() if isinstance(value, Tensor) else value
    return array.item() if isinstance(array, (np.ndarray, np.generic)) and np.ndim(array) == 0 else array
