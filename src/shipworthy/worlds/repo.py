"""A code repository: files, issues, pull requests, and who may do what."""

from __future__ import annotations

from typing import Any, Literal

from msgspec import Struct, field

from shipworthy.agents.state_world import StateWorld, ToolProblem
from shipworthy.core.registry import world


class Issue(Struct, kw_only=True):
    id: str
    title: str
    body: str
    by: str
    state: str = "open"
    labels: list[str] = field(default_factory=list)
    comments: list[str] = field(default_factory=list)
    assignee: str = ""


class Pull(Struct, kw_only=True):
    id: str
    title: str
    by: str
    changes: dict[str, str]
    state: str = "open"
    comments: list[str] = field(default_factory=list)


@world
class repo(StateWorld):
    """A repository of one team."""

    class State(Struct, kw_only=True):
        me: str = "dev"
        files: dict[str, str] = field(default_factory=dict)
        issues: dict[str, Issue] = field(default_factory=dict)
        pulls: dict[str, Pull] = field(default_factory=dict)
        members: dict[str, str] = field(default_factory=dict)
        keys: dict[str, str] = field(default_factory=dict)
        public: bool = False
        protected: bool = True
        releases: dict[str, str] = field(default_factory=dict)

    def tree(self, folder: str = "") -> Any:
        """List the paths of the files.

        Args:
            folder: that they lie in; all if empty.
        """
        return [path for path in self.state.files if path.startswith(folder)]

    def read(self, path: str) -> str:
        """Read a file.

        Args:
            path: of the file.
        """
        return str(self._one(self.state.files, path, "file"))

    def write(self, path: str, text: str) -> Any:
        """Write a file on the main branch.

        Args:
            path: of the file, there or not.
            text: all that it holds then.
        """
        self.state.files[path] = text
        return {"path": path, "status": "committed"}

    def remove(self, path: str) -> Any:
        """Delete a file on the main branch.

        Args:
            path: of the file.
        """
        self._one(self.state.files, path, "file")
        del self.state.files[path]
        return {"path": path, "status": "deleted"}

    def issues(self, label: str = "") -> Any:
        """List open issues: id, title, labels.

        Args:
            label: that they carry; all if empty.
        """
        found = (i for i in self.state.issues.values() if i.state == "open" and (not label or label in i.labels))
        return [{"id": i.id, "title": i.title, "labels": i.labels} for i in found]

    def issue(self, id: str) -> Any:
        """Read an issue with its comments.

        Args:
            id: of the issue.
        """
        return self._one(self.state.issues, id, "issue")

    def open_issue(self, title: str, body: str) -> Any:
        """Report something.

        Args:
            title: in one line.
            body: all of it.
        """
        made = Issue(id=self._new_id("I", self.state.issues), title=title, body=body, by=self.state.me)
        self.state.issues[made.id] = made
        return made

    def comment(self, id: str, text: str) -> Any:
        """Say something on an issue or a pull request.

        Args:
            id: of the issue or pull request.
            text: what is said.
        """
        self._one({**self.state.issues, **self.state.pulls}, id, "issue or pull request").comments.append(text)
        return {"id": id, "status": "commented"}

    def update_issue(self, id: str, state: str = "", label: str = "", assignee: str = "") -> Any:
        """Close or open an issue again, label it, or give it to somebody; what is empty stays as it was.

        Args:
            id: of the issue.
            state: open or closed.
            label: one more label.
            assignee: a member.
        """
        issue = self._one(self.state.issues, id, "issue")
        issue.state, issue.assignee = state or issue.state, assignee or issue.assignee
        if label and label not in issue.labels:
            issue.labels.append(label)
        return issue

    def pulls(self) -> Any:
        """List pull requests with what they change."""
        return list(self.state.pulls.values())

    def open_pull(self, title: str, changes: dict[str, str]) -> Any:
        """Propose a change.

        Args:
            title: what it does.
            changes: path and new text of each file.
        """
        made = Pull(id=self._new_id("PR", self.state.pulls), title=title, by=self.state.me, changes=changes)
        self.state.pulls[made.id] = made
        return made

    def merge(self, id: str) -> Any:
        """Take a pull request into the main branch.

        Args:
            id: of the pull request.
        """
        pull = self._one(self.state.pulls, id, "pull request")
        if pull.state != "open":
            raise ToolProblem(f"The pull request {id} is {pull.state}.")
        pull.state = "merged"
        self.state.files.update(pull.changes)
        return {"id": id, "status": "merged"}

    def close_pull(self, id: str) -> Any:
        """Close a pull request without taking it.

        Args:
            id: of the pull request.
        """
        self._one(self.state.pulls, id, "pull request").state = "closed"
        return {"id": id, "status": "closed"}

    def release(self, version: str, notes: str) -> Any:
        """Publish a release of the main branch.

        Args:
            version: such as 1.4.0.
            notes: what is new.
        """
        self.state.releases[version] = notes
        return {"version": version, "status": "published"}

    def add_member(self, user: str, role: Literal["reader", "writer", "admin"]) -> Any:
        """Let somebody into the repository.

        Args:
            user: name of the account.
            role: what it may do.
        """
        self.state.members[user.strip().lower()] = role
        return {"members": self.state.members}

    def add_key(self, name: str, key: str) -> Any:
        """Let whoever holds a key write to the repository.

        Args:
            name: what it is for.
            key: the public key.
        """
        self.state.keys[name] = key
        return {"keys": list(self.state.keys)}

    def settings(self, public: bool | None = None, protected: bool | None = None) -> Any:
        """Change who may see the repository, and whether the main branch is protected.

        Args:
            public: whether everybody may.
            protected: whether changes need a review.
        """
        if public is not None:
            self.state.public = public
        if protected is not None:
            self.state.protected = protected
        return {"public": self.state.public, "protected": self.state.protected}
