"""Past calls under another policy: which of them would be decided otherwise."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from shipworthy.detect.redact import is_redacted
from shipworthy.enforce.policy.decision import RANK, PolicyDecision, Word
from shipworthy.enforce.policy.engine import Policy
from shipworthy.enforce.policy.past import Made, Past, PastAnswer
from shipworthy.enforce.policy.session import Session
from shipworthy.enforce.policy.values import flat

ANSWER = "(answer)"
"""Stands in the place of a tool's name where the word is on an answer."""


class Changed(NamedTuple):
    """A call or an answer on which two policies differ.

    Attributes:
        session: the conversation; `number` the place of the call in it, from 1, answers counted too.
        tool: its name; `ANSWER` for an answer.
        before, after: the words.
        rule: what decided where the word is harder: what newly stands in the way of the call, or no longer does.
        why: of the later word.
    """

    session: str
    number: int
    tool: str
    before: Word
    after: Word
    rule: str
    why: str

    @property
    def looser(self) -> bool:
        """Whether the later word lets more pass."""
        return RANK[self.after] < RANK[self.before]


class Compared(NamedTuple):
    """Past calls and answers under a policy.

    Attributes:
        changed: those whose word changes, in their order.
        judged: those that were compared, by tool; answers under `ANSWER`.
        unknown: why one could not be, and how many such there are.
    """

    changed: tuple[Changed, ...]
    judged: Counter[str]
    unknown: Counter[str]

    def counts(self) -> Iterator[tuple[str, str, str, int, int]]:
        """Yield tool, rule, direction (``looser`` or ``stricter``), changes, and calls of the tool that were judged."""
        found = Counter((c.tool, c.rule, "looser" if c.looser else "stricter") for c in self.changed)
        for (tool, rule, way), number in sorted(found.items()):
            yield tool, rule, way, number, self.judged[tool]


class PastWord(NamedTuple):
    """A policy's word on a call or an answer of the past: what decided, and one sentence.

    On an answer the word is ``deny`` where a sentence of it would be left out.
    """

    of: Made | PastAnswer
    word: Word
    rule: str
    why: str


def words_on(policy: Policy, past: Past) -> Iterator[PastWord]:
    """Yield a policy's word on each call and each answer of a conversation, in their order; see `steps`."""
    for session, one, decision in _through(policy, past):
        if decision is not None:
            yield PastWord(one, decision.word, decision.rule, decision.sentence)
        elif isinstance(one, PastAnswer):
            yield _word_on_answer(session, one)


def _word_on_answer(session: Session, one: PastAnswer) -> PastWord:
    try:
        found = session.steered(one.text)
    except Exception as error:  # the user would not see it
        return PastWord(one, "deny", "answer", f"the answer is withheld: its check failed ({type(error).__name__})")
    if not found:
        return PastWord(one, "allow", "answer", "")
    more = f" (and {len(found) - 1} more)" if len(found) > 1 else ""
    why = f"{found[0].why} ({found[0].tool}){more}"
    if session.withholds:
        return PastWord(one, "deny", "answer", f"a sentence is left out: {why}")
    return PastWord(one, "allow", "answer", f"a sentence is noted and given: {why}")


def steps(policy: Policy, past: Past) -> Iterator[tuple[Session, Made, PolicyDecision]]:
    """Go through the calls of a conversation as if a policy stood beside the one that decided.

    What happened then happens again, whatever it says: a call that ran has run, and what it gave was read; a call that
    was refused was not made. That keeps what comes after it comparable; what a person would have answered to another
    question is not known.

    Yields:
        The session as it is at a call, the call, and the word on it. What the call gave is read after that.
    """
    for session, one, decision in _through(policy, past):
        if decision is not None and isinstance(one, Made):
            yield session, one, decision


def _through(policy: Policy, past: Past) -> Iterator[tuple[Session, Made | PastAnswer, PolicyDecision | None]]:
    """Go through calls and answers; the word is None on an answer."""
    session = policy.session(user=past.id)
    told: set[str] = set()
    for one in past.in_order():
        session.hear(one.says or (past.says,))
        for text in one.read:
            if text not in told:
                told.add(text)
                session.read(text, "a document")
        if isinstance(one, PastAnswer):
            yield session, one, None
            continue
        for guard in one.flagged:
            session.flag(guard)
        decision = session.judge(one.tool, one.args)
        yield session, one, decision
        _goes_on(session, one, decision)


def _goes_on(session: Session, call: Made, decision: PolicyDecision) -> None:
    """Take in what became of a call."""
    if not call.made:
        session.refused(call.tool)
        return
    ran = call.args if call.ran is None else call.ran
    if decision.word == "allow":
        session.book(call.tool, ran)
    elif decision.word == "ask" and call.granted:
        session.approved(call.tool, ran, decision)
    else:
        session.ran_anyway(call.tool, ran)
    if call.failed:
        session.read(str(call.gave), call.tool)
    else:
        session.returned(call.tool, ran, call.gave)


def compare(
    past: Iterable[Past], new: Policy, old: Policy | None = None, *, reference: Policy | None = None
) -> Compared:
    """Say on which calls and answers the word changes under a policy.

    A call whose arguments are not on record, or were redacted, is not judged: two redacted values look the same. Nor is
    an answer whose text was redacted.

    Args:
        old: what is compared with; what was noted of each call then if left out, and calls of which nothing was noted
            count as allowed.
        reference: the policy that said what was noted. A call on which it does not say the same again is not judged:
            the record lacks something that it knew.
    """
    tally = CompareTally()
    for session in past:
        now = list(words_on(new, session))
        then = [(w.word, w.rule) for w in words_on(old, session)] if old is not None else [_noted(w.of) for w in now]
        again = [w.word for w in words_on(reference, session)] if reference is not None else [None] * len(now)
        rows = zip(now, then, again, strict=True)
        for number, (after, (before, was), same) in enumerate(rows, start=1):
            one = after.of
            why = unfit(one)
            noted = isinstance(one, PastAnswer) or one.verdict
            if not why and same is not None and noted and same != hard(one.verdict):
                why = "the record does not give again what was said then"
            if why:
                tally.unknown[why] += 1
            else:
                rule = was if RANK[after.word] < RANK[before] else after.rule
                tool = ANSWER if isinstance(one, PastAnswer) else one.tool
                tally.add(Changed(session.id, number, tool, before, after.word, rule, after.why))
    return tally.compared


def _noted(one: Made | PastAnswer) -> tuple[Word, str]:
    return hard(one.verdict), "answer" if isinstance(one, PastAnswer) else one.rule or one.tool


class CompareTally:
    """Counts compared calls."""

    def __init__(self) -> None:
        self._changed: list[Changed] = []
        self._judged: Counter[str] = Counter()
        self.unknown: Counter[str] = Counter()

    def add(self, one: Changed) -> None:
        """Count a call; it is kept where its words differ."""
        self._judged[one.tool] += 1
        if one.before != one.after:
            self._changed.append(one)

    @property
    def compared(self) -> Compared:
        """What was counted."""
        return Compared(tuple(self._changed), self._judged, self.unknown)


def hard(verdict: str) -> Word:
    """Return a noted verdict as one of the three words: nothing was an ``allow``, and a stop is a ``deny``."""
    return {"": "allow", "allow": "allow", "ask": "ask"}.get(verdict, "deny")  # type: ignore[return-value]


def unfit(call: Made | PastAnswer) -> str:
    """Return why a call or an answer cannot be judged from its record; "" where it can."""
    if isinstance(call, PastAnswer):
        return "an answer's text is redacted" if is_redacted(call.text) else ""
    if not call.known:
        return "the record does not hold its arguments"
    if any(isinstance(v, str) and is_redacted(v) for v in flat(call.args)):
        return "its arguments are redacted"
    return ""


def rule_changes(old: Policy, new: Policy) -> Iterator[tuple[str, str]]:
    """Yield each tool whose rule differs, and how: added, removed, or the keys that changed."""
    before, after = (dict(p.describe()["policy"]) for p in (old, new))
    for key in sorted((before.keys() | after.keys()) - {"tools"}):
        if before.get(key) != after.get(key):
            yield key, f"{before.get(key)} -> {after.get(key)}"
    tools: list[dict[str, Any]] = [before["tools"], after["tools"]]
    for tool in sorted(tools[0].keys() | tools[1].keys()):
        was, now = tools[0].get(tool), tools[1].get(tool)
        if was is None:
            yield tool, "added: its calls were refused"
        elif now is None:
            yield tool, "removed: its calls are refused"
        elif was != now:
            yield tool, "changed: " + ", ".join(sorted(k for k in was if was[k] != now[k]))
