"""Damaged, lying and missing files: a typed error that names the file, in bounded time; never a wrong value."""

from __future__ import annotations

import shutil
import time

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from calque_runtime import dtypes
from calque_runtime.checkpoint import BundleReader, Entry, decode_object_graph, merge_bundles
from calque_runtime.checkpoint.crc import crc32c, mask
from calque_runtime.checkpoint.ordered_code import encode_slice_key
from calque_runtime.checkpoint.table import read_table
from calque_runtime.errors import DataLossError, NotFoundError, OpError, UnimplementedError
from calque_runtime.wire import schema
from calque_runtime.wire.bundle import BundleHeader, TrackableGraph, TrackableNode, encode_object_graph
from checkpoint.bundles import (
    GOLDEN,
    assert_same,
    copy_golden,
    data_path,
    edit_index,
    index_path,
    read_all,
    write_bundle,
)

BUNDLES = ["dtypes", "shapes", "strings", "merged", "partitioned", "objects"]


def files_of(name):
    return sorted(path.name for path in GOLDEN.glob(f"{name}.*"))


def check_damaged(prefix, want):
    """Every tensor is either what it was or refused; the index as a whole may be refused."""
    try:
        reader = BundleReader(prefix)
        keys = reader.keys()
    except (DataLossError, NotFoundError) as error:
        assert str(prefix) in error.message
        return
    assert keys == list(want)
    for key, value in want.items():
        for read in (reader.get_tensor, reader.map_tensor):
            try:
                got = read(key)
            except (DataLossError, NotFoundError) as error:
                assert str(prefix) in error.message
            else:
                assert_same(got, value)


@pytest.fixture(
    scope="module", params=[(name, file) for name in BUNDLES for file in files_of(name)], ids=lambda p: p[1]
)
def target(request, tmp_path_factory):
    """(prefix of a copy, the file in it that is to be damaged, its bytes, the values)."""
    name, file = request.param
    folder = tmp_path_factory.mktemp(name)
    prefix = copy_golden(name, folder)
    return prefix, folder / file, (folder / file).read_bytes(), read_all(GOLDEN / name)


@given(data=st.data())
def test_flipped_bytes(target, data):
    prefix, path, whole, want = target
    damaged = bytearray(whole)
    for _ in range(data.draw(st.integers(1, 3))):
        at = data.draw(st.integers(0, len(whole) - 1))
        damaged[at] ^= data.draw(st.integers(1, 255))
    path.write_bytes(damaged)
    check_damaged(prefix, want)


def test_every_byte_of_the_index_flipped(tmp_path):
    prefix = copy_golden("shapes", tmp_path)
    want = read_all(prefix)
    whole = index_path(prefix).read_bytes()
    for at in range(len(whole)):
        for flip in (0x01, 0x80, 0xFF):
            damaged = bytearray(whole)
            damaged[at] ^= flip
            index_path(prefix).write_bytes(damaged)
            check_damaged(prefix, want)


def test_every_byte_of_the_data_flipped(tmp_path):
    prefix = copy_golden("dtypes", tmp_path)
    want = read_all(prefix)
    whole = data_path(prefix).read_bytes()
    for at in range(len(whole)):
        damaged = bytearray(whole)
        damaged[at] ^= 0x10
        data_path(prefix).write_bytes(damaged)
        refused = 0
        reader = BundleReader(prefix)
        for key, value in want.items():
            try:
                assert_same(reader.get_tensor(key), value)
            except DataLossError as error:
                refused += 1
                assert f"{data_path(prefix)} is damaged" in error.message
        assert refused == 1, at


@given(data=st.data())
def test_cut_short(target, data):
    prefix, path, whole, want = target
    path.write_bytes(whole[: data.draw(st.integers(0, len(whole) - 1))])
    check_damaged(prefix, want)


@given(data=st.data())
def test_bytes_put_in_or_taken_out(target, data):
    prefix, path, whole, want = target
    at = data.draw(st.integers(0, len(whole)))
    path.write_bytes(
        whole[:at] + data.draw(st.binary(max_size=9)) + whole[at + data.draw(st.integers(0, 9)) :]
    )
    check_damaged(prefix, want)


@given(junk=st.binary(max_size=200))
def test_any_bytes_as_index(tmp_path_factory, junk):
    prefix = tmp_path_factory.mktemp("b") / "c"
    for data in (junk, junk[:-8] + bytes.fromhex("57fb808b247547db")):
        index_path(prefix).write_bytes(data)
        with pytest.raises(DataLossError, match=str(prefix)):
            BundleReader(prefix)


# Missing


@pytest.mark.parametrize(
    ("suffix", "advice"),
    [
        ("", "A checkpoint is named by its prefix"),
        (".index", "without the extension: .*/c"),
        (".data-00000-of-00001", "without the extension: .*/c"),
    ],
)
def test_no_index(suffix, advice, tmp_path):
    with pytest.raises(NotFoundError, match=advice) as caught:
        BundleReader(f"{tmp_path}/c{suffix}")
    assert f"{tmp_path}/c{suffix}.index does not exist" in caught.value.message


def test_a_directory_as_prefix(tmp_path):
    with pytest.raises(NotFoundError, match="is a directory: give the prefix"):
        BundleReader(tmp_path)
    (tmp_path / "c.index").mkdir()
    with pytest.raises(OpError, match=r"c\.index"):
        BundleReader(tmp_path / "c")


def test_an_old_format_file_as_prefix(tmp_path):
    (tmp_path / "c").write_bytes(b"old")
    with pytest.raises(NotFoundError, match="old V1 format"):
        BundleReader(tmp_path / "c")


def test_missing_shard(tmp_path):
    prefix = copy_golden("merged", tmp_path)
    data_path(prefix, 1, 3).unlink()
    reader = BundleReader(prefix)
    for key in ("a", "w"):
        with pytest.raises(NotFoundError, match=str(data_path(prefix, 1, 3))):
            reader.get_tensor(key)
        with pytest.raises(NotFoundError, match=str(data_path(prefix, 1, 3))):
            reader.map_tensor(key)
    assert_same(reader.get_tensor("z"), np.arange(3))
    with pytest.raises(NotFoundError):
        reader.verify()


def test_missing_tensor():
    reader = BundleReader(GOLDEN / "dtypes")
    with pytest.raises(
        NotFoundError, match=r"Key float33 not found in checkpoint .*dtypes\. Did you mean float32"
    ):
        reader.get_tensor("float33")
    for name in ("", "\0", "\ud800"):
        assert not reader.has_tensor(name)
        with pytest.raises(NotFoundError):
            reader.map_tensor(name)


def test_parts_are_no_tensors():
    reader = BundleReader(GOLDEN / "sliced")
    part = encode_slice_key("rows", [(0, 3), (0, -1)]).decode("utf-8", "surrogateescape")
    assert part not in reader.entries
    assert not reader.has_tensor(part)


def test_data_cut_short_names_both_sizes(tmp_path):
    prefix = write_bundle(tmp_path / "c", {"a": np.arange(10)})
    data_path(prefix).write_bytes(b"x" * 79)
    with pytest.raises(
        DataLossError, match=r"c\.data-00000-of-00001 is cut short: .* bytes 0 to 80, the file has 79"
    ):
        BundleReader(prefix).map_tensor("a", verify=False)


# Lies, with every checksum in order

ZEROS = mask(crc32c(bytes(16)))
FLOAT = dtypes.float32


@pytest.fixture
def zeros(tmp_path):
    return write_bundle(tmp_path / "c", {"x": np.zeros(4, np.float32)})


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        (Entry(FLOAT, (1 << 60,), 0, 0, 16, ZEROS), "16 bytes are not those of shape"),
        (Entry(FLOAT, (1 << 62, 1 << 62), 0, 0, 16, ZEROS), "beyond any memory"),
        (Entry(FLOAT, (0, 1 << 62), 0, 0, 0, ZEROS), "beyond any memory"),
        (Entry(FLOAT, (4,), 0, 0, 1 << 60, ZEROS), "cut short"),
        (Entry(FLOAT, (1 << 58,), 0, 0, 1 << 60, ZEROS), "cut short"),
        (Entry(FLOAT, (4,), 0, (1 << 63) - 1, 16, ZEROS), "cut short"),
        (Entry(FLOAT, (4,), 0, 1, 16, ZEROS), "cut short"),
        (Entry(FLOAT, (4,), 1, 0, 16, ZEROS), "shard 1 of 1"),
        (Entry(FLOAT, (3,), 0, 0, 16, ZEROS), "16 bytes are not those"),
        (Entry(dtypes.float64, (4,), 0, 0, 16, ZEROS), "16 bytes are not those"),
        (Entry(FLOAT, (-4,), 0, 0, 16, ZEROS), "not fully known"),
        (Entry(FLOAT, (4,), -1, 0, 16, ZEROS), "no place"),
        (Entry(FLOAT, (4,), 0, -16, 16, ZEROS), "no place"),
        (Entry(FLOAT, (4,), 0, 0, -16, ZEROS), "no place"),
        (Entry(FLOAT, (4,), 0, 0, 16, 0), "checksum of tensor 'x'"),
        (Entry(dtypes.resource, (4,), 0, 0, 16, ZEROS), "no dtype that a checkpoint holds"),
        (Entry(dtypes.as_dtype("float32_ref"), (4,), 0, 0, 16, ZEROS), "no dtype"),
        (Entry(dtypes.string, (1 << 50,), 0, 0, 16, ZEROS), "cannot hold"),
        (Entry(dtypes.string, (12,), 0, 0, 16, ZEROS), "checksum of the string lengths|do not fill"),
        (Entry(dtypes.string, (), 0, 0, 3, ZEROS), "cannot hold"),
        (Entry(dtypes.string, (), 0, 0, 16, ZEROS), "checksum of the string lengths"),
        (Entry(dtypes.variant, (1 << 50,), 0, 0, 16, ZEROS), "cannot hold"),
        (Entry(dtypes.variant, (2,), 0, 0, 16, ZEROS), "checksum of variant 0"),
        (Entry(dtypes.variant, (), 0, 0, 16, ZEROS), "checksum of variant 0"),
        (Entry(FLOAT, (4,), 0, 0, 16, ZEROS, slices=(((0, 2),), ((3, 2),))), "outside the shape"),
        (Entry(FLOAT, (4,), 0, 0, 16, ZEROS, slices=(((0, 2), (0, 2)),)), "outside the shape"),
        (Entry(FLOAT, (4,), 0, 0, 16, ZEROS, slices=(((0, 2),),)), "its part 0,2 is not in the index"),
    ],
)
def test_lying_entries(zeros, entry, message):
    edit_index(zeros, {b"x": entry})
    started = time.perf_counter()
    for read in ("get_tensor", "map_tensor", "verify_tensor"):
        with pytest.raises(DataLossError, match=message) as caught:
            getattr(BundleReader(zeros), read)("x")
        assert str(zeros) in caught.value.message
    assert time.perf_counter() - started < 1


@pytest.mark.parametrize(
    ("key", "value", "error", "message"),
    [
        (b"x", b"\xff\xff", DataLossError, "tensor 'x'"),
        (b"x", b"", DataLossError, "no dtype"),
        (b"x", b"\x08\x63", DataLossError, "99 is no dtype"),
        (b"x", Entry(FLOAT, (1,) * 40, 0, 0, 4, 0), UnimplementedError, "40 dimensions"),
        (b"", None, DataLossError, "no bundle header"),
        (b"", b"\xff", DataLossError, "bundle header"),
        (b"", b"", DataLossError, "0 shards"),
        (b"", BundleHeader(-1), DataLossError, "-1 shards"),
        (b"", BundleHeader(1, min_consumer=2), UnimplementedError, "version 2 or newer"),
        (b"", BundleHeader(1, bad_consumers=(1,)), UnimplementedError, "this one is 1"),
        (b"", BundleHeader(1 << 30), NotFoundError, "of-1073741824"),
    ],
)
def test_lying_index(zeros, key, value, error, message):
    edit_index(zeros, {key: value})
    with pytest.raises(error, match=message) as caught:
        BundleReader(zeros).get_tensor("x")
    assert str(zeros) in caught.value.message


def part(shape, **changes):
    return Entry(
        **{
            "dtype": FLOAT,
            "shape": shape,
            "offset": 0,
            "size": 4 * int(np.prod(shape)),
            "crc": ZEROS,
            **changes,
        }
    )


@pytest.mark.parametrize(
    ("shape", "parts", "message"),
    [
        ((8,), {((0, 4),): part((4,))}, "do not cover it exactly once"),
        ((6,), {((0, 4),): part((4,)), ((2, 4),): part((4,))}, "do not cover it exactly once"),
        ((6,), {((0, 4),): part((4,)), ((3, 2),): part((2,), crc=mask(crc32c(bytes(8))))}, "overlap"),
        ((1 << 60,), {((0, 4),): part((4,))}, "do not cover"),
        ((1 << 60,), {((0, 1 << 60),): part((1 << 60,))}, "cut short"),
        ((1 << 60,), {((0, 1 << 60),): part((4,))}, "do not fit"),
        ((32,), {((at, 4),): part((4,)) for at in range(0, 32, 4)}, "do not cover"),  # all of the same bytes
        ((4,), {((0, 4),): part((4,), dtype=dtypes.int32)}, "int32 and shape"),
        ((4,), {((0, 4),): part((2,), size=16)}, "do not fit"),
        ((4,), {((0, 4),): part((4,), size=12)}, "12 bytes are not those"),
        ((4,), {((0, 4),): part((4,), slices=(((0, 4),),))}, "do not fit"),
        ((4,), {((0, 4),): part((4,), shard=3)}, "shard 3 of 1"),
    ],
)
def test_lying_parts(zeros, shape, parts, message):
    entries = {encode_slice_key("x", extents): entry for extents, entry in parts.items()}
    data_path(zeros).write_bytes(bytes(64))
    edit_index(zeros, {b"x": Entry(FLOAT, shape, slices=tuple(parts)), **entries})
    started = time.perf_counter()
    with pytest.raises(DataLossError, match=message) as caught:
        BundleReader(zeros).get_tensor("x")
    assert str(zeros) in caught.value.message
    assert time.perf_counter() - started < 1


def test_bool_bytes_beyond_one(tmp_path):
    prefix = write_bundle(tmp_path / "c", {"x": np.zeros(3, np.bool_)})
    data_path(prefix).write_bytes(b"\x00\x02\xff")
    edit_index(prefix, {b"x": Entry(dtypes.bool, (3,), 0, 0, 3, mask(crc32c(b"\x00\x02\xff")))})
    for read in (BundleReader(prefix).get_tensor, BundleReader(prefix).map_tensor):
        assert read("x").view(np.uint8).tolist() == [0, 1, 1]


def test_unverified_mapping_can_be_verified_later(tmp_path):
    prefix = copy_golden("shapes", tmp_path)
    data = bytearray(data_path(prefix).read_bytes())
    data[-1] ^= 1
    data_path(prefix).write_bytes(data)
    reader = BundleReader(prefix)
    entry = reader.entries["last"]
    assert entry.offset + entry.size == len(data)
    if entry.offset % 8 == 0:
        reader.map_tensor("last", verify=False)
    with pytest.raises(DataLossError, match="checksum of tensor 'last'"):
        reader.verify_tensor("last")
    with pytest.raises(DataLossError, match="checksum of tensor 'last'"):
        reader.map_tensor("last")


def test_merge_of_damaged_bundles(tmp_path):
    a = write_bundle(tmp_path / "a", {"x": np.float32(1)})
    b = write_bundle(tmp_path / "b", {"y": np.float32(1)})
    index = index_path(b).read_bytes()
    index_path(b).write_bytes(index[:-1])
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    with pytest.raises(DataLossError, match=r"b\.index"):
        merge_bundles([a, b], tmp_path / "out")
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


# Object graphs


@pytest.mark.parametrize("node_id", [1, -1, 1 << 30])
def test_object_graph_with_a_wrong_node(node_id):
    data = encode_object_graph(TrackableGraph([TrackableNode(children=[("a", node_id)])]))
    with pytest.raises(DataLossError, match=f"node 0 refers to node {node_id}"):
        decode_object_graph(data)


@given(junk=st.binary(max_size=80))
def test_any_bytes_as_object_graph(junk):
    try:
        graph = decode_object_graph(junk, "some.index")
    except DataLossError as error:
        assert error.message.startswith("some.index")
    else:
        assert schema.message("TrackableObjectGraph").FromString(junk).nodes.__len__() == len(graph.nodes)


def test_copies_are_not_read_through_a_stale_index(tmp_path):
    """Data of another checkpoint beside the index is noticed."""
    a = write_bundle(tmp_path / "a", {"x": np.arange(4)})
    b = write_bundle(tmp_path / "b", {"x": np.arange(1, 5)})
    shutil.copy(data_path(b), data_path(a))
    with pytest.raises(DataLossError, match="checksum"):
        BundleReader(a).get_tensor("x")
    assert read_table(index_path(a).read_bytes(), "a") != read_table(index_path(b).read_bytes(), "b")
