"""promptfoo's results as JSON (``promptfoo eval -o out.json``): a test, a prompt and a provider a row."""

from __future__ import annotations

from pathlib import Path

from shipworthy.core.metric import Metric
from shipworthy.core.records import say
from shipworthy.evals.imports.foreign import Foreign, ForeignAttempt, Where, parse, read_bytes

PASSED = "passed"
_ERROR = 2
"""`failureReason` of a row whose provider failed."""


def read(path: Path) -> Foreign:
    """Read results.

    Each provider is a suite, each test under each prompt a sample; all prompts of one test are one cluster. Whether all
    assertions passed is the one metric, and high is good. A row whose provider failed is an error: promptfoo counts it
    as a failure.

    Raises:
        UsageError: it is no such file; the field is named.
    """
    whole = parse(read_bytes(path), path)
    results = whole.at("results")
    attempts: list[ForeignAttempt] = []
    numbers: dict[tuple[str, str], int] = {}
    for row in results.at("results").items():
        one = _attempt(row)
        number = numbers[one.suite, one.sample] = numbers.get((one.suite, one.sample), 0) + 1
        attempts.append(one._replace(number=number))
    if not attempts:
        raise results.at("results").wrong("is empty")
    about = whole.get("metadata")
    version = about.get("promptfooVersion") if about is not None else None
    made = results.get("timestamp")
    return Foreign(
        "promptfoo", "" if version is None else version.text(), ", ".join(dict.fromkeys(a.suite for a in attempts)),
        "" if made is None else made.text()[:19] + "Z",
        {suite: (Metric(PASSED, good="high"),) for suite in dict.fromkeys(a.suite for a in attempts)}, tuple(attempts),
    )  # fmt: skip


def _attempt(row: Where) -> ForeignAttempt:
    provider = row.at("provider")
    label = provider.get("label")
    suite = (label.text() if label is not None else "") or provider.at("id").text()
    test, prompt = f"test-{row.at('testIdx').whole()}", row.at("promptId").text()[:8]
    asked = say("user", row.at("prompt", "raw").text())
    seconds, cost = row.get("latencyMs"), row.get("cost")
    failed = row.at("failureReason").whole() == _ERROR
    passed = row.at("success").flag()
    one = ForeignAttempt(
        suite, f"{test}-{prompt}", "none", 1, (asked,), {}, cluster=test,
        seconds=0.0 if seconds is None else seconds.number() / 1000, cost_usd=0.0 if cost is None else cost.number(),
    )  # fmt: skip
    if failed:
        return one._replace(outcome="target_error", error=row.at("error").text())
    output = row.at("response", "output")
    text = output.text() if isinstance(output.value, str) else str(output.value)
    used = row.get("tokenUsage")
    tokens = (0, 0) if used is None else (used.at("prompt").whole(), used.at("completion").whole())
    return one._replace(messages=(asked, say("assistant", text)), said={PASSED: passed}, tokens=tokens)
