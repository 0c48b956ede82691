"""YAML to values: the core schema of YAML 1.2, lines, and every trap refused. Hostile text gives a WorkspaceError only."""

# ruff: noqa: E501 - a message is one line, so that it can be searched for
from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml
from hypothesis import example, given
from hypothesis import strategies as st

from shipworthy.core.errors import WorkspaceError
from shipworthy.workspace import nodes
from shipworthy.workspace.core_schema import MAX_INTEGER
from shipworthy.workspace.nodes import parse_yaml, read_yaml
from shipworthy.workspace.scalars import source_text

FILE = Path("f.yaml")


def value(text):
    return parse_yaml(text, FILE).value


def problems(text):
    with pytest.raises(WorkspaceError) as caught:
        parse_yaml(text, FILE)
    return [(p.line, p.message) for p in caught.value.problems]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("no", "no"), ("yes", "yes"), ("on", "on"), ("off", "off"), ("Y", "Y"),
        ("true", True), ("False", False), ("TRUE", True), ("tRue", "tRue"),
        ("null", None), ("~", None), ("", None), ("nil", "nil"),
        ("12", 12), ("-3", -3), ("+4", 4), ("0o17", 15), ("0x1F", 31), ("017", 17), ("1_000", "1_000"), ("0b1", "0b1"),
        ("1.5", 1.5), (".5", 0.5), ("5.", 5.0), ("1e3", 1000.0), ("1.10", 1.1), ("1e", "1e"), (".", "."),
        ("12:30", "12:30"), ("190:20:30", "190:20:30"), ("2026-11-23", "2026-11-23"), ("=", "="),
        ("'12'", "12"), ('"true"', "true"), ("!!str 12", "12"), ("!!int 12", 12),
    ],
)  # fmt: skip
def test_scalars_of_the_core_schema(text, expected):
    found = value(f"key: {text}\n")["key"]
    assert found == expected
    assert isinstance(found, bool) == isinstance(expected, bool)
    assert isinstance(found, float) == isinstance(expected, float)


@pytest.mark.parametrize("text", ["1.10", "007", "5.", "0x1F", "+4", "1.50e3"])
def test_an_unusual_number_remembers_how_it_was_written(text):
    assert source_text(value(f"key: {text}")["key"]) == text


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a: 1\nb: 2\na: 3\n", (3, "the key 'a' is written twice")),
        ("a:\n  - {x: 1,\n     x: 2}\n", (3, "the key 'x' is written twice")),
        ("a: .inf\n", (1, ".inf is not a number that can be hashed or compared")),
        ("a: .NaN\n", (1, ".NaN is not a number that can be hashed or compared")),
        ("\na: 1e999\n", (2, "1e999 is not a number that can be hashed or compared")),
        (f"a: {MAX_INTEGER + 1}\n", (1, f"the number {MAX_INTEGER + 1} is too large")),
        ("a: " + "9" * 6000, (1, f"the number {'9' * 24} is too large")),
        ("a: !!python/object:os.system x\n", (1, "the tag '!!python/object:os.system' is not allowed")),
        ("a: !mine [1]\n", (1, "the tag '!mine' is not allowed")),
        ("a: !!set {b}\n", (1, "the tag '!!set' is not allowed")),
        ("a: !!int x\n", (1, "'x' is no int")),
        ("? [a]\n: b\n", (1, "a key must be a single word or text")),
        ("b: &b {c: 1}\na:\n  <<: *b\n", (3, "merge keys (<<) are not part of YAML 1.2")),
        ("a: &x [*x]\n", (1, "an alias that contains itself")),
        ("[" * 100_000, (1, "nested more than 48 levels deep")),
        ("- " * 100_000, (1, "nested more than 48 levels deep")),
        ("", (1, "the file is empty")),
        ("# only a comment\n", (1, "the file is empty")),
        ("a: \ud800", (0, "is not valid YAML")),
    ],
)  # fmt: skip
def test_traps_are_refused_with_their_line(text, expected):
    assert expected in problems(text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a: 1\n---\nb: 2\n", (2, "is not valid YAML: ")),
        ("a: *nothing\n", (1, "is not valid YAML: ")),
        ("a: [1\n", (2, "is not valid YAML: ")),
        ("a: 1\nb: \x07\n", (2, "a character that YAML does not allow: ")),
    ],
)
def test_what_the_parser_refuses_has_its_line(text, expected):
    # What follows the colon is the parser's own, and changes with its version.
    [(line, message)] = problems(text)
    assert (line, message[: len(expected[1])]) == expected
    assert len(message) > len(expected[1])


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("[" * 100_000, 1),
        ("- " * 100_000, 1),
        ("? " * 100_000, 1),
        ("{a: " * 100_000, 1),
        ("[\n" * 100_000, 49),
        ("\n".join(" " * level + "a:" for level in range(2_000)), 49),
        ("a: 1\nb:\n" + "  - [" + "[" * 60 + "]" * 61, 3),
        ("a: 1\nb:\n" + "  - [" + "[" * 60, 3),  # broken besides
    ],
)
def test_too_deep_is_our_own_refusal(text, line):
    with pytest.raises(WorkspaceError) as caught:
        parse_yaml(text, FILE)
    hint = "give the inner levels names of their own further out, or take levels away"
    assert str(caught.value) == f"f.yaml:{line}: nested more than 48 levels deep ({hint})"


def test_the_deepest_that_is_allowed():
    assert value("[" * 48 + "]" * 48)
    assert problems("[" * 49 + "]" * 49) == [(1, "nested more than 48 levels deep")]


@pytest.mark.parametrize("limit", [49, 60, 100, 1_000])
def test_a_parser_with_a_limit_of_its_own_does_not_decide(monkeypatch, limit):
    class Limited(nodes._Loader):
        """Reads ahead to its own limit before it gives a single event, as libyaml 0.2.6 does."""

        def __init__(self, stream):
            super().__init__(stream)
            self.stops = stream.count("[") > limit

        def get_event(self):
            if self.stops:
                raise yaml.MarkedYAMLError("counting", None, "no!", yaml.Mark("f", limit, 0, limit, None, None))
            return super().get_event()

    monkeypatch.setattr(nodes, "_Loader", Limited)
    assert problems("[" * 5_000) == [(1, "nested more than 48 levels deep")]
    assert problems("[" * 5_000 + "]" * 5_000) == [(1, "nested more than 48 levels deep")]


def test_every_trap_of_a_file_is_named():
    assert [line for line, _ in problems("a: 1\na: 2\nb: .inf\nc: !x 1\n<<: {}\n")] == [2, 3, 4, 5]


def test_aliases_that_multiply_are_refused():
    lines = ["a0: &a0 [" + ", ".join("1" * 10) + "]"]
    lines += [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 10)}]" for i in range(1, 12)]
    [(line, message)] = problems("\n".join(lines))
    assert line == 6
    assert "values, aliases expanded" in message


def test_aliases_are_values():
    assert value("a: &x {b: [1]}\nc: *x\n") == {"a": {"b": [1]}, "c": {"b": [1]}}


def test_aliases_cannot_nest_without_end():
    lines = ["a0: &a0 [1]", *(f"a{i}: &a{i} [*a{i - 1}]" for i in range(1, 3000))]
    [(_, message)] = problems("\n".join(lines))
    assert message == "nested more than 48 levels deep"


def test_lines_follow_keys_and_indices():
    source = parse_yaml("a: 1\nlist:\n  - x: 1\n    y:\n      z: 2\n  - w: [1,\n      2]\n", FILE)
    assert source.line(("a",)) == 1
    assert source.line(("list", 0)) == 3
    assert source.line(("list", 0, "y", "z")) == 5
    assert source.line(("list", 1, "w", 1)) == 7
    assert source.line(("list", 0, "function-before[x]", "y")) == 4  # a segment of pydantic's own
    assert source.line(("list", 0, "missing")) == 3
    assert source.line(("list", 9)) == 2


def test_files(tmp_path):
    path = tmp_path / "f.yaml"
    path.write_bytes(b"\xef\xbb\xbfa: \xc3\xa9\n")
    assert read_yaml(path).value == {"a": "é"}
    path.write_bytes(b"a: 1\nb: \xff\n")
    with pytest.raises(WorkspaceError, match=r"f\.yaml:2: is not UTF-8 text"):
        read_yaml(path)
    with pytest.raises(WorkspaceError, match="cannot be read: Is a directory"):
        read_yaml(tmp_path)
    with pytest.raises(WorkspaceError, match="cannot be read: No such file"):
        read_yaml(tmp_path / "none.yaml")


texts = st.text(
    st.characters(exclude_categories=["Cs"], exclude_characters="\x7f\x85\ufeff\ufffe\uffff"), max_size=20
).filter(lambda text: all(c in "\t\n" or ord(c) >= 32 for c in text) and not any(0x80 <= ord(c) < 0xA0 for c in text))
numbers = st.integers(-(2**53), 2**53) | st.floats(allow_nan=False, allow_infinity=False)
json_values = st.recursive(
    st.none() | st.booleans() | numbers | texts,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4),
    max_leaves=20,
)


@given(json_values)
def test_json_is_yaml_and_round_trips(data):
    # YAML 1.2 contains JSON, but for escapes that PyYAML does not know: hence ensure_ascii is off.
    text = json.dumps(data, ensure_ascii=False)
    text = text.replace("\x7f", "\\u007f").replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")
    assert value(text) == data


def as_written(found, data):
    """Say whether what was read is what was written, text for text.

    PyYAML writes YAML 1.1, where `08` and `0E0` are texts and need no quotes; they are numbers in YAML 1.2, which is what
    we read. Such a number must remember its text.
    """
    if isinstance(data, dict):
        pairs = zip(found.items(), data.items(), strict=True)
        return all(as_written(key, wanted) and as_written(one, other) for (key, one), (wanted, other) in pairs)
    if isinstance(data, list):
        return all(as_written(one, other) for one, other in zip(found, data, strict=True))
    if isinstance(data, str) and isinstance(found, int | float):
        return source_text(found) == data
    return type(found) is type(data) and found == data if isinstance(data, str | bool) else found == data


@given(json_values)
@example("08")
@example("0E0")
@example(["0o7", {"1e3": ".5"}])
def test_what_pyyaml_writes_round_trips(data):
    written = yaml.dump(data, Dumper=yaml.CSafeDumper, allow_unicode=True, sort_keys=False)
    found = value(written)
    assert as_written(found, data) or yaml.safe_load(written) != data  # PyYAML's writer is not faithful to every text


alphabet = st.sampled_from(
    [*"ab01 \n\t:-,[]{}&*!|>'\"%@`#?<~.é\u2028\x00\ud800", "\n- ", "\n  ", ": ", "&a ", "*a", "!!", "<<: ", "---\n"]
)


@given(st.lists(alphabet, max_size=60).map("".join) | st.text(max_size=60))
@example("a: !!null x")
@example("!!bool maybe")
@example("&a a: *a")
@example("%TAG ! tag:x,2000:\n--- !a b")
def test_hostile_text_gives_a_value_or_a_workspace_error(text):
    try:
        found = parse_yaml(text, FILE)
    except WorkspaceError as error:
        assert error.problems
        lines = text.count("\n") + text.count("\r") + text.count("\x85") + text.count("\u2028") + text.count("\u2029")
        assert all(0 <= p.line <= lines + 2 for p in error.problems)
    else:
        json.dumps(found.value, allow_nan=False)  # plain JSON, whatever was written


@given(st.binary(max_size=60))
def test_hostile_bytes_give_a_value_or_a_workspace_error(data):
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "f.yaml"
        path.write_bytes(data)
        try:
            read_yaml(path)
        except WorkspaceError as error:
            assert error.problems


def counted(monkeypatch):
    """Count the events that are taken from the parser: what a file costs before it is refused."""
    count = [0]

    class Counting(nodes._Loader):
        def get_event(self):
            count[0] += 1
            return super().get_event()

    monkeypatch.setattr(nodes, "_Loader", Counting)
    return count


MANY = 4 * nodes.MAX_VALUES
LAUGHS = "\n".join([
    "a0: &a0 [" + ", ".join("1" * 10) + "]",
    *(f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 10)}]" for i in range(1, 40)),
])  # fmt: skip


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("- a\n" * MANY, "values, aliases expanded"),
        ("".join(f"k{i}: v\n" for i in range(MANY // 4)), "values, aliases expanded"),
        ("[" + "a," * MANY + "]", "values, aliases expanded"),
        ("[" + "{}," * MANY + "]", "values, aliases expanded"),
        ("".join(f"- &a{i} x\n" for i in range(MANY // 4)), "values, aliases expanded"),
        ("- &a x\n" + "- *a\n" * MANY, "values, aliases expanded"),
        (LAUGHS, "values, aliases expanded"),
        ("- &a '" + "x" * 1_000_000 + "'\n" + "- *a\n" * 100, "million characters, aliases expanded"),
        ("- &a\n  ? " + "k" * 1_000_000 + "\n  : 1\n" + "- *a\n" * 100, "million characters, aliases expanded"),
        ("x" * (nodes.MAX_BYTES + 1), "the file is larger than 8 MB"),
        ("[" * 1_000_000, "nested more than 48 levels deep"),
        (("[" * 48 + "]" * 48 + ",") * 2, "is not valid YAML"),
        ("".join(f"%TAG !a{i}! x:\n" for i in range(50_000)) + "---\na\n", "more than 16 %TAG directives"),
        ("a: 1\n...\n" + "".join(f"%TAG !a{i}! x:\n" for i in range(50_000)) + "---\na\n", "more than 16 %TAG"),
        ("".join(f"%TAG !a{i}! x:\x85" for i in range(50_000)) + "---\na\n", "more than 16 %TAG directives"),
    ],
    ids=range(15),
)  # fmt: skip
def test_what_is_too_large_is_refused_before_it_is_read(monkeypatch, text, said):
    count = counted(monkeypatch)
    [(_, message)] = problems(text)
    assert said in message
    assert count[0] <= 2 * nodes.MAX_VALUES + 10


@pytest.mark.parametrize("text", ["a: 1\n" * 50_000, "- !x a\n" * 50_000, "- <<: a\n" * 50_000, "- .inf\n" * 50_000])
def test_a_hundred_problems_are_enough(monkeypatch, text):
    count = counted(monkeypatch)
    found = problems(text)
    assert len(found) == 101
    assert found[-1][1] == "the file has 100 problems up to here: what follows was not read"
    assert count[0] < 1_000


def test_long_scalars_and_the_most_values_are_taken():
    assert len(value("- " + "a" * 7_000_000)[0]) == 7_000_000
    assert len(value("- a\n" * (nodes.MAX_VALUES - 1))) == nodes.MAX_VALUES - 1


def test_an_anchor_stands_once_and_an_alias_may_be_a_key():
    assert problems("- &a 1\n- &a 2\n")[0] == (2, "is not valid YAML: the anchor &a is written twice")
    assert value("- &a key\n- *a : 1\n") == ["key", {"key": 1}]
    assert value("- &a 12\n- *a\n- *a : 1\n") == [12, 12, {"12": 1}]
    assert value("&a key: *a\n") == {"key": "key"}
    assert problems("- &a [x]\n- *a : 1\n") == [(2, "a key must be a single word or text")]
    assert problems("!!python/name:os.system x: 1\n") == [(1, "the tag '!!python/name:os.system' is not allowed")]
    assert problems("? {a: b}\n: 1\n") == [(1, "a key must be a single word or text")]
