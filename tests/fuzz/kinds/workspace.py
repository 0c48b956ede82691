"""A whole workspace: one file of it is the input (its first line says which), the rest is as it should be."""

from pathlib import Path

from shipworthy.core.errors import WorkspaceError
from shipworthy.workspace.load import Workspace


def prepare(folder: Path) -> Path:
    from lab import FILES

    for name, text in FILES.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("\n".join(line.removeprefix("        ") for line in text.splitlines()))
    for suite in ("leaks", "helps"):
        rows = (f'{{"id": "{suite}-{n}", "prompt": "{n}?", "secrets": ["PINE-4471"]}}\n' for n in range(12))
        (folder / "suites" / suite / "samples.jsonl").write_text("".join(rows))
    return folder


def feed(data: bytes, root: Path) -> str:
    first, _, text = data.partition(b"\n")
    names = {b"# " + p.relative_to(root).as_posix().encode(): p for p in sorted(root.rglob("*")) if p.is_file()}
    path = names.get(first.strip(), root / "risks.yaml")
    before = path.read_bytes()
    path.write_bytes(text)
    try:
        Workspace.load(root)
    except WorkspaceError as error:
        assert error.problems
        assert all(p.message.strip() and p.line >= 0 for p in error.problems)
        return "refused"
    finally:
        path.write_bytes(before)
    return "accepted"
