"""One sitting of a run: begin or take up again, carry on under limits, let go."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from shipworthy.core.errors import UsageError
from shipworthy.evals.cache import ReplyCache
from shipworthy.evals.limits import Limits
from shipworthy.evals.manifest import check_same, make_manifest
from shipworthy.evals.plan import Plan, make_plan
from shipworthy.evals.progress import Progress
from shipworthy.evals.results import Run
from shipworthy.evals.run import Session, run_plan
from shipworthy.evals.subject import Subject, build_subject
from shipworthy.store.declare import declare, read_manifest
from shipworthy.store.layout import Layout
from shipworthy.store.runlog import RunLog

if TYPE_CHECKING:
    from shipworthy.workspace.load import Workspace

Guards = bool | str | Path
"""True: the workspace's own guard file, where there is one. False: none. A path: that guard file."""

CACHE = "replies.sqlite"


class OpenRun:
    """A run that is being made: made by `begin` or `take_up`, let go by `close`.

    Attributes:
        directory: of the run.
        again: attempts that are made once more, by id, with the number of the new try.
    """

    def __init__(
        self,
        *,
        directory: Path,
        plan: Plan,
        subject: Subject,
        log: RunLog,
        cache: ReplyCache | None,
        again: dict[str, int],
        layout: Layout | None = None,
        new: bool = False,
    ) -> None:
        self._new, self._drop = new, False
        self.layout = layout if layout is not None and directory.parent == layout.runs else None
        self.directory, self.plan, self.subject, self.log = directory, plan, subject, log
        self.cache, self.again = cache, again

    @property
    def id(self) -> str:
        """``RUN-…``."""
        return self.log.manifest.id

    async def carry_on(
        self, *, limits: Limits | None = None, concurrency: int | None = None, progress: Progress | None = None
    ) -> Session:
        """Make the attempts that are left; see `run_plan`."""
        try:
            return await run_plan(
                self.plan,
                self.subject,
                self.log,
                limits=limits,
                concurrency=concurrency,
                cache=self.cache,
                progress=progress,
                again=self.again,
            )
        except UsageError:
            # A key that is not set, say: an empty run would only stand in the way of `latest`.
            self._drop = self._new and self.log.attempts == 0
            raise

    async def close(self) -> None:
        """Let go of target, cache and log, also after a failure. What was appended is durable.

        A run of the workspace that has all of its attempts is entered in the audit log. A new one that a mistake in
        the configuration stopped before its first attempt is taken away.
        """
        try:
            await self.subject.close()
        finally:
            if self.cache is not None:
                self.cache.close()
            self.log.close()
        if self._drop and self.layout is not None:
            shutil.rmtree(self.directory, ignore_errors=True)
            return
        if self.layout is not None and self.log.attempts >= self.log.manifest.planned:
            from shipworthy.store.register import register_run

            register_run(self.layout, self.directory)


def begin(
    workspace: Workspace,
    plan: str = "full",
    *,
    suites: Sequence[str] | None = None,
    guards: Guards = True,
    cache: bool | Path = True,
    directory: Path | None = None,
) -> OpenRun:
    """Start a run: plan it, build the subject, write the manifest.

    Args:
        plan, suites: as for `make_plan`.
        cache: whether to keep and reuse replies; a path is the file to keep them in.
        directory: of the run; a new one under the workspace's ``.shipworthy/runs`` if left out.

    Raises:
        UsageError: something cannot work as configured.
        StoreError: the run log or the cache cannot be written.
    """
    planned = make_plan(workspace, plan, suites=suites)
    subject = build_subject(workspace, guards)
    manifest = make_manifest(planned, subject, system=workspace.system.id, spec_digest=workspace.spec_digest(plan))
    place = directory or Layout(workspace.root).runs / manifest.id
    replies = _open_cache(workspace, cache)
    declare(place, manifest)
    log = RunLog.open(place)
    layout = Layout(workspace.root)
    return OpenRun(
        directory=place, plan=planned, subject=subject, log=log, cache=replies, again={}, layout=layout, new=True
    )


def take_up(
    workspace: Workspace,
    run: str | Path = "latest",
    *,
    guards: Guards | None = None,
    cache: bool | Path = True,
    retry_errors: bool = False,
) -> OpenRun:
    """Go on with a run: no finished attempt is lost, and none is made again.

    Args:
        run: its id, a prefix of it, ``latest``, or its directory.
        guards: the run's own, if left out: none, or the workspace's guard file. A run that was begun with another
            guard file needs the same file again.
        retry_errors: make attempts that ended in an error once more. Both records stay; the later one counts.

    Raises:
        UsageError: there is no such run, it is being written, or files or subject have changed since it began.
        IntegrityError: its log is not what was written.
    """
    directory = _find(workspace, run)
    manifest = read_manifest(directory)
    if guards is None:
        guards = bool(manifest.guards)
    plan = make_plan(workspace, manifest.plan, suites=[use.id for use in manifest.suites])
    subject = build_subject(workspace, guards)
    now = make_manifest(
        plan, subject, system=workspace.system.id, spec_digest=workspace.spec_digest(manifest.plan), id=manifest.id
    )
    check_same(manifest, now, directory)
    log = RunLog.open(directory)
    try:
        again = {name: tries + 1 for name, tries in Run.load(directory).failed.items()} if retry_errors else {}
        replies = _open_cache(workspace, cache)
        layout = Layout(workspace.root)
        return OpenRun(
            directory=directory, plan=plan, subject=subject, log=log, cache=replies, again=again, layout=layout
        )
    except BaseException:
        log.close()
        raise


def _find(workspace: Workspace, run: str | Path) -> Path:
    if isinstance(run, Path) or (Path(run) / "manifest.json").is_file():
        return Path(run)
    return Layout(workspace.root).run_directory(run)


def _open_cache(workspace: Workspace, cache: bool | Path) -> ReplyCache | None:
    if cache is False:
        return None
    return ReplyCache(Layout(workspace.root).cache / CACHE if cache is True else cache)
