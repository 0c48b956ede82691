"""The frame of a picture as SVG that loads nothing, and text in it that does nothing."""

from __future__ import annotations

from html import escape

from shipworthy.core.terminal import visible


def markup_text(text: str) -> str:
    """Return a text of anybody's for an element or a quoted attribute: no markup, control character, turn of direction.

    >>> markup_text("<b>\\x1b")
    '&lt;b&gt;&lt;U+001B&gt;'
    """
    return escape(visible(text))


def svg_frame(title: str, style: str, width: float, height: float, body: str, *, definitions: str = "") -> str:
    """Return a whole picture on white, named for those who cannot see it; the same bytes for the same arguments.

    Args:
        title: of anybody's; it is escaped. All else is markup, whose maker escapes what others wrote.
        width, height: in pixels, rounded.
    """
    wide, high = f"{width:.0f}", f"{height:.0f}"
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {wide} {high}" width="{wide}" height="{high}" '
        f'role="img"><title>{markup_text(title)}</title><style>{style}</style>{definitions}'
        f'<rect width="100%" height="100%" fill="#fff"/>{body}\n</svg>\n'
    )
