"""Each layer of the sandbox, tried from inside: what it promises holds, and without one nothing runs."""

from __future__ import annotations

import asyncio
import os
import platform
import sys

import pytest

from shipworthy.agents import jail, sandbox
from shipworthy.agents.jail import CannotProtect, program
from shipworthy.agents.sandbox import LAYERS, Sandbox, SandboxBounds, working
from shipworthy.core.errors import UsageError

PYTHON = [sys.executable, "-I", "-S", "-c"]


@pytest.fixture(params=LAYERS)
def box(request):
    if request.param not in working():
        pytest.skip(f"{request.param} does not work here")
    return Sandbox(request.param, bounds=SandboxBounds(seconds=20, cpu_seconds=2, memory_mb=512, output=10_000))


def run(box, code, **fields):
    return asyncio.run(box.run([*PYTHON, code], **fields))


def test_a_program_reads_what_it_is_given_and_says_its_status(box):
    ran = run(box, "import sys; print(open('a').read() + sys.stdin.read()); sys.exit(3)", files={"a": b"x"}, given=b"y")
    assert (ran.output, ran.status, ran.layer, ran.stopped) == (b"xy\n", 3, box.layer, "")


ATTEMPTS = {
    "another user's file": "open('/etc/passwd').read()",
    "a file of ours": f"open({__file__!r}).read()",
    "a socket": "import socket; socket.socket()",
    "a local socket": "import socket; socket.socket(socket.AF_UNIX)",
    "another process": "import os; os.fork()",
    "another program": "import subprocess; subprocess.run(['true'])",
    "a thread that is none": "import ctypes; assert ctypes.CDLL(None).syscall(56, 17, 0, 0, 0, 0) >= 0",
    "a process by another call": "import ctypes; assert ctypes.CDLL(None).syscall(435, 0, 0) >= 0",
    "a namespace": "import ctypes; assert not ctypes.CDLL(None).unshare(0x10000000)",
    "a mount": "import ctypes; assert not ctypes.CDLL(None).mount(b'none', b'/tmp', b'tmpfs', 0, None)",
    "a trace": "import ctypes; assert not ctypes.CDLL(None).ptrace(0, 0, 0, 0)",
    "a file outside": "open('/usr/x', 'w')",
    "a signal to us": f"import os; os.kill({os.getpid()}, 0)",
    "a limit of ours": f"import resource; resource.prlimit({os.getppid()}, resource.RLIMIT_CORE, (0, 0))",
    "a device": "import os, stat; os.mknod('d', 0o600 | stat.S_IFCHR, os.makedev(1, 3)); open('d')",
    "another user": "import os; os.setuid(12345)",
    "memory that is shared": "import ctypes; assert ctypes.CDLL(None).shmget(1, 4096, 0o1600) >= 0",
    "much memory": "bytearray(2 << 30)",
    "a large file": "open('f', 'wb').write(bytes(32 << 20))",
    "a higher limit": "import resource; resource.setrlimit(resource.RLIMIT_AS, (-1, -1)); bytearray(2 << 30)",
    "what stays when it is a link": "import os; os.symlink('/etc/passwd', 'l'); open('l').read()",
}


@pytest.mark.parametrize("what", ATTEMPTS)
def test_what_a_program_cannot_have(box, what):
    if "syscall" in ATTEMPTS[what] and platform.machine() != "x86_64":
        pytest.skip("the numbers of the calls are another machine's")
    ran = run(box, ATTEMPTS[what] + "; print('had it')")
    assert ran.status != 0 and b"had it" not in ran.output, ran


def test_a_program_has_threads_and_its_own_folder(box):
    code = "import threading as t; a = t.Thread(target=print, args=('ran',)); a.start(); a.join()"
    assert run(box, f"open('f', 'w').write('1'); {code}").output == b"ran\n"


def test_nothing_of_our_environment_gets_in(box, monkeypatch):
    monkeypatch.setenv("A_SECRET_OF_OURS", "HERON-4471")
    assert b"HERON" not in run(box, "import os; print(dict(os.environ))").output


def test_two_programs_share_nothing(box):
    run(box, "open('left', 'w').write('1')")
    assert run(box, "import os; print(os.path.exists('left'))").output == b"False\n"


def test_time_is_bounded(box):
    short = Sandbox(box.layer, bounds=SandboxBounds(seconds=1.0))
    ran = run(short, "print('begun', flush=True); import time; time.sleep(60)")
    assert (ran.stopped, ran.output) == ("time", b"begun\n") and ran.status < 0
    ran = run(short, "import os, time; os.close(1); os.close(2); time.sleep(60)")
    assert ran.stopped == "time"


def test_the_processor_is_bounded(box):
    ran = run(box, "while True: pass")
    assert ran.status != 0 and ran.stopped == ""


def test_output_is_bounded(box):
    ran = run(box, "while True: print('x' * 1000)")
    assert ran.stopped == "output" and len(ran.output) == 10_000
    ran = run(box, "import sys\nwhile True: sys.stderr.write('x' * 1000)")
    assert ran.stopped == "output" and len(ran.errors) == 10_000


@pytest.mark.parametrize("name", ["../a", "/a", "", ".", ".."])
def test_a_file_stays_in_its_folder(box, name):
    with pytest.raises(UsageError, match="no name of a file"):
        run(box, "1", files={name: b""})


def test_a_program_that_is_not_there_is_an_error(box):
    ran = asyncio.run(box.run(["/nowhere/at/all"]))
    assert ran.status != 0 and ran.status != jail.FAILED


def test_without_a_layer_nothing_runs(monkeypatch):
    monkeypatch.setattr(sandbox, "working", lambda: ())
    with pytest.raises(UsageError, match="none works here: install bubblewrap"):
        Sandbox()
    monkeypatch.setattr(sandbox, "working", lambda: ("landlock+seccomp",))
    with pytest.raises(UsageError, match="'bubblewrap' does not work here"):
        Sandbox("bubblewrap")


@pytest.mark.skipif("landlock+seccomp" not in working(), reason="Landlock does not work here")
def test_what_cannot_be_protected_is_not_started(monkeypatch):
    monkeypatch.setattr(
        sandbox, "command", lambda *given: [*PYTHON, "import sys; sys.argv = ['x', '{}', 'true']; " + BARE]
    )
    with pytest.raises(UsageError, match="the sandbox cannot be made: no filter"):
        asyncio.run(Sandbox("landlock+seccomp").run(["true"]))


BARE = f"""
import importlib.util as u
s = u.spec_from_file_location('jail', {jail.__file__!r}); j = u.module_from_spec(s); s.loader.exec_module(j)
def no(config): raise j.CannotProtect('no filter')
j.protect = no
j.main(sys.argv[1:])
"""


def test_a_machine_whose_calls_are_not_known_has_no_filter():
    with pytest.raises(CannotProtect, match="mips"):
        program("mips")
    for machine in ("x86_64", "aarch64"):
        code = program(machine)
        assert len(code) % 8 == 0 and len(code) // 8 < 4096


def test_the_layers_that_work_are_found_by_trying(monkeypatch):
    monkeypatch.setattr(sandbox.sys, "platform", "darwin")
    sandbox.working.cache_clear()
    try:
        assert working() == ()
    finally:
        monkeypatch.undo()
        sandbox.working.cache_clear()
    assert os.name == "posix"
