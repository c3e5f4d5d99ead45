"""Checkpoint: what is written, to the byte as TensorFlow writes it, and restoring, now and later."""

from __future__ import annotations

import collections
from pathlib import Path
from typing import Any

import ml_dtypes
import numpy as np
import pytest

from calque.context import name_scope
from calque.function import function
from calque.module import Module
from calque.trackable import AutoTrackable, Trackable
from calque.train import (
    Checkpoint,
    CheckpointOptions,
    get_checkpoint_state,
    latest_checkpoint,
    list_variables,
    load_checkpoint,
    load_variable,
)
from calque.variable import Variable
from calque_runtime import dtypes, errors
from calque_runtime.checkpoint import BundleWriter

GOLDEN = Path(__file__).parent / "golden"
KEY = "/.ATTRIBUTES/VARIABLE_VALUE"
Pair = collections.namedtuple("Pair", "b a")


class M(Module):
    pass


class Named(AutoTrackable):
    """Its variables are given by keyword."""

    def __init__(self, **variables: Any) -> None:
        for name, value in variables.items():
            setattr(self, name, value)


class Adam(AutoTrackable):
    """An optimizer, as far as checkpoints see one."""

    def __init__(self) -> None:
        self.slots: Any = {}

    def make(self, variable: Variable, slot: str, value: Any, name: str = "slot") -> Variable:
        made = Variable(value, name=name)
        self.__dict__.setdefault("made", []).append((variable, slot, made))
        self._restore_slot(variable, slot, made)
        return made

    def _trackable_children(self, save_type: str = "checkpoint") -> dict[str, Trackable]:
        return {k: v for k, v in super()._trackable_children(save_type).items() if k != "slots"}

    def _slot_variables(self) -> list[tuple[Trackable, str, Trackable]]:
        return list(self.__dict__.get("made", ()))


def model(zero: bool = False) -> Any:
    """What golden/make_checkpoints.py saves; all zeros for the restored one."""

    def value(x: Any) -> Any:
        return np.zeros_like(x) if zero else x

    m = M()
    m.z = Variable(value(np.float32(1)), name="zz")
    m.a = [Variable(value(np.float32(2))), Variable(value(np.array([3], np.int64)), name="q"), 1]
    m.d = {"k/2": Variable(value(np.float32(1.5))), "a.b": Variable("" if zero else "text")}
    m.e = []
    m.nt = Pair(1, Variable(value(np.array([True, False]))))
    m.same = m.z
    m.sub = M(name="foo")
    with name_scope("scope"):
        w = value(np.arange(6, dtype=np.float32).reshape(2, 3))
        m.sub.w = Variable(w, name="w", trainable=False)
    m.sub.half = Variable(value(np.array([1, 2], ml_dtypes.bfloat16)), name="half")
    m.sub.up = m
    m.fn = Trackable()  # where the golden model has a function: an object without values
    return m


def assert_same_values(got: Any, expected: Any) -> None:
    pairs = list(zip(got.variables, expected.variables, strict=True))
    assert len(pairs) == 8
    for x, y in pairs:
        assert (
            x.numpy().dtype == y.numpy().dtype
            if hasattr(y.numpy(), "dtype")
            else type(x.numpy()) is type(y.numpy())
        )
        np.testing.assert_array_equal(x.numpy(), y.numpy())


def assert_same_files(got: Path | str, expected: Path | str) -> None:
    for extension in (".index", ".data-00000-of-00001"):
        assert Path(f"{got}{extension}").read_bytes() == Path(f"{expected}{extension}").read_bytes()


# Written to the byte as TensorFlow writes


def test_save_gives_tensorflows_bytes(tmp_path: Path) -> None:
    path = Checkpoint(m=model(), opt=Variable(3)).save(tmp_path / "ckpt")
    assert path == str(tmp_path / "ckpt-1")
    assert_same_files(path, GOLDEN / "nested/ckpt-1")
    assert (tmp_path / "checkpoint").read_text() == (GOLDEN / "nested/checkpoint").read_text()
    assert sorted(p.name for p in tmp_path.iterdir()) == [
        "checkpoint",
        "ckpt-1.data-00000-of-00001",
        "ckpt-1.index",
    ]


def test_write_with_a_root_gives_tensorflows_bytes(tmp_path: Path) -> None:
    prefix = str(tmp_path / "new" / "values")
    assert Checkpoint(model(), x=Variable(1)).write(prefix) == prefix
    assert_same_files(prefix, GOLDEN / "rooted/values")


def test_slot_variables_give_tensorflows_bytes(tmp_path: Path) -> None:
    golden = load_checkpoint(GOLDEN / "slots/values")
    get = golden.get_tensor
    weight, bias = Variable(get("weight" + KEY), name="weight"), Variable(get("bias" + KEY), name="bias")
    adam = Adam()
    for name in ("beta1_power", "beta2_power"):
        setattr(adam, name, Variable(get(f"adam/{name}{KEY}"), name=name))
    for variable, name in ((weight, "weight"), (bias, "bias")):
        for slot, suffix in (("m", "/Adam"), ("v", "/Adam_1")):
            adam.make(variable, slot, get(f"{name}/.OPTIMIZER_SLOT/adam/{slot}{KEY}"), name + suffix)
    prefix = Checkpoint(adam=adam, weight=weight, bias=bias).write(tmp_path / "values")
    assert_same_files(prefix, GOLDEN / "slots/values")


def test_the_same_objects_give_the_same_bytes(tmp_path: Path) -> None:
    for name in ("one", "two"):
        Checkpoint(m=model()).write(tmp_path / name)
    assert_same_files(tmp_path / "one", tmp_path / "two")


# Restoring


@pytest.mark.parametrize("kind", ["nested", "rooted"])
def test_restoring_what_tensorflow_saved(kind: str) -> None:
    m = model(zero=True)
    if kind == "nested":
        opt = Variable(0)
        checkpoint = Checkpoint(m=m, opt=opt)
        status: Any = checkpoint.restore(GOLDEN / "nested/ckpt-1")
        assert (opt.numpy(), checkpoint.save_counter.numpy()) == (3, 1)
    else:
        x = Variable(0)
        status = Checkpoint(m, x=x).read(GOLDEN / "rooted/values")
        assert x.numpy() == 1
    assert_same_values(m, model())
    status.assert_consumed().assert_existing_objects_matched().assert_nontrivial_match().expect_partial()
    status.run_restore_ops()
    status.initialize_or_restore()
    assert (status.unused, status.missing, status.wrong_shape) == ([], [], [])
    assert len(status.matched) == (10 if kind == "nested" else 9)


def test_a_mapped_array_is_not_shared_with_the_file(tmp_path: Path) -> None:
    v = Variable(np.arange(4.0))
    path = Checkpoint(v=v).write(tmp_path / "a")
    Checkpoint(v=v).read(path)
    v.assign_add(np.ones(4))
    np.testing.assert_array_equal(load_variable(path, "v" + KEY), np.arange(4.0))


def saved(tmp_path: Path) -> str:
    m = M()
    m.a, m.b, m.l = Variable([1.0, 2.0], name="a"), Variable(3.0, name="b"), [Variable(4.0)]
    m.d, m.sub = {"x": Variable(5.0)}, M()
    m.sub.w = Variable(6.0)
    return Checkpoint(m=m).save(tmp_path / "c")


def test_values_wait_for_their_objects(tmp_path: Path) -> None:
    m = M()
    status: Any = Checkpoint(m=m).restore(saved(tmp_path))
    status.assert_existing_objects_matched().assert_nontrivial_match()
    assert status.matched == ["save_counter" + KEY]
    with pytest.raises(AssertionError, match=r"Unresolved object in checkpoint \(root\)\.m\.a: "):
        status.assert_consumed()
    m.a = Variable([0.0, 0.0])
    assert m.a.numpy().tolist() == [1.0, 2.0]
    with pytest.raises(AssertionError, match=r"Unresolved object in checkpoint \(root\)\.m\.b: "):
        status.assert_consumed()
    m.b = Variable(0.0)
    m.l = []
    m.l.append(Variable(0.0))
    m.d = {}
    m.d["x"] = Variable(0.0)
    sub = M()
    sub.w = Variable(0.0)
    m.sub = sub  # a whole tree attached at once
    assert [v.numpy() for v in (m.b, m.l[0], m.d["x"], m.sub.w)] == [3.0, 4.0, 5.0, 6.0]
    status.assert_consumed()
    m.extra = Variable(0.0, name="extra")
    assert status.missing == ["m/extra" + KEY]
    for check in (status.assert_existing_objects_matched, status.assert_consumed):
        with pytest.raises(AssertionError, match=r"Found 1 Python objects .*m/extra \(extra:0\)"):
            check()


def test_a_value_waits_once(tmp_path: Path) -> None:
    m = M()
    Checkpoint(m=m).restore(saved(tmp_path))
    m.b = Variable(0.0)
    m.b = Variable(7.0)
    assert m.b.numpy() == 7.0


def test_variables_made_by_a_functions_first_call_get_their_values(tmp_path: Path) -> None:
    class Dense(Module):
        @function
        def __call__(self, x: Any) -> Any:
            if not hasattr(self, "w"):
                self.w = Variable([0.0, 0.0], name="w")
            return self.w + x

    path = Checkpoint(dense=Named(w=Variable([5.0, 6.0]))).save(tmp_path / "a")
    dense = Dense()
    status = Checkpoint(dense=dense).restore(path)
    assert dense(np.ones(2, np.float32)).numpy().tolist() == [6.0, 7.0]
    status.assert_consumed()


def test_writing_while_tracing_is_an_error(tmp_path: Path) -> None:
    checkpoint = Checkpoint(v=Variable(1.0))
    for write in (checkpoint.write, checkpoint.save):
        with pytest.raises(NotImplementedError, match="from a function is not supported"):
            function(lambda: write(tmp_path / "a"))()  # noqa: B023
    assert list(tmp_path.iterdir()) == []
    assert checkpoint.save_counter.numpy() == 0


@pytest.mark.parametrize("change", ["append", "extend", "insert", "setitem", "iadd"])
def test_lists_restore_however_they_grow(tmp_path: Path, change: str) -> None:
    path = Checkpoint(l=[Variable(1.0), Variable(2.0)]).write(tmp_path / "a")
    root = Named()
    Checkpoint(root).read(path)
    root.l = [None, None] if change == "setitem" else []
    first, second = Variable(0.0), Variable(0.0)
    if change == "append":
        root.l.append(first)
        root.l.append(second)
    elif change == "extend":
        root.l.extend([first, second])
    elif change == "insert":
        root.l.insert(0, first)
        root.l.insert(1, second)
    elif change == "setitem":
        root.l[:] = [first, second]
    else:
        root.l += [first, second]
    assert (first.numpy(), second.numpy()) == (1.0, 2.0)


def test_a_second_restore_replaces_what_waits(tmp_path: Path) -> None:
    first = Checkpoint(v=Variable(1.0)).write(tmp_path / "first")
    second = Checkpoint(v=Variable(2.0)).write(tmp_path / "second")
    root = Named()
    checkpoint = Checkpoint(root)
    checkpoint.read(first)
    checkpoint.read(second)
    root.v = Variable(0.0)
    assert root.v.numpy() == 2.0


def test_a_partial_restore_lists_what_is_unused(tmp_path: Path) -> None:
    path = saved(tmp_path)
    b = Variable(0.0)
    status = Checkpoint(m=Named(b=b)).read(path)
    assert b.numpy() == 3.0
    assert status.matched == ["m/b" + KEY]
    assert status.unused == [f"m/{name}{KEY}" for name in ("a", "d/x", "l/0", "sub/w")] + [
        "save_counter" + KEY
    ]
    assert status.expect_partial() is status


def test_nothing_in_common(tmp_path: Path) -> None:
    status = Checkpoint(q=Named(v=Variable(0.0))).read(saved(tmp_path))
    with pytest.raises(AssertionError, match="Nothing"):
        status.assert_nontrivial_match()
    assert status.missing == ["q/v" + KEY]


def test_shared_objects(tmp_path: Path) -> None:
    shared = Variable(1.0)
    path = Checkpoint(a=shared, b=shared).write(tmp_path / "a")
    assert [name for name, _ in list_variables(path)] == ["_CHECKPOINTABLE_OBJECT_GRAPH", "a" + KEY]
    one, two = Variable(0.0), Variable(0.0)
    Checkpoint(a=one, b=two).read(path).assert_consumed()
    assert (one.numpy(), two.numpy()) == (1.0, 1.0)


def test_wrong_shapes_are_listed_and_change_nothing(tmp_path: Path) -> None:
    path = saved(tmp_path)
    m = Named(a=Variable([0.0, 0.0, 0.0], name="wrong"), b=Variable(0.0), l=[Variable([1.0], name="also")])
    with pytest.raises(ValueError, match=r"incompatible tensor with shape \(2,\) when attempting") as caught:
        Checkpoint(m=m).restore(path)
    assert "variable with shape (3,) and name wrong:0" in str(caught.value)
    found = [
        (x.key, x.saved.as_list(), x.expected.as_list(), x.variable) for x in caught.value.status.wrong_shape
    ]  # type: ignore[attr-defined]
    assert found == [("m/a" + KEY, [2], [3], "wrong:0"), ("m/l/0" + KEY, [], [1], "also:0")]
    assert m.b.numpy() == 0.0


def test_wrong_shapes_are_found_when_the_object_comes(tmp_path: Path) -> None:
    m = M()
    Checkpoint(m=m).restore(saved(tmp_path))
    with pytest.raises(
        ValueError, match=r"with shape \(2,\) when attempting to restore variable with shape \(1,\)"
    ):
        m.a = Variable([1.0])


def test_a_loose_static_shape_takes_any(tmp_path: Path) -> None:
    v = Variable([0.0], shape=[None])
    Checkpoint(m=Named(a=v)).restore(saved(tmp_path))
    assert v.numpy().tolist() == [1.0, 2.0]


def test_wrong_dtypes(tmp_path: Path) -> None:
    m = Named(a=Variable(np.zeros(2)), b=Variable(0.0))
    with pytest.raises(
        errors.InvalidArgumentError, match="expected dtype float64 .* does not equal original dtype float32"
    ):
        Checkpoint(m=m).restore(saved(tmp_path))
    assert m.b.numpy() == 0.0


def test_slot_variables_are_restored_now_and_later() -> None:
    golden = load_checkpoint(GOLDEN / "slots/values")
    weight, bias, adam = Variable([0.0, 0.0]), Variable(0.0), Adam()
    early = adam.make(weight, "m", [0.0, 0.0])
    status = Checkpoint(adam=adam, weight=weight, bias=bias).read(GOLDEN / "slots/values")
    late = adam.make(bias, "v", 0.0)
    for slot, key in ((early, "weight/.OPTIMIZER_SLOT/adam/m"), (late, "bias/.OPTIMIZER_SLOT/adam/v")):
        np.testing.assert_array_equal(slot.numpy(), golden.get_tensor(key + KEY))
    assert len(status.unused) == 4
    adam.make(weight, "v", [0.0, 0.0])
    adam.make(bias, "m", 0.0)
    adam.beta1_power, adam.beta2_power = Variable(0.0), Variable(0.0)
    status.assert_consumed()


def test_slot_variables_wait_for_the_variable_too() -> None:
    root, adam = Named(), Adam()
    root.adam = adam
    Checkpoint(root).read(GOLDEN / "slots/values")
    root.bias = Variable(0.0)
    slot = adam.make(root.bias, "m", 0.0)
    np.testing.assert_allclose(slot.numpy(), 0.2, rtol=1e-5)


class Counter(Trackable):
    """An object with values that are no variables."""

    def __init__(self, count: int) -> None:
        self.count = count

    def _serialize_to_tensors(self) -> dict[str, Any]:
        return {"count": np.int64(self.count), "name/of": np.array(b"x", object)}

    def _restore_from_tensors(self, restored: Any) -> None:
        assert restored["name/of"][()] == b"x"
        self.count = int(restored["count"])


def test_objects_with_values_of_their_own(tmp_path: Path) -> None:
    path = Checkpoint(c=Counter(5)).write(tmp_path / "a")
    assert [name for name, _ in list_variables(path)][1:] == ["c/.ATTRIBUTES/count", "c/.ATTRIBUTES/name.Sof"]
    counter = Counter(0)
    Checkpoint(c=counter).read(path).assert_consumed()
    assert counter.count == 5


# Checkpoints without an object graph


def test_restoring_by_name() -> None:
    root = Named(x=Variable([0.0, 0.0], name="a"), y=Variable(0.0, name="other"), l=[])
    status = Checkpoint(n=root).restore(GOLDEN / "names/model")
    assert root.x.numpy().tolist() == [9.0, 8.0]
    assert (status.matched, status.unused, status.missing[0]) == (["a"], ["inner/b"], "n/y" + KEY)
    for check in (status.assert_consumed, status.assert_existing_objects_matched):
        with pytest.raises(AssertionError, match="n/y"):
            check()
    with name_scope("inner"):
        root.l.append(Variable(0.0, name="b"))
    assert root.l[0].numpy() == 7.0
    assert status.unused == []
    with pytest.raises(
        ValueError, match=r"with shape \(2,\) when attempting to restore variable with shape \(1,\)"
    ):
        Checkpoint(Named(x=Variable([0.0], name="a"))).read(GOLDEN / "names/model")


# Arguments, counters, errors


def test_save_counts_and_notes_the_newest(tmp_path: Path) -> None:
    checkpoint = Checkpoint(v=Variable(1.0))
    assert (checkpoint.save_counter.numpy(), checkpoint.save_counter.dtype) == (0, dtypes.int64)
    paths = [checkpoint.save(tmp_path / "k") for _ in range(3)]
    assert paths == [str(tmp_path / f"k-{n}") for n in (1, 2, 3)]
    assert (
        tmp_path / "checkpoint"
    ).read_text() == 'model_checkpoint_path: "k-3"\nall_model_checkpoint_paths: "k-3"\n'
    assert latest_checkpoint(tmp_path) == paths[-1]
    other = Checkpoint(v=Variable(0.0))
    other.restore(paths[1])
    assert other.save_counter.numpy() == 2
    assert other.save(tmp_path / "k") == paths[2]


def test_a_failed_save_does_not_count(tmp_path: Path) -> None:
    v = Variable(1.0)
    checkpoint = Checkpoint(v=v)
    v._state.clear()
    with pytest.raises(errors.FailedPreconditionError, match="has no value"):
        checkpoint.save(tmp_path / "a")
    assert checkpoint.save_counter.numpy() == 0
    assert list(tmp_path.iterdir()) == []


def test_roots(tmp_path: Path) -> None:
    m = M()
    m.v = Variable(1.0)
    path = Checkpoint(m).save(tmp_path / "a")
    assert [name for name, _ in list_variables(path)][1:] == ["save_counter" + KEY, "v" + KEY]
    assert list(m._trackable_children()) == ["v"]  # the root itself got nothing
    twin = M()
    twin.v = Variable(0.0)
    checkpoint = Checkpoint(twin)
    checkpoint.restore(path).assert_consumed()
    assert (twin.v.numpy(), checkpoint.save_counter.numpy()) == (1.0, 1)
    Checkpoint(m, v=m.v)
    with pytest.raises(ValueError, match=r"keyword argument v if root\.v already exists"):
        Checkpoint(m, v=Variable(1.0))


@pytest.mark.parametrize("value", [3, "x", None, np.ones(2), lambda: 0])
def test_objects_that_are_not_trackable(value: Any) -> None:
    with pytest.raises(ValueError, match="was expecting z to be a trackable object"):
        Checkpoint(z=value)
    if value is not None:
        with pytest.raises(ValueError, match="was expecting root to be a trackable object"):
            Checkpoint(value)


def test_lists_dicts_and_tuples_as_arguments(tmp_path: Path) -> None:
    path = Checkpoint(z={"a": Variable(1.0)}, t=(Variable(2.0),), l=[Variable(3.0)]).write(tmp_path / "b")
    assert [name for name, _ in list_variables(path)][1:] == [
        f"{name}{KEY}" for name in ("l/0", "t/0", "z/a")
    ]


def test_no_checkpoint_and_missing_ones(tmp_path: Path) -> None:
    checkpoint = Checkpoint(v=Variable(1.0))
    status = checkpoint.restore(None)
    for check in (
        status.assert_consumed,
        status.assert_existing_objects_matched,
        status.assert_nontrivial_match,
    ):
        with pytest.raises(AssertionError, match="No checkpoint specified"):
            check()
    assert status.expect_partial() is status
    for read in (checkpoint.restore, checkpoint.read):
        with pytest.raises(errors.NotFoundError, match="none"):
            read(tmp_path / "none")


def test_a_key_that_the_object_graph_names_but_the_file_lacks(tmp_path: Path) -> None:
    path = Checkpoint(v=Variable(1.0)).write(tmp_path / "a")
    graph = load_checkpoint(path).get_tensor("_CHECKPOINTABLE_OBJECT_GRAPH")
    with BundleWriter(tmp_path / "b") as writer:
        writer.add("_CHECKPOINTABLE_OBJECT_GRAPH", graph, dtypes.string)
    with pytest.raises(
        errors.NotFoundError, match="Key v/.ATTRIBUTES/VARIABLE_VALUE not found in checkpoint"
    ):
        Checkpoint(v=Variable(0.0)).read(tmp_path / "b")


def test_damaged_values_are_noticed(tmp_path: Path) -> None:
    path = Checkpoint(v=Variable(1.0)).write(tmp_path / "a")
    data = tmp_path / "a.data-00000-of-00001"
    data.write_bytes(b"\x00" + data.read_bytes()[1:3] + b"\xff" + data.read_bytes()[4:])
    with pytest.raises(errors.DataLossError):
        Checkpoint(v=Variable(0.0)).read(path)


def test_write_callbacks(tmp_path: Path) -> None:
    seen: list[Any] = []
    options = CheckpointOptions(experimental_write_callbacks=[seen.append, lambda: seen.append("done")])
    path = Checkpoint(v=Variable(1.0)).save(tmp_path / "a", options)
    assert seen == [path, "done"]


def test_looking_into_files(tmp_path: Path) -> None:
    path = saved(tmp_path)
    assert list_variables(tmp_path)[1:3] == [("m/a" + KEY, [2]), ("m/b" + KEY, [])]
    reader = load_checkpoint(path)
    assert reader.has_tensor("m/b" + KEY)
    assert not reader.has_tensor("zz")
    assert reader.get_variable_to_shape_map()["m/a" + KEY] == [2]
    assert reader.get_variable_to_dtype_map()["save_counter" + KEY] is dtypes.int64
    assert isinstance(load_variable(tmp_path, "m/b" + KEY), np.float32)
    assert load_variable(path, "m/b" + KEY + ":0") == 3.0
    assert load_variable(GOLDEN / "nested/ckpt-1", "m/d/a..b" + KEY) == b"text"
    with pytest.raises(errors.NotFoundError, match="Key zz not found in checkpoint"):
        load_variable(path, "zz")
    with pytest.raises(errors.NotFoundError):
        list_variables(tmp_path / "none")
    (tmp_path / "empty").mkdir()
    with pytest.raises(ValueError, match="Couldn't find 'checkpoint' file"):
        load_checkpoint(tmp_path / "empty")
    assert latest_checkpoint(tmp_path / "empty") is None
    assert get_checkpoint_state(tmp_path / "empty") is None
    state = get_checkpoint_state(tmp_path)
    assert state is not None
    assert (state.model_checkpoint_path, state.all_model_checkpoint_paths) == (path, [path])
