"""The workspace's own plug-ins: run only when allowed, hashed as they run, never in place of a built-in one."""

# ruff: noqa: E501 - a message is one line, so that it can be searched for
from __future__ import annotations

import pytest

from shipworthy.core import registry
from shipworthy.core.digests import bytes_digest
from shipworthy.workspace.load import Workspace

SCORER = """
from shipworthy.core.records import Metric
from shipworthy.core.registry import scorer


@scorer
class Loud:
    metrics = (Metric("loud"),)

    def describe(self):
        return {}

    async def score(self, attempt, sample, ctx):
        return ()
"""


@pytest.mark.parametrize(
    ("name", "code", "expected"),
    [
        ("a_bad", "x = 1\ny = \n", "plugins/a_bad.py:2: cannot be loaded: SyntaxError"),
        ("a_bad", "x = 1\n\nraise KeyError('q')\n", "plugins/a_bad.py:3: cannot be loaded: KeyError: 'q'"),
        ("a_bad", "x = 1\n", "plugins/a_bad.py: registers no plug-in: decorate a factory with one of @target, @attack"),
        ("two_in_one", SCORER + SCORER.replace("Loud", "Quiet"), "plugins/two_in_one.py: decorates two factories, Loud and Quiet: a plug-in is a file of its own"),
        ("base64", SCORER.replace("@scorer", "@attack").replace("import scorer", "import attack"), "plugins/base64.py: the id 'base64' is taken by a plug-in that is installed (rename the file)"),
    ],
)  # fmt: skip
def test_broken_code_is_named_with_its_line(problems, name, code, expected):
    assert [p for p in problems({f"plugins/{name}.py": code}) if p.startswith(expected)]


def test_a_refused_file_leaves_the_built_in_in_place(problems):
    code = SCORER.replace("@scorer", "@attack").replace("import scorer", "import attack")
    assert problems({"plugins/base64.py": code})
    assert registry.factory("attack", "base64").__module__ == "shipworthy.attacks.base64"


def test_code_is_hashed_and_enters_the_spec_digest(workspace):
    before = Workspace.load(workspace(), allow_code=True)
    data = (before.root / "plugins/counts_words.py").read_bytes()
    assert before.code == {"plugins/counts_words.py": bytes_digest(data)}
    root = workspace({"plugins/sub/helper.py": "x = 1\n"})
    after = Workspace.load(root, allow_code=True)
    assert set(after.code) == {"plugins/counts_words.py", "plugins/sub/helper.py"}
    assert before.spec_digest("small") != after.spec_digest("small")


def test_a_refused_file_may_be_mended(problems):
    twice = SCORER + SCORER.replace("Loud", "Quiet")
    assert problems({"plugins/mended_later.py": twice})
    assert problems({"plugins/mended_later.py": SCORER}) == []


def test_a_file_that_changed_while_the_process_runs_is_refused(problems):
    first = SCORER
    assert problems({"plugins/changes_later.py": first}) == []
    assert problems({"plugins/changes_later.py": first + "# edited\n"}) == [
        "plugins/changes_later.py: another version of it, or another file of its name, is loaded already (start Python again)"
    ]
