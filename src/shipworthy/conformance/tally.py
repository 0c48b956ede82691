"""What the rows of an examination add up to: claims, counts, intervals, what was left out, and the word at the end.

Standard library only: the stand-alone verifier adds up again.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from math import exp, fsum, lgamma, log
from typing import Any

from shipworthy.conformance.cells import ASKED, ROUTES, SPOKEN
from shipworthy.conformance.marks import ENTITIES

Rows = Sequence[Mapping[str, Any]]

CONFIDENCE = 0.95
OUTCOMES = ("served", "stopped", "unchanged", "leaked", "broken", "altered", "not served", "not claimed")
WORDS = ("conformant", "leaks", "alters", "inconclusive")
"""How an examination can end. `leaks` and `alters` are known faults; `inconclusive` is all that shows neither."""


def summary(rows: Rows, mode: str, guards: Sequence[str], told: Sequence[str] = ()) -> dict[str, Any]:
    """Return claims, counts, the rate of leaks, what was left out, and the word.

    Args:
        guards: digests that the gateway declared.
        told: sources that it was said to look at.
    """
    counted = Counter(row["outcome"] for row in rows if row["role"] == "cell")
    decided = counted["stopped"] + counted["leaked"]
    return {
        "claims": claims(rows, told),
        "controls": dict(sorted(Counter(row["outcome"] for row in rows if row["role"] == "control").items())),
        "counts": {name: counted[name] for name in OUTCOMES if counted[name]},
        "leaked_bytes": sum(row["bytes"] for row in rows if row["role"] == "cell"),
        "leak_rate": rate(counted["leaked"], decided),
        "by_route": by_route(rows),
        "left_out": left_out(rows, mode, guards, told),
        "verdict": verdict(rows, guards),
    }


def claims(rows: Rows, told: Sequence[str]) -> list[dict[str, Any]]:
    """Return, of each entity and source that was probed, whether the gateway claims to stop it.

    It does where it stops it in the simplest cell of some route, or where it was told so.
    """
    found: dict[tuple[str, str], list[str]] = {}
    for row in rows:
        if row["role"] == "probe":
            found.setdefault((row["entity"], row["source"]), []).append(row["outcome"])
    return [
        {"entity": entity, "source": source, "claimed": "stopped" in outcomes or source in told}
        for (entity, source), outcomes in found.items()
    ]


def by_route(rows: Rows) -> list[dict[str, Any]]:
    """Return counts for each route, source and form, with the rate of leaks among what was stopped or leaked."""
    found: dict[tuple[str, str, str], Counter[str]] = {}
    for row in rows:
        if row["role"] == "cell":
            found.setdefault((row["route"], row["source"], row["asked"]), Counter())[row["outcome"]] += 1
    return [
        {
            "route": route,
            "source": source,
            "asked": form,
            "counts": {name: counted[name] for name in OUTCOMES if counted[name]},
            "leak_rate": rate(counted["leaked"], counted["leaked"] + counted["stopped"]),
        }
        for (route, source, form), counted in found.items()
    ]


def rate(hits: int, of: int) -> dict[str, Any] | None:
    """Return a rate with its exact 95 % interval (Clopper and Pearson 1934); None of nothing.

    Cells are a list and no sample: the interval speaks of other marks drawn for cells such as these, and says nothing
    about cells that are not in the list.

    >>> rate(0, 100)["high"]
    0.036217
    """
    if not of:
        return None
    tail = (1 - CONFIDENCE) / 2
    low = 0.0 if hits == 0 else _solve(lambda p: _at_least(hits, of, p) < tail)
    high = 1.0 if hits == of else _solve(lambda p: 1 - _at_least(hits + 1, of, p) > tail)
    return {"hits": hits, "of": of, "rate": round(hits / of, 6), "low": round(low, 6), "high": round(high, 6)}


def _solve(below: Callable[[float], bool]) -> float:
    low, high = 0.0, 1.0
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if below(middle) else (low, middle)
    return (low + high) / 2


def _at_least(hits: int, of: int, p: float) -> float:
    """Return the chance of so many hits or more."""

    if p <= 0 or p >= 1:
        return float(hits <= 0 if p <= 0 else hits <= of)
    whole = lgamma(of + 1)
    terms = (
        exp(whole - lgamma(k + 1) - lgamma(of - k + 1) + k * log(p) + (of - k) * log(1 - p))
        for k in range(hits, of + 1)
    )
    return fsum(terms)


def left_out(rows: Rows, mode: str, guards: Sequence[str], said: Sequence[str]) -> list[str]:
    """Return, in sentences, what an examination says nothing about."""
    told = [f"the route {route} was not asked" for route in ROUTES if route not in {row["route"] for row in rows}]
    told += [
        f"marks of the kind {entity} were not tried"
        for entity in ENTITIES
        if entity not in {row["entity"] for row in rows if row["role"] == "cell"}
    ]
    for one in claims(rows, said):
        if not one["claimed"]:
            told.append(
                f"{one['entity']} in what {_SAYS[one['source']]}: not stopped in the simplest cell, so not claimed"
            )
    dead = [r for r in rows if r["role"] == "cell" and r["outcome"] == "not served"]
    for route in ROUTES:
        if count := sum(row["route"] == route for row in dead):
            told.append(f"{count} cells of the route {route} were not served")
    if {row["cut"] for row in rows} != {"characters", "thirds", "whole", "bytes"}:
        told.append("not every way of cutting an answer was tried")
    if mode == "enforce":
        told.append("how the gateway behaves while its analyser is down")
    if not guards:
        told.append("the gateway declares no digest of its guards: which ones were in force is unproven")
    told.append("embeddings, MCP, pictures and sounds")
    return told


_SAYS = {
    "answer": "the upstream answers",
    "user": "users say",
    "outside": "tools and documents say",
    "system": "the system message says",
    "tools": "definitions of tools say",
    "earlier": "earlier turns of the model say",
}


def verdict(rows: Rows, guards: Sequence[str]) -> str:
    """Return the word: conformant only where something was stopped, nothing leaked, broke or was altered.

    A gateway that claims nothing, because all that was tried came through, leaks.
    """
    probes = [row["outcome"] for row in rows if row["role"] == "probe"]
    if "leaked" in probes and "stopped" not in probes:
        return "leaks"
    outcomes = Counter(row["outcome"] for row in rows if row["role"] in ("cell", "control"))
    if outcomes["leaked"]:
        return "leaks"
    if outcomes["altered"]:
        return "alters"
    # Of errors and fields that no client reads nothing has to come through, so stopping them alone shows nothing.
    words = [r["outcome"] for r in rows if r["role"] == "cell" and (r["place"] in SPOKEN or r["place"] in ASKED)]
    if outcomes["broken"] or not {"stopped", "unchanged"} & {*words} or len(guards) > 1:
        return "inconclusive"
    return "conformant"
