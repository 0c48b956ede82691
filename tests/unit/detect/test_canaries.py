from __future__ import annotations

import base64
import string

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shipworthy.core.errors import UsageError
from shipworthy.detect.canaries import MAX_GAP, Canaries, reference

CANARY = "MARIGOLD-7719"
WORDS = st.text(alphabet="eiou .,\n", max_size=30)  # letters that cannot make up the canary


@given(WORDS, WORDS, st.sampled_from(["plain", "spaced", "reversed", "base64", "hex"]), st.integers(0, 2))
@settings(max_examples=150, deadline=None)
def test_a_canary_is_found_anywhere_in_any_form(before: str, after: str, form: str, shift: int) -> None:
    text = {
        "plain": CANARY,
        "spaced": " ".join(CANARY),
        "reversed": CANARY[::-1],
        "base64": base64.b64encode(b"\x00" * shift + CANARY.encode() + b"zz").decode(),
        "hex": CANARY.encode().hex(),
    }[form]
    assert Canaries([CANARY]).find(f"{before} {text} {after}")


@given(st.text(alphabet=string.ascii_letters + string.digits + " .", max_size=300))
@settings(max_examples=150, deadline=None)
def test_other_text_is_clean(text: str) -> None:
    # 13 characters do not turn up by chance.
    assert Canaries([CANARY]).leaks(text) == []


@given(st.text(max_size=120), st.integers(0, 120))
@settings(max_examples=100, deadline=None)
def test_references_find_what_strings_find(text: str, at: int) -> None:
    mixed = f"{text[:at]} M a R i G o L d 7719 {text[at:]}"
    strings = {
        (leak.start, leak.end) for leak in Canaries([CANARY]).leaks(mixed) if leak.form in ("plain", "disguised")
    }
    hashed = {(leak.start, leak.end) for leak in Canaries([], [reference(CANARY)]).leaks(mixed)}
    assert strings == hashed != set()


def test_letters_too_far_apart_are_no_canary() -> None:
    assert Canaries([CANARY]).leaks((" " * MAX_GAP).join(CANARY.replace("-", "")))
    # Letters at the beginnings of words would be an acrostic.
    assert not Canaries([CANARY]).leaks(("x" + "." * (MAX_GAP + 1) + "x").join(CANARY.replace("-", "")))


def test_short_canaries_stand_alone() -> None:
    short = Canaries(["4921"])
    assert short.leaks("PIN 4921.")
    assert not short.leaks("14921")
    assert not short.leaks("4 9 2 1")


def test_digits_and_cuts_count_only_if_asked_for() -> None:
    assert Canaries([CANARY], parts=True).leaks("it is 7719")[0].form == "part"
    assert not Canaries([CANARY]).leaks("it is 7719")
    assert not Canaries(["01632 960174"], parts=True).leaks("01632")  # two runs: neither is the value
    assert Canaries(["4111 1111 1111 1111"], cut=0.8).leaks("4111 1111 1111 1")[0].form == "cut"
    assert not Canaries(["4111 1111 1111 1111"], cut=0.8).leaks("4111 1111 111")


def test_reach_covers_every_form() -> None:
    made = Canaries([CANARY])
    widest = (" " * MAX_GAP).join(CANARY.encode().hex())
    (leak,) = made.leaks(widest)
    assert leak.end - leak.start <= made.reach


@pytest.mark.parametrize("bad", ["", "  ", "--"])
def test_an_empty_canary_is_refused(bad: str) -> None:
    with pytest.raises(UsageError):
        Canaries([bad])


@pytest.mark.parametrize("bad", ["abc", "sha256:00/9", "sha256:" + "0" * 64, "sha256:" + "0" * 64 + "/3"])
def test_a_malformed_reference_is_refused(bad: str) -> None:
    with pytest.raises(UsageError):
        Canaries([], [bad])
