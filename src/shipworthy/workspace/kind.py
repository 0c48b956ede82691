"""The table of entity kinds: what each is called, where it is written, and what of it a run's evidence depends on.

A kind is one file under ``kinds/`` whose model is decorated with `kind`. Reading, links, `check`, the trace and the
spec digest all work from this table, so a new kind edits none of them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from pkgutil import iter_modules
from typing import TYPE_CHECKING, Any, Literal, TypeVar

from shipworthy.core.errors import PluginError
from shipworthy.workspace.fields import Entity, Id, shapes

if TYPE_CHECKING:
    from shipworthy.workspace.draft import Draft
    from shipworthy.workspace.graph import Graph

E = TypeVar("E", bound=Entity)

Written = Literal["list", "single", "mapping", "part", "file"]
"""How entities of a kind are written: a section that lists them, a section that is one, a section of name -> entity,
inside an entity of another kind, or a file each."""

Enters = Literal["never", "always", "linked", "linking"]
"""When an entity is part of a plan's spec: never (it explains, or it is the subject, which has a digest of its own);
always; when the plan links to it, itself or through others; when it links to an entity that the plan links to."""


@dataclass(frozen=True)
class Kind:
    """One row of the table.

    Attributes:
        name: what links (`Ref`) and messages call it.
        model: what an entity of it must be.
        section: its key in the files, which is also the name of a file that is read where it exists; "" where it has
            no section of its own.
        written: how.
        enters: when it is part of a plan's spec.
        check: reports what only this kind can have wrong of a `Placed` entity; links and references are checked for
            every kind.
        content: what of an entity enters a digest, where that is more than its own text, such as a suite's samples.
        missing: a hint for a link to an entity that is not there; "" where the nearest id is the better one.
    """

    name: str
    model: type[Entity]
    section: str
    written: Written
    enters: Enters
    check: Callable[[Any, Draft, Graph], None] | None
    content: Callable[[Any], Any] | None
    missing: Callable[[str], str] | None

    @property
    def prefix(self) -> str:
        """What its ids begin with, such as ``RK``; "" where they have no prefix."""
        marks = [mark for shape in shapes(self.model).get("id", ()) for mark in shape.marks]
        return next((mark.prefix for mark in marks if isinstance(mark, Id)), "")


_made: dict[str, Kind] = {}


def kind(
    name: str,
    *,
    section: str = "",
    written: Written = "list",
    enters: Enters = "never",
    check: Callable[[Any, Draft, Graph], None] | None = None,
    content: Callable[[Any], Any] | None = None,
    missing: Callable[[str], str] | None = None,
) -> Callable[[type[E]], type[E]]:
    """Return the decorator that registers a model as a kind; the arguments are the attributes of `Kind`.

    Raises:
        PluginError: two models claim one name, one section or one prefix.
    """

    def register(model: type[E]) -> type[E]:
        new = Kind(name, model, section, written, enters, check, content, missing)
        for old in _made.values():
            for what in ("name", "section", "prefix"):
                if getattr(new, what) and getattr(new, what) == getattr(old, what):
                    claim = f"two kinds have the {what} {getattr(new, what)!r}"
                    raise PluginError(f"{claim}: {old.model.__module__} and {model.__module__}")
        _made[name] = new
        return model

    return register


@cache
def kinds() -> Mapping[str, Kind]:
    """Return every kind by its name, sorted by name."""
    package = import_module("shipworthy.workspace.kinds")
    for module in iter_modules(package.__path__):
        import_module(f"{package.__name__}.{module.name}")
    return dict(sorted(_made.items()))


def kind_of(model: type[Entity]) -> Kind | None:
    """Return the kind that a model was registered as; None for a value inside an entity."""
    return next((kind for kind in kinds().values() if kind.model is model), None)


def sections() -> Mapping[str, Kind]:
    """Return the kinds that have a section, by its name."""
    return {kind.section: kind for kind in kinds().values() if kind.section}
