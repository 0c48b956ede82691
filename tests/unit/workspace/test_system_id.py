"""A system's id is read without any other file, and what is none is said."""

from __future__ import annotations

import pytest

from shipworthy.core.errors import UsageError
from shipworthy.workspace.system_id import system_id


def test_it_needs_no_other_file_and_no_code(gated):
    (gated.root / "suites/leak/suite.yaml").write_text("nonsense: [")
    assert system_id(gated.root) == "SYS-desk"


@pytest.mark.parametrize("text", ["system: {title: Desk}\n", "system: [SYS-a]\n", "a: 1\n", "system: {id: desk}\n"])
def test_what_has_none_is_said(tmp_path, text):
    (tmp_path / "system.yaml").write_text(text)
    with pytest.raises(UsageError, match="the system has no id"):
        system_id(tmp_path)


def test_a_folder_that_is_none_is_said(tmp_path):
    with pytest.raises(UsageError, match="is no workspace"):
        system_id(tmp_path)
