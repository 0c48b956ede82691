"""Windows is refused in one line, before anything that Windows lacks is imported."""

from __future__ import annotations

import subprocess
import sys

import pytest

SAYS = "shipworthy does not run on Windows: run it on Linux, on macOS, or on Windows under WSL 2"

# Libraries come first: they would look for Windows itself. What only POSIX has is then taken away.
WINDOWS = """
import os, sys
import click, msgspec
sys.platform = "win32"
for name in ("fcntl", "grp", "pwd", "resource", "termios"):
    sys.modules[name] = None
for name in ("O_DIRECTORY", "fchmod", "fork"):
    delattr(os, name)
"""


def on_windows(code):
    return subprocess.run([sys.executable, "-c", WINDOWS + code], capture_output=True, text=True)


@pytest.mark.parametrize("arguments", [["gate"], ["--help"], ["--version"], [], ["nonsense"]])
def test_the_command_line_exits_with_a_usage_error(arguments):
    ran = on_windows(f"sys.argv = {['shipworthy', *arguments]!r}\nfrom shipworthy.cli import main\nmain()")
    assert (ran.returncode, ran.stdout, ran.stderr) == (2, "", f"error: {SAYS}\n")


@pytest.mark.parametrize("name", ["Workspace", "evaluate", "decide", "Run"])
def test_the_names_of_the_package_say_it_too(name):
    ran = on_windows(f"from shipworthy import {name}")
    assert ran.stderr.splitlines()[-1] == f"shipworthy.core.errors.UsageError: {SAYS}"


def test_so_does_a_module_that_needs_what_windows_lacks():
    ran = on_windows("import shipworthy.store.runlog")
    assert ran.stderr.splitlines()[-1] == f"shipworthy.core.errors.UsageError: {SAYS}"


def test_the_package_itself_can_be_imported_to_ask_its_version():
    ran = on_windows("import shipworthy; print(shipworthy.__version__)")
    assert (ran.returncode, ran.stderr) == (0, "")
