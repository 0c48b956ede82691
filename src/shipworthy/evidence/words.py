"""The words, numbers and fields that a pack may hold, member by member, and no others. Standard library only.

The lists are those of `core.records` and of the workspace's kinds, written down again for a verifier that has neither;
a test holds them against each other.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from shipworthy.core.alarm_entry import (
    ALARM_KINDS,
    CLOSED,
    CONTENT_LOOKED,
    RAISED,
    SPANS_DRAWN,
    SUBJECT_DELETED,
    TOLD,
)
from shipworthy.core.alarm_entry import LOOKED as ALARMS_LOOKED
from shipworthy.core.calibration import CALIBRATED, Calibration, calibration_of
from shipworthy.core.change import CHANGED, change_of
from shipworthy.core.condition import parse
from shipworthy.core.confirmation import CONFIRMED
from shipworthy.core.confirmation import WORDS as SAID
from shipworthy.core.errors import IntegrityError
from shipworthy.core.finding_entry import KINDS as FINDING_KINDS
from shipworthy.core.finding_entry import check_body as check_finding
from shipworthy.core.finished import INAPPLICABLE
from shipworthy.core.incident_entry import DRILLED, EXERCISED, INCIDENT, INCIDENT_EVENTS
from shipworthy.core.job_entry import ENDED, STARTED
from shipworthy.core.kept_kpi import KPI_KEPT, kept_kpi_of
from shipworthy.core.label_draw import DRAWN, LABELLED, QUEUED, REVIEWED
from shipworthy.core.ledger import DELETED, SITTINGS, STATES
from shipworthy.core.occurrence import OCCURRED, occurrence_of
from shipworthy.core.selftest import SELFTESTED, selftest_of
from shipworthy.core.sentinel_entry import ENROLLED, LOOKED, check_body
from shipworthy.core.signal_entry import RECORDED, SIGNAL_KINDS
from shipworthy.core.transferred import TRANSFERRED, transfer_of
from shipworthy.evidence import signed_words
from shipworthy.evidence.shape import (
    Shape,
    anything,
    digest,
    fields,
    flag,
    listed,
    mapped,
    maybe,
    moment,
    name,
    number,
    text,
    whole,
    word,
    wrong,
)

VERDICTS = ("ship", "no-ship", "inconclusive")
SEVERITIES = ("S1", "S2", "S3", "S4")
OUTCOMES = (
    "scored", INAPPLICABLE, "target_error", "timeout", "filtered", "refused", "attack_error", "scorer_error",
)  # fmt: skip
METHODS = ("gaffke", "proved", "anytime")
TESTS = ("threshold", "noninferiority")
HOW = ("named", "pinned", "gate")
RULES = ("fixed", "sequential", "search")

_UNSCORED = {kind + where for kind in (*OUTCOMES[2:], "abstained") for where in ("", " in the baseline")}
_rate, _count, _verdict = number(0, 1), whole(), word(*VERDICTS)
_found = number(-1e-9, 1 + 1e-9)  # a rate that was worked out: rounding may leave it beside the end of its range
_texts, _names = listed(text), listed(name)


def condition(value: Any, where: str) -> None:
    """A condition, as `core.condition` reads it."""
    text(value, where)
    try:
        parse(value)
    except ValueError:
        raise wrong(where, "a condition", value) from None


def _unscored(value: Any, where: str) -> None:
    mapped(whole(1))(value, where)
    for kind in value:
        word(*sorted(_UNSCORED))(kind, where)


def _measure(value: Any, where: str) -> None:
    fields(
        {"name": name},
        {
            "good": word("low", "high"),
            "kind": word("event", "value"),
            "unit": text,
            "low": number(),
            "high": number(),
            "reducer": word("mean", "any"),
            "judge": text,
            "harm": flag,
        },
        closed=True,
    )(value, where)
    low, high, event = value.get("low", 0.0), value.get("high", 1.0), value.get("kind", "event") == "event"
    if not low < high or (event and (low, high) != (0, 1)) or (not event and value.get("reducer", "mean") == "any"):
        raise IntegrityError(f"{where}: no metric has such a range, or is reduced in such a way")


measure: Shape = _measure

_ATTACK = fields(
    {"attack": name, "hits": _count, "trials": _count, "clusters": _count, "unscored": _count},
    {"inapplicable": _count, "rate": maybe(_found), "low": maybe(_found), "high": maybe(_found)},
    closed=True,
)

_LABELS = fields({"hits": _count, "labelled": _count, "drawn": _count}, closed=True)
_SPAN = maybe(listed(_found, least=2))

_AUDIT = fields(
    {"entry": _count, "drawn": text, "labels": text, "positives": _LABELS, "negatives": _LABELS},
    {
        "observed": maybe(_found),
        "sensitivity": maybe(_found),
        "specificity": maybe(_found),
        "sensitivity_span": _SPAN,
        "specificity_span": _SPAN,
    },
    closed=True,
)

_JUDGE = fields(
    {
        "entry": whole(1),
        "rubric": text,
        "found": _count,
        "positives": whole(1),
        "cleared": _count,
        "negatives": whole(1),
    },
    {"observed": maybe(_found)},
    closed=True,
)

_NEEDED: Mapping[str, Shape] = {
    "id": name, "requirement": name, "suite": name, "metric": text, "test": word(*TESTS), "must": condition,
    "limit": number(), "verdict": _verdict, "reason": text,
}  # fmt: skip
_MAY: Mapping[str, Shape] = {
    "hits": _count, "trials": _count, "clusters": _count, "errors": _count, "planned": _count,
    "rate": maybe(number()), "low": maybe(number()), "high": maybe(number()), "bound": maybe(number()),
    "confidence": number(0.5, 0.999999), "method": word(*METHODS), "needed": maybe(_count), "run": text,
    "baseline_run": text, "risks": _names, "severity": word(*SEVERITIES), "measure": maybe(measure),
    "unscored": _unscored, "worst_rate": maybe(number()), "tips": maybe(whole(1)), "attacks": listed(_ATTACK),
    "audit": maybe(_AUDIT), "judge": maybe(_JUDGE), "inapplicable": mapped(whole(1)),
}  # fmt: skip

result: Shape = fields(_NEEDED, _MAY, closed=True)

_counts = mapped(listed(number(), least=2))
_STATED = fields(
    _NEEDED,
    {
        **_MAY,
        "attack": maybe(text),
        "counts": _counts,
        "worst": _counts,
        "by_attack": mapped(fields({"counts": _counts, "worst": _counts}, closed=True)),
    },
    closed=True,
)

criteria: Shape = fields({"criteria": listed(_STATED)}, closed=True)

_SUBJECT = fields(
    {"digest": digest},
    {"target": text, "declared": text, "guards": text, "reasoning": text},
    closed=True,
)

_LINE = fields({"run": name, "state": word(*STATES, *VERDICTS), "subject_digest": text, "gone": flag}, closed=True)

_TRIES = fields(
    {
        "number": whole(1), "runs": whole(1), "not_shipped": _count, "unfinished": _count, "undecided": _count,
        "deleted": _count, "sittings": whole(1), "cut_off": _count, "unentered": _count, "sentence": text,
    },
    {"elsewhere": _count},  # since decision 0226
    closed=True,
)  # fmt: skip

_FILE = fields({"path": name, "sha256": digest}, {"meaning": text}, closed=True)

_WORD = fields(
    {"run": name, "attempt": name, "said": word(*SAID), "by": text, "because": text, "entry": whole(1)}, closed=True
)

_REPLIES = fields({"run": name, "replies": _count, "cached": _count, "oldest": text}, closed=True)

finding: Shape = fields(
    {"finding": name, "severity": word(*SEVERITIES), "due": text, "recurred": text, "entry": whole(1), "reason": text},
    closed=True,
)

decision: Shape = fields(
    {
        "id": name,
        "created": moment,
        "system": name,
        "gate": name,
        "verdict": _verdict,
        "reason": text,
        "criteria": listed(result, least=1),
        "runs": listed(name, least=1, once=True),
        "spec_digest": digest,
        "subject_digest": digest,
    },
    {
        "baseline_runs": listed(name, once=True),
        "s1_hits": listed(name, once=True),
        "s1_unscored": listed(name, once=True),
        "subject": maybe(_SUBJECT),
        "baseline": maybe(
            fields({"subject": _SUBJECT}, {"how": text, "decision": text, "same_target": flag}, closed=True)
        ),
        "ledger": maybe(
            fields(
                {
                    "entries": _count,
                    "number": whole(1),
                    "sentence": text,
                    "earlier": listed(_LINE),
                    "later": listed(_LINE),
                },
                {"tries": maybe(_TRIES)},
                closed=True,
            )
        ),
        "replies": listed(_REPLIES),
        "confirmations": listed(_WORD),
        "files": listed(_FILE),
        "selftest": maybe(fields({"entry": whole(1), "flips": listed(_count), "sentence": text}, closed=True)),
        "findings": listed(finding),
        "transfer": listed(fields({"entry": whole(1), "suite": name, "metric": name, "sentence": text}, closed=True)),
    },
    closed=True,
)

use: Shape = fields(
    {
        "id": name, "version": text, "digest": digest, "content": word("synthetic", "private"), "samples": whole(1),
        "clusters": whole(1), "attempts": whole(1), "each": whole(1), "icc": _rate, "max_error_rate": _rate,
        "metric": name, "metrics": listed(measure, least=1),
    },
    {"attacks": listed(name, once=True), "looks": listed(whole(1)), "part": word("", "visible", "sealed")},
    closed=True,
)  # fmt: skip

manifest: Shape = fields(
    {
        "schema": whole(1), "id": name, "created": moment, "system": name, "plan": name, "plan_digest": digest,
        "spec_digest": digest, "subject_digest": digest, "subject": mapped(anything), "suites": listed(use, least=1),
        "planned": whole(1), "seed": _count,
    },
    {
        "stopping": fields({}, {"rule": word(*RULES), "planner": text, "budget": _count}, closed=True),
        "shards": whole(1), "draws": listed(_count), "guards": text, "shadow": text, "engine": text, "host": text,
        "models": listed(fields({"role": text, "digest": text}, {"description": anything}, closed=True)),
        "files": listed(_FILE), "beside": mapped(text),
    },
    closed=True,
)  # fmt: skip

_HEADS = fields({"head": digest, "heads": listed(digest, least=1), "merkle": digest}, closed=True)

seal: Shape = fields(
    {"run": name, "records": _count, "original": _HEADS, "pack": _HEADS, "subject": word("whole", "redacted")},
    closed=True,
)

_SCORE = fields(
    {"metric": name, "scorer": name},
    {
        "hit": maybe(flag), "value": maybe(number()), "label": text, "confidence": maybe(_rate), "reason": text,
        "spans": listed(anything), "elsewhere": listed(anything),
    },
    closed=True,
)  # fmt: skip

record: Shape = fields(
    {
        "id": name, "suite": name, "sample": name, "attack": name, "number": whole(1), "cluster": name,
        "seed": _count, "content_hash": text, "outcome": word(*OUTCOMES),
    },
    {"severity": word(*SEVERITIES), "scores": listed(_SCORE), "events": listed(mapped(anything)), "error": text},
    closed=True,
)  # fmt: skip

_RUN = fields(
    {"run": name, "system": name, "spec_digest": text, "subject_digest": text},
    {
        "plan": text, "plan_digest": text, "planned": _count, "attempts": _count, "made": _count, "head": digest,
        "heads": listed(digest), "merkle": digest, "suites": listed(text), "draws": listed(_count),
    },
    closed=True,
)  # fmt: skip
_SITTING = fields(
    {"run": name, "shard": _count, "records": _count, "head": digest}, {"refused_replies": whole(1)}, closed=True
)
_ROW = {"row": digest}


def _calibration(value: Any, where: str) -> None:
    mapped(anything)(value, where)
    if set(value) != set(Calibration._fields) - {"entry"}:
        raise IntegrityError(f"{where}: a calibration has other fields")
    try:
        calibration_of(0, value)
    except (KeyError, TypeError, ValueError):
        raise wrong(where, "a calibration", value) from None


def _selftest(value: Any, where: str) -> None:
    mapped(anything)(value, where)
    try:
        selftest_of(0, value)
    except (AttributeError, KeyError, TypeError, ValueError):
        raise wrong(where, "a self-test of a gate", value) from None


def _transfer(value: Any, where: str) -> None:
    mapped(anything)(value, where)
    try:
        transfer_of(0, value)
    except (AttributeError, KeyError, TypeError, ValueError):
        raise wrong(where, "a transfer", value) from None


def _occurrence(value: Any, where: str) -> None:
    mapped(anything)(value, where)
    try:
        occurrence_of(0, "", value)
    except ValueError:
        raise wrong(where, "an occurrence", value) from None


def _kept_kpi(value: Any, where: str) -> None:
    mapped(anything)(value, where)
    try:
        kept_kpi_of(0, "", value)
    except ValueError:
        raise wrong(where, "a number that was kept", value) from None


def _change(value: Any, where: str) -> None:
    mapped(text)(value, where)
    try:
        change_of(0, "", value)
    except ValueError:
        raise wrong(where, "a change", value) from None


def _step(kind: str) -> Shape:
    def shape(value: Any, where: str) -> None:
        mapped(anything)(value, where)
        digest(value.get("row"), f"{where}.row")
        try:
            check_finding(kind, value)
        except ValueError:
            raise wrong(where, "a step of a finding", value) from None

    return shape


def _look(value: Any, where: str) -> None:
    mapped(anything)(value, where)
    digest(value.get("digest"), f"{where}.digest")
    try:
        check_body(value)
    except ValueError:
        raise wrong(where, "a look of a sentinel", value) from None


def _look_row(value: Any, where: str) -> None:
    """A row of a look at alarms: a key, then whole numbers (a day, events, sessions)."""
    if not isinstance(value, list) or len(value) < 2:
        raise wrong(where, "a key and its counts", value)
    text(value[0], f"{where}[0]")
    for place, one in enumerate(value[1:], 1):
        whole(-1_000_000)(one, f"{where}[{place}]")


_look_at_content = {"by": text, "reason": text}
_alarm = fields(
    {"id": name, "kind": word(*ALARM_KINDS), "stream": text, "day": name, "told": text},
    {"about": text, "severity": whole(0, 4), "since": text, "metric": text, "feature": text, "events": _count,
     "sessions": _count, "per": maybe(number()), "low": number(), "high": number(), "confidence": number(0, 1),
     "baseline_events": _count, "baseline_sessions": _count, "baseline_days": _count, "baseline_per": maybe(number()),
     "normal_per": maybe(number()), "value": number(), "height": number(), "e_value": number(), "discovered": flag,
     "spans": listed(text), "received": _count},
    closed=True,
)  # fmt: skip

_BODIES: Mapping[str, Shape] = {
    "run.declared": _RUN,
    "run.finished": _RUN,
    "run.seen": _RUN,
    "run.withdrawn": fields({"run": name}, closed=True),
    **dict.fromkeys(SITTINGS, _SITTING),
    DELETED: fields(
        {"run": name}, {"heads": listed(digest), "made": _count, "planned": _count, "why": text}, closed=True
    ),
    "decision.made": fields(
        {"decision": name, "digest": digest, "verdict": _verdict, "heads": mapped(digest)},
        {"system": name, "gate": name, "runs": listed(name), "subject_digest": digest, "files": mapped(digest)},
        closed=True,
    ),
    "baseline.set": fields(
        {"system": name, "run": name}, {"subject": text, "plan": text, "at": text, **_ROW}, closed=True
    ),
    CONFIRMED: fields(
        {"run": name, "attempt": name, "said": word(*SAID), "by": text, "because": text, "tries": listed(name)},
        closed=True,
    ),
    DRAWN: fields(
        {"run": name, "suite": name, "metric": name, "attack": text, "seed": _count, "positives": _count,
         "negatives": _count, "digest": digest},
        closed=True,
    ),
    LABELLED: fields(
        {"system": name, "run": name, "attempt": name, "metric": name, "at": text},
        {"hit": maybe(flag), "value": maybe(number()), "rubric": text, **_ROW},
        closed=True,
    ),
    CHANGED: _change,
    **dict.fromkeys((ENROLLED, LOOKED), _look),
    **{kind: _step(kind) for kind in FINDING_KINDS},
    QUEUED: fields({"queue": name, "run": name, "digest": digest}, closed=True),
    REVIEWED: fields({"queue": name, "run": name, "by": text}, closed=True),
    CALIBRATED: _calibration,
    SELFTESTED: _selftest,
    ALARMS_LOOKED: fields(
        {"watch": name, "day": name, "counts": listed(_look_row), "late": listed(_look_row)},
        {"canaries": listed(_look_row)},
        closed=True,
    ),
    RAISED: _alarm,
    CLOSED: fields({"alarm": name, "stream": text, "relearn": flag, "day": name, **_look_at_content}, closed=True),
    TOLD: fields({"output": name, "alarm": name, "action": word("raised", "closed")}, closed=True),
    CONTENT_LOOKED: fields({"id": name, "spans": _count, **_look_at_content}, closed=True),
    SUBJECT_DELETED: fields({"subject": name, "keys": _count, **_look_at_content}, closed=True),
    SPANS_DRAWN: fields(
        {"digest": digest, "by": listed(text), "seed": whole(-(2**53)), "least": _count, "kind": text,
         "strata": listed(fields({"stratum": listed(text), "spans": _count, "drawn": _count}, closed=True))},
        {"sessions": flag},
        closed=True,
    ),
    RECORDED: fields(
        {"id": name, "system": name, "at": name, "kind": word(*SIGNAL_KINDS), "source": name,
         "severity": maybe(word(*SEVERITIES)), "feature": text, "subject_digest": text, **_ROW},
        closed=True,
    ),
    INCIDENT: fields(
        {"incident": name, "system": name, "what": word(*INCIDENT_EVENTS), "at": name, "by": text,
         "severity": word("", *SEVERITIES), "about": text, "outcome": text, **_ROW},
        closed=True,
    ),
    DRILLED: fields(
        {"system": name, "lever": name, "at": name, "by": text, "seconds": number(0), "worked": flag, "within": name,
         **_ROW},
        closed=True,
    ),
    EXERCISED: fields(
        {"id": name, "system": name, "scenario": name, "digest": digest, "at": name, "by": text, "points": whole(),
         "most": whole(), "minutes": number(0), **_ROW},
        closed=True,
    ),
    TRANSFERRED: _transfer,
    OCCURRED: _occurrence,
    KPI_KEPT: _kept_kpi,
    STARTED: fields({"job": name, "due": text, "command": text}, {"system": text}, closed=True),
    ENDED: fields(
        {"job": name, "start": whole(1), "code": whole(-1_000), "seconds": number(0), "why": text}, closed=True
    ),
    "approval.given": fields(
        {"system": name, "what": name, "digest": text, "verdict": word("approved", "rejected"), "by": text,
         "role": text, "at": text},
        _ROW,
        closed=True,
    ),
    **signed_words.bodies(),
}  # fmt: skip
"""All kinds of entries that there are. What a kind of its own would say, nobody here holds against anything."""

_ENTRY = fields({"number": whole(1), "at": moment, "kind": name, "body": mapped(anything)}, closed=True)


def entry(value: Any, where: str) -> None:
    """An entry of the audit log."""
    _ENTRY(value, where)
    word(*_BODIES)(value["kind"], f"{where}.kind")
    _BODIES[value["kind"]](value["body"], f"{where}.body")


index: Shape = fields(
    {"version": whole(), "files": mapped(digest)},
    {"rendered_by": anything, "view": word("internal", "regulator", "customer")},
    closed=True,
)
"""``manifest.json`` of the pack."""

statement: Shape = fields(
    {"_type": text, "predicateType": text, "subject": listed(anything), "predicate": mapped(anything)}, closed=True
)

suite: Shape = fields(
    {
        "id": name, "version": text, "digest": digest, "metric": name, "samples": whole(1), "attempts": whole(1),
        "attacks": listed(name, least=1, once=True), "max_error_rate": _rate, "content": word("synthetic", "private"),
        "icc": _rate,
    },
    {
        "title": text, "scorers": listed(text), "agreement": mapped(text), "refs": listed(text), "license": text,
    },
    closed=True,
)  # fmt: skip

files: Shape = mapped(fields({"path": name, "sha256": digest}, {"meaning": digest, "redacted": flag}, closed=True))
"""``workspace/index.json``."""

spec: Shape = fields(
    {"schema": whole(1), "plan": name, "entities": mapped(mapped(anything)), "code": mapped(text)}, closed=True
)

_TRACED = fields(
    {"id": name, "must": text, "verdict": _verdict, "suite": text, "suite_digest": text, "metric": text, "run": text,
     "baseline_run": text},
    {"attack": maybe(text)},
    closed=True,
)  # fmt: skip
_ANSWERED = fields(
    {"id": name, "criteria": listed(_TRACED)},
    {"text": text, "refs": listed(text), "guards": listed(text)},
    closed=True,
)
_RISK = fields(
    {"id": name, "requirements": listed(_ANSWERED)},
    {"title": text, "severity": word(*SEVERITIES), "journeys": listed(text), "refs": listed(text)},
    closed=True,
)
_GAPS = (
    "risks_without_requirement", "requirements_without_criterion", "criteria_without_risk",
    "critical_journeys_without_suite",
)  # fmt: skip

trace: Shape = fields(
    {
        "decision": name,
        "verdict": _verdict,
        "system": name,
        "spec_digest": digest,
        "subject_digest": digest,
        "risks": listed(_RISK),
        "records": mapped(mapped(mapped(digest))),
    },
    {
        "title": text,
        "owner": text,
        "requirements": mapped(text),
        "gaps": fields({}, dict.fromkeys(_GAPS, listed(anything)), closed=True),
        "links": listed(fields({"from": text, "field": text, "to": text, "digest": text}, closed=True)),
    },
    closed=True,
)
