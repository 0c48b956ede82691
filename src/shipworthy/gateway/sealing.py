"""Records of what was served, redacted and made durable."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

from shipworthy.core.events import Said
from shipworthy.core.served import Served
from shipworthy.detect.redact import seal_served
from shipworthy.store.traffic import TrafficLog

_SEALERS = 2
_SHORT = 10_000
"""Characters that are redacted at once, in a millisecond or two: a thread would cost more than that."""


class Sealing:
    """Seals records of one worker. Redacting a long conversation computes for a while: other requests go on then."""

    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(_SEALERS, thread_name_prefix="shipworthy-seal")

    async def append(self, log: TrafficLog, served: Served, secrets: Sequence[str]) -> Served:
        """Make a record durable, and return it as it is on the disk.

        Raises:
            StoreError: it is not.
        """
        if sum(len(event.message.text) for event in served.events if isinstance(event, Said)) <= _SHORT:
            sealed = seal_served(served, secrets)
        else:
            sealed = await asyncio.get_running_loop().run_in_executor(self._threads, seal_served, served, secrets)
        await log.append(sealed)
        return sealed.record

    def close(self) -> None:
        """End its threads."""
        self._threads.shutdown()
