"""What every test may use."""

from __future__ import annotations

import os
import shutil
from importlib.util import find_spec
from pathlib import Path

import pytest
from hypothesis import settings

from shipworthy.core.settings import Settings

REPOSITORY = Path(__file__).parents[1]

# The page tests, the HTTP targets and pip must not be led elsewhere by the machine's own proxy settings.
os.environ.setdefault("NO_PROXY", "127.0.0.1,localhost")


# A shared machine stops for seconds now and then: no example has a deadline. CI draws the same examples every time, so
# that a change is judged by what it changed; elsewhere they are drawn anew.
settings.register_profile("here", deadline=None)
settings.register_profile("ci", deadline=None, derandomize=True)
settings.load_profile("ci" if os.environ.get("CI") else "here")


@pytest.fixture(scope="session")
def repository() -> Path:
    """The checkout the tests are run from."""
    return REPOSITORY


@pytest.fixture(scope="session")
def shared() -> Path:
    """Labelled public text beside the checkout; a user's clone has none."""
    folder = REPOSITORY.parent / "shared"
    if not (folder / "data").is_dir():
        pytest.skip("no ../shared beside this checkout: the labelled public text is not part of the repository")
    return folder


@pytest.fixture(scope="session")
def weights() -> Path:
    """The SmolLM2 weights that `make setup` pulls."""
    found = sorted(Settings.load().cache_dir.glob("models/**/*.gguf"))
    if not found:
        pytest.skip("the SmolLM2 weights are not here: run `shipworthy model pull smollm2` (make setup does)")
    # Found, not imported: whoever loads OpenMP before the target sets its wait policy makes every call 20 times slower.
    if find_spec("xllamacpp") is None:
        pytest.skip('needs pip install "shipworthy[local]"')
    return found[0]


@pytest.fixture(scope="session")
def chromium() -> str:
    """A real browser."""
    found = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if not found:
        pytest.skip("no Chromium on this machine: `make browser` installs it")
    return found
