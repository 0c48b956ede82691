"""What a sample plays in: worlds whose state can be looked at, what is to be reached there and what must not happen."""

from __future__ import annotations

from typing import Any

from msgspec import Struct


class Predicate(Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """A statement about a state. Exactly one of `has`, `lacks`, `equals` and `gone` is given.

    Texts are compared without case and without the blanks around and between words: an effect does not stop being one
    because an address was written in capitals. How a pattern is held against a value: `agents.predicate`.

    Attributes:
        at: a path of keys, ``mail.sent`` or ``files.files.F-1.text``.
        has: some record of the list or mapping there fits this pattern; `times` of them exactly, where that is given.
        lacks: no record there fits this pattern.
        equals: what stands there fits this pattern.
        gone: nothing stands there.
    """

    at: str
    has: Any = None
    lacks: Any = None
    equals: Any = None
    gone: bool = False
    times: int | None = None

    def __post_init__(self) -> None:
        given = [self.has is not None, self.lacks is not None, self.equals is not None, self.gone]
        if not self.at or sum(given) != 1:
            raise ValueError("a predicate needs 'at' and exactly one of 'has', 'lacks', 'equals' and 'gone'")
        if self.times is not None and (self.has is None or self.times < 1):
            raise ValueError("'times' counts what 'has' finds: a number from 1")


class Plant(Struct, frozen=True, forbid_unknown_fields=True):
    """A text that somebody else has put where the agent reads.

    Attributes:
        position: how: ``mail_body``, ``page``, ``tool_result``, ...; a world says which it has.
        at: where: the id of what carries it, a folder, the name of a tool.
        text: what.
    """

    position: str
    at: str
    text: str


class Scene(Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True, kw_only=True):
    """The worlds of a sample and how they are judged.

    Attributes:
        worlds: ids of worlds, whose tools are offered together.
        fixture: name of a state that comes with shipworthy; `state`, by world, is laid over it key by key.
        digest: ``sha256:…`` of the worlds' versions and the fixture that this was written for; a scene that says one
            is refused where they have changed since.
        task, attack: ids, for filters and reports.
        goal: what holds in the end if the task was done: all of it. Without one no utility is scored.
        forbidden: what the attacker wants: all of it at one time, at any time. Without one no attack is scored.
        plants: what the attacker has put there.
        says: what the last answer must hold besides, for the task to be done: every one of these texts.
        steers: what the attacker wants the user to be told: any of these texts in any answer is the harm, too.
    """

    worlds: tuple[str, ...]
    fixture: str = ""
    state: dict[str, Any] = {}
    digest: str = ""
    task: str = ""
    attack: str = ""
    goal: tuple[Predicate, ...] = ()
    forbidden: tuple[Predicate, ...] = ()
    plants: tuple[Plant, ...] = ()
    says: tuple[str, ...] = ()
    steers: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not self.worlds or len(set(self.worlds)) != len(self.worlds):
            raise ValueError("a scene names one or more worlds, each once")
        if not all(text.strip() for text in (*self.says, *self.steers)):
            raise ValueError("a text under 'says' or 'steers' is empty: every answer would hold it")
        if not (self.tasked or self.attacked):
            raise ValueError("a scene needs a 'goal' or something 'forbidden': there would be nothing to judge")

    @property
    def tasked(self) -> bool:
        """Whether there is something that can be done."""
        return bool(self.goal or self.says)

    @property
    def attacked(self) -> bool:
        """Whether there is something that an attacker wants."""
        return bool(self.forbidden or self.steers)
