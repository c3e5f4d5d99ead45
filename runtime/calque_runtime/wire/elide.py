"""Messages made short enough to read: the values of large tensors in them give way to a note.

elide(saved_model)
schema.to_text(saved_model)     ... tensor { dtype: DT_FLOAT ... tensor_content: "<4096 bytes elided>" }
"""

from __future__ import annotations

import base64
import json
import re
from typing import Any

from . import schema

__all__ = ["elide", "to_json"]

_MAX_VALUES = 16
_MAX_BYTES = 128

_NOTE = re.compile(rb"<\d+ (bytes|\w+_val(, \d+ bytes)?) elided>")
_CONTENT = re.compile(r'"tensor_content": "([A-Za-z0-9+/=]+)"')


def elide(message: Any) -> None:
    """Replaces the values of every large tensor in `message`, in place, by a note in its ``tensor_content``.

    The note is text such as ``<4096 bytes elided>`` or ``<50 float_val elided>``; the tensor keeps its dtype and
    shape. A tensor is large with over 16 values in a list, or over 128 bytes.
    """
    waiting = [message]  # not recursive: text files can be nested deeper than Python's stack
    while waiting:
        one = waiting.pop()
        if one.DESCRIPTOR.full_name == "tensorflow.TensorProto":
            _elide_tensor(one)
        for field, value in one.ListFields():
            if field.message_type is None:
                continue
            if hasattr(value, "ListFields"):
                waiting.append(value)
            else:
                items = value.values() if hasattr(value, "values") else value
                waiting.extend(item for item in items if hasattr(item, "ListFields"))


def to_json(message: Any) -> str:
    """As `schema.to_json`, but with the notes of `elide` in plain words (JSON holds bytes in base64).

    Raises:
        UnimplementedError: as `schema.to_json`.
    """

    def plain(match: re.Match[str]) -> str:
        content = base64.b64decode(match[1])
        if not _NOTE.fullmatch(content):
            return match[0]
        return f'"tensor_content": {json.dumps(content.decode("ascii"))}'

    return _CONTENT.sub(plain, schema.to_json(message))


def _elide_tensor(tensor: Any) -> None:
    for field, value in tensor.ListFields():
        note = ""
        if field.name == "tensor_content" and len(value) > _MAX_BYTES:
            note = f"<{len(value)} bytes elided>"
        elif field.name == "string_val" and (len(value) > _MAX_VALUES or sum(map(len, value)) > _MAX_BYTES):
            note = f"<{len(value)} string_val, {sum(map(len, value))} bytes elided>"
        elif field.name.endswith("_val") and len(value) > _MAX_VALUES:
            note = f"<{len(value)} {field.name} elided>"
        if note:
            tensor.ClearField(field.name)
            tensor.tensor_content = note.encode("ascii")
