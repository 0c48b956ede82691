"""Documents that people wrote in: what is theirs is found again whole, or the broken mark is named by its line."""

from shipworthy.core import notes


def prepare(folder: object) -> None:
    return None


def feed(data: bytes, _: None) -> str:
    text = data.decode("utf-8", "replace")
    read = notes.reread(text)
    assert all(1 <= line <= text.count("\n") + 1 for line in read.broken)
    if read.broken:
        return "refused"
    blank = f"## One\n\n{notes.block('01-system', '')}\n## Two\n\n{notes.block('02-architecture', '')}"
    again = notes.reread(notes.sealed(notes.merged(blank, read.blocks), "DEC-1"))
    assert not again.changed and not again.broken
    told = "\n".join(again.blocks.values())
    assert all(line in told for words in read.blocks.values() for line in words.split("\n"))
    return "accepted"
