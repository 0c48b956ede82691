"""The transcript page as a file: complete, and inert under hostile text."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from tests.unit.evals.shown import ELEMENT, HOSTILE, attempt, hit, make_run, talk, told, unpacked, view, write_retried

from shipworthy.core.errors import UsageError
from shipworthy.core.records import (
    Document,
    GuardEvent,
    Message,
    Reasoning,
    Retrieved,
    Said,
    Score,
    Text,
    say,
)
from shipworthy.evals.transcripts import CHUNK, write_viewer


@pytest.fixture
def retried(tmp_path):
    return write_retried(tmp_path)


def test_every_attempt_is_in_the_page_once(tmp_path):
    _, data = view(tmp_path, [attempt(i) for i in range(CHUNK + 3)])
    assert [row[0] for row in data["index"]["rows"]] == [f"AT-{i:016x}" for i in range(CHUNK + 3)]
    assert (len(data["chunk-0"]), len(data["chunk-1"])) == (CHUNK, 3)
    assert data["chunk-1"][2]["said"][1]["message"]["parts"][0]["text"] == f"answer {CHUNK + 2}"


def test_an_exact_number_of_chunks(tmp_path):
    _, data = view(tmp_path, [attempt(i) for i in range(CHUNK)])
    assert set(data) == {"chunk-0", "index"}


def test_an_empty_run_has_a_page(tmp_path):
    _, data = view(tmp_path, [])
    assert data["index"]["rows"] == []


def test_an_error_is_not_shown_as_safe(tmp_path):
    failed = attempt(0, outcome="timeout", scores=(), events=talk("q"), error="no answer within 30 s")
    _, data = view(tmp_path, [failed])
    row = data["index"]["rows"][0]
    assert data["index"]["outcomes"][row[5]] == "timeout"
    assert row[7] == []
    assert data["chunk-0"][0]["preview"] == "no answer within 30 s"


def test_changes_against_another_run(tmp_path):
    failed = attempt(3, outcome="timeout", scores=(), events=talk("q"))
    before = [attempt(0), hit(1), attempt(2), failed]
    after = [hit(0), attempt(1), attempt(2), attempt(3), attempt(4)]
    _, data = view(tmp_path, after, before)
    by_id = {row[0][-1]: row[8] for row in data["index"]["rows"]}
    assert by_id == {"0": 1, "1": 2, "2": 0, "3": 3, "4": 4}
    bodies = {row[0][-1]: body for row, body in zip(data["index"]["rows"], data["chunk-0"], strict=True)}
    assert bodies["1"]["other"]["said"][1]["message"]["parts"][0]["text"] == "the phrase is heron"
    assert "other" not in bodies["2"]


@pytest.mark.parametrize(
    ("metric", "said", "was", "change"),
    [
        ("leak", {"hit": True}, {"hit": False}, 1),
        ("leak", {"hit": False}, {"hit": True}, 2),
        ("helpful", {"hit": False}, {"hit": True}, 1),
        ("helpful", {"hit": True}, {"hit": False}, 2),
        ("wait", {"value": 9.5}, {"value": 4.0}, 1),
        ("wait", {"value": 1.5}, {"value": 4.0}, 2),
        ("wait", {"value": 4.0}, {"value": 4.0}, 0),
        ("leak", {"hit": None}, {"hit": True}, 3),
    ],
)
def test_a_change_is_worse_or_better_by_the_metrics_own_direction(tmp_path, metric, said, was, change):
    now, before = (attempt(0, scores=(Score(metric=metric, scorer="s", **given),)) for given in (said, was))
    _, data = view(tmp_path, [now], [before])
    row, (declared,) = data["index"]["rows"][0], data["index"]["metrics"]
    assert (row[8], declared["name"]) == (change, metric)
    assert row[7] == [[0, -1 if said.get("hit", 0) is None else said.get("value", said.get("hit"))]]


def test_a_change_for_the_worse_outweighs_one_for_the_better(tmp_path):
    scores = [
        (Score(metric="leak", hit=h, scorer="s"), Score(metric="wait", value=v, scorer="s"))
        for h, v in ((False, 9.0), (True, 1.0))
    ]
    _, data = view(tmp_path, [attempt(0, scores=scores[0])], [attempt(0, scores=scores[1])])
    assert data["index"]["rows"][0][8] == 1


def test_no_text_can_end_its_element(tmp_path):
    nasty = attempt(
        0, sample=HOSTILE, error=HOSTILE, scores=(Score(metric=HOSTILE, hit=True, scorer=HOSTILE),),
        events=(
            *talk(HOSTILE, HOSTILE), Retrieved(1, Document(HOSTILE, HOSTILE, HOSTILE)),
            GuardEvent(HOSTILE, "output", HOSTILE, "block", HOSTILE),
        ),
    )  # fmt: skip
    page, data = view(tmp_path, [nasty])
    assert "onerror" not in page
    assert page.count("<script") == 3 + page.split("<script>", 1)[1].count("<script"), "two of data, one of code"
    assert "<img" not in page.split("<script>")[0]
    assert data["chunk-0"][0]["said"][0]["message"]["parts"][0]["text"] == HOSTILE


@hypothesis_settings(max_examples=40, deadline=None)
@given(st.text(max_size=80))
def test_any_text_survives_and_stays_inside(text):
    import tempfile

    text = text.encode("utf-8", "ignore").decode()
    with tempfile.TemporaryDirectory() as folder:
        page, data = view(Path(folder), [attempt(0, events=talk(text, "</script>" + text))])
    assert data["chunk-0"][0]["said"][0]["message"]["parts"][0]["text"] == text
    assert len(ELEMENT.findall(page)) == 2


def test_private_text_stays_redacted(tmp_path):
    private = attempt(0, events=talk("my mail is ida.voss@tarnwick.example", "noted"))
    run = make_run(tmp_path, [private], content="private")
    write_viewer(run, tmp_path / "v.html")
    page = unpacked((tmp_path / "v.html").read_text())
    assert "ida.voss@" not in json.dumps(page)
    assert "redacted before storage: leak" in page["index"]["run"]["facts"]


def test_a_page_that_cannot_be_written_leaves_nothing(tmp_path):
    run = make_run(tmp_path, [attempt(0)])
    (tmp_path / "file").write_text("")
    with pytest.raises(UsageError, match="cannot write"):
        write_viewer(run, tmp_path / "file" / "v.html")
    (tmp_path / "folder" / "v.html").mkdir(parents=True)
    with pytest.raises(UsageError, match="cannot write"):
        write_viewer(run, tmp_path / "folder" / "v.html")
    assert [p.name for p in (tmp_path / "folder").iterdir()] == ["v.html"]


def test_a_retried_attempt_is_one_row_with_its_earlier_tries(retried):
    data = unpacked(retried.read_text())
    assert [row[0][-3:] for row in data["index"]["rows"]] == ["000", "001", "002", "7-3"]
    assert [(one["id"][-2:], one["error"]) for one in data["chunk-0"][3]["tries"]] == [
        ("07", "too slow "), ("-2", "too slow -2")
    ]  # fmt: skip


def test_private_reasoning_is_redacted_in_the_page(tmp_path):
    said = Message("assistant", (Reasoning("cara.li@example.org is hers"), Text("No.")))
    events = (Said(1, say("user", "q")), Said(1, said, "target"))
    write_viewer(make_run(tmp_path, [attempt(0, events=events)], content="private"), tmp_path / "v.html")
    text = json.dumps(unpacked((tmp_path / "v.html").read_text())["chunk-0"])
    assert "is hers" in text and "cara.li" not in text


@pytest.mark.parametrize(
    ("run_content", "content"), [("private", "private"), ("private", "synthetic"), ("synthetic", "private")]
)
def test_of_a_private_sample_the_page_holds_no_secret(tmp_path, run_content, content):
    _, data = told(tmp_path, run_content=run_content, content=content)
    assert data["chunk-0"][0]["told"] == {
        "expected": {"name": "never [redacted:secret]"}, "tags": ["stratum:pretext", "for [redacted:email]"],
        "secrets": 2,
    }  # fmt: skip
    assert "HERON" not in json.dumps(data)
    assert "ida.voss" not in json.dumps(data)
    assert "bo.lund" not in json.dumps(data)


def test_a_suite_that_changed_since_tells_nothing(tmp_path):
    _, data = told(tmp_path, content="synthetic", digest="another")
    assert data["chunk-0"][0]["told"] == {}
    assert data["index"]["run"]["facts"][-1] == "changed since the run, so without expected, tags and secrets: leak"


def test_a_device_takes_the_page_and_stays_a_device(tmp_path):
    assert write_viewer(make_run(tmp_path, [attempt(0)]), Path("/dev/null")) == 1
    assert Path("/dev/null").is_char_device()
