"""What an auditor reads: the trace from risks to records, the limits, the digests, and how to verify."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from shipworthy.core.amount import amount, number
from shipworthy.core.document import Code, Facts, Paragraph, Section, Table, Tone
from shipworthy.core.records import Decision
from shipworthy.evals.results import Run
from shipworthy.evidence.sections.wording import TONES, percent
from shipworthy.evidence.told import Told
from shipworthy.release.wording import count
from shipworthy.stats import MeanInterval, RateInterval

SATURATED = 0.05
"""A metric whose interval lies wholly this close to an end of its range (a share of it) hardly says more than which."""


def traceability(told: Told, decision: Decision) -> Section:
    """Lead from each risk to the requirement, the criterion, the suite and the verdict; name the gaps."""
    results = {result.id: result for result in decision.criteria}
    rows: list[tuple[str, ...]] = []
    tones: list[Tone] = []
    for risk in told.risks:
        name = f"{risk['id']} ({risk['severity']}) {risk['title']}{_bracketed(told.others[risk['id']])}"
        for requirement in risk["requirements"]:
            about = f"{requirement['id']} {requirement['text']}{_bracketed(requirement['guards'])}"
            for criterion in requirement["criteria"]:
                result = results[criterion["id"]]
                tested = f"{result.id} {result.must}", criterion["suite"], f"{result.trials:,}", result.verdict
                rows.append((name, about, *tested))
                tones.append(TONES[result.verdict])
            if not requirement["criteria"]:
                rows.append((name, about, "no criterion in the gate", "", "", "not tested"))
                tones.append("unsure")
        if not risk["requirements"]:
            rows.append((name, "no requirement mitigates it", "", "", "", "not covered"))
            tones.append("unsure")
    columns = ("Risk [threats]", "Requirement [guards]", "Criterion", "Suite", "Records", "Verdict")
    caption = "trace.json in the pack goes on from here to the SHA-256 of every record."
    return Section("Traceability", (Table(columns, tuple(rows), caption, tuple(tones), (4,)),), "trace")


def _bracketed(ids: Sequence[str]) -> str:
    return f" [{', '.join(ids)}]" if ids else ""


def limits(told: Told, decision: Decision, runs: Sequence[Run], baselines: Sequence[Run]) -> Section:
    """Say what the evaluation does not show."""
    used = [use for run in runs for use in run.manifest.suites]
    suites = [told.suites[name] for name in dict.fromkeys(use.id for use in used) if name in told.suites]
    scorers = dict(sorted((name, where) for suite in suites for name, where in suite.scorers.items()))
    attacks = sorted({attack for use in used for attack in use.attacks})
    texts = [
        "A rate speaks about samples like those of its suite and about the attacks that were run "
        f"({', '.join(attacks)}). An attacker who adapts to the system can do better than a fixed list; a rate of "
        "zero is a bound, not a proof of absence.",
        f"Verdicts on single attempts come from automatic scorers ({', '.join(scorers)}), which err. "
        f"{_agreement(scorers)}Rates are not corrected for their errors.",
        f"{count(sum(run.errors for run in runs), 'attempt')} ended in an error and entered no rate. What has no "
        "score is never counted as safe: the bound that ships counts every such attempt as bad, the one that fails as "
        "good, and a suite with more of them than its limit does not pass.",
        "Each criterion is a test at its own confidence, and all must pass, so the chance to pass a system that truly "
        "misses a criterion is at most one minus that confidence. Repeated attempts on one sample are one cluster.",
        "The evidence holds for exactly the specification and the subject named below by digest. Another model, "
        "prompt, index, tool or guard is another subject.",
    ]
    if private := [suite.id for suite in suites if suite.content == "private"]:
        texts.append(
            f"The text of {', '.join(private)} is private: it was scored in memory and stored redacted, so these "
            "records cannot all be scored again."
        )
    if baselines and not decision.baseline_runs:
        texts.append("The baseline is shown for comparison; no criterion of the gate rests on it.")
    for what, run in _named(runs, baselines):
        texts += _saturated(run, f"the {what}")
    texts.append("shipworthy organises evidence; it certifies nothing.")
    return Section("Limits", tuple(Paragraph(text) for text in texts), "limits")


def _agreement(said: Mapping[str, str]) -> str:
    """Say of which scorers agreement with people was measured, and where the figures stand; and of which it was not."""
    parts = [f"Agreement of {name} with people was measured: {where}. " for name, where in said.items() if where]
    if without := [name for name, where in said.items() if not where]:
        parts.append(f"No agreement with people is on record here for {', '.join(without)}. ")
    return "".join(parts)


def _saturated(run: Run, what: str) -> Iterator[str]:
    named = []
    for row in run.summary():
        if row.interval is not None and _is_saturated(row.interval):
            low, high = row.interval.low, row.interval.high
            between = f"{percent(low)} to {percent(high)}"
            if isinstance(row.interval, MeanInterval):
                between = f"{number(low)} to {amount(high, row.unit)}"
            named.append(f"{row.suite}: {row.metric} ({between})")
    if named:
        yield (
            f"In {what} these metrics saturate, so they hardly tell one version from a better or worse one: "
            f"{', '.join(named)}."
        )
    else:
        yield f"In {what} no metric has its 95 % interval wholly within {percent(SATURATED)} of an end of its range."


def _is_saturated(interval: RateInterval | MeanInterval) -> bool:
    low, high = interval.low, interval.high
    if isinstance(interval, MeanInterval):
        width = interval.highest - interval.lowest
        low, high = (low - interval.lowest) / width, (high - interval.lowest) / width
    return high <= SATURATED or low >= 1 - SATURATED


def _named(runs: Sequence[Run], baselines: Sequence[Run]) -> Iterator[tuple[str, Run]]:
    """Yield every run with what it is called here: by its id where there is more than one of its sort."""
    for what, some in (("decided run", runs), ("baseline", baselines)):
        yield from ((what if len(some) == 1 else f"{what} {run.id}", run) for run in some)


def digests(decision: Decision, runs: Sequence[Run], baselines: Sequence[Run]) -> Section:
    """Name by digest what was evaluated, and with what."""
    named = [(what.removeprefix("decided "), run) for what, run in _named(runs, baselines)]
    rows = [
        ("Decision", decision.id),
        ("Specification", decision.spec_digest),
        ("Subject", decision.subject_digest),
        *((what.capitalize(), r.id) for what, r in named),
        *((f"Plan of the {what}", r.manifest.plan_digest) for what, r in named),
        *((f"Guards of the {what}", r.manifest.guards or "none") for what, r in named),
        *((f"Engine of the {what}", f"shipworthy {r.manifest.engine}, {r.manifest.host}") for what, r in named),
    ]
    used = Table(
        ("Suite", "Version", "Content", "Samples", "Attempts", "Error limit", "Digest"),
        tuple(
            (u.id, u.version, u.content, f"{u.samples:,}", f"{u.attempts:,}", percent(u.max_error_rate), u.digest)
            for run in runs
            for u in run.manifest.suites
        ),
        "Suites as the run used them; each has its card in the pack.",
        (),
        (3, 4, 5),
    )
    return Section("Digests", (Facts(tuple(rows)), used), "digests")


def how_to_verify() -> Section:
    """Say how a reader makes sure that the pack is what its signers made."""
    return Section(
        "How to verify",
        (
            Paragraph(
                "This report is one member of an evidence pack. Verify the pack before believing the report, with keys "
                "that reached you by another way than the pack. No network is needed."
            ),
            Code("shipworthy evidence verify PACK.zip --trust trust.json", "sh"),
            Paragraph(
                "Without shipworthy's dependencies, Python and the package `cryptography` are enough: "
                "python -m shipworthy.evidence.verify PACK.zip --trust trust.json"
            ),
        ),
        "verify",
    )
