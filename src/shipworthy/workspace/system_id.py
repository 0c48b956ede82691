"""The id of a system, read alone: for what enters facts and needs no other file, nor their code."""

from __future__ import annotations

import re
from pathlib import Path

from shipworthy.core.errors import UsageError
from shipworthy.workspace.fields import Id
from shipworthy.workspace.kind import kinds
from shipworthy.workspace.nodes import read_yaml

FILE = "system.yaml"


def system_id(root: Path) -> str:
    """Return the id that ``system.yaml`` gives.

    Raises:
        UsageError: there is no such file, it cannot be read, or it gives none.
    """
    file = root / FILE
    if not file.is_file():
        raise UsageError(f"{root} is no workspace: there is no {FILE} in it (`shipworthy init` makes one)")
    value = read_yaml(file).value
    system = value.get("system") if isinstance(value, dict) else None
    id = system.get("id") if isinstance(system, dict) else None
    if not isinstance(id, str) or not re.fullmatch(Id(kinds()["system"].prefix).pattern, id):
        raise UsageError(f"{file}: the system has no id: `shipworthy check` says what is wrong")
    return id
