"""Dtype policies: in which dtype layers keep their weights, and in which they compute."""

from __future__ import annotations

from typing import Any

from .. import dtypes

__all__ = ["Policy", "deserialize", "global_policy", "policy_of", "serialize", "set_global_policy"]


class Policy:
    """A dtype policy.

    Args:
        name: a dtype's name ("float32", "float64", "bfloat16", ...), for weights and computation alike; or
            "mixed_bfloat16" or "mixed_float16": weights of float32, computation in the other.

    Raises:
        TypeError: `name` is no string.
        ValueError: there is no such policy.
    """

    def __init__(self, name: str) -> None:
        if isinstance(name, dtypes.DType):
            raise TypeError(
                f"'name' must be a string, not a DType. Instead, pass DType.name. Got: {name.name}"
            )
        if not isinstance(name, str):
            raise TypeError(f"'name' must be a string, but got: {name}")
        self._name = name
        if name in ("mixed_float16", "mixed_bfloat16"):
            self._compute_dtype: str | None = name.removeprefix("mixed_")
            self._variable_dtype: str | None = "float32"
            return
        if name == "_infer":
            self._compute_dtype = self._variable_dtype = None
            return
        try:
            self._compute_dtype = self._variable_dtype = dtypes.as_dtype(name).name
        except TypeError:
            raise ValueError(
                f"Cannot convert value {name} to a mixed precision Policy. Valid policies include 'mixed_float16', "
                "'mixed_bfloat16', and the name of any dtype such as 'float32'."
            ) from None

    @property
    def name(self) -> str:
        """The name."""
        return self._name

    @property
    def compute_dtype(self) -> str | None:
        """The dtype in which layers compute."""
        return self._compute_dtype

    @property
    def variable_dtype(self) -> str | None:
        """The dtype in which layers keep their weights."""
        return self._variable_dtype

    def get_config(self) -> dict[str, Any]:
        """The arguments to make such a policy from."""
        return {"name": self._name}

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: Any = None) -> Policy:
        """A policy from what `get_config` gave; what older releases wrote beside the name is left out.

        Args:
            config: the dict.
            custom_objects: accepted.
        """
        return cls(config["name"])

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Policy) and other._name == self._name

    def __hash__(self) -> int:
        return hash(self._name)

    def __repr__(self) -> str:
        return f'<Policy "{self._name}">'


_global: Policy | None = None


def global_policy() -> Policy:
    """The policy of layers that are not given one: by default that of `keras.backend.floatx`."""
    from .config import floatx

    return _global or Policy(floatx())


def set_global_policy(policy: str | Policy | None) -> None:
    """Set the policy of layers that are made from now on and not given one; None goes back to the default."""
    global _global
    _global = policy if policy is None or isinstance(policy, Policy) else Policy(policy)


def policy_of(dtype: Any) -> Policy:
    """The policy that a layer's `dtype` argument means: a policy, its config, a dtype, or None for the global one."""
    if isinstance(dtype, Policy):
        return dtype
    if isinstance(dtype, dict):
        return deserialize(dtype)
    if dtype is None:
        return global_policy()
    return Policy(dtype if isinstance(dtype, str) else dtypes.as_dtype(dtype).name)


def serialize(policy: Policy) -> Any:
    """A policy in a layer's config: a name where it is a dtype, else class and config."""
    if policy.name.startswith("mixed_"):
        return {
            "module": "keras.mixed_precision",
            "class_name": "Policy",
            "config": policy.get_config(),
            "registered_name": None,
        }
    return policy.name


def deserialize(config: Any, custom_objects: Any = None) -> Policy:
    """A policy from what `serialize` gave, or an older release's form of it.

    Args:
        config: a name, or class and config.
        custom_objects: accepted.
    """
    if isinstance(config, dict):
        return Policy.from_config(config.get("config") or {"name": "float32"})
    return Policy(config)


def __getattr__(name: str) -> Any:
    if name == "LossScaleOptimizer":
        raise AttributeError(
            "keras.mixed_precision.LossScaleOptimizer is not there: float16 gradients are rare on processors. Use the "
            "policy 'mixed_bfloat16', which needs no loss scaling."
        )
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
