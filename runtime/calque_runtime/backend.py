"""Engines beside numpy that run parts of functions: what they are offered, and what they answer.

docs/backends.md says more, with complete examples. In short:

    class MyEngine(Backend):
        name = "my engine"

        def claims(self, node):                     # may this node be in a part of mine?
            return node.op.name in {"MatMul", "AddV2", "Relu"}

        def compile(self, part):                    # what runs the part: arrays in, a list of arrays out
            return build_it(part.function, part.weights)

    model = calque_runtime.load(directory, backends=[MyEngine()])

When a function is compiled for arguments of given shapes, its calls are inlined and its constants folded, and each
backend in turn is offered what it claims: the largest parts of the graph that can be computed in one go (a whole
function, where everything in it is claimed), as functions of their own. Nodes with effects, reads of variables and
random numbers stay outside; variables' values reach a part as arguments.

A backend declines by answering None, or with an UnimplementedError, when it compiles a part or when it runs it; numpy
then runs the part, from that call on. Any other error is the caller's to see.

The first call with arguments of some shapes runs without backends: a function is compiled for them at the second call
(`plan.bound`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .environment import Environment
    from .ir import Function, Node

__all__ = ["Backend", "Part", "Reference"]

Run = Callable[..., Sequence[Any]]


class Part:
    """What a backend is offered.

    Attributes:
        function: an ordered function without calls, effects or resources. Its arguments and values have types and
            static shapes as far as they are known; it is not to be changed.
        weights: the arguments that derive from variables alone. The arrays that come for them are the same objects from
            call to call until a variable changes, and are never written to: what is made of one (packed, or on another
            device) can be kept for as long as the same object comes.
        env: where it runs: limits, and functions inside of nodes.
    """

    def __init__(self, function: Function, weights: Sequence[int], env: Environment) -> None:
        self.function = function
        self.weights = frozenset(weights)
        self.env = env


class Backend:
    """An engine. Those of your own derive from it; the methods of this one claim nothing.

    Attributes:
        name: its name, which stands in graphs (`calque opt`) and messages.
    """

    name = "numpy"

    def claims(self, node: Node) -> bool:
        """May `node` be in a part of this backend? Its types, shapes and attributes are known."""
        return False

    def worth(self, nodes: Sequence[Node]) -> bool:
        """Is a part of these nodes, in order, worth the way there and back?"""
        return True

    def compile(self, part: Part) -> Run | None:
        """What runs a part: its arguments in, a list of its results out; None declines.

        It may be called from several threads at once.
        """
        return None

    def compile_group(self, part: Part) -> Run | None:
        """The same for a group of elementwise ops and reductions of rows, which one compiled loop could run.

        See `passes.group_elementwise` for what groups hold. Every shape is known.
        """
        return None


class Reference(Backend):
    """The slow, obvious executor as a backend: it takes everything, and shows how one is written."""

    name = "reference"

    def claims(self, node: Node) -> bool:
        """Everything."""
        return True

    def compile(self, part: Part) -> Run | None:
        """`reference.run` of the part."""
        from . import reference

        return lambda *arrays: reference.run(part.function, arrays, part.env)

    def compile_group(self, part: Part) -> Run | None:
        """The same."""
        return self.compile(part)
