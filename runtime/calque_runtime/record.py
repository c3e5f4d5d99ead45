"""Small classes of named values, as `dataclasses` makes them, without its cost.

A dataclass writes and compiles its methods when it is defined, half a millisecond each: too much for a library whose
import is measured in tens of them. `record` gives the same class with methods that read the list of fields.
Type checkers see `dataclasses` itself.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dataclasses import dataclass as record
    from dataclasses import field, replace
else:

    class _Factory:
        def __init__(self, make):
            self.make = make

    def field(*, default_factory):
        """A default that is made anew for each instance."""
        return _Factory(default_factory)

    def replace(value, **changes):
        """A copy of a record with some fields changed."""
        kept = {name: value.__dict__[name] for name in type(value).__annotations__}
        return type(value)(**{**kept, **changes})

    def record(cls=None, *, frozen=False, eq=True):
        """Decorator: the annotated names of the class are its fields, in order, with their defaults."""
        return (lambda c: _make(c, frozen, eq)) if cls is None else _make(cls, frozen, eq)

    def _make(cls, frozen, eq):
        names = tuple(cls.__annotations__)
        known = frozenset(names)
        given = {n: cls.__dict__[n] for n in names if n in cls.__dict__}
        defaults = {n: value for n, value in given.items() if not isinstance(value, _Factory)}
        made = [(n, value.make) for n, value in given.items() if isinstance(value, _Factory)]

        def __init__(self, *args, **kwargs):
            values = self.__dict__
            values.update(defaults)
            values.update(zip(names, args))  # noqa: B905 - fewer arguments than names are fine
            if kwargs or len(args) > len(names):
                if len(args) > len(names) or not kwargs.keys() <= known:
                    raise TypeError(f"{cls.__name__} takes {', '.join(names)}")
                values.update(kwargs)
            for name, make in made:
                if name not in values:
                    values[name] = make()
            if len(values) < len(names):
                raise TypeError(f"{cls.__name__} needs {next(n for n in names if n not in values)}")

        def __eq__(self, other):
            if type(other) is not type(self):
                return NotImplemented
            mine, its = self.__dict__, other.__dict__  # which hold cached properties as well
            return all(mine[n] == its[n] for n in names)

        def __hash__(self):
            return hash(tuple(self.__dict__[n] for n in names))

        def __repr__(self):
            return f"{cls.__name__}({', '.join(f'{n}={self.__dict__[n]!r}' for n in names)})"

        def __setattr__(self, name, value):
            raise AttributeError(f"cannot assign to field {name!r}: a {cls.__name__} is immutable")

        cls.__init__ = __init__
        cls.__repr__ = __repr__
        if eq:
            cls.__eq__ = __eq__
            cls.__hash__ = __hash__ if frozen else None
        if frozen:
            cls.__setattr__ = __setattr__
        return cls


__all__ = ["field", "record", "replace"]
