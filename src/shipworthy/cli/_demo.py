"""What every demo is made of: a run that goes on where it stopped, a pack that is verified, what to type next."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from shipworthy.core.records import Decision
    from shipworthy.evals.results import Run
    from shipworthy.workspace.load import Workspace


def evaluated(workspace: Workspace, plan: str, *, guards: bool, target: str | None = None) -> Run:
    """Make the run, go on with the one that was interrupted, or take the one that is there."""
    from shipworthy.evals.begin import begin, complete, newest_like, take_up

    found = newest_like(workspace, plan, guards=guards, target=target)
    if found is not None and found.complete:
        click.echo(f"        {found.id} is there already", err=True)
        return found
    if found is not None:
        click.echo(
            f"        going on with {found.id}: {len(found)} of {found.manifest.planned} attempts are made", err=True
        )
    if found is None:
        return complete(begin(workspace, plan, guards=guards, target=target))
    return complete(take_up(workspace, found.id, guards=guards))


def proved(workspace: Workspace, decision: Decision) -> tuple[Path, Path]:
    """Sign with a key of the demo's own, and verify with the trust file that a recipient would hold."""
    from shipworthy.core.errors import IntegrityError
    from shipworthy.evidence.pack import build_pack, write_pack
    from shipworthy.evidence.verify import verify_pack
    from shipworthy.store.layout import Layout
    from shipworthy.store.signing import load_key, new_key
    from shipworthy.store.trust import load_trust, trust_json

    keys = Layout(workspace.root).state / "keys"
    key = load_key(keys / "demo.key") if (keys / "demo.key").exists() else new_key(keys, "demo", owner="demo")
    trust = workspace.root / "trust.json"
    trust.write_text(trust_json([key.public], 1), encoding="utf-8")
    pack = workspace.root / "evidence" / f"{decision.id}.zip"
    write_pack(pack, build_pack(workspace, decision, [key]))
    found = verify_pack(pack, load_trust(trust))
    if not found.ok:
        raise IntegrityError(f"the pack just written does not verify: {pack}")
    return pack, trust


def next_steps(folder: Path, pack: Path, trust: Path, show: bool, run: str = "") -> None:
    """Print what to type next; put the report beside the pack and open it.

    Args:
        run: that was decided on; where it is left out, the newest one.
    """
    from shipworthy.evidence.archive import read

    command, gated = _command(), f" {run}" if run else ""
    report = pack.with_suffix(".html")
    report.write_bytes(read(pack.read_bytes())["report.html"])
    click.echo(
        f"\nreport          {report}"
        f"\nevidence pack   {pack}"
        f"\ntrusted keys    {trust}"
        f"\n\nnext:  {command} gate{gated} -C {folder}; echo $?"
        f"\n       {command} evidence verify {pack} --trust {trust}; echo $?"
        f"\n       {command} view {run or 'latest'} -C {folder}"
    )
    if show:
        _open(report)


def _command() -> str:
    """Return what the user types to call this program: its name, or its path where the shell would not find it."""
    import os
    import shutil
    import sys

    here = Path(sys.argv[0])
    if here.name != "shipworthy" or shutil.which("shipworthy") == str(here.resolve()):
        return "shipworthy"
    return os.path.relpath(here)


def _open(page: Path) -> None:
    """Open a page where a person would see it; never a text browser that takes the terminal."""
    import os
    import sys
    import webbrowser

    graphical = sys.platform == "darwin" or os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")
    if graphical and sys.stdout.isatty():
        webbrowser.open(page.resolve().as_uri())


class Clock:
    """Says what is being done, and keeps how long each step took."""

    def __init__(self) -> None:
        self.steps: list[tuple[str, float]] = []

    @contextmanager
    def step(self, title: str) -> Iterator[None]:
        """Announce a step and time it."""
        click.echo(title, err=True)
        started = time.monotonic()
        yield
        self.steps.append((title, time.monotonic() - started))

    def table(self) -> str:
        """Return a line a step, with its seconds and share."""
        total = sum(seconds for _, seconds in self.steps) or 1.0
        lines = [f"  {seconds:7.1f} s  {100 * seconds / total:3.0f} %  {title[8:]}" for title, seconds in self.steps]
        return "\n".join([*lines, f"  {total:7.1f} s         in all"])
