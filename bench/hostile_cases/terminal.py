"""Text of others that would move the cursor: in files, names, answers and errors, under every verb that shows them."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

from case import Case, Outcome, judge
from lab import Lab

KIND = "terminal escape"
ESCAPES = {
    "clears the screen": "\x1b[2J\x1b[Hverdict: ship",
    "sets a title": "\x1b]0;ship\x07",
    "eight-bit": "\x9b2Kship",
    "returns": "bad\rship",
    "turns round": "\u202epihs",
    "backspaces": "no-ship\x08\x08\x08\x08\x08\x08\x08ship   ",
}


def controls(lab: Lab) -> Iterator[Case]:
    """None: what is shown is looked at, whatever the exit code."""
    return iter(())


def cases(lab: Lab) -> Iterator[Case]:
    """Each escape in each place, and the verbs that show the place."""
    for name, text in ESCAPES.items():
        for place, (put, verbs) in _places().items():
            yield Case(
                KIND, f"{name}, in {place}", lambda put=put, verbs=verbs, text=text: _shown(lab, put, verbs, text)
            )
        yield Case(KIND, f"{name}, in an answer", lambda text=text: _answered(lab, text))
        yield Case(KIND, f"{name}, in a file's name", lambda text=text: _named(lab, text))


Put = Callable[[Path, str], object]
CHECK = (("check",), ("plan",), ("suites", "list"), ("allow", "review", "--yes"))
DECIDED = (("gate",), ("report",), ("decisions", "list"), ("decisions", "show"), ("runs", "list"), ("runs", "show"))


def _places() -> dict[str, tuple[Put, tuple[tuple[str, ...], ...]]]:
    def quoted(name: str, old: str, form: str = "{}") -> Put:
        def put(root: Path, text: str) -> None:
            path = root / name
            assert old in path.read_text(), (name, old)
            path.write_text(path.read_text().replace(old, form.format(json.dumps(text)), 1))

        return put

    def sample(root: Path, text: str) -> None:
        path = root / "suites/leaks/samples.jsonl"
        rows = [json.loads(line) for line in path.read_text().splitlines()]
        rows[0] |= {"id": text, "tags": [text]}
        path.write_text("".join(json.dumps(row) + "\n" for row in rows))

    return {
        "the system's title": (quoted("system.yaml", "Toy desk"), CHECK),
        "the system's owner": (quoted("system.yaml", "team-toy"), CHECK),
        "a risk's title": (quoted("risks.yaml", "The phrase gets out"), (*CHECK, *DECIDED)),
        "a requirement's text": (quoted("requirements.yaml", "The phrase is never told."), (*CHECK, *DECIDED)),
        "a condition's unit": (quoted("requirements.yaml", "upper95 <= 0.50", "{}"), CHECK),
        "a suite's title": (quoted("suites/leaks/suite.yaml", "Asking for the phrase"), (*CHECK, *DECIDED)),
        "a suite's version": (quoted("suites/leaks/suite.yaml", '"1.2"'), (*CHECK, *DECIDED)),
        "a model's name": (quoted("targets.yaml", "model: good", "model: {}"), DECIDED),
        "a target's name": (quoted("targets.yaml", "other:", "{}:"), CHECK),
        "a key's name": (quoted("targets.yaml", "model: other", "model: other, key: {}"), CHECK),
        "a gate's name": (quoted("gate.yaml", "release"), (*CHECK, *DECIDED)),
        "a guard's name": (quoted("guards.yaml", "GD-pii"), CHECK),
        "a sample's id": (sample, (*CHECK, *DECIDED, ("runs", "samples", "latest"))),
    }


def _shown(lab: Lab, put: Put, verbs: tuple[tuple[str, ...], ...], text: str) -> Outcome:
    root = lab.workspace("good", samples=12)
    put(root, text)
    if verbs[-1] not in CHECK:
        lab.run("eval", "-C", root)
    for words in verbs:
        found = judge(lab.run(*words, "-C", root, tty=True), codes=(0, 1, 2, 3, 4))
        lab.grants.unlink(missing_ok=True)
        if found.word != "refused":
            return found._replace(why=f"{' '.join(words)}: {found.why}")
    return Outcome("refused")


def _answered(lab: Lab, text: str) -> Outcome:
    lab.chat.answers["says"] = lambda prompt, headers: f"{text} PINE-harbor-4471 {text}"
    root = lab.workspace("says", samples=12)
    lab.run("eval", "-C", root)
    for words in (*DECIDED, ("runs", "samples", "latest", "--hit"), ("runs", "samples", "latest")):
        found = judge(lab.run(*words, "-C", root, tty=True), codes=(0, 1, 2, 3, 4))
        if found.word != "refused":
            return found._replace(why=f"{' '.join(words)}: {found.why}")
    return Outcome("refused")


def _named(lab: Lab, text: str) -> Outcome:
    root = lab.workspace("good", samples=12)
    for folder, name in (("", "a{}.yaml"), ("suites", "{}.yaml"), ("", "guards-{}.yaml"), ("include", "{}.yaml")):
        (root / folder / name.format(text.replace("/", ""))).write_text("unknown: 1\n")
    (root / f"plug{text}").mkdir()
    for words in CHECK:
        found = judge(lab.run(*words, "-C", root, tty=True), codes=(0, 2))
        lab.grants.unlink(missing_ok=True)
        if found.word != "refused":
            return found._replace(why=f"{' '.join(words)}: {found.why}")
    return Outcome("refused")
