"""Disagreements settled by somebody who is none of those that disagree, in the loop and from a file."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from tests.unit.evals.shown import attempt, hit, make_run, suite_of

from shipworthy.core.errors import UsageError
from shipworthy.evals.adjudicate import AdjudicationDesk, settle
from shipworthy.evals.label_agreement import open_items
from shipworthy.evals.label_showing import Showing
from shipworthy.store.audit import AuditLog
from shipworthy.store.labels import Label, add_label, read_labels
from shipworthy.store.layout import Layout

IDS = [f"AT-{n:016x}" for n in range(3)]


@pytest.fixture
def layout(tmp_path):
    (tmp_path / ".shipworthy").mkdir()
    return Layout(tmp_path)


@pytest.fixture
def run(tmp_path):
    return make_run(tmp_path, [hit(0), attempt(1), attempt(2)])


def said(audit, by, *hits):
    for id, word in zip(IDS, hits, strict=True):
        add_label(audit, Label(system="SYS-x", run="RUN-1", attempt=id, metric="leak", hit=word, by=by,
                               at="2026-11-30T10:00:00Z", comment=f"{by}'s reason"))  # fmt: skip


def test_somebody_else_settles_and_can_take_it_back(layout, run):
    files = SimpleNamespace(suites={"leak": suite_of("synthetic")})
    with AuditLog(layout.control_url) as audit:
        said(audit, "ida", True, True, False)
        said(audit, "ben", True, False, True)
        items = open_items(read_labels(audit, "RUN-1"))
        showing = Showing(files, run, "leak", "leak")
        with pytest.raises(UsageError, match="somebody else must settle"):
            AdjudicationDesk(items, "ben", showing, audit, lambda _: [])
        desk = AdjudicationDesk(items, "eve", showing, audit, lambda _: ["hit: because"])
        assert desk.show(0).parts[-1] == ("They disagree", "1 said hit, 1 no-hit\nhit: because")
        desk.give(desk.current(), True, 1.0, "")
        desk.give(desk.current(), False, 1.0, "")
        assert desk.current() is None and desk.standing() == (2, 2)
        assert desk.undo() and desk.current() == 1
        settled = open_items(read_labels(audit, "RUN-1"))
        assert [(item.attempt, item.settled) for item in settled] == [(IDS[1], True), (IDS[2], None)]
        # From a file: what is settled is passed over, and what nobody disagrees on is refused.
        word = {"system": "SYS-x", "run": "RUN-1", "metric": "leak", "by": "eve", "at": "2026-11-30T10:00:00Z"}
        file = [Label(attempt=IDS[1], hit=True, **word), Label(attempt=IDS[2], hit=True, **word)]
        assert settle(audit, settled, file, files, run) == 1
        with pytest.raises(UsageError, match="nobody disagrees on AT-0000000000000000"):
            settle(audit, settled, [Label(attempt=IDS[0], hit=True, **word)], files, run)
        assert all(item.settled for item in open_items(read_labels(audit, "RUN-1")))
