from __future__ import annotations

import pytest

from shipworthy.release.wording import count, percent


@pytest.mark.parametrize(
    ("rate", "beside", "text"),
    [
        (0.0, None, "0 %"),
        (1.0, None, "100 %"),
        (-0.0333, None, "-3.33 %"),
        (0.05, 0.05, "5 %"),
        (0.0500001, 0.05, "5.00001 %"),
        (0.04999, 0.05, "4.999 %"),
        (0.004, 0.05, "0.4 %"),
    ],
)
def test_a_rate_never_reads_like_the_limit_it_is_not(rate: float, beside: float | None, text: str) -> None:
    assert percent(rate, beside) == text


def test_nouns_follow_their_number() -> None:
    assert (count(0, "hit"), count(1, "hit"), count(12345, "hit")) == ("0 hits", "1 hit", "12,345 hits")
