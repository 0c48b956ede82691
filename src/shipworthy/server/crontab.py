"""The file ``schedule.cron``: when which verb is called, in the form that cron itself reads.

Each line has five fields and a command, ``0 3 * * * eval --suite leak``. The command is a verb of shipworthy with its
options: no shell reads it. ``TZ=Europe/Berlin`` says in which zone the lines below it are meant; UTC without it.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from pkgutil import iter_modules
from typing import NamedTuple
from zoneinfo import ZoneInfo

from cronsim import CronSim, CronSimError

from shipworthy.core.errors import Problem, UsageError, WorkspaceError
from shipworthy.detect.redact import redact_text

FILE = "schedule.cron"
LONGEST = 2_000
"""Characters of a line."""

_NEVER_ENDING = ("gateway", "schedule", "serve", "view")
_FOR_PEOPLE = ("allow", "confirm", "demo", "init", "keys")
_SIGNING = (("release", "sign"), ("release", "decide"), ("release", "accept"), ("evidence", "sign"),
            ("finding", "accept"))  # fmt: skip
_HOURLY = {"@hourly": "0 * * * *", "@daily": "0 0 * * *", "@midnight": "0 0 * * *", "@weekly": "0 0 * * 0",
           "@monthly": "0 0 1 * *", "@yearly": "0 0 1 1 *", "@annually": "0 0 1 1 *"}  # fmt: skip


class Job(NamedTuple):
    """One line of the file.

    Attributes:
        name: made of its command, unique in the file: a letter, then letters, digits and dashes, at most 40.
        cron: its five fields; `zone` the name of the time zone that they are meant in.
        words: the verb and its options.
        line: where it stands.
    """

    name: str
    cron: str
    zone: str
    words: tuple[str, ...]
    line: int

    @property
    def command(self) -> str:
        """The command as one would type it."""
        return shlex.join(("shipworthy", *self.words))

    @property
    def takes_code(self) -> bool:
        """Whether it asks for code of the workspace to be run."""
        return "--allow-code" in self.words

    def after(self, moment: datetime) -> Iterator[datetime]:
        """Yield when it is due after a moment, in UTC, for as long as there are such times.

        Where clocks are put forward or back it does as Debian's cron does.
        """
        for due in CronSim(self.cron, moment.astimezone(ZoneInfo(self.zone))):
            yield due.astimezone(UTC)

    def due_between(self, start: datetime, end: datetime) -> datetime | None:
        """Return the last time at which it was due after `start`, up to `end`; None where it was not."""
        last = None
        for due in self.after(start):
            if due > end:
                break
            last = due
        return last


def read_crontab(file: Path) -> tuple[Job, ...]:
    """Return the jobs of a file, in its order.

    Raises:
        UsageError: it cannot be read.
        WorkspaceError: every line that is none, by its number.
    """
    try:
        text = file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{file}: it cannot be read: {error}") from None
    zone, jobs, problems = "UTC", list[Job](), list[Problem]()
    names: set[str] = set()
    for number, raw in enumerate(text.splitlines(), 1):
        line = raw.strip()
        if not line or line.startswith("#"):
            continue
        try:
            if found := re.fullmatch(r"(?:CRON_)?TZ *= *(\S+)", line):
                zone = _zone(found[1])
                continue
            jobs.append(_job(line, zone, number, names))
        except ValueError as error:
            problems.append(Problem(file, number, str(error), ""))
    if problems:
        raise WorkspaceError(problems)
    return tuple(jobs)


def _zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (OSError, ValueError, KeyError):
        raise ValueError(f"there is no time zone {name[:80]!a}: write TZ=Europe/Berlin, for example") from None
    return name


def _job(line: str, zone: str, number: int, names: set[str]) -> Job:
    if len(line) > LONGEST:
        raise ValueError(f"the line has {len(line):,} characters; at most {LONGEST:,}")
    if line.startswith("@"):
        word, _, rest = line.partition(" ")
        if word not in _HOURLY:
            raise ValueError(f"there is no {word[:20]!a}: {', '.join(_HOURLY)}")
        cron, command = _HOURLY[word], rest.strip()
    else:
        parts = line.split(None, 5)
        if len(parts) < 6:
            raise ValueError("five fields and a command were expected, such as '0 3 * * * eval --suite leak'")
        cron, command = " ".join(parts[:5]), parts[5]
    try:
        CronSim(cron, datetime(2026, 1, 1, tzinfo=UTC))
    except CronSimError as error:
        raise ValueError(f"{cron!a} is no time: {error}") from None
    try:
        words = tuple(shlex.split(command, comments=True))
    except ValueError as error:
        raise ValueError(f"the command cannot be read: {error}") from None
    words = words[1:] if words[:1] == ("shipworthy",) else words
    _refuse(words)
    # It names a folder and entries that stay for ever.
    slug = re.sub(r"[^a-z0-9]+", "-", redact_text(shlex.join(words)).lower()).strip("-")[:36].strip("-")
    name, count = slug, 1
    while name in names:
        count += 1
        name = f"{slug}-{count}"
    names.add(name)
    return Job(name, cron, zone, words, number)


@cache
def _verbs() -> frozenset[str]:
    """The verbs of the command line, by their files: nothing of them is imported."""
    found = iter_modules([str(Path(__file__).parent.parent / "cli")])
    return frozenset(module.name.replace("_", "-") for module in found if module.name[0] != "_")


def _refuse(words: tuple[str, ...]) -> None:
    """Refuse what is no verb, would never end, or is for people to say."""
    if not words:
        raise ValueError("there is no command after the time")
    verb = words[0]
    if verb not in _verbs():
        raise ValueError(f"there is no verb {verb[:80]!a}: a job is a verb of shipworthy, not a shell command")
    if verb in _NEVER_ENDING:
        raise ValueError(f"`{verb}` does not end by itself, so it is no job")
    if verb in _FOR_PEOPLE or words[:2] in _SIGNING:
        raise ValueError(f"`{' '.join(words[:2])}` is for a person to say, so it is no job")
    if any(word == "--workspace" or word.startswith(("-C", "--workspace=")) for word in words):
        raise ValueError("a job is about the workspace that its file lies in: leave --workspace out")
