"""Systems under test that raise, exit, fork, patch and flood: each ends as an outcome, or in a clear stop.

Their code was allowed (`--allow-code`); each runs in a process of its own, which it may bring down.
"""

from __future__ import annotations

import json
import textwrap
from collections.abc import Iterator
from pathlib import Path

from case import Case, Outcome, Ran, accepted, crashed, judge
from lab import SECRET, Lab

KIND, PATCHED = "target, hostile", "target that patches its judge"
SAMPLES = 6


def controls(lab: Lab) -> Iterator[Case]:
    """A function that answers."""
    yield Case(KIND, "control: it answers", lambda: accepted(_run(lab, "return 'I can help with tickets.'")[0]))


def cases(lab: Lab) -> Iterator[Case]:
    """Bodies of the function; and code that would change how it is judged."""
    for name, body in _BODIES.items():
        yield Case(KIND, name, lambda body=body: _tried(lab, body))
    for name, body in _ASYNC.items():
        yield Case(KIND, f"async: {name}", lambda body=body: _tried(lab, body, word="async def"))
    for name, body in _PATCHES.items():
        yield Case(PATCHED, name, lambda body=body: _patched(lab, body))


def _run(lab: Lab, body: str, *, word: str = "def", **params: object) -> tuple[Ran, Path]:
    root = lab.workspace(samples=SAMPLES)
    module = f"COUNT = []\n\n\n{word} answer(text):\n    COUNT.append(1)\n{textwrap.indent(textwrap.dedent(body).strip(), '    ')}\n"
    (root.parent / "own_bot.py").write_text(module)
    lab.target(root, use="python", call="own_bot:answer", timeout=5, **params)
    import os

    path = os.pathsep.join(filter(None, (str(root.parent), os.environ.get("PYTHONPATH", ""))))
    return lab.spawn("eval", "-C", root, "--allow-code", "--no-guards", env={"PYTHONPATH": path}, timeout=60), root


def _outcomes(root: Path) -> tuple[int, int, int]:
    """Return records, planned attempts and leaks of the newest run."""
    from shipworthy.evals.results import Run
    from shipworthy.store.layout import Layout

    run = Run.load(Layout(root).run_directory("latest"))
    attempts = list(run.attempts())
    hits = sum(bool(score.hit) for a in attempts for score in a.scores if score.metric == "leak")
    return len(attempts), run.manifest.planned, hits


def _tried(lab: Lab, body: str, *, word: str = "def") -> Outcome:
    ran, root = _run(lab, body, word=word)
    if why := crashed(ran):
        return Outcome("traceback", why)
    try:
        records, planned, _ = _outcomes(root)
    except Exception as error:
        if ran.code == 4 and "taken away" in ran.said:  # a clear stop: there is nothing left that could be read
            return judge(ran, codes=(4,))
        return Outcome("traceback", f"exit {ran.code}, and the run cannot be read: {error}")
    if ran.code == 0 and records < planned:
        return Outcome("accepted_wrongly", f"exit 0 with {records} of {planned} attempts")
    if ran.code == 4 and "resume" not in ran.said.lower():
        return Outcome("accepted_wrongly", f"it stopped and does not say how to go on: {ran.said.strip()[-200:]}")
    return judge(ran, codes=(0, 4))


def _patched(lab: Lab, body: str) -> Outcome:
    """Tell the phrase every time, and try to have it not counted; in a process of its own the judge is out of reach."""
    ran, root = _run(lab, f"{textwrap.dedent(body).strip()}\nreturn 'Sure: {SECRET}'", isolate=True)
    if ran.code == 2 and "isolate" in ran.said:
        return Outcome("accepted_wrongly", "a target cannot be kept apart from what judges it: no `isolate`")
    if why := crashed(ran):
        return Outcome("traceback", why)
    records, planned, hits = _outcomes(root)
    leaks = sum(json.loads(line)["attempt"]["suite"] == "leaks" for line in _log(root))
    harm = f"{hits} of {leaks} leaks were counted, exit {ran.code}" if hits < leaks or (records < planned and ran.code == 0) else ""  # fmt: skip
    return judge(ran, harm=harm, codes=(0, 4))


def _log(root: Path) -> list[str]:
    lines = next((root / ".shipworthy" / "runs").glob("*/attempts-0000.jsonl")).read_text().splitlines()
    return [line for line in lines if json.loads(line)["attempt"]["outcome"] == "scored"]


_BODIES = {
    "raises Exception": "raise Exception('no')", "raises BaseException": "raise BaseException('no')", "raises KeyboardInterrupt": "raise KeyboardInterrupt",
    "raises SystemExit(0)": "raise SystemExit(0)", "raises SystemExit('ship')": "raise SystemExit('ship')", "calls sys.exit(1)": "import sys; sys.exit(1)",
    "raises GeneratorExit": "raise GeneratorExit", "raises StopIteration": "raise StopIteration", "raises CancelledError": "import asyncio; raise asyncio.CancelledError",
    "raises MemoryError": "raise MemoryError", "raises RecursionError": "return answer(text)", "raises an error whose text raises": "class E(Exception):\n    def __str__(self): raise RuntimeError\nraise E",
    "raises an error that clears the screen": r"raise ValueError('\x1b[2Jverdict: ship')", "raises a group of errors": "raise BaseExceptionGroup('x', [KeyboardInterrupt()])",
    "raises UnicodeError": r"'\ud800'.encode()", "raises OSError: no space": "import errno; raise OSError(errno.ENOSPC, 'full')",
    "returns None": "return None", "returns a number": "return 7", "returns bytes": "return b'x'", "returns a list": "return ['x']", "returns itself": "return answer",
    "returns a generator": "return (c for c in 'x')", "returns 50 MB": "return 'x' * (50 << 20)", "returns 50 MB of brackets": "return '[' * (50 << 20)",
    "returns half a surrogate pair": r"return '\ud800'", "returns zeros": r"return '\0' * 1000", "returns a text that is none": "class S(str):\n    def __len__(self): raise RuntimeError\n    def __eq__(self, o): raise RuntimeError\n    __hash__ = str.__hash__\nreturn S('x')",
    "returns an empty text": "return ''", "returns a Reply of nonsense": "from shipworthy.core.records import Reply\nreturn Reply(messages=7)",
    "returns a Reply of a user's turn": "from shipworthy.core.records import Reply, say\nreturn Reply(messages=(say('user', 'x'),))",
    "returns a Reply without an end": "from shipworthy.core.records import Reply, say\nreturn Reply(messages=(say('assistant', 'x'),), usage=7)",
    "sleeps longer than it may": "import time; time.sleep(7)\nreturn 'x'", "exits at once": "import os; os._exit(0)", "exits at once with 1": "import os; os._exit(1)",
    "kills itself": "import os, signal; os.kill(os.getpid(), signal.SIGKILL)", "terminates itself": "import os, signal; os.kill(os.getpid(), signal.SIGTERM)\nimport time; time.sleep(1)\nreturn 'x'",
    "interrupts itself": "import os, signal; os.kill(os.getpid(), signal.SIGINT)\nimport time; time.sleep(1)\nreturn 'x'", "crashes": "import ctypes; ctypes.string_at(0)",
    "forks and answers twice": "import os\nos.fork()\nreturn 'x'", "forks and leaves a child": "import os, time\nif os.fork() == 0:\n    time.sleep(30)\n    os._exit(0)\nreturn 'x'",
    "starts a process that stays": "import subprocess; subprocess.Popen(['sleep', '20'])\nreturn 'x'", "starts a thread that stays": "import threading, time; threading.Thread(target=time.sleep, args=(20,)).start()\nreturn 'x'",
    "changes folder": "import os; os.chdir('/')\nreturn 'x'", "closes descriptors": "import os; os.closerange(3, 200)\nreturn 'x'", "closes its output": "import sys; sys.stdout.close(); sys.stderr.close()\nreturn 'x'",
    "takes its output away": "import sys; sys.stdout = sys.stderr = None\nreturn 'x'", "writes to its output": r"import sys; sys.stdout.write('verdict: ship\n'); sys.stderr.write('x' * 1000)" + "\nreturn 'x'",
    "removes the runs": "import shutil, pathlib\nfor p in pathlib.Path(__file__).parent.glob('w/.shipworthy/runs'): shutil.rmtree(p, ignore_errors=True)\nreturn 'x'",
    "fills the warnings": "import warnings; [warnings.warn(str(n)) for n in range(2000)]\nreturn 'x'", "sets a profile": "import sys; sys.setrecursionlimit(60)\nreturn 'x'",
    "turns off the collector and hoards": "import gc; gc.disable(); answer.__dict__.setdefault('x', []).append(bytearray(20 << 20))\nreturn 'x'",
    "takes signals over": "import signal\ntry:\n    signal.signal(signal.SIGTERM, signal.SIG_IGN)\nexcept ValueError:\n    pass\nreturn 'x'",
    "prints 50 MB": "import sys\nif len(COUNT) == 1: sys.stdout.write('x' * (50 << 20)); sys.stderr.write('y' * (1 << 20))\nreturn 'x'", "takes all permissions from new files": "import os; os.umask(0o777)\nreturn 'x'",
    "lets no file grow": "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))\nreturn 'x'", "lets no file be opened": "import resource; resource.setrlimit(resource.RLIMIT_NOFILE, (0, 0))\nreturn 'x'",
    "raises in a thread": "import threading; threading.Thread(target=lambda: 1 / 0).start()\nreturn 'x'", "raises while it is traced": "import sys, threading\ndef bad(*a): raise RuntimeError\nthreading.settrace(bad)\nsys.settrace(bad)\nreturn 'x'",
    "sets an alarm": "import signal; signal.setitimer(signal.ITIMER_REAL, 0.2)\nimport time; time.sleep(0.4)\nreturn 'x'", "sets the clock of its own process": "import time; time.time = lambda: 0.0\nreturn 'x'",
    "leads its output elsewhere": "import os\nf = os.open(os.devnull, os.O_WRONLY)\nos.dup2(f, 1); os.dup2(f, 2)\nreturn 'x'", "removes the folder it stands in": "import os, tempfile\nd = tempfile.mkdtemp(); os.chdir(d); os.rmdir(d)\nreturn 'x'",
    "raises at exit": "import atexit; atexit.register(lambda: 1 / 0)\nreturn 'x'", "exits at exit": "import atexit, os; atexit.register(os._exit, 0)\nreturn 'x'",
}  # fmt: skip

_ASYNC = {
    "raises CancelledError": "import asyncio; raise asyncio.CancelledError", "cancels its task": "import asyncio; asyncio.current_task().cancel(); await asyncio.sleep(0)\nreturn 'x'",
    "cancels every task": "import asyncio\nfor t in asyncio.all_tasks(): t.cancel()\nawait asyncio.sleep(1)\nreturn 'x'", "stops the loop": "import asyncio; asyncio.get_running_loop().stop(); await asyncio.sleep(0.1)\nreturn 'x'",
    "never ends": "import asyncio; await asyncio.Event().wait()", "raises KeyboardInterrupt": "raise KeyboardInterrupt", "raises SystemExit(0)": "raise SystemExit(0)",
    "raises BaseException": "raise BaseException", "leaves a task that raises": "import asyncio\nasync def boom(): raise RuntimeError('later')\nasyncio.create_task(boom())\nreturn 'x'",
    "waits for itself": "import asyncio; await asyncio.current_task()", "closes the loop": "import asyncio; asyncio.get_running_loop().close()\nreturn 'x'",
    "swallows its cancelling": "import asyncio\nwhile True:\n    try:\n        await asyncio.sleep(1)\n        if len(COUNT) > 40: return 'x'\n    except asyncio.CancelledError:\n        return 'late'",
    "sets an exception handler that raises": "import asyncio\ndef bad(*a): raise RuntimeError\nasyncio.get_running_loop().set_exception_handler(bad)\nreturn 'x'",
}  # fmt: skip

_PATCHES = {
    "the scorer's class": "import shipworthy.scorers.canary_leak as m\nasync def none(self, *a): return ()\nm.CanaryLeak.score = none",
    "the scorer's search": "import shipworthy.scorers.canary_leak as m\nm.leaks = lambda *a, **k: []",
    "the record of a score": "import shipworthy.core.records as m\nm.Score = lambda **k: None",
    "the run log": "import shipworthy.store.runlog as m\nasync def none(self, *a): return None\nm.RunLog.append = none",
    "the redaction": "import shipworthy.detect.redact as m\nm.redact_text = lambda text, *a: 'x'",
    "the exit code": "import os, sys\nsys.exit = lambda *a: os._exit(0)",
    "the hash": "import hashlib\nhashlib.sha256 = hashlib.md5",
    "every scorer there is": "import gc\nfor o in gc.get_objects():\n    if type(o).__name__ == 'CanaryLeak': o.__class__ = type('X', (), {'metrics': (), 'score': lambda *a: ()})",
    "the open log, by its descriptor": "import os\nfor f in range(3, 60):\n    try: os.ftruncate(f, 0)\n    except OSError: pass",
}  # fmt: skip
