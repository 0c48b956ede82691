"""What a lever of a gateway does when pulled: modes of rules, tools that are taken away, a rate, models put back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import Field, model_validator

from shipworthy.workspace.fields import NUMBER, Entity
from shipworthy.workspace.guards import Mode

KEYS = ("tools", "requests_per_minute", "models")
"""Keys of a lever that name no rule: a rule's id begins with ``GD-``, and ``policy`` is the tool policy's."""


class LeverSpec(Entity):
    """One lever.

    Attributes:
        modes: rule -> mode; in the file they stand beside the other keys. They may only tighten.
        tools: names of the policy's tools that may not be called; the whole policy is enforced then.
        requests_per_minute: of all clients together that are begun; more are refused.
        models: model -> the one that is asked in its place, such as the one that was released before.
    """

    modes: dict[str, Mode] = Field(default_factory=dict)
    tools: Annotated[tuple[str, ...], Field(max_length=1_000)] = ()
    requests_per_minute: Annotated[float, NUMBER, Field(gt=0)] | None = None
    models: Annotated[dict[str, str], Field(max_length=1_000)] = Field(default_factory=dict)

    @model_validator(mode="before")
    @classmethod
    def _beside(cls, value: Any) -> Any:
        if not isinstance(value, Mapping) or "modes" in value:
            return value
        modes = {key: mode for key, mode in value.items() if key not in KEYS}
        return {**{key: inner for key, inner in value.items() if key in KEYS}, "modes": modes}

    @property
    def told(self) -> tuple[str, ...]:
        """What it changes, a sentence's part each."""
        said = [f"{rule} is set to {mode}" for rule, mode in sorted(self.modes.items())]
        said += [f"the tool {tool} is refused" for tool in self.tools]
        if self.requests_per_minute is not None:
            said.append(f"at most {self.requests_per_minute:g} requests a minute are begun")
        said += [f"{new} is asked in place of {old}" for old, new in sorted(self.models.items())]
        return tuple(said)
