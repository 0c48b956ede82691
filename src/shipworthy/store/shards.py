"""How a run is dealt to shards: the name of each one's log, and the chain it starts.

Standard library only: the stand-alone verifier of evidence packs uses it.
"""

from __future__ import annotations

from shipworthy.store import chain

MOST_SHARDS = 10_000


def log_name(shard: int) -> str:
    """Return the name of a shard's log.

    >>> log_name(0)
    'attempts-0000.jsonl'
    """
    return f"attempts-{shard:04d}.jsonl"


def log_origin(manifest: bytes, shard: int) -> bytes:
    """Return the 32 bytes that the chain of a shard's log starts from.

    Args:
        manifest: the bytes of the manifest's file: a run's manifest cannot be swapped, nor one shard's log for another.
    """
    # JSON holds no zero byte, so no manifest and shard look like another manifest and shard.
    return chain.origin(manifest + b"\0" + str(shard).encode())
