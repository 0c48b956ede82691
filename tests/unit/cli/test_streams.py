"""Whatever a verb prints, no text from elsewhere acts on the terminal."""

from __future__ import annotations

import io
import sys

import click
import pytest

from shipworthy.cli import root, run
from shipworthy.cli._streams import Harmless, harmless


def test_the_command_line_spells_out_what_a_terminal_obeys(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    @click.command()
    def told() -> None:
        click.echo("a\x1b]0;b\x07\u202ec\rd")
        click.echo("\x9b2Jerror", err=True)
        sys.stdout.write("\x1b[2J\x1b[Hverdict: ship\n")

    monkeypatch.setattr(type(root), "get_command", lambda self, ctx, name: told)
    before = sys.stdout, sys.stderr
    assert run(["any"]) == 0
    assert (sys.stdout, sys.stderr) == before
    out, err = capsys.readouterr()
    assert out == "a\\u001b]0;b\\u0007\\u202ec\\u000dd\n\\u001b[2J\\u001b[Hverdict: ship\n"
    assert err == "\\u009b2Jerror\n"


def test_what_paints_on_purpose_reaches_the_stream_behind() -> None:
    behind = io.StringIO()
    stream = Harmless(behind)
    assert stream.write("\x1b[1m") == 4
    stream.unescaped.write("\x1b[1m")
    assert behind.getvalue() == "\\u001b[1m\x1b[1m"


def test_closed_streams_stay_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdout", None)
    with harmless():
        assert sys.stdout is None
    assert sys.stdout is None


def test_who_prints_closes_nothing_for_the_others(capsys):
    from shipworthy.cli._streams import harmless

    with harmless():
        sys.stdout.write("before\n")
        sys.stdout.close()
        sys.stdout.write("after\n")
    assert capsys.readouterr().out == "before\nafter\n"
