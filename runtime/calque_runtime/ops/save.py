"""Checkpoint files as ops: what the savers inside graphs are made of. They run only where files are allowed."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..op import Array, Kernel, Site, op, registered
from ..shapes import Shape
from .common import as_strings, scalar

__all__: list[str] = []


def _text(value: Any) -> str:
    item = value.item() if isinstance(value, np.ndarray) else value
    return item.decode() if isinstance(item, bytes) else str(item)


def _require_files(s: Site, what: str = "checkpoint files") -> None:
    if s.env is not None:
        s.env.require_files(s.op.name, what)


@op(
    "SaveV2(prefix: string, tensor_names: string, shape_and_slices: string, tensors: list(dtypes)) -> () | "
    "dtypes: list(type) >=1 | stateful"
)
def save_v2(s: Site) -> Kernel:
    """Write tensors (or slices of larger ones) to a checkpoint."""
    kinds = s["dtypes"]

    def run(prefix: Array, names: Array, slices: Array, *tensors: Array) -> tuple[()]:
        _require_files(s)
        from ..checkpoint import BundleWriter

        with BundleWriter(_text(prefix)) as writer:
            for name, where, tensor, kind in zip(names.ravel(), slices.ravel(), tensors, kinds, strict=True):
                if where:
                    full = [int(n) for n in where.decode().split(" ")[:-1]]
                    writer.add_slice(name.decode(), full, where.decode(), tensor, kind)
                else:
                    writer.add(name.decode(), tensor, kind)
        return ()

    return run


@save_v2.shape
def _(s: Site) -> list[Shape]:
    return []


@op(
    "RestoreV2(prefix: string, tensor_names: string, shape_and_slices: string) -> (tensors: list(dtypes)) | "
    "dtypes: list(type) >=1 | stateful"
)
def restore_v2(s: Site) -> Kernel:
    """Read tensors (or slices of larger ones) from a checkpoint."""
    kinds = s["dtypes"]

    def run(prefix: Array, names: Array, slices: Array) -> list[Array]:
        where = _text(prefix)
        _require_files(s, where)
        from ..checkpoint import BundleReader

        reader = BundleReader(where)
        out = []
        for name, part, kind in zip(names.ravel(), slices.ravel(), kinds, strict=True):
            key = name.decode()
            value = reader.get_slice(key, part.decode()) if part else reader.get_tensor(key)
            if value.dtype != kind.np:
                raise s.error(f"tensor '{key}' is {value.dtype} in the checkpoint, not {kind.name}")
            out.append(value)
        return out

    return run


@op("ShardedFilename(basename: string, shard: int32, num_shards: int32) -> (filename: string)")
def sharded_filename(s: Site) -> Kernel:
    """``basename-00000-of-00001``."""
    return lambda base, shard, count: as_strings(
        f"{_text(base)}-{int(shard):05d}-of-{int(count):05d}".encode(), ()
    )


sharded_filename.shape_rule = scalar


@op(
    "MergeV2Checkpoints(checkpoint_prefixes: string, destination_prefix: string) -> () | delete_old_dirs: bool=true; "
    "allow_missing_files: bool=false | stateful"
)
def merge_v2_checkpoints(s: Site) -> Kernel:
    """Make one checkpoint of several."""
    if s["allow_missing_files"]:
        raise s.unsupported("MergeV2Checkpoints with allow_missing_files is not supported")

    def run(prefixes: Array, destination: Array) -> tuple[()]:
        _require_files(s)
        from ..checkpoint import merge_bundles

        merge_bundles([p.decode() for p in np.ravel(prefixes)], _text(destination))
        return ()

    return run


@merge_v2_checkpoints.shape
def _(s: Site) -> list[Shape]:
    return []


@op("ReadFile(filename: string) -> (contents: string)")
def read_file(s: Site) -> Kernel:
    """A file's bytes."""

    def run(filename: Array) -> Array:
        path = _text(filename)
        if s.env is not None:
            s.env.require_files("ReadFile", path)
        from ..checkpoint.files import file_errors, is_there

        is_there(path)  # which refuses a pipe
        with file_errors(path), open(path, "rb") as file:
            return as_strings(file.read(), ())

    return run


read_file.shape_rule = scalar

# What docs/ops.md says of limits.
for _names, _words in (
    ("SaveV2 RestoreV2", "only with Limits(allow_files=True), but for the model's own checkpoint"),
    ("MergeV2Checkpoints", "only with Limits(allow_files=True); refused: allow_missing_files=True"),
    ("ReadFile", "only with Limits(allow_files=True), but for the model's own assets"),
):
    for _name in _names.split():
        registered()[_name].limited(_words)
