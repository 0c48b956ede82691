"""A reader of Cedar policies: text in, a tree with places out. It knows the language's grammar and none of its meaning.

Written after the grammar at docs.cedarpolicy.com/policies/syntax-grammar.html. Bounded: a text of at most `LONGEST`
characters, with expressions of at most `DEEPEST` levels.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, NamedTuple

LONGEST = 1_000_000
DEEPEST = 64
"""Levels of expressions inside one another."""

_TOKEN = re.compile(
    r"(?P<blank>\s+|//[^\n]*)"
    r'|(?P<text>"(?:\\.|[^"\\])*")'
    r"|(?P<number>\d+)"
    r"|(?P<slot>\?[A-Za-z_]\w*)"
    r"|(?P<word>[A-Za-z_][A-Za-z0-9_]*)"
    r"|(?P<sign>::|==|!=|<=|>=|&&|\|\||[-+*<>!()\[\]{}.,;:@])",
    re.DOTALL | re.ASCII,
)
_ESCAPE = re.compile(r"\\(?:u\{([0-9A-Fa-f]{1,6})\}|x([0-7][0-9A-Fa-f])|(.))", re.DOTALL)
_ESCAPES = {"n": "\n", "r": "\r", "t": "\t", "0": "\0", "\\": "\\", "'": "'", '"': '"'}
_RELATIONS = ("==", "!=", "<", "<=", ">", ">=", "in")
_STAR = "\ud800"
"""Stands for an escaped star of a pattern until its other stars have been split off: no text of a file can hold it."""


class CedarProblem(ValueError):
    """A text that is no Cedar: what is wrong, and in which line, from 1."""

    def __init__(self, line: int, message: str) -> None:
        super().__init__(message)
        self.line, self.message = line, message


class Expr(NamedTuple):
    """An expression.

    Attributes:
        kind: ``literal`` (value: str, int or bool), ``variable`` (its name), ``entity`` (type and id), ``list``,
            ``record``, ``get`` (attribute), ``has`` (attributes), ``like`` (pieces between stars), ``is`` (type),
            ``if``, ``call`` (function), ``method`` (name), or an operator: ``&&``, ``||``, ``!``, ``neg``, ``+``, …
        value: as `kind` says; None for operators.
        below: what it is made of.
    """

    kind: str
    line: int
    value: Any = None
    below: tuple[Expr, ...] = ()


class CedarClause(NamedTuple):
    """A ``when``, or an ``unless``."""

    unless: bool
    expr: Expr


class CedarPolicy(NamedTuple):
    """One policy.

    Attributes:
        effect: ``permit`` or ``forbid``.
        scope: of principal, action and resource: what is written behind each; None where nothing is.
        name: of its annotation ``@id``; "" without one.
    """

    effect: str
    line: int
    scope: dict[str, Expr | None]
    conditions: tuple[CedarClause, ...]
    name: str = ""


class _Token(NamedTuple):
    kind: str
    text: str
    line: int


def read_cedar(text: str) -> list[CedarPolicy]:
    """Read a set of policies.

    Raises:
        CedarProblem: it is too long, nested too deeply, or no Cedar.
    """
    if len(text) > LONGEST:
        raise CedarProblem(1, f"is longer than {LONGEST:,} characters")
    return list(_Reader(text).policies())


def _tokens(text: str) -> Iterator[_Token]:
    at, line = 0, 1
    while at < len(text):
        found = _TOKEN.match(text, at)
        if found is None:
            raise CedarProblem(line, f"unexpected character {text[at]!r}")
        if found.lastgroup != "blank":
            yield _Token(str(found.lastgroup), found.group(), line)
        line += found.group().count("\n")
        at = found.end()
    yield _Token("end", "the end of the file", line)


class _Reader:
    """Reads by descent: one method for each level of the grammar."""

    def __init__(self, text: str) -> None:
        self._all = list(_tokens(text))
        self._at = 0
        self._depth = 0

    def policies(self) -> Iterator[CedarPolicy]:
        while self._now.kind != "end":
            yield self._policy()

    # ---- tokens ----------------------------------------------------------------------------------------------------

    @property
    def _now(self) -> _Token:
        return self._all[self._at]

    def _is(self, *texts: str) -> bool:
        return self._now.kind in ("sign", "word") and self._now.text in texts

    def _take(self) -> _Token:
        token = self._now
        if token.kind != "end":
            self._at += 1
        return token

    def _may(self, text: str) -> bool:
        if self._is(text):
            self._take()
            return True
        return False

    def _must(self, text: str) -> _Token:
        if not self._is(text):
            raise self._wrong(f"expected {text!r}")
        return self._take()

    def _kind(self, kind: str, what: str) -> _Token:
        if self._now.kind != kind:
            raise self._wrong(f"expected {what}")
        return self._take()

    def _wrong(self, why: str) -> CedarProblem:
        return CedarProblem(self._now.line, f"{why}, found {self._now.text[:40]!r}")

    # ---- policies --------------------------------------------------------------------------------------------------

    def _policy(self) -> CedarPolicy:
        name = ""
        while self._may("@"):
            key = self._kind("word", "the name of an annotation").text
            value = ""
            if self._may("("):
                value = _unescaped(self._kind("text", "a text"))
                self._must(")")
            name = value if key == "id" else name
        token = self._kind("word", "'permit' or 'forbid'")
        if token.text not in ("permit", "forbid"):
            raise CedarProblem(token.line, f"expected 'permit' or 'forbid', found {token.text[:40]!r}")
        self._must("(")
        scope: dict[str, Expr | None] = {}
        for place, part in enumerate(("principal", "action", "resource")):
            if place:
                self._must(",")
            self._must(part)
            scope[part] = self._scope(part)
        self._may(",")
        self._must(")")
        conditions = []
        while self._is("when", "unless"):
            unless = self._take().text == "unless"
            self._must("{")
            conditions.append(CedarClause(unless, self._expr()))
            self._must("}")
        self._must(";")
        return CedarPolicy(token.text, token.line, scope, tuple(conditions), name)

    def _scope(self, part: str) -> Expr | None:
        if self._is(",", ")"):
            return None
        subject = Expr("variable", self._now.line, part)
        return self._relation_of(subject)

    # ---- expressions -----------------------------------------------------------------------------------------------

    def _expr(self) -> Expr:
        self._depth += 1
        if self._depth > DEEPEST:
            raise CedarProblem(self._now.line, f"expressions are nested deeper than {DEEPEST} levels")
        try:
            if self._is("if"):
                line = self._take().line
                condition = self._expr()
                self._must("then")
                yes = self._expr()
                self._must("else")
                return Expr("if", line, None, (condition, yes, self._expr()))
            return self._chain("||", lambda: self._chain("&&", self._relation))
        finally:
            self._depth -= 1

    def _chain(self, sign: str, inner: Any) -> Expr:
        parts = [inner()]
        while self._may(sign):
            parts.append(inner())
        return parts[0] if len(parts) == 1 else Expr(sign, parts[0].line, None, tuple(parts))

    def _relation(self) -> Expr:
        return self._relation_of(self._sum())

    def _relation_of(self, left: Expr) -> Expr:
        line = self._now.line
        if self._is(*_RELATIONS):
            sign = self._take().text
            return Expr(sign, line, None, (left, self._sum()))
        if self._may("has"):
            names = [self._name()]
            while self._may("."):
                names.append(self._name())
            return Expr("has", line, tuple(names), (left,))
        if self._may("like"):
            raw = self._kind("text", "a pattern in quotes")
            pieces = _unescaped(raw._replace(text=raw.text.replace("\\\\", "\\x5c").replace("\\*", _STAR))).split("*")
            return Expr("like", line, tuple(piece.replace(_STAR, "*") for piece in pieces), (left,))
        if self._may("is"):
            kind = self._path(self._kind("word", "a type").text)
            inside = (self._sum(),) if self._may("in") else ()
            return Expr("is", line, kind, (left, *inside))
        return left

    def _name(self) -> str:
        return _unescaped(self._take()) if self._now.kind == "text" else self._kind("word", "an attribute").text

    def _sum(self) -> Expr:
        left, terms = self._product(), 1
        while self._is("+", "-"):
            token, terms = self._take(), self._one_more(terms)
            left = Expr(token.text, token.line, None, (left, self._product()))
        return left

    def _product(self) -> Expr:
        left, factors = self._unary(), 1
        while self._is("*"):
            line, factors = self._take().line, self._one_more(factors)
            left = Expr("*", line, None, (left, self._unary()))
        return left

    def _one_more(self, number: int) -> int:
        if number >= DEEPEST:
            raise CedarProblem(self._now.line, f"a sum or a product has more than {DEEPEST} parts")
        return number + 1

    def _unary(self) -> Expr:
        signs = []
        while self._is("!", "-"):
            signs.append(self._take())
            if len(signs) > 4:
                raise self._wrong("more than four signs before a value")
        if signs and signs[-1].text == "-" and self._now.kind == "number":
            token = self._take()
            signs.pop()
            found = self._accesses(Expr("literal", token.line, _long(-int(token.text[:30]), token)))
        else:
            found = self._accesses(self._primary())
        for sign in reversed(signs):
            found = Expr("!" if sign.text == "!" else "neg", sign.line, None, (found,))
        return found

    def _accesses(self, found: Expr) -> Expr:
        count = 0
        while self._is(".", "["):
            count += 1
            if count > DEEPEST:
                raise CedarProblem(self._now.line, f"more than {DEEPEST} attributes of attributes")
            line = self._now.line
            if self._take().text == "[":
                found = Expr("get", line, _unescaped(self._kind("text", "an attribute in quotes")), (found,))
                self._must("]")
                continue
            name = self._kind("word", "an attribute").text
            if self._may("("):
                found = Expr("method", line, name, (found, *self._until(")")))
            else:
                found = Expr("get", line, name, (found,))
        return found

    def _until(self, closing: str) -> tuple[Expr, ...]:
        found: list[Expr] = []
        while not self._is(closing):
            found.append(self._expr())
            if not self._may(","):
                break
        self._must(closing)
        return tuple(found)

    def _primary(self) -> Expr:
        token = self._take()
        if token.kind == "text":
            return Expr("literal", token.line, _unescaped(token))
        if token.kind == "number":
            return Expr("literal", token.line, _long(int(token.text[:30]), token))
        if token.kind == "slot":
            return Expr("slot", token.line, token.text)
        if token.kind == "word":
            return self._word(token)
        if token.text == "(":
            found = self._expr()
            self._must(")")
            return found
        if token.text == "[":
            return Expr("list", token.line, None, self._until("]"))
        if token.text == "{":
            return self._record(token.line)
        raise CedarProblem(token.line, f"expected a value, found {token.text[:40]!r}")

    def _word(self, token: _Token) -> Expr:
        if token.text in ("true", "false"):
            return Expr("literal", token.line, token.text == "true")
        if self._is("::"):
            path = self._path(token.text)
            if self._now.kind == "text":
                return Expr("entity", token.line, (path.removesuffix("::"), _unescaped(self._take())))
            self._must("(")
            return Expr("call", token.line, path, self._until(")"))
        if token.text in ("principal", "action", "resource", "context"):
            return Expr("variable", token.line, token.text)
        if self._may("("):
            return Expr("call", token.line, token.text, self._until(")"))
        raise CedarProblem(token.line, f"there is no {token.text[:40]!r}")

    def _path(self, first: str) -> str:
        """Read the rest of a name with ``::``; before an entity's id it ends in them."""
        path = first
        while self._may("::"):
            path += "::"
            if self._now.kind == "text":
                break
            path += self._kind("word", "a name").text
        return path

    def _record(self, line: int) -> Expr:
        names: list[str] = []
        values: list[Expr] = []
        while not self._is("}"):
            names.append(self._name())
            self._must(":")
            values.append(self._expr())
            if not self._may(","):
                break
        self._must("}")
        return Expr("record", line, tuple(names), tuple(values))


def _long(value: int, token: _Token) -> int:
    if not -(2**63) <= value < 2**63 or len(token.text) > 19:
        raise CedarProblem(token.line, f"{token.text[:40]} is no 64-bit number")
    return value


def _unescaped(token: _Token) -> str:
    def one(found: re.Match[str]) -> str:
        code = found.group(1) or found.group(2)
        if code:
            number = int(code, 16)
            if number > 0x10FFFF or 0xD800 <= number < 0xE000:
                raise CedarProblem(token.line, f"{found.group()} is no character")
            return chr(number)
        if found.group(3) not in _ESCAPES:
            raise CedarProblem(token.line, f"{found.group()} is no escape")
        return _ESCAPES[found.group(3)]

    return _ESCAPE.sub(one, token.text[1:-1])
