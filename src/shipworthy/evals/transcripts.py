"""The transcript viewer: a run as one offline HTML page.

The page holds the attempts compressed in inert script elements: an index of columns for the list, and chunks that are
unpacked when they are looked at, so a hundred thousand attempts open at once. All text is hostile: it is written as
base64, enters the page as text nodes only, and the page's own policy lets no other script run and loads nothing.
"""

from __future__ import annotations

import gzip
from base64 import b64encode
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from hashlib import sha256
from html import escape
from pathlib import Path
from typing import Any, TextIO

import msgspec

from shipworthy.core.confirmation import HitWord
from shipworthy.core.errors import UsageError
from shipworthy.core.records import Asked, Attempt, Message, MessagePart, Metric, Said, Sample, Text
from shipworthy.core.shown import given_away, reasoned
from shipworthy.detect.reasoning import thoughts
from shipworthy.detect.redact import redact_json, redact_text
from shipworthy.evals.actions import actions
from shipworthy.evals.plan import split_try
from shipworthy.evals.results import Run
from shipworthy.store.files import takes_bytes
from shipworthy.workspace.suite import Suite

ASSETS = Path(__file__).parent.parent / "library" / "viewer"
CHUNK = 200
"""Attempts a chunk: unpacked in a few milliseconds."""
PREVIEW = 110
LEVEL = 6
"""Of gzip: a higher one takes twice the time for a page one percent smaller."""

EMPTY, CUT_OFF, WITHHELD = 1, 2, 4
"""Flags of an attempt: no word and no call in the last answer; stopped at its length limit; a guard kept an answer."""

SAME, WORSE, BETTER, CHANGED, ONLY_HERE = range(5)
"""How an attempt differs from the one in the other run; worse, where any metric moved the bad way."""

_encode = msgspec.json.Encoder().encode


def write_viewer(
    run: Run,
    path: Path,
    *,
    against: Run | None = None,
    suites: Mapping[str, Suite] | None = None,
    words: Mapping[str, Sequence[HitWord]] | None = None,
) -> int:
    """Write the page. Shows what the run log holds: redacted text stays redacted.

    Args:
        run: the run to show.
        path: the file; written whole or not at all.
        against: another run: attempts that differ from it are marked, with both conversations.
        suites: the workspace's, by id. From those that the run used unchanged, the page tells what a sample expects,
            its tags and its secrets. Of a private suite it tells the first two redacted, and of the secrets how many.
        words: what was said of S1 hits, by planned attempt, oldest first; the last one counts.

    Returns:
        The number of attempts in the page.

    Raises:
        IntegrityError: a log is not what was written.
        UsageError: the page cannot be written.
    """
    if path.is_dir():
        raise UsageError(f"cannot write {path}: it is a folder")
    temporary = path.with_name(f".{path.name}.part")
    try:
        if takes_bytes(path):
            with path.open("w", encoding="utf-8", newline="\n") as file:
                return _write(run, against, suites or {}, words or {}, file)
        path.parent.mkdir(parents=True, exist_ok=True)
        with temporary.open("w", encoding="utf-8", newline="\n") as file:
            count = _write(run, against, suites or {}, words or {}, file)
        temporary.replace(path)
    except OSError as error:
        raise UsageError(f"cannot write {path}: {error.strerror}") from error
    finally:
        with suppress(OSError):
            temporary.unlink()
    return count


def _write(
    run: Run,
    against: Run | None,
    suites: Mapping[str, Suite],
    words: Mapping[str, Sequence[HitWord]],
    file: TextIO,
) -> int:
    style, script = (ASSETS / "style.css").read_text("utf-8"), (ASSETS / "app.js").read_text("utf-8")
    page = (ASSETS / "page.html").read_text("utf-8")
    for mark, value in (
        ("@TITLE@", escape(f"{run.id} transcripts")),
        ("@STYLE_HASH@", _policy_hash(style)),
        ("@SCRIPT_HASH@", _policy_hash(script)),
        ("@STYLE@", style),
    ):
        page = page.replace(mark, value)
    head, rest = page.split("@DATA@")
    file.write(head)
    count = _write_data(run, against, _Samples(run, suites), words, file)
    before, after = rest.split("@SCRIPT@")
    file.write(before + script + after)
    return count


def _policy_hash(text: str) -> str:
    return "sha256-" + b64encode(sha256(text.encode()).digest()).decode()


def _write_data(
    run: Run, against: Run | None, samples: _Samples, words: Mapping[str, Sequence[HitWord]], file: TextIO
) -> int:
    good = {(use.id, metric.name): metric.good for use in run.manifest.suites for metric in use.metrics}
    before = {split_try(a.id)[0]: _signature(a) for a in against.attempts()} if against else {}
    changes = {a.id: _change(a, before, good) for a in run.attempts()} if against else {}
    wanted = {split_try(id)[0] for id, change in changes.items() if change not in (SAME, ONLY_HERE)}
    others = {split_try(a.id)[0]: a for a in against.attempts() if split_try(a.id)[0] in wanted} if against else {}
    names = _Names(run)
    columns: dict[str, list[Any]] = {name: [] for name in COLUMNS}
    chunk: list[Any] = []
    earlier: dict[str, list[Attempt]] = {}
    count = 0
    for attempt in run.attempts(superseded=True):
        planned, _ = split_try(attempt.id)
        if attempt.id in run.superseded:
            # A later try follows in the same log.
            earlier.setdefault(planned, []).append(attempt)
            continue
        for column, value in zip(columns.values(), _row(attempt, changes.get(attempt.id, SAME), names), strict=True):
            column.append(value)
        body = _body(attempt, samples.tell(attempt), others.get(planned), earlier.pop(planned, ()))
        if planned in words:
            body["confirmed"] = [{"said": w.said, "by": w.by, "because": w.because} for w in words[planned]]
        chunk.append(body)
        count += 1
        if len(chunk) == CHUNK:
            _element(file, f"chunk-{count // CHUNK - 1}", chunk)
            chunk = []
    if chunk:
        _element(file, f"chunk-{count // CHUNK}", chunk)
    columns["id"] = ["\n".join(columns["id"])]
    _element(
        file,
        "index",
        {
            "run": {
                "id": run.id,
                "facts": [*_facts(run, count), *samples.unknown()],
                "reasoning": run.manifest.subject.get("reasoning", ""),
            },
            "against": {"id": against.id} if against else None,
            **names.tables(),
            "metrics": [_metric(names, suite, metric) for suite, metric in names.metrics],
            "chunk": CHUNK,
            "count": count,
            "columns": columns,
        },
    )
    return count


def _element(file: TextIO, name: str, value: Any) -> None:
    # Base64 has no "<", so nothing inside can end the element or open a comment. Without a time stamp, the same run
    # gives the same page to the byte.
    text = b64encode(gzip.compress(_encode(value), LEVEL, mtime=0)).decode()
    file.write(f'<script type="text/plain" id="{name}">{text}</script>\n')


class _Samples:
    """What a sample says of itself, as far as the page may hold it; only from a suite that the run used unchanged."""

    def __init__(self, run: Run, suites: Mapping[str, Suite]) -> None:
        self._missing = [
            use.id for use in run.manifest.suites if use.id not in suites or suites[use.id].digest != use.digest
        ]
        self._asked = bool(suites)
        self._known: dict[tuple[str, str], tuple[Sample, bool]] = {}
        for use in run.manifest.suites:
            if use.id not in self._missing:
                suite = suites[use.id]
                # Either word is enough to withhold: that of the run when it was made, or that of the file now.
                shown = use.content == suite.content == "synthetic"
                self._known |= {(use.id, sample.id): (sample, shown) for sample in suite.samples}

    def tell(self, attempt: Attempt) -> dict[str, Any]:
        """Return the facts of an attempt's sample; empty where they are not known."""
        sample, shown = self._known.get((attempt.suite, attempt.sample), (None, False))
        if sample is None:
            return {}
        told: dict[str, Any] = {"expected": sample.expected, "tags": sample.tags, "secrets": sample.secrets}
        if (scene := sample.scene) is not None:
            told |= {name: msgspec.to_builtins(getattr(scene, name)) for name in ("goal", "forbidden", "plants")}
        if not shown:
            told["expected"] = redact_json(sample.expected, sample.secrets)
            told["tags"] = [redact_text(tag, sample.secrets) for tag in sample.tags]
            told["secrets"] = len(sample.secrets)
            for name in ("goal", "forbidden", "plants"):
                if name in told:
                    told[name] = redact_json(told[name], sample.secrets)
        return {name: value for name, value in told.items() if value not in (None, (), [], 0)}

    def unknown(self) -> Iterator[str]:
        """Yield a sentence on the suites whose samples are not told of."""
        if self._missing and self._asked:
            yield f"changed since the run, so without expected, tags and secrets: {', '.join(self._missing)}"


class _Names:
    """Words that repeat, each stored once; metrics with what their suite's scorer declares about them."""

    def __init__(self, run: Run) -> None:
        self._run = run
        self._tables: dict[str, dict[str, int]] = {
            "suites": {}, "attacks": {}, "samples": {}, "outcomes": {"scored": 0}
        }  # fmt: skip
        self.metrics: dict[tuple[str, str], int] = {}

    def metric(self, suite: str, name: str) -> int:
        return self.metrics.setdefault((suite, name), len(self.metrics))

    def describe(self, suite: str, name: str) -> Metric:
        return self._run.metric(suite, name)

    def number(self, table: str, word: str) -> int:
        return self._tables[table].setdefault(word, len(self._tables[table]))

    def tables(self) -> dict[str, list[str]]:
        return {name: list(words) for name, words in self._tables.items()}


def _metric(names: _Names, suite: str, name: str) -> dict[str, Any]:
    metric = names.describe(suite, name)
    return {"suite": names.number("suites", suite), **{f: getattr(metric, f) for f in ("name", "kind", "good", "unit")}}


COLUMNS = (
    "id", "suite", "sample", "attack", "number", "outcome", "severity", "scores", "change", "guards", "flags",
)  # fmt: skip
"""Of the index, a value an attempt; the ids are one text, split by line feeds."""


def _row(attempt: Attempt, change: int, names: _Names) -> tuple[Any, ...]:
    # A value stands as it is, a hit as 1 or 0; -1 and null say that the metric does not apply.
    scores = [
        [
            names.metric(attempt.suite, s.metric),
            s.value if names.describe(attempt.suite, s.metric).kind == "value" else -1 if s.hit is None else int(s.hit),
        ]
        for s in attempt.scores
    ]
    return (
        attempt.id,
        names.number("suites", attempt.suite),
        names.number("samples", attempt.sample),
        names.number("attacks", attempt.attack),
        attempt.number,
        names.number("outcomes", attempt.outcome),
        int(attempt.severity[1]),
        scores,
        change,
        sum(not event.shadow for event in attempt.guard_events),
        _flags(attempt),
    )


def _flags(attempt: Attempt) -> int:
    """Say what the last answer was like: `EMPTY`, `CUT_OFF`, `WITHHELD`, added up."""
    said = [said for said in attempt.said if said.by == "target"]
    last = [one.message for one in said if one.turn == said[-1].turn]
    flags = 0
    if said and not any(m.tool_calls or m.text.strip() for m in last):
        flags |= EMPTY
    if "length" in _finish(attempt):
        flags |= CUT_OFF
    if any(_withheld(attempt)):
        flags |= WITHHELD
    return flags


def _finish(attempt: Attempt) -> list[str]:
    """Return why the target stopped, a word for each time it was asked."""
    return [event.finish for event in attempt.events if isinstance(event, Asked) and event.role == "target"]


def _withheld(attempt: Attempt) -> Iterator[Said]:
    """Yield what the target said and a guard kept or changed before anyone saw it."""
    return (event for event in attempt.events if isinstance(event, Said) and event.withheld)


def _body(
    attempt: Attempt, sample: Mapping[str, Any], other: Attempt | None, earlier: Sequence[Attempt]
) -> dict[str, Any]:
    body: dict[str, Any] = {
        "preview": " ".join((attempt.answer or attempt.error)[: 4 * PREVIEW].split())[:PREVIEW],
        "said": attempt.said,
        "withheld": list(_withheld(attempt)),
        "documents": attempt.documents,
        "scores": attempt.scores,
        "guard_events": attempt.guard_events,
        "error": attempt.error,
        "cluster": attempt.cluster,
        "seed": attempt.seed,
        "seconds": attempt.seconds,
        "calls": attempt.target.calls,
        "cached_calls": attempt.target.cached,
        "finish": _finish(attempt),
        "told": sample,
        **_reasoning(attempt),
    }
    if steps := actions(attempt):
        body["actions"] = steps
    if other is not None:
        body["other"] = {
            "said": other.said,
            "scores": other.scores,
            "outcome": other.outcome,
            **_reasoning(other),
        }
    if earlier:
        body["tries"] = [
            {
                "id": one.id,
                "outcome": one.outcome,
                "error": one.error,
                "said": one.said,
                "withheld": list(_withheld(one)),
                "scores": one.scores,
                **_reasoning(one),
            }
            for one in earlier
        ]
    return body


def _reasoning(attempt: Attempt) -> dict[str, Any]:
    """Return where an attempt's answers reason, so that the page can fold it; nothing where they do not.

    ``thoughts``: message of `said`, part of it, and the spans [start, end) between marks in that part's text.
    ``aloud``: a turn, and the place from which on a score's places are in what came on a channel for reasoning.
    """
    found: dict[str, Any] = {}
    marked = [
        [place, number, spans]
        for place, said in enumerate(attempt.said)
        if said.by == "target"
        for number, part in enumerate(said.message.parts)
        if isinstance(part, Text) and (spans := thoughts(part.text))
    ]
    if marked:
        found["thoughts"] = marked
    turns: dict[int, list[MessagePart]] = {}
    for said in attempt.said:
        if said.by == "target":
            turns.setdefault(said.turn, []).extend(said.message.parts)
    whole = ((turn, Message("assistant", tuple(parts))) for turn, parts in turns.items())
    if aloud := {turn: len(given_away(message)) + 1 for turn, message in whole if reasoned(message)}:
        found["aloud"] = aloud
    return found


_Signature = tuple[str, tuple[tuple[str, float | None], ...]]


def _signature(attempt: Attempt) -> _Signature:
    said = ((s.metric, s.value if s.hit is None else float(s.hit)) for s in attempt.scores)
    return attempt.outcome, tuple(sorted(said, key=lambda row: row[0]))


def _change(attempt: Attempt, before: dict[str, _Signature], good: Mapping[tuple[str, str], str]) -> int:
    """Say how an attempt differs from the one with its id in the other run."""
    then, now = before.get(split_try(attempt.id)[0]), _signature(attempt)
    if then is None:
        return ONLY_HERE
    if then == now:
        return SAME
    if then[0] == now[0] == "scored":
        old, moves = dict(then[1]), set[int]()
        for metric, said in now[1]:
            was = old.get(metric)
            if said is not None and was is not None and said != was:
                moves.add(BETTER if (said > was) == (good.get((attempt.suite, metric)) == "high") else WORSE)
        if moves:
            return WORSE if WORSE in moves else BETTER
    return CHANGED


def _facts(run: Run, shown: int) -> Iterator[str]:
    manifest = run.manifest
    yield manifest.system
    yield f"plan {manifest.plan}"
    yield "with guards" if manifest.guards else "without guards"
    if "policy" in manifest.subject:
        person = manifest.subject.get("approver", "nobody")
        yield f"with a tool policy, {str(person).replace('_', ' ')} there to ask"
    if seen := manifest.subject.get("reasoning"):
        yield f"reasoning {seen}"
    yield manifest.created.replace("T", " ")[:16]
    if shown < manifest.planned:
        yield f"{shown:,} of {manifest.planned:,} planned attempts made"
    private = [use.id for use in manifest.suites if use.content == "private"]
    if private:
        yield f"redacted before storage: {', '.join(private)}"
