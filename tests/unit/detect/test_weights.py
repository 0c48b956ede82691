"""Weights are those that their card describes, or are not used."""

from __future__ import annotations

import io
import json

import numpy as np
import pytest

from shipworthy.core.digests import bytes_digest
from shipworthy.detect import weights


@pytest.mark.parametrize("name", ["refusal", "harm", "grounded", "injection"])
def test_the_weights_that_ship_are_those_of_their_card(name: str) -> None:
    found, card = weights.stored(name)
    assert found
    assert {"weights_digest", "trained_on"} <= card.keys()


def test_other_weights_are_refused(tmp_path, monkeypatch) -> None:
    folder = tmp_path / "weights" / "mine"
    folder.mkdir(parents=True)
    (folder / "weights.npz").write_bytes(b"PK, or so it says")
    (folder / "card.json").write_text(json.dumps({"weights_digest": bytes_digest(b"others")}), encoding="utf-8")
    monkeypatch.setattr(weights, "files", lambda package: tmp_path)
    with pytest.raises(ValueError, match="not the ones their card describes"):
        weights.stored("mine")


def test_a_file_that_would_run_code_is_refused() -> None:
    file = io.BytesIO()
    np.savez(file, a=np.array([object()], dtype=object))
    with pytest.raises(ValueError, match="allow_pickle"):
        weights.arrays(file.getvalue())
