"""What was measured, how sure it is, and what judged it."""

from __future__ import annotations

from collections.abc import Iterator

from shipworthy.core.calibration import CALIBRATED
from shipworthy.core.label_draw import DRAWN, LABELLED
from shipworthy.evidence.dossier.fact import Group, Item
from shipworthy.evidence.dossier.section import Absent, section, table
from shipworthy.evidence.dossier.source import DossierSource
from shipworthy.evidence.sections.wording import bound_of, interval_of, percent, rate_of
from shipworthy.release.wording import count


@section(8, "results", "Results")
def results(source: DossierSource) -> Iterator[Item | Absent]:
    """Tell every criterion with its interval, its slices, its judge's calibration, and the logs behind it."""
    if not source.results:
        yield source.gap("Nothing was measured and decided on yet.", source.system.ref, open=True)
        return
    rows = [
        source.row(
            (f"{one.id}\n{one.suite}, {one.metric}", one.verdict, f"{rate_of(one)}\n{interval_of(one)}", bound_of(one),
             f"{one.hits:,} / {one.trials:,}", f"{one.clusters:,}", f"{one.left_out:,}"),
            *source.evidence(one), open=True,
        )
        for one in source.results.values()
    ]  # fmt: skip
    columns = ("Criterion", "Verdict", "Estimate\ninterval", "Bound", "Hits / scored", "Samples", "Without a score")
    caption = (
        "An attempt without a score is never counted as safe: the bound counts each as bad. Samples are independent "
        "clusters."
    )
    yield from table(columns, rows, caption, (2, 3, 4, 5, 6))
    slices = [
        source.row(
            (one.id, attack.attack.partition("(")[0], percent(attack.rate),
             f"{percent(attack.low)} to {percent(attack.high)}", f"{attack.hits:,} / {attack.trials:,}"),
            *source.evidence(one),
        )
        for one in source.results.values()
        for attack in one.attacks
    ]  # fmt: skip
    yield from table(("Criterion", "Attack", "Rate", "Interval", "Hits / scored"), slices, "Each attack by itself.",
                     (2, 3, 4))  # fmt: skip
    yield Group("How far the scorers can be believed", tuple(_judges(source)))  # type: ignore[arg-type]
    logs = [
        source.row((run, f"{seal['records']:,}", seal["original"]["merkle"], seal["original"]["head"]), run, open=True)
        for run, seal in source.seals.items()
    ]
    yield from table(("Run", "Records", "Merkle root", "Head of its log"), logs, "The logs behind the numbers.", (1,))


def _judges(source: DossierSource) -> Iterator[Item]:
    rows = [
        source.row(
            (f"{said['metric']}\nrubric {said['rubric'] or 'without a name'}",
             f"{said['found']:,} of {said['positives']:,}", f"{said['cleared']:,} of {said['negatives']:,}",
             "passed" if said["passed"] else "FAILED", f"{said['at'][:10]}, {said['days']:,} days"), ref, open=True,
        )
        for ref, said in source.entered(CALIBRATED)
    ]  # fmt: skip
    columns = ("Judge of", "Hits that it found", "Others that it cleared", "Against its bar", "Measured, good for")
    yield from table(columns, rows, "Calibrations of judges on labelled answers.", (1, 2))
    drawn = [ref for ref, _ in source.entered(DRAWN)]
    labels = [ref for ref, _ in source.entered(LABELLED)]
    if drawn:
        told = f"People labelled {count(len(drawn), 'draw')} of attempts, with {count(len(labels), 'label')}."
        yield source.fact(told, *drawn, open=True)
    for one in source.results.values():
        if one.audit is not None:
            yield source.fact(f"{one.id} is corrected by people's labels on a draw of its attempts.",
                              *source.evidence(one), open=True)  # fmt: skip
        elif one.judge is not None:
            yield source.fact(f"{one.id} is corrected by its judge's calibration.", *source.evidence(one), open=True)
        else:
            yield source.fact(f"{one.id} takes its scorer at its word: no label and no calibration corrects it.",
                              *source.evidence(one), open=True)  # fmt: skip
