"""A search in documents, as a tool of an agent: what it gives comes by a call that guards, policy and record see."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from shipworthy.core.digests import digest
from shipworthy.core.errors import UsageError
from shipworthy.core.records import Document, ToolCall, ToolSpec
from shipworthy.retrieval.bm25 import Bm25
from shipworthy.retrieval.passages import cut

NAME = "documents_search"
WORDS = 120
"""Of a passage."""
MOST = 10_000
"""Documents of one folder."""


class DocumentSearch:
    """Finds passages with BM25; the titles are the files' names. Whoever can write a file can write what it gives.

    Args:
        folder: its ``.md`` and ``.txt`` files, those in folders of it too.
        passages: that a search gives at most, 1 to 20.

    Attributes:
        specs: the tool.
        lost: always empty: it cannot drift.

    Raises:
        UsageError: there is no such folder, no text in it or too many, a file cannot be read, or `passages` is out of
            range.
    """

    def __init__(self, folder: Path, *, passages: int) -> None:
        if not 1 <= passages <= 20:
            raise UsageError(f"a search gives from 1 to 20 passages, not {passages}")
        if not folder.is_dir():
            raise UsageError(f"there is no folder {str(folder)!r} with documents")
        files = sorted(path for path in folder.rglob("*") if path.suffix in (".md", ".txt") and path.is_file())
        if not files or len(files) > MOST:
            raise UsageError(f"{folder}: {len(files):,} .md and .txt files; a search takes from 1 to {MOST:,}")
        found: list[Document] = []
        for path in files:
            name = path.relative_to(folder).as_posix()
            try:
                found.append(Document(name, path.read_text("utf-8"), name))
            except (OSError, UnicodeDecodeError) as error:
                raise UsageError(f"{path} cannot be read as text: {error}") from None
        self._digest = digest([[one.id, one.text] for one in found])
        self._index = Bm25([passage for document in found for passage in cut(document, WORDS)])
        self._passages = passages
        arguments = {"query": {"type": "string", "description": "What is looked for, in words."}}
        schema = {"type": "object", "properties": arguments, "required": ["query"], "additionalProperties": False}
        self.specs = (ToolSpec(NAME, "Search the documents; gives the best passages.", schema),)
        self.lost = ""

    def describe(self) -> Mapping[str, Any]:
        """Name everything that changes what it gives."""
        return {"documents": self._digest, "passages": self._passages, "words": WORDS}

    async def open(self) -> None:
        """Nothing to open."""

    async def close(self) -> None:
        """Nothing to let go of."""

    async def run(self, call: ToolCall) -> str:
        """Return the passages that share a word with the query, best first, as JSON with title and text."""
        found = self._index.search(str(call.arguments.get("query", "")), self._passages)
        return json.dumps([{"title": one.title, "text": one.text} for one in found], ensure_ascii=False)
