"""What is raised when nobody waits for it any more is said in one line, and changes no exit code."""

from __future__ import annotations

import subprocess
import sys

import pytest

LATE = {
    "at exit": "import atexit\natexit.register(lambda: 1 / 0)",
    "in a task": "import asyncio\nasync def bad(): raise ZeroDivisionError('a\\x1b[2Jb')\n"
    "async def main():\n    asyncio.create_task(bad())\n    await asyncio.sleep(0.01)\nasyncio.run(main())",
    "in a thread": "import threading\nthreading.Thread(target=lambda: 1 / 0).start()",
    "when it is thrown away": "class Bad:\n    def __del__(self): raise ZeroDivisionError\nBad()",
    "without a message": "class E(ZeroDivisionError):\n    def __str__(self): raise KeyError\n"
    "import atexit\natexit.register(lambda: (_ for _ in ()).throw(E()))",
}


@pytest.mark.parametrize("when", LATE)
def test_a_late_error_is_one_line(when):
    code = f"from shipworthy.cli._late import say_late_errors\nsay_late_errors()\n{LATE[when]}\n"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0
    (line,) = done.stderr.splitlines()
    assert line.startswith("error that nobody waited for: ")
    assert "ZeroDivisionError" in line or "E: its message cannot be read" in line
    assert "\x1b" not in line
