"""The locks hold what pyproject.toml asks for: exactly, with hashes, and without saying where from."""

from __future__ import annotations

import json
import re
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

REPOSITORY = Path(__file__).parents[2]
PROJECT = tomllib.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))
CORE = PROJECT["project"]["dependencies"]
EXTRAS = PROJECT["project"]["optional-dependencies"]
LOCAL = EXTRAS["local"]
GROUPS = PROJECT["dependency-groups"]
PEERS = REPOSITORY / "bench" / "peers"

# lock -> the tables it holds
LOCKS = {
    "build": GROUPS["build"],
    "core": CORE,
    "local": CORE + LOCAL,
    "dev": CORE + LOCAL + [r for name in ("build", "test", "lint", "docs") for r in GROUPS[name]],
    "lowest": CORE + LOCAL + GROUPS["test"],
    "relock": GROUPS["relock"],
}
FILES = sorted([*(REPOSITORY / "requirements").glob("*.txt"), *PEERS.glob("requirements-*.txt")])
PIN = re.compile(r"[a-z0-9-]+==[^ ;]+( ; [^\\]+)?( --hash=sha256:[0-9a-f]{64})+")


def entries(file):
    """The requirements of a lock, each on one line."""
    text = file.read_text(encoding="utf-8").replace("\\\n", "")
    return [re.sub(r"\s+", " ", line).strip() for line in text.splitlines() if line.strip()]


def pins(name, folder=REPOSITORY / "requirements"):
    """Package -> its versions; there are several where they differ by Python."""
    found = {}
    for line in entries(folder / f"{name}.txt"):
        package, _, version = line.split(" ", 1)[0].partition("==")
        found.setdefault(package, set()).add(Version(version))
    return found


def test_every_lock_is_one_we_know():
    assert {file.stem for file in FILES if file.parent.name == "requirements"} == set(LOCKS)


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_every_requirement_is_exact_and_hashed_and_no_address_is_named(file):
    # Whatever is not a pin (an index, a link, an option, a comment) does not match.
    assert [line for line in entries(file) if not PIN.fullmatch(line)] == []
    assert "://" not in file.read_text(encoding="utf-8")
    assert entries(file)


@pytest.mark.parametrize("lock", LOCKS)
def test_a_lock_holds_what_pyproject_asks_for(lock):
    locked = pins(lock)
    wrong = []
    for text in LOCKS[lock]:
        wanted = Requirement(text)
        versions = locked.get(canonicalize_name(wanted.name), set())
        if not versions or not all(version in wanted.specifier for version in versions):
            wrong.append(f"{text}: locked {sorted(map(str, versions))}")
    assert wrong == [], "run `make relock`, or `.ci/relock --keep` to change only these"


@pytest.mark.parametrize("lock", ["build", "core", "local"])
def test_locks_that_share_an_environment_agree(lock):
    everything = pins("dev")
    assert {name: versions for name, versions in pins(lock).items() if everything.get(name) != versions} == {}


def test_the_build_backend_is_locked():
    (backend,) = PROJECT["build-system"]["requires"]
    assert backend in GROUPS["build"]


def test_the_lowest_versions_are_the_ones_pyproject_names():
    # A bound below what the tests ever ran on would promise what nobody has seen.
    locked = pins("lowest")
    for extra in (
        "inspect",
        "langchain",
        "llama-index",
        "onnx",
        "openai-agents",
        "otel",
        "pdf",
        "pkcs11",
        "presidio",
        "pyrit",
        "hf",
        "mlflow",
        "picture",
    ):  # each has an environment of its own
        for wanted in map(Requirement, EXTRAS[extra]):
            locked[wanted.name] = pins(f"requirements-{extra}", PEERS)[wanted.name]
    for wanted in map(Requirement, EXTRAS["embed"]):  # shares the environment of `onnx`
        locked[wanted.name] = pins("requirements-onnx", PEERS)[wanted.name]
    wrong = []
    for wanted in map(Requirement, CORE + [r for extra in EXTRAS.values() for r in extra]):
        (bound,) = [Version(s.version) for s in wanted.specifier if s.operator == ">="]
        if locked.get(canonicalize_name(wanted.name)) != {bound}:
            wrong.append(f"{wanted}: the tests ran on {locked.get(canonicalize_name(wanted.name))}")
    assert wrong == []


@pytest.mark.parametrize("name", ["inspect", "deepeval"])
def test_a_peer_is_locked_at_the_version_that_is_measured(name):
    (wanted,) = entries(PEERS / f"requirements-{name}.in")
    assert any(line.startswith(f"{wanted} ") for line in entries(PEERS / f"requirements-{name}.txt"))


@pytest.mark.parametrize("name", ["agentdojo", "policies"])
def test_a_peer_that_runs_our_code_is_locked_with_what_we_need(name):
    wanted = [Requirement(line) for line in entries(PEERS / f"requirements-{name}.in")]
    pinned = {str(r.specifier)[2:]: r for r in wanted if str(r.specifier).startswith("==")}
    lines = entries(PEERS / f"requirements-{name}.txt")
    assert pinned
    assert all(any(line.startswith(f"{r} ") for line in lines) for r in pinned.values())
    assert {str(r) for r in wanted} >= set(CORE)


def test_the_packages_of_the_node_peer_are_hashed_and_name_no_address():
    lock = json.loads((PEERS / "package-lock.json").read_text(encoding="utf-8"))
    packages = {name: entry for name, entry in lock["packages"].items() if name}
    assert [name for name, entry in packages.items() if "resolved" in entry or "integrity" not in entry] == []
    wanted = json.loads((PEERS / "package.json").read_text(encoding="utf-8"))["dependencies"]
    assert {name: packages[f"node_modules/{name}"]["version"] for name in wanted} == wanted
