"""Counts in the metadata of a segment, read without DuckDB."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest
from tests.unit.telemetry.made import facts_of, segment

from shipworthy.telemetry.fact import COLUMNS
from shipworthy.telemetry.facts import FactView
from shipworthy.telemetry.segment import COUNTS, FACTS, connect, counts_in


@pytest.mark.parametrize("features", [1, 3, 400])
def test_counts_are_read_as_duckdb_reads_them(tmp_path: Path, features: int) -> None:
    name = "f'é" * 20
    segment(
        tmp_path, "0000000000001-a", [f for n in range(features) for f in facts_of(n % 40, 2, 1, feature=f"{name}{n}")]
    )
    path = tmp_path / FACTS / "0000000000001-a.parquet"
    connection = connect(tmp_path)
    ((value,),) = connection.execute(
        f"SELECT value FROM parquet_kv_metadata('{path}') WHERE key = ?", [COUNTS.encode()]
    ).fetchall()
    connection.close()
    assert counts_in(path) == value and len(msgspec.json.decode(value)) == 2 * features


def test_a_file_without_counts_is_counted_by_its_rows(tmp_path: Path) -> None:
    segment(tmp_path, "0000000000001-a", facts_of(0, 5, 2))
    segment(tmp_path, "0000000000002-b", facts_of(1, 4, 1))
    path = tmp_path / FACTS / "0000000000002-b.parquet"
    connection = connect(tmp_path)
    columns = ", ".join(f'"{column}"' for column in COLUMNS)
    connection.execute(f"COPY (SELECT {columns} FROM '{path}') TO '{path}.new' (FORMAT parquet)")
    connection.close()
    Path(f"{path}.new").replace(path)
    assert counts_in(path) is None
    with FactView(tmp_path) as view:
        counts = view.counts()
    assert (sum(one.session for one in counts), sum(one.violation for one in counts)) == (9, 3)


@pytest.mark.parametrize("cut", [0, 3, 12, 200])
def test_a_file_that_is_not_whole_has_none(tmp_path: Path, cut: int) -> None:
    segment(tmp_path, "0000000000001-a", facts_of(0, 5, 2))
    path = tmp_path / FACTS / "0000000000001-a.parquet"
    path.write_bytes(path.read_bytes()[: -cut or None][: None if cut else 2])
    assert counts_in(path) is None
