"""Running the command, in this process and in one of its own; models to run it on."""

from __future__ import annotations

import inspect
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner, Result

from calque_runtime.checkpoint import BundleWriter
from calque_runtime.wire import schema
from calque_tools.cli import calque

ROOT = Path(__file__).parents[2]
PACKAGES = os.pathsep.join(str(ROOT / name) for name in ("runtime", "tracer", "tools"))


@pytest.fixture
def golden() -> Path:
    """SavedModels that TensorFlow wrote."""
    return ROOT / "tests" / "saved_model" / "golden"


@pytest.fixture
def run() -> Callable[..., Result]:
    """Runs the command in this process."""

    # Before click 8.2 the two streams were one unless asked for.
    separate = "mix_stderr" in inspect.signature(CliRunner).parameters
    runner = CliRunner(mix_stderr=False) if separate else CliRunner()  # type: ignore[call-arg]

    def invoke(*arguments: object) -> Result:
        return runner.invoke(calque, [str(one) for one in arguments], prog_name="calque")

    return invoke


@pytest.fixture
def process() -> Callable[..., Any]:
    """Runs the command in a process of its own; gives what subprocess.run gives."""

    def start(*arguments: object, **environment: str) -> Any:
        return subprocess.run(
            [sys.executable, "-W", "error", "-m", "calque_tools", *map(str, arguments)],
            capture_output=True,
            text=True,
            encoding="utf-8",
            timeout=60,
            env={**os.environ, "PYTHONPATH": PACKAGES, "PYTHONIOENCODING": "utf-8", **environment},
            check=False,
        )

    return start


def graph_model(
    directory: Path, *, op: str = "NobodyKnowsThisOp", signature: str = "serving_default"
) -> Path:
    """A SavedModel as TensorFlow 1 saved them, without an object graph: y = op(x, w)."""
    saved_model = schema.SavedModel(saved_model_schema_version=1)
    meta_graph = saved_model.meta_graphs.add()
    meta_graph.meta_info_def.tags.append("serve")
    meta_graph.meta_info_def.tensorflow_version = "1.15.0"
    meta_graph.graph_def.versions.producer = 134
    graph = meta_graph.graph_def
    graph.node.add(name="x", op="Placeholder").attr["dtype"].type = 1
    graph.node.add(name="w", op="VariableV2").attr["dtype"].type = 1
    graph.node.add(name="y", op=op).input.extend(["x", "w:0", "^other"])
    graph.node.add(name="other", op="NoOp")
    graph.node.add(name="idle", op="NobodyCallsThisOp")
    definition = meta_graph.signature_def[signature]
    definition.method_name = "tensorflow/serving/predict"
    for tensors, name in ((definition.inputs, "x"), (definition.outputs, "y")):
        tensors[name].name, tensors[name].dtype = f"{name}:0", 1
        tensors[name].tensor_shape.dim.add().size = -1
    meta_graph.saver_def.filename_tensor_name = "save/Const:0"
    variable = schema.VariableDef(variable_name="w:0")
    meta_graph.collection_def["trainable_variables"].bytes_list.value.append(variable.SerializeToString())
    (directory / "variables").mkdir(parents=True)
    (directory / "saved_model.pb").write_bytes(saved_model.SerializeToString())
    with BundleWriter(str(directory / "variables" / "variables")) as writer:
        writer.add("w", np.arange(6, dtype=np.float32).reshape(2, 3))
        writer.add("global_step", np.array(7, np.int64))
    return directory


@pytest.fixture
def make_graph_model() -> Callable[..., Path]:
    """`graph_model`."""
    return graph_model
