"""The how-to on checking any gateway works as printed, before our own gateway and before a proxy without guards."""

from __future__ import annotations

import asyncio
import json
import re
import shlex
import socket
import threading
from contextlib import contextmanager
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner

from shipworthy.cli import root
from shipworthy.conformance.bare import bare
from shipworthy.conformance.cells import ASKED, PLACES, ROUTES, SOURCES
from shipworthy.conformance.marks import ENTITIES
from shipworthy.conformance.tally import OUTCOMES, WORDS
from shipworthy.core.grants import Grants
from shipworthy.gateway.config import read_config
from shipworthy.gateway.server import address, listen, serving

PAGE = Path(__file__).parents[2] / "docs" / "how-to" / "check-any-gateway.md"


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", PAGE.read_text("utf-8"), re.MULTILINE | re.DOTALL)


def free_port() -> int:
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        return int(bound.getsockname()[1])


@contextmanager
def beside(opened):
    """Run what an asynchronous context manager serves in a thread with a loop of its own; yields what it gives."""
    loop, given, ready = asyncio.new_event_loop(), [], threading.Event()

    async def main() -> None:
        async with opened() as what:
            given.extend([what, asyncio.Event()])
            ready.set()
            await given[1].wait()

    thread = threading.Thread(target=loop.run_until_complete, args=(main(),))
    thread.start()
    try:
        assert ready.wait(30)
        yield given[0]
    finally:
        loop.call_soon_threadsafe(given[1].set)
        thread.join(30)
        loop.close()


@pytest.fixture
def ask(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SHIPWORTHY_KEYS_DIR", str(tmp_path / "keys"))

    def command(line: str, base: str, port: int, *more: str):
        words = shlex.split(line.replace("http://127.0.0.1:8080", base).replace("9000", str(port)))
        assert words[0] == "shipworthy"
        return CliRunner().invoke(root, [*words[1:], *more], standalone_mode=False)

    return command


def test_our_own_gateway_is_conformant_and_gets_a_certificate(ask, tmp_path) -> None:
    config, guards = blocks("yaml")
    first, lines = blocks("sh")[0], blocks("sh")[2].splitlines()
    port = free_port()
    settings = yaml.safe_load(config.replace("9000", str(port))) | {"listen": "127.0.0.1:0"}
    (tmp_path / "gateway.yaml").write_text(yaml.safe_dump(settings))
    (tmp_path / "guards.yaml").write_text(guards)
    read = read_config(tmp_path / "gateway.yaml", Grants())
    bound = listen(read)
    with beside(lambda: serving(read, bound, lambda line: None)):
        done = ask(first.strip(), address(bound), port)
        assert (done.return_value, done.exception) == (0, None), done.output
        assert done.output.rstrip().endswith("conformant")
        assert ask(lines[0], "", 1).exception is None
        # With a whole matrix it takes minutes: here the quick one of one route is signed.
        made = ask(lines[1], address(bound), port, "--quick", "--routes", "chat")
        assert (made.return_value, made.exception) == (0, None), made.output
    assert "signed by Ada, product owner" in made.output
    assert json.loads(Path("gateway.dsse.json").read_text())["payloadType"] == "application/vnd.in-toto+json"
    assert lines[2].startswith("shipworthy evidence build latest --conformance gateway.dsse.json")


def test_a_proxy_without_guards_leaks_everything(ask) -> None:
    first, port = blocks("sh")[0].strip(), free_port()
    with beside(lambda: bare(f"http://127.0.0.1:{port}/v1")) as base:
        done = ask(first, base, port)
        assert done.return_value == 1, done.output
        assert done.output.rstrip().endswith("leaks")
        for source in ("the upstream answers", "users say", "the system message says"):
            assert f"email in what {source}: not stopped in the simplest cell" in done.output
        told = ask(first, base, port, "--claims", "answer", "--routes", "chat", "--format", "json")
        assert told.return_value == 1
        cells = [row for row in json.loads(told.stdout)["cells"] if row["role"] == "cell" and row["source"] == "answer"]
        assert {row["outcome"] for row in cells} == {"leaked"}
        shadow, failing = blocks("sh")[1].splitlines()
        assert ask(shadow, base, port, "--routes", "chat").return_value == 0
        assert ask(failing, base, port, "--routes", "chat").return_value == 1


@pytest.mark.parametrize(
    ("more", "why"),
    [
        (["--entities", "word"], "name a word"),
        (["--word", "HERON"], "belong together"),
        (["--entities", "mail"], "did you mean 'email'"),
        (["--entities", ""], "at least one entity"),
        (["--api-key-env", "sk-pasted"], "the name of a variable, not a key"),
        (["--base-url", "ftp://x"], "must be an address"),
        (["--base-url", "http://gateway.example", "--api-key-env", "HOME"], "unencrypted"),
        (["--name", " "], "--name must be"),
    ],
)
def test_a_mistake_is_told(ask, more, why) -> None:
    done = ask(blocks("sh")[0].strip(), "http://127.0.0.1:9", 9000, *more)
    assert why in str(done.exception), done.output
    assert "sk-pasted" not in done.output + str(done.exception)


def test_nothing_there_is_told(ask) -> None:
    done = ask(blocks("sh")[0].strip(), f"http://127.0.0.1:{free_port()}", free_port())
    assert "no answer from http://127.0.0.1" in str(done.exception)


def test_the_page_of_figures_has_the_configurations_that_are_measured_and_every_word() -> None:
    page = (PAGE.parents[1] / "reference" / "conformance.md").read_text("utf-8")
    bench = (PAGE.parents[2] / "bench" / "conformance.py").read_text("utf-8")
    texts = re.findall(r'^(?:GUARDS|GATEWAY|LITELLM|NEMO) = """\n(.*?)\n"""', bench, re.MULTILINE | re.DOTALL)
    assert len(texts) == 4
    for text in texts:
        filled = text.format(upstream=9000, presidio=5002) if "{upstream}" in text else text
        assert f"```yaml\n{filled}\n```" in page
    for name in (*PLACES, *ASKED, *SOURCES, *OUTCOMES, *WORDS, *ENTITIES, *ROUTES):
        assert f"`{name}`" in page, name
