"""A suite of what was found once, so that it is asked again before every release: the one way to write one."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from shipworthy.workspace.suite_folder import free_suite_folder, write_suite_folder


def write_regression(
    root: Path, id: str, keys: Mapping[str, Any], rows: Sequence[Mapping[str, Any]], card: str, *, found_by: str
) -> Path:
    """Write a new suite ``suites/<id>`` of a workspace, and return that folder. No file of the user's is changed.

    The plan `full` holds it from now on.

    Args:
        keys: of ``suite.yaml``.
        rows: its samples.
        found_by: what found them, such as the id of a search or a finding; stands at the head of the file.

    Raises:
        UsageError: something of that name is there, the id is none, or the folder cannot be written.
    """
    folder = free_suite_folder(root, id, instead="choose another id; ")
    text = yaml.safe_dump(dict(keys), sort_keys=False, allow_unicode=True)
    lines = [json.dumps(row, ensure_ascii=False) for row in rows]
    files = {"suite.yaml": f"# Found by {found_by}.\n{text}", "samples.jsonl": "\n".join(lines) + "\n", "card.md": card}
    return write_suite_folder(folder, files)
