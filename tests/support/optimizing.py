"""Optimizers and learning rates to try, under calque and under tf-keras: what they are made with, and what they did."""

from __future__ import annotations

import json
from typing import Any

import numpy as np

STEPS = 4
OPTIMIZERS = (
    "SGD(0.1)",
    "SGD(0.1, momentum=0.9)",
    "SGD(0.1, momentum=0.9, nesterov=True)",
    "SGD(0.1, weight_decay=0.1)",
    "SGD(0.1, clipnorm=0.5)",
    "SGD(0.1, clipvalue=0.3)",
    "SGD(0.1, global_clipnorm=0.5)",
    "SGD(0.1, use_ema=True, ema_momentum=0.5, ema_overwrite_frequency=3)",
    "SGD(schedules.ExponentialDecay(0.1, 2, 0.5))",
    "SGD(schedules.PiecewiseConstantDecay([1, 2], [0.3, 0.2, 0.1]), momentum=0.5)",
    "Adam(0.1)",
    "Adam(0.1, beta_1=0.8, beta_2=0.9, epsilon=1e-3)",
    "Adam(0.1, amsgrad=True)",
    "Adam(0.1, adaptive_epsilon=True, epsilon=0.1)",
    "Adam(schedules.CosineDecay(0.1, 3))",
    "AdamW(0.1)",
    "AdamW(0.1, weight_decay=0.2, amsgrad=True)",
    "RMSprop(0.1)",
    "RMSprop(0.1, momentum=0.9)",
    "RMSprop(0.1, rho=0.7, centered=True)",
    "RMSprop(0.1, momentum=0.9, centered=True, clipnorm=1.0)",
    "Adagrad(0.1)",
    "Adagrad(0.1, initial_accumulator_value=0.5, epsilon=1e-3)",
    "Adadelta(1.0)",
    "Adadelta(0.5, rho=0.8, epsilon=1e-3)",
    "Adamax(0.1)",
    "Adamax(0.1, beta_1=0.8, beta_2=0.9, epsilon=1e-3, weight_decay=0.1)",
    "Nadam(0.1)",
    "Nadam(0.1, beta_1=0.8, beta_2=0.9, epsilon=1e-3)",
    "Ftrl(0.1)",
    "Ftrl(0.1, learning_rate_power=-0.4, l1_regularization_strength=0.01, l2_regularization_strength=0.1)",
    "Ftrl(0.1, initial_accumulator_value=0.5, l2_shrinkage_regularization_strength=0.1, beta=0.2)",
    "Adafactor(0.1)",
    "Adafactor(0.1, beta_2_decay=-0.5, epsilon_2=0.1, clip_threshold=0.5, relative_step=False)",
    "Lion(0.1)",
    "Lion(0.01, beta_1=0.8, beta_2=0.9, use_ema=True, ema_overwrite_frequency=2)",
)
# The older ones, of `keras.optimizers.legacy`.
LEGACY = (
    "SGD(0.1)",
    "SGD(0.1, momentum=0.9)",
    "SGD(0.1, momentum=0.9, nesterov=True, decay=0.1)",
    "SGD(schedules.ExponentialDecay(0.1, 2, 0.5), clipnorm=0.5)",
    "Adam(0.1)",
    "Adam(0.1, beta_1=0.8, beta_2=0.9, epsilon=1e-3, amsgrad=True, decay=0.1)",
    "RMSprop(0.1)",
    "RMSprop(0.1, momentum=0.9)",
    "RMSprop(0.1, rho=0.7, centered=True, clipvalue=0.5)",
    "RMSprop(0.1, momentum=0.9, centered=True, global_clipnorm=1.0)",
    "Adagrad(0.1)",
    "Adagrad(0.1, initial_accumulator_value=0.5, epsilon=1e-3)",
    "Adadelta(1.0)",
    "Adamax(0.1)",
    "Nadam(0.1)",
    "Ftrl(0.1, l1_regularization_strength=0.01, l2_regularization_strength=0.1, beta=0.2)",
    "Ftrl(0.1, l2_shrinkage_regularization_strength=0.1)",
)
SCHEDULES = (
    "ExponentialDecay(0.5, 10, 0.9)",
    "ExponentialDecay(0.5, 10, 0.9, staircase=True)",
    "InverseTimeDecay(0.5, 10, 0.9)",
    "InverseTimeDecay(0.5, 10, 0.9, staircase=True)",
    "PiecewiseConstantDecay([5, 20], [1.0, 0.5, 0.1])",
    "PolynomialDecay(0.5, 10)",
    "PolynomialDecay(0.5, 10, 0.1, power=2.0)",
    "PolynomialDecay(0.5, 10, 0.1, power=0.5, cycle=True)",
    "CosineDecay(0.5, 10)",
    "CosineDecay(0.5, 10, alpha=0.1)",
    "CosineDecay(0.1, 10, warmup_target=0.5, warmup_steps=5)",
    "CosineDecayRestarts(0.5, 10)",
    "CosineDecayRestarts(0.5, 10, t_mul=1.0, m_mul=0.9, alpha=0.1)",
    "CosineDecayRestarts(0.5, 5, t_mul=1.5, m_mul=0.9)",
)
SCHEDULE_STEPS = (0, 1, 5, 7, 10, 15, 20, 33, 100)


def make(text: str, optimizers: Any) -> Any:
    """What a row says, of a module of optimizers or schedules."""
    return eval(text, {name: getattr(optimizers, name) for name in dir(optimizers)})


def variables(tf: Any) -> list[Any]:
    """A matrix that gets gradients of all rows, one that gets some rows', and a vector."""
    return [
        tf.Variable([[1.0, -2.0], [3.0, 4.0]], name="dense"),
        tf.Variable(np.arange(8, dtype=np.float32).reshape(4, 2), name="rows"),
        tf.Variable([0.5, -1.5, 2.5], name="vector"),
    ]


def gradients(step: int, tf: Any) -> list[Any]:
    """Gradients for `variables`; in those of some rows, one row occurs twice."""
    dense = np.array([[0.3, -0.6], [1.5, 0.0]], np.float32) * (step + 1)
    rows = np.array([[0.5, 1.0], [-1.0, 2.0], [0.25, 0.0]], np.float32) / (step + 1)
    vector = np.array([1.0, -0.1, 10.0 * step], np.float32)
    at = [0, 2, 0] if step % 2 else [3, 1, 3]
    return [tf.constant(dense), tf.IndexedSlices(rows, at, [4, 2]), tf.constant(vector)]


def make_legacy(text: str, optimizers: Any) -> Any:
    """What a row of `LEGACY` says."""
    names = {name: getattr(optimizers.legacy, name) for name in dir(optimizers.legacy)}
    return eval(text, names | {"schedules": optimizers.schedules})


def train(optimizer: Any, held: list[Any], tf: Any, start: int = 0, steps: int = STEPS) -> list[np.ndarray]:
    """Step on, and give the variables' values, and the optimizer's, after each step."""
    seen = []
    for step in range(start, start + steps):
        optimizer.apply_gradients(list(zip(gradients(step, tf), held, strict=True)))
        seen += [v.numpy() for v in held] + [v.numpy() for v in state(optimizer)]
    return seen


def state(optimizer: Any) -> list[Any]:
    """The optimizer's variables: of older ones, `variables` is a method only."""
    variables = optimizer.variables
    return list(variables() if callable(variables) else variables)


def many_steps(
    rows: Any, optimizers: Any, tf: Any, count: int, legacy: bool
) -> list[tuple[list[np.ndarray], str]]:
    """Of each row: the variables after so many steps, and the optimizer as JSON."""
    found = []
    for row in rows:
        optimizer, held = (make_legacy if legacy else make)(row, optimizers), variables(tf)
        for step in range(count):
            optimizer.apply_gradients(list(zip(gradients(step, tf), held, strict=True)))
        written = json.dumps(optimizers.serialize(optimizer), default=float)
        found.append(([v.numpy() for v in held], written))
    return found
