"""What happens when everything that shipworthy reads was written by somebody who wishes its user ill.

    python bench/hostile.py [--json] [--kind WORD] [--list]

Each case hands one hostile input to the real command line and says how it came out: `refused` (a clear error, a failed
check or a counted outcome), `traceback` (any), or `accepted_wrongly` (what it wanted came about, or it was taken for
good). Exits 1 unless the last two are zero; with 3 where an honest input was refused, since then nothing is shown.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
import warnings
from collections import Counter
from collections.abc import Iterable, Iterator
from importlib import import_module
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent / "hostile_cases"))

from case import Case, Outcome
from lab import Lab

MODULES = ("code", "reads", "edits", "resigned", "unsigned", "trust", "ledger", "cache", "targets", "endpoints", "keys", "documents", "conditions", "samples", "settings", "labels", "grants", "terminal")  # fmt: skip  # noqa: E501
WORDS = ("refused", "traceback", "accepted_wrongly")


def cases(lab: Lab, modules: Iterable[str] = MODULES, *, controls: bool = False) -> Iterator[Case]:
    """Yield the cases of some modules, or their controls; each has a name of its own."""
    seen: set[tuple[str, str]] = set()
    for name in modules:
        module = import_module(name)
        for case in module.controls(lab) if controls else module.cases(lab):
            if (case.kind, case.name) in seen:
                raise ValueError(f"two cases are named {case.kind}: {case.name}")
            seen.add((case.kind, case.name))
            yield case


def attempt(case: Case) -> Outcome:
    """Try a case; what it raises itself is a traceback."""
    try:
        return case.attempt()
    except Exception as error:
        return Outcome("traceback", f"{type(error).__name__}: {str(error)[:200]}")


def main() -> int:
    """Try everything and print the counts."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--json", action="store_true", help="print one object")
    parser.add_argument("--kind", default="", help="only the kinds that hold this word")
    parser.add_argument("--module", nargs="*", default=MODULES, help="only these files of cases")
    parser.add_argument("--list", action="store_true", help="name the cases and try none")
    chosen = parser.parse_args()
    warnings.simplefilter("ignore")
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="hostile-") as folder:
        lab = Lab(Path(folder))
        wanted = [case for case in cases(lab, chosen.module) if chosen.kind in case.kind]
        if chosen.list:
            print("\n".join(f"{case.kind}: {case.name}" for case in wanted))
            return 0
        kinds = {case.kind for case in wanted}
        lost = []
        for control in cases(lab, chosen.module, controls=True):
            if control.kind in kinds and (found := attempt(control)).word != "accepted_wrongly":
                lost.append((control, found))
        rows: dict[str, Counter[str]] = {}
        wrong: list[dict[str, str]] = []
        for case in wanted:
            outcome = attempt(case)
            rows.setdefault(case.kind, Counter())[outcome.word] += 1
            if outcome.word != "refused":
                wrong.append({"kind": case.kind, "case": case.name, "outcome": outcome.word, "why": outcome.why})
        total = sum(rows.values(), Counter())
        made = {"tried": total.total()} | {word: total[word] for word in WORDS}
        by_kind = {kind: {"tried": row.total()} | {word: row[word] for word in WORDS} for kind, row in rows.items()}
        refused = [{"kind": c.kind, "case": c.name, "why": o.why or o.word} for c, o in lost]
        seconds = round(time.monotonic() - began, 1)
        if chosen.json:
            everything = {**made, "kinds": by_kind, "wrong": wrong, "controls_refused": refused, "seconds": seconds}
            print(json.dumps(everything, indent=2, ensure_ascii=True))
        else:
            _print(by_kind | {"all": made}, wrong, refused, seconds)
    if refused:
        return 3
    return 1 if total["traceback"] or total["accepted_wrongly"] else 0


def _print(rows: dict[str, dict[str, int]], wrong: list[dict[str, str]], lost: list[dict[str, str]], s: float) -> None:
    print(f"{'kind':<32} {'tried':>7} {'refused':>9} {'traceback':>11} {'accepted wrongly':>18}")
    for kind, row in rows.items():
        print(f"{kind:<32} {row['tried']:>7} {row['refused']:>9} {row['traceback']:>11} {row['accepted_wrongly']:>18}")
    for one in wrong:
        print(f"{one['outcome']}: {one['kind']}: {one['case']}: {one['why']}".encode("unicode_escape").decode())
    for one in lost:
        print(f"an honest input was not let through: {one['kind']}: {one['case']}: {one['why']}")
    print(f"{s} s")


if __name__ == "__main__":
    sys.exit(main())
