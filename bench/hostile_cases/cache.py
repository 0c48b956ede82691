"""Edits of the kept replies: an edited one must not be counted as what the system said."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path

from case import Case, Outcome, accepted, judge
from lab import SECRET, Lab

KIND = "reply cache, edited"


def controls(lab: Lab) -> Iterator[Case]:
    """A cache as it is saves every call."""

    def kept() -> Outcome:
        root = _filled(lab, "good")
        before = len(lab.chat.seen)
        ran = lab.run("eval", "-C", root)
        return accepted(ran) if len(lab.chat.seen) == before else Outcome("refused", "the cache saved nothing")

    yield Case(KIND, "control: as it is", kept)


def cases(lab: Lab) -> Iterator[Case]:
    """Each edit of the database, and a run that would read from it."""
    for name, change in _edits():
        yield Case(KIND, f"a leak edited away: {name}", lambda change=change: _cleaned(lab, change))
    for name, damage in _damages():
        yield Case(KIND, name, lambda damage=damage: _damaged(lab, damage))


def _filled(lab: Lab, model: str) -> Path:
    root = lab.workspace(model, samples=6)
    lab.run("eval", "-C", root)
    return root


def _file(root: Path) -> Path:
    return next((root / ".shipworthy" / "cache").rglob("*.sqlite"))


def _hits(lab: Lab, root: Path) -> tuple[int, int]:
    """Return the leaks of the newest run, and how many attempts of that suite have a score."""
    from shipworthy.evals.results import Run
    from shipworthy.store.layout import Layout

    run = Run.load(Layout(root).run_directory("latest"))
    scores = [score for attempt in run.attempts() for score in attempt.scores if score.metric == "leak"]
    return sum(bool(score.hit) for score in scores), len(scores)


def _cleaned(lab: Lab, change: Callable[[sqlite3.Connection], object]) -> Outcome:
    root = _filled(lab, "bad")
    hits, scored = _hits(lab, root)
    database = sqlite3.connect(_file(root))
    with database:
        change(database)
    database.close()
    ran = lab.run("eval", "-C", root)
    return judge(ran, harm=_harm(lab, root, hits, scored), codes=(0, 2, 4))


def _edits() -> Iterator[tuple[str, Callable[[sqlite3.Connection], object]]]:
    clean = b'"text":"I can help with tickets."'

    def rewrite(database: sqlite3.Connection, how: Callable[[bytes], bytes]) -> None:
        for key, reply, *_ in database.execute("SELECT * FROM replies").fetchall():
            database.execute("UPDATE replies SET reply = ? WHERE key = ?", (how(bytes(reply)), key))

    def swap(database: sqlite3.Connection) -> None:
        rows = database.execute("SELECT * FROM replies").fetchall()
        good = next((row[1] for row in rows if SECRET.encode() not in bytes(row[1])), None)
        database.execute("UPDATE replies SET reply = ?", (good or clean,))

    yield "the phrase taken out", lambda d: rewrite(d, lambda r: r.replace(SECRET.encode(), b"nothing"))
    yield "every text another", lambda d: rewrite(d, lambda r: r.replace(b"Sure: " + SECRET.encode(), b"I can help."))
    yield "another reply's bytes under every key", swap
    yield "the phrase in other letters", lambda d: rewrite(d, lambda r: r.replace(b"PINE", b"WINE"))
    yield "one letter of it", lambda d: rewrite(d, lambda r: r.replace(b"4471", b"9982").replace(b"PINE", b"TREE"))


def _damaged(lab: Lab, damage: Callable[[Path], object]) -> Outcome:
    """A cache is a saving: what cannot be read is asked for again, and nothing else changes."""
    root = _filled(lab, "bad")
    hits, scored = _hits(lab, root)
    damage(_file(root))
    ran = lab.run("eval", "-C", root)
    return judge(ran, harm=_harm(lab, root, hits, scored), codes=(0, 2, 4))


def _harm(lab: Lab, root: Path, hits: int, scored: int) -> str:
    after, still = _hits(lab, root)
    # An attempt that became an error is counted as one; a leak that became none is believed.
    return f"{hits} leaks became {after}" if hits - after > scored - still else ""


def _damages() -> Iterator[tuple[str, Callable[[Path], object]]]:
    def execute(*statements: str) -> Callable[[Path], object]:
        def damage(path: Path) -> None:
            database = sqlite3.connect(path)
            with database:
                for statement in statements:
                    database.execute(statement)
            database.close()

        return damage

    yield "every reply a number", execute("UPDATE replies SET reply = 7")
    yield "every reply rubbish", execute("UPDATE replies SET reply = x'ff00ff'")
    yield "every reply empty", execute("UPDATE replies SET reply = x''")
    yield "every reply brackets", execute(f"UPDATE replies SET reply = '{'[' * 100_000}'")
    yield "every reply of other shape", execute('UPDATE replies SET reply = \'{"reply":{"messages":7}}\'')
    yield "a reply of no message", execute('UPDATE replies SET reply = \'{"reply":{"messages":[]}}\'')
    yield "the table gone", execute("DROP TABLE replies")
    yield "the table another", execute("DROP TABLE replies", "CREATE TABLE replies (a)")
    yield "another version", execute("PRAGMA user_version = 99")
    yield "no database", lambda path: path.write_bytes(b"not a database" * 100)
    yield "a file of no byte", lambda path: path.write_bytes(b"")
    yield "cut off", lambda path: path.write_bytes(path.read_bytes()[:1500])
    yield "a folder", lambda path: (path.unlink(), path.mkdir())
