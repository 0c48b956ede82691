"""Issues of a GitHub repository, read and written by its REST API (version 2022-11-28)."""

from __future__ import annotations

import re
from collections.abc import Sequence
from hashlib import sha256
from typing import Any
from urllib.parse import quote, urlencode

from shipworthy.core.errors import StoreError, UsageError
from shipworthy.findings.intake.tracker import TrackedIssue, TrackerClient
from shipworthy.net.options import HttpOptions

API = "https://api.github.com"
_REPOSITORY = re.compile(r"[A-Za-z0-9._-]+/[A-Za-z0-9._-]+")
_PAGE = 100
_MOST_PAGES = 100


class GitHubIssues:
    """The issues of one repository.

    Args:
        repository: ``owner/name``.
        key: reference to a token that may read and write issues.
        base: address of the API; of GitHub Enterprise, ``https://HOST/api/v3``.

    Raises:
        UsageError: it is no repository.
    """

    def __init__(self, repository: str, key: str, *, base: str = "", options: HttpOptions | None = None) -> None:
        if not _REPOSITORY.fullmatch(repository):
            raise UsageError(f"{repository!r} is no repository: write it as owner/name")
        self.name = f"github:{repository}"
        headers = {"Accept": "application/vnd.github+json", "X-GitHub-Api-Version": "2022-11-28"}
        self._api = TrackerClient((base or API).rstrip("/"), headers, {"Authorization": (key, "Bearer ")}, options)
        self._path = f"/repos/{repository}/issues"

    def issues(self, label: str) -> list[TrackedIssue]:
        """Return the issues with a label, oldest first; pull requests, which the API lists with them, are left out."""
        found: list[TrackedIssue] = []
        for page in range(1, _MOST_PAGES + 1):
            asked = {"state": "all", "sort": "created", "direction": "asc", "per_page": _PAGE, "page": page}
            if label:
                asked["labels"] = label
            listed = self._api.ask("GET", f"{self._path}?{urlencode(asked)}")
            if not isinstance(listed, list):
                raise StoreError(f"{self.name}: the list of issues is none")
            found += [_issue(one) for one in listed if "pull_request" not in one]
            if len(listed) < _PAGE:
                return found
        raise StoreError(f"{self.name} has more than {_PAGE * _MOST_PAGES:,} issues with that label: take another one")

    def issue(self, key: str) -> TrackedIssue:
        """Return one issue."""
        return _issue(self._api.ask("GET", f"{self._path}/{quote(key)}"))

    def create(self, title: str, text: str, labels: Sequence[str]) -> TrackedIssue:
        """Make an issue."""
        return _issue(self._api.ask("POST", self._path, {"title": title, "body": text, "labels": list(labels)}))

    def comment(self, key: str, text: str) -> None:
        """Add a comment."""
        self._api.ask("POST", f"{self._path}/{quote(key)}/comments", {"body": text})

    def set_closed(self, key: str, closed: bool) -> None:
        """Close an issue, or open it again."""
        self._api.ask("PATCH", f"{self._path}/{quote(key)}", {"state": "closed" if closed else "open"})


def _issue(said: Any) -> TrackedIssue:
    try:
        author = str(said["user"]["login"]) if said.get("user") else ""
        return TrackedIssue(
            key=str(said["number"]),
            title=str(said["title"]),
            text=str(said.get("body") or ""),
            url=str(said["html_url"]),
            created=str(said["created_at"]),
            closed=said["state"] == "closed",
            labels=tuple(str(label["name"]) for label in said.get("labels", ())),
            author=f"gh-{sha256(author.encode()).hexdigest()[:12]}" if author else "",
        )
    except (KeyError, TypeError, AttributeError) as error:
        raise StoreError(f"GitHub answered with something that is no issue ({type(error).__name__}: {error})") from None
