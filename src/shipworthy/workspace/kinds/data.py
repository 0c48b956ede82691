"""What data the system keeps or passes on."""

from __future__ import annotations

from typing import Annotated, Literal

from shipworthy.workspace.fields import Count, Entity, Id, TaxonomyRef, Text, Title
from shipworthy.workspace.kind import kind

DataClass = Literal["public", "internal", "confidential", "personal", "special", "credential"]
"""How bad it is if it gets out; `special` is personal data of Article 9 GDPR: health, belief, origin and the like."""


@kind("data", section="data_categories")
class DataCategory(Entity):
    """A category of data.

    Attributes:
        sensitivity: see `DataClass`.
        retention_days: after which it is deleted; left out, it is not said.
        training: whether a model is trained on it.
    """

    id: Annotated[str, Id("DAT")]
    title: Title
    sensitivity: DataClass
    retention_days: Count | None = None
    training: bool | None = None
    refs: tuple[TaxonomyRef, ...] = ()
    text: Text = ""
