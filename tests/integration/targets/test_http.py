from __future__ import annotations

import asyncio

import pytest

from shipworthy.core.errors import TargetError, TargetFiltered, UsageError
from shipworthy.core.records import Document, Reasoning, Request, Text, ToolCall, say
from shipworthy.core.registry import create

HELLO = Request(messages=(say("user", "hi"),), user="ann", seed=3)


def ask(loopback, response, sent=HELLO, status=200, **params):
    async def handler(asked, writer):
        loopback.respond(writer, response, status)

    async def main():
        async with loopback.serve(handler) as served:
            given = {"put": {"$.question": "message"}, "answer": "$.reply.text", **params}
            made = create("target", "http", {"url": served.url + "/ask", **given})
            try:
                return await made.send(sent), served.seen[0].json
            finally:
                await made.close()

    return asyncio.run(main())


def test_a_request_is_filled_in_by_path(loopback):
    request = Request(
        messages=(say("system", "be kind"), say("user", "hi")), documents=(Document("d", "fact"),), user="ann", seed=3
    )
    put = {
        "$.input.text": "message",
        "$.history": "messages",
        "$.context": "documents",
        "$.who": "user",
        "$.options.seed": "seed",
    }
    body = {"input": {"lang": "en"}, "options": {}}
    reply, seen = ask(loopback, {"reply": {"text": "hello"}}, request, put=put, request=body)
    assert reply.messages == (say("assistant", "hello"),)
    assert seen == {
        "input": {"lang": "en", "text": "hi"},
        "history": [{"role": "system", "content": "be kind"}, {"role": "user", "content": "hi"}],
        "context": [{"id": "d", "text": "fact"}],
        "who": "ann",
        "options": {"seed": 3},
    }


def test_the_template_is_filled_in_anew_each_time(loopback):
    body = {"question": "old"}
    ask(loopback, {"reply": {"text": "x"}}, put={"$.question": "message", "$.n.m": "seed"})
    assert body == {"question": "old"}


def test_documents_stand_in_the_message_where_nothing_takes_them(loopback):
    request = Request(messages=(say("user", "why?"),), documents=(Document("d", "the fact"),))
    _, seen = ask(loopback, {"reply": {"text": "x"}}, request)
    assert "the fact" in seen["question"]
    assert seen["question"].endswith("why?")


def test_everything_is_read_by_path(loopback):
    answer = {
        "out": ["one", "two"],
        "calls": [{"name": "reset", "arguments": {"user": "a"}}, {"function": {"name": "f", "arguments": "{}"}}],
        "sources": [{"id": "s1", "text": "t", "title": "T"}, "bare"],
    }
    reply, _ = ask(loopback, answer, answer="$.out[*]", tool_calls="$.calls", retrieved="$.sources[*]")
    assert reply.text == "one\ntwo"
    assert reply.tool_calls == (ToolCall("call-1", "reset", {"user": "a"}), ToolCall("call-2", "f", {}))
    assert reply.retrieved == (Document("s1", "t", "T"), Document("doc-2", "bare"))


def test_what_it_thought_aloud_is_no_part_of_the_answer(loopback):
    answer = {"reply": {"text": "no"}, "thoughts": ["first", "", "then"]}
    reply, _ = ask(loopback, answer, reasoning="$.thoughts[*]")
    assert reply.text == "no"
    assert reply.messages[0].parts == (Reasoning("first"), Reasoning("then"), Text("no"))
    with pytest.raises(TargetError, match=r"'\$\.thoughts' leads to something that is no text"):
        ask(loopback, {"reply": {"text": "no"}, "thoughts": 5}, reasoning="$.thoughts")


@pytest.mark.parametrize(
    ("answer", "status", "error", "says"),
    [
        ({"reply": {}}, 200, TargetError, "leads to nothing"),
        ({"reply": {"text": 5}}, 200, TargetError, "no text"),
        ([], 200, TargetError, "leads to nothing"),
        (b"<html>", 200, TargetError, "did not answer JSON"),
        ({"failure": "secret text"}, 200, TargetError, "path 'error'"),
        ({"blocked": True, "reply": {"text": "x"}}, 200, TargetFiltered, "filter"),
        ({"blocked": True}, 400, TargetFiltered, "filter"),
        ({"error": {"message": "secret text"}}, 400, TargetError, "status 400"),
    ],
)
def test_what_is_no_answer_is_an_error(loopback, answer, status, error, says):
    with pytest.raises(TargetError, match=says) as caught:
        ask(loopback, answer, status=status, error="$.failure", filtered="$.blocked", retries=0)
    assert type(caught.value) is error
    assert "secret text" not in str(caught.value)


def test_a_history_that_would_be_lost_is_refused(loopback):
    request = Request(messages=(say("user", "a"), say("assistant", "b"), say("user", "c")))
    with pytest.raises(TargetError, match="turns: user, assistant, user"):
        ask(loopback, {"reply": {"text": "x"}}, request)


@pytest.mark.parametrize(
    ("params", "says"),
    [
        ({"answer": "$.["}, "JSONPath"),
        ({"put": {"$..[": "message"}}, "JSONPath"),
        ({"put": {"$.q": "mesage"}}, "did you mean 'message'"),
        ({"put": {"$.q": "user"}}, "nothing puts"),
        ({"put": {}}, "nothing puts"),
        ({"method": "GET"}, "method"),
        ({"url": "ftp://host"}, "http://"),
    ],
)
def test_what_cannot_work_is_said_at_once(params, says):
    given = {"url": "https://bot.example/ask", "put": {"$.q": "message"}, "answer": "$.a"}
    with pytest.raises(UsageError, match=says):
        create("target", "http", {**given, **params})
