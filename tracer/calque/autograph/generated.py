"""``ag__``: the names that converted code uses."""

from __future__ import annotations

import functools
import types

__all__ = ["namespace"]


@functools.cache
def namespace() -> types.SimpleNamespace:
    """Every operator and helper, by the name that malt's converters give it."""
    from . import calls, operators
    from .options import ConversionOptions, Feature

    names = {name: getattr(operators, name) for name in operators.__all__}
    return types.SimpleNamespace(
        ConversionOptions=ConversionOptions,
        Feature=Feature,
        STD=ConversionOptions(recursive=True, optional_features=None),
        autograph_artifact=calls.autograph_artifact,
        converted_call=calls.converted_call,
        **names,
    )
