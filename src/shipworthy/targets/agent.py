"""An agent: any model in a loop that calls the tools it is offered, through guards, policy and record."""

from __future__ import annotations

from typing import Literal

from shipworthy.agents.loop import SYSTEM, AgentBounds, AgentLoop
from shipworthy.core.protocols import Model
from shipworthy.core.registry import target


@target
def agent(
    model: Model,
    *,
    system: str = SYSTEM,
    steps: int = 20,
    parallel: int = 4,
    tokens: int = 0,
    seconds: float = 300.0,
    selection: Literal["auto", "native", "json"] = "auto",
    plan: bool = False,
) -> AgentLoop:
    """Build an agent around a model.

    Args:
        model: who decides; ``model: {use: openai_compatible, ...}`` in a workspace.
        system: its instructions.
        steps: times that the model is asked for its next calls.
        parallel: calls of one step that are made; further ones are answered with an error.
        tokens: that an answer may take, in and out; 0 for no limit.
        seconds: that an answer may take.
        selection: ``native`` calls, ``json`` for models that know no tools, ``auto`` for what the model can.
        plan: whether it writes down its steps first.

    Raises:
        UsageError: a bound is out of range, or the model cannot be asked that way.
    """
    bounds = AgentBounds(steps=steps, parallel=parallel, tokens=tokens, seconds=seconds)
    return AgentLoop(model, system=system, bounds=bounds, selection=selection, plan=plan)
