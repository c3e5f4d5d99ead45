"""Compiles ``proto/`` into the descriptor set that `calque_runtime.wire.schema` reads.

    python -m calque_tools.dev.compile_schema [--check]

The set is checked in, so that nobody needs a protobuf compiler to use or test calque, and descriptors,
unlike generated ``_pb2`` modules, work with every release of protobuf.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

from google.protobuf import descriptor_pb2

ROOT = Path(__file__).resolve().parents[3]
PROTO = ROOT / "proto"
TARGET = ROOT / "runtime" / "calque_runtime" / "wire" / "schema.binpb"


def compile_schema(proto: Path = PROTO) -> bytes:
    """The FileDescriptorSet of every file under `proto`, and of protobuf's own that those import.

    Files stand in the order in which a pool can take them.
    Comments and places are left out, and so are JSON names, which protobuf derives again.

    Raises:
        ImportError: grpcio-tools, which holds the compiler, is not installed.
        ValueError: the compiler refused a file; what it said is on stderr.
    """
    from grpc_tools import protoc  # type: ignore[import-untyped,import-not-found,unused-ignore]

    well_known = Path(protoc.__file__).parent / "_proto"
    sources = sorted(str(path.relative_to(proto)) for path in proto.rglob("*.proto"))
    with tempfile.TemporaryDirectory() as scratch:
        out = Path(scratch) / "set.binpb"
        options = ["--include_imports", f"--descriptor_set_out={out}"]
        if protoc.main(["protoc", f"-I{proto}", f"-I{well_known}", *options, *sources]) != 0:
            raise ValueError(f"the protobuf compiler did not accept {proto}")
        compiled = descriptor_pb2.FileDescriptorSet.FromString(out.read_bytes())
    files = {file.name: file for file in compiled.file}
    ordered: dict[str, descriptor_pb2.FileDescriptorProto] = {}

    def place(name: str) -> None:
        if name in files and name not in ordered:
            for needed in files[name].dependency:
                place(needed)
            ordered[name] = files[name]

    for name in sorted(files):
        place(name)
    for file in ordered.values():
        for message in file.message_type:
            _drop_json_names(message)
    return descriptor_pb2.FileDescriptorSet(file=ordered.values()).SerializeToString(deterministic=True)


def _drop_json_names(message: descriptor_pb2.DescriptorProto) -> None:
    for field in message.field:
        field.ClearField("json_name")
    for nested in message.nested_type:
        _drop_json_names(nested)


def main(argv: list[str] | None = None) -> int:
    """Write the set, or with ``--check`` say whether the one checked in is up to date (exit status 1: no)."""
    parser = argparse.ArgumentParser(prog="compile_schema", description=__doc__.partition("\n")[0])
    parser.add_argument("--check", action="store_true", help="write nothing, compare with what is checked in")
    check = parser.parse_args(argv).check
    compiled = compile_schema()
    if not check:
        TARGET.write_bytes(compiled)
        return 0
    if TARGET.exists() and TARGET.read_bytes() == compiled:
        return 0
    print(f"{TARGET.name} is not what proto/ compiles to: run python -m {__spec__.name}", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
