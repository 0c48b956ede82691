"""Generated policies, imported, beside the engines they are for: nothing passes that those do not allow."""

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
ENVIRONMENTS = {"cedar": "policies", "agt": "agt"}


@pytest.mark.parametrize("language", ENVIRONMENTS)
def test_nothing_passes_that_the_source_does_not_allow(language):
    own = ROOT / ".nox" / "peers" / ENVIRONMENTS[language] / "bin" / "python"
    python = os.environ.get(f"SHIPWORTHY_TEST_{language.upper()}") or str(own)
    if not Path(python).exists():
        pytest.skip(f"its environment is not there: python bench/imports.py --from {language} makes it")
    told = bench.measured(python, seed=7, sets=120, language=language)
    assert (told["allowed_wrongly"], told["example"], told["not_read"]) == (0, None, 0)
    assert told["requests"] == 4800 and told["theirs_allows"] - told["stricter"] > 100
