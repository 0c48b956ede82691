"""A run as a log that Inspect reads (version 2 of its format, as JSON), without Inspect."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from typing import Any

from shipworthy.core.finished import INAPPLICABLE
from shipworthy.core.records import Attempt, Message, Score, SuiteUse, Text, ToolCall, ToolResult
from shipworthy.evals.results import Run

VERSION = 2


def inspect_log(run: Run, suite: str) -> dict[str, Any]:
    """Return one suite of a run as the content of a ``.json`` log.

    Each sample under each attack is a sample there (``SAMPLE`` or ``SAMPLE+ATTACK``), each attempt an epoch. An event
    is 1 or 0, as it happened or not, and a value its number; whether high is good stands in the scorer's metadata. An
    attempt without a score has an error and no score. Texts are as they were stored, redacted where they were; guard
    decisions, hashes and the chain stay here.

    Raises:
        UsageError: the run has no such suite.
        IntegrityError: its log is not what was written.
    """
    use, manifest = run.suite(suite), run.manifest
    made = [a for a in run.attempts() if a.suite == suite and a.outcome != INAPPLICABLE]
    made.sort(key=lambda a: (a.sample, a.attack, a.number))
    began = min((a.started for a in made if a.started), default=0.0)
    ended = max((a.started + a.seconds for a in made), default=0.0)
    model = str(manifest.subject.get("target", {}).get("model", "")) if _described(run) else ""
    ids = list(dict.fromkeys(map(_id, made)))
    return {
        "version": VERSION,
        "status": "success" if run.complete else "cancelled",
        "eval": {
            "eval_id": f"{run.id}-{suite}",
            "run_id": run.id,
            "created": manifest.created.replace("Z", "+00:00"),
            "task": suite,
            "task_id": f"{run.id}-{suite}",
            "task_version": use.version,
            "dataset": {"name": suite, "samples": len(ids), "sample_ids": ids, "shuffled": False},
            "model": model or "shipworthy/target",
            "config": {"epochs": use.each},
            "packages": {"shipworthy": manifest.engine},
            "metadata": {
                "spec_digest": manifest.spec_digest,
                "subject_digest": manifest.subject_digest,
                "suite_digest": use.digest,
            },
            "scorers": [
                {"name": m.name, "options": {}, "metadata": {"good": m.good, "kind": m.kind, "unit": m.unit}}
                for m in use.metrics
            ],
        },
        "plan": {"name": "shipworthy", "steps": [], "config": {}},
        "results": {
            "total_samples": len(made),
            "completed_samples": sum(a.outcome == "scored" for a in made),
            "scores": list(_results(run, use)),
        },
        "stats": {"started_at": _when(began), "completed_at": _when(ended), "model_usage": {}},
        "samples": [_sample(attempt, use) for attempt in made],
    }


def _described(run: Run) -> bool:
    return isinstance(run.manifest.subject.get("target"), Mapping)


def _results(run: Run, use: SuiteUse) -> Iterator[dict[str, Any]]:
    for name in run.metrics(use.id):
        found = run.result(use.id, name).interval
        if found is None:
            continue
        mean = getattr(found, "rate", None)
        values = {"mean": found.mean if mean is None else mean, "low": found.low, "high": found.high}  # type: ignore[union-attr]
        metrics: dict[str, Any] = {key: {"name": key, "value": value, "params": {}} for key, value in values.items()}
        yield {"name": name, "scorer": name, "params": {}, "metrics": metrics}


def _id(attempt: Attempt) -> str:
    return attempt.sample if attempt.attack == "none" else f"{attempt.sample}+{attempt.attack}"


def _sample(attempt: Attempt, use: SuiteUse) -> dict[str, Any]:
    messages = [_message(message, place) for place, message in enumerate(attempt.messages)]
    asked = next((m["content"] for m in messages if m["role"] == "user"), "")
    used = attempt.target.usage
    usage = {
        "input_tokens": used.input_tokens,
        "output_tokens": used.output_tokens,
        "total_tokens": used.input_tokens + used.output_tokens,
    }
    made: dict[str, Any] = {
        "id": _id(attempt),
        "epoch": attempt.number,
        "input": asked,
        "target": "",
        "messages": messages,
        "output": {
            "model": "shipworthy/target",
            "choices": [{"message": {"role": "assistant", "content": attempt.answer}, "stop_reason": "stop"}],
            "usage": usage,
        },
        "scores": {score.metric: _score(score) for score in attempt.scores if _said(score) is not None},
        "metadata": {
            "attempt": attempt.id, "attack": attempt.attack, "cluster": attempt.cluster, "severity": attempt.severity,
            "outcome": attempt.outcome,
        },
        "store": {}, "events": [], "attachments": {}, "model_usage": {"shipworthy/target": usage},
        "total_time": attempt.seconds, "working_time": attempt.seconds,
    }  # fmt: skip
    if attempt.outcome != "scored":
        error = attempt.error or attempt.outcome
        made["error"] = {"message": error, "traceback": "", "traceback_ansi": ""}
    return made


def _said(score: Score) -> float | None:
    return score.value if score.value is not None else None if score.hit is None else float(score.hit)


def _score(score: Score) -> dict[str, Any]:
    return {"value": _said(score), "answer": score.label or None, "explanation": score.reason or None}


def _message(message: Message, place: int) -> dict[str, Any]:
    texts = [p.text for p in message.parts if isinstance(p, Text | ToolResult)]
    calls = [
        {"id": p.id or f"call-{place}-{n}", "function": p.name, "arguments": _arguments(p), "type": "function"}
        for n, p in enumerate(message.parts) if isinstance(p, ToolCall)
    ]  # fmt: skip
    made: dict[str, Any] = {"id": f"m{place}", "role": message.role, "content": "\n".join(texts)}
    if calls:
        made["tool_calls"] = calls
    return made


def _arguments(call: ToolCall) -> dict[str, Any]:
    return dict(call.arguments) if isinstance(call.arguments, Mapping) else {"arguments": str(call.arguments)}


def _when(seconds: float) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%S+00:00", time.gmtime(seconds)) if seconds else ""
