"""`python -m calque_tools` is the `calque` command."""

from .cli import main

main()
