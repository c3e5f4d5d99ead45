"""The code of docs/backends.md runs, and its engines get what the page says."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import calque as tf

PAGE = Path(__file__).parents[2] / "docs" / "backends.md"


class Model(tf.Module):
    """A perceptron, and an activation of elementwise ops."""

    def __init__(self) -> None:
        super().__init__()
        random = np.random.default_rng(0)
        self.w = tf.Variable(random.normal(0, 0.1, [64, 512]).astype(np.float32))
        self.b = tf.Variable(random.normal(0, 0.1, [512]).astype(np.float32))

    @tf.function(input_signature=[tf.TensorSpec([None, 64], tf.float32)])  # type: ignore[untyped-decorator]
    def __call__(self, x: Any) -> Any:
        y = tf.nn.relu(tf.matmul(x, self.w) + self.b)
        return y * tf.tanh(tf.exp(-y) + 0.5)


def test_the_page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model = Model()
    tf.saved_model.save(model, tmp_path / "model")
    monkeypatch.chdir(tmp_path)
    blocks = re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.S)
    assert len(blocks) == 3
    space: dict[str, Any] = {}
    for block in blocks[:2]:
        exec(compile(block, str(PAGE), "exec"), space)
    ran: list[list[str]] = []
    for engine, method in (("Packed", "compile"), ("Loops", "compile_group")):
        monkeypatch.setattr(space[engine], method, _noting(getattr(space[engine], method), ran))
    exec(compile(blocks[2], str(PAGE), "exec"), space)
    assert ran == [["MatMul", "AddV2", "Relu"], ["Neg", "Exp", "AddV2", "Tanh", "Mul"]] * 2
    np.testing.assert_allclose(space["y"], model(space["x"]), rtol=1e-5, atol=1e-5)
    changed = space["model"]
    changed.w.assign(2 * changed.w.numpy())
    model.w.assign(2 * model.w)
    np.testing.assert_allclose(changed(space["x"]), model(space["x"]), rtol=1e-5, atol=1e-5)


def _noting(compile_part: Any, ran: list[list[str]]) -> Any:
    """The same, with a note of each part's ops whenever it runs."""

    def noting(self: Any, part: Any) -> Any:
        run = compile_part(self, part)
        ops = [node.op.name for node in part.function.nodes if node.op.name != "Const"]
        return run and (lambda *arrays: ran.append(ops) or run(*arrays))  # type: ignore[func-returns-value]

    return noting
