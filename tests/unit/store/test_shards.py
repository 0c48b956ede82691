"""Names and chains of the shards' logs."""

from __future__ import annotations

import subprocess
import sys

from shipworthy.store.shards import log_name, log_origin


def test_each_log_starts_a_chain_of_its_own() -> None:
    origins = {log_origin(manifest, shard) for manifest in (b"{}", b'{"a":1}') for shard in range(12)}
    assert len(origins) == 24
    assert [log_name(n) for n in (0, 12, 9999)] == ["attempts-0000.jsonl", "attempts-0012.jsonl", "attempts-9999.jsonl"]


def test_it_needs_nothing_but_the_standard_library() -> None:
    code = "import sys; before = set(sys.modules); import shipworthy.store.shards; print(*set(sys.modules) - before)"
    found = subprocess.run(
        [sys.executable, "-S", "-c", code],
        capture_output=True,
        text=True,
        check=False,
        env={"PYTHONPATH": ":".join(sys.path)},
    )
    loaded = {name.partition(".")[0] for name in found.stdout.split()} - sys.stdlib_module_names
    assert loaded == {"shipworthy"}, (loaded, found.stderr)
