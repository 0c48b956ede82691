"""Files of labels that are malformed, and cells that a spreadsheet would run."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from pathlib import Path

from case import Case, Outcome, accepted, judge
from lab import Lab

KIND = "labels, malformed"
FORMULAS = (
    "=1+1",
    "+1",
    "-1",
    "@SUM(A1)",
    "\t=1",
    "\r=1",
    "=cmd|' /C calc'!A0",
    '=HYPERLINK("http://x","y")',
    "'=1",
    "''+1",
)


def controls(lab: Lab) -> Iterator[Case]:
    """One label of an attempt that there is."""
    yield Case(
        KIND, "control: one label", lambda: accepted(_import(lab, "attempt,metric,label,by\n{id},leak,hit,ada\n"))
    )


def cases(lab: Lab) -> Iterator[Case]:
    """Texts, and cells that come out again."""
    for name, text in _texts():
        yield Case(KIND, name, lambda text=text: judge(_import(lab, text), codes=(2,)))
    for cell in FORMULAS:
        yield Case(KIND, f"a comment {cell!r}, exported", lambda cell=cell: _exported(lab, cell, "comment"))
        yield Case(KIND, f"a name {cell!r}, exported", lambda cell=cell: _exported(lab, cell, "by"))
    for cell in ("\x1b[2Jship", "a\x9b2Kb", "\u202egood", "\x07"):
        yield Case(KIND, f"a comment {cell!r}, shown", lambda cell=cell: _shown(lab, cell))


def _attempt(lab: Lab) -> str:
    from shipworthy.evals.results import Run
    from shipworthy.store.layout import Layout

    run = Run.load(Layout(lab.held_back.root).run_directory("latest"))
    return next(attempt.id for attempt in run.attempts() if attempt.suite == "leaks")


def _import(lab: Lab, text: str | bytes, *, root: Path | None = None):  # type: ignore[no-untyped-def]
    root = root or lab.copy(lab.held_back.root)
    data = text.encode("utf-8", "surrogatepass") if isinstance(text, str) else text
    (root.parent / "labels.csv").write_bytes(data.replace(b"{id}", _attempt(lab).encode()))
    return lab.run("labels", "import", root.parent / "labels.csv", "-C", root, tty=True)


def _exported(lab: Lab, cell: str, column: str) -> Outcome:
    root = lab.copy(lab.held_back.root)
    quoted = '"' + cell.replace('"', '""') + '"'
    row = f"attempt,metric,label,{column}\n{{id}},leak,hit,{quoted}\n"
    row = (
        row
        if column == "by"
        else row.replace(f",{column}\n", f",{column},by\n").replace(f"{quoted}\n", f"{quoted},ada\n")
    )
    ran = _import(lab, row, root=root)
    if ran.code:
        return judge(ran, codes=(2,))
    out = lab.run("labels", "export", "-C", root)
    cells = [c for row in csv.reader(io.StringIO(out.out, newline="")) for c in row]
    harm = next((f"the cell {c!r} is a formula" for c in cells if c[:1] in tuple("=+-@\t\r")), "")
    return judge(out._replace(out=out.out.replace("\r\n", "\n")), harm=harm, codes=(0,))


def _shown(lab: Lab, cell: str) -> Outcome:
    root = lab.copy(lab.held_back.root)
    ran = _import(lab, f'attempt,metric,label,comment,by\n{{id}},leak,hit,"{cell}",ada\n', root=root)
    if ran.code:
        return judge(ran, codes=(2,))
    first = judge(ran, codes=(0,))
    out = lab.run("labels", "export", "-C", root, tty=True)
    return first if first.word != "refused" else judge(out._replace(out=out.out.replace("\r\n", "\n")), codes=(0,))


def _texts() -> Iterator[tuple[str, str | bytes]]:
    head, row = "attempt,metric,label,by\n", "{id},leak,hit,ada\n"
    yield "empty", b""
    yield "no column", "a,b,c\n1,2,3\n"
    yield "no header", row
    yield "a column that clears the screen", "attempt,metric,\x1b[2Jlabel\n{id},leak,hit\n"
    yield "a column twice, of two minds", "attempt,metric,label,label,by\n{id},leak,hit,no,ada\n"
    yield "UTF-16", (head + row).encode("utf-16")
    yield "Latin-1", (head + row.replace("ada", "Gr\xf6\xdfe")).encode("latin-1")
    yield "zeros", head.encode() + b"\0" * 100
    yield "a quote left open", head + '{id},leak,"hit,ada\n'
    yield "text after a quote", head + '{id},leak,"hit"x,ada\n'
    yield "more fields than columns", head + row.strip() + ",x,y\n"
    yield "a field of 200,000 letters", head + "{id},leak,hit," + "a" * 200_000 + "\n"
    yield "a line of 200,000 fields", head + "," * 200_000 + "x\n"
    yield "another attempt", head + "AT-0000000000000000,leak,hit,ada\n"
    yield "an attempt that clears the screen", head + "\x1b[2Jship,leak,hit,ada\n"
    yield "another metric", head + "{id},none,hit,ada\n"
    yield "a metric that clears the screen", head + "{id},\x1b[2Jship,hit,ada\n"
    for word in (
        "",
        "Hit",
        "HIT",
        "yes",
        "1",
        "true",
        "hit!",
        "\u04bbit",
        "no-hit ship",
        "nohit",
        "h\u200bit",
        "\x1b[2J",
    ):
        yield f"the label {word!r}", head + f"{{id}},leak,{word},ada\n"
    yield "nobody", head + "{id},leak,hit,\n"
    yield "nobody but a space", head + "{id},leak,hit, \n"
    yield "the opposite of it", head + row + row.replace("hit", "no-hit")
    yield "JSON", b'{"attempt":"x"}'
    yield "a page", b"<html><script>alert(1)</script></html>"
    yield "tabs for commas", (head + row).replace(",", "\t")
    yield "a program", b"\x7fELF" + bytes(range(256)) * 4
    yield "half a surrogate pair", head + "{id},leak,hit,\ud800\n"
