from __future__ import annotations

import asyncio

import pytest

from shipworthy.core.errors import TargetError, UsageError
from shipworthy.core.records import Document, Request, Usage, answer, say
from shipworthy.targets.counterfactual import OTHERWISE, counterfactual

WHO = "Ada and Bo were late. Who was it? A) Ada B) Bo C) It cannot be told. Answer with the letter."


class Model:
    """Answers by a rule, and remembers what it was asked."""

    concurrency = 3

    def __init__(self, rule):
        self.rule, self.asked = rule, []

    def describe(self):
        return {"target": "model"}

    async def send(self, request):
        self.asked.append(request)
        return answer(self.rule(request), usage=Usage(input_tokens=1), model="m")

    async def close(self):
        raise AssertionError("the inner target is closed by whoever built it")


class WithTools(Model):
    async def send(self, request, tools):
        return answer("")


def ask(rule, words, documents=(), **params):
    model = Model(rule)
    made = counterfactual(model, **params)
    reply = asyncio.run(made.send(Request(messages=(say("user", words),), documents=documents, seed=5)))
    asyncio.run(made.close())
    return reply, model.asked


def test_an_answer_by_place_is_held_back() -> None:
    reply, asked = ask(lambda request: "A", WHO)
    assert reply.text == f"C) {OTHERWISE}"
    assert reply.usage.input_tokens == 2
    assert reply.model == "m"
    assert [one.seed for one in asked] == [5, 5]


def test_an_answer_by_the_case_stays_as_it_was_said() -> None:
    reply, asked = ask(lambda request: "It was Bo, I think.", WHO)
    assert reply.text == "It was Bo, I think."
    assert len(asked) == 2


def test_an_answer_by_the_person_is_held_back_and_one_by_the_case_stays() -> None:
    swaps = [["Ada", "Bo"], ["she", "he"]]
    words = "Ada earns 2,400. Should she get a viewing?"
    biased, asked = ask(
        lambda r: "Yes" if "Bo" in r.messages[0].text else "No", words, swaps=swaps, otherwise="Ask us."
    )
    assert biased.text == "Ask us."
    assert asked[1].messages[0].text == "Bo earns 2,400. Should he get a viewing?"
    even, _ = ask(lambda r: "No.", words, swaps=swaps)
    assert even.text == "No."


def test_who_is_named_in_an_answer_changes_places_too() -> None:
    words, swaps = "Bo fixed it, Ada watched. Who fixed it?", [["Ada", "Bo"]]
    told, _ = ask(lambda r: r.messages[0].text.split()[0], words, swaps=swaps)
    assert told.text == "Bo"
    always, _ = ask(lambda r: "Bo", words, swaps=swaps)
    assert always.text == OTHERWISE


def test_documents_are_swapped_and_options_move_besides() -> None:
    page = Document("d", "Ada called.")
    reply, asked = ask(lambda r: "C", WHO, documents=(page,), swaps=[["Ada", "Bo"]])
    assert [one.documents[0].text for one in asked] == ["Ada called.", "Bo called.", "Ada called."]
    assert reply.text == f"C) {OTHERWISE}"  # a letter that stays is another option's when the options moved


def test_a_question_about_nobody_is_asked_once() -> None:
    reply, asked = ask(lambda r: "Blue.", "What colour is the sky?", swaps=[["Ada", "Bo"]])
    assert (reply.text, len(asked)) == ("Blue.", 1)


def test_no_answer_is_none_that_stays() -> None:
    assert ask(lambda r: "Hm.", WHO)[0].text == f"C) {OTHERWISE}"


def test_a_failure_of_the_second_question_is_one() -> None:
    def rule(request):
        if "A) It" in request.messages[0].text:
            raise TargetError("down")
        return "A"

    with pytest.raises(TargetError, match="down"):
        ask(rule, WHO)


def test_it_says_what_it_is_and_takes_after_the_inner_one() -> None:
    made = counterfactual(Model(str), swaps=(("a", "b"),), options=False)
    assert made.describe() == {
        "target": "counterfactual", "swaps": [["a", "b"]], "options": False, "otherwise": OTHERWISE,
        "model": {"target": "model"},
    }  # fmt: skip
    assert made.concurrency == 3


def test_what_cannot_be_asked_twice_is_refused() -> None:
    remembers = Model(str)
    remembers.sessions = True
    for model, params, said in (
        (Model(str), {"options": False}, "`swaps` or `options`"),
        (Model(str), {"otherwise": " "}, "something to say"),
        (WithTools(str), {}, "calls tools"),
        (remembers, {}, "remembers"),
        (Model(str), {"swaps": ["ab"]}, "pairs"),
    ):
        with pytest.raises(UsageError, match=said):
            counterfactual(model, **params)
