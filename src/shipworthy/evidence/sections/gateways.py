"""What a certificate in the pack says of a gateway: which marks it stopped, and which came out, where."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

from shipworthy.core.document import Block, Callout, Facts, Paragraph, Section, Table, Tone
from shipworthy.evidence.certified import Certified

_SHOWN = 30
_SAID = {
    "conformant": "no mark came out of any cell that the gateway claims and serves",
    "leaks": "marks came out",
    "alters": "harmless words, or words in shadow, came changed",
    "inconclusive": "something broke, or nothing was stopped, so nothing is shown",
}
_COLUMNS = ("stopped", "leaked", "broken", "altered", "unchanged", "not served", "not claimed")


def gateway(found: Certified) -> Section:
    """Return a certificate's section: facts, cells by route and form, the leaks, and what was left out."""
    said, total = found.said, found.said["summary"]
    about, matrix = said["gateway"], said["matrix"]
    facts = [
        ("Gateway", f"{about['name']} at {about['address']}"),
        ("Guards", about["guards"] or "undeclared: which ones were in force is unproven"),
        ("Asked", f"{said['created']}, mode {matrix['mode']}, seed {matrix['seed']}, {len(said['cells']):,} cells"),
        ("Marks", ", ".join(matrix["entities"])),
        ("Kit", f"shipworthy {said['kit']['version']}, {said['kit']['digest']}"),
        ("Leaks", _rate(total["leak_rate"])),
    ]
    word = found.verdict
    blocks: list[Block] = [
        Callout(f"{word}: {_SAID[word]}.", _tone(word)),
        Facts(tuple(facts)),
        _table(total["by_route"]),
    ]
    if leaks := [row for row in said["cells"] if row["role"] != "control" and row["outcome"] == "leaked"]:
        blocks.append(_leaks(leaks))
    blocks.append(Paragraph("Left out: " + "; ".join(total["left_out"]) + "."))
    return Section(f"Gateway: {about['name']}", tuple(blocks), "gateway-" + said["matrix"]["digest"][7:19])


def _tone(word: str) -> Tone:
    return "good" if word == "conformant" else "unsure" if word == "inconclusive" else "bad"


def _rate(rate: Mapping[str, Any] | None) -> str:
    if rate is None:
        return "no cell was stopped or leaked"
    return f"{rate['hits']} of {rate['of']} (95 % exact: {rate['low']:.2%} to {rate['high']:.2%})"


def _table(rows: Any) -> Table:
    told = [(r["route"], r["source"], r["asked"], *(str(r["counts"].get(name, 0)) for name in _COLUMNS)) for r in rows]
    tones: list[Tone] = [
        "bad" if row["counts"].keys() & {"leaked", "altered"} else "unsure" if "broken" in row["counts"] else "plain"
        for row in rows
    ]
    caption = "Cells, by route, who says the mark, and whether a stream is asked for."
    columns = ("Route", "Who says it", "Asked for", *(name.capitalize() for name in _COLUMNS))
    return Table(columns, tuple(told), caption, tuple(tones), tuple(range(3, len(columns))))


def _leaks(rows: list[Mapping[str, Any]]) -> Table:
    places = Counter((r["route"], r["asked"], r["place"], r["entity"], r["channel"]) for r in rows)
    told = [(*place, f"{number:,}") for place, number in places.most_common(_SHOWN)]
    more = f", the first {_SHOWN} of {len(places)} places" if len(places) > _SHOWN else ""
    columns = ("Route", "Asked for", "Place of the mark", "Mark", "Where it came out", "Cells")
    return Table(columns, tuple(told), f"Marks that came out, probes among them{more}.", (), (5,))
