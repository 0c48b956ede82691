"""Generated policies, imported, beside Cedar itself: nothing passes that Cedar does not allow."""

from __future__ import annotations

import importlib.util
import os
from pathlib import Path

import pytest

pytest.importorskip("cel")
ROOT = Path(__file__).parents[2]
_spec = importlib.util.spec_from_file_location("_bench_imports", ROOT / "bench" / "imports.py")
bench = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(bench)
PYTHON = os.environ.get("SHIPWORTHY_TEST_CEDAR") or str(ROOT / ".nox" / "peers" / "policies" / "bin" / "python")


@pytest.mark.skipif(
    not Path(PYTHON).exists(), reason="Cedar's environment is not there: python bench/imports.py makes it"
)
def test_nothing_passes_that_cedar_does_not_allow():
    told = bench.measured(PYTHON, seed=7, sets=120)
    assert (told["allowed_wrongly"], told["example"], told["no_cedar"]) == (0, None, 0)
    assert told["requests"] == 4800 and told["cedar_allows"] - told["stricter"] > 100
