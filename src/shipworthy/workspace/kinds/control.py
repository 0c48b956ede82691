"""What is done so that a requirement holds."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import model_validator

from shipworthy.core.errors import did_you_mean
from shipworthy.workspace.fields import Entity, Id, Ref, Text, Title, Word
from shipworthy.workspace.inside import missing_file
from shipworthy.workspace.kind import kind

if TYPE_CHECKING:
    from shipworthy.workspace.draft import Draft, Placed
    from shipworthy.workspace.graph import Graph


def _check(control: Placed[Control], draft: Draft, graph: Graph) -> None:
    said = control.entity
    if not said.implements:
        hint = "name the requirements that it serves under 'implements', or take it out"
        draft.warnings.append(control.problem(("id",), f"the control {said.id!r} implements nothing", hint))
    policy = draft.single("policy")
    for index, name in enumerate(said.tools):
        if policy is None and draft.named["policy"]:
            break  # policy.yaml is broken, which is reported
        if policy is None or name not in policy.entity.tools:
            known = list(policy.entity.tools) if policy else []
            hint = did_you_mean(name, known) if known else "there is no policy.yaml with tools"
            draft.problems.append(control.problem(("tools", index), f"policy.yaml has no rule for {name!r}", hint))
    for index, name in enumerate(said.files):
        if why := missing_file(draft.root, name):
            hint = "a path inside the workspace, such as docs/oversight.md"
            draft.problems.append(control.problem(("files", index), f"the control refers to {name!r}: {why}", hint))


@kind("control", section="controls", check=_check)
class Control(Entity):
    """Something that is in place, or planned, so that a requirement holds; a guard may say `implements` itself.

    Attributes:
        guards: rules of guards.yaml; `tools` rules of policy.yaml; `files` paths inside the workspace: a procedure, a
            configuration. Each must be there.
        process: what people do, in words.
        status: `planned` controls explain, and none counts on them.
    """

    id: Annotated[str, Id("CT")]
    title: Title
    implements: tuple[Annotated[str, Ref("requirement")], ...] = ()
    guards: tuple[Annotated[str, Ref("guard")], ...] = ()
    tools: tuple[Word, ...] = ()
    files: tuple[Word, ...] = ()
    process: Text = ""
    status: Literal["planned", "in-place"] = "in-place"
    owner: Text = ""

    @model_validator(mode="after")
    def _something(self) -> Control:
        if not (self.guards or self.tools or self.files or self.process.strip()):
            raise ValueError("says nothing of what is done: name guards, tools or files, or describe the process")
        return self
