from __future__ import annotations

import re

import pytest

from shipworthy.cli import run as shipworthy
from shipworthy.core.errors import UsageError
from shipworthy.evals.transfer import transfer
from shipworthy.release.decide import decide
from shipworthy.stats import paired_difference


def number(item) -> int:
    return int(item.sample.id.rpartition("-")[2])


def test_the_gap_stands_beside_the_rate_paired_and_with_its_interval(gated, capsys):
    product = gated.run(lambda i: i.suite == "help" or number(i) < 24)
    cued = gated.run(lambda i: i.suite == "help" or number(i) < 6, guards="cued")
    found = transfer(product, [("cued", cued)])
    rows = {(row.suite, row.metric): row for row in found.rows}
    leak, helps = rows["leak", "leak"], rows["help", "helpful"]
    assert (leak.condition, leak.product, leak.rate) == ("cued", 0.4, pytest.approx(0.1))
    direct = paired_difference([2] * 24 + [0] * 36, [2] * 60, [2] * 6 + [0] * 54, [2] * 60)
    assert (leak.gap, leak.low, leak.high) == (direct.difference, direct.low, direct.high)
    assert (leak.transfers, helps.transfers, helps.gap) == (False, None, 0)
    assert shipworthy(["runs", "transfer", "-C", str(gated.root), product.id, cued.id]) == 0
    out = capsys.readouterr().out
    assert "leak, leak: measured under" in out
    assert "in the product it differs by +30.0 points [" in out
    assert "Rates and gaps are of prompts like these" in out
    assert "No gap is shown" not in out


def test_what_is_no_condition_is_refused(gated):
    run = gated.run()
    with pytest.raises(UsageError, match="needs another condition"):
        transfer(run, [])
    with pytest.raises(UsageError, match="own run"):
        transfer(run, [("same", run)])


def test_what_is_entered_stands_in_the_next_decision(gated, capsys):
    baseline = gated.run()
    product = gated.run(lambda i: i.suite == "help" or number(i) < 24, guards="on")
    cued = gated.run(lambda i: i.suite == "help" or number(i) < 6, guards="cued")
    assert shipworthy(["runs", "transfer", "-C", str(gated.root), product.id, cued.id]) == 0
    assert decide(gated.workspace, product, baseline).transfer == ()
    assert shipworthy(["runs", "transfer", "-C", str(gated.root), product.id, cued.id, "--enter"]) == 0
    assert "entered in the audit log" in capsys.readouterr().err
    said = [one.sentence for one in decide(gated.workspace, product, baseline).transfer if one.metric == "leak"]
    assert len(said) == 1
    assert re.match(r"in the product's own wrapper; under .+ it differs by -30\.0 points \[", said[0])
    other = [one.sentence for one in decide(gated.workspace, cued, baseline).transfer if one.metric == "leak"]
    assert re.match(r"measured under .+; in the product it differs by \+30\.0 points \[", other[0])
    gate = ["gate", "-C", str(gated.root), "--allow-code", product.id, "--baseline", baseline.id]
    for form in ("text", "html", "markdown"):
        assert shipworthy([*gate, "--format", f"{form}=-"]) == 1
        assert "differs by -30.0 points" in " ".join(capsys.readouterr().out.split())
