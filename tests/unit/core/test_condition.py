"""Conditions: what they mean, and what is refused."""

# ruff: noqa: E501 - a case is one line
from __future__ import annotations

import subprocess
import sys
from math import isfinite
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import shipworthy
from shipworthy.core.condition import Condition, parse


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("upper95 <= 0.05", ("threshold", "upper", 0.95, 0.05)),
        ("lower95 >= 0.80", ("threshold", "lower", 0.95, 0.80)),
        ("rise_upper95 <= 0.05", ("noninferiority", "upper", 0.95, 0.05)),
        ("worst_attack_upper95 <= 20 %", ("threshold", "upper", 0.95, 0.2)),
        ("drop_upper95 <= 0.10", ("noninferiority", "lower", 0.95, 0.10)),
        ("upper99<=2%", ("threshold", "upper", 0.99, 0.02)),
        ("  Upper97.5  <=  .5 ", ("threshold", "upper", 0.975, 0.5)),
        ("upper95 <= 1e-3", ("threshold", "upper", 0.95, 0.001)),
        ("lower99.5 >= 80 %", ("threshold", "lower", 0.995, 0.8)),
        ("rise_upper90 <= 5%", ("noninferiority", "upper", 0.9, 0.05)),
        ("drop_upper95 <= 1e-2", ("noninferiority", "lower", 0.95, 0.01)),
        ("upper95 <= 12.5 s", ("threshold", "upper", 0.95, 12.5)),
        ("lower95 >= -3", ("threshold", "lower", 0.95, -3)),
        ("lower95 >= -3e+2 points", ("threshold", "lower", 0.95, -300)),
        ("upper95 <= +1.7E308", ("threshold", "upper", 0.95, 1.7e308)),
    ],
)
def test_conditions(text, expected):
    assert parse(text)[:4] == pytest.approx(expected)


def test_the_chance_of_a_wrong_bound_is_shared_among_attacks():
    each = parse("worst_attack_upper95 <= 0.2")
    assert each.each and not parse("upper95 <= 0.2").each
    assert [each.level(k) for k in (0, 1, 2, 10)] == pytest.approx([0.95, 0.95, 0.975, 0.995])
    assert parse("upper95 <= 0.2").level(10) == 0.95
    with pytest.raises(ValueError, match="needs '<='"):
        parse("worst_attack_upper95 >= 0.2")


@pytest.mark.parametrize(
    ("text", "limit", "unit"),
    [
        ("upper95 <= 5", 5, ""), ("upper95 <= 5%", 0.05, "%"), ("upper95 <= 5 %", 0.05, "%"), ("upper95 <= 5 s", 5, "s"),
        ("upper95 <= 5s", 5, "s"), ("upper95 <= 5em", 5, "em"), ("upper95 <= 1e3 MB", 1000, "MB"), ("upper95 <= 1e3e", 1000, "e"),
        ("upper95 <= 5 m/s2", 5, "m/s2"), ("upper95 <= 5 µs", 5, "µs"), ("upper95 <= 0.05 €", 0.05, "€"),
        ("lower95 >= -40 °C", -40, "°C"), ("UPPER95 <= 5 ſ", 5, "ſ"),
    ],
)  # fmt: skip
def test_a_limit_may_have_a_unit(text, limit, unit):
    assert (parse(text).limit, parse(text).unit) == (limit, unit)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("<= 0.05", "cannot read the condition"), ("rate <= 0.05", "cannot read"), ("upper95 < 0.05", "cannot read"),
        ("upper <= 0.05", "cannot read"), ("upper95 <= x", "cannot read"), ("", "cannot read"),
        ("upper95 <= nan", "cannot read"), ("upper95 <= inf", "cannot read"), ("upper95 <= 0x1", "cannot read"),
        ("upper95 <= 1_0", "cannot read"), ("upper95 <= 0.05 0", "cannot read"), ("upper95\n<= 0.05", "cannot read"),
        ("upper95 <= ٠.٠٥", "cannot read"), ("upper٩٥ <= 0.05", "cannot read"), ("ri\u017fe_upper95 <= 0.1", "cannot read"),
        ("upper95\u00a0<= 0.05", "cannot read"), ("upper95 <= 5\u00a0s", "cannot read"), ("upper95 <= 5 s s", "cannot read"),
        ("upper95 <= 5 ٣", "cannot read"), ("upper95 <= 5٣", "cannot read"), ("upper95 <= 5 s٣ <= 6", "cannot read"),
        ("upper95 <= 1e5.5", "cannot read"), ("upper95 <= 1e5.5 s", "cannot read"), ("upper95 <= 0b1", "cannot read"),
        ("upper95 <= 1,000", "cannot read"), ("upper95 <= 1 000", "cannot read"), ("upper95 <= 5.", "cannot read"),
        ("upper95 <= %", "cannot read"), ("upper95 <= s", "cannot read"), ("upper95 <= 5%s", "cannot read"), ("upper95 <= --5", "cannot read"),
        ("upper95 <= 1e400", "no finite number"), ("upper95 <= 1e400 s", "no finite number"), ("rise_upper95 <= 1e400", "no finite number"), ("lower95 >= -1e999", "no finite number"),
        ("upper95 >= 0.05", "upper95 needs '<='"), ("lower95 <= 0.05", "lower95 needs '>='"),
        ("drop_upper95 >= 0.1", "drop_upper95 needs '<='"), ("upper49 <= 0.05", "must be from 50 to below 100"),
        ("drop_upper95 <= -0.1", "a margin of 0"), ("rise_upper95 <= 0", "a margin of 0"), ("drop_upper95 <= 0.0", "a margin of 0"),
        ("rise_upper95 <= 1e-400 s", "a margin of 0"),
    ],
)  # fmt: skip
def test_what_is_no_condition_says_what_to_write(text, message):
    with pytest.raises(ValueError, match=message):
        parse(text)


@pytest.mark.parametrize(
    "tail", ["9" * 200_000 + "!", "0" * 200_000 + ".", "1 " + "s" * 200_000 + "<", " " * 200_000 + "x"]
)
def test_a_long_text_is_refused_in_one_pass(tail):
    with pytest.raises(ValueError, match="cannot read"):
        parse("upper95 <= " + tail)


@given(
    st.text(max_size=30)
    | st.from_regex(r"(rise_|drop_)?(upper|lower)[0-9]{2} ?[<>]= ?[+-]?[0-9.]{1,5}(e[0-9]{1,3})? ?(%|\w{1,3})?")
)
def test_any_text_is_a_condition_or_a_value_error(text):
    try:
        found = parse(text)
    except ValueError:
        return
    assert isfinite(found.limit)
    assert found.test == "threshold" or found.limit > 0
    assert 0.5 <= found.confidence < 1
    assert parse(found.text) == found


@given(
    st.sampled_from(["upper", "lower", "rise_upper", "drop_upper"]), st.integers(50, 99),
    st.floats(allow_nan=False, allow_infinity=False), st.sampled_from(["", " s", "s", " m2", " °C"]), st.booleans(),
)  # fmt: skip
def test_what_is_written_is_what_is_read(what, level, limit, unit, spaced):
    space = " " * spaced
    test = "threshold" if what in ("upper", "lower") else "noninferiority"
    if test == "noninferiority":
        limit = abs(limit) or 1.0
    text = f"{what}{level}{space}{'>=' if what == 'lower' else '<='}{space}{limit!r}{unit}"
    side = "upper" if what in ("upper", "rise_upper") else "lower"
    assert parse(text) == Condition(test, side, level / 100, limit, text, unit.strip())


def test_the_verifier_s_readers_need_the_standard_library_alone():
    code = (
        "import sys; import shipworthy.core.condition, shipworthy.core.attack_name; "
        "print(*sorted({m.partition('.')[0] for m in sys.modules} - set(sys.stdlib_module_names)))"
    )
    # -I -S: nothing that is installed can be imported, so an import of it would fail.
    path = str(Path(shipworthy.__file__).parents[1])
    run = subprocess.run(
        [sys.executable, "-I", "-S", "-c", f"import sys; sys.path.insert(0, {path!r}); {code}"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (run.stdout.split(), run.stderr) == (["__main__", "shipworthy"], "")
