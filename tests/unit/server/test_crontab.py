"""The cron file: what is a job, when it is due, and what each wrong line is told."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from shipworthy.core.errors import UsageError, WorkspaceError
from shipworthy.server.crontab import Job, read_crontab

NOON = datetime(2026, 11, 30, 12, tzinfo=UTC)


def jobs(tmp_path, text: str) -> tuple[Job, ...]:
    (tmp_path / "schedule.cron").write_text(text)
    return read_crontab(tmp_path / "schedule.cron")


def test_a_job_is_a_verb_at_a_time_in_a_zone(tmp_path):
    found = jobs(tmp_path, "# nightly\n\n0 3 * * 1-5 shipworthy eval --suite 'a b'\nTZ=Europe/Berlin\n@daily check\n")
    assert [(job.name, job.words, job.zone, job.line) for job in found] == [
        ("eval-suite-a-b", ("eval", "--suite", "a b"), "UTC", 3),
        ("check", ("check",), "Europe/Berlin", 5),
    ]
    assert found[0].command == "shipworthy eval --suite 'a b'"
    assert next(found[0].after(NOON)) == datetime(2026, 12, 1, 3, tzinfo=UTC)
    assert next(found[1].after(NOON)) == datetime(2026, 11, 30, 23, tzinfo=UTC), "midnight in Berlin"


def test_two_of_one_name_are_told_apart(tmp_path):
    assert [job.name for job in jobs(tmp_path, "@daily check\n@weekly check\n")] == ["check", "check-2"]
    found = jobs(tmp_path, "@daily kpi show\n@weekly kpi show\n@daily kpi show 2\n")
    assert [job.name for job in found] == ["kpi-show", "kpi-show-2", "kpi-show-2-2"]


def test_a_name_holds_nobodys_address(tmp_path):
    [job] = jobs(tmp_path, "@daily check --by ada@example.org\n")
    assert job.name == "check-by-redacted-email"


def test_a_day_on_which_clocks_change_has_each_daily_job_once(tmp_path):
    [job] = jobs(tmp_path, "TZ=Europe/Berlin\n30 2 * * * check\n")
    for day in (datetime(2026, 3, 28, 12, tzinfo=UTC), datetime(2026, 10, 24, 12, tzinfo=UTC)):
        due = [one for one in _first(job, day, 3) if one < day + timedelta(days=1)]
        assert len(due) == 1, day


def _first(job: Job, day: datetime, count: int) -> list[datetime]:
    found = job.after(day)
    return [next(found) for _ in range(count)]


def test_the_last_time_between_two_is_found(tmp_path):
    [job] = jobs(tmp_path, "*/10 * * * * check\n")
    assert job.due_between(NOON - timedelta(minutes=35), NOON) == NOON
    assert job.due_between(NOON, NOON + timedelta(minutes=9)) is None


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("0 3 * * *", "five fields and a command were expected"),
        ("61 3 * * * check", "is no time: Bad minute"),
        ("@reboot check", "there is no '@reboot'"),
        ("0 3 * * * rm -rf /", "there is no verb 'rm'"),
        ("0 3 * * * eval -C/srv/other", "leave --workspace out"),
        ("0 3 * * * finding accept F-1", "is for a person to say"),
        ("0 3 * * * eval 'a", "the command cannot be read"),
        ("0 3 * * * serve", "does not end by itself"),
        ("0 3 * * * allow code app", "is for a person to say"),
        ("0 3 * * * release sign X", "is for a person to say"),
        ("0 3 * * * check -C /elsewhere", "leave --workspace out"),
        ("TZ=Mars/Olympus", "there is no time zone 'Mars/Olympus'"),
        ("0 3 * * * check " + "x" * 2_000, "characters; at most 2,000"),
    ],
)
def test_every_wrong_line_is_named(tmp_path, line, said):
    with pytest.raises(WorkspaceError) as caught:
        jobs(tmp_path, f"@daily check\n{line}\n* * * * 9 check\n")
    assert "schedule.cron:2: " in str(caught.value) and said in str(caught.value)
    assert "schedule.cron:3: " in str(caught.value)


def test_a_file_that_is_not_there_is_said(tmp_path):
    with pytest.raises(UsageError, match=r"schedule\.cron: it cannot be read"):
        read_crontab(tmp_path / "schedule.cron")
