"""One HTML file: a director reads its first screen, an auditor the rest. No script, no font, no image from outside."""

from __future__ import annotations

from functools import cache
from html import escape
from importlib.resources import files

from shipworthy.core.document import Callout, DocumentTree, Section
from shipworthy.core.records import Decision
from shipworthy.core.registry import report
from shipworthy.reports import _blocks, _picture
from shipworthy.reports._words import (
    CRITERIA,
    VERDICTS,
    compared_words,
    has_section,
    ledger_words,
    one_line,
    replies_words,
    subject_words,
    tally,
)

POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'"
"""The page's own Content-Security-Policy: even text that slipped through could load and run nothing."""


class HtmlReport:
    """Self-contained: reads well on a screen (light, dark, narrow), on A4 paper, and aloud."""

    media_type = "text/html"
    suffix = ".html"

    def render(self, decision: Decision, document: DocumentTree) -> str:
        """Return the page."""
        word, _, _ = VERDICTS[decision.verdict]
        title = one_line(document.title)
        sections = [(b, n) for n, b in enumerate(document.children, start=1) if isinstance(b, Section)]
        own = "" if has_section(document.children, CRITERIA) else _criteria(decision)
        body = "".join(_blocks.block(child, 2, str(n)) for n, child in enumerate(document.children, start=1))
        first = _alerts(document)
        head = f"{_masthead(document)}{first}{_banner(decision)}{_contents(sections, has_criteria=bool(own))}"
        return _page(f"{word}: {title}", head, own + body, _foot(decision))


def page(document: DocumentTree, maker: str = "shipworthy", *, contents: bool = False) -> str:
    """Return a page that no decision stands behind, such as runs side by side.

    Args:
        maker: the small line above the title.
        contents: whether links to the sections stand before them.
    """
    body = "".join(_blocks.block(child, 2, str(n)) for n, child in enumerate(document.children, start=1))
    sections = [(b, n) for n, b in enumerate(document.children, start=1) if isinstance(b, Section)]
    links = _contents(sections, has_criteria=False) if contents else ""
    return _page(one_line(document.title), _masthead(document, maker) + links, body, "")


def _page(title: str, head: str, body: str, foot: str) -> str:
    return (
        "<!doctype html>\n"
        '<html lang="en"><head><meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{escape(POLICY)}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta name="color-scheme" content="light dark"><meta name="robots" content="noindex">\n'
        f"<title>{escape(title)}</title>\n<style>{_style()}</style></head>\n<body>\n"
        '<a class="skip" href="#main">Skip to the report</a>\n'
        f'{head}<main id="main">\n{body}</main>\n{foot}</body></html>\n'
    )


@cache
def _style() -> str:
    return files(__package__).joinpath("_html.css").read_text(encoding="utf-8")


def _masthead(document: DocumentTree, maker: str = "shipworthy · release decision") -> str:
    subtitle = f"<p>{escape(one_line(document.subtitle))}</p>" if document.subtitle else ""
    title = escape(one_line(document.title))
    return f'<header class="masthead"><p class="maker">{maker}</p><h1>{title}</h1>{subtitle}</header>\n'


def _banner(decision: Decision) -> str:
    word, _, tone = VERDICTS[decision.verdict]
    facts = (
        ("System", decision.system),
        ("Gate", decision.gate),
        ("Decided", decision.created.replace("T", " ").removesuffix("Z") + " UTC"),
        ("Criteria", tally(decision)),
    )
    listed = "".join(f"<div><dt>{escape(n)}</dt><dd>{escape(one_line(v))}</dd></div>" for n, v in facts)
    return (
        f'<section class="banner {tone}" aria-label="Verdict">{_picture.seal(tone)}'
        f'<div><p class="verdict">{escape(word.capitalize())}</p><p class="why">{escape(one_line(decision.reason))}</p>'
        f"</div><dl>{listed}</dl></section>\n"
    )


def _alerts(document: DocumentTree) -> str:
    """Return what a reviewer must see before the verdict."""
    if not document.alerts:
        return ""
    said = "".join(
        _blocks.block(
            Callout("; ".join(filter(None, (one.text, one.note, one.place))), one.tone, one.name), 2, f"alert-{n}"
        )
        for n, one in enumerate(document.alerts, start=1)
    )
    head = f"<h2>{escape(one_line(document.alerted))}</h2>"
    return f'<section class="alerts" aria-label="Seen first">{head}{said}</section>\n'


def _contents(sections: list[tuple[Section, int]], *, has_criteria: bool) -> str:
    if len(sections) < 3:
        return ""
    links = [f'<li><a href="#{CRITERIA}">Criteria</a></li>'] if has_criteria else []
    links += [
        f'<li><a href="#{escape(_blocks.anchor(s, str(n)))}">{escape(one_line(s.title))}</a></li>' for s, n in sections
    ]
    return f'<nav aria-label="Contents"><ol>{"".join(links)}</ol></nav>\n'


def _criteria(decision: Decision) -> str:
    rows = _picture.criteria(decision)
    return f'<section id="{CRITERIA}"><h2>Criteria</h2>{rows}</section>\n'


def _foot(decision: Decision) -> str:
    facts = (
        ("Decision", decision.id),
        ("Runs", ", ".join(decision.runs)),
        ("Compared with", compared_words(decision) or "nothing"),
        ("Ledger", ledger_words(decision.ledger) if decision.ledger else "not kept by the version that decided"),
        ("Cache", replies_words(decision) or "not told by the version that decided"),
        ("Self-test of the gate", decision.selftest.sentence if decision.selftest else "none was made"),
        ("Safety files", decision.spec_digest),
        ("System under test", subject_words(decision.subject) if decision.subject else decision.subject_digest),
        ("Subject", decision.subject_digest),
    )
    rows = "".join(f"<div><dt>{escape(n)}</dt><dd>{escape(one_line(v))}</dd></div>" for n, v in facts)
    return f'<footer><dl class="ids">{rows}</dl></footer>\n'


@report
def html() -> HtmlReport:
    """Build the HTML report."""
    return HtmlReport()
