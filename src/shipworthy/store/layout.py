"""Where a workspace keeps its rows: everything the tool writes is under ``.shipworthy/``."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec

from shipworthy.core.errors import IntegrityError, StoreError, UsageError, did_you_mean
from shipworthy.core.records import Decision
from shipworthy.core.settings import Settings
from shipworthy.store.files import make_directory, written_after

_decisions = msgspec.json.Decoder(Decision)


class Layout:
    """The places of one workspace. Computes paths; creates nothing until something is saved.

    Args:
        root: the workspace's folder.
        settings: those of the process; the environment's if left out.

    Attributes:
        state: ``.shipworthy/`` in it.
        runs, searches, cache, decisions: folders under `state`.
    """

    def __init__(self, root: Path | str, settings: Settings | None = None) -> None:
        self.root = Path(root)
        self.state = self.root / ".shipworthy"
        self.runs = self.state / "runs"
        self.searches = self.state / "searches"
        self.cache = self.state / "cache"
        self.decisions = self.state / "decisions"
        self._settings = settings

    @property
    def control_url(self) -> str:
        """Address of the control state: that of the settings, or an SQLite file under `state`. May hold a password."""
        settings = self._settings or Settings.load()
        return settings.control_url or f"sqlite:///{(self.state / 'control.sqlite').absolute()}"

    @property
    def keeps_control(self) -> bool:
        """Whether there is control state to read: a database elsewhere, or the file that anything entered here made."""
        settings = self._settings or Settings.load()
        return bool(settings.control_url) or (self.state / "control.sqlite").is_file()

    def holds(self, directory: Path) -> bool:
        """Say whether a folder is one of this workspace's runs, however its path is written."""
        return directory.resolve().parent == self.runs.resolve()

    def run_directory(self, run: str = "latest") -> Path:
        """Return the folder of a run.

        Args:
            run: its id, a prefix that only one run has, or ``latest``: the newest.

        Raises:
            UsageError: there is no such run; the nearest id is given.
        """
        return self.runs / _choose("run", run, self.run_ids(), "shipworthy eval")

    def search_directory(self, search: str = "latest") -> Path:
        """Return the folder of a search for attacks: its id, a prefix that only one has, or ``latest``.

        Raises:
            UsageError: there is no such search; the nearest id is given.
        """
        found = [name for name in _names(self.searches, "*") if (self.searches / name / "manifest.json").exists()]
        return self.searches / _choose("search", search, found, "shipworthy attack search")

    def run_ids(self) -> list[str]:
        """Return the ids of the runs here, oldest first.

        Raises:
            UsageError: there is no such workspace: "no run yet" would be the wrong advice.
        """
        if not self.root.is_dir():
            raise UsageError(f"{self.root}: there is no such folder")
        return [name for name in _names(self.runs, "*") if (self.runs / name / "manifest.json").exists()]

    def decision_ids(self) -> list[str]:
        """Return the ids of the decisions here, oldest first."""
        return [Path(name).stem for name in _names(self.decisions, "*.json")]

    def save_decision(self, decision: Decision) -> Path:
        """Write a decision, once. Returns its file.

        Raises:
            UsageError: another decision with this id is there: a decision is never changed.
            StoreError: it cannot be written.
        """
        with self.saving_decision(decision) as path:
            return path

    @contextmanager
    def saving_decision(self, decision: Decision) -> Iterator[Path]:
        """Write a decision, and let it be seen once the block has ended: where the block raises, there is no file.

        For entering it in the audit log meanwhile: a decision that could not be registered is none. Errors as for
        `save_decision`.
        """
        path = self.decisions / f"{decision.id}.json"
        data = msgspec.json.format(msgspec.json.encode(decision), indent=2) + b"\n"
        taken = UsageError(f"{path} holds another decision; decisions are never changed")
        try:
            make_directory(self.decisions)
            if path.exists():
                if path.read_bytes() != data:
                    raise taken
                yield path
                return
            try:
                with written_after(path, data, replace=False):
                    yield path
            except FileExistsError:  # Another process was faster.
                if path.read_bytes() != data:
                    raise taken from None
        except OSError as error:
            raise StoreError(f"the decision cannot be written to {path}: {error.strerror or error}") from error

    def load_decision(self, decision: str = "latest") -> Decision:
        """Return a decision.

        Args:
            decision: its id, a prefix that only one has, or ``latest``.

        Raises:
            UsageError: there is no such decision.
            IntegrityError: its file does not hold one.
        """
        name = _choose("decision", decision, self.decision_ids(), "shipworthy gate")
        path = self.decisions / f"{name}.json"
        try:
            found = _decisions.decode(path.read_bytes())
        except msgspec.MsgspecError as error:
            raise IntegrityError(f"{path} is not a decision: {error}") from error
        except OSError as error:
            raise IntegrityError(f"{path} cannot be read: {error.strerror}") from error
        if found.id != name:
            raise IntegrityError(f"{path} holds another decision: {found.id}")
        return found


def _names(folder: Path, pattern: str) -> list[str]:
    # Ids begin with a sortable time stamp; ties keep a stable order.
    return sorted(path.name for path in folder.glob(pattern) if not path.name.startswith("."))


def _choose(kind: str, wanted: str, known: list[str], verb: str) -> str:
    if not known:
        raise UsageError(f"there is no {kind} here yet: `{verb}` makes one")
    if wanted == "latest":
        return known[-1]
    if wanted in known:
        return wanted
    matches = [name for name in known if wanted and name.startswith(wanted)]
    if len(matches) == 1:
        return matches[0]
    if matches:
        raise UsageError(f"{wanted!r} could be any of these {kind}s: {', '.join(matches)}")
    raise UsageError(f"there is no {kind} {wanted!r}: {did_you_mean(wanted, known)}")
