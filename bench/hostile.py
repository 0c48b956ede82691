"""What happens when everything that shipworthy reads was written by somebody who wishes its user ill.

    python bench/hostile.py [--json] [--kind WORD] [--list] [--share PART --seed WORD]

Each case hands one hostile input to the real command line and says how it came out: `refused` (a clear error, a failed
check or a counted outcome), `traceback` (any), or `accepted_wrongly` (what it wanted came about, or it was taken for
good). Exits 1 unless the last two are zero; with 3 where an honest input was refused, since then nothing is shown.
With `--share 0.2` a fifth of each file's cases is tried, the same ones for the same seed; all controls are.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import random
import resource
import signal
import sys
import tempfile
import time
import warnings
from collections import Counter
from collections.abc import Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from importlib import import_module
from multiprocessing import get_context
from pathlib import Path
from typing import NamedTuple

sys.path.insert(0, str(Path(__file__).parent / "hostile_cases"))

from case import Case, Outcome
from lab import Lab

MODULES = ("code", "reads", "edits", "resigned", "unsigned", "stamps", "trust", "ledger", "cache", "targets", "endpoints", "keys", "documents", "conditions", "samples", "settings", "labels", "grants", "terminal", "foreign")  # fmt: skip  # noqa: E501
LONGEST_S = 90
"""Seconds that a case may take before it counts as stuck."""
MOST_MEMORY = 12 << 30
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


class Stuck(BaseException):
    """A case took longer than it may; no handler of errors may take it for one of its own."""


def _stuck(*_: object) -> None:
    raise Stuck


def attempt(case: Case) -> Outcome:
    """Try a case; what it raises itself, and what never ends, is a traceback."""
    signal.signal(signal.SIGALRM, _stuck)
    signal.alarm(LONGEST_S)
    try:
        return case.attempt()
    except Stuck:
        return Outcome("traceback", f"did not end within {LONGEST_S} s")
    except Exception as error:
        return Outcome("traceback", f"{type(error).__name__}: {str(error)[:200]}")
    finally:
        signal.alarm(0)


def drawn(cases: list[Case], share: float, seed: str) -> list[Case]:
    """Return a random part of some cases in their order, at least one; the same for the same seed."""
    if share >= 1:
        return cases
    chosen = random.Random(seed).sample(range(len(cases)), min(len(cases), math.ceil(share * len(cases))))
    return [cases[number] for number in sorted(chosen)]


class Found(NamedTuple):
    """What became of the cases of one module.

    Attributes:
        outcomes: kind, name, word and why of each; `controls` those that were not let through.
    """

    outcomes: list[tuple[str, str, str, str]]
    controls: list[tuple[str, str, str, str]]
    seconds: float


def tried(module: str, word: str = "", share: float = 1, seed: str = "") -> Found:
    """Try the cases of a module, or a part of them, and its controls first; in a laboratory of their own."""
    warnings.simplefilter("ignore")
    # A case that would take the machine down ends in a MemoryError, which is a traceback.
    resource.setrlimit(resource.RLIMIT_AS, (MOST_MEMORY, resource.getrlimit(resource.RLIMIT_AS)[1]))
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="hostile-", ignore_cleanup_errors=True) as folder:
        lab = Lab(Path(folder))
        wanted = drawn([c for c in cases(lab, [module]) if word in c.kind], share, f"{seed} {module}")
        kinds = {case.kind for case in wanted}
        controls = [case for case in cases(lab, [module], controls=True) if case.kind in kinds]
        let_through = [(case.kind, case.name, *attempt(case)) for case in controls]
        lost = [control for control in let_through if control[2] != "accepted_wrongly"]
        outcomes = [(case.kind, case.name, *attempt(case)) for case in wanted]
    return Found(outcomes, lost, time.monotonic() - began)


def main() -> int:
    """Try everything and print the counts."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--json", action="store_true", help="print one object")
    parser.add_argument("--kind", default="", help="only the kinds that hold this word")
    parser.add_argument("--module", nargs="*", default=MODULES, choices=MODULES, help="only these files of cases")
    parser.add_argument("--jobs", type=int, default=min(2, os.cpu_count() or 1), help="processes")
    parser.add_argument("--share", type=float, default=1.0, help="the part of each file's cases that is tried")
    parser.add_argument("--seed", default="", help="of the draw of that part")
    parser.add_argument("--list", action="store_true", help="name the cases and try none")
    chosen = parser.parse_args()
    began = time.monotonic()
    if chosen.list:
        with tempfile.TemporaryDirectory(prefix="hostile-") as folder:
            named = [f"{case.kind}: {case.name}" for case in cases(Lab(Path(folder)), chosen.module)]
        print("\n".join(name.encode("unicode_escape").decode() for name in named if chosen.kind in name))
        return 0
    # A process a module: none sees what another left behind.
    with ProcessPoolExecutor(chosen.jobs, mp_context=get_context("spawn"), max_tasks_per_child=1) as pool:
        waiting = {name: pool.submit(tried, name, chosen.kind, chosen.share, chosen.seed) for name in chosen.module}
        found = {name: future.result() for name, future in waiting.items()}
    everything = [outcome for one in found.values() for outcome in one.outcomes]
    rows: dict[str, Counter[str]] = {}
    for kind, _, word, _ in everything:
        rows.setdefault(kind, Counter())[word] += 1
    total = sum(rows.values(), Counter())
    made = _row(total)
    by_kind = {kind: _row(row) for kind, row in rows.items()}
    wrong = [{"kind": k, "case": c, "outcome": o, "why": w} for k, c, o, w in everything if o != "refused"]
    lost = [{"kind": k, "case": c, "why": w or o} for one in found.values() for k, c, o, w in one.controls]
    seconds = round(time.monotonic() - began, 1)
    if chosen.json:
        took = {name: round(one.seconds, 1) for name, one in found.items()}
        told = {**made, "kinds": by_kind, "wrong": wrong, "controls_refused": lost, "seconds": seconds, "took": took}
        told |= {"share": chosen.share, "seed": chosen.seed}
        print(json.dumps(told, indent=2))
    else:
        _print(by_kind | {"all": made}, wrong, lost, seconds)
    if lost:
        return 3
    return 1 if wrong else 0


def _row(counted: Counter[str]) -> dict[str, int]:
    return {"tried": counted.total()} | {word: counted[word] for word in WORDS}


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
