"""The table of kinds: found by file, no two claims, and a new kind is one file."""

from __future__ import annotations

import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Annotated

import pytest

from shipworthy.core.errors import PluginError
from shipworthy.workspace import kinds as package
from shipworthy.workspace.fields import Entity, Id
from shipworthy.workspace.kind import _made, kind, kind_of, kinds, sections
from shipworthy.workspace.kinds.requirement import Criterion, Requirement

SOURCE = Path(package.__file__).parent


def test_every_file_is_a_kind_and_every_kind_has_a_file():
    files = {path.stem for path in SOURCE.glob("*.py") if path.stem != "__init__"}
    assert files <= set(kinds())
    assert {made.section for made in sections().values()} == set(sections())


def test_a_row_says_what_a_kind_is():
    row = kinds()["requirement"]
    assert (row.section, row.prefix, row.model, row.enters) == ("requirements", "RQ", Requirement, "linking")
    assert kind_of(Criterion) is kinds()["criterion"]
    assert kinds()["plan"].prefix == ""


@pytest.mark.parametrize(
    ("name", "section", "prefix", "claim"),
    [
        ("risk", "hazards", "HZ", "the name 'risk'"),
        ("hazard", "risks", "HZ", "the section 'risks'"),
        ("hazard", "hazards", "RK", "the prefix 'RK'"),
    ],
)
def test_two_claims_are_refused(name, section, prefix, claim):
    kinds()
    before = dict(_made)

    class Hazard(Entity):
        id: Annotated[str, Id(prefix)]

    with pytest.raises(PluginError, match=f"two kinds have {claim}"):
        kind(name, section=section)(Hazard)
    assert _made == before


def test_a_new_kind_is_one_file(workspace, tmp_path_factory):
    """A file in the package, and nothing else: it is read, checked, linked, traced through, and outside the spec."""
    beside = tmp_path_factory.mktemp("kinds")
    (beside / "excuse.py").write_text(
        textwrap.dedent(
            '''
            """A risk that is accepted."""

            from typing import Annotated

            from shipworthy.workspace.fields import Entity, Id, Ref, Title
            from shipworthy.workspace.kind import kind


            @kind("excuse", section="excuses")
            class Excuse(Entity):
                """Who accepts what."""

                id: Annotated[str, Id("EX")]
                title: Title
                requirement: Annotated[str, Ref("requirement")]
            '''
        )
    )
    excuses = "excuses:\n  - {id: EX-one, title: For now, requirement: RQ-one}\n"
    root = workspace({"excuses.yaml": excuses})
    (root / "broken").mkdir()
    code = f"""
from pathlib import Path
from shipworthy.workspace import kinds
kinds.__path__.append({str(beside)!r})
from shipworthy.workspace.load import Workspace
from shipworthy.core.errors import WorkspaceError
loaded = Workspace.load({str(root)!r}, allow_code=True)
graph = loaded.graph
print([n.id for n in graph.sources(graph.node("requirement", "RQ-one"))], loaded.warnings)
print("excuse" in str(loaded.spec_digest("small")))
file = Path({str(root)!r}, "excuses.yaml")
file.write_text(file.read_text().replace("RQ-one", "RQ-oen"))
try:
    Workspace.load({str(root)!r}, allow_code=True)
except WorkspaceError as error:
    print(error.problems[0].file.name, error.problems[0].line, error.problems[0].message, error.problems[0].hint)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stdout.splitlines() == [
        "['EX-one'] ()",
        "False",
        "excuses.yaml 2 unknown requirement 'RQ-oen' did you mean 'RQ-one'?",
    ], done.stderr
