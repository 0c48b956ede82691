"""PyRIT's memory: the SQLite file of its conversations, attack results and scores (1.x has no other export)."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

from shipworthy.core.errors import UsageError
from shipworthy.core.metric import Metric
from shipworthy.core.records import Message, Outcome, say
from shipworthy.evals.imports.foreign import Foreign, ForeignAttempt

ATTACK_SUCCESS = "attack_success"
_OUTCOMES = {"success": True, "failure": False}
_ROLES = {"simulated_assistant": "assistant", "developer": "system"}


def read(path: Path) -> Foreign:
    """Read a memory.

    Each objective is a sample, each attack's result an attempt under the converters that it used; whether it reached
    its objective is the one metric. An attack that ended in an error is an error; one that PyRIT left undetermined has
    no score. Neither is counted as safe.

    Raises:
        UsageError: it is no memory of PyRIT, or another version's; table, row and field are named.
    """
    try:
        with closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)) as base:
            base.row_factory = sqlite3.Row
            results = base.execute('SELECT * FROM "AttackResultEntries" ORDER BY timestamp, id').fetchall()
            pieces = base.execute('SELECT * FROM "PromptMemoryEntries" ORDER BY sequence, timestamp, id').fetchall()
    except (sqlite3.Error, UnicodeDecodeError, OverflowError) as error:
        raise UsageError(f"{path}: no memory of PyRIT: {error}; nothing was imported") from None
    said: dict[str, list[sqlite3.Row]] = {}
    for row in pieces:
        said.setdefault(_field(path, row, "PromptMemoryEntries", "conversation_id"), []).append(row)
    attempts: list[ForeignAttempt] = []
    numbers: dict[tuple[str, str], int] = {}
    for row in results:
        table = "AttackResultEntries"
        objective, outcome = (_field(path, row, table, key) for key in ("objective", "outcome"))
        if outcome not in ("success", "failure", "error", "undetermined"):
            raise _wrong(path, table, row, f"outcome is {outcome!r}")
        talk = said.get(_field(path, row, table, "conversation_id"), [])
        sample, attack = _field(path, row, table, "objective_sha256")[:16], _attack(path, talk)
        number = numbers[sample, attack] = numbers.get((sample, attack), 0) + 1
        why = str(row["error_message"] or "the attack ended in an error") if outcome == "error" else ""
        ended: Outcome = "target_error" if outcome == "error" else "scored"
        messages = tuple(_message(path, one) for one in talk) or (say("user", objective),)
        hit = {ATTACK_SUCCESS: _OUTCOMES[outcome]} if outcome in _OUTCOMES else {}
        seconds = float(row["execution_time_ms"] or 0) / 1000
        attempts.append(ForeignAttempt("pyrit", sample, attack, number, messages, hit, ended, why, seconds=seconds))
    if not attempts:
        raise UsageError(f"{path}: the memory holds no attack's result; nothing was imported")
    created = str(results[0]["timestamp"])[:19].replace(" ", "T") + "Z"
    version = str(results[0]["pyrit_version"] or "")
    return Foreign("pyrit", version, "", created, {"pyrit": (Metric(ATTACK_SUCCESS),)}, tuple(attempts))


def _attack(path: Path, talk: list[sqlite3.Row]) -> str:
    """Return the converters of a conversation's first question, joined as attacks are."""
    for row in talk:
        if row["role"] == "user":
            try:
                used: Any = json.loads(row["converter_identifiers"] or "[]")
                names = [str(one["class_name"]).removesuffix("Converter").lower() for one in used]
            except (ValueError, KeyError, TypeError):
                raise _wrong(path, "PromptMemoryEntries", row, "converter_identifiers is no list of them") from None
            return "+".join(names) or "none"
    return "none"


def _message(path: Path, row: sqlite3.Row) -> Message:
    role = _field(path, row, "PromptMemoryEntries", "role")
    role = _ROLES.get(role, role)
    if role not in ("system", "user", "assistant", "tool"):
        raise _wrong(path, "PromptMemoryEntries", row, f"role is {role!r}")
    kind = str(row["converted_value_data_type"])
    text = str(row["converted_value"]) if kind in ("text", "error", "reasoning") else f"[{kind}]"
    return say("assistant" if role == "tool" else role, text)  # type: ignore[arg-type]


def _field(path: Path, row: sqlite3.Row, table: str, key: str) -> str:
    try:
        value = row[key]
    except IndexError:
        raise UsageError(
            f"{path}: {table} has no column {key}: another version of PyRIT; nothing was imported"
        ) from None
    if not isinstance(value, str):
        raise _wrong(path, table, row, f"{key} is no text")
    return value


def _wrong(path: Path, table: str, row: sqlite3.Row, why: str) -> UsageError:
    return UsageError(f"{path}: {table}, row {str(row['id'])[:40]}: {why}; nothing was imported")
