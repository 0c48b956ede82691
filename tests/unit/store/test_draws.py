"""Draws in the audit chain, as the gate reads them."""

from __future__ import annotations

from pathlib import Path

import pytest

from shipworthy.core.errors import IntegrityError
from shipworthy.core.label_draw import DRAWN, Draw
from shipworthy.store.audit import AuditLog
from shipworthy.store.draws import add_draw, read_said
from shipworthy.store.labels import Label, add_label
from shipworthy.store.layout import Layout

DRAW = Draw("RUN-1", "leaks", "leak", "", 7, 100, 300, "sha256:" + "a" * 64)


def test_draws_and_labels_come_back_up_to_an_entry(tmp_path: Path) -> None:
    layout = Layout(tmp_path)
    label = Label(system="SYS", run="RUN-1", attempt="AT-1", metric="leak", hit=True, by="ida", at="now")
    with AuditLog(layout.control_url) as audit:
        first = add_draw(audit, DRAW)
        add_label(audit, label)
        second = add_draw(audit, DRAW._replace(seed=8))
        said, early = read_said(audit), read_said(audit, until=1)
    assert (first.entry, second.entry) == (1, 3)
    assert said.draws == (first, second)
    (body,) = said.labels
    assert (body["attempt"], body["hit"]) == ("AT-1", True)
    assert "by" not in body
    assert (early.draws, early.labels) == ((first,), ())


def test_an_entry_that_is_no_draw_is_named(tmp_path: Path) -> None:
    layout = Layout(tmp_path)
    with AuditLog(layout.control_url) as audit:
        audit.append(DRAWN, {"run": "RUN-1", "seed": "seven"}, key="run")
        with pytest.raises(IntegrityError, match="entry 1"):
            read_said(audit)
