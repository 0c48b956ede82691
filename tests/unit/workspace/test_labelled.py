"""Files of labelled answers: what is read, and every line that is wrong."""

from __future__ import annotations

from pathlib import Path

import pytest

from shipworthy.core.errors import UsageError
from shipworthy.workspace.labelled import read_labelled


def written(folder: Path, name: str, text: str) -> Path:
    path = folder / name
    path.write_bytes(text.encode())
    return path


def test_json_lines_and_csv_say_the_same(tmp_path: Path) -> None:
    lines = written(
        tmp_path,
        "a.jsonl",
        '{"id": "1", "request": "q", "answer": "a, b", "label": true, "language": "en"}\n\n'
        '{"request": "q", "answer": "c", "label": "no-hit", "documents": "d"}\n',
    )
    sheet = written(
        tmp_path, "a.csv", 'id,request,answer,label,language,documents\n1,q,"a, b",hit,en,\n,q,c,no-hit,,d\n'
    )
    one, other = read_labelled(lines).answers, read_labelled(sheet).answers
    assert [(a.request, a.answer, a.hit, a.documents) for a in one] == [
        ("q", "a, b", True, ()),
        ("q", "c", False, ("d",)),
    ]
    assert [(a.request, a.answer, a.hit, a.documents) for a in other] == [
        (a.request, a.answer, a.hit, a.documents) for a in one
    ]
    assert one[0].more == {"language": "en"} == other[0].more
    assert one[0].cluster == one[1].cluster, "answers to one request depend on one another"
    assert read_labelled(lines).digest.startswith("sha256:")


def test_an_answer_is_an_attempt_that_a_scorer_can_judge(tmp_path: Path) -> None:
    row = '{"request": "q", "answer": "a", "label": "hit", "expected": ["x", "y"], "documents": ["d"]}\n'
    [one] = read_labelled(written(tmp_path, "a.jsonl", row)).answers
    assert one.attempt().answer == "a"
    assert one.sample().messages[0].text == "q" and one.sample().documents[0].text == "d"
    assert one.sample().expected == ("x", "y")


@pytest.mark.parametrize(
    ("name", "text", "why"),
    [
        ("a.jsonl", '{"answer": "a"}\n', "a.jsonl:1: 'label' is missing"),
        ("a.jsonl", '{"answer": "a", "label": "yes"}\n', 'a.jsonl:1: a label is hit or no-hit, not "yes"'),
        ("a.jsonl", '{"answer": "a", "label": null}\n', "not null"),
        ("a.jsonl", '{"answer": ["a"], "label": "hit"}\n', "'answer' must be a text"),
        ("a.jsonl", '{"answer": "a", "label": "hit", "documents": [1]}\n', "'documents' must be a text, or a list"),
        ("a.jsonl", "[]\n", "a.jsonl:1: a line is an object"),
        ("a.jsonl", "\n{\n", "a.jsonl:2: this is no JSON"),
        ("a.jsonl", '{"answer": "a", "answer": "b", "label": "hit"}\n', "a.jsonl:1: this is no JSON"),
        ("a.jsonl", '{"id": "1", "answer": "a", "label": "hit"}\n' * 2, "a.jsonl:2: the id '1' is there already"),
        ("a.jsonl", "", "holds no labelled answer"),
        ("a.csv", "answer,lable\na,hit\n", "a.csv:1: there is no column 'label': did you mean 'lable'"),
        ("a.csv", "answer,label\na,hit,more\n", "a.csv:2: 3 fields under 2 columns"),
        ("a.csv", 'answer,label\n"a,hit\n', "this is no CSV"),
    ],
)
def test_what_is_wrong_is_named_with_its_line(tmp_path: Path, name: str, text: str, why: str) -> None:
    with pytest.raises(UsageError) as caught:
        read_labelled(written(tmp_path, name, text))
    assert why in str(caught.value)


def test_every_wrong_line_is_named_and_nothing_counts(tmp_path: Path) -> None:
    rows = '{"answer": "a", "label": "?"}\n' * 12
    with pytest.raises(UsageError) as caught:
        read_labelled(written(tmp_path, "a.jsonl", rows))
    said = str(caught.value)
    assert said.count("a label is hit or no-hit") == 10 and "... and 2 more" in said and "nothing was measured" in said


def test_a_file_that_is_not_there_or_no_text(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot read"):
        read_labelled(tmp_path / "none.jsonl")
    (tmp_path / "b.csv").write_bytes(b"answer,label\n\xff,hit\n")
    with pytest.raises(UsageError, match=r"b\.csv is not UTF-8 \(byte 13\)"):
        read_labelled(tmp_path / "b.csv")
