"""For those who run the programme: an experiment's plan, whether to build or to buy, a group's charter, its minutes."""

from __future__ import annotations

from collections.abc import Iterator

from shipworthy.evidence.dossier.fact import Item
from shipworthy.evidence.dossier.paper import paper
from shipworthy.evidence.dossier.section import listed, table
from shipworthy.evidence.dossier.source import DossierSource
from shipworthy.release.wording import count


@paper("experiment-plan", "Experiment plan", "what is asked, on which samples, and what would change a mind", 7,
       views=("internal",))  # fmt: skip
def experiment(source: DossierSource) -> Iterator[Item]:
    """Tell each hypothesis with the rate that the last decision saw, and what is left for people to say."""
    rows = []
    for requirement in source.all("requirement"):
        for one in source.criteria_of(requirement):
            seen = source.results.get(one.id)
            told = "not measured yet"
            if seen is not None and seen.rate is not None and seen.low is not None and seen.high is not None:
                told = f"{seen.rate:.3g}, {seen.low:.3g} to {seen.high:.3g}, {seen.clusters:,} samples"
            rows.append(source.row(
                (one.id, requirement["text"], f"{one['suite']}, {one['metric'] or 'its main metric'}", one["must"],
                 f"{one['min_clusters']:,}", told),
                one.ref, requirement.ref, *(source.evidence(seen) if seen is not None else ()),
            ))  # fmt: skip
    yield from table(("Criterion", "Hypothesis", "Measured by", "Holds if", "Samples", "Seen last"), rows,
                     "What must hold, as a test; the limits were fixed before the run.")  # fmt: skip
    if not rows:
        yield source.gap("No criterion is written down, so there is no hypothesis to test.", source.system.ref)
    yield source.gap("What is changed, against which baseline, and what would change a mind: for people to say below.",
                     source.system.ref)  # fmt: skip


@paper("build-vs-buy", "Build or buy", "what is to be mitigated, what is there, what it must be able to do", 10, 3,
       views=("internal",))  # fmt: skip
def build_or_buy(source: DossierSource) -> Iterator[Item]:
    """Tell the risks that are left without a mitigation in place; they are what either choice must reduce."""
    rows = []
    for risk in source.all("risk"):
        requirements = source.into("risk", risk.id, "mitigates", "requirement")
        controls = {c.id: c for r in requirements for c in source.into("requirement", r.id, "implements", "control")}
        planned = [c for c in controls.values() if c["status"] == "planned"]
        there = [c for c in controls.values() if c["status"] != "planned"]
        left = source.left(risk)
        rows.append(source.row(
            (source.title("risk", risk.id), risk["severity"], f"{left.residual:.1f} of {left.inherent:.1f}",
             listed([c.id for c in there], "nothing"), listed([c.id for c in planned], "nothing")),
            *left.sources, *(c.ref for c in controls.values()),
        ))  # fmt: skip
    yield from table(("Risk", "Severity", "Left", "In place", "Planned"), rows,
                     "Either choice is to be measured on the criteria of these risks, on and off, paired.")  # fmt: skip
    if not rows:
        yield source.gap("No risk is written down, so nothing says what is to be bought.", source.system.ref)
    held = source.all("subprocessor")
    told = count(len(held), "sub-processor") if held else "no sub-processor"
    yield source.fact(f"Data leaves to {told} today; a vendor would be one more.", source.system.ref,
                      *(one.ref for one in held))  # fmt: skip
    yield source.gap("Options, their cost over three years, owners, and how to leave each: for people to say below.",
                     source.system.ref)  # fmt: skip


@paper("working-group-charter", "Working group: charter", "what the group decides, who is in it, by which numbers", 18,
       views=("internal",))  # fmt: skip
def charter(source: DossierSource) -> Iterator[Item]:
    """Tell scope, rights and numbers that the files hold."""
    system = source.system
    yield source.fact(f"The group answers for {system['title']} ({system.id}), owned by {system['owner'] or 'nobody'}.",
                      system.ref)  # fmt: skip
    journeys = source.all("journey")
    critical = [one for one in journeys if one["critical"]]
    if journeys:
        yield source.fact(f"Journeys: {len(journeys)}, {len(critical)} of them critical.",
                          *(one.ref for one in journeys))  # fmt: skip
    for one in source.all("programme"):
        rows = [source.row((wanted["number"], wanted["must"]), one.ref) for wanted in one["targets"]]
        yield from table(("Number", "Target"), rows, "Targets of the programme file.")
    if not source.all("programme"):
        yield source.gap("No target is written down (`programme.yaml`); those of the tool hold.", system.ref)
    yield source.gap("How often the group meets, its quorum, and to whom it escalates: for people to say below.",
                     system.ref)  # fmt: skip


@paper("working-group-minutes", "Working group: minutes", "what there is to decide, and room for what was", 0, 16,
       views=("internal",))  # fmt: skip
def minutes(source: DossierSource) -> Iterator[Item]:
    """Tell what waits for a decision of people: criteria that do not hold, waivers, risks without a measure."""
    rows = []
    if source.decision is not None:
        rows += [
            source.row(("criterion", one.id, f"{one.must}: {one.verdict}", "fix, accept for a time, or do not ship"),
                       *source.evidence(one))
            for one in source.decision.criteria
            if one.verdict != "ship"
        ]  # fmt: skip
    rows += [
        source.row(("waiver", one.id, f"until {one['expires']}", "renew, close, or let it end"), one.ref)
        for one in source.all("waiver")
    ]
    rows += [
        source.row(("risk", source.title("risk", one.id), left.basis, "measure, or accept that nobody knows"),
                   *left.sources)
        for one in source.all("risk")
        if not (left := source.left(one)).measured
    ]  # fmt: skip
    yield from table(("What", "Which", "As it is", "To decide"), rows)
    if not rows:
        yield source.fact("Nothing waits for a decision of the group.", source.system.ref)
    yield source.gap("Who was there, what was decided, who does what by when: for people to say below.",
                     source.system.ref)  # fmt: skip
