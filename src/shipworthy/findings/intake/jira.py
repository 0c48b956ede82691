"""Issues of a Jira project, read and written by its REST API, version 2, as Cloud and Data Center have it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

from shipworthy.core.calendar import write_moment
from shipworthy.core.errors import StoreError, UsageError
from shipworthy.findings.intake.tracker import TrackedIssue, TrackerClient
from shipworthy.net.options import HttpOptions

_PROJECT = re.compile(r"[A-Z][A-Z0-9_]{1,79}")
_LABEL = re.compile(r"[\w.-]+")
_PAGE = 100
_MOST = 10_000
_FIELDS = "summary,description,labels,created,status,reporter"


class JiraIssues:
    """The issues of one project.

    Args:
        project: its key, such as ``HELP``.
        base: address of the site, such as ``https://company.atlassian.net``.
        key: reference to the value of the header Authorization: ``Bearer …`` with a personal access token, or
            ``Basic …`` with user and token of Cloud.
        kind: of issues that are made.
        cloud: whether the site is Jira Cloud; told by its address if None.

    Raises:
        UsageError: it is no project, or there is no address.
    """

    def __init__(
        self,
        project: str,
        key: str,
        *,
        base: str,
        kind: str = "Bug",
        cloud: bool | None = None,
        options: HttpOptions | None = None,
    ) -> None:
        if not _PROJECT.fullmatch(project):
            raise UsageError(f"{project!r} is no key of a project: upper case letters, such as HELP")
        if not base:
            raise UsageError("a Jira project needs the address of its site: --url https://company.atlassian.net")
        self.name, self._project, self._kind = f"jira:{project}", project, kind
        self._base = base.rstrip("/")
        self._cloud = (urlsplit(base).hostname or "").endswith(".atlassian.net") if cloud is None else cloud
        self._api = TrackerClient(f"{self._base}/rest/api/2", {}, {"Authorization": (key, "")}, options)

    def issues(self, label: str) -> list[TrackedIssue]:
        """Return the issues with a label, oldest first."""
        if label and not _LABEL.fullmatch(label):
            raise UsageError(f"{label!r} is no label of Jira: letters, digits, dot, hyphen and underscore")
        query = f'project = "{self._project}"' + (f' AND labels = "{label}"' if label else "") + " ORDER BY created ASC"
        found: list[TrackedIssue] = []
        token = ""
        while len(found) < _MOST:
            asked: dict[str, Any] = {"jql": query, "maxResults": _PAGE, "fields": _FIELDS}
            # Cloud has taken away the search by places that Data Center has: it goes on by tokens.
            asked |= ({"nextPageToken": token} if token else {}) if self._cloud else {"startAt": len(found)}
            answer = self._api.ask("GET", f"/search{'/jql' if self._cloud else ''}?{urlencode(asked)}")
            try:
                listed = list(answer["issues"])
                token = str(answer.get("nextPageToken") or "")
                more = bool(token) if self._cloud else len(found) + len(listed) < int(answer["total"])
            except (KeyError, TypeError, ValueError, AttributeError):
                raise StoreError(f"{self.name}: the list of issues is none") from None
            found += [self._issue(one) for one in listed]
            if not listed or not more:
                return found
        raise StoreError(f"{self.name} has more than {_MOST:,} issues with that label: take another one")

    def issue(self, key: str) -> TrackedIssue:
        """Return one issue."""
        return self._issue(self._api.ask("GET", f"/issue/{quote(key)}?fields={quote(_FIELDS)}"))

    def create(self, title: str, text: str, labels: Sequence[str]) -> TrackedIssue:
        """Make an issue; Jira answers with its key alone, so it is read then."""
        fields = {
            "project": {"key": self._project}, "summary": title[:250], "description": text,
            "issuetype": {"name": self._kind}, "labels": list(labels),
        }  # fmt: skip
        made = self._api.ask("POST", "/issue", {"fields": fields})
        try:
            return self.issue(str(made["key"]))
        except (KeyError, TypeError):
            raise StoreError(f"{self.name}: the answer to a new issue has no key") from None

    def comment(self, key: str, text: str) -> None:
        """Add a comment."""
        self._api.ask("POST", f"/issue/{quote(key)}/comment", {"body": text})

    def set_closed(self, key: str, closed: bool) -> None:
        """Move an issue to a status that is done, or to one that is not, by the first transition that leads there.

        Raises:
            StoreError: its workflow has none from where it is.
        """
        answer = self._api.ask("GET", f"/issue/{quote(key)}/transitions")
        try:
            ways = [(str(one["id"]), one["to"]["statusCategory"]["key"] == "done") for one in answer["transitions"]]
        except (KeyError, TypeError):
            raise StoreError(f"{self.name}: the transitions of {key} are none") from None
        way = next((id for id, done in ways if done is closed), None)
        if way is None:
            raise StoreError(
                f"{self.name}: no transition of {key} leads to a status that is {'' if closed else 'not '}done"
            )
        self._api.ask("POST", f"/issue/{quote(key)}/transitions", {"transition": {"id": way}})

    def _issue(self, said: Any) -> TrackedIssue:
        try:
            fields, key = said["fields"], str(said["key"])
            reporter = fields.get("reporter") or {}
            author = str(reporter.get("accountId") or reporter.get("name") or "")
            return TrackedIssue(
                key=key,
                title=str(fields["summary"]),
                text=str(fields.get("description") or ""),
                url=f"{self._base}/browse/{key}",
                created=write_moment(datetime.strptime(fields["created"], "%Y-%m-%dT%H:%M:%S.%f%z").astimezone(UTC)),
                closed=fields["status"]["statusCategory"]["key"] == "done",
                labels=tuple(map(str, fields.get("labels") or ())),
                author=f"jira-{sha256(author.encode()).hexdigest()[:12]}" if author else "",
            )
        except (KeyError, TypeError, AttributeError, ValueError) as error:
            raise StoreError(
                f"Jira answered with something that is no issue ({type(error).__name__}: {error})"
            ) from None
