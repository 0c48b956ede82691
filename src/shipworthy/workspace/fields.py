"""Field types the safety files share: ids with their prefix, text that keeps what was written, the base model."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

from shipworthy.core.records import Severity
from shipworthy.workspace.scalars import source_text


class Entity(BaseModel):
    """Base of everything read from YAML: frozen, no unknown keys."""

    model_config = ConfigDict(frozen=True, extra="forbid", arbitrary_types_allowed=False)


def _one_line(value: str) -> str:
    if not value.strip():
        raise ValueError("must not be empty")
    return value.strip()


def _prefixed(prefix: str) -> Any:
    pattern = rf"^{prefix}-[A-Za-z0-9][A-Za-z0-9_.-]*$"
    return Annotated[str, BeforeValidator(source_text), Field(pattern=pattern, max_length=80)]


Text = Annotated[str, BeforeValidator(source_text)]
"""A string; a number is taken as it was written, so that ``version: 1.10`` is "1.10" and not "1.1"."""

Title = Annotated[str, BeforeValidator(source_text), AfterValidator(_one_line)]
"""A string that says something."""

Slug = Annotated[str, BeforeValidator(source_text), Field(pattern=r"^[a-z0-9][a-z0-9._-]*$", max_length=80)]
"""A name that is also a file name: lower case letters, digits, dot, dash, underscore."""

SystemId = _prefixed("SYS")
ComponentId = _prefixed("CMP")
JourneyId = _prefixed("UJ")
RiskId = _prefixed("RK")
RequirementId = _prefixed("RQ")
CriterionId = _prefixed("CR")
GuardId = _prefixed("GD")

Rate = Annotated[float, Field(ge=0.0, le=1.0)]

__all__ = ["Entity", "Rate", "Severity", "Slug", "Text", "Title"]
