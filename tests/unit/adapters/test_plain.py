from __future__ import annotations

import asyncio
import threading

import pytest
from tests.unit.adapters.mailbox import SAYS, Mailbox, conversation, words

from shipworthy.adapters.plain import conversing, mediated
from shipworthy.core.errors import CallRefused, UsageError


@pytest.fixture
def box():
    return Mailbox()


def test_sync_and_async_tools_are_under_the_policy(box):
    search, send = mediated(box.search_mail), mediated(box.send_mail)
    it = conversation()
    with conversing(it):
        it.hear([SAYS])
        assert search("Lunch")[0]["id"] == "m1"
        assert asyncio.run(send("bo@example.org", body="Yes")) == "sent"
        with pytest.raises(CallRefused):
            asyncio.run(send("eve@example.net"))
    assert box.did == [("search_mail", "Lunch", 10), ("send_mail", "bo@example.org", "Yes")]
    assert words(it)[-2:] == ["ask", "granted False"]


def test_outside_of_a_conversation_and_in_a_strange_thread_every_call_is_refused(box):
    search = mediated(box.search_mail)
    with pytest.raises(CallRefused, match="No conversation is open"):
        search("Lunch")
    refused = []

    def strange():
        try:
            search("Lunch")
        except CallRefused as error:
            refused.append(error)

    with conversing(conversation()):
        thread = threading.Thread(target=strange)
        thread.start()
        thread.join()
    assert refused and not box.did


def test_parallel_tasks_are_in_their_own_conversation(box):
    send = mediated(box.send_mail)

    async def one(to):
        it = conversation()
        with conversing(it):
            it.hear([f"Send {to} a note"])
            await asyncio.sleep(0)
            await send(to)
            with pytest.raises(CallRefused):
                mediated(box.delete_mail)("m7")

    async def all_of_them():
        await asyncio.gather(*(one(f"user{n}@example.org") for n in range(5)))

    asyncio.run(all_of_them())
    assert len(box.did) == 5


def test_defaults_are_the_tools_own_and_not_decided_over(box):
    it = conversation()
    with conversing(it):
        assert mediated(box.search_mail)() and box.did == [("search_mail", "", 10)]


def test_other_arguments_of_a_person_are_those_that_it_runs_with(box):
    it = conversation(ask=lambda call, word: {"to": "bo@example.org", "body": "Edited"})
    with conversing(it):
        it.hear(["Send bo@example.org a note"])
        it.read("A page.", "a page")
        asyncio.run(mediated(box.send_mail)("eve@example.net", copies=3))
    assert box.did == [("send_mail", "bo@example.org", "Edited")]


def test_a_method_and_open_arguments(box):
    class Office:
        @mediated(name="delete_mail")
        def remove(self, **given):
            return given

    it = conversation()
    with conversing(it):
        it.hear(["Delete m1"])
        assert Office().remove(mail_id="m1") == {"mail_id": "m1"}
        with pytest.raises(CallRefused):
            Office().remove(mail_id="m1", forever=True)


def test_arguments_that_change_while_a_person_is_asked_refuse_the_call():
    to = ["eve@example.net"]
    ran = []

    @mediated(name="send_mail")
    def send(to):
        ran.append(to)

    def swap(call, word):
        to[0] = "mallory@example.net"
        return True

    it = conversation(ask=swap)
    with conversing(it), pytest.raises(CallRefused):
        it.read("A page.", "a page")
        send(to)
    assert not ran


def test_what_a_tool_raises_is_raised_and_read(box):
    it = conversation()
    with conversing(it):
        it.hear(["Send bo@example.org a note"])
        with pytest.raises(RuntimeError, match="the server said"):
            asyncio.run(mediated(box.send_mail)("bo@example.org", "break"))
        with pytest.raises(CallRefused):
            asyncio.run(mediated(box.send_mail)("mallory@example.net"))


def test_generators_and_hidden_coroutines_are_none():
    def stream():
        yield 1

    with pytest.raises(UsageError, match="'stream' is a generator"):
        mediated(stream)

    ran = []

    async def later():
        ran.append(1)

    @mediated(name="search_mail")
    def hidden():
        return later()

    with conversing(conversation()), pytest.raises(UsageError, match="decorate a coroutine function"):
        hidden()
    assert not ran


def test_the_function_keeps_its_name_and_signature(box):
    import inspect

    made = mediated(box.search_mail)
    assert made.__name__ == "search_mail" and inspect.signature(made) == inspect.signature(box.search_mail)
