"""Cedar policies in our language: tools are actions, arguments are the context.

A call is allowed only if Cedar would allow it: a policy that does not map lets nothing pass, and where it forbids, a
person is asked. Cedar passes over a ``forbid`` that has no answer for a request; here such a call is refused.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from shipworthy.core.errors import Problem, WorkspaceError
from shipworthy.enforce.policy.cedar import CedarPolicy, CedarProblem, Expr, read_cedar
from shipworthy.enforce.policy.imported import (
    BREAKS,
    DEEPEST_PART,
    LONGEST_CONDITION,
    READABLE,
    Imported,
    ImportNote,
    ToolDraft,
    both,
    bounded,
    depth,
    either,
    quoted,
    read_source,
)

_NOT_PERMITTED = "it lets nothing pass by itself; where nothing else permits the call, a person is asked"
_NOT_FORBIDDEN = "a person is asked"


class _Unmapped(Exception):
    def __init__(self, line: int, what: str) -> None:
        super().__init__(what)
        self.line, self.what = line, what


class _Read(NamedTuple):
    """A policy: the actions it names (None: all), whether it may reach others, its condition, and what is missing."""

    policy: CedarPolicy
    actions: frozenset[str] | None
    groups: int
    condition: str
    names: frozenset[str]
    missing: _Unmapped | None


def from_cedar(file: Path, tools: Sequence[str] = (), *, at: Sequence[str] = (), flat: bool = False) -> Imported:
    """Import a Cedar policy file.

    Args:
        tools: besides those that its policies name.
        at: attributes of the context that lead to the arguments: ``("input",)`` for ``context.input.amount``.
        flat: no action is a group of others.

    Raises:
        WorkspaceError: it cannot be read, or is no Cedar; with the line.
    """
    try:
        policies = read_cedar(read_source(file))
    except CedarProblem as wrong:
        raise WorkspaceError([Problem(file, wrong.line, wrong.message)]) from None
    read = [_read(policy, tuple(at)) for policy in policies]
    names = sorted({*tools, *(name for one in read for name in one.actions or ())})
    notes: list[ImportNote] = []
    if not names:
        notes.append(ImportNote(1, "no policy names an action", "name the tools with --tools"))
    for one in read:
        _say(one, names, notes, flat)
    drafts = {name: _draft(name, read, flat) for name in names}
    for name, line in _ambiguous(policies):
        if name in drafts:
            notes.append(
                ImportNote(line, f"actions of two types are called {name!r}", "every call is refused", (name,))
            )
            drafts[name] = ToolDraft("false", ask=False)
    return Imported(drafts, notes)


def _ambiguous(policies: Sequence[CedarPolicy]) -> Iterator[tuple[str, int]]:
    """Yield each action's id that another action of another type has too, and the line of the second."""
    types: dict[str, str] = {}
    told: set[str] = set()
    for policy in policies:
        scope = policy.scope["action"]
        for one in (found for right in (scope.below[1:] if scope else ()) for found in (right, *right.below)):
            if one.kind == "entity":
                kind, name = one.value
                if types.setdefault(name, kind) != kind and name not in told:
                    told.add(name)
                    yield name, one.line


def _say(one: _Read, names: Sequence[str], notes: list[ImportNote], flat: bool) -> None:
    permits = one.policy.effect == "permit"
    about = tuple(n for n in names if one.actions is None or n in one.actions)
    if one.missing is not None:
        became = _NOT_PERMITTED if permits else _NOT_FORBIDDEN
        what = f"{one.missing.what} does not map in this {one.policy.effect}"
        notes.append(ImportNote(one.missing.line, what, became, () if one.actions is None else about))
    if one.groups and not flat:
        others = tuple(n for n in names if n not in about)
        if permits:
            notes.append(
                ImportNote(one.groups, "the members of an action group are not known", "only its own name passes")
            )
        elif others:
            became = "a person is asked about the other tools (--flat-actions says that there are no groups)"
            notes.append(ImportNote(one.groups, "the members of an action group are not known", became, others))


def _draft(name: str, read: Sequence[_Read], flat: bool) -> ToolDraft:
    permits: list[str] = []
    forbids: list[str] = []
    maybe = ask = False
    names: frozenset[str] = frozenset()
    for one in read:
        mine = one.actions is None or name in one.actions
        forbid = one.policy.effect == "forbid"
        if not mine:
            ask = ask or (forbid and bool(one.groups) and not flat)
            continue
        names |= one.names
        if one.missing is not None:
            ask, maybe = ask or forbid, maybe or not forbid
        elif forbid:
            forbids.append(one.condition)
        else:
            permits.append(one.condition)
    if not permits:
        # A person may let pass what a permit that did not map might: nothing else is known to.
        permits, ask = ["true"] if maybe else ["false"], ask or maybe
    when = both([READABLE, *(f"!({f})" for f in forbids), either(permits)])
    return ToolDraft(bounded(when, name), ask, names)


def _read(policy: CedarPolicy, at: tuple[str, ...]) -> _Read:
    missing: _Unmapped | None = None
    actions: frozenset[str] | None = frozenset()
    groups = 0
    try:
        actions, groups = _actions(policy)
    except _Unmapped as wrong:
        missing, actions = wrong, None
    for part in ("principal", "resource"):
        if missing is None and (scope := policy.scope[part]) is not None:
            missing = _Unmapped(scope.line, f"the {part} (a call has none)")
    words = _Words(at)
    parts = []
    for condition in policy.conditions:
        try:
            text = words.of(condition.expr)
            parts.append(f"!({text})" if condition.unless else text)
        except _Unmapped as wrong:
            missing = missing or wrong
    whole = both(parts) if parts else "true"
    if missing is None and depth(whole) > DEEPEST_PART:
        missing = _Unmapped(policy.line, "a condition as deep as this")
    return _Read(policy, actions, groups, whole, frozenset(words.names), missing)


def _actions(policy: CedarPolicy) -> tuple[frozenset[str] | None, int]:
    """Return the actions that a policy names, and the line where they may be groups of others, or 0."""
    scope = policy.scope["action"]
    if scope is None:
        return None, 0
    right = scope.below[1] if len(scope.below) == 2 else None
    if scope.kind == "==" and right is not None and right.kind == "entity":
        return frozenset({_action(right)}), 0
    if scope.kind == "in" and right is not None and right.kind in ("entity", "list"):
        listed = right.below if right.kind == "list" else (right,)
        return frozenset(_action(one) for one in listed), scope.line
    raise _Unmapped(scope.line, "this condition on the action")


def _action(entity: Expr) -> str:
    if entity.kind != "entity" or entity.value[0].rpartition("::")[2] != "Action":
        raise _Unmapped(entity.line, "what is no action")
    return str(entity.value[1])


class _Words:
    """Writes expressions in CEL, and notes the arguments that they name.

    Where Cedar has no answer, the CEL has none either: both fail closed. Cedar asks the parts of ``&&`` and ``||`` in
    their order, and CEL does not, so they are written as choices.
    """

    def __init__(self, at: tuple[str, ...]) -> None:
        self._at = at
        self.names: set[str] = set()

    def of(self, expr: Expr) -> str:
        """Write an expression.

        Raises:
            _Unmapped: some part of it has no equal.
        """
        write = _WRITERS.get(expr.kind)
        if write is None:
            raise _Unmapped(expr.line, _NAMES.get(expr.kind, f"{expr.kind!r}"))
        text = write(self, expr)
        if len(text) > LONGEST_CONDITION:  # what is written twice at every level doubles with every level
            raise _Unmapped(expr.line, "a condition as long as this")
        return text

    def literal(self, expr: Expr) -> str:
        return quoted(expr.value) if isinstance(expr.value, str | bool) else str(expr.value)

    def variable(self, expr: Expr) -> str:
        if expr.value == "context" and not self._at:
            return "args"
        raise _Unmapped(expr.line, f"{expr.value!r}")

    def get(self, expr: Expr) -> str:
        path = _path(expr)
        if path is not None and len(self._at) <= len(path) and path[: len(self._at)] == self._at:
            own = path[len(self._at) :]
            if own:
                self.names.add(own[0])
            return "args" + "".join(f"[{quoted(key)}]" for key in own)
        if path is not None:
            raise _Unmapped(expr.line, f"context.{'.'.join(path)}, which is no argument,")
        return f"{self.of(expr.below[0])}[{quoted(expr.value)}]"

    def has(self, expr: Expr) -> str:
        whole = expr.below[0]
        tests = []
        for name in expr.value:
            holder = self.of(whole)
            if holder == "args":
                self.names.add(name)
            tests.append(f"({quoted(name)} in (type({holder}) == map ? {holder} : {BREAKS}))")
            whole = Expr("get", expr.line, name, (whole,))
        return both(tests)

    def like(self, expr: Expr) -> str:
        pattern = ".*".join(re.escape(piece) for piece in expr.value)
        whole = quoted(f"(?s)\\A{pattern}\\z")
        return f"{self.of(expr.below[0])}.matches({whole})"

    def listed(self, expr: Expr) -> str:
        return f"[{', '.join(map(self.of, expr.below))}]"

    def branch(self, expr: Expr) -> str:
        condition, yes, no = map(self.of, expr.below)
        return f"({condition} ? {yes} : {no})"

    def conjunction(self, expr: Expr) -> str:
        return both(self._truths(expr.below))

    def disjunction(self, expr: Expr) -> str:
        return either(self._truths(expr.below))

    def negation(self, expr: Expr) -> str:
        return f"!({self.of(expr.below[0])})"

    def negative(self, expr: Expr) -> str:
        return f"-({self._number(expr.below[0])})"

    def equality(self, expr: Expr) -> str:
        # Sets are equal in any order, and lists are not; so one side must be no set.
        if all(side.kind != "literal" for side in expr.below):
            raise _Unmapped(expr.line, f"'{expr.kind}' of two values of which neither is written out")
        left, right = map(self.of, expr.below)
        return f"({left} {expr.kind} {right})"

    def order(self, expr: Expr) -> str:
        left, right = map(self._number, expr.below)
        return f"({left} {expr.kind} {right})"

    def method(self, expr: Expr) -> str:
        holder, *given = expr.below
        if expr.value == "isEmpty" and not given:
            return f"(size({self._set(holder)}) == 0)"
        if len(given) != 1:
            raise _Unmapped(expr.line, f"the method {expr.value}")
        if expr.value == "contains":
            if given[0].kind != "literal" and (holder.kind != "list" or _not_scalars(holder)):
                raise _Unmapped(expr.line, "'contains' of a value that is not written out")
            return f"({self.of(given[0])} in {self._set(holder)})"
        if expr.value in ("containsAll", "containsAny"):
            if not any(one.kind == "list" and not _not_scalars(one) for one in (holder, given[0])):
                raise _Unmapped(expr.line, f"'{expr.value}' of two sets of which neither is written out")
            macro = "all" if expr.value == "containsAll" else "exists"
            own, other = self.of(holder), self.of(given[0])
            # Looked at before the search, which would not come to it where there is nothing to search.
            sets = [f"(type({self.of(one)}) == list)" for one in (holder, given[0]) if one.kind != "list"]
            found = f"{other}.{macro}(v, v in {own})"
            return f"({both(sets)} ? {found} : {BREAKS} == 0)" if sets else found
        raise _Unmapped(expr.line, f"the method {expr.value}")

    def _truths(self, parts: Sequence[Expr]) -> list[str]:
        """Write parts of which each must be true or false, the last one too, which a choice would hand on as it is."""
        *first, last = map(self.of, parts)
        return [*first, last if parts[-1].kind in _TRUTHS else f"({last} ? true : false)"]

    def _set(self, expr: Expr) -> str:
        text = self.of(expr)
        return text if expr.kind == "list" else f"(type({text}) == list ? {text} : [{BREAKS}])"

    def _number(self, expr: Expr) -> str:
        text = self.of(expr)
        sure = (expr.kind == "literal" and type(expr.value) is int) or expr.kind in ("+", "-", "*", "neg")
        return text if sure else f"(type({text}) == int ? {text} : {BREAKS})"


def _not_scalars(expr: Expr) -> bool:
    return any(one.kind != "literal" for one in expr.below)


def _path(expr: Expr) -> tuple[str, ...] | None:
    """Return the attributes from the context to an expression; None where it starts elsewhere."""
    names: list[str] = []
    while expr.kind == "get":
        names.append(expr.value)
        expr = expr.below[0]
    return tuple(reversed(names)) if expr.kind == "variable" and expr.value == "context" else None


_NAMES = {
    "entity": "an entity", "call": "an extension function", "is": "'is'", "in": "'in'", "slot": "a template's slot",
    "record": "a record",
}  # fmt: skip

_TRUTHS = {"==", "!=", "<", "<=", ">", ">=", "&&", "||", "!", "has", "like", "method"}
"""Kinds of expressions that are true or false, or have no answer."""

_WRITERS: Mapping[str, Callable[[_Words, Expr], str]] = {
    "literal": _Words.literal,
    "variable": _Words.variable,
    "get": _Words.get,
    "has": _Words.has,
    "like": _Words.like,
    "list": _Words.listed,
    "if": _Words.branch,
    "&&": _Words.conjunction,
    "||": _Words.disjunction,
    "!": _Words.negation,
    "neg": _Words.negative,
    "method": _Words.method,
    **dict.fromkeys(("==", "!="), _Words.equality),
    **dict.fromkeys(("<", "<=", ">", ">=", "+", "-", "*"), _Words.order),
}
