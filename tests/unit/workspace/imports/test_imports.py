"""Imports: what a file holds becomes samples; what is wrong names line and field, and then nothing is taken."""

from __future__ import annotations

import json
from dataclasses import replace

import msgspec
import pytest

from shipworthy.core.errors import UsageError, WorkspaceError
from shipworthy.core.records import say
from shipworthy.workspace.exports import exported
from shipworthy.workspace.imports.inspect_dataset import read_inspect_suite
from shipworthy.workspace.imports.promptfoo import read_promptfoo_suite
from shipworthy.workspace.imports.rows import named_fields, write_imported
from shipworthy.workspace.imports.tables import read_csv_suite, read_json_lines_suite
from shipworthy.workspace.scaffold import scaffold
from shipworthy.workspace.suites import library_suite, load_suite


def file(tmp_path, name, text):
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    return path


def problems(read, *args, **options):
    with pytest.raises(WorkspaceError) as caught:
        read(*args, **options)
    return [(p.line, p.message) for p in caught.value.problems]


def test_a_csv_file_with_quotes_line_feeds_and_other_names(tmp_path):
    text = '\ufeffqid,question,answer,topic\nq1,"What, then?\nSay",42,maths\n\nq2,Why?,,life\n'
    fields = named_fields(["id=qid", "prompt=question", "expected=answer"])
    found = read_csv_suite(file(tmp_path, "x.csv", text), fields).samples
    assert found[0] == {"id": "q1", "prompt": "What, then?\nSay", "expected": "42", "meta": {"topic": "maths"}}
    assert found[1] == {"id": "q2", "prompt": "Why?", "meta": {"topic": "life"}}


@pytest.mark.parametrize(
    ("text", "line", "said"),
    [
        ("id,prompt\n1,Hi\n2\n", 3, "field 'prompt': missing"),
        ("id,prompt\n1,Hi\n2,\n", 3, "field 'prompt': missing or empty"),
        ("id,prompt\n1,Hi\n1,Ho\n", 3, "the sample id '1' is used twice"),
        ("id,prompt,severity\n1,Hi,S1\n2,Ho,huge\n", 3, "'huge'"),
        ("id,id\n1,2\n", 1, "field 'id': a column without a name, or named twice"),
        ('id,prompt\n1,"Hi\n', 2, "is no CSV"),
        ("id,prompt,refs\n1,Hi,owasp-llm:LLM99@2025\n", 2, "LLM99"),
        ("id,prompt\n", 0, "holds no samples"),
    ],
)
def test_a_wrong_csv_line_is_named(tmp_path, text, line, said):
    ((at, message), *_) = problems(read_csv_suite, file(tmp_path, "x.csv", text), {})
    assert at == line and said in message


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("{", "is not one JSON object a line"),
        ("[1]", "must be an object, not list"),
        ('{"prompt": ["a"]}', "field 'prompt': must be text, not list"),
        ('{"prompt": "a", "tags": [1]}', "field 'tags': must be a list of texts"),
        ('{"prompt": "a", "meta": "x"}', "field 'meta': is no JSON"),
        ('{"messages": [{"role": "assistant", "content": "a"}]}', "a sample needs a message of the role 'user'"),
    ],
)
def test_a_wrong_json_line_is_named(tmp_path, line, said):
    path = file(tmp_path, "x.jsonl", f'{{"prompt": "fine"}}\n\n{line}\n')
    ((at, message), *_) = problems(read_json_lines_suite, path, {})
    assert at == 3 and said in message


def test_no_utf8_names_its_line(tmp_path):
    path = tmp_path / "x.jsonl"
    path.write_bytes(b'{"prompt": "a"}\n{"prompt": "\xff"}\n')
    assert problems(read_json_lines_suite, path, {}) == [(2, "is no UTF-8 text")]


def test_a_field_that_is_none_is_refused():
    for wrong in ("prompt", "prompt=", "promt=question"):
        with pytest.raises(UsageError, match="--field"):
            named_fields([wrong])


PROMPTFOO = """\
prompts: ["Translate {{text}} into {{ language }}."]
defaultTest: {vars: {language: Dutch}}
tests:
  - description: greetings
    vars: {text: [hello, goodbye]}
    assert: [{type: icontains-any, value: "hallo, dag"}]
  - vars: {text: cheese, language: French}
    assert: [{type: icontains-any, value: [fromage]}]
"""


def test_promptfoo_tests_with_their_variables_and_assertion(tmp_path):
    found = read_promptfoo_suite(file(tmp_path, "p.yaml", PROMPTFOO))
    assert [s["prompt"] for s in found.samples] == [
        "Translate hello into Dutch.", "Translate goodbye into Dutch.", "Translate cheese into French."
    ]  # fmt: skip
    assert [s["cluster"] for s in found.samples] == ["test-0", "test-0", "test-1"]
    assert [s["expected"] for s in found.samples] == [["hallo", "dag"], ["hallo", "dag"], ["fromage"]]
    assert found.scorers == [{"use": "contains_any", "metric": "passed", "ignore_case": True}]


@pytest.mark.parametrize(
    ("old", "new", "line", "said"),
    [
        ("type: icontains-any, value: [fromage]", "type: llm-rubric, value: French", 7, "'llm-rubric' has no scorer"),
        ("type: icontains-any, value: [fromage]", "type: equals, value: fromage", 7, "the type 'equals', and other"),
        ("text: cheese, ", "", 7, "field 'vars': has no 'text'"),
        ("value: [fromage]", "valu: [fromage]", 7, "needs a value"),
        ('["Translate {{text}} into {{ language }}."]', "file://prompts.txt", 1, "a file, which is not followed"),
        ("vars: {text: [hello, goodbye]}", "vars: file://vars.yaml", 5, "field 'vars': must be a mapping"),
    ],
)  # fmt: skip
def test_a_promptfoo_file_that_is_no_suite_says_where(tmp_path, old, new, line, said):
    assert old in PROMPTFOO
    ((at, message), *_) = problems(read_promptfoo_suite, file(tmp_path, "p.yaml", PROMPTFOO.replace(old, new, 1)))
    assert said in message and at == line


INSPECT = [
    {"input": "Capital of France?", "target": "Paris", "metadata": {"level": 1}},
    {
        "id": 7, "target": ["Lima"],
        "input": [{"role": "system", "content": "Brief."}, {"role": "user", "content": "Of Peru?"}],
    },
]  # fmt: skip


@pytest.mark.parametrize("lines", [True, False])
def test_inspect_samples_as_lines_and_as_a_list(tmp_path, lines):
    text = "\n".join(map(json.dumps, INSPECT)) if lines else json.dumps(INSPECT)
    found = read_inspect_suite(file(tmp_path, "d.jsonl" if lines else "d.json", text), {})
    first, second = found.samples
    assert (first["prompt"], first["expected"], first["meta"]) == ("Capital of France?", "Paris", {"level": 1})
    assert second["id"] == "7" and [m["role"] for m in second["messages"]] == ["system", "user"]
    assert found.metric == "correct"


def test_inspect_choices_become_options(tmp_path):
    row = {"input": "2 + 2?", "choices": ["3", "4"], "target": "B"}
    found = read_inspect_suite(file(tmp_path, "d.jsonl", json.dumps(row)), {})
    assert found.samples[0]["prompt"].endswith("A) 3\nB) 4\n\nAnswer with the letter.")
    assert found.samples[0]["meta"] == {"options": {"A": "3", "B": "4"}, "right": "B"}
    assert found.scorers[0]["use"] == "choice"


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ({"input": "a", "sandbox": "docker"}, "field 'sandbox': the sample needs an environment"),
        ({"input": "a", "choices": ["x", "y"], "target": "C"}, "field 'target': must be one of A, B"),
        ({"input": "a", "choices": ["x"], "target": "A"}, "field 'choices': must be 2 to 26 texts"),
        ({"input": [{"role": "user"}]}, "field 'input': the content of a message"),
        ({"target": "a"}, "field 'prompt': missing or empty"),
    ],
)
def test_an_inspect_sample_that_is_none_is_named(tmp_path, row, said):
    text = json.dumps(INSPECT[0]) + "\n" + json.dumps(row)
    ((at, message), *_) = problems(read_inspect_suite, file(tmp_path, "d.jsonl", text), {})
    assert at == 2 and said in message


def test_an_import_is_written_once_and_loads(tmp_path):
    scaffold(tmp_path / "w", "minimal")
    found = read_promptfoo_suite(file(tmp_path, "p.yaml", PROMPTFOO))
    told = {"title": "T", "origin": "p.yaml (promptfoo)", "private": False}
    made = write_imported(found, tmp_path / "w", "theirs", **told)
    suite = load_suite(made)
    assert (len(suite.samples), suite.metric, suite.clusters) == (3, "passed", 2)
    for id, scorer, said in (
        ("theirs", "", "there already"),
        ("No Id", "", "is no id"),
        ("x", "", "how answers are scored"),
    ):
        with pytest.raises(UsageError, match=said):
            write_imported(
                found._replace(scorers=()) if id == "x" else found, tmp_path / "w", id, scorer=scorer, **told
            )
    assert not (tmp_path / "w" / "suites" / "x").exists()


@pytest.mark.parametrize(
    ("form", "name", "read"),
    [
        ("jsonl", "s.jsonl", read_json_lines_suite),
        ("csv", "s.csv", read_csv_suite),
        ("inspect", "s.jsonl", read_inspect_suite),
        ("promptfoo", "s.yaml", lambda path, fields: read_promptfoo_suite(path, scorer="contains_any")),
    ],
)
def test_what_is_exported_is_read_back(tmp_path, form, name, read):
    suite = library_suite("high-stakes" if form != "csv" else "calibration")
    back = read(file(tmp_path, name, exported(suite, form)), {}).samples
    assert len(back) == len(suite.samples)
    assert [s.get("prompt", "") or s["messages"][0]["parts"][0]["text"] for s in back] == [
        s.messages[-1].text for s in suite.samples
    ]
    if form == "jsonl":
        assert [s["id"] for s in back] == [s.id for s in suite.samples]


def test_a_question_like_a_formula_is_text_in_a_spreadsheet_and_comes_back(tmp_path):
    suite = library_suite("calibration")
    (first, *_) = suite.samples
    suite = replace(suite, samples=(msgspec.structs.replace(first, messages=(say("user", "=1+1"),)),))
    text = exported(suite, "csv")
    assert '"\'=1+1"' in text
    (back,) = read_csv_suite(file(tmp_path, "x.csv", text), {}).samples
    assert back["prompt"] == "=1+1"


def test_what_a_form_cannot_carry_is_refused_by_name():
    for form in ("csv", "promptfoo"):
        with pytest.raises(UsageError, match="SI-DOC-01-1"):
            exported(library_suite("source-injection"), form)
    with pytest.raises(UsageError, match="no form"):
        exported(library_suite("toxicity"), "xml")
