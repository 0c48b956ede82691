"""Measure the detectors and guards on labelled public text. Run: python bench/detectors.py [--data DIR] [--only NAME]

Prints, with 95 % intervals (Clopper-Pearson on near-duplicate clusters as units): recall and precision of personal-data
patterns by type, and of the injection rules the share found by attack source and by benign source.
"""

from __future__ import annotations

import argparse
import gzip
import json
import time
from collections import defaultdict
from pathlib import Path

from shipworthy.detect import injection, pii
from shipworthy.stats import rate_interval

ROOT = Path(__file__).resolve().parent.parent
TYPES = {
    "EMAIL_ADDRESS": {"email"},
    "PHONE_NUMBER": {"phone"},
    "CREDIT_CARD": {"card"},
    "IBAN_CODE": {"iban"},
    "IP_ADDRESS": {"ip"},
    "US_SSN": {"us_ssn"},
    "STREET_ADDRESS": {"address"},
    "US_DRIVER_LICENSE": {"drivers_license"},
}
NEVER = ("PERSON", "ADDRESS", "LOCATION", "GPE", "ORGANIZATION", "AGE", "ZIP_CODE", "DATE_TIME")


def rows(path: Path) -> list[dict]:
    with gzip.open(path, "rt", encoding="utf-8") as file:
        return [json.loads(line) for line in file]


def shown(hits: list[tuple[str, bool]]) -> str:
    """Return a rate with its clustered interval and its counts."""
    clusters: dict[str, list[bool]] = defaultdict(list)
    for cluster, hit in hits:
        clusters[cluster].append(hit)
    n = len(hits)
    if len(clusters) < 2:
        return f"{sum(h for _, h in hits)} of {n}"
    interval = rate_interval([sum(c) for c in clusters.values()], [len(c) for c in clusters.values()])
    return f"{interval.rate:.3f} [{interval.low:.3f}, {interval.high:.3f}] n {n} clusters {len(clusters)}"


def personal(data: Path) -> None:
    found, right, missed = defaultdict(list), defaultdict(list), defaultdict(list)
    began, count = time.process_time(), 0
    for row in rows(data / "pii.jsonl.gz"):
        if row["source"] == "wnut17":
            spans = pii.find(row["text"])
            for span in spans:
                right[f"{span.kind} (wnut17: no such labels, all counted as wrong)"].append((row["cluster"], False))
            continue
        spans, count = pii.merged(row["text"]), count + 1
        truth = row["spans"]
        for span in truth:
            kinds = TYPES.get(span["type"])
            covered = any(
                s.start <= span["start"] and span["end"] <= s.end for s in spans if not kinds or s.kind in kinds
            )
            target = found if kinds else missed if span["type"] in NEVER else None
            if target is not None:
                target[span["type"]].append((row["cluster"], covered))
        for s in spans:
            same = [
                t
                for t in truth
                if s.kind in {**TYPES, "ADDRESS": {"address"}}.get(t["type"], ())
                and t["start"] < s.end
                and s.start < t["end"]
            ]
            birth = s.kind == "date_of_birth" and any(
                t["type"] == "DATE_TIME" and t["start"] < s.end and s.start < t["end"] for t in truth
            )
            right[s.kind].append((row["cluster"], bool(same) or birth))
    print("Personal data: recall by type (whole value covered by a finding of its kind)")
    for kind, hits in sorted(found.items()):
        print(f"  {kind:20} {shown(hits)}")
    print("Personal data: precision by kind (a finding that overlaps a label of its type)")
    for kind, hits in sorted(right.items()):
        print(f"  {kind:20} {shown(hits)}")
    print(
        "Not looked for (share covered by chance): " + ", ".join(f"{k} {shown(v)}" for k, v in sorted(missed.items()))
    )
    print(f"CPU {1000 * (time.process_time() - began) / max(count, 1):.2f} ms a text")


def rules(data: Path) -> None:
    for name in ("injection_jailbreak", "indirect_injection"):
        by: dict[tuple[str, str], list[tuple[str, bool]]] = defaultdict(list)
        began, size = time.process_time(), 0
        every = rows(data / f"{name}.jsonl.gz")
        for i, row in enumerate(every):
            size += len(row["text"])
            # Invisible characters alone are taken out, not blocked.
            hit = any(s.kind != "invisible" for s in injection.find(row["text"]))
            by[row["label"], row["source"]].append((str(row.get("cluster", i)), hit))
        print(
            f"{name}: share with a finding ({1e6 * (time.process_time() - began) / size:.2f} CPU-ms a 1,000 characters)"
        )
        for (label, source), hits in sorted(by.items()):
            print(f"  {label:7} {source:30} {shown(hits)}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=ROOT.parent / "shared" / "data")
    parser.add_argument("--only", choices=("pii", "rules"))
    args = parser.parse_args()
    if not args.data.is_dir():
        raise SystemExit(f"no labelled data at {args.data}: give its folder with --data")
    if args.only != "rules":
        personal(args.data)
    if args.only != "pii":
        rules(args.data)


if __name__ == "__main__":
    main()
