"""Objects that are their options."""

from __future__ import annotations


class Options:
    """Attributes that are set once: equal options are equal objects, of one hash.

    As a frozen dataclass, each of which takes a millisecond of ``import nnbind``.
    """

    def __setattr__(self, name: str, value: object) -> None:
        if name in vars(self):
            raise AttributeError(
                f"[{type(self).__name__}] {name} is {vars(self)[name]!r} for good; make a new one"
            )
        super().__setattr__(name, value)

    def __delattr__(self, name: str) -> None:
        raise AttributeError(f"[{type(self).__name__}] {name} cannot be deleted")

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other) and vars(self) == vars(other)

    def __hash__(self) -> int:
        return hash((type(self), *vars(self).values()))

    def __repr__(self) -> str:
        listed = ", ".join(f"{name}={value!r}" for name, value in vars(self).items())
        return f"{type(self).__name__}({listed})"
