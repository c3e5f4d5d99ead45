"""`TensorBoard`: logs of training in event files that TensorBoard shows."""

from __future__ import annotations

import logging
import os
import time
from typing import Any

import numpy as np

from calque_runtime.wire.events import encode_summary_metadata

from ... import profiler, summary
from ...summary.writer import SummaryWriter
from ..optimizers.schedules import LearningRateSchedule
from .base import Callback

__all__ = ["TensorBoard"]

_log = logging.getLogger("calque")
_IGNORED = frozenset(("batch_size", "embeddings_data", "embeddings_layer_names", "write_grads"))


class TensorBoard(Callback):
    """Logs what is measured, graphs, and weights.

    What is measured goes to the folders ``train`` and ``validation`` of `log_dir`, as ``epoch_loss`` and so on.

    Args:
        log_dir: the directory.
        histogram_freq: after how many epochs histograms of the weights are written; 0: never.
        write_graph: write the graph of a training step, and the model's layers?
        write_images: write weights as images, where histograms are written?
        write_steps_per_second: log how fast training is?
        update_freq: "epoch"; or after how many batches ("batch": 1) what is measured is logged as ``batch_loss`` and so
            on, and summaries that layers write.
        profile_batch: the batch, or the first and the last, that `profiler.experimental` records; 0: none.
        embeddings_freq: after how many epochs the weights are saved for the projector; 0: never.
        embeddings_metadata: a file with what the rows of embeddings stand for, or a dict of such by layer.
        **kwargs: of older releases.

    Raises:
        ValueError: an unknown argument, or `profile_batch` makes no sense.
    """

    def __init__(
        self,
        log_dir: Any = "logs",
        histogram_freq: int = 0,
        write_graph: bool = True,
        write_images: bool = False,
        write_steps_per_second: bool = False,
        update_freq: Any = "epoch",
        profile_batch: Any = 0,
        embeddings_freq: int = 0,
        embeddings_metadata: Any = None,
        **kwargs: Any,
    ) -> None:
        super().__init__()
        unknown = set(kwargs) - _IGNORED
        if unknown:
            raise ValueError(
                f"Unrecognized arguments in `TensorBoard` Callback: {unknown}. Supported kwargs are: {sorted(_IGNORED)}"
            )
        self._supports_tf_logs = True
        self.log_dir = os.fspath(log_dir)
        self.histogram_freq, self.write_graph, self.write_images = histogram_freq, write_graph, write_images
        self.write_steps_per_second = write_steps_per_second
        self.update_freq = 1 if update_freq == "batch" else update_freq
        self.embeddings_freq, self.embeddings_metadata = embeddings_freq, embeddings_metadata
        self._start_batch, self._stop_batch = _batches(profile_batch)
        self._global_train_batch = 0
        self._is_tracing = False
        self._graph_is_due = False
        self._writers: dict[str, SummaryWriter] = {}
        self._entered: list[Any] = []

    def set_model(self, model: Any) -> None:
        """See `Callback`: writes the model's layers."""
        self.model = model
        self._writers = {}
        self._graph_is_due = self.write_graph
        if self.write_graph and (model._is_graph_network or type(model).__name__ == "Sequential"):
            with self._writer("train").as_default(), summary.record_if(True):
                _write_layers(model)
        if self.embeddings_freq:
            self._write_projector()

    def _writer(self, run: str) -> SummaryWriter:
        """The writer of a run: "train" or "validation"."""
        if run not in self._writers:
            self._writers[run] = summary.create_file_writer(os.path.join(self.log_dir, run))
        return self._writers[run]

    # Summaries that layers and steps write

    def _push(self, run: str, step: Any) -> None:
        """From now on summaries go to the run, every so many steps."""
        if self.update_freq == "epoch":
            return
        frequency = self.update_freq
        contexts = (
            self._writer(run).as_default(step),
            summary.record_if(lambda: step % frequency == 0),
        )
        for context in contexts:
            context.__enter__()
        self._entered.append(contexts)

    def _pop(self) -> None:
        if self.update_freq != "epoch" and self._entered:
            for context in reversed(self._entered.pop()):
                context.__exit__(None, None, None)

    # Training

    def _implements_train_batch_hooks(self) -> bool:
        return bool(
            self._start_batch
            or self._stop_batch
            or self.write_steps_per_second
            or self.update_freq != "epoch"
        )

    def on_train_begin(self, logs: Any = None) -> None:
        """See `Callback`."""
        self._global_train_batch = 0
        self._push("train", self.model._train_counter)

    def on_train_batch_begin(self, batch: int, logs: Any = None) -> None:
        """See `Callback`."""
        self._global_train_batch += 1
        self._batch_began = time.time()
        if self._global_train_batch == self._start_batch:
            profiler.experimental.start(self.log_dir)
            self._is_tracing = True

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        """See `Callback`."""
        self._write_step_graph()
        if self.update_freq != "epoch":
            if self.write_steps_per_second:
                speed = 1.0 / max(time.time() - self._batch_began, 1e-9)
                summary.scalar("batch_steps_per_second", speed, step=self.model._train_counter)
            for name, value in logs.items() if isinstance(logs, dict) else ():
                summary.scalar(f"batch_{name}", value, step=self.model._train_counter)
        if self._is_tracing and self._global_train_batch >= self._stop_batch:
            self._stop_tracing()

    def _stop_tracing(self) -> None:
        profiler.experimental.stop()
        self._is_tracing = False

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        """See `Callback`."""
        if self.write_steps_per_second:
            self._epoch_began = time.time()
            self._iterations_before = int(self.model.optimizer.iterations.numpy())

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """See `Callback`."""
        self._write_step_graph()
        self._write_measured(epoch, logs or {})
        if self.histogram_freq and epoch % self.histogram_freq == 0:
            self._write_weights(epoch)
        if self.embeddings_freq and epoch % self.embeddings_freq == 0:
            self.model.save_weights(os.path.join(self.log_dir, "train", f"keras_embedding.ckpt-{epoch}"))

    def on_train_end(self, logs: Any = None) -> None:
        """See `Callback`."""
        self._pop()
        if self._is_tracing:
            self._stop_tracing()
        for writer in self._writers.values():
            writer.close()
        self._writers = {}

    def _write_step_graph(self) -> None:
        """Write the graph of a training step, once there is one."""
        function = self.model.train_tf_function
        if not self._graph_is_due or function is None or not function.concrete_functions:
            return
        self._graph_is_due = False
        with self._writer("train").as_default(), summary.record_if(True):
            summary.graph(function.concrete_functions[0].graph)

    def _write_measured(self, epoch: int, logs: dict[str, Any]) -> None:
        """Write what was measured in an epoch."""
        trained = {k: v for k, v in logs.items() if not k.startswith("val_")}
        validated = {k[4:]: v for k, v in logs.items() if k.startswith("val_")}
        optimizer = self.model.optimizer
        schedule = getattr(optimizer, "_learning_rate", None) or getattr(optimizer, "lr", None)
        if trained and isinstance(schedule, LearningRateSchedule):
            trained["learning_rate"] = schedule(optimizer.iterations)
        if trained and self.write_steps_per_second:
            done = int(optimizer.iterations.numpy()) - self._iterations_before
            trained["steps_per_second"] = done / max(time.time() - self._epoch_began, 1e-9)
        with summary.record_if(True):
            for run, values in (("train", trained), ("validation", validated)):
                if values:
                    with self._writer(run).as_default():
                        for name, value in values.items():
                            summary.scalar(f"epoch_{name}", value, step=epoch)

    def _write_weights(self, epoch: int) -> None:
        writer = self._writer("train")
        with writer.as_default(), summary.record_if(True):
            for weight in [w for layer in self.model.layers for w in layer.weights]:
                name = weight.name.replace(":", "_")
                summary.histogram(f"{name}/histogram", weight, step=epoch)
                if self.write_images:
                    image = _as_image(weight.numpy())
                    if image is not None:
                        summary.image(f"{name}/image", image, step=epoch)
            writer.flush()

    # Evaluation

    def on_test_begin(self, logs: Any = None) -> None:
        """See `Callback`."""
        self._push("validation", self.model._test_counter)

    def on_test_end(self, logs: Any = None) -> None:
        """See `Callback`."""
        iterations = getattr(self.model.optimizer, "iterations", None)
        if iterations is not None:
            with summary.record_if(True), self._writer("validation").as_default():
                for name, value in (logs or {}).items():
                    summary.scalar(f"evaluation_{name}_vs_iterations", value, step=iterations.read_value())
        self._pop()

    # The projector

    def _write_projector(self) -> None:
        """Tell TensorBoard's projector which weights are embeddings.

        Raises:
            ValueError: there is metadata for layers that are no embeddings.
        """
        from ..layers import Embedding

        metadata = self.embeddings_metadata
        rest = {} if metadata is None or isinstance(metadata, str) else dict(metadata)
        text = ""
        for layer in self.model.layers:
            if isinstance(layer, Embedding):
                path = metadata if isinstance(metadata, str) else rest.pop(layer.name, None)
                text += 'embeddings {\n  tensor_name: "layer_with_weights-0/embeddings/.ATTRIBUTES/VARIABLE_VALUE"\n'
                text += f'  metadata_path: "{path}"\n' if path is not None else ""
                text += "}\n"
        if rest:
            raise ValueError(
                "Unrecognized `Embedding` layer names passed to `keras.callbacks.TensorBoard` `embeddings_metadata` "
                f"argument: {sorted(rest)}"
            )
        os.makedirs(self.log_dir, exist_ok=True)
        with open(os.path.join(self.log_dir, "projector_config.pbtxt"), "w", encoding="utf-8") as file:
            file.write(text)


def _batches(given: Any) -> tuple[int, int]:
    """The first and the last batch to record."""
    message = (
        "profile_batch must be a non-negative integer or 2-tuple of positive integers. A pair of positive integers "
        f"signifies a range of batches to profile. Found: {given}"
    )
    if isinstance(given, str):
        try:
            given = [int(part) for part in given.split(",")]
        except ValueError:
            raise ValueError(message) from None
    if isinstance(given, int):
        given = (given, given)
    if not isinstance(given, (tuple, list)) or len(given) != 2 or given[0] < 0 or given[1] < given[0]:
        raise ValueError(message)
    return given[0], given[1]


def _write_layers(model: Any) -> None:
    """Write the configuration of a model, of which TensorBoard draws a graph."""
    try:
        text = model.to_json()
    except (NotImplementedError, TypeError, ValueError) as error:
        _log.warning("Model failed to serialize as JSON. Ignoring... %s", error)
        return
    summary.write("keras", text, step=0, metadata=encode_summary_metadata("graph_keras_model", b"1", ""))


def _as_image(weight: Any) -> Any:
    """A weight as images (number, height, width, channels); None where it makes none."""
    image = np.squeeze(weight)
    if image.ndim == 1:
        image = image.reshape(1, -1, 1, 1)
    elif image.ndim == 2:
        image = (image.T if image.shape[0] > image.shape[1] else image)[None, :, :, None]
    elif image.ndim == 3:
        image = image.transpose(2, 0, 1)[..., None]
    return image if image.ndim == 4 and image.shape[-1] in (1, 3, 4) else None
