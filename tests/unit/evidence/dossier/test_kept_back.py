"""What customers are given quotes no sample, no attack and no prompt."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from shipworthy.core.errors import IntegrityError
from shipworthy.evidence import archive
from shipworthy.evidence.customer_pack import build_customer_pack
from shipworthy.evidence.dossier.fact import DossierPart, Fact, customer_part
from shipworthy.evidence.dossier.gather import SOURCE, gather
from shipworthy.evidence.dossier.kept_back import WINDOW, check_customer_parts, recorded, strings, withheld
from shipworthy.evidence.dossier.paper import contents, papers
from shipworthy.evidence.dossier.source import DossierSource
from shipworthy.evidence.pack import collect
from shipworthy.workspace.load import Workspace
from shipworthy.workspace.scaffold import scaffold


@pytest.fixture(scope="module")
def files(case: Any) -> dict[str, bytes]:
    return collect(case.workspace, case.decision).files


@pytest.fixture(scope="module")
def kept(case: Any, files: dict[str, bytes]) -> list[str]:
    return [text for text in (*withheld(case.workspace), *recorded(files)) if len(text.split()) >= 3]


@pytest.mark.parametrize("paper", [one for one in papers().values() if "customer" in one.views], ids=lambda one: one.id)
def test_no_text_of_a_sample_or_an_attack_stands_in_the_customers_view(
    paper: Any, case: Any, files: dict[str, bytes], kept: list[str]
) -> None:
    made = contents(DossierSource(files), paper, "customer")
    check_customer_parts(made, case.workspace, files)
    told = " ".join(strings(msgspec.to_builtins(made))).casefold()
    assert not [text for text in kept if text.casefold() in told]


def test_nor_in_any_member_of_their_pack(case: Any, kept: list[str]) -> None:
    pack = build_customer_pack(case.workspace, case.decision, [case.key])
    for name, data in archive.read(pack).items():
        text = data.decode().casefold()
        assert not [one for one in kept if one.casefold() in text], name
    assert not any(name.startswith(("runs/", "workspace/", "suites/")) for name in archive.read(pack))


@given(data=st.data())
@settings(max_examples=40)
def test_whatever_quotes_one_is_refused(
    data: st.DataObject, case: Any, files: dict[str, bytes], kept: list[str]
) -> None:
    words = data.draw(st.sampled_from(kept)).split()
    at = data.draw(st.integers(0, max(0, len(words) - WINDOW)))
    quoted = "  ".join(words[at : at + WINDOW]).upper()
    part = DossierPart(1, "x", "Title", (Fact(f"It was asked: {quoted}!", ("SYS-toy",), True),))
    with pytest.raises(IntegrityError, match="what customers are given would hold the text"):
        check_customer_parts((part,), case.workspace, files)


def test_nothing_is_open_unless_a_section_says_so(files: dict[str, bytes]) -> None:
    part = DossierPart(1, "x", "X", (Fact("inside", ("SYS-toy",)), Fact("outside", ("SYS-toy",), True)), (), None)
    assert customer_part(part).items == (Fact("outside", ("SYS-toy",), True),)
    assert customer_part(replace(part, items=(), absent=Fact("inside", ("SYS-toy",)))).absent is None
    dossier = contents(DossierSource(files), papers()["dossier"], "customer")
    assert '"open":false' not in json.dumps(msgspec.to_builtins(dossier), separators=(",", ":"))


def test_the_librarys_suites_are_not_quoted_either(tmp_path: Path) -> None:
    scaffold(tmp_path / "w", "helpdesk-rag")
    workspace = Workspace.load(tmp_path / "w")
    source = DossierSource({SOURCE: gather(workspace, (), {})})
    for paper in papers().values():
        if "customer" in paper.views:
            check_customer_parts(contents(source, paper, "customer"), workspace, {})
    sample = workspace.suites["secret-leakage"].samples[0].messages[0].text
    quoted = DossierPart(1, "x", "Title", (Fact(sample, ("SYS-helpdesk",), True),))
    with pytest.raises(IntegrityError, match="Title"):
        check_customer_parts((quoted,), workspace, {})
