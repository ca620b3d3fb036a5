"""Objects that are their options."""

from __future__ import annotations


class Fixed:
    """Options that are set for good, as what is made from them would not see a change.

    A class of the user's own may have attributes beside them.
    """

    _options: tuple[str, ...] = ()
    _instead = "make a new one"

    def _set(self, **options: object) -> None:
        """For the constructors alone."""
        vars(self).update(options, _options=tuple(dict.fromkeys((*self._options, *options))))

    def __setattr__(self, name: str, value: object) -> None:
        where = f"[{type(self).__name__}]"
        if name in self._options:
            raise AttributeError(
                f"{where} {name} is {getattr(self, name)!r} for good; {self._instead}"
            )
        if type(self).__module__.startswith("nnbind.") and not name.startswith("_"):
            raise AttributeError(f"{where} there is no option {name!r}, only {list(self._options)}")
        super().__setattr__(name, value)

    def __delattr__(self, name: str) -> None:
        if name in self._options:
            raise AttributeError(f"[{type(self).__name__}] {name} cannot be deleted")
        super().__delattr__(name)


class Options(Fixed):
    """Options that are all of it: equal options are equal objects, of one hash.

    As a frozen dataclass, each of which takes a millisecond of ``import nnbind``.
    """

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other) and vars(self) == vars(other)

    def __hash__(self) -> int:
        return hash((type(self), *(getattr(self, name) for name in self._options)))

    def __repr__(self) -> str:
        listed = ", ".join(f"{name}={getattr(self, name)!r}" for name in self._options)
        return f"{type(self).__name__}({listed})"
