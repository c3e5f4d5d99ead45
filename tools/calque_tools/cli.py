"""The `calque` command: a group of commands, a module each."""

from __future__ import annotations

import sys
from typing import Any

import click

from calque_runtime import __version__
from calque_runtime.errors import OpError

from .ckpt import ckpt
from .dump import dump
from .opt import opt
from .printing import printable
from .show import show

__all__ = ["calque", "main"]


class _Group(click.Group):
    """Ends every command that fails with one message on standard error and exit status 1."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except (BrokenPipeError, click.ClickException, click.exceptions.Exit, click.Abort):
            raise  # click's own, and what it ends quietly
        except Exception as error:
            if ctx.params.get("traceback"):
                raise
            raise click.ClickException(_message(error)) from error


def _message(error: Exception) -> str:
    if isinstance(error, OpError):
        text = str(error)
    elif isinstance(error, OSError):
        text = f"{error.filename or 'the file system'}: {error.strerror or error}"
    elif isinstance(error, (RecursionError, MemoryError)):
        text = f"the input is too large or nested too deep ({type(error).__name__})"
    else:
        text = f"an error in calque itself, {type(error).__name__}: {error}; `calque --traceback ...` shows where"
    return "\n".join(printable(line) for line in text.splitlines())


@click.group(
    cls=_Group,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="Exit status: 0 done, 1 bad input, 2 wrong usage.",
)
@click.version_option(__version__, prog_name="calque", message="%(prog)s %(version)s")
@click.option("--traceback", is_flag=True, help="Show where in calque an error came from.")
def calque(traceback: bool) -> None:
    """Look inside SavedModels and checkpoints, whoever wrote them."""


calque.add_command(show)
calque.add_command(dump)
calque.add_command(ckpt)
calque.add_command(opt)


def main() -> None:
    """Run the command that the process was started with, and exit."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):  # names may hold what the terminal's encoding lacks
            stream.reconfigure(errors="backslashreplace")
    calque(prog_name="calque")


if __name__ == "__main__":
    main()
