"""How it was to be tested, and whether that was fixed before."""

from __future__ import annotations

from collections.abc import Iterator

from shipworthy.core import signoff
from shipworthy.evidence.dossier.fact import Item
from shipworthy.evidence.dossier.section import Absent, section, table
from shipworthy.evidence.dossier.source import DossierSource


@section(7, "plan", "Evaluation plan")
def plan(source: DossierSource) -> Iterator[Item | Absent]:
    """Tell metrics, limits and numbers of samples, the gate's rules, and what was registered before a run."""
    rows = []
    for one in source.all("criterion"):
        suite, requirement = source.get("suite", one["suite"]), source.get("requirement", one["requirement"])
        metric = one["metric"] or (suite["metric"] if suite else "")
        rows.append(
            source.row(
                (f"{one.id}\n{requirement['text'] if requirement else ''}", f"{one['suite']}\n{metric}", one["must"],
                 f"{one['min_clusters']:,}", one["severity"], one["audited_by"] or "nobody"),
                one.ref, f"suite:{one['suite']}", one["requirement"], open=True,
            )
        )  # fmt: skip
    columns = ("Criterion\nwhat it tests", "Suite\nmetric", "Must", "Samples at least", "Severity", "Scorer audited by")
    yield from table(columns, rows, "Fixed in the specification that each run carries by its digest.", (3,))
    for one in source.all("gate"):
        yield source.fact(
            f"The gate {one.id} decides by the bound `{one['bound']}`; above a share of {one['max_error_rate']} of "
            f"attempts without a score it does not decide; kept replies are {'refused' if one['fresh'] else 'told'}.",
            one.ref, open=True,
        )  # fmt: skip
    for run, manifest in source.manifests.items():
        clusters = sum(use["clusters"] for use in manifest["suites"])
        yield source.fact(
            f"{run}, plan {manifest['plan']}, seed {manifest['seed']}: {manifest['planned']:,} attempts planned on "
            f"{clusters:,} independent samples.", run, open=True,
        )  # fmt: skip
    registered = list(source.entered(signoff.PREREGISTERED))
    for ref, said in registered:
        yield source.fact(
            f"Registered before any run that counts on it: the plan {said['plan']} with {len(said['criteria'])} "
            f"criteria, on {said['at']}, signed by {said['by']}.", ref,
        )  # fmt: skip
    for ref, said in source.signed:
        for one in said["registered"]:
            told = (
                f"was registered in entry {one['entry']}" if one["entry"] else "was not registered before it was made"
            )
            changed = f"; changed since: {'; '.join(one['differs'])}" if one["differs"] else ""
            yield source.fact(f"The run {one['run']} {told}{changed}.", ref, one["run"], open=True)
    if source.manifests and not registered:
        yield source.gap("No plan was registered before its run: that criteria and data were fixed before shows in the "
                         "digests of each run's specification alone.", *source.manifests, open=True)  # fmt: skip
