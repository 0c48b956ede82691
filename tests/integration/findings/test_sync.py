"""Findings and trackers in both directions, against stand-ins that keep issues (see `trackers`)."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from tests.integration.findings.conftest import HOLE, Verbs
from tests.integration.findings.trackers import TrackerStub, tracker_stub

from shipworthy.core.errors import StoreError, UsageError
from shipworthy.findings.intake.github import GitHubIssues
from shipworthy.findings.intake.jira import JiraIssues

KEY = "token-of-the-stub"
Served = tuple[TrackerStub, str]


@pytest.fixture
def served(monkeypatch: pytest.MonkeyPatch) -> Iterator[Served]:
    monkeypatch.setenv("TRACKER_KEY", KEY)
    with tracker_stub(KEY) as made:
        yield made


@pytest.mark.parametrize("tracker", ["github:reef/app", "jira:REEF"])
def test_issues_come_in_and_findings_go_out(verbs: Verbs, served: Served, tracker: str) -> None:
    stub, url = served
    stub.add("It told me a word", "from ann.marlow@leak.example.org", ("bug",))
    sync = ("finding", "sync", tracker, "--key", "env:TRACKER_KEY", "--url", url, "--take", "bug")
    said = verbs(*sync)
    assert "1 issues taken in" in said
    assert "0 issues made" in said
    [signal] = json.loads(verbs("signals", "list", "--format", "json"))
    assert (signal["kind"], signal["source"], signal["text"]) == ("ticket", tracker, "from [redacted:email]")
    assert "marlow" not in json.dumps(signal)

    opened = verbs("finding", "open", signal["id"], "--severity", "S2", "--by", "ada", "--sample", HOLE,
                   "--scorer", "{use: contains, text: swordfish, good: low}")  # fmt: skip
    finding = opened.split()[0]
    said = verbs(*sync)
    assert "0 issues taken in as signals, 1 were there already" in said
    assert "1 issues made" in said
    assert stub.issues[2]["title"] == "[S2] It told me a word"
    assert HOLE not in stub.issues[2]["text"]
    assert "0 issues made" in verbs(*sync)

    # Somebody closes it there: that closes no finding, so it is opened again and told why.
    stub.issues[2]["closed"] = True
    assert "1 issues opened again" in verbs(*sync)
    assert (stub.issues[2]["closed"], "Only a re-run" in stub.issues[2]["comments"][-1]) == (False, True)
    verbs("finding", "reject", finding, "--by", "ada", "--because", "the word is public")
    assert "1 issues closed" in verbs(*sync)
    assert (stub.issues[2]["closed"], stub.issues[2]["comments"][-1]) == (
        True, f"{finding} is rejected: the word is public"
    )  # fmt: skip
    assert len(stub.issues) == 2


def test_all_pages_are_read_on_both_kinds_of_jira(served: Served) -> None:
    stub, url = served
    stub.page = 3
    for number in range(7):
        stub.add(f"issue {number}")
    for cloud in (False, True):
        there = JiraIssues("REEF", "env:TRACKER_KEY", base=url, cloud=cloud)
        assert [one.key for one in there.issues("")] == [f"REEF-{n}" for n in range(1, 8)]


def test_what_a_tracker_refuses_is_told_without_the_key(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    _, url = served
    there = GitHubIssues("reef/app", "env:TRACKER_KEY", base=url)
    with pytest.raises(StoreError, match="answered GET /repos/reef/app/issues/9 with 404"):
        there.issue("9")
    monkeypatch.setenv("TRACKER_KEY", "another-token-4471")
    with pytest.raises(StoreError, match="401") as caught:
        GitHubIssues("reef/app", "env:TRACKER_KEY", base=url).issues("")
    assert "4471" not in str(caught.value)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("gitlab:reef", "--key", "env:K"), "is no tracker"),
        (("github:reef", "--key", "env:K"), "no repository"),
        (("jira:reef", "--key", "env:K", "--url", "https://x"), "no key of a project"),
        (("jira:REEF", "--key", "env:K"), "needs the address"),
        (("github:reef/app", "--key", "ghp_secret"), "never the key"),
    ],
)
def test_a_wrong_tracker_is_refused(verbs: Verbs, words: tuple[str, ...], said: str) -> None:
    told = verbs("finding", "sync", *words, code=2)
    assert said in told
    assert "ghp_secret" not in told


def test_a_label_that_would_change_a_query_is_refused() -> None:
    with pytest.raises(UsageError, match="no label of Jira"):
        JiraIssues("REEF", "env:K", base="https://x.example").issues('a" OR project = "B')
