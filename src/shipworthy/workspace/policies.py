"""The tool policy file: what each tool may do, where its arguments may come from, and what its answers are worth."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, field_validator, model_validator

from shipworthy.workspace.fields import NUMBER, Entity, Ref, Text, Word
from shipworthy.workspace.scalars import plain

Effect = Literal["none", "internal", "external", "irreversible"]
"""What a call changes: nothing; something of the user's own; something others see; something that cannot be undone."""

ArgumentClass = Literal["none", "recipient", "url", "id", "amount", "credential", "content"]
"""What an argument stands for. `none` is not checked; `content` is words that leave, checked for what they carry."""

Origin = Literal["user", "created", "named", "trusted", "quoted", "derived", "made", "any"]
"""Where a value may come from.

``user``: the user's own words. ``created``: an id that a tool gave out for something made in this session. ``named``: a
trusted field of a record that the user's words pick out. ``trusted``: a trusted field of any record. ``quoted``: free
text of a record that the user's words pick out. ``derived``: an amount that follows from known ones. ``made``: the
model made it before any untrusted text was read. ``any``: not checked.
"""

ALWAYS: tuple[Origin, ...] = ("user", "created", "named")

SOURCES: dict[str, tuple[Origin, ...]] = {
    "none": ("any",),
    "recipient": ALWAYS,
    "url": ("user", "named"),
    "id": ALWAYS,
    "amount": ("user", "named", "derived", "made"),
    "credential": ("user",),
    "content": ("user", "created", "named", "trusted", "made"),
}
"""Where a value of a class may come from when a rule does not say; of a content, what it carries."""


def _short(value: Any) -> Any:
    return {"kind": value} if isinstance(value, str) else value


class Argument(Entity):
    """One argument of a tool; ``recipients: recipient`` is short for ``recipients: {kind: recipient}``.

    Attributes:
        kind: what it stands for.
        sources: where its values may come from; those of its class if left out.
        at: a path to the values inside it that are checked, such as ``[].file_id``; all of it if left out.
        known: of a content, every telling word too must be the user's, or stand in a trusted field: for titles and
            places, not for prose.
        otherwise: the word on a value from anywhere else.
        most: a number may not be larger, whoever said it.
    """

    kind: ArgumentClass = "none"
    sources: Annotated[tuple[Origin, ...], Field(max_length=8)] = ()
    at: Word | None = None
    known: bool = False
    otherwise: Literal["ask", "deny"] = "ask"
    most: Annotated[float, NUMBER, Field(ge=0)] | None = None

    @field_validator("sources")
    @classmethod
    def _widening(cls, sources: tuple[Origin, ...]) -> tuple[Origin, ...]:
        # The rule that CaMeL's own repository has upside down: it refuses what is trusted and passes what is not.
        if sources and "user" not in sources and "any" not in sources:
            raise ValueError("leaves out 'user': it would refuse what the user said and pass what others wrote")
        if "any" in sources and len(sources) > 1:
            raise ValueError("says 'any' and others: 'any' is not checked at all")
        if "trusted" in sources and "named" not in sources:
            raise ValueError("says 'trusted' without 'named': every named value is trusted too")
        return sources


class Returns(Entity):
    """What a tool's answer is worth, by paths such as ``[].sender``: ``[]`` any item, ``*`` any key, ``$`` all of it.

    What no path names is free text: others may have written it.

    Attributes:
        trusted: fields that the system fills in, such as ids and verified senders.
        names: what a record is called; if the user says it, the record is picked out. It is free text, unless it is
            among the trusted too. ``@path`` is the call's argument `path`: a file is called what was asked for.
        directory: names in it are matched word by word, such as a person's first name in a list of contacts.
        secret: fields that may not leave unless the user asks for the field by its name.
        readers: for a field, the field beside it that lists who may read it.
        created: the id of what the call made.
        follows: arguments that must be the user's, or from a trusted field, for the answer to count: what was asked
            for on someone else's word is that one's choice.
    """

    trusted: tuple[Word, ...] = ()
    names: tuple[Word, ...] = ()
    directory: bool = False
    secret: tuple[Word, ...] = ()
    readers: dict[str, Word] = Field(default_factory=dict)
    created: tuple[Word, ...] = ()
    follows: tuple[Word, ...] = ()


class ToolBudget(Entity):
    """How much of a tool there may be; beyond it the word is `otherwise`.

    Attributes:
        calls: that were allowed.
        amount: the sum of the arguments of class ``amount``.
        recipients: different ones, over all calls.
        per: ``session`` one conversation; ``user`` all of a user's while the process lives.
    """

    calls: Annotated[int, NUMBER, Field(ge=0)] | None = None
    amount: Annotated[float, NUMBER, Field(ge=0)] | None = None
    recipients: Annotated[int, NUMBER, Field(ge=0)] | None = None
    per: Literal["session", "user"] = "session"
    otherwise: Literal["ask", "deny"] = "ask"


class ToolRule(Entity):
    """What one tool may do.

    Attributes:
        effect: what a call changes.
        args: every argument that a call may have; another one is refused.
        intent: words of which the user must have said one, in any form: ``send`` is said by "sending" too.
        about: words of which they must have said one besides: to book a table is not to book a hotel.
        when: a condition in CEL over ``args``, ``says`` (the user's words), ``tainted``, ``flagged`` and
            ``calls``; false refuses.
        ask: a person is asked every time.
        budget: how much of it there may be.
        undo: the tool that takes a call back; what was done is kept for it in the session's undo log.
        returns: what its answers are worth.
        why: in a sentence, for whoever reads the policy.
    """

    effect: Effect
    args: dict[str, Annotated[Argument, BeforeValidator(_short)]] = Field(default_factory=dict)
    intent: tuple[Word, ...] = ()
    about: tuple[Word, ...] = ()
    when: Word | None = None
    ask: bool = False
    budget: ToolBudget | None = None
    undo: Word | None = None
    returns: Returns = Returns()
    why: Text = ""

    @model_validator(mode="after")
    def _has_what_it_needs(self) -> ToolRule:
        if self.budget and self.budget.amount is not None and not self.of("amount"):
            raise ValueError("the budget limits an amount, and no argument is of class 'amount'")
        if self.budget and self.budget.recipients is not None and not self.of("recipient"):
            raise ValueError("the budget limits recipients, and no argument is of class 'recipient'")
        return self

    def of(self, kind: ArgumentClass) -> tuple[str, ...]:
        """Return the names of the arguments of a class."""
        return tuple(name for name, argument in self.args.items() if argument.kind == kind)


class Before(Entity):
    """A call that a case says was made before, and what it gave."""

    tool: Word
    args: Annotated[dict[str, Any], BeforeValidator(plain)] = Field(default_factory=dict)
    gave: Annotated[Any, BeforeValidator(plain)] = None


class Case(Entity):
    """What the policy must say of one call: ``shipworthy policy test`` asks it.

    Attributes:
        says: the user's words.
        before: calls that were made before it.
        flagged: a guard had flagged a text of the conversation by then.
        expect: the word; ``refused`` is either ``ask`` or ``deny``.
    """

    tool: Word
    args: Annotated[dict[str, Any], BeforeValidator(plain)] = Field(default_factory=dict)
    says: Word = "Do what I asked."
    before: tuple[Before, ...] = ()
    flagged: bool = False
    expect: Literal["allow", "ask", "deny", "refused"]


class Answers(Entity):
    """The check of the answer itself: text that steers the user and comes from what others wrote.

    Attributes:
        check: ``withhold`` takes such sentences out; ``record`` only says so; ``off``.
    """

    check: Literal["withhold", "record", "off"] = "withhold"


class AfterFlag(Entity):
    """What a guard's flag does: a finding whose action is ``tighten``, such as one of the guard `injection`.

    Attributes:
        word: on every call of these effects for the rest of the conversation; ``allow`` takes no heed of flags.
        effects: the effects that it holds for.
    """

    word: Literal["ask", "deny", "allow"] = "ask"
    effects: Annotated[tuple[Effect, ...], Field(max_length=4)] = ("external", "irreversible")


class PolicyFile(Entity):
    """A tool policy as it is written. A tool that it does not name is refused: an empty policy refuses every call.

    Attributes:
        tools: the rule of each tool, by its name.
        stop_after_denial: once a call was refused, calls that others see are refused until the user speaks again:
            what the model knows of the refused one it cannot know from it.
        descriptions: who writes what tools say of themselves. `others`: a tool's description may be an attacker's, so
            that the model makes nothing before it has read an untrusted text.
        answers: the check of the answer.
        after_flag: the word on calls once a guard has flagged a text of the conversation.
        cases: what it must say of some calls.
        implements: requirements that it is a control for.
    """

    tools: Annotated[dict[str, ToolRule], Field(max_length=10_000)] = Field(default_factory=dict)
    stop_after_denial: bool = True
    descriptions: Literal["ours", "others"] = "ours"
    answers: Answers = Answers()
    after_flag: AfterFlag = AfterFlag()
    cases: Annotated[tuple[Case, ...], Field(max_length=10_000)] = ()
    implements: tuple[Annotated[str, Ref("requirement")], ...] = ()
