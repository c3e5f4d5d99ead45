"""Writes TensorFlow's op registry to golden/opdefs.txt: `python tests/ops/make_opdefs.py`.

To be run with an interpreter that has tensorflow-cpu (see `make interop`), never by the test suite. Each line is one op as
a JSON array: name, inputs, outputs, attributes, flags. An argument is ``name:type``, where the type is that of the
registry's fields: ``float``, ``T`` (an attribute's name, marked ``$T``), ``$N*float``, ``$N*$T``, ``[$T]`` (a type list),
with ``&`` in front of references. An attribute is an array of name, kind, default (in an array, empty where there is none)
and, where there are any, allowed values and minimum.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import tensorflow as tf
from tensorflow.python.framework import op_def_registry

TARGET = Path(__file__).parent / "golden" / "opdefs.txt"


def type_name(enum: int) -> str:
    """The registry's spelling: float, half, ..."""
    return tf.as_dtype(enum).name


def argument(arg: Any) -> str:
    """One input or output."""
    kind = f"${arg.type_attr}" if arg.type_attr else "" if arg.type_list_attr else type_name(arg.type)
    if arg.type_list_attr:
        kind = f"[${arg.type_list_attr}]"
    if arg.number_attr:
        kind = f"${arg.number_attr}*{kind}"
    return f"{arg.name}:{'&' if arg.is_ref else ''}{kind}"


def value(message: Any) -> Any:
    """An AttrValue as JSON; what JSON has not is named by its kind."""
    kind = message.WhichOneof("value")
    if kind == "list":
        for name in ("s", "i", "f", "b", "type", "shape"):
            found = getattr(message.list, name)
            if found:
                return [single(name, v) for v in found]
        return []
    return single(kind, getattr(message, kind))


def single(kind: str, found: Any) -> Any:
    """One value of a field of AttrValue."""
    if kind == "s":
        return found.decode("latin1")
    if kind == "type":
        return type_name(found)
    if kind == "shape":
        return "unknown" if found.unknown_rank else [d.size for d in found.dim]
    return found if kind in ("i", "f", "b") else kind


def attribute(attr: Any) -> list[Any]:
    """One attribute."""
    out = [attr.name, attr.type, [value(attr.default_value)] if attr.HasField("default_value") else []]
    if attr.HasField("allowed_values"):
        out.append(value(attr.allowed_values))
    if attr.has_minimum:
        out += [[]] * (4 - len(out)) + [attr.minimum]
    return out


def line(definition: Any) -> str:
    """One op."""
    flags = [f for f in ("stateful", "commutative", "aggregate") if getattr(definition, f"is_{f}")]
    record = [
        definition.name,
        [argument(a) for a in definition.input_arg],
        [argument(a) for a in definition.output_arg],
        [attribute(a) for a in definition.attr],
        flags,
    ]
    return json.dumps(record, separators=(",", ":"))


def main() -> None:
    """Write the file."""
    names = [n for n in dir(tf.raw_ops) if not n.startswith("_")]
    definitions = filter(None, (op_def_registry.get(n) for n in names))
    lines = [line(d) for d in sorted(definitions, key=lambda d: d.name)]
    TARGET.write_text("\n".join(lines) + "\n")
    print(f"{len(lines)} ops, {TARGET.stat().st_size} bytes")


if __name__ == "__main__":
    main()
