"""Keys that somebody else holds: a real SoftHSM token, a real OpenBao server, where they are, and what is refused."""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
import time
import urllib.request
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from shipworthy.cli import run as shipworthy
from shipworthy.core.errors import StoreError, UsageError
from shipworthy.store.dsse import verify
from shipworthy.store.held import holder_of
from shipworthy.store.signing import add_key, find_keys, load_key, sign
from shipworthy.store.trust import Trust, load_public

DRIVERS = [Path(p) for p in ("/usr/lib/softhsm/libsofthsm2.so", "/usr/lib/x86_64-linux-gnu/softhsm/libsofthsm2.so")]
PIN, ROOT = "5309-tarn", "root-token-tarn"
AT = {"module": "/none.so", "token": "t", "label": "l", "pin": "env:PIN"}


class InMemory:
    """Stands for a holder where none is needed: what it says and what it signs with may differ."""

    def __init__(self) -> None:
        self.key = self.signs = Ed25519PrivateKey.generate()

    def public(self) -> bytes:
        return self.key.public_key().public_bytes_raw()

    def sign(self, data: bytes) -> bytes:
        return self.signs.sign(data)

    def place(self) -> dict[str, Any]:
        return {"pkcs11": AT}


def signed_and_verified(directory: Path, name: str) -> None:
    key = find_keys(directory, [name])[0]
    envelope = sign(b"what is said", [key])
    payload, signers = verify(envelope, Trust((load_public(directory / f"{name}.pub.json"),)))
    assert payload == b"what is said" and [one.owner for one in signers] == ["Ada"]


@pytest.fixture(scope="module")
def token(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The driver of a SoftHSM token that holds an ed25519 key, and the variables it needs."""
    driver = next((path for path in DRIVERS if path.exists()), None)
    if driver is None or not shutil.which("softhsm2-util"):
        pytest.skip("no SoftHSM here: apt-get install softhsm2")
    if find_spec("pkcs11") is None:
        pytest.skip("no python-pkcs11 here: python bench/peers/run_tests.py pkcs11 tests/unit/store/test_held.py")
    import pkcs11
    from pkcs11.util.ec import encode_named_curve_parameters

    folder = tmp_path_factory.mktemp("hsm")
    (folder / "tokens").mkdir()
    (folder / "softhsm2.conf").write_text(f"directories.tokendir = {folder}/tokens\nlog.level = ERROR\n")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SOFTHSM2_CONF", str(folder / "softhsm2.conf"))
        words = ["--init-token", "--free", "--label", "tarn", "--pin", PIN, "--so-pin", "7777-so"]
        subprocess.run(["softhsm2-util", *words], check=True, capture_output=True)
        with pkcs11.lib(str(driver)).get_token(token_label="tarn").open(rw=True, user_pin=PIN) as session:
            oid = {pkcs11.Attribute.EC_PARAMS: encode_named_curve_parameters("1.3.101.112")}
            curve = session.create_domain_parameters(pkcs11.KeyType.EC_EDWARDS, oid, local=True)
            make = pkcs11.Mechanism.EC_EDWARDS_KEY_PAIR_GEN
            curve.generate_keypair(mechanism=make, store=True, label="ada")
        patch.setenv("TARN_PIN", PIN)
        yield driver


def test_a_key_in_a_token_signs(token: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
    monkeypatch.setenv("SHIPWORTHY_KEYS_DIR", str(tmp_path))
    words = ["keys", "pkcs11", "--name", "card", "--owner", "Ada", "--token", "tarn", "--pin", "env:TARN_PIN"]
    assert shipworthy([*words, "--module", str(token), "--label", "ada", "--role", "RO-safety"]) == 0
    signed_and_verified(tmp_path, "card")
    assert load_public(tmp_path / "card.pub.json").roles == ("RO-safety",)
    assert PIN not in (tmp_path / "card.held.json").read_text()
    capsys.readouterr()
    assert shipworthy([*words, "--name", "other", "--module", str(token), "--label", "nobody"]) != 0
    assert "the key 'nobody' of the PKCS #11 token 'tarn'" in capsys.readouterr().err
    monkeypatch.setenv("TARN_PIN", "wrong-4711")
    with pytest.raises(StoreError, match="PKCS #11 token 'tarn'") as refused:
        load_key(tmp_path / "card.held.json").sign(b"x")
    assert "wrong-4711" not in str(refused.value)


@pytest.fixture(scope="module")
def bao() -> Iterator[Callable[[str, str, Any], Any]]:
    """A real OpenBao with a transit engine; asked as (method, path, body). Its address is `bao.address`."""
    program = shutil.which("bao")
    if program is None:
        pytest.skip("no OpenBao here: python bench/peers/run_tests.py pkcs11 tests/unit/store/test_held.py")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    address = f"http://127.0.0.1:{port}"
    words = [
        "server",
        "-dev",
        f"-dev-root-token-id={ROOT}",
        f"-dev-listen-address=127.0.0.1:{port}",
        "-dev-no-store-token",
    ]
    server = subprocess.Popen([program, *words], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def ask(method: str, path: str, body: Any = None) -> Any:
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"{address}/v1/{path}", data, {"X-Vault-Token": ROOT}, method=method)
        with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=10) as answer:
            return json.loads(answer.read() or b"{}")

    ask.address = address  # type: ignore[attr-defined]
    try:
        deadline = time.monotonic() + 60
        while True:
            try:
                ask("GET", "sys/health")
                break
            except OSError:
                assert time.monotonic() < deadline and server.poll() is None, "OpenBao did not start"
                time.sleep(0.1)
        ask("POST", "sys/mounts/transit", {"type": "transit"})
        ask("POST", "transit/keys/ada", {"type": "ed25519"})
        ask("POST", "transit/keys/rsa", {"type": "rsa-2048"})
        yield ask
    finally:
        server.terminate()
        server.wait(30)


def test_a_key_in_openbao_signs_in_the_version_that_was_pinned(
    bao: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("SHIPWORTHY_KEYS_DIR", str(tmp_path))
    monkeypatch.setenv("BAO_TOKEN", ROOT)
    words = ["keys", "openbao", "--address", bao.address, "--owner", "Ada"]
    assert shipworthy([*words, "--name", "bao", "--key", "ada"]) == 0
    signed_and_verified(tmp_path, "bao")
    bao("POST", "transit/keys/ada/rotate", {})
    signed_and_verified(tmp_path, "bao")
    assert ROOT not in (tmp_path / "bao.held.json").read_text()
    for key, why in (("rsa", "it is no ed25519 key"), ("none", "status 404")):
        capsys.readouterr()
        assert shipworthy([*words, "--name", key, "--key", key]) != 0
        said = capsys.readouterr().err
        assert why in said and ROOT not in said
    monkeypatch.setenv("BAO_TOKEN", "another-token-11")
    with pytest.raises(StoreError, match="status 403"):
        load_key(tmp_path / "bao.held.json").sign(b"x")
    # Another key under the same name and version signs nothing.
    monkeypatch.setenv("BAO_TOKEN", ROOT)
    bao("POST", "transit/keys/ada/config", {"deletion_allowed": True})
    bao("DELETE", "transit/keys/ada")
    bao("POST", "transit/keys/ada", {"type": "ed25519"})
    with pytest.raises(StoreError, match="is not the key"):
        load_key(tmp_path / "bao.held.json").sign(b"x")


def test_a_server_that_is_gone_is_an_error_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BAO_TOKEN", ROOT)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        at = f"http://127.0.0.1:{free.getsockname()[1]}"
    place = {"address": at, "mount": "transit", "key": "ada", "token": "env:BAO_TOKEN", "version": 1}
    with pytest.raises(StoreError, match=f"the key 'ada' of {at}"):
        holder_of({"openbao": place}, "x").sign(b"x")


def test_who_signs_with_another_key_signs_nothing(tmp_path: Path) -> None:
    holder = InMemory()
    key = add_key(tmp_path, "card", holder, owner="Ada")
    assert len(key.sign(b"x")) == 64
    holder.signs = Ed25519PrivateKey.generate()
    with pytest.raises(StoreError, match="what signs for Ada is not the key"):
        key.sign(b"x")
    with pytest.raises(StoreError, match="what signs for eve"):
        add_key(tmp_path, "eve", holder)
    assert not (tmp_path / "eve.held.json").exists()


def test_a_name_is_taken_once(tmp_path: Path) -> None:
    add_key(tmp_path, "card", InMemory())
    for name in ("card", "../card"):
        with pytest.raises(UsageError):
            add_key(tmp_path, name, InMemory())
    assert (tmp_path / "card.held.json").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(
    ("said", "why"),
    [
        ([], "does not say where a key is"),
        ({"yubi": {}}, "does not say where a key is"),
        ({"pkcs11": {"module": "x"}}, "needs label, module, pin, token"),
        ({"pkcs11": AT | {"slot": "1"}}, "knows no slot"),
        ({"pkcs11": AT | {"pin": "1234"}}, "not written down"),
        ({"pkcs11": AT | {"label": 3}}, "`pkcs11.label` cannot be 3"),
        ({"openbao": {"address": "a", "mount": "m", "key": "k", "token": "s.4711"}}, "not written down"),
    ],
)
def test_what_does_not_say_where_a_key_is_is_refused(tmp_path: Path, said: Any, why: str) -> None:
    path = tmp_path / "card.held.json"
    path.write_text(json.dumps(said))
    add_key(tmp_path, "other", InMemory())
    shutil.copy(tmp_path / "other.pub.json", tmp_path / "card.pub.json")
    with pytest.raises(UsageError, match=why) as refused:
        load_key(path)
    assert "1234" not in str(refused.value) and "4711" not in str(refused.value)
    path.chmod(0o666)
    with pytest.raises(UsageError, match="others may write"):
        load_key(path)
