"""Reviews: a link whose end changed since it was read is suspect."""

from __future__ import annotations

from shipworthy.workspace.kinds.review import link_digest, link_name, reviewable, suspect
from shipworthy.workspace.load import Workspace

LINK = "RQ-one -> RK-one"


def digests(root):
    graph = Workspace.load(root, allow_code=True).graph
    return {link_name(edge): link_digest(graph, edge) for edge in reviewable(graph)}


def review(links, name="RV-1", day="2026-01-02"):
    lines = [f'      {link}: "{digest}"' for link, digest in links.items()]
    return "\n".join([f"  - id: {name}", "    by: ann", f"    on: {day}", "    links:", *lines]) + "\n"


def test_an_end_that_changed_makes_its_links_suspect(workspace):
    root = workspace()
    found = digests(root)
    assert set(found) == {LINK, "RK-one -> UJ-ask", "RK-one -> CMP-a", "CR-one -> talk"}
    text = "reviews:\n" + review(found)
    workspace({"reviews.yaml": text})
    assert Workspace.load(root, allow_code=True).warnings == ()
    # Prose counts, too: whoever reviewed it has read it.
    workspace({"reviews.yaml": text, "risks.yaml": ("Too many words", "Far too many words")})
    loaded = Workspace.load(root, allow_code=True)
    [warning] = loaded.warnings
    assert warning.message == "suspect link RQ-one -> RK-one: RK-one changed since ann read it on 2026-01-02"
    assert warning.hint.startswith("read risks.yaml:2 again")
    assert text.splitlines()[warning.line - 1].strip().startswith(LINK)
    assert [link_name(edge) for edge, _ in suspect(loaded.graph)] == [LINK]


def test_the_newest_review_counts(workspace):
    root = workspace()
    good = digests(root)[LINK]
    stale, fresh = review({LINK: "0" * 16}), review({LINK: good}, "RV-2", "2026-02-01")
    workspace({"reviews.yaml": "reviews:\n" + fresh + stale})
    assert Workspace.load(root, allow_code=True).warnings == ()
    workspace({"reviews.yaml": "reviews:\n" + fresh + stale.replace("2026-01-02", "2026-02-02")})
    [warning] = Workspace.load(root, allow_code=True).warnings
    assert warning.message.startswith("suspect link")


def test_a_link_that_is_gone_is_said(workspace):
    root = workspace({"reviews.yaml": "reviews:\n" + review({"RQ-one -> RK-two": "0" * 16})})
    [warning] = Workspace.load(root, allow_code=True).warnings
    assert warning.message == "RV-1 reviewed the link RQ-one -> RK-two, which is not there"


def test_what_is_no_review(problems):
    [found] = problems({"reviews.yaml": "reviews:\n" + review({"RQ-one": "0" * 16})})
    assert "must be written 'RQ-1 -> RK-1'" in found
    [found] = problems({"reviews.yaml": "reviews:\n" + review({LINK: "abc"})})
    assert found.startswith("reviews.yaml:6: ")


def test_a_suite_that_cannot_be_described_is_reported_as_such(problems, workspace):
    found = digests(workspace())
    broken = {"suites/talk/suite.yaml": ("limit: 3", "limti: 3"), "reviews.yaml": "reviews:\n" + review(found)}
    [wrong] = problems(broken)
    assert "limti" in wrong
