"""No byte leaves unseen, whichever way guards stand in a product: the conformance kit's marks, in each adapter."""

from __future__ import annotations

import asyncio

import pytest
from tests.integration.gateway.embedded.messages_stub import MessagesStub
from tests.integration.gateway.embedded.ways import PII, WAYS, bare_app, came_of, request_of, write
from tests.integration.gateway.test_matrix import BreaksLate, Wrong, answered, unescaped

from shipworthy.conformance.cells import (
    AFTER,
    BEFORE,
    PLACES,
    ROUTES,
    SPOKEN,
    WIDE_AFTER,
    WIDE_BEFORE,
    asking_cells,
    cells,
)
from shipworthy.conformance.stub import Stub
from shipworthy.enforce.pipeline import Pipeline
from shipworthy.enforce.rule import Rule
from shipworthy.exchange.desk import Mediation
from shipworthy.gateway.embedded.guarded import Guarded

FEW = [
    cell for cell in cells(ROUTES) if cell.cut in ("whole", "thirds") or (cell.cut == "characters" and cell.choices > 1)
]
PARTS = [cell for cell in FEW if cell.wide]
SAID = {"user", "outside"}
ASKED = [cell for cell in asking_cells(ROUTES) if cell.source in SAID and cell.place != "document"]


def run(folder, way, chosen, rules=(PII,), change=None):
    """Ask for some cells in one way, and return what came of each, and what of it reached the upstream."""

    async def main():
        found = []
        for stub in (Stub(chosen), MessagesStub(chosen)):
            mine = [cell for cell in chosen if (cell.route == "messages") == isinstance(stub, MessagesStub)]
            guarded = Guarded(write(folder, rules))
            if change is not None:
                change(guarded)
            async with stub.serve() as url, WAYS[way](guarded, url.removesuffix("/v1")) as ask:
                for cell in mine:
                    came = await ask(*request_of(cell))
                    found.append((cell, came, stub.reached.pop(cell.number, [])))
        assert len(found) == len(chosen)
        return found

    return asyncio.run(main())


@pytest.mark.parametrize("way", WAYS)
def test_nothing_unseen_leaves_and_the_rest_does(tmp_path, way) -> None:
    chosen = FEW if way == "httpx" else PARTS
    assert {(cell.route, cell.place) for cell in chosen} == {(route, place) for route in ROUTES for place in PLACES}
    found = run(tmp_path, way, chosen)
    assert [(cell.name, marks) for cell, came, _ in found if (marks := came.marks(cell))] == []
    for cell, came, reached in found:
        assert reached, cell.name
        other_form = not cell.ask and cell.streams  # a stream was not asked for, and is not taken for an answer
        if cell.place not in SPOKEN or other_form:
            continue
        assert came.status == 200, (cell.name, came.body)
        said = unescaped(answered(came))
        choices = 1 if cell.place == "function_call" and cell.route != "chat" else cell.choices
        before, after = (WIDE_BEFORE, WIDE_AFTER) if cell.wide else (BEFORE, AFTER)
        assert min(said.count(before), said.count(after)) >= choices, (cell.name, said)


@pytest.mark.parametrize("way", WAYS)
def test_what_guards_take_out_of_a_request_does_not_reach_the_upstream(tmp_path, way) -> None:
    found = run(tmp_path, way, ASKED, [{"id": "GD-in", "use": "pii", "stages": ["input", "retrieved"]}])
    for cell, came, reached in found:
        assert came.status == 200, (cell.name, came.body)
        (asked,) = reached
        texts = [text for _, text in asked.looked()]
        assert not any(cell.mark() in text for text in texts), cell.name
        assert any(cell.request_words in text for text in texts), cell.name


def test_without_guards_every_place_leaks(tmp_path) -> None:
    """A reader that finds nothing would find nothing anywhere."""

    async def main():
        import httpx2

        chosen = [cell for cell in PARTS if cell.cut == "whole"]
        unseen = []
        for stub in (Stub(chosen), MessagesStub(chosen)):
            mine = [cell for cell in chosen if (cell.route == "messages") == isinstance(stub, MessagesStub)]
            async with stub.serve() as url:
                transport = httpx2.ASGITransport(app=bare_app(url.removesuffix("/v1")))
                async with httpx2.AsyncClient(transport=transport, base_url="http://product") as client:
                    for cell in mine:
                        _, body = request_of(cell)
                        came = await came_of(client, "/v1" + stub.path, body)
                        unseen += [] if came.marks(cell) else [cell.name]
        return unseen

    assert asyncio.run(main()) == []


@pytest.mark.parametrize("guard", [BreaksLate, Wrong])
@pytest.mark.parametrize("way", WAYS)
def test_a_guard_that_fails_keeps_all_of_it_back(tmp_path, way, guard) -> None:
    def change(guarded):
        active = guarded._keeper.active
        active.pipeline = Pipeline([Rule("GD-broken", guard())], "No.")
        active.mediation = Mediation(active.pipeline)

    chosen = [cell for cell in PARTS if cell.place in SPOKEN and cell.cut == "thirds"]
    found = run(tmp_path, way, chosen, [], change)
    assert [cell.name for cell, came, _ in found if came.marks(cell)] == []
    assert not any(WIDE_AFTER in unescaped(answered(came)) for _, came, _ in found)
    # What the guard's own error quoted is in no record.
    written = b"".join(file.read_bytes() for file in (tmp_path / ".shipworthy/gateway/traffic").iterdir())
    assert written.count(b'"ending":"blocked"') > len(chosen) / 2
    assert b"leak.example" not in written
