"""The job's file of a CI platform, for `shipworthy ci --write`."""

from __future__ import annotations

import re
import shlex
from collections.abc import Sequence
from pathlib import Path

import click

from shipworthy.core.errors import UsageError

FILES = Path(__file__).parent.parent / "library" / "ci"
PLACES = {
    "github": ".github/workflows/shipworthy.yml",
    "gitlab": ".gitlab/shipworthy.gitlab-ci.yml",
    "azure": "azure-pipelines/shipworthy.yml",
}
_NEXT = {
    "github": "commit it; then make the check `gate` required in the branch's rules",
    "gitlab": "include it in .gitlab-ci.yml, as its first lines say, and commit both",
    "azure": "commit it, name it in a new pipeline, and make that a build validation of the branch",
}
_PLAIN = re.compile(r"[A-Za-z0-9._/-]+")


def write_job(platform: str, workspace: Path, words: Sequence[str] = ()) -> Path:
    """Write a platform's file into the repository that a workspace lies in, and say what to do with it.

    Args:
        words: options that the job passes on to `shipworthy ci`.

    Raises:
        UsageError: there is no workspace or no repository, the file is there already, or the folder's name would need
            quotes that the platforms read each in its own way.
    """
    if not (workspace / "system.yaml").is_file():
        raise UsageError(f"{workspace} holds no system.yaml: name the workspace with -C")
    place = workspace.resolve()
    root = next((folder for folder in (place, *place.parents) if (folder / ".git").exists()), None)
    if root is None:
        raise UsageError(f"{workspace} lies in no git repository: the job's file belongs at its root")
    inside = place.relative_to(root).as_posix()
    if not _PLAIN.fullmatch(inside):
        raise UsageError(f"the folder {inside!r}: use letters, digits, '.', '_' and '-' in its path")
    path = root / PLACES[platform]
    text = (FILES / f"{platform}.yml").read_text(encoding="utf-8")
    text = text.replace(" @ARGS@", f" {shlex.join(words)}" if words else "")
    text = text.replace("@WORKSPACE@/" if inside == "." else "@WORKSPACE@", "" if inside == "." else inside)
    text = text.replace("@WORKSPACE@", ".")
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError:
        raise UsageError(f"{path} is there already; nothing was written") from None
    click.echo(f"{path}\nNext:  {_NEXT[platform]}")
    return path
