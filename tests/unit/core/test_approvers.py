"""The word for who answers in a person's place."""

from __future__ import annotations

import pytest

from shipworthy.core.approvers import of, read
from shipworthy.core.errors import UsageError


def test_it_is_nobody_where_nobody_says():
    assert of(object()) == "nobody"
    assert read("rubber_stamp") == "rubber_stamp"


@pytest.mark.parametrize("written", ["atentive", "", True, 3, ["attentive"], None])
def test_another_word_is_refused(written):
    with pytest.raises(UsageError, match="rubber_stamp"):
        read(written)
