"""A page as PDF, by WeasyPrint: what the HTML is on paper, and nothing is fetched for it."""

from __future__ import annotations

import re
from typing import Any, NoReturn

from shipworthy.core.errors import UsageError
from shipworthy.core.extras import require


def page_pdf(page: str) -> bytes:
    """Return a page of ours as PDF/UA-1, on A4. Needs the extra ``pdf``.

    Its words are those of the page. Its bytes are not the same with another version of WeasyPrint, or other fonts, so
    no pack holds one.

    Args:
        page: HTML that needs nothing from outside.

    Raises:
        MissingExtra: WeasyPrint is not installed.
        UsageError: a library of the system that it draws with is missing.
    """
    try:
        weasyprint: Any = require("weasyprint", extra="pdf")
    except OSError as error:  # it loads Pango when it is imported
        raise UsageError(f"WeasyPrint cannot load a library that it draws with: {error}") from error
    # A sign is drawn by the page's style, which does not reach into it here; colour and word say the same.
    page = re.sub(r'<svg class="sign.*?</svg>', "", page)
    fonts = weasyprint.text.fonts.FontConfiguration()
    html = weasyprint.HTML(string=page, base_url=None, url_fetcher=_fetch)
    return bytes(html.write_pdf(font_config=fonts, pdf_variant="pdf/ua-1"))


def _fetch(url: str, *_: Any, **__: Any) -> NoReturn:
    raise ValueError(f"a document fetches nothing, and this asks for {url}")
