"""The how-to on threats works as printed: every command, with the files that it shows, and what it says of them."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest
from click.testing import CliRunner

from shipworthy.cli import root

PAGE = (Path(__file__).parents[2] / "docs/how-to/model-your-threats.md").read_text("utf-8")


def blocks(language):
    return re.findall(rf"^```{language}\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)


@pytest.fixture
def run(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    def command(line):
        words = shlex.split(line)
        assert words[0] == "shipworthy"
        done = CliRunner().invoke(root, words[1:], standalone_mode=False)
        assert (done.return_value or 0, done.exception) == (0, None), done.output
        return done.stdout

    return command


def test_the_page_as_printed(run):
    start, catalogue, check, chain, pictures, review = ([*map(run, block.splitlines())] for block in sorted_blocks(run))
    assert start[-1].startswith("0 problems, 0 warnings")
    assert "AIT-tool-misuse" in catalogue[0]
    assert blocks("text")[0] in catalogue[2]
    assert "the critical journey 'UJ-reset' is not covered: no suite measures RK-desk" in check[0]
    assert "the lever LV-reset was never drilled" in check[0]
    assert "0 problems, 2 warnings" in check[0]
    why, entry, _, coverage, risks = chain
    for name in ("THR-desk", "ATK-guest", "RQ-desk", "CT-idle", "MON-idle", "LV-reset"):
        assert name in why
    assert "THR-desk" in entry
    assert "RK-desk" in coverage
    assert "12.0 (inherent)" in risks
    assert pictures[0].startswith("%% Data flow of Tarn")
    assert "RQ-desk" in Path("case.svg").read_text()
    Path("desk/reviews.yaml").write_text(review[0])
    assert "0 problems, 2 warnings" in run("shipworthy check -C desk")
    text = Path("desk/requirements.yaml").read_text()
    Path("desk/requirements.yaml").write_text(text.replace("in whatever spelling", "however it is spelled"))
    assert "suspect link CT-own-record" not in run("shipworthy check -C desk")
    assert "suspect link GD-canary -> RQ-secret: RQ-secret changed since Yuki Tanabe read it" in run(
        "shipworthy check -C desk"
    )


def sorted_blocks(run):
    """Yield the blocks of commands, and write the file of step 3 where the page says so."""
    shells = blocks("bash")
    assert len(shells) == 6
    for number, block in enumerate(shells):
        if number == 2:
            Path("desk/include/desk.yaml").write_text(blocks("yaml")[2])
        yield block


def test_the_component_it_shows_is_the_templates():
    from shipworthy.workspace.scaffold import TEMPLATES

    shown = re.search(r"id: (CMP-\w+).*writers: (\[\w+\])", blocks("yaml")[0])
    assert shown
    written = (TEMPLATES / "helpdesk-rag" / "system.yaml").read_text()
    assert re.search(rf"id: {shown[1]}.*writers: {re.escape(shown[2])}", written)
