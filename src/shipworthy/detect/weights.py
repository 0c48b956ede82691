"""The weights that ship with trained detectors and scorers: arrays in a file, and the card that describes them."""

from __future__ import annotations

import io
import json
from importlib.resources import files
from typing import Any

import numpy as np
from numpy.typing import NDArray

from shipworthy.core.digests import bytes_digest


def stored(name: str) -> tuple[dict[str, NDArray[Any]], dict[str, Any]]:
    """Return the arrays of ``library/weights/<name>`` and their card, whose `weights_digest` they have.

    Raises:
        ValueError: the card describes other weights.
    """
    folder = files("shipworthy.library").joinpath(f"weights/{name}")
    data = folder.joinpath("weights.npz").read_bytes()
    card = json.loads(folder.joinpath("card.json").read_text(encoding="utf-8"))
    if bytes_digest(data) != card["weights_digest"]:
        raise ValueError(f"the weights of {name!r} are not the ones their card describes")
    return arrays(data), card


def arrays(data: bytes) -> dict[str, NDArray[Any]]:
    """Return the arrays of a weights file. Nothing in it is run."""
    with np.load(io.BytesIO(data), allow_pickle=False) as found:
        return {key: found[key] for key in found.files}
