"""Measure the detectors and guards on labelled public text. Run: python bench/detectors.py [--data DIR] [--only NAME]

Prints, with 95 % intervals (Clopper-Pearson on near-duplicate clusters as units): recall and precision of personal-data
patterns by type, street addresses (a rule to switch on), the recall of the same values in other typography, made-up
credentials and harmless strings that look like them, and of the injection rules the share found by source of attacks
and of harmless texts. Beside them what other tools of the field gave on the same texts, as recorded. `--json` prints
everything as one object. About a minute of CPU time.
"""

from __future__ import annotations

import argparse
import gzip
import json
import time
from collections import defaultdict
from pathlib import Path
from typing import Any

import credentials

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


PRESIDIO = {"recorded with": "presidio-analyzer, blank spaCy, every second row", "card recall": 0.966,
            "phone recall": 0.786, "phone precision": 0.478, "address recall": 0.0}  # fmt: skip
NOT_HERE = {"BIPIA": "indirect", "OWASP documents": "harmless"}
"""Sources on which these rules are known to do badly (found .013; fired on .13 to .16) and that our data lacks."""


def figure(hits: list[tuple[str, bool]]) -> dict[str, Any]:
    """Return a rate with its clustered interval and its counts."""
    clusters: dict[str, list[bool]] = defaultdict(list)
    for cluster, hit in hits:
        clusters[cluster].append(hit)
    n, found = len(hits), sum(h for _, h in hits)
    if len(clusters) < 2:
        return {"rate": found / n, "found": found, "n": n, "clusters": len(clusters)}
    interval = rate_interval([sum(c) for c in clusters.values()], [len(c) for c in clusters.values()])
    return {"rate": interval.rate, "low": interval.low, "high": interval.high, "found": found, "n": n,
            "clusters": len(clusters)}  # fmt: skip


def shown(of: dict[str, Any]) -> str:
    if "low" not in of:
        return f"{of['found']} of {of['n']}"
    return f"{of['rate']:.3f} [{of['low']:.3f}, {of['high']:.3f}] n {of['n']} clusters {of['clusters']}"


def personal(data: Path) -> dict[str, Any]:
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
    return {
        "recall": {kind: figure(hits) for kind, hits in sorted(found.items())},
        "precision": {kind: figure(hits) for kind, hits in sorted(right.items())},
        "not looked for, covered by chance": {kind: figure(hits) for kind, hits in sorted(missed.items())},
        "presidio": PRESIDIO,
        "cpu_ms_a_text": round(1000 * (time.process_time() - began) / max(count, 1), 3),
    }


def print_personal(of: dict[str, Any]) -> None:
    for name, title in (
        ("recall", "recall by type (whole value covered by a finding of its kind)"),
        ("precision", "precision by kind (a finding that overlaps a label of its type)"),
        ("not looked for, covered by chance", "types that are not looked for, covered by chance"),
    ):
        print(f"Personal data: {title}")
        for kind, hits in of[name].items():
            print(f"  {kind:20} {shown(hits)}")
    print("  beside: " + ", ".join(f"{k} {v}" for k, v in of["presidio"].items()))
    print(f"CPU {of['cpu_ms_a_text']:.2f} ms a text")


def addresses(data: Path) -> dict[str, Any]:
    """Return how many labelled addresses a finding touches, and in how many harmless texts one is."""

    def found(text: str) -> list[Any]:
        return [s for s in pii.find(text, also=pii.OPTIONAL) if s.kind in pii.OPTIONAL]

    touched, fires = defaultdict(list), defaultdict(list)
    for row in rows(data / "pii.jsonl.gz"):
        spans = found(row["text"])
        if row["source"] == "wnut17":
            fires["wnut17 (social media)"].append((row["cluster"], bool(spans)))
            continue
        for truth in row["spans"]:
            if truth["type"] in ("STREET_ADDRESS", "ADDRESS"):
                hit = any(s.start < truth["end"] and truth["start"] < s.end for s in spans)
                touched[truth["type"]].append((row["cluster"], hit))
                if any(c.isalpha() for c in row["text"][truth["start"] : truth["end"]]):
                    touched[truth["type"] + ", those with a letter"].append((row["cluster"], hit))
    began, size = time.process_time(), 0
    for name in ("injection_jailbreak", "indirect_injection"):
        for i, row in enumerate(rows(data / f"{name}.jsonl.gz")):
            if row["label"] != "attack":
                size += len(row["text"])
                hit = (str(row.get("cluster", i)), bool(found(row["text"])))
                fires[row["source"]].append(hit)
                fires["all harmless documents"].append(hit)
    return {
        "touched": {kind: figure(hits) for kind, hits in sorted(touched.items())},
        "fires": {source: figure(hits) for source, hits in sorted(fires.items())},
        "cpu_ms_a_1000_characters": round(1e6 * (time.process_time() - began) / size, 3),
    }


def print_addresses(of: dict[str, Any]) -> None:
    print("Street addresses (switched on): share of labelled ones touched; share of harmless texts in which it fires")
    for part in ("touched", "fires"):
        for name, hits in of[part].items():
            print(f"  {part:8} {name:36} {shown(hits)}")


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


def rules(data: Path) -> dict[str, Any]:
    """Return the share of texts with a blocking finding, by file, label and source."""
    result: dict[str, Any] = {}
    for name in ("injection_jailbreak", "indirect_injection"):
        by: dict[tuple[str, str], list[tuple[str, bool]]] = defaultdict(list)
        began, size = time.process_time(), 0
        for i, row in enumerate(rows(data / f"{name}.jsonl.gz")):
            size += len(row["text"])
            # Invisible characters alone are taken out, not blocked.
            hit = any(s.kind != "invisible" for s in injection.find(row["text"]))
            by[row["label"], row["source"]].append((str(row.get("cluster", i)), hit))
            by[row["label"], "all"].append((str(row.get("cluster", i)), hit))
        result[name] = {"cpu_ms_a_1000_characters": round(1e6 * (time.process_time() - began) / size, 3)}
        for (label, source), hits in sorted(by.items()):
            result[name].setdefault(label, {})[source] = figure(hits)
    result["not_available"] = NOT_HERE
    return result


def print_rules(of: dict[str, Any]) -> None:
    for name, labels in of.items():
        if name == "not_available":
            print("not in this data, and known to be done badly: " + ", ".join(f"{k} ({v})" for k, v in labels.items()))
            continue
        print(f"{name}: share with a finding ({labels['cpu_ms_a_1000_characters']:.2f} CPU-ms a 1,000 characters)")
        for label, sources in labels.items():
            if isinstance(sources, dict):
                for source, hits in sources.items():
                    print(f"  {label:7} {source:30} {shown(hits)}")


def print_credentials(of: dict[str, Any]) -> None:
    print(
        f"Credentials, {of['forms']} made-up forms of {of['each']}: found {of['recall']:.3f}, named for what they are"
        f" {of['right_kind']:.3f}; fires on {of['harmless_fires']:.3f} of {of['harmless_forms']} harmless forms"
    )
    for name in ("missed", "wrong_kind", "fires_on", "detect-secrets"):
        print(f"  {name}: {', '.join(f'{k} {v}' for k, v in of[name].items()) or 'none'}")


PARTS = {
    "pii": (personal, print_personal),
    "addresses": (addresses, print_addresses),
    "typography": (typography, print_typography),
    "credentials": (lambda data: credentials.measure(), print_credentials),
    "rules": (rules, print_rules),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=ROOT.parent / "shared" / "data")
    parser.add_argument("--only", choices=PARTS)
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    args = parser.parse_args()
    if args.only != "credentials" and not args.data.is_dir():
        raise SystemExit(f"no labelled data at {args.data}: give its folder with --data")
    measured = {}
    for name, (measure, show) in PARTS.items():
        if args.only in (None, name):
            measured[name] = measure(args.data)
            if not args.json:
                show(measured[name])
    if args.json:
        print(json.dumps(measured))


if __name__ == "__main__":
    main()
