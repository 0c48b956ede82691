"""Signatures of folders in the OpenSSF form; against the real package where it is (`bench/peers/run_tests.py`)."""

from __future__ import annotations

import base64
import json
from pathlib import Path

import pytest

from shipworthy.core.errors import IntegrityError, UsageError
from shipworthy.store.model_signature import new_ec_key, sign_folder, verify_folder


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    return new_ec_key(tmp_path_factory.mktemp("keys"), "ada")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "misuse"
    (made / "a").mkdir(parents=True)
    # In the form's order `a/x` stands before `a.b`, which text order would turn round.
    for name in ("suite.yaml", "a/x", "a.b"):
        (made / name).write_text(name)
    return made


def test_a_folder_is_what_was_signed_or_says_which_file_is_not(folder: Path, keys: tuple[Path, Path]) -> None:
    private, public = keys
    signature = folder / "suite.sig"
    signed = sign_folder(folder, private, signature)
    assert list(signed.files) == ["a/x", "a.b", "suite.yaml"]
    found = verify_folder(folder, signature, public)
    assert (found.name, found.digest, found.files) == ("misuse", signed.digest, signed.files)
    (folder / ".gitignore").write_text("git's own files are let out")
    verify_folder(folder, signature, public)
    (folder / "a.b").write_text("other")
    with pytest.raises(IntegrityError, match=r"a\.b is not what was signed"):
        verify_folder(folder, signature, public)
    (folder / "a.b").write_text("a.b")
    (folder / "more").write_text("")
    with pytest.raises(IntegrityError, match="more is there and was not signed"):
        verify_folder(folder, signature, public)
    (folder / "more").unlink()
    (folder / "a/x").unlink()
    with pytest.raises(IntegrityError, match="a/x was signed and is not there"):
        verify_folder(folder, signature, public)


def test_the_key_is_the_one_that_is_trusted(folder: Path, keys: tuple[Path, Path], tmp_path: Path) -> None:
    private, public = keys
    other, its = new_ec_key(tmp_path / "k", "eve")
    signature = tmp_path / "s.sig"
    sign_folder(folder, other, signature)
    with pytest.raises(IntegrityError, match="names another key"):
        verify_folder(folder, signature, public)
    bundle = json.loads(signature.read_text())
    bundle["verificationMaterial"]["publicKey"]["hint"] = ""
    signature.write_text(json.dumps(bundle))
    verify_folder(folder, signature, its)  # a signature without a hint is the form's older spelling
    with pytest.raises(IntegrityError, match="not signed by the key"):
        verify_folder(folder, signature, public)
    private.chmod(0o644)
    with pytest.raises(UsageError, match="others may read"):
        sign_folder(folder, private, signature)
    private.chmod(0o600)
    with pytest.raises(UsageError, match="never overwritten"):
        new_ec_key(tmp_path / "k", "eve")


def test_a_signature_lets_out_nothing_but_itself_and_git(folder: Path, keys: tuple[Path, Path], tmp_path: Path) -> None:
    private, public = keys
    signature = tmp_path / "s.sig"
    (folder / "samples").mkdir()
    signed_elsewhere = folder / "samples" / "poison.jsonl"
    # The signer's own signature lay where the sample lies now: the form would let it out for ever.
    sign_folder(folder, private, signed_elsewhere)
    signature.write_bytes(signed_elsewhere.read_bytes())
    signed_elsewhere.write_text("a sample that nobody signed")
    with pytest.raises(IntegrityError, match=r"lets out samples/poison\.jsonl"):
        verify_folder(folder, signature, public)
    signed_elsewhere.unlink()
    verify_folder(folder, signature, public)
    (folder / "link").symlink_to(folder / "suite.yaml")
    with pytest.raises(UsageError, match="link"):
        verify_folder(folder, signature, public)


@pytest.mark.parametrize(
    "break_it",
    [
        lambda bundle, statement: bundle.update(mediaType="application/x"),
        lambda bundle, statement: bundle["dsseEnvelope"].update(signatures=[]),
        lambda bundle, statement: bundle["dsseEnvelope"].update(payload="not base64!"),
        lambda bundle, statement: bundle.pop("verificationMaterial"),
        lambda bundle, statement: statement["predicate"]["resources"][0].update(digest="00" * 32),
        lambda bundle, statement: statement.update(predicateType="https://model_signing/Digests/v0.1"),
    ],
)
def test_another_bundle_is_refused(folder: Path, keys: tuple[Path, Path], tmp_path: Path, break_it) -> None:
    private, public = keys
    signature = tmp_path / "s.sig"
    sign_folder(folder, private, signature)
    bundle = json.loads(signature.read_text())
    statement = json.loads(base64.b64decode(bundle["dsseEnvelope"]["payload"]))
    before = json.dumps(statement)
    break_it(bundle, statement)
    if json.dumps(statement) != before:
        bundle["dsseEnvelope"]["payload"] = base64.b64encode(json.dumps(statement).encode()).decode()
    signature.write_text(json.dumps(bundle))
    with pytest.raises(IntegrityError):
        verify_folder(folder, signature, public)


def test_the_real_package_takes_ours_and_we_take_its(folder: Path, keys: tuple[Path, Path], tmp_path: Path) -> None:
    pytest.importorskip("model_signing", reason="the package model-signing is not here: bench/peers/run_tests.py")
    from model_signing import signing, verifying

    private, public = keys
    ours, theirs = folder / "ours.sig", tmp_path / "theirs.sig"
    signed = sign_folder(folder, private, ours)
    verifying.Config().use_elliptic_key_verifier(public_key=public).verify(folder, ours)
    (folder / "ours.sig").unlink()
    signing.Config().use_elliptic_key_signer(private_key=private).sign(folder, theirs)
    assert verify_folder(folder, theirs, public).digest == signed.digest
    (folder / "a.b").write_text("other")
    sign_folder(folder, private, ours)
    (folder / "a.b").write_text("again other")
    with pytest.raises(ValueError, match=r"a\.b"):
        verifying.Config().use_elliptic_key_verifier(public_key=public).verify(folder, ours)
    with pytest.raises(IntegrityError):
        verify_folder(folder, theirs, public)
