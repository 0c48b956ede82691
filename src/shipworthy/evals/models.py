"""The attacks and scorers of a plan, built, with the models they were given: each model once, whoever names it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Any, NamedTuple

from shipworthy.core.digests import digest
from shipworthy.core.protocols import Model, Target
from shipworthy.core.records import Party, RoleModel
from shipworthy.core.registry import create
from shipworthy.evals.plan import Plan
from shipworthy.evals.subject import Subject, build, credentials
from shipworthy.workspace.use import Use

if TYPE_CHECKING:
    from collections.abc import Sequence


class MadeModel(NamedTuple):
    """A plug-in, the models that were configured for it (several for a panel), and how all is written."""

    plugin: Any
    models: tuple[Model, ...]
    use: Use

    @property
    def model(self) -> Model | None:
        """The one model, or the first of a panel."""
        return self.models[0] if self.models else None


class Crew(NamedTuple):
    """Everything that stands around the target in a run.

    Attributes:
        attacks: by name; `scorers` by suite id.
        opened: models that must be closed afterwards.
        secrets: their resolved credentials.
    """

    attacks: Mapping[str, MadeModel]
    scorers: Mapping[str, Sequence[MadeModel]]
    opened: Sequence[Target]
    secrets: Sequence[str]

    @property
    def models(self) -> tuple[RoleModel, ...]:
        """What the models say of themselves, by role, for the manifest."""
        return tuple({(found.role, found.digest): found for found in self._models()}.values())

    async def close(self) -> None:
        """Close the models, also where one of them fails to."""
        for model in self.opened:
            with suppress(Exception):
                await model.close()

    def _models(self) -> Iterator[RoleModel]:
        roles: list[tuple[Party, MadeModel]] = [("attacker", made) for made in self.attacks.values()]
        roles += [("judge", made) for some in self.scorers.values() for made in some]
        for role, made in roles:
            for model in made.models:
                description = dict(model.describe())
                yield RoleModel(role=role, digest=digest(description), description=description)


def build_crew(plan: Plan, subject: Subject) -> Crew:
    """Build the attacks and scorers of a plan.

    A model that is written the same in several places is one object; one that is written like the system under test
    is that very target.

    Raises:
        PluginError: an unknown attack, scorer or parameter.
    """
    models: dict[str, Model] = {}
    opened: list[Target] = []
    secrets: list[str] = []
    if subject.use is not None:
        models[_name(subject.use)] = subject.target

    def make(kind: str, use: Use) -> MadeModel:
        secrets.extend(credentials(use))
        for wanted in use.models:
            if _name(wanted) not in models:
                made = build("target", wanted.use, wanted.params)
                opened.extend(made.opened)
                models[_name(wanted)] = made.plugin
        given = tuple(models[_name(wanted)] for wanted in use.models)
        return MadeModel(create(kind, use.use, use.own_params), given, use)

    attacks: dict[str, MadeModel] = {}
    scorers: dict[str, list[MadeModel]] = {}
    for part in plan.suites:
        for use in part.attacks:
            if use.name not in attacks:
                attacks[use.name] = make("attack", use)
        scorers[part.id] = [make("scorer", use) for use in part.suite.scorers]
    return Crew(attacks, scorers, opened, tuple(dict.fromkeys(secrets)))


def _name(use: Use) -> str:
    return digest({"use": use.use, "params": use.params})
