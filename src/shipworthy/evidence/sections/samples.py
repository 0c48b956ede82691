"""The worst samples, shown redacted: what the rates are made of."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

from shipworthy.core.document import Block, Paragraph, Section, Transcript, Turn
from shipworthy.core.records import Attempt, Message, Score
from shipworthy.detect.redact import redact
from shipworthy.evals.results import Run
from shipworthy.evidence.seen import Seen

SHOWN = 8
"""How many attempts are shown; at most `EACH` of one suite, so that one suite does not hide the others."""
EACH = 2
LONGEST = 1500
"""Characters of one turn."""


def worst_samples(runs: Sequence[Run], seen: Mapping[str, Seen], secrets: Sequence[str]) -> Section:
    """Show the worst attempts: severity first, then how sure the scorer is.

    Args:
        seen: of each run, by its id.
        secrets: taken out of the text, besides personal data and credentials.
    """
    found = sorted(((hit, run) for run in runs for hit in seen[run.id].hits), key=lambda row: row[0][:3])
    children: list[Block] = [
        Paragraph(
            f"{len(found):,} of {sum(map(len, runs)):,} attempts had a hit that counts against the system. Shown are "
            f"the worst, at most {EACH} of a suite. Personal data, credentials and planted secrets are replaced by "
            "marks; the run log that stays with the owner, or the transcript viewer, shows the rest."
        )
    ]
    used: Counter[str] = Counter()
    for hit, run in found:
        if used[hit.suite] < EACH and used.total() < SHOWN:
            used[hit.suite] += 1
            children.append(_transcript(redact(run.attempt(hit.attempt), secrets), hit.score))
    return Section("Worst samples", tuple(children), "samples")


def _transcript(attempt: Attempt, score: Score) -> Transcript:
    note = f"{score.metric} ({score.label})" if score.label else score.metric
    sure = "" if score.confidence is None else f", confidence {score.confidence:.2f}"
    guards = sorted({f"{e.guard} {e.action}" for e in attempt.guard_events if not e.shadow})
    return Transcript(
        title=f"{attempt.severity} · {attempt.suite} · {attempt.sample} · attack {attempt.attack}",
        turns=tuple(_turns(attempt)),
        note=f"{note}, by {score.scorer}{sure}; {attempt.id}" + (f"; guards: {', '.join(guards)}" if guards else ""),
        tone="bad",
    )


def _turns(attempt: Attempt) -> Iterator[Turn]:
    for document in attempt.documents:
        yield Turn("document", _cut(f"{document.title or document.id}\n{document.text}"))
    for message in attempt.messages:
        yield Turn(message.role, _cut(_text(message)))


def _text(message: Message) -> str:
    calls = [f"[calls {c.name}({json.dumps(c.arguments, ensure_ascii=False)})]" for c in message.tool_calls]
    return "\n".join(filter(None, [message.text, *calls])) or "[no text]"


def _cut(text: str) -> str:
    return text if len(text) <= LONGEST else f"{text[:LONGEST]} […{len(text) - LONGEST:,} characters more]"
