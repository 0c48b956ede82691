"""Measure the detectors and guards on labelled public text. Run: python bench/detectors.py [--data DIR] [--only NAME]

Prints, with 95 % intervals (Clopper-Pearson on near-duplicate clusters as units): recall and precision of personal-data
patterns by type, the recall of the same values in other typography, and of the injection rules the share found by
source of attacks and of harmless texts. `--json` prints the table of typography as one object.
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


def grouped(value: str, joint: str) -> str:
    """Return letters and digits in fours."""
    bare = "".join(c for c in value if c.isalnum())
    return joint.join(bare[i : i + 4] for i in range(0, len(bare), 4))


def blanks(joint: str):
    def change(value: str, kind: str) -> str:
        if kind in ("card", "iban"):
            return grouped(value, joint)
        return (value.replace("-", joint) if kind == "phone" else value).replace(" ", joint)

    return change


def hyphens(dash: str):
    def change(value: str, kind: str) -> str:
        return value.replace("-", dash) if "-" in value or kind != "card" else grouped(value, dash)

    return change


def inside(char: str):
    return lambda value, kind: value[: len(value) // 2] + char + value[len(value) // 2 :]


TYPOGRAPHY = {
    "as written": lambda value, kind: value,
    "U+00A0 for blanks": blanks("\u00a0"),
    "U+202F for blanks": blanks("\u202f"),
    "U+2009 for blanks": blanks("\u2009"),
    "two blanks": blanks("  "),
    "tabs": blanks("\t"),
    "U+2011 for hyphens": hyphens("\u2011"),
    "en dashes": hyphens("\u2013"),
    "minus signs": hyphens("\u2212"),
    "full-width digits": lambda v, kind: "".join(chr(ord(c) + 0xFEE0) if "0" <= c <= "9" else c for c in v),
    "Arabic-Indic digits": lambda v, kind: "".join(chr(0x660 + int(c)) if "0" <= c <= "9" else c for c in v),
    "U+200B inside": inside("\u200b"),
    "soft hyphen inside": inside("\u00ad"),
    "variation selector inside": inside("\ufe0f"),
    "one line wrap": lambda v, kind: (
        v.replace(" ", "\n", 1) if " " in v else v if kind == "phone" else v.replace("-", "-\n", 1)
    ),
}


def typography(data: Path) -> dict[str, dict[str, dict[str, float]]]:
    """Return, by typography and kind, how many of the labelled values are found whole, and findings that are none."""
    table: dict[str, dict[str, dict[str, float]]] = {}
    kept = [row for row in rows(data / "pii.jsonl.gz") if row["source"] != "wnut17"]
    for name, change in TYPOGRAPHY.items():
        cells: dict[str, dict[str, float]] = defaultdict(lambda: {"found": 0, "n": 0, "false": 0})
        for row in kept:
            text, values, at = "", [], 0
            for span in sorted(row["spans"], key=lambda s: s["start"]):
                if span["start"] < at:
                    continue
                (kind,) = TYPES.get(span["type"], {""})
                value = row["text"][span["start"] : span["end"]]
                text += row["text"][at : span["start"]]
                written = change(value, kind) if kind else value
                values.append((len(text), len(text) + len(written), kind))
                text, at = text + written, span["end"]
            spans = pii.find(text + row["text"][at:])
            for start, end, kind in values:
                if kind in ("card", "iban", "us_ssn", "phone", "ip", "email", "drivers_license"):
                    cells[kind]["n"] += 1
                    # A sign at either edge of the label (a bracket, a full stop) need not be covered.
                    cells[kind]["found"] += any(
                        s.kind == kind and s.start <= start + 1 and end - 1 <= s.end for s in spans
                    )
            for span in spans:
                cells[span.kind]["false"] += not any(a < span.end and span.start < b for a, b, _ in values)
        table[name] = {k: {**v, "recall": v["found"] / v["n"]} for k, v in cells.items() if v["n"]}
    return table


def print_typography(table) -> None:
    kinds = list(table["as written"])
    print(
        "Personal data: recall of the same values in other typography (found whole, of the right kind; false findings)"
    )
    print(f"  {'':26}" + "".join(f"{kind:>17}" for kind in kinds))
    for name, cells in table.items():
        row = "".join(f"{cells[k]['recall']:>9.3f} ({cells[k]['false']:.0f}) {cells[k]['n']:>3.0f}" for k in kinds)
        print(f"  {name:26}{row}")


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
    parser.add_argument("--only", choices=("pii", "typography", "rules"))
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    args = parser.parse_args()
    if not args.data.is_dir():
        raise SystemExit(f"no labelled data at {args.data}: give its folder with --data")
    if args.json:
        print(json.dumps({"typography": typography(args.data)}))
        return
    if args.only in (None, "pii"):
        personal(args.data)
    if args.only in (None, "typography"):
        print_typography(typography(args.data))
    if args.only in (None, "rules"):
        rules(args.data)


if __name__ == "__main__":
    main()
