"""Waivers: how long, up to what, by whom."""

from __future__ import annotations

import pytest

from shipworthy.workspace.load import Workspace

WAIVER = """\
roles:
  - {id: RO-dir, title: Director, holders: [ann], may: {accept: S2}}
  - {id: RO-dev, title: Developer, holders: [ben], may: {approve: S4}}
waivers:
  - id: WV-one
    risks: [RK-one]
    reason: It is a trial.
    compensating: Five people only
    accepted_by: RO-dir
    by: ann
    ceiling: S2
    begins: 2026-01-01
    expires: 2026-04-01
"""


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("2026-04-01", "2026-01-01", ""),  # a single day
        ("2026-04-01", "2026-04-02", "5: runs for 91 days, and may run for 90: it is looked at again after that"),
        ("2026-04-01", "2025-12-31", "5: expires on 2025-12-31, before it begins on 2026-01-01"),
        ("    risks: [RK-one]\n", "", "5: accepts nothing: name requirements or risks"),
        (
            "ceiling: S2",
            "ceiling: S3",
            "6: RK-one is of severity S2, above the waiver's ceiling S3 "
            "(raise the ceiling, if whoever accepts it may accept that; or mend it)",
        ),
        (
            "risks: [RK-one]",
            "requirements: [RQ-one]\n    ceiling: S4",
            "12: the key 'ceiling' is written twice (first on line 7)",
        ),
        (
            "accepted_by: RO-dir\n    by: ann",
            "accepted_by: RO-dev\n    by: ben",
            "9: RO-dev may accept no risk, and the ceiling of WV-one is S2 "
            "(somebody with the right must accept it; rights are under 'may' in waivers.yaml:3)",
        ),
        ("by: ann", "by: ben", "10: 'ben' does not hold RO-dir (it is held by ann)"),
        (
            "accept: S2",
            "accept: S3",
            "9: RO-dir may accept at most S3, and the ceiling of WV-one is S2 "
            "(somebody with the right must accept it; rights are under 'may' in waivers.yaml:2)",
        ),
        ("accepted_by: RO-dir", "accepted_by: RO-dri", "9: unknown role 'RO-dri' (did you mean 'RO-dir'?)"),
    ],
)
def test_what_it_may_be(problems, old, new, expected):
    assert old in WAIVER
    found = problems({"waivers.yaml": WAIVER.replace(old, new)})
    assert found == ([f"waivers.yaml:{expected}"] if expected else [])


def test_a_requirement_is_as_severe_as_its_worst_risk_or_criterion(problems):
    waiver = WAIVER.replace("risks: [RK-one]", "requirements: [RQ-one]").replace("ceiling: S2", "ceiling: S3")
    [found] = problems({"waivers.yaml": waiver})
    assert found.startswith("waivers.yaml:6: RQ-one is of severity S2, above the waiver's ceiling S3")
    worse = {"requirements.yaml": ("must: upper95 <= 0.5", "must: upper95 <= 0.5\n        severity: S1")}
    found = problems({"waivers.yaml": waiver.replace("ceiling: S3", "ceiling: S2"), **worse})
    assert [line for line in found if "RQ-one is of severity S1" in line]


@pytest.mark.parametrize(("accepts", "said"), [("", "nothing"), (", accepts: S3", "at most S3")])
def test_the_systems_tier_limits_it(problems, accepts, said):
    tiers = f"tiers:\n  - {{id: medium, approvers: [RO-dev]{accepts}}}\n"
    assert problems({"waivers.yaml": WAIVER, "tiers.yaml": tiers}) == [
        f"waivers.yaml:11: a system of the tier medium may have {said} accepted, and the ceiling is S2 "
        "(see 'accepts' of the tier, line 2)"
    ]


def test_a_risk_that_is_accepted_needs_no_requirement(workspace):
    changes = {"requirements.yaml": ("mitigates: [RK-one]", "mitigates: []")}
    root = workspace(changes)
    assert [w.message for w in Workspace.load(root, allow_code=True).warnings] == [
        "the risk 'RK-one' is mitigated by nothing"
    ]
    workspace({**changes, "waivers.yaml": WAIVER})
    assert Workspace.load(root, allow_code=True).warnings == ()
