"""The calls and answers of a recorded attempt, as a policy would see them again."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Literal

from msgspec.structs import replace

from shipworthy.core.events import (
    Approval,
    Asked,
    Called,
    Event,
    Failed,
    GuardEvent,
    PolicyEvent,
    Retrieved,
    Returned,
    Rewound,
    Said,
)
from shipworthy.core.messages import Message, ToolCall
from shipworthy.core.records import Attempt
from shipworthy.enforce.policy.past import Made, Past, PastAnswer


def past_of(attempt: Attempt) -> Past:
    """Return an attempt's calls and answers with the user's words by then, what was read, and what became of each.

    Arguments of a call that was refused are taken from what the target says of it; where it says nothing, or two
    things, they are not known. Texts that a sample plants in a request are in no event, and so not here.
    """
    reading = _Reading(attempt.events)
    return conversation(attempt.id, reading.calls(), reading.answers)


def conversation(id: str, calls: Sequence[Made], answers: Sequence[PastAnswer]) -> Past:
    """Return calls and answers as one conversation, which begins with the words that the first of them heard."""
    said_by_then = [*(call.says for call in calls[:1]), *(answer.says for answer in answers[:1])]
    says = min(said_by_then, key=len, default=())
    return Past(says="\n".join(says), calls=tuple(calls), answers=tuple(answers), id=id)


def calls_of(events: Sequence[Event]) -> tuple[Made, ...]:
    """Return the calls among events; see `past_of`."""
    return _Reading(events).calls()


def said(messages: Iterable[Message]) -> str:
    """Return what an assistant says in some messages, in one text."""
    return "\n".join(text for message in messages if message.role == "assistant" and (text := message.text))


class _Answer:
    """The target's answer of one turn, as far as it is known."""

    def __init__(self, so_far: PastAnswer) -> None:
        self.so_far = so_far
        self._given: list[Message] = []
        self._withheld: list[Message] = []

    @property
    def text(self) -> str:
        """All of what the target said, where some of it was left out."""
        return said(self._withheld or self._given)

    def take(self, event: Event) -> None:
        if isinstance(event, Said) and event.by == "target":
            (self._withheld if event.withheld else self._given).append(event.message)
        elif isinstance(event, Failed):
            self._deny(event.role == "policy")  # the check broke: nothing of the answer was given
        elif isinstance(event, PolicyEvent):
            self._deny(not (event.call or event.candidate or event.shadow))

    def _deny(self, so: bool) -> None:
        if so:
            self.so_far = replace(self.so_far, verdict="deny")


class _Reading:
    """One way through the events of an attempt."""

    def __init__(self, events: Sequence[Event]) -> None:
        self._events = events
        self._messages: list[Message] = []
        self._unread: list[str] = []
        self._flagged: dict[str, None] = {}
        self._calls: list[Made] = []
        self._words: dict[str, list[PolicyEvent]] = defaultdict(list)
        self._yes: dict[str, Approval] = {}
        self._open: dict[str, list[int]] = defaultdict(list)
        self._said = _said_calls(events)
        self.answers: list[PastAnswer] = []
        self._answer: _Answer | None = None

    def calls(self) -> tuple[Made, ...]:
        for event in self._events:
            if self._answer is not None and event.turn != self._answer.so_far.turn:
                self._end_answer()
            self._take(event)
        self._end_answer()
        return tuple(self._calls)

    def _take_answer(self, event: Event) -> None:
        """Look for the target's answer of a turn."""
        if isinstance(event, Asked) and event.role == "target":
            says = tuple(m.text for m in self._messages if m.role == "user")
            self._answer = _Answer(PastAnswer("", len(self._calls), says=says, turn=event.turn))
        elif self._answer is not None:
            self._answer.take(event)

    def _end_answer(self) -> None:
        answer, self._answer = self._answer, None
        text = answer.text if answer is not None else ""
        if answer is not None and text and (self._unread or self.answers or any(call.made for call in self._calls)):
            self.answers.append(replace(answer.so_far, text=text, read=tuple(self._unread)))

    def _take(self, event: Event) -> None:
        self._take_answer(event)
        if isinstance(event, Said):
            if not event.withheld:
                self._messages.append(event.message)
                if event.by == "asker" and event.message.role == "tool":
                    self._unread.append(event.message.text)
        elif isinstance(event, Rewound):
            del self._messages[event.keep :]
        elif isinstance(event, Retrieved):
            self._unread.append(f"{event.document.title}\n{event.document.text}")
        elif isinstance(event, GuardEvent) and event.tightens:
            self._flagged[event.guard] = None
        elif isinstance(event, PolicyEvent) and event.call and not event.candidate:
            self._words[event.call].append(event)
        elif isinstance(event, Approval):
            self._yes[event.call] = event
        elif isinstance(event, Called):
            self._called(event)
        elif isinstance(event, Returned):
            self._returned(event)

    def _called(self, event: Called) -> None:
        call, word = event.call, self._word(event.call.id)
        granted = word is not None and word.verdict == "ask" and not word.shadow
        yes = self._yes.pop(call.id, None)
        asked, ran = call.arguments, None
        if granted and yes is not None and yes.arguments is not None:
            ran, was = call.arguments, self._said.get((event.turn, call.id))
            asked = was.arguments if was is not None else {}
            self._add(call, asked, event.turn, word, granted=True, ran=ran, known=was is not None)
        else:
            self._add(call, asked, event.turn, word, granted=granted)
        self._open[call.id].append(len(self._calls) - 1)

    def _returned(self, event: Returned) -> None:
        result = event.result
        if self._open[result.id]:
            place = self._open[result.id].pop(0)
            self._calls[place] = replace(self._calls[place], gave=result.text, failed=result.is_error)
        elif (word := self._word(result.id)) is not None:
            self._yes.pop(result.id, None)
            was = self._said.get((event.turn, result.id))
            call = was or ToolCall(result.id, result.name)
            self._add(call, call.arguments, event.turn, word, made=False, known=was is not None)

    def _word(self, id: str) -> PolicyEvent | None:
        return self._words[id].pop(0) if self._words[id] else None

    def _add(self, call: ToolCall, args: dict[str, Any], turn: int, word: PolicyEvent | None, **how: Any) -> None:
        says = tuple(m.text for m in self._messages if m.role == "user")
        verdict: Literal["", "allow", "ask", "deny", "stop"] = word.verdict if word is not None else ""
        rule = word.rule if word is not None else ""
        read, self._unread = tuple(self._unread), []
        self._calls.append(
            Made(
                tool=call.name,
                args=args,
                verdict=verdict,
                rule=rule,
                says=says,
                read=read,
                flagged=tuple(self._flagged),
                id=call.id,
                turn=turn,
                **how,
            )
        )


def _said_calls(events: Sequence[Event]) -> dict[tuple[int, str], ToolCall]:
    """Return the calls that the target says it asked for, by turn and id; none where one id stands for two."""
    found: dict[tuple[int, str], ToolCall | None] = {}
    for turn, call in _calls(events):
        key = (turn, call.id)
        found[key] = call if found.get(key, call) == call else None
    return {key: call for key, call in found.items() if call is not None}


def _calls(events: Sequence[Event]) -> Iterator[tuple[int, ToolCall]]:
    for event in events:
        if isinstance(event, Said) and event.by == "target":
            yield from ((event.turn, call) for call in event.message.tool_calls)
