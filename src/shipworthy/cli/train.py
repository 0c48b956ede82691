"""Training: modules with a quiz, exercises that are checked by running verbs, and case studies with rubrics."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from shipworthy.cli._options import form_option

if TYPE_CHECKING:
    from shipworthy.evidence.training import TrainingModule

_record = click.option("--record-in", "workspace", metavar="DIR", type=click.Path(path_type=Path, file_okay=False, exists=True), help="Enter the result in the audit log of this workspace.")  # fmt: skip  # noqa: E501
_who = click.option("--who", metavar="CODE", help="Who took it, as a code: an entry stays for ever, so no name.")


@click.group("train", no_args_is_help=True)
def command() -> None:
    """Training: modules with a quiz, exercises that are checked by running verbs, and case studies with rubrics."""


@command.command("list")
@form_option
def list_(form: str) -> None:
    """List the modules: for whom, how long, and what is in each."""
    from shipworthy.cli._tables import listing
    from shipworthy.evidence.training import modules

    rows = [
        {
            "module": one.id, "title": one.title, "minutes": one.minutes, "for": one.for_,
            "kind": "case study" if one.rubric else "lesson", "questions": len(one.quiz),
            "exercises": [exercise.id for exercise in one.exercises],
        }
        for one in modules().values()
    ]  # fmt: skip
    click.echo(listing(rows, form, ("module", "title", "minutes", "for"), empty=""))


@command.command()
@click.argument("module")
@form_option
def show(*, module: str, form: str) -> None:
    """Print MODULE: its text, what its exercises ask for, and its rubric."""
    import json

    from shipworthy.cli._tables import table
    from shipworthy.evidence.training import module_named

    one = module_named(module)
    if form == "json":
        click.echo(json.dumps(one.model_dump(mode="json", by_alias=True), indent=2))
        return
    click.echo(f"{one.title} ({one.minutes} minutes)\nFor {one.for_}\n\n{one.text.rstrip()}")
    for exercise in one.exercises:
        click.echo(f"\nExercise {exercise.id}: {exercise.title}\n{exercise.do.rstrip()}")
        click.echo(f"Begin: shipworthy train begin {one.id} {exercise.id} DIR")
    if one.rubric:
        rows = [(a.quality, a.at_1, a.at_3, a.at_5) for a in one.rubric]
        click.echo(f"\n{table(('graded on', '1', '3', '5'), rows)}")
        click.echo(f"2 and 4 lie between. Grade: shipworthy train grade {one.id} --grade 1,1,1 --who CODE")


@command.command()
@click.argument("module")
@click.option("--answers", metavar="LETTERS", help="All answers at once, commas between, such as a,bc,d; asked one by one if left out.")  # fmt: skip  # noqa: E501
@_who
@_record
def quiz(*, module: str, answers: str | None, who: str | None, workspace: Path | None) -> int:
    """Take the quiz of MODULE. Passed with 80 % of the answers right.

    Exit codes: 0 passed; 1 not passed; 2 usage error.
    """
    from shipworthy.core.errors import UsageError
    from shipworthy.evidence.training import PASSED, marked, module_named

    one = module_named(module)
    if not one.quiz:
        raise UsageError(f"{one.id} has no quiz")
    _check_record(workspace, who)
    given = [part.strip() for part in answers.split(",")] if answers is not None else _asked(one)
    right = marked(one, given)
    for number, (question, good) in enumerate(zip(one.quiz, right, strict=True), 1):
        click.echo(f"{number} {'right' if good else f'wrong, it is {question.right}'}: {question.because}")
    share = sum(right) / len(right)
    passed = share >= PASSED
    click.echo(f"\n{sum(right)} of {len(right)} right: {'passed' if passed else 'not passed'}")
    _enter(one, who, workspace, passed=passed, score=round(100 * share))
    return 0 if passed else 1


@command.command()
@click.argument("module")
@click.argument("exercise")
@click.argument("directory", metavar="DIR", type=click.Path(path_type=Path, file_okay=False))
def begin(*, module: str, exercise: str, directory: Path) -> None:
    """Make DIR ready for EXERCISE of MODULE; it must be empty, or not there."""
    from shipworthy.evidence.training import exercise_named, module_named, set_up

    one = exercise_named(module_named(module), exercise)
    set_up(one, directory)
    click.echo(
        f"{directory} is ready.\n\n{one.do.rstrip()}\n\nThen: shipworthy train check {module} {exercise} {directory}"
    )


@command.command()
@click.argument("module")
@click.argument("exercise")
@click.argument("directory", metavar="DIR", type=click.Path(path_type=Path, file_okay=False, exists=True))
@_who
@_record
@form_option
def check(*, module: str, exercise: str, directory: Path, who: str | None, workspace: Path | None, form: str) -> int:
    """Check what was done in DIR for EXERCISE of MODULE, by running verbs there.

    Exit codes: 0 done; 1 something is missing; 2 usage error.
    """
    import json

    from shipworthy.evidence.training import check as checked
    from shipworthy.evidence.training import exercise_named, module_named

    one = module_named(module)
    _check_record(workspace, who)
    found = checked(exercise_named(one, exercise), directory)
    if form == "json":
        click.echo(json.dumps({"exercise": exercise, "checks": [each._asdict() for each in found]}, indent=2))
    for each in found if form == "text" else ():
        click.echo(f"{'ok     ' if each.ok else 'MISSING'} {each.command}{f': {each.said}' if each.said else ''}")
    done = all(each.ok for each in found)
    _enter(one, who, workspace, passed=done, score=round(100 * sum(each.ok for each in found) / len(found)))
    return 0 if done else 1


@command.command()
@click.argument("module")
@click.option("--grade", "grades", metavar="1,…,5", required=True, help="A grade from 1 to 5 for each line of the rubric, commas between.")  # fmt: skip  # noqa: E501
@click.option("--who", metavar="CODE", required=True, help="Whose work it is, as a code.")
@_record
def grade(*, module: str, grades: str, who: str, workspace: Path | None) -> int:
    """Grade work on the case study MODULE by its rubric. Passed with no 1 and a mean of 3.

    Exit codes: 0 passed; 1 not passed; 2 usage error.
    """
    from shipworthy.core.errors import UsageError
    from shipworthy.evidence.training import GRADES, module_named

    one = module_named(module)
    given = [int(part) if part.strip().isdigit() else 0 for part in grades.split(",")]
    if not one.rubric or len(given) != len(one.rubric) or any(number not in GRADES for number in given):
        wanted = f"{len(one.rubric)} grades from 1 to 5" if one.rubric else "no grade: it is no case study"
        raise UsageError(f"{one.id} takes {wanted}")
    mean = sum(given) / len(given)
    passed = min(given) > 1 and mean >= 3
    for anchor, number in zip(one.rubric, given, strict=True):
        near = {1: anchor.at_1, 3: anchor.at_3, 5: anchor.at_5}.get(number)
        click.echo(f"{number} {anchor.quality}: {near or f'between: {anchor.at_1 if number == 2 else anchor.at_3}, and better'}")  # fmt: skip  # noqa: E501
    click.echo(f"\nmean {mean:.1f}: {'passed' if passed else 'not passed'}")
    _enter(one, who, workspace, passed=passed, score=round(20 * mean))
    return 0 if passed else 1


def _asked(one: TrainingModule) -> list[str]:
    given = []
    for number, question in enumerate(one.quiz, 1):
        click.echo(f"\n{number} {question.ask}")
        for letter, choice in zip("abcdef", question.choices, strict=False):
            click.echo(f"  {letter}) {choice}")
        given.append(click.prompt("Letters of all that are right", prompt_suffix=": "))
    click.echo("")
    return given


def _check_record(workspace: Path | None, who: str | None) -> None:
    from shipworthy.core.errors import UsageError

    if workspace is not None and who is None:
        raise UsageError("--record-in needs --who CODE")


def _enter(one: TrainingModule, who: str | None, workspace: Path | None, *, passed: bool, score: int) -> None:
    """Enter that somebody finished a module, where it is to be entered."""
    if workspace is None:
        return
    from shipworthy.cli._put_back import not_put_back
    from shipworthy.core.occurrence import Occurrence
    from shipworthy.store.audit import AuditLog
    from shipworthy.store.layout import Layout
    from shipworthy.store.occurrences import add_occurrences
    from shipworthy.workspace.system_id import system_id

    system = system_id(workspace)
    fields = {"who": who or "", "passed": "yes" if passed else "no", "score": str(score)}
    done = Occurrence(system, "training.done", one.id, datetime.now(UTC).isoformat(), fields, "train")
    with not_put_back(workspace), AuditLog(Layout(workspace).control_url) as audit:
        [entered] = add_occurrences(audit, [done])
    click.echo(f"entered: entry {entered.entry} of the audit log of {workspace}", err=True)
