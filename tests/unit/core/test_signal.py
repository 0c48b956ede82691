"""What a signal is called, and when two say the same."""

from __future__ import annotations

from typing import get_args

import pytest

from shipworthy.core.signal import SignalKind, fingerprint, is_signal_id, signal_id
from shipworthy.core.signal_entry import SIGNAL_KINDS


def test_one_thing_has_one_id_and_another_has_another() -> None:
    made = {
        signal_id(*parts)
        for parts in [
            ("SYS-a", "ticket", "jira", "A-1"), ("SYS-b", "ticket", "jira", "A-1"), ("SYS-a", "block", "jira", "A-1"),
            ("SYS-a", "ticket", "jiraA", "-1"), ("SYS-a", "ticket", "jira", "A-1"),
        ]
    }  # fmt: skip
    assert len(made) == 4
    assert all(map(is_signal_id, made))
    with pytest.raises(ValueError, match="empty"):
        signal_id("SYS-a", "ticket", "jira", "")


def test_letter_case_marks_and_space_make_no_other_fingerprint() -> None:
    assert fingerprint("It LEAKED!", "the  key,\nagain") == fingerprint("it leaked", "The key (again).")
    assert fingerprint("it leaked", "") != fingerprint("", "it leaked")


def test_the_verifier_has_the_same_words() -> None:
    assert get_args(SignalKind) == SIGNAL_KINDS
