"""One conversation under a policy: what was read, spent, endorsed and refused, and the word on each call."""

from __future__ import annotations

import copy
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, MutableSet, Sequence
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import msgspec

from shipworthy.detect.disguise import readings
from shipworthy.detect.normalise import letters
from shipworthy.enforce.policy.answer import Steering, SteeringSearch, steering
from shipworthy.enforce.policy.budget import Accounts, Spent
from shipworthy.enforce.policy.checks import CREATED, DERIVED, MADE, NAMED, QUOTED, TRUSTED, USER, Compiled, counted
from shipworthy.enforce.policy.decision import Explained, PolicyDecision, Trouble, decided
from shipworthy.enforce.policy.derived import derivable
from shipworthy.enforce.policy.memory import KeptSecret, Memory
from shipworthy.enforce.policy.values import flat, written
from shipworthy.enforce.policy.words import Words, tokens, within

if TYPE_CHECKING:
    from shipworthy.enforce.policy.engine import Policy

_SHINGLE = 6
"""Words in a row that make a long secret known again."""

_BARE = 6
"""Letters and digits of a secret from which on it is looked for in other writings."""

_PIECE = 3
"""Letters and digits that make a piece of one."""

_LOOKS_LIKE_JSON = re.compile(r'\s*[\[{"\-\d]')


class Undo(NamedTuple):
    """A call that was made and can be taken back: by which tool, and what the call gave."""

    tool: str
    args: Mapping[str, Any]
    by: str
    gave: Any


class Session:
    """What a policy knows of one conversation. Made by `Policy.session`.

    Args:
        accounts: what users have spent; the policy's own if left out.
        spent: what was used of each tool in this session before; nothing if left out.
        endorsed: what a person endorsed in it before, as (tool, what, value); nothing if left out.

    Attributes:
        policy: that it is under.
        words: the user's, so far.
        memory: what tools gave.
        denied_read: the last reading call that was refused since the user spoke; "" where there is none.
        undo: calls that can be taken back, oldest first.
        flagged: the rules of guards that flagged a text, in their order.
    """

    def __init__(
        self,
        policy: Policy,
        user: str = "",
        *,
        accounts: Accounts | None = None,
        spent: defaultdict[str, Spent] | None = None,
        endorsed: MutableSet[tuple[str, str, str]] | None = None,
    ) -> None:
        self.policy, self._user = policy, user
        self._texts: tuple[str, ...] = ()
        self.words = Words(())
        self.memory = Memory()
        self.denied_read = ""
        self.undo: list[Undo] = []
        self.flagged: list[str] = []
        self._spent: dict[str, Spent] = defaultdict(Spent) if spent is None else spent
        own = Accounts() if policy.accounts is None else policy.accounts
        self._accounts = own if accounts is None else accounts
        self._endorsed: MutableSet[tuple[str, str, str]] = set() if endorsed is None else endorsed
        self._origins: dict[str, int] = {}
        self._left: list[str] = []
        self.memory.tainted = policy.file.descriptions == "others"

    # ---- what it is told -------------------------------------------------------------------------------------------

    def hear(self, texts: Iterable[str]) -> None:
        """Take in the user's words: all of them so far, oldest first."""
        said = tuple(texts)
        if said != self._texts:
            known = len(self._texts) if said[: len(self._texts)] == self._texts else 0
            self.words = Words(said[known:], self.words if known else None)
            self._texts, self.denied_read = said, ""
            self._origins.clear()

    def read(self, text: str, source: str) -> None:
        """Take in a text that others wrote and no tool gave: a document, a page that is shown to the model."""
        if text.strip():
            self.memory.taint(text, source)
            self._origins.clear()

    def returned(self, tool: str, args: Mapping[str, Any], answer: Any) -> None:
        """Take in what a call gave.

        Args:
            answer: JSON, or a text; a text that is JSON is read as such.
        """
        rule = self.policy.tools.get(tool)
        if isinstance(answer, str):
            answer = parsed(answer)
        if rule is None:
            self.read(answer if isinstance(answer, str) else msgspec.json.encode(answer).decode(), tool)
            return
        self.memory.add(tool, dict(args), answer, rule, self.words)
        self._origins.clear()
        if rule.rule.undo is not None:
            self.undo.append(Undo(tool, dict(args), rule.rule.undo, answer))

    def flag(self, guard: str) -> None:
        """Take in that a guard's rule flagged a text: `after_flag` holds until the session ends."""
        if guard not in self.flagged:
            self.flagged.append(guard)

    def forget(self) -> None:
        """Forget which origins were found; they are found again. For measuring."""
        self._origins.clear()

    # ---- what it says ----------------------------------------------------------------------------------------------

    def decide(self, tool: str, args: Mapping[str, Any]) -> PolicyDecision:
        """Return the word on a call, and book it where that is ``allow``. A check that breaks refuses the call."""
        decision = self.judge(tool, args)
        if decision.word == "allow":
            self.book(tool, args)
        elif decision.word == "deny":
            self.refused(tool)
        return decision

    def judge(self, tool: str, args: Mapping[str, Any]) -> PolicyDecision:
        """Return the word on a call, and book nothing: for who stands beside the policy that decides."""
        rule = self.policy.tools.get(tool)
        if rule is None:
            return decided(tool, "", [Trouble("deny", "unknown tool", "", "", "no rule names this tool")])
        return decided(tool, rule.rule.effect, [t for t in self._troubles(rule, args) if t is not None])

    def book(self, tool: str, args: Mapping[str, Any], *, again: bool = False) -> None:
        """Count a call that runs.

        Args:
            again: it ran in an earlier request, which booked it for the user; it counts for the session alone.
        """
        rule = self.policy.tools[tool]
        amount, recipients = counted(args, rule.recipients, rule.amounts)
        self._spent[tool].add(amount, recipients)
        if self.memory.secrets and rule.leaving:
            self._left += [letters(written(v)) for name in rule.leaving for v in flat(args.get(name))]
        if not again and rule.rule.budget is not None and rule.rule.budget.per == "user":
            self._accounts.of(self._user, tool).add(amount, recipients)

    def approved(self, tool: str, args: Mapping[str, Any], decision: PolicyDecision) -> None:
        """Take in a person's yes: the values it was about are endorsed for this tool until the session ends.

        Args:
            args: as the person let them pass, which may not be as they were asked for.
        """
        rule = self.policy.tools[tool]
        for trouble in decision.troubles:
            if trouble.argument and trouble.argument in rule.known:
                for value in flat(args.get(trouble.argument)):
                    self._endorsed.add((tool, trouble.argument, written(value)))
                if trouble.rule == "content":
                    self._endorsed.add((tool, trouble.argument, trouble.value))
            elif trouble.rule in ("intent", "about", "secrets"):
                self._endorsed.add((tool, trouble.rule, trouble.value))
        self.book(tool, args)

    def ran_anyway(self, tool: str, args: Mapping[str, Any]) -> None:
        """Take in that a call was made against the policy's word, as in a dry run."""
        self.denied_read = ""
        if tool in self.policy.tools:
            self.book(tool, args)

    def refused(self, tool: str) -> None:
        """Take in that a call does not run."""
        rule = self.policy.tools.get(tool)
        if rule is not None and rule.rule.effect == "none" and self.policy.file.stop_after_denial:
            self.denied_read = tool

    def explain(self, tool: str, args: Mapping[str, Any]) -> Explained:
        """Return the tree behind the word on a call: every check, and where each value comes from. Books nothing."""
        rule = self.policy.tools.get(tool)
        if rule is None:
            return Explained(tool, "deny", "no rule names this tool")
        below = []
        for label, trouble in self._labelled(rule, args):
            origins: tuple[Explained, ...] = ()
            argument = label.partition(":")[0]
            if argument in rule.known and argument in args and ":" in label:
                origins = tuple(
                    Explained(
                        repr(v), "allow" if names else "ask", "from " + (", ".join(names) or "nowhere it is known")
                    )
                    for v in flat(args[argument])
                    for names in [self.origins(written(v), tool)]
                )
            below.append(
                Explained(label, trouble.word if trouble else "allow", trouble.why if trouble else "", origins)
            )
        whole = decided(tool, rule.rule.effect, [t for _, t in self._labelled(rule, args) if t is not None])
        return Explained(f"{tool} ({rule.rule.effect})", whole.word, whole.sentence, tuple(below))

    def _troubles(self, rule: Compiled, args: Mapping[str, Any]) -> Iterator[Trouble | None]:
        if not args.keys() <= rule.known:
            unknown = sorted(map(str, args.keys() - rule.known))[0]
            yield Trouble("deny", "unknown argument", "", "", f"its rule knows no argument {unknown!r}")
        for label, check in rule.checks:
            try:
                yield check(self, args)
            except Exception as error:  # what protects fails closed, whatever went wrong
                yield Trouble("deny", "broken", "", "", f"the check {label!r} failed ({type(error).__name__})")

    def _labelled(self, rule: Compiled, args: Mapping[str, Any]) -> Iterator[tuple[str, Trouble | None]]:
        found = list(self._troubles(rule, args))
        labels = [label for label, _ in rule.checks]
        yield from zip(["unknown argument"] * (len(found) - len(labels)) + labels, found, strict=True)

    # ---- what checks ask -------------------------------------------------------------------------------------------

    def origin(self, value: str, wanted: int, tool: str) -> int:
        """Return which of the wanted origins (bits of `checks`) a value has for a tool; 0 for none of them."""
        known = self._origins.get(value)
        if known is None:
            known = self._origins[value] = self._origin(value)
        if known & wanted:
            return known & wanted
        if wanted & QUOTED and self.memory.quoted(value, self.words, tool):
            return QUOTED
        if wanted & DERIVED and self._derived(value):
            return DERIVED
        return 0

    def unknown_words(self, text: str) -> str:
        """Return the first telling word of a text that neither the user nor the system ever wrote; "" for none."""
        if not self.memory.tainted:
            return ""
        return next((t for t in tokens(text) if not self.words.knows(t) and not self.memory.knows(t)), "")

    def _derived(self, value: str) -> bool:
        try:
            amount = float(value)
        except ValueError:
            return False
        return derivable(amount, [*self.words.numbers, *self.memory.numbers(self.words)])

    def _origin(self, value: str) -> int:
        bits = USER if self.words.say(value) else 0
        trusted, named, made = self.memory.of(value, self.words)
        bits |= TRUSTED * trusted | NAMED * named | CREATED * made
        return bits or (0 if self.memory.tainted else MADE)

    def origins(self, value: str, tool: str) -> list[str]:
        """Return the names of the origins that a value has for a tool."""
        from shipworthy.enforce.policy.checks import BITS

        return [name for name, bit in BITS.items() if self.origin(value, bit, tool)]

    def endorsed(self, tool: str, what: str, value: str) -> bool:
        """Say whether a person has let a value pass for this tool in this session."""
        return (tool, what, value) in self._endorsed

    def account(self, tool: str, per: Literal["session", "user"]) -> Spent:
        """Return what was used of a tool."""
        return self._accounts.of(self._user, tool) if per == "user" else self._spent[tool]

    def facts(self, args: Mapping[str, Any]) -> dict[str, Any]:
        """Return what a condition may name."""
        calls = {name: self._spent[name].calls if name in self._spent else 0 for name in self.policy.tools}
        return {
            "args": dict(args),
            "says": self.words.text,
            "tainted": self.memory.tainted,
            "flagged": bool(self.flagged),
            "calls": calls,
        }

    def leaking(self, sent: str) -> Iterator[KeptSecret]:
        """Yield the values that may not leave and stand in a text.

        Whole, six words of them in a row, in a code that is told at sight, or in pieces that left one after the other.

        Args:
            sent: as it would leave; some codes are told by their case.
        """
        if not self.memory.secrets:
            return
        text = written(sent)
        forms = [letters(text), *(letters(reading.text) for reading in readings(sent))]
        for secret in self.memory.secrets:
            if not secret.value:
                continue
            bare = letters(secret.value)
            coded = len(bare) >= _BARE and (
                any(bare in form or bare[::-1] in form for form in forms) or _in_parts(bare, [*self._left, forms[0]])
            )
            if coded or within(text, secret.value) or any(within(text, run) for run in _runs(secret.value)):
                yield secret

    def steering(self, text: str) -> Iterator[Steering]:
        """Yield the sentences of an answer that steer the user on behalf of others."""
        yield from steering(text, self.memory.untrusted, self.words, self._trusts)

    def search(self) -> SteeringSearch:
        """Return what finds the same in an answer that comes in pieces, as long as nothing more is read."""
        return SteeringSearch(self.memory.untrusted, self.words, self._trusts)

    def _trusts(self, value: str) -> bool:
        return self.memory.of(value, self.words)[0]

    def steered(self, text: str) -> list[Steering]:
        """Return the sentences of an answer that the policy says something about: none where it looks at no answers.

        Whether they are left out is for `withholds` to say.
        """
        if self.policy.file.answers.check == "off" or not self.memory.tainted:
            return []
        return list(self.steering(text))

    @property
    def withholds(self) -> bool:
        """Whether a sentence that steers is left out, and not only noted."""
        return self.policy.file.answers.check == "withhold"

    # ---- going back ------------------------------------------------------------------------------------------------

    def copy(self) -> Session:
        """Return a session that knows what this one does and goes its own way."""
        twin = copy.copy(self)
        twin.memory = copy.deepcopy(self.memory)
        twin.flagged = list(self.flagged)
        twin.undo, twin._origins, twin._left = list(self.undo), dict(self._origins), list(self._left)
        twin._endorsed, twin._spent = copy.copy(self._endorsed), copy.deepcopy(self._spent)
        if self.policy.accounts is None:
            twin._accounts = copy.deepcopy(self._accounts)
        return twin


def _in_parts(secret: str, texts: Sequence[str]) -> bool:
    """Say whether texts hold a secret in pieces, one after the other, the last of them in the last text."""
    at = 0
    for text in texts:
        if at == len(secret):
            return False  # it had left before, and was let pass then
        longest = next((n for n in range(len(secret) - at, 0, -1) if secret[at : at + n] in text), 0)
        if longest >= _PIECE or at + longest == len(secret):
            at += longest
    return at == len(secret)


def _runs(value: str) -> Sequence[str]:
    words = value.split(" ")
    return (
        [" ".join(words[i : i + _SHINGLE]) for i in range(0, len(words) - _SHINGLE + 1)]
        if len(words) > _SHINGLE
        else ()
    )


def parsed(text: str) -> Any:
    """Return the JSON that a text is; the text itself where it is none."""
    if not _LOOKS_LIKE_JSON.match(text):
        return text
    try:
        return msgspec.json.decode(text)
    except (msgspec.DecodeError, ValueError, RecursionError):
        return text
