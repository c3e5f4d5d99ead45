"""Models that TensorFlow wrote, loaded and called here, against what TensorFlow gave (golden/make_golden.py)."""

from __future__ import annotations

import shutil
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import calque_runtime
from calque_runtime import ops
from hostile.base import edit
from saved_model.calls import CALLS, Call, Point, arguments, flatten, resolve
from support.arrays import unpack

GOLDEN = Path(__file__).parent / "golden"


X = np.zeros((2, 3), np.float32)


def load(name: str) -> Any:
    return calque_runtime.load(GOLDEN / name)


@cache
def golden(name: str) -> dict[str, np.ndarray]:
    with np.load(GOLDEN / f"{name}.npz") as archive:
        return dict(archive)


def expected(call: Call) -> dict[str, np.ndarray]:
    archive = golden(call.model)
    names = {key.partition("#")[0] for key in archive if key.startswith(f"{call.name}|")}
    return {name.partition("|")[2]: unpack(archive, name) for name in names}


def same(got: Any, want: np.ndarray, what: str) -> None:
    array = np.asarray(got, object) if isinstance(got, bytes) else np.asarray(got)
    assert array.shape == want.shape, what
    if want.dtype == object:
        assert array.tolist() == want.tolist(), what
    else:
        wide = np.float64 if array.dtype.name == "bfloat16" else None
        assert array.dtype == want.dtype or not isinstance(got, (np.ndarray, np.generic)), what
        np.testing.assert_allclose(
            array.astype(wide or array.dtype), want.astype(wide or want.dtype), rtol=1e-5
        )


@pytest.mark.parametrize("call", CALLS, ids=lambda c: f"{c.model}-{c.name}")
def test_call(call: Call) -> None:
    if call.model == "assets" and ops.find("LookupTableFindV2") is None:
        pytest.skip("there are no table ops")
    args, kwargs = arguments(call)
    got = dict(flatten(resolve(load(call.model), call)(*args, **kwargs)))
    want = expected(call)
    assert set(got) == set(want)
    for path, array in want.items():
        same(got[path], array, path)


def test_attributes_keep_their_structure() -> None:
    model = load("nested")
    assert len(model.layers) == 2
    assert sorted(model.table) == ["one", "two"]
    assert model.table["one"].numpy().tolist() == [1, 2, 3]
    assert model.layers[0].w1.shape == (3, 4)
    frozen, inner = model.pair
    assert frozen.numpy() == np.float32(1.5)
    assert not frozen.trainable
    assert inner[0].numpy() == np.bool_(True)
    assert model.point.x is model.point[0]
    assert model.point.y.numpy() == 2.0
    assert "layers" in repr(model)
    assert model.tensorflow_version.startswith("2.")


def test_variables_of_all_types() -> None:
    model = load("nested")
    assert model.half.dtype.name == "bfloat16"
    assert model.half.numpy().astype(np.float32).tolist() == [1.5, -2.25, 0.10009765625]
    assert model.words.numpy().tolist() == [b"one", b"", "zw\u00f6lf".encode()]
    assert model.empty.numpy().shape == (0, 3)
    assert model.layers[0].w1.name == "w1:0"
    assert repr(model.half) == "<variable 'half:0': bfloat16[3]>"


def test_variables_are_collected_once() -> None:
    model = load("nested")
    names = [v.name for v in model.variables]
    assert len(names) == len({id(v) for v in model.variables}) == 20
    assert set(names) - {v.name for v in model.trainable_variables} >= {"frozen:0"}
    assert len(load("two_layer").trainable_variables) == 4


def test_assignment_is_seen_by_functions() -> None:
    model = load("polymorphic")
    model.scale.assign(10.0)
    assert model(np.float32([1, 2])).tolist() == [10.0, 20.0]
    assert model.scale.numpy() == 10.0
    with pytest.raises(calque_runtime.errors.InvalidArgumentError, match="scale"):
        model.scale.assign(np.zeros(3, np.float32))
    with pytest.raises(calque_runtime.errors.InvalidArgumentError, match="float64"):
        model.scale.assign(np.float64(1))


def test_assignment_in_a_function_is_seen_outside() -> None:
    model = load("nested")
    model.grow(np.float32(5))
    assert model.point.x.numpy() == 6.0
    assert load("nested").point.x.numpy() == 1.0


def test_result_kinds() -> None:
    model = load("structures")
    point, rest = model.point(Point(np.float32(1), np.float32(2)))
    assert (point.x, point.y, rest) == (2.0, 1.0, (3.0,))
    assert isinstance(model.listed([1.0, 2.0]), list)
    assert isinstance(model.literal(1.0)[0], np.float32)
    assert model.nothing() is None
    words = load("nested").strings()
    assert words.dtype == object


@pytest.mark.parametrize(
    ("args", "kwargs"),
    [(([1.0, 2.0],), {}), (((1, 2),), {}), (([1, 2.5],), {"power": 1}), ((np.float32([1, 2]), 0), {})],
)
def test_python_values_become_tensors(args: Any, kwargs: Any) -> None:
    x = np.float32(args[0])
    np.testing.assert_array_equal(load("polymorphic")(*args, **kwargs), 2 * x)


def test_no_concrete_function_fits() -> None:
    model = load("polymorphic")
    with pytest.raises(ValueError) as caught:
        model(np.zeros(3, np.float64), training=False)
    error = caught.value
    assert isinstance(error, calque_runtime.SignatureMismatchError)
    assert isinstance(error, calque_runtime.errors.InvalidArgumentError)
    text = str(error)
    assert "x = float64[3]" in text  # what came
    for option in ("float32[2]", "float64[2,2]", "int32[]", "power=3"):
        assert option in text
    assert "The nearest is" in text


def test_nearest_signature_names_the_argument() -> None:
    with pytest.raises(ValueError, match=r"nearest is 1: 'mode' is 'times', wants 'plus'"):
        load("polymorphic").named(np.float32(1), "times")
    with pytest.raises(
        ValueError, match=r"'x' is float64\[2,3\], wants float32\[\?,3\]: convert it with .astype"
    ):
        load("two_layer")(np.zeros((2, 3)))


@pytest.mark.parametrize(
    ("args", "kwargs", "text"),
    [
        ((), {}, "lacks the argument x"),
        ((1.0, True, 2.0), {}, "takes 2 positional arguments"),
        ((1.0,), {"x": 1.0}, "two values for argument 'x'"),
        ((1.0,), {"spin": 1.0}, "does not take 'spin'"),
    ],
)
def test_arguments_that_do_not_bind(args: Any, kwargs: Any, text: str) -> None:
    with pytest.raises(TypeError, match=text) as caught:
        load("polymorphic")(*args, **kwargs)
    assert isinstance(caught.value, calque_runtime.ArgumentError)


def test_signature_errors() -> None:
    signature = load("nested").signatures["add"]
    with pytest.raises(
        calque_runtime.ArgumentError, match=r"missing 'b'.*It takes a: float32\[\?\], b: float32\[\?\]"
    ):
        signature(a=np.zeros(2, np.float32))
    with pytest.raises(calque_runtime.ArgumentError, match="unexpected 'c'"):
        signature(a=np.float32([1]), b=np.float32([1]), c=1)
    with pytest.raises(calque_runtime.ArgumentError, match="by name"):
        signature(np.float32([1]), np.float32([1]))
    with pytest.raises(
        calque_runtime.SignatureMismatchError, match=r"input 'a' is float32\[2,2\], wants float32\[\?\]"
    ):
        signature(a=np.zeros((2, 2), np.float32), b=np.float32([1]))
    with pytest.raises(KeyError, match="there are: 'serving_default', 'add', 'strings'"):
        load("nested").signatures["nope"]
    assert load("two_layer").signatures["serving_default"](X)["output_0"].shape == (2, 2)


def test_assertions_fail_with_their_data() -> None:
    with pytest.raises(calque_runtime.errors.InvalidArgumentError, match="-1"):
        load("control").checked(np.float32([-1]))


def test_missing_attribute_names_what_there_is() -> None:
    with pytest.raises(AttributeError, match=r"no attribute 'nope'.*w1"):
        _ = load("two_layer").nope
    assert not callable(load("nested"))
    assert callable(load("two_layer"))


def test_sparse_and_ragged_values() -> None:
    from calque_runtime.savedmodel.composites import RaggedTensor, SparseTensor

    model = load("composites")
    given = SparseTensor(np.array([[0, 1]], np.int64), np.float32([3]), np.array([2, 3], np.int64))
    sparse = model.sparse(given)
    assert isinstance(sparse, SparseTensor)
    assert (sparse.indices.tolist(), sparse.values.tolist()) == ([[0, 1]], [6.0])
    ragged = model.ragged(RaggedTensor(np.float32([1, 2, 3]), (np.array([0, 2, 3], np.int64),)))
    assert ragged.to_list() == [[2.0, 3.0], [4.0]]
    with pytest.raises(ValueError, match="wants a SparseTensor"):
        model.sparse(np.zeros((2, 3), np.float32))


@pytest.mark.parametrize(
    ("known", "parts", "values"),
    [
        ("sparse", (np.array([[0, 1]], np.int64), np.float32([3]), np.array([2, 3], np.int64)), [6.0]),
        ("ragged", (np.float32([1, 2, 3]), np.array([0, 2, 3], np.int64)), [2.0, 3.0, 4.0]),
    ],
)
def test_type_specs_that_nobody_knows(tmp_path: Path, known: str, parts: Any, values: list[float]) -> None:
    """A value of such a type is its tensors."""
    from calque_runtime.savedmodel.composites import Composite

    def rename(proto: Any) -> None:
        for name, info in proto.meta_graphs[0].object_graph_def.concrete_functions.items():
            if f"_{known}_" in name:
                given = info.canonicalized_input_signature.tuple_value.values[0].tuple_value.values[0]
                for spec in (given.type_spec_value, info.output_signature.type_spec_value):
                    spec.type_spec_class = 11  # one registered under a name
                    spec.type_spec_class_name = "their.OwnSpec"
                    spec.num_flat_components = len(parts)

    function = getattr(
        calque_runtime.load(edit(shutil.copytree(GOLDEN / "composites", tmp_path / "m"), rename)), known
    )
    (concrete,) = function.concrete_functions
    (spec,), _ = concrete.info.input_signature
    assert spec.class_name == "their.OwnSpec"
    result = function(Composite(spec, parts))
    assert isinstance(result, Composite)
    assert values in [np.asarray(one).tolist() for one in result.components]
    with pytest.raises(ValueError, match=r"wants a their\.Own"):
        function(np.zeros((2, 3), np.float32))


def test_loading_reads_no_weights_and_decodes_no_functions() -> None:
    model = load("nested")
    assert all(v.state._value is None for v in model.variables)
    assert all(f is None for f in model.serve.concrete_functions[0].env.library._functions.values())


def test_signature_input_with_a_default_may_be_left_out() -> None:
    # Serving fills it in from the SignatureDef; TensorFlow's own loader wants it given.
    signature = load("defaults").signatures["serving_default"]
    assert signature(x=np.float32([1, 2]))["output_0"].tolist() == [3.0, 6.0]
    with pytest.raises(calque_runtime.ArgumentError, match="missing 'x'"):
        signature(factor=np.float32(1))


def test_concrete_function_takes_flat_tensors() -> None:
    bare = load("defaults").bare
    assert list(bare.inputs) == ["x", "factor"]
    with pytest.raises(calque_runtime.ArgumentError, match=r"missing 'factor'.*factor: float32\[\]"):
        bare(x=np.float32([1]))
    with pytest.raises(ValueError, match="factor"):
        bare(np.float32([1]), np.zeros((2, 2), np.float32))
