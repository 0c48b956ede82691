"""Kinds of fields that several parts of the gateway's file have."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, Field

from shipworthy.core.credentials import is_reference
from shipworthy.workspace.fields import NUMBER
from shipworthy.workspace.scalars import source_text


def _reference(value: str) -> str:
    if not is_reference(value):
        # It may be a pasted secret: it is not repeated.
        raise ValueError("must be a reference, 'env:NAME' or 'file:PATH', never a key itself")
    return value


Reference = Annotated[str, AfterValidator(_reference)]
Name = Annotated[str, BeforeValidator(source_text), Field(pattern=r"^[a-z0-9][a-z0-9._-]*$", max_length=80)]
Seconds = Annotated[float, NUMBER, Field(gt=0, le=86_400)]
Count = Annotated[int, NUMBER, Field(ge=1, le=1_000_000_000)]
