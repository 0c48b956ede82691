"""Tiers: who approves must have the right, and there must be enough of them."""

from __future__ import annotations

from shipworthy.workspace.load import Workspace

ROLES = """\
roles:
  - {id: RO-a, title: A, holders: [ann, ben], may: {approve: S1}}
  - {id: RO-b, title: B, holders: [ben], may: {accept: S2}}
tiers:
  - {id: medium, approvals: 2, approvers: [RO-a], accepts: S2}
"""


def test_enough_people_with_the_right(workspace):
    assert Workspace.load(workspace({"roles.yaml": ROLES}), allow_code=True).warnings == ()


def test_a_role_without_the_right_is_refused(problems):
    found = problems({"roles.yaml": ROLES.replace("approvers: [RO-a]", "approvers: [RO-a, RO-b]")})
    assert found == ["roles.yaml:5: RO-b may not approve anything (say 'may: {approve: S2}' of RO-b, or take it out)"]


def test_one_person_counts_once(workspace):
    twice = ROLES.replace("may: {accept: S2}", "may: {approve: S2}").replace("[RO-a], acc", "[RO-a, RO-b], acc")
    loaded = Workspace.load(workspace({"roles.yaml": twice.replace("approvals: 2", "approvals: 3")}), allow_code=True)
    [warning] = loaded.warnings
    assert warning.message == "asks for 3 approvals, and its approvers' roles are held by 2"


def test_a_tier_that_is_none(problems):
    [found] = problems({"roles.yaml": ROLES.replace("id: medium", "id: middle")})
    assert found.startswith("roles.yaml:5: 'id' must be 'low', 'medium' or 'high', not 'middle'")
