"""A reason why what was measured holds no longer."""

from __future__ import annotations

from typing import NamedTuple


class FileChange(NamedTuple):
    """A safety file that is another one: ``sha256:…`` of its bytes, empty where there is, or was, none."""

    path: str
    was: str
    now: str


class Lapse(NamedTuple):
    """One reason why what a run measured holds no longer.

    Attributes:
        kind: ``specification``, ``suite``, ``requirement``, ``plan``, ``gate``, ``code``, ``target``, ``guards``,
            ``tool-policy``, one of `core.change.CHANGE_KINDS`; from `impact` also ``age``, ``run``, ``acceptance``.
        what: changed, in words that "changed since" can follow.
        criteria: that it takes with it; None for all that the run was for.
        was, now: digests, or versions, of what changed; `files` that say so.
        entry: of the audit chain that says so; 0 where the files do.
        fresh: whether a kept reply is no measurement of what there is now.
        remade: whether a new run decides it; where not, people must.
    """

    kind: str
    what: str
    criteria: frozenset[str] | None = None
    was: str = ""
    now: str = ""
    files: tuple[FileChange, ...] = ()
    entry: int = 0
    fresh: bool = False
    remade: bool = True

    def reaches(self, criterion: str) -> bool:
        """Say whether it takes a criterion's claim with it."""
        return self.criteria is None or criterion in self.criteria

    @property
    def changed(self) -> bool:
        """Whether "changed" follows what it says; else that is a sentence by itself."""
        return not (self.entry or not self.remade or self.kind in ("age", "run", "law"))

    @property
    def told(self) -> str:
        """It in one line: what changed, each file with both digests."""
        said = f"{self.what} changed" if self.changed else self.what
        named = [f"{f.path} {f.was or 'not there'} -> {f.now or 'not there'}" for f in self.files]
        if not named and (self.was or self.now) and not self.entry:
            named = [f"{self.was or 'not there'} -> {self.now or 'not there'}"]
        return said + (f" ({'; '.join(named)})" if named else "")
