"""A missing optional dependency names the exact command."""

from __future__ import annotations

import pytest

from shipworthy.core.errors import MissingExtra
from shipworthy.core.extras import require


def test_missing_extra_says_what_to_install():
    said = r"^no_such_module is not installed: pip install '?xllamacpp\S+   \(the extra 'local' of shipworthy\)$"
    with pytest.raises(MissingExtra, match=said):
        require("no_such_module.inner", extra="local")


def test_present_module_is_returned():
    assert require("json", extra="local").loads("1") == 1
