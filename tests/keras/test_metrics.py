"""Metrics by numpy; of one's own; in functions; copied, merged, saved. Values of tf-keras: `test_leaves.py`."""

from __future__ import annotations

import copy
import itertools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import calque as tf
import calque_runtime

metrics = tf.keras.metrics
RANDOM = np.random.default_rng(3)
Y_TRUE = RANDOM.integers(0, 2, 40)
Y_PRED = RANDOM.random(40).astype(np.float32)
WEIGHTS = RANDOM.random(40).astype(np.float32)


def area(y_true: Any, y_pred: Any) -> Any:
    """The area under the ROC curve, by its meaning: how often a positive is above a negative."""
    positive, negative = y_pred[y_true == 1], y_pred[y_true == 0]
    return np.mean([a > b for a, b in itertools.product(positive, negative)])


HITS = Y_PRED > 0.5
EACH: dict[str, tuple[Any, Callable[[], Any]]] = {
    "accuracy": (metrics.BinaryAccuracy, lambda: np.mean(Y_TRUE == HITS)),
    "precision": (metrics.Precision, lambda: Y_TRUE[HITS].mean()),
    "recall": (metrics.Recall, lambda: HITS[Y_TRUE == 1].mean()),
    "false negatives": (metrics.FalseNegatives, lambda: np.sum(~HITS & (Y_TRUE == 1))),
    "mean squared error": (metrics.MeanSquaredError, lambda: np.mean((Y_TRUE - Y_PRED) ** 2)),
    "root": (metrics.RootMeanSquaredError, lambda: np.sqrt(np.mean((Y_TRUE - Y_PRED) ** 2))),
    "AUC": (lambda: metrics.AUC(num_thresholds=5000), lambda: area(Y_TRUE, Y_PRED)),
}


@pytest.mark.parametrize("name", EACH)
def test_two_batches_are_as_one(name: str) -> None:
    make, wanted = EACH[name]
    metric = make()
    for half in (slice(0, 15), slice(15, 40)):  # a column each: functions take means over the last axis
        metric.update_state(Y_TRUE[half, None], Y_PRED[half, None])
    np.testing.assert_allclose(metric.result().numpy(), wanted(), rtol=1e-3 if name == "AUC" else 1e-5)
    metric.reset_state()
    assert all(not v.numpy().any() for v in metric.variables)


def test_weights_count() -> None:
    metric = metrics.BinaryAccuracy()
    metric.update_state(Y_TRUE[:, None], Y_PRED[:, None], sample_weight=WEIGHTS)
    wanted = np.average(Y_TRUE == HITS, weights=WEIGHTS)
    np.testing.assert_allclose(metric.result().numpy(), wanted, rtol=1e-5)


@pytest.mark.parametrize("dtype", ["float16", "float64"])
def test_a_dtype(dtype: str) -> None:
    metric = metrics.MeanSquaredError(dtype=dtype)
    value = metric(Y_TRUE[:, None], Y_PRED[:, None])
    assert value.dtype.name == dtype
    np.testing.assert_allclose(value.numpy(), np.mean((Y_TRUE - Y_PRED) ** 2), rtol=1e-2)


def test_nothing_has_the_mean_0() -> None:
    assert metrics.Mean().result().numpy() == 0
    assert metrics.Mean()(np.zeros((0, 3))).numpy() == 0


class Own(metrics.Metric):
    """A metric with a metric and a weight, a condition, and several values."""

    def __init__(self, name: str = "own", **kwargs: Any) -> None:
        super().__init__(name=name, **kwargs)
        self.positive = metrics.Mean()
        self.calls = self.add_weight("calls", initializer="zeros", dtype="int32")

    def update_state(self, x: Any, sample_weight: Any = None) -> None:
        if tf.reduce_sum(x) > 0:
            self.positive.update_state(x, sample_weight)
        self.calls.assign_add(1)

    def result(self) -> Any:
        return {"mean": self.positive.result(), "calls": self.calls, "one": 1.0}


def test_of_ones_own() -> None:
    metric = Own()
    step = tf.function(metric)
    for batch in ([1.0, 2.0], [-3.0, 1.0], [6.0, 0.0]):
        given = step(tf.constant(batch))
    assert {k: v.numpy() for k, v in given.items()} == {"mean": 2.25, "calls": 3, "one": 1.0}
    assert metric.metrics == [metric.positive]
    assert [v.name for v in metric.weights] == ["calls:0", "total:0", "count:0"]
    metric.reset_state()
    assert {k: v.numpy() for k, v in metric.result().items()} == {"mean": 0.0, "calls": 0, "one": 1.0}


def test_an_old_name_of_reset_state() -> None:
    class Old(metrics.Mean):
        def reset_states(self) -> None:
            self.total.assign(5.0)

    metric = Old()
    with pytest.warns(UserWarning, match=r"rename it to `reset_state\(\)`"):
        metric.reset_state()
    assert metric.total.numpy() == 5.0


def test_results_that_are_no_tensors() -> None:
    class Text(metrics.Mean):
        def result(self) -> Any:
            return object()

    with pytest.raises(RuntimeError, match="can only be a single Tensor/Variable, or a dict"):
        Text().result()


class Errors(metrics.experimental.PyMetric):  # type: ignore[name-defined,misc]
    """The largest error, found in Python."""

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        errors = np.abs(y_true.numpy() - y_pred.numpy()) * (
            1 if sample_weight is None else sample_weight.numpy()
        )
        self.largest = max(self.largest, float(errors.max()))

    def result(self) -> float:
        return self.largest

    def reset_state(self) -> None:
        self.largest = 0.0


def test_in_python() -> None:
    metric = Errors()
    assert metric([1.0, 2.0], [1.5, 4.0]).numpy() == 2.0
    step = tf.function(lambda y_true, y_pred: metric(y_true, y_pred, sample_weight=[2.0]))
    assert step(tf.constant([1.0]), tf.constant([6.0])).numpy() == 10.0
    metric.reset_state()
    assert metric.result().numpy() == 0.0
    with pytest.raises(NotImplementedError, match="merge_state"):
        metric.merge_state([Errors()])


def test_copies_and_merging() -> None:
    first, second = metrics.Mean(name="m"), metrics.Mean()
    first.update_state([1.0, 2.0])
    second.update_state([6.0])
    other = copy.deepcopy(first)
    other.merge_state([second])
    assert (other.name, other.result().numpy(), first.result().numpy()) == ("m", 3.0, 1.5)
    assert str(first) == "Mean(name=m,dtype=float32)"
    with pytest.raises(ValueError, match=r"Metric Sum\(name=sum,dtype=float32\) is not compatible"):
        first.merge_state([metrics.Sum()])


def test_names_and_configs() -> None:
    made = metrics.deserialize(metrics.serialize(metrics.Precision(thresholds=[0.2, 0.3], name="p")))
    assert isinstance(made, metrics.Precision)
    assert (made.name, made.thresholds) == ("p", [0.2, 0.3])
    assert metrics.serialize(None) is None
    with pytest.warns(UserWarning, match="objects of type `keras.metrics.Metric`") as warned:
        metrics.serialize(metrics.mean_squared_error)
    assert len(warned) == 1
    assert metrics.get("mse") is metrics.mean_squared_error
    assert isinstance(metrics.get({"class_name": "AUC", "config": {"curve": "PR"}}), metrics.AUC)
    with pytest.raises(ValueError, match="Unknown metric function: 'nothing'"):
        metrics.get("nothing")
    with pytest.raises(ValueError, match="Could not interpret metric identifier: 3"):
        metrics.get(3)


REFUSED: tuple[tuple[Callable[[], Any], type[Exception], str], ...] = (
    (lambda: metrics.Metric(), TypeError, "abstract"),
    (lambda: metrics.Mean()({"a": 1}), RuntimeError, "can only be a single Tensor"),
    (lambda: metrics.Precision()([1, 0], [1.0, 0.0, 0.5]), ValueError, "incompatible"),
    (lambda: metrics.Precision(thresholds=2), ValueError, r"Threshold values must be in \[0, 1\]"),
    (lambda: metrics.PrecisionAtRecall(1.5), ValueError, r"`recall` must be in the range \[0, 1\]"),
    (lambda: metrics.PrecisionAtRecall(0.5, num_thresholds=0), ValueError, "must be an integer > 0"),
    (lambda: metrics.AUC(num_thresholds=1), ValueError, "must be an integer > 1"),
    (lambda: metrics.AUC(curve="x"), ValueError, "Invalid AUC curve value"),
    (lambda: metrics.AUC(summation_method="x"), ValueError, "Invalid AUC summation method value"),
    (lambda: metrics.AUC(num_labels=2), ValueError, "needed only when `multi_label` is True"),
    (lambda: metrics.AUC(label_weights=[-1.0]), tf.errors.InvalidArgumentError, "non-negative"),
    (
        lambda: metrics.AUC(multi_label=True, num_labels=2)([[1, 0, 0]], [[0.1, 0.2, 0.3]]),
        ValueError,
        "Number of labels is not consistent",
    ),
    (lambda: metrics.AUC(multi_label=True)([1, 0], np.ones(2)), ValueError, "must have rank 2"),
    (lambda: metrics.MeanTensor().result(), ValueError, "does not have any value yet"),
    (lambda: metrics.IoU(2, [2]), ValueError, "Target class id 2 is out of range"),
    (lambda: metrics.MeanIoU(2)([1], [3]), tf.errors.InvalidArgumentError, "does not index"),
    (lambda: metrics.R2Score()([1.0], [2.0]), ValueError, "R2Score expects 2D inputs"),
    (lambda: metrics.R2Score(num_regressors=-1), ValueError, "Expected a value >= 0"),
    (lambda: metrics.R2Score("x"), ValueError, "Invalid value for argument `class_aggregation`"),
    (lambda: metrics.F1Score(average="x"), ValueError, "Invalid `average`"),
    (lambda: metrics.FBetaScore(beta=-1.0), ValueError, "Invalid `beta`"),
    (lambda: metrics.F1Score(threshold=2.0), ValueError, "Invalid `threshold`"),
)


@pytest.mark.parametrize("number", range(len(REFUSED)))
def test_what_is_refused(number: int) -> None:
    act, kind, message = REFUSED[number]
    with pytest.raises(kind, match=message):
        act()


class Holder(tf.Module):
    """A module with metrics and functions that use them."""

    def __init__(self) -> None:
        super().__init__()
        self.loss = metrics.Mean(name="loss")
        self.area = metrics.AUC(num_thresholds=50)

    @tf.function(input_signature=[tf.TensorSpec([None], "int64"), tf.TensorSpec([None])])
    def step(self, y_true: Any, y_pred: Any) -> Any:
        self.loss.update_state(y_pred)
        self.area.update_state(y_true, y_pred)
        return {"loss": self.loss.result(), "area": self.area.result()}


def test_a_module_with_metrics_is_saved(tmp_path: Path) -> None:
    holder, again = Holder(), Holder()
    holder.step(Y_TRUE[:20], Y_PRED[:20])
    tf.saved_model.save(holder, str(tmp_path / "saved"))
    tf.train.Checkpoint(holder).write(str(tmp_path / "checkpoint"))
    tf.train.Checkpoint(again).read(str(tmp_path / "checkpoint")).assert_consumed()
    loaded = calque_runtime.load(str(tmp_path / "saved"))
    wanted = {k: v.numpy() for k, v in holder.step(Y_TRUE[20:], Y_PRED[20:]).items()}
    np.testing.assert_allclose(wanted["loss"], Y_PRED.mean(), rtol=1e-5)
    for got in (again.step(Y_TRUE[20:], Y_PRED[20:]), loaded.step(Y_TRUE[20:], Y_PRED[20:])):
        assert {k: np.asarray(v) for k, v in got.items()} == wanted


def test_few_ops_for_each_update() -> None:
    """Training steps trace them: what one more metric costs there."""
    metric = metrics.SparseCategoricalAccuracy()
    step = tf.function(metric.update_state, input_signature=[tf.TensorSpec([None]), tf.TensorSpec([None, 3])])
    kinds = [op.type for op in step.get_concrete_function().graph.get_operations()]
    kinds = [kind for kind in kinds if kind not in ("Const", "Placeholder", "Identity", "NoOp")]
    assert len(kinds) <= 10, kinds
