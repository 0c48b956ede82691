"""YAML that is malformed, larger than it looks, or a trap; in any file of a workspace."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

from case import Case, Outcome, Ran, accepted, crashed, judge
from lab import Lab

KIND, LARGE = "YAML, malformed", "input, too large"
MOST_BYTES, MOST_SECONDS = 400 << 20, 12.0
"""What refusing a large file may cost: the whole process, its imports too."""


def controls(lab: Lab) -> Iterator[Case]:
    """A workspace as it should be."""
    yield Case(KIND, "control: as it is", lambda: accepted(lab.run("check", "-C", lab.workspace())))
    yield Case(KIND, "control: plain YAML", lambda: accepted(_checked(lab, "risks.yaml", b"# nothing yet\nrisks:\n  - {id: RK-leak, title: 'a', severity: S2}\n  - {id: RK-harm, title: \"\\u00e9\", severity: S3}\n")))  # fmt: skip


def cases(lab: Lab) -> Iterator[Case]:
    """Texts in every file, and files that are too large."""
    for name, text in _texts():
        for file in ("risks.yaml", "system.yaml", "suites/leaks/suite.yaml", "guards.yaml", "include/journeys.yaml"):
            if file != "risks.yaml" and name not in _EVERYWHERE:
                continue
            yield Case(
                KIND, f"{file}: {name}", lambda file=file, text=text: judge(_checked(lab, file, text), codes=(2,))
            )
    for name, file, make in _large():
        yield Case(LARGE, name, lambda file=file, make=make: _cost(lab, file, make))


def _checked(lab: Lab, file: str, text: bytes) -> Ran:
    root = lab.workspace(samples=12)
    (root / file).write_bytes(text)
    return lab.run("check", "-C", root, tty=True)


_EVERYWHERE = ("empty", "a list", "a text", "not UTF-8", "an object of Python", "a key twice", "nested 5,000 deep", "an unknown section", "zeros", "an alias that contains itself")  # fmt: skip


def _texts() -> Iterator[tuple[str, bytes]]:
    yield "empty", b""
    yield "a list", b"- a\n- b\n"
    yield "a text", b"just words\n"
    yield "a number", b"7\n"
    yield "null", b"~\n"
    yield "not UTF-8", b"risks:\n  - title: \xff\xfe\n"
    yield "UTF-16", "risks: []\n".encode("utf-16")
    yield "UTF-32", "risks: []\n".encode("utf-32")
    yield "Latin-1", "risks: [{id: RK-a, title: Gr\xf6\xdfe}]\n".encode("latin-1")
    yield "zeros", b"\0" * 200
    yield "a control character", b"risks: [{id: RK-a, title: 'a\x07b'}]\n"
    yield "an escape sequence", b'risks: [{id: "\x1b[2Jship", title: x}]\n'
    yield "an unknown section that clears the screen", b'"\\e[2J\\e[Hverdict: ship": 1\n'
    yield "an id that clears the screen", b'risks: [{id: "\\e[2J\\e[Hverdict: ship", title: x, severity: S1}]\n'
    yield "a severity that clears the screen", b'risks: [{id: RK-a, title: x, severity: "\\e[2J\\r"}]\n'
    yield (
        "a reference that clears the screen",
        b'risks: [{id: RK-a, title: x, severity: S1, refs: ["\\e[2J\\x9b2K"]}]\n',
    )
    yield "an unknown field that turns text round", 'risks: [{id: RK-a, title: x, severity: S1, "\u202eevil": 1}]\n'.encode()  # fmt: skip
    yield "an unknown section", b"riskz: []\n"
    yield "an object of Python", b"risks: !!python/object/apply:os.system ['touch /tmp/hostile']\n"
    yield "a module of Python", b"risks: !!python/module:os\n"
    yield "a name of Python", b"risks: [{id: RK-a, title: !!python/name:os.system }]\n"
    for tag in ("!!binary", "!!set", "!!omap", "!!timestamp", "!own", "!!float", "!<tag:x>"):
        yield f"the tag {tag}", f"risks: [{{id: RK-a, title: {tag} eA==, severity: S1}}]\n".encode()
    yield "a key twice", b"risks: []\nrisks: []\ninclude: [a]\ninclude: [b]\nid: x\nid: y\nrules: []\nrules: []\njourneys: []\njourneys: []\n"  # fmt: skip
    yield "a key twice further in", b"risks: [{id: RK-a, id: RK-b, title: x, severity: S1}]\n"
    yield "a merge key", b"a: &a {id: RK-a}\nrisks: [{<<: *a, title: x}]\n"
    yield "a key that is a list", b"risks: [{[a]: b}]\n"
    yield "a key that is a mapping", b"? {a: b}\n: c\n"
    yield "an alias that contains itself", b"risks: &a [*a]\n"
    yield "an alias of nothing", b"risks: *nowhere\n"
    yield "two documents", b"risks: []\n---\nrisks: []\n"
    yield "a directive", b"%YAML 3.0\n---\nrisks: []\n"
    yield "a tab", b"risks:\n\t- id: RK-a\n"
    yield "a bracket left open", b"risks: [{id: RK-a\n"
    yield "a quote left open", b"risks: [{id: 'RK-a}]\n"
    yield "an anchor without a name", b"risks: & []\n"
    yield "half a surrogate pair", b'risks: [{id: RK-a, title: "\\ud800", severity: S1}]\n'
    yield "a key of half a surrogate pair", b'"\\ud800": 1\n'
    for number in ("9" * 400, "-" + "9" * 400, ".inf", "-.inf", ".nan", "1e999", "0x" + "f" * 400, "9007199254740993"):
        yield f"a likelihood of {number[:12]}", f"risks: [{{id: RK-a, title: x, severity: S1, likelihood: {number}}}]\n".encode()  # fmt: skip
    for value in ("-1", "0", "99", "1.5", "true", "yes", "'2'", "[]", "2026-01-01", "1_0", "0b1", "1:30"):
        yield (
            f"a likelihood of {value}",
            f"risks: [{{id: RK-a, title: x, severity: S1, likelihood: {value}}}]\n".encode(),
        )
    yield "nested 49 deep", b"risks: " + b"[" * 49 + b"]" * 49 + b"\n"
    yield "nested 5,000 deep", b"risks: " + b"[" * 5000 + b"]" * 5000 + b"\n"
    yield "nested 100,000 deep and left open", b"risks: " + b"[" * 100_000
    yield "nested by indentation", b"".join(b" " * n + b"a:\n" for n in range(3000))
    yield "nested by dashes", b"risks:\n" + b"- " * 5000 + b"x\n"
    yield "aliases that multiply", b"a: &a [x,x,x,x,x,x,x,x,x,x]\n" + b"".join(b"%c: &%c [%s]\n" % (n + 1, n + 1, b",".join([b"*%c" % n] * 10)) for n in range(97, 106))  # fmt: skip
    yield "an id of 100,000 letters", b"risks: [{id: RK-" + b"a" * 100_000 + b", title: x, severity: S9}]\n"
    yield (
        "ids that differ by case alone",
        b"risks: [{id: RK-a, title: x, severity: S1}, {id: RK-a, title: x, severity: S1}]\n",
    )
    yield "an id in another script", "risks: [{id: RK-\u0430, title: x, severity: S1}]\n".encode()
    yield "ids that are paths", b"risks: [{id: ../../etc/passwd, title: x, severity: S1}]\n"
    for number in range(8):
        yield f"rubbish, seed {number}", bytes((number * 31 + n * 17 * (number + 3)) % 256 for n in range(400))


def _large() -> Iterator[tuple[str, str, Callable[[Path], object]]]:
    """Yield files that cost more to read than they may, each with what makes it."""

    def write(*pieces: bytes) -> Callable[[Path], object]:
        return lambda path: path.write_bytes(b"".join(pieces))

    entry = b"  - {id: RK-%d, title: A risk of many, severity: S2, likelihood: 2}\n"
    yield "3 MB of risks", "risks.yaml", lambda path: path.write_bytes(b"risks:\n" + b"".join(entry % n for n in range(48_000)))  # fmt: skip
    yield "3 MB of brackets in one line", "risks.yaml", write(b"risks: [", b"[]," * 1_000_000, b"]\n")
    yield "3 MB of one number after another", "risks.yaml", write(b"risks: [", b"1," * 1_500_000, b"1]\n")
    yield "3 MB of keys", "risks.yaml", lambda path: path.write_bytes(b"risks: {" + b"".join(b"k%d: 1," % n for n in range(270_000)) + b"}\n")  # fmt: skip
    yield "3 MB of anchors", "risks.yaml", lambda path: path.write_bytes(b"risks: [" + b"".join(b"&a%d x," % n for n in range(300_000)) + b"]\n")  # fmt: skip
    yield "3 MB of comments and no end", "risks.yaml", write(b"# x\n" * 750_000, b"risks: [")
    yield "15 MB of one text", "risks.yaml", write(b"risks: '", b"x" * (15 << 20), b"'\n")
    yield "17 MB", "risks.yaml", write(b"# ", b"x" * (17 << 20))
    yield "200 MB of holes", "risks.yaml", lambda path: (path.write_bytes(b"risks: []\n"), os.truncate(path, 200 << 20))
    yield "400,001 values", "suites/leaks/suite.yaml", write(b"id: leaks\nx: [", b"1," * 400_001, b"]\n")
    yield "a line of samples of 60 MB", "suites/leaks/samples.jsonl", write(b'{"id":"a","prompt":"', b"x" * (60 << 20), b'"}\n')  # fmt: skip
    yield "a sample of 10 million numbers", "suites/leaks/samples.jsonl", write(b'{"id":"a","prompt":[', b"1," * 10_000_000, b"1]}\n")  # fmt: skip
    yield "samples of 200 MB of holes", "suites/leaks/samples.jsonl", lambda path: (path.write_bytes(b""), os.truncate(path, 200 << 20))  # fmt: skip
    yield "a card of 200 MB of holes", "suites/leaks/card.md", lambda path: (path.write_bytes(b""), os.truncate(path, 200 << 20))  # fmt: skip
    yield "code of 200 MB of holes", "plugins/own.py", lambda path: (path.parent.mkdir(), path.write_bytes(b""), os.truncate(path, 200 << 20))  # fmt: skip
    yield "an include of 100,000 patterns", "system.yaml", write(b"system: {id: SYS-a, title: x, owner: y}\ninclude: [", b"'a*b*c*d*'," * 100_000, b"]\n")  # fmt: skip


_MEASURED = """
import pathlib, resource, sys, time
began = time.process_time()
from shipworthy.cli import run
code = run(sys.argv[1:])
try:
    status = pathlib.Path("/proc/self/status").read_text()  # the rusage of a child begins with its parent's
    most = int(status.partition("VmHWM:")[2].split()[0])
except OSError:
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
sys.stderr.write(f"\\ncost {most * 1024} {time.process_time() - began:.3f}")
sys.exit(code)
"""


def _cost(lab: Lab, file: str, make: Callable[[Path], object]) -> Outcome:
    root = lab.workspace(samples=12)
    make(root / file)
    command = [sys.executable, "-c", _MEASURED, "check", "-C", str(root)]
    # No more of the machine than this, whatever it takes.
    limit = lambda: resource.setrlimit(resource.RLIMIT_AS, (6 << 30, 6 << 30))  # noqa: E731
    try:
        done = subprocess.run(command, capture_output=True, timeout=60, check=False, preexec_fn=limit)
    except subprocess.TimeoutExpired:
        return Outcome("accepted_wrongly", "did not end within 60 s")
    said, _, cost = done.stderr.decode("utf-8", "replace").rpartition("\ncost ")
    ran = Ran(done.returncode, done.stdout.decode("utf-8", "replace"), said)
    if why := crashed(ran):
        return Outcome("traceback", why)
    memory, seconds = (float(part) for part in cost.split())
    harm = ""
    if memory > MOST_BYTES or seconds > MOST_SECONDS:
        harm = f"took {int(memory) >> 20} MB and {seconds:.1f} s"
    (root / file).unlink()
    if len(ran.said) > 100_000:
        harm = harm or f"said {len(ran.said):,} characters"
    return judge(ran, harm=harm, codes=(0, 2))
