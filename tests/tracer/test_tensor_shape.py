"""TensorShape: values, texts and errors as measured with TensorFlow."""

from __future__ import annotations

import pickle
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from calque.tensor_shape import TensorShape, as_shape, dimension_value, shape_of


@pytest.mark.parametrize(
    ("dims", "text", "string"),
    [
        (None, "TensorShape(None)", "<unknown>"),
        ([], "TensorShape([])", "()"),
        ([1, None], "TensorShape([1, None])", "(1, None)"),
        (3, "TensorShape([3])", "(3,)"),
        ((2,), "TensorShape([2])", "(2,)"),
        (TensorShape([1]), "TensorShape([1])", "(1,)"),
        (range(3), "TensorShape([0, 1, 2])", "(0, 1, 2)"),
        (np.array([3, 4]), "TensorShape([3, 4])", "(3, 4)"),
        ([np.int64(3)], "TensorShape([3])", "(3,)"),
        (np.int32(3), "TensorShape([3])", "(3,)"),
        ([2**40], "TensorShape([1099511627776])", "(1099511627776,)"),
    ],
)
def test_made_from(dims: Any, text: str, string: str) -> None:
    shape = TensorShape(dims)
    assert repr(shape) == text
    assert str(shape) == f"{shape}" == string
    assert pickle.loads(pickle.dumps(shape)) == shape


@pytest.mark.parametrize(
    ("dims", "error", "text"),
    [
        ([-1], ValueError, "Dimension -1 must be >= 0"),
        (-1, ValueError, "Dimension -1 must be >= 0"),
        ("a", TypeError, "to a shape"),
        (["a"], TypeError, "Dimension value must be integer or None or have an __index__ method"),
        ([1.5], TypeError, "Dimension value must be integer or None or have an __index__ method"),
        ([2.0], TypeError, "Dimension value must be integer or None or have an __index__ method"),
        (object(), TypeError, "to a shape"),
    ],
)
def test_not_made_from(dims: Any, error: type[Exception], text: str) -> None:
    with pytest.raises(error, match=text):
        TensorShape(dims)


def test_sizes_are_plain_ints() -> None:
    assert [type(d) for d in TensorShape(np.array([3, 4]))] == [int, int]


def test_what_is_known() -> None:
    known, partly, unknown = TensorShape([2, 3]), TensorShape([2, None]), TensorShape(None)
    assert (known.rank, partly.ndims, unknown.rank) == (2, 2, None)
    assert (known.dims, partly.as_list(), unknown.dims) == ([2, 3], [2, None], None)
    assert (known.num_elements(), partly.num_elements(), unknown.num_elements()) == (6, None, None)
    assert TensorShape([]).num_elements() == 1
    assert [s.is_fully_defined() for s in (known, partly, unknown)] == [True, False, False]
    assert [bool(s) for s in (TensorShape([]), TensorShape([0]), unknown)] == [True, True, False]
    assert (known.as_tuple(), unknown.as_tuple(), shape_of([1, None])) == ((2, 3), None, (1, None))
    assert as_shape(known) is known
    assert (dimension_value(3), dimension_value(None)) == (3, None)
    for act, text in [
        (unknown.as_list, "as_list"),
        (lambda: len(unknown), "length"),
        (lambda: list(unknown), "iterate"),
    ]:
        with pytest.raises(ValueError, match=text):
            act()


def test_items() -> None:
    shape, unknown = TensorShape([1, None, 3]), TensorShape(None)
    assert (shape[0], shape[-1], shape[1], unknown[0]) == (1, 3, None, None)
    assert repr(shape[1:]) == "TensorShape([None, 3])"
    assert repr(shape[::2]) == "TensorShape([1, 3])"
    assert [repr(unknown[s]) for s in (slice(1, None), slice(1, 3), slice(None, 2), slice(-2, None))] == [
        "TensorShape(None)",
        "TensorShape([None, None])",
        "TensorShape([None, None])",
        "TensorShape(None)",
    ]
    assert list(shape) == [1, None, 3]
    assert len(shape) == 3
    with pytest.raises(IndexError):
        shape[3]
    with pytest.raises(ValueError, match="Steps"):
        unknown[::2]


def test_equality_and_hash() -> None:
    shape = TensorShape([1, 2])
    assert shape == [1, 2]
    assert shape == (1, 2)
    assert shape != [1, 3]
    assert TensorShape([1]) == 1
    assert TensorShape([None]) == TensorShape([None])
    assert TensorShape([None]) != TensorShape([1])
    assert TensorShape(None) == None  # noqa: E711
    assert shape != None  # noqa: E711
    assert shape != "a"
    assert shape != object()
    assert len({TensorShape([1, None]), TensorShape((1, None)), TensorShape(None)}) == 2


def test_together() -> None:
    shape = TensorShape([1, 2])
    assert shape.is_compatible_with([1, None])
    assert not shape.is_compatible_with([1])
    assert shape.is_compatible_with(None)
    assert shape.merge_with([None, 2]) == [1, 2]
    assert TensorShape([None, 2]).merge_with([1, None]) == [1, 2]
    assert TensorShape(None).merge_with([1]) == [1]
    assert shape.concatenate([3]) == shape + [3] == [1, 2, 3]
    assert [3] + shape == (3,) + shape == [3, 1, 2]
    assert shape + 3 == [1, 2, 3]
    assert shape.concatenate(None).rank is None
    assert shape.most_specific_compatible_shape([1, 3]) == [1, None]
    assert shape.most_specific_compatible_shape([1]).rank is None
    assert shape.most_specific_common_supertype([TensorShape([1, 3]), TensorShape([2, 2])]) == [None, None]
    assert shape.most_specific_common_supertype([1]) is None
    assert shape.is_subtype_of(TensorShape([None, 2]))
    assert shape.is_subtype_of(TensorShape(None))
    assert not TensorShape([None, 2]).is_subtype_of(shape)
    assert not TensorShape(None).is_subtype_of(shape)
    assert not shape.is_subtype_of([1, 2])


@pytest.mark.parametrize(
    ("act", "text"),
    [
        (
            lambda: TensorShape([1, 2]).assert_is_compatible_with([1, 3]),
            r"Shapes \(1, 2\) and \[1, 3\] are incompatible",
        ),
        (lambda: TensorShape([1, 2]).merge_with([1, 3]), r"Shapes \(1, 2\) and \(1, 3\) are not compatible"),
        (lambda: TensorShape([1]).with_rank(2), r"Shape \(1,\) must have rank 2"),
        (lambda: TensorShape([1]).assert_has_rank(2), r"Shape \(1,\) must have rank 2"),
        (lambda: TensorShape([1]).with_rank_at_least(2), r"Shape \(1,\) must have rank at least 2"),
        (lambda: TensorShape([1]).with_rank_at_most(0), r"Shape \(1,\) must have rank at most 0"),
        (lambda: TensorShape(None).assert_is_fully_defined(), "Shape <unknown> is not fully defined"),
        (
            lambda: TensorShape([1]).assert_same_rank([1, 2]),
            r"Shapes \(1,\) and \(1, 2\) must have the same rank",
        ),
    ],
)
def test_assertions_fail(act: Any, text: str) -> None:
    with pytest.raises(ValueError, match=text):
        act()


def test_assertions_hold() -> None:
    shape, unknown = TensorShape([1]), TensorShape(None)
    for one in (shape, unknown):
        one.assert_is_compatible_with([None])
        one.assert_has_rank(1)
        one.assert_same_rank([5])
        assert one.with_rank_at_least(1) is one
        assert one.with_rank_at_most(1) is one
    shape.assert_is_fully_defined()
    assert shape.with_rank(1) is shape
    assert unknown.with_rank(2) == [None, None]


SHAPES = st.none() | st.lists(st.none() | st.integers(0, 4), max_size=3)


@given(SHAPES, SHAPES)
def test_laws(a: Any, b: Any) -> None:
    x, y = TensorShape(a), TensorShape(b)
    wide = x.most_specific_compatible_shape(y)
    assert x.is_subtype_of(wide)
    assert y.is_subtype_of(wide)
    if x.is_compatible_with(y):
        narrow = x.merge_with(y)
        assert narrow.is_subtype_of(x)
        assert narrow.is_subtype_of(y)
