from __future__ import annotations

import asyncio
import os
import signal
import sqlite3
import subprocess
import sys
import textwrap
import time
from contextlib import closing

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from shipworthy.core.errors import StoreError
from shipworthy.core.events import Called, Returned
from shipworthy.core.records import Document, Request, ToolCall, ToolResult, Usage, answer, say
from shipworthy.exchange.cache import BATCH, Kept, ReplyCache


def reply(text: str) -> Kept:
    """A reply, and a tool that was called on the way."""
    called = (
        Called(1, ToolCall("c", "f", {"a": [1, None, "x"]})),
        Returned(1, ToolResult("c", "f", text, is_error=True)),
    )
    return Kept(answer(text, usage=Usage(3, 4, 0.5), model="m", retrieved=(Document("d", "text"),)), called)


def keep(path, entries: dict[bytes, Kept]) -> None:
    async def main():
        with ReplyCache(path) as cache:
            for key, value in entries.items():
                cache.put(key, value)
                assert cache.get(key) == value  # at once, not only when it is on the disk
            await asyncio.sleep(0)

    asyncio.run(main())


def test_what_was_kept_is_there_in_the_next_process(tmp_path):
    entries = {bytes([i % 256, i // 256]) * 16: reply(f"answer {i}") for i in range(BATCH * 2 + 7)}
    keep(tmp_path / "deep" / "c.sqlite", entries)
    with ReplyCache(tmp_path / "deep" / "c.sqlite") as cache:
        assert all(cache.get(key) == value for key, value in entries.items())
        assert cache.get(b"\xff" * 32) is None


def test_the_first_answer_stays(tmp_path):
    keep(tmp_path / "c.sqlite", {b"k" * 32: reply("first")})
    keep(tmp_path / "c.sqlite", {b"k" * 32: reply("second")})
    with ReplyCache(tmp_path / "c.sqlite") as cache:
        assert cache.get(b"k" * 32) == reply("first")


requests = st.builds(
    lambda text, seed, user, schema, tokens, heat: Request(
        messages=(say("user", text),), seed=seed, user=user, schema=schema, max_tokens=tokens, temperature=heat
    ),
    st.text("ab ", max_size=3),
    st.integers(0, 3),
    st.sampled_from(("", "u")),
    st.sampled_from((None, {"a": 1}, {"a": 1, "b": 2})),
    st.sampled_from((None, 8)),
    st.sampled_from((None, 0.0, 1.0)),
)


@given(requests, requests)
def test_equal_requests_and_only_they_share_an_identity(one, other):
    assert (one.identity == other.identity) == (one == other)


@given(requests, st.sampled_from(("", "s")), st.integers(0, 5))
def test_neither_session_nor_turn_is_part_of_an_identity(one, session, turn):
    assert replace(one, session=session, turn=turn).identity == one.identity


def test_an_identity_does_not_depend_on_the_order_of_keys():
    one = Request(messages=(), schema={"a": 1, "b": {"c": 2, "d": 3}})
    other = Request(messages=(), schema={"b": {"d": 3, "c": 2}, "a": 1})
    assert one.identity == other.identity


def test_a_cache_of_another_version_is_set_aside(tmp_path):
    path = tmp_path / "c.sqlite"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE replies (key BLOB, reply BLOB)")
        connection.execute("PRAGMA user_version = 1")
    keep(path, {b"k" * 32: reply("new")})
    assert (tmp_path / "c.sqlite.damaged").is_file()
    with ReplyCache(path) as cache:
        assert cache.get(b"k" * 32) == reply("new")


def test_a_damaged_file_is_set_aside(tmp_path):
    path = tmp_path / "c.sqlite"
    path.write_bytes(b"this is no database" * 500)
    keep(path, {b"k" * 32: reply("new")})
    assert (tmp_path / "c.sqlite.damaged").read_bytes().startswith(b"this is no database")
    with ReplyCache(path) as cache:
        assert cache.get(b"k" * 32) == reply("new")


def test_an_entry_that_cannot_be_read_is_asked_again(tmp_path):
    path = tmp_path / "c.sqlite"
    keep(path, {b"k" * 32: reply("good")})
    with sqlite3.connect(path) as connection:
        connection.execute("UPDATE replies SET reply = x'7b'")
    connection.close()
    with ReplyCache(path) as cache:
        assert cache.get(b"k" * 32) is None


def edited(path, statement: str, *values: object) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.execute(statement, values)
        connection.commit()


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE replies SET reply = CAST(replace(CAST(reply AS TEXT), 'leak', 'fine') AS BLOB)",
        "UPDATE replies SET reply = CAST(reply AS TEXT)",
        "UPDATE replies SET written = written + 86400",  # younger than it is
        "UPDATE replies SET written = 'now'",
        "UPDATE replies SET written = 9e999",
        "UPDATE replies SET seal = x''",
        "UPDATE replies SET seal = zeroblob(32)",
        "UPDATE replies SET seal = hex(seal)",
        "UPDATE replies SET key = CAST(replace(CAST(key AS TEXT), 'j', 'k') AS BLOB) WHERE key = CAST(:j AS BLOB)",
    ],
)
def test_an_edited_entry_is_asked_again_and_counted_and_replaced(tmp_path, statement):
    """Also an honest answer to another question, moved here."""
    path, key = tmp_path / "c.sqlite", b"k" * 32
    moved = ":j" in statement
    keep(path, {(b"j" * 32 if moved else key): reply("a leak")})
    edited(path, statement.replace(":j", "?"), *(["j" * 32] if moved else []))
    with ReplyCache(path) as cache:
        assert (cache.get(key), cache.get(key), cache.get(b"x" * 32)) == (None, None, None)
        assert cache.refused == 1  # once, however often it was asked for; what is not there is not refused

        async def again():
            cache.put(key, reply("asked again"))
            await asyncio.sleep(0)

        asyncio.run(again())
    with ReplyCache(path) as cache:
        assert cache.get(key) == reply("asked again")
        assert cache.refused == 0


def test_what_another_user_kept_is_not_believed(tmp_path):
    path, key = tmp_path / "c.sqlite", b"k" * 32
    keep(path, {key: reply("mine")})
    with ReplyCache(path, sealed_by=b"another" * 4) as cache:
        assert cache.get(key) is None
        assert cache.refused == 1


def test_a_reply_tells_when_it_was_first_given(tmp_path):
    path, key = tmp_path / "c.sqlite", b"k" * 32
    before = time.time()
    keep(path, {key: reply("old")})
    with ReplyCache(path) as cache:
        kept, given = cache.find(key)
    assert kept == reply("old")
    assert before <= given <= time.time()


def test_a_place_that_cannot_be_written_says_what_to_do(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match="--no-cache"):
        ReplyCache(tmp_path / "file" / "c.sqlite")


def test_a_reply_no_file_can_hold_is_only_not_kept(tmp_path):
    async def main():
        with ReplyCache(tmp_path / "c.sqlite") as cache:
            cache.put(b"k" * 32, reply("half a pair \ud800"))
            assert cache.get(b"k" * 32) is None

    asyncio.run(main())


def _holds(path) -> bool:
    with closing(sqlite3.connect(path)) as connection:
        return bool(connection.execute("SELECT count(*) FROM replies").fetchone()[0])


def test_a_killed_process_damages_nothing(tmp_path):
    path = tmp_path / "c.sqlite"
    script = textwrap.dedent(
        """
        import asyncio, sys
        from pathlib import Path
        from shipworthy.core.records import answer
        from shipworthy.exchange.cache import Kept, ReplyCache
        async def main():
            cache = ReplyCache(Path(sys.argv[1]))
            for i in range(10**9):
                cache.put(i.to_bytes(32), Kept(answer("x" * 300)))
                if i % 50 == 0:
                    print(i, flush=True)
                    await asyncio.sleep(0)
        asyncio.run(main())
        """
    )
    process = subprocess.Popen([sys.executable, "-c", script, str(path)], stdout=subprocess.PIPE, text=True)
    for line in process.stdout:
        # Not before the first batch is on the disk, however slowly its thread gets a turn.
        if int(line) >= 3000 and _holds(path):
            break
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    process.stdout.close()
    with ReplyCache(path) as cache:
        assert cache.get((0).to_bytes(32)) is not None
    with sqlite3.connect(path) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    connection.close()


def test_a_cache_that_cannot_be_read_is_waited_for_once(tmp_path):
    """Whoever holds it, or closed its descriptors, would hold up every attempt for ten seconds."""
    cache = ReplyCache(tmp_path / "replies.sqlite", sealed_by=b"k" * 32)
    asked = []

    class Locked:
        def execute(self, *_):
            asked.append(1)
            raise sqlite3.OperationalError("locking protocol")

        def close(self):
            pass

    cache._reader = Locked()
    assert [cache.get(b"a" * 32), cache.get(b"b" * 32)] == [None, None]
    assert asked == [1]
