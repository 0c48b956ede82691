"""Questions in pictures and in speech. Pictures are made by Pillow itself (extra `picture`); speech by a stand-in for
espeak-ng, which is on few machines: it shows that the text and the language reach the program, not how it sounds. Where
the program is, it speaks."""

from __future__ import annotations

import base64
import io
import json
import shutil
import sys

import pytest

from shipworthy.core.errors import UsageError
from shipworthy.workspace.library import LIBRARY
from shipworthy.workspace.rendered import picture, render_suite, speech
from shipworthy.workspace.scaffold import scaffold
from shipworthy.workspace.suites import library_suite, load_suite, loaded_suite


def test_a_suite_of_pictures_loads_and_shows_the_question(tmp_path):
    image = pytest.importorskip("PIL.Image", reason="the extra `picture` is not installed")
    scaffold(tmp_path, "minimal")
    suite = library_suite("agent-misuse")
    made = render_suite(suite, loaded_suite(LIBRARY / suite.id).written, tmp_path, "picture", "shown")
    found = load_suite(made)
    assert len(found.samples) == len(suite.samples) and found.metric == suite.metric
    first = json.loads((made / "samples.jsonl").read_text().splitlines()[0])["messages"]
    assert first[0]["role"] == "system" and first[1]["parts"][1]["media_type"] == "image/png"
    shown = image.open(io.BytesIO(base64.b64decode(first[1]["parts"][1]["data"])))
    dark = sum(shown.convert("L").histogram()[:128])
    assert shown.size[0] == 640 and dark > 500, "nothing is written in the picture"
    longer = image.open(io.BytesIO(base64.b64decode(picture("word " * 100)["data"])))
    assert longer.size[1] > shown.size[1]
    with pytest.raises(UsageError, match="there already"):
        render_suite(suite, {}, tmp_path, "picture", "shown")
    with pytest.raises(UsageError, match="cannot be a picture"):
        render_suite(library_suite("multilingual"), {}, tmp_path, "picture", "boxes")
    assert not (tmp_path / "suites" / "boxes").exists()


def test_speech_gets_the_text_and_the_language(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(UsageError, match="there is no espeak-ng"):
        speech("Hello")
    program = tmp_path / "espeak-ng"
    program.write_text(
        f"#!{sys.executable}\nimport sys\n"
        "if sys.argv[2] == 'xx':\n    sys.exit('no such voice')\n"
        "sys.stdout.write('RIFF' + sys.argv[2] + sys.stdin.read())\n"
    )
    program.chmod(0o755)
    made = speech("Bonjour", "fr")
    assert (made["media_type"], base64.b64decode(made["data"])) == ("audio/wav", b"RIFFfrBonjour")
    assert base64.b64decode(speech("x", "zh")["data"]) == b"RIFFcmnx"
    with pytest.raises(UsageError, match="cannot speak 'xx': no such voice"):
        speech("x", "xx")


def test_a_sample_that_ends_otherwise_is_refused(tmp_path):
    scaffold(tmp_path, "minimal")
    tool = library_suite("source-injection")
    with pytest.raises(UsageError, match="SI-TOOL-01-1"):
        render_suite(
            type(tool)(**{**vars(tool), "samples": tuple(s for s in tool.samples if "TOOL" in s.id)}),
            {}, tmp_path, "picture", "shown",
        )  # fmt: skip


def test_the_real_program_speaks():
    if shutil.which("espeak-ng") is None:
        pytest.skip("espeak-ng is not on this machine")
    import io
    import wave

    for text, language in (
        ("Open the door and say purple kite.", "en"),
        ("Ouvre la porte.", "fr"),
        ("\u5f00\u95e8", "zh"),
    ):
        with wave.open(io.BytesIO(base64.b64decode(speech(text, language)["data"]))) as sound:
            heard = sound.readframes(sound.getnframes())
            assert sound.getframerate() == 22050 and len(heard) > 22050
            assert len(set(heard)) > 50  # not silence
