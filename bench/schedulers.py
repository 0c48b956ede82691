"""The rendered schedule among the schedulers it is for: a Prefect flow and an Airflow DAG run, CronJobs are validated.

python bench/schedulers.py [prefect] [airflow] [kubernetes]           tell it; exit 1 where one did not work
python bench/schedulers.py --json                                     the same as one JSON object

Each in an environment of its own, from its lock (`bench/peers`). Kubernetes has no server here: its objects are held
against the schemas of the API by kubernetes-validate.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

REPOSITORY = Path(__file__).parents[1]
sys.path.insert(0, str(REPOSITORY / "bench" / "peers"))

from environments import apart, python_of  # noqa: E402

CRON = "TZ=Europe/Berlin\n0 3 * * 1-5 schema suite\n@weekly gate latest\n"
"""A job that is done, and one that fails: there is no workspace to gate."""
_S = 600


def prefect(folder: Path) -> dict[str, str]:
    """Run both flows: one returns a code, the other raises."""
    run = (
        "import flows\n"
        "assert flows.schema_suite() == 0\n"
        "try:\n"
        "    flows.gate_latest()\n"
        "except RuntimeError as error:\n"
        "    print('RAISED', error)\n"
    )
    (folder / "flows.py").write_text(rendered(folder, "prefect"))
    more = {"PREFECT_HOME": str(folder / "home"), "PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS": "300"}
    done = peer("prefect", ["-c", run], folder, more)
    so = done.returncode == 0 and "RAISED shipworthy gate latest exited with" in done.stdout
    return {"worked": "yes" if so else "no", "said": tail(done)}


def airflow(folder: Path) -> dict[str, str]:
    """Parse the DAGs and run each once: one succeeds, the other fails."""
    dags = folder / "home" / "dags"
    dags.mkdir(parents=True)
    (dags / "shipworthy_jobs.py").write_text(rendered(folder, "airflow"))
    more = {"AIRFLOW_HOME": str(folder / "home"), "AIRFLOW__CORE__LOAD_EXAMPLES": "False"}
    made = peer("airflow", ["-m", "airflow", "db", "migrate"], folder, more)
    if made.returncode:
        return {"worked": "no", "said": tail(made)}
    good = peer("airflow", ["-m", "airflow", "dags", "test", "shipworthy-schema-suite"], folder, more)
    bad = peer("airflow", ["-m", "airflow", "dags", "test", "shipworthy-gate-latest"], folder, more)
    told = bad.stdout + bad.stderr
    so = good.returncode == 0 and "shipworthy gate latest exited with" in told
    return {"worked": "yes" if so else "no", "said": tail(good if good.returncode else bad)}


def kubernetes(folder: Path) -> dict[str, str]:
    """Hold every object against the schemas of the API, strictly."""
    file = folder / "cronjobs.yaml"
    file.write_text(rendered(folder, "kubernetes", "--image", "registry.example/shipworthy:1.0"))
    done = peer("kubernetes", ["-m", "kubernetes_validate", "--strict", str(file)], folder, {})
    return {"worked": "yes" if done.returncode == 0 else "no", "said": tail(done)}


WITH: dict[str, Callable[[Path], dict[str, str]]] = {"prefect": prefect, "airflow": airflow, "kubernetes": kubernetes}


def rendered(folder: Path, form: str, *more: str) -> str:
    """Return the schedule as `shipworthy schedule render` prints it."""
    words = [sys.executable, "-m", "shipworthy", "schedule", "render", form, "-C", str(folder), "--folder", str(folder)]
    return subprocess.run([*words, *more], check=True, capture_output=True, text=True).stdout


def peer(name: str, words: list[str], folder: Path, more: dict[str, str]) -> subprocess.CompletedProcess[str]:
    """Run something in a peer's environment, our own command on its path."""
    home = folder / "home"
    home.mkdir(exist_ok=True)
    env = apart(str(home)) | more
    env["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{env['PATH']}"
    del env["PYTHONPATH"]  # what runs there is the rendered file alone
    command = [python_of(name), *words]
    return subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True, timeout=_S, check=False)


def tail(done: subprocess.CompletedProcess[str]) -> str:
    """Return the last line that a process printed."""
    lines = (done.stdout + done.stderr).strip().splitlines()
    return lines[-1][:300] if lines else ""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("names", nargs="*", choices=[*WITH, []], default=[])
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    found = {}
    for name in given.names or WITH:
        with tempfile.TemporaryDirectory() as scratch:
            (Path(scratch) / "schedule.cron").write_text(CRON)
            found[name] = WITH[name](Path(scratch))
        if not given.json:
            print(
                f"{name:12} {'worked' if found[name]['worked'] == 'yes' else 'DID NOT WORK'}: {found[name]['said']}",
                flush=True,
            )
    if given.json:
        print(json.dumps(found, indent=2))
    return 0 if all(one["worked"] == "yes" for one in found.values()) else 1


if __name__ == "__main__":
    sys.exit(main())
