"""The schedule for those who have a scheduler already: a Prefect flow, an Airflow DAG, Kubernetes CronJobs.

Each calls the same command lines, so nothing is said twice.
"""

from __future__ import annotations

import json
import keyword
from collections.abc import Sequence
from typing import Any, Literal

from shipworthy.core.errors import UsageError
from shipworthy.server.crontab import Job

Form = Literal["prefect", "airflow", "kubernetes"]
RESULTS = (0, 1, 3)
"""Exit codes that are results: done or ship, no-ship, inconclusive. Everything else is a failure of the job."""


def render(jobs: Sequence[Job], form: Form, *, folder: str, image: str = "") -> str:
    """Return the jobs for another scheduler.

    Args:
        folder: of the workspace, where the jobs will run.
        image: of Kubernetes' containers, with shipworthy in it.

    Raises:
        UsageError: there is no job, or no image for Kubernetes.
    """
    if not jobs:
        raise UsageError("there is no job to render")
    if form == "kubernetes":
        if not image:
            raise UsageError("Kubernetes needs an image with shipworthy in it: --image registry.example/shipworthy:1.0")
        return _kubernetes(jobs, folder, image)
    return (_prefect if form == "prefect" else _airflow)(jobs, folder)


def _identifier(name: str) -> str:
    found = name.replace("-", "_")
    return f"job_{found}" if found[:1].isdigit() or keyword.iskeyword(found) else found


_CALL = '''

def call(words):
    """Call shipworthy; a verdict is a result, anything else that is not 0 is a failure."""
    code = subprocess.run([COMMAND, *words], cwd=FOLDER, check=False).returncode
    if code not in {results}:
        raise RuntimeError(f"shipworthy {{' '.join(words)}} exited with {{code}}")
    return code
'''.replace("{results}", str(RESULTS))


def _prefect(jobs: Sequence[Job], folder: str) -> str:
    lines = [
        '"""Made by `shipworthy schedule render prefect`; change schedule.cron, not this file."""',
        "",
        "import os",
        "import subprocess",
        "",
        "from prefect import flow, serve",
        "from prefect.schedules import Cron",
        "",
        f'FOLDER = os.environ.get("SHIPWORTHY_WORKSPACE", {json.dumps(folder)})',
        'COMMAND = os.environ.get("SHIPWORTHY_COMMAND", "shipworthy")',
        _CALL.replace("{{", "{").replace("}}", "}"),
    ]
    for job in jobs:
        lines += [
            "",
            f"@flow(name={json.dumps(job.name)})",
            f"def {_identifier(job.name)}():",
            f"    return call({json.dumps(list(job.words))})",
            "",
        ]
    lines += ["", 'if __name__ == "__main__":', "    serve("]
    lines += [
        f"        {_identifier(job.name)}.to_deployment({json.dumps(job.name)}, "
        f"schedule=Cron({json.dumps(job.cron)}, timezone={json.dumps(job.zone)})),"
        for job in jobs
    ]
    return "\n".join([*lines, "    )", ""])


def _airflow(jobs: Sequence[Job], folder: str) -> str:
    lines = [
        '"""Made by `shipworthy schedule render airflow`; change schedule.cron, not this file."""',
        "",
        "import os",
        "import subprocess",
        "",
        "import pendulum",
        "from airflow.sdk import dag, task",
        "from airflow.timetables.trigger import CronTriggerTimetable",
        "",
        f'FOLDER = os.environ.get("SHIPWORTHY_WORKSPACE", {json.dumps(folder)})',
        'COMMAND = os.environ.get("SHIPWORTHY_COMMAND", "shipworthy")',
        _CALL.replace("{{", "{").replace("}}", "}"),
    ]
    for job in jobs:
        name = _identifier(job.name)
        lines += [
            "",
            "@dag(",
            f"    dag_id={json.dumps('shipworthy-' + job.name)},",
            f"    schedule=CronTriggerTimetable({json.dumps(job.cron)}, timezone={json.dumps(job.zone)}),",
            '    start_date=pendulum.datetime(2026, 1, 1, tz="UTC"),',
            "    catchup=False,",
            "    max_active_runs=1,",
            ")",
            f"def {name}():",
            "    @task",
            "    def run():",
            f"        return call({json.dumps(list(job.words))})",
            "",
            "    run()",
            "",
            "",
            f"{name}()",
            "",
        ]
    return "\n".join(lines)


def _kubernetes(jobs: Sequence[Job], folder: str, image: str) -> str:
    import yaml

    made: list[dict[str, Any]] = []
    for job in jobs:
        container = {
            "name": "shipworthy", "image": image, "workingDir": folder,
            "command": ["/bin/sh", "-c", _SHELL, "shipworthy"], "args": list(job.words),
            "securityContext": {
                "allowPrivilegeEscalation": False, "runAsNonRoot": True, "capabilities": {"drop": ["ALL"]},
                "seccompProfile": {"type": "RuntimeDefault"},
            },
            "resources": {"requests": {"cpu": "500m", "memory": "512Mi"}, "limits": {"memory": "2Gi"}},
            "volumeMounts": [{"name": "workspace", "mountPath": folder}],
        }  # fmt: skip
        made.append({
            "apiVersion": "batch/v1", "kind": "CronJob",
            "metadata": {
                "name": f"shipworthy-{job.name}"[:52].rstrip("-"), "labels": {"app.kubernetes.io/name": "shipworthy"},
            },
            "spec": {
                "schedule": job.cron, "timeZone": "Etc/UTC" if job.zone == "UTC" else job.zone,
                "concurrencyPolicy": "Forbid", "startingDeadlineSeconds": 3600,
                "jobTemplate": {"spec": {"backoffLimit": 0, "activeDeadlineSeconds": 21_600, "template": {"spec": {
                    "restartPolicy": "Never", "containers": [container],
                    "volumes": [
                        {"name": "workspace", "persistentVolumeClaim": {"claimName": "shipworthy-workspace"}}
                    ],
                }}}},
            },
        })  # fmt: skip
    head = "# Made by `shipworthy schedule render kubernetes`; change schedule.cron, not this file.\n"
    return head + yaml.safe_dump_all(made, sort_keys=False)


# Kubernetes knows no exit code but 0 that is no failure.
_SHELL = 'shipworthy "$@"; code=$?; case $code in ' + "|".join(map(str, RESULTS)) + ") exit 0;; *) exit $code;; esac"
