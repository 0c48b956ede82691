"""The body of an entry about a look."""

from __future__ import annotations

import pytest

from shipworthy.core.sentinel_entry import check_body

GOOD = {
    "sentinel": "SEN-1", "system": "SYS-a", "target": "default", "look": 0, "digest": "sha256:0",
    "verdict": "unchanged", "answers": 4, "errors": 0,
}  # fmt: skip


@pytest.mark.parametrize("wrong", [{"look": -1}, {"look": True}, {"verdict": "fine"}, {"errors": "0"}, {"more": 1}])
def test_what_is_no_look_is_refused(wrong: dict[str, object]) -> None:
    check_body(GOOD)
    with pytest.raises(ValueError, match=r"it has other fields|a value in it"):
        check_body(GOOD | wrong)
