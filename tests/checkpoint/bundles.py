"""What the checkpoint tests share: the golden files, exact comparison, and crafted indexes."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np

from calque_runtime.checkpoint import BundleReader, BundleWriter, Entry
from calque_runtime.checkpoint.table import read_table, write_table
from calque_runtime.wire.bundle import BundleHeader, encode_entry, encode_header

GOLDEN = Path(__file__).parent / "golden"
GOLDEN_NAMES = sorted(path.stem for path in GOLDEN.glob("*.index"))


def data_path(prefix: Any, shard: int = 0, count: int = 1) -> Path:
    return Path(f"{prefix}.data-{shard:05d}-of-{count:05d}")


def index_path(prefix: Any) -> Path:
    return Path(f"{prefix}.index")


def assert_same(got: Any, want: Any) -> None:
    """Same dtype, shape and bits (NaN and the sign of zero included)."""
    want = np.asarray(want)
    assert isinstance(got, np.ndarray)
    assert got.dtype == want.dtype.newbyteorder("=")
    assert got.shape == want.shape
    if want.dtype == object:
        assert got.tolist() == want.tolist()
    else:
        assert got.tobytes() == want.astype(want.dtype.newbyteorder("=")).tobytes()


def copy_golden(name: str, folder: Path) -> Path:
    for path in GOLDEN.glob(f"{name}.*"):
        shutil.copy(path, folder)
    return folder / name


def read_all(prefix: Any) -> dict[str, Any]:
    with BundleReader(prefix) as reader:
        return {key: reader.get_tensor(key) for key in reader.entries}


def write_bundle(prefix: Any, tensors: dict[str, Any], num_shards: int = 1) -> Path:
    with BundleWriter(prefix, num_shards) as writer:
        for key, value in tensors.items():
            writer.add(key, value)
    return Path(prefix)


def edit_index(prefix: Any, changes: dict[bytes, bytes | Entry | BundleHeader | None]) -> None:
    """Changes entries of an index (None takes one away), with the checksums of its blocks put right."""
    table = read_table(index_path(prefix).read_bytes(), "index")
    for key, value in changes.items():
        if value is None:
            del table[key]
        elif isinstance(value, Entry):
            table[key] = encode_entry(value)
        elif isinstance(value, BundleHeader):
            table[key] = encode_header(value)
        else:
            table[key] = value
    index_path(prefix).write_bytes(write_table(sorted(table.items())))
