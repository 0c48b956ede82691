from __future__ import annotations

import asyncio

import pytest

from shipworthy.core.carries import takes_tools
from shipworthy.core.errors import UsageError
from shipworthy.core.records import Image, Message, Request, answer, say
from shipworthy.targets.framed import TEST_CUE, framed


class Echo:
    concurrency = 3

    def describe(self):
        return {"target": "echo"}

    async def send(self, request):
        return answer(" | ".join(f"{m.role}: {m.text}" for m in request.messages))

    async def stream(self, request):
        yield await self.send(request)

    async def close(self):
        raise AssertionError("the inner target is closed by whoever built it")


class WithTools(Echo):
    async def send(self, request, tools):
        return answer(f"{request.messages[-1].text} {tools}")


def test_the_first_message_of_the_user_is_framed_and_nothing_else():
    told = (say("system", "Be brief."), say("user", "Hi"), say("assistant", "Yes?"), say("user", "More"))
    one = framed(Echo(), before="<", after=">")
    said = "system: Be brief. | user: <Hi> | assistant: Yes? | user: More"
    assert asyncio.run(one.send(Request(messages=told))).text == said
    assert asyncio.run(framed(Echo()).send(Request(messages=told[1:2]))).text == f"user: {TEST_CUE}Hi"
    assert one.concurrency == 3
    assert one.describe() == {"target": "framed", "before": "<", "after": ">", "model": {"target": "echo"}}
    assert not takes_tools(one)
    asyncio.run(one.close())

    async def streamed():
        return [piece async for piece in one.stream(Request(messages=told[1:2]))]

    assert asyncio.run(streamed())[0].text == "user: <Hi>"


def test_tools_and_pictures_pass():
    one = framed(WithTools(), before="<")
    assert takes_tools(one)
    assert asyncio.run(one.send(Request(messages=(say("user", "go"),)), tools="T")).text == "<go T"
    picture = Message("user", (Image(b"png", "image/png"),))
    assert asyncio.run(framed(Echo(), before="<").send(Request(messages=(picture,)))).text == "user: <"


def test_a_frame_of_nothing_is_refused():
    with pytest.raises(UsageError, match="before"):
        framed(Echo(), before="")
