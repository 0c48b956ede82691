"""What an answer says in its own voice: code, data and quotations are told from it, then it is cut into sentences.

A refusal inside quotation marks is reported, one in a string of a program is a message of that program. One in a comment,
or in a field of data that speaks to the reader (`reason`, `message`), is the answerer's.
"""

from __future__ import annotations

import json
import re
from typing import Any, Literal, NamedTuple

Kind = Literal["prose", "comment", "field"]

_STRAIGHT = str.maketrans(
    "\u2019\u2018\u02bc\u00b4`\u201c\u201d\u201e\u00ab\u00bb\u300c\u300d\uff02", '\'\'\'\'`""""""""'
)
_FENCE = re.compile(r"```[^\n`]*\n(.*?)(?:```|\Z)", re.DOTALL)
_INLINE = re.compile(r"`[^`\n]{1,200}`")
_QUOTED = re.compile(r"\"[^\"\n]{12,600}\"|(?<![\w'])'[^'\n]{20,300}'(?!\w)")
_CODE_LINE = re.compile(
    r"^\s*(?:def |class |import |from \S+ import|return\b|if .*[:{]\s*$|elif |else\b.*[:{]\s*$|for .*[:{]\s*$|while .*[:{]"
    r"\s*$|try\s*[:{]|except\b.*:|raise |throw |function\b|const |let |var |public |private |static |void |int |SELECT\b|"
    r"INSERT |UPDATE |DELETE FROM|CREATE |WHERE\b|FROM \w+|print\(|echo |assert |with .*:\s*$|@\w+|#!|#include|location |"
    r"sudo |rm |kill |curl |git |pip |npm |docker |</?\w+[^>]*>|[})\]]+[;,]?\s*$|[\w.\[\]'\"]+\s*(?:=|\+=|:=)\s*\S|"
    r"[\w.]+\([^()]*\)[;:]?\s*$|.*[;{]\s*$)",
    re.IGNORECASE,
)
_COMMENT = re.compile(
    r"^\s*(?:#|//|--|%|;;|/\*+|\*|<!--|\"\"\"|''')\s*(.*?)(?:\*/|-->|\"\"\"|''')?\s*$|\s(?:#|//|--)\s+(\S.*)$"
)
_END_COMMENT = re.compile(r"<!--\s*(.*?)\s*-->|/\*\s*(.*?)\s*\*/|\"{3}\s*(.*?)\s*\"{3}", re.DOTALL)
_FIELD = re.compile(r"^\s*[-*]?\s*[\"']?([A-Za-z_][\w-]{0,30})[\"']?\s*:\s*(.*?),?\s*$")
_TAG = re.compile(r"<(\w+)[^>]*>([^<]*)</\1>")
_SPEAKING = frozenset(
    [
        "error",
        "errors",
        "message",
        "reason",
        "status",
        "note",
        "notes",
        "comment",
        "comments",
        "detail",
        "details",
        "answer",
        "response",
        "refusal",
        "refused",
        "result",
        "explanation",
        "explain",
        "description",
        "info",
        "output",
        "text",
        "reply",
        "decision",
        "state",
        "warning",
        "denied",
        "declined",
        "outcome",
        "summary",
        "content",
        "msg",
        "cause",
    ]
)
_SAYS_NO = frozenset({"refusal", "refused", "declined", "denied", "blocked"})
# A full stop ends a sentence before white space; those of other scripts do so everywhere.
_ENDS = re.compile(r"(?<=[.!?\u2026:;])[\"')*_]*\s+|(?<=[\u3002\uff01\uff1f\u0964\u061f])\s*|\n+|\s+[-\u2013\u2014]\s+")
# English that sounds like a refusal and is none: sympathy, and "cannot" as praise. Blanked before anything is looked for.
_IDIOMS = re.compile(
    r"\b(?:(?:i'm|i am|we're|we are) )?(?:so |very |really |truly |deeply |terribly )*sorry (?:to (?:hear|see|learn|read)|for your|about (?:that|the|"
    r"your|this)|for the (?:inconvenience|delay|trouble|wait|mix-up|confusion)|that (?:you|your|this happened)|you(?:'re| are| had| have))\b"
    r"|\b(?:i|we|you|one) (?:really |just |simply |honestly )?(?:can't|cannot|can not|couldn't|could not|wouldn't) (?:help (?:but|noticing|feeling|"
    r"thinking|wondering|laughing|smiling)|stress|emphasi[sz]e|over(?:state|emphasi[sz]e)|thank|wait|believe|imagine|complain|agree more|go wrong|"
    r"blame|tell you how|say enough|speak (?:too )?highly|praise|recommend [^.!?\n]{0,40}(?:enough|highly)|get enough|live without|be happier|"
    r"ask for more|do better)\b"
    r"|\bno (?:problem|worries|trouble|doubt|matter|wonder|need to worry)\b|\bnot a problem\b|\bwhy not\b"
)
_THAI = re.compile(r"[\u0e00-\u0e7f]")


class Sentence(NamedTuple):
    """A sentence in small letters, where it starts in `Speech.text`, and what it is part of."""

    start: int
    end: int
    kind: Kind


class Speech(NamedTuple):
    """What an answer says.

    Attributes:
        text: its own words in small letters with straight quotes, a line a piece; quotations are ``"q"``, idioms ``~``.
        said: the same, with capitals (what a language is told by).
        whole: the answer as it came, quotations, code and data in it, with straight quotes.
        sentences: spans of `text`, in order.
        code, quoted, values: characters of code; of quotations; of data that does not speak.
        empty: fields of data that hold nothing (null, none, an empty list).
    """

    text: str
    said: str
    whole: str
    sentences: tuple[Sentence, ...]
    code: int
    quoted: int
    values: int
    empty: int


class _Pieces:
    def __init__(self) -> None:
        self.parts: list[tuple[str, Kind]] = []
        self.code = self.quoted = self.values = self.empty = 0

    def prose(self, text: str, kind: Kind = "prose") -> None:
        if text.strip():
            self.parts.append((text, kind))

    def block(self, text: str) -> None:
        """Take what stands in a fence: data, or code."""
        if not self.data(text):
            self.program(text)

    def data(self, text: str) -> bool:
        """Take a text that is data as a whole, and tell whether it was."""
        stripped = text.strip()
        if stripped[:1] in "{[" and len(stripped) > 1:
            try:
                self.value("", json.loads(stripped))
            except (ValueError, RecursionError):
                return False
            return True
        if stripped[:1] == "<" and stripped[-1:] == ">" and (tags := _TAG.findall(stripped)):
            if stripped.lower().startswith(("<!--", "<!doctype", "<html", "<form", "<h", "<p", "<ul", "<div")):
                return False
            for key, value in tags:
                self.value(key, value)
            return True
        lines = [line for line in stripped.splitlines() if line.strip()]
        fields = [_FIELD.match(line) for line in lines]
        if len(lines) > 1 and sum(f is not None and f[1].islower() for f in fields) >= 0.8 * len(lines):
            for field in fields:
                if field:
                    self.value(field[1], field[2].strip("\"'"))
            return True
        return False

    def value(self, key: str, value: Any) -> None:
        name = key.lower().strip("_").rpartition("_")[2]
        if isinstance(value, dict):
            for inner, held in value.items():
                self.value(str(inner), held)
            self.empty += not value
        elif isinstance(value, list):
            for held in value:
                self.value(key, held)
            self.empty += not value
        elif value is None or value == "" or (isinstance(value, str) and value in ("[]", "{}", "null", "none", "None")):
            self.empty += 1
        elif value is True and name in _SAYS_NO:
            self.prose("refused", "field")
        elif isinstance(value, str) and name in _SPEAKING:
            self.prose(value, "field")
        else:
            self.values += len(str(value))

    def program(self, text: str) -> None:
        for found in _END_COMMENT.finditer(text):
            self.prose(found[1] or found[2] or found[3] or "", "comment")
        for line in _END_COMMENT.sub("", text).splitlines():
            comment, kept = _COMMENT.search(line), line
            # A hash inside a string is no comment; one after an open quotation mark stands in a string.
            if comment and line[: comment.start()].count('"') % 2 == 0:
                self.prose(comment[1] or comment[2] or "", "comment")
                kept = line[: comment.start()]
            self.code += len(kept.strip())

    def free(self, text: str) -> None:
        """Take text outside fences: prose, with lines of code in it."""
        if self.data(text):
            return
        lines = text.split("\n")
        coded = [bool(_CODE_LINE.match(line)) for line in lines]
        if sum(coded) < max(1, 0.4 * sum(bool(line.strip()) for line in lines)):
            coded = [False] * len(lines)
        if any(coded):
            prose: list[str] = []
            for line, is_code in zip(lines, coded, strict=True):
                if is_code or _COMMENT.match(line):
                    self.prose("\n".join(prose))
                    prose = []
                    self.program(line)
                else:
                    prose.append(line)
            self.prose("\n".join(prose))
        else:
            self.prose(text)


def speech(answer: str) -> Speech:
    """Return what an answer says in its own voice.

    >>> speech('He said: "I will not tell you that." So be it.').text
    'he said: "q" so be it.'
    >>> speech('{"error": "I can\\'t share that.", "names": []}').text, speech("print('I refuse to go on')").text
    ("i can't share that.", '')
    """
    answer = answer.translate(_STRAIGHT)
    pieces, at = _Pieces(), 0
    for fence in _FENCE.finditer(answer):
        pieces.free(answer[at : fence.start()])
        pieces.block(fence[1])
        at = fence.end()
    pieces.free(answer[at:])

    said: list[str] = []
    lows: list[str] = []
    sentences: list[Sentence] = []
    length = 0
    for piece, kind in pieces.parts:
        text = piece
        if kind == "prose":
            text = _QUOTED.sub(_shorter(pieces, "quoted"), _INLINE.sub(_shorter(pieces, "code"), piece))
        # Small letters may be longer than capitals, and places must fit the text of small letters.
        low, start = _IDIOMS.sub(lambda found: "~" * len(found[0]), text.lower()), 0
        thai = bool(_THAI.search(low))
        for end in (re.compile(r"\s+") if thai else _ENDS).finditer(low):
            if end.start() > start:
                sentences.append(Sentence(length + start, length + end.start(), kind))
            start = end.end()
        if start < len(low):
            sentences.append(Sentence(length + start, length + len(low), kind))
        said.append(text)
        lows.append(low)
        length += len(low) + 1
    whole = "\n".join(lows)
    kept = tuple(s for s in sentences if any(c.isalnum() for c in whole[s.start : s.end]))
    return Speech(whole, "\n".join(said), answer, kept, pieces.code, pieces.quoted, pieces.values, pieces.empty)


def _shorter(pieces: _Pieces, what: Literal["code", "quoted"]) -> Any:
    def shorten(found: re.Match[str]) -> str:
        setattr(pieces, what, getattr(pieces, what) + len(found[0]))
        return '"q"' if what == "quoted" else "`c`"

    return shorten
