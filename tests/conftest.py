"""Settings for the whole suite."""

from __future__ import annotations

import os

from hypothesis import settings

# No deadline: the machines that run this are busy. In CI the same examples each time: what fails there must
# fail again here.
settings.register_profile("calque", deadline=None, derandomize="CI" in os.environ, print_blob=True)
settings.load_profile("calque")
