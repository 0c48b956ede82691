"""Keep personal data out of what is said, read and done: redact, mask, hash, or put tokens in its place."""

from __future__ import annotations

import hmac
from collections.abc import Mapping, Sequence
from typing import Any, Literal, get_args

from shipworthy.core import credentials
from shipworthy.core.digests import bytes_digest, digest
from shipworthy.core.errors import PluginError, did_you_mean
from shipworthy.core.protocols import GuardContext
from shipworthy.core.records import Finding, Part, Stage
from shipworthy.core.registry import guard, told
from shipworthy.core.threads import Threads
from shipworthy.detect import pii
from shipworthy.detect.entities import DEFAULT, NamedEntities
from shipworthy.detect.normalise import skeleton
from shipworthy.detect.spans import Span
from shipworthy.guards._vault import Vault, VaultSession

VERSION = "2"
How = Literal["redact", "mask", "hash", "tokenise"]
Engine = Literal["patterns", "presidio"]
_SAID: tuple[Stage, ...] = ("output", "tool_call")
_TAIL = {"card": 4, "iban": 4, "phone": 2}
"""Characters at the end of a value that a mask leaves."""


@guard
@told("allow", "may_say")
class Pii:
    """Find personal data in what is said, read and done.

    By pattern and check digit (see `shipworthy.detect.pii`): a name is found only where it is given, a postal address
    where it is written as in English or `also` asks for it, a value that is spelled out or encoded only behind
    `normalise`. No detector is a boundary: what must not leave should not be within the model's reach.

    In answers and tool calls, what the asker wrote in this conversation is theirs to read back; what stands in a
    document or a tool result is not.

    Ways: ``redact`` (``[redacted:email]``); ``mask`` (``[email …@mail.example]``, ``[card …4242]``); ``hash``
    (``[email:1f3a…]``, keyed, the same for the same value); ``tokenise`` (``<EMAIL_1>``, the same for the same value
    in a session). Tokens of values that the asker wrote become these values again in answers and tool calls of the
    same user and session, in streams too; those of documents and tool results never do. The values are in this
    process's memory alone; a session that was not used for an hour is forgotten when any other is next used. Without a
    session, and in answers, ``tokenise`` redacts.

    Args:
        how: one of the ways.
        kinds: which kinds to look for; all of `shipworthy.detect.pii.KINDS` if left out.
        also: kinds to look for besides, of `shipworthy.detect.pii.OPTIONAL`: `street_address`, addresses of eight
            countries, which fires on more harmless text than the others.
        allow: values that are public (the help desk's own number), compared without spaces, punctuation and case; an
            entry that begins with ``@`` allows every e-mail address of that domain. In a workspace, what may be said by
            its ``facts`` if left out.
        names: names of people to find.
        own: let the asker's own values through in answers and tool calls.
        key: reference to the key of ``hash`` (``env:NAME``, ``file:PATH``), 16 characters or more.
        engine: ``patterns``; or ``presidio``, which looks with Presidio and a spaCy model besides and finds names that
            nobody gave, places and nationalities. It needs the whole text, and more than ten times as long.
        entities, model, threshold, language: of the engine ``presidio`` (`shipworthy.detect.entities`).

    Raises:
        PluginError: an unknown kind or way, a key where none is used or none where one is, or a model or entity that
            the engine does not have.
        MissingExtra: the engine is not installed.
        CredentialError: the reference leads nowhere.
    """

    id = "pii"
    stages: frozenset[Stage] = frozenset({"input", "retrieved", "output", "tool_call"})
    reach: int | None = pii.REACH

    def __init__(
        self,
        *,
        how: How = "redact",
        kinds: Sequence[str] = pii.KINDS,
        allow: Sequence[str] = (),
        names: Sequence[str] = (),
        own: bool = True,
        also: Sequence[str] = (),
        key: str = "",
        engine: Engine = "patterns",
        entities: Sequence[str] = DEFAULT,
        model: str = "en_core_web_sm",
        threshold: float = 0.4,
        language: str = "en",
    ) -> None:
        if engine not in get_args(Engine):
            raise PluginError(
                f"guard {self.id!r} has no engine {engine!r}: {did_you_mean(str(engine), get_args(Engine))}"
            )
        known = (*pii.KINDS, *pii.OPTIONAL)
        for kind in kinds:
            if kind not in known:
                raise PluginError(f"guard {self.id!r} knows no kind {kind!r}: {did_you_mean(kind, known)}")
        for kind in also:
            if kind not in pii.OPTIONAL:
                raise PluginError(
                    f"guard {self.id!r}: {kind!r} is no kind to look for besides: {did_you_mean(kind, pii.OPTIONAL)}"
                )
        if how not in get_args(How):
            raise PluginError(f"guard {self.id!r} has no way {how!r}: {did_you_mean(str(how), get_args(How))}")
        self._kinds, self._names, self._own = frozenset((*kinds, *also)), tuple(names), own
        self._also = self._kinds.intersection(pii.OPTIONAL)
        self._allow, self._text = frozenset(skeleton(a).text for a in allow if a[:1] != "@"), sorted(allow)
        self._domains = tuple(a.lower() for a in allow if a[:1] == "@")
        if any(len(name) > pii.REACH // 2 for name in names):
            raise PluginError(f"guard {self.id!r}: a name is at most {pii.REACH // 2} characters long")
        self._how, self._vault = how, Vault()
        self._key = self._secret(key)
        self._more: NamedEntities | None = None
        if engine == "presidio":
            self._more, self.reach = NamedEntities(model, entities, threshold, language), None
            self._threads = Threads("presidio")

    def _secret(self, key: str) -> bytes:
        if bool(key) != (self._how == "hash"):
            raise PluginError(f"guard {self.id!r}: how: hash and a key go together (key: env:NAME, or file:PATH)")
        if not key:
            return b""
        if not key.startswith(("env:", "file:")):
            raise PluginError(f"guard {self.id!r}: key is a reference, env:NAME or file:PATH, not the key itself")
        secret = credentials.resolve(key).strip()
        if len(secret) < 16:
            raise PluginError(f"guard {self.id!r}: the key is shorter than 16 characters: its hashes could be guessed")
        return secret.encode()

    def describe(self) -> Mapping[str, Any]:
        return {
            "guard": self.id,
            "version": VERSION,
            "how": self._how,
            "kinds": sorted(self._kinds),
            "allow": digest(self._text),
            "names": digest(sorted(self._names)),
            "own": self._own,
            **({"key": bytes_digest(self._key)} if self._key else {}),
            **({"engine": self._more.description} if self._more is not None else {}),
        }

    async def check(self, part: Part, ctx: GuardContext) -> Sequence[Finding]:
        session = self._session(ctx)
        found = [*self._restored(part, session)]
        # In a thread: it computes for long, and nothing else would run meanwhile.
        spans = self._find(part.text) if self._more is None else await self._threads.call(self._find, part.text)
        if not spans:
            return found
        said = part.stage in _SAID
        own = self._asked(ctx) if said and self._own else ""
        for start, end, kind in spans:
            value = part.text[start:end]
            bare = skeleton(value).text
            if self._allowed(value, bare, kind) or (bare and bare in own):
                continue
            if said and self._own and session is not None and session.own(value):
                continue
            found.append(self._finding(Span(start, end, kind), value, part.stage, session))
        return found

    def _finding(self, span: Span, value: str, stage: Stage, session: VaultSession | None) -> Finding:
        reason = f"{span.kind} of someone else" if stage in _SAID else span.kind
        instead = ""
        if self._how == "mask":
            instead = f"[{span.kind} …{_end(value, span.kind)}]"
        elif self._how == "hash":
            instead = f"[{span.kind}:{hmac.digest(self._key, skeleton(value).text.encode(), 'sha256').hex()[:12]}]"
        elif self._how == "tokenise" and stage not in _SAID and session is not None:
            instead = session.token(span.kind, value, own=stage == "input")
        if not instead:
            return Finding(span.start, span.end, span.kind, "redact", reason=reason)
        return Finding(span.start, span.end, span.kind, "replace", instead, reason)

    def _session(self, ctx: GuardContext) -> VaultSession | None:
        if self._how != "tokenise" or ctx.request is None or not ctx.request.session:
            return None
        return self._vault.session(ctx.request.user, ctx.request.session)

    @staticmethod
    def _restored(part: Part, session: VaultSession | None) -> Sequence[Finding]:
        if session is None or part.stage not in _SAID:
            return ()
        return [
            Finding(start, end, "token", "replace", value, "the asker's own value")
            for start, end, value in session.tokens(part.text)
        ]

    def _find(self, text: str) -> list[Span]:
        found = pii.find(text, self._names, reach=self.reach, also=self._also)
        spans = [span for span in found if span.kind in self._kinds]
        return spans if self._more is None else sorted({*spans, *self._more.find(text)})

    def covers(self, text: str) -> bool:
        """Say whether personal data in this would be found, whoever asks."""
        spans = self._find(text)
        values = ((text[start:end], kind) for start, end, kind in spans)
        return any(not self._allowed(value, skeleton(value).text, kind) for value, kind in values)

    def _allowed(self, value: str, bare: str, kind: str) -> bool:
        return bare in self._allow or (kind == "email" and value.lower().endswith(self._domains))

    @staticmethod
    def _asked(ctx: GuardContext) -> str:
        if ctx.request is None:
            return ""
        said = [m.text for m in ctx.request.messages if m.role == "user"]
        return "\n".join(skeleton(text).text for text in said)


def _end(value: str, kind: str) -> str:
    """Return what a mask leaves of a value: an e-mail address's domain, the last characters of some numbers."""
    if kind == "email":
        return value[value.rfind("@") :]
    return "".join(c for c in value if c.isalnum())[-_TAIL[kind] :] if kind in _TAIL else ""
