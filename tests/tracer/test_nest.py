"""nest: what TensorFlow's tf.nest does, case by case as measured with it."""

from __future__ import annotations

import collections
import types
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import calque as tf
from calque import nest
from calque.data_structures import wrap
from calque.tensor_shape import TensorShape
from calque.trackable import Trackable

Pair = collections.namedtuple("Pair", "b a")
Other = collections.namedtuple("Other", "x y")
Ordered = collections.OrderedDict


class MyList(list[Any]):
    pass


class MyTuple(tuple[Any, ...]):
    pass


class MyDict(dict[str, Any]):
    pass


@pytest.mark.parametrize(
    ("structure", "leaves"),
    [
        ({"b": 1, "a": [2, (3, None)]}, [2, 3, None, 1]),
        ("abc", ["abc"]),
        (b"abc", [b"abc"]),
        (1, [1]),
        (None, [None]),
        ([], []),
        ([[], {}, ()], []),
        (Ordered([("b", 1), ("a", 2)]), [2, 1]),
        (types.MappingProxyType({"b": 1, "a": 2}), [2, 1]),
        ({"b": 1, "a": 2}.keys(), ["b", "a"]),
        ({"b": 1, "a": 2}.values(), [1, 2]),
        (range(3), [0, 1, 2]),
        (collections.deque([1, 2]), [1, 2]),
        (Pair(1, [2]), [1, 2]),
        ({1: "i", 0: "j"}, ["j", "i"]),
    ],
)
def test_flatten(structure: Any, leaves: list[Any]) -> None:
    assert nest.flatten(structure) == leaves


@pytest.mark.parametrize("leaf", [{1, 2}, "text", b"bytes", None, 3, TensorShape([1, 2]), object()])
def test_leaves(leaf: Any) -> None:
    assert not nest.is_nested(leaf)
    assert nest.flatten(leaf) == [leaf]


@pytest.mark.parametrize("nested", [[], (), {}, Ordered(), Pair(1, 2), range(2), {}.keys(), {}.values()])
def test_structures(nested: Any) -> None:
    assert nest.is_nested(nested)


def test_keys_that_cannot_be_sorted() -> None:
    with pytest.raises(TypeError, match="sortable keys"):
        nest.flatten({1: 2, "a": 3})


@pytest.mark.parametrize(
    "structure",
    [
        [1, 2],
        (1, 2),
        MyList([1, 2]),
        MyTuple((1, 2)),
        MyDict(b=1, a=2),
        Pair(1, 2),
        Ordered([("b", 1), ("a", 2)]),
        collections.defaultdict(list, b=1, a=2),
        collections.deque([1, 2]),
        {"b": 1, "a": [2, (3, None)]},
        [[], {}],
    ],
)
def test_packing_what_was_flattened_gives_it_back(structure: Any) -> None:
    packed = nest.pack_sequence_as(structure, nest.flatten(structure))
    assert packed == structure
    assert type(packed) is type(structure)
    assert repr(packed) == repr(structure)  # the order of the keys too


def test_pack_follows_sorted_keys_but_keeps_the_dicts_order() -> None:
    packed = nest.pack_sequence_as(Ordered([("b", 0), ("a", 0)]), [1, 2])
    assert list(packed.items()) == [("b", 2), ("a", 1)]


def test_pack_keeps_the_default_factory() -> None:
    packed = nest.pack_sequence_as(collections.defaultdict(list, a=1), [5])
    assert packed["new"] == []


def test_views_and_ranges_come_back_as_lists() -> None:
    assert nest.pack_sequence_as(range(2), [5, 6]) == [5, 6]
    assert nest.pack_sequence_as({"b": 1, "a": 2}.values(), [5, 6]) == [5, 6]


@pytest.mark.parametrize(
    ("structure", "flat", "error", "text"),
    [
        (1, [5, 6], ValueError, "The target structure is of type `<class 'int'>`"),
        ([1, 2, 3], [5, 6], ValueError, "Structure had 3 atoms, but flat_sequence had 2 items"),
        ([1, 2], [5, 6, 7], ValueError, "Structure had 2 atoms, but flat_sequence had 3 items"),
        ([1, 2], 5, TypeError, "found incompatible type `<class 'int'>`"),
        ([1, 2], "ab", TypeError, "found incompatible type `<class 'str'>`"),
        (types.MappingProxyType({"a": 1}), [1], TypeError, "Error creating an object of type"),
    ],
)
def test_pack_errors(structure: Any, flat: Any, error: type[Exception], text: str) -> None:
    with pytest.raises(error, match=text.replace("[", r"\[")):
        nest.pack_sequence_as(structure, flat)


SAME = [
    ({"a": 1}, Ordered(a=1)),
    (Pair(1, 2), collections.namedtuple("Pair", "b a")(3, 4)),
    (MyList([1]), [1]),
    (MyDict(a=1), {"a": 2}),
    (collections.defaultdict(list, a=1), {"a": 1}),
    (None, 1),
    ("ab", 1),
    ([1, (2, {"x": 3})], ["a", (None, {"x": 4})]),
]
OTHER_CLASS = [
    ([1, 2], (1, 2)),
    (Pair(1, 2), Other(1, 2)),
    (Pair(1, 2), (1, 2)),
    (MyTuple((1,)), (1,)),
    ({"a": [1]}, {"a": (1,)}),
]
OTHER_STRUCTURE = [
    ([1, 2], [1]),
    ([1], 1),
    (1, [1]),
    ([1, [2]], [1, 2]),
    ([1, [2, 3]], [1, [2]]),
    ([1], None),
    ({"a": 1}, {"a": 1, "b": 2}),
]


@pytest.mark.parametrize(("a", "b"), SAME)
def test_same_structures(a: Any, b: Any) -> None:
    nest.assert_same_structure(a, b)
    nest.assert_same_structure(b, a)


@pytest.mark.parametrize(("a", "b"), OTHER_CLASS)
def test_other_classes(a: Any, b: Any) -> None:
    with pytest.raises(TypeError, match="don't have the same nested structure"):
        nest.assert_same_structure(a, b)
    nest.assert_same_structure(a, b, check_types=False)


@pytest.mark.parametrize(("a", "b"), OTHER_STRUCTURE)
@pytest.mark.parametrize("check_types", [True, False])
def test_other_structures(a: Any, b: Any, check_types: bool) -> None:
    with pytest.raises(ValueError, match="don't have the same nested structure"):
        nest.assert_same_structure(a, b, check_types)


def test_other_keys_matter_with_types_only() -> None:
    with pytest.raises(ValueError, match="don't have the same set of keys"):
        nest.assert_same_structure({"a": 1}, {"b": 1})
    nest.assert_same_structure({"a": 1}, {"b": 1}, check_types=False)


def test_the_message_shows_both_structures_with_dots_for_leaves() -> None:
    with pytest.raises(ValueError, match="don't have") as caught:
        nest.assert_same_structure({"a": [1, (2,)]}, {"a": [1]})
    text = str(caught.value)
    assert "Entire first structure:\n{'a': [., (.,)]}\n" in text
    assert text.endswith("Entire second structure:\n{'a': [.]}")


def test_map_structure() -> None:
    assert nest.map_structure(lambda x, y: x - y, {"a": [3], "b": (4,)}, {"a": [1], "b": (2,)}) == {
        "a": [2],
        "b": (2,),
    }
    assert nest.map_structure(lambda x: x * 2, 4) == 8
    assert nest.map_structure(lambda x, y: (x, y), [1], (2,), check_types=False) == [(1, 2)]
    assert nest.map_structure(lambda x: [x], [1, 2]) == [[1], [2]]  # what func gives is a leaf


def test_map_structure_errors() -> None:
    with pytest.raises(ValueError, match="Must provide at least one structure"):
        nest.map_structure(lambda x: x)
    with pytest.raises(TypeError, match="func must be callable"):
        nest.map_structure(1, [1])  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="Only valid keyword arguments"):
        nest.map_structure(lambda x: x, [1], foo=2)
    with pytest.raises(ValueError, match="same number of elements"):
        nest.map_structure(lambda x, y: x, [1], [1, 2])


def test_paths() -> None:
    structure = {"b": [1, (2,)], "a": Pair(3, None)}
    assert nest.flatten_with_joined_string_paths(structure) == [
        ("a/b", 3),
        ("a/a", None),
        ("b/0", 1),
        ("b/1/0", 2),
    ]
    assert nest.flatten_with_paths(structure)[2:] == [(("b", 0), 1), (("b", 1, 0), 2)]
    assert nest.flatten_with_joined_string_paths(3) == [("", 3)]
    assert nest.flatten_with_joined_string_paths([1], separator=".") == [("0", 1)]
    assert nest.map_structure_with_paths(lambda path, x: (path, x), {"a": [1]}) == {"a": [(("a", 0), 1)]}


def test_tracked_containers_count_as_what_they_wrap() -> None:
    child = Trackable()
    plain = {"t": (child, [1]), "p": Pair(child, 2), "l": [child], "o": Ordered(z=1, a=2)}
    tracked = wrap(plain)
    nest.assert_same_structure(plain, tracked)
    assert nest.flatten(tracked) == nest.flatten(plain)
    mapped = nest.map_structure(lambda x: x, tracked)
    assert mapped == plain
    assert (type(mapped), type(mapped["t"]), type(mapped["p"]), type(mapped["l"])) == (
        dict,
        tuple,
        Pair,
        list,
    )


LEAVES = st.none() | st.integers() | st.text(max_size=2)
NESTS = st.recursive(
    LEAVES,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.lists(inner, max_size=3).map(tuple)
        | st.dictionaries(st.text(max_size=2), inner, max_size=3)
        | st.tuples(inner, inner).map(lambda pair: Pair(*pair))
    ),
)


@given(NESTS)
def test_flatten_pack_and_map_agree(structure: Any) -> None:
    leaves = nest.flatten(structure)
    assert nest.pack_sequence_as(structure, leaves) == structure
    assert [leaf for _, leaf in nest.flatten_with_paths(structure)] == leaves
    numbered = nest.map_structure(lambda leaf: (leaf,).__class__, structure)  # a class is a leaf
    nest.assert_same_structure(structure, numbered)


# tf.__internal__.nest


def test_structures_as_deep_as_a_shallower_one() -> None:
    shallow = tf.__internal__.nest
    assert shallow.flatten_up_to([[1, 1], [1]], [[2, [3, 4]], [5]]) == [2, [3, 4], 5]
    assert shallow.flatten_up_to({"a": 1, "b": [1]}, {"b": [2], "a": (3,)}) == [(3,), 2]
    assert shallow.flatten_up_to(0, [1, 2]) == [[1, 2]]
    assert shallow.flatten_up_to([1, 1], (2, 3), check_types=False) == [2, 3]
    assert shallow.map_structure_up_to([1, 1], lambda a, b: [a, b], [1, [2]], [3, 4]) == [[1, 3], [[2], 4]]
    for bad, error, words in (
        (lambda: shallow.flatten_up_to([1, [1]], [2, 3]), TypeError, "must also be a sequence"),
        (lambda: shallow.flatten_up_to([1, 1], [2]), ValueError, "sequence length"),
        (lambda: shallow.flatten_up_to([1, 1], (2, 3)), TypeError, "same sequence type"),
        (lambda: shallow.flatten_up_to({"a": 1}, {"b": 2}), ValueError, "same keys"),
        (lambda: shallow.map_structure_up_to([1], lambda a: a), ValueError, "no sequences"),
    ):
        with pytest.raises(error, match=words):
            bad()
