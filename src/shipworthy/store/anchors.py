"""Heads of the audit chain kept in the user's git repository, as annotated tags or as notes.

A chain cannot show by itself that its newest entries were cut off, or that all of it was written anew. A head that lies
elsewhere can: in a repository that others fetch from. Which commit it hangs on does not matter.
"""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Literal, NamedTuple

from shipworthy.core.errors import IntegrityError, UsageError
from shipworthy.store import chain
from shipworthy.store.audit import AuditLog

NAMESPACE = "shipworthy-audit"
_BLOCK = re.compile(
    r"^chain: ([0-9a-f]{64})\nentries: ([1-9][0-9]{0,17})\nhead: (sha256:[0-9a-f]{64})\nworkspace: (.*)$", re.MULTILINE
)
# No program that the repository's own settings name may run, and no lock or prompt may hold us up.
_SAFE = ("core.hooksPath=/dev/null", "core.fsmonitor=false", "tag.gpgSign=false", "core.pager=cat")
_PATIENCE_S = 60


class Anchor(NamedTuple):
    """A head that git holds.

    Attributes:
        name: of the tag, or of the commit whose note it is.
        chain: hash of the chain's first entry, 64 hex digits; empty where `name` does not say what an anchor says.
        entries: how many entries the chain had; `head` the head then, ``sha256:<64 hex>``.
        workspace: its folder in the repository.
    """

    name: str
    chain: str
    entries: int
    head: str
    workspace: str


class NoRepository(UsageError):
    """There is no git repository to keep an anchor in."""


class Repository:
    """The git repository that holds a workspace.

    Raises:
        NoRepository: there is none, or no git.
        UsageError: git refuses to look into it.
    """

    def __init__(self, workspace: Path) -> None:
        self._folder = workspace
        top = self._git("rev-parse", "--show-toplevel").rstrip("\n")
        self.workspace = workspace.resolve().relative_to(Path(top).resolve()).as_posix()

    def anchors(self) -> list[Anchor]:
        """Return what it holds, by name. A tag or a note in our place that says something else is there, too."""
        refs = f"refs/tags/{NAMESPACE}/"
        tags = self._git("for-each-ref", "--format=%(refname)%00%(contents)%00%00", refs).split("\0\0")
        found = []
        for name, _, text in (tag.lstrip("\n").partition("\0") for tag in tags if tag.strip()):
            found += _parse(name.removeprefix("refs/tags/"), text)
        if self._has(f"refs/notes/{NAMESPACE}"):
            for line in self._git("notes", f"--ref={NAMESPACE}", "list").splitlines():
                blob, _, commit = line.partition(" ")
                found += _parse(f"note on {commit[:12]}", self._git("cat-file", "blob", blob))
        return found

    def anchor(self, first: str, entries: int, head: str, how: Literal["tag", "note"]) -> str:
        """Write a head into the repository; return the name of what holds it. Once: it may be there already.

        Args:
            first: hash of the chain's first entry, 64 hex digits.

        Raises:
            UsageError: git refuses; what it says is repeated.
            IntegrityError: another head stands in its place.
        """
        text = f"chain: {first}\nentries: {entries}\nhead: {head}\nworkspace: {self.workspace}\n"
        if not self._has("HEAD"):
            raise UsageError(
                "the git repository has no commit yet that an anchor could hang on: commit something first"
            )
        if how == "note":
            self._git("notes", f"--ref={NAMESPACE}", "append", "-m", text, "HEAD")
            return f"refs/notes/{NAMESPACE}"
        name = f"{NAMESPACE}/{first[:12]}/{entries}"
        if self._has(f"refs/tags/{name}"):
            if not any(one.name == name and one.head == head for one in self.anchors()):
                raise IntegrityError(f"the git tag {name} holds another head than this audit log had at that entry")
        else:
            self._git("tag", "--annotate", "--no-sign", "-m", f"shipworthy audit log\n\n{text}", name, "HEAD")
        return name

    def _has(self, name: str) -> bool:
        return bool(self._git("rev-parse", "--verify", "--quiet", name, may_fail=True).strip())

    def _git(self, *arguments: str, may_fail: bool = False) -> str:
        settings = [word for setting in _SAFE for word in ("-c", setting)]
        command = ["git", "-C", str(self._folder), *settings, *arguments]
        try:
            done = subprocess.run(  # noqa: S603 - no shell; hooks and helpers are off
                command,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                env={**os.environ, "LC_ALL": "C", "GIT_TERMINAL_PROMPT": "0", "GIT_OPTIONAL_LOCKS": "0"},
                timeout=_PATIENCE_S,
                check=False,
            )
        except FileNotFoundError:
            raise NoRepository("there is no `git` here, and anchors are kept in a git repository") from None
        except subprocess.TimeoutExpired:
            raise UsageError(f"git did not answer within {_PATIENCE_S} s: {' '.join(arguments[:1])}") from None
        if done.returncode and not may_fail:
            said = (done.stderr.decode("utf-8", "replace").strip().splitlines() or ["nothing"])[0]
            if "not a git repository" in said:
                raise NoRepository(f"{self._folder} is in no git repository, and anchors are kept in one")
            raise UsageError(f"git refuses to {arguments[0]}: {said.removeprefix('fatal: ')}")
        return done.stdout.decode("utf-8", "replace")


def _parse(name: str, text: str) -> list[Anchor]:
    blocks = _BLOCK.findall(text)
    return [Anchor(name, c, int(n), head, folder) for c, n, head, folder in blocks] or [Anchor(name, "", 0, "", "")]


def hold(audit: AuditLog, anchors: Sequence[Anchor], workspace: str) -> tuple[int, list[str]]:
    """Hold anchors against a chain that was verified; return how many fit, and of each other what is wrong.

    Anchors of other workspaces in the repository are passed over.

    Args:
        workspace: its folder in the repository.

    Raises:
        StoreError: the chain cannot be read.
    """
    wanted = {anchor.entries for anchor in anchors} | {1}
    heads = {entry.number: entry.hash for entry in audit.entries() if entry.number in wanted}
    wrong, fit = [], 0
    for anchor in anchors:
        if not anchor.chain:
            wrong.append(f"{anchor.name}: not an anchor of an audit log")
        elif anchor.workspace == workspace or anchor.chain == heads.get(1):
            if anchor.entries not in heads:
                wrong.append(f"{anchor.name}: the audit log had {anchor.entries:,} entries; its newest were cut off")
            elif chain.head_text(bytes.fromhex(heads[anchor.entries])) != anchor.head:
                wrong.append(f"{anchor.name}: entry {anchor.entries:,} is another one now; the log was written anew")
            else:
                fit += 1
    return fit, wrong
