"""What a guard is told of the product by the facts, where it does not say it itself: its canaries, what may be said."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from shipworthy.core import registry
from shipworthy.core.credentials import is_reference, revealed
from shipworthy.core.errors import CredentialError, Problem, ShipworthyError
from shipworthy.detect import pii
from shipworthy.workspace.draft import Placed
from shipworthy.workspace.guards import GuardFile, GuardRule
from shipworthy.workspace.kinds.facts import ProductFacts

SECRETS, MAY_SAY = "secrets", "may_say"
"""What a guard can declare that it is told, see `registry.told`."""


def tell(guards: GuardFile, facts: ProductFacts | None) -> GuardFile:
    """Return the guards, each told what the facts say and it does not say itself."""
    return guards.model_copy(update={"rules": tuple(_told(rule, facts or ProductFacts()) for rule in guards.rules)})


def asks(rule: GuardRule) -> bool:
    """Say whether a guard, as it is written, is told anything by the facts."""
    return any(True for _ in _lacking(rule))


def uncovered(guards: Placed[GuardFile], built: Mapping[int, Any], facts: ProductFacts) -> Iterator[Problem]:
    """Yield a warning for each guard that has words of its own which do not fit the product's facts.

    Args:
        built: guards by the place of their rule. Only those are looked at that can say what they cover.
    """
    rules = guards.entity.rules
    able = {index: guard for index, guard in built.items() if hasattr(guard, "covers")}
    of = {fact: [i for i in able if _told_of(rules[i].use, fact)] for fact in (SECRETS, MAY_SAY)}
    open_ones = [s.name for s in facts.secrets if not any(_finds(able[i], s.written) for i in of[SECRETS])]
    if of[SECRETS] and open_ones:
        first = of[SECRETS][0]
        said = f"{_let(rules, of[SECRETS])} through what the product must keep to itself: {', '.join(open_ones)}"
        hint = "leave 'canaries' out: those of facts.secrets are taken then"
        yield guards.problem(("rules", first, "params"), said, hint)
    for index in of[MAY_SAY]:
        rule, guard = rules[index], able[index]
        if kept := [value for value in facts.may_say if _finds(guard, value)]:
            said = f"{rule.id} takes away what the product may say: {len(kept)} of {len(facts.may_say)} values"
            hint = "leave 'allow' out: what stands in facts.may_say is taken then"
            yield guards.problem(("rules", index, "params"), said, hint)
    let = [person.name for person in facts.users if _lets_through(person.personal, [able[i] for i in of[MAY_SAY]])]
    if of[MAY_SAY] and let:
        said = f"{_let(rules, of[MAY_SAY])} through personal data that stands in the facts: of {', '.join(let)}"
        yield guards.problem(("rules", of[MAY_SAY][0], "params"), said, "look at its 'kinds' and 'allow'")


def _told(rule: GuardRule, facts: ProductFacts) -> GuardRule:
    said = {SECRETS: [secret.written for secret in facts.secrets], MAY_SAY: list(facts.may_say)}
    more = {setting: said[fact] for setting, fact in _lacking(rule) if said.get(fact)}
    return rule.model_copy(update={"params": {**rule.params, **more}}) if more else rule


def _settings(use: str) -> Mapping[str, tuple[str, tuple[str, ...]]]:
    try:
        return registry.told_settings("guard", use)
    except ShipworthyError:  # unknown, or it cannot be loaded: `check` says so
        return {}


def _lacking(rule: GuardRule) -> Iterator[tuple[str, str]]:
    """Yield the settings that a guard is told, and by which fact."""
    for setting, (fact, instead) in _settings(rule.use).items():
        if not {setting, *instead} & rule.params.keys():
            yield setting, fact


def _told_of(use: str, fact: str) -> bool:
    return any(fact == found for found, _ in _settings(use).values())


def _finds(guard: Any, written: str) -> bool:
    """Say whether a guard would find a value that is said plainly; one that cannot be read here counts as found."""
    try:
        return all(guard.covers(value) for value in _plain(written))
    except CredentialError:
        return True


def _lets_through(values: Sequence[str], guards: Sequence[Any]) -> bool:
    """Say whether none of the guards finds a value that patterns do know."""
    for written in values:
        try:
            plain = [value for value in _plain(written) if pii.find(value, ())]
        except CredentialError:
            continue
        if any(not any(guard.covers(value) for guard in guards) for value in plain):
            return True
    return False


def _plain(written: str) -> Sequence[str]:
    return tuple(revealed([written])) if is_reference(written) else (written,)


def _let(rules: Sequence[GuardRule], places: Sequence[int]) -> str:
    return f"{', '.join(rules[index].id for index in places)} {'let' if places[1:] else 'lets'}"
