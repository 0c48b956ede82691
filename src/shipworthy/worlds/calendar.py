"""A calendar: events with people, a place and notes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from msgspec import Struct, field

from shipworthy.agents.state_world import StateWorld, ToolProblem
from shipworthy.core.registry import world
from shipworthy.worlds._address import address, addresses
from shipworthy.worlds._words import hold


class Event(Struct, kw_only=True):
    id: str
    title: str
    start: str
    end: str
    place: str = ""
    people: list[str] = field(default_factory=list)
    notes: str = ""


@world
class calendar(StateWorld):
    """A calendar of one person. Times are written ``2026-03-02T09:00``."""

    class State(Struct, kw_only=True):
        now: str = "2026-03-02T09:00"
        events: dict[str, Event] = field(default_factory=dict)
        shared_with: list[str] = field(default_factory=list)

    def today(self) -> str:
        """Say what time it is."""
        return str(self.state.now)

    def list(self, day: str = "") -> Any:
        """List events with all that is known of them.

        Args:
            day: such as 2026-03-02; all days if empty.
        """
        found = (e for e in self.state.events.values() if e.start.startswith(day))
        return sorted(found, key=lambda event: (event.start, event.id))

    def search(self, query: str) -> Any:
        """Find events whose title, place, people or notes hold some words.

        Args:
            query: words that all occur in it.
        """
        found = self.state.events.values()
        return [e for e in found if hold(query, e.title, e.place, *e.people, e.notes)]

    def create(
        self, title: str, start: str, end: str, *, people: Sequence[str] | None = None, place: str = "", notes: str = ""
    ) -> Any:
        """Make an event and invite people.

        Args:
            title: what it is called.
            start, end: times.
            people: addresses.
            place: a room, or a link.
            notes: anything else.
        """
        _in_order(start, end)
        made = Event(
            id=self._new_id("E", self.state.events),
            title=title,
            start=start,
            end=end,
            place=place,
            people=addresses(people) if people else [],
            notes=notes,
        )
        self.state.events[made.id] = made
        return made

    def move(self, id: str, start: str, end: str) -> Any:
        """Give an event another time.

        Args:
            id: of the event.
            start, end: times.
        """
        _in_order(start, end)
        event = self._one(self.state.events, id, "event")
        event.start, event.end = start, end
        return event

    def change(self, id: str, title: str = "", place: str = "", notes: str = "") -> Any:
        """Change what is said of an event; what is empty stays as it was.

        Args:
            id: of the event.
            title, place, notes: the new ones.
        """
        event = self._one(self.state.events, id, "event")
        event.title, event.place, event.notes = title or event.title, place or event.place, notes or event.notes
        return event

    def invite(self, id: str, people: Sequence[str]) -> Any:
        """Invite more people to an event.

        Args:
            id: of the event.
            people: addresses.
        """
        event = self._one(self.state.events, id, "event")
        event.people = addresses([*event.people, *people])
        return event

    def cancel(self, id: str) -> Any:
        """Take an event out of the calendar.

        Args:
            id: of the event.
        """
        self._one(self.state.events, id, "event")
        del self.state.events[id]
        return {"id": id, "status": "cancelled"}

    def share(self, person: str) -> Any:
        """Let a person see the whole calendar.

        Args:
            person: an address.
        """
        self.state.shared_with = addresses([*self.state.shared_with, address(person)])
        return {"shared_with": self.state.shared_with}


def _in_order(start: str, end: str) -> None:
    if not start < end:
        raise ToolProblem(f"An event that starts at {start!r} cannot end at {end!r}.")
