"""`tf.strings`: strings in pieces, and as characters. What differs in length from string to string is ragged."""

from __future__ import annotations

from typing import Any

from calque_runtime import dtypes

from ..composite.ragged.ragged_tensor import RaggedTensor
from .arguments import static_rank, tensor
from .array_ops import expand_dims, reshape, shape
from .raw import raw

__all__ = [
    "bytes_split",
    "ngrams",
    "split",
    "unicode_decode",
    "unicode_decode_with_offsets",
    "unicode_encode",
    "unicode_split",
    "unicode_split_with_offsets",
    "unicode_transcode",
    "unsorted_segment_join",
]


def _over(input: Any, pieces: Any) -> Any:
    """`pieces`, which makes a row of each string of a vector, of strings of any shape."""
    x = input if isinstance(input, RaggedTensor) else tensor(input)
    if isinstance(x, RaggedTensor):
        return x.with_flat_values(_over(x.flat_values, pieces))
    rank = static_rank(x)
    if rank is None:
        raise ValueError("input must have a known rank.")
    if rank == 1:
        return pieces(x)
    if rank == 0:
        return _mapped(pieces(expand_dims(x, 0)), lambda ragged: ragged.values)
    flat = pieces(reshape(x, [-1]))
    return _mapped(flat, lambda ragged: _in_rows(ragged, x, rank))


def _mapped(result: Any, change: Any) -> Any:
    return tuple(change(r) for r in result) if isinstance(result, tuple) else change(result)


def _in_rows(ragged: Any, x: Any, rank: int) -> Any:
    sizes = shape(x, dtypes.int64)
    for axis in range(rank - 1, 0, -1):
        ragged = RaggedTensor.from_uniform_row_length(ragged, sizes[axis])
    return ragged


def split(input: Any, sep: Any = None, maxsplit: int = -1, name: str | None = None) -> Any:
    """The parts of each string between separators.

    Args:
        input: strings, of any shape or ragged.
        sep: the separator; None or "": any white space.
        maxsplit: how often to split at most; -1: as often as can be.
        name: the node's name.

    Returns:
        A ragged tensor with one axis more; of one string, a vector.
    """

    def pieces(strings: Any) -> Any:
        by = tensor("" if sep is None else sep)
        indices, values, sizes = raw("StringSplitV2")(strings, by, maxsplit=maxsplit, name=name)
        return RaggedTensor.from_value_rowids(values, indices[:, 0], nrows=sizes[0], validate=False)

    return _over(input, pieces)


def bytes_split(input: Any, name: str | None = None) -> Any:
    """The bytes of each string, each as a string: one axis more, ragged."""

    def pieces(strings: Any) -> Any:
        indices, values, sizes = raw("StringSplit")(strings, tensor(""), skip_empty=False, name=name)
        return RaggedTensor.from_value_rowids(values, indices[:, 0], nrows=sizes[0], validate=False)

    return _over(input, pieces)


def ngrams(
    data: Any,
    ngram_width: Any,
    separator: str = " ",
    pad_values: Any = None,
    padding_width: int | None = None,
    preserve_short_sequences: bool = False,
    name: str | None = None,
) -> Any:
    """Strings that follow each other, joined: for each row, all runs of `ngram_width` of its strings.

    Args:
        data: [..., n] strings, or ragged.
        ngram_width: how many strings, or several such numbers.
        separator: what stands between them.
        pad_values: a string, or a pair (left, right), that rows begin and end with; None: there is none.
        padding_width: how often it stands there; None: once less than the width.
        preserve_short_sequences: does a row shorter than the width give itself?
        name: the node's name.

    Raises:
        TypeError, ValueError: an argument is no such thing.
    """
    widths = [ngram_width] if isinstance(ngram_width, int) else list(ngram_width)
    if not isinstance(pad_values, (list, tuple, str, bytes, type(None))):
        raise TypeError("pad_values must be a string, tuple of strings, or None.")
    if isinstance(pad_values, (list, tuple)) and not all(isinstance(p, (str, bytes)) for p in pad_values):
        raise TypeError("pad_values must be a string, tuple of strings, or None.")
    if padding_width is not None and padding_width < 1:
        raise ValueError(f"padding_width must be >= 1, got {padding_width}")
    if any(width < 1 for width in widths):
        raise ValueError(f"All ngram_widths must be greater than 1. Received: ngram_width={ngram_width}")
    pad_width = 0 if pad_values is None else -1 if padding_width is None else padding_width
    given, pad_values = pad_values, "" if pad_values is None else pad_values
    left, right = (pad_values, pad_values) if isinstance(pad_values, (str, bytes)) else pad_values
    x = data if isinstance(data, RaggedTensor) else tensor(data)
    ragged = isinstance(x, RaggedTensor)
    rank = x.shape.rank
    if rank is None:
        raise ValueError("Rank of data must be known.")
    if rank == 0:
        raise ValueError("Data must have rank>0")
    if rank == 1:
        rows = RaggedTensor.from_tensor(expand_dims(x, 0))
        return ngrams(
            rows, ngram_width, separator, given, padding_width, preserve_short_sequences, name
        ).values
    rows = x if ragged else RaggedTensor.from_tensor(x, ragged_rank=rank - 1)
    deep = rows
    while isinstance(deep.values, RaggedTensor):
        deep = deep.values
    values, splits = raw("StringNGrams")(
        deep.values,
        deep.row_splits,
        separator=separator,
        ngram_widths=tuple(widths),
        left_pad=left,
        right_pad=right,
        pad_width=pad_width,
        preserve_short_sequences=preserve_short_sequences,
        name=name,
    )
    made = _innermost(rows, RaggedTensor.from_row_splits(values, splits, validate=False))
    return made if ragged else made.to_tensor()


def _innermost(rows: Any, made: Any) -> Any:
    """`rows` with its innermost ragged rows replaced."""
    return rows.with_values(_innermost(rows.values, made)) if isinstance(rows.values, RaggedTensor) else made


def _decoded(
    op: str, input: Any, encoding: str, errors: str, replacement: int, control: bool, name: str | None
) -> Any:
    if encoding is None:
        raise ValueError("input_encoding must be specified.")

    def pieces(strings: Any) -> Any:
        splits, *found = raw(op)(
            strings,
            input_encoding=encoding,
            errors=errors,
            replacement_char=replacement,
            replace_control_characters=control,
            name=name,
        )
        ragged = tuple(RaggedTensor.from_row_splits(f, splits, validate=False) for f in found)
        return ragged if len(ragged) > 1 else ragged[0]

    return _over(input, pieces)


def unicode_decode(
    input: Any,
    input_encoding: str,
    errors: str = "replace",
    replacement_char: int = 65533,
    replace_control_characters: bool = False,
    name: str | None = None,
) -> Any:
    """The code points of each string's characters, int32: one axis more, ragged.

    Args:
        input: strings.
        input_encoding: "UTF-8" or another encoding's name.
        errors: what becomes of bytes that are no character: "replace", "ignore" or "strict".
        replacement_char: what they are replaced by.
        replace_control_characters: are control characters replaced too?
        name: the node's name.
    """
    return _decoded(
        "UnicodeDecode", input, input_encoding, errors, replacement_char, replace_control_characters, name
    )


def unicode_decode_with_offsets(
    input: Any,
    input_encoding: str,
    errors: str = "replace",
    replacement_char: int = 65533,
    replace_control_characters: bool = False,
    name: str | None = None,
) -> Any:
    """As `unicode_decode`, and the number of each character's first byte."""
    return _decoded(
        "UnicodeDecodeWithOffsets",
        input,
        input_encoding,
        errors,
        replacement_char,
        replace_control_characters,
        name,
    )


def unicode_encode(
    input: Any,
    output_encoding: str,
    errors: str = "replace",
    replacement_char: int = 65533,
    name: str | None = None,
) -> Any:
    """Strings of code points, which stand in the last axis: the inverse of `unicode_decode`."""
    x = input if isinstance(input, RaggedTensor) else tensor(input)
    rank = x.shape.rank
    if rank is None:
        raise ValueError("Rank of input_tensor must be statically known.")

    def encoded(values: Any, splits: Any) -> Any:
        return raw("UnicodeEncode")(
            values,
            splits,
            errors=errors,
            output_encoding=output_encoding,
            replacement_char=replacement_char,
            name=name,
        )

    if isinstance(x, RaggedTensor):
        if isinstance(x.values, RaggedTensor):
            return x.with_values(unicode_encode(x.values, output_encoding, errors, replacement_char, name))
        if x.values.shape.rank != 1:
            return x.with_values(unicode_encode(x.values, output_encoding, errors, replacement_char, name))
        return encoded(x.values, x.row_splits)
    if rank == 0:
        raise ValueError("input_tensor's rank must be at least 1.")
    if rank == 1:
        whole = RaggedTensor.from_tensor(expand_dims(x, 0))
        return reshape(encoded(whole.values, whole.row_splits), [])
    sizes = shape(x)
    rows = RaggedTensor.from_tensor(reshape(x, [-1, sizes[-1]]))
    return reshape(encoded(rows.values, rows.row_splits), sizes[:-1])


def _characters(points: Any, encoding: str, errors: str, replacement: int) -> Any:
    """Each code point as a string of its own."""
    if isinstance(points, RaggedTensor):
        return points.with_flat_values(_characters(points.flat_values, encoding, errors, replacement))
    return unicode_encode(expand_dims(points, -1), encoding, errors, replacement)


def unicode_split(
    input: Any,
    input_encoding: str,
    errors: str = "replace",
    replacement_char: int = 65533,
    name: str | None = None,
) -> Any:
    """The characters of each string, each as a string: one axis more, ragged."""
    points = unicode_decode(input, input_encoding, errors, replacement_char, name=name)
    return _characters(points, input_encoding, "ignore", replacement_char)


def unicode_split_with_offsets(
    input: Any,
    input_encoding: str,
    errors: str = "replace",
    replacement_char: int = 65533,
    name: str | None = None,
) -> Any:
    """As `unicode_split`, and the number of each character's first byte."""
    points, starts = unicode_decode_with_offsets(input, input_encoding, errors, replacement_char, name=name)
    return _characters(points, input_encoding, "ignore", replacement_char), starts


def unicode_transcode(
    input: Any,
    input_encoding: str,
    output_encoding: str,
    errors: str = "replace",
    replacement_char: int = 65533,
    replace_control_characters: bool = False,
    name: str | None = None,
) -> Any:
    """Strings in another encoding."""
    return raw("UnicodeTranscode")(
        tensor(input),
        input_encoding=input_encoding,
        output_encoding=output_encoding,
        errors=errors,
        replacement_char=replacement_char,
        replace_control_characters=replace_control_characters,
        name=name,
    )


def unsorted_segment_join(
    inputs: Any, segment_ids: Any, num_segments: Any, separator: str = "", name: str | None = None
) -> Any:
    """The strings of each segment, joined in their order."""
    return raw("UnsortedSegmentJoin")(
        tensor(inputs), tensor(segment_ids), tensor(num_segments), separator=separator, name=name
    )
