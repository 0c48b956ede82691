"""Markdown: a pull-request comment. The verdict first, one compact table, the rest folded."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence

from shipworthy.core.document import (
    Block,
    Callout,
    Code,
    DocumentTree,
    Facts,
    Intervals,
    Paragraph,
    Picture,
    Section,
    Statement,
    Table,
    Transcript,
)
from shipworthy.core.records import CriterionResult, Decision
from shipworthy.core.registry import report
from shipworthy.core.terminal import visible
from shipworthy.reports._criterion import assumed, by_attack, drawn, interval_name, mind, needed
from shipworthy.reports._words import (
    NOT_MEASURED,
    SIGNS,
    VERDICTS,
    NumberWords,
    briefed,
    compared_words,
    counted,
    ledger_words,
    never_possible,
    one_line,
    ordered,
    reading,
    replies_words,
    subject_words,
    tally,
)

MARKS = {"ship": "\u2705", "no-ship": "\u274c", "inconclusive": "\u2753"}
ALERT_MARKS = {"bad": "\u274c", "good": "\u2705", "unsure": "\u2753"}
LIMIT = 60_000
"""Characters; GitHub refuses a comment of more than 65,536."""


class MarkdownReport:
    """GitHub-flavoured. Text from outside can make no link, mention, heading, image or HTML of its own."""

    media_type = "text/markdown"
    suffix = ".md"

    def render(self, decision: Decision, document: DocumentTree) -> str:
        """Return the comment: folded, but for the brief of a section that has one.

        Sections that would make it too long for GitHub are left out, and named.
        """
        word, _, _ = VERDICTS[decision.verdict]
        head = [*_alerts(document)]
        head += [f"## {MARKS[decision.verdict]} {word}: {_text(document.title)}", "", _text(decision.reason), ""]
        head += [f"{len(decision.criteria)} criteria: {tally(decision)}.", "", *_criteria(decision), ""]
        for section in briefed(document.children):
            brief = [f"**{_text(section.title)}**", ""]
            for part in section.brief:
                brief += [*_block(part), ""]
            if sum(len(line) + 1 for line in (*head, *brief)) <= LIMIT // 2:
                head += brief
        if weak := [f"- {_text(r.id)}: {_text(why)}" for r in decision.criteria if (why := mind(r))]:
            head += [*weak, ""]
        if scorers := [*_folded(decision, "What the verdict assumes of the scorers", assumed)]:
            head += [*scorers[1:], ""]
        about = (
            f"Decision {decision.id}, {decision.created}, gate {decision.gate}, subject {decision.subject_digest[:19]}"
        )
        foot = ["", f"<sub>{_text(about)}</sub>"]
        if decision.subject:
            head += [f"Decided on {_text(subject_words(decision.subject))}.", ""]
        if decision.baseline_runs:
            head += [f"Compared with {_text(compared_words(decision))}.", ""]
        head += _came_about(decision)
        body: list[str] = []
        left: list[str] = []
        room = LIMIT - sum(len(line) + 1 for line in (*head, *foot))
        for block in document.children:
            lines = [*_top(block), ""]
            size = sum(len(line) + 1 for line in lines)
            if size <= room:
                body += lines
                room -= size
            else:
                left.append(_text(block.title) if isinstance(block, Section) else type(block).__name__.lower())
        if left:
            body += [f"Too long for a comment, see the HTML report: {', '.join(left)[:1000]}.", ""]
        return "\n".join([*head, *body, *foot]).strip("\n") + "\n"


def page(document: DocumentTree) -> str:
    """Return a document that no decision stands behind, such as runs side by side; it is not cut to any size."""
    lines = [f"## {_text(document.title)}", ""]
    for block in document.children:
        lines += [*_block(block), ""]
    return "\n".join(lines).strip("\n") + "\n"


def _alerts(document: DocumentTree) -> Iterator[str]:
    """Yield what a reviewer must see first, as one table; what does not fit into half a comment is counted."""
    if not document.alerts:
        return
    blocks = any(one.tone == "bad" for one in document.alerts)
    yield from (f"> [!{'CAUTION' if blocks else 'IMPORTANT'}]", f"> **{_text(document.alerted)}**", "")
    yield from ("| | What | From, to | Says |", "|---|---|---|---|")
    room = LIMIT // 2
    for shown, one in enumerate(sorted(document.alerts, key=lambda alert: alert.tone != "bad")):
        name = f"**{_text(one.name)}**" + (f"<br>{_text(one.place)}" if one.place else "")
        line = f"| {ALERT_MARKS.get(one.tone, '')} | {name} | {_text(one.text)} | {_text(one.note)} |"
        if (room := room - len(line)) < 0:
            yield f"| | and {len(document.alerts) - shown:,} more | | |"
            break
        yield line
    yield ""


def section(block: Section, level: int = 2) -> str:
    """Return a section of a document that is a file by itself, under headings of its own."""
    lines = [f"{'#' * level} {_text(block.title)}", ""]
    for child in block.children:
        lines += [section(child, level + 1), ""] if isinstance(child, Section) else [*_block(child), ""]
    return "\n".join(lines).strip("\n") + "\n"


def heading(document: DocumentTree) -> str:
    """Return the head of such a document: its title, what stands below it, and blocks before the first section."""
    lines = [f"# {_text(document.title)}", "", *([_text(document.subtitle), ""] if document.subtitle else [])]
    for child in document.children:
        if not isinstance(child, Section):
            lines += [*_block(child), ""]
    return "\n".join(lines).strip("\n") + "\n"


def _came_about(decision: Decision) -> Iterator[str]:
    said = {"Ledger": ledger_words(decision.ledger) if decision.ledger else "", "Cache": replies_words(decision)}
    said["Self-test of the gate"] = decision.selftest.sentence if decision.selftest else ""
    for name, words in said.items():
        yield from (f"{name}: {_text(words)}.", "") if words else ()


def _criteria(decision: Decision) -> Iterator[str]:
    name = interval_name(decision.criteria)
    yield f"| | Criterion | Rate<br>{name} | Bound<br>limit | Hits / attempts<br>samples | Unscored<br>worst case |"
    yield "|---|---|--:|--:|--:|--:|"
    for result in ordered(decision):
        where = f"{result.suite}, {result.metric}: {result.must}"
        cells = (
            f"{MARKS[result.verdict]} {result.verdict}",
            f"**{_text(result.id)}**<br>{_text(where)}",
            *_measured(result),
            f"{counted(result).replace('/', ' / ')}<br>{result.clusters:,}",
            "<br>".join([f"{result.left_out:,}", *(filter(None, (_worst(result), _out(result))) or [""])]),
        )
        yield f"| {' | '.join(cells)} |"
    # Of what ships, too, where a rate over all attacks could hide one that works.
    why = [
        r for r in ordered(decision)
        if r.verdict != "ship" or r.left_out or len({a.rate for a in r.attacks}) > 1 or decision.beside(r)
    ]  # fmt: skip
    if why:
        yield ""
        yield from (_why(result, decision.beside(result)) for result in why)
    yield from _folded(decision, "Attempts that were never possible", never_possible)
    yield from _folded(decision, "Each attack by itself: rate, interval, hits / attempts", by_attack)


def _folded(decision: Decision, title: str, say: Callable[[CriterionResult], str]) -> Iterator[str]:
    """Yield a folded list of what is said of each criterion; nothing where nothing is."""
    lines = [f"- **{_text(result.id)}** {_text(said)}" for result in ordered(decision) if (said := say(result))]
    if lines:
        yield from ("", f"<details><summary>{_text(title)}</summary>", "", *lines, "", "</details>")


def _measured(result: CriterionResult) -> tuple[str, str]:
    how, line = reading(result), drawn(result)
    # Of a change, bound and limit are amounts of worsening, and are drawn on the side where it lies.
    if line.rate is None:
        return NOT_MEASURED, f"-<br>{_text(how.show(line.limit))}"
    between = f"{how.show(result.low).removesuffix(how.ending)} to {how.show(result.high)}"
    bound = f"{_text(how.show(line.bound, line.limit))}<br>{_text(how.show(line.limit))}"
    return f"{_text(how.show(line.rate))}<br>{_text(between)}", bound


def _out(result: CriterionResult) -> str:
    return f"{sum(result.inapplicable.values()):,} left out" if result.inapplicable else ""


def _worst(result: CriterionResult) -> str:
    return "" if result.worst_rate is None else _text(reading(result).show(result.worst_rate))


def _why(result: CriterionResult, beside: Sequence[str]) -> str:
    return f"- **{_text(result.id)}** {_text('; '.join(s for s in (result.reason, needed(result), *beside) if s))}"


def _top(block: Block) -> Iterator[str]:
    if isinstance(block, Section):
        yield f"<details><summary>{_text(block.title)}</summary>"
        yield ""
        for child in block.children:
            yield from (*_block(child), "")
        yield "</details>"
    else:
        yield from _block(block)


def _block(block: Block) -> Iterator[str]:
    match block:
        case Section(title, children):
            yield from (f"**{_text(title)}**", "")
            for child in children:
                yield from (*_block(child), "")
        case Paragraph(text):
            yield from _paragraph(text)
        case Statement(text, sources, tone):
            mark = f"{SIGNS[tone]} " if tone != "plain" else ""
            yield f"{mark}{_text(text)} <sub>{_text(' · '.join(sources))}</sub>"
        case Callout(text, tone, title):
            yield f"> **{SIGNS[tone]}{f' {_text(title)}' if title else ''}** {_text(text)}"
        case Facts(rows):
            yield from _rows(("", ""), rows, ())
        case Table():
            yield from _table(block)
        case Intervals():
            yield from _intervals(block)
        case Transcript(title, turns, note, tone):
            yield f"{SIGNS[tone]} **{_text(title)}**{f' ({_text(note)})' if note else ''}"
            for turn in turns:
                yield from ("", f"*{_text(turn.role)}*", "", *_fenced(turn.text))
        case Picture(title, _, mermaid):
            yield from (_text(title), "", *_fenced(mermaid, "mermaid"))
        case Code(text, language):
            yield from _fenced(text, re.sub(r"[^a-z0-9]", "", language.lower())[:20])


def _table(table: Table) -> Iterator[str]:
    if table.caption:
        yield from (_text(table.caption), "")
    if table.tones:
        marked = [(SIGNS[t], *row) for t, row in zip(table.tones, table.rows, strict=False)]
        yield from _rows(("", *table.columns), marked, [n + 1 for n in table.numeric])
    else:
        yield from _rows(table.columns, table.rows, table.numeric)


def _intervals(picture: Intervals) -> Iterator[str]:
    if picture.caption:
        yield from (_text(picture.caption), "")
    show = NumberWords(picture.change, picture.unit).show
    body = []
    for r in picture.rows:
        between = f"{show(r.low)} to {show(r.high)}" if r.rate is not None else "-"
        rate = show(r.rate) if r.rate is not None else NOT_MEASURED
        body.append((SIGNS[r.tone], r.label, rate, between, show(r.bound, r.limit), show(r.limit), r.note))
    columns = (
        "",
        "",
        "Rate" if picture.unit is None else "Mean",
        "95 % interval",
        "Bound",
        f"Limit ({picture.better} is better)",
        "",
    )
    yield from _rows(columns, body, (2, 3, 4, 5))


def _rows(columns: Sequence[str], rows: Sequence[Sequence[str]], numeric: Sequence[int]) -> Iterator[str]:
    yield f"| {' | '.join(_cell(c) for c in columns)} |"
    yield f"|{'|'.join('--:' if i in numeric else '---' for i in range(len(columns)))}|"
    for row in rows:
        yield f"| {' | '.join(_cell(c) for c in row)} |"


def _cell(text: str) -> str:
    first, _, second = text.partition("\n")
    if not first:
        return f"<sub>{_text(second)}</sub>" if second.strip() else ""
    return f"{_text(first)}<br>{_text(second)}" if second.strip() else _text(first)


def _fenced(text: str, language: str = "") -> Iterator[str]:
    """Yield a code block whose fence is longer than any run of backticks in it."""
    shown = visible(text)
    fence = "`" * max(3, 1 + max((len(run) for run in re.findall(r"`+", shown)), default=0))
    yield from (fence + (language or "text"), *shown.split("\n"), fence)


def _paragraph(text: str) -> Iterator[str]:
    yield from (_text(line) for line in text.split("\n"))


_ACTIVE = re.compile(r"[\\`*_\[\]<>#!|~&@$]|:(?=\S)|(?<=www)\.|^[-=+](?=[\s=-]|$)|(?<=^\d)[.)](?=\s)")

_REFERENCED = frozenset("<>&@:.|$")
"""Written as character references: a backslash does not stop a mention, an address, a table's cell or HTML."""


def _text(text: str) -> str:
    """Return one line in which nothing is markup."""
    return _ACTIVE.sub(_escaped, one_line(text))


def _escaped(found: re.Match[str]) -> str:
    character = found.group()
    return f"&#{ord(character)};" if character in _REFERENCED else f"\\{character}"


@report
def markdown() -> MarkdownReport:
    """Build the Markdown report."""
    return MarkdownReport()
