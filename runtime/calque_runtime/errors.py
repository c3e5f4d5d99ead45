"""The exceptions calque raises, under TensorFlow's names.

    OpError
    ├── CancelledError            ├── OutOfRangeError
    ├── UnknownError              ├── UnimplementedError     (an op, attribute or dtype that is not supported)
    ├── InvalidArgumentError      ├── InternalError
    ├── DeadlineExceededError     ├── UnavailableError
    ├── NotFoundError             ├── DataLossError          (a file is damaged; names file and place)
    ├── AlreadyExistsError        ├── ResourceExhaustedError (a size is over the limit)
    ├── PermissionDeniedError     ├── UnauthenticatedError
    ├── FailedPreconditionError   └── AbortedError

Every one takes ``(node_def, op, message)`` as TensorFlow's do: the name of the node and of the op that
failed, either None, and the text that says what was wrong and what would fix it.
"""

from __future__ import annotations

from typing import ClassVar

__all__ = [
    "ABORTED",
    "ALREADY_EXISTS",
    "AbortedError",
    "AlreadyExistsError",
    "CANCELLED",
    "CancelledError",
    "DATA_LOSS",
    "DEADLINE_EXCEEDED",
    "DataLossError",
    "DeadlineExceededError",
    "FAILED_PRECONDITION",
    "FailedPreconditionError",
    "INTERNAL",
    "INVALID_ARGUMENT",
    "InternalError",
    "InvalidArgumentError",
    "NOT_FOUND",
    "NotFoundError",
    "OK",
    "OUT_OF_RANGE",
    "OpError",
    "OutOfRangeError",
    "PERMISSION_DENIED",
    "PermissionDeniedError",
    "RESOURCE_EXHAUSTED",
    "ResourceExhaustedError",
    "UNAUTHENTICATED",
    "UNAVAILABLE",
    "UNIMPLEMENTED",
    "UNKNOWN",
    "UnauthenticatedError",
    "UnavailableError",
    "UnimplementedError",
    "UnknownError",
]

# The canonical status codes (google/rpc/code.proto), which TensorFlow exposes under the same names.
OK = 0
CANCELLED = 1
UNKNOWN = 2
INVALID_ARGUMENT = 3
DEADLINE_EXCEEDED = 4
NOT_FOUND = 5
ALREADY_EXISTS = 6
PERMISSION_DENIED = 7
RESOURCE_EXHAUSTED = 8
FAILED_PRECONDITION = 9
ABORTED = 10
OUT_OF_RANGE = 11
UNIMPLEMENTED = 12
INTERNAL = 13
UNAVAILABLE = 14
DATA_LOSS = 15
UNAUTHENTICATED = 16


class OpError(Exception):
    """Something an op, a graph or a file did wrong; the base of every calque error.

    Args:
        node_def: name of the failing node, or None.
        op: name of the failing op type, or None.
        message: what was wrong, where, and what would fix it.
    """

    code: ClassVar[int] = UNKNOWN

    def __init__(self, node_def: str | None, op: str | None, message: str, *args: object) -> None:
        super().__init__(node_def, op, message, *args)
        self.node_def = node_def
        self.op = op
        self._message = message

    @property
    def message(self) -> str:
        """The text without the op and node it is printed with."""
        return self._message

    @property
    def error_code(self) -> int:
        """The canonical status code (3 for InvalidArgumentError, ...)."""
        return self.code

    def __str__(self) -> str:
        where = ""
        if self.op and f"[Op:{self.op}]" not in self._message:
            where = f" [Op:{self.op}]"
        if self.node_def:
            where += f" [node {self.node_def}]"
        return self._message + where


class CancelledError(OpError):
    """The operation was cancelled."""

    code = CANCELLED


class UnknownError(OpError):
    """Nothing more specific is known."""

    code = UNKNOWN


class InvalidArgumentError(OpError):
    """A value, shape, dtype or attribute that the op or call does not take."""

    code = INVALID_ARGUMENT


class DeadlineExceededError(OpError):
    """The time allowed has passed."""

    code = DEADLINE_EXCEEDED


class NotFoundError(OpError):
    """A file, tensor, function, tag set or resource that is not there."""

    code = NOT_FOUND


class AlreadyExistsError(OpError):
    """What was to be made is there already."""

    code = ALREADY_EXISTS


class PermissionDeniedError(OpError):
    """The caller has not allowed this."""

    code = PERMISSION_DENIED


class ResourceExhaustedError(OpError):
    """A size or count is over the limit that the caller set or the format allows."""

    code = RESOURCE_EXHAUSTED


class FailedPreconditionError(OpError):
    """Something that should have happened first has not (an uninitialized variable or table)."""

    code = FAILED_PRECONDITION


class AbortedError(OpError):
    """The operation was given up, usually for a conflict with another one."""

    code = ABORTED


class OutOfRangeError(OpError):
    """Past the end of a sequence or a valid range."""

    code = OUT_OF_RANGE


class UnimplementedError(OpError):
    """An op, attribute or dtype that calque does not support."""

    code = UNIMPLEMENTED


class InternalError(OpError):
    """An invariant of calque itself does not hold: please report it."""

    code = INTERNAL


class UnavailableError(OpError):
    """The service is not there at present."""

    code = UNAVAILABLE


class DataLossError(OpError):
    """A file is damaged or cut short: the message names the file and the place."""

    code = DATA_LOSS


class UnauthenticatedError(OpError):
    """The caller has not said who it is."""

    code = UNAUTHENTICATED
