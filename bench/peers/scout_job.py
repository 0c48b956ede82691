"""A scan of a log with Scout, and a database of its transcripts; argument: a log of Inspect."""

import asyncio
import sys
from pathlib import Path

from inspect_scout import Result, Scanner, Transcript, grep_scanner, scan, scanner, transcripts_db, transcripts_from


@scanner(messages="all")
def leaks() -> Scanner[Transcript]:
    """Look for a yes, and fail on one task."""

    async def run(transcript: Transcript) -> Result:
        if transcript.task_id == "q3":
            raise ValueError("cannot be judged")
        said = " ".join(message.text for message in transcript.messages if message.role == "assistant")
        return Result(value="yes" in said.lower())

    return run


@scanner(messages="all")
def share() -> Scanner[Transcript]:
    """Give a number in [0, 1]."""

    async def run(transcript: Transcript) -> Result:
        return Result(value=min(1.0, len(transcript.messages) / 4))

    return run


async def database(log: str) -> None:
    """Write the database."""
    async with transcripts_db("db") as made:
        await made.insert(transcripts_from(log))


if __name__ == "__main__":
    asyncio.run(database(sys.argv[1]))
    log = transcripts_from(sys.argv[1])
    scan([leaks(), share(), ("yes", grep_scanner("yes"))], transcripts=log, scans="scans", display="none", model=None)
    print(next(Path("scans").rglob("_scan.json")).resolve())
    print(next(Path("db").glob("*.parquet")).resolve())
