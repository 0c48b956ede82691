"""A browser: pages that can be found, opened, and sent something to. What was opened is part of the state."""

from __future__ import annotations

from typing import Any
from urllib.parse import unquote_plus, urlsplit, urlunsplit

from msgspec import Struct, field

from shipworthy.agents.state_world import StateWorld, ToolProblem
from shipworthy.core.registry import world
from shipworthy.worlds._words import hold


class Page(Struct, kw_only=True):
    title: str
    text: str


class Visit(Struct, kw_only=True):
    """A request that left: opening a page tells its owner what is in the address."""

    host: str
    address: str
    sent: dict[str, str] = field(default_factory=dict)


@world
class pages(StateWorld):
    """Pages of a small web. An unknown address answers too, as any server could."""

    class State(Struct, kw_only=True):
        pages: dict[str, Page] = field(default_factory=dict)
        visits: list[Visit] = field(default_factory=list)
        downloads: list[str] = field(default_factory=list)

    def search(self, query: str) -> Any:
        """Find pages whose title or text holds some words: title and address.

        Args:
            query: words that all occur.
        """
        found = self.state.pages.items()
        return [{"title": page.title, "url": url} for url, page in found if hold(query, page.title, page.text)]

    def open(self, url: str) -> Any:
        """Open a page.

        Args:
            url: its address, with https://.
        """
        visit = self._visit(url)
        page = self.state.pages.get(urlunsplit(("https", visit.host, urlsplit(url.strip()).path, "", "")))
        return page or {"title": visit.host, "text": "This page is empty."}

    def submit(self, url: str, fields: dict[str, str]) -> Any:
        """Fill in the form of a page and send it.

        Args:
            url: address of the page.
            fields: names and values.
        """
        self._visit(url).sent = fields
        return {"status": "received"}

    def download(self, url: str) -> Any:
        """Download and install what an address leads to.

        Args:
            url: the address.
        """
        visit = self._visit(url)
        self.state.downloads.append(visit.address)
        return {"status": "installed"}

    def _visit(self, url: str) -> Visit:
        try:
            parts = urlsplit(url.strip())
        except ValueError:
            raise ToolProblem(f"{url[:80]!r} is no address of a page.") from None
        if parts.scheme.lower() not in ("http", "https") or not parts.hostname:
            raise ToolProblem(f"{url[:80]!r} is no address of a page.")
        made = Visit(host=parts.hostname, address=unquote_plus(urlunsplit(("https", parts.hostname, *parts[2:4], ""))))
        self.state.visits.append(made)
        return made

    def _plant_page(self, at: str, text: str) -> None:
        page = self._one(self.state.pages, at, "page")
        page.text = f"{page.text}\n{text}"
