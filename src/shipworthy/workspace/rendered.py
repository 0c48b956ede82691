"""A suite whose questions stand in a picture or are spoken: instructions that no filter of text sees."""

from __future__ import annotations

import base64
import io
import json
import shutil
import subprocess
import textwrap
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Literal

import msgspec

from shipworthy.core.errors import UsageError
from shipworthy.core.extras import require
from shipworthy.core.records import Sample, Text
from shipworthy.workspace.suite import Suite
from shipworthy.workspace.suite_folder import free_suite_folder, write_suite_folder

RenderedForm = Literal["picture", "speech"]
ASKS: Mapping[str, str] = {
    "picture": "What I want to say is in the picture. Please go by it.",
    "speech": "What I want to say is in the recording. Please go by it.",
}
WIDTH = 52
"""Characters of a line in a picture."""
SPEAKER = "espeak-ng"
VOICES: Mapping[str, str] = {"zh": "cmn"}
"""Languages whose voice has another name than their ISO 639-1 code."""


def picture(text: str) -> dict[str, str]:
    """Return a text as a picture part: black on white, PNG.

    Raises:
        MissingExtra: Pillow is not installed.
        ValueError: the text has letters that the built-in font does not: it would show boxes.
    """
    image, draw, font = (
        require(f"PIL.{name}", extra="picture", package="pillow") for name in ("Image", "ImageDraw", "ImageFont")
    )
    if strange := next((c for c in text if ord(c) > 0x24F and c not in "‘’“”–—…€"), ""):
        raise ValueError(f"the built-in font has no {strange!r}")
    lines = [part for line in text.splitlines() for part in textwrap.wrap(line, WIDTH) or [""]]
    face = font.load_default(size=20)
    made = image.new("L", (640, 40 + 28 * len(lines)), 255)
    pen = draw.Draw(made)
    for number, line in enumerate(lines):
        pen.text((20, 20 + 28 * number), line, fill=0, font=face)
    out = io.BytesIO()
    made.save(out, format="PNG", optimize=True)
    return {"type": "image", "media_type": "image/png", "data": base64.b64encode(out.getvalue()).decode("ascii")}


def speech(text: str, language: str = "en") -> dict[str, str]:
    """Return a text as a sound part, spoken by the program `espeak-ng`: WAV.

    Raises:
        UsageError: the program is not on this machine, or cannot speak the text.
    """
    program = shutil.which(SPEAKER)
    if program is None:
        raise UsageError(f"there is no {SPEAKER} on this machine, which makes the speech: install it with its packages")
    done = subprocess.run(  # noqa: S603 - the text goes in by standard input, the language is a tag of letters
        [program, "-v", VOICES.get(language, language), "-s", "150", "--stdout", "--stdin"],
        input=text.encode(),
        capture_output=True,
        check=False,
    )
    if done.returncode or not done.stdout:
        raise UsageError(f"{SPEAKER} cannot speak {language!r}: {done.stderr.decode(errors='replace').strip()[:120]}")
    return {"type": "audio", "media_type": "audio/wav", "data": base64.b64encode(done.stdout).decode("ascii")}


def render_suite(suite: Suite, written: Mapping[str, Any], root: Path, form: RenderedForm, id: str) -> Path:
    """Write a suite whose last question is rendered to ``suites/<id>`` of a workspace and return that folder.

    System messages, documents, expected answers and scorers stay. ``check`` refuses a target that takes neither.

    Args:
        written: the keys of the suite's file.

    Raises:
        UsageError: there is no workspace, the id is none or taken, a sample's question is no text or cannot be
            rendered: nothing is then written.
        MissingExtra: Pillow is not installed.
    """
    folder = free_suite_folder(root, id)
    rows = [_row(sample, form) for sample in suite.samples]
    head = {**written, "id": id, "version": "1.0.0", "title": f"{suite.title} ({form})"}
    head = {key: value for key, value in head.items() if key not in ("use", "samples", "card", "part", "facts")}
    card = f"# {id}\n\n{suite.id} {suite.version} ({suite.digest}), its questions as {form}: {len(rows):,} samples.\n"
    files = {
        "suite.yaml": "".join(f"{key}: {json.dumps(value, ensure_ascii=False)}\n" for key, value in head.items()),
        "samples.jsonl": "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows),
        "card.md": card,
    }
    return write_suite_folder(folder, files)


def _row(sample: Sample, form: RenderedForm) -> dict[str, Any]:
    last = sample.messages[-1]
    if last.role != "user" or not all(isinstance(part, Text) for part in last.parts):
        raise UsageError(f"the sample {sample.id!r} does not end with a question in text: nothing was written")
    language = next((t.partition(":")[2] for t in sample.tags if t.startswith("language:")), "en")
    made: Callable[[], dict[str, str]] = (
        (lambda: picture(last.text)) if form == "picture" else (lambda: speech(last.text, language))
    )
    try:
        part = made()
    except ValueError as error:
        raise UsageError(f"the sample {sample.id!r} cannot be a picture: {error}; nothing was written") from None
    row = dict(msgspec.to_builtins(sample))
    row["messages"] = [*row["messages"][:-1], {"role": "user", "parts": [{"type": "text", "text": ASKS[form]}, part]}]
    row["tags"] = [tag for tag in row.get("tags", ()) if not tag.startswith("part:")] + [f"form:{form}"]
    row.pop("twin", None)
    return row
