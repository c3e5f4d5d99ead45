"""Tracked attributes, lists, dicts and tuples: children and behavior as measured with TensorFlow."""

from __future__ import annotations

import collections
import copy
import gc
import json
import pickle
import weakref
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import calque as tf
from calque.data_structures import DictWrapper, ListWrapper, OrderedDictWrapper, TupleWrapper
from calque.function import function
from calque.tensor import constant
from calque.trackable import AutoTrackable, NoDependency, Trackable, functions_of
from calque.variable import Variable

Pair = collections.namedtuple("Pair", "b a")


class Node(AutoTrackable):
    pass


class Scaled(AutoTrackable):
    """An attribute behind a property."""

    @property
    def scale(self) -> Any:
        return self._scale

    @scale.setter
    def scale(self, value: Any) -> None:
        self._scale = value

    @property
    def fixed(self) -> int:
        return 1


def names(obj: Any) -> list[str]:
    return list(obj._trackable_children())


def test_what_is_tracked() -> None:
    node = Node()
    node.z, node.a, node.child = Variable(1.0), Variable(2.0), Node()
    node.array, node.tensor, node.number, node.text, node.nothing = np.ones(3), constant(1.0), 3, "x", None
    node.plain_set, node.call = {1}, lambda: 0
    node.default = collections.defaultdict(list, a=Variable(1.0))
    node.empty_list, node.numbers, node.plain_tuple, node.empty_tuple = [], [1, 2], (1, 2), ()
    node.again = node.z
    assert names(node) == ["z", "a", "child", "empty_list", "numbers", "again"]
    assert node._trackable_children()["again"] is node.z


def test_reassigning_and_deleting() -> None:
    node = Node()
    node.x, node.y = Variable(1.0), Variable(2.0)
    first = node.x
    node.x = Variable(3.0)
    assert names(node) == ["x", "y"]
    assert node._trackable_children()["x"] is not first
    node.x = None
    assert names(node) == ["y"]
    del node.y
    assert names(node) == []
    with pytest.raises(AttributeError):
        del node.y


def test_no_dependency() -> None:
    node = Node()
    node.kept = [Variable(1.0)]
    node.kept = NoDependency([Variable(1.0)])
    assert type(node.kept) is list
    assert names(node) == []


def test_properties_are_tracked_under_both_names() -> None:
    node = Scaled()
    node.scale = Variable(1.0)
    assert names(node) == ["scale", "_scale"]
    with pytest.raises(AttributeError):
        node.fixed = Variable(1.0)
    assert names(node) == ["scale", "_scale"]


def test_tracking_by_hand() -> None:
    node = Node()
    child = node._track_trackable(Variable(1.0), "x")
    assert node._trackable_children() == {"x": child}
    with pytest.raises(TypeError, match="only Trackable objects"):
        node._track_trackable(3, "y")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="already declared"):
        node._track_trackable(Variable(2.0), "x")
    node._track_trackable(Variable(2.0), "x", overwrite=True)
    assert node._trackable_children()["x"] is not child


def test_lists() -> None:
    node = Node()
    node.items = [Variable(1.0), 2, [Variable(3.0)], {"k": Variable(4.0)}]
    assert type(node.items) is ListWrapper
    assert isinstance(node.items, list)
    assert names(node.items) == ["0", "2", "3"]
    node.items.append(Variable(5.0))
    node.items.extend([[], 1])
    node.items += [Variable(6.0)]
    assert names(node.items) == ["0", "2", "3", "4", "5", "7"]
    node.items.insert(0, (Variable(7.0),))
    node.items[2] = {}
    node.items[3:5] = [[1]]
    del node.items[-1]
    assert names(node.items) == ["0", "1", "2", "3", "4", "5"]
    assert all(isinstance(child, Trackable) for child in node.items._trackable_children().values())


def test_lists_are_lists() -> None:
    node = Node()
    node.items = [3, 1, 2]
    items = node.items
    assert items == [3, 1, 2]
    assert [3, 1, 2].__eq__(items)
    assert items != [3, 1]
    for made, expected in [
        (items + [4], [3, 1, 2, 4]),
        ([0] + items, [0, 3, 1, 2]),
        (items * 2, [3, 1, 2] * 2),
    ]:
        assert made == expected
        assert type(made) is list
    assert items[1:] == [1, 2]
    items.sort()
    items.reverse()
    assert items.pop() == 1
    items.remove(3)
    assert (items, items.index(2), list(items), tuple(items)) == ([2], 0, [2], (2,))
    assert json.dumps({"items": items}) == '{"items": [2]}'
    assert repr(items) == "ListWrapper([2])"
    items.clear()
    assert not items
    with pytest.raises(TypeError):
        hash(items)


def test_dicts() -> None:
    node = Node()
    node.table = {"b": Variable(1.0), "a": [Variable(2.0)], "n": 3}
    assert type(node.table) is DictWrapper
    assert names(node.table) == ["b", "a"]
    node.table["c"] = {"x": 1}
    node.table.update(d=(Variable(3.0),), n=[])
    node.table.setdefault("e", []).append(Variable(4.0))
    assert node.table.setdefault("e", None) == node.table["e"]
    node.table |= {"f": Variable(5.0)}
    del node.table["b"]
    assert node.table.pop("a")[0].numpy() == 2.0
    assert names(node.table) == ["n", "c", "d", "e", "f"]
    assert names(node.table["e"]) == ["0"]


def test_dicts_are_dicts() -> None:
    node = Node()
    node.table = {"b": 1, "a": 2}
    table = node.table
    assert isinstance(table, dict)
    assert table == {"a": 2, "b": 1}
    assert {**table} == dict(table) == table
    assert (list(table), table.get("z", 0), "a" in table, len(table)) == (["b", "a"], 0, True, 2)
    assert json.dumps(table) == '{"b": 1, "a": 2}'
    assert (repr(table), str(table)) == ("DictWrapper({'b': 1, 'a': 2})", "{'b': 1, 'a': 2}")
    with pytest.raises(TypeError):
        hash(table)


def test_ordered_dicts_stay_ordered_dicts() -> None:
    node = Node()
    node.table = collections.OrderedDict(b=Variable(1.0), a=2)
    assert type(node.table) is OrderedDictWrapper
    assert isinstance(node.table, collections.OrderedDict)
    node.table.move_to_end("b")
    assert list(node.table) == ["a", "b"]
    assert names(node.table) == ["b"]
    node.table.pop("b")
    assert str(node.table) == "OrderedDict([('a', 2)])"


def test_keys_that_are_no_strings() -> None:
    node = Node()
    node.fine = {1: 2, "a": Variable(1.0)}
    assert names(node.fine) == ["a"]
    node.table = {1: Variable(1.0)}
    with pytest.raises(ValueError, match="non-string key, 1"):
        node.table._trackable_children()


def test_tuples() -> None:
    node = Node()
    node.pair = (Variable(1.0), [Variable(2.0)], 3)
    assert type(node.pair) is TupleWrapper
    assert isinstance(node.pair, tuple)
    assert names(node.pair) == ["0", "1"]
    assert names(node.pair[1]) == ["0"]
    assert node.pair[1:] == ([node.pair[1][0]], 3)
    node.nested = (1, ("x", (Variable(1.0),)))
    assert names(node.nested[1][1]) == ["0"]
    node.lists = (1, [2])
    assert node.lists == (1, [2])
    assert (repr(node.lists), str(node.lists)) == (
        "_TupleWrapper((1, ListWrapper([2])))",
        "(1, ListWrapper([2]))",
    )


def test_named_tuples_have_children_by_field_and_number() -> None:
    node = Node()
    node.pair = Pair(b=1, a=Variable(2.0))
    assert isinstance(node.pair, Pair)
    assert names(node.pair) == ["a", "1"]
    assert node.pair.a is node.pair[1]
    assert node.pair.b == 1
    node.plain = Pair(1, 2)
    assert type(node.plain) is Pair


def test_a_tracked_container_is_not_wrapped_again() -> None:
    node = Node()
    node.items, node.pair, node.table = [Variable(1.0)], (Variable(1.0),), {}
    for name in ("items", "pair", "table"):
        setattr(node, name + "_2", getattr(node, name))
        assert getattr(node, name + "_2") is getattr(node, name)


@pytest.mark.parametrize("change", ["list", "dict"])
def test_changes_to_the_original_are_noticed(change: str) -> None:
    node = Node()
    original: Any = [Variable(1.0)] if change == "list" else {"a": Variable(1.0)}
    node.held = original
    if change == "list":
        node.held.append(Variable(2.0))
    else:
        node.held["b"] = Variable(2.0)
    assert len(names(node.held)) == 2
    if change == "list":
        original.append(Variable(3.0))
    else:
        original["b"] = Variable(3.0)
    with pytest.raises(ValueError, match="modified outside the wrapper"):
        node.held._trackable_children()


def make_tree() -> Any:
    node = Node()
    node.items, node.table = [1, [2]], {"a": [3]}
    node.order, node.pair, node.named = collections.OrderedDict(z=1, a=[2]), (1, [2]), Pair([1], 2)
    return node


@pytest.mark.parametrize("duplicate", [copy.deepcopy, lambda x: pickle.loads(pickle.dumps(x))])
def test_copying_deeply_and_pickling(duplicate: Any) -> None:
    node = make_tree()
    twin = duplicate(node)
    for name in ("items", "table", "order", "pair", "named"):
        old, new = getattr(node, name), getattr(twin, name)
        assert new == old
        assert type(new) is type(old)
        assert twin._trackable_children()[name] is new
    twin.items.append([5])
    assert names(twin.items) == ["1", "2"]
    assert node.items == [1, [2]]


def test_copying_shallowly() -> None:
    node = make_tree()
    for name in ("items", "table", "order"):
        old = getattr(node, name)
        new = copy.copy(old)
        assert new == old
        assert new is not old
        assert type(new) is type(old)


def test_a_container_in_itself_can_be_pickled() -> None:
    node = Node()
    node.items = [1]
    node.items.append(node)
    twin = pickle.loads(pickle.dumps(node))
    assert twin.items[1] is twin


def test_functions_are_children_of_saved_models() -> None:
    class Model(AutoTrackable):
        def __init__(self) -> None:
            self.v = Variable(1.0)
            self.g = function(lambda x: x)
            self.n = Variable(2.0)

        @function
        def b(self, x: Any) -> Any:
            return x

        @function
        def a(self, x: Any) -> Any:
            return x

        @property
        def unready(self) -> Any:
            raise RuntimeError("a property is not evaluated")

    model = Model()
    assert list(model._trackable_children("savedmodel")) == ["v", "n", "a", "b", "g"]
    assert names(model) == ["v", "g", "n"]
    assert functions_of(model)["a"] is model.a
    assert functions_of(model)["a"] is not functions_of(Model())["a"]


def test_an_object_stands_for_another_in_checkpoints(tmp_path: Path) -> None:
    class Stand(tf.__internal__.tracking.DelegatingTrackableMixin, tf.__internal__.tracking.Trackable):
        def __init__(self, inner: Any) -> None:
            super().__init__(inner)

    inner = tf.Module()
    inner.v = tf.Variable(3.0)
    path = tf.train.Checkpoint(a=Stand(inner)).save(tmp_path / "c")
    other = tf.Module()
    other.v = tf.Variable(0.0)
    tf.train.Checkpoint(a=other).restore(path).assert_consumed()
    assert other.v.numpy() == 3.0
    inner.v.assign(0.0)
    tf.train.Checkpoint(a=Stand(inner)).restore(path).assert_consumed()
    assert inner.v.numpy() == 3.0


def test_views_of_a_checkpoint_and_of_objects(tmp_path: Path) -> None:
    root = tf.Module()
    root.a, root.b = tf.Module(), tf.Variable(1.0)
    root.a.c = tf.Variable(2.0)
    view = tf.train.CheckpointView(tf.train.Checkpoint(root).save(tmp_path / "c"))
    assert view.children(0).keys() == {"a", "b", "root", "save_counter"}
    assert view.descendants()[0] == 0
    other = tf.Module()
    other.a, other.d = tf.Module(), tf.Variable(5.0)
    matched, only_there, only_here = view.diff(other)
    assert matched == {0: other, view.children(0)["a"]: other.a}
    assert set(only_there) == {
        view.children(0)["b"],
        view.children(0)["save_counter"],
        *view.children(1).values(),
    }
    assert [id(o) for o in only_here] == [id(other.d)]
    assert [id(o) for o in tf.train.TrackableView(other).descendants()] == [
        id(other),
        id(other.a),
        id(other.d),
    ]


def test_python_values_in_checkpoints(tmp_path: Path) -> None:
    class Text(tf.train.experimental.PythonState):
        def __init__(self, text: str) -> None:
            self.text = text

        def serialize(self) -> str:
            return self.text

        def deserialize(self, string_value: bytes) -> None:
            self.text = string_value.decode()

    path = tf.train.Checkpoint(text=Text("before")).save(tmp_path / "c")
    new = Text("")
    tf.train.Checkpoint(text=new).restore(path).assert_consumed()
    assert new.text == "before"


def test_a_checkpoint_need_not_keep_its_root_alive(tmp_path: Path) -> None:
    root = tf.Module()
    root.v = tf.Variable(1.0)
    checkpoint = tf.train.Checkpoint(weakref.ref(root))
    path = checkpoint.save(tmp_path / "c")
    root.v.assign(2.0)
    checkpoint.restore(path)
    assert root.v.numpy() == 1.0
    del root
    gc.collect()
    with pytest.raises(RuntimeError, match="does not exist any more"):
        checkpoint.save(tmp_path / "c")
