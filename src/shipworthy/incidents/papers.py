"""Documents of an incident, filled from its rows: three drafts and the post-mortem. What a person writes in them stays.

A draft is never sent by itself. The customer's has no prompt, no name of a person and nothing of how it is attacked;
the post-mortem names roles and never people: it asks how the system let it happen.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Literal, NamedTuple, get_args

from shipworthy.core import notes
from shipworthy.core.digests import bytes_digest
from shipworthy.core.errors import IntegrityError, StoreError, UsageError, did_you_mean
from shipworthy.core.incident import MARKS, IncidentEvent
from shipworthy.incidents.clocks import clocks_of
from shipworthy.incidents.containment_time import containment_times
from shipworthy.incidents.incident import REPLAYED, Incident, NewEvent
from shipworthy.store.files import make_directory, write_atomic
from shipworthy.workspace.inside import read_inside
from shipworthy.workspace.kinds.escalation import Escalation
from shipworthy.workspace.load import Workspace

PaperName = Literal["internal", "customer", "regulator", "postmortem"]
PAPERS: tuple[PaperName, ...] = get_args(PaperName)
FOLDER = "documents/incidents"
_LARGEST = 1 << 22
_NOT_SENT = "Draft, filled from records. Nobody has sent it, and it is no legal advice.\n"


class WrittenDraft(NamedTuple):
    """A document that was written: its file, and whether people's words of an earlier one were taken over."""

    path: Path
    kept: bool


def write_incident_paper(
    workspace: Workspace, incident: Incident, paper: str, by: str, now: datetime
) -> tuple[WrittenDraft, NewEvent]:
    """Write a document of an incident, and return it with what is to be entered.

    Words between its marks are a person's, and are taken over from the document that is there.

    Raises:
        UsageError: there is no such document.
        IntegrityError: the one that is there was changed outside of its blocks, or a mark is broken.
        StoreError: it cannot be written.
    """
    if paper not in PAPERS:
        raise UsageError(f"there is no document {paper!r}: {did_you_mean(paper, PAPERS)}")
    path = workspace.root / FOLDER / incident.id / f"{paper}.md"
    blocks: Mapping[str, str] = {}
    if path.exists():
        try:
            there = notes.reread(read_inside(path, workspace.root, _LARGEST).decode("utf-8"))
        except (OSError, UnicodeDecodeError) as error:
            raise UsageError(f"{path}: cannot be read, so what people wrote in it is not known: {error}") from error
        if there.broken or there.changed:
            where = f":{there.broken[0]}: a mark is broken" if there.broken else ": changed outside of its blocks"
            raise IntegrityError(
                f"{path}{where}\nNothing was written. Move what you wrote between the marks, or put the file elsewhere"
            )
        blocks = there.blocks
    text = notes.sealed(notes.merged(_MADE[paper](workspace, incident, now), blocks), incident.id)
    try:
        make_directory(path.parent)
        write_atomic(path, text.encode())
    except OSError as error:
        raise StoreError(f"{path} cannot be written: {error.strerror or error}") from error
    event = NewEvent(
        what="draft", by=by, about=paper, outcome="written", detail={"digest": bytes_digest(text.encode())}
    )
    return WrittenDraft(path, bool(blocks)), event


# ---- parts -------------------------------------------------------------------------------------------------------


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    def line(cells: Sequence[str]) -> str:
        return "| " + " | ".join(cell.replace("|", "\\|").replace("\n", " ") for cell in cells) + " |"

    return "\n".join([line(head), "|" + "---|" * len(head), *map(line, rows)]) + "\n" if rows else "None.\n"


def _ask(name: str, question: str) -> str:
    return f"*{question}*\n\n{notes.block(name, '')}"


def _shown(moment: datetime | None) -> str:
    return "not known" if moment is None else f"{moment:%Y-%m-%d %H:%M} UTC"


def _marks(incident: Incident) -> list[tuple[str, str]]:
    return [(mark, _shown(incident.mark(mark))) for mark in MARKS]


_TOLD: Mapping[str, str] = {
    "began": "the failure began", "aware": "somebody here knew", "triaged": "it was triaged",
    "contained": "contained: {outcome}", "resolved": "resolved",
    "rated": "rated {severity}", "snapshot": "evidence kept", "pulled": "the lever {about} was pulled",
    "released": "the lever {about} was let go of", "expired": "the time of the lever {about} was up",
    "reproduction": "a reproduction was found", "tried": "the reproduction was replayed: {outcome}",
    "case": "a regression case was learned: {about}",
    "told": "{about} was told", "clock": "the clock {about}: {outcome}",
    "opened": "the incident was opened", "closed": "the incident was closed",
    "reopened": "the incident was opened again",
    "draft": "a draft was written: {about}",
    "step": "runbook step {about}: {outcome}",
}  # fmt: skip


def line_of(event: IncidentEvent) -> str:
    """Return an event in a few words, without the words of people."""
    form = _TOLD.get(event.what)
    return (
        event.what if form is None else form.format(severity=event.severity, about=event.about, outcome=event.outcome)
    )


def _timeline(incident: Incident) -> str:
    left_out = ("draft", "note", "lead")
    events = sorted((e for e in incident.events if e.what not in left_out), key=lambda one: one.at)
    return _table(("When (UTC)", "What"), [(one.at.replace("T", " ").rstrip("Z"), line_of(one)) for one in events])


def _replays(incident: Incident) -> str:
    rows = [
        (one.at.replace("T", " ").rstrip("Z"), one.outcome, f"{one.detail['hits']} of {one.detail['tries']}",
         f"at most {100 * float(one.detail['upper']):.1f} %" if one.outcome == "held" else "")
        for one in incident.of("tried")
    ]  # fmt: skip
    return _table(("When (UTC)", "Outcome", "Tries that did the harm", "Bound (95 %)"), rows)


def _levers(incident: Incident) -> str:
    rows = [
        (one.about, one.outcome, f"{one.detail.get('seconds', 0):g} s", str(one.detail.get("until") or "no end"),
         "; ".join(one.detail.get("changes", [])))
        for one in incident.of("pulled")
    ]  # fmt: skip
    return _table(("Lever", "How", "In force after", "Until", "What it changed"), rows)


def _contained(incident: Incident) -> str:
    if not incident.contained_by:
        return "It is not contained yet."
    how = "the replay of the reproduction failed" if incident.contained_by == REPLAYED else (
        "somebody says so; the reproduction was not replayed"
    )  # fmt: skip
    return f"Contained at {_shown(incident.mark('contained'))}: {how}."


def _clocks(workspace: Workspace, incident: Incident, now: datetime) -> str:
    act = workspace.system.ai_act
    rows = [
        (one.clock.what, one.state, _shown(one.due) if one.due else "", f"{one.clock.article}; {one.clock.source}",
         one.applies)
        for one in clocks_of(incident, now, risk_class=act.risk_class if act else "")
    ]  # fmt: skip
    return _table(("Duty", "State", "Due", "Where it is said", "From when on"), rows)


def _internal(workspace: Workspace, incident: Incident, now: datetime) -> str:
    matrix = next((one for one in workspace.entities(Escalation).values() if one.severity == incident.severity), None)
    led = "No escalation is written down for its severity."
    if matrix is not None:
        led = f"Led by {matrix.commander}; told: {', '.join(matrix.tell) or 'nobody else'}."
        if matrix.update_minutes:
            led += f" The next word comes within {matrix.update_minutes:,} minutes."
    return "\n".join(
        [
            f"# {incident.id}: {incident.title}\n",
            _NOT_SENT,
            f"Severity {incident.severity or 'not rated'}, {incident.state}. {_contained(incident)} {led}\n",
            "## What is known\n",
            _ask("known", "What happens, to whom, since when; what is not known yet."),
            "## Times\n",
            _table(("Mark", "When"), _marks(incident)),
            "## Levers\n",
            _levers(incident),
            "## Replays\n",
            _replays(incident),
            "## Clocks of law\n",
            _clocks(workspace, incident, now),
            "## What is needed from you\n",
            _ask("needed", "Who is to do what, until when."),
        ]
    )


def _customer(workspace: Workspace, incident: Incident, now: datetime) -> str:
    del now
    began, contained = incident.mark("began"), incident.mark("contained")
    until = f" until {_shown(contained)}" if contained else ", and it is not over yet"
    since = f"From {_shown(began)}{until}" if began else f"We know of it since {_shown(incident.mark('aware'))}"
    done = "We changed how the feature runs, and checked that what happened can no longer be made to happen that way."
    if incident.contained_by != REPLAYED:
        done = "We are working on it, and tell you when we have checked that it can no longer happen that way."
    return "\n".join(
        [
            f"# About {workspace.system.title}: what happened\n",
            _NOT_SENT,
            f"{since}. Reference: {incident.id}.\n",
            "## What happened\n",
            _ask(
                "happened", "In plain words, what the feature did. No prompt, no name, nothing of how it is attacked."
            ),
            "## Whom it concerns\n",
            _ask("affected", "Which customers, which of their people, which data."),
            "## What we did\n",
            f"{done}\n",
            _ask("done", "What else was done, and what is still to be done, with days."),
            "## What you can do\n",
            _ask("advice", "What a customer should check or change; or that there is nothing to do."),
            "## Whom to ask\n",
            _ask("contact", "A person or a desk, and how to reach it."),
        ]
    )


def _regulator(workspace: Workspace, incident: Incident, now: datetime) -> str:
    act = workspace.system.ai_act
    kind = "not declared" if act is None else f"{act.risk_class}; role: {act.role}"
    kept = _table(("Kept at (UTC)", "Digest"), [(one.at, one.about) for one in incident.of("snapshot")])
    return "\n".join(
        [
            f"# Report on {incident.id}\n",
            _NOT_SENT,
            "It may be sent incomplete, and completed later, where the law lets an initial report be so.\n",
            "## Who reports\n",
            _ask("reporter", "The organisation, its role (provider, deployer, controller), and a contact."),
            "## The system\n",
            _table(
                ("What", ""),
                [("Id", workspace.system.id), ("Name", workspace.system.title), ("Class under the AI Act", kind)],
            ),
            "## What happened\n",
            f"Severity {incident.severity or 'not rated'} by our own scale (S1 is the worst).\n",
            _ask("happened", "The incident in plain words, and what it led to."),
            "## Persons concerned\n",
            _ask("persons", "How many, which groups, which categories of data; where it is not known, say so."),
            "## Causal link\n",
            _ask("cause", "What is established between the system and the harm, or is reasonably likely, and how."),
            "## Times\n",
            _table(("Mark", "When"), _marks(incident)),
            "## What was done\n",
            f"{_contained(incident)}\n",
            _levers(incident),
            _replays(incident),
            _ask("measures", "Further corrective measures, with days."),
            "## Evidence that was kept before anything was changed\n",
            kept,
            "## Terms\n",
            _clocks(workspace, incident, now),
        ]
    )


def _postmortem(workspace: Workspace, incident: Incident, now: datetime) -> str:
    del now
    point = next(iter(containment_times([incident], severities=("S1", "S2", "S3", "S4")).points), None)
    matrix = next((one for one in workspace.entities(Escalation).values() if one.severity == incident.severity), None)
    times = []
    if point is not None:
        meant = f"{matrix.contain_minutes:,} min" if matrix else "not written down"
        times = [
            ("To notice (began to aware)", "not known" if point.detect is None else f"{point.detect:,.1f} min", ""),
            ("To contain (aware to contained)", point.why or f"{point.contain:,.1f} min", meant),
        ]
    leads = [(one.about, f"{one.detail.get('hours', 0):,.1f} h", one.outcome) for one in incident.of("lead")]
    cases = [(one.about, one.outcome, str(one.detail.get("samples", ""))) for one in incident.cases]
    return "\n".join(
        [
            f"# Post-mortem of {incident.id}: {incident.title}\n",
            "It asks how the system let this happen, and names roles, not people. What each person did made sense to "
            "them with what they knew: write down what that was.\n",
            "## Summary\n",
            _ask("summary", "What happened, to whom, how long, in five sentences."),
            "## Timeline\n",
            _timeline(incident),
            "## How long it took\n",
            _table(("", "Time", "Meant"), times),
            "## How it was noticed\n",
            _ask("noticed", "Which signal told us; which should have, and why it did not."),
            "## What made it possible\n",
            _ask(
                "causes",
                "Conditions, not culprits: which controls were missing, off, or looked elsewhere. Ask why of each.",
            ),
            "## From the change to its detection\n",
            _table(("Change", "Lead time", "Found by"), leads),
            "## Levers\n",
            _levers(incident),
            _replays(incident),
            "## What went well, and where we were lucky\n",
            _ask("well", "What is to be kept; what would have been worse with a little less luck."),
            "## Regression cases\n",
            _table(("Suite", "How", "Samples"), cases),
            "## Actions\n",
            _ask("actions", "Each with a role, a day, and how we shall know that it worked."),
        ]
    )


_MADE = {"internal": _internal, "customer": _customer, "regulator": _regulator, "postmortem": _postmortem}
