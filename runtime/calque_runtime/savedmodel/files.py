"""The directory of a SavedModel: which files it has, and the meta graphs in them.

saved_model.pb            or saved_model.pbtxt: written last, so its presence says that the model is whole
variables/variables.*     the checkpoint
assets/                   files that the model reads
"""

from __future__ import annotations

import os
from collections.abc import Iterable

from calque_runtime.errors import (
    DataLossError,
    FailedPreconditionError,
    InvalidArgumentError,
    NotFoundError,
    UnimplementedError,
)

from .metagraph import MetaGraph

__all__ = ["asset_path", "choose", "model_file", "read_meta_graphs", "variables_prefix"]

_BINARY, _TEXT, _CHUNKED = "saved_model.pb", "saved_model.pbtxt", "saved_model.cpb"


def model_file(directory: str | os.PathLike[str]) -> str:
    """The path of the file in `directory` that describes the model; the binary one where both are there.

    Raises:
        NotFoundError: there is no such directory, or no model in it.
        FailedPreconditionError: it is no directory.
        UnimplementedError: the model is in the chunked form.
    """
    directory = os.fspath(directory)
    for name in (_BINARY, _TEXT):
        path = os.path.join(directory, name)
        if os.path.isfile(path):
            return path
    if not os.path.exists(directory):
        raise NotFoundError(
            None, None, f"there is no SavedModel at {directory}: the directory does not exist"
        )
    if not os.path.isdir(directory):
        raise FailedPreconditionError(
            None, None, f"{directory} is no directory; a SavedModel is one, with a file {_BINARY} in it"
        )
    if os.path.exists(os.path.join(directory, _CHUNKED)):
        raise UnimplementedError(
            None, None, f"{directory} holds a SavedModel in chunks ({_CHUNKED}), a form that is not supported"
        )
    found = sorted(os.listdir(directory))
    inside = [name for name in found if os.path.isfile(os.path.join(directory, name, _BINARY))]
    if inside:  # such as the numbered versions of a served model
        hint = f"did you mean {os.path.join(directory, inside[-1])}?"
    elif "variables" in found or "assets" in found:
        hint = "the model was not written, or not copied, to its end"
    else:
        hint = f"it holds {', '.join(found[:8]) or 'nothing'}"
    raise NotFoundError(None, None, f"{directory} holds no {_BINARY} (nor {_TEXT}): {hint}")


def read_meta_graphs(directory: str | os.PathLike[str]) -> list[MetaGraph]:
    """The meta graphs of the SavedModel in `directory`.

    Raises:
        OpError: as `model_file` and `wire.metagraphs.decode_saved_model`.
        DataLossError: the file holds none.
    """
    from calque_runtime.checkpoint.files import file_errors
    from calque_runtime.wire.metagraphs import decode_saved_model

    path = model_file(directory)
    with file_errors(path), open(path, "rb") as file:
        data = file.read()
    meta_graphs = decode_saved_model(data, path, text=path.endswith(_TEXT))
    if not meta_graphs:
        raise DataLossError(
            None, None, f"{path} ({len(data)} bytes) holds no meta graph: it is empty or cut short"
        )
    return meta_graphs


def choose(meta_graphs: list[MetaGraph], tags: str | Iterable[str] | None, where: str) -> MetaGraph:
    """The meta graph that has exactly these tags; without tags the only one there is.

    Raises:
        NotFoundError: none has them; the message lists the tag sets there are.
        InvalidArgumentError: there are several and no tags were given.
    """
    wanted = None if tags is None else {tags} if isinstance(tags, str) else set(tags)
    there = "; ".join("{" + ", ".join(sorted(one.tags)) + "}" for one in meta_graphs)
    if wanted is None:
        if len(meta_graphs) == 1:
            return meta_graphs[0]
        raise InvalidArgumentError(
            None,
            None,
            f"{where} holds {len(meta_graphs)} meta graphs: say which one by its tags. There are: {there}",
        )
    for meta_graph in meta_graphs:
        if set(meta_graph.tags) == wanted:
            return meta_graph
    asked = ", ".join(sorted(wanted))
    raise NotFoundError(
        None, None, f"{where} holds no meta graph with the tags {{{asked}}}. There are: {there}"
    )


def variables_prefix(directory: str | os.PathLike[str]) -> str:
    """The prefix of the checkpoint in `directory`."""
    return os.path.join(os.fspath(directory), "variables", "variables")


def asset_path(directory: str | os.PathLike[str], filename: str) -> str:
    """The path of an asset.

    Raises:
        InvalidArgumentError: the name would lead out of the model's assets.
    """
    if filename in ("", ".", "..") or any(c in filename for c in "/\\\0"):
        raise InvalidArgumentError(
            None, None, f"{os.fspath(directory)}: the asset name {filename!r} is no plain file name"
        )
    return os.path.join(os.fspath(directory), "assets", filename)
