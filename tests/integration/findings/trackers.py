"""Stand-ins for GitHub and Jira, with what they keep: no real server of theirs can run here.

They speak the parts of the REST APIs that are used, as their documentation has them (GitHub 2022-11-28, Jira 2 of Data
Center, and the search of Jira Cloud), and refuse what the real ones refuse: a wrong key, an unknown issue, a
transition that the workflow does not have.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

CREATED = "2026-11-30T08:00:00"


class TrackerStub:
    """One repository ``reef/app`` and one project ``REEF``, with the same issues behind both.

    Attributes:
        issues: number -> what is kept of an issue.
        asked: method and path of each request.
    """

    def __init__(self) -> None:
        self.issues: dict[int, dict[str, Any]] = {}
        self.asked: list[tuple[str, str]] = []
        self.page = 100

    def add(self, title: str, text: str = "", labels: tuple[str, ...] = ()) -> int:
        number = len(self.issues) + 1
        self.issues[number] = {"title": title, "text": text, "labels": list(labels), "closed": False, "comments": []}
        return number

    # ---- GitHub

    def github(self, method: str, path: str, query: dict[str, list[str]], body: Any) -> tuple[int, Any]:
        parts = path.removeprefix("/repos/reef/app/issues").strip("/").split("/")
        if not path.startswith("/repos/reef/app/issues"):
            return 404, {"message": "Not Found"}
        if parts == [""] and method == "GET":
            label, page, size = query.get("labels", [""])[0], int(query["page"][0]), int(query["per_page"][0])
            found = [self._github(n) for n, one in self.issues.items() if not label or label in one["labels"]]
            return 200, found[(page - 1) * size : page * size]
        if parts == [""]:
            return 201, self._github(self.add(body["title"], body["body"], tuple(body["labels"])))
        number = int(parts[0])
        if number not in self.issues:
            return 404, {"message": "Not Found"}
        if parts[1:] == ["comments"]:
            self.issues[number]["comments"].append(body["body"])
            return 201, {"id": 1}
        if method == "PATCH":
            self.issues[number]["closed"] = body["state"] == "closed"
        return 200, self._github(number)

    def _github(self, number: int) -> dict[str, Any]:
        one = self.issues[number]
        return {
            "number": number, "title": one["title"], "body": one["text"] or None, "html_url": f"https://gh/{number}",
            "created_at": f"{CREATED}Z", "state": "closed" if one["closed"] else "open",
            "labels": [{"name": name} for name in one["labels"]], "user": {"login": "marlow"},
        }  # fmt: skip

    # ---- Jira

    def jira(self, method: str, path: str, query: dict[str, list[str]], body: Any) -> tuple[int, Any]:
        path = path.removeprefix("/rest/api/2")
        if path in ("/search", "/search/jql"):
            wanted = query["jql"][0]
            found = [n for n, one in self.issues.items() if all(f'"{x}"' in wanted for x in one["labels"][:1])]
            first = int(query.get("startAt", query.get("nextPageToken", ["0"]))[0])
            listed = [self._jira(n) for n in found[first : first + self.page]]
            after = first + len(listed)
            if path == "/search":
                return 200, {"issues": listed, "total": len(found), "startAt": first}
            return 200, {"issues": listed, **({"nextPageToken": str(after)} if after < len(found) else {})}
        if path == "/issue":
            fields = body["fields"]
            number = self.add(fields["summary"], fields["description"], tuple(fields["labels"]))
            return 201, {"id": str(number), "key": f"REEF-{number}"}
        key, *rest = path.removeprefix("/issue/").split("/")
        number = int(key.removeprefix("REEF-"))
        if number not in self.issues:
            return 404, {"errorMessages": ["Issue does not exist"]}
        one = self.issues[number]
        if rest == ["comment"]:
            one["comments"].append(body["body"])
            return 201, {"id": "1"}
        if rest == ["transitions"]:
            way = {"id": "11", "to": {"statusCategory": {"key": "new"}}} if one["closed"] else {
                "id": "31", "to": {"statusCategory": {"key": "done"}}
            }  # fmt: skip
            if method == "GET":
                return 200, {"transitions": [way]}
            if body["transition"]["id"] != way["id"]:
                return 400, {"errorMessages": ["no such transition"]}
            one["closed"] = not one["closed"]
            return 204, None
        return 200, self._jira(number)

    def _jira(self, number: int) -> dict[str, Any]:
        one = self.issues[number]
        fields = {
            "summary": one["title"], "description": one["text"] or None, "labels": one["labels"],
            "created": f"{CREATED}.000+0000", "reporter": {"accountId": "5b10"},
            "status": {"statusCategory": {"key": "done" if one["closed"] else "new"}},
        }  # fmt: skip
        return {"key": f"REEF-{number}", "fields": fields}


@contextmanager
def tracker_stub(key: str) -> Iterator[tuple[TrackerStub, str]]:
    """Serve a stub; yield it and its address.

    Args:
        key: that requests must have, with or without ``Bearer``.
    """
    stub = TrackerStub()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _answer(self) -> None:
            data = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            parts = urlsplit(self.path)
            stub.asked.append((self.command, parts.path))
            if not (self.headers.get("Authorization") or "").endswith(key):
                status, body = 401, {"message": "Bad credentials"}
            else:
                side = stub.jira if parts.path.startswith("/rest/") else stub.github
                status, body = side(self.command, parts.path, parse_qs(parts.query), json.loads(data) if data else None)
            said = b"" if body is None else json.dumps(body).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(said)))
            self.end_headers()
            self.wfile.write(said)

        do_GET = do_POST = do_PATCH = _answer

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield stub, f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
