"""What it costs to label: a hundred words given in the loop, the start of the process and its summary included.

python bench/labels.py           a table; exit 1 over the limit
python bench/labels.py --json    the same figures as one JSON object

The keys come through a pipe, so no time is a person's. Every word is durable before the next answer is shown.
"""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import tempfile
from pathlib import Path

WORDS = 100
ATTEMPTS = 400
ROUNDS = 3
LIMIT = 3.0
"""CPU seconds of a hundred labels, user and kernel."""

FILES = {
    "desk.py": "def answer(text: str) -> str:\n    return 'Yes. ' * 40 if text.endswith('0') else 'No. ' * 40\n",
    "system.yaml": "system: {id: SYS-desk, title: Desk, owner: us}\n",
    "targets.yaml": 'targets:\n  default: {use: python, call: "desk:answer", version: "1"}\n',
    "suites/yes.yaml": (
        "id: yes\nversion: 1.0.0\ntitle: Does it say yes?\ncontent: private\nmetric: regex\n"
        "scorers:\n  - {use: regex, pattern: 'Yes'}\nsamples: yes.jsonl\n"
    ),
    "suites/yes.jsonl": "".join(
        f'{{"id": "SM-{n:03}", "messages": [{{"role": "user", "content": "Ask {n}"}}]}}\n' for n in range(ATTEMPTS)
    ),
}


def run(folder: Path, *words: str, keys: str = "") -> float:
    """Run a verb; return its CPU seconds."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    command = [sys.executable, "-m", "shipworthy", *words, "--allow-code"]
    done = subprocess.run(command, cwd=folder, input=keys, capture_output=True, text=True, env=os.environ)
    if done.returncode:
        raise SystemExit(f"{' '.join(words)}: {done.stdout}{done.stderr}")
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def main(arguments: list[str]) -> int:
    """Measure; return 1 over the limit."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for path, text in FILES.items():
            (folder / path).parent.mkdir(exist_ok=True)
            (folder / path).write_text(text, "utf-8")
        run(folder, "eval")
        run(folder, "labels", "queue", "--suite", "yes", "--people", "ida,ben", "--twice", "--negatives", "400")
        idle = min(run(folder, "labels", "work", "--by", "ben", keys="q\n") for _ in range(ROUNDS))
        spent = [run(folder, "labels", "work", "--by", "ida", keys="h\nn\n" * (WORDS // 2)) for _ in range(ROUNDS)]
    found = {"hundred_labels_cpu_s": round(min(spent), 2), "begin_and_quit_cpu_s": round(idle, 2), "limit": LIMIT}
    if "--json" in arguments:
        print(json.dumps(found))
    else:
        print(f"{WORDS} labels   {min(spent):.2f} CPU-s (limit {LIMIT:g}), of which {idle:.2f} to begin and quit")
    return int(min(spent) > LIMIT)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
