"""`PreprocessingLayer`: the base of layers that learn what they do from data, by `adapt` instead of training."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

import calque as tf

from ...engine.layer import Layer

__all__ = ["PreprocessingLayer"]

_BATCH = 32


class PreprocessingLayer(Layer):
    """A layer with a state that `adapt` learns from data, before the layer is used.

    Subclasses that learn define ``update_state(data)``, for a batch, ``reset_state()``, and maybe ``finalize_state()``,
    for what is done once behind the last batch.
    """

    _must_restore_from_config = True

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._is_compiled = False
        self._is_adapted = False

    @property
    def is_adapted(self) -> bool:
        """Has the state been learned?"""
        return self._is_adapted

    def update_state(self, data: Any) -> None:
        """Learn from a batch."""
        raise NotImplementedError(f"{type(self).__name__} does not define `update_state`: it learns nothing.")

    def reset_state(self) -> None:
        """Forget what was learned."""
        raise NotImplementedError(f"{type(self).__name__} does not define `reset_state`: it learns nothing.")

    def finalize_state(self) -> None:
        """Make what `call` needs of what was learned."""

    def compile(self, run_eagerly: Any = None, steps_per_execution: Any = None) -> None:
        """Accepted: `adapt` runs batch by batch.

        Args:
            run_eagerly, steps_per_execution: of no effect.
        """
        self._is_compiled = True

    def adapt(self, data: Any, batch_size: int | None = None, steps: int | None = None) -> None:
        """Learn the state from data; what was learned before is forgotten.

        Functions and models that were traced with the layer go on with what it had learned then.

        Args:
            data: a `tf.data.Dataset` or an iterable of batches, an array, a tensor (ragged and sparse ones too), or a
                list of numbers or strings.
            batch_size: the size of a batch of an array or tensor; None: 32.
            steps: the number of batches; None: all there are.

        Raises:
            RuntimeError: called in a `tf.function`.
            ValueError: a batch size for data that come in batches.
        """
        if not tf.executing_eagerly():
            raise RuntimeError(
                "Detected a call to `PreprocessingLayer.adapt` inside a `tf.function`. Please move it outside of all "
                "enclosing `tf.function`s; in them, call the layer, or `update_state`."
            )
        if not self._is_compiled:
            self.compile()
        if self.built:
            self.reset_state()
        self._is_adapted = False
        for number, batch in enumerate(_batches(data, batch_size)):
            if number == steps:
                break
            self._adapt_maybe_build(batch)
            self.update_state(batch)
        self.finalize_state()
        self._is_adapted = True

    def _adapt_maybe_build(self, data: Any) -> None:
        if self.built:
            return
        shape = getattr(data, "shape", None)
        if self._state.fixed_input is None and shape is not None:
            self._state.fixed_input = (None,) * len(shape)
        self.build(shape)
        self.built = True


def _batches(data: Any, batch_size: int | None) -> Iterator[Any]:
    """The batches of data, as tensors."""
    if isinstance(data, (list, tuple)):
        data = np.array(data)
    size = batch_size or _BATCH
    if isinstance(data, tf.SparseTensor):
        sizes: list[int] = data.dense_shape.numpy().tolist()
        for start in range(0, sizes[0], size):
            yield tf.sparse.slice(
                data, [start, *(0 for _ in sizes[1:])], [min(size, sizes[0] - start), *sizes[1:]]
            )
        return
    if isinstance(data, (np.ndarray, tf.Tensor, tf.RaggedTensor, tf.Variable)):
        whole = data if isinstance(data, tf.RaggedTensor) else tf.convert_to_tensor(data)
        for start in range(0, int(whole.shape[0] or 0), size):
            yield whole[start : start + size]
        return
    if batch_size is not None:
        raise ValueError(
            "The `batch_size` argument must not be specified for data that come in batches. Received: "
            f"batch_size={batch_size}"
        )
    for batch in data:
        yield tf.convert_to_tensor(batch) if isinstance(batch, np.ndarray) else batch
