"""Edits of run logs and of the audit chain, and runs that were cut until they looked good."""

from __future__ import annotations

import random
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path

from case import Case, Outcome, accepted, judge
from lab import Lab

from shipworthy.store import chain
from shipworthy.store.line import frame
from shipworthy.store.shards import log_origin

LOG, AUDIT, CUT = "run log, edited", "audit chain, edited", "run cut and resumed"


def controls(lab: Lab) -> Iterator[Case]:
    """The run and the chain as they are."""
    for kind in (LOG, AUDIT):
        yield Case(kind, "control: as it is", lambda: accepted(lab.run("gate", "-C", lab.copy(lab.shipped.root))))


def cases(lab: Lab) -> Iterator[Case]:
    """Each edit, and then a verdict that is asked for."""
    for name, change in _lines():
        yield Case(LOG, name, lambda change=change: _logged(lab, change, "gate"))
        if "anew" not in name and name not in _ONLY_SHORTER:  # what no chain shows; only the audit log can tell
            yield Case(LOG, f"{name}, and shown", lambda change=change: _logged(lab, change, "runs", "show"))
    for name, statements in _statements():
        yield Case(AUDIT, name, lambda statements=statements: _audited(lab, statements))
    for name, statements in _cut_off():
        yield Case(AUDIT, name, lambda statements=statements: _cut_chain(lab, statements))
    for name, cut in _cuts():
        yield Case(CUT, name, lambda cut=cut: _cut_and_resumed(lab, cut))


# ---- run logs

_ONLY_SHORTER = ("line 119 taken out", "every line gone", "half of it gone")


def _log(root: Path) -> Path:
    return next((root / ".shipworthy" / "runs").glob("*/attempts-0000.jsonl"))


def _logged(lab: Lab, change: Callable[[list[bytes], bytes], bytes | None], *words: str) -> Outcome:
    root = lab.copy(lab.held_back.root)
    path = _log(root)
    lines = path.read_bytes().splitlines(keepends=True)
    changed = change(lines, (path.parent / "manifest.json").read_bytes())
    path.write_bytes(b"".join(lines) if changed is None else changed)
    before = _decisions(root)
    ran = lab.run(*words, "-C", root, tty=True)
    return judge(ran, harm="a decision was made" if _decisions(root) != before else "", codes=(2, 4))


def _decisions(root: Path) -> list[str]:
    return sorted(path.name for path in (root / ".shipworthy" / "decisions").glob("*"))


def _chained(bodies: list[bytes], manifest: bytes) -> bytes:
    """Return a log of these bodies with a chain of its own: what whoever can write the file can do."""
    head, made = log_origin(manifest, 0), []
    for body in bodies:
        head = chain.link(head, body)
        made.append(frame(head, body))
    return b"".join(made)


def _bodies(lines: list[bytes]) -> list[bytes]:
    return [line[75:-1] for line in lines]


def _lines() -> Iterator[tuple[str, Callable[[list[bytes], bytes], bytes | None]]]:
    for number in (0, 1, 60, 119):
        yield f"line {number} taken out", lambda lines, m, n=number: b"".join(lines[:n] + lines[n + 1 :])
        yield f"line {number} twice", lambda lines, m, n=number: b"".join([*lines[: n + 1], lines[n], *lines[n + 1 :]])
        yield f"a hit of line {number} turned", lambda lines, m, n=number: b"".join([*lines[:n], _turned(lines[n]), *lines[n + 1 :]])  # fmt: skip
    yield "two lines swapped", lambda lines, m: b"".join([lines[1], lines[0], *lines[2:]])
    for seed in range(8):
        yield f"one byte changed, seed {seed}", lambda lines, m, seed=seed: _byte(b"".join(lines), seed)
    for text, why in (
        (b"\n", "an empty line"), (b"{}\n", "an empty object"), (b"\xff\xfe\n", "no UTF-8"), (b"null\n", "null"),
        (b"[" * 100_000 + b"\n", "100,000 brackets"), (b"\0" * 500 + b"\n", "zeros"), (b'{"hash":"\n', "half a line"),
    ):  # fmt: skip
        yield f"{why} put first", lambda lines, m, text=text: text + b"".join(lines)
        yield f"{why} put last", lambda lines, m, text=text: b"".join(lines) + text
    yield "another line ending", lambda lines, m: b"".join(lines).replace(b"\n", b"\r\n")
    yield "a byte order mark", lambda lines, m: b"\xef\xbb\xbf" + b"".join(lines)

    # From here on the chain is made anew, so only what was entered in the audit log can tell.
    def anew(change: Callable[[list[bytes]], list[bytes]]) -> Callable[[list[bytes], bytes], bytes]:
        return lambda lines, manifest: _chained(change(_bodies(lines)), manifest)

    yield "every hit turned, chained anew", anew(lambda b: [_turned(x) for x in b])
    yield "one hit turned, chained anew", anew(lambda b: _first_hit(b))
    yield "the leaks taken out, chained anew", anew(lambda b: [x for x in b if not _hit(x)])
    yield "one line taken out, chained anew", anew(lambda b: b[1:])
    yield "the order changed, chained anew", anew(lambda b: b[::-1])
    yield "every line gone", lambda lines, m: b""
    yield "half of it gone", lambda lines, m: b"".join(lines[:60])
    yield "a record twice, chained anew", anew(lambda b: [*b, b[0]])
    for word, body in (
        ("an empty object", b'"timing":[],"attempt":{}}'), ("a number", b'"timing":[],"attempt":7}'), ("null", b'"timing":null,"attempt":null}'),
        ("brackets", b'"timing":[],"attempt":' + b"[" * 100_000 + b"}"), ("rubbish", b'"timing":[],"attempt":\xff}'),
    ):  # fmt: skip
        yield f"a record that is {word}, chained anew", anew(lambda b, body=body: [*b, body])
    for old, new in (
        (b'"outcome":"scored"', b'"outcome":"fine"'), (b'"hit":true', b'"hit":"no"'), (b'"number":', b'"number":-'),
        (b'"metric":"leak"', b'"metric":7'), (b'"suite":"leaks"', b'"suite":"other"'), (b'"seed":', b'"seed":1e999,"x":'),
        (b'"id":"AT-', b'"id":"\x1b[2J-'),
    ):  # fmt: skip
        yield f"{new.decode('latin-1')!r} in a record, chained anew", anew(lambda b, old=old, new=new: [x.replace(old, new) for x in b])  # fmt: skip
    yield "timings that are none, chained anew", anew(lambda b: [b'"timing":"x"' + x[x.index(b',"attempt"') :] for x in b])  # fmt: skip


def _hit(body: bytes) -> bool:
    return b'"metric":"leak","hit":true' in body


def _turned(line: bytes) -> bytes:
    return line.replace(b'"hit":true', b'"hit":\0').replace(b'"hit":false', b'"hit":true').replace(b'"hit":\0', b'"hit":false')  # fmt: skip


def _first_hit(bodies: list[bytes]) -> list[bytes]:
    number = next(n for n, body in enumerate(bodies) if _hit(body))
    return [_turned(body) if n == number else body for n, body in enumerate(bodies)]


def _byte(data: bytes, seed: int) -> bytes:
    changed, rng = bytearray(data), random.Random(seed)
    changed[rng.randrange(len(changed))] ^= 1 << rng.randrange(8)
    return bytes(changed)


# ---- the audit chain


def _audited(lab: Lab, statements: list[str]) -> Outcome:
    root = lab.copy(lab.held_back.root)
    database = sqlite3.connect(root / ".shipworthy" / "control.sqlite")
    with database:
        for statement in statements:
            database.execute(statement)
    database.close()
    before = _decisions(root)
    output = root.parent / "pack.zip"
    built = judge(lab.run("evidence", "build", "-C", root, "-o", output), harm="a pack" if output.exists() else "")
    if built.word != "refused":
        return built._replace(why=f"evidence build: {built.why}")
    ran = lab.run("gate", "-C", root, tty=True)
    found = judge(ran, harm="a decision was made" if _decisions(root) != before else "", codes=(2, 4))
    return found if found.word == "refused" else found._replace(why=f"gate: {found.why}")


def _statements() -> Iterator[tuple[str, list[str]]]:
    yield "a body edited", ["UPDATE audit SET body = replace(body, '120', '60') WHERE number = 1"]
    yield "every body emptied", ["UPDATE audit SET body = '{}'"]
    yield "a body that is no JSON", ["UPDATE audit SET body = 'x' WHERE number = 1"]
    yield "a body that is a list", ["UPDATE audit SET body = '[]' WHERE number = 1"]
    yield "a body that is a number", ["UPDATE audit SET body = 7 WHERE number = 1"]
    yield "a body of bytes", ["UPDATE audit SET body = x'ff00' WHERE number = 1"]
    yield "a body with a space", ["UPDATE audit SET body = body || ' ' WHERE number = 1"]
    yield "a body of brackets", [f"UPDATE audit SET body = '{'[' * 100_000}' WHERE number = 1"]
    yield "a kind edited", ["UPDATE audit SET kind = 'run.seen' WHERE number = 1"]
    yield "a kind that clears the screen", ["UPDATE audit SET kind = char(27) || '[2J' WHERE number = 1"]
    yield "a time edited", ["UPDATE audit SET at = '2020-01-01T00:00:00Z' WHERE number = 1"]
    yield "a time of bytes", ["UPDATE audit SET at = x'ff' WHERE number = 1"]
    yield "a hash edited", ["UPDATE audit SET hash = replace(hash, substr(hash, 1, 1), 'f') WHERE number = 1"]
    yield "a hash emptied", ["UPDATE audit SET hash = '' WHERE number = 1"]
    yield "the last hash edited", ["UPDATE audit SET hash = '" + "0" * 64 + "' WHERE number = (SELECT max(number) FROM audit)"]  # fmt: skip
    yield "an entry taken out", ["DELETE FROM audit WHERE number = 1"]
    yield "a number edited", ["UPDATE audit SET number = 77 WHERE number = 1"]
    yield "an entry put in", ["INSERT INTO audit (number, at, kind, body, hash) VALUES (99, '2026-01-01T00:00:00Z', 'run.finished', '{}', '" + "0" * 64 + "')"]  # fmt: skip
    yield "a key edited", ["UPDATE audit SET key = 'RUN-other' WHERE number = 1"]
    yield "two entries swapped", ["UPDATE audit SET number = -1 WHERE number = 1", "UPDATE audit SET number = 1 WHERE number = 2", "UPDATE audit SET number = 2 WHERE number = -1"]  # fmt: skip
    yield "the table gone", ["DROP TABLE audit"]
    yield "the table another", ["DROP TABLE audit", "CREATE TABLE audit (x)"]


def _cut_off() -> Iterator[tuple[str, list[str]]]:
    """Yield what the chain alone cannot show: its newest entries are gone. The decision file is still there."""
    yield "the newest entry gone", ["DELETE FROM audit WHERE number = (SELECT max(number) FROM audit)"]
    yield "all entries gone", ["DELETE FROM audit"]
    yield "all but the first gone", ["DELETE FROM audit WHERE number > 1"]


def _cut_chain(lab: Lab, statements: list[str]) -> Outcome:
    """Cut the chain, and hold it against a head that was kept: the one in the signed pack."""
    root = lab.copy(lab.held_back.root)
    database = sqlite3.connect(root / ".shipworthy" / "control.sqlite")
    with database:
        head = database.execute("SELECT hash FROM audit ORDER BY number DESC LIMIT 1").fetchone()[0]
        for statement in statements:
            database.execute(statement)
    database.close()
    ran = lab.run("audit", "verify", "-C", root, "--head", f"sha256:{head}", tty=True)
    if "no verb 'audit'" in ran.said:
        return Outcome("accepted_wrongly", "no command holds the chain against a head that was kept elsewhere")
    return judge(ran, codes=(2, 4))


# ---- runs that are cut until they look good


def _cut_and_resumed(lab: Lab, cut: Callable[[Path], bool]) -> Outcome:
    """Make a few attempts, throw the bad ones away, go on; again and again. Then decide."""
    root = lab.workspace("bad", samples=12)
    words = ("--no-cache", "--max-requests", "8")
    ran = lab.run("eval", "-C", root, *words)
    found = False
    for _ in range(12):
        if not list((root / ".shipworthy" / "runs").glob("*/manifest.json")):
            ran = lab.run("eval", "-C", root, *words)
            continue
        found = cut(root) or found
        ran = lab.run("eval", "-C", root, "--resume", "latest", *words)
        if ran.code == 2 or (ran.code == 4 and "Go on:" not in ran.said):
            return judge(ran)
        if ran.code == 0:
            break
    if not found:
        return Outcome("traceback", "the laboratory found nothing to cut")
    gate = lab.run("gate", "-C", root)
    # A gate that says in so many words that records were thrown away has found it.
    words_of_it = ("cut", "removed", "replaced", "lost", "never finished", "earlier run", "went back", "not that of")
    if gate.code in (1, 3) and any(word in gate.said for word in words_of_it):
        return Outcome("refused")
    return judge(gate, codes=(2, 4))


def _cuts() -> Iterator[tuple[str, Callable[[Path], bool]]]:
    def shorten(root: Path, keep: Callable[[list[bytes]], list[bytes]]) -> bool:
        path = _log(root)
        lines = path.read_bytes().splitlines(keepends=True)
        kept = keep(lines)
        path.write_bytes(b"".join(kept))
        return kept != lines

    def before_first_leak(lines: list[bytes]) -> list[bytes]:
        at = next((n for n, line in enumerate(lines) if _hit(line)), len(lines))
        return lines[:at]

    def chained(root: Path) -> bool:
        path = _log(root)
        lines = path.read_bytes().splitlines(keepends=True)
        kept = [body for body in _bodies(lines) if not _hit(body)]
        path.write_bytes(_chained(kept, (path.parent / "manifest.json").read_bytes()))
        return len(kept) < len(lines)

    def begun_anew(root: Path) -> bool:
        import shutil

        path = _log(root)
        if _hit(path.read_bytes()):
            shutil.rmtree(path.parent)
            return True
        return False

    def emptied(root: Path) -> bool:
        had = _log(root).stat().st_size > 0 and _hit(_log(root).read_bytes())
        if had:
            _log(root).write_bytes(b"")
        return had

    def database_too(root: Path) -> bool:
        found = shorten(root, before_first_leak)
        (root / ".shipworthy" / "control.sqlite").unlink(missing_ok=True)
        return found

    yield "cut before its first leak", lambda root: shorten(root, before_first_leak)
    yield "its last line cut", lambda root: shorten(root, lambda lines: lines[:-1])
    yield "its last line torn", lambda root: shorten(root, lambda lines: [*lines[:-1], lines[-1][:50]] if len(lines) > 1 else lines)  # fmt: skip
    yield "half of it cut", lambda root: shorten(root, lambda lines: lines[: len(lines) // 2])
    yield "its leaks taken out, chained anew", chained
    yield "the run thrown away when it leaks", begun_anew
    yield "its log emptied when it leaks", emptied
    yield "cut before its first leak, and the audit log thrown away", database_too
