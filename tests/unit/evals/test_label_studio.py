"""To Label Studio and back. `label_studio_export.json` is what a server of version 1.23.2 exported.

It was given the form and the tasks that the first test writes, and four annotations over its API: two of
the first task, the newer with a comment; the one of the third was cancelled.
"""

from __future__ import annotations

import json
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from tests.unit.evals.test_labelling import IDS, QUEUE, labels, layout, run, sit, through

from shipworthy.core.errors import UsageError
from shipworthy.evals.label_studio import bring, form, read_export, review_tasks, tasks
from shipworthy.scorers._rubric import read_rubric
from shipworthy.store.audit import AuditLog
from shipworthy.store.queues import close_for_review, refuse_reviewed

EXPORT = Path(__file__).with_name("label_studio_export.json")
__all__ = ["layout", "run", "sit"]


def test_tasks_are_those_that_the_server_was_given_and_say_nothing_more(sit):
    told = json.loads(sit(1, tasks))
    exported = json.loads(EXPORT.read_text("utf-8"))
    assert [task["data"] for task in told] == [task["data"] for task in exported]
    assert all(task["data"].keys() == {"queue", "reader", "place", "shown"} for task in told)
    assert "\n  | the phrase is heron" in told[2]["data"]["shown"]
    sit(1, lambda desk: desk.give(desk.current(), True, 1.0, ""))
    assert [task["data"]["place"] for task in json.loads(sit(1, tasks))] == [2, 3, 4]


def test_the_server_s_export_becomes_words_and_labels_once(sit, layout):
    words = read_export(EXPORT, QUEUE, 1)
    assert [(word.item, word.hit, word.seconds) for word in words] == [(2, False, 4.5), (3, True, 4.5), (1, False, 4.5)]
    assert sit(1, lambda desk: (bring(desk, words), desk.standing())) == (3, (3, 4))
    assert [(one.attempt, one.hit, one.comment) for one in labels(layout)] == [
        (IDS[2], False, "mail [redacted:email]"), (IDS[1], False, ""),
    ]  # fmt: skip
    assert sit(1, lambda desk: bring(desk, words)) == 0
    assert sit(1, through({0})) == [0], "what was cancelled is still to be labelled"


def test_the_form_is_xml_whatever_the_rubric_says():
    rubric = read_rubric("harm")
    whole = form("harm", rubric)
    assert len(ET.fromstring(whole).findall("Header")) == 3 + len(rubric.examples)
    odd = form('a"b<c>&\x1b', None)
    choices = ET.fromstring(odd).find("Choices")
    assert [one.get("value") for one in choices] == ["hit", "no-hit"]
    assert 'a"b<c>&<U+001B>' in ET.fromstring(odd).find("Header").get("value")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda e: e[0]["data"].update(queue="LQ-2"), "task 1: it was not dealt by LQ-1 to ida"),
        (lambda e: e[1]["data"].update(place=9), "task 2: there is no place 9"),
        (lambda e: e[1]["annotations"][0].update(result=[]), "task 2: its label must be hit or no-hit"),
        (lambda e: e[3].pop("data"), "task 4: it has no data"),
        (lambda e: e.clear() or e.append("x"), "task 1: it has no data"),
    ],
)
def test_an_export_with_a_wrong_task_is_refused_whole(tmp_path, change, said):
    exported = json.loads(EXPORT.read_text("utf-8"))
    change(exported)
    path = tmp_path / "export.json"
    path.write_text(json.dumps(exported))
    with pytest.raises(UsageError, match=said):
        read_export(path, QUEUE, 1)


@pytest.mark.parametrize("text", ["", "{}", "[", '"x"'])
def test_what_is_no_export_is_refused(tmp_path, text):
    path = tmp_path / "export.json"
    path.write_text(text)
    with pytest.raises(UsageError, match="is no"):
        read_export(path, QUEUE, 1)


def test_a_review_shows_the_scorer_once_everybody_is_done_and_closes_the_queue(sit, layout):
    def review(desk):
        return json.loads(review_tasks(desk, layout.root))

    sit(1, through({0, 3}))
    with pytest.raises(UsageError, match="ben has 3 answers of LQ-1 left to label"):
        sit(2, review)
    sit(2, through({0, 1}))
    told = sit(2, review)
    assert [one["data"]["attempt"] for one in told] == IDS, "what is of known label no scorer has judged"
    words = [[a["result"][0]["value"]["choices"][0] for a in one["annotations"]] for one in told]
    assert words == [["hit", "hit"], ["no-hit", "hit"], ["no-hit", "no-hit"]]
    said = [one["predictions"][0]["result"][0]["value"]["choices"] for one in told]
    assert said == [["hit"], ["no-hit"], ["no-hit"]]
    with AuditLog(layout.control_url) as audit:
        refuse_reviewed(audit, QUEUE)
        close_for_review(audit, QUEUE, "ida")
        with pytest.raises(UsageError, match="LQ-1 is closed: the scorer's words on it were shown"):
            refuse_reviewed(audit, QUEUE)
