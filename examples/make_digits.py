"""Writes digits.npz: 1797 handwritten digits of 8 by 8 pixels (E. Alpaydin and C. Kaynak, UCI, 1998).

python examples/make_digits.py      in an environment that has scikit-learn, which carries them
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from sklearn.datasets import load_digits

if __name__ == "__main__":
    digits = load_digits()
    np.savez_compressed(
        Path(__file__).with_name("digits.npz"),
        images=digits.images.astype(np.uint8),  # 0 to 16
        labels=digits.target.astype(np.uint8),
    )
