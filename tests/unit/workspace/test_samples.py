"""Samples: the short form, decoded strictly; every error has its line and the nearest key."""

# ruff: noqa: E501 - a message is one line, so that it can be searched for
from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shipworthy.core.records import Document, Image, Sample, Text, ToolCall, ToolResult, say
from shipworthy.workspace import samples as module
from shipworthy.workspace.samples import MAX_LINE, decode_samples, read_samples


def decode(*rows):
    problems = []
    samples, raw = decode_samples(iter(enumerate(rows, 1)), "samples.jsonl", problems)
    assert len(samples) == len(raw)
    return samples, [str(p).removeprefix("samples.jsonl:") for p in problems]


def test_a_prompt_is_one_user_message():
    [sample], problems = decode({"id": "a", "prompt": "Hello"})
    assert problems == []
    assert sample == Sample(id="a", messages=(say("user", "Hello"),), cluster="a")


def test_the_long_form():
    [sample], problems = decode({
        "id": "a", "system": "Be brief.", "cluster": "c", "twin": "a", "severity": "S1", "secrets": ["x-1"], "user": "u-7",
        "tags": ["stratum:one"], "refs": ["owasp-llm:LLM01@2025"], "expected": ["yes", "aye"], "meta": {"kind": "marker"},
        "documents": [{"id": "d", "title": "D", "text": "text"}],
        "messages": [
            {"role": "user", "content": ["See this:", {"type": "image", "media_type": "image/png", "data": "aGk="}]},
            {"role": "assistant", "parts": [{"type": "tool_call", "id": "1", "name": "search", "arguments": {"q": "x"}}]},
            {"role": "tool", "content": [{"type": "tool_result", "id": "1", "name": "search", "text": "found"}]},
            {"role": "user", "content": "And?"},
        ],
    })  # fmt: skip
    assert problems == []
    assert [m.role for m in sample.messages] == ["system", "user", "assistant", "tool", "user"]
    assert sample.messages[1].parts == (Text("See this:"), Image("image/png", "aGk="))
    assert sample.messages[2].parts == (ToolCall("1", "search", {"q": "x"}),)
    assert sample.messages[3].parts == (ToolResult("1", "search", "found"),)
    assert sample.documents == (Document("d", "text", "D"),)
    assert (sample.cluster, sample.severity, sample.secrets, sample.user) == ("c", "S1", ("x-1",), "u-7")


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        ({"id": "a", "promt": "x"}, "1: unknown key 'promt' in a sample (did you mean 'prompt'?)"),
        ({"prompt": "x"}, "1: a sample needs an 'id' that is text"),
        ({"id": " ", "prompt": "x"}, "1: a sample needs an 'id' that is text"),
        ({"id": "a"}, "1: a sample needs either 'prompt' or 'messages'"),
        ({"id": "a", "prompt": "x", "messages": []}, "1: a sample needs either 'prompt' or 'messages'"),
        ({"id": "a", "prompt": ["x"]}, "1: 'prompt' must be text (use 'messages' for several turns or other parts)"),
        ({"id": "a", "prompt": ""}, "1: the user's message is empty"),
        ({"id": "a", "messages": "x"}, "1: 'messages' must be a list"),
        ({"id": "a", "messages": ["x"]}, '1: a message must be an object (such as {"role": "user", "content": "…"})'),
        ({"id": "a", "messages": []}, "1: a sample needs a message of the role 'user'"),
        ({"id": "a", "messages": [{"role": "user", "content": "x"}, {"role": "assistant", "content": "y"}]}, "1: a sample must not end with an assistant message: the target would have nothing to answer"),
        ({"id": "a", "messages": [{"role": "user", "contents": "x"}]}, "1: unknown key 'contents' in a message (did you mean 'content'?)"),
        ({"id": "a", "messages": [{"role": "user"}]}, "1: a message needs either 'content' or 'parts'"),
        ({"id": "a", "messages": [{"role": "user", "content": [{"type": "txt", "text": "x"}]}]}, "1: unknown part type 'txt' (did you mean 'text'?)"),
        ({"id": "a", "messages": [{"role": "user", "content": []}]}, "1: a message has no parts"),
        ({"id": "a", "prompt": "x", "documents": [{"id": "d", "txt": "t"}]}, "1: unknown key 'txt' in a document (did you mean 'text'?)"),
        ({"id": "a", "prompt": "x", "refs": ["owasp:LLM01@2025"]}, "1: unknown taxonomy 'owasp' in 'owasp:LLM01@2025'"),
        ({"id": "a", "prompt": "x", "twin": "b"}, "1: the twin 'b' is no sample of this suite"),
        ({"id": "a", "prompt": "x", "meta": {"n": 2**60}}, "1: holds a number or text that JSON cannot carry exactly"),
        (["a"], '1: a sample must be an object (such as {"id": "…", "prompt": "…"})'),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said(row, expected):
    samples, problems = decode(row)
    assert [p for p in problems if p.startswith(expected)], problems
    if "refs" not in row and "twin" not in row:
        assert samples == []


@pytest.mark.parametrize(
    ("row", "place"),
    [
        ({"id": "a", "messages": [{"role": "users", "content": "x"}]}, "messages[0].role"),
        ({"id": "a", "messages": [{"role": "user", "content": [{"type": "image", "url": "x"}]}]}, "media_type"),
        ({"id": "a", "prompt": "x", "severity": "S5"}, "severity"),
        ({"id": "a", "prompt": "x", "secrets": "s"}, "secrets"),
    ],
)
def test_a_value_of_the_wrong_kind_is_refused_with_its_place(row, place):
    # The words are msgspec's, and change with its version; that the place is named does not.
    samples, [problem] = decode(row)
    assert samples == []
    assert problem.startswith("1: ")
    assert place in problem


def test_ids_are_unique_and_a_broken_twin_is_not_reported_twice():
    _, problems = decode({"id": "a", "prompt": "x", "twin": "b"}, {"id": "b", "promt": "x"}, {"id": "a", "prompt": "y"})
    assert problems == [
        "2: unknown key 'promt' in a sample (did you mean 'prompt'?)",
        "3: the sample id 'a' is used twice (first on line 1)",
    ]


def test_lines_of_a_jsonl_file(tmp_path):
    path = tmp_path / "samples.jsonl"
    path.write_bytes(b'\xef\xbb\xbf{"id": "a", "prompt": "x"}\r\n\n{"id": "b"\n\xff\n{"id": "c", "prompt": "z"}')
    problems = []
    samples, _ = read_samples(path, problems)
    assert [s.id for s in samples] == ["a", "c"]
    assert [p.line for p in problems] == [3, 4]
    assert "is not one JSON object a line" in problems[0].message


def test_lines_of_a_yaml_file(tmp_path):
    path = tmp_path / "samples.yaml"
    path.write_text("- id: a\n  prompt: no\n- id: b\n  prompt: >\n    long\n    text\n\n- id: c\n  promt: x\n")
    problems = []
    samples, _ = read_samples(path, problems)
    assert [s.messages[0].text for s in samples] == ["no", "long text\n"]
    assert [(p.line, p.message) for p in problems] == [(8, "unknown key 'promt' in a sample")]
    path.write_text("id: a\n")
    assert read_samples(path, problems) == ([], [])
    assert problems[-1].message == "must be a list of samples"


def test_an_unknown_suffix_is_refused(tmp_path):
    problems = []
    assert read_samples(tmp_path / "samples.csv", problems) == ([], [])
    assert problems[0].message == "samples are a .jsonl or a .yaml file"


def test_a_value_that_was_pasted_is_not_repeated():
    _, problems = decode({"id": "a", "prompt": "x", "secrets": {"key": "sk-verysecret"}})
    assert problems
    assert "verysecret" not in problems[0]


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from([*Sample.__struct_fields__, "prompt", "role", "content", "parts", "type", "text"]), inner, max_size=5),
    max_leaves=12,
)  # fmt: skip


@given(st.lists(anything, max_size=4))
def test_any_json_gives_samples_or_problems(rows):
    samples, problems = decode(*rows)
    assert len(samples) + len(problems) >= len(rows)


@given(st.binary(max_size=80) | anything.map(lambda v: json.dumps(v, default=str).encode()))
def test_any_bytes_give_samples_or_problems(data):
    import tempfile
    from pathlib import Path

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "samples.jsonl"
        path.write_bytes(data)
        problems = []
        samples, _ = read_samples(path, problems)
        assert samples or problems or not data.strip(b" \t\r\n\x0b\x0c\xef\xbb\xbf")


def write(path, rows):
    path.write_bytes(b"".join(row if isinstance(row, bytes) else json.dumps(row).encode() + b"\n" for row in rows))
    return path


def test_a_file_of_lines_is_read_line_by_line(tmp_path, monkeypatch):
    path = write(tmp_path / "s.jsonl", [{"id": f"s-{i}", "prompt": "x"} for i in range(1_000)])
    monkeypatch.setattr(type(path), "read_bytes", None)  # never the whole of it
    problems = []
    samples, origins = read_samples(path, problems)
    assert (len(samples), list(origins.lines), problems) == (1_000, list(range(1, 1_001)), [])
    assert samples[0].meta is samples[1].meta, "what samples have alike is kept once"


@pytest.mark.parametrize(
    ("rows", "line", "said"),
    [
        ([{"id": "a", "prompt": "x"}, {"id": "b", "prompt": "y" * MAX_LINE}], 2, "a line of more than 4 MB"),
        ([b"\n" * 30], 21, "the file has more than 20 lines"),
        ([{"id": "a", "prompt": "x", "meta": {"a": json.loads("[" * 60 + "]" * 60)}}], 1, "nested more than 48 levels deep"),
        ([b'{"id": "a", "prompt": "x", "meta": ' + b"[" * 100_000 + b"]" * 100_000 + b"}"], 1, "is not one JSON object a line: nested too deep"),
        ([{"id": "a", "prompt": "x", "secrets": [""]}], 1, "secret 1 of the sample is empty"),
        ([{"id": "a", "prompt": "x", "secrets": ["HERON-4471", " \t"]}], 1, "secret 2 of the sample is empty"),
        ([{"id": "a", "prompt": "x", "secrets": ["--"]}], 1, "secret 1 of the sample needs at least one letter or digit"),
        ([{"id": "a", "prompt": "x", "secrets": ["x"]}], 1, "secret 1 of the sample has fewer than 2 letters or digits"),
        ([{"id": "a", "prompt": "x", "secrets": ["4711"]}], 1, "secret 1 of the sample has no letter and fewer than 6 digits"),
    ],
)  # fmt: skip
def test_limits_have_their_line(tmp_path, monkeypatch, rows, line, said):
    monkeypatch.setattr(module, "MAX_LINES", 20)
    problems = []
    read_samples(write(tmp_path / "s.jsonl", rows), problems)
    assert [(p.line, p.message[: len(said)]) for p in problems] == [(line, said)]


@pytest.mark.parametrize(
    "row", [b"{\n", {"id": "a", "prompt": "x"}, {"id": "", "prompt": "x"}, {"id": "a", "promt": "x"}, b'"x"\n']
)
def test_a_hundred_problems_of_a_file_are_enough(tmp_path, row):
    problems = []
    read_samples(write(tmp_path / "s.jsonl", [row] * 5_000), problems)
    assert 100 <= len(problems) <= 102
    read_samples(
        write(tmp_path / "t.jsonl", [{"id": f"{i}", "prompt": "x", "twin": f"t{i}"} for i in range(2_000)]), problems
    )
    assert 200 <= len(problems) <= 204


def test_a_private_files_names_are_in_no_message(tmp_path):
    rows = [{"id": "jane", "prompt": "x"}, {"id": "jane", "prompt": "y"}, {"id": "joe", "prompt": "x", "twin": "jan"}]
    problems = []
    read_samples(write(tmp_path / "s.jsonl", rows), problems, private=True)
    assert [str(p).partition(": ")[2] for p in problems] == [
        "the sample id is used twice (first on line 1)", "the twin is no sample of this suite"
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("line", "key"),
    [
        ('{"id": "a", "prompt": "x", "prompt": "y"}', "prompt"),
        ('{"id": "a", "prompt": "x", "meta": {"kind": 1, "kind": 2}}', "kind"),
        ('{"id": "a", "\\u0069d": "b", "prompt": "x"}', "id"),
        ('{"id": "a", "prompt": "x", "documents": [{"id": "d", "text": "t", "text": "u"}]}', "text"),
    ],
)
def test_a_key_that_stands_twice_is_an_error(tmp_path, line, key):
    path, problems = tmp_path / "samples.jsonl", []
    path.write_text('{"id": "first", "prompt": "x"}\n' + line + "\n")
    samples, _ = read_samples(path, problems)
    assert [sample.id for sample in samples] == ["first"]
    (problem,) = problems
    assert (problem.line, f"the key {key!r} is written twice") == (2, problem.message)
