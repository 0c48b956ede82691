# ruff: noqa: E501
"""An include pattern is taken apart before anything is looked for: none can raise, lead out or run for minutes."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shipworthy.workspace.includes import matching


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    root = tmp_path_factory.mktemp("w")
    for name in ("a.yaml", "b.yaml", "risks/c.yaml", "risks/deep/d.yaml", "risks/[x].yaml"):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text("risks: []\n")
    return root


@pytest.mark.parametrize(
    ("pattern", "names"),
    [
        ("a.yaml", ["a.yaml"]), ("./a.yaml", ["a.yaml"]), ("*.yaml", ["a.yaml", "b.yaml"]), ("[ab].yaml", ["a.yaml", "b.yaml"]),
        ("risks/*.yaml", ["risks/[x].yaml", "risks/c.yaml"]), ("risks/**/d.yaml", ["risks/deep/d.yaml"]), ("none/*.yaml", []),
        ("[", []), ("[z-a].yaml", []), ("a[", []), ("[!]", []),
    ],
)  # fmt: skip
def test_what_a_pattern_stands_for(folder, pattern, names):
    try:
        found = matching(folder, pattern)
    except ValueError as error:
        assert not names and "[" in pattern
        assert len(error.args) == 2
    else:
        assert [path.relative_to(folder).as_posix() for path in found] == names


@pytest.mark.parametrize(
    ("pattern", "message"),
    [
        ("", "leads out"), ("  ", "leads out"), ("/etc/*", "leads out"), ("../x", "leads out"), ("a/../../x", "leads out"),
        ("C:\\x.yaml", "leads out"), ("..\\x", "leads out"), ("a\0b", "control character"), ("a\nb", "control character"),
        ("x" * 10_000, "longer than 500"), ("*/" * 5_000, "longer than 500"), ("*/" * 40 + "*", "no pattern"),
        (".", "no pattern"), ("./.", "no pattern"), ("**/**/**/**/*.yaml", "'**' stands alone"), ("**.yaml", "'**' stands alone"),
        ("a**/x", "'**' stands alone"), ("***", "'**' stands alone"), ("*" * 100, "'**' stands alone"), ("gone.yaml", "there is no file"), ("x" * 400, "no (file|pattern)"),
        ("\ud800.yaml", "no (file|pattern)"),
    ],
)  # fmt: skip
def test_what_is_no_pattern_is_refused(folder, pattern, message):
    with pytest.raises(ValueError, match=message.replace("*", r"\*")) as caught:
        matching(folder, pattern)
    said, hint = caught.value.args
    assert len(said) < 200 and hint


@given(
    st.lists(
        st.sampled_from(["a", "*", "**", "?", "[", "]", "!", "-", "/", ".", "..", "\\", "\0", "{", "~", "é", ":"]),
        max_size=40,
    ).map("".join)
)
def test_no_pattern_raises_anything_else_or_leads_out(folder, pattern):
    try:
        found = matching(folder, pattern)
    except ValueError as error:
        assert len(error.args) == 2
    else:
        assert all(path.resolve().is_relative_to(folder.resolve()) for path in found)
