"""What was decided, on what, by whom, and until when it holds."""

from __future__ import annotations

from collections.abc import Iterator

from shipworthy.core import signoff
from shipworthy.evidence.dossier.fact import Group, Item
from shipworthy.evidence.dossier.section import Absent, section, table
from shipworthy.evidence.dossier.source import DossierSource
from shipworthy.evidence.sections.wording import bound_of, interval_of, rate_of

_WORDS = {
    signoff.GO: "GO: the release may go ahead",
    signoff.ACCEPTING: "GO with risk acceptance: what does not hold was accepted for a time",
    signoff.NO_GO: "NO-GO: the release may not go ahead",
}


@section(0, "decision", "Decision and what is left of the risks")
def decision(source: DossierSource) -> Iterator[Item | Absent]:
    """Tell the gate's verdict, what people signed, and the residual risks."""
    made = source.decision
    if made is None:
        yield source.gap("No decision was made yet: `shipworthy gate` makes one.", source.system.ref, open=True)
        return
    yield source.fact(
        f"The gate {made.gate} said {made.verdict} of {source.title('system', made.system)} on {made.created}.",
        made.id, source.system.ref, open=True,
    )  # fmt: skip
    yield source.fact(f"Its reason: {made.reason}.", made.id)
    yield source.fact(
        f"It is about the subject {made.subject_digest}, under the specification {made.spec_digest}.",
        made.id, open=True,
    )  # fmt: skip
    yield from _signed(source)
    rows = [
        source.row(
            (one.id, one.verdict, one.must, f"{rate_of(one)}\n{interval_of(one)}", bound_of(one), f"{one.trials:,}"),
            *source.evidence(one), open=True,
        )
        for one in made.criteria
    ]  # fmt: skip
    caption = "The interval is two-sided; the bound is one-sided, and what the limit is held against."
    yield from table(("Criterion", "Verdict", "Must", "Estimate", "Bound", "Scored"), rows, caption, (3, 4, 5))
    yield Group("What is left of the risks", tuple(_risks(source)))  # type: ignore[arg-type]


def _signed(source: DossierSource) -> Iterator[Item]:
    if not source.signed:
        yield source.gap("No person signed a release on this decision: nothing was released by it.",
                         source.decision.id if source.decision else source.system.ref, open=True)  # fmt: skip
    for ref, said in source.signed:
        until = f", until {said['expires']}" if said["expires"] else ""
        where = f"{said['market']}, {said['language']}, {said['jurisdiction']}"
        yield source.fact(f"{_WORDS[said['verdict']]} for {where}{until}.", ref, open=True)
        yield source.fact(f"It was signed by {said['by']} as {said['role']} on {said['at']}.", ref)
        for one in said["conditions"]:
            yield source.fact(f"Condition: {one}", ref)
        if said["overridden"]:
            what = ", ".join(f"{one['kind']} {one['about']}" for one in said["overridden"])
            yield source.fact(f"OVERRIDDEN, against the evidence: {what}.", ref, open=True)


def _risks(source: DossierSource) -> Iterator[Item]:
    left = [(source.left(risk), risk) for risk in source.all("risk")]
    rows = [
        source.row(
            (source.title("risk", risk.id), risk["severity"], f"{one.inherent:.1f}",
             f"{one.residual:.1f}" if one.measured else f"{one.residual:.1f}\nnot measured: the inherent one"),
            *one.sources, open=True,
        )
        for one, risk in sorted(left, key=lambda pair: (-pair[0].residual, pair[1].id))
    ]  # fmt: skip
    caption = (
        "Inherent: the severity's weight (S1 100, S2 30, S3 5, S4 1) times likelihood / 5. Left: that times the bound "
        "on the worst rate of the criteria that test it, in this decision."
    )
    yield from table(("Risk", "Severity", "Inherent", "Left"), rows, caption, (2, 3))
    if not rows:
        yield source.gap("No risk is written down.", source.system.ref, open=True)
