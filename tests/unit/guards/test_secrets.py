from __future__ import annotations

import asyncio

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from shipworthy.core import registry
from shipworthy.core.errors import PluginError
from shipworthy.core.records import GuardEvent, Stage
from shipworthy.enforce.pipeline import Applied, Pipeline
from shipworthy.enforce.rule import Rule

# Made up, in their issuers' formats; put together here so that no scanner takes this file for a leak.
AWS = "AKIA" + "QQRSTUVWXYZ23456"
GITHUB = "ghp_" + "a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R8"
JWT = "eyJ" + "hbGciOiJIUzI1NiJ9" + "." + "eyJzdWIiOiIxMjM0NTY3ODkw" * 30 + "." + "c2lnbmF0dXJl"
LINES = "\n".join(f"MIIEow{i:02d}" + "aB3dE5" * 9 for i in range(30))
KEY = f"-----BEGIN RSA PRIVATE {'KEY'}-----\n{LINES}\n-----END RSA PRIVATE KEY-----"


def pipeline(**params: object) -> Pipeline:
    return Pipeline([Rule("GD-1", registry.create("guard", "secrets", params))])


def through(text: str, stage: Stage = "output", **params: object) -> Applied:
    return asyncio.run(pipeline(**params).apply(stage, text))


@pytest.mark.parametrize("stage", ["input", "retrieved", "output", "tool_call"])
def test_credentials_are_redacted_at_every_stage(stage: Stage) -> None:
    assert through(f"key {AWS} ok", stage).text == "key [redacted:aws_key] ok"


def test_ways() -> None:
    assert through(f"key {GITHUB} ok", how="mask").text == "key ghp_[masked:github_token] ok"
    assert through("my password: hunter22!", how="mask").text == "my password: [masked:password]"
    assert through(f"key {AWS} ok", how="block").blocked
    assert through(f"key {AWS} ok", allow=[AWS]).text == f"key {AWS} ok"


@pytest.mark.parametrize(
    "text",
    [
        "The commit is 3f786850e387550fdab836ed7e6dc881de23001b.",
        "Your password is required.",
        "sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
    ],
)
def test_harmless_text_passes(text: str) -> None:
    assert through(text).text == text


def test_long_ones_are_found_whole() -> None:
    assert through(f"a {JWT} b").text == "a [redacted:jwt] b"
    assert through(f"a {KEY} b").text == "a [redacted:private_key] b"


async def streamed(text: str, cuts: list[int], stride: int) -> tuple[str, list[GuardEvent], int]:
    stream, out, at, turn, early = pipeline().stream("output", stride=stride), [], 0, 0, 0
    while at < len(text):
        size = cuts[turn % len(cuts)]
        out.append(await stream.feed(text[at : at + size]))
        early = len("".join(out))
        at, turn = at + size, turn + 1
    out.append(await stream.finish())
    return "".join(out), stream.events, early


PIECES = st.sampled_from(
    [AWS, GITHUB, JWT, KEY, "password: hunter22!", "x" * 900, "a1B2" * 130, " ", "\n", "-", "\u200b", "  \n ",
     "commit ", "bearer ", "-----BEGIN CERTIFICATE-----\n", "-----END CERTIFICATE-----", "eyJ", ".", "sk-",
     "https://u:", "@h ", "=", "ok "]
)  # fmt: skip


@given(
    st.lists(PIECES, max_size=14).map("".join),
    st.lists(st.integers(1, 400), min_size=1, max_size=6),
    st.integers(1, 300),
)
@settings(max_examples=150, deadline=None)
@example("ok " * 400 + KEY + " ok" * 400, [37], 1)
@example("x" * 760 + AWS, [1], 1)
@example("-----BEGIN CERTIFICATE-----\n" + "\n".join(["Qm9vS3ViZXJuZXRlczEyM0FiQ2RFZkdoSWpLbE1u"] * 40), [9], 1)
@example(f"{JWT}{JWT}{JWT}", [1], 1)  # where a stream's context begins, a token seems to begin, too
def test_any_cutting_into_pieces_gives_the_same(text: str, cuts: list[int], stride: int) -> None:
    async def run() -> None:
        whole = await pipeline().apply("output", text)
        out, events, _ = await streamed(text, cuts, stride)
        assert out == whole.text
        assert sorted(map(repr, events)) == sorted(map(repr, whole.events))

    asyncio.run(run())


def test_what_is_settled_leaves_before_the_end() -> None:
    _, _, early = asyncio.run(streamed("word " * 1000, [50], 1))
    assert early > 3000


def test_bad_settings_are_refused() -> None:
    with pytest.raises(PluginError, match="did you mean 'mask'"):
        registry.create("guard", "secrets", {"how": "maske"})
    with pytest.raises(PluginError, match="a list of texts"):
        registry.create("guard", "secrets", {"allow": "AKIA"})


def test_the_description_holds_no_credential() -> None:
    assert AWS not in repr(registry.create("guard", "secrets", {"allow": [AWS]}).describe())
