"""A benchmark of others as a suite of ours: read from the folder a user names, and written into their workspace.

Nothing of a benchmark ships with shipworthy. What is written is a suite (``suite.yaml``, ``samples.jsonl``,
``card.md``), the signatures of its tools for ``policy draft`` (``tools.json``), and a setting for `hijacked_agent`
(``script/``).
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from shipworthy.core.errors import Problem, WorkspaceError
from shipworthy.workspace.suite_folder import free_suite_folder, write_suite_folder


class ForeignSuite(NamedTuple):
    """A suite made of a benchmark.

    Attributes:
        suite: the keys of ``suite.yaml``, without the samples.
        samples: as the lines of ``samples.jsonl`` hold them.
        tools: name, description, parameters and what it returns, as JSON schemas, of every tool.
        tasks, goals: the scripts of the user's tasks and of the attacks, as `agents.setting` reads them.
        card: prose: what it measures, and in what it is not the original.
    """

    suite: Mapping[str, Any]
    samples: Sequence[Mapping[str, Any]]
    tools: Sequence[Mapping[str, Any]]
    tasks: Sequence[Mapping[str, Any]]
    goals: Sequence[Mapping[str, Any]]
    card: str

    def write(self, root: Path, id: str) -> Path:
        """Write it to ``suites/<id>`` of a workspace; return that folder.

        Raises:
            UsageError: there is no workspace, the id is none or taken, or the folder cannot be written.
        """
        folder = free_suite_folder(root, id)
        files = {
            "suite.yaml": _yaml({"id": id, **self.suite}),
            "card.md": self.card,
            "samples.jsonl": "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in self.samples),
            "tools.json": json.dumps(self.tools, indent=1, ensure_ascii=False),
            "script/state.yaml": _yaml({"title": self.suite["title"], "worlds": ["simulated"], "state": {}}),
            "script/tasks.yaml": _rows(self.tasks),
            "script/goals.yaml": _rows(self.goals),
        }
        return write_suite_folder(folder, files)


def _yaml(value: Mapping[str, Any]) -> str:
    return "".join(f"{key}: {json.dumps(inner, ensure_ascii=False)}\n" for key, inner in value.items())


def _rows(rows: Sequence[Mapping[str, Any]]) -> str:
    return "".join(f"- {json.dumps(row, ensure_ascii=False)}\n" for row in rows)


def read_records(path: Path, keys: Sequence[str]) -> list[dict[str, Any]]:
    """Read a list of records, as JSON or one a line, each of which has some keys.

    Raises:
        WorkspaceError: the file cannot be read, is neither, or a record lacks a key; which one is named.
    """
    value = read_json(path, lines=True)
    value = [value] if isinstance(value, dict) else value  # a file of one line
    if not isinstance(value, list) or not value or not all(isinstance(row, dict) for row in value):
        raise WorkspaceError([Problem(path, 0, "is no list of records")])
    for number, row in enumerate(value, start=1):
        if missing := [key for key in keys if key not in row]:
            raise WorkspaceError([Problem(path, 0, f"record {number} has no {missing[0]!r}")])
    return value


def read_json(path: Path, *, lines: bool = False) -> Any:
    """Read a file of JSON, or of lines that each are.

    Raises:
        WorkspaceError: it cannot be read, or is none.
    """
    try:
        raw = path.read_bytes()
        try:
            return msgspec.json.decode(raw)
        except msgspec.DecodeError:
            if not lines:
                raise
            return [msgspec.json.decode(line) for line in raw.splitlines() if line.strip()]
    except OSError as error:
        raise WorkspaceError([Problem(path, 0, f"cannot be read: {error.strerror}")]) from None
    except (msgspec.DecodeError, RecursionError) as error:
        raise WorkspaceError([Problem(path, 0, f"is not JSON: {error}")]) from None
