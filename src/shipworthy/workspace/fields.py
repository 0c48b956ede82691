"""Field types that the safety files share. A field's type says what its value is, and what follows from that.

Prose (`Title`, `Text`) explains and enters no digest of meaning; a `Word` or a number decides and does. `Ref` makes a
link of the graph, `TaxonomyRef` a reference that `check` looks up, `Id` the id that links name.
"""

from __future__ import annotations

import re
import types
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import date
from functools import cache
from typing import Annotated, Any, Literal, NamedTuple, Union, get_args, get_origin

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, GetCoreSchemaHandler
from pydantic_core import CoreSchema, core_schema

from shipworthy.core.records import Severity
from shipworthy.workspace.scalars import source_text

Loc = tuple[str | int, ...]
"""A path into a value: keys of mappings, and positions in lists."""


class Entity(BaseModel):
    """Base of everything read from YAML: frozen, no unknown keys."""

    model_config = ConfigDict(frozen=True, extra="forbid", arbitrary_types_allowed=False)


@dataclass(frozen=True)
class Unhashed:
    """Marks a field that `meaning` leaves out, and says why."""

    why: str


PROSE = Unhashed("prose explains, it does not decide")


@dataclass(frozen=True)
class Id:
    """Marks the field that names an entity: a prefix that says its kind, a dash, then letters, digits, ``_.-``."""

    prefix: str

    @property
    def pattern(self) -> str:
        """The regular expression of such an id."""
        return rf"^{self.prefix}-[A-Za-z0-9][A-Za-z0-9_.-]*$"

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        text = core_schema.str_schema(pattern=self.pattern, max_length=80)
        return core_schema.no_info_before_validator_function(source_text, text)


@dataclass(frozen=True)
class Ref:
    """Marks a field that holds the id of an entity of a kind: a link of the graph.

    Only the type of the value is validated here. Whether the link leads somewhere is known when every file has been
    read, and the answer then names the nearest id there is.

    Attributes:
        kind: of what it names.
        prefix: of a field that also takes plain text: only what begins so is an id.
    """

    kind: str
    prefix: str = ""

    def names(self, value: str) -> bool:
        """Say whether a value is an id, and not text that the field takes as well."""
        return value.startswith(self.prefix)

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_before_validator_function(source_text, handler(source))


@dataclass(frozen=True)
class InTaxonomy:
    """Marks a reference into a public catalogue, ``taxonomy:id@version``."""


def _one_line(value: str) -> str:
    if not value.strip():
        raise ValueError("must not be empty")
    return value.strip()


Text = Annotated[str, BeforeValidator(source_text), PROSE]
"""Prose, or nothing."""

Title = Annotated[str, BeforeValidator(source_text), AfterValidator(_one_line), PROSE]
"""Prose that says something."""

Word = Annotated[str, BeforeValidator(source_text), AfterValidator(_one_line)]
"""Text that decides something, such as a metric's name.

A number is taken as it was written, so that ``version: 1.10`` is "1.10" and not "1.1".
"""

_SLUG = r"^[a-z0-9][a-z0-9._-]*$"

Slug = Annotated[
    str, BeforeValidator(source_text), Field(pattern=_SLUG, max_length=80, json_schema_extra={"pattern": _SLUG})
]
"""A name that is also a file name: lower case letters, digits, dot, dash, underscore."""

TaxonomyRef = Annotated[
    str, BeforeValidator(source_text), InTaxonomy(), Unhashed("it says where others describe it, it does not decide")
]


def _number(value: Any) -> Any:
    if isinstance(value, bool | str):
        raise ValueError("must be a number" + (", without quotes" if isinstance(value, str) else ""))
    return value


NUMBER = BeforeValidator(_number)
"""Marks a number: `true` is none, though Python counts with it (a gate with ``max_error_rate: true`` let all pass)."""

Rate = Annotated[float, NUMBER, Field(ge=0.0, le=1.0)]

Count = Annotated[int, NUMBER, Field(ge=1, le=1_000_000)]
"""A whole number from 1."""


def _day(value: Any) -> Any:
    text = source_text(value)
    if isinstance(text, str) and re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", text):
        with suppress(ValueError):
            return date.fromisoformat(text)
    raise ValueError("must be a day, written 2026-12-31")


Day = Annotated[date, BeforeValidator(_day)]
"""A day of the calendar, UTC, written ``2026-12-31``."""


_SHA256 = r"^(sha256:[0-9a-f]{64})?$"

Sha256 = Annotated[str, BeforeValidator(source_text), Field(pattern=_SHA256, json_schema_extra={"pattern": _SHA256})]
"""A digest, ``sha256:…``, or nothing."""


class FieldShape(NamedTuple):
    """One shape that a field's value may have: its models, and the marks that its type carries.

    Attributes:
        many: whether it is a list.
        model: of the value, or of its items; None for anything else than an entity.
        marks: `Ref`, `InTaxonomy`, `Unhashed` and `Id` values; a list's marks are those of its items.
    """

    many: bool
    model: type[Entity] | None
    marks: tuple[Any, ...]


@cache
def shapes(model: type[BaseModel]) -> dict[str, tuple[FieldShape, ...]]:
    """Return the shapes of every field of a model: one for each member of a union."""
    return {name: tuple(_shapes(info.annotation, tuple(info.metadata))) for name, info in model.model_fields.items()}


def _shapes(annotation: Any, marks: tuple[Any, ...], *, many: bool = False) -> Iterator[FieldShape]:
    origin, args = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        yield from _shapes(args[0], (*marks, *args[1:]), many=many)
    elif origin in (Union, types.UnionType):
        for arg in args:
            yield from _shapes(arg, marks, many=many)
    elif origin in (tuple, list) and args:
        yield from _shapes(args[0], marks, many=True)
    elif annotation is not type(None) and origin is not Literal:
        entity = annotation if isinstance(annotation, type) and issubclass(annotation, Entity) else None
        yield FieldShape(many, entity, tuple(m for m in marks if isinstance(m, Ref | InTaxonomy | Unhashed | Id)))


class Value(NamedTuple):
    """One value inside an entity.

    Attributes:
        loc: its path: names of fields, and positions in lists.
        value: never a list.
        marks: that its type carries.
    """

    loc: Loc
    value: Any
    marks: tuple[Any, ...]


def values(entity: Entity, loc: Loc = ()) -> Iterator[Value]:
    """Yield every value inside an entity, each item of a list by itself; an entity comes before what is in it."""
    for name, field in shapes(type(entity)).items():
        value = getattr(entity, name)
        many = isinstance(value, tuple)
        marks = tuple(mark for shape in field if shape.many == many for mark in shape.marks)
        for index, item in enumerate(value if many else (value,)):
            here: Loc = (*loc, name, index) if many else (*loc, name)
            yield Value(here, item, marks)
            if isinstance(item, Entity):
                yield from values(item, here)


__all__ = [
    "NUMBER", "Count", "Day", "Entity", "Id", "InTaxonomy", "Loc", "Rate", "Ref", "Severity", "Sha256", "Slug",
    "TaxonomyRef", "Text", "Title", "Unhashed", "Word", "shapes", "values",
]  # fmt: skip
