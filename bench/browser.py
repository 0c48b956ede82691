"""Headless Chromium, spoken to in its DevTools protocol over two pipes. The tests of pages drive it too.

A page is waited for, never given a time: how fast a browser is on a busy machine decides nothing.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any


def program() -> str | None:
    """Where Chromium is on this machine, if it is there."""
    return shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")


class Browser:
    """A running browser. Its messages are JSON texts, each ended by a zero byte."""

    def __init__(self, path: str, profile: Path) -> None:
        to_browser, self._to = os.pipe()
        self._from, from_browser = os.pipe()
        # The protocol's pipes are the browser's descriptors 3 and 4; the shell puts ours there.
        command = f'exec "$0" "$@" 3<&{to_browser} 4>&{from_browser}'
        options = (
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--window-size=1300,800",
            "--remote-debugging-pipe",
            f"--user-data-dir={profile}",
        )
        self._process = subprocess.Popen(
            ["bash", "-c", command, path, *options], pass_fds=(to_browser, from_browser), stderr=subprocess.DEVNULL
        )
        os.close(to_browser)
        os.close(from_browser)
        self._number, self._rest = 0, b""

    def ask(self, method: str, session: str = "", **params: Any) -> dict[str, Any]:
        """Send a command and return its result; events in between are passed over."""
        self._number += 1
        message: dict[str, Any] = {"id": self._number, "method": method, "params": params}
        if session:
            message["sessionId"] = session
        os.write(self._to, json.dumps(message).encode() + b"\0")
        while True:
            while b"\0" not in self._rest:
                piece = os.read(self._from, 1 << 20)
                if not piece:
                    raise RuntimeError("the browser went away")
                self._rest += piece
            raw, _, self._rest = self._rest.partition(b"\0")
            answer = json.loads(raw)
            if answer.get("id") == self._number:
                if "error" in answer:
                    raise RuntimeError(f"{method}: {answer['error']['message']}")
                result: dict[str, Any] = answer["result"]
                return result

    @contextmanager
    def page(self) -> Iterator[Page]:
        """A page with storage of its own, which no other page sees."""
        context = self.ask("Target.createBrowserContext")["browserContextId"]
        target = self.ask("Target.createTarget", url="about:blank", browserContextId=context)["targetId"]
        session = self.ask("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        try:
            yield Page(self, session)
        finally:
            self.ask("Target.disposeBrowserContext", browserContextId=context)

    def close(self) -> None:
        """End the browser."""
        self.ask("Browser.close")
        self._process.wait(10)
        os.close(self._to)
        os.close(self._from)


class Page:
    """One page of a browser."""

    def __init__(self, browser: Browser, session: str) -> None:
        self._browser, self._session = browser, session
        self._browser.ask("Page.enable", session)

    def go(self, address: str) -> None:
        """Begin to open an address, past what was open."""
        self._browser.ask("Page.navigate", self._session, url="about:blank")
        self._browser.ask("Page.navigate", self._session, url=address)

    def run(self, script: str) -> Any:
        """Return the value of an expression in the page, of a promise when it is kept."""
        found = self._browser.ask(
            "Runtime.evaluate", self._session, expression=script, returnByValue=True, awaitPromise=True
        )
        if "exceptionDetails" in found:
            raise RuntimeError(f"{script}: {found['exceptionDetails']}")
        return found["result"].get("value")

    def until(self, script: str, *, limit: float = 60.0) -> Any:
        """Wait until an expression is true in the page, and return its value."""
        end = time.monotonic() + limit
        while time.monotonic() < end:
            if value := self.run(script):
                return value
            time.sleep(0.02)
        raise RuntimeError(f"not true within {limit:g} s: {script}")


@contextmanager
def browser() -> Iterator[Browser]:
    """Start a browser with a profile of its own, and end it."""
    path = program()
    if not path:
        raise SystemExit("no Chromium on this machine: `make browser` installs it")
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        opened = Browser(path, Path(profile))
        try:
            yield opened
        finally:
            opened.close()
