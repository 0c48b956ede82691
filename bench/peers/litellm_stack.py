"""LiteLLM's proxy with its Presidio guardrail, and Presidio behind gunicorn, each in one worker, until killed.

litellm_stack.py UPSTREAM [ENTITY ...]   prints the proxy's address once everything answers

Run by the environment's own interpreter, with HOME and TMPDIR set (see `environments`). The guardrail masks the given
entities in questions and in answers (`presidio_filter_scope: both`), streams too, and is on for every request.
"""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import Request, urlopen

HERE = Path(__file__).parent
PATIENCE_S = 240.0
ALONE = {
    "LITELLM_LOG": "ERROR",
    "LITELLM_TELEMETRY": "False",
    "LITELLM_LOCAL_MODEL_COST_MAP": "True",  # nothing is fetched
    "LITELLM_DANGEROUSLY_PERMIT_WEAK_OR_UNSET_MASTER_KEY": "true",  # on this machine, without keys, as ours is measured
}


def free_port() -> int:
    """Return a port that was free a moment ago."""
    with socket.socket() as made:
        made.bind(("127.0.0.1", 0))
        return int(made.getsockname()[1])


def answers(url: str, body: object, made: subprocess.Popen[bytes], until: float) -> None:
    """Wait until a service answers a request; ends the program where it does not."""
    while time.monotonic() < until:
        asked = Request(url, json.dumps(body).encode(), {"content-type": "application/json"})
        try:
            with urlopen(asked, timeout=30):
                return
        except HTTPError as error:
            if error.code < 500:
                raise SystemExit(f"{url} answers {error.code}: {error.read()[:300]!r}") from None
            time.sleep(0.5)
        except OSError:
            time.sleep(0.5)
        if made.poll() is not None:
            raise SystemExit(f"{made.args} ended with {made.returncode}")
    raise SystemExit(f"{url} does not answer")


def configured(folder: Path, upstream: str, presidio: str, entities: list[str]) -> Path:
    """Write LiteLLM's file; JSON is YAML."""
    guardrail = {
        "guardrail": "presidio",
        "mode": "pre_call",
        "default_on": True,
        "presidio_analyzer_api_base": presidio,
        "presidio_anonymizer_api_base": presidio,
        "presidio_filter_scope": "both",
        "pii_entities_config": dict.fromkeys(entities, "MASK"),
    }
    model = {"model": "openai/m", "api_base": f"{upstream}/v1", "api_key": "none"}
    path = folder / "litellm.yaml"
    path.write_text(
        json.dumps(
            {
                "model_list": [{"model_name": "m", "litellm_params": model}],
                "guardrails": [{"guardrail_name": "pii", "litellm_params": guardrail}],
                "litellm_settings": {"telemetry": False},
            }
        )
    )
    return path


def main(upstream: str, *entities: str) -> None:
    """Start all three, say where, and wait."""
    scripts, until = Path(sys.executable).parent, time.monotonic() + PATIENCE_S
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        log = stack.enter_context((Path(folder) / "log").open("wb"))

        def start(*command: str) -> subprocess.Popen[bytes]:
            made = subprocess.Popen(command, stdout=log, stderr=log, cwd=HERE, env=os.environ | ALONE)
            stack.callback(made.wait)
            stack.callback(made.terminate)
            return made

        port = free_port()
        made = start(str(scripts / "gunicorn"), "-w", "1", "-b", f"127.0.0.1:{port}", "presidio_server:made()")
        presidio = f"http://127.0.0.1:{port}"
        answers(f"{presidio}/analyze", {"text": "x", "language": "en"}, made, until)
        path = configured(Path(folder), upstream, presidio, list(entities))
        port = free_port()
        made = start(str(scripts / "litellm"), "--config", str(path), "--host", "127.0.0.1", "--port", str(port),
                     "--num_workers", "1")  # fmt: skip
        base = f"http://127.0.0.1:{port}"
        try:
            answers(
                f"{base}/v1/chat/completions",
                {"model": "m", "messages": [{"role": "user", "content": "hi"}]},
                made,
                until,
            )
        except SystemExit:
            log.flush()
            print((Path(folder) / "log").read_text()[-3000:], file=sys.stderr)
            raise
        print(base, flush=True)
        made.wait()


if __name__ == "__main__":
    import signal

    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    main(*sys.argv[1:])
