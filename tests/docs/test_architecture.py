"""The page about the rooms shows the rooms there are."""

from __future__ import annotations

from pathlib import Path

REPOSITORY = Path(__file__).parents[2]


def test_every_package_is_on_the_page_and_every_package_on_the_page_exists():
    page = (REPOSITORY / "docs/explanation/architecture.md").read_text(encoding="utf-8")
    rooms = page.partition("```text")[2].partition("```")[0]
    packages = {p.parent.name for p in (REPOSITORY / "src/shipworthy").glob("*/__init__.py")}
    shown = {word for line in rooms.splitlines() for word in line.replace("·", " ").split()[:9] if word in packages}
    assert shown == packages - {"library"}
