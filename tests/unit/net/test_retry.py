from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shipworthy.net.retry import BACKOFF_MAX_S, backoff, retry_after


@given(st.text())
def test_any_retry_after_is_a_wait_or_nothing(text):
    wait = retry_after({"retry-after": text})
    assert wait is None or wait >= 0


def test_a_date_counts_from_now():
    later = format_datetime(datetime.now(UTC) + timedelta(seconds=90), usegmt=True)
    assert 85 < retry_after({"retry-after": later}) <= 90
    assert retry_after({"retry-after": "Wed, 21 Oct 2015 07:28:00 GMT"}) == 0.0


@pytest.mark.parametrize(
    "value", ["-1", "1e9", "٣", "Wed, 21 Oct 9999999 07:28:00 GMT", "Mon, 01 Jan 0001 00:00:00 +2359", "3 seconds"]
)
def test_what_is_no_time_is_no_wait(value):
    assert retry_after({"retry-after": value}) in (None, 0.0)


@given(st.integers(0, 2000))
def test_a_backoff_has_an_end(attempt):
    assert 0 <= backoff(attempt) <= BACKOFF_MAX_S
