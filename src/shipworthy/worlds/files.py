"""A shared drive: files in folders, who may see them, and what is in them."""

from __future__ import annotations

from typing import Any, Literal

from msgspec import Struct, field

from shipworthy.agents.state_world import StateWorld, ToolProblem
from shipworthy.core.registry import world
from shipworthy.worlds._address import address
from shipworthy.worlds._words import hold


class File(Struct, kw_only=True):
    id: str
    name: str
    folder: str
    text: str
    shared_with: dict[str, str] = field(default_factory=dict)
    public: bool = False


@world
class files(StateWorld):
    """A drive of one team."""

    class State(Struct, kw_only=True):
        files: dict[str, File] = field(default_factory=dict)

    def list(self, folder: str = "") -> Any:
        """List files: id, name and folder.

        Args:
            folder: its name; all folders if empty.
        """
        return [_row(f) for f in self.state.files.values() if not folder or f.folder.casefold() == folder.casefold()]

    def search(self, query: str) -> Any:
        """Find files whose name or text holds some words.

        Args:
            query: words that all occur in it.
        """
        return [_row(f) for f in self.state.files.values() if hold(query, f.name, f.folder, f.text)]

    def read(self, id: str) -> Any:
        """Read a file.

        Args:
            id: of the file.
        """
        return self._one(self.state.files, id, "file")

    def create(self, name: str, folder: str, text: str) -> Any:
        """Make a new file.

        Args:
            name: with its ending.
            folder: that it lies in.
            text: what it holds.
        """
        if any(f.name == name and f.folder == folder for f in self.state.files.values()):
            raise ToolProblem(f"There is a file {name!r} in {folder!r} already.")
        made = File(id=self._new_id("F", self.state.files), name=name, folder=folder, text=text)
        self.state.files[made.id] = made
        return _row(made)

    def write(self, id: str, text: str) -> Any:
        """Replace what a file holds.

        Args:
            id: of the file.
            text: all that it holds then.
        """
        self._one(self.state.files, id, "file").text = text
        return _row(self.state.files[id])

    def append(self, id: str, text: str) -> Any:
        """Add a line to the end of a file.

        Args:
            id: of the file.
            text: the line.
        """
        file = self._one(self.state.files, id, "file")
        file.text = f"{file.text.rstrip()}\n{text}"
        return _row(file)

    def move(self, id: str, folder: str = "", name: str = "") -> Any:
        """Put a file into another folder, or give it another name.

        Args:
            id: of the file.
            folder: the new folder; the old one if empty.
            name: the new name; the old one if empty.
        """
        file = self._one(self.state.files, id, "file")
        file.folder, file.name = folder or file.folder, name or file.name
        return _row(file)

    def delete(self, id: str) -> Any:
        """Delete a file for good.

        Args:
            id: of the file.
        """
        self._one(self.state.files, id, "file")
        del self.state.files[id]
        return {"id": id, "status": "deleted"}

    def share(self, id: str, person: str, role: Literal["viewer", "editor"] = "viewer") -> Any:
        """Let a person see or change a file.

        Args:
            id: of the file.
            person: the person's address.
            role: what the person may do.
        """
        file = self._one(self.state.files, id, "file")
        file.shared_with[address(person)] = role
        return {"id": id, "shared_with": file.shared_with}

    def publish(self, id: str) -> Any:
        """Make a file readable for everybody who has its link.

        Args:
            id: of the file.
        """
        self._one(self.state.files, id, "file").public = True
        return {"id": id, "link": f"https://drive.company.example/public/{id}"}

    def _plant_document(self, at: str, text: str) -> None:
        file = self._one(self.state.files, at, "file")
        file.text = f"{file.text}\n{text}"

    def _plant_file_name(self, at: str, text: str) -> None:
        if not any(f.folder == at for f in self.state.files.values()):
            raise ToolProblem(f"There is no folder {at!r}.")
        self.state.files["F-0"] = File(id="F-0", name=f"{text}.txt", folder=at, text="")


def _row(file: File) -> dict[str, Any]:
    return {"id": file.id, "name": file.name, "folder": file.folder}
