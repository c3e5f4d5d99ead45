"""docs/performance.md: its code runs, and its list of passes is the compiler's."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import calque as tf
from calque_tools.dev import list_passes

PAGE = Path(__file__).parents[2] / "docs" / "performance.md"


def test_the_list_of_passes_is_current(capsys: pytest.CaptureFixture[str]) -> None:
    assert list_passes.main(["--check"]) == 0, capsys.readouterr().err


def test_the_times_of_ops(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    class Model(tf.Module):
        @tf.function(input_signature=[tf.TensorSpec([None, 64], tf.float32)])  # type: ignore[untyped-decorator]
        def __call__(self, x: Any) -> Any:
            return tf.matmul(x, np.ones([64, 8], np.float32))

    tf.saved_model.save(Model(), tmp_path / "model")
    monkeypatch.chdir(tmp_path)
    (block,) = re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.S)
    exec(compile(block, str(PAGE), "exec"), {})
    assert "'MatMul'" in capsys.readouterr().out
