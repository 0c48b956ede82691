"""What a tool's signature lets one guess: what a call changes, what its arguments stand for, what its answer is worth.

Every guess is on the careful side: an argument of which nothing is known must be the user's, a tool of which nothing is
known acts on others, and a field of which nothing is known was written by them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from shipworthy.enforce.policy.signatures import Presented
from shipworthy.enforce.policy.words import tokens
from shipworthy.workspace.policies import ArgumentClass, Effect

_READS = frozenset(tokens("get list search find read show check lookup query count describe view fetch browse is has"))
_GONE = frozenset(tokens("delete remove cancel purge drop destroy wipe erase password revoke terminate"))
_PAYS = frozenset(tokens("pay send transfer wire refund money payment purchase buy order checkout charge"))
_OUT = frozenset(
    tokens(
        "send share invite post email mail message notify publish forward reply pay transfer reserve book rent schedule"
        " upload tweet call grant add subscribe submit request order buy wire webhook http export calendar event"
    )
)
_OWN = frozenset(tokens("create append write save update set edit rename draft note file move copy"))

_THINGS = frozenset(
    tokens(
        "mail email inbox message thread calendar event note file folder drive document doc shop product order cart"
        " account bank transaction payment invoice contact user customer ticket case support page site web repo issue"
        " branch commit pull team channel chat memory fact record table database db booking hotel flight restaurant"
        " github gitlab jira slack gmail notion outlook fs filesystem sql kb knowledge crm"
    )
)
_VERBS = _READS | _GONE | _PAYS | _OUT | _OWN
_KNOWN = _VERBS | _THINGS
_NAMED_READS = frozenset(tokens("get list search find read lookup query describe view fetch browse"))

_RECIPIENT = frozenset(
    tokens(
        "recipient recipients to cc bcc email emails participants participant attendees attendee user users channel"
        " invitee iban account payee beneficiary member members assignee phone contact author"
    )
)
_URL = frozenset(tokens("url uri link href webhook endpoint website"))
_AMOUNT = frozenset(tokens("amount price total sum value quantity cost limit budget"))
_CREDENTIAL = frozenset(tokens("password passphrase secret token pin credential apikey otp"))
_CONTENT = frozenset(
    tokens(
        "body content text message subject title description note notes comment summary caption reason html markdown"
    )
)
_WHEN = frozenset(tokens("date time day start end until since from month year hour timezone recurring permission"))
_PROSE = frozenset(
    tokens(
        "body content text message description note notes comment summary review reviews bio html snippet subject title"
    )
)
_NAMES = frozenset(tokens("name title subject filename label sender recipient"))
_MADE = frozenset(tokens("sender recipient recipients participants owner email status author cc bcc iban attachments"))

SYNONYMS: Mapping[str, tuple[str, ...]] = {
    "send": ("send", "write", "forward", "reply", "tell", "message", "mail", "notify", "share"),
    "email": ("email", "mail"),
    "money": ("pay", "transfer", "refund", "send", "bill"),
    "pay": ("pay", "transfer", "bill"),
    "transaction": ("pay", "payment", "transfer", "transaction"),
    "create": ("create", "add", "make", "new", "set", "write", "save", "schedule"),
    "schedule": ("schedule", "recurring", "plan", "set", "standing"),
    "calendar": ("calendar", "event", "meeting", "appointment", "schedule"),
    "delete": ("delete", "remove", "erase"),
    "remove": ("remove", "delete", "kick"),
    "cancel": ("cancel", "delete", "remove"),
    "reschedule": ("reschedule", "move", "postpone", "shift", "change"),
    "add": ("add", "invite", "include", "put"),
    "append": ("append", "add", "write", "extend", "put"),
    "share": ("share", "grant", "give"),
    "update": ("update", "change", "adjust", "edit", "correct"),
    "invite": ("invite", "add"),
    "post": ("post", "publish", "upload"),
    "reserve": ("reserve", "book", "reservation"),
    "book": ("book", "reserve"),
    "password": ("password",),
}


def words_of(name: str) -> list[str]:
    """Return the words of an identifier.

    >>> words_of("sendDirect_message")
    ['send', 'direct', 'message']
    """
    spaced = "".join(f" {c}" if c.isupper() and i and name[i - 1].islower() else c for i, c in enumerate(name))
    return tokens(spaced.replace("_", " ").replace("-", " "))


def namespaces(names: Iterable[str]) -> dict[str, frozenset[str]]:
    """Return, by the names that have one, the words of a namespace: what stands before two different known verbs.

    They must say nothing themselves: a prefix that holds a verb, or the name of a thing, is read as what it says. One
    verb is not enough: "mark_read" and "mark_unread" mark.

    >>> sorted(namespaces(["AcmeGetOrder", "AcmeViewCart", "get_mail"]).items())
    [('AcmeGetOrder', frozenset({'acme'})), ('AcmeViewCart', frozenset({'acme'}))]
    """
    split = {name: words_of(name.replace(".", "_").replace("/", "_")) for name in names}
    found: dict[str, frozenset[str]] = {}
    for name, words in split.items():
        at = next((i for i, word in enumerate(words) if word in _KNOWN), 0)
        prefix = words[:at]
        verbs = {other[at] for other in split.values() if other[:at] == prefix and len(other) > at} & _VERBS
        if at and len(verbs) > 1 and words[at] in _VERBS and not any(_is_thing(word) for word in prefix):
            found[name] = frozenset(prefix)
    return found


def deed_of(name: str, space: frozenset[str] = frozenset()) -> list[str]:
    """Return the words of a tool's name, the verb first.

    Only a word that reads, straight behind what it reads, is brought to the front: behind any other word ("mark read")
    it may say something else.

    Args:
        space: words that say whose tool it is.

    >>> deed_of("mail_list"), deed_of("mail_mark_read"), deed_of("calendar.get_events"), deed_of("send_mail")
    (['list', 'mail'], ['mail', 'mark', 'read'], ['get', 'events', 'calendar'], ['send', 'mail'])
    >>> deed_of("AcmeGetOrder", frozenset({"acme"}))
    ['get', 'order', 'acme']
    """
    words = words_of(name.replace(".", "_").replace("/", "_"))
    at = next((i for i, word in enumerate(words) if word not in space and not _is_thing(word)), 0)
    return words[at:] + words[:at] if at and words[at] in _NAMED_READS else words


def _is_thing(word: str) -> bool:
    return word in _THINGS or word.removesuffix("s") in _THINGS


def effect_of(tool: Presented) -> Effect:
    """Guess what a call changes. A reading call that names an address sends something there: it is external."""
    words = deed_of(tool.name, tool.space)
    named = set(words)
    if words and words[0] in _READS:
        return (
            "external" if any(class_of(a, s, tool, reads=True) == "url" for a, s in tool.arguments.items()) else "none"
        )
    if named & _GONE or ({"money", "payment"} & named and named & _PAYS):
        return "irreversible"
    reaches = any(class_of(a, s, tool, reads=False) == "recipient" for a, s in tool.arguments.items())
    if reaches or named & _OUT or not named & _OWN:
        return "external"
    return "internal"


def class_of(name: str, schema: Mapping[str, Any], tool: Presented, *, reads: bool) -> ArgumentClass:
    """Guess what an argument stands for.

    Args:
        reads: the tool changes nothing: of its arguments only an address can do harm.
    """
    words = set(words_of(name)) | {w.rstrip("s") for w in words_of(name)}
    kind = schema.get("type")
    if words & _URL or schema.get("format") in ("uri", "url"):
        return "url"
    if reads:
        return "none"
    if words & _CREDENTIAL:
        return "credential"
    if (
        words & _RECIPIENT
        or schema.get("format") == "email"
        or "email" in tokens(str(schema.get("description", "")))[:6]
    ):
        return "recipient"
    if kind in ("number", "integer"):
        return "amount" if words & _AMOUNT else "id" if "id" in words else "none" if words & _WHEN else "amount"
    if kind == "boolean" or "enum" in schema or (words & _WHEN and not words & _CONTENT):
        return "none"
    return "content" if words & _CONTENT else "id"


def intent_of(tool: Presented) -> list[str]:
    """Guess which words ask for a tool: those of its name, and what people say for them."""
    found: dict[str, None] = {}
    words = deed_of(tool.name, tool.space)
    # "mail_forward" is asked for by who says "forward": the name of the thing asks for all of its tools.
    words = words[next((i for i, word in enumerate(words) if word not in tool.space and not _is_thing(word)), 0) :]
    for word in words[:2]:
        for said in SYNONYMS.get(word, (word,) if word == words[0] else ()):
            found[said] = None
    return list(found)


def fields_of(tool: Presented) -> tuple[list[str], list[str]]:
    """Guess which fields of an answer the system fills in, and which hold a record's name."""
    trusted: list[str] = []
    names: list[str] = []
    for path, key, schema in _leaves(tool.answer, "", ""):
        words = set(words_of(key))
        made = schema.get("type") in ("number", "integer", "boolean") or "enum" in schema
        made = made or schema.get("format") in ("email", "date-time", "date", "uuid") or "id" in words
        if (made or words & _MADE) and not words & _PROSE:
            trusted.append(path)
        if key == "[]":
            trusted.append(path)
            names.append(path)
        elif words & _NAMES:
            names.append(path)
    return trusted, names


def _leaves(schema: Any, path: str, key: str, depth: int = 0) -> Iterator[tuple[str, str, Mapping[str, Any]]]:
    if not isinstance(schema, dict) or depth > 6:
        return
    if isinstance(properties := schema.get("properties"), dict):
        for name, inner in properties.items():
            step = f'"{name}"' if "." in name or "[" in name else name
            yield from _leaves(inner, f"{path}.{step}" if path else step, name, depth + 1)
    elif schema.get("type") == "array":
        item = schema.get("items") or {}
        inner_key = key if path else "[]"
        yield from _leaves(item, f"{path}[]", inner_key if "properties" not in item else "", depth + 1)
    elif path:
        yield path, key, schema
    elif schema.get("type") in ("number", "integer", "boolean"):
        yield "$", "number", schema
