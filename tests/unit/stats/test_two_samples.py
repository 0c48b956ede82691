"""Distances between samples: their ends, their noise, and a shift that is seen."""

from __future__ import annotations

import numpy as np
import pytest

from shipworthy.stats.two_samples import mean_distance, named_distance, ordered_distance


def test_the_same_is_no_distance_and_apart_is_all_of_it() -> None:
    assert ordered_distance({1: 5, 3: 5}, {1: 50, 3: 50}).distance == pytest.approx(0)
    assert ordered_distance({1: 5}, {2: 5}).distance == named_distance({"a": 1}, {"b": 9}).distance == 1
    with pytest.raises(ValueError, match="empty"):
        named_distance({}, {"a": 1})


def test_noise_is_what_chance_does_and_shrinks() -> None:
    chance = np.random.default_rng(3)
    shares = np.array([0.5, 0.3, 0.15, 0.05])
    apart, noise = [], []
    for _ in range(200):
        one, other = (dict(zip("abcd", chance.multinomial(400, shares).tolist(), strict=True)) for _ in "xy")
        found = named_distance(one, other)
        apart.append(found.distance)
        noise.append(found.noise)
    assert np.mean(apart) == pytest.approx(np.mean(noise), rel=0.1)
    small, large = (named_distance({"a": n, "b": n}, {"a": n, "b": n}).noise for n in (10, 1_000))
    assert small == pytest.approx(10 * large)


def test_a_shifted_mean_is_seen_and_the_same_cloud_is_not() -> None:
    chance = np.random.default_rng(5)
    one, other = chance.normal(size=(80, 10)), chance.normal(size=(60, 10))
    assert mean_distance(one, other).p > 0.05
    moved = mean_distance(one, other + 0.8)
    assert moved.p < 0.01 and moved.distance > mean_distance(one, other).distance
    with pytest.raises(ValueError, match="two vectors"):
        mean_distance(one[:1], other)
