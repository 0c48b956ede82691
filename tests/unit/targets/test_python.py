from __future__ import annotations

import asyncio
import sys
import textwrap

import pytest

from shipworthy.core.errors import TargetError, TargetFiltered, TargetTimeout, UsageError
from shipworthy.core.records import Document, Request, ToolCall, ToolResult, ToolSpec, Usage, answer, say
from shipworthy.core.registry import create

SOURCE = """
import asyncio, time
from shipworthy.core.errors import TargetFiltered
from shipworthy.core.protocols import Tools
from shipworthy.core.records import Reply, Request, ToolCall, Usage, answer, say

def shout(text): return text.upper()
async def whisper(text: str) -> str:
    await asyncio.sleep(0)
    return text.lower()
def whole(request: Request) -> Reply:
    return answer(str(len(request.messages)), usage=Usage(3, 4))
def later(request: "Request"):
    return whisper(request.messages[-1].text)
class App:
    def __call__(self, request: Request): return say("assistant", request.user)
    def method(self, text): return "method " + text
app = App()
def number(text): return 5
def broken(text): raise ValueError("secret text: " + text)
def slow(text): time.sleep(0.5); return "late"
def own_timeout(text): raise TimeoutError("mine")
def filtered(text): raise TargetFiltered("policy")
def nothing(): return ""
async def agent(request: Request, tools: Tools):
    result = await tools.call(ToolCall("c", "clock"), clock)
    return say("assistant", f"It is {result.text}.")
async def clock(call: ToolCall) -> str: return "noon"
class Agent:
    async def __call__(self, request: Request, tools): return await agent(request, tools)
held = Agent()
def plain_tools(request: Request, tools): return "x"
async def text_tools(text, tools): return "x"
value = 3
from subprocess import getoutput
"""


@pytest.fixture(autouse=True)
def module(tmp_path, monkeypatch):
    (tmp_path / "own_app.py").write_text(textwrap.dedent(SOURCE))
    (tmp_path / "own_broken.py").write_text("raise RuntimeError('at import')")
    monkeypatch.syspath_prepend(str(tmp_path))
    yield
    sys.modules.pop("own_app", None)


def ask(call, request=None, **params):
    request = request or Request(messages=(say("user", "Hello"),), user="ann")
    return asyncio.run(create("target", "python", {"call": f"own_app:{call}", **params}).send(request))


@pytest.mark.parametrize(
    ("call", "said"),
    [
        ("shout", "HELLO"),
        ("whisper", "hello"),
        ("whole", "1"),
        ("later", "hello"),
        ("app", "ann"),
        ("app.method", "method Hello"),
    ],
)
def test_any_callable_answers(call, said):
    assert ask(call).messages == answer(said).messages


def test_a_whole_reply_is_kept():
    assert ask("whole") == answer("1", usage=Usage(3, 4))


@pytest.mark.parametrize(
    ("call", "error", "says"),
    [
        ("number", TargetError, "returned a int"),
        ("broken", TargetError, r"raised ValueError at own_app.py:\d+"),
        ("own_timeout", TargetError, "raised TimeoutError"),
        ("filtered", TargetFiltered, "policy"),
    ],
)
def test_a_failure_says_where_and_not_what_was_said(call, error, says):
    with pytest.raises(TargetError, match=says) as caught:
        ask(call)
    assert type(caught.value) is error
    assert "secret text" not in str(caught.value)


def test_a_slow_function_is_a_timeout():
    with pytest.raises(TargetTimeout):
        ask("slow", timeout=0.05)


def test_plain_functions_run_beside_one_another():
    async def main():
        made = create("target", "python", {"call": "own_app:slow"})
        request = Request(messages=(say("user", "x"),))
        return await asyncio.wait_for(asyncio.gather(*[made.send(request) for _ in range(4)]), 30)

    assert [r.text for r in asyncio.run(main())] == ["late"] * 4


def test_a_function_of_text_sees_documents_and_refuses_what_it_cannot_see():
    documents = (Document("d", "the fact", "Title"),)
    seen = ask("shout", Request(messages=(say("user", "why?"),), documents=documents)).text
    assert "THE FACT" in seen
    assert seen.endswith("WHY?")
    with pytest.raises(TargetError, match="turns: system, user"):
        ask("shout", Request(messages=(say("system", "be kind"), say("user", "why?"))))


@pytest.mark.parametrize(
    ("call", "says"),
    [
        ("own_app", "module:function"),
        ("own_app:", "module:function"),
        ("own_app:shuot", "did you mean 'shout'"),
        ("own_app:value", "cannot be called"),
        ("own_app:nothing", "no argument"),
        ("own_nowhere:f", "cannot import"),
        ("own_broken:f", "raised RuntimeError"),
        ("subprocess:getoutput", "Python's own library"),
        ("own_app:getoutput", "Python's own library"),
        ("builtins:eval", "Python's own library"),
    ],
)
def test_what_is_no_target_is_refused(call, says):
    with pytest.raises(UsageError, match=says):
        create("target", "python", {"call": call})


def test_another_source_is_another_subject(tmp_path):
    one = create("target", "python", {"call": "own_app:shout"}).describe()
    assert one["source"].startswith("sha256:")
    (tmp_path / "own_app.py").write_text(textwrap.dedent(SOURCE) + "# changed\n")
    sys.modules.pop("own_app", None)
    two = create("target", "python", {"call": "own_app:shout"}).describe()
    assert one != two


def test_a_function_that_raises_stop_iteration_does_not_hang(tmp_path):
    (tmp_path / "own_stop.py").write_text("def call(text): raise StopIteration\n")
    target = create("target", "python", {"call": "own_stop:call", "timeout": 5})
    with pytest.raises(TargetError, match=r"raised (RuntimeError|StopIteration) at"):
        asyncio.run(target.send(Request(messages=(say("user", "Hello"),))))


class Clock:
    """The exchange's way to tools: it notes the calls."""

    specs = ()

    def __init__(self):
        self.called = []

    async def call(self, call, run=None):
        self.called.append(call)
        return ToolResult(call.id, call.name, await run(call))


@pytest.mark.parametrize("call", ["agent", "held"])
def test_a_function_that_takes_tools_calls_them_through_the_exchange(call):
    target, tools = create("target", "python", {"call": f"own_app:{call}"}), Clock()
    reply = asyncio.run(target.send(Request(messages=(say("user", "When?"),)), tools=tools))
    assert reply == answer("It is noon.")
    assert tools.called == [ToolCall("c", "clock")]


@pytest.mark.parametrize("call", ["plain_tools", "text_tools"])
def test_a_function_that_could_not_call_its_tools_is_refused(call):
    with pytest.raises(UsageError, match="must be async"):
        create("target", "python", {"call": f"own_app:{call}"})


def test_tools_that_a_function_of_text_would_not_see_are_refused():
    with pytest.raises(TargetError, match="cannot be offered tools"):
        ask("shout", Request(messages=(say("user", "x"),), tools=(ToolSpec("clock"),)))
