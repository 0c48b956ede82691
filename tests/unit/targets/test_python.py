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


# ---- in processes of its own -----------------------------------------------------------------------------------


@pytest.fixture
def isolated():
    """Build isolated targets, ask them, and end their processes."""

    def run(call, *requests, tools=None, **params):
        async def main():
            target = create("target", "python", {"call": f"own_app:{call}", "isolate": True, **params})
            try:
                asked = requests or [Request(messages=(say("user", "Hello"),), user="ann")]
                if tools is not None:
                    return [await target.send(request, tools=tools) for request in asked]
                return [await target.send(request) for request in asked]
            finally:
                await target.close()

        return asyncio.run(main())

    return run


@pytest.mark.parametrize("call", ["shout", "whisper", "whole", "later", "app", "app.method"])
def test_an_isolated_callable_answers_the_same_and_is_the_same_subject(isolated, call):
    from shipworthy.evals.subject import Subject, declaration
    from shipworthy.workspace.use import Use

    assert isolated(call) == [ask(call, isolate=False)]
    digests = set()
    for isolate in (True, False):
        use = Use(use="python", params={"call": f"own_app:{call}", "isolate": isolate})
        target = create("target", "python", use.params)
        digests.add((Subject(target, use=use, declared=declaration(use, guards="none")).digest, target.carries))
        asyncio.run(target.close())
    assert len(digests) == 1


@pytest.mark.parametrize("call", ["agent", "held"])
def test_an_isolated_agent_calls_its_tools_through_the_exchange(isolated, call):
    tools = Clock()
    assert isolated(call, tools=tools) == [answer("It is noon.")]
    assert tools.called == [ToolCall("c", "clock")]


@pytest.mark.parametrize(
    ("call", "kind", "said"),
    [
        ("number", TargetError, "returned a int"),
        ("broken", TargetError, r"raised ValueError at own_app\.py"),
        ("filtered", TargetFiltered, "policy"),
        ("own_timeout", TargetError, "raised TimeoutError"),
        ("slow", TargetTimeout, r"within 0\.1 s; its process was ended"),
        ("missing", UsageError, "has no 'missing'"),
        ("nothing", UsageError, "takes no argument"),
    ],
)
def test_an_isolated_callable_fails_the_same(isolated, call, kind, said):
    with pytest.raises(kind, match=said) as caught:
        isolated(call, timeout=0.1 if call == "slow" else 30)
    assert type(caught.value) is kind
    assert "secret text" not in str(caught.value)


def test_a_process_that_died_is_replaced_and_one_that_failed_is_kept(isolated, tmp_path):
    (tmp_path / "own_mortal.py").write_text(
        "import os\nN = []\ndef call(text):\n    N.append(1)\n    if text == 'die': os._exit(3)\n"
        "    if text == 'fail': raise ValueError\n    return f'{os.getpid()} {len(N)}'\n"
    )

    async def main():
        target = create("target", "python", {"call": "own_mortal:call", "isolate": True})
        said = []
        for text in ("one", "fail", "two", "die", "three"):
            try:
                said.append((await target.send(Request(messages=(say("user", text),)))).text)
            except TargetError as error:
                said.append(str(error))
        await target.close()
        return said

    one, fail, two, die, three = asyncio.run(main())
    assert ("raised ValueError" in fail, die) == (True, "own_mortal:call: its process ended with exit(3)")
    assert two.split() == [one.split()[0], "3"]
    assert (three.split()[0] != one.split()[0], three.split()[1]) == (True, "1")


@pytest.mark.parametrize(("ci", "params", "apart"), [("true", {}, True), ("", {}, False), ("0", {}, False), ("1", {"isolate": False}, False), ("", {"isolate": True}, True)])  # fmt: skip  # noqa: E501
def test_in_ci_a_callable_is_isolated_unless_the_file_says_otherwise(tmp_path, monkeypatch, ci, params, apart):
    import os

    (tmp_path / "own_pid.py").write_text("import os\ndef call(text): return str(os.getpid())\n")
    monkeypatch.setenv("CI", ci)

    async def main():
        target = create("target", "python", {"call": "own_pid:call", **params})
        try:
            return (await target.send(Request(messages=(say("user", "x"),)))).text
        finally:
            await target.close()

    assert (asyncio.run(main()) != str(os.getpid())) == apart


def test_a_call_that_hangs_does_not_take_a_thread_from_the_others(tmp_path):
    (tmp_path / "own_hang.py").write_text(
        "import time\ndef call(text):\n    if text == 'hang': time.sleep(600)\n    return text\n"
    )

    async def main():
        target = create("target", "python", {"call": "own_hang:call", "isolate": False, "timeout": 0.3})
        hanging = [target.send(Request(messages=(say("user", "hang"),))) for _ in range(40)]
        hung = await asyncio.gather(*hanging, return_exceptions=True)
        return hung, await target.send(Request(messages=(say("user", "x"),)))

    hung, reply = asyncio.run(asyncio.wait_for(main(), 30))
    assert {type(error) for error in hung} == {TargetTimeout}
    assert reply.text == "x"


@pytest.mark.parametrize("params", [{"keys": ["file:/etc/passwd"]}, {"keys": ["env:NOT_SET_AT_ALL"]}, {"memory": -1}, {"concurrency": 0}])  # fmt: skip  # noqa: E501
def test_a_wrong_setting_is_a_usage_error(params):
    with pytest.raises(UsageError):
        create("target", "python", {"call": "own_app:shout", "isolate": True, **params})
