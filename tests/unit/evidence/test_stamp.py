"""Time stamps, given by openssl's own authority and looked at by both verifiers."""

from __future__ import annotations

import json
import shutil
import subprocess
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from tests.unit.evidence import alone as alone_
from tests.unit.evidence.conftest import Case

from shipworthy.cli import run
from shipworthy.core.errors import IntegrityError, StoreError, UsageError
from shipworthy.evidence.stamp import check_stamp, given_stamp, read_stamp
from shipworthy.evidence.stamp_request import ask, request_for
from shipworthy.evidence.verify import verify_pack
from shipworthy.store.trust import public_json

pytestmark = pytest.mark.skipif(
    shutil.which("openssl") is None, reason="openssl, whose time stamping authority is asked"
)

DATA = b"what was there"
SETTINGS = """\
[t]
serial = {root}/serial
crypto_device = builtin
signer_digest = sha256
default_policy = 1.2.3.4.1
digests = sha256, sha384, sha512
accuracy = secs:1, millisecs:500
tsa_name = yes
{more}
"""
NOW = datetime.now(UTC)


def certificate(
    name: str, key: Any, above: tuple[x509.Certificate, Any] | None, *, stamps: bool = True, critical: bool = True,
    from_: datetime = NOW - timedelta(days=1), to: datetime = NOW + timedelta(days=30), ca: bool = False,
) -> x509.Certificate:  # fmt: skip
    """Return a certificate that an authority (None: it itself) gave."""
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    made = x509.CertificateBuilder().subject_name(subject).issuer_name(above[0].subject if above else subject)
    made = made.public_key(key.public_key()).serial_number(x509.random_serial_number())
    made = made.not_valid_before(from_).not_valid_after(to)
    made = made.add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
    if stamps:
        made = made.add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.TIME_STAMPING]), critical=critical)
    return made.sign(above[1] if above else key, hashes.SHA256())


class Authority:
    """Openssl's time stamping authority, under a root of its own."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.root_key, self.key = ec.generate_private_key(ec.SECP256R1()), rsa.generate_private_key(65537, 2048)
        self.root_certificate = certificate("Root", self.root_key, None, stamps=False, ca=True)
        (root / "serial").write_text("01")
        self.pem = root / "root.pem"
        self.pem.write_bytes(self.root_certificate.public_bytes(serialization.Encoding.PEM))
        self.usual = self.signer("Stamps")

    def signer(self, name: str, key: Any = None, above: Any = None, **more: Any) -> Path:
        """Write a key with a certificate; return the folder."""
        key = key or self.key
        folder = self.root / name
        folder.mkdir()
        made = certificate(name, key, above or (self.root_certificate, self.root_key), **more)
        (folder / "tsa.pem").write_bytes(made.public_bytes(serialization.Encoding.PEM))
        (folder / "tsa.key").write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            )
        )
        return folder

    def reply(self, query: bytes, folder: Path | None = None, more: str = "", **options: str) -> bytes:
        """Have openssl answer a request."""
        folder = folder or self.usual
        (folder / "settings").write_text(SETTINGS.format(root=self.root, more=more))
        (folder / "query").write_bytes(query)
        command = ["openssl", "ts", "-reply", "-config", str(folder / "settings"), "-section", "t",
                   "-queryfile", str(folder / "query"), "-signer", str(folder / "tsa.pem"),
                   "-inkey", str(folder / "tsa.key"), "-out", str(folder / "reply")]  # fmt: skip
        command += [word for name, value in options.items() for word in (f"-{name}", value)]
        done = subprocess.run(command, capture_output=True, text=True)
        assert (folder / "reply").is_file(), done.stderr
        return (folder / "reply").read_bytes()


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture(scope="module")
def honest(authority: Authority) -> bytes:
    return authority.reply(request_for(DATA).data)


def test_an_authority_says_that_bytes_were_there(authority: Authority, honest: bytes) -> None:
    found, who = check_stamp(honest, DATA, [authority.root_certificate])
    assert who == "CN=Stamps"
    assert abs((found.at - datetime.now(UTC)).total_seconds()) < 300
    assert (found.seconds, found.algorithm) == (1.5, "sha256")
    with pytest.raises(IntegrityError, match="of other bytes"):
        check_stamp(honest, DATA + b".", [authority.root_certificate])
    # Openssl agrees, about the same two files.
    (authority.root / "data").write_bytes(DATA)
    (authority.root / "stamp").write_bytes(honest)
    place = authority.root
    command = ["openssl", "ts", "-verify", "-data", place / "data", "-in", place / "stamp", "-CAfile", authority.pem]
    assert subprocess.run(command, capture_output=True).returncode == 0


@pytest.mark.parametrize("digest", ["sha384", "sha512"])
def test_other_digests_and_curves_and_a_token_alone(authority: Authority, digest: str) -> None:
    folder = authority.signer(f"EC {digest}", ec.generate_private_key(ec.SECP384R1()))
    (authority.root / "data").write_bytes(DATA)
    made = subprocess.run(
        ["openssl", "ts", "-query", "-data", authority.root / "data", f"-{digest}"], capture_output=True, check=True
    ).stdout
    more = "signer_digest = " + digest
    whole = authority.reply(made, folder, more=more)
    (signer,) = x509.load_pem_x509_certificates((folder / "tsa.pem").read_bytes())
    # No certificate is in it, as none was asked for; the verifier has the authority's own.
    assert check_stamp(whole, DATA, [signer])[1] == f"CN=EC {digest}"
    with pytest.raises(IntegrityError, match="neither in it nor among those"):
        check_stamp(whole, DATA, [authority.root_certificate])
    # The token without the reply around it, as some keep it.
    status = 2 + whole[whole.index(b"\x30", 2) + 1]
    start = whole.index(b"\x30", 2) + status
    assert check_stamp(whole[start:], DATA, [signer])[1] == f"CN=EC {digest}"


def test_who_is_not_believed(authority: Authority) -> None:
    query = request_for(DATA).data
    other = certificate("Root", ec.generate_private_key(ec.SECP256R1()), None, stamps=False, ca=True)
    with pytest.raises(IntegrityError, match="nobody who certifies CN=Stamps"):
        check_stamp(authority.reply(query), DATA, [other])
    past = authority.signer("Past", from_=NOW - timedelta(days=9), to=NOW - timedelta(days=2))
    with pytest.raises(IntegrityError, match="CN=Past was not valid at"):
        check_stamp(authority.reply(query, past), DATA, [authority.root_certificate])
    # Who has a certificate certifies nobody else with it.
    (leaf,) = x509.load_pem_x509_certificates((authority.usual / "tsa.pem").read_bytes())
    below = authority.signer("Below", above=(leaf, authority.key))
    with pytest.raises(IntegrityError, match="nobody who certifies CN=Below"):
        check_stamp(authority.reply(query, below), DATA, [leaf])


@pytest.mark.filterwarnings("ignore:Parsed a serial number")
def test_every_changed_byte_is_noticed_or_says_the_same(authority: Authority, honest: bytes) -> None:
    believed, told = [authority.root_certificate], check_stamp(honest, DATA, [authority.root_certificate])
    refused = 0
    for place in range(len(honest)):
        changed = bytearray(honest)
        changed[place] ^= 1 << place % 8
        try:
            assert check_stamp(bytes(changed), DATA, believed) == told, place
        except IntegrityError:
            refused += 1
    assert refused > 0.9 * len(honest)
    for end in (b"", honest[:-1], honest + b"\0", b"\x30\x80\0\0", b"-----BEGIN"):
        with pytest.raises(IntegrityError):
            check_stamp(end, DATA, believed)


def test_a_refusal_and_a_certificate_for_other_things(authority: Authority) -> None:
    refusal = bytes.fromhex("30053003020102")
    with pytest.raises(IntegrityError, match=r"gave no time stamp \(status 2\)"):
        read_stamp(refusal)
    with pytest.raises(UsageError, match="go together"):
        given_stamp(Path("x"), None)
    with pytest.raises(UsageError, match="no certificates"):
        given_stamp(authority.root / "serial", authority.root / "serial")


def test_both_verifiers_look_at_a_pack_s_stamp(authority: Authority, case: Case, tmp_path: Path, capsys: Any) -> None:
    pack, trust, stamp = tmp_path / "pack.zip", tmp_path / "trust.json", tmp_path / "pack.zip.tsr"
    pack.write_bytes(case.pack)
    trust.write_text(json.dumps({"keys": [public_json(case.key.public)]}))
    query = tmp_path / "query"
    assert run(["evidence", "stamp", str(pack), "--request", str(query)]) == 0
    stamp.write_bytes(authority.reply(query.read_bytes()))
    asked = [pack, "--trust", trust, "--require", "any", "--stamp", stamp, "--stamp-trust", authority.pem]
    capsys.readouterr()
    assert run(["evidence", "verify", *map(str, asked)]) == 0
    (line,) = [one for one in capsys.readouterr().out.splitlines() if "time stamp" in one]
    assert "says CN=Stamps" in line
    done = alone_.run(*asked)
    assert done.returncode == 0
    assert line in done.stdout
    stamp.write_bytes(authority.reply(request_for(b"another pack").data))
    assert run(["evidence", "verify", *map(str, asked)]) == 4
    assert "BAD  time stamp  the time stamp is of other bytes" in capsys.readouterr().out
    assert alone_.run(*asked).returncode == 4


def test_a_pack_that_says_it_was_signed_after_its_stamp_is_refused(
    authority: Authority, case: Case, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pack, stamp = tmp_path / "pack.zip", tmp_path / "stamp"
    pack.write_bytes(case.pack)
    stamp.write_bytes(authority.reply(request_for(case.pack).data))
    given = given_stamp(stamp, authority.pem)
    monkeypatch.setattr("shipworthy.evidence.verify.SKEW", timedelta(days=-1))  # as if the stamp were a day older
    found = verify_pack(pack, case.trust, given)
    assert not found.ok
    assert "says that it was signed later" in found.problems[0]


@pytest.fixture
def served(authority: Authority) -> Iterator[tuple[str, list[Callable[[bytes], bytes]]]]:
    """The authority over HTTP; what it answers can be changed."""
    how: list[Callable[[bytes], bytes]] = [authority.reply]

    class Answers(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            query = self.rfile.read(int(self.headers["content-length"]))
            right = self.headers["content-type"] == "application/timestamp-query"
            body = how[-1](query)
            self.send_response(200 if right else 415)
            self.send_header("content-type", "application/timestamp-reply")
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Answers)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/tsa", how
    server.shutdown()
    server.server_close()
    thread.join()


def test_an_authority_is_asked_over_http(authority: Authority, served: Any, tmp_path: Path, capsys: Any) -> None:
    url, how = served
    file = tmp_path / "pack.zip"
    file.write_bytes(DATA)
    assert run(["evidence", "stamp", str(file), "--url", url]) == 0
    assert f"pack.zip was there at {datetime.now(UTC):%Y-}" in capsys.readouterr().out
    assert check_stamp((tmp_path / "pack.zip.tsr").read_bytes(), DATA, [authority.root_certificate])
    older = authority.reply(request_for(DATA).data)
    how.append(lambda query: older)
    with pytest.raises(IntegrityError, match="for another request"):
        ask(url, request_for(DATA), DATA)
    other = authority.reply(request_for(b"other").data)
    how.append(lambda query: other)
    with pytest.raises(IntegrityError, match="of other bytes"):
        ask(url, request_for(DATA), DATA)
    how.append(lambda query: b"<html>")
    with pytest.raises(StoreError, match="no time stamp from"):
        ask(url, request_for(DATA), DATA)
    with pytest.raises(UsageError, match="without a password"):
        ask("http://ada:secret@127.0.0.1/", request_for(DATA), DATA)
    assert run(["evidence", "stamp", str(file)]) == 2
    assert "give --url" in capsys.readouterr().err
