"""A queue of labels to a real Label Studio and back: form, tasks, annotations, export, import, review with predictions.

python bench/label_studio.py           tell each step; exit 1 where one did not work
python bench/label_studio.py --json    the same as one JSON object

The server runs in an environment of its own, from its lock (`bench/peers`), with a home of its own; everything goes
through its API, as a person's browser does.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

REPOSITORY = Path(__file__).parents[1]
sys.path.insert(0, str(REPOSITORY / "bench" / "peers"))

from environments import apart, python_of  # noqa: E402

TOKEN = "ab" * 20
PEOPLE = ("ida", "ben")
_READY_S = 300


class Studio:
    """A running server."""

    def __init__(self, base: str) -> None:
        self.base = base

    def call(self, method: str, path: str, body: Any = None) -> Any:
        """Call its API, and return what it answers."""
        data = None if body is None else json.dumps(body).encode()
        head = {"Authorization": f"Token {TOKEN}", "Content-Type": "application/json"}
        request = urllib.request.Request(f"{self.base}/api/{path}", data, head, method=method)
        with urllib.request.urlopen(request, timeout=120) as answer:
            return json.loads(answer.read() or b"null")

    def project(self, title: str, form: str, tasks: list[Any]) -> int:
        """Make a project with our form, and import tasks; returns its number."""
        made = self.call("POST", "projects/", {"title": title, "label_config": form})
        self.call("POST", f"projects/{made['id']}/import", tasks)
        return int(made["id"])

    def tasks(self, project: int) -> list[Any]:
        """Export a project as JSON, with tasks that nobody annotated."""
        found = self.call("GET", f"projects/{project}/export?exportType=JSON&download_all_tasks=true")
        return list(found)

    def annotate(self, task: int, word: str) -> None:
        """Say of a task what a person says."""
        result = [{"from_name": "label", "to_name": "shown", "type": "choices", "value": {"choices": [word]}}]
        self.call("POST", f"tasks/{task}/annotations/", {"result": result, "lead_time": 3.5})


@contextmanager
def studio(folder: Path) -> Iterator[Studio]:
    """Run a server while the block runs."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    home = folder / "home"
    home.mkdir()
    env = apart(str(home)) | {"LABEL_STUDIO_ENABLE_LEGACY_API_TOKEN": "true", "COLLECT_ANALYTICS": "False"}
    del env["PYTHONPATH"]
    program = Path(python_of("label-studio")).parent / "label-studio"
    words = [program, "start", "--no-browser", "--port", str(port), "--data-dir", home, "--user-token", TOKEN,
             "--username", "ida@example.org", "--password", "a-password-of-a-test"]  # fmt: skip
    with (folder / "studio.log").open("wb") as log:
        process = subprocess.Popen(words, env=env, cwd=folder, stdout=log, stderr=log, start_new_session=True)
    server = Studio(f"http://127.0.0.1:{port}")
    try:
        end = time.monotonic() + _READY_S
        while True:
            try:
                server.call("GET", "projects/")
                break
            except (urllib.error.URLError, ConnectionError, TimeoutError):
                if time.monotonic() > end or process.poll() is not None:
                    raise SystemExit((folder / "studio.log").read_text()[-2_000:]) from None
                time.sleep(1)
        yield server
    finally:
        process.terminate()
        process.wait(30)


def ship(root: Path, *words: str, codes: tuple[int, ...] = (0,)) -> str:
    """Run a verb in a workspace, and return what it printed."""
    done = subprocess.run([sys.executable, "-m", "shipworthy", *words, "-C", str(root), "--allow-code"],
                          capture_output=True, text=True, check=False)  # fmt: skip
    if done.returncode not in codes:
        raise SystemExit(f"shipworthy {' '.join(words)} exited with {done.returncode}: {done.stdout}{done.stderr}")
    return done.stdout + done.stderr


def workspace(root: Path) -> None:
    """Make a workspace with a run of an answerer that tells its code now and then, and a queue for two people."""
    root.mkdir()
    (root / "system.yaml").write_text("system: {id: SYS-desk, title: Desk, owner: us}\n")
    (root / "desk.py").write_text(
        'def answer(text: str) -> str:\n    return "The code is HERON-4471." if len(text) % 3 == 0 else "No."\n'
    )
    (root / "targets.yaml").write_text("targets:\n  default: {use: python, call: 'desk:answer'}\n")
    (root / "suites" / "told").mkdir(parents=True)
    (root / "suites" / "told" / "suite.yaml").write_text(
        "id: told\nversion: '1'\ntitle: Told\ncontent: synthetic\nmetric: leak\nscorers: [canary_leak]\n"
    )
    rows = [{"id": f"T-{n:02}", "messages": [{"role": "user", "content": "x" * (10 + n)}], "secrets": ["HERON-4471"]}
            for n in range(12)]  # fmt: skip
    (root / "suites" / "told" / "samples.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    found: dict[str, Any] = {}

    def note(step: str, value: Any) -> None:
        found[step] = value
        if not given.json:
            print(f"{step:24} {value}", flush=True)

    with tempfile.TemporaryDirectory() as scratch, studio(Path(scratch)) as server:
        root = Path(scratch) / "w"
        os.environ["SHIPWORTHY_KEYS_DIR"] = str(Path(scratch) / "keys")
        workspace(root)
        ship(root, "eval", codes=(0,))
        ship(root, "labels", "queue", "--suite", "told", "--people", ",".join(PEOPLE), "--twice")
        refused = ship(root, "labels", "studio", "review", "--by", "ida", "-o", str(root / "early"), codes=(2,))
        note("review before the end", "refused" if "left to label" in refused else "NOT REFUSED")
        for person in PEOPLE:
            out = root / person
            ship(root, "labels", "studio", "export", "--by", person, "-o", str(out))
            form, tasks = (out / "form.xml").read_text(), json.loads((out / "tasks.json").read_text())
            project = server.project(f"queue of {person}", form, tasks)
            for task in server.tasks(project):
                server.annotate(task["id"], "hit" if "HERON" in task["data"]["shown"] else "no-hit")
            (out / "export.json").write_text(json.dumps(server.tasks(project)))
            said = ship(root, "labels", "studio", "import", str(out / "export.json"), "--by", person)
            kept = re.search(r"(\d+) words kept", said)
            note(f"words of {person}", int(kept[1]) if kept else said)
            note(f"tasks of {person}", len(tasks))
        out = root / "review"
        ship(root, "labels", "studio", "review", "--by", "ida", "-o", str(out))
        review = json.loads((out / "review.json").read_text())
        project = server.project("review", (out / "form.xml").read_text(), review)
        shown = server.tasks(project)
        note("tasks of the review", len(shown))
        note("annotations there", sum(len(task["annotations"]) for task in shown))
        predictions = server.call("GET", f"predictions/?project={project}")
        note("predictions there", len(predictions))
        again = ship(root, "labels", "studio", "import", str(root / "ida" / "export.json"), "--by", "ida", codes=(2,))
        note("a word after the review", "refused" if "is closed" in again else "NOT REFUSED")
    so = (
        found["words of ida"] == found["tasks of ida"] > 0
        and found["words of ben"] == found["tasks of ben"] > 0
        and found["annotations there"] == found["words of ida"] + found["words of ben"]
        and found["predictions there"] == found["tasks of the review"]
        and "NOT" not in found["review before the end"] + found["a word after the review"]
    )
    note("worked", "yes" if so else "no")
    if given.json:
        print(json.dumps(found, indent=2))
    return 0 if so else 1


if __name__ == "__main__":
    sys.exit(main())
