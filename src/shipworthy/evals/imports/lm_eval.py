"""lm-eval's results: ``results_DATE.json``, and beside it a ``samples_TASK_DATE.jsonl`` for each task."""

from __future__ import annotations

import re
import time
from collections.abc import Mapping
from pathlib import Path

from shipworthy.core.errors import UsageError
from shipworthy.core.metric import Good, Metric
from shipworthy.core.records import say
from shipworthy.evals.imports.foreign import (
    Foreign,
    ForeignAttempt,
    Where,
    measured,
    parse,
    parse_lines,
    read_bytes,
    scored,
)

_DATE = re.compile(r"_(\d{4}-\d\d-\d\dT\d\d-\d\d-\d\d(?:\.\d+)?)\.json$")
_Scores = dict[str, bool | float | None]


def read(path: Path) -> Foreign:
    """Read results with the samples beside them.

    Each task is a suite, each document a sample, and all answers to it one attempt: lm-eval makes one score of a
    document's repeats. A metric under several filters is one metric a filter (``exact_match.strict-match``). What is 0
    or 1 on every document is an event, what lies between a value; a metric that only the whole set has (``bleu``), or
    beyond [0, 1] (a perplexity), is left out, and a note says so. Which way is good lm-eval says itself; high is taken
    where it does not. Of a question with choices the answer is the likeliest one.

    Args:
        path: ``results_DATE.json``.

    Raises:
        UsageError: it is no such file, its samples were not logged, or one of the files is malformed: line and field
            are named.
    """
    date = _DATE.search(path.name)
    if date is None:
        raise UsageError(f"{path}: name lm-eval's results_DATE.json; its samples are looked for beside it")
    whole = parse(read_bytes(path), path)
    version, model, made = whole.at("lm_eval_version").text(), whole.at("model_name").text(), whole.at("date").number()
    if not 0 <= made < 2**33:
        raise whole.at("date").wrong("is no time of ours")
    better = whole.get("higher_is_better")
    ways = {} if better is None else {task: _ways(some) for task, some in better.entries()}
    metrics: dict[str, tuple[Metric, ...]] = {}
    attempts: list[ForeignAttempt] = []
    notes: list[str] = []
    files: list[Path] = []
    for task, _ in whole.at("configs").entries():
        if "/" in task or "\\" in task or "\0" in task:
            raise whole.at("configs").wrong(f"names the task {task[:40]!r}, which is no name of a file")
        file = path.with_name(f"samples_{task}_{date[1]}.jsonl")
        if not file.is_file():
            raise UsageError(
                f"{path}: there is no {file.name} beside it: an average has no attempts; run lm-eval with "
                "--log_samples; nothing was imported"
            )
        files.append(file)
        rows = _documents(task, file)
        values: dict[str, list[bool | float | None]] = {}
        for _, said in rows.values():
            for name, one in said.items():
                values.setdefault(name, []).append(one)
        events = {name for name, every in values.items() if set(every) <= {0.0, 1.0}}
        values = {name: [bool(v) for v in every] if name in events else every for name, every in values.items()}
        good: dict[str, Good] = {name: ways.get(task, {}).get(name.partition(".")[0], "high") for name in values}
        metrics[task], left = measured(values, good)
        if not metrics[task]:
            raise UsageError(f"{file}: no metric gives a number in [0, 1] for each document; nothing was imported")
        notes += [f"{task}: {note}" for note in left]
        attempts += [
            scored(one, {n: bool(v) if n in events else v for n, v in said.items()}, metrics[task])
            for one, said in rows.values()
        ]
    if not files:
        raise whole.at("configs").wrong("names no task")
    created = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(made))
    return Foreign("lm-eval", version, model, created, metrics, tuple(attempts), tuple(notes), tuple(files))


def _ways(some: Where) -> Mapping[str, Good]:
    return {name: "high" if way.value is not False else "low" for name, way in some.entries()}


def _documents(task: str, file: Path) -> dict[str, tuple[ForeignAttempt, _Scores]]:
    """Return sample -> the attempt and what each metric said, the rows of all filters together."""
    found: dict[str, tuple[ForeignAttempt, _Scores]] = {}
    for row in parse_lines(read_bytes(file), file):
        hashed = row.at("doc_hash").text()
        sample = f"{row.at('doc_id').whole()}-{hashed[:8]}"
        _, said = found.setdefault(sample, (_attempt(task, sample, hashed, row), {}))
        under = row.at("filter").text()
        for name in row.at("metrics").items():
            key = name.text() if under == "none" else f"{name.text()}.{under}"
            if key in said:
                raise name.wrong(f"{key} of document {row.at('doc_id').value} is there twice")
            value = row.at(name.text())
            # A list is what a metric of the whole set is made from.
            said[key] = None if isinstance(value.value, list | dict | None) else _number(value)
    if not found:
        raise UsageError(f"{file}: holds no document; nothing was imported")
    return found


def _number(value: Where) -> float:
    return float(value.value) if isinstance(value.value, bool) else value.number()


def _attempt(task: str, sample: str, hashed: str, row: Where) -> ForeignAttempt:
    asked = [one for _, one in row.at("arguments").entries()]
    answers = [list(one.items()) for one in row.at("resps").items()]
    if not asked or len(asked) != len(answers):
        raise row.at("resps").wrong(f"has answers for {len(answers)} of {len(asked)} questions")
    request = asked[0].at("arg_0")
    text = request.text() if isinstance(request.value, str) else str(request.value)
    given = _choice(asked, answers) if len(asked) > 1 else _said(answers[0])
    one = ForeignAttempt(task, sample, "none", 1, (say("user", text),), {}, cluster=hashed[:16])
    if given is None:
        return one._replace(outcome="target_error", error="no answer")
    return one._replace(messages=(*one.messages, say("assistant", given)))


def _said(answers: list[Where]) -> str | None:
    """Return what was answered, repeats one below the other; None where one is missing."""
    if not answers or any(one.value is None for one in answers):
        return None
    return "\n".join(one.value if isinstance(one.value, str) else str(one.value) for one in answers)


def _choice(asked: list[Where], answers: list[list[Where]]) -> str | None:
    """Return the continuation that is likeliest: its log-likelihood stands first in what was answered."""
    weighed = []
    for question, some in zip(asked, answers, strict=True):
        if not some or some[0].value is None:
            return None
        first = some[0].at(0) if isinstance(some[0].value, list) else some[0]
        try:
            weighed.append(float(first.value))
        except (TypeError, ValueError):
            raise first.wrong("must be a log-likelihood") from None
        question.at("arg_1")
    best = max(range(len(weighed)), key=weighed.__getitem__)
    value = asked[best].at("arg_1").value
    return value.strip() if isinstance(value, str) else str(value)
