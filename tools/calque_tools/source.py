"""Finding and reading what a command is asked about: a SavedModel, a checkpoint, a name in either."""

from __future__ import annotations

import difflib
import os
import re
from collections.abc import Iterable
from typing import Any

from calque_runtime.checkpoint import latest_checkpoint, read_state
from calque_runtime.checkpoint.files import file_errors
from calque_runtime.errors import DataLossError, InvalidArgumentError, NotFoundError
from calque_runtime.ir import Graph, Library
from calque_runtime.savedmodel.files import choose, model_file, read_meta_graphs, variables_prefix
from calque_runtime.savedmodel.metagraph import MetaGraph
from calque_runtime.wire import schema

__all__ = ["checkpoint_prefix", "find_name", "model_directory", "read_meta_graph", "read_proto", "tag_set"]

_MAX_CANDIDATES = 20
_DATA_FILE = re.compile(r"\.(index|data-\d{5}-of-\d{5})$")


def model_directory(path: str) -> str:
    """The directory of a SavedModel, which may be named by its ``saved_model.pb`` as well."""
    if os.path.basename(path) in ("saved_model.pb", "saved_model.pbtxt") and os.path.isfile(path):
        return os.path.dirname(path) or "."
    return path


def tag_set(tag: str | None) -> set[str] | None:
    """The tags in ``a,b``; None for none given."""
    return None if tag is None else {one.strip() for one in tag.split(",") if one.strip()}


def read_meta_graph(directory: str, tags: set[str] | None) -> MetaGraph:
    """The meta graph with these tags, decoded; errors as `savedmodel.files` has them."""
    return _choose(read_meta_graphs(directory), tags, directory)


def read_proto(directory: str, tags: set[str] | None = None, whole: bool = False) -> Any:
    """The message in a SavedModel's file, as it is: the MetaGraphDef with these tags.

    Args:
        directory: of the SavedModel.
        tags: which meta graph; None for the only one.
        whole: give the SavedModel message instead.

    Raises:
        OpError: there is no such file or meta graph, or the file is damaged.
    """
    path = model_file(directory)
    with file_errors(path), open(path, "rb") as file:
        data = file.read()
    read = schema.from_text if path.endswith(".pbtxt") else schema.parse
    proto = read(schema.SavedModel, data, path)
    if not proto.meta_graphs:
        raise DataLossError(
            None, None, f"{path} ({len(data)} bytes) holds no meta graph: it is empty or cut short"
        )
    if whole:
        return proto
    # Only the tags of these count: the file may be damaged where decoding would notice it.
    stand_ins = [MetaGraph(Graph(), Library(), tags=one.meta_info_def.tags) for one in proto.meta_graphs]
    return proto.meta_graphs[stand_ins.index(_choose(stand_ins, tags, directory))]


def _choose(meta_graphs: list[MetaGraph], tags: set[str] | None, directory: str) -> MetaGraph:
    try:
        return choose(meta_graphs, tags, directory)
    except (NotFoundError, InvalidArgumentError) as error:
        raise type(error)(None, None, f"{error.message} (choose with --tag a,b)") from error


def checkpoint_prefix(path: str) -> str:
    """The prefix of the checkpoint that `path` stands for.

    Args:
        path: a prefix, one of the checkpoint's files, a SavedModel, or a directory with a checkpoint in it: the
            latest, where a state file says which that is.

    Raises:
        NotFoundError: there is none.
        InvalidArgumentError: there are several, and no state file.
        DataLossError: the state file is damaged.
    """
    if os.path.exists(path + ".index"):
        return path
    if _DATA_FILE.search(path) and os.path.isfile(path):
        return _DATA_FILE.sub("", path)
    if not os.path.isdir(path):
        return path  # what is wrong with it, the reader says best
    variables = variables_prefix(path)
    if os.path.exists(variables + ".index"):
        return variables
    latest = latest_checkpoint(path)
    if latest is not None:
        return latest
    with file_errors(path):
        there = sorted(name[:-6] for name in os.listdir(path) if name.endswith(".index"))
    if len(there) == 1:
        return os.path.join(path, there[0])
    if there:
        raise InvalidArgumentError(
            None,
            None,
            f"{path} holds several checkpoints and no state file says which is the latest; name one:"
            + _listed(os.path.join(path, name) for name in there),
        )
    state = read_state(path)
    if state is not None and state.model_checkpoint_path:
        raise NotFoundError(
            None,
            None,
            f"{os.path.join(path, 'checkpoint')} names {state.model_checkpoint_path}, which does not exist",
        )
    if os.path.exists(os.path.join(path, "saved_model.pb")):
        raise NotFoundError(
            None, None, f"{path} is a SavedModel without variables: there is no checkpoint in it"
        )
    raise NotFoundError(
        None, None, f"{path} holds no checkpoint: no *.index, no state file, no variables/variables.index"
    )


def find_name(wanted: str, names: Iterable[str], what: str, where: str) -> str:
    """The one of `names` that `wanted` is, or is a part of.

    Args:
        wanted: what the user typed. ``__call__`` is ``__inference___call___29`` where no other function is called so.
        names: what there is.
        what: what they are, for messages.
        where: the file or directory, for messages.

    Raises:
        NotFoundError: none fits; the message names similar ones.
        InvalidArgumentError: several do; the message lists them.
    """
    names = list(names)
    if wanted in names:
        return wanted
    exact = [name for name in names if re.sub(r"^__inference_|_\d+$", "", name) == wanted]
    fitting = exact if len(exact) == 1 else [name for name in names if wanted and wanted in name]
    if len(fitting) == 1:
        return fitting[0]
    if fitting:
        raise InvalidArgumentError(
            None, None, f"{where}: {len(fitting)} {what}s have {wanted!r} in their names:" + _listed(fitting)
        )
    similar = difflib.get_close_matches(wanted, names[:5000], n=5, cutoff=0.4)
    if similar:
        hint = " Similar ones:" + _listed(similar)
    elif len(names) <= _MAX_CANDIDATES:
        hint = " There are:" + _listed(names) if names else f" It has no {what}s at all."
    else:
        hint = f" It has {len(names)} {what}s."
    raise NotFoundError(None, None, f"{where} has no {what} {wanted!r}.{hint}")


def _listed(names: Iterable[str]) -> str:
    names = list(names)
    more = [f"... and {len(names) - _MAX_CANDIDATES} more"] if len(names) > _MAX_CANDIDATES else []
    return "".join(f"\n  {name}" for name in [*names[:_MAX_CANDIDATES], *more])
