"""The ways into a run and out of it: declare it, begin it, take it up, join it, finish it.

`declare`, a `Sitting` on each shard, and `finish` are three steps that any scheduler can run; one shard and one sitting
is the common case: `complete`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from shipworthy.core.errors import IntegrityError, StoreError, UsageError
from shipworthy.core.records import RunManifest
from shipworthy.core.settings import Settings
from shipworthy.evals.heed import Heed
from shipworthy.evals.loop import run_to_end
from shipworthy.evals.manifest import check_same, make_manifest
from shipworthy.evals.models import Crew, build_crew
from shipworthy.evals.plan import Plan, make_plan
from shipworthy.evals.progress import Progress
from shipworthy.evals.results import Run
from shipworthy.evals.sitting import Decided, Sitting
from shipworthy.evals.subject import Subject, build_subject, mediated, target_of
from shipworthy.evals.waves import Waves
from shipworthy.exchange.budget import Limits
from shipworthy.exchange.cache import ReplyCache
from shipworthy.exchange.channel import TIMEOUT_S
from shipworthy.store.declare import declare_run, read_manifest
from shipworthy.store.files import exclusive
from shipworthy.store.heads import Knowledge
from shipworthy.store.layout import Layout
from shipworthy.store.register import recall_run, register_declared, register_run
from shipworthy.store.runlog import RunLog
from shipworthy.workspace.beside import beside
from shipworthy.workspace.spec import keep_spec, spec

if TYPE_CHECKING:
    from shipworthy.workspace.load import Workspace

Guards = bool | str | Path
"""True: the workspace's own guard file, where there is one. False: none. A path: that guard file."""

CACHE = "replies.sqlite"


def declare(
    workspace: Workspace,
    plan: str = "full",
    *,
    suites: Sequence[str] | None = None,
    guards: Guards = True,
    target: str | None = None,
    shards: int = 1,
    directory: Path | None = None,
    draws: Sequence[int] = (),
) -> Path:
    """Write down what a run will do, and make none of its attempts. Returns its directory.

    Args:
        plan, suites: as for `make_plan`.
        target: name of the target that is measured; the system under test if left out.
        shards: into how many parts its attempts are dealt.
        draws: seeds of the fresh draws of samples up to the one that is wanted; see `fresh_draws`.
        directory: of the run; a new one under the workspace's ``.shipworthy/runs`` if left out.

    Raises:
        UsageError: something cannot work as configured.
        StoreError: it cannot be written.
    """
    ready = _Ready.make(workspace, plan, suites, guards, draws, target=target)
    manifest = ready.manifest(shards)
    ready.close()
    place = directory or Layout(workspace.root).runs / manifest.id
    _declare(workspace, place, manifest)
    return place


def begin(
    workspace: Workspace,
    plan: str = "full",
    *,
    suites: Sequence[str] | None = None,
    guards: Guards = True,
    target: str | None = None,
    cache: bool | Path = True,
    directory: Path | None = None,
    draws: Sequence[int] = (),
    early: Sequence[str] = (),
) -> Sitting:
    """Declare a run of one shard and sit down to it.

    Args:
        early: of a sequential run, the suites that it may end early; see `complete_async`.
        cache: whether to keep and reuse replies; a path is the file to keep them in.
        plan, suites, guards, target, directory, draws: as for `declare`.

    Raises:
        UsageError: something cannot work as configured.
        StoreError: the run log or the cache cannot be written.
    """
    ready = _Ready.make(workspace, plan, suites, guards, draws, target=target)
    manifest = ready.manifest(early=early)
    place = directory or Layout(workspace.root).runs / manifest.id
    replies = open_cache(workspace, cache)
    _declare(workspace, place, manifest)
    return ready.sit(place, RunLog.open(place), replies, new=True)


def take_up(
    workspace: Workspace,
    run: str | Path = "latest",
    *,
    shard: int = 0,
    guards: Guards | None = None,
    cache: bool | Path = True,
    retry_errors: bool = False,
) -> Sitting:
    """Go on with a run: no finished attempt is lost, and none is made again.

    Args:
        run: its id, a prefix of it, ``latest``, or its directory.
        shard: which part of it, from 0.
        guards: the run's own, if left out: none, or the workspace's guard file. A run that was begun with another
            guard file needs the same file again.
        retry_errors: make attempts that ended in an error once more. Both records stay; the later one counts.

    Raises:
        UsageError: there is no such run or shard, it is being written, or files or subject have changed since it began.
        IntegrityError: its log is not what was written.
    """
    directory = _find(workspace, run)
    manifest = read_manifest(directory)
    if not 0 <= shard < manifest.shards:
        raise UsageError(f"the run {manifest.id} has {manifest.shards} shard(s): there is no shard {shard + 1}")
    ready = _Ready.make(
        workspace,
        manifest.plan,
        [use.id for use in manifest.suites],
        mediated(manifest) if guards is None else guards,
        manifest.draws,
        target=target_of(workspace, manifest),
    )
    early = [use.id for use in manifest.suites if use.looks]
    check_same(manifest, ready.manifest(manifest.shards, early), directory)
    return _sit(ready, directory, shard, cache, retry_errors)


def join(
    workspace: Workspace,
    plan: str = "full",
    *,
    shard: int,
    shards: int,
    suites: Sequence[str] | None = None,
    guards: Guards = True,
    target: str | None = None,
    cache: bool | Path = True,
    draws: Sequence[int] = (),
    accept: Callable[[RunManifest], bool] = lambda manifest: True,
) -> Sitting:
    """Sit down to one shard of a run that several processes make: the first of them declares it, in any order.

    The run joined is the newest one of the same files, subject and number of shards, also when it is finished: a
    process that was killed between its last attempt and its exit, and is started again, must not begin another run.
    To measure the same thing once more, `declare` a run and `take_up` its shards.

    Args:
        shard: from 0, below `shards`.
        accept: whether a run that is there may be joined.

    Raises:
        UsageError, StoreError, IntegrityError: as for `begin` and `take_up`.
    """
    if not 0 <= shard < shards:
        raise UsageError(f"a run of {shards} shard(s) has no shard {shard + 1}")
    layout = Layout(workspace.root)
    ready = _Ready.make(workspace, plan, suites, guards, draws, target=target)
    wanted = ready.manifest(shards)
    with exclusive(layout.state / "declare.lock"):
        found = next((name for name in reversed(layout.run_ids()) if _joins(layout.runs / name, wanted, accept)), None)
        if found is None:
            found = wanted.id
            _declare(workspace, layout.runs / found, wanted)
    return _sit(ready, layout.runs / found, shard, cache)


def finish(workspace: Workspace, run: str | Path = "latest") -> Run:
    """Enter a run in the audit log once its rule says that it is finished, and return it.

    Raises:
        UsageError: it is not finished: what is missing is said.
        IntegrityError: its log is not what was written.
    """
    directory = _find(workspace, run)
    found = Run.load(directory)
    if not found.complete:
        missing = ", ".join(f"{use.id}: {found.missing(use.id):,}" for use in found.manifest.suites)
        raise UsageError(f"the run {found.id} is not finished: {found.finished.why} (missing: {missing})")
    layout = Layout(workspace.root)
    if layout.holds(directory):
        register_run(layout, directory)
    return found


async def complete_async(
    sitting: Sitting,
    *,
    limits: Limits | None = None,
    concurrency: int | None = None,
    progress: Progress | None = None,
    decided: Decided | None = None,
) -> Run:
    """Carry a sitting on to its end, let go of it, and read the run back: the one way through a run.

    Args:
        decided: of a sequential run, returns which suites need no more, given what was made so far. Without it every
            suite is made whole.

    Returns:
        The run; `Run.stopped` says why the sitting ended early, where it did.

    Raises:
        UsageError, StoreError, IntegrityError: as for `Sitting.carry_on` and `Run.load`.
    """
    try:
        ending = await sitting.carry_on(limits=limits, concurrency=concurrency, progress=progress, decided=decided)
    finally:
        await sitting.close()
    run = Run.load(sitting.directory)
    run.stopped, run.notes = ending.stopped, sitting.notes
    return run


def complete(
    sitting: Sitting,
    *,
    limits: Limits | None = None,
    concurrency: int | None = None,
    progress: Progress | None = None,
    going_on: str = "",
    decided: Decided | None = None,
) -> Run:
    """Do what `complete_async` does, from a command: signals end the sitting, and the run is read back as it is.

    So does code of an attempt that ends, stops or breaks what the sitting runs on: `Run.stopped` says it.

    Args:
        going_on: the command that goes on with the run, for where this process can only end.
    """
    shown = progress or Progress()
    work = complete_async(sitting, limits=limits, concurrency=concurrency, progress=shown, decided=decided)
    patience = getattr(sitting.subject.target, "timeout", None)
    heed = Heed(patience if isinstance(patience, int | float) else TIMEOUT_S, going_on)
    try:
        if (run := heed.run(work)) is not None:
            return run
    finally:
        with suppress(StoreError):  # where its loop is broken, nobody has closed it
            sitting.log.close()
    run = Run.load(sitting.directory)
    run.stopped, run.notes = heed.why, sitting.notes
    return run


def runs_like(workspace: Workspace, plan: str, *, guards: Guards = True, target: str | None = None) -> list[Path]:
    """Return the folders of the runs here of the same files on the same subject, finished or not, newest first.

    Args:
        plan: of the workspace, or one suite of it as ``PLAN@SUITE``.
        guards, target: as for `declare`.
    """
    layout = Layout(workspace.root)
    if not layout.run_ids():
        return []
    ready = _Ready.make(workspace, plan, None, guards, target=target)
    wanted = ready.manifest()
    ready.close()
    return [layout.runs / name for name in reversed(layout.run_ids()) if _same(layout.runs / name, wanted)]


def newest_like(workspace: Workspace, plan: str, *, guards: Guards, target: str | None = None) -> Run | None:
    """Return the newest of `runs_like`; None if there is none."""
    return next((Run.load(found) for found in runs_like(workspace, plan, guards=guards, target=target)), None)


class _Ready(NamedTuple):
    """Everything that a run of a workspace is made with, built once."""

    workspace: Workspace
    plan: Plan
    subject: Subject
    crew: Crew
    draws: tuple[int, ...] = ()

    @classmethod
    def make(
        cls,
        workspace: Workspace,
        plan: str,
        suites: Sequence[str] | None,
        guards: Guards,
        draws: Sequence[int] = (),
        *,
        target: str | None = None,
    ) -> _Ready:
        made = make_plan(workspace, plan, suites=suites, draws=draws)
        subject = build_subject(workspace, guards, target=target)
        return cls(workspace, made, subject, build_crew(made, subject), tuple(draws))

    def manifest(self, shards: int = 1, early: Sequence[str] = ()) -> RunManifest:
        return make_manifest(
            self.plan,
            self.subject,
            self.crew,
            system=self.workspace.system.id,
            spec_digest=self.workspace.spec_digest(self.plan.id),
            shards=shards,
            draws=self.draws,
            files=self.workspace.files,
            beside=beside(self.workspace, self.subject.use or self.workspace.target),
            looks=Waves(self.plan, early).looks if early else {},
        )

    def sit(
        self,
        directory: Path,
        log: RunLog,
        cache: ReplyCache | None,
        *,
        again: dict[str, int] | None = None,
        new: bool = False,
    ) -> Sitting:
        return Sitting(
            directory=directory,
            plan=self.plan,
            subject=self.subject,
            crew=self.crew,
            log=log,
            cache=cache,
            layout=Layout(self.workspace.root),
            again=again,
            new=new,
        )

    def close(self) -> None:
        """Close what was only asked to describe itself."""

        async def close() -> None:
            await self.crew.close()
            await self.subject.close()

        run_to_end(close())


def _declare(workspace: Workspace, directory: Path, manifest: RunManifest) -> None:
    """Declare a run, on the disk first: an entry without a run would look like one that was deleted."""
    declare_run(directory, manifest)
    keep_spec(directory, spec(workspace, manifest.plan))
    _enter(workspace, directory, manifest)


def _enter(workspace: Workspace, directory: Path, manifest: RunManifest) -> None:
    """Enter a run of the workspace in the audit log as begun, unless it is there."""
    layout = Layout(workspace.root)
    if layout.holds(directory):
        register_declared(layout, manifest)


def _sit(ready: _Ready, directory: Path, shard: int, cache: bool | Path, retry_errors: bool = False) -> Sitting:
    known = _recall(ready.workspace, directory)
    log = RunLog.open(directory, shard, known=known.heads.get(shard) if known else None)
    try:
        if known is not None and not known.declared and log.attempts:
            raise IntegrityError(
                f"{directory}: the audit log does not know this run, which has {log.attempts:,} records: it was made "
                "under another audit log, or this one lost its entries, so it cannot go on\n"
                "Point SHIPWORTHY_CONTROL_URL to the audit log it was made under, or measure again: `shipworthy eval`"
            )
        _enter(ready.workspace, directory, log.manifest)
        again = {}
        if retry_errors and (failed := Run.load(directory).failed):
            mine = [item.id for item in ready.plan.shard(shard, log.manifest.shards) if item.id in failed]
            again = {name: failed[name] + 1 for name in mine}
        return ready.sit(directory, log, open_cache(ready.workspace, cache), again=again)
    except BaseException:
        log.close()
        raise


def _recall(workspace: Workspace, directory: Path) -> Knowledge | None:
    """Return what the audit log knows of a run; None of one that lies elsewhere, which is in no audit log."""
    layout = Layout(workspace.root)
    return recall_run(layout, read_manifest(directory).id) if layout.holds(directory) else None


def _joins(directory: Path, wanted: RunManifest, accept: Callable[[RunManifest], bool]) -> bool:
    return _same(directory, wanted) and accept(read_manifest(directory))


def _same(directory: Path, other: RunManifest) -> bool:
    one = read_manifest(directory)
    return (one.spec_digest, one.plan_digest, one.subject_digest, one.shadow, one.models, one.shards, one.stopping) == (
        other.spec_digest,
        other.plan_digest,
        other.subject_digest,
        other.shadow,
        other.models,
        other.shards,
        other.stopping,
    )


def _find(workspace: Workspace, run: str | Path) -> Path:
    if isinstance(run, Path) or (Path(run) / "manifest.json").is_file():
        return Path(run)
    return Layout(workspace.root).run_directory(run)


def open_cache(workspace: Workspace, cache: bool | Path) -> ReplyCache | None:
    """Return the reply cache of a workspace, or another one; None where replies are to be fresh.

    Raises:
        UsageError: the key of the cache lies in the workspace.
        StoreError: it cannot be opened.
    """
    # A gate that wants fresh replies wants none that were kept; who names a file has it his own way.
    if cache is False or (cache is True and workspace.gate.fresh):
        return None
    key = Settings.load().cache_key_file
    if key.resolve().is_relative_to(workspace.root.resolve()):
        raise UsageError(
            f"{key}, the key of the reply cache, lies in the workspace: whoever wrote the workspace could have put it "
            "there\nName another file with SHIPWORTHY_CACHE_KEY"
        )
    return ReplyCache(Layout(workspace.root).cache / CACHE if cache is True else cache)
