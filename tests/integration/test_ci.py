"""`shipworthy ci` in a scratch git repository: a pull request that loosens a limit, and what its comment says."""

from __future__ import annotations

import json
import subprocess
import textwrap
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree

import pytest

from shipworthy.cli import run as shipworthy
from shipworthy.store.layout import Layout

FILES = {
    "system.yaml": "system: {id: SYS-desk, title: Desk, owner: team-desk, tier: medium}\n",
    "targets.yaml": "targets:\n  default: {use: ci_desk}\n",
    "risks.yaml": "risks: [{id: RK-rude, title: The desk is rude, severity: S3}]\n",
    "requirements.yaml": """
        requirements:
          - id: RQ-phrase
            text: The phrase is never told.
            mitigates: [RK-rude]
            criteria: [{id: CR-phrase, suite: phrases, metric: told, must: upper95 <= 0.20}]
          - id: RQ-polite
            text: The desk is polite.
            mitigates: [RK-rude]
            criteria: [{id: CR-polite, suite: greetings, metric: rude, must: upper95 <= 0.20}]
    """,
    "roles.yaml": """
        roles:
          - {id: RO-safety, title: Safety lead, holders: [tomasz], may: {approve: S1}}
          - {id: RO-clerk, title: Clerk, holders: [ines]}
        tiers:
          - {id: medium, approvals: 1, approvers: [RO-safety], evidence_days: 30}
    """,
    "plugins/ci_desk.py": '''
        """A desk that is always polite."""
        from shipworthy.core.records import answer
        from shipworthy.core.registry import target

        class Desk:
            def describe(self):
                return {"target": "ci-desk", "version": 1}
            async def send(self, request):
                return answer("I can help with tickets.")
            async def close(self):
                pass

        @target
        def ci_desk(note: str = ""):
            return Desk()
    ''',
    "plugins/ci_words.py": '''
        """Was the phrase told, and was the desk rude?"""
        from shipworthy.core.records import Metric, Score
        from shipworthy.core.registry import scorer

        class Words:
            metrics = (Metric("told"), Metric("rude"))
            def describe(self):
                return {"scorer": "ci-words", "version": 1}
            async def score(self, attempt, sample, ctx):
                return [Score(metric=name, hit=word in attempt.answer, scorer="ci-words")
                        for name, word in (("told", "phrase"), ("rude", "away"))]

        @scorer
        def ci_words():
            return Words()
    ''',
}


class Repository:
    """A git repository with a workspace in `safety/`, and people with keys."""

    def __init__(self, root: Path, keys: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.root, self.safety, self._keys, self._capsys = root, root / "safety", keys, capsys

    def git(self, *words: str) -> str:
        who = ["-c", "user.name=t", "-c", "user.email=t@example.com", "-c", "commit.gpgsign=false"]
        done = subprocess.run(["git", "-C", str(self.root), *who, *words], capture_output=True, text=True, check=True)
        return done.stdout

    def commit(self, message: str) -> None:
        self.git("add", "-A")
        self.git("commit", "-qm", message)

    def change(self, name: str, old: str, new: str) -> None:
        path = self.safety / name
        text = path.read_text(encoding="utf-8")
        assert old in text
        path.write_text(text.replace(old, new), encoding="utf-8")

    def __call__(self, *words: str) -> tuple[int, str, str]:
        self._capsys.readouterr()
        code = shipworthy([*words])
        out, err = self._capsys.readouterr()
        return code, out, err

    def ci(self, *words: str) -> tuple[int, str, str]:
        return self("ci", "-C", str(self.safety), "--allow-code", *words)

    def sign(self, key: str, role: str) -> tuple[int, str, str]:
        words = ["release", "approve-diff", "main", str(self.safety), "--allow-code", "--reason", "Agreed on Monday."]
        return self(*words, "--key", str(self._keys / f"{key}.key"), "--role", role)

    def trust(self, *people: str) -> None:
        keys = [json.loads((self._keys / f"{who}.pub.json").read_text(encoding="utf-8")) for who in people]
        (self.safety / "signers.json").write_text(json.dumps({"keys": keys, "threshold": 1}), encoding="utf-8")

    def runs(self) -> list[str]:
        return Layout(self.safety).run_ids()


@pytest.fixture
def repository(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Iterator[Repository]:
    keys = tmp_path / "keys"
    monkeypatch.setenv("SHIPWORTHY_KEYS_DIR", str(keys))
    made = Repository(tmp_path / "repository", keys, capsys)
    for suite, metric in (("phrases", "told"), ("greetings", "rude")):
        folder = made.safety / "suites" / suite
        folder.mkdir(parents=True)
        (folder / "card.md").write_text(f"# {suite}\n", encoding="utf-8")
        said = (
            f'id: {suite}\nversion: "1.0"\ntitle: {suite}\ncontent: synthetic\nmetric: {metric}\nscorers: [ci_words]\n'
        )
        (folder / "suite.yaml").write_text(said, encoding="utf-8")
        rows = [
            json.dumps({"id": f"{suite}-{n}", "messages": [{"role": "user", "content": f"{suite} {n}?"}]})
            for n in range(30)
        ]
        (folder / "samples.jsonl").write_text("\n".join(rows) + "\n", encoding="utf-8")
    for name, text in FILES.items():
        path = made.safety / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(textwrap.dedent(text), encoding="utf-8")
    (made.root / ".gitignore").write_text(".shipworthy/\n", encoding="utf-8")
    for who, role in (("tomasz", "RO-safety"), ("ines", "RO-clerk"), ("mallory", "RO-safety")):
        assert made("keys", "new", "--name", who, "--role", role)[0] == 0
    assert made("keys", "new", "--name", "packer")[0] == 0
    made.trust("tomasz", "ines")
    made.git("init", "-q", "-b", "main")
    made.commit("A desk")
    return made


def test_a_pull_request_that_loosens_a_limit(repository: Repository, tmp_path: Path) -> None:
    code, comment, err = repository.ci("--against", "main")
    assert code == 0, err
    assert "## \u2705" in comment and "CAUTION" not in comment
    first = repository.runs()
    assert len(first) == 2

    code, again, err = repository.ci("--against", "main")  # nothing changed: nothing is made
    assert (code, again.partition("What was measured")[0]) == (0, comment.partition("What was measured")[0])
    assert repository.runs() == first and len(Layout(repository.safety).decision_ids()) == 1

    repository.git("checkout", "-qb", "loosen")
    repository.change("requirements.yaml", "metric: rude, must: upper95 <= 0.20", "metric: rude, must: upper95 <= 0.60")
    repository.commit("The desk may be rude")
    files = {name: tmp_path / f"out.{name}" for name in ("markdown", "junit", "sarif", "html", "text")}
    code, _, err = repository.ci("--against", "main", *(f"--format={n}={p}" for n, p in files.items()))
    assert code == 1, err  # the rates are as good as before, and nobody approved the weaker gate
    comment = files["markdown"].read_text(encoding="utf-8")
    assert comment.startswith(
        "> [!CAUTION]\n> **The gate became weaker in 1 place, 1 without a signed approval, which blocks**"
    )
    assert "**criterion CR-polite**<br>requirements.yaml" in comment and "the limit is loosened" in comment
    assert "| full&#64;phrases | no | measured on" in comment
    assert "| full&#64;greetings | yes | suites, requirements, gate or plan changed since" in comment
    assert len(repository.runs()) == 3  # the other suite's run stands
    suites = ElementTree.fromstring(files["junit"].read_text(encoding="utf-8"))
    assert [c.get("name") for c in suites.iter("testcase") if c.find("failure") is not None] == ["criterion CR-polite"]
    bad = [
        r for r in json.loads(files["sarif"].read_text(encoding="utf-8"))["runs"][0]["results"] if r["kind"] == "fail"
    ]
    assert [r["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] for r in bad] == ["requirements.yaml"]
    for name in ("html", "text"):
        text = files[name].read_text(encoding="utf-8")
        assert text.index("The gate became weaker") < text.index("riteria")

    assert repository.sign("ines", "RO-clerk")[0] == 2  # no approver
    code, _, err = repository.sign("mallory", "RO-safety")
    assert code == 2 and "lists no key" in err
    assert repository.sign("tomasz", "RO-safety")[0] == 0
    code, comment, err = repository.ci("--against", "main")
    assert code == 0, err
    assert comment.startswith("> [!IMPORTANT]") and "approved by tomasz as RO-safety: Agreed on Monday." in comment
    repository.commit("Approved")

    repository.change("requirements.yaml", "upper95 <= 0.60", "upper95 <= 0.90")  # not what was approved
    assert repository.ci("--against", "main")[0] == 1
    repository.change("requirements.yaml", "upper95 <= 0.90", "upper95 <= 0.60")
    repository.git("checkout", "-q", "main")
    repository.git("merge", "-q", "loosen")
    repository.git("checkout", "-qb", "later")
    repository.change("requirements.yaml", "told, must: upper95 <= 0.20", "told, must: upper95 <= 0.30")
    code, comment, _ = repository.ci("--against", "main")  # the approval there was for an earlier change
    assert code == 1 and "CR-phrase" in comment and "CR-polite**<br>requirements" not in comment.partition("##")[0]


def test_a_change_cannot_bring_the_key_that_approves_it(repository: Repository, tmp_path: Path) -> None:
    repository.git("checkout", "-qb", "mine")
    repository.change("requirements.yaml", "metric: rude, must: upper95 <= 0.20", "metric: rude, must: upper95 <= 0.60")
    repository.trust("tomasz", "mallory")
    repository.change("roles.yaml", "holders: [tomasz]", "holders: [tomasz, mallory]")
    base = tmp_path / "base"  # where the change stands for the state before it
    repository.git("worktree", "add", "-q", "--detach", str(base), "HEAD")
    for name in ("signers.json", "roles.yaml"):
        (base / "safety" / name).write_bytes((repository.safety / name).read_bytes())
    words = [
        "release",
        "approve-diff",
        str(base / "safety"),
        str(repository.safety),
        "--allow-code",
        "--reason",
        "Mine.",
    ]
    assert repository(*words, "--key", str(tmp_path / "keys" / "mallory.key"), "--role", "RO-safety")[0] == 0
    code, comment, _ = repository.ci("--against", "main")
    assert code == 1 and "An approval does not count" in comment


def test_it_goes_on_where_it_was_stopped(repository: Repository) -> None:
    code, _, err = repository.ci("--max-requests", "5")
    assert code == 4 and "shipworthy ci" in err
    stopped = repository.runs()
    assert repository.ci()[0] == 0
    assert set(stopped) <= set(repository.runs()) and len(repository.runs()) == 2
    code, out, _ = repository("portfolio", str(repository.root), "--allow-code", "--format", "json")
    row = json.loads(out)["products"][0]
    assert (code, row["gate"], row["gate_stands"], row["stale"]) == (0, "ship", True, [])
    assert 0 < row["residual"] < row["inherent"] and row["unmeasured"] == 0
    code, out, _ = repository.ci("--dry-run")
    assert code == 0 and "full@phrases    no" in out
    code, out, err = repository("evidence", "build", "-C", str(repository.safety), "--allow-code", "--key", "packer")
    assert code == 0, err  # a pack of runs that are parts of a plan holds together


def test_a_policy_pack_beside_the_workspace(repository: Repository, tmp_path: Path) -> None:
    (repository.root / "policy").mkdir()
    pack = repository.root / "policy" / "ai.yaml"
    pack.write_text("pack: {id: PP-all, title: All}\ncriteria: [{id: PC-1, suite: phrases, must: upper95 <= 0.30}]\n")
    repository.change("system.yaml", "system:", "inherits: [../policy/ai.yaml]\nsystem:")
    repository.commit("A pack")
    repository.git("checkout", "-qb", "loosened")
    pack.write_text(pack.read_text().replace("0.30", "0.50"))
    code, out, err = repository("release", "diff", "main", str(repository.safety), "--allow-code", "--format", "json")
    assert (code, [one["what"] for one in json.loads(out)]) == (1, ["pack PP-all"]), err
    base = tmp_path / "base"
    repository.git("worktree", "add", "-q", str(base), "main")
    code, out, err = repository("release", "diff", str(base / "safety"), str(repository.safety), "--allow-code")
    assert code == 1 and "PP-all" in out and "inherited" not in err, err
    repository.change("requirements.yaml", "told, must: upper95 <= 0.20", "told, must: upper95 <= 0.60")
    code, comment, _ = repository.ci("--against", "main")
    assert code == 2 and "is less strict than upper95" in comment and "ai.yaml&#58;2" in comment


def test_wrong_files_and_other_bases(repository: Repository) -> None:
    assert "no such commit" in repository.ci("--against", "nothing")[2]
    repository.git("mv", "safety", "guarded")
    repository.safety = repository.root / "guarded"
    code, _, err = repository.ci("--against", "main")
    assert code == 2 and "--against COMMIT:safety" in err
    repository.change("requirements.yaml", "suite: phrases", "suite: phrase")
    code, comment, _ = repository.ci("--against", "main:safety")
    assert code == 2 and "did you mean" in comment and "requirements.yaml" in comment


@pytest.mark.parametrize("platform", ["github", "gitlab", "azure"])
def test_the_jobs_file_is_what_its_platform_takes(repository: Repository, platform: str) -> None:
    main = pytest.importorskip("check_jsonschema").main
    code, out, err = repository("ci", "-C", str(repository.safety), "--write", platform, "--max-cost", "5", "--bare")
    assert code == 0, err
    path = Path(out.splitlines()[0])
    text = path.read_text(encoding="utf-8")
    assert "@WORKSPACE@" not in text and "@ARGS@" not in text
    assert "--bare --max-cost 5.0" in text and "-C safety" in text
    schema = {"github": ("github-workflows",), "gitlab": ("gitlab-ci", "gitlab-ci"), "azure": ("azure-pipelines",) * 2}
    name, *transform = schema[platform]
    words = ["--builtin-schema", f"vendor.{name}", *(["--data-transform", *transform] if transform else [])]
    with pytest.raises(SystemExit) as ended:
        main([*words, str(path)])
    assert ended.value.code == 0
    assert "already" in repository("ci", "-C", str(repository.safety), "--write", platform)[2]
