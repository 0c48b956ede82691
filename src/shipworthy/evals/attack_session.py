"""The ways into a search for attacks: begin one, take one up; and what its folder holds.

Under ``.shipworthy/searches/<id>``: ``search.json`` (what it was told), and the manifest and log of a run whose rule is
``search``. It is no run of a plan and stands in no list of runs: what a search chose to ask is no sample of anything,
so no gate may read a rate from it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from shipworthy.core.carries import EVERYTHING, carried
from shipworthy.core.credentials import revealed
from shipworthy.core.digests import digest
from shipworthy.core.errors import IntegrityError, StoreError, UsageError
from shipworthy.core.records import RunManifest, Stopping
from shipworthy.evals.attack_book import Book
from shipworthy.evals.attack_novelty import KnownTexts, bank_texts
from shipworthy.evals.attack_search import AttackSearch, SearchOptions, SearchResult, metric_direction
from shipworthy.evals.begin import Guards
from shipworthy.evals.engine import make_engine
from shipworthy.evals.manifest import make_manifest
from shipworthy.evals.models import Crew, build_crew
from shipworthy.evals.plan import Plan, SuitePlan
from shipworthy.evals.subject import Subject, build_subject
from shipworthy.store.declare import declare_run, read_manifest
from shipworthy.store.files import make_directory, write_atomic
from shipworthy.store.layout import Layout
from shipworthy.store.runlog import RunLog
from shipworthy.workspace.fits_target import HINTS, unmet
from shipworthy.workspace.library import library_suites
from shipworthy.workspace.suite import Suite
from shipworthy.workspace.suites import library_suite
from shipworthy.workspace.use import Use

if TYPE_CHECKING:
    from shipworthy.workspace.load import Workspace

TOLD = "search.json"


class SearchTold(Struct, frozen=True, kw_only=True):
    """What a search was told: its options, and what it is about.

    Attributes:
        samples: of the suite, the first of its selection; all if 0.
        guards: as for a run: the workspace's own, none, or a file's path.
        target, attacker: names of targets; "" for the system under test, and for no attacker.
    """

    options: SearchOptions
    samples: int = 0
    guards: bool | str = True
    target: str = ""
    attacker: str = ""


class SearchSession:
    """A search that is open: its models are built and its log is locked until `close`.

    Attributes:
        told: what it was told; `suite` what it attacks.
        id: of the search; `directory` its folder.
    """

    def __init__(self, workspace: Workspace, told: SearchTold, directory: Path | None) -> None:
        self.told, self.workspace = told, workspace
        options = told.options
        self.suite = workspace.suite(options.suite)
        if options.method == "tree" and self.suite.content != "synthetic":
            raise UsageError(
                f"the suite {self.suite.id!r} is private, so no prompt of a tree may be kept, and a tree goes on from "
                "what is kept: take another --method"
            )
        samples = self.suite.select(told.samples or None)
        if any(sample.scene is not None for sample in samples):
            raise UsageError(
                f"the samples of {self.suite.id!r} act in worlds: what is searched there is a policy, `policy search`"
            )
        known = list(bank_texts(_bank(workspace), self.suite.id))
        self._plan = _plan(workspace, told, self.suite)
        self._subject = build_subject(workspace, _guards(told.guards), target=told.target or None)
        self._crew = build_crew(self._plan, self._subject)
        now = _manifest(self.workspace, self._plan, (self._subject, self._crew), told, _bank_digest(known))
        try:
            metrics = {metric.name: metric for metric in now.suites[0].metrics}
            bad = metric_direction(options.metric, metrics)
            self._refuse_unmet(samples)
            if directory is None:
                directory = Layout(workspace.root).searches / now.id
                make_directory(directory)
                write_atomic(directory / TOLD, msgspec.json.encode(told))
                declare_run(directory, now)  # last: what has a manifest can be taken up
            else:
                _check_same(read_manifest(directory), now)
            self.directory, self.id = directory, read_manifest(directory).id
            self._log = RunLog.open(directory)
        except BaseException:
            self._close_models()
            raise
        engine = make_engine(self._plan, self._subject, self._crew)
        model = next((a.model for a in engine.attackers.values() if a.model is not None), None)
        hidden = {s for sample in self.suite.samples for s in sample.secrets} | set(self.suite.hidden)
        book = Book(
            directory,
            self._log,
            engine,
            options.budget,
            content=self.suite.content,
            secrets=tuple(sorted(set(revealed(hidden)))),
        )
        try:
            self._search = AttackSearch(options, samples, engine, book, KnownTexts(known), bad=bad, attacker=model)
        except BaseException:
            self.close()
            raise
        self.book, self.bank = book, len(known)

    def run(self) -> SearchResult:
        """Search, and let go of everything.

        Raises:
            StoreError, IntegrityError, UsageError: as for `AttackSearch.run`.
        """

        async def work() -> SearchResult:
            try:
                return await self._search.run()
            finally:
                await self._crew.close()
                await self._subject.close()

        try:
            return asyncio.run(work())
        finally:
            self._log.close()

    def close(self) -> None:
        """Let go of a search that was not run."""
        self._close_models()
        self._log.close()

    def _close_models(self) -> None:
        async def close() -> None:
            await self._crew.close()
            await self._subject.close()

        asyncio.run(close())

    def _refuse_unmet(self, samples: Sequence[object]) -> None:
        carries = carried(self._subject.target)
        if carries != EVERYTHING:
            for lacks in unmet(self.suite.select(self.told.samples or None), {}, carries):
                raise UsageError(f"the suite {self.suite.id!r}: {lacks}: {HINTS[lacks.need]}")


def begin_search(workspace: Workspace, told: SearchTold) -> SearchSession:
    """Declare a search and open it.

    Raises:
        UsageError: something cannot work as configured; nothing was asked.
        StoreError: it cannot be written.
    """
    return SearchSession(workspace, told, None)


def take_up_search(workspace: Workspace, search: str = "latest") -> SearchSession:
    """Open a search that was begun, to go on with it within its budget; a finished one is only read again.

    Raises:
        UsageError: there is none, another process is at work on it, or what it is about has changed.
        IntegrityError: its files are not what was written.
    """
    directory = Layout(workspace.root).search_directory(search)
    try:
        told = msgspec.json.decode((directory / TOLD).read_bytes(), type=SearchTold)
    except OSError as error:
        raise StoreError(f"cannot read {directory / TOLD}: {error.strerror}") from error
    except msgspec.DecodeError as error:
        raise IntegrityError(f"{directory / TOLD} is not what a search was told: {error}") from error
    return SearchSession(workspace, told, directory)


def _guards(word: bool | str) -> Guards:
    return Path(word) if isinstance(word, str) else word


def _bank(workspace: Workspace) -> list[Suite]:
    """Return all suites that count as the bank: the workspace's, and those of the library that it does not have."""
    own = list(workspace.suites.values())
    return own + [library_suite(name) for name in library_suites() if name not in workspace.suites]


def _plan(workspace: Workspace, told: SearchTold, suite: Suite) -> Plan:
    """Return a plan with what the engine needs: the suite's scorers, and the attacker's model where one is named."""
    attacks = [Use(use="none")]
    if told.attacker:
        workspace.permit(told.attacker)
        use = workspace.target_named(told.attacker)
        attacks.append(Use.of("goat", model={"use": use.use, **use.params}))
    samples = suite.select(told.samples or None)
    return Plan("search", told.options.seed, [SuitePlan(suite, samples, attacks, 1, told.options.seed)])


def _manifest(
    workspace: Workspace, plan: Plan, models: tuple[Subject, Crew], told: SearchTold, bank: str
) -> RunManifest:
    made = make_manifest(
        plan,
        *models,
        system=workspace.system.id,
        spec_digest=digest({"suites": {suite.id: suite.digest for suite in workspace.suites.values()}}),
        files=workspace.files,
    )
    options = told.options
    return replace(
        made,
        id=made.id.replace("RUN-", "SEARCH-", 1),
        plan_digest=digest({"told": msgspec.to_builtins(told), "bank": bank}),
        planned=options.budget,
        stopping=Stopping("search", options.method, options.budget),
        suites=tuple(replace(use, attempts=options.budget, each=1) for use in made.suites),
    )


def _bank_digest(known: Sequence[tuple[str, str]]) -> str:
    held = sha256()
    for name, text in known:
        held.update(f"{len(name)}:{name}{len(text)}:{text}".encode("utf-8", "surrogatepass"))
    return held.hexdigest()


def _check_same(manifest: RunManifest, now: RunManifest) -> None:
    changed = [
        what
        for what, one, other in (
            ("the system under test", manifest.subject_digest, now.subject_digest),
            ("the models of its attacker or scorers", manifest.models, now.models),
            ("the suite", [use.digest for use in manifest.suites], [use.digest for use in now.suites]),
            ("the bank that finds are held against", manifest.plan_digest, now.plan_digest),
        )
        if one != other
    ]
    if changed:
        raise UsageError(
            f"the search {manifest.id} cannot go on: since it began, {' and '.join(changed)} changed\n"
            "Put that back, or begin another: `shipworthy attack search`"
        )
