"""The text of a scrape, read by Prometheus' own parser and judged by its own linter."""

from __future__ import annotations

import shutil
import subprocess

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shipworthy.gateway.counts import WorkerCounts
from shipworthy.gateway.exposition import BOUNDS_S, FAMILIES, PREFIX, SUM, bucket, text, total

parser = pytest.importorskip("prometheus_client.parser", reason="prometheus-client is in the development lock")
PAGE = {(name, *family.labels): 1.0 for name, family in FAMILIES.items() if family.kind != "histogram"}
for name, family in FAMILIES.items():
    if family.kind == "histogram":
        PAGE |= {(name, *family.labels, "0.5"): 1.0, (name, *family.labels, SUM): 0.25}


def samples(page):
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in parser.text_string_to_metric_families(page)
        for sample in family.samples
    }


def test_every_family_comes_through_the_parser() -> None:
    found = {family.name: family.type for family in parser.text_string_to_metric_families(text(PAGE))}
    assert found == {PREFIX + name.removesuffix("_total"): family.kind for name, family in FAMILIES.items()}


def test_promtool_has_nothing_to_say() -> None:
    if (promtool := shutil.which("promtool")) is None:
        pytest.skip("promtool is not here: apt-get install prometheus")
    found = subprocess.run([promtool, "check", "metrics"], input=text(PAGE), capture_output=True, text=True)
    assert (found.returncode, found.stdout, found.stderr) == (0, "", "")


@given(st.lists(st.floats(0, 400), max_size=30))
def test_a_histogram_is_what_was_observed(seconds) -> None:
    values = {("request_seconds", "/x", SUM): float(sum(seconds))}
    for one in seconds:
        key = ("request_seconds", "/x", bucket(one))
        values[key] = values.get(key, 0) + 1
    found = samples(text(values))
    name = f"{PREFIX}request_seconds"
    for bound in BOUNDS_S:
        labels = (("le", repr(bound)), ("route", "/x"))
        assert found[f"{name}_bucket", labels] == sum(one <= bound for one in seconds)
    assert found[f"{name}_count", (("route", "/x"),)] == len(seconds)
    assert found[f"{name}_bucket", (("le", "+Inf"), ("route", "/x"))] == len(seconds)
    assert found[f"{name}_sum", (("route", "/x"),)] == pytest.approx(sum(seconds))


@given(st.text('a\\"\n{},=é ', max_size=12))
def test_whatever_a_label_holds_comes_back(value) -> None:
    [(key, number)] = samples(text({("lever_pulled", value): 1.0})).items()
    assert (key, number) == ((f"{PREFIX}lever_pulled", (("lever", value),)), 1.0)


def test_what_the_dead_counted_counts_and_what_they_were_doing_does_not() -> None:
    one = {("records_total", "written"): 3.0, ("in_flight",): 2.0}
    found = total([WorkerCounts(one, True), WorkerCounts(one, False)])
    assert found == {("records_total", "written"): 6.0, ("in_flight",): 2.0}
