"""What a pack says twice, held against itself: system, gate, plan, suites, subject, files, predicate and trace.

A signer who is wrong about one of them would otherwise be believed, since the signature covers both. Standard library
only: the stand-alone verifier uses it. Whether each run, record and criterion is what it says is checked before.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from shipworthy.core.attack_name import matches
from shipworthy.core.digests import bytes_digest
from shipworthy.core.errors import IntegrityError
from shipworthy.evidence import words
from shipworthy.evidence.recount import PackedRun

Json = Mapping[str, Any]

ATTESTED = ("id", "created", "system", "gate", "verdict", "reason", "spec_digest", "subject_digest")
"""What the signed statement repeats of a decision."""
ATTESTED_CRITERION = (
    "id", "must", "verdict", "rate", "low", "high", "bound", "limit", "hits", "trials", "clusters",
)  # fmt: skip
"""What it repeats of each criterion, where the decision has it."""

INDEX = "workspace/index.json"
FULL, RELEASE = "full", "release"
"""The plan of all suites, and the gate of a workspace that names none."""


def attested(decision: Json) -> dict[str, Any]:
    """Return what a signed statement repeats of a decision."""
    criteria = [{key: one[key] for key in ATTESTED_CRITERION if key in one} for one in decision["criteria"]]
    return {**{key: decision[key] for key in ATTESTED}, "criteria": criteria, "replies": decision.get("replies", [])}


def check(
    members: Mapping[str, bytes],
    predicate: Json,
    decision: Json,
    runs: Mapping[str, PackedRun],
    entries: Sequence[Json],
) -> str:
    """Hold all of it against each other.

    Args:
        members: of the pack.
        predicate: that was signed.
        decision: of the pack; `runs` those that it names, and `entries` the audit log's, oldest first.

    Returns:
        What was found, in words.

    Raises:
        IntegrityError: names the file that says something else, what it says, and what the others say.
    """
    held = _Held(members, decision, runs)
    held.predicate(predicate)
    held.entry(entries)
    held.system()
    files = held.files()
    for run in decision["runs"]:
        held.plan(runs[run].manifest)
        held.suites(runs[run].manifest)
    held.subjects()
    held.criteria()
    held.trace()
    return f"{files:,} safety files as recorded when it was decided; system, gate, plans, suites, trace agree"


def not_to_the_byte(members: Mapping[str, bytes]) -> list[str]:
    """Return the safety files of a pack that holds together which are not what was decided on, to the byte."""
    decided = {file["path"]: file["sha256"] for file in json.loads(members["decision.json"])["files"]}
    listed = json.loads(members[INDEX]).values()
    return sorted(entry["path"] for entry in listed if entry["sha256"] != decided[entry["path"]])


class _Held:
    def __init__(self, members: Mapping[str, bytes], decision: Json, runs: Mapping[str, PackedRun]) -> None:
        self.members, self.decision, self.runs = members, decision, runs
        self.specs: dict[str, Json] = {
            name.removeprefix("specs/").removesuffix(".json"): self.json(name)["entities"]
            for name in sorted(members)
            if name.startswith("specs/")
        }

    def json(self, name: str) -> Any:
        if name not in self.members:
            raise IntegrityError(f"{name}: missing")
        return json.loads(self.members[name])

    def predicate(self, predicate: Json) -> None:
        """The statement that was signed repeats the decision, and names each run's seal."""
        expected = attested(self.decision) | {
            "decision_digest": bytes_digest(self.members["decision.json"]),
            "runs": {run: self.json(f"runs/{run}/seal.json") for run in self.runs},
            "audit_head": predicate["audit_head"],  # which was held against the audit log
        }
        for name in sorted({*expected, *predicate}):
            if name not in predicate or name not in expected or not _equal(predicate[name], expected[name]):
                raise IntegrityError(f"attestations/decision.dsse.json: its {name} is not that of the decision inside")

    def entry(self, entries: Sequence[Json]) -> None:
        """The audit log recorded the decision with the same system, gate, verdict, subject, runs and files."""
        id = self.decision["id"]
        body = next(e["body"] for e in entries if e["kind"] == "decision.made" and e["body"]["decision"] == id)
        told = {name: self.decision[name] for name in ("system", "gate", "verdict", "runs", "subject_digest")}
        told["files"] = {file["path"]: file["sha256"] for file in self.decision.get("files", ())}
        for name, value in told.items():
            if not _equal(body.get(name), value):
                raise IntegrityError(f"audit-log.jsonl: records the decision with another {name} than it has")

    def system(self) -> None:
        """Decision, runs and trace are of one system, and the gate is that of the specification."""
        wanted = self.decision["system"]
        for run in self.runs.values():
            if run.manifest["system"] != wanted:
                raise IntegrityError(
                    f"runs/{run.manifest['id']}/manifest.json: of the system {run.manifest['system']}, the decision is "
                    f"about {wanted}"
                )
        for plan, entities in self.specs.items():
            gates = list(entities.get("gate", {})) or [RELEASE]
            if gates != [self.decision["gate"]]:
                raise IntegrityError(
                    f"specs/{plan}.json: has the gate {', '.join(gates)}, the decision {self.decision['gate']}"
                )

    def files(self) -> int:
        """The files in the pack are those that the decision recorded when it was made."""
        recorded = {file["path"]: file for file in self.decision.get("files", ())}
        if not recorded or len(recorded) != len(self.decision["files"]):
            raise IntegrityError(
                "decision.json: does not say which safety files it was made under, or one of them twice"
            )
        index = self.json(INDEX)
        words.files(index, INDEX)
        listed: dict[str, Json] = {entry["path"]: entry for entry in index.values()}
        if len(listed) != len(index):
            raise IntegrityError(f"{INDEX}: one file stands there twice")
        for path in sorted({*recorded, *listed}):
            then, now = recorded.get(path), listed.get(path)
            if then is None or now is None:
                here = "no file of the decision" if then is None else "not in the pack"
                raise IntegrityError(f"{INDEX}: {path} is {here}")
            same = then["sha256"] == now["sha256"] or (then.get("meaning") and then["meaning"] == now.get("meaning"))
            if not same:
                raise IntegrityError(
                    f"{INDEX}: {path} was recorded with {then['sha256']} when it was decided, the pack has "
                    f"{now['sha256']}"
                )
        packed = {name for name in self.members if name.startswith("workspace/")} - {INDEX}
        shown = {name for name, entry in index.items() if "redacted" in entry}
        if odd := sorted(packed ^ shown):
            raise IntegrityError(f"{odd[0]}: {INDEX} and the pack do not agree on whether it is there")
        for name in sorted(shown):
            if index[name]["redacted"] is not (bytes_digest(self.members[name]) != index[name]["sha256"]):
                raise IntegrityError(f"{name}: not the file that {INDEX} names")
        return len(recorded)

    def plan(self, manifest: Json) -> None:
        """A run did what its plan asks: these suites, so many samples, these attacks, so many attempts of each."""
        where, entities = f"runs/{manifest['id']}/manifest.json", self.specs[manifest["plan"]]
        written = entities.get("plan", {}).get(manifest["plan"], {})
        asked = {name: {"suite": name} for name in entities.get("suite", {})}
        if manifest["plan"] != FULL:
            entries = [{"suite": entry} if isinstance(entry, str) else entry for entry in written["suites"]]
            asked = {entry["suite"]: entry for entry in entries}
        if not _equal(manifest["seed"], _number(written.get("seed", 0))):
            raise IntegrityError(f"{where}: its seed is not that of the plan {manifest['plan']}")
        for use in manifest["suites"]:
            if use["id"] not in asked:
                raise IntegrityError(f"{where}: ran the suite {use['id']}, which the plan {manifest['plan']} does not")
            entry, suite = asked[use["id"]], self.json(f"suites/{use['id']}/suite.json")
            samples = min(_number(entry.get("samples") or suite["samples"]), suite["samples"])
            wanted = entry.get("attacks")
            attacks = [a for a in suite["attacks"] if wanted is None or any(matches(w, a) for w in wanted)]
            each = _number(entry.get("attempts") or suite["attempts"])
            said = use["samples"], list(use.get("attacks", ())), use["each"], use["attempts"]
            if not _equal(list(said), [samples, attacks, each, samples * len(attacks) * each]):
                raise IntegrityError(
                    f"{where}: {use['id']} has other samples, attacks or attempts than the plan {manifest['plan']} asks"
                )
        if not _equal(manifest["planned"], sum(use["attempts"] for use in manifest["suites"])):
            raise IntegrityError(f"{where}: plans another number of attempts than its suites have")

    def suites(self, manifest: Json) -> None:
        """A run used the suites of the specification, as the pack describes them."""
        entities = self.specs[manifest["plan"]]
        for use in manifest["suites"]:
            name, where = use["id"], f"suites/{use['id']}/suite.json"
            about = self.json(where)
            for key in ("id", "version", "content", "metric", "digest", "max_error_rate", "icc"):
                if not _equal(about[key], use[key]):
                    raise IntegrityError(f"{where}: its {key} is not what the run {manifest['id']} used")
            if about["digest"] != entities.get("suite", {}).get(name, {}).get("digest"):
                raise IntegrityError(f"{where}: not the suite that specs/{manifest['plan']}.json names")

    def subjects(self) -> None:
        """Each run's subject is the one in its manifest, and the decision names its target."""
        for id, run in self.runs.items():
            where, subject = f"runs/{id}/subject.json", self.json(f"runs/{id}/subject.json")
            if not _equal(subject, run.manifest["subject"]):
                raise IntegrityError(f"{where}: not the subject that the run's manifest has")
            if bool(run.manifest.get("guards")) is not bool(subject.get("guards")):
                raise IntegrityError(f"{where}: says something else of guards than the run's manifest")
        told = self.decision["subject"].get("target", "")
        target = self.runs[self.decision["runs"][0]].manifest["subject"].get("target")
        named = target.get("target") if isinstance(target, Mapping) else None
        if told != (named if isinstance(named, str) else ""):
            raise IntegrityError("decision.json: names another target than its runs measured")

    def criteria(self) -> None:
        """Each criterion belongs to the requirement, severity and risks that the specification gives it."""
        written = {
            criterion["id"]: (name, requirement, criterion)
            for entities in self.specs.values()
            for name, requirement in entities.get("requirement", {}).items()
            for criterion in requirement.get("criteria", ())
        }
        for result in self.decision["criteria"]:
            if result["id"] not in written:
                continue  # on a suite that no plan of its runs reaches: `criteria` checked that it decided nothing
            name, requirement, criterion = written[result["id"]]
            expected = name, criterion.get("severity", "S3"), list(requirement.get("mitigates", ()))
            if (result["requirement"], result.get("severity", "S3"), list(result.get("risks", ()))) != expected:
                raise IntegrityError(
                    f"decision.json: {result['id']} has another requirement, severity or risks than specified"
                )

    def trace(self) -> None:
        """The trace is of this decision, and leads from each risk to the criteria that test it, with their results."""
        trace = self.json("trace.json")
        for key, field in (
            ("decision", "id"),
            *((k, k) for k in ("verdict", "system", "spec_digest", "subject_digest")),
        ):
            if trace[key] != self.decision[field]:
                raise IntegrityError(f"trace.json: its {key} is not that of the decision")
        results = {result["id"]: result for result in self.decision["criteria"]}
        led: set[tuple[str, str]] = set()
        for risk in trace["risks"]:
            for requirement in risk["requirements"]:
                if trace["requirements"].get(requirement["id"]) != requirement["text"]:
                    raise IntegrityError(f"trace.json: says two things of the requirement {requirement['id']}")
                for criterion in requirement["criteria"]:
                    result = results.get(criterion["id"])
                    led.add((risk["id"], criterion["id"]))
                    if result is None or result["requirement"] != requirement["id"]:
                        raise IntegrityError(f"trace.json: {criterion['id']} is no criterion of {requirement['id']}")
                    self.tested(criterion, result)
        for result in results.values():
            for risk in result.get("risks", ()):
                if (risk, result["id"]) not in led:
                    raise IntegrityError(f"trace.json: does not lead from {risk} to {result['id']}")
        if odd := led - {(risk, result["id"]) for result in results.values() for risk in result.get("risks", ())}:
            raise IntegrityError(f"trace.json: leads from {min(odd)[0]} to {min(odd)[1]}, the decision does not")

    def tested(self, criterion: Json, result: Json) -> None:
        """What the trace says of a criterion is what the decision says."""
        same = all(
            criterion[key] == result.get(key, "") for key in ("must", "verdict", "metric", "run", "baseline_run")
        )
        name = f"suites/{result['suite']}/suite.json"
        if name in self.members:
            about = self.json(name)
            same &= criterion["suite"] == f"{about['id']}@{about['version']}"
            same &= criterion["suite_digest"] == about["digest"]
        if not same or criterion["suite"].partition("@")[0] != result["suite"]:
            raise IntegrityError(f"trace.json: what it says of {criterion['id']} is not what the decision says")


def _number(value: Any) -> int:
    """Return a number of the specification, which keeps one that was written in an unusual way as it was written."""
    return int(value, 0) if isinstance(value, str) and value[:2] in ("0o", "0x") else int(value)


def _equal(one: Any, other: Any) -> bool:
    """Compare as JSON: true is not 1."""
    return json.dumps(one, sort_keys=True) == json.dumps(other, sort_keys=True)
