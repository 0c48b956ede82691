"""Training modules: text, quiz, exercises that are checked by running verbs, case studies with anchored rubrics."""

from __future__ import annotations

import shlex
import subprocess
import sys
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Annotated, Any, NamedTuple

from pydantic import Field, model_validator

from shipworthy.core import strict_json
from shipworthy.core.errors import Problem, UsageError, WorkspaceError, did_you_mean
from shipworthy.workspace.fields import Count, Entity, Slug, Title
from shipworthy.workspace.nodes import read_yaml
from shipworthy.workspace.validate import validate

FOLDER = Path(__file__).parents[1] / "library" / "training"
PASSED = 0.8
"""Share of a quiz that must be right."""
GRADES = (1, 2, 3, 4, 5)
_LONGEST_S = 900


class QuizQuestion(Entity):
    """A question of a quiz.

    Attributes:
        right: the letters of the choices that are right, all of them, such as ``ac``.
        because: said once it was answered.
    """

    ask: Title
    choices: Annotated[tuple[Title, ...], Field(min_length=2, max_length=6)]
    right: Annotated[str, Field(pattern="^[a-f]+$")]
    because: Title

    @model_validator(mode="after")
    def _there(self) -> QuizQuestion:
        if list(self.right) != sorted(set(self.right)) or ord(self.right[-1]) - ord("a") >= len(self.choices):
            raise ValueError("'right' names choices by their letters, in order, each once")
        return self


class ExerciseCheck(Entity):
    """What must be so once an exercise is done: a verb is run in its folder.

    Attributes:
        run: the verb with its options.
        codes: exit codes that are right.
        has: texts that its output must have.
        at: a path into its JSON output, keys and positions with dots between; `least` is the least number, or length of
            a list, that must stand there, `is_` one of the texts that may.
        where: of a list that it prints, only rows whose key has this value; `but` none whose key has one of these.
        says: what is wrong where it is not so.
    """

    run: Title
    codes: tuple[int, ...] = (0,)
    has: tuple[Title, ...] = ()
    at: str = ""
    least: float | None = None
    is_: Annotated[tuple[Title, ...], Field(alias="is")] = ()
    where: dict[str, str] = Field(default_factory=dict)
    but: dict[str, tuple[str, ...]] = Field(default_factory=dict)
    says: Title


class TrainingExercise(Entity):
    """Something to do in a folder of its own; `set_up` are verbs that make it ready, `{dir}` the folder."""

    id: Slug
    title: Title
    do: Title
    set_up: tuple[Title, ...] = ()
    checks: Annotated[tuple[ExerciseCheck, ...], Field(min_length=1)]


class RubricAnchor(Entity):
    """A line of a rubric: what a 1, a 3 and a 5 look like; 2 and 4 lie between."""

    quality: Title
    at_1: Title
    at_3: Title
    at_5: Title


class TrainingModule(Entity):
    """A module; a case study has a rubric."""

    id: Slug
    title: Title
    minutes: Count
    for_: Annotated[Title, Field(alias="for")]
    text: Title
    quiz: tuple[QuizQuestion, ...] = ()
    exercises: tuple[TrainingExercise, ...] = ()
    rubric: tuple[RubricAnchor, ...] = ()


class ExerciseOutcome(NamedTuple):
    """Whether a check holds; what is wrong, and the command that shows it, where it does not."""

    ok: bool
    said: str
    command: str


@cache
def modules() -> Mapping[str, TrainingModule]:
    """Return every module by its id, lessons before case studies.

    Raises:
        WorkspaceError: a file of ours is not what it must be.
    """
    problems: list[Problem] = []
    read = [validate(TrainingModule, read_yaml(path), (), problems) for path in sorted(FOLDER.glob("*.yaml"))]
    if problems:
        raise WorkspaceError(problems)
    found = [one for one in read if one is not None]
    return {one.id: one for one in sorted(found, key=lambda one: (bool(one.rubric), one.id))}


def module_named(wanted: str) -> TrainingModule:
    """Return a module.

    Raises:
        UsageError: there is none.
    """
    if wanted not in modules():
        raise UsageError(f"there is no module {wanted!r}: {did_you_mean(wanted, list(modules()))}")
    return modules()[wanted]


def exercise_named(module: TrainingModule, wanted: str) -> TrainingExercise:
    """Return an exercise of a module.

    Raises:
        UsageError: there is none.
    """
    known = {one.id: one for one in module.exercises}
    if wanted not in known:
        raise UsageError(
            f"{module.id} has no exercise {wanted!r}: {did_you_mean(wanted, list(known)) or 'it has none'}"
        )
    return known[wanted]


def marked(module: TrainingModule, answers: Sequence[str]) -> list[bool]:
    """Return which answers of a quiz are right; an answer is the letters of the choices taken, in any order.

    Raises:
        UsageError: there are not as many answers as questions.
    """
    if len(answers) != len(module.quiz):
        raise UsageError(f"{module.id} has {len(module.quiz)} questions, and there are {len(answers)} answers")
    return [
        "".join(sorted(set(answer.lower()))) == question.right
        for answer, question in zip(answers, module.quiz, strict=True)
    ]


def set_up(exercise: TrainingExercise, folder: Path) -> None:
    """Make the folder of an exercise ready.

    Raises:
        UsageError: there is something in it already, or a verb fails.
    """
    if folder.exists() and any(folder.iterdir()):
        raise UsageError(f"{folder} is not empty: an exercise begins in a folder of its own")
    folder.mkdir(parents=True, exist_ok=True)
    for line in exercise.set_up:
        done = _call(line, folder)
        if done.returncode:
            raise UsageError(f"shipworthy {line}: {_last(done)}")


def check(exercise: TrainingExercise, folder: Path) -> list[ExerciseOutcome]:
    """Return what holds of an exercise in its folder; a check that cannot be run does not hold."""
    return [_checked(one, folder) for one in exercise.checks]


def _checked(one: ExerciseCheck, folder: Path) -> ExerciseOutcome:
    done = _call(one.run, folder)
    command = f"shipworthy {one.run}"
    if done.returncode not in one.codes:
        return ExerciseOutcome(False, f"{one.says} (it exited with {done.returncode}: {_last(done)})", command)
    out = done.stdout.decode(errors="replace")
    if missing := [text for text in one.has if text not in out]:
        return ExerciseOutcome(False, f"{one.says} ({missing[0]!r} is not in what it prints)", command)
    if not one.at and one.least is None and not one.is_:
        return ExerciseOutcome(True, "", command)
    try:
        printed = strict_json.loads(out.encode())
        if isinstance(printed, list):
            printed = [row for row in printed if _wanted(one, row)]
        value = _at(printed, one.at)
    except (ValueError, KeyError, IndexError, TypeError):
        return ExerciseOutcome(False, f"{one.says} (there is no {one.at} in what it prints)", command)
    if one.is_ and str(value) not in one.is_:
        return ExerciseOutcome(False, f"{one.says} ({one.at} is {value})", command)
    if one.least is not None:
        size = len(value) if isinstance(value, list | dict | str) else value
        if not isinstance(size, int | float) or size < one.least:
            return ExerciseOutcome(False, f"{one.says} ({one.at or 'it'} is {size}, at least {one.least:g})", command)
    return ExerciseOutcome(True, "", command)


def _wanted(one: ExerciseCheck, row: Any) -> bool:
    return all(str(row[key]) == value for key, value in one.where.items()) and not any(
        str(row[key]) in values for key, values in one.but.items()
    )


def _at(value: Any, path: str) -> Any:
    for part in path.split(".") if path else ():
        value = value[int(part)] if isinstance(value, list) else value[part]
    return value


def _call(line: str, folder: Path) -> subprocess.CompletedProcess[bytes]:
    words = [sys.executable, "-m", "shipworthy", *shlex.split(line.replace("{dir}", "."))]
    try:
        return subprocess.run(  # noqa: S603 - a verb of ours, from a file of ours; no shell
            words, cwd=folder, stdin=subprocess.DEVNULL, capture_output=True, check=False, timeout=_LONGEST_S
        )
    except subprocess.TimeoutExpired:
        return subprocess.CompletedProcess(words, 124, b"", b"it took too long")


def _last(done: subprocess.CompletedProcess[bytes]) -> str:
    lines = (done.stderr or done.stdout).decode(errors="replace").strip().splitlines()
    return next((line for line in lines if line.startswith("error")), lines[-1] if lines else "it said nothing")
