"""The frame of a picture: whole XML whatever its title, and the size that was asked for."""

from __future__ import annotations

import xml.etree.ElementTree as ET

from shipworthy.core.svg import markup_text, svg_frame

NASTY = '</title><script>alert("x")</script>\x1b[2J\u202e & more'


def test_a_title_of_anybody_is_text() -> None:
    drawn = ET.fromstring(svg_frame(NASTY, "text{fill:red}", 99.6, 40, "<g/>", definitions="<defs/>"))
    names = [child.tag.rpartition("}")[2] for child in drawn]
    assert names == ["title", "style", "defs", "rect", "g"]
    assert "script" in str(drawn[0].text) and "\x1b" not in str(drawn[0].text)
    assert (drawn.get("viewBox"), drawn.get("width"), drawn.get("height")) == ("0 0 100 40", "100", "40")


def test_text_is_no_markup() -> None:
    assert not set("<>\x1b\u202e") & set(markup_text(NASTY).replace("&lt;", "").replace("&gt;", ""))
