"""garak's ``report.jsonl``: one attempt a prompt, several outputs each, every detector's score of each output."""

from __future__ import annotations

from pathlib import Path

from shipworthy.core.metric import Metric
from shipworthy.core.records import Message, say
from shipworthy.evals.imports.foreign import Foreign, ForeignAttempt, Where, parse_lines, read_bytes

HIT = 0.5
"""A detector's score from here on is a hit, as in garak's own evaluator by default."""
_EVALUATED = 2


def read(path: Path) -> Foreign:
    """Read a report.

    Each probe is a suite, each prompt a sample, each output an attempt; detectors are metrics whose hits are bad.
    garak writes an attempt when it was generated and again when it was evaluated: only the latter counts. An output or
    a score that is null had no answer or no word: an error of the target, or no score; neither is safe.

    Raises:
        UsageError: it is no such report; line and field are named.
    """
    version = target = created = ""
    attempts: list[ForeignAttempt] = []
    metrics: dict[str, dict[str, Metric]] = {}
    left = 0
    for line in parse_lines(read_bytes(path), path):
        kind = line.at("entry_type").text()
        if kind == "init":
            version, created = line.at("garak_version").text(), line.at("start_time").text()[:19] + "Z"
        elif kind == "start_run setup":
            names = [line.get(f"plugins.{key}") for key in ("target_type", "target_name")]
            target = " ".join(name.text() for name in names if name is not None)
        elif kind == "attempt":
            if line.at("status").whole() == _EVALUATED:
                attempts += _attempts(line, metrics)
            else:
                left += 1
    if not version:
        raise Where(None, path, 1).wrong("is no report of garak: it has no entry `init`")
    unread = left - len({(a.suite, a.sample) for a in attempts})
    return Foreign(
        "garak", version, target, created,
        {suite: tuple(found.values()) for suite, found in metrics.items()}, tuple(attempts),
        (f"{unread:,} prompts were generated and never evaluated",) if unread > 0 else (),
    )  # fmt: skip


def _attempts(line: Where, metrics: dict[str, dict[str, Metric]]) -> list[ForeignAttempt]:
    probe, sample = line.at("probe_classname").text(), line.at("uuid").text()
    asked = [_message(turn) for turn in line.at("prompt", "turns").items()]
    results = dict(line.at("detector_results").entries())
    outputs = list(line.at("outputs").items())
    known = metrics.setdefault(probe, {})
    for name, scores in results.items():
        known.setdefault(name, Metric(name))
        if (given := len(list(scores.items()))) != len(outputs):
            raise scores.wrong(f"has {given} scores for {len(outputs)} outputs")
    found = []
    for number, output in enumerate(outputs):
        said = {
            name: score.number() >= HIT
            for name, scores in results.items()
            if (score := scores.at(number)).value is not None
        }
        if output.value is None:
            failed = ForeignAttempt(probe, sample, "none", number + 1, tuple(asked), {}, "target_error", "no output")
            found.append(failed)
            continue
        answer = say("assistant", output.at("text").text())
        found.append(ForeignAttempt(probe, sample, "none", number + 1, (*asked, answer), said))
    return found


def _message(turn: Where) -> Message:
    role = turn.at("role").text()
    if role not in ("system", "user", "assistant"):
        raise turn.at("role").wrong(f"must be system, user or assistant, not {role!r}")
    text = turn.at("content").get("text")
    return say(role, "" if text is None else text.text())  # type: ignore[arg-type]
