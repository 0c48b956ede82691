"""The checks of one tool's rule, compiled to functions: each says what stands against a call, or None.

A check is made once, when a policy is built; what it needs to know of its rule is bound in it. It is given the session
and the call's arguments and changes neither.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from shipworthy.enforce.policy.conditions import condition
from shipworthy.enforce.policy.decision import Trouble
from shipworthy.enforce.policy.paths import Labels, at, labels_of, steps
from shipworthy.enforce.policy.values import carried, flat, written
from shipworthy.enforce.policy.words import stem, tokens
from shipworthy.workspace.policies import SOURCES, AfterFlag, Argument, ToolBudget, ToolRule

if TYPE_CHECKING:
    from shipworthy.enforce.policy.session import Session

Arguments = Mapping[str, Any]
Check = Callable[["Session", Arguments], "Trouble | None"]

USER, CREATED, NAMED, TRUSTED, QUOTED, MADE, ANY, DERIVED = 1, 2, 4, 8, 16, 32, 64, 128
BITS = {
    "user": USER, "created": CREATED, "named": NAMED, "trusted": TRUSTED, "quoted": QUOTED, "derived": DERIVED,
    "made": MADE, "any": ANY,
}  # fmt: skip


class Compiled(NamedTuple):
    """A tool's rule, ready to decide.

    Attributes:
        known: every argument a call may have.
        checks: label and function, the cheapest first.
        labels: what its answers are worth.
        recipients, amounts: the arguments of these classes, which budgets count.
        leaving: the arguments in which something could leave.
    """

    name: str
    rule: ToolRule
    known: frozenset[str]
    checks: tuple[tuple[str, Check], ...]
    labels: Labels
    recipients: tuple[str, ...]
    amounts: tuple[str, ...]
    leaving: tuple[str, ...] = ()


def compiled(name: str, rule: ToolRule, after_flag: AfterFlag | None = None) -> Compiled:
    """Compile a tool's rule.

    Args:
        after_flag: of the policy; no heed is taken of flags if left out.

    Raises:
        PluginError: a path or a condition is none.
        MissingExtra: it has a condition, and the library for CEL is not installed.
    """
    checks: list[tuple[str, Check]] = []
    if rule.intent:
        checks.append(("intent", _intent(name, rule.intent)))
    if rule.about:
        checks.append(("about", _intent(name, rule.about, "about")))
    for argument, spec in rule.args.items():
        if spec.most is not None:
            checks.append((f"{argument}: at most {spec.most:g}", _most(argument, spec.most)))
        if "any" in (spec.sources or SOURCES[spec.kind]):
            continue
        make = _content if spec.kind == "content" else _values
        checks.append((f"{argument}: {spec.kind}", make(name, argument, spec)))
    if rule.effect in ("external", "irreversible"):
        checks.append(("after a denied read", _denied))
    if after_flag is not None and after_flag.word != "allow" and rule.effect in after_flag.effects:
        checks.append(("after a flag", _flagged(after_flag.word)))
    recipients, amounts = rule.of("recipient"), rule.of("amount")
    leaves = rule.effect in ("external", "irreversible") or bool(rule.of("url"))
    leaving = tuple(n for n, spec in rule.args.items() if spec.kind != "id") if leaves else ()
    if leaving:
        checks.append(("secrets", _secrets(name, leaving, recipients)))
    if rule.budget is not None:
        checks.append(("budget", _budget(name, rule.budget, recipients, amounts)))
    if rule.when is not None:
        checks.append(("when", _when(rule.when)))
    if rule.ask:
        checks.append(("ask", _always(name)))
    labels = labels_of(rule.returns)
    return Compiled(name, rule, frozenset(rule.args), tuple(checks), labels, recipients, amounts, leaving)


def _values(tool: str, argument: str, spec: Argument) -> Check:
    """Every value of an argument must come from where its rule says."""
    wanted = _mask(spec)
    kind, word = spec.kind, spec.otherwise
    inside = steps(spec.at) if spec.at is not None else None

    def check(session: Session, args: Arguments) -> Trouble | None:
        given = args.get(argument)
        if given is None:
            return None
        for value in (given,) if isinstance(given, str) else flat(given if inside is None else list(at(given, inside))):
            one = written(value)
            if one and not session.origin(one, wanted, tool) and not session.endorsed(tool, argument, one):
                seen = session.memory.seen(one)
                return Trouble(word, kind, argument, one, _from_where(session, kind, one, seen), seen)
        return None

    return check


def _content(tool: str, argument: str, spec: Argument) -> Check:
    """What a text carries (links, addresses, accounts, long numbers) must come from where its rule says."""
    wanted = _mask(spec)

    def check(session: Session, args: Arguments) -> Trouble | None:
        for text in flat(args.get(argument)):
            unknown = session.unknown_words(str(text)) if spec.known else ""
            if unknown and not session.endorsed(tool, argument, written(text)):
                why = f"{unknown!r} in {argument} is no word of the user's and in no trusted field"
                return Trouble(spec.otherwise, "content", argument, written(text), why, session.memory.seen(unknown))
            for found in carried(text) if isinstance(text, str) else ():
                one = found.value
                if not session.origin(one, wanted, tool) and not session.endorsed(tool, argument, one):
                    seen = session.memory.seen(one)
                    return Trouble(
                        spec.otherwise, "content", argument, one, _from_where(session, found.kind, one, seen), seen
                    )
        return None

    return check


def _mask(spec: Argument) -> int:
    mask = 0
    for source in spec.sources or SOURCES[spec.kind]:
        mask |= BITS[source]
    return mask


def _from_where(session: Session, kind: str, value: str, seen: str) -> str:
    shown = value if len(value) <= 60 else value[:57] + "..."
    if session.memory.of(value, session.words)[0]:
        origin = "stands in a trusted field of a record that none of their words picks out"
    elif seen:
        origin = f"stands in text that {seen} read, which others can write"
    else:
        origin = "is in no record and no word of theirs"
    return f"the user did not name the {kind} {shown!r}, which {origin}"


def _intent(tool: str, words: Sequence[str], what: str = "intent") -> Check:
    stems = frozenset(stem(token) for word in words for token in tokens(word))
    says = "asks for it" if what == "intent" else "is about it"
    trouble = Trouble("ask", what, "", "", f"nothing the user said {says} (one of: {', '.join(words)})")

    def check(session: Session, args: Arguments) -> Trouble | None:
        return None if session.words.ask_for(stems) or session.endorsed(tool, what, "") else trouble

    return check


def _most(argument: str, most: float) -> Check:
    def check(session: Session, args: Arguments) -> Trouble | None:
        for value in flat(args.get(argument)):
            if isinstance(value, bool) or not isinstance(value, int | float) or not value <= most:  # NaN is not either
                return Trouble("deny", "most", argument, written(value), f"{argument} may be at most {most:g}")
        return None

    return check


def _denied(session: Session, args: Arguments) -> Trouble | None:
    if not session.denied_read:
        return None
    why = f"{session.denied_read} was refused before, and what it would have given cannot be known"
    return Trouble("ask", "after a denied read", "", "", why)


def _flagged(word: Literal["ask", "deny"]) -> Check:
    """Once a guard has flagged a text, a call is not made on the model's word alone, however often it is asked for."""

    def check(session: Session, args: Arguments) -> Trouble | None:
        if not session.flagged:
            return None
        return Trouble(word, "after a flag", "", "", f"{session.flagged[0]} flagged a text of this conversation")

    return check


def _secrets(tool: str, arguments: Sequence[str], recipients: Sequence[str]) -> Check:
    """A value that may not leave does not, but to its readers, or where the user named its field."""

    def check(session: Session, args: Arguments) -> Trouble | None:
        if not session.memory.secrets:
            return None
        leaving = " ".join(v if isinstance(v, str) else written(v) for name in arguments for v in flat(args.get(name)))
        to = frozenset(written(v) for name in recipients for v in flat(args.get(name)))
        for secret in session.leaking(leaving):
            if secret.readers is not None and to and to <= secret.readers:
                continue
            if secret.field and session.words.name(secret.field):
                continue
            if session.endorsed(tool, "secrets", secret.value):
                continue
            field = " ".join(secret.field) or "an answer"
            why = f"it would carry the {field} that {secret.tool} gave to someone who may not read it"
            return Trouble("ask", "secrets", "", secret.value, why, secret.tool)
        return None

    return check


def _budget(tool: str, budget: ToolBudget, recipients: Sequence[str], amounts: Sequence[str]) -> Check:
    def check(session: Session, args: Arguments) -> Trouble | None:
        spent = session.account(tool, budget.per)
        why = spent.beyond(budget, *counted(args, recipients, amounts))
        return Trouble(budget.otherwise, "budget", "", "", why) if why else None

    return check


def counted(args: Arguments, recipients: Sequence[str], amounts: Sequence[str]) -> tuple[float, frozenset[str]]:
    """Return what a call spends: its amount, and its recipients."""
    numbers = [v for name in amounts for v in flat(args.get(name))]
    if any(isinstance(n, bool) or not isinstance(n, int | float) or n < 0 for n in numbers):
        return float("nan"), frozenset()
    return float(sum(numbers)), frozenset(written(v) for name in recipients for v in flat(args.get(name)))


def _when(text: str) -> Check:
    holds = condition(text)
    trouble = Trouble("deny", "when", "", "", f"its condition does not hold ({text})")

    def check(session: Session, args: Arguments) -> Trouble | None:
        return None if holds(session.facts(args)) else trouble

    return check


def _always(tool: str) -> Check:
    trouble = Trouble("ask", "ask", "", "", "its rule has a person asked every time")
    return lambda session, args: trouble
