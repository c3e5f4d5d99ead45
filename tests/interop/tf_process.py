"""TensorFlow in a process of its own, asked over pipes.

The file runs on both sides. Imported by the tests it gives ``TensorFlow``, the client; run by the
interpreter of TensorFlow's environment it is the worker. A message is an 8-byte length and a pickle, so
numpy arrays of any type (bfloat16 too) and plain Python travel; tensors, variables, shapes and dtypes in an
answer become arrays, values, lists and names on the way.
"""

from __future__ import annotations

import contextlib
import importlib
import inspect
import itertools
import os
import pickle
import subprocess
import tempfile
import textwrap
import threading
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, BinaryIO

CODE = str | Callable[..., Any]


class TensorFlowError(Exception):
    """What the code sent to TensorFlow raised there.

    Attributes:
        kind: the name of the class of the exception, "InvalidArgumentError" for one.
        message: its text.
    """

    def __init__(self, kind: str, message: str, where: str) -> None:
        super().__init__(f"{kind} in the TensorFlow process: {message}\n{where}")
        self.kind = kind
        self.message = message


class TensorFlow:
    """Runs code in the environment that has TensorFlow.

    Code is either source text, which leaves its answer in ``result``, or a function, whose source is sent
    and whose return value is the answer. A function sees nothing of the test around it but its arguments; ``tf``
    and ``np`` are there in both cases, and the arguments are globals of source text.
    """

    def __init__(self, python: str) -> None:
        self._python = python
        self._worker: _Worker | None = None

    @property
    def python(self) -> str:
        """The interpreter of its environment."""
        return self._python

    def run(self, code: CODE, *, timeout: float = 120, **arguments: Any) -> Any:
        """Runs code in a process shared by the whole session: no start-up time, but one global state.

        Args:
            code: source text or a function.
            timeout: seconds after which the process is ended.
            **arguments: the function's arguments, or the text's globals.

        Raises:
            TensorFlowError: the code raised, or the process died or took too long.
        """
        if self._worker is None or not self._worker.alive:
            self.close()
            self._worker = _Worker(self._python, {})
        return self._worker.ask(code, arguments, timeout)

    def script(
        self, code: CODE, *, env: dict[str, str] | None = None, timeout: float = 120, **arguments: Any
    ) -> Any:
        """Runs code in a fresh process, which ends afterwards: loading where nothing was saved.

        Args:
            code: source text or a function.
            env: environment variables to add.
            timeout: seconds after which the process is ended.
            **arguments: the function's arguments, or the text's globals.

        Raises:
            TensorFlowError: as for ``run``.
        """
        worker = _Worker(self._python, env or {})
        try:
            return worker.ask(code, arguments, timeout)
        finally:
            worker.close()

    def command(self, program: str, *arguments: str, timeout: float = 120) -> str:
        """Runs a program that TensorFlow installs (``saved_model_cli``) and returns what it prints.

        Raises:
            TensorFlowError: it failed; the text is what it wrote to stderr.
        """
        path = Path(self._python).parent / program
        done = subprocess.run(
            [path, *arguments],
            capture_output=True,
            text=True,
            timeout=timeout,
            env=_environment({}),
            check=False,
        )
        if done.returncode:
            raise TensorFlowError(
                "CommandFailed", f"{program} exited with {done.returncode}", done.stderr[-4000:]
            )
        return done.stdout

    def close(self) -> None:
        """Ends the shared process."""
        if self._worker is not None:
            self._worker.close()


class _Worker:
    """One process and the pipes to it."""

    def __init__(self, python: str, env: dict[str, str]) -> None:
        self._log = tempfile.TemporaryFile()  # noqa: SIM115 (closed in close)
        self._process = subprocess.Popen(
            [python, "-I", __file__],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._log,
            env=_environment(env),
        )
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._to, self._from = self._process.stdin, self._process.stdout

    @property
    def alive(self) -> bool:
        return self._process.poll() is None

    def ask(self, code: CODE, arguments: dict[str, Any], timeout: float) -> Any:
        entry = None if isinstance(code, str) else code.__name__
        source = textwrap.dedent(code if isinstance(code, str) else inspect.getsource(code))
        watchdog = threading.Timer(timeout, self._process.kill)
        watchdog.start()
        try:
            _send(self._to, (source, entry, arguments))
            kind, answer = _receive(self._from)
        except (EOFError, BrokenPipeError):
            status = self._process.wait()
            late = "" if watchdog.is_alive() else f", killed after {timeout} s"
            raise TensorFlowError("ProcessDied", f"exit status {status}{late}", self._tail()) from None
        finally:
            watchdog.cancel()
        if kind == "error":
            raise TensorFlowError(*answer)
        return answer

    def _tail(self) -> str:
        self._log.seek(0)
        return self._log.read()[-4000:].decode(errors="replace")

    def close(self) -> None:
        with contextlib.suppress(BrokenPipeError):
            self._to.close()  # the worker ends at the end of its input
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._from.close()
        self._log.close()


def _environment(extra: dict[str, str]) -> dict[str, str]:
    quiet = {"TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": "", "TF_ENABLE_ONEDNN_OPTS": "0"}
    ours = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    return {**ours, **quiet, **extra}


def _send(stream: BinaryIO, message: Any) -> None:
    body = pickle.dumps(message, protocol=4)
    stream.write(len(body).to_bytes(8, "little") + body)
    stream.flush()


def _receive(stream: BinaryIO) -> Any:
    header = stream.read(8)
    body = stream.read(int.from_bytes(header, "little"))
    if len(header) < 8 or len(body) < int.from_bytes(header, "little"):
        raise EOFError
    return pickle.loads(body)


def serve() -> None:
    """The worker: answers requests until its input ends."""
    requests, answers = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.dup2(2, 1)  # whatever TensorFlow prints must not end up between the answers
    with tempfile.TemporaryDirectory() as directory:
        for path in _paths(Path(directory)):
            try:
                source, entry, arguments = _receive(requests)
            except EOFError:
                return
            try:
                # Pickled here, so that an answer that cannot travel is an error like any other.
                answer = pickle.dumps(("ok", _plain(_execute(path, source, entry, arguments))), protocol=4)
            except BaseException as error:
                where = traceback.format_exc()
                answer = pickle.dumps(("error", (type(error).__name__, str(error), where)), protocol=4)
            answers.write(len(answer).to_bytes(8, "little") + answer)
            answers.flush()


def _paths(directory: Path) -> Iterator[Path]:
    return (directory / f"request_{number}.py" for number in itertools.count())


def _execute(path: Path, source: str, entry: str | None, arguments: dict[str, Any]) -> Any:
    path.write_text(source)  # a real file: AutoGraph and tracebacks read the source of what runs
    scope: dict[str, Any] = {
        "__name__": path.stem,
        "tf": importlib.import_module("tensorflow"),
        "np": importlib.import_module("numpy"),
    }
    if entry is None:
        scope.update(arguments, result=None)
    exec(compile(source, str(path), "exec"), scope)
    return scope["result"] if entry is None else scope[entry](**arguments)


def _plain(value: Any) -> Any:
    """An answer without TensorFlow's own types."""
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        items = [_plain(item) for item in value]
        return items if isinstance(value, list) else tuple(items)
    if type(value).__name__ == "TensorShape":
        return None if value.rank is None else value.as_list()
    if type(value).__name__ == "DType":
        return value.name
    return value.numpy() if hasattr(value, "numpy") else value


if __name__ == "__main__":
    serve()
