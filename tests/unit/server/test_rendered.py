"""The schedule for other schedulers: the same commands, in files that those tools read."""

from __future__ import annotations

import ast

import pytest
import yaml

from shipworthy.core.errors import UsageError
from shipworthy.server.crontab import read_crontab
from shipworthy.server.rendered import render


@pytest.fixture
def jobs(tmp_path):
    file = tmp_path / "schedule.cron"
    file.write_text(
        'TZ=Europe/Berlin\n0 3 * * * eval --suite "it\'s"\n@weekly 7 \n'.replace("@weekly 7 \n", "@weekly check\n")
    )
    return read_crontab(file)


@pytest.mark.parametrize("form", ["prefect", "airflow"])
def test_python_that_parses_and_calls_the_same_words(jobs, form):
    tree = ast.parse(render(jobs, form, folder="/w"))
    called = [ast.literal_eval(node.args[0]) for node in ast.walk(tree)
              if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "call"]  # fmt: skip
    assert called == [["eval", "--suite", "it's"], ["check"]]


def test_cron_jobs_whose_verdicts_are_no_failures(jobs):
    first, second = yaml.safe_load_all(render(jobs, "kubernetes", folder="/w", image="r.example/s:1"))
    assert (first["spec"]["schedule"], first["spec"]["timeZone"]) == ("0 3 * * *", "Europe/Berlin")
    [container] = first["spec"]["jobTemplate"]["spec"]["template"]["spec"]["containers"]
    assert container["args"] == ["eval", "--suite", "it's"]
    assert "0|1|3) exit 0" in container["command"][2]
    assert second["metadata"]["name"] == "shipworthy-check"


def test_without_an_image_or_a_job_nothing_is_made(jobs):
    with pytest.raises(UsageError, match="needs an image"):
        render(jobs, "kubernetes", folder="/w")
    with pytest.raises(UsageError, match="no job"):
        render((), "prefect", folder="/w")
