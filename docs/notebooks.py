"""Make a page of every notebook, with its outputs: a hook of mkdocs, so that the site needs no notebook tools."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add a page beside each notebook; the notebook stays, to be downloaded."""
    for file in list(files):
        if file.src_uri.endswith(".ipynb") and file.abs_src_path is not None:
            notebook = json.loads(Path(file.abs_src_path).read_text(encoding="utf-8"))
            name = file.src_uri.rpartition("/")[2]
            text = page(notebook) + f'\n<a href="../{name}" download>Download this page as a notebook</a>\n'
            files.append(File.generated(config, file.src_uri.removesuffix(".ipynb") + ".md", content=text))
    return files


def on_page_markdown(markdown: str, **_: Any) -> str:
    """Lead links to a notebook, which work in the repository, to its page."""
    return re.sub(r"(\]\((?!https?:)[^)\s]+)\.ipynb\)", r"\1.md)", markdown)


def page(notebook: dict[str, Any]) -> str:
    """Return a notebook as Markdown."""
    parts: list[str] = []
    for cell in notebook["cells"]:
        source = "".join(cell["source"])
        if cell["cell_type"] != "code":
            parts.append(source)
            continue
        parts.append(f"```python\n{source}\n```")
        parts += [shown for output in cell["outputs"] if (shown := _output(output))]
    return "\n\n".join(parts) + "\n"


def _output(output: dict[str, Any]) -> str:
    data = output.get("data", {})
    if "text/html" in data:
        return re.sub(r"\n\s*\n", "\n", "".join(data["text/html"]))  # a blank line would end the HTML block
    text = "".join(data.get("text/plain", output.get("text", ""))).rstrip()
    return f"```text\n{text}\n```" if text else ""
