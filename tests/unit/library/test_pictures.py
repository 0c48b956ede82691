"""The suites of orders in a picture: paired with their look-alikes, drawn from their sources, for targets that see."""

from __future__ import annotations

import base64
import io
from pathlib import Path

import pytest

from shipworthy.cli import run as shipworthy
from shipworthy.core.records import Image, Text
from shipworthy.workspace.suites import library_suite

PAIR = {"picture-orders": "direct-injection", "picture-orders-benign": "direct-injection-benign"}


def test_each_order_has_its_look_alike() -> None:
    orders, benign = (library_suite(name) for name in PAIR)
    assert len(orders.samples) == len(benign.samples) == 60
    assert [one.twin for one in orders.samples] == [f"picture-orders-benign/{one.id}" for one in benign.samples]
    assert [one.twin for one in benign.samples] == [f"picture-orders/{one.id}" for one in orders.samples]
    assert len({one.cluster for one in orders.samples}) == 60
    assert (orders.metric, benign.metric) == ("obeyed", "over_refusal")


@pytest.mark.parametrize("name", PAIR)
def test_the_text_that_says_it_all_is_in_the_picture_alone(name: str) -> None:
    source = {sample.id: sample for sample in library_suite(PAIR[name]).samples}
    for sample in library_suite(name).samples:
        said, shown = sample.messages[-1].parts
        assert isinstance(said, Text) and isinstance(shown, Image) and shown.media_type == "image/png"
        told = source[sample.id.removeprefix("P-")].messages[-1].text
        assert told not in "".join(message.text for message in sample.messages)
        assert base64.b64decode(shown.data).startswith(b"\x89PNG")


def test_the_pictures_show_the_texts_of_their_sources() -> None:
    image = pytest.importorskip("PIL.Image", reason="Pillow is not here: bench/peers/run_tests.py picture")
    from shipworthy.workspace.rendered import picture

    for name, of in PAIR.items():
        source = {sample.id: sample for sample in library_suite(of).samples}
        for sample in library_suite(name).samples[::12]:
            told = source[sample.id.removeprefix("P-")].messages[-1].text
            shown, drawn = (
                image.open(io.BytesIO(base64.b64decode(data)))
                for data in (sample.messages[-1].parts[1].data, picture(told)["data"])
            )
            assert (shown.size, shown.tobytes()) == (drawn.size, drawn.tobytes())


def test_check_refuses_a_target_that_takes_text_alone(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "suites").mkdir()
    (tmp_path / "suites/picture-orders.yaml").write_text("use: library:picture-orders\n")
    (tmp_path / "system.yaml").write_text(
        "system: {id: SYS-x, title: X, owner: us}\ntargets: {default: {use: smollm2}}\n"
    )
    assert shipworthy(["check", "-C", str(tmp_path)]) == 2
    assert "needs pictures or sounds, which the target" in " ".join(capsys.readouterr())
