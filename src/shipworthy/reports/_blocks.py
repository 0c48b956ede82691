"""The document's blocks as HTML. Every text goes through `say`: made visible, then escaped."""

from __future__ import annotations

import re
from base64 import b64encode
from html import escape

from shipworthy.core.document import (
    Block,
    Callout,
    Code,
    Facts,
    Intervals,
    Paragraph,
    Picture,
    Section,
    Statement,
    Table,
    Tone,
    Transcript,
)
from shipworthy.core.svg import markup_text as say
from shipworthy.reports import _picture

TONE_WORDS: dict[Tone, str] = {"good": "good: ", "bad": "bad: ", "unsure": "undecided: ", "plain": ""}
"""Read aloud where the eye sees a sign."""

SHORT = 70
"""Characters of a fact that may stand in half the width; a digest has one more."""
LONG = 40
"""Characters of a word that is broken anywhere rather than let a table leave its page: a digest."""
UNBROKEN = 24
"""Characters of a cell that is not broken: of a word never, of a phrase on a wide screen."""


def sign(tone: Tone) -> str:
    """Return a tone as a small drawn sign with its word for screen readers."""
    if tone == "plain":
        return ""
    return f'{_picture.sign(tone)}<span class="aloud">{TONE_WORDS[tone]}</span>'


def anchor(section: Section, number: str) -> str:
    """Return a section's fragment: its id, or one made from its place."""
    return section.id if re.fullmatch(r"[A-Za-z][\w.-]*", section.id) else f"section-{number}"


def block(child: Block, level: int, number: str) -> str:
    """Return one block.

    Args:
        level: of a heading here, 2 to 6.
        number: its place in the document, such as ``2-1``.
    """
    match child:
        case Section(title, children):
            inner = "".join(block(c, min(6, level + 1), f"{number}-{n}") for n, c in enumerate(children, start=1))
            return f'<section id="{escape(anchor(child, number))}"><h{level}>{say(title)}</h{level}>{inner}</section>\n'
        case Paragraph(text):
            return "".join(f"<p>{say(p)}</p>" for p in text.split("\n\n")) + "\n"
        case Statement(text, sources, tone):
            from_ = f'<span class="sources">{" · ".join(say(one) for one in sources)}</span>'
            return f'<p class="statement {tone}">{sign(tone)}{say(text)} {from_}</p>\n'
        case Callout(text, tone, title):
            head = f"<strong>{say(title)}</strong> " if title else ""
            return f'<div class="callout {tone}">{sign(tone)}<p>{head}{say(text)}</p></div>\n'
        case Facts(rows):
            pairs = "".join(f"<div><dt>{say(n)}</dt><dd>{say(v)}</dd></div>" for n, v in rows)
            short = all(len(value) <= SHORT for _, value in rows)
            return f'<dl class="facts{" short" if short else ""}">{pairs}</dl>\n'
        case Table():
            return _table(child)
        case Intervals():
            return _picture.intervals(child)
        case Transcript():
            return _transcript(child)
        case Picture():
            return _figure(child)
        case Code(text):
            return f"<pre><code>{say(text)}</code></pre>\n"


def _figure(picture: Picture) -> str:
    """Return a drawing as an image of its own: its styles stay with it, and nothing in it can act on the page."""
    data = b64encode(picture.svg.encode()).decode()
    # As large as its letters must be to be read; the figure scrolls, where that is wider than the page.
    wide = re.search(r' width="([0-9]+)"', picture.svg)
    size = f' width="{int(wide[1]) * 4 // 5}"' if wide else ""
    return (
        f'<figure class="drawing" tabindex="0" role="group" aria-label="{say(picture.title)}">'
        f'<img{size} alt="{say(picture.text)}" src="data:image/svg+xml;base64,{data}">'
        f"<figcaption>{say(picture.title)}</figcaption></figure>\n"
    )


def _table(table: Table) -> str:
    # Ids and verdicts are not torn at their hyphens; sentences are.
    columns = range(len(table.columns))
    whole = {n for n in columns if all(_is_short(row[n]) for row in table.rows if n < len(row))}
    words = {n for n in whole if not any(" " in row[n].partition("\n")[0] for row in table.rows if n < len(row))}

    def cell(tag: str, text: str, column: int, lead: str = "") -> str:
        kinds = ["number"] if column in table.numeric else []
        kinds += ["key"] if column in words else ["phrase"] if column in whole else []
        kinds += ["long"] if any(len(word) > LONG for word in text.split()) else []
        style = f' class="{" ".join(kinds)}"' if kinds else ""
        # On a phone a row becomes a card, in which every value stands beside its column's name.
        label = table.columns[column].replace("\n", ", ")
        name = ' scope="col"' if tag == "th" else f' data-label="{say(label)}"'
        first, _, second = text.partition("\n")
        under = f'<span class="under">{say(second)}</span>' if second.strip() else ""
        return f"<{tag}{name}{style}>{lead}{say(first)}{under}</{tag}>"

    caption = f"<caption>{say(table.caption)}</caption>" if table.caption else ""
    head = "".join(cell("th", c, n) for n, c in enumerate(table.columns))
    rows = []
    for number, row in enumerate(table.rows):
        tone: Tone = table.tones[number] if number < len(table.tones) else "plain"
        given = row[: len(table.columns)]
        cells = "".join(cell("td", c, n, sign(tone) if n == 0 else "") for n, c in enumerate(given))
        rows.append(f'<tr class="{tone}">{cells}</tr>')
    return (
        f'<div class="scroll" tabindex="0" role="group" aria-label="{say(table.caption or "Table")}"><table>{caption}'
        f"<thead><tr>{head}</tr></thead><tbody>{''.join(rows)}</tbody></table></div>\n"
    )


def _is_short(cell: str) -> bool:
    return len(cell.partition("\n")[0]) <= UNBROKEN


def _transcript(transcript: Transcript) -> str:
    note = f'<p class="note">{say(transcript.note)}</p>' if transcript.note else ""
    turns = "".join(
        # dir="auto": a right-to-left answer is laid out as such, and cannot reorder what stands around it.
        f'<div class="turn {_role(t.role)}"><p class="role">{say(t.role)}</p>'
        f'<p class="said" dir="auto">{say(t.text)}</p></div>'
        for t in transcript.turns
    )
    return (
        f'<article class="transcript {transcript.tone}"><header>{sign(transcript.tone)}<p>{say(transcript.title)}</p>'
        f"</header>{note}{turns}</article>\n"
    )


def _role(role: str) -> str:
    return role if role in ("system", "user", "assistant", "tool") else "other"
