"""Objects that are their options."""

from __future__ import annotations

from typing import NoReturn


class Options:
    """Attributes that are set for good: equal options are equal objects, of one hash.

    As a frozen dataclass, each of which takes a millisecond of ``import nnbind``.
    """

    def _set(self, **options: object) -> None:
        """For the constructor alone."""
        vars(self).update(options)

    def __setattr__(self, name: str, value: object) -> NoReturn:
        options = vars(self)
        raise AttributeError(
            f"[{type(self).__name__}] {name} is {options[name]!r} for good; make a new one"
            if name in options
            else f"[{type(self).__name__}] there is no option {name!r}, only {list(options)}"
        )

    def __delattr__(self, name: str) -> NoReturn:
        raise AttributeError(f"[{type(self).__name__}] {name} cannot be deleted")

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other) and vars(self) == vars(other)

    def __hash__(self) -> int:
        return hash((type(self), *vars(self).values()))

    def __repr__(self) -> str:
        listed = ", ".join(f"{name}={value!r}" for name, value in vars(self).items())
        return f"{type(self).__name__}({listed})"
