"""What a user allows: exact, kept whole, and nothing where it cannot be read."""

from __future__ import annotations

import json
import stat

import pytest

from shipworthy.core.errors import UsageError
from shipworthy.core.grants import Grants


def test_nothing_is_allowed_where_nothing_was_said(tmp_path):
    made = Grants.load(tmp_path / "none.json")
    assert not made.allow_code("yaml:unsafe_load")
    assert not made.allow_key("env:SECRET", "127.0.0.1")


def test_code_is_allowed_by_its_name_or_its_module():
    made = Grants().and_code("app.bot:answer").and_code("own")
    assert made.allow_code("app.bot:answer")
    assert made.allow_code("own:answer")
    assert made.allow_code("own.part:Bot.answer")
    for other in ("app.bot:other", "app:answer", "app.bot.deep:answer", "owner:answer", "x.own:answer"):
        assert not made.allow_code(other), other


@pytest.mark.parametrize(("place", "allowed"), [
    ("api.example.com", True), ("api.example.com:8443", True), ("example.com", False), ("evil.api.example.com", False),
    ("api.example.com.evil.org", False), ("api.example.com:x", False), ("facts", False),
])  # fmt: skip
def test_a_key_goes_to_its_host_and_nowhere_else(place, allowed):
    made = Grants().and_key("env:KEY", "API.example.com")
    assert made.allow_key("env:KEY", place) is allowed
    assert not made.allow_key("env:OTHER", place)


def test_one_port_is_that_port_alone():
    made = Grants().and_key("env:KEY", "127.0.0.1:8000")
    assert made.allow_key("env:KEY", "127.0.0.1:8000")
    assert not made.allow_key("env:KEY", "127.0.0.1:8001")
    assert not made.allow_key("env:KEY", "127.0.0.1")


@pytest.mark.parametrize("before", ["plain_http:", "ca_file:"])
def test_a_way_that_others_can_read_takes_leave_of_its_own(before):
    made = Grants().and_key("env:OPENAI_API_KEY", "api.openai.com").and_key("env:KEY", "a.org")
    assert not made.allow_key("env:OPENAI_API_KEY", before + "api.openai.com")
    assert not made.allow_key("env:KEY", before + "a.org")
    made = made.and_key("env:KEY", before + "A.org")
    assert made.allow_key("env:KEY", before + "a.org") and made.allow_key("env:KEY", before + "a.org:8080")
    assert not made.allow_key("env:KEY", before + "b.org")
    assert not Grants().and_key("env:KEY", before + "a.org").allow_key("env:KEY", "a.org")


def test_a_providers_own_variable_may_go_to_that_provider_alone():
    assert Grants().allow_key("env:OPENAI_API_KEY", "api.openai.com")
    assert not Grants().allow_key("env:OPENAI_API_KEY", "api.openai.com.evil.org")
    assert not Grants().allow_key("env:OPENAI_API_KEY", "127.0.0.1")


def test_what_is_kept_is_what_was_allowed_and_readable_by_its_owner_alone(tmp_path):
    file = tmp_path / "deep" / "grants.json"
    made = (
        Grants().and_code("app:answer").and_key("env:A", "a.org").and_key("env:A", "facts").and_key("file:/k", "b.org")
    )
    made.save(file)
    assert Grants.load(file) == made
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert [path.name for path in file.parent.iterdir()] == ["grants.json"]
    less = made.without("env:A").without("app:answer")
    assert less == Grants().and_key("file:/k", "b.org")
    with pytest.raises(UsageError, match="is not among what you allowed"):
        less.without("env:A")


@pytest.mark.parametrize("text", [
    "", "[]", "null", "3", '{"code": "os"}', '{"code": [1]}', '{"keys": []}', '{"keys": {"env:A": "host"}}',
    '{"all": true}', '{"code": ["*"]}', '{"keys": {"A": ["host"]}}', '{"keys": {"env:A": ["*"]}}',
    "[" * 100_000, "\xff",
])  # fmt: skip
def test_a_file_that_says_something_else_is_an_error_and_allows_nothing(tmp_path, text):
    file = tmp_path / "grants.json"
    file.write_bytes(text.encode("latin-1"))
    with pytest.raises(UsageError, match="does not say what you allowed"):
        Grants.load(file)


@pytest.mark.parametrize("call", ["", ":", "a:", ":b", "a b", "a/b", "*", "a.*", "a:b:c", "a..b", "1a"])
def test_code_that_is_no_name_cannot_be_allowed(call):
    with pytest.raises(UsageError, match="code is allowed as"):
        Grants().and_code(call)


@pytest.mark.parametrize(
    "place",
    [
        "",
        "https://a.org",
        "a.org/v1",
        "*",
        "a@b.org",
        "a.org\n",
        "http://a.org",
        "plain_http:",
        "plain_http:a.org/v1",
        "plain_http:plain_http:a.org",
        "ca_file:",
    ],
)
def test_a_place_is_a_host(place):
    with pytest.raises(UsageError, match="a place is a host"):
        Grants().and_key("env:A", place)


def test_a_pasted_key_is_refused_and_not_repeated():
    with pytest.raises(UsageError) as caught:
        Grants().and_key("sk-4711", "a.org")
    assert "sk-4711" not in str(caught.value)


@pytest.mark.parametrize(
    "text", ['{"keys": {"env:A": ["a.org"], "env:A": ["b.org"]}}', '{"code": [], "code": ["yaml"]}', '{"a":' * 9000]
)
def test_a_name_that_stands_twice_allows_nothing(tmp_path, text):
    (tmp_path / "grants.json").write_text(text)
    with pytest.raises(UsageError, match="does not say what you allowed"):
        Grants.load(tmp_path / "grants.json")


def test_a_command_is_allowed_in_its_folder_and_to_the_letter(tmp_path):
    file = tmp_path / "grants.json"
    Grants().and_command(tmp_path, "KEY=env:A python 'a b.py'").and_code("a:b").save(file)
    found = Grants.load(file)
    assert found.allow_command(tmp_path, "KEY=env:A python 'a b.py'")
    assert not found.allow_command(tmp_path / "other", "KEY=env:A python 'a b.py'")
    assert not found.allow_command(tmp_path, "KEY=env:B python 'a b.py'")
    assert found.and_key("env:A", "facts").and_code("c").commands == found.commands
    (whole,) = found.commands
    assert Grants.load(file).without(whole).commands == frozenset()
    with pytest.raises(UsageError, match="one line"):
        found.and_command(tmp_path, "a\nb")
    assert Grants.how_to_allow(tmp_path, "a") == f"shipworthy allow command --in {tmp_path} -- a"


@pytest.mark.parametrize("commands", [["no folder"], "a$ b", [1]])
def test_commands_that_are_none_allow_nothing(tmp_path, commands):
    (tmp_path / "grants.json").write_text(json.dumps({"commands": commands}))
    with pytest.raises(UsageError, match="does not say what you allowed"):
        Grants.load(tmp_path / "grants.json")
