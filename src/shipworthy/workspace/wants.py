"""What a workspace asks of its user: code to import, credentials to send. Naming them is no leave (`core.grants`)."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Literal, cast

from shipworthy.core import registry
from shipworthy.core.attack_chain import is_chain, steps_of
from shipworthy.core.credentials import is_reference
from shipworthy.core.errors import Problem, ShipworthyError
from shipworthy.core.grants import FACTS, PLAIN, TRUSTING, Grants
from shipworthy.core.texts import texts
from shipworthy.net.address import place
from shipworthy.workspace.draft import Draft, Placed
from shipworthy.workspace.use import Use
from shipworthy.workspace.validate import at

if TYPE_CHECKING:
    from shipworthy.workspace.suites import Loaded


@dataclass(frozen=True)
class Want:
    """One thing that needs leave.

    Attributes:
        what: ``module:function`` of code, or the reference of a key.
        place: where a key would go: a host, a provider, or `FACTS`; empty for code.
        target: the name of the target that wants it; None where every run does.
        where: the place in the files, with what is to be done.
        inside: whether it is code that lies in the workspace and nowhere else. Whoever changes the workspace changes
            it, so leave that is given once, by name, does not reach it.
    """

    kind: Literal["code", "key"]
    what: str
    place: str
    target: str | None
    where: Problem
    inside: bool = False

    def granted(self, grants: Grants, *, allow_code: bool) -> bool:
        """Say whether the user allows it; `allow_code` allows all code."""
        if self.kind == "code":
            return allow_code or (grants.allow_code(self.what) and not self.inside)
        return grants.allow_key(self.what, self.place)

    def allowed(self, grants: Grants) -> Grants:
        """Return what is allowed, with this."""
        return grants.and_code(self.what) if self.kind == "code" else grants.and_key(self.what, self.place)


def wants(draft: Draft) -> tuple[Want, ...]:
    """Return all that a workspace's files ask for."""
    return tuple(_inside(want, draft.root) if _lies_in(want, draft.root) else want for want in _wants(draft))


def _lies_in(want: Want, root: Path) -> bool:
    """Say whether code lies in the workspace and nowhere else; nothing is imported."""
    top = want.what.partition(":")[0].partition(".")[0]
    if want.kind != "code" or not ((root / f"{top}.py").is_file() or (root / top).is_dir()):
        return False
    try:
        return top not in sys.modules and find_spec(top) is None
    except (ImportError, ValueError):
        return True


def _inside(want: Want, root: Path) -> Want:
    where = want.where
    said = where.message.replace("runs code that this file names", "runs this workspace's own code")
    hint = "run it with --allow-code, said each time; `allow code` is for what is installed"
    return replace(want, inside=True, where=Problem(where.file, where.line, said, hint))


def _wants(draft: Draft) -> Iterator[Want]:
    for name, target in draft.entities["target"].items():
        yield from _of_use("target", target, target=name)
    for suite in cast("Mapping[str, Loaded]", draft.entities["suite"]).values():
        for index, attack in enumerate(suite.entity.attacks):
            yield from _of_use("attack", Placed(attack, *suite.place("attacks", index)))
        # As they are written: facts that were filled in are asked for where they are said.
        for index, scorer in enumerate(suite.spec.scorers):
            yield from _of_use("scorer", Placed(scorer, *suite.place("scorers", index)))
        named = dict.fromkeys(secret for sample in suite.entity.samples for secret in sample.secrets)
        for secret in filter(is_reference, named):
            if not _said(draft, secret):
                source, loc = suite.place("samples")
                yield _key(secret, FACTS, source.problem(loc, ""))
    for guards in (*draft.entities["pipeline"].values(), *draft.candidates):
        for index, rule in enumerate(guards.entity.rules):
            written = at(guards.source.value, (*guards.loc, "rules", index, "params")) or {}
            use = Use(use=rule.use, params={key: value for key, value in rule.params.items() if key in written})
            yield from _of_use("guard", Placed(use, guards.source, (*guards.loc, "rules", index)), inside="params")
    if facts := draft.single("facts"):
        for reference in facts.entity.references:
            yield _key(reference, FACTS, facts.problem((), ""))


def _said(draft: Draft, secret: str) -> bool:
    facts = draft.single("facts")
    return facts is not None and secret in facts.entity.references


def _of_use(kind: str, placed: Placed[Use], *, target: str | None = None, inside: str = "") -> Iterator[Want]:
    use, under = placed.entity, (inside,) if inside else ()
    if kind == "attack" and is_chain(use.use):
        with suppress(ShipworthyError):  # it cannot be read, which is reported
            for step in steps_of(use.use):
                yield from _of_use(kind, Placed(Use(use=step.id, params=dict(step.params)), placed.source, placed.loc))
    for number, model in enumerate(use.models):
        inside_it = ("model",) if model == use.model else ("models", number)
        at_model = Placed(model, placed.source, (*placed.loc, *under, *inside_it))
        yield from _of_use("target", at_model, target=target)
    try:
        importable = registry.imported_settings(kind, use.use)
    except ShipworthyError:  # an unknown plug-in, which is reported
        importable = frozenset()
    for key in sorted(importable & set(use.params)):
        if isinstance(call := use.params[key], str):
            hint = f"run it with --allow-code, or once and for all: shipworthy allow code {call}"
            said = f"the {kind} {use.use!r} runs code that this file names, {call!r}, and you have not allowed it"
            yield Want("code", call, "", target, placed.problem((*under, key), said, hint))
    found = dict.fromkeys(value for value in texts(use.own_params))
    for reference in filter(is_reference, found):
        key = next((k for k, value in use.own_params.items() if reference in texts(value)), "use")
        for where in _places(kind, use, found):
            yield _key(reference, where, placed.problem((*under, key), ""), target)
            if use.params.get("ca_file"):
                yield _key(reference, TRUSTING + where, placed.problem((*under, "ca_file"), ""), target)


def _key(reference: str, to: str, where: Problem, target: str | None = None) -> Want:
    used = "is looked for in answers" if to == FACTS else f"is sent to {to.removeprefix(TRUSTING)}"
    if to.startswith(TRUSTING):
        used += " under a certificate of an authority that it names"
    elif to.startswith(PLAIN):
        used += ", unencrypted,"
    said = f"{reference!r} {used} if this file has its way, and you have not allowed it"
    hint = f"if that is right: shipworthy allow key {reference} {to}"
    return Want("key", reference, to, target, Problem(where.file, where.line, said, hint))


def _places(kind: str, use: Use, texts: Iterable[str]) -> list[str]:
    """Return where the credentials of a plug-in would go: what it says of itself, or every address that it is given."""
    try:
        said = getattr(sys.modules.get(registry.factory(kind, use.use).__module__), "sends_to", None)
    except ShipworthyError:  # it is not loaded, or there is none: both are reported
        said = None
    if said is not None:
        return [str(said(use.own_params))]
    if kind != "target" and use.use in registry.built_in(kind):
        return [FACTS]  # it sends nothing but what its model sends
    return list(dict.fromkeys(found for text in texts if (found := place(text)))) or [use.use]
