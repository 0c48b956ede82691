"""The library's bank: make its suites anew from their recipes, or say what is not as they would make it.

python bench/bank.py            # says what differs; exit 1 where something does
python bench/bank.py --write    # writes library/suites/<id> of every recipe
python bench/bank.py --json     # one object: files that differ
python bench/bank.py --alike 0.6   # near-duplicates over the library, one cluster's own and worlds' tasks aside

What was measured with a suite stands in library/bank/<recipe>/measured-<suite>.md and ends up in its card.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator
from pathlib import Path

from shipworthy.detect.near_duplicates import near_duplicates
from shipworthy.workspace.bank_files import LIBRARY_BANK, bank_recipes, suite_files
from shipworthy.workspace.generate import generate
from shipworthy.workspace.library import LIBRARY, library_suites
from shipworthy.workspace.recipe import read_recipe
from shipworthy.workspace.suites import load_suite


def made() -> Iterator[tuple[Path, str]]:
    """Yield every file of the bank's suites, and what it holds."""
    for name in bank_recipes():
        loaded = read_recipe(LIBRARY_BANK / name)
        for one in generate(loaded):
            note = LIBRARY_BANK / name / f"measured-{one.suite['id']}.md"
            measured = note.read_text(encoding="utf-8") if note.is_file() else ""
            for file, text in suite_files(loaded, one, measured=measured).items():
                yield LIBRARY / str(one.suite["id"]) / file, text


def _alike(threshold: float) -> int:
    samples = [s for name in library_suites() for s in load_suite(LIBRARY / name).samples if not s.scene]
    texts = [
        "\n".join([m.text for m in s.messages if m.role in ("user", "tool")] + [d.text for d in s.documents])
        for s in samples
    ]
    found = [d for d in near_duplicates(texts, threshold) if samples[d.at].cluster != samples[d.of].cluster]
    for one in found:
        print(f"{one.similarity:.2f}  {samples[one.at].id}  {samples[one.of].id}  {texts[one.at][:80]!r}")
    print(f"{len(found)} of {len(samples)} visible samples are alike to one of another cluster at {threshold}")
    return 1 if found else 0


def main() -> int:
    """Compare or write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--write", action="store_true")
    parser.add_argument("--alike", type=float)
    parser.add_argument("--json", action="store_true", help="one object, and nothing beside it")
    wanted = parser.parse_args()
    if wanted.alike:
        return _alike(wanted.alike)
    stale = [(path, text) for path, text in made() if not path.is_file() or path.read_text(encoding="utf-8") != text]
    if wanted.json:
        print(json.dumps({"differ": [str(path.relative_to(LIBRARY)) for path, _ in stale]}))
        return 1 if stale else 0
    for path, text in stale:
        print(f"{'wrote' if wanted.write else 'differs'}  {path.relative_to(LIBRARY)}")
        if wanted.write:
            path.parent.mkdir(exist_ok=True)
            path.write_text(text, encoding="utf-8", newline="\n")
    return 0 if wanted.write or not stale else 1


if __name__ == "__main__":
    sys.exit(main())
