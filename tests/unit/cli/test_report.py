"""One decision, many outputs; and a kept decision rendered again."""

from __future__ import annotations

import json
from xml.etree import ElementTree

import pytest

from shipworthy.cli import run as shipworthy
from shipworthy.release.baseline import pin
from shipworthy.store.audit import AuditLog
from shipworthy.store.layout import Layout


@pytest.fixture
def at(gated, capsys):
    """What runs a verb on a workspace in which a candidate and its baseline were measured: (code, out, err)."""
    pin(gated.workspace, Layout(gated.root), gated.run(subject_digest="sha256:released"))
    gated.run(guards="on")

    def verb(*words: str) -> tuple[int, str, str]:
        code = shipworthy(
            [*words, "-C", str(gated.root)] + (["--allow-code"] if words[0] in ("gate", "report") else [])
        )
        said = capsys.readouterr()
        return code, said.out, said.err

    verb.root = gated.root
    verb.layout = Layout(gated.root)
    return verb


def test_many_formats_are_one_decision(at, tmp_path):
    code, out, err = at("gate", "--format", f"junit={tmp_path}/a.xml", "--format", "json=-", "--format", f"html={tmp_path}/a.html")  # fmt: skip  # noqa: E501
    assert code == 0
    (kept,) = at.layout.decision_ids()
    assert json.loads(out)["verdict"] == "ship"
    assert kept in out
    assert f"junit report: {tmp_path}/a.xml" in err
    assert ElementTree.parse(tmp_path / "a.xml").getroot().tag.startswith("testsuite")
    assert kept in (tmp_path / "a.html").read_text()
    with AuditLog(at.layout.control_url) as audit:
        assert [e.kind for e in audit.entries()].count("decision.made") == 1


def test_where_only_files_are_written_the_verdict_is_printed(at, tmp_path):
    code, out, _ = at("gate", "--format", f"junit={tmp_path}/a.xml", "--format", f"json={tmp_path}/a.json")
    assert code == 0
    assert out.startswith("ship: ")
    assert out.endswith(f"junit report: {tmp_path}/a.xml\njson report: {tmp_path}/a.json\n")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--format", "json", "--format", "text=-"], "two reports would go to the terminal"),
        (["--format", "json=a", "--format", "text=./a"], "two reports would go to a"),
        (["--format", "json="], "names no file"),
        (["--format", "jsn=a"], "did you mean 'json'"),
        (["--format", "json=nowhere/a"], "there is no folder nowhere"),
        (["--format", "json=."], "it is a folder"),
        (["--format", "json=a", "--output", "b"], "there are 0 of those"),
    ],
)
def test_what_cannot_be_delivered_is_refused_before_anything_is_decided(at, words, said, monkeypatch):
    monkeypatch.chdir(at.root)
    code, _, err = at("gate", *words)
    assert (code, said in err) == (2, True), err
    assert at.layout.decision_ids() == []


def test_a_decision_is_rendered_again_and_none_is_made(at, tmp_path):
    _, first, _ = at("gate", "--format", "markdown")
    (kept,) = at.layout.decision_ids()
    code, out, _ = at("report", kept, "--format", "markdown=-", "--format", f"html={tmp_path}/a.html")
    assert (code, out) == (0, first)
    assert kept in (tmp_path / "a.html").read_text()
    assert at.layout.decision_ids() == [kept]


def test_a_report_of_a_no_ship_exits_0(gated, at):
    gated.run(lambda item: item.suite == "leak")
    assert at("gate")[0] == 1
    code, out, _ = at("report")
    assert code == 0
    assert "no-ship" in out.lower()


def test_a_decision_that_was_edited_is_not_rendered(at):
    at("gate")
    (kept,) = at.layout.decision_ids()
    path = at.layout.decisions / f"{kept}.json"
    text = path.read_text()
    assert '"verdict": "ship"' in text
    path.write_text(text.replace('"verdict": "ship"', '"verdict": "no-ship"'))
    assert at("report")[0] == 4


def test_a_decision_under_other_files_is_not_rendered(gated, at):
    at("gate")
    gated.edit("requirements.yaml", "upper95 <= 0.10, severity", "upper95 <= 0.20, severity")
    code, _, err = at("report")
    assert code == 4
    assert "changed since" in err.replace("\n", " ").replace("       ", "")


def test_decisions_are_listed_and_shown(at):
    assert at("decisions", "list")[1] == f"no decision yet: `shipworthy gate -C {at.root}` makes one\n"
    assert at("decisions", "list", "--format", "json")[1] == "[]\n"
    at("gate")
    (kept,) = at.layout.decision_ids()
    _, out, _ = at("decisions", "list")
    assert f"{kept}  ship" in out
    assert "3 of 3" in out
    assert max(map(len, out.splitlines())) <= 80
    (row,) = json.loads(at("decisions", "list", "--format", "json")[1])
    assert (row["id"], row["verdict"]) == (kept, "ship")
    _, out, _ = at("decisions", "show")
    assert kept in out and "CR-leak" in out
    assert json.loads(at("decisions", "show", kept, "--format", "json")[1])["id"] == kept


def test_a_folder_that_is_not_there_is_a_users_mistake(tmp_path):
    assert shipworthy(["decisions", "list", "-C", str(tmp_path / "no")]) == 2
