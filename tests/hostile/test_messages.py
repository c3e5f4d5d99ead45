"""What people meet most often: the message says which file, which place in it, and what to do."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import calque_runtime
from calque_runtime import Limits, dtypes, errors
from calque_runtime.structure import TensorSpecValue
from hostile.base import edit
from hostile.crafting import FLOAT, INT, X, const, function, node, saved_model, write

DATA = "variables/variables.data-00000-of-00001"
X23 = np.zeros((2, 3), np.float32)


def message(error: type[Exception], run: Callable[[], Any]) -> str:
    with pytest.raises(error) as caught:
        run()
    return str(caught.value)


def test_a_path_with_a_mistake_in_it(tmp_path: Path) -> None:
    text = message(errors.NotFoundError, lambda: calque_runtime.load(tmp_path / "modle"))
    assert text == f"there is no SavedModel at {tmp_path / 'modle'}: the directory does not exist"


def test_the_folder_above_the_model(model: Path) -> None:
    """As TensorFlow Serving keeps models: model/1/saved_model.pb."""
    text = message(errors.NotFoundError, lambda: calque_runtime.load(model.parent))
    assert text.startswith(f"{model.parent} holds no saved_model.pb")
    assert text.endswith(f"did you mean {model}?")


def test_the_file_in_the_place_of_the_folder(model: Path) -> None:
    text = message(errors.FailedPreconditionError, lambda: calque_runtime.load(model / "saved_model.pb"))
    assert text.startswith(f"{model / 'saved_model.pb'} is no directory; a SavedModel is one")


def test_wrong_tags(model: Path) -> None:
    text = message(errors.NotFoundError, lambda: calque_runtime.load(model, tags=["train"]))
    assert text == f"{model} holds no meta graph with the tags {{train}}. There are: {{serve}}"


def test_half_a_download(model: Path) -> None:
    path = model / "saved_model.pb"
    path.write_bytes(path.read_bytes()[:5000])
    text = message(errors.DataLossError, lambda: calque_runtime.load(model))
    assert text.startswith(
        f"{path}: the 5000 bytes are not a tensorflow.SavedModel message (damaged, or cut short)"
    )


def test_variables_left_behind(model: Path) -> None:
    shutil.rmtree(model / "variables")
    text = message(errors.NotFoundError, lambda: calque_runtime.load(model))
    assert text.startswith(f"{model / 'variables' / 'variables.index'} does not exist")
    assert text.endswith("was it copied without their folder?")


def test_data_cut_short(model: Path) -> None:
    path = model / DATA
    whole = path.read_bytes()
    path.write_bytes(whole[:-1])
    text = message(errors.DataLossError, lambda: calque_runtime.load(model))
    assert text.startswith(f"{path} is cut short: tensor '_CHECKPOINTABLE_OBJECT_GRAPH' needs bytes")
    assert text.endswith(f"to {len(whole)}, the file has {len(whole) - 1}.")


def test_a_flipped_bit_in_a_weight(model: Path) -> None:
    path = model / DATA
    data = bytearray(path.read_bytes())
    data[0] ^= 1
    path.write_bytes(data)
    count = calque_runtime.load(model).count
    text = message(errors.DataLossError, count.numpy)
    assert (
        text
        == f"{path} is damaged: the checksum of tensor 'count/.ATTRIBUTES/VARIABLE_VALUE' (bytes 0 to 4) does not match."
    )


def test_a_variable_without_a_value(model: Path) -> None:
    def rename(proto: Any) -> None:
        children = proto.meta_graphs[0].object_graph_def.nodes[0].children
        next(c for c in children if c.local_name == "half").local_name = "whole"

    text = message(errors.NotFoundError, lambda: calque_runtime.load(edit(model, rename)))
    for part in (
        f"{model / 'variables' / 'variables'} has no value for",
        "'whole' (half)",
        "object graph does not lead to it",
    ):
        assert part in text


def test_a_missing_vocabulary(model: Path) -> None:
    (model / "assets" / "words.txt").unlink()
    text = message(errors.NotFoundError, lambda: calque_runtime.load(model))
    assert (
        text == f"{model / 'assets' / 'words.txt'} does not exist: the model has the asset 'vocabulary' there"
    )


def test_the_wrong_dtype(model: Path) -> None:
    root = calque_runtime.load(model)
    for run in (
        lambda: root.serve(X23.astype(float)),
        lambda: root.signatures["serving_default"](x=X23.astype(float)),
    ):
        text = message(errors.InvalidArgumentError, run)
        assert text.endswith("'x' is float64[2,3], wants float32[?,3]: convert it with .astype('float32')")


def test_the_wrong_name(model: Path) -> None:
    root = calque_runtime.load(model)
    text = message(errors.InvalidArgumentError, lambda: root.signatures["serving_default"](y=X23))
    assert text == "'signatures.serving_default': missing 'x'; unexpected 'y'. It takes x: float32[?,3]"


def test_an_op_that_is_not_supported(tmp_path: Path) -> None:
    nodes = [node("frob", "FrobnicateV9", ["x"], T=FLOAT)]
    root = calque_runtime.load(write(tmp_path, saved_model([function("f", nodes, "frob:z:0")])))
    text = message(errors.UnimplementedError, lambda: root.f(X))
    assert text.startswith(
        f"{tmp_path / 'saved_model.pb'}: function 'f': node 'frob': op FrobnicateV9 is not supported"
    )


def test_a_size_over_the_limit(tmp_path: Path) -> None:
    nodes = [
        const("dims", np.array([1 << 20, 1 << 12], np.int32)),
        const("one", np.float32(1)),
        node("fill", "Fill", ["dims:output:0", "one:output:0"], T=FLOAT, index_type=INT),
    ]
    write(tmp_path, saved_model([function("f", nodes, "fill:output:0")]))
    for limits, limit in ((None, 8 << 30), (Limits(max_bytes=1000), 1000)):
        text = message(
            errors.ResourceExhaustedError, lambda one=limits: calque_runtime.load(tmp_path, limits=one).f(X)
        )
        assert text == (
            f"a tensor of shape [1048576, 4096] and dtype float32 is over the limit of {limit} bytes (Limits.max_bytes) "
            f"[Op:Fill] [node fill]"
        )


def test_a_model_that_asks_for_a_file(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_bytes(b"secret")
    name = np.array(str(secret).encode(), object)
    nodes = [const("name", name), node("read", "ReadFile", ["name:output:0"])]
    gives = TensorSpecValue((), dtypes.string, "")
    proto = saved_model([function("f", nodes, "read:contents:0", gives=(dtypes.string,))], gives=gives)
    write(tmp_path / "model", proto)
    text = message(errors.PermissionDeniedError, lambda: calque_runtime.load(tmp_path / "model").f(X))
    assert text.startswith(
        f"{secret}: the graph asks for a file; allow it with Limits(allow_files=True) [Op:ReadFile]"
    )
    allowed = calque_runtime.load(tmp_path / "model", limits=Limits(allow_files=True))
    assert allowed.f(X) == b"secret"


def test_shapes_that_do_not_fit_inside(tmp_path: Path) -> None:
    nodes = [node("product", "MatMul", ["x", "x"], T=FLOAT)]
    root = calque_runtime.load(write(tmp_path, saved_model([function("f", nodes, "product:product:0")])))
    text = message(errors.InvalidArgumentError, lambda: root.f(X23))
    assert "[2,3]" in text
    assert text.endswith("[Op:MatMul] [node product]")
