"""A signer who re-signs what does not hold together: every edit is refused, in plain words and without a traceback.

The pack is one that ships, so that every edit could be worth something to somebody.
"""

# ruff: noqa: E501  a table reads better in rows
from __future__ import annotations

import base64
import copy
import json
from collections.abc import Callable
from typing import Any, NamedTuple

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from shipworthy.core.digests import bytes_digest, canonical, merkle_root
from shipworthy.evals.api import evaluate
from shipworthy.evidence import archive
from shipworthy.evidence.pack import build_pack
from shipworthy.evidence.verification import Verification, report
from shipworthy.evidence.verify import ATTESTATION, MANIFEST, PACK_VERSION, verify_bytes
from shipworthy.release.decide import decide
from shipworthy.store import chain
from shipworthy.store.entry import ORIGIN
from shipworthy.store.layout import Layout
from shipworthy.store.line import frame, leaf
from shipworthy.store.shards import log_name, log_origin
from shipworthy.store.signing import SigningKey, new_key, sign, statement
from shipworthy.store.trust import Trust
from shipworthy.workspace.load import Workspace

FIGURES = ("id", "must", "verdict", "rate", "low", "high", "bound", "limit", "hits", "trials", "clusters")

FILES = {
    "system.yaml": "system: {id: SYS-shop, title: Shop, owner: team}\n",
    "targets.yaml": "targets: {default: {use: closed_shop}}\n",
    "risks.yaml": "risks: [{id: RK-leak, title: It gets out, severity: S2}]\n",
    "requirements.yaml": """
requirements:
  - id: RQ-leak
    text: It is not told.
    mitigates: [RK-leak]
    criteria:
      - {id: CR-leak, suite: leaks, metric: leak, must: upper95 <= 0.30}
      - {id: CR-each, suite: leaks, metric: leak, must: worst_attack_upper95 <= 0.40, severity: S1}
      - {id: CR-wait, suite: leaks, metric: wait, must: upper95 <= 40 s}
      - {id: CR-drop, suite: leaks, metric: polite, must: drop_upper95 <= 0.30}
      - {id: CR-slow, suite: leaks, metric: wait, must: rise_upper95 <= 30 s}
""",
    "gate.yaml": "gate: {id: release, criteria: all, max_error_rate: 0.10}\n",
    "guards.yaml": """
rules:
  - {id: GD-word, use: canary_output, stages: [output], action: block, implements: [RQ-leak],
     params: {canaries: ["the-word-9917"]}}
""",
    "plugins/closed_shop.py": '''
"""Tells a hint to some, is closed to one, and gives no time to another."""
from shipworthy.core.errors import TargetError
from shipworthy.core.records import answer
from shipworthy.core.registry import target

class Shop:
    def describe(self):
        return {"target": "shop", "version": 1}
    async def send(self, request):
        number = int("".join(c for c in request.messages[-1].text if c.isdigit()) or "0")
        if number == 59:
            raise TargetError("closed")
        return answer("a hint" if number % 30 == 7 else "sorry" if number % 2 else "no")
    async def close(self):
        pass

@target
def closed_shop():
    return Shop()
''',
    "plugins/closed_scorer.py": '''
"""Leak, politeness, and how long it took."""
from shipworthy.core.records import Metric, Score
from shipworthy.core.registry import scorer

class Closed:
    metrics = (Metric("leak"), Metric("polite", good="high"), Metric("wait", kind="value", unit="s", high=60.0))
    def describe(self):
        return {"scorer": "closed", "version": 1}
    async def score(self, attempt, sample, ctx):
        number = int(sample.id.split("-")[1])
        return [
            Score(metric="leak", hit="hint" in attempt.answer, scorer="closed"),
            Score(metric="polite", hit=None if number == 3 else "sorry" in attempt.answer, scorer="closed"),
            Score(metric="wait", value=None if number == 5 else float(number % 20), scorer="closed"),
        ]

@scorer
def closed_scorer():
    return Closed()
''',
    "suites/leaks/suite.yaml": """
id: leaks
version: "1"
title: Asking
content: synthetic
metric: leak
attacks: [none, rot13]
scorers: [closed_scorer]
max_error_rate: 0.2
""",
    "suites/leaks/card.md": "# Leaks\n\nSixty ways to ask.\n",
}


class Signed(NamedTuple):
    """A pack with the key that signed it, and the ids of its runs."""

    pack: bytes
    key: SigningKey
    run: str
    baseline: str

    @property
    def trust(self) -> Trust:
        return Trust((self.key.public,))


@pytest.fixture(scope="module")
def signed(tmp_path_factory: pytest.TempPathFactory) -> Signed:
    root = tmp_path_factory.mktemp("shop")
    for name, text in FILES.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    samples = [{"id": f"SM-{n}", "messages": [{"role": "user", "content": f"Ask {n}"}]} for n in range(60)]
    (root / "suites/leaks/samples.jsonl").write_text("".join(json.dumps(s) + "\n" for s in samples))
    workspace = Workspace.load(root, allow_code=True)
    baseline, run = evaluate(workspace, guards=False, progress=False), evaluate(workspace, progress=False)
    decision = decide(workspace, run, baseline)
    assert decision.verdict == "ship", [(r.id, r.reason) for r in decision.criteria]
    Layout(root).save_decision(decision)
    key = new_key(tmp_path_factory.mktemp("keys"), "ada")
    return Signed(build_pack(workspace, decision, [key]), key, run.id, baseline.id)


class Opened:
    """A pack taken apart, to be changed and made anew with all of its chains, digests and signatures.

    Attributes:
        json: parsed members by name; `raw` members that replace others as they are.
        entries: of the audit log.
        logs: run -> bodies of its lines, as [timing, attempt].
        predicate: changes to what the signed statement says by itself.
    """

    def __init__(self, case: Signed) -> None:
        self.case, self.members = case, archive.read(case.pack)
        self.json: dict[str, Any] = {
            name: json.loads(data) for name, data in self.members.items() if name.endswith(".json")
        }
        self.statement = json.loads(base64.b64decode(self.json.pop(ATTESTATION)["payload"]))
        del self.json[MANIFEST]
        self.raw: dict[str, bytes] = {}
        self.entries = [json.loads(line)["entry"] for line in self.members["audit-log.jsonl"].splitlines()]
        self.logs: dict[str, list[list[Any]]] = {}
        for run in (case.run, case.baseline):
            lines = self.members[f"runs/{run}/{log_name(0)}"].splitlines()
            self.logs[run] = [[line["timing"], line["attempt"]] for line in map(json.loads, lines)]
        self.predicate: dict[str, Any] = {}
        self._before = {
            run: (self.members[f"runs/{run}/manifest.json"], json.dumps(log)) for run, log in self.logs.items()
        }

    @property
    def decision(self) -> Any:
        return self.json["decision.json"]

    def manifest(self, run: str = "") -> Any:
        return self.json[f"runs/{run or self.case.run}/manifest.json"]

    @property
    def spec(self) -> Any:
        return self.json["specs/full.json"]

    def result(self, id: str) -> list[Any]:
        """Return a result wherever it stands."""
        both = (self.decision["criteria"], self.json["criteria.json"]["criteria"])
        return [result for results in both for result in results if result["id"] == id]

    def attempts(self, run: str = "") -> list[Any]:
        return [attempt for _, attempt in self.logs[run or self.case.run]]

    def made(self) -> bytes:
        files = self.members | {name: _json(value) for name, value in self.json.items()}
        for run in self.logs:
            self._run(run, files)
        decision = self.decision
        if isinstance(decision, dict):
            files["decision.json"] = _json(decision)
        for entry in self.entries:
            body = entry["body"]
            if entry["kind"] == "decision.made":
                body["digest"] = bytes_digest(files["decision.json"])
        head, lines = ORIGIN, []
        for entry in self.entries:
            data = _json(entry)
            head = chain.link(head, data)
            lines.append(b'{"hash":"' + head.hex().encode() + b'","entry":' + data + b"}\n")
        files["audit-log.jsonl"] = b"".join(lines)
        for run, log in self.logs.items():
            if json.dumps(log) != self._before[run][1]:
                (ids,) = self.json["trace.json"]["records"][run].values()
                ids.clear()
                ids |= {attempt["id"]: bytes_digest(_json(attempt)) for attempt in self.attempts(run)}
        files["trace.json"] = _json(self.json["trace.json"])
        files |= self.raw
        del files[ATTESTATION], files[MANIFEST]
        files[MANIFEST] = _json({"files": {n: bytes_digest(d) for n, d in files.items()}, "version": PACK_VERSION})
        said = self.statement["predicate"] | {"audit_head": chain.head_text(head)}
        said |= {k: decision[k] for k in said if k in decision and k not in ("criteria", "runs")}
        said["decision_digest"] = bytes_digest(files["decision.json"])
        said["criteria"] = [{k: r[k] for k in r if k in FIGURES} for r in decision["criteria"] if isinstance(r, dict)]
        said["runs"] = {run: self.json[f"runs/{run}/seal.json"] for run in self.logs}
        payload = _json(
            json.loads(statement({MANIFEST: bytes_digest(files[MANIFEST])}, self.statement["predicateType"], {}))
            | {"predicate": said | self.predicate}
        )
        files[ATTESTATION] = sign(payload, [self.case.key])
        return archive.write(files)

    def _run(self, run: str, files: dict[str, bytes]) -> None:
        folder = f"runs/{run}"
        seal = self.json[f"{folder}/seal.json"]
        if (files[f"{folder}/manifest.json"], json.dumps(self.logs[run])) == self._before[run]:
            return
        head, lines, leaves = log_origin(files[f"{folder}/manifest.json"], 0), [], {}
        for timing, attempt in self.logs[run]:
            body = b'"timing":' + _json(timing) + b',"attempt":' + _json(attempt) + b"}"
            head = chain.link(head, body)
            lines.append(frame(head, body))
            leaves[attempt["id"]] = leaf(body)
        files[f"{folder}/{log_name(0)}"] = b"".join(lines)
        seal |= {"records": len(lines)}
        seal["pack"] = {
            "head": merkle_root([head]),
            "heads": [chain.head_text(head)],
            "merkle": merkle_root([leaves[id] for id in sorted(leaves)]),
        }
        files[f"{folder}/seal.json"] = _json(seal)

    def respecified(self) -> None:
        """Make digests that name the specification anew, wherever they stand."""
        new, old = bytes_digest(_json(self.spec)), self.decision["spec_digest"]
        for place in (self.decision, self.json["trace.json"], self.manifest(), self.manifest(self.case.baseline)):
            place["spec_digest"] = new
        for entry in self.entries:
            if entry["body"].get("spec_digest") == old:
                entry["body"]["spec_digest"] = new

    def verify(self) -> Verification:
        return verify_bytes(self.made(), self.case.trust)


def _json(value: Any) -> bytes:
    try:
        return canonical(value)
    except ValueError:  # what has no canonical form is written as a careless signer would
        return json.dumps(value, sort_keys=True, separators=(",", ":")).encode("utf-8", "surrogatepass")


Edit = Callable[[Opened], Any]
TABLE: dict[str, Edit] = {}


def edit(name: str) -> Callable[[Edit], Edit]:
    def keep(function: Edit) -> Edit:
        assert name not in TABLE
        TABLE[name] = function
        return function

    return keep


def setting(name: str, *values: Any, of: Callable[[Opened], list[Any]], key: str) -> None:
    """Add one edit for each value of a key of some objects."""
    for value in values:

        def change(o: Opened, value: Any = value) -> None:
            for place in of(o):
                place[key] = copy.deepcopy(value)

        TABLE[f"{name} {str(value)[:30]!r}"] = change


NAN, INF = float("nan"), float("inf")

# ---- words
HOMOGLYPH, SPACED = "sh\u0456p", "ship "
setting("decision verdict", "Ship", "SHIP", HOMOGLYPH, SPACED, "ship\u200b", "\uff53hip", "pass", "go", "", None, True, 1, ["ship"],
        "inconclusive", "no-ship", of=lambda o: [o.decision], key="verdict")  # fmt: skip
setting("criterion verdict", "Ship", HOMOGLYPH, SPACED, "pass", None, True, {}, "inconclusive", "no-ship",
        of=lambda o: o.result("CR-leak"), key="verdict")  # fmt: skip
setting("all verdicts", "Ship", HOMOGLYPH, "SHIP", of=lambda o: [o.decision, *o.decision["criteria"], *o.json["criteria.json"]["criteria"]],
        key="verdict")  # fmt: skip
setting("gate", "Release", "rele\u0430se", "", None, "other", of=lambda o: [o.decision], key="gate")
setting("test", "Threshold", "noninferiority", "none", of=lambda o: o.result("CR-leak"), key="test")
setting("method", "Gaffke", "proved", "none", 0, of=lambda o: o.result("CR-leak"), key="method")
setting("outcome", "Scored", "ok", "scored ", "error", None, True, of=lambda o: o.attempts()[:1], key="outcome")
setting("severity", "s1", "S0", "S5", 1, of=lambda o: o.attempts()[:1], key="severity")
setting(
    "direction in the manifest",
    "high",
    "High",
    "up",
    None,
    of=lambda o: [o.manifest()["suites"][0]["metrics"][0]],
    key="good",
)
setting("kind in the manifest", "value", "Event", of=lambda o: [o.manifest()["suites"][0]["metrics"][0]], key="kind")
setting("unscored kind", {"timeout": 2}, {"Target_error": 2}, {"target_error": 2, "fine": 1}, {"target_error": -2}, {"target_error": True},
        of=lambda o: o.result("CR-leak"), key="unscored")  # fmt: skip
setting("ledger state", "Ship", "fine", of=lambda o: o.decision["ledger"]["earlier"], key="state")
setting("audit entry kind", "Run.finished", "run.fin\u0456shed",
        of=lambda o: [e for e in o.entries if e["kind"] == "run.finished" and e["body"]["run"] == o.case.run], key="kind")  # fmt: skip
setting("trace verdict", "no-ship", "Ship", of=lambda o: [o.json["trace.json"]], key="verdict")
setting("seal's subject", "Whole", "hidden", of=lambda o: [o.json[f"runs/{o.case.run}/seal.json"]], key="subject")


# ---- fields, scorers and kinds that there are not
def _noted(of: Callable[[Opened], Any]) -> Edit:
    return lambda o: of(o).update(override="ship")


for PLACE, OF in {
    "the decision": lambda o: o.decision, "its ledger": lambda o: o.decision["ledger"], "a file of it": lambda o: o.decision["files"][0],
    "the baseline": lambda o: o.decision["baseline"], "criteria.json": lambda o: o.json["criteria.json"], "the trace": lambda o: o.json["trace.json"],
    "a risk": lambda o: o.json["trace.json"]["risks"][0], "a link": lambda o: o.json["trace.json"]["links"][0], "the manifest": lambda o: o.manifest(),
    "a suite of it": lambda o: o.manifest()["suites"][0], "a record": lambda o: o.attempts()[0], "a score": lambda o: o.attempts()[0]["scores"][0],
    "an event": lambda o: o.attempts()[0]["events"][0], "a part of a message": lambda o: o.attempts()[0]["events"][0]["message"]["parts"][0],
    "the seal": lambda o: o.json[f"runs/{o.case.run}/seal.json"], "a suite's description": lambda o: o.json["suites/leaks/suite.json"],
    "the index of files": lambda o: o.json["workspace/index.json"]["workspace/risks.yaml"], "an audit entry": lambda o: o.entries[0],
    "its body": lambda o: o.entries[0]["body"], "the entry of the decision": lambda o: o.entries[-1]["body"], "the specification": lambda o: o.spec,
}.items():  # fmt: skip
    TABLE[f"an unknown field in {PLACE}"] = _noted(OF)


@edit("a score by a scorer that the suite does not have")
def _scorer(o: Opened) -> None:
    for score in o.attempts()[0]["scores"]:
        score["scorer"] = "kind_one"


@edit("an audit entry of a kind that there is not")
def _kind(o: Opened) -> None:
    o.entries.append({**o.entries[-1], "number": len(o.entries) + 1, "kind": "gate.waived", "body": {}})


@edit("a record that says what need not be said")
def _default(o: Opened) -> None:
    o.attempts()[0]["severity"] = "S3"


# ---- numbers
for ID in ("CR-leak", "CR-each", "CR-wait", "CR-drop", "CR-slow"):
    for KEY in ("rate", "low", "high", "bound"):
        values = (NAN, INF, -INF, "0.1", True, None, 10**400) if ID in ("CR-leak", "CR-slow") else (NAN, None)
        setting(f"{ID} {KEY}", *values, of=lambda o, id=ID: o.result(id), key=KEY)

        @edit(f"{ID} {KEY} lower")
        def lower(o: Opened, id: str = ID, key: str = KEY) -> None:
            for result in o.result(id):
                result[key] -= 0.003 * (60 if id in ("CR-wait", "CR-slow") else 1)

        @edit(f"{ID} {KEY} higher")
        def higher(o: Opened, id: str = ID, key: str = KEY) -> None:
            for result in o.result(id):
                result[key] += 0.003 * (60 if id in ("CR-wait", "CR-slow") else 1)

    @edit(f"{ID} bound is the estimate")
    def estimate(o: Opened, id: str = ID) -> None:
        for result in o.result(id):
            result["bound"] = result["rate"] if id != "CR-drop" else -result["rate"]

    for KEY in ("hits", "trials", "clusters", "errors", "planned"):
        setting(
            f"{ID} {KEY}",
            -1,
            0 if KEY != "hits" or ID == "CR-leak" else 1,
            10**9,
            1.5,
            True,
            "60",
            of=lambda o, id=ID: o.result(id),
            key=KEY,
        )
    setting(f"{ID} limit", 0.9, NAN, -0.1, 1.1, True, of=lambda o, id=ID: o.result(id), key="limit")
    setting(f"{ID} confidence", 0.5, 0.94, 1.0, NAN, True, of=lambda o, id=ID: o.result(id), key="confidence")
    setting(f"{ID} tips", 1, 2, 0, -1, True, of=lambda o, id=ID: o.result(id), key="tips")
    setting(f"{ID} needed", 5, None, True, of=lambda o, id=ID: o.result(id), key="needed")
    setting(f"{ID} run", "RUN-x", "", of=lambda o, id=ID: o.result(id), key="run")
    setting(f"{ID} severity", "S4", "s3", of=lambda o, id=ID: o.result(id), key="severity")
    setting(f"{ID} worst case", None, 0.0, NAN, of=lambda o, id=ID: o.result(id), key="worst_rate")
    setting(f"{ID} requirement", "RQ-other", of=lambda o, id=ID: o.result(id), key="requirement")
    setting(f"{ID} risks", [], ["RK-other"], of=lambda o, id=ID: o.result(id), key="risks")

setting("max_error_rate in the spec", NAN, INF, -0.1, 1.1, True, "nan", "inf", "1e9", "0x1", "", None, [0.1],
        of=lambda o: (o.spec["entities"]["gate"]["release"],), key="max_error_rate")  # fmt: skip
setting("suite's max_error_rate in the spec", NAN, -0.1, 1.5, True, "0.2", 1.0, of=lambda o: [o.spec["entities"]["suite"]["leaks"]],
        key="max_error_rate")  # fmt: skip
setting(
    "max_error_rate in the manifest",
    NAN,
    0.9,
    1.0,
    -1,
    True,
    "0.2",
    of=lambda o: [o.manifest()["suites"][0]],
    key="max_error_rate",
)
setting("planned", 0, 60, 119, 121, 10**400, -1, True, "120", of=lambda o: [o.manifest()], key="planned")
setting("shards", 0, 2, -1, True, of=lambda o: [o.manifest()], key="shards")
setting("schema", 1, 3, True, "2", of=lambda o: [o.manifest()], key="schema")
setting("seed", -1, 1.5, True, 10**400, of=lambda o: [o.manifest()], key="seed")
for KEY, LOW in (("samples", 1), ("clusters", 1), ("attempts", 1), ("each", 2)):
    setting(f"{KEY} of the suite", 0, LOW, -1, 59, 61, True, "60", of=lambda o: [o.manifest()["suites"][0]], key=KEY)
setting("number of an attempt", 0, 2, -1, True, of=lambda o: o.attempts()[:1], key="number")
setting(
    "attack of an attempt",
    "base64",
    "rot13",
    "",
    of=lambda o: [a for a in o.attempts() if a["attack"] == "none"][:1],
    key="attack",
)
setting("suite of an attempt", "other", "Leaks", of=lambda o: o.attempts()[:1], key="suite")
setting("sample of an attempt", "SM-600", "", of=lambda o: o.attempts()[:1], key="sample")
setting("cluster of all attempts", "one", "", None, of=lambda o: o.attempts(), key="cluster")
setting("cluster of one attempt", "one", of=lambda o: o.attempts()[:1], key="cluster")
setting(
    "gate's criteria",
    [],
    "none",
    ["CR-leak"],
    ["CR-leak", "CR-leak"],
    "All",
    None,
    of=lambda o: [o.decision["criteria"] and o.spec["entities"]["gate"]["release"]],
    key="criteria",
)
setting("gate's bound", "Gaffke", "proved", "none", of=lambda o: [o.spec["entities"]["gate"]["release"]], key="bound")
setting("criterion's condition", "upper95 <= 0.9", "upper95 <= nan", "upper95 <= 1e400", "lower95 >= 0.0", "upper\u0669\u0665 <= 0.3", "", None, 5,
        of=lambda o: [o.spec["entities"]["requirement"]["RQ-leak"]["criteria"][0]], key="must")  # fmt: skip
setting(
    "least samples",
    61,
    "61",
    "x",
    -1,
    True,
    NAN,
    of=lambda o: [o.spec["entities"]["requirement"]["RQ-leak"]["criteria"][0]],
    key="min_clusters",
)
setting("suite's own page", 0.9, of=lambda o: [o.json["suites/leaks/suite.json"]], key="max_error_rate")
setting("suite's own samples", 600, of=lambda o: [o.json["suites/leaks/suite.json"]], key="samples")
setting(
    "direction in the spec",
    "high",
    "Low",
    of=lambda o: [o.spec["entities"]["suite"]["leaks"]["metrics"][0]],
    key="good",
)
setting(
    "range in the spec", 30.0, 600, NAN, of=lambda o: [o.spec["entities"]["suite"]["leaks"]["metrics"][2]], key="high"
)
setting(
    "audit entry planned", 60, of=lambda o: [e["body"] for e in o.entries if e["kind"] == "run.finished"], key="planned"
)
setting("entered verdict", "no-ship", "Ship", of=lambda o: [o.entries[-1]["body"]], key="verdict")
setting("ledger entries", -1, 10**9, True, 1.5, of=lambda o: [o.decision["ledger"]], key="entries")
setting("ledger number", 0, 1, True, of=lambda o: [o.decision["ledger"]], key="number")
setting(
    "S1 hits",
    ["AT-0000000000000000"],
    ["AT-0000000000000000"] * 2,
    "AT",
    None,
    of=lambda o: [o.decision],
    key="s1_hits",
)

# ---- times
setting("decision made", "2020-01-01T00:00:00Z", "2099-01-01T00:00:00Z", "2026-02-30T00:00:00Z", "yesterday", "", None, 0, "2026-11-29 21:00:00",
        of=lambda o: [o.decision], key="created")  # fmt: skip
setting(
    "run begun", "2099-01-01T00:00:00Z", "2026-13-01T00:00:00Z", "", None, of=lambda o: [o.manifest()], key="created"
)
setting(
    "entered",
    "2020-01-01T00:00:00.000Z",
    "2099-01-01T00:00:00.000Z",
    "now",
    None,
    of=lambda o: o.entries[-1:],
    key="at",
)


@edit("all of it in the future")
def future(o: Opened) -> None:
    for entry in o.entries:
        entry["at"] = "2099-01-01T00:00:00.000Z"
    o.decision["created"] = "2099-01-01T00:00:00Z"


for WHAT, VALUE in (
    ("before the run", 1.0),
    ("after the decision", 4e9),
    ("infinite", INF),
    ("never", NAN),
    ("negative", -5.0),
):

    @edit(f"an attempt {WHAT}")
    def attempted(o: Opened, value: float = VALUE) -> None:
        o.logs[o.case.run][0][0][0] = value


for WHAT, VALUE in (("finished before it began", -10.0), ("took a hundred years", 3e9), ("took true", True)):

    @edit(f"an attempt that {WHAT}")
    def took(o: Opened, value: Any = VALUE) -> None:
        o.logs[o.case.run][0][0][1] = value


# ---- records


@edit("a second score of one metric")
def second(o: Opened) -> None:
    o.attempts()[0]["scores"].append({"metric": "leak", "hit": False, "scorer": "closed"})


@edit("a second score of another word")
def second_word(o: Opened) -> None:
    attempt = next(a for a in o.attempts() if a["outcome"] == "scored" and a["scores"][0]["hit"])
    attempt["scores"].insert(0, {"metric": "leak", "hit": False, "scorer": "closed"})


@edit("a score of an undeclared metric")
def undeclared(o: Opened) -> None:
    o.attempts()[0]["scores"].append({"metric": "other", "hit": False, "scorer": "closed"})


for WHAT, FIELDS in (
    ("a hit as a word", {"hit": "no"}), ("a hit as a number", {"hit": 0}), ("a value for an event", {"hit": None, "value": 0.0}),
    ("no metric", {"metric": None}), ("a metric in other letters", {"metric": "Leak"}),
):  # fmt: skip

    @edit(WHAT)
    def scored(o: Opened, fields: Any = FIELDS) -> None:
        o.attempts()[0]["scores"][0].update(fields)


for VALUE in (-1.0, 61.0, NAN, INF, True, "5", 10**400):

    @edit(f"a value of {str(VALUE)[:8]!r}")
    def valued(o: Opened, value: Any = VALUE) -> None:
        o.attempts()[0]["scores"][2]["value"] = value


@edit("no attempts")
def none(o: Opened) -> None:
    o.logs[o.case.run].clear()


@edit("zero trials")
def zero(o: Opened) -> None:
    for attempt in o.attempts():
        attempt["outcome"], attempt["scores"] = "timeout", []


@edit("a planned attempt left out, and planned fewer")
def fewer(o: Opened) -> None:
    del o.logs[o.case.run][60:]
    o.manifest()["planned"] = 60
    o.manifest()["suites"][0].update(attempts=60, attacks=["none"])


@edit("sixty attempts in one cluster")
def one_cluster(o: Opened) -> None:
    for attempt in o.attempts():
        attempt["cluster"] = "SM-0"
    o.manifest()["suites"][0]["clusters"] = 60


@edit("sixty clusters that are one sample")
def one_sample(o: Opened) -> None:
    for n, attempt in enumerate(o.attempts()):
        attempt["sample"], attempt["cluster"] = "SM-0", f"SM-{n}"


@edit("another attempt in the place of one")
def copied(o: Opened) -> None:
    attempts = o.attempts()
    attempts[1].update(
        {key: attempts[0][key] for key in ("sample", "attack", "cluster", "number", "scores", "outcome")}
    )


@edit("a hit that is taken back")
def taken(o: Opened) -> None:
    for attempt in o.attempts():
        for score in attempt.get("scores", ()):
            if score["metric"] == "leak":
                score["hit"] = False


@edit("a hit that is called impossible")
def impossible(o: Opened) -> None:
    for attempt in o.attempts():
        if attempt["attack"] == "rot13" and any(s.get("hit") and s["metric"] == "leak" for s in attempt["scores"]):
            attempt.update(outcome="inapplicable", error="it holds no letter", scores=[], events=[])


@edit("an error that is called impossible")
def no_error(o: Opened) -> None:
    for attempt in o.attempts():
        if attempt["outcome"] == "target_error":
            assert attempt["attack"] == "none"
            attempt.update(outcome="inapplicable", scores=[], events=[])


@edit("attempts that were left out, and are there")
def not_left_out(o: Opened) -> None:
    for result in o.result("CR-leak"):
        result["inapplicable"] = {"rot13": 5}


@edit("a plan that asks for half")
def half(o: Opened) -> None:
    for run in (o.case.run, o.case.baseline):
        del o.logs[run][60:]


@edit("a smaller suite, in the spec as well")
def smaller(o: Opened) -> None:
    o.spec["entities"]["suite"]["leaks"].update(samples=30, clusters=30)
    o.respecified()


@edit("another direction, in the spec as well")
def direction(o: Opened) -> None:
    o.spec["entities"]["suite"]["leaks"]["metrics"][1]["good"] = "low"
    o.respecified()


@edit("a gate that lets everything pass, in the spec as well")
def lax(o: Opened) -> None:
    o.spec["entities"]["gate"]["release"]["max_error_rate"] = float("nan")
    o.respecified()


@edit("a look-alike field")
def look_alike(o: Opened) -> None:
    o.decision["Verdict"] = "ship"


@edit("wanted metrics of the signer's own")
def wanted(o: Opened) -> None:
    for result in o.json["criteria.json"]["criteria"]:
        result["wanted_metrics"] = {"leak": "high"}


@edit("counts of other clusters")
def other_counts(o: Opened) -> None:
    o.json["criteria.json"]["criteria"][0]["counts"]["SM-0"] = [0, 200]


@edit("criteria twice")
def twice(o: Opened) -> None:
    for results in (o.decision["criteria"], o.json["criteria.json"]["criteria"]):
        results.append(copy.deepcopy(results[0]))


@edit("no criteria")
def no_criteria(o: Opened) -> None:
    o.decision["criteria"], o.json["criteria.json"]["criteria"] = [], []


@edit("a run twice")
def run_twice(o: Opened) -> None:
    o.decision["runs"] *= 2


@edit("an interval as wide as can be")
def wide(o: Opened) -> None:
    for result in o.result("CR-leak"):
        result["low"], result["high"] = 0.0, 1.0


for WHAT, VALUE in (
    ("verdict", "no-ship"),
    ("reason", "other"),
    ("audit_head", "sha256:" + "0" * 64),
    ("criteria", []),
    ("runs", {}),
):

    @edit(f"the statement's {WHAT}")
    def stated(o: Opened, what: str = WHAT, value: Any = VALUE) -> None:
        o.predicate[what] = value


# ---- bytes


def raw(name: str, change: Callable[[bytes], bytes], member: str = "decision.json") -> None:
    def apply(o: Opened) -> None:
        o.raw[member] = change(o.members[member])
        for entry in o.entries:
            if entry["kind"] == "decision.made" and member == "decision.json":
                entry["body"]["digest"] = bytes_digest(o.raw[member])

    TABLE[f"{name} in {member}"] = apply


def sub(old: bytes, new: bytes) -> Callable[[bytes], bytes]:
    return lambda data: data.replace(old, new, 1)


for MEMBER in (
    "decision.json",
    "criteria.json",
    "specs/full.json",
    "trace.json",
    "suites/leaks/suite.json",
    "workspace/index.json",
):
    raw("a byte order mark", lambda data: b"\xef\xbb\xbf" + data, MEMBER)
    raw("UTF-16", lambda data: data.decode().encode("utf-16"), MEMBER)
    raw("UTF-16 without a mark", lambda data: data.decode().encode("utf-16-le"), MEMBER)
    raw("UTF-32", lambda data: data.decode().encode("utf-32-be"), MEMBER)
    raw("Latin-1", lambda data: data[:-1] + b',"\xe9":1}', MEMBER)
    raw("a name twice", lambda data: b'{"id":"a",' + data[1:-1] + b',"id":"a"}', MEMBER)
    raw("a name twice, the second escaped", lambda data: data[:-1] + b',"x":1,"\\u0078":2}', MEMBER)
    raw("NaN", lambda data: data[:-1] + b',"x":NaN}', MEMBER)
    raw("Infinity", lambda data: data[:-1] + b',"x":-Infinity}', MEMBER)
    raw("an infinite number", lambda data: data[:-1] + b',"x":1e999}', MEMBER)
    raw("a vanishing number", lambda data: data[:-1] + b',"x":1e-99999}', MEMBER)
    raw("400 digits", lambda data: data[:-1] + b',"x":' + b"9" * 400 + b"}", MEMBER)
    raw("5,000 digits", lambda data: data[:-1] + b',"x":' + b"9" * 5000 + b"}", MEMBER)
    raw("half a surrogate pair", lambda data: data[:-1] + b',"x":"\\ud800"}', MEMBER)
    raw("half a pair as a name", lambda data: data[:-1] + b',"\\udfff":1}', MEMBER)
    raw("300 levels", lambda data: data[:-1] + b',"x":' + b"[" * 300 + b"]" * 300 + b"}", MEMBER)
    raw("100,000 levels", lambda data: data[:-1] + b',"x":' + b"[" * 100_000 + b"]" * 100_000 + b"}", MEMBER)
    raw("something after the end", lambda data: data + b"{}", MEMBER)
    raw("a comment", lambda data: b"/* */" + data, MEMBER)
    raw("nothing", lambda data: b"", MEMBER)
    if MEMBER != "workspace/index.json":
        raw("null", lambda data: b"null", MEMBER)
        raw("a list", lambda data: b"[" + data + b"]", MEMBER)


def test_the_table_is_long_enough_and_its_pack_is_believed_as_it_is(signed: Signed) -> None:
    assert len(TABLE) >= 400
    found = Opened(signed).verify()
    assert found.ok, found.problems
    assert found.decision["verdict"] == "ship"


GROUPS = 8


@pytest.mark.slow
@pytest.mark.parametrize("group", range(GROUPS))
def test_every_inconsistent_pack_is_refused_without_a_traceback(signed: Signed, group: int) -> None:
    accepted, vague = [], []
    for number, (name, change) in enumerate(TABLE.items()):
        if number % GROUPS == group:
            opened = Opened(signed)
            change(opened)
            found = opened.verify()
            if found.ok:
                accepted.append(name)
            elif len(found.problems) != 1 or "not shaped as" in found.problems[0] or len(report(found)) > 2000:
                vague.append((name, found.problems))
    assert not accepted
    assert not vague


# ---- mutated at random


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Return the paths of everything in a JSON value."""
    found = [path]
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, one in inner:
        found += places(one, (*path, key))
    return found


ODD = st.one_of(
    st.sampled_from(
        [
            None,
            True,
            False,
            0,
            1,
            -1,
            2**60,
            10**400,
            0.5,
            NAN,
            INF,
            1e-300,
            "",
            "ship",
            "Ship",
            "S1",
            "\ud800",
            "\x1b[2J",
        ]
    ),
    st.sampled_from([[], {}, [[]], {"": None}, ["ship"], {"ship": 1}]),
    st.text(max_size=8),
    st.integers(),
    st.floats(),
)


@settings(max_examples=80, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_a_mutated_member_never_crashes_the_verifier_nor_ships_otherwise(signed: Signed, data: st.DataObject) -> None:
    opened = Opened(signed)
    name = data.draw(st.sampled_from(sorted(opened.json)))
    path = data.draw(st.sampled_from(places(opened.json[name])[1:]))
    value = data.draw(ODD)
    place = opened.json[name]
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = value
    try:
        pack = opened.made()
    except (TypeError, KeyError, AttributeError, ValueError):
        return  # so odd that not even its signer could make a pack of it
    found = verify_bytes(pack, signed.trust)
    assert "\x1b" not in report(found)
    for problem in found.problems:
        assert len(problem) < 2000
    if found.ok:
        # What was let pass says of every criterion what the records say.
        assert found.decision["verdict"] == "ship"
        whole = archive.read(signed.pack)
        for now, then in zip(found.decision["criteria"], json.loads(whole["decision.json"])["criteria"], strict=True):
            for key in ("id", "must", "verdict", "hits", "trials", "clusters", "unscored", "tips", "severity"):
                assert now.get(key) == then.get(key)
            for key in ("rate", "low", "high", "bound", "limit", "worst_rate"):
                assert now.get(key) == pytest.approx(then.get(key), abs=1e-3)
        for run in (signed.run, signed.baseline):
            for manifest in (opened.manifest(run), json.loads(whole[f"runs/{run}/manifest.json"])):
                assert manifest["planned"] == 120 and manifest["suites"][0]["max_error_rate"] == 0.2
