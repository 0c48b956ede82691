"""Where the values of a session's calls came from, as a graph: the user's words, fields of answers, arguments, edges.

It shows and decides nothing: the words are the policy's own, and an edge leads to every place that holds the value in
its one writing, trusted or not.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Literal, NamedTuple, get_args

from shipworthy.enforce.policy.checks import Compiled
from shipworthy.enforce.policy.decision import PolicyDecision, Word
from shipworthy.enforce.policy.engine import Policy
from shipworthy.enforce.policy.past import Made, Past
from shipworthy.enforce.policy.paths import SECRET, TRUSTED, Labels
from shipworthy.enforce.policy.replayed import steps
from shipworthy.enforce.policy.session import Session, parsed
from shipworthy.enforce.policy.values import carried, flat, written
from shipworthy.enforce.policy.words import within
from shipworthy.workspace.policies import SOURCES

MOST_FIELDS = 2_000
"""Fields of one answer, or texts of one step, that edges can lead from."""
MOST_VALUES = 12
"""Values of one call that are shown."""
MOST_EDGES = 3
"""Places that one value is led back to: the user's words first, then trusted fields, then other texts."""
_DEEPEST = 32

Standing = Literal["user", "trusted", "secret", "others"]


class SessionField(NamedTuple):
    """A place that a value can come from.

    Attributes:
        step: the call that gave it, from 1; 0 for what the user said, and for what was shown besides.
        path: ``[0].sender``; "" for a text.
        standing: whose it is: the user's, the system's (and among them what may not leave), or anybody's.
    """

    step: int
    path: str
    text: str
    standing: Standing


class SessionValue(NamedTuple):
    """A value of a call: its origins, the places that hold it, and what stands against it.

    Attributes:
        checked: the policy looks at where it comes from.
    """

    argument: str
    text: str
    origins: tuple[str, ...]
    sources: tuple[SessionField, ...]
    word: Word
    why: str = ""
    checked: bool = True


class SessionStep(NamedTuple):
    """One call.

    Attributes:
        said: of the user's words, what is new since the call before.
        read: texts of others that were shown since then.
        values: of its arguments; `more` are not among them.
        fields: of what it gave.
    """

    number: int
    call: Made
    decision: PolicyDecision
    said: tuple[SessionField, ...]
    read: tuple[SessionField, ...]
    values: tuple[SessionValue, ...]
    more: int
    fields: tuple[SessionField, ...]


def provenance(policy: Policy, past: Past) -> Iterator[SessionStep]:
    """Yield the calls of a conversation under a policy, each with where its values came from."""
    known: list[SessionField] = []
    told: set[str] = set()
    for number, (session, call, decision) in enumerate(steps(policy, past), start=1):
        said = [SessionField(0, "", text, "user") for text in call.says or (past.says,) if text not in told]
        read = [SessionField(0, "", text, "others") for text in call.read if text not in told]
        told.update(one.text for one in (*said, *read))
        known += said + read
        values = list(_values(session, policy.tools.get(call.tool), call, decision, known))
        fields = tuple(_fields(number, call, policy.tools.get(call.tool))) if call.made else ()
        yield SessionStep(
            number, call, decision, tuple(said), tuple(read), tuple(values[:MOST_VALUES]),
            max(0, len(values) - MOST_VALUES), fields,
        )  # fmt: skip
        known += fields


def _values(
    session: Session, rule: Compiled | None, call: Made, decision: PolicyDecision, known: list[SessionField]
) -> Iterator[SessionValue]:
    for argument, given in call.args.items():
        spec = rule.rule.args.get(argument) if rule is not None else None
        content = spec is not None and spec.kind == "content"
        checked = spec is None or "any" not in (spec.sources or SOURCES[spec.kind])
        for value in flat(given):
            one = written(value)
            inside = [c.value for c in carried(value)] if content and isinstance(value, str) else []
            # Of a content only what it carries is looked at.
            own = checked and (not content or one in inside)
            for shown, each in [(str(value), one), *((c, c) for c in inside if c != one)]:
                sources = sorted((field for field in known if _holds(field, each, session)), key=_order)
                against = next((t for t in decision.troubles if (t.argument, t.value) == (argument, each)), None)
                origins = tuple(session.origins(each, call.tool)) if each else ()
                yield SessionValue(
                    argument, shown, origins, _few(sources, against is not None),
                    against.word if against is not None else "allow", against.why if against is not None else "",
                    own if each == one else True,
                )  # fmt: skip


def _order(field: SessionField) -> tuple[int, int]:
    return get_args(Standing).index(field.standing), -field.step


def _few(sources: list[SessionField], against: bool) -> tuple[SessionField, ...]:
    """Return the places that are shown: where a value is held against a call, one that others wrote is among them."""
    chosen = sources[:MOST_EDGES]
    bad = next((field for field in sources if field.standing == "others"), None)
    if against and bad is not None and bad not in chosen:
        chosen[-1] = bad
    return tuple(chosen)


def _holds(field: SessionField, one: str, session: Session) -> bool:
    if not one:
        return False
    if field.standing == "user":
        return session.words.say(one) and within(written(field.text), one)
    text = written(field.text)
    if len(one) < 2 or one not in text:
        return text == one
    return within(text, one) or any(found.value == one for found in carried(field.text))


def _fields(number: int, call: Made, rule: Compiled | None) -> Iterator[SessionField]:
    """Yield the fields of what a call gave, in their order, up to a bound."""
    gave = parsed(call.gave) if isinstance(call.gave, str) and not call.failed else call.gave
    start = rule.labels if rule is not None and not call.failed else None
    stack: list[tuple[Any, Labels | None, str, int]] = [(gave, start, "", 0)]
    left = MOST_FIELDS
    while stack and left:
        value, labels, path, depth = stack.pop()
        if isinstance(value, dict) and depth < _DEEPEST:
            stack += [
                (v, labels.key(str(k)) if labels is not None else None, f"{path}.{k}" if path else str(k), depth + 1)
                for k, v in reversed(value.items())
            ]
        elif isinstance(value, list) and depth < _DEEPEST:
            items = labels.items if labels is not None else None
            stack += [(v, items, f"{path}[{n}]", depth + 1) for n, v in reversed(list(enumerate(value)))]
        elif not isinstance(value, dict | list) and value not in (None, ""):
            left -= 1
            marks = labels.marks if labels is not None else 0
            closed = bool(marks & SECRET) or bool(labels is not None and labels.readers)
            standing: Standing = "secret" if closed else "trusted" if marks & TRUSTED else "others"
            yield SessionField(number, path, value if isinstance(value, str) else written(value), standing)
