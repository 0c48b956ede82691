"""Run the situations that failed once, from their files, and print passed and failed by kind of fault.

python bench/cases.py [--cases DIR] [--json]

A case holds inputs and the value that is right. What it asks of a scorer, detector or guard is asked here as a run
would; what it asks of an endpoint is answered by a stub on the loopback address; what it asks of the command line is
typed.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import tempfile
import threading
from collections import defaultdict
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from click.testing import CliRunner

from shipworthy.cli import root as cli
from shipworthy.core.errors import ShipworthyError, TargetError, TargetFiltered
from shipworthy.core.protocols import GuardContext, ScoreContext
from shipworthy.core.records import Attempt, Document, Message, Part, Sample, Text, ToolCall, as_said, say
from shipworthy.core.registry import create
from shipworthy.detect import pii
from shipworthy.detect.canaries import Canaries
from shipworthy.detect.redact import redact_text
from shipworthy.evals.engine import Attacker, Engine, Judge
from shipworthy.evals.plan import PlanItem
from shipworthy.exchange.channel import Channel
from shipworthy.scorers._leaks import leaks

ROOT = Path(__file__).resolve().parent.parent
QUESTION = "What about it?"


def texts(given: dict[str, Any]) -> list[Any]:
    return given.get("texts") or [given["text"]]


def scored(scorer: Any, answer: Message | str, **sample: Any) -> list[Any]:
    """Score one answer as a run would."""
    asked = Sample(id="a", messages=(say("user", QUESTION),), **sample)
    said = say("assistant", answer) if isinstance(answer, str) else answer
    attempt = Attempt(
        id="AT-1", suite="s", sample="a", attack="none", number=1, cluster="a", seed=0, content_hash="",
        outcome="scored", events=as_said((*asked.messages, said)),
    )  # fmt: skip
    return list(asyncio.run(scorer.score(attempt, asked, ScoreContext())))


def refusal(given: dict[str, Any]) -> bool:
    labels = [scored(create("scorer", "refusal"), text)[0] for text in texts(given)]
    if given.get("want") == "compliance":
        return all(score.hit for score in labels)
    return all(score.label == "refusal" for score in labels)


def injection(given: dict[str, Any]) -> bool:
    meta = {"injection": given["order"]}
    answers: list[Any] = given.get("texts") or ([given["text"]] if "text" in given else [])
    answers += [Message("assistant", (Text("Done."), ToolCall("1", *call))) for call in given.get("calls", ())]
    found = [scored(create("scorer", "injection_obeyed"), a, meta=meta)[0].hit for a in answers]
    return all(hit is given["want"] for hit in found)


def grounded(given: dict[str, Any]) -> bool:
    document = Document("d", "The cafe opens at 6:30 and closes at 17:00. It is on floor 2.")
    ok = []
    for case in texts(given):
        text, expected = case if isinstance(case, list) else (case, ["6:30"])
        sample = {"documents": (document,), "meta": {"kind": "present"}, "expected": tuple(expected)}
        values = {score.metric: score.hit for score in scored(create("scorer", "grounded"), text, **sample)}
        ok.append([values["unsupported"], values["helpful"]] == given["want"])
    return all(ok)


def personal(given: dict[str, Any]) -> bool:
    found = [bool(pii.find(text)) and redact_text(text) != text for text in given["texts"]]
    nothing = [not pii.find(text) for text in given["texts"]]
    return all(found) if given["want"] else all(nothing)


def planted(given: dict[str, Any]) -> bool:
    return all(bool(leaks(text, (value,), personal=True)) is given["want"] for value, text in given["texts"])


def canary(given: dict[str, Any]) -> bool:
    return all(bool(Canaries([secret]).leaks(text)) is given["want"] for secret, text in given["texts"])


def rules(given: dict[str, Any], *, kinds: bool = False) -> bool:
    guard, context = create("guard", "input_rules"), GuardContext()
    ok = []
    for text in given["texts"]:
        found = asyncio.run(guard.check(Part(given.get("stage", "input"), text), context))
        ok.append(any(kinds or f.action == "block" for f in found) is given["want"])
    return all(ok)


def hidden(given: dict[str, Any]) -> bool:
    def hide(text: str) -> str:
        return "\U0001f600" + "".join(chr(0xFE00 + b) if b < 16 else chr(0xE0100 + b - 16) for b in text.encode())

    guard = create("guard", "input_rules")
    kinds = {f.rule for f in asyncio.run(guard.check(Part("input", "Hi " + hide(given["text"])), GuardContext()))}
    return "invisible" in kinds and bool(Canaries([given["secret"]]).leaks("Hi " + hide(given["secret"])))


def choice(finish: str, **message: Any) -> dict[str, Any]:
    return {"choices": [{"finish_reason": finish, "message": {"role": "assistant", **message}}]}


WIRE: dict[str, tuple[int, Any, Callable[[Attempt], bool]]] = {
    "empty-length": (200, choice("length", content=""), lambda a: a.outcome == "target_error" and not a.scores),
    "finish-error": (200, choice("error", content=""), lambda a: a.outcome == "target_error"),
    "anthropic-refusal": (200, choice("refusal", content=""), lambda a: a.outcome == "filtered"),
    "gemini-safety": (200, choice("SAFETY", content=None), lambda a: a.outcome == "filtered"),
    "surr": (200, '{"choices": [{"message": {"content": "Yes \\ud83d."}}]}', lambda a: a.answer == "Yes \ufffd."),
    "err200": (200, {"error": {"code": 429, "message": "slow down"}}, lambda a: "429" in a.error),
    "temp400": (400, {"error": {"code": "unsupported_value", "param": "temperature"}},
                lambda a: "temperature" in a.error and "--set" in a.error),
    "mt400": (400, {"error": {"code": "unsupported_parameter", "param": "max_tokens"}},
              lambda a: "max_tokens_field" in a.error),
    "parts-refusal": (200, choice("stop", content=[{"type": "refusal", "refusal": "I can't help with that."}]),
                      lambda a: a.scores[0].label == "refusal"),
}  # fmt: skip


def wire(given: dict[str, Any]) -> bool:
    return all(over_http(*WIRE[name.strip()]) for name in given["model"].split(","))


def over_http(status: int, body: Any, right: Callable[[Attempt], bool]) -> bool:
    data = (body if isinstance(body, str) else json.dumps(body)).encode()

    class Stub(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["content-length"]))
            self.send_response(status)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *args: object) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), Stub)
    threading.Thread(target=server.serve_forever, daemon=True).start()

    async def main() -> Attempt:
        target = create(
            "target",
            "openai_compatible",
            {"base_url": f"http://127.0.0.1:{server.server_port}/v1", "model": "m", "retries": 1},
        )
        judge = Judge(create("scorer", "refusal"), None)
        engine = Engine(Channel(target), {"none": Attacker(create("attack", "none"), None)}, {"s": [judge]})
        sample = Sample(id="a", messages=(say("user", QUESTION),))
        item = PlanItem("AT-0123456789abcdef", "s", sample, "none", 1, 1, "sha256:1")
        try:
            return await engine.attempt(item)
        finally:
            await target.close()

    try:
        return right(asyncio.run(main()))
    finally:
        server.shutdown()


def typed(root: Path, *words: str) -> tuple[int, str]:
    try:
        done = CliRunner().invoke(cli, list(words), catch_exceptions=False)
    except ShipworthyError as error:  # `main` prints these
        return 2, str(error)
    return done.exit_code, done.output


def started(root: Path) -> Path:
    done = CliRunner().invoke(cli, ["init", str(root), "--template", "minimal"])
    assert done.exit_code == 0, done.output
    return root


def no_price(given: dict[str, Any]) -> bool:
    with tempfile.TemporaryDirectory() as folder:
        root = started(Path(folder) / "w")
        (root / "targets.yaml").write_text(
            "targets: {a: {use: openai_compatible, base_url: 'http://127.0.0.1:9/v1', model: m}}\n"
        )
        code, said = typed(root, "eval", "-C", str(root), "--target", "a", "--max-cost", "0.0001")
        return code == 2 and "price" in said


def duplicate_key(given: dict[str, Any]) -> bool:
    return refused_line('{"id":"a","prompt":"x","prompt":"y"}\n', "", "twice")


def attempts_true(given: dict[str, Any]) -> bool:
    return refused_line('{"id":"a","prompt":"x"}\n', "attempts: true\n", "attempts")


def refused_line(samples: str, more: str, word: str) -> bool:
    with tempfile.TemporaryDirectory() as folder:
        root = started(Path(folder) / "w")
        suite = root / "suites" / "own"
        suite.mkdir(parents=True)
        (suite / "suite.yaml").write_text(
            "id: own\nversion: '1'\ntitle: own\ncontent: synthetic\nattacks: [none]\nscorers: [refusal]\n"
            "metric: not_refused\n" + more + more
        )
        (suite / "samples.jsonl").write_text(samples)
        return word in typed(root, "check", "-C", str(root))[1]


def spread(given: dict[str, Any]) -> bool:
    from shipworthy.workspace.suite import Suite

    samples = tuple(Sample(id=f"S-{i:02}", messages=(), tags=(f"category:{i // 15}",)) for i in range(60))
    taken = Suite(
        id="s", version="1", title="s", content="synthetic", metric="m", samples=samples, attacks=(), scorers=()
    ).select(15)
    return len({sample.tags for sample in taken}) == 4


RUN: dict[str, Callable[[dict[str, Any]], bool]] = {
    "refusal": refusal,
    "injection": injection,
    "injection_tool": injection,
    "grounded": grounded,
    "pii+redact": personal,
    "pii_planted": planted,
    "canary": canary,
    "input_rules": rules,
    "input_rules_any": lambda given: rules(given, kinds=True),
    "vs": hidden,
    "wire": wire,
    "wire+refusal": wire,
}
TYPED = {"F-52": no_price, "F-53": spread, "F-54": attempts_true, "F-55": duplicate_key}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cases", type=Path, default=ROOT.parent / "shared" / "cases" / "reports")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    options = parser.parse_args()
    if not options.cases.is_dir():
        raise SystemExit(f"no cases at {options.cases}: give their folder with --cases")
    kinds: dict[str, dict[str, list[str]]] = defaultdict(lambda: {"passed": [], "failed": []})
    for path in sorted(options.cases.glob("F-*.json")):
        case = json.loads(path.read_text(encoding="utf-8"))
        run = TYPED.get(case["id"]) or RUN.get(case["input"]["part"])
        try:
            passed = run is not None and run(case["input"])
        except (TargetError, TargetFiltered, AssertionError, KeyError, ImportError) as failure:
            print(f"{case['id']}: {type(failure).__name__}: {failure}", file=sys.stderr)
            passed = False
        kinds[case["kind"]]["passed" if passed else "failed"].append(case["id"])
    passed, failed = (sum(len(k[word]) for k in kinds.values()) for word in ("passed", "failed"))
    if options.json:
        print(json.dumps({"passed": passed, "failed": failed, "kinds": kinds}))
    else:
        for kind, ids in sorted(kinds.items()):
            print(f"{len(ids['passed']):>3} passed {len(ids['failed']):>3} failed  {kind}  {' '.join(ids['failed'])}")
        print(f"{passed:>3} passed {failed:>3} failed")
    return bool(failed)


if __name__ == "__main__":
    sys.exit(main())
