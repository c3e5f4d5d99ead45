"""`tf.strings`."""

from __future__ import annotations

from typing import Any

from calque_runtime import dtypes
from calque_runtime.dtypes import as_dtype

from .arguments import tensor
from .raw import raw

__all__ = [
    "as_string",
    "format",
    "join",
    "length",
    "lower",
    "reduce_join",
    "regex_full_match",
    "regex_replace",
    "strip",
    "substr",
    "to_hash_bucket",
    "to_hash_bucket_fast",
    "to_hash_bucket_strong",
    "to_number",
    "upper",
]


def as_string(
    input: Any,
    precision: int = -1,
    scientific: bool = False,
    shortest: bool = False,
    width: int = -1,
    fill: str = "",
    name: str | None = None,
) -> Any:
    """Each element written out."""
    return raw("AsString")(
        tensor(input),
        precision=precision,
        scientific=scientific,
        shortest=shortest,
        width=width,
        fill=fill,
        name=name,
    )


def format(
    template: str, inputs: Any, placeholder: str = "{}", summarize: int = 3, name: str | None = None
) -> Any:
    """The template with each placeholder replaced by a tensor, written as `tf.print` writes it."""
    values = list(inputs) if isinstance(inputs, (list, tuple)) else [inputs]
    count = template.count(placeholder)
    if count != len(values):
        raise ValueError(
            f"The template has {count} placeholders, but there are {len(values)} tensors for them."
        )
    return raw("StringFormat")(
        [tensor(v) for v in values],
        template=template,
        placeholder=placeholder,
        summarize=summarize,
        name=name,
    )


def join(inputs: Any, separator: str = "", name: str | None = None) -> Any:
    """A list of string tensors, element by element with `separator` between."""
    return raw("StringJoin")([tensor(v, dtypes.string) for v in inputs], separator=separator, name=name)


def length(input: Any, unit: str = "BYTE", name: str | None = None) -> Any:
    """The number of bytes (or, with UTF8_CHAR, characters) of each string."""
    return raw("StringLength")(tensor(input), unit=unit, name=name)


def lower(input: Any, encoding: str = "", name: str | None = None) -> Any:
    """In lower case: ASCII letters, or all of Unicode's where `encoding` is "utf-8"."""
    return raw("StringLower")(tensor(input), encoding=encoding, name=name)


def upper(input: Any, encoding: str = "", name: str | None = None) -> Any:
    """In upper case (see `lower`)."""
    return raw("StringUpper")(tensor(input), encoding=encoding, name=name)


def strip(input: Any, name: str | None = None) -> Any:
    """Without white space at both ends."""
    return raw("StringStrip")(tensor(input), name=name)


def substr(input: Any, pos: Any, len: Any, unit: str = "BYTE", name: str | None = None) -> Any:
    """`len` bytes (or characters) of each string from `pos`."""
    at = tensor(pos)
    return raw("Substr")(tensor(input), at, tensor(len, at.dtype), unit=unit, name=name)


def reduce_join(
    inputs: Any, axis: Any = None, keepdims: bool = False, separator: str = "", name: str | None = None
) -> Any:
    """The strings along `axis` (None: all) joined."""
    from .reduce_ops import _axes

    x = tensor(inputs)
    axes = _axes(x, axis)
    if axis is None:
        axes = axes[::-1]  # the last axis first: its strings stand next to each other
    return raw("ReduceJoin")(x, axes, keep_dims=keepdims, separator=separator, name=name)


def regex_full_match(input: Any, pattern: Any, name: str | None = None) -> Any:
    """Does each string match the pattern as a whole?"""
    if isinstance(pattern, str):
        return raw("StaticRegexFullMatch")(tensor(input), pattern=pattern, name=name)
    return raw("RegexFullMatch")(tensor(input), tensor(pattern), name=name)


def regex_replace(
    input: Any, pattern: Any, rewrite: Any, replace_global: bool = True, name: str | None = None
) -> Any:
    r"""Matches of the pattern replaced; ``\1`` in `rewrite` is the first group."""
    if isinstance(pattern, str) and isinstance(rewrite, str):
        return raw("StaticRegexReplace")(
            tensor(input), pattern=pattern, rewrite=rewrite, replace_global=replace_global, name=name
        )
    return raw("RegexReplace")(
        tensor(input), tensor(pattern), tensor(rewrite), replace_global=replace_global, name=name
    )


def to_number(input: Any, out_type: Any = dtypes.float32, name: str | None = None) -> Any:
    """Each string read as a number."""
    return raw("StringToNumber")(tensor(input), out_type=as_dtype(out_type), name=name)


def to_hash_bucket(input: Any, num_buckets: int, name: str | None = None) -> Any:
    """Each string's hash modulo `num_buckets`."""
    return raw("StringToHashBucket")(tensor(input), num_buckets=num_buckets, name=name)


def to_hash_bucket_fast(input: Any, num_buckets: int, name: str | None = None) -> Any:
    """Each string's FarmHash fingerprint modulo `num_buckets`."""
    return raw("StringToHashBucketFast")(tensor(input), num_buckets=num_buckets, name=name)


def to_hash_bucket_strong(input: Any, num_buckets: int, key: Any, name: str | None = None) -> Any:
    """Each string's SipHash under `key` (two integers) modulo `num_buckets`."""
    return raw("StringToHashBucketStrong")(tensor(input), num_buckets=num_buckets, key=tuple(key), name=name)
