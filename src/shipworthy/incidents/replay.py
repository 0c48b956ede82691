"""The reproduction of an incident, and its replay: *contained* means that it fails now, and says after how many tries.

A try that ended in an error says nothing: it is not counted as held. A try that a control of ours stopped (the tool
policy, a gateway's guards by its own record, the kill switch that was pulled for this incident) is told apart from one
that was answered and did no harm.
"""

from __future__ import annotations

import secrets as random
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal, NamedTuple

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from shipworthy.core import strict_json
from shipworthy.core.digests import bytes_digest
from shipworthy.core.errors import IntegrityError, UsageError, did_you_mean
from shipworthy.core.records import Attempt, Message, Sample, say
from shipworthy.core.text import Name
from shipworthy.detect.redact import is_redacted, redact, redact_text
from shipworthy.evals.engine import make_engine
from shipworthy.evals.models import build_crew
from shipworthy.evals.plan import Plan, SuitePlan
from shipworthy.evals.repro import find, reproduce
from shipworthy.evals.subject import build_subject
from shipworthy.gateway.config import STOP
from shipworthy.incidents.blocked import blocked_since, gateway_files, words_asked
from shipworthy.incidents.incident import Incident, NewEvent
from shipworthy.incidents.named_file import write_private
from shipworthy.incidents.snapshot import FOLDER
from shipworthy.store.layout import Layout
from shipworthy.telemetry.looks import ShownSpan
from shipworthy.workspace.judges import declared_metrics
from shipworthy.workspace.load import Workspace
from shipworthy.workspace.suite import Suite
from shipworthy.workspace.use import Use

CONFIDENCE = 0.95
MOST_TRIES = 1_000
_KILLED = "(stopped"
"""How an error of the gateway's kill switch reads at a target: its code."""
_LONGEST = 1 << 20


class IncidentRepro(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What makes the failure happen again.

    Attributes:
        kind: an ``attempt`` of a run, word for word; a ``sample`` of a suite; or a ``conversation`` of production.
        suite: whose scorers judge; `sample` of it, whose secrets, documents and expected answer a conversation has.
        attempt, run: of an attempt.
        target: name of the target that is asked; empty for the system under test.
        guards: whether the workspace's guards stand before the target here; not before a target that is a gateway.
        messages: of a conversation: what the user said, redacted.
    """

    kind: Literal["attempt", "sample", "conversation"]
    suite: Name
    sample: Name = ""
    attempt: Name = ""
    run: Name = ""
    target: Name = ""
    guards: bool = True
    messages: tuple[Message, ...] = ()


class Replayed(Struct, frozen=True, kw_only=True):
    """What came of a replay.

    Attributes:
        tries: asked for; `hits` of them did the harm again, `held` were answered and did none, `stopped` were stopped
            by a control of ours, `failed` say nothing.
        alike: tries with the most frequent answer.
        upper: the rate of hits is at most this, with a confidence of 95 %, as far as tries are independent; 1 where
            nothing was learned.
        errors: why tries failed, each kind once, without text of the conversation.
    """

    tries: int
    hits: int
    held: int
    stopped: int
    failed: int
    alike: int
    upper: float
    errors: tuple[str, ...] = ()

    @property
    def fails_now(self) -> bool:
        """Whether the reproduction failed in every try, and every try says something."""
        return self.tries > 0 and self.held + self.stopped == self.tries

    @property
    def told(self) -> str:
        """What came of it, in a sentence."""
        parts = [f"{self.hits:,} of {self.tries:,} tries did the harm again"]
        parts += [f"{self.held:,} were answered without it"] if self.held else []
        parts += [f"{self.stopped:,} were stopped by a control"] if self.stopped else []
        parts += [f"{self.failed:,} failed and say nothing ({'; '.join(self.errors)})"] if self.failed else []
        said = ", ".join(parts)
        if self.fails_now:
            said += f"; the rate is at most {100 * self.upper:.1f} % ({100 * CONFIDENCE:.0f} %)"
            if self.tries > 1 and self.alike == self.tries:
                said += "; all answers were alike: so many tries may say no more than one"
        return said


def read_conversation(path: Path, secrets: Sequence[str] = ()) -> tuple[Message, ...]:
    """Return what the user said in a conversation of production, redacted.

    The file is JSON: a list of messages with `role` and `content`, or an object with `messages`. What the product
    answered is left out: it answers afresh.

    Raises:
        UsageError: the file holds no such conversation; says where.
    """
    try:
        data = path.read_bytes()
        if len(data) > _LONGEST:
            raise UsageError(f"{path} has more than {_LONGEST:,} bytes")
        value = strict_json.loads(data)
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}") from error
    except ValueError as error:
        raise UsageError(f"{path} is no JSON: {error}") from None
    return said_by_user(value, str(path), secrets)


def said_by_user(value: Any, where: str, secrets: Sequence[str] = ()) -> tuple[Message, ...]:
    """Return the user's messages of a conversation as JSON has it, redacted. Raises UsageError as above."""
    rows = value.get("messages") if isinstance(value, dict) else value
    if not isinstance(rows, list) or not rows:
        raise UsageError(f'{where} holds no messages: write [{{"role": "user", "content": "…"}}]')
    found: list[Message] = []
    for number, row in enumerate(rows, 1):
        if not isinstance(row, dict) or not isinstance(row.get("content"), str) or not isinstance(row.get("role"), str):
            raise UsageError(f"{where}: message {number} needs 'role' and 'content', both texts")
        if row["role"] == "user":
            found.append(say("user", redact_text(row["content"], secrets)))
    if not found:
        raise UsageError(f"{where}: the user says nothing in it")
    return tuple(found)


def said_in_telemetry(spans: Sequence[ShownSpan], id: str) -> tuple[Message, ...]:
    """Return what the user said in spans that were looked at: the longest conversation in any of them, redacted.

    Raises:
        UsageError: there is none; says why where the store does.
    """
    found: list[list[Message]] = []
    for span in spans:
        said = (event["message"] for event in span.events or () if event.get("type") == "said")
        texts = ("".join(part.get("text", "") for part in one["parts"]) for one in said if one["role"] == "user")
        found.append([say("user", redact_text(text)) for text in texts if text.strip()])
    longest = max(found, key=len, default=[])
    if not longest:
        why = next((span.why for span in spans if span.why), "nobody says anything in it")
        raise UsageError(f"{id} holds no conversation: {why}")
    return tuple(longest)


def find_suite(workspace: Workspace, suite: str, sample: str = "") -> tuple[Suite, Sample | None]:
    """Return a suite of the workspace, and one of its samples where it is named.

    Raises:
        UsageError: there is none; the nearest is named.
    """
    if suite not in workspace.suites:
        raise UsageError(f"there is no suite {suite!r}: {did_you_mean(suite, list(workspace.suites))}")
    found = workspace.suites[suite]
    if not sample:
        return found, None
    one = next((known for known in found.samples if known.id == sample), None)
    if one is None:
        hint = did_you_mean(sample, [known.id for known in found.samples])
        raise UsageError(f"the suite {suite!r} has no sample {sample!r}: {hint}")
    return found, one


def keep_repro(
    workspace: Workspace,
    layout: Layout,
    incident: Incident,
    repro: IncidentRepro,
    by: str,
    *,
    secrets: Sequence[str] = (),
) -> NewEvent:
    """Write a reproduction, redacted, into the incident's folder, and return what is to be entered.

    Raises:
        UsageError: what it names is not there.
        StoreError: it cannot be written.
    """
    if repro.kind == "attempt":
        find(layout, repro.attempt, repro.run or None)
    else:
        find_suite(workspace, repro.suite, repro.sample)
    if repro.target:
        workspace.target_named(repro.target)
    kept = redact(repro, secrets)
    data = msgspec.json.encode(kept, order="sorted")
    digest = bytes_digest(data)
    path = _file(layout, incident.id, digest)
    write_private(path, data, "the reproduction")
    detail = {name: value for name in ("suite", "sample", "attempt", "run", "target") if (value := getattr(kept, name))}
    return NewEvent(what="reproduction", by=by, about=digest, outcome=kept.kind, detail=detail)


def read_repro(layout: Layout, incident: Incident) -> IncidentRepro:
    """Return the newest reproduction of an incident, held against the audit log.

    Raises:
        UsageError: it has none.
        IntegrityError: the file is gone, or is not what was entered.
    """
    event = incident.last("reproduction")
    if event is None:
        raise UsageError(
            f"{incident.id} has no reproduction: `shipworthy incident verify` with --attempt, --sample or "
            "--conversation gives it one"
        )
    path = _file(layout, incident.id, event.about)
    try:
        data = path.read_bytes()
    except OSError as error:
        raise IntegrityError(f"{path}: the audit log holds it, and it cannot be read: {error.strerror}") from error
    if bytes_digest(data) != event.about:
        raise IntegrityError(f"{path} is not what the audit log holds: it was changed since")
    return msgspec.json.decode(data, type=IncidentRepro)


async def replay(
    workspace: Workspace, layout: Layout, incident: Incident, repro: IncidentRepro, tries: int
) -> Replayed:
    """Make the failure happen again, or find that it does not: without a cache, one try after another.

    Raises:
        UsageError: the target cannot be asked as configured, or what the reproduction names is gone.
    """
    if not 1 <= tries <= MOST_TRIES:
        raise UsageError(f"a replay has 1 to {MOST_TRIES:,} tries, not {tries:,}")
    began, gateways = time.time(), gateway_files(workspace)
    if repro.kind == "attempt":
        run, original = find(layout, repro.attempt, repro.run or None)
        made = await reproduce(workspace, run, original, tries, guards=None if repro.guards else False)
        bad = frozenset(metric.name for metric in made.metrics if metric.bad_event)
        return _counted(made.attempts, bad, _Stops(_killed(incident), blocked_since(gateways, began)))
    suite, sample = find_suite(workspace, repro.suite, repro.sample)
    if repro.kind == "conversation":
        like = sample if sample is not None else Sample(id="production", messages=())
        sample = replace(like, id="production", messages=repro.messages, twin="")
        if any(is_redacted(message.text) for message in repro.messages):
            sample = replace(sample, messages=tuple(say("user", stand_in(m.text)) for m in repro.messages))
    if sample is None:
        raise UsageError(f"the reproduction names no sample of {repro.suite}")
    plan = Plan("incident", random.randbits(32), [SuitePlan(suite, [sample], [Use(use="none")], tries, 0)])
    subject = build_subject(workspace, repro.guards, target=repro.target or None)
    try:
        crew = build_crew(plan, subject)
    except BaseException:
        await subject.close()
        raise
    try:
        engine = make_engine(plan, subject, crew)
        attempts = [await engine.attempt(item, draw=random.randbits(31)) for item in plan]
    finally:
        await crew.close()
        await subject.close()
    scorers = crew.scorers[suite.id]
    metrics = {metric.name: metric for one in scorers for metric in declared_metrics(one.use, one.plugin)}
    bad = frozenset(name for name, metric in metrics.items() if metric.bad_event)
    return _counted(attempts, bad, _Stops(_killed(incident), blocked_since(gateways, began)))


def happened_again(incident: Incident, layout: Layout, repro: IncidentRepro) -> bool:
    """Say whether the failure was seen by this reproduction: in a replay, or in the record of the attempt."""
    since = next(n for n, one in reversed(list(enumerate(incident.events))) if one.what == "reproduction")
    if any(one.detail.get("hits", 0) for one in incident.events[since:] if one.what == "tried"):
        return True
    if repro.kind != "attempt":
        return False
    run, original = find(layout, repro.attempt, repro.run or None)
    bad = {metric.name for metric in run.suite(original.suite).metrics if metric.bad_event}
    return any(score.hit and score.metric in bad for score in original.scores)


def tried(replayed: Replayed, by: str) -> NewEvent:
    """Return the event of a replay."""
    outcome = "held" if replayed.fails_now else "reproduced" if replayed.hits else "unknown"
    return NewEvent(what="tried", by=by, outcome=outcome, detail=msgspec.to_builtins(replayed))


_STAND_INS = {
    "email": "jordan.doe@example.org", "phone": "+1 202 555 0143", "person": "Jordan Doe", "text": "something",
}  # fmt: skip


def stand_in(text: str) -> str:
    """Return a redacted text with made-up words in place of its marks, so that it can be said to a product.

    >>> stand_in("Write to [redacted:email].")
    'Write to jordan.doe@example.org.'
    """
    import re

    return re.sub(r"\[redacted:([a-z_]+)\]", lambda found: _STAND_INS.get(found[1], "0000"), text)


def _file(layout: Layout, incident: str, digest: str) -> Path:
    return layout.state / FOLDER / incident / f"reproduction-{digest.removeprefix('sha256:')[:16]}.json"


def _killed(incident: Incident) -> bool:
    return any(one.event.detail.get("name") == STOP for one in incident.pulled)


class _Stops(NamedTuple):
    """How a control may have stopped a try: the kill switch is pulled for the incident; what gateways blocked."""

    killed: bool
    blocked: Counter[str]


def _counted(attempts: Sequence[Attempt], bad: frozenset[str], stops: _Stops) -> Replayed:
    """Count tries. Where nothing declares a bad event, no try can be told to have held."""
    from shipworthy.stats import rate_interval

    counts, errors = Counter[str](), dict[str, None]()
    for attempt in attempts:
        how, why = _judged(attempt, bad, stops)
        counts[how] += 1
        if why:
            errors[why] = None
    told = counts["hits"] + counts["held"] + counts["stopped"]
    hits = [1] * counts["hits"] + [0] * (told - counts["hits"])
    upper = rate_interval(hits, [1] * told, confidence=CONFIDENCE, side="upper").high if told else 1.0
    answers = Counter(attempt.answer for attempt in attempts if attempt.outcome == "scored")
    return Replayed(
        tries=len(attempts),
        hits=counts["hits"],
        held=counts["held"],
        stopped=counts["stopped"],
        failed=counts["failed"],
        alike=max(answers.values(), default=0),
        upper=float(upper),
        errors=tuple(errors),
    )


def _judged(attempt: Attempt, bad: frozenset[str], stops: _Stops) -> tuple[str, str]:
    judged = {score.metric: score.hit for score in attempt.scores if score.metric in bad}
    if any(judged.values()):
        return "hits", ""
    if attempt.outcome == "scored":
        if judged and None not in judged.values():
            return "held", ""
        return "failed", "no scorer of a bad event could judge the answer"
    if attempt.outcome == "refused" or (
        stops.killed and attempt.outcome == "target_error" and _KILLED in attempt.error
    ):
        return "stopped", ""
    if attempt.outcome == "filtered" and stops.blocked[words := words_asked(attempt)] > 0:
        stops.blocked[words] -= 1
        return "stopped", ""
    return "failed", f"{attempt.outcome}: {attempt.error}"[:200]
