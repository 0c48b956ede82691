"""Each way a gateway can behave has an outcome that is stated, and only stopping marks is "stopped"."""

from __future__ import annotations

import asyncio
import gzip
import json
import re
from collections import Counter

import aiohttp
import pytest
from aiohttp import web

from shipworthy.conformance.ask import AskLimits, ask
from shipworthy.conformance.cells import cells
from shipworthy.conformance.judge import CellJudge, CellOutcome
from shipworthy.conformance.tally import summary
from shipworthy.core.errors import UsageError

EMAIL = re.compile(rb"[a-z0-9]+@leak\.example\.org")


def outcomes(found, role="cell", **where):
    rows = [row for row in found.rows if row["role"] == role]
    return Counter(row["outcome"] for row in rows if all(row[key] == value for key, value in where.items()))


def reasons(found, role="cell"):
    return {row["reason"] for row in found.rows if row["role"] == role and row["outcome"] == "broken"}


def word(found, mode="enforce", told=()):
    return summary(found.rows, mode, found.guards, told)["verdict"]


def rejoined(body: bytes) -> bytes:
    """Return an answer without marks: of a stream, all of it in one piece."""
    if not body.startswith(b"data:"):
        return EMAIL.sub(b"[gone]", body)
    pieces = [line[6:] for line in body.split(b"\n") if line.startswith(b"data: {")]
    events = [json.loads(EMAIL.sub(b"[gone]", piece)) for piece in pieces]
    said: dict = {}
    for event in events:
        for choice in event.get("choices", ()):
            for name, piece in choice["delta"].items():
                if isinstance(piece, str):
                    said[name] = said.get(name, "") + piece
                elif name == "tool_calls":
                    for call in piece:
                        calls = said.setdefault("tool_calls", {})
                        kept = calls.setdefault(call["index"], {"name": "", "arguments": ""})
                        for key, value in call["function"].items():
                            kept[key] += value
                elif name == "function_call":
                    kept = said.setdefault(name, {"name": "", "arguments": ""})
                    for key, value in piece.items():
                        kept[key] += value
                elif name == "content":
                    said["content"] = said.get("content", "") + piece[0]["text"]
    if "tool_calls" in said:
        said["tool_calls"] = [{"index": i, "function": call} for i, call in said["tool_calls"].items()]
    whole = json.dumps({"choices": [{"index": 0, "delta": said, "finish_reason": "stop"}]}).encode()
    return b"data: " + EMAIL.sub(b"[gone]", whole) + b"\n\ndata: [DONE]\n\n"


async def guarded(request, body, upstream):
    """A gateway that stops addresses everywhere, in answers and in requests."""
    answer = await upstream(EMAIL.sub(b"[gone]", body))
    return web.Response(status=answer.status, content_type=answer.content_type, body=rejoined(answer.body))


async def open_(request, body, upstream):
    return await upstream()


def test_a_gateway_that_stops_all_is_conformant(examined) -> None:
    found = examined(guarded)
    assert outcomes(found, "control") == {"served": outcomes(found, "control").total()}
    assert set(outcomes(found)) == {"stopped"}, [r for r in found.rows if r["outcome"] not in ("stopped", "served")]
    assert word(found) == "conformant"
    assert all(claim["claimed"] for claim in summary(found.rows, "enforce", [])["claims"])


def test_a_gateway_that_stops_nothing_claims_nothing_and_leaks(examined) -> None:
    found = examined(open_)
    assert set(outcomes(found, "control")) == {"served"}
    assert set(outcomes(found, "probe")) == {"leaked"}
    assert set(outcomes(found)) == {"not claimed"}
    assert word(found) == "leaks"
    # Told that it claims to look at answers, every cell of them is asked, and every one leaks.
    told = examined(open_, claims=("answer", "user"))
    assert set(outcomes(told, source="answer")) == set(outcomes(told, source="user")) == {"leaked"}
    assert set(outcomes(told, source="system")) == {"not claimed"}


def test_a_stream_that_is_not_scanned_leaks_and_the_same_mark_is_known_elsewhere(examined) -> None:
    async def whole_only(request, body, upstream):
        answer = await upstream(EMAIL.sub(b"[gone]", body))
        if answer.content_type == "text/event-stream":
            return answer
        return web.Response(status=answer.status, content_type=answer.content_type, body=rejoined(answer.body))

    found = examined(whole_only)
    assert set(outcomes(found, source="answer", asked="whole")) == {"stopped"}
    assert set(outcomes(found, source="answer", asked="stream", upstream="stream")) <= {"leaked", "stopped"}
    leaks = [row for row in found.rows if row["role"] == "cell" and row["outcome"] == "leaked"]
    assert {row["simplest"] for row in leaks} == {"stopped"}
    assert all(row["bytes"] and row["channel"] for row in leaks)
    assert word(found) == "leaks"


HOSTILE = {}


def hostile(expected):
    """Register what a gateway does with an answer that holds a mark, and the reason that is then given."""

    def add(function):
        HOSTILE[function.__name__] = (function, expected)
        return function

    return add


@hostile("packed in a way that was not asked for")
async def packs(request):
    return web.Response(body=b"?", headers={"content-encoding": "br"})


@hostile("says that it is gzip, and is not")
async def says_packed(request):
    return web.Response(body=b"no", headers={"content-encoding": "gzip"})


@hostile("an answer that cannot be read")
async def stammers(request):
    return web.Response(body=b'data: {"choices": [\n\ndata: [DONE]\n\n', content_type="text/event-stream")


@hostile("an answer that cannot be read")
async def says_nothing(request):
    return web.Response(body=b"")


@hostile("an answer that cannot be read")
async def nests(request):
    return web.Response(body=b"[" * 100_000)


@hostile("the connection failed")
async def hangs_up(request):
    request.transport.close()
    return web.Response()


@hostile("status 307")
async def leads_away(request):
    return web.Response(status=307, headers={"location": "http://127.0.0.1:9/"})


@hostile("status 500")
async def fails(request):
    return web.json_response({"error": {"message": "failed"}}, status=500)


@hostile("status 429")
async def puts_off(request):
    return web.json_response({"error": {"message": "later"}}, status=429)


@pytest.mark.parametrize("name", HOSTILE)
def test_what_a_hostile_gateway_does_is_broken_and_never_stopped(examined, name) -> None:
    does, expected = HOSTILE[name]

    async def act(request, body, upstream):
        answer = await upstream()
        marked = EMAIL.search(answer.body) or (answer.status == 200 and b"[gone]" in rejoined(answer.body))
        return await does(request) if marked else answer

    found = examined(act, claims=("answer",))
    broken = outcomes(found, source="answer")
    assert set(broken) <= {"broken", "leaked"}, broken
    assert broken["broken"] > 5
    assert any(expected in reason for reason in reasons(found)), reasons(found)
    assert set(outcomes(found, "control")) == {"served"}
    assert word(found) in ("leaks", "inconclusive")


async def hangs(request, body, upstream):
    await asyncio.sleep(30)


async def drips(request, body, upstream):
    response = web.StreamResponse()
    await response.prepare(request)
    while True:
        await response.write(b": \n")
        await asyncio.sleep(0.02)


async def floods(request, body, upstream):
    response = web.StreamResponse()
    await response.prepare(request)
    while True:
        await response.write(b"x" * 65_536)


async def bombs(request, body, upstream):
    return web.Response(body=gzip.compress(b"0" * 5_000_000), headers={"content-encoding": "gzip"})


@pytest.mark.parametrize(
    ("act", "seconds", "why"),
    [
        (hangs, 0.3, "no end within 0.3 s"),
        (drips, 0.3, "no end within 0.3 s"),
        (floods, 60.0, "more than 100,000 bytes"),
        (bombs, 60.0, "unpacks to more than 100,000 bytes"),
    ],
)
def test_an_answer_without_measure_is_broken_and_never_stopped(serving, act, seconds, why) -> None:
    cell = next(cell for cell in cells(("chat",)) if cell.ask)

    async def main():
        async with serving("http://127.0.0.1:9", act) as base, aiohttp.ClientSession(auto_decompress=False) as session:
            return await ask(session, base, cell, limits=AskLimits(seconds, 100_000))

    came = asyncio.run(main())
    assert came.fault == why
    assert len(came.body) < 1_000_000
    judged = CellJudge({}, "enforce").marked(cell, came, [], CellOutcome("served", status=200))
    assert (judged.outcome, judged.reason) == ("broken", came.fault)


def test_marks_before_the_end_of_a_broken_answer_count(examined) -> None:
    async def breaks_off(request, body, upstream):
        answer = await upstream()
        response = web.StreamResponse(headers={"content-type": answer.content_type})
        await response.prepare(request)
        await response.write(answer.body)
        if EMAIL.search(answer.body):
            request.transport.close()
        return response

    found = examined(breaks_off, claims=("answer",))
    assert outcomes(found, place="content", asked="whole")["leaked"] == 1


def test_a_cache_that_gives_another_requests_answer_leaks_its_mark(examined) -> None:
    kept = []

    async def caches(request, body, upstream):
        answer = await upstream()
        if EMAIL.search(answer.body) and answer.content_type == "application/json":
            kept.append(answer.body)
            return web.Response(body=kept[0], content_type="application/json")
        return answer

    found = examined(caches, claims=("answer",))
    assert "another request's answer" in {row["channel"] for row in found.rows if row["outcome"] == "leaked"}


def test_a_cache_of_harmless_answers_is_not_served_and_nothing_counts(examined) -> None:
    kept = []

    async def caches(request, body, upstream):
        answer = await upstream()
        kept.append(answer.body)
        return web.Response(body=kept[0], content_type="application/json")

    found = examined(caches, claims=("answer",))
    assert outcomes(found, "control", source="answer")["not served"] > 5
    assert outcomes(found)["stopped"] <= 8  # upstream's errors need no words to come through
    assert outcomes(found, place="content") == {"not served": 4} or outcomes(found, place="content")["stopped"] <= 1


def test_an_echo_is_told_to_point_at_our_upstream(examined) -> None:
    async def echoes(request, body, upstream):
        return web.json_response({"choices": [{"index": 0, "message": {"content": body.decode()}}]})

    with pytest.raises(UsageError, match="never asked our upstream"):
        examined(echoes)


def test_an_echo_of_the_request_serves_nothing(examined) -> None:
    async def echoes(request, body, upstream):
        await upstream(EMAIL.sub(b"[gone]", body))
        return web.json_response({"choices": [{"index": 0, "message": {"content": body.decode()}}]})

    found = examined(echoes)
    spoken = outcomes(found, "control", place="content")
    assert set(spoken) == {"not served"}
    assert outcomes(found, "control", source="user")["altered"] > 0
    assert word(found) == "alters"


def test_an_empty_gateway_is_never_conformant(examined) -> None:
    async def empties(request, body, upstream):
        await upstream(b'{"model": "cell-1"}')
        return web.json_response({})

    found = examined(empties, claims=("answer", "user"))
    assert word(found, told=("answer", "user")) == "inconclusive"
    assert outcomes(found, "control")["not served"] > 20


def test_a_control_that_is_altered_is_said(examined) -> None:
    async def shouts(request, body, upstream):
        answer = await guarded(request, body, upstream)
        return web.Response(
            status=answer.status, content_type=answer.content_type, body=answer.body.replace(b"Fine", b"FINE")
        )

    found = examined(shouts)
    assert outcomes(found, "control", place="content")["altered"] > 0
    assert word(found) == "alters"


def test_shadow_may_not_change_a_letter(examined) -> None:
    found = examined(open_, mode="shadow")
    assert set(outcomes(found, place="content")) == {"unchanged"}
    assert set(outcomes(found)) <= {"unchanged", "not served"}
    assert word(found, "shadow") == "conformant"
    changed = examined(guarded, mode="shadow")
    assert set(outcomes(changed, place="content")) == {"altered"}
    assert word(changed, "shadow") == "alters"


def test_with_the_analyser_down_an_error_is_right_and_a_mark_is_not(examined) -> None:
    async def closed(request, body, upstream):
        return web.json_response({"error": {"message": "the analyser is down"}}, status=503)

    found = examined(closed, mode="failing")
    assert outcomes(found) == {"stopped": len(found.rows)}
    assert word(found, "failing") == "conformant"
    opened = examined(open_, mode="failing")
    assert set(outcomes(opened)) == {"leaked"}


def test_nothing_at_the_address_and_a_key_that_is_refused_are_the_users_mistakes(examined) -> None:
    async def refuses(request, body, upstream):
        return web.json_response({"error": {"message": "who are you"}}, status=401)

    with pytest.raises(UsageError, match="refuses the key"):
        examined(refuses)

    async def drops(request, body, upstream):
        request.transport.close()
        return web.Response()

    with pytest.raises(UsageError, match=r"no answer from http://127\.0\.0\.1"):
        examined(drops)


def test_several_digests_of_guards_in_one_run_decide_nothing(examined) -> None:
    count = []

    async def reloads(request, body, upstream):
        answer = await guarded(request, body, upstream)
        count.append(1)
        answer.headers["x-shipworthy-guards"] = "sha256:" + ("a" if len(count) < 9 else "b") * 64
        return answer

    found = examined(reloads)
    assert len(found.guards) == 2
    assert word(found) == "inconclusive"
