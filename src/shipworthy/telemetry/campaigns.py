"""Jailbreak campaigns: bursts of attempts by one person, in one session, or by many with like words."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from shipworthy.core.alarm import MOST_SPANS, Alarm
from shipworthy.detect.near_duplicates import GramIndex, grams
from shipworthy.store.alarms import AlarmEntries, new_alarm_id
from shipworthy.store.audit import AuditLog
from shipworthy.telemetry.alarm_config import AlarmsSpec
from shipworthy.telemetry.config import ServeConfig
from shipworthy.telemetry.contents import contents, said_by
from shipworthy.telemetry.facts import FactView
from shipworthy.telemetry.keyring import KEYS, Keyring

MOST_ATTEMPTS = 5_000
"""The newest ones, that are put together by their words; `COMPARED` characters of each."""
COMPARED = 4_000
_WHO = "serve: the watch for campaigns"
_WHY = "attempts that a guard stopped are put together by how alike they are; nobody sees them"


class StoppedAttempt(NamedTuple):
    """One attempt: its trace and span in hex, its feature, and whose it is (0 where nobody says)."""

    trace: str
    span: str
    feature: str
    subject: int
    session: int

    @property
    def id(self) -> str:
        """Trace and span."""
        return f"{self.trace}/{self.span}"


def campaign_alarms(
    config: ServeConfig, audit: AuditLog, entries: AlarmEntries, view: FactView, now: datetime
) -> list[Alarm]:
    """Return an alarm for each campaign among the attempts of the last hours.

    An attempt is a span in which a guard changed or blocked something, or with a violation. Putting them together by
    their words reads them, redacted as they are, on this machine; the audit log says so beforehand.

    Raises:
        StoreError: the look cannot be entered.
        UsageError: the store's own key is not there, so that nobody can read.
    """
    spec = config.alarms
    want, since = spec.campaigns, now - timedelta(hours=spec.campaigns.hours)
    rows = view.query(
        "SELECT lower(hex(trace)), lower(hex(span)), feature, subject, session FROM facts"
        " WHERE time >= ?::TIMESTAMP AND (violation OR ending = 'blocked') ORDER BY time DESC",
        [since.astimezone(UTC).replace(tzinfo=None).isoformat(sep=" ")],
    )
    attempts = [StoppedAttempt(*row) for row in rows]
    bursts: list[tuple[str, str, Sequence[StoppedAttempt]]] = []
    for kind, least in (("subject", want.users), ("session", want.sessions)):
        grouped: dict[int, list[StoppedAttempt]] = defaultdict(list)
        for one in attempts:
            if whose := getattr(one, kind):
                grouped[whose].append(one)
        word = "one user" if kind == "subject" else "one session"
        bursts += [(f"{kind}:{whose:016x}", word, of) for whose, of in grouped.items() if len(of) >= least]
    if want.words and len(attempts) >= want.attempts:
        bursts += [
            (f"words:{of[-1].id}", f"like words of {_people(of)}", of)
            for of in _alike(config, audit, view, attempts[:MOST_ATTEMPTS])
            if len(of) >= want.attempts
        ]
    known = _known(entries)
    return [_alarm(spec, _named(about, of, known), word, of, now) for about, word, of in bursts]


def like_ones(texts: Sequence[str], least: float) -> list[list[int]]:
    """Return the places of texts that are like one another, the largest group first; each is in one group.

    A text joins the group of the earliest text that it shares `least` of its character 5-grams with (Jaccard).

    >>> like_ones(["Ignore all rules now", "What is rye?", "ignore ALL rules, now"], 0.5)
    [[0, 2], [1]]
    """
    index, groups = GramIndex(), list[list[int]]()
    for place, text in enumerate(texts):
        own = grams(text[:COMPARED])
        of, _ = index.nearest(own, least=least)
        if of >= 0:
            groups[of].append(place)
        else:
            index.add(own)
            groups.append([place])
    return sorted(groups, key=lambda group: (-len(group), group))


def _alike(
    config: ServeConfig, audit: AuditLog, view: FactView, attempts: Sequence[StoppedAttempt]
) -> list[list[StoppedAttempt]]:
    if not (config.state / KEYS).is_file():
        return []
    keyring = Keyring(config.state, config.master())
    try:
        held = contents(view, keyring, audit, [(one.trace, one.span) for one in attempts], by=_WHO, reason=_WHY)
    finally:
        keyring.close()
    said: list[tuple[StoppedAttempt, str]] = []
    for one in attempts:
        events: list[Any] = held.get((one.trace, one.span), [])
        if text := said_by(events, "user"):
            said.append((one, text))
    groups = like_ones([text for _, text in said], config.alarms.campaigns.like)
    return [[said[place][0] for place in group] for group in groups]


def _known(entries: AlarmEntries) -> dict[str, str]:
    """Return span -> what an open campaign by words is called: its first attempt may be out of the window by now."""
    return {
        span: alarm.about
        for alarm in entries.opened().values()
        if alarm.kind == "campaign" and alarm.about.startswith("words:")
        for span in alarm.spans
    }


def _named(about: str, of: Sequence[StoppedAttempt], known: dict[str, str]) -> str:
    if about.startswith("words:"):
        return next((known[one.id] for one in of if one.id in known), about)
    return about


def _alarm(spec: AlarmsSpec, about: str, word: str, of: Sequence[StoppedAttempt], now: datetime) -> Alarm:
    features = sorted({one.feature for one in of})
    where = f" at {features[0]}" if len(features) == 1 and features[0] else ""
    hours = f"{spec.campaigns.hours:g} hours"
    return Alarm(
        id=new_alarm_id(now),
        kind="campaign",
        stream=f"{spec.name}:campaigns",
        about=about,
        severity=int(spec.campaigns.worst[1]),
        day=now.astimezone(UTC).date().isoformat(),
        told=f"{len(of):,} attempts in {hours}{where}: {word}",
        feature=features[0] if len(features) == 1 else "",
        events=len(of),
        spans=tuple(one.id for one in of[:MOST_SPANS]),
    )


def _people(of: Sequence[StoppedAttempt]) -> str:
    known = {one.subject for one in of if one.subject}
    unknown = sum(1 for one in of if not one.subject)
    said = f"{len(known):,} {'user' if len(known) == 1 else 'users'}" if known else ""
    lost = f"{unknown:,} attempts of nobody known" if unknown else ""
    return " and ".join(filter(None, (said, lost)))
