"""The how-to on guards without a proxy works as printed, with the vendors' own clients and a provider on loopback."""

from __future__ import annotations

import asyncio
import json
import re
import shlex
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from shipworthy.cli import main
from shipworthy.core.errors import GuardError

PAGE = (Path(__file__).parents[2] / "docs" / "how-to" / "guards-without-a-proxy.md").read_text("utf-8")
CHAT = {"choices": [{"message": {"role": "assistant", "content": "Ask bo@example.org."}, "finish_reason": "stop"}]}
MESSAGE = [
    {"type": "message_start", "message": {"usage": {}}},
    {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
    {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "Ask bo@exam"}},
    {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "ple.org."}},
    {"type": "content_block_stop", "index": 0},
    {"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {}},
    {"type": "message_stop"},
]


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)


@pytest.fixture
def provider(tmp_path, monkeypatch):
    """A provider of both dialects, where the SDKs look for theirs; yields the bodies that it read."""
    seen = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            seen.append(json.loads(self.rfile.read(int(self.headers["content-length"]))))
            if self.path.endswith("/messages"):
                kind, data = "text/event-stream", "".join(f"data: {json.dumps(e)}\n\n" for e in MESSAGE).encode()
            else:
                kind, data = "application/json", json.dumps(CHAT).encode()
            self.send_response(200)
            self.send_header("content-type", kind)
            self.send_header("content-length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    url = f"http://127.0.0.1:{server.server_port}"
    monkeypatch.setenv("OPENAI_BASE_URL", f"{url}/v1")
    monkeypatch.setenv("ANTHROPIC_BASE_URL", url)
    for name in ("OPENAI_API_KEY", "ANTHROPIC_API_KEY"):
        monkeypatch.setenv(name, "sk-0123456789")
    monkeypatch.chdir(tmp_path)
    gateway, guards = blocks("yaml")
    Path("gateway.yaml").write_text(gateway, "utf-8")
    Path("guards.yaml").write_text(guards, "utf-8")
    yield url, seen
    server.shutdown()
    server.server_close()


def run(code: str, **given: object) -> dict[str, object]:
    names: dict[str, object] = {"__name__": "page", **given}
    exec(compile(code, "guards-without-a-proxy.md", "exec"), names)
    return names


def command(words: list[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(words)
    assert ended.value.code == 0


def test_clients_on_httpx(provider, capsys) -> None:
    openai, httpx2 = pytest.importorskip("openai"), pytest.importorskip("httpx2")
    pytest.importorskip("anthropic")
    if not issubclass(openai.DefaultHttpxClient, httpx2.Client):
        pytest.skip("this openai is built on httpx; the page shows one that is built on httpx2")
    _, seen = provider
    whole, streamed, *_ = blocks("python")
    run(whole)["client"].close()
    assert capsys.readouterr().out == "Ask [redacted:email].\n"
    assert seen[0]["messages"][0]["content"] == "I am [redacted:email]. Who can help me?"
    assert "I am [redacted:email]. Who can help me?" in PAGE
    assert asyncio.run(run(streamed)["ask"]()) == "Ask [redacted:email]."
    command(["gateway", "traffic", "--config", "gateway.yaml"])
    records = capsys.readouterr().out.splitlines()
    assert [json.loads(line)["ending"] for line in records] == ["answered"] * 2


def test_a_client_on_aiohttp(provider) -> None:
    url, _ = provider
    ask = run(blocks("python")[2])["ask"]
    assert asyncio.run(ask(f"{url}/v1/chat/completions", "sk-0123456789")) == "Ask [redacted:email]."


def test_an_app_and_its_levers(provider) -> None:
    httpx2 = pytest.importorskip("httpx2")
    pytest.importorskip("starlette")
    app = run(blocks("python")[3])["app"]
    asked = {"model": "m", "messages": [{"role": "user", "content": "I am ann@example.org."}]}
    strict, stop, release = map(shlex.split, blocks("sh")[0].splitlines())

    async def main_():
        async with httpx2.AsyncClient(transport=httpx2.ASGITransport(app=app), base_url="http://app") as client:
            found = (await client.post("/v1/chat/completions", json=asked)).json()["choices"][0]["message"]["content"]
            assert found == "You said: I am [redacted:email]. Write to [redacted:email]."
            assert (await client.get("/health")).json() == {"status": "ok"}
            before = (await client.post("/v1/chat/completions", json=asked)).headers["x-shipworthy-guards"]
            command(strict[1:])
            answer = await client.post("/v1/chat/completions", json=asked)
            assert answer.status_code == 200 and answer.headers["x-shipworthy-guards"] != before
            command(stop[1:])
            assert (await client.post("/v1/chat/completions", json=asked)).status_code == 503
            command(release[1:])
            assert (await client.post("/v1/chat/completions", json=asked)).status_code == 200

    asyncio.run(main_())


def test_langchain(provider) -> None:
    pytest.importorskip("langchain", reason="langchain is not here: python bench/adapters.py --tests has it")
    from langchain_core.documents import Document
    from langchain_core.language_models.fake_chat_models import FakeListChatModel
    from langchain_core.retrievers import BaseRetriever

    class Finds(BaseRetriever):
        def _get_relevant_documents(self, query, *, run_manager):
            return [Document("Ask bo@example.org.")]

    class Says(FakeListChatModel):
        def bind_tools(self, tools, **how):
            return self.bind(tools=tools, **how)

    names = run(blocks("python")[4], model=Says(responses=["Ask bo@example.org."]), retriever=Finds())
    asked = {"messages": [{"role": "user", "content": "Who can help me?"}]}
    assert names["agent"].invoke(asked)["messages"][-1].text == "Ask [redacted:email]."
    assert names["documents"].invoke("x")[0].page_content == "Ask [redacted:email]."
    command(shlex.split(blocks("sh")[0].splitlines()[1])[1:])
    with pytest.raises(GuardError, match="stopped"):
        names["agent"].invoke(asked)


def test_llama_index(provider) -> None:
    pytest.importorskip(
        "llama_index.core", reason="llama-index-core is not here: python bench/adapters.py --tests has it"
    )
    from llama_index.core.base.llms.types import CompletionResponse, LLMMetadata
    from llama_index.core.llms.custom import CustomLLM
    from llama_index.core.schema import NodeWithScore, TextNode

    heard = []

    class Says(CustomLLM):
        @property
        def metadata(self):
            return LLMMetadata()

        def complete(self, prompt, formatted=False, **how):
            heard.append(prompt)
            return CompletionResponse(text="Ask bo@example.org.")

        def stream_complete(self, prompt, formatted=False, **how):
            raise NotImplementedError

    nodes = [NodeWithScore(node=TextNode(text="Help is bo@example.org."))]
    names = run(blocks("python")[5], llm=Says(), nodes=nodes)
    assert str(names["answer"]) == "Ask [redacted:email]."
    assert "Help is [redacted:email]." in heard[0] and "bo@example.org" not in heard[0]
