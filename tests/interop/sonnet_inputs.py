"""What Sonnet's modules are trained with: shared by the program that trains them and the tests that ask for it."""

from __future__ import annotations

from typing import Any

import numpy as np

OPTIMIZERS = ("adam", "momentum", "rmsprop", "sgd")


def wave(shape: Any) -> Any:
    """float32 values between -1/2 and 1/2 that look random and are the same everywhere."""
    count = int(np.prod(shape))
    return np.sin(np.arange(count, dtype=np.float32) * 1.7 + 0.3).reshape(shape).astype(np.float32) / 2


INPUTS = {
    "images": wave([4, 6, 6, 2]),
    "sequences": (np.arange(24, dtype=np.int32) * 7 % 11).reshape(4, 6),
}
LABELS = np.array([0, 2, 1, 2], np.int32)
