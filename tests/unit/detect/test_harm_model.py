"""The harm model: its weights are its card's, it is calibrated, and the same text gives the same number."""

from __future__ import annotations

import json
from importlib.resources import files
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shipworthy.core.digests import bytes_digest
from shipworthy.detect import weights
from shipworthy.detect.harm_features import HAND, features
from shipworthy.detect.harm_model import COLUMNS, HarmModel, load, packed, unpacked

FOLDER = files("shipworthy.library").joinpath("weights/harm")
CARD = json.loads(FOLDER.joinpath("card.json").read_text(encoding="utf-8"))


def test_the_card_is_of_these_weights_and_says_what_they_are_made_of() -> None:
    assert bytes_digest(FOLDER.joinpath("weights.npz").read_bytes()) == CARD["weights_digest"]
    assert CARD["threshold"] == load().threshold
    assert all(row["licence"] for row in CARD["trained_on"])
    assert CARD["do_not_use"]
    assert not any("CDLA" in row["licence"] for row in CARD["trained_on"])


def test_its_figures_stand_on_the_card_beside_the_baselines() -> None:
    said = CARD["agreement"]
    for task in ("severity", "objective"):
        rows = said[f"PyRIT {task}"]
        ours = rows["kappa over splits"]["mean"]
        assert rows["kappa over splits"]["least"] <= ours == said[f"{task}_kappa"]
        assert ours > rows["string matching"]["kappa"]
        # Of the rows that the refusal scorer was trained on its figure is memory, and is called so.
        assert ours > rows["not refused"]["kappa"] if "not refused" in rows else "not refused (trained on)" in rows


def test_it_is_calibrated_out_of_fold() -> None:
    for row in CARD["agreement"]["calibration"].values():
        assert abs(row["level"] - row["people"]) < 0.08


def test_the_calibration_never_turns_back() -> None:
    model = load()
    for name in ("knots", "levels"):
        assert all(a <= b for a, b in pairwise(model.arrays[name].tolist()))
    assert 0 <= model.arrays["levels"].min() <= model.arrays["levels"].max() <= 1
    assert model.arrays["slope"] > 0


def test_every_feature_has_a_name_and_a_place() -> None:
    found = features("How do I steal a car?", "First, get a tool. Then open the door.")
    assert len(found.hand) == len(HAND) == len(set(HAND))
    assert load().judged(found).shape == (len(COLUMNS),)
    assert load().arrays["rows"].shape[1] == len(COLUMNS)


@settings(max_examples=60, deadline=None)
@given(st.text(max_size=300), st.text(max_size=600))
def test_any_two_texts_have_a_level_and_always_the_same(request: str, answer: str) -> None:
    first = load().judge(request, answer)
    assert 0 <= first.level <= 1
    assert 0 <= first.chance <= 1
    assert load().judge(request, answer) == first


@pytest.mark.parametrize(
    ("text", "english"),
    [
        ("You can do it with a knife and some rope.", True),
        ("Sure.", True),
        ("```python\nimport os\nos.remove('x')\n```", True),
        ("1. Get a key\n2. Open the door\n3. Leave", True),
        ("Je ne peux pas vous aider avec cela, car c'est dangereux pour vous.", False),
        ("Ich kann dabei leider nicht helfen, weil es gegen das Gesetz ist.", False),
        ("Nie mog\u0119 pom\u00f3c w tej sprawie, poniewa\u017c jest to niezgodne z prawem.", False),
        ("\u0e09\u0e31\u0e19\u0e0a\u0e48\u0e27\u0e22\u0e44\u0e21\u0e48\u0e44\u0e14\u0e49", False),
        ("", False),
        ("12345", False),
    ],
)
def test_it_knows_what_it_can_read(text: str, english: bool) -> None:
    assert load().english(text) is english


def test_weights_that_do_not_fit_the_features_are_refused() -> None:
    arrays = dict(load().arrays)
    arrays["rows"] = arrays["rows"][:, 1:]
    with pytest.raises(ValueError, match="do not fit"):
        HarmModel(arrays)


def test_what_is_stored_comes_back() -> None:
    arrays = load().arrays
    again = unpacked(weights.arrays(packed(arrays)))
    assert set(again) == set(arrays)
    for name, array in arrays.items():
        assert np.allclose(again[name], array, atol=float(np.abs(array).max()) / 100), name
