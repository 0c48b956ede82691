"""What another tool measured, written down as a run of the workspace: shown, compared and listed as any other."""

from __future__ import annotations

import asyncio
import hashlib
import time
from collections.abc import Callable, Collection
from importlib import import_module
from pathlib import Path

import msgspec
from msgspec.structs import replace

from shipworthy import __version__
from shipworthy.core.digests import digest, file_digest
from shipworthy.core.errors import UsageError, did_you_mean
from shipworthy.core.events import Asked, Event, Failed, Said, Timing, Usage
from shipworthy.core.manifest import SCHEMA, RunManifest, SuiteUse
from shipworthy.core.metric import Good
from shipworthy.core.records import Attempt, Score
from shipworthy.detect.redact import seal
from shipworthy.evals.imports.foreign import Foreign, ForeignAttempt
from shipworthy.evals.manifest import new_run_id
from shipworthy.evals.results import Run
from shipworthy.evals.subject import Subject
from shipworthy.store.declare import declare_run
from shipworthy.store.layout import Layout
from shipworthy.store.register import register_declared, register_run
from shipworthy.store.runlog import RunLog

IMPORTED = "imported-"
"""A run's plan begins with this where another tool made it: no plan of the workspace asked for it."""
FORMATS = {
    "garak": "garak",
    "inspect": "inspect_log",
    "promptfoo": "promptfoo",
    "pyrit": "pyrit",
    "lm-eval": "lm_eval",
    "petri": "petri",
    "scout": "scout",
    "csv": "table",
}
"""Format -> the file here that reads it."""


def read_foreign(path: Path, form: str = "") -> Foreign:
    """Read a file of another tool.

    Args:
        form: of `FORMATS`; found by the file's name and first bytes if empty.

    Raises:
        UsageError: it is in none of the formats, or malformed: line and field are named.
    """
    form = form or _form(path)
    reader: Callable[[Path], Foreign] = import_module(f"shipworthy.evals.imports.{FORMATS[form]}").read
    return reader(path)


def directed(found: Foreign, low: Collection[str], high: Collection[str]) -> Foreign:
    """Return results with the word of a person on which way is good of some metrics.

    Raises:
        UsageError: there is no such metric, or it is named in both.
    """
    names = {metric.name for some in found.metrics.values() for metric in some}
    if both := set(low) & set(high):
        raise UsageError(f"{sorted(both)[0]!r} cannot be good both low and high")
    for name in (*low, *high):
        if name not in names:
            raise UsageError(f"the results have no metric {name!r}: {did_you_mean(name, sorted(names))}")
    said: dict[str, Good] = {**dict.fromkeys(low, "low"), **dict.fromkeys(high, "high")}
    return found._replace(
        metrics={
            suite: tuple(replace(one, good=said.get(one.name, one.good)) for one in some)
            for suite, some in found.metrics.items()
        }
    )


def bring(layout: Layout, system: str, path: Path, found: Foreign, *, subject: Subject | None = None) -> Run:
    """Write what was read as a run, enter it in the audit log, and return it.

    All text is redacted before it is stored, as a private suite's is. Nothing of it passes a gate: no suite of the
    workspace, and no plan, asked for it; a decision rests on runs that shipworthy made.

    Args:
        system: id of the workspace's system.
        path: the file; its digest is kept.
        subject: that was measured, where the tool was run on a target of the workspace.

    Raises:
        UsageError: two attempts are the same one, or the file holds none.
        StoreError: it cannot be written.
    """
    manifest = _manifest(system, path, found, subject)
    directory = layout.runs / manifest.id
    sealed = [seal(attempt, "private") for attempt in _attempts(found)]  # before anything is written
    declare_run(directory, manifest)
    register_declared(layout, manifest)
    log = RunLog.open(directory)

    async def write() -> None:
        await asyncio.gather(*map(log.append, sealed))

    try:
        asyncio.run(write())
    finally:
        log.close()
    register_run(layout, directory)
    return Run.load(directory)


def _manifest(system: str, path: Path, found: Foreign, measured: Subject | None = None) -> RunManifest:
    now, source = time.time(), _source(path, found)
    subject = {"imported": found.tool, "version": found.version, "target": found.target, "file": source}
    uses = []
    for suite, metrics in found.metrics.items():
        mine = [attempt for attempt in found.attempts if attempt.suite == suite]
        if not mine or not metrics:
            raise UsageError(f"{path}: {suite} has no attempt, or no score; nothing was imported")
        uses.append(
            SuiteUse(
                id=suite,
                version=found.version or "1",
                digest=_suite_digest(found, suite),
                content="private",
                samples=len({one.sample for one in mine}),
                clusters=len({one.cluster or one.sample for one in mine}),
                attempts=len(mine),
                each=max(one.number for one in mine),
                icc=0.0,
                max_error_rate=0.02,
                metric=metrics[0].name,
                metrics=metrics,
                attacks=tuple(dict.fromkeys(one.attack for one in mine)),
            )
        )
    return RunManifest(
        schema=SCHEMA, id=new_run_id(now), created=time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(now)),
        system=system, plan=IMPORTED + found.tool, plan_digest=digest([source]), spec_digest=digest([found.tool]),
        subject_digest=measured.digest if measured else digest({**subject, "file": ""}),
        subject={**subject, **measured.description} if measured else subject, suites=tuple(uses),
        planned=len(found.attempts), seed=0, engine=__version__, host=f"made {found.created or 'at an unknown time'}",
    )  # fmt: skip


def _source(path: Path, found: Foreign) -> str:
    """Return the digest of the file, or of it and those beside it that belong to it."""
    if not found.beside:
        return file_digest(path)
    return digest(sorted([path.name, file_digest(path)] for path in (path, *found.beside)))


def _suite_digest(found: Foreign, suite: str) -> str:
    """Return a digest of what was asked: two files on the same questions have the same."""
    asked = sorted({(one.sample, one.attack) for one in found.attempts if one.suite == suite})
    return digest([found.tool, suite, [list(pair) for pair in asked]])


def _attempts(found: Foreign) -> list[Attempt]:
    kinds = {(suite, metric.name): metric.kind for suite, some in found.metrics.items() for metric in some}
    made: dict[str, Attempt] = {}
    for one in found.attempts:
        key = msgspec.json.encode([one.suite, one.sample, one.attack, one.number])
        id = f"AT-{hashlib.sha256(key).hexdigest()[:16]}"
        if id in made:
            raise UsageError(
                f"{one.suite}: attempt {one.number} of {one.sample} under {one.attack} is there twice; "
                "nothing was imported"
            )
        scores = [
            Score(metric=name, scorer=found.tool, value=float(said))
            if kinds[one.suite, name] == "value"
            else Score(metric=name, scorer=found.tool, hit=bool(said))
            for name, said in one.said.items()
        ]
        made[id] = Attempt(
            id=id, suite=one.suite, sample=one.sample, attack=one.attack, number=one.number,
            cluster=one.cluster or one.sample, seed=0, content_hash=f"sha256:{hashlib.sha256(key).hexdigest()}",
            outcome=one.outcome, scores=tuple(scores) if one.outcome == "scored" else (),
            events=_events(one), error=one.error, timing=Timing(seconds=one.seconds),
        )  # fmt: skip
    return list(made.values())


def _events(one: ForeignAttempt) -> tuple[Event, ...]:
    """Return the conversation, a turn for each answer, and one call that all usage is put to."""
    events: list[Event] = []
    turn = 1
    for message in one.messages:
        if message.role == "assistant":
            events.append(Said(turn, message, by="target"))
            turn += 1
        else:
            events.append(Said(turn, message))
    usage = Usage(*one.tokens, one.cost_usd)
    if one.outcome == "scored":
        events.append(Asked(max(1, turn - 1), "target", usage=usage))
    else:
        events.append(Failed(turn, "target", kind="imported", message=one.error))
    return tuple(events)


def _form(path: Path) -> str:
    name = path.name.lower()
    try:
        with path.open("rb") as file:
            first = file.read(4096)
    except OSError as error:
        raise UsageError(f"cannot read {path}: {error.strerror or error}") from error
    if first.startswith(b"SQLite format 3"):
        return "pyrit"
    if name.endswith(".eval") or first.startswith(b"PK"):
        return _of_inspect(path)
    if first.startswith(b"PAR1") or b'"scan_id"' in first[:200]:
        return "scout"
    if (name.startswith("samples_") and b'"doc_hash"' in first) or b'"sample_len"' in first:
        return "lm-eval"
    if name.endswith(".csv"):
        return "csv"
    if b'"entry_type"' in first:
        return "garak"
    if b'"evalId"' in first or b'"results"' in first[:400]:
        return "promptfoo"
    if b'"eval"' in first and b'"version"' in first[:200]:
        return _of_inspect(path)
    raise UsageError(f"{path}: in no format that is known; say which with --from ({', '.join(FORMATS)})")


def _of_inspect(path: Path) -> str:
    from shipworthy.evals.imports.petri import is_audit

    return "petri" if is_audit(path) else "inspect"
