"""Measure how well the scorers agree with people. Run: python bench/scorers.py [--data DIR] [--only NAME] [--json]

Each module of bench/agreement measures one scorer; its first line says against what. Modules whose `DATA` is empty need
no labelled public text. What could not be measured for want of data is named, and then the exit status is 1.

CPU-seconds are printed with each: `refusal` trains its models anew.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from importlib import import_module
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent


def modules() -> list[str]:
    """Return the names of what can be measured."""
    return sorted(p.stem for p in (ROOT / "bench/agreement").glob("*.py") if not p.stem.startswith("_"))


def missing(module: Any, data: Path) -> list[str]:
    """Return the files that a module needs and that are not there."""
    return [str(data / name) for name in getattr(module, "DATA", ()) if not (data / name).is_file()]


def plain(value: Any) -> bool:
    return not isinstance(value, dict | list | tuple)


def cell(value: Any) -> str:
    return f"{value:.3f}" if isinstance(value, float) else str(value)


def show(figures: dict[str, Any], name: str = "") -> None:
    """Print figures as tables: rows that stand beside each other and have the same columns share one."""
    alone = {key: value for key, value in figures.items() if plain(value)}
    if alone:
        print(f"  {name}: " * bool(name) + ", ".join(f"{key} {cell(value)}" for key, value in alone.items()))
    table: list[tuple[str, dict[str, Any]]] = []
    for key, value in figures.items():
        if isinstance(value, list | tuple):
            print(f"  {key} ({len(value)}): " + "; ".join(map(str, value)))
        elif isinstance(value, dict) and value and all(map(plain, value.values())):
            table.append((key, value))
        elif isinstance(value, dict):
            show(value, f"{name}, {key}" * bool(name) or key)
    if table:
        columns = list(dict.fromkeys(column for _, row in table for column in row))
        lines = [[name, *columns], *([key, *(cell(row.get(c, "")) for c in columns)] for key, row in table)]
        widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
        for line in lines:
            cells = [text.rjust(width) for text, width in zip(line, widths, strict=True)]
            print("  ".join(("", line[0].ljust(widths[0]), *cells[1:])))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=ROOT.parent / "shared" / "data", help="folder of labelled text")
    parser.add_argument("--only", choices=modules(), action="append", help="measure this one; may be given again")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    args = parser.parse_args()

    result: dict[str, Any] = {}
    for name in args.only or modules():
        module = import_module(f"agreement.{name}")
        start = time.process_time()
        if gone := missing(module, args.data):
            result[name] = {"not_measured": f"no {', '.join(gone)}: give the folder of labelled text with --data"}
        else:
            result[name] = module.measure(args.data)
            result[name]["cpu_seconds"] = round(time.process_time() - start, 2)
        if not args.json:
            print(f"{name}: {(module.__doc__ or '').splitlines()[0]}")
            show(result[name])
    if args.json:
        print(json.dumps(result))
    return int(any("not_measured" in figures for figures in result.values()))


if __name__ == "__main__":
    sys.exit(main())
