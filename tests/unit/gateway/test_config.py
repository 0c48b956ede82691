"""The gateway's file: what is wrong is said with file and line, and what would be dangerous is refused."""

from __future__ import annotations

import textwrap

import pytest

from shipworthy.core.errors import UsageError, WorkspaceError
from shipworthy.core.grants import Grants
from shipworthy.gateway.clients import Clients
from shipworthy.gateway.config import STOP, read_config, state_of
from shipworthy.gateway.listening import listen

GUARDS = "rules:\n  - {id: GD-a, use: pii_output}\n  - {id: GD-b, use: pii_output, mode: shadow}\n"
GOOD = """\
listen: 127.0.0.1:0
guards: guards.yaml
upstreams:
  main: {url: "https://api.example.com/v1"}
"""


@pytest.fixture
def config(tmp_path):
    def write(text, guards=GUARDS, grants=None):
        (tmp_path / "guards.yaml").write_text(guards)
        (tmp_path / "gateway.yaml").write_text(textwrap.dedent(text))
        return read_config(tmp_path / "gateway.yaml", grants or Grants())

    return write


@pytest.mark.parametrize(
    ("change", "line", "said"),
    [
        (("guards: guards.yaml", "guards: none.yaml"), 0, "none.yaml"),
        (("listen: 127.0.0.1:0", "listen: 0.0.0.0:80"), 1, "no key, no service"),
        (("listen: 127.0.0.1:0", "listen: somewhere"), 1, "a host and a port"),
        (("listen: 127.0.0.1:0", "lisen: 127.0.0.1:0"), 1, "did you mean"),
        (("https://api.example.com/v1", "ftp://api.example.com"), 4, "http:// or https://"),
        (("https://api.example.com/v1", "https://a:b@api.example.com/"), 4, "no user"),
        (("https://api.example.com/v1", "http://169.254.169.254/latest"), 4, "credentials"),
        (("https://api.example.com/v1", "http://[fe80::1]/v1"), 4, "credentials"),
        (("https://api.example.com/v1", "http://[::ffff:169.254.169.254]/v1"), 4, "credentials"),
        (("https://api.example.com/v1", "http://metadata.google.internal/v1"), 4, "metadata"),
        (("https://api.example.com/v1", "http://0.0.0.0/v1"), 4, "no one machine"),
        (("https://api.example.com/v1", "https://api.example.com/v1?key=abc"), 4, "credential"),
        (('v1"}', 'v1", key: sk-abcdef}'), 4, "reference"),
        (('v1"}', 'v1", key: "env:MY_KEY"}'), 4, "shipworthy allow key env:MY_KEY api.example.com"),
        (('v1"}', 'v1", key: "env:MY_KEY", ca_file: x}'), 4, "ca_file:api.example.com"),
        (('v1"}', 'v1", retries: true}'), 4, "must be a number"),
        (('v1"}\n', 'v1"}\nmodes: {GD-x: off}\n'), 5, "no rule 'GD-x'"),
        (('v1"}\n', 'v1"}\nlevers:\n  soft: {GD-a: shadow}\n'), 6, "only tightens"),
        (('v1"}\n', 'v1"}\nlevers:\n  stop: {GD-b: enforce}\n'), 6, "kill switch"),
        (('v1"}\n', 'v1"}\nclients:\n  a: {key: secret-value}\n'), 6, "reference"),
        (('v1"}\n', 'v1"}\nclients:\n  a: {key: "env:K"}\n  b: {key: "env:K"}\n'), 6, "two clients"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said_with_file_and_line(config, change, line, said) -> None:
    assert change[0] in GOOD
    with pytest.raises(WorkspaceError) as caught:
        config(GOOD.replace(*change))
    found = str(caught.value)
    assert said in found
    assert f"gateway.yaml:{line}" in found or not line
    assert "sk-abcdef" not in found
    assert "secret-value" not in found


def test_what_is_right_is_read(config) -> None:
    more = 'clients:\n  web: {key: "env:K"}\nmodes: {GD-a: off}\nlevers:\n  strict: {GD-b: enforce}\n'
    found = config(GOOD.replace("127.0.0.1:0", "0.0.0.0:80") + more)
    assert [rule.mode for rule in found.guards.rules] == ["off", "shadow"]
    assert [rule.mode for rule in found.under(("strict",)).rules] == ["off", "enforce"]
    assert found.upstreams_of("anything") == ["main"]


def test_a_key_may_go_where_it_was_allowed_to(config) -> None:
    text = GOOD.replace('v1"}', 'v1", key: "env:MY_KEY"}')
    assert config(text, grants=Grants().and_key("env:MY_KEY", "api.example.com"))
    with pytest.raises(WorkspaceError, match="unencrypted"):
        config(text.replace("https", "http"), grants=Grants().and_key("env:MY_KEY", "api.example.com"))


def test_the_kill_switch_is_found_whatever_else_is_wrong(tmp_path) -> None:
    path = tmp_path / "gateway.yaml"
    path.write_text("state: here\nnonsense: 1\nlevers: {a: {}}\nrings: {b: [c]}\n")
    assert state_of(path) == (tmp_path / "here", ["a"], ["b"])
    assert STOP == "stop"


@pytest.mark.parametrize("written", ["", "host", "host:", "host:99999", ":80", "host:8o"])
def test_no_place_to_listen(written) -> None:
    with pytest.raises(UsageError):
        listen(written)


@pytest.mark.parametrize("key", ["short", "with a blank in it", "ключ-ключ-ключ-ключ", "line\nbreak-line-break"])
def test_a_clients_key_is_long_and_plain(config, monkeypatch, key) -> None:
    monkeypatch.setenv("K", key)
    found = config(GOOD + 'clients:\n  web: {key: "env:K"}\n')
    with pytest.raises(UsageError) as caught:
        Clients(found.spec.clients)
    assert key not in str(caught.value)


def test_two_clients_with_one_key_are_refused(config, monkeypatch) -> None:
    monkeypatch.setenv("K", "0123456789abcdef")
    monkeypatch.setenv("L", "0123456789abcdef")
    found = config(GOOD + 'clients:\n  a: {key: "env:K"}\n  b: {key: "env:L"}\n')
    with pytest.raises(UsageError, match="the same key"):
        Clients(found.spec.clients)


POLICY = "tools:\n  ping: {effect: none}\n"


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ("policy: none.yaml\n", "none.yaml"),
        ("policy: bad.yaml\n", "bad.yaml:2"),
        ("approvals: {timeout_s: 5}\n", "nobody would ever be asked"),
        ("policy: policy.yaml\napprovals: {timeout_s: 300}\n", "longer than a request may take"),
        ("policy: policy.yaml\napprovals: {then: allow}\n", "deny"),
        ("modes: {policy: shadow}\n", "no rule 'policy'"),
        ("policy: policy.yaml\nlevers:\n  soft: {policy: shadow}\n", "only tightens"),
    ],
)
def test_what_is_wrong_with_a_policy_is_said(config, tmp_path, more, said) -> None:
    (tmp_path / "policy.yaml").write_text(POLICY)
    (tmp_path / "bad.yaml").write_text("tools:\n  ping: {efect: none}\n")
    with pytest.raises(WorkspaceError) as caught:
        config(GOOD + more)
    assert said in str(caught.value)


def test_a_policy_has_a_mode_that_levers_tighten(config, tmp_path) -> None:
    (tmp_path / "policy.yaml").write_text(POLICY)
    more = "policy: policy.yaml\nmodes: {policy: off}\nlevers:\n  a: {policy: shadow}\n  b: {policy: enforce}\n"
    found = config(GOOD + more)
    assert [found.policy_mode(pulled) for pulled in ((), ("a",), ("a", "b"))] == ["off", "shadow", "enforce"]
    assert tmp_path / "policy.yaml" in found.files
    assert config(GOOD + "policy: policy.yaml\n").policy_mode(()) == "enforce"
    assert config(GOOD).policy_mode(()) == "off"
