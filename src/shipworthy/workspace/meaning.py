"""What of a written entity decides something: its text without the prose."""

from __future__ import annotations

from typing import Any

from shipworthy.workspace.fields import Entity, FieldShape, Unhashed, shapes
from shipworthy.workspace.scalars import for_digest


def meaning(model: type[Entity], written: Any) -> Any:
    """Return JSON for hashing: what was written, without the fields whose type says that they explain.

    It is the text that counts and not the parsed model: a default that a later version adds changes nothing. A key that
    the model does not have is kept; that is how a plug-in's parameters are written.
    """
    if not isinstance(written, dict):
        return for_digest(written)  # the short form of an entity, such as a suite's id in a plan
    fields = shapes(model)
    return {key: _field(fields.get(key, ()), value) for key, value in written.items() if _decides(fields.get(key, ()))}


def _decides(field: tuple[FieldShape, ...]) -> bool:
    return not field or any(not any(isinstance(mark, Unhashed) for mark in shape.marks) for shape in field)


def _field(field: tuple[FieldShape, ...], value: Any) -> Any:
    nested = next((shape.model for shape in field if shape.model), None)
    if nested is None:
        return for_digest(value)
    return [meaning(nested, item) for item in value] if isinstance(value, list) else meaning(nested, value)
