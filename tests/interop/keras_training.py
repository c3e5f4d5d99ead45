"""Trainings to do, under calque and under tf-keras: each gives histories, results and weights by name.

The file runs on both sides. Weights begin with numbers of numpy, and nothing is shuffled.
"""

from __future__ import annotations

import contextlib
import io
from typing import Any

import numpy as np


def data(outputs: int = 1, kind: str = "numbers", rows: int = 50) -> tuple[Any, Any]:
    """Inputs (rows, 6) and targets."""
    random = np.random.default_rng(3)
    x = random.normal(size=(rows, 6)).astype("float32")
    if kind == "classes":
        return x, np.eye(outputs, dtype="float32")[random.integers(0, outputs, rows)]
    if kind == "sparse":
        return x, random.integers(0, outputs, rows)
    if kind == "binary":
        return x, random.integers(0, 2, (rows, outputs)).astype("float32")
    return x, random.normal(size=(rows, outputs)).astype("float32")


def set_weights(model: Any, seed: int = 0) -> Any:
    """Give a model weights that depend on their shapes alone."""
    random = np.random.default_rng(seed)
    model.set_weights([random.normal(size=w.shape).astype(w.dtype) * 0.3 for w in model.get_weights()])
    return model


def mlp(keras: Any, outputs: int = 1, activation: Any = None) -> Any:
    model = keras.Sequential(
        [
            keras.layers.Dense(8, activation="tanh", input_shape=(6,)),
            keras.layers.Dense(outputs, activation=activation),
        ]
    )
    return set_weights(model)


def found(model: Any, history: Any = None, **more: Any) -> dict[str, Any]:
    """What a training gives: the history, its keys in order, weights, and more."""
    answer: dict[str, Any] = {f"weight {i}": w for i, w in enumerate(model.get_weights())}
    if history is not None:
        answer["names"] = list(history.history)
        answer |= {f"history {k}": np.asarray(v, "float64") for k, v in history.history.items()}
        answer["epochs"] = list(history.epoch)
    return answer | more


# Optimizers, losses, metrics

OPTIMIZERS = (
    "'sgd'",
    "'adam'",
    "'rmsprop'",
    "keras.optimizers.SGD(0.05, momentum=0.9, nesterov=True)",
    "keras.optimizers.Adam(0.01, amsgrad=True, weight_decay=0.01)",
    "keras.optimizers.AdamW(0.01, clipnorm=0.5)",
    "keras.optimizers.Adagrad(keras.optimizers.schedules.ExponentialDecay(0.1, 5, 0.5))",
    "keras.optimizers.Adamax(0.01, use_ema=True, ema_momentum=0.9)",
    "keras.optimizers.Ftrl(0.05)",
    "keras.optimizers.legacy.Adam(0.01, decay=0.01)",
)


def optimizer(keras: Any, tf: Any, name: str) -> Any:
    x, y = data(3, "sparse")
    model = mlp(keras, 3, "softmax")
    model.compile(eval(name, {"keras": keras}), "sparse_categorical_crossentropy", metrics=["accuracy"])
    history = model.fit(
        x, y, epochs=3, batch_size=16, shuffle=False, verbose=0, validation_data=(x[:20], y[:20])
    )
    return found(model, history, evaluated=model.evaluate(x, y, verbose=0), names_of=model.metrics_names)


# A loss, the activation, the data, and metrics.
LOSSES = {
    "mse": (None, (2, "numbers"), ["mae", "mse", "RootMeanSquaredError", "cosine_similarity"]),
    "mae": (None, (1, "numbers"), ["mape", "msle", "logcosh"]),
    "binary_crossentropy": (
        "sigmoid",
        (1, "binary"),
        ["acc", "AUC", "Precision", "Recall", "TruePositives", "crossentropy", "BinaryAccuracy"],
    ),
    "BinaryCrossentropy": ("sigmoid", (3, "binary"), ["accuracy", "hinge", "ce", "binary_accuracy"]),
    "categorical_crossentropy": (
        "softmax",
        (3, "classes"),
        [
            "accuracy",
            "ce",
            "kullback_leibler_divergence",
            "CategoricalAccuracy",
            "top_k_categorical_accuracy",
        ],
    ),
    "sparse_categorical_crossentropy": (
        "softmax",
        (3, "sparse"),
        ["acc", "crossentropy", "SparseTopKCategoricalAccuracy", "sparse_categorical_accuracy"],
    ),
    "huber": (None, (2, "numbers"), ["poisson", "squared_hinge"]),
    "kld": ("softmax", (3, "classes"), []),
    "categorical_hinge": (None, (3, "classes"), ["categorical_hinge"]),
    "poisson": ("exponential", (1, "binary"), None),
}


def loss(keras: Any, tf: Any, name: str) -> Any:
    activation, (outputs, kind), metrics = LOSSES[name]
    x, y = data(outputs, kind)
    weight = np.random.default_rng(5).uniform(0, 2, len(x))
    model = mlp(keras, outputs, activation)
    model.compile("sgd", name, metrics=metrics, weighted_metrics=metrics and metrics[:2])
    history = model.fit(
        x, y, epochs=2, batch_size=16, shuffle=False, verbose=0, sample_weight=weight, validation_split=0.3
    )
    results = model.evaluate(x, y, verbose=0, sample_weight=weight, return_dict=True)
    return found(model, history, results=results, order=list(results))


# Other trainings, by name


def several_outputs(keras: Any, tf: Any, by: str = "list") -> Any:
    inputs = keras.Input((6,))
    inner = keras.layers.Dense(5, activation="tanh")(inputs)
    outputs = [keras.layers.Dense(2, name="a")(inner), keras.layers.Dense(1, name="b")(inner)]
    model = set_weights(keras.Model(inputs, outputs))
    x, y = data(3)
    targets = [y[:, :2], y[:, 2:]]
    weights = [np.linspace(0, 1, len(x)), np.linspace(1, 2, len(x))]
    if by == "list":
        model.compile(
            "sgd",
            ["mse", keras.losses.MeanAbsoluteError()],
            metrics=[["mae", "accuracy"], [keras.metrics.MeanSquaredError(name="m")]],
            loss_weights=[1.0, 0.3],
            weighted_metrics=["mae"],
        )
        history = model.fit(x, targets, epochs=2, verbose=0, shuffle=False, sample_weight=weights)
        return found(
            model, history, results=model.evaluate(x, targets, verbose=0), names_of=model.metrics_names
        )
    named = dict(zip("ab", targets, strict=True))
    model.compile(
        "sgd", {"a": "mse", "b": "mae"}, metrics={"b": ["mae", "mse"]}, loss_weights={"b": 0.3},
        weighted_metrics={"a": "mae", "b": "mae"},
    )  # fmt: skip
    dataset = tf.data.Dataset.from_tensor_slices((x, named)).batch(20)
    history = model.fit(dataset, epochs=2, verbose=0)
    results = model.evaluate(x, named, verbose=0, sample_weight=dict(zip("ab", weights, strict=True)))
    return found(model, history, results=results, names_of=model.metrics_names)


def several_outputs_by_name(keras: Any, tf: Any) -> Any:
    return several_outputs(keras, tf, "name")


def several_inputs(keras: Any, tf: Any) -> Any:
    a, b = keras.Input((6,), name="a"), keras.Input((2,), name="b")
    model = set_weights(
        keras.Model({"a": a, "b": b}, keras.layers.Dense(2)(keras.layers.Concatenate()([a, b])))
    )
    x, y = data(2)
    model.compile("sgd", "mse", loss_weights=0.5)
    history = model.fit({"a": x, "b": y}, y, epochs=2, verbose=0, shuffle=False)
    return found(model, history, predicted=model.predict({"a": x, "b": y}, verbose=0, batch_size=7))


class OwnModel:
    """Makes a model class with dict outputs and a `train_step` of its own."""

    def __new__(cls, keras: Any, tf: Any) -> Any:
        class Own(keras.Model):  # type: ignore[misc]
            def __init__(self) -> None:
                super().__init__()
                self.dense = keras.layers.Dense(2)
                self.seen = keras.metrics.Mean(name="seen")

            def call(self, inputs: Any, training: Any = None) -> Any:
                outputs = self.dense(inputs)
                self.add_loss(0.01 * tf.reduce_sum(outputs**2))
                self.add_metric(tf.reduce_mean(outputs), name="mean_output")
                return {"one": outputs, "two": outputs[:, :1]}

            def train_step(self, batch: Any) -> Any:
                x, y = batch
                with tf.GradientTape() as tape:
                    outputs = self(x, training=True)
                    value = tf.reduce_mean((outputs["one"] - y) ** 2) + sum(self.losses)
                grads = tape.gradient(value, self.trainable_variables)
                self.optimizer.apply_gradients(zip(grads, self.trainable_variables, strict=True))
                self.seen.update_state(value)
                return {"seen": self.seen.result(), "last": value}

        return Own()


def own_step(keras: Any, tf: Any) -> Any:
    x, y = data(2)
    model = OwnModel(keras, tf)
    model(x[:2])
    set_weights(model)
    model.compile("sgd")
    history = model.fit(x, y, epochs=3, batch_size=20, verbose=0, shuffle=False)
    predicted = model.predict(x, verbose=0)
    return found(model, history, order=list(predicted), **predicted)


def dict_outputs(keras: Any, tf: Any) -> Any:
    x, y = data(2)

    class Two(keras.Model):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.dense = keras.layers.Dense(2, kernel_regularizer="l2", activity_regularizer="l1")

        def call(self, inputs: Any) -> Any:
            outputs = self.dense(inputs)
            self.add_loss(0.01 * tf.reduce_sum(outputs**2))
            self.add_metric(tf.reduce_mean(outputs), name="mean_output")
            return {"one": outputs, "two": outputs[:, :1]}

    model = Two()
    model(x[:2])
    set_weights(model)
    model.compile("sgd", {"one": "mse", "two": "mae"}, metrics={"two": ["mse"]})
    history = model.fit(x, {"one": y, "two": y[:, :1]}, epochs=2, verbose=0, shuffle=False)
    return found(model, history, names_of=model.metrics_names)


def masks(keras: Any, tf: Any) -> Any:
    random = np.random.default_rng(4)
    x = random.integers(0, 5, (30, 7))
    y = random.integers(0, 3, (30, 7))
    model = keras.Sequential(
        [
            keras.layers.Embedding(5, 4, mask_zero=True, input_length=7),
            keras.layers.Dense(3, activation="softmax"),
        ]
    )
    set_weights(model)
    model.compile(
        "sgd", "sparse_categorical_crossentropy", metrics=["accuracy"], weighted_metrics=["accuracy"]
    )
    history = model.fit(x, y, epochs=2, verbose=0, shuffle=False, batch_size=8)
    weighted = model.evaluate(x, y, verbose=0, sample_weight=np.linspace(0, 1, 30))
    temporal = model.evaluate(x, y, verbose=0, sample_weight=random.uniform(size=(30, 7)))
    return found(model, history, weighted=weighted, temporal=temporal)


def class_weights(keras: Any, tf: Any) -> Any:
    x, y = data(3, "sparse")
    answer: dict[str, Any] = {}
    for i, targets in enumerate((y, y[:, None], np.eye(3)[y])):
        model = mlp(keras, 3, "softmax")
        name = "categorical_crossentropy" if i == 2 else "sparse_categorical_crossentropy"
        model.compile("sgd", name, weighted_metrics=["accuracy"])
        settings = {"class_weight": {0: 1.0, 1: 0.3, 2: 2.0}, "epochs": 2, "verbose": 0, "shuffle": False}
        history = model.fit(x, targets, **settings)
        part = found(model, history, batch=model.train_on_batch(x, targets, class_weight={0: 1, 1: 2, 2: 3}))
        answer |= {f"{i} {k}": v for k, v in part.items()}
    return answer


def sources(keras: Any, tf: Any) -> Any:
    x, y = data(2)

    class Rows(keras.utils.Sequence):  # type: ignore[misc]
        ended = 0

        def __len__(self) -> int:
            return 5

        def __getitem__(self, i: int) -> Any:
            return x[10 * i : 10 * i + 10], y[10 * i : 10 * i + 10]

        def on_epoch_end(self) -> None:
            self.ended += 1

    def batches() -> Any:
        while True:
            for i in range(0, 50, 12):
                yield x[i : i + 12], y[i : i + 12], np.ones(len(x[i : i + 12]))

    rows = Rows()
    slices = tf.data.Dataset.from_tensor_slices((x, y))
    answer: dict[str, Any] = {}
    for name, source, settings in (
        ("sequence", rows, {"shuffle": False, "epochs": 2}),
        ("generator", batches(), {"steps_per_epoch": 3, "epochs": 3, "validation_steps": 2}),
        ("dataset", slices.batch(20), {"epochs": 2}),
        ("repeated", slices.batch(20).repeat(), {"epochs": 2, "steps_per_epoch": 4}),
        ("unknown", slices.batch(20).filter(lambda a, b: True), {"epochs": 2}),
        ("short", slices.batch(20), {"epochs": 3, "steps_per_epoch": 2}),
    ):
        model = mlp(keras, 2)
        model.compile("sgd", "mse")
        validation = slices.batch(10) if name == "generator" else (x[:10], y[:10])
        history = model.fit(source, verbose=0, validation_data=validation, **settings)
        answer |= {f"{name} {k}": v for k, v in found(model, history).items()}
    answer["ended"] = rows.ended
    return answer


def steps(keras: Any, tf: Any) -> Any:
    x, y = data(2)
    answer: dict[str, Any] = {}
    for name, compiled, settings in (
        ("goes on", {}, {"steps_per_epoch": 3, "epochs": 3, "batch_size": 16}),
        ("steps alone", {}, {"steps_per_epoch": 7, "epochs": 2}),
        ("at once", {"steps_per_execution": 3}, {"epochs": 2, "batch_size": 10}),
        ("at once, all", {"steps_per_execution": 30}, {"epochs": 2, "batch_size": 10}),
        ("late", {}, {"initial_epoch": 2, "epochs": 5, "validation_freq": 2}),
        ("listed", {}, {"epochs": 5, "validation_freq": [1, 4]}),
    ):
        model = mlp(keras, 2)
        model.compile("sgd", "mse", **compiled)
        calls: list[Any] = []
        watch = keras.callbacks.LambdaCallback(
            on_batch_begin=lambda i, logs, calls=calls: calls.append(i),
            on_batch_end=lambda i, logs, calls=calls: calls.append(-i),
        )
        history = model.fit(
            x, y, verbose=0, shuffle=False, callbacks=[watch], validation_data=(x, y), **settings
        )
        part = found(model, history, calls=calls)
        answer |= {f"{name} {k}": v for k, v in part.items()}
    return answer


def single_batches(keras: Any, tf: Any) -> Any:
    x, y = data(2)
    model = mlp(keras, 2)
    model.compile("sgd", "mse", metrics=["mae"])
    results = [
        model.train_on_batch(x, y),
        model.train_on_batch(x[:10], y[:10], sample_weight=np.arange(10.0), reset_metrics=False),
        list(model.train_on_batch(x, y, return_dict=True).values()),
        model.test_on_batch(x, y),
        model.test_on_batch(x[:7], y[:7], reset_metrics=False),
    ]
    return found(
        model, results=np.asarray(results), predicted=model.predict_on_batch(x), names=model.metrics_names
    )


def trainable(keras: Any, tf: Any) -> Any:
    x, y = data(2)
    model = mlp(keras, 2)
    model.compile("sgd", "mse")
    model.layers[0].trainable = False
    first = found(model, model.fit(x, y, verbose=0, shuffle=False))
    before = [layer.trainable for layer in model.layers]
    model.compile("sgd", "mse")
    second = found(model, model.fit(x, y, verbose=0, shuffle=False))
    return first | {f"then {k}": v for k, v in second.items()} | {"before": before}


def predictions(keras: Any, tf: Any) -> Any:
    x, _ = data(2)
    model = mlp(keras, 2)
    answer = {
        "arrays": model.predict(x, batch_size=7, verbose=0),
        "steps": model.predict(x, steps=2, verbose=0),
    }
    dataset = tf.data.Dataset.from_tensor_slices((x, x)).batch(20)
    answer["dataset"] = model.predict(dataset, verbose=0)
    answer["lists"] = model.predict([[1.0] * 6, [2.0] * 6], verbose=0)

    class Numbers(keras.Model):  # type: ignore[misc]
        def call(self, inputs: Any) -> Any:
            return tf.reduce_sum(inputs), [inputs, {"k": inputs[:, 0]}]

    total, (same, first) = Numbers().predict(x, verbose=0)
    return answer | {"total": total, "same": same, "first": first["k"]}


def refusals(keras: Any, tf: Any) -> Any:
    x, y = data(2)

    def compiled(**settings: Any) -> Any:
        model = mlp(keras, 2)
        model.compile("sgd", settings.pop("loss", "mse"), **settings)
        return model

    tries = {
        "not compiled": lambda: mlp(keras, 2).fit(x, y),
        "not compiled, evaluated": lambda: mlp(keras, 2).evaluate(x, y),
        "lengths": lambda: compiled().fit(x, y[:10]),
        "lengths of weights": lambda: compiled().fit(x, y, sample_weight=np.ones(3)),
        "empty": lambda: compiled().fit(x[:0], y[:0]),
        "steps": lambda: compiled().fit(x, y, steps_per_epoch=0),
        "batch size": lambda: compiled().fit(x, y, batch_size=0),
        "epochs": lambda: compiled().fit(x, y, epochs=0),
        "no targets": lambda: compiled().fit(x),
        "no loss": lambda: compiled(loss=None).fit(x, y),
        "y of a dataset": lambda: compiled().fit(tf.data.Dataset.from_tensors((x, y)), y),
        "endless": lambda: compiled().fit(tf.data.Dataset.from_tensors((x, y)).repeat()),
        "split": lambda: compiled().fit(x, y, validation_split=1.0),
        "classes": lambda: compiled().fit(x, y, class_weight={1: 1.0}),
        "compile": lambda: compiled(nothing=1),
        "optimizer": lambda: mlp(keras, 2).compile("nothing", "mse"),
        "loss": lambda: compiled(loss="nothing").fit(x, y),
        "loss of no output": lambda: compiled(loss={"nothing": "mse"}).fit(x, y),
        "metrics of one name": lambda: compiled(metrics=["mae", "mae"]).fit(x, y),
        "batch": lambda: compiled().fit(iter([(x, y, x, y)]), steps_per_epoch=1),
        "in a function": lambda: tf.function(lambda model: model.fit(x, y))(compiled()),
        "frequency": lambda: compiled().fit(x, y, validation_data=(x, y), validation_freq="a", verbose=0),
        "monitor": lambda: keras.callbacks.ModelCheckpoint("a", save_freq="b"),
        "factor": lambda: keras.callbacks.ReduceLROnPlateau(factor=1.0),
    }
    answer = {}
    for name, act in tries.items():
        try:
            with contextlib.redirect_stdout(io.StringIO()):
                act()
            answer[name] = "nothing"
        except Exception as error:
            answer[name] = type(error).__name__
    return answer


OTHERS = (
    several_outputs,
    several_outputs_by_name,
    several_inputs,
    own_step,
    dict_outputs,
    masks,
    class_weights,
    sources,
    steps,
    single_batches,
    trainable,
    predictions,
    refusals,
)


def cases() -> dict[str, Any]:
    """All of them, by name: functions of keras and tf."""
    from .keras_callbacks import CALLBACKS

    found = {f"optimizer {name}": (lambda k, t, name=name: optimizer(k, t, name)) for name in OPTIMIZERS}
    found |= {f"loss {name}": (lambda k, t, name=name: loss(k, t, name)) for name in LOSSES}
    return found | {act.__name__: act for act in OTHERS + CALLBACKS}


def try_all(keras: Any, tf: Any) -> dict[str, Any]:
    """What all of them give; the text of the error of one that fails."""
    answers: dict[str, Any] = {}
    for name, act in cases().items():
        try:
            keras.backend.clear_session()
            answers[name] = act(keras, tf)
        except Exception as error:
            answers[name] = f"{type(error).__name__}: {error}"
    return answers
