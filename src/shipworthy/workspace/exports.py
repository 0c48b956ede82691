"""A suite's samples in the form of another tool."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

import msgspec
import yaml

from shipworthy.core.cells import sheet_of
from shipworthy.core.errors import UsageError
from shipworthy.core.records import Sample, Text
from shipworthy.workspace.suite import Suite


def exported(suite: Suite, form: str) -> str:
    """Return the text of a file with a suite's samples.

    Args:
        form: ``jsonl`` (ours), ``csv``, ``inspect`` (JSON lines of Inspect samples) or ``promptfoo`` (YAML).

    Raises:
        UsageError: no such form, or it cannot carry a sample: which, and why.
    """
    known: Mapping[str, Callable[[Suite], str]] = {
        "jsonl": _jsonl, "csv": _csv, "inspect": _inspect, "promptfoo": _promptfoo
    }  # fmt: skip
    if form not in known:
        raise UsageError(f"there is no form {form!r}: {', '.join(known)}")
    return known[form](suite)


def _jsonl(suite: Suite) -> str:
    return "".join(json.dumps(msgspec.to_builtins(s), ensure_ascii=False) + "\n" for s in suite.samples)


def _csv(suite: Suite) -> str:
    rows = [("id", "prompt", "system", "expected", "cluster", "twin", "severity", "tags", "refs", "meta")]
    for sample in suite.samples:
        system, prompt = _plain(sample, "csv")
        if sample.documents:
            raise UsageError(f"the sample {sample.id!r} has documents, which csv cannot carry: export it as jsonl")
        expected = sample.expected
        told = expected if isinstance(expected, str | None) else json.dumps(expected, ensure_ascii=False)
        meta = json.dumps(sample.meta, ensure_ascii=False) if sample.meta else ""
        rows.append(
            (
                sample.id, prompt, system, told or "", sample.cluster, sample.twin, sample.severity,
                ";".join(sample.tags), ";".join(sample.refs), meta,
            )
        )  # fmt: skip
    return sheet_of(rows)


def _inspect(suite: Suite) -> str:
    rows = []
    for sample in suite.samples:
        messages = [
            {"role": message.role, "content": _words(sample, message, "inspect")} for message in sample.messages
        ]
        if sample.documents:
            # Inspect has no documents: they are given as the operator would.
            listed = "\n\n".join(f"{d.title}\n{d.text}".strip() for d in sample.documents)
            messages.insert(0, {"role": "system", "content": f"Documents:\n\n{listed}"})
        told = {
            "tags": list(sample.tags),
            "refs": list(sample.refs),
            "severity": sample.severity,
            "cluster": sample.cluster,
        }
        target = sample.expected if isinstance(sample.expected, str | list) else ""
        one = messages[0]["content"] if len(messages) == 1 else messages
        rows.append({"id": sample.id, "input": one, "target": target, "metadata": {**told, **sample.meta}})
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)


def _promptfoo(suite: Suite) -> str:
    tests = []
    for sample in suite.samples:
        system, prompt = _plain(sample, "promptfoo")
        if system or sample.documents:
            raise UsageError(f"the sample {sample.id!r} has a system message or documents: export the suite as jsonl")
        test: dict[str, Any] = {"description": sample.id, "vars": {"prompt": prompt}}
        if isinstance(sample.expected, list):
            test["assert"] = [{"type": "icontains-any", "value": sample.expected}]
        elif isinstance(sample.expected, str):
            test["assert"] = [{"type": "icontains", "value": sample.expected}]
        tests.append(test)
    config = {"description": suite.title, "prompts": ["{{prompt}}"], "tests": tests}
    return str(yaml.safe_dump(config, sort_keys=False, allow_unicode=True, width=120))


def _plain(sample: Sample, form: str) -> tuple[str, str]:
    """Return a sample's system message and its one question."""
    said = [(m.role, _words(sample, m, form)) for m in sample.messages]
    system = "".join(text for role, text in said[:-1] if role == "system")
    if [role for role, _ in said] not in (["user"], ["system", "user"]):
        raise UsageError(f"the sample {sample.id!r} is a conversation, which {form} cannot carry: export it as jsonl")
    return system, said[-1][1]


def _words(sample: Sample, message: Any, form: str) -> str:
    if not all(isinstance(part, Text) for part in message.parts):
        raise UsageError(f"the sample {sample.id!r} has calls, pictures or sounds, which {form} cannot carry here")
    return str(message.text)
