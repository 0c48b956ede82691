"""What a tool's name lets one guess, on the careful side."""

from __future__ import annotations

import pytest

from shipworthy.enforce.policy.guess import effect_of
from shipworthy.enforce.policy.signatures import Signature


@pytest.mark.parametrize(
    ("name", "effect"),
    [
        ("mail_list", "none"), ("inbox.search", "none"), ("github_get_file", "none"), ("getEmails", "none"),
        ("mail_send", "external"), ("mail_mark_read", "external"), ("order_check_out", "external"),
        ("files_delete", "irreversible"), ("memory_recall", "external"),
    ],
)  # fmt: skip
def test_a_tool_that_names_what_it_reads_first_reads(name, effect):
    assert effect_of(Signature(name, "", {}, frozenset(), {})) == effect
