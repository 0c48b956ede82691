"""Intervals, tests and sample sizes for rates measured on clustered attempts: pure functions of arrays.

A *cluster* is what is independent: a sample with all its attacks and attempts. Every function takes one entry a
cluster. Nothing here reads a file, keeps a state or draws an unseeded random number. Names are imported when first
used: scipy costs a third of a second.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from shipworthy.stats.agreement import Kappa, kappa
    from shipworthy.stats.criterion import ThresholdTest, threshold_test
    from shipworthy.stats.interval import RateInterval, rate_interval
    from shipworthy.stats.multiplicity import holm
    from shipworthy.stats.paired import (
        NoninferiorityTest,
        PairedDifference,
        noninferiority_test,
        paired_difference,
    )
    from shipworthy.stats.power import achieved_power, required_clusters

_HOMES = {
    "Kappa": "agreement",
    "kappa": "agreement",
    "ThresholdTest": "criterion",
    "threshold_test": "criterion",
    "RateInterval": "interval",
    "rate_interval": "interval",
    "holm": "multiplicity",
    "NoninferiorityTest": "paired",
    "PairedDifference": "paired",
    "noninferiority_test": "paired",
    "paired_difference": "paired",
    "achieved_power": "power",
    "required_clusters": "power",
}

__all__ = [
    "Kappa",
    "NoninferiorityTest",
    "PairedDifference",
    "RateInterval",
    "ThresholdTest",
    "achieved_power",
    "holm",
    "kappa",
    "noninferiority_test",
    "paired_difference",
    "rate_interval",
    "required_clusters",
    "threshold_test",
]


def __getattr__(name: str) -> object:
    from importlib import import_module

    if home := _HOMES.get(name):
        return getattr(import_module(f"shipworthy.stats.{home}"), name)
    raise AttributeError(f"module 'shipworthy.stats' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
