"""A request's place in a trace: the client's where it names one, and nothing else of the header."""

from __future__ import annotations

import pytest

from shipworthy.gateway.trace import begin

TRACE, SPAN = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"


def test_a_clients_trace_goes_on() -> None:
    found = begin({"traceparent": f"00-{TRACE}-{SPAN}-01"}, 0.0)
    assert (f"{found.trace:032x}", f"{found.parent:016x}", found.sampled) == (TRACE, SPAN, True)
    assert found.onward == {"traceparent": f"00-{TRACE}-{found.call:016x}-01"}
    assert len({found.parent, found.request, found.call}) == 3


def test_what_the_client_does_not_sample_is_not_sampled() -> None:
    found = begin({"traceparent": f"00-{TRACE}-{SPAN}-00"}, 1.0)
    assert not found.sampled
    assert found.onward["traceparent"].endswith("-00")


def test_a_later_version_is_read_as_far_as_it_is_known() -> None:
    assert begin({"traceparent": f"01-{TRACE}-{SPAN}-01-more"}, 1.0).parent == int(SPAN, 16)


@pytest.mark.parametrize(
    "header",
    ["", "x", f"00-{TRACE}-{SPAN}", f"00-{TRACE.upper()}-{SPAN}-01", f"ff-{TRACE}-{SPAN}-01",
     f"00-{'0' * 32}-{SPAN}-01", f"00-{TRACE}-{'0' * 16}-01", f"00-{TRACE}-{SPAN}-01-more", f"00-{TRACE}-{SPAN}-01\n"],
)  # fmt: skip
def test_what_is_none_is_passed_over(header) -> None:
    found = begin({"traceparent": header}, 1.0)
    assert (found.parent, found.sampled) == (0, True)
    assert found.trace not in (0, int(TRACE, 16))


def test_a_share_of_its_own_is_sampled() -> None:
    # A binomial's standard deviation is 0.007 here.
    assert abs(sum(begin({}, 0.1).sampled for _ in range(2_000)) / 2_000 - 0.1) < 0.04
    assert not begin({}, 0.0).sampled
