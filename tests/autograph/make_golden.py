"""Write golden/programs.json: what TensorFlow gives for every program. Run it with TensorFlow's Python:

PROGRAMS_PACKAGE=tensorflow python tests/autograph/make_golden.py
"""

from __future__ import annotations

import json
import logging
import pathlib

import programs
from recording import outcome


def main() -> None:
    logging.disable()
    golden = {}
    for function, cases in programs.CASES:
        for number, arguments in enumerate(cases):
            golden[f"{function.__name__}-{number}"] = outcome(programs.tf, function, arguments)
    path = pathlib.Path(__file__).parent / "golden" / "programs.json"
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(golden, indent=1, sort_keys=True) + "\n")


if __name__ == "__main__":
    main()
