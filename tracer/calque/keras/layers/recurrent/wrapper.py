"""`Wrapper`: the base of layers around another layer."""

from __future__ import annotations

from typing import Any

from ...engine.layer import Layer
from ...saving.serialization import serialize_keras_object

__all__ = ["Wrapper"]


class Wrapper(Layer):
    """A layer around another one.

    Args:
        layer: the other one.

    Raises:
        ValueError: it is no layer.
    """

    def __init__(self, layer: Any, **kwargs: Any) -> None:
        if not isinstance(layer, Layer):
            raise ValueError(
                f"Layer {layer} supplied to wrapper is not a supported layer type. Please ensure wrapped layer is a "
                "valid Keras layer."
            )
        super().__init__(**kwargs)
        self.layer = layer

    def build(self, input_shape: Any = None) -> None:
        """Build the layer inside."""
        if not self.layer.built:
            self.layer.build(input_shape)
            self.layer.built = True
        super().build(input_shape)

    @property  # type: ignore[misc]
    def activity_regularizer(self) -> Any:
        """That of the layer inside, which applies it."""
        return getattr(self.layer, "activity_regularizer", None)

    def get_config(self) -> dict[str, Any]:
        """The configuration of the layer inside, as `layer`."""
        return super().get_config() | {"layer": serialize_keras_object(self.layer)}

    @classmethod
    def from_config(cls, config: Any, custom_objects: Any = None) -> Any:
        """A wrapper from what `get_config` gave.

        Args:
            config: the dict.
            custom_objects: classes and functions of the caller's own, by name.
        """
        from ..serialization import deserialize

        rest = dict(config)
        # In the older form, the layer inside is not built.
        old = "module" not in config
        layer = deserialize(rest.pop("layer"), custom_objects=custom_objects, use_legacy_format=old)
        return cls(layer, **rest)
