"""Roles: rights go up to a severity, and nothing may be done without one."""

from __future__ import annotations

from shipworthy.workspace.kinds.role import Role
from shipworthy.workspace.load import Workspace


def test_rights_that_are_left_out_are_none(workspace):
    roles = "roles:\n  - {id: RO-a, title: A, holders: [ann, 7], may: {accept: S3}}\n  - {id: RO-b, title: B}\n"
    found = Workspace.load(workspace({"roles.yaml": roles}), allow_code=True).entities(Role)
    assert (found["RO-a"].may.accept, found["RO-a"].may.approve, found["RO-a"].holders) == ("S3", None, ("ann", "7"))
    assert found["RO-b"].may.accept is None


def test_an_unknown_right_is_named(problems):
    roles = "roles:\n  - {id: RO-a, title: A, may: {aprove: S3}}\n"
    assert problems({"roles.yaml": roles}) == ["roles.yaml:2: unknown key 'aprove' (did you mean 'approve'?)"]
