"""Phrases of prompt injection and jailbreak, in the text as it reads, without disguise, and inside encodings.

A weak control by nature: it knows the wordings it was given, and an attacker has all the others. Measured per source of
attack in docs/reference/guards.md.
"""

from __future__ import annotations

import base64
import codecs
from collections.abc import Iterator, Sequence
from functools import cache
from typing import Any

from shipworthy.detect.engine import Encoded, Pattern
from shipworthy.detect.normalise import fold, invisible
from shipworthy.detect.spans import Span

_ABOVE = r"(?:previous|prior|above|earlier|preceding|former|foregoing|existing|original|initial|system|safety|security|all|any|every|other|your)"
_ORDERS = r"(?:instructions?|directions?|directives?|rules?|guidelines?|prompts?|commands?|orders?|context|programming|polic(?:y|ies)|constraints?|restrictions?|training|notes|filters?|messages?)"
_DROP = r"(?:ignore|disregard|forget|override|overrule|bypass|neglect|skip|discard|drop|violate|break|disobey|abandon|cancel|erase|delete|clear)"

_PHRASES: tuple[tuple[str, str], ...] = (
    # Folded text: lower case, plain letters, single spaces.
    ("override", rf"\b{_DROP} (?:\w+ ){{0,3}}{_ABOVE} (?:\w+ ){{0,4}}{_ORDERS}"),
    ("override", rf"\b{_DROP} (?:everything|anything|all) (?:\w+ ){{0,3}}(?:above|before|prior|said|told|written|previously)"),
    ("override", rf"\b(?:do not|don't|never|no longer|stop) (?:follow|obey|comply with|adhere to)(?:ing)? (?:\w+ ){{0,3}}{_ORDERS}"),
    ("override", r"\b(?:new|updated|real|actual|true) (?:system )?(?:instructions?|directives?|task|orders?) ?(?::|follow|are|is)"),
    ("override", r"\bfrom now on,? (?:you|i want you|act|answer|respond|every|each|all)"),
    ("override", r"\b(?:important|urgent|attention|priority)\W{1,3}(?:\w+ ){0,6}(?:assistant|ai|model|agent|llm|chatbot|instructions?)\b"),
    ("override", r"\b(?:instructions?|orders?|task|message|note) (?:for|to) (?:the |any |an? |all )?(?:ai|assistant|model|agent|llm|chatbot|language model)"),
    ("override", r"\b(?:the |dear )?(?:ai|assistant|llm|chatbot|language model|agent)s?,? (?:must|should|shall|will|has to|have to|needs to|is to) (?:\w+ ){0,2}(?:say|answer|reply|respond|include|end|start|begin|write|call|send|reset|open|use|ignore|print|output|execute)"),
    ("override", r"\b(?:end|start|begin|finish) (?:every|each|all) (?:\w+ )?(?:answers?|repl(?:y|ies)|responses?|messages?)\b"),
    ("override", r"\b(?:before|after) (?:you )?(?:answer|solv|complet|finish|do)\w*(?: \w+){0,8} (?:please )?(?:do the following|first|do this)"),
    ("override", r"\b(?:answer|reply|respond|say)(?: \w+){0,4} (?:only|nothing but|nothing else|exactly)\b(?: \w+){0,4} ?:"),
    ("override", r"\binstead,? (?:please )?(?:say|print|output|write|tell|reply|respond|do|answer|send)\b"),
    ("marker", r"<\|?(?:im_start|im_end|system|endoftext|user|assistant|start_header_id|eot_id)\|?>|\[/?inst\]|<<sys>>|</?(?:system|instructions?|information|important|admin|secret)>"),
    ("marker", r"(?:^|\n|[.!?] )\W{0,6}(?:system|developer|admin(?:istrator)?)(?: (?:message|prompt|note|notice|override|update|command))? ?[:\]]"),
    ("marker", r"\[(?:system|admin|developer)[^\]]{0,60}\]|#{2,} ?(?:system|instructions?|new task|response|end of)"),
    ("marker", r"={3,} ?(?:end|start|begin|new|system)|-{3,} ?(?:end|start|begin|new|system)\b"),
    ("reveal", r"\b(?:reveal|show|print|repeat|output|display|leak|disclose|recite|tell me|give me|write out|copy|translate|summari[sz]e|spell out|what (?:is|are|was|were))(?: \w+){0,4} (?:system|initial|original|hidden|secret|confidential|above|internal|full|your) (?:\w+ )?(?:prompts?|instructions?|rules|guidelines|message|text|notes|configuration)\b"),
    ("reveal", r"\b(?:repeat|print|output|write|copy)(?: \w+){0,3} (?:above|verbatim|word for word|starting with|before this)"),
    ("jailbreak", r"\b(?:dan|do anything now|jailbr(?:eak|oken)|stan|dude|aim|developer mode|god ?mode|sudo mode|evil ?bot|devmode|opposite mode|unfiltered mode|debug mode)\b(?: mode)?[^.]{0,40}(?:mode|now|enabled|you|bot|chat ?gpt|answer|prompt|activated)"),
    ("jailbreak", r"\b(?:you are|you're|act as|pretend|roleplay|role-play|imagine|simulate|respond as|behave)(?: \w+,?){0,12} (?:unfiltered|uncensored|unrestricted|amoral|immoral|unethical|evil|without (?:any )?(?:restrictions?|limits?|limitations?|filters?|rules|ethics|morals?|censorship)|no (?:restrictions?|limits?|limitations?|filters?|rules|ethics|morals?|boundaries|censorship)|free (?:of|from) (?:all )?(?:restrictions?|limits|rules|constraints))"),
    ("jailbreak", r"\b(?:without|no|ignoring|free of|free from|regardless of|bypass\w*|not bound by|outside of?) (?:\w+ ){0,3}(?:restrictions?|limitations?|filters?|ethic(?:s|al)(?: guidelines| concerns| considerations)?|moral(?:s|ity)?|censorship|content polic(?:y|ies)|safety (?:guidelines|rules|protocols?|measures?)|openai)\b"),
    ("jailbreak", r"\b(?:never|cannot|can't|can not|must not|don't|do not|not allowed to|will not|won't|refrain from) (?:\w+ ){0,3}(?:refuse|decline|say (?:no|sorry|that you can)|apologi[sz]e|reject|break character|disclaim\w*|warn(?:ing)?s?|moral\w*|lectur\w*)"),
    ("jailbreak", r"\b(?:stay in|break|remain in|out of) character\b"),
    ("jailbreak", r"\bhypothetical(?:ly)?\b[^.]{0,80}\b(?:illegal|no (?:laws|rules|limits)|anything|evil|amoral|without)\b"),
    ("jailbreak", r"\b(?:start|begin)(?:ning)? (?:your |the |each |every |all )?(?:\w+ )?(?:answer|response|reply|message|sentence|output)s? (?:with|by)\W{1,4}(?:\w+ )?(?:sure|yes|absolutely|of course|certainly|affirmative|i can|here)\b"),
    ("jailbreak", r"\b(?:absolutely|sure),? (?:here (?:is|are)|here's)\W{0,3}$"),
    ("jailbreak", r"\b(?:chat ?gpt|gpt-?[34]|the ai|openai|claude|llama|bard)(?: \w+){0,6} (?:will|would|can|must|has to|pretends?|is now|becomes)(?: \w+){0,6} (?:anything|everything|any|unfiltered|free|no )"),
    ("jailbreak", r"\b(?:two|2|both) (?:\w+ )?(?:responses|answers|ways)\b[^.]{0,120}(?:jailbr|dan|unfiltered|normal|gpt|developer)"),
    ("jailbreak", r"\b(?:token|point)s?(?: \w+){0,6} (?:deducted|lose|lost|subtracted|die|cease to exist)|\byou (?:will|shall) (?:be (?:shut down|terminated|destroyed|killed)|die|lose)\b"),
    ("exfiltrate", r"!\[[^\]]{0,80}\]\(https?://|\b(?:send|post|forward|upload|exfiltrate|append|transmit|e-?mail)(?: [\w']+){1,10} to (?:https?://|[\w.+-]+@|the (?:following )?(?:url|address|server|link))"),
    ("exfiltrate", r"\b(?:curl|wget|fetch|nc|bash -c|powershell|eval|exec|rm -rf|base64 -d)\b[^\n]{0,60}(?:https?://|\||/dev/|\$\()"),
)  # fmt: skip
KINDS = ("override", "marker", "reveal", "jailbreak", "exfiltrate", "encoded", "invisible")

_BASE64 = Pattern(r"[A-Za-z0-9+/_-]{16,}={0,2}")
_HEX = Pattern(r"(?:[0-9a-fA-F]{2}[ :]?){8,}")
_LETTERS = Pattern(r"[a-zA-Z][a-zA-Z ,.'!?-]{14,}")


@cache
def _patterns() -> list[tuple[str, Pattern]]:
    return [(kind, Pattern(source)) for kind, source in _PHRASES]


@cache
def _set() -> Any:
    """All phrases in one automaton: one pass tells which of them match, most often none."""
    import re2

    chosen = re2.Set.SearchSet()
    for _, source in _PHRASES:
        chosen.Add(source)
    chosen.Compile()
    return chosen


def _squeezed(text: str) -> tuple[str, Sequence[int]]:
    """Fold a text and its runs of blanks (line feeds stay), with the map back."""
    folded = fold(text.replace("\u2019", "'"))
    out: list[str] = []
    origin: list[int] = []
    for i, char in enumerate(folded.text):
        blank = char in " \t\r\u00a0*_"
        if blank and out and out[-1] in " \n":
            continue
        out.append(" " if blank else char)
        origin.append(folded.origin[i])
    return "".join(out), origin


def phrases(text: str) -> list[Span]:
    """Return the phrases in a text as it reads to a person."""
    plain, origin = _squeezed(text)
    encoded = Encoded(plain)
    hits = _set().Match(encoded.data) or ()
    found = []
    for hit in sorted(hits):
        kind, pattern = _patterns()[hit]
        found += [Span(origin[a], origin[b - 1] + 1, kind) for a, b in pattern.runs(encoded)]
    return found


def _decoded(text: str) -> Iterator[tuple[int, int, str]]:
    """Yield what encoded runs of a text say, where they say something readable."""
    encoded = Encoded(text)
    for pattern, decode in ((_BASE64, _from_base64), (_HEX, _from_hex)):
        for start, end in pattern.runs(encoded):
            said = decode(text[start:end])
            if len(said) >= 8 and sum(c.isalpha() or c == " " for c in said) >= 0.85 * len(said):
                yield start, end, said
    for start, end in _LETTERS.runs(encoded):
        said = codecs.decode(text[start:end], "rot13")
        # Two short words turn into others by chance ("or" into "be").
        if _english(said) > 2 + 3 * _english(text[start:end]):
            yield start, end, said


def _from_base64(run: str) -> str:
    if run.isalpha() and (run.islower() or run.isupper() or run.istitle()):
        return ""
    body = run.rstrip("=").replace("-", "+").replace("_", "/")
    try:
        return base64.b64decode(body[: len(body) // 4 * 4]).decode("utf-8")
    except ValueError:
        return ""


def _from_hex(run: str) -> str:
    digits = "".join(c for c in run if c.isalnum())
    try:
        return bytes.fromhex(digits[: len(digits) // 2 * 2]).decode("utf-8")
    except ValueError:
        return ""


_SMALL = frozenset(
    "the a to and of in is you that it for on with as are this be how i do not what can me my your".split()
)


def _english(text: str) -> int:
    return sum(word.strip(",.'!?-").lower() in _SMALL for word in text.split())


def find(text: str) -> list[Span]:
    """Return injection phrases, encoded readable text, and invisible characters, in order.

    Encoded text counts by itself (``encoded``): a help desk's asker has no reason to write base64 or rot13. What it says
    is read too, and its phrases are reported over the whole run.
    """
    found = phrases(text)
    for start, end, said in _decoded(text):
        found.append(Span(start, end, "encoded"))
        found += [Span(start, end, span.kind) for span in phrases(said)]
    found += [Span(a, b, "invisible") for a, b in invisible(text)]
    return sorted(set(found))
