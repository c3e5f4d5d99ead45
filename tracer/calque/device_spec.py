"""`DeviceSpec`: the name of a device, taken apart."""

from __future__ import annotations

from typing import Any

__all__ = ["DeviceSpec"]

_FIELDS = ("job", "replica", "task", "device_type", "device_index")


class DeviceSpec:
    """A device, perhaps not fully told: ``/job:worker/replica:0/task:1/device:CPU:0``.

    Args:
        job: the job's name.
        replica: the replica's number.
        task: the task's number.
        device_type: "CPU", "GPU", ...; kept in capitals.
        device_index: which one of its type.
    """

    __slots__ = tuple(f"_{name}" for name in _FIELDS)

    def __init__(
        self,
        job: str | None = None,
        replica: int | None = None,
        task: int | None = None,
        device_type: str | None = None,
        device_index: int | None = None,
    ) -> None:
        self._job = None if job is None else str(job)
        self._replica = None if replica is None else int(replica)
        self._task = None if task is None else int(task)
        self._device_type = None if device_type is None else str(device_type).upper()
        self._device_index = None if device_index is None else int(device_index)

    @property
    def job(self) -> str | None:
        """The job's name."""
        return self._job

    @property
    def replica(self) -> int | None:
        """The replica's number."""
        return self._replica

    @property
    def task(self) -> int | None:
        """The task's number."""
        return self._task

    @property
    def device_type(self) -> str | None:
        """ "CPU", "GPU", ..."""
        return self._device_type

    @property
    def device_index(self) -> int | None:
        """Which one of its type."""
        return self._device_index

    @classmethod
    def from_string(cls, spec: str) -> DeviceSpec:
        """Take a device's name apart: ``/job:<name>/replica:<n>/task:<n>/device:<type>:<n>``, or a part of it.

        ``cpu:0`` and ``gpu:*`` stand for devices too; ``*`` leaves the number open.

        Raises:
            ValueError: it is no such name.
        """
        return cls(**_parse(spec))

    def parse_from_string(self, spec: str) -> DeviceSpec:
        """As `from_string`."""
        return type(self).from_string(spec)

    def to_string(self) -> str:
        """The name."""
        parts = []
        for name in ("job", "replica", "task"):
            value = getattr(self, name)
            if value is not None:
                parts.append(f"/{name}:{value}")
        if self._device_type is not None:
            index = "*" if self._device_index is None else self._device_index
            parts.append(f"/device:{self._device_type}:{index}")
        return "".join(parts)

    def replace(self, **kwargs: Any) -> DeviceSpec:
        """One like this, with other values for the fields named."""
        return type(self)(**(self._as_dict() | kwargs))

    def make_merged_spec(self, dev: DeviceSpec) -> DeviceSpec:
        """One with what `dev` says, and what this one says where `dev` says nothing."""
        told = {name: value for name, value in dev._as_dict().items() if value is not None}
        return type(self)(**(self._as_dict() | told))

    def _as_dict(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in _FIELDS}

    def __eq__(self, other: object) -> bool:
        return isinstance(other, DeviceSpec) and self._as_dict() == other._as_dict()

    def __hash__(self) -> int:
        return hash(tuple(self._as_dict().values()))

    def __repr__(self) -> str:
        return f"<DeviceSpec({', '.join(f'{name}={value}' for name, value in self._as_dict().items())})>"

    __str__ = __repr__


def _parse(spec: str) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for part in spec.split("/"):
        if not part:
            continue
        key, *values = part.split(":")
        if key in ("job", "replica", "task") and len(values) == 1:
            found[key] = values[0] if key == "job" else int(values[0])
        elif key == "device" and len(values) in (1, 2):
            found["device_type"], found["device_index"] = values[0], _index(values[1:])
        elif key.upper() in ("CPU", "GPU", "TPU") and len(values) <= 1:
            found["device_type"], found["device_index"] = key, _index(values)
        else:
            raise ValueError(
                f"Unknown attribute '{key}' is encountered while parsing the device spec: '{spec}'. A device's name is "
                "like '/job:<name>/replica:<n>/task:<n>/device:<type>:<n>'."
            )
    return found


def _index(values: list[str]) -> int | None:
    return None if not values or values[0] == "*" else int(values[0])
