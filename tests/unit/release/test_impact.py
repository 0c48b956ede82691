"""Which claims of a decision lapse by which change, and the fewest runs that decide them again."""

from __future__ import annotations

import json
import shutil
from datetime import UTC, datetime, timedelta

import pytest

from shipworthy.cli.gate import keep
from shipworthy.core.change import ChangeRecord
from shipworthy.core.errors import IntegrityError, UsageError
from shipworthy.release.changes import enter
from shipworthy.release.current import Now
from shipworthy.release.decide import decide
from shipworthy.release.impact import impacts, in_force, told
from shipworthy.release.renew import needed
from shipworthy.store.audit import AuditLog
from shipworthy.store.layout import Layout
from shipworthy.workspace.spec import keep_spec, spec


@pytest.fixture
def gated(gated, monkeypatch):  # type: ignore[no-untyped-def]
    """Without the criterion that compares, and with a law and a taxonomy that requirements refer to.

    No day of law comes by itself: that hangs on the day on which the tests are run; see `test_beside`.
    """
    monkeypatch.setattr("shipworthy.workspace.beside.dates", tuple)
    gated.edit(
        "requirements.yaml", "      - {id: CR-drop, suite: help, metric: helpful, must: drop_upper95 <= 0.10}\n", ""
    )
    gated.edit("requirements.yaml", "    text: It helps.\n", "    text: It helps.\n    refs: [eu-ai-act:Art50@2024]\n")
    gated.edit("plans.yaml", "plans:\n", "plans:\n  - id: both\n    suites: [leak, help]\n")
    return gated


def decided(gated, *, plan: str = "full", kept: bool = True):  # type: ignore[no-untyped-def]
    """Measure, keep the specification as an evaluation does, and decide."""
    from shipworthy.store.register import register_declared

    run = gated.run(plan=plan, files=gated.workspace.files)
    layout = Layout(gated.root)
    if kept:
        keep_spec(run.directory, spec(gated.workspace, plan))
    register_declared(layout, run.manifest)
    decision = decide(gated.workspace, run)
    keep(layout, decision, [run])
    return decision


def look(gated, *decisions, days: float = 0):  # type: ignore[no-untyped-def]
    layout = Layout(gated.root)
    with AuditLog(layout.control_url) as audit:
        return impacts(gated.workspace, layout, audit, decisions, now=datetime.now(UTC) + timedelta(days=days))


def say(gated, kind: str, about: str = "", **more: str):  # type: ignore[no-untyped-def]
    change = ChangeRecord("SYS-desk", kind, about, reason="Seen.", **more)
    return enter(gated.workspace, Layout(gated.root), change, now=datetime.now(UTC))[0]


def states(found) -> dict[str, list[str]]:  # type: ignore[no-untyped-def]
    """Return criterion -> kinds of what took it."""
    return {claim.criterion: [lapse.kind for lapse in claim.lapses] for claim in found.claims}


def test_nothing_lapses_where_nothing_changed_but_comments(gated) -> None:  # type: ignore[no-untyped-def]
    made = decided(gated)
    (gated.root / "risks.yaml").write_text("# more words\n" + (gated.root / "risks.yaml").read_text())
    [found] = look(gated, made)
    assert states(found) == {"CR-leak": [], "CR-help": []}
    assert [change.path for change in found.files] == ["risks.yaml"]
    assert needed(gated.workspace, [found]) == ((), ())


@pytest.mark.parametrize("kept", [True, False], ids=["kept-spec", "by-file"])
def test_a_suite_takes_its_own_claims_alone(gated, kept: bool) -> None:  # type: ignore[no-untyped-def]
    made = decided(gated, kept=kept)
    path = gated.root / "suites/leak/samples.jsonl"
    before = made.files
    path.write_text(path.read_text().replace('question leak 3"', 'question leak three"'))
    [found] = look(gated, made)
    assert states(found) == {"CR-leak": ["suite"], "CR-help": []}
    lapse = found.claims[0].lapses[0]
    old = next(file.sha256 for file in before if file.path == "suites/leak/samples.jsonl")
    assert [(change.path, change.was) for change in lapse.files] == [("suites/leak/samples.jsonl", old)]
    assert lapse.files[0].now.startswith("sha256:")
    [run] = needed(gated.workspace, [found]).runs
    assert (run.suites, run.beside, run.attempts, run.beside_attempts) == (("leak",), ("help",), 120, 60)
    assert run.words() == ["eval", "--plan", "full", "--suite", "leak"]
    with pytest.raises(IntegrityError, match="stale evidence"):
        decide(gated.workspace, gated_run(gated, made))


def gated_run(gated, made):  # type: ignore[no-untyped-def]
    from shipworthy.evals.results import Run

    return Run.load(Layout(gated.root).run_directory(made.runs[0]))


def test_a_requirement_takes_its_claims_and_a_file_is_named(gated) -> None:  # type: ignore[no-untyped-def]
    made = decided(gated)
    gated.edit("requirements.yaml", "upper95 <= 0.10", "upper95 <= 0.20")
    [found] = look(gated, made)
    assert states(found) == {"CR-leak": ["requirement"], "CR-help": []}
    said = found.claims[0].lapses[0]
    assert said.told.startswith("the requirement RQ-safe changed (requirements.yaml sha256:")
    assert said.was.startswith("sha256:")
    assert said.was != said.now


def test_a_plan_takes_the_suites_that_it_asks_something_else_of(gated) -> None:  # type: ignore[no-untyped-def]
    made = decided(gated, plan="both")
    gated.edit("plans.yaml", "suites: [leak, help]", "suites: [{suite: leak, samples: 50}, help]")
    assert states(look(gated, made)[0]) == {"CR-leak": ["plan"], "CR-help": []}
    gated.edit("plans.yaml", "- id: both", "- id: both\n    seed: 4")
    assert states(look(gated, made)[0]) == {"CR-leak": ["plan"], "CR-help": ["plan"]}
    gated.edit("plans.yaml", "- id: both", "- id: pair")
    found = look(gated, made)
    assert states(found[0]) == {"CR-leak": ["plan"], "CR-help": ["plan"]}
    need = needed(gated.workspace, found)
    assert need.runs == ()
    assert "the plan both is gone" in need.people[0]


def test_code_gate_and_target_take_all(gated) -> None:  # type: ignore[no-untyped-def]
    made = decided(gated)
    text = (gated.root / "plugins/gate_flag.py").read_text()
    (gated.root / "plugins/impact_more.py").write_text(text.replace("class Flag", "class More"))
    assert states(look(gated, made)[0]) == {"CR-leak": ["code"], "CR-help": ["code"]}
    (gated.root / "gate.yaml").write_text("gate: {max_error_rate: 0.2}\n")
    gated.edit("targets.yaml", "model: m", "model: other")
    [found] = look(gated, made)
    assert set(states(found)["CR-help"]) == {"code", "gate", "target"}
    target = next(lapse for lapse in found.claims[0].lapses if lapse.kind == "target")
    assert [change.path for change in target.files] == ["targets.yaml"]
    assert target.was != target.now


def test_what_somebody_said_takes_what_it_reaches(gated) -> None:  # type: ignore[no-untyped-def]
    made = decided(gated)
    say(gated, "law", "eu-ai-act:Art50", was="draft", now="OJ")
    assert states(look(gated, made)[0]) == {"CR-leak": [], "CR-help": ["law"]}
    say(gated, "other", "RK-leak")
    assert states(look(gated, made)[0]) == {"CR-leak": ["other"], "CR-help": ["law"]}
    say(gated, "vendor-model", was="fp_1", now="fp_2")
    [found] = look(gated, made)
    assert states(found) == {"CR-leak": ["other", "vendor-model"], "CR-help": ["law", "vendor-model"]}
    assert "vendor-model: fp_1 -> fp_2 (entry" in found.claims[0].lapses[1].told
    [run] = needed(gated.workspace, [found]).runs
    assert run.fresh
    assert run.words()[-1] == "--no-cache"
    with pytest.raises(IntegrityError, match="stale evidence: law eu-ai-act:Art50"):
        decide(gated.workspace, gated_run(gated, made))
    again = decided(gated)
    assert states(look(gated, again)[0]) == {"CR-leak": [], "CR-help": []}


def test_a_change_counts_from_its_day_on(gated) -> None:  # type: ignore[no-untyped-def]
    day = f"{datetime.now(UTC) + timedelta(days=5):%Y-%m-%d}"
    made = decided(gated)
    say(gated, "law", "eu-ai-act", since=day)
    assert states(look(gated, made)[0])["CR-help"] == []
    assert states(look(gated, made, days=5)[0])["CR-help"] == ["law"]
    later = decided(gated)  # with the law known, and not yet in force
    assert states(look(gated, later, days=5)[0])["CR-help"] == ["law"]


def test_a_kept_reply_from_before_a_change_is_no_measurement_after_it(gated) -> None:  # type: ignore[no-untyped-def]
    from shipworthy.store.register import register_declared

    change = say(gated, "vendor-model")
    run = gated.run()
    register_declared(Layout(gated.root), run.manifest)
    with AuditLog(Layout(gated.root).control_url) as audit:
        now = Now.read(gated.workspace, audit)
    assert now.lapses(run.manifest) == ()
    assert [one.entry for one in now.lapses(run.manifest, "2026-01-01T00:00:00Z")] == [change.entry]


def test_a_change_about_nothing_here_is_refused(gated) -> None:  # type: ignore[no-untyped-def]
    for kind, about, words in [
        ("law", "eu-ai-act:Art99", "nothing here is"),
        ("suite", "", "needs what it is about"),
        ("judge", "rude", "no suite here has a judge"),
        ("vendor-model", "CMP-none", "nothing here is"),
        ("wind", "", "no kind of change"),
    ]:
        with pytest.raises(UsageError, match=words):
            say(gated, kind, about)
    with pytest.raises(UsageError, match="is no day"):
        say(gated, "law", "eu-ai-act", since="soon")
    with pytest.raises(UsageError, match="more than 200 characters"):
        say(gated, "prompt", was="x" * 201)


def test_a_clock_that_was_set_back_is_refused(gated) -> None:  # type: ignore[no-untyped-def]
    made = decided(gated)
    with pytest.raises(UsageError, match="the clock was set back"):
        look(gated, made, days=-2)


def test_an_edited_entry_and_a_run_that_is_gone(gated) -> None:  # type: ignore[no-untyped-def]
    import sqlite3

    made = decided(gated)
    shutil.rmtree(Layout(gated.root).runs / made.runs[0])
    [found] = look(gated, made)
    assert states(found) == {"CR-leak": ["run"], "CR-help": ["run"]}
    [run] = needed(gated.workspace, [found]).runs
    assert run.suites == ("help", "leak")
    say(gated, "vendor-model")
    with sqlite3.connect(gated.root / ".shipworthy/control.sqlite") as database:
        database.execute("update audit set body = replace(body, 'vendor-model', 'prompt')")
    with pytest.raises(IntegrityError, match="is not what was written"):
        look(gated, made)


def test_two_decisions_share_a_run_and_the_superseded_one_asks_for_none(gated) -> None:  # type: ignore[no-untyped-def]
    first, second = decided(gated, plan="both"), decided(gated)
    gated.edit("requirements.yaml", "lower95 >= 0.70", "lower95 >= 0.60")
    found = look(gated, first, second)
    assert [one.superseded for one in found] == [second.id, ""]
    assert found[0].lapsed == ()
    both = [found[0]._replace(superseded=""), found[1]]
    [run] = needed(gated.workspace, both).runs  # both plans ask the same of the suite
    assert run.suites == ("help",)
    assert run.decides == (f"{first.id}:CR-help", f"{second.id}:CR-help")
    layout = Layout(gated.root)
    with AuditLog(layout.control_url) as audit:
        assert [one.id for one in in_force(layout, audit, "SYS-desk")] == [second.id]
        (layout.decisions / f"{second.id}.json").unlink()
        with pytest.raises(IntegrityError, match="put back to an earlier copy"):
            in_force(layout, audit, "SYS-desk")


def test_it_is_told_as_json(gated) -> None:  # type: ignore[no-untyped-def]
    made = decided(gated)
    gated.edit("targets.yaml", "model: m", "model: other")
    said = json.loads(json.dumps(told(look(gated, made)[0])))
    assert said["claims"][0]["state"] == "lapsed"
    assert said["claims"][0]["because"][0]["files"][0]["path"] == "targets.yaml"
    assert said["claims"][0]["because"][0]["decided_by"] == "run"
