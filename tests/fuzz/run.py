"""Fuzz what shipworthy reads: `python tests/fuzz/run.py --seconds N --seed S [--kind K ...]`.

Each kind takes its corpus first (`corpus/KIND/`), then inputs made of it by chance. The same seed makes the same inputs
in the same order, so a fault is seen again with `--kind K --seed S --only NUMBER`. Exits 1 on any fault.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import sys
import tempfile
import time
import traceback
import warnings
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any, NamedTuple

sys.path.insert(0, str(Path(__file__).parent))

from kind import corpus, example, names, reader
from mutator import Mutator

LONGEST_S = 10
"""Seconds that one input may take."""


class Stuck(BaseException):
    """An input took too long; no handler of errors may take it for one of its own."""


class Fault(NamedTuple):
    """An input that came to something else than accepted or refused; the first of its sort."""

    kind: str
    number: int
    error: str
    data: bytes


class Fuzzed(NamedTuple):
    """What came of a kind: how many inputs were tried, refused, accepted; and the faults, one of each sort."""

    kind: str
    counts: Counter[str]
    faults: list[Fault]


def _stuck(*_: object) -> None:
    raise Stuck(f"took longer than {LONGEST_S} s")


def fuzz(name: str, *, seconds: float, seed: int, most: int | None = None, only: int | None = None) -> Fuzzed:
    """Fuzz one kind.

    Args:
        seconds: how long; the corpus is always done.
        seed: of every input.
        most: inputs at most, those of the corpus apart.
        only: this input alone; those of the corpus are -1, -2, …
    """
    warnings.simplefilter("ignore")
    read, counts, faults = reader(name), Counter[str](), dict[str, Fault]()
    signal.signal(signal.SIGALRM, _stuck)
    with tempfile.TemporaryDirectory(prefix="fuzz-", ignore_cleanup_errors=True) as folder:
        ready = read.prepare(Path(folder))
        inputs = [*corpus(name), *(read.seeds(ready) if hasattr(read, "seeds") else ())]
        began, number = time.monotonic(), -len(inputs)
        while number < 0 or (time.monotonic() - began < seconds and (most is None or number < most)):
            data = inputs[number] if number < 0 else Mutator(example(name, seed, number), inputs).bytes()
            if only is None or number == only:
                signal.alarm(LONGEST_S)
                try:
                    counts[read.feed(data, ready)] += 1
                except (KeyboardInterrupt, SystemExit):
                    raise
                except BaseException as error:
                    frame = traceback.extract_tb(error.__traceback__)[-1]
                    sort = f"{type(error).__name__} at {Path(frame.filename).name}:{frame.lineno}"
                    faults.setdefault(sort, Fault(name, number, f"{sort}: {str(error)[:200]}", data))
                    counts["fault"] += 1
                finally:
                    signal.alarm(0)
                counts["tried"] += 1
            elif number > only:
                break
            number += 1
    return Fuzzed(name, counts, list(faults.values()))


def main() -> int:
    """Fuzz the kinds and print what came of each."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--seconds", type=float, default=60, help="of each kind")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--kind", nargs="*", default=names(), choices=names())
    parser.add_argument("--most", type=int, help="inputs of each kind at most")
    parser.add_argument("--only", type=int, help="this input alone")
    parser.add_argument("--jobs", type=int, default=min(2, os.cpu_count() or 1), help="processes")
    parser.add_argument("--save", type=Path, help="a folder for the inputs that are faults")
    parser.add_argument("--json", action="store_true", help="print one object")
    chosen = parser.parse_args()
    with ProcessPoolExecutor(chosen.jobs, mp_context=get_context("spawn"), max_tasks_per_child=1) as pool:
        limits: dict[str, Any] = {
            "seconds": chosen.seconds,
            "seed": chosen.seed,
            "most": chosen.most,
            "only": chosen.only,
        }
        done = [future.result() for future in [pool.submit(fuzz, name, **limits) for name in chosen.kind]]
    faults = [fault for one in done for fault in one.faults]
    if chosen.save:
        chosen.save.mkdir(parents=True, exist_ok=True)
        for fault in faults:
            (chosen.save / f"{fault.kind}-{fault.number}").write_bytes(fault.data)
    words = ("tried", "refused", "accepted", "fault")
    if chosen.json:
        kinds = {one.kind: {word: one.counts[word] for word in words} for one in done}
        told = [{"kind": f.kind, "number": f.number, "error": f.error} for f in faults]
        print(json.dumps({"seed": chosen.seed, "kinds": kinds, "faults": told}, indent=2))
    else:
        print(f"{'kind':<18}" + "".join(f"{word:>10}" for word in words))
        for one in done:
            print(f"{one.kind:<18}" + "".join(f"{one.counts[word]:>10,}" for word in words))
        for fault in faults:
            print(f"{fault.kind}, input {fault.number} of seed {chosen.seed}: {fault.error}\n  {fault.data[:200]!r}")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
