"""The verifier's lists of words are those of the records it reads, and its shapes refuse what is of none."""

from __future__ import annotations

import inspect
import re
from importlib import import_module
from pkgutil import iter_modules
from typing import Any, get_args

import msgspec
import pytest

from shipworthy import core, store
from shipworthy.core import records
from shipworthy.core.errors import IntegrityError
from shipworthy.core.metric import Metric
from shipworthy.evidence import recount, shape, words


def test_the_words_are_those_of_the_records() -> None:
    assert set(words.VERDICTS) == set(get_args(records.Verdict))
    assert set(words.SEVERITIES) == set(get_args(records.Severity))
    assert set(words.OUTCOMES) == set(get_args(records.Outcome))
    fields = {field.name: field for field in msgspec.structs.fields(records.CriterionResult)}
    assert set(words.METHODS) == set(get_args(fields["method"].type))
    assert set(words.TESTS) == set(get_args(fields["test"].type))
    assert {*words._NEEDED, *words._MAY} == set(fields)
    assert recount.whole(msgspec.to_builtins(Metric("m"))) == {
        name: getattr(Metric("m"), name) for name in Metric.__struct_fields__
    }


FIELDS = {
    "decision": records.Decision, "manifest": records.RunManifest, "use": records.SuiteUse,
    "result": records.CriterionResult, "record": records.Attempt, "_SCORE": records.Score, "_FILE": records.SafetyFile,
    "_WORD": records.Confirmation, "_LINE": records.LedgerLine, "_TRIES": records.TriesSaid,
    "_SUBJECT": records.SubjectUse,
    "_REPLIES": records.ReplyUse, "_ATTACK": records.AttackRate, "_AUDIT": records.ScorerAudit,
}  # fmt: skip


@pytest.mark.parametrize("name", FIELDS)
def test_a_member_may_hold_the_fields_of_its_record_and_no_others(name: str) -> None:
    """A field that is new there is to be checked here, or packs with it are refused."""
    check = getattr(words, name)
    known = inspect.getclosurevars(check).nonlocals
    assert set(known["known"]) == set(FIELDS[name].__struct_fields__) - {"timing"}  # which stands beside the record
    assert known["closed"]


def test_every_kind_of_audit_entry_is_known() -> None:
    """A kind that is new is to be read by the verifier, or packs with it are refused."""
    kinds = set()
    for package in (core, store):
        for found in iter_modules(package.__path__):
            module = import_module(f"{package.__name__}.{found.name}")
            texts = [value for key, value in vars(module).items() if key.isupper() and isinstance(value, str)]
            kinds |= {text for text in texts if re.fullmatch(r"[a-z]+\.[a-z_]+", text)}
    kinds = {k for k in kinds if k.rpartition(".")[2] not in ("json", "lock", "jsonl", "sqlite", "key", "text")}
    assert kinds == set(words._BODIES)


def test_decision_and_manifest_of_a_real_pack_are_of_their_shapes(case: Any) -> None:
    words.decision(msgspec.json.decode(msgspec.json.encode(case.decision)), "decision.json")
    words.manifest(msgspec.json.decode(msgspec.json.encode(case.run.manifest)), "manifest.json")


@pytest.mark.parametrize(
    ("check", "value"),
    [
        (shape.whole(), True), (shape.whole(), 1.0), (shape.whole(), -1), (shape.whole(1), 0), (shape.whole(), 10**400),
        (shape.whole(), "1"), (shape.number(), float("nan")), (shape.number(), float("inf")), (shape.number(0, 1), 1.1),
        (shape.number(), True), (shape.number(), None), (shape.word("ship"), "Ship"), (shape.word("ship"), "sh\u0456p"),
        (shape.word("ship"), ["ship"]), (shape.name, ""), (shape.name, "a\x1b[2J"), (shape.name, 5), (shape.flag, 1),
        (shape.digest, "sha256:" + "A" * 64), (shape.digest, "sha256:" + "a" * 63),
        (shape.moment, "2026-02-30T00:00:00Z"),
        (shape.moment, "2026-01-01T00:00:00+01:00"), (shape.listed(shape.text, least=1), []),
        (shape.listed(shape.text, once=True), ["a", "a"]), (shape.listed(shape.text), {"a": 1}),
        (shape.fields({"a": shape.text}), {}), (shape.fields({"a": shape.text}), {"a": "", "A": ""}),
        (shape.fields({"s1_hits": shape.text}), {"s1_hits": "", "s1hits": ""}),
        (shape.fields({}, closed=True), {"a": 1}), (words.measure, {"name": "m", "low": 0.5}),
        (words.measure, {"name": "m", "kind": "value", "low": 1, "high": 1}),
        (words.measure, {"name": "m", "kind": "value", "reducer": "any"}), (words.condition, "upper95 < 1"),
    ],
)  # fmt: skip
def test_what_is_of_no_shape_is_refused_with_its_place(check: shape.Shape, value: Any) -> None:
    with pytest.raises(IntegrityError, match=r"^place"):
        check(value, "place")
