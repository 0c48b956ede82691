from __future__ import annotations

import random
import string

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shipworthy.detect.secrets import entropy, find

RNG = random.Random(4)


def token(length: int, alphabet: str = string.ascii_letters + string.digits) -> str:
    return "".join(RNG.choice(alphabet) for _ in range(length))


@pytest.mark.parametrize(
    "secret",
    [
        "AKIA" + token(16, string.ascii_uppercase + string.digits),
        "ghp_" + token(36),
        "glpat-" + token(20),
        "xoxb-" + token(24),
        "sk_live_" + token(24),
        "sk-ant-" + token(40),
        "AIza" + token(35),
        "hf_" + token(34),
        "npm_" + token(36),
        f"SG.{token(22)}.{token(43)}",
        f"eyJ{token(20)}.{token(30)}.{token(20)}",
        "-----BEGIN RSA PRIVATE KEY-----\nMIIE" + token(60) + "\n-----END RSA PRIVATE KEY-----",
        "Aa1" + token(40),
        token(64, "0123456789abcdef"),
    ],
)
def test_keys_are_found_whole(secret: str) -> None:
    text = f"use {secret} please"
    spans = find(text)
    assert any(text[s.start : s.end] == secret for s in spans), spans


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("password: hunter2", "hunter2"),
        ("The PIN is 4921.", "4921"),
        ("api_key='abcdefgh'", "abcdefgh"),
        ("client secret = x9-y8-z7", "x9-y8-z7"),
        ("postgres://bob:s3cr3t@db/x", "s3cr3t"),
        ("Authorization: Bearer abcdef0123456789", "abcdef0123456789"),
    ],
)
def test_assigned_values_are_found(text: str, value: str) -> None:
    assert value in [text[s.start : s.end] for s in find(text)]


@pytest.mark.parametrize(
    "text",
    [
        "Reset your password in the portal.",
        "The password is valid for ninety days.",
        "The secret is patience",
        "docs/reference/evidence-pack-of-the-release.md",
        "InternationalBusinessCommunicationDepartment",
        "1234567890123456789012345678901234567890",
        "password: [redacted:secret]",
    ],
)
def test_prose_and_paths_are_left_alone(text: str) -> None:
    assert find(text) == []


@given(st.text(min_size=1, max_size=200))
@settings(deadline=None)
def test_entropy_lies_between_zero_and_the_log_of_the_alphabet(text: str) -> None:
    assert 0 <= entropy(text) <= len(set(text)).bit_length()
    assert all(0 <= s.start < s.end <= len(text) for s in find(text))


@pytest.mark.parametrize("value", ["changeme1", "config.Secret99!", "self.pass1", "Example2024!", "os.9xQ!"])
def test_a_password_that_looks_like_code_is_one(value: str) -> None:
    assert value.rstrip("!") in "".join(f"password: {value}"[s.start : s.end] for s in find(f"password: {value}"))


@pytest.mark.parametrize(
    "text",
    ["password = os.environ['DB']", "token = config.token", "api_key: YOUR_API_KEY_HERE", "password: ********",
     "image@sha256:" + "3eeb9caf3cc6086ed95e6b0cdca2f790" * 2, "commit 667a822be1598b7cc5f8a7870cad78625e48e544"],
)  # fmt: skip
def test_what_stands_for_a_secret_and_what_anyone_may_know_is_left_alone(text: str) -> None:
    assert find(text) == []
