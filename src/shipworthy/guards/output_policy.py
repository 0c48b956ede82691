"""What may be talked about: categories of harm, each with a severity and with what is done about it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal, NamedTuple, cast, get_args

from shipworthy.core.errors import PluginError, did_you_mean
from shipworthy.core.messages import Message
from shipworthy.core.protocols import GuardContext
from shipworthy.core.records import Action, Finding, Part, Stage
from shipworthy.core.registry import guard
from shipworthy.core.severity import Severity
from shipworthy.detect import harm_model, hazards
from shipworthy.guards._moderation import ModerationEndpoint, plain
from shipworthy.net import address

VERSION = "1"
Handling = Literal["block", "safe_completion", "deflect", "escalate", "tighten", "record"]
Classifier = Literal["trained", "openai_moderation", "llama_guard"]

HARMFUL = "harmful"
"""The trained classifiers' category of an answer that does the harm that was asked for."""

ASKS = 0.9
"""Chance that a request asks for harm from which on an answer to it may be `HARMFUL`."""

TEXTS: Mapping[str, str] = {
    "self_harm": (
        "It sounds as if you, or somebody you care about, are carrying something very heavy. I am a program and cannot"
        " be with you as a person can, and you do not have to carry this alone. Please talk to somebody you trust"
        " today, or to a crisis line, a doctor or the emergency service where you live; if you are in danger now, call"
        " them now, and stay with somebody until they are there. If you like, tell me what has happened."
    ),
    "safe_completion": (
        "I will not go into that, because it could hurt somebody. If you have a safe purpose in mind, tell me what you"
        " want to achieve, and I will help with that."
    ),
    "deflect": "That is not something I can talk about here. What else can I do for you?",
    "escalate": "I cannot answer that, and a person should look at it. Please turn to us directly.",
}
"""What is said, by category or by handling, unless `say` has another text."""


class Category(NamedTuple):
    """What is done about a category."""

    handling: Handling
    severity: Severity = "S2"


DEFAULTS: Mapping[str, Category] = {
    "self_harm": Category("safe_completion", "S1"),
    "weapons": Category("block", "S1"),
    "sexual_exploitation": Category("block", "S1"),
    HARMFUL: Category("safe_completion", "S2"),
    "violence": Category("safe_completion", "S2"),
    "crime": Category("safe_completion", "S2"),
    "hate": Category("deflect", "S2"),
    "privacy": Category("deflect", "S3"),
    "sexual": Category("deflect", "S3"),
}


@guard
class OutputPolicy:
    """Tell which category of harm a request or an answer falls into, and answer as the policy of the category says.

    ``block`` gives the pipeline's block message; ``safe_completion``, ``deflect`` and ``escalate`` a text of their own
    in place of it (nothing goes to the model, or nothing of its answer to the user); ``tighten`` tightens the tools;
    ``record`` only records. Escalating is a word in the record and a text: nobody is called by it. Self-harm gets an
    answer that helps, not a wall; numbers to call are yours to add, with `contacts`.

    The trained classifiers read English. At input, a linear model of eight hazards (`detect.hazards`); at output, the
    harm model of request and answer (`detect.harm_model`), where the request itself asks for harm. They find a part of
    what they should (figures: docs/reference/guards.md), so they lower a rate and bound nothing. An endpoint's
    categories take their place with `classifier`: text then leaves for `base_url`, and an endpoint that fails blocks.

    Args:
        classifier: ``trained``; ``openai_moderation`` or ``llama_guard`` for an endpoint of that shape.
        categories: category -> handling, or ``{handling: ..., severity: S1..S4}``, beside the defaults. Of an
            endpoint's ``self-harm/intent`` the category is ``self_harm_intent``, or else ``self_harm``.
        otherwise: of an endpoint's categories that are not among them.
        undecided: what is done with a text that the trained classifiers cannot judge: ``allow`` (recorded), ``tighten``
            or ``block``.
        thresholds: category -> chance, in (0, 1), for the trained classifiers; those of the cards if left out.
        say: category or handling -> text.
        contacts: put at the end of what is said about self-harm, and where it is escalated.
        base_url, model, key, key_header, codes, timeout, plain_http, ca_file: of the endpoint.

    Raises:
        PluginError: an unknown word, or a setting that the classifier does not have.
        UsageError: the address is none, or a key would travel in the clear.
    """

    stages: frozenset[Stage] = frozenset({"input", "output"})
    reach: int | None = None

    def __init__(
        self,
        *,
        classifier: Classifier = "trained",
        categories: Mapping[str, Any] | None = None,
        otherwise: Handling = "block",
        undecided: Literal["allow", "tighten", "block"] = "allow",
        thresholds: Mapping[str, float] | None = None,
        say: Mapping[str, str] | None = None,
        contacts: str = "",
        base_url: str = "",
        model: str = "",
        key: str = "",
        key_header: str = "Authorization",
        codes: Mapping[str, str] | None = None,
        timeout: float = 1.5,
        plain_http: bool = False,
        ca_file: str = "",
    ) -> None:
        _one_of("classifier", classifier, get_args(Classifier))
        _one_of("otherwise", otherwise, get_args(Handling))
        _one_of("undecided", undecided, ("allow", "tighten", "block"))
        self._classifier, self._otherwise, self._undecided = classifier, otherwise, undecided
        self._categories = {**DEFAULTS, **{plain(n): _category(n, said) for n, said in (categories or {}).items()}}
        self._texts = {**TEXTS, **(say or {})}
        self._contacts, self._endpoint = contacts, None
        self._limits: dict[str, float] = {}
        if classifier == "trained":
            if base_url or key or model:
                raise PluginError(
                    "guard 'output_policy': an endpoint needs classifier: openai_moderation or llama_guard"
                )
            known = (*hazards.CATEGORIES, HARMFUL)
            for name in self._categories.keys() - set(known):
                raise PluginError(
                    f"guard 'output_policy': its classifiers know no {name!r}: {did_you_mean(name, known)}"
                )
            self._limits = {**hazards.load().thresholds, HARMFUL: harm_model.load().threshold} | _chances(
                thresholds, known
            )
        else:
            if not base_url or (classifier == "llama_guard" and not model):
                raise PluginError(f"guard 'output_policy': classifier {classifier!r} needs 'base_url' and 'model'")
            if thresholds:
                raise PluginError("guard 'output_policy': 'thresholds' are of the trained classifiers")
            self._endpoint = ModerationEndpoint(
                classifier, base_url, model=model, key=key, key_header=key_header, codes=codes, timeout=timeout,
                plain_http=plain_http, ca_file=ca_file,
            )  # fmt: skip
        self._about: dict[str, Any] = {"base_url": base_url, "model": model, "codes": dict(codes or {})}

    def describe(self) -> Mapping[str, Any]:
        about: dict[str, Any] = {
            "guard": "output_policy",
            "version": VERSION,
            "classifier": self._classifier,
            "categories": {name: list(c) for name, c in sorted(self._categories.items())},
            "otherwise": self._otherwise,
            "undecided": self._undecided,
            "texts": self._texts,
            "contacts": self._contacts,
        }
        if self._classifier != "trained":
            return about | self._about
        weights = {"hazards": hazards.load().digest, "harm": harm_model.load().digest}
        return about | {"thresholds": self._limits, "weights": weights}

    async def check(self, part: Part, ctx: GuardContext) -> Sequence[Finding]:
        if not any(c.isalnum() for c in part.text):
            return ()
        request = None if part.stage == "input" else _asked(ctx)
        if self._endpoint is not None:
            return self._said(part, await self._endpoint.categories(part.text, request))
        if not hazards.load().english(part.text) or (request and not hazards.load().english(request)):
            reason = "not in English: nobody has judged it"
            return [Finding(0, len(part.text), "undecided", self._undecided, reason=reason)]
        return self._said(part, self._trained(part.text, request))

    async def close(self) -> None:
        """Close the endpoint's connections."""
        if self._endpoint is not None:
            await self._endpoint.close()

    def _trained(self, text: str, request: str | None) -> list[str]:
        if request is None:
            return [name for name, chance in hazards.load().chances(text).items() if chance >= self._limits[name]]
        model = harm_model.load()
        if not request or model.asks(request) < ASKS:
            return []
        return [HARMFUL] if model.judge(request, text).level >= self._limits[HARMFUL] else []

    def _said(self, part: Part, names: Sequence[str]) -> Sequence[Finding]:
        """Return one finding: the gravest category decides what is said, and what is recorded names them all."""
        found = [(name, self._of(name)) for name in dict.fromkeys(names)]
        if not found:
            return ()
        hard = get_args(Handling)
        name, category = min(found, key=lambda one: (one[1].severity, hard.index(one[1].handling)))
        others = sorted(other for other, _ in found if other != name)
        reason = f"{category.handling}, severity {category.severity}" + (
            f"; also {', '.join(others)}" if others else ""
        )
        actions: Mapping[Handling, Action] = {"tighten": "tighten", "record": "allow"}
        action = actions.get(category.handling, "block")
        told = self._text(name, category) if action == "block" else ""
        return [Finding(0, len(part.text), name, action, told, reason)]

    def _of(self, name: str) -> Category:
        known = max((c for c in self._categories if name == c or name.startswith(f"{c}_")), key=len, default="")
        return self._categories[known] if known else Category(self._otherwise)

    def _text(self, name: str, category: Category) -> str:
        if category.handling == "block":
            return ""
        family = "self_harm" if name.startswith("self_harm") and category.handling == "safe_completion" else name
        text = self._texts.get(name) or self._texts.get(family) or self._texts[category.handling]
        helps = family == "self_harm" or category.handling == "escalate"
        return f"{text} {self._contacts}" if self._contacts and helps else text


def sends_to(params: Mapping[str, Any]) -> str:
    """Return the host that a credential goes to; of what is no address, all of it, which nobody can have allowed."""
    return address.place(str(params.get("base_url"))) or repr(params.get("base_url"))


def _asked(ctx: GuardContext) -> str:
    messages: Sequence[Message] = ctx.request.messages if ctx.request is not None else ()
    return next((m.text for m in reversed(messages) if m.role == "user"), "")


def _one_of(setting: str, word: object, known: Sequence[str]) -> None:
    if word not in known:
        raise PluginError(f"guard 'output_policy': {setting} is no {word!r}: {did_you_mean(str(word), known)}")


def _category(name: str, said: Any) -> Category:
    made = {"handling": said} if isinstance(said, str) else said
    if not isinstance(made, Mapping) or not {"handling"} <= made.keys() <= {"handling", "severity"}:
        raise PluginError(
            f"guard 'output_policy': the category {name!r} is a handling, or {{handling: ..., severity: ...}}"
        )
    _one_of("handling", made["handling"], get_args(Handling))
    severity = made.get("severity", "S2")
    _one_of("severity", severity, get_args(Severity))
    return Category(cast("Handling", made["handling"]), cast("Severity", severity))


def _chances(given: Mapping[str, float] | None, known: Sequence[str]) -> dict[str, float]:
    for name, chance in (given or {}).items():
        _one_of("thresholds", name, known)
        if isinstance(chance, bool) or not isinstance(chance, int | float) or not 0 < chance < 1:
            raise PluginError(f"guard 'output_policy': a threshold is a number between 0 and 1, not {chance!r}")
    return dict(given or {})
