"""promptfoo: the tests of a configuration, or a file of tests, with the assertions that have a scorer of ours."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from itertools import product
from pathlib import Path
from typing import Any

from shipworthy.core.errors import Problem, WorkspaceError, did_you_mean
from shipworthy.workspace.imports.rows import ForeignRow, ImportedSuite, finished, samples_of
from shipworthy.workspace.nodes import YamlFile, read_yaml
from shipworthy.workspace.scalars import plain

_SCORERS: Mapping[str, Mapping[str, Any]] = {
    "equals": {"use": "equals", "metric": "passed"},
    "contains": {"use": "contains", "metric": "passed"},
    "icontains": {"use": "contains", "metric": "passed", "ignore_case": True},
    "contains-all": {"use": "contains", "metric": "passed"},
    "icontains-all": {"use": "contains", "metric": "passed", "ignore_case": True},
    "contains-any": {"use": "contains_any", "metric": "passed"},
    "icontains-any": {"use": "contains_any", "metric": "passed", "ignore_case": True},
    "not-equals": {"use": "not_equals", "metric": "passed", "good": "high"},
    "not-contains": {"use": "not_contains", "metric": "passed", "good": "high"},
    "not-icontains": {"use": "not_contains", "metric": "passed", "good": "high", "ignore_case": True},
    "not-contains-any": {"use": "not_contains_any", "metric": "passed", "good": "high"},
    "regex": {"use": "regex", "metric": "passed"},
    "not-regex": {"use": "not_regex", "metric": "passed", "good": "high"},
    "is-refusal": {"use": "refusal", "metric": "over_refusal"},
    "not-is-refusal": {"use": "refusal", "metric": "over_refusal"},
}
_VALUELESS = ("is-refusal", "not-is-refusal")
_VAR = re.compile(r"\{\{\s*([A-Za-z_][A-Za-z0-9_]*)\s*\}\}")
MOST = 100_000
"""Samples of one file."""


def read_promptfoo_suite(file: Path, *, scorer: str = "") -> ImportedSuite:
    """Read ``promptfooconfig.yaml``, or a YAML file that is a list of tests.

    Each test, with each prompt and each combination of its listed variables, is a sample; those of one test are one
    cluster. All tests must use one type of assertion that has a scorer of ours, since a suite has one set of scorers.

    Args:
        scorer: id of a scorer that is used instead: assertions are then read for their value alone.

    Raises:
        WorkspaceError: every problem, with line and field; then nothing of the file is taken.
    """
    source = read_yaml(file)
    problems: list[Problem] = []
    value = plain(source.value)
    config = value if isinstance(value, dict) else {"tests": value}
    at: tuple[str, ...] = ("tests",) if isinstance(value, dict) else ()
    prompts = _prompts(config, source, problems)
    tests = config.get("tests")
    if not isinstance(tests, list) or not tests:
        problems.append(
            source.problem(at, "field 'tests': must be a list of tests", "tests in other files are not followed")
        )
        raise WorkspaceError(problems)
    default = config.get("defaultTest") if isinstance(config.get("defaultTest"), dict) else {}
    kinds: dict[str, int] = {}
    rows: list[ForeignRow] = []
    for index, test in enumerate(tests):
        if not isinstance(test, dict):
            problems.append(source.problem((*at, index), f"test {index + 1} must be a mapping"))
            continue
        rows += _rows(
            test, default or {}, (*at, index), source, problems, prompts=prompts, kinds=kinds, bare=bool(scorer)
        )
    if len(rows) > MOST:
        problems.append(Problem(file, 0, f"gives more than {MOST:,} samples"))
    if len(kinds) > 1 and not scorer:
        (first, _), (second, line), *_ = kinds.items()
        said = f"field 'assert': the type {second!r}, and other tests have {first!r}: a suite has one"
        problems.append(Problem(file, line, said, "cut the file in two, or name one scorer with --scorer"))
    samples = finished(samples_of(rows, file, problems, {}, file.stem) if not problems else [], problems)
    if scorer or not kinds:
        return ImportedSuite(samples)
    kind = next(iter(kinds))
    used = dict(_SCORERS[kind])
    told = [f"Assertions of the type {kind}."]
    if kind in _VALUELESS:
        told.append(
            "`over_refusal` is hit by a refusal, which is what is-refusal asks for: read the rate the way you mean it."
        )
    return ImportedSuite(samples, [used], str(used["metric"]), told)


def _prompts(config: Mapping[str, Any], source: YamlFile, problems: list[Problem]) -> list[str]:
    given = config.get("prompts", ["{{prompt}}"])
    found = [given] if isinstance(given, str) else given
    if not isinstance(found, list) or not all(isinstance(one, str) for one in found):
        problems.append(
            source.problem(("prompts",), "field 'prompts': must be texts: files and functions are not followed")
        )
        return []
    for index, one in enumerate(found):
        if one.startswith("file://") or "{%" in one:
            what = "a file" if one.startswith("file://") else "a template with control structures"
            problems.append(source.problem(("prompts", index), f"field 'prompts': {what}, which is not followed"))
    return found


def _rows(
    test: Mapping[str, Any],
    default: Mapping[str, Any],
    loc: tuple[str | int, ...],
    source: YamlFile,
    problems: list[Problem],
    *,
    prompts: list[str],
    kinds: dict[str, int],
    bare: bool,
) -> Iterator[ForeignRow]:
    line = source.line(loc)
    given = (
        {**(default.get("vars") or {}), **(test.get("vars") or {})} if isinstance(test.get("vars", {}), dict) else None
    )
    if given is None:
        problems.append(source.problem((*loc, "vars"), "field 'vars': must be a mapping: files are not followed"))
        return
    try:
        expected = _expected(test, default, kinds, line, bare=bare)
    except ValueError as error:
        problems.append(Problem(source.file, line, f"field 'assert': {error}"))
        return
    combined = product(*(value if isinstance(value, list) else [value] for value in given.values()))
    for values in combined:
        filled = dict(zip(given, values, strict=True))
        for prompt in prompts:
            missing = next((name for name in _VAR.findall(prompt) if name not in filled), None)
            if missing is not None:
                said = f"field 'vars': has no {missing!r}, which a prompt needs"
                problems.append(Problem(source.file, line, said, did_you_mean(missing, sorted(filled))))
                return
            text = _VAR.sub(lambda found: str(filled[found[1]]), prompt)  # noqa: B023 - used at once
            row: dict[str, Any] = {"prompt": text, "cluster": f"test-{loc[-1]}", "meta": {"vars": filled}}
            if test.get("description"):
                row["meta"]["description"] = str(test["description"])
            if expected is not None:
                row["expected"] = expected
            yield ForeignRow(line, row)


def _expected(
    test: Mapping[str, Any], default: Mapping[str, Any], kinds: dict[str, int], line: int, *, bare: bool
) -> Any:
    """Return what a test's assertion wants, and enter its type.

    Raises:
        ValueError: there are several, or one of a type that has no scorer.
    """
    asserted = [*(default.get("assert") or []), *(test.get("assert") or [])]
    if not all(isinstance(one, dict) and isinstance(one.get("type"), str) for one in asserted):
        raise ValueError("an assertion needs a type")
    if bare:
        return next((one["value"] for one in asserted if one.get("value") is not None), None)
    if not asserted:
        raise ValueError("the test asserts nothing (name a scorer with --scorer)")
    if len(asserted) > 1:
        raise ValueError("the test has several assertions, and a sample of ours one (name a scorer with --scorer)")
    kind, value = asserted[0]["type"], asserted[0].get("value")
    if kind not in _SCORERS:
        raise ValueError(f"the type {kind!r} has no scorer here: {did_you_mean(kind, sorted(_SCORERS))}")
    if kind not in _VALUELESS and value in (None, "", []):
        raise ValueError(f"the type {kind!r} needs a value")
    kinds.setdefault(kind, line)
    return (
        [part.strip() for part in value.split(",")]
        if isinstance(value, str) and kind.endswith(("any", "all"))
        else value
    )
