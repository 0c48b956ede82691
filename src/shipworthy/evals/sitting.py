"""One sitting of a run: carry on with one of its shards under limits, and let go.

A run goes through one word at each stage of its life. A `RunManifest` declares it; a `Sitting` works on one of its
shards, once or many times; a `Run` is read back from what the sittings left on disk. `evals.begin` has the ways in and
out.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Collection
from contextlib import suppress
from pathlib import Path

from shipworthy.core.errors import IntegrityError, UsageError
from shipworthy.evals.models import Crew
from shipworthy.evals.plan import Plan
from shipworthy.evals.progress import Progress
from shipworthy.evals.results import Run
from shipworthy.evals.run import Ending, run_plan, shard_size
from shipworthy.evals.subject import Subject
from shipworthy.evals.waves import Waves
from shipworthy.exchange.budget import Limits
from shipworthy.exchange.cache import ReplyCache
from shipworthy.store.heads import Witness
from shipworthy.store.layout import Layout
from shipworthy.store.register import register_run, register_withdrawn
from shipworthy.store.runlog import RunLog

Decided = Callable[[Run], Collection[str]]
"""Is given a sequential run as it is at a look, and returns the ids of the suites that need no more."""


class Sitting:
    """Work on one shard of a run: made by `begin`, `take_up` or `join`, let go by `close`.

    Attributes:
        directory: of the run.
        shard: which part of it, from 0.
        again: attempts that are made once more, by id, with the number of the new try.
    """

    def __init__(
        self,
        *,
        directory: Path,
        plan: Plan,
        subject: Subject,
        crew: Crew,
        log: RunLog,
        cache: ReplyCache | None,
        layout: Layout,
        again: dict[str, int] | None = None,
        new: bool = False,
    ) -> None:
        self._new, self._drop = new, False
        # A run that lies elsewhere is nobody's but its owner's: it enters no register.
        self._layout = layout if layout.holds(directory) else None
        self.directory, self.plan, self.subject, self.log = directory, plan, subject, log
        self.crew, self.cache, self.again = crew, cache, again or {}
        self._witness: Witness | None = None
        self._seen: Run | None = None

    @property
    def id(self) -> str:
        """``RUN-…``."""
        return self.log.manifest.id

    @property
    def shard(self) -> int:
        """Which part of the run this sitting works on, from 0."""
        return self.log.shard

    @property
    def planned(self) -> int:
        """Attempts of this shard."""
        return shard_size(len(self.plan), self.shard, self.log.manifest.shards)

    @property
    def refused(self) -> int:
        """Kept replies that were not what had been kept, and were asked for again."""
        return self.cache.refused if self.cache is not None else 0

    @property
    def notes(self) -> tuple[str, ...]:
        """What a user should hear of this sitting, besides what the run holds."""
        if not self.refused:
            return ()
        said = f"{self.refused:,} kept repl{'ies' if self.refused != 1 else 'y'}"
        return (
            f"{said} did not have the seal of your key: edited, or kept by somebody else or another machine. None was "
            "used: the model was asked again",
        )

    @property
    def made(self) -> int:
        """Attempts of this shard that were made in earlier sittings."""
        return self.log.made

    async def carry_on(
        self,
        *,
        limits: Limits | None = None,
        concurrency: int | None = None,
        progress: Progress | None = None,
        decided: Decided | None = None,
    ) -> Ending:
        """Make the attempts that are left; see `run_plan`.

        Args:
            decided: of a sequential run, says at each look which suites need no more.
        """
        here = Path.cwd()
        waves = Waves.of(self.plan, self.log.manifest)
        if waves is not None:
            self._seen = Run.load(self.directory)

        def done() -> Collection[str]:
            run = self._seen
            if run is None or decided is None:
                return ()
            # What a wave has not finished may not be looked at: its quickest answers came first.
            return {id for id in decided(run) if not run.missing(id)}

        if self._layout is not None and self._witness is None:
            self._witness = Witness(self._layout.control_url, self.id, self.shard)
            self._witness.begin(self.log.head, self.log.records)
            self.log.durable = self._witness.durable
        try:
            return await run_plan(
                self.plan,
                self.subject,
                self.crew,
                self.log,
                limits=limits,
                concurrency=concurrency,
                cache=self.cache,
                progress=progress,
                again=self.again,
                rounds=None if waves is None else waves.rounds(done),
                made=None if self._seen is None else self._seen.take,
            )
        except UsageError:
            # A key that is not set, say: an empty run would only stand in the way of `latest`.
            self._drop = self._new and self.log.attempts == 0
            raise
        finally:
            # Code of an attempt may have gone elsewhere; the run's place may be named from here.
            with suppress(OSError):
                os.chdir(here)

    async def close(self) -> None:
        """Let go of target, cache and log, also after a failure. What was appended is durable.

        The head that the log ends with is entered in the audit log, and so is a run of the workspace that is finished
        by its own rule. A new one that a mistake in the configuration stopped before its first attempt is taken away.
        """
        try:
            await self.crew.close()
            await self.subject.close()
        finally:
            if self.cache is not None:
                self.cache.close()
            try:
                self.log.close()
            except BaseException:
                if self._witness is not None:
                    self._witness.close()
                raise
        if self._layout is None:
            return
        if self._witness is not None:
            witness, self._witness = self._witness, None
            if self._drop:
                witness.close()
            else:
                witness.end(self.log.head, self.log.records, self.refused)
        if self._drop:
            shutil.rmtree(self.directory, ignore_errors=True)
            register_withdrawn(self._layout, self.id)
        elif self.log.made >= self.planned or (self._seen is not None and self._seen.complete):
            try:
                register_run(self._layout, self.directory)
            except UsageError as error:
                raise IntegrityError(f"the run was taken away while it was made: {error}") from error
