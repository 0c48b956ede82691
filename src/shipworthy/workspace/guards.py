"""The guard file: which runtime checks stand in front of the system and behind it."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from shipworthy.core.records import Action, Stage
from shipworthy.workspace.fields import Entity, Id, Ref
from shipworthy.workspace.scalars import plain, source_text

Mode = Literal["off", "shadow", "enforce"]
"""What a rule does, from the least to the most."""


class GuardRule(Entity):
    """One guard in the pipeline.

    Attributes:
        stages: where it runs; all the stages the guard knows if left out.
        action: what is done with every finding; the finding's own action if left out.
        mode: ``shadow`` records and changes nothing; ``off`` does not run and is no part of the pipeline.
        on_error: what happens when the guard raises or times out; closed by default. ``tighten`` lets the text pass and
            tightens the tools.
    """

    id: Annotated[str, Id("GD")]
    use: str = Field(min_length=1)
    stages: tuple[Stage, ...] = ()
    action: Action | None = None
    mode: Mode = "enforce"
    on_error: Literal["block", "tighten", "allow"] = "block"
    timeout_s: Annotated[float, Field(gt=0, le=60)] = 2.0
    params: Annotated[dict[str, Any], BeforeValidator(plain)] = Field(default_factory=dict)
    implements: tuple[Annotated[str, Ref("requirement")], ...] = ()


class GuardFile(Entity):
    """A guard pipeline as it is written: rules in the order in which they run."""

    block_message: Annotated[str, BeforeValidator(source_text)] = "I can't help with that."
    rules: Annotated[tuple[GuardRule, ...], Field(max_length=200)] = ()
