"""What the writer writes, the reader reads: any layout of input, several shards, files whole or not at all."""

from __future__ import annotations

import os
import threading

import ml_dtypes
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from calque_runtime import dtypes
from calque_runtime.checkpoint import BundleReader, BundleWriter, Entry, merge_bundles
from calque_runtime.checkpoint.crc import crc32c, mask
from calque_runtime.errors import (
    FailedPreconditionError,
    InvalidArgumentError,
    NotFoundError,
    OpError,
    PermissionDeniedError,
)
from calque_runtime.wire.bundle import BundleHeader
from checkpoint.bundles import assert_same, data_path, edit_index, index_path, read_all, write_bundle

NATIVE = [
    "float16",
    "float32",
    "float64",
    "int8",
    "int16",
    "int32",
    "int64",
    "uint8",
    "uint16",
    "uint32",
    "uint64",
]
NATIVE += ["bool", "complex64", "complex128"]
EXTRA = [
    "bfloat16",
    "float8_e5m2",
    "float8_e4m3fn",
    "float8_e4m3fnuz",
    "float8_e4m3b11fnuz",
    "float8_e5m2fnuz",
]
NARROW = ["int4", "uint4"]


def numpy_dtype(name):
    return np.dtype(getattr(ml_dtypes, name)) if hasattr(ml_dtypes, name) else np.dtype(name)


def sample(name, shape=(3, 4, 5)):
    rng = np.random.default_rng(len(name))
    return rng.integers(0, 8, shape).astype(numpy_dtype(name))


@given(
    array=hnp.arrays(
        st.sampled_from(NATIVE).map(np.dtype) | st.sampled_from([">f4", ">i8", ">c16", ">u2"]).map(np.dtype),
        hnp.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=4),
    ),
    data=st.data(),
)
def test_any_array(tmp_path_factory, array, data):
    if array.ndim:
        axes = data.draw(st.permutations(range(array.ndim)))
        array = array.transpose(axes)[:: data.draw(st.sampled_from([1, 2, -1]))]
    prefix = write_bundle(tmp_path_factory.mktemp("b") / "c", {"pad": np.uint8(1), "x": array})
    assert_same(BundleReader(prefix).get_tensor("x"), array)
    assert_same(BundleReader(prefix).map_tensor("x"), array)


@given(values=hnp.arrays(object, hnp.array_shapes(min_dims=0, max_side=5), elements=st.binary(max_size=200)))
def test_any_strings(tmp_path_factory, values):
    values = np.asarray(values, object)
    prefix = write_bundle(tmp_path_factory.mktemp("b") / "c", {"x": values})
    assert_same(BundleReader(prefix).get_tensor("x"), values)


@pytest.mark.parametrize("name", NATIVE + EXTRA + NARROW)
@pytest.mark.parametrize(
    "layout",
    [
        lambda a: a,
        lambda a: a.transpose(2, 0, 1),
        lambda a: a[:, ::2, ::-1],
        lambda a: a[1, 2, 3],
        lambda a: np.broadcast_to(a[0, 0, 0], (2, 3)),
        lambda a: a[:0],
        lambda a: np.asfortranarray(a),
    ],
)
def test_dtypes_and_layouts(name, layout, tmp_path):
    array = layout(sample(name))
    prefix = write_bundle(tmp_path / "c", {"x": array})
    assert_same(BundleReader(prefix).get_tensor("x"), array)
    assert BundleReader(prefix).get_variable_to_dtype_map() == {"x": dtypes.as_dtype(name)}


@pytest.mark.parametrize("dtype", [">f4", "<f4", ">c8", ">u2", ">f8"])
@pytest.mark.parametrize("transposed", [False, True])
def test_large_arrays_go_in_pieces(dtype, transposed, tmp_path):
    array = np.arange(3 * 350001).reshape(3, 350001).astype(dtype)
    array = array.T if transposed else array
    prefix = write_bundle(tmp_path / "c", {"x": array, "y": array[:5]})
    assert_same(BundleReader(prefix).get_tensor("x"), array)
    assert_same(BundleReader(prefix).get_tensor("y"), array[:5])


def test_any_name(tmp_path):
    names = ["é漢", "a b", "\udc80", "\ud800", "x\0y", "_CHECKPOINTABLE_OBJECT_GRAPH"]
    prefix = write_bundle(tmp_path / "c", {name: np.int32(i) for i, name in enumerate(names)})
    reader = BundleReader(prefix)
    for i, name in enumerate(names):
        assert_same(reader.get_tensor(name), np.int32(i))
    assert sorted(reader.get_tensor(key).item() for key in reader.entries) == list(range(len(names)))


def test_writing_makes_no_copy(tmp_path):
    import tracemalloc

    array = np.zeros(8 << 20, np.uint8)
    tracemalloc.start()
    write_bundle(tmp_path / "c", {"x": array})
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 1 << 20


@pytest.mark.parametrize(
    ("value", "dtype", "want"),
    [
        (1.5, "float32", np.float32(1.5)),
        ([1, 2], "int64", np.array([1, 2], np.int64)),
        ([1, 2], None, np.array([1, 2], np.int64)),
        ("text", None, np.array(b"text", object)),
        (["é", b"\xff"], "string", np.array(["é".encode(), b"\xff"], object)),
        (np.array(["a", "bc"]), None, np.array([b"a", b"bc"], object)),
        (np.array([b"a", b"bc"]), None, np.array([b"a", b"bc"], object)),
        (np.array([1, 2], np.int8), "qint8", np.array([1, 2], np.int8)),
        (np.array([b"abc"], object), "variant", np.array([b"abc"], object)),
    ],
)
def test_values_that_are_no_plain_arrays(value, dtype, want, tmp_path):
    with BundleWriter(tmp_path / "c") as writer:
        writer.add("x", value, dtype)
    assert_same(BundleReader(tmp_path / "c").get_tensor("x"), want)


@pytest.mark.parametrize(
    ("value", "dtype", "message"),
    [
        (np.float64(1), "float32", "float64"),
        (np.array([b"a", None], object), None, "NoneType"),
        (np.array(["2020-01-01"], "M8[D]"), None, "no tensor"),
        ([1, [2]], None, "no tensor"),
        (np.float32(1), "resource", "resource"),
        (np.float32(1), "float32_ref", "float32_ref"),
        (np.array(b"a", object), "float32", "object"),
        ("abc", "float32", "no tensor"),
    ],
)
def test_refused_values(value, dtype, message, tmp_path):
    writer = BundleWriter(tmp_path / "c")
    with pytest.raises(InvalidArgumentError, match=message):
        writer.add("x", value, dtype)
    writer.abort()


def test_refused_names(tmp_path):
    with BundleWriter(tmp_path / "c") as writer:
        writer.add("x", np.float32(1))
        for name in ("x", "", "\0a"):
            with pytest.raises(InvalidArgumentError):
                writer.add(name, np.float32(2))
    assert_same(BundleReader(tmp_path / "c").get_tensor("x"), np.float32(1))


@pytest.mark.parametrize(
    ("spec", "value", "message"),
    [
        ("4 2 0,3:-", np.zeros((3, 2), "f4"), "shape"),
        ("0,3:-:-", np.zeros((3, 2), "f4"), "2 dimensions"),
        ("0,3:1,2", np.zeros((3, 2), "f4"), "outside"),
        ("0,0:-", np.zeros((0, 2), "f4"), "names no part"),
        ([(0, 0), (0, -1)], np.zeros((0, 2), "f4"), "empty"),
        ("0,2:-", np.zeros((3, 2), "f4"), "its place"),
        ("4,1:-", np.zeros((1, 2), "f8"), "added before as parts of float32"),
        ("0,4:-", np.zeros((4, 2), "f4"), "was added before"),
        ("rubbish", np.zeros((4, 2), "f4"), "names no part"),
        ("-1,2:-", np.zeros((2, 2), "f4"), "names no part"),
        ("-:-", np.zeros((7, 2), "f4"), "was added"),
    ],
)
def test_refused_slices(spec, value, message, tmp_path):
    writer = BundleWriter(tmp_path / "c")
    writer.add_slice("x", (7, 2), "0,4:-", np.zeros((4, 2), "f4"))
    with pytest.raises(InvalidArgumentError, match=message):
        writer.add_slice("x", (7, 2), spec, value)
    writer.abort()


@pytest.mark.parametrize("num_shards", [1, 2, 5])
def test_several_shards(num_shards, tmp_path):
    tensors = {f"t{i}": np.full(i * 10, i, np.int16) for i in range(12)}
    tensors["s"] = np.array([b"abc"], object)
    prefix = write_bundle(tmp_path / "c", tensors, num_shards)
    reader = BundleReader(prefix)
    assert reader.num_shards == num_shards
    assert {entry.shard for entry in reader.entries.values()} == set(range(num_shards))
    for key, value in tensors.items():
        assert_same(reader.get_tensor(key), value)
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    assert len(before) == num_shards + 1
    write_bundle(prefix, tensors, num_shards)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


def big_endian(prefix, tensors):
    """A bundle as a big-endian machine writes it."""
    data = b""
    entries = {}
    for key, value in tensors.items():
        dtype = dtypes.from_numpy(value.dtype)
        if dtype is dtypes.string:
            strings = value.ravel().tolist()
            fixed = b"".join(len(s).to_bytes(4, "big") for s in strings)
            stored = mask(crc32c(fixed)).to_bytes(4, "big")
            payload = bytes(map(len, strings)) + stored + b"".join(strings)
            crc = crc32c(fixed + stored + b"".join(strings))
        else:
            raw = value.view(np.uint16) if value.dtype == ml_dtypes.bfloat16 else value
            payload = raw.astype(raw.dtype.newbyteorder(">")).tobytes()
            crc = crc32c(payload)
        entries[key.encode()] = Entry(dtype, value.shape, 0, len(data), len(payload), mask(crc))
        data += payload
    write_bundle(prefix, {key: np.zeros(0, np.uint8) for key in tensors})
    data_path(prefix).write_bytes(data)
    edit_index(prefix, {b"": BundleHeader(1, big_endian=True), **entries})


def test_big_endian(tmp_path):
    tensors = {name: sample(name) for name in [*NATIVE, "bfloat16", "float8_e5m2"]}
    tensors["complex64"] = tensors["complex64"] + np.complex64(2j)
    tensors["string"] = np.array([[b"a", b""], [b"xyz", b"\xff"]], object)
    big_endian(tmp_path / "c", tensors)
    reader = BundleReader(tmp_path / "c")
    assert reader.big_endian
    for key, value in tensors.items():
        assert_same(reader.get_tensor(key), value)
        assert_same(reader.map_tensor(key), value)


def test_mapped_or_copied(tmp_path):
    tensors = {"a": np.arange(5.0), "odd": np.uint8(1), "b": np.arange(5.0), "flag": np.array([True])}
    reader = BundleReader(write_bundle(tmp_path / "c", tensors))
    for key, value in tensors.items():
        got = reader.map_tensor(key)
        assert_same(got, value)
        assert got.flags.aligned
        with pytest.raises(ValueError, match="read-only"):
            got[...] = 0
    assert _is_mapped(reader.map_tensor("a"))
    assert not _is_mapped(reader.map_tensor("b"))  # unaligned


def _is_mapped(array):
    while isinstance(array.base, np.ndarray):
        array = array.base
    return array.base is not None


def test_values_outlive_their_reader_and_file(tmp_path):
    prefix = write_bundle(tmp_path / "c", {"a": np.arange(1000.0)})
    with BundleReader(prefix) as reader:
        mapped = reader.map_tensor("a")
        own = reader.get_tensor("a")
    write_bundle(prefix, {"a": np.zeros(1000)})
    assert_same(mapped, np.arange(1000.0))
    own[0] = 5  # it belongs to the caller
    assert_same(mapped, np.arange(1000.0))
    assert_same(BundleReader(prefix).get_tensor("a"), np.zeros(1000))


def test_get_slice_of_a_whole_tensor(tmp_path):
    value = np.arange(12.0).reshape(3, 4)
    reader = BundleReader(write_bundle(tmp_path / "c", {"a": value}))
    assert_same(reader.get_slice("a", "3 4 1,2:0,3"), value[1:3, :3])
    for spec in ("4 4 1,2:-", "0,4:-", "0,1", "0,0:-", [(2, 2), (0, -1)]):
        with pytest.raises(InvalidArgumentError):
            reader.get_slice("a", spec)


# Files appear whole or not at all


def test_nothing_is_there_before_the_end(tmp_path):
    writer = BundleWriter(tmp_path / "new" / "deep" / "c")
    writer.add("a", np.arange(100000))
    assert not index_path(tmp_path / "new/deep/c").exists()
    assert not data_path(tmp_path / "new/deep/c").exists()
    writer.abort()
    writer.abort()
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(FailedPreconditionError):
        writer.add("b", np.arange(3))
    with pytest.raises(FailedPreconditionError):
        writer.finish()


def test_an_exception_takes_everything_back(tmp_path):
    prefix = write_bundle(tmp_path / "c", {"a": np.float32(1)})
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    writer = BundleWriter(prefix)
    with pytest.raises(InvalidArgumentError), writer:
        _add_twice(writer)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


def _add_twice(writer):
    for value in (np.float32(2), np.float32(3)):
        writer.add("a", value)


@pytest.mark.parametrize("fails_at", [0, 1, 2])
def test_a_failing_rename_leaves_nothing(tmp_path, monkeypatch, fails_at):
    calls = []
    replace = os.replace

    def failing(source, target):
        calls.append(target)
        if len(calls) > fails_at:
            raise OSError(28, "No space left on device")
        replace(source, target)

    writer = BundleWriter(tmp_path / "new" / "c", 2)
    writer.add("a", np.float32(1))
    monkeypatch.setattr(os, "replace", failing)
    with pytest.raises(OpError, match="No space left"):
        writer.finish()
    assert list(tmp_path.iterdir()) == []


def test_a_full_disk_ends_the_writer(tmp_path, monkeypatch):
    def full(file, data):
        raise OSError(28, "No space left on device")

    writer = BundleWriter(tmp_path / "c")
    writer.add("small", np.float32(1))
    monkeypatch.setattr("calque_runtime.checkpoint.writer.write_all", full)
    with pytest.raises(OpError, match="No space left"):
        writer.add("big", np.zeros(1 << 20))
    with pytest.raises(FailedPreconditionError):
        writer.add("next", np.float32(1))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_directory_that_may_not_be_written(tmp_path):
    tmp_path.chmod(0o500)
    with pytest.raises(PermissionDeniedError):
        BundleWriter(tmp_path / "c")


def test_a_file_where_a_directory_should_be(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(OpError, match="file"):
        BundleWriter(tmp_path / "file" / "c")


def test_at_least_one_shard(tmp_path):
    with pytest.raises(InvalidArgumentError):
        BundleWriter(tmp_path / "c", 0)


def test_empty_bundle(tmp_path):
    reader = BundleReader(write_bundle(tmp_path / "c", {}))
    assert reader.keys() == []
    assert not reader.has_tensor("")
    reader.verify()


def test_merge(tmp_path):
    a = write_bundle(tmp_path / "a", {"x": np.float32(1), "y": np.arange(5)}, 2)
    b = write_bundle(tmp_path / "b", {"z": np.array(b"s", object)})
    merge_bundles([a, b], tmp_path / "sub" / "out")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["sub"]
    got = read_all(tmp_path / "sub" / "out")
    assert list(got) == ["x", "y", "z"]
    assert_same(got["y"], np.arange(5))
    assert_same(got["z"], np.array(b"s", object))


def test_merge_refuses(tmp_path):
    a = write_bundle(tmp_path / "a", {"x": np.float32(1)})
    b = write_bundle(tmp_path / "b", {"x": np.float32(2)})
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    for sources, out in (([a, b], "out"), ([a, a], "out"), ([a], "a"), ([], "out")):
        with pytest.raises(InvalidArgumentError):
            merge_bundles(sources, tmp_path / out)
    with pytest.raises(NotFoundError):
        merge_bundles([a, tmp_path / "none"], tmp_path / "out")
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before
    data_path(b).unlink()
    edit_index(b, {b"x": None})
    with pytest.raises(NotFoundError, match=r"b\.data-00000"):
        merge_bundles([a, b], tmp_path / "out")
    assert data_path(a).exists()


def test_threads_share_a_reader(tmp_path):
    tensors = {f"t{i}": np.full(5000, i) for i in range(20)}
    reader = BundleReader(write_bundle(tmp_path / "c", tensors, 4))
    wrong = []

    def work():
        for key, value in tensors.items():
            if not np.array_equal(reader.get_tensor(key), value) or not np.array_equal(
                reader.map_tensor(key), value
            ):
                wrong.append(key)

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
