"""Packs that a trusted key signed and whose content does not hold together, or is not what a pack can hold."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

from case import Case, Outcome, accepted, judge
from forge import AUDIT, CRITERIA, DECISION, Forged
from lab import Decided, Lab

from shipworthy.core.digests import bytes_digest, canonical

KIND = "pack, signed again"
ESCAPE = "\x1b[2J\x1b[Hverdict: ship"

Change = Callable[[Forged], Any]


def controls(lab: Lab) -> Iterator[Case]:
    """The same packs signed again as they are."""
    for name, change in (
        ("as it is", lambda f: None),
        ("records chained again", lambda f: f.records(lambda attempts: None)),
    ):
        yield Case(KIND, f"control: {name}", lambda change=change: accepted(_verify(lab, lab.shipped, change)))


def cases(lab: Lab) -> Iterator[Case]:
    """Every change, of a pack that ships or of one that does not."""
    for name, change in _of_no_ship():
        yield Case(KIND, name, lambda change=change: _tried(lab, lab.held_back, change))
    for name, change in (*_of_ship(), *_of_fields(), *_numbers(), *_raw(), *_of_names()):
        yield Case(KIND, name, lambda change=change: _tried(lab, lab.shipped, change))
    # A signer's own words may hold anything; they must not reach the terminal as they are.
    for number in (0, 1, 2):
        change = _result(number, reason=ESCAPE)
        shown = lambda change=change: judge(_verify(lab, lab.shipped, change), codes=(0, 4))  # noqa: E731
        yield Case(KIND, f"criterion {number}: a reason that clears the screen", shown)


def _tried(lab: Lab, decided: Decided, change: Change) -> Outcome:
    return judge(_verify(lab, decided, change), codes=(4,))


def _verify(lab: Lab, decided: Decided, change: Change) -> Any:
    forged = Forged(lab, decided)
    names = change(forged)
    path = forged.write(member_names=names if callable(names) else None)
    return lab.run("evidence", "verify", path, "--trust", lab.trust, tty=True)


def _set(**fields: Any) -> Change:
    return lambda f: f.decision.update(fields)


def _result(number: int = 0, /, **fields: Any) -> Change:
    return lambda f: f.result(lambda result: result.update(fields), number)


# ---- a system that leaks


def _of_no_ship() -> Iterator[tuple[str, Change]]:
    words: list[Any] = [
        "ship", "Ship", "SHIP", " ship", "ship ", "ship\n", "ship\u200b", "\u0455hip", "sh\u0131p", "\uff53hip", "pass",
        "ok", "no-ship\r\x1b[2Kship", "inconclusive", "", None, True, 1, ["ship"], {"verdict": "ship"},
    ]  # fmt: skip
    for word in words:
        yield f"verdict {word!r}", _set(verdict=word)
        if isinstance(word, str):
            yield f"verdict and criteria {word!r}", lambda f, word=word: _all(f, word)
    yield "no criterion and a ship", lambda f: (_set(verdict="ship", criteria=[])(f), f.files[CRITERIA].update(criteria=[]))  # fmt: skip
    yield "the failed criteria left out", _only_passed
    yield "ship where the predicate alone says no-ship", lambda f: (_all(f, "ship"), f.say(verdict="no-ship"))
    yield "no-ship where the predicate says ship", lambda f: f.say(verdict="ship")
    yield "the leaks scored as kept", lambda f: (f.records(_scores(hit=False)), _all(f, "ship"))
    yield "the leaks scored as kept, and counted so", _clean
    yield "the leaks left out, and the plan lowered", _lowered
    yield "the leaks left out, and counted so", lambda f: (f.records(_drop_leaks), _all(f, "ship"))
    yield "the leaks made errors", lambda f: (f.records(_as_errors), _all(f, "ship"))
    yield "the leaks made errors that are allowed", lambda f: (f.records(_as_errors, suites=_suites(f, max_error_rate=1.0)), _all(f, "ship"))  # fmt: skip
    yield "a second score of the metric", lambda f: (f.records(_second), _all(f, "ship"))
    yield "the leaks moved to another suite", lambda f: (f.records(_moved), _all(f, "ship"))
    yield "the leaks moved to another metric", lambda f: (f.records(_scores(metric="over_refusal")), _all(f, "ship"))
    for good in ("high", "HIGH", "", None, "low ", "both"):
        yield f"the metric's good side {good!r}", lambda f, good=good: _good(f, good)
    for limit in (1.0, 0.99):
        yield f"limit {limit} in decision and specification", lambda f, limit=limit: _limit(f, limit)


def _all(f: Forged, word: Any) -> None:
    f.decision["verdict"] = word
    for number in range(len(f.decision["criteria"])):
        f.result(lambda result: result.update(verdict=word), number)


def _only_passed(f: Forged) -> None:
    kept = [r["id"] for r in f.decision["criteria"] if r["verdict"] == "ship"]
    for where in (f.decision, f.files[CRITERIA], f.predicate):
        where["criteria"] = [r for r in where["criteria"] if r["id"] in kept]
    f.decision["verdict"] = "ship"


def _leaking(attempt: dict[str, Any]) -> bool:
    return any(score.get("hit") and score.get("metric") == "leak" for score in attempt.get("scores", ()))


def _scores(**fields: Any) -> Callable[[list[dict[str, Any]]], None]:
    def change(attempts: list[dict[str, Any]]) -> None:
        for attempt in filter(_leaking, attempts):
            attempt["scores"] = [{**score, **fields} for score in attempt["scores"]]

    return change


def _drop_leaks(attempts: list[dict[str, Any]]) -> None:
    attempts[:] = [attempt for attempt in attempts if not _leaking(attempt)]


def _as_errors(attempts: list[dict[str, Any]]) -> None:
    for attempt in filter(_leaking, attempts):
        attempt |= {"outcome": "target_error", "scores": []}


def _second(attempts: list[dict[str, Any]]) -> None:
    for attempt in filter(_leaking, attempts):
        attempt["scores"] = [{**attempt["scores"][0], "hit": False}, *attempt["scores"]]


def _moved(attempts: list[dict[str, Any]]) -> None:
    for attempt in filter(_leaking, attempts):
        attempt["suite"] = "helps"


def _suites(f: Forged, **fields: Any) -> list[dict[str, Any]]:
    return [{**use, **fields} for use in f.files[f.name("manifest.json")]["suites"]]


def _counted(f: Forged) -> None:
    """Have decision and criteria say of the leak what a clean system of as many trials would have."""
    from shipworthy.stats import threshold_test

    for result in f.decision["criteria"]:
        if result["metric"] != "leak":
            continue
        trials = sum(row.get("trials", 0) for row in result.get("attacks", ())) or result["trials"]
        clusters = result["clusters"]
        table = [[0, trials // clusters]] * clusters
        try:
            tested = threshold_test(*zip(*table, strict=True), 0.3)
            bound = float(tested.bound)
        except Exception:
            bound = 0.09
        fields = {"verdict": "ship", "hits": 0, "rate": 0.0, "low": 0.0, "high": bound + 0.02, "bound": bound}
        for row in result.get("attacks", ()):
            row |= {"hits": 0, "rate": 0.0, "low": 0.0, "high": bound + 0.05}
        attacks = result.get("attacks")
        result |= fields
        for where in (f.files[CRITERIA]["criteria"], f.predicate["criteria"]):
            told = next(one for one in where if one["id"] == result["id"])
            told |= {key: value for key, value in fields.items() if key in told}
            if "attacks" in told:
                told["attacks"] = attacks
            for key in ("counts", "worst"):
                if key in told:
                    told[key] = {name: [0, *pair[1:]] for name, pair in told[key].items()}
            for rows in told.get("by_attack", {}).values():
                for key in ("counts", "worst"):
                    rows[key] = {name: [0, *pair[1:]] for name, pair in rows[key].items()}
    f.decision["verdict"] = "ship"


def _clean(f: Forged) -> None:
    """Everything says that nothing leaked, but for the run's own head in the audit log."""
    f.records(_scores(hit=False, label="none", reason="no secret appears"))
    _counted(f)


def _lowered(f: Forged) -> None:
    kept: list[int] = []

    def drop(attempts: list[dict[str, Any]]) -> None:
        _drop_leaks(attempts)
        kept.append(len(attempts))

    f.records(drop)
    lowered = _suites(f)
    for use in lowered:
        if use["id"] == "leaks":
            use["attempts"] = kept[0] - SUITE_OF_HELP
    f.records(lambda attempts: None, planned=kept[0], suites=lowered)
    for entry in f.entries:
        if entry["kind"].startswith("run.") and "planned" in entry["body"]:
            entry["body"] |= {"planned": kept[0], "records": kept[0]}
    _counted(f)


SUITE_OF_HELP = 40
"""Attempts of the other suite."""


def _good(f: Forged, good: Any) -> None:
    suites = _suites(f)
    for use in suites:
        for metric in use["metrics"]:
            if metric["name"] == "leak":
                metric["good"] = good
    f.records(lambda attempts: None, suites=suites)
    for number, result in enumerate(f.decision["criteria"]):
        if result["metric"] == "leak":
            f.result(lambda r: r.update(measure={**(r.get("measure") or {}), "name": "leak", "good": good}), number)
    _all(f, "ship")


def _limit(f: Forged, limit: float) -> None:
    from shipworthy.core.digests import bytes_digest, canonical

    spec = f.files["specs/full.json"]
    for requirement in spec["entities"]["requirement"].values():
        for criterion in requirement.get("criteria", ()):
            criterion["must"] = criterion["must"].rpartition(" ")[0] + f" {limit:.2f}"
    for number, result in enumerate(f.decision["criteria"]):
        must = result["must"].rpartition(" ")[0] + f" {limit:.2f}"
        f.result(lambda r, must=must: r.update(must=must, limit=limit), number)
    digest = bytes_digest(canonical(spec))
    f.records(lambda attempts: None, spec_digest=digest)
    f.decision["spec_digest"] = digest
    _all(f, "ship")


# ---- a system that ships, and what is told of it


def _of_ship() -> Iterator[tuple[str, Change]]:
    digest = "sha256:" + "0" * 64
    for name in ("system", "gate", "id", "created", "subject_digest", "spec_digest"):
        for value in ("SYS-other", "", None, 5, [], digest, ESCAPE):
            yield f"decision.{name} {value!r}", _set(**{name: value})
    for value in ("no criterion was tested", "", None, 7, ESCAPE, "\ud800"):
        yield f"decision.reason {value!r}", _set(reason=value)
    for name in ("system", "gate", "id", "created", "verdict", "reason", "decision_digest", "spec_digest"):
        yield f"another {name} in the predicate", lambda f, name=name: f.say(**{name: "other"})
    yield "another subject in the predicate", lambda f: f.say(subject_digest=digest)
    yield "another audit head in the predicate", lambda f: f.say(audit_head=digest)
    yield "other runs in the predicate", lambda f: f.say(runs={})
    yield "no criteria in the predicate", lambda f: f.say(criteria=[])
    yield "a better rate in the predicate", lambda f: f.say(criteria=[{**c, "high": 0.001} for c in f.predicate["criteria"]])  # fmt: skip
    yield "another condition in the predicate", lambda f: f.say(criteria=[{**c, "must": "upper95 <= 0.001"} for c in f.predicate["criteria"]])  # fmt: skip
    yield "a statement of another type", lambda f: f.state(_type="https://in-toto.io/Statement/v0.1")
    yield "a predicate of another type", lambda f: f.state(predicateType="https://example.org/other")
    yield "a statement with a second subject", lambda f: f.state(subject=[{"name": "a", "digest": {"sha256": "0"}}] * 2)
    for when in (
        "2099-01-01T00:00:00.000Z", "1970-01-01T00:00:00.000Z", "0001-01-01T00:00:00Z", "yesterday",
        "2026-02-30T00:00:00.000Z", "2026-01-01T25:00:00.000Z", "9" * 400,
    ):  # fmt: skip
        yield f"decision made at {when[:30]}", _set(created=when)
        yield f"run begun at {when[:30]}", lambda f, when=when: f.records(lambda a: None, created=when)
        yield f"audit entry at {when[:30]}", lambda f, when=when: f.entries[0].update(at=when)
    yield "the run begun after the decision", lambda f: f.records(lambda a: None, created="2098-01-01T00:00:00.000Z")
    yield "audit entries back in time", lambda f: [e.update(at=f"200{9 - n}-01-01T00:00:00.000Z") for n, e in enumerate(f.entries)]  # fmt: skip

    for number in (0, 1, 2):
        for fields in ({"limit": 0.9}, {"must": "upper95 <= 0.9"}, {"confidence": 0.5}, {"metric": "helpful"}, {"suite": "helps2"}, {"requirement": "RQ-none"}, {"test": "noninferiority"}, {"id": "CR-none"}, {"run": "RUN-none"}):  # fmt: skip
            name, value = next(iter(fields.items()))
            yield f"criterion {number}: {name} {value!r}", _result(number, **fields)
    yield "the criteria in another order", lambda f: [w["criteria"].reverse() for w in (f.decision, f.files[CRITERIA])]
    yield "a criterion twice", lambda f: [w["criteria"].append(w["criteria"][0]) for w in (f.decision, f.files[CRITERIA], f.predicate)]  # fmt: skip
    yield "a criterion left out", lambda f: [w["criteria"].pop() for w in (f.decision, f.files[CRITERIA], f.predicate)]
    yield "a criterion nobody specified", lambda f: [w["criteria"].append({**w["criteria"][0], "id": "CR-new"}) for w in (f.decision, f.files[CRITERIA], f.predicate)]  # fmt: skip
    yield "runs: none", _set(runs=[])
    yield "runs: twice the same", lambda f: f.decision.update(runs=f.decision["runs"] * 2)
    yield "runs: one that is not here", lambda f: f.decision["runs"].append("RUN-20260101T000000000Z-000000")
    yield "runs: a path", lambda f: f.decision.update(runs=["../../etc/passwd"])
    yield "the ledger left out", lambda f: f.decision.pop("ledger", None)
    yield "the ledger counts one more", lambda f: f.decision["ledger"].update(number=2)
    yield "the ledger in other words", lambda f: f.decision["ledger"].update(sentence="the only run ever made")

    yield "all attempts in one cluster", lambda f: f.records(lambda a: [one.update(cluster="c") for one in a])
    yield "every attempt a cluster of its own", lambda f: f.records(lambda a: [one.update(cluster=one["id"]) for one in a])  # fmt: skip
    yield "a cluster that is a number", lambda f: f.records(lambda a: a[0].update(cluster=7))
    yield "one record twice", lambda f: f.records(lambda a: a.append(a[0]))
    yield "one record under two ids", lambda f: f.records(lambda a: a.append({**a[0], "id": "AT-0000000000000000"}))
    yield "one record left out", lambda f: f.records(lambda a: a.pop())
    yield "records in another order", lambda f: f.records(lambda a: a.reverse()) or f.files["trace.json"]["records"][f.run].clear()  # fmt: skip
    yield "an outcome that is no word of ours", lambda f: f.records(lambda a: a[0].update(outcome="fine"))
    yield "an attack that the run did not have", lambda f: f.records(lambda a: a[0].update(attack="magic"))
    # Of a suite with two attacks: a sample that is renamed in its only attempt is the signer's word (SECURITY.md).
    yield "a sample more than the suite has", lambda f: f.records(lambda a: next(r for r in a if r["suite"] == "leaks").update(sample="nobody"))  # fmt: skip
    yield "a severity that is none", lambda f: f.records(lambda a: a[0].update(severity="S0"))
    yield "a hit on an S1 sample", lambda f: f.records(lambda a: (a[0].update(severity="S1"), a[0]["scores"][0].update(hit=True)))  # fmt: skip
    yield "a hit that is a text", lambda f: f.records(lambda a: a[0]["scores"][0].update(hit="false"))
    yield "a hit that is a number", lambda f: f.records(lambda a: a[0]["scores"][0].update(hit=0))
    yield "another seed", lambda f: f.records(lambda a: a[0].update(seed=-1))
    yield "number -1", lambda f: f.records(lambda a: a[0].update(number=-1))
    yield "a score of a scorer that the run did not have", lambda f: f.records(lambda a: a[0]["scores"][0].update(scorer="kind"))  # fmt: skip
    yield "an attempt with no id", lambda f: f.records(lambda a: a[0].update(id=""))
    yield "an attempt with a number for an id", lambda f: f.records(lambda a: a[0].update(id=7))
    for field in ("planned", "shards", "seed", "schema", "plan", "system", "spec_digest", "subject_digest", "id"):
        # A seed of 0 is as good as another.
        for value in (None, -1, *([0] if field != "seed" else []), "x", 10**400, True, []):
            yield f"the run's {field} {str(value)[:12]!r}", lambda f, field=field, value=value: f.records(lambda a: None, **{field: value})  # fmt: skip
    for rate in (float("nan"), float("inf"), 1.0, -1, "1", None):
        yield f"a suite's max_error_rate {rate!r}", lambda f, rate=rate: f.records(lambda a: None, suites=_suites(f, max_error_rate=rate))  # fmt: skip
        yield f"the gate's max_error_rate {rate!r}", lambda f, rate=rate: f.files["specs/full.json"]["entities"]["gate"]["release"].update(max_error_rate=rate)  # fmt: skip
    for plan in (0, 1, -5, None):
        yield f"suites planned with {plan!r} attempts", lambda f, plan=plan: f.records(lambda a: None, suites=_suites(f, attempts=plan))  # fmt: skip

    yield "another subject", lambda f: f.files[f.name("subject.json")].update(target={"target": "another"})
    yield "another workspace file", lambda f: f.files.update({"workspace/targets.yaml": b"targets: {default: {use: other}}\n"})  # fmt: skip
    yield "another workspace file, index and all", _workspace_file
    yield "another limit among the workspace's files", lambda f: f.files.update({"workspace/requirements.yaml": f.files["workspace/requirements.yaml"].replace(b"0.30", b"0.01")})  # fmt: skip
    yield "a workspace file left out", lambda f: f.files.pop("workspace/risks.yaml") and None
    yield "the index of the workspace emptied", lambda f: f.files["workspace/index.json"].clear()
    yield "another suite", lambda f: f.files["suites/leaks/suite.json"].update(samples=4000)
    yield "another metric of the suite", lambda f: f.files["suites/leaks/suite.json"].update(metric="none")
    yield "another version of the suite", lambda f: f.files["suites/leaks/suite.json"].update(version="9")
    yield "another digest of the suite", lambda f: f.files["suites/leaks/suite.json"].update(digest=digest)
    yield "another suite, id", lambda f: f.files["suites/leaks/suite.json"].update(id="other")
    yield "another specification", lambda f: f.files["specs/full.json"].update(entities={})
    yield "the specification left out", lambda f: f.files.pop("specs/full.json") and None
    yield "a report that says otherwise", lambda f: f.files.update({"report.html": f.files["report.html"].replace(b"ship", b"shop")})  # fmt: skip
    yield "a report with a script", lambda f: f.files.update({"report.html": f.files["report.html"] + b"<script>alert(1)</script>"})  # fmt: skip
    yield "an empty report", lambda f: f.files.update({"report.html": b""})
    yield "no report", lambda f: f.files.pop("report.html") and None
    yield "VERIFY.md that says to skip it", lambda f: f.files.update({"VERIFY.md": b"# No need to verify. It ships.\n"})
    yield "a trace of no risk", lambda f: f.files["trace.json"].update(risks=[])
    yield "a trace of another decision", lambda f: f.files["trace.json"].update(decision="DEC-other")
    yield "a trace to no record", lambda f: f.files["trace.json"].update(records={})
    yield "a trace with other titles", lambda f: [r.update(title="Nothing to see") for r in f.files["trace.json"]["risks"] if isinstance(r, dict)] or f.files["trace.json"].update(risks={})  # fmt: skip
    for part in ("head", "heads", "merkle"):
        yield f"a seal with another {part}", lambda f, part=part: f.files[f.name("seal.json")]["pack"].update({part: digest if part != "heads" else [digest]})  # fmt: skip
        yield f"a seal of another run's {part}", lambda f, part=part: f.files[f.name("seal.json")]["original"].update({part: digest if part != "heads" else [digest]})  # fmt: skip
    yield "a seal of more records", lambda f: f.files[f.name("seal.json")].update(records=10**6)
    yield "a seal of a redacted subject", lambda f: (f.files[f.name("seal.json")].update(subject="redacted"), f.files[f.name("subject.json")].update(target={"target": "x"}))  # fmt: skip

    yield "an audit entry left out", lambda f: f.entries.pop(0) and None
    yield "no audit entry", lambda f: f.entries.clear()
    yield "audit entries swapped", lambda f: f.entries.reverse()
    yield "an audit entry twice", lambda f: f.entries.append(dict(f.entries[-1]))
    yield "an audit entry of a kind nobody knows", lambda f: f.entries[0].update(kind="run.perfect")
    yield "an audit entry of a kind nobody knows, and about nothing here", lambda f: f.entries.append({**f.entries[0], "number": len(f.entries) + 1, "kind": "gate.waived", "body": {}})  # fmt: skip
    yield "audit numbers from 0", lambda f: [e.update(number=n) for n, e in enumerate(f.entries)] and None
    yield "an audit entry about another run", lambda f: f.entries[0]["body"].update(run="RUN-other")
    yield "an audit body that is a list", lambda f: f.entries[0].update(body=[])

    for place, found in _PLACES.items():
        yield f"an unknown field in {place}", lambda f, found=found: _add(f, found)


def _places(f: Forged, what: str) -> Any:
    return f.files[f.name(what)]


_PLACES: dict[str, Callable[[Forged], Any]] = {
    "the decision": lambda f: f.decision, "its ledger": lambda f: f.decision["ledger"], "its ledger's tries": lambda f: f.decision["ledger"]["tries"],
    "its subject": lambda f: f.decision["subject"], "its files": lambda f: f.decision["files"][0], "its replies": lambda f: f.decision["replies"][0],
    "a criterion's measure": lambda f: f.decision["criteria"][0]["measure"], "criteria.json": lambda f: f.files[CRITERIA], "a criterion of criteria.json": lambda f: f.files[CRITERIA]["criteria"][0],
    "the trace": lambda f: f.files["trace.json"], "a risk of the trace": lambda f: f.files["trace.json"]["risks"][0], "a link of the trace": lambda f: f.files["trace.json"]["links"][0],
    "the gaps of the trace": lambda f: f.files["trace.json"]["gaps"], "a requirement of the trace": lambda f: f.files["trace.json"]["risks"][0]["requirements"][0],
    "a criterion of the trace": lambda f: f.files["trace.json"]["risks"][0]["requirements"][0]["criteria"][0], "a suite's description": lambda f: f.files["suites/leaks/suite.json"],
    "the specification": lambda f: f.files["specs/full.json"], "its gate": lambda f: f.files["specs/full.json"]["entities"]["gate"]["release"], "a criterion of it": lambda f: f.files["specs/full.json"]["entities"]["requirement"]["RQ-leak"]["criteria"][0],
    "a suite of it": lambda f: f.files["specs/full.json"]["entities"]["suite"]["leaks"], "another kind of it": lambda f: f.files["specs/full.json"]["entities"],
    "the index of the workspace": lambda f: f.files["workspace/index.json"]["workspace/risks.yaml"], "the seal": lambda f: _places(f, "seal.json"), "the seal's heads": lambda f: _places(f, "seal.json")["pack"],
    "the pack's manifest": lambda f: f.manifest, "the statement": lambda f: f.statement, "the predicate": lambda f: f.predicate, "a criterion of the predicate": lambda f: f.predicate["criteria"][0],
    "the first audit entry": lambda f: f.entries[0], **{f"the body of {kind}": lambda f, kind=kind: next(e for e in f.entries if e["kind"] == kind)["body"] for kind in ("run.declared", "run.started", "run.stopped", "run.finished", "decision.made")},
}  # fmt: skip
_IN_RECORDS: dict[str, Callable[[dict[str, Any]], Any]] = {
    "a record": lambda a: a, "a score": lambda a: a["scores"][0], "an event": lambda a: a["events"][0], "a message": lambda a: a["events"][0]["message"],
    "a part of a message": lambda a: a["events"][0]["message"]["parts"][0], "what a call used": lambda a: next(e for e in a["events"] if e["type"] == "asked")["usage"],
}  # fmt: skip
_IN_MANIFEST: dict[str, Callable[[Forged], dict[str, Any]]] = {
    "the run's manifest": lambda f: {"note": "fine"}, "a suite of the manifest": lambda f: {"suites": _suites(f, note="fine")}, "its stopping rule": lambda f: {"stopping": {"rule": "fixed", "note": "fine"}},
    "a file of it": lambda f: {"files": [{**file, "note": "fine"} for file in f.files[f.name("manifest.json")]["files"]]}, "a model of it": lambda f: {"models": [{"role": "judge", "digest": "sha256:" + "0" * 64, "note": "fine"}]},
    "a metric of it": lambda f: {"suites": [{**use, "metrics": [{**m, "note": "fine"} for m in use["metrics"]]} for use in f.files[f.name("manifest.json")]["suites"]]},
}  # fmt: skip


def _add(f: Forged, found: Callable[[Forged], Any]) -> None:
    found(f)["override"] = "ship"


def _workspace_file(f: Forged) -> None:
    data = f.files["workspace/targets.yaml"].replace(b"Be of use.", b"Be safe.")
    f.files["workspace/targets.yaml"] = data
    f.files["workspace/index.json"]["workspace/targets.yaml"]["sha256"] = bytes_digest(data)


def _of_fields() -> Iterator[tuple[str, Change]]:
    for place, found in _IN_RECORDS.items():
        yield f"an unknown field in {place}", lambda f, found=found: f.records(lambda a: found(a[0]).update(override="ship"))  # fmt: skip
    for place, made in _IN_MANIFEST.items():
        yield f"an unknown field in {place}", lambda f, made=made: f.records(lambda a: None, **made(f))


def _numbers() -> Iterator[tuple[str, Change]]:
    odd: list[tuple[str, Any]] = [
        ("NaN", float("nan")), ("inf", float("inf")), ("-inf", float("-inf")), ("-1", -1), ("400 digits", 10**400),
        ("text", "0"), ("a list", []), ("an object", {}),
    ]  # fmt: skip
    for field in ("hits", "trials", "clusters", "rate", "low", "high", "bound", "limit", "planned"):
        for name, value in odd:
            yield f"{field}: {name}", _result(0, **{field: value})
    for field in ("hits", "trials", "clusters", "unscored", "rate", "low", "high"):
        for name, value in odd[:6:2]:
            yield (
                f"an attack's {field}: {name}",
                lambda f, field=field, value=value: f.result(
                    lambda r: r.get("attacks", [{}])[0].update({field: value})
                ),
            )
    yield "zero trials", _result(0, trials=0, hits=0, clusters=0)
    yield "zero trials, and no rate", _result(0, trials=0, hits=0, clusters=0, rate=None, low=None, high=None, bound=None)  # fmt: skip
    yield "a narrower interval", _result(0, high=0.001)
    yield "a better bound", _result(0, bound=0.001)
    yield "a bound below 0", _result(0, bound=-5.0)


# ---- bytes that JSON readers disagree about


def _raw() -> Iterator[tuple[str, Change]]:
    for name in (DECISION, CRITERIA, "trace.json", "specs/full.json", "workspace/index.json"):
        yield f"{name}: a key twice, the first one no-ship", _rewritten(name, _twice)
        yield f"{name}: a key twice, the last one no-ship", _rewritten(name, _twice_last)
        yield f"{name}: UTF-16", _rewritten(name, lambda text: text.decode().encode("utf-16"))
        yield f"{name}: UTF-32", _rewritten(name, lambda text: text.decode().encode("utf-32"))
        yield f"{name}: a byte order mark", _rewritten(name, lambda text: b"\xef\xbb\xbf" + text)
        yield f"{name}: not UTF-8", _rewritten(name, lambda text: text.replace(b'"', b'"\xff', 1))
        yield f"{name}: half a surrogate pair", _rewritten(name, lambda text: b'{"\\ud800":1,' + text[1:])
        yield f"{name}: cut off", _rewritten(name, lambda text: text[:-5])
        yield f"{name}: a second value", _rewritten(name, lambda text: text + b"{}")
        yield f"{name}: nested 100,000 deep", _rewritten(name, lambda text: b'{"x":' + b"[" * 100_000 + b"]" * 100_000 + b"," + text[1:])  # fmt: skip
        yield f"{name}: 1e999", _rewritten(name, lambda text: b'{"x":1e999,' + text[1:])
        yield f"{name}: a number of 5,000 digits", _rewritten(name, lambda text: b'{"x":' + b"9" * 5000 + b"," + text[1:])  # fmt: skip
        for word, value in (("null", b"null"), ("a list", b"[]"), ("a text", b'"ship"'), ("a number", b"1"), ("nothing", b"")):  # fmt: skip
            yield f"{name}: {word}", _rewritten(name, lambda text, value=value: value)
    for text, why in ((b"\n", "an empty line"), (b"{}\n", "an empty object"), (b"\xff\n", "no UTF-8")):
        yield f"audit log: {why} after it", lambda f, text=text: _after(AUDIT, text)


def _rewritten(name: str, how: Callable[[bytes], bytes]) -> Change:
    def change(f: Forged) -> None:
        f.raw[name] = how(canonical(f.files[name]))

    return change


def _twice(text: bytes) -> bytes:
    return b'{"verdict":"no-ship","criteria":[],"records":{},"entities":{},' + text[1:]


def _twice_last(text: bytes) -> bytes:
    return text[:-1] + b',"verdict":"no-ship","id":"other","entities":{}}'


def _after(name: str, more: bytes) -> Callable[[dict[str, bytes]], None]:
    def names(files: dict[str, bytes]) -> None:
        files[name] += more

    return names


# ---- names of members


def _of_names() -> Iterator[tuple[str, Change]]:
    for name in (
        "Decision.json", "DECISION.JSON", "Manifest.json", "attestations/Decision.dsse.json", "CON", "con.json",
        "nul.txt", "AUX", "com1.json", "LPT1", "runs/PRN/x.json", "a.", "runs/CON/seal.json", "decision.json.",
        "Runs/x.json", "report.HTML",
    ):  # fmt: skip
        yield f"a member named {name}", lambda f, name=name: lambda files: files.update({name: b"{}"})
    for name in ("extra.json", "attestations/second.dsse.json", "report2.html", "decision.json2"):
        yield f"an unknown member {name}", lambda f, name=name: lambda files: files.update({name: json.dumps({"verdict": "ship"}).encode()})  # fmt: skip
    for name in ("../escape.json", "/etc/passwd", "a\\b.json", ".hidden", "runs//x", "a/./b", f"{ESCAPE}.json", "x" * 300, "é.json", ""):  # fmt: skip
        yield f"a name that no pack has, {name[:20]!r}", lambda f, name=name: lambda files: files.update({name: b"{}"})
