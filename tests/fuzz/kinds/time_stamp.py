"""A time stamp beside a pack: what is believed of it is what its authority signed, whatever else is changed."""

from pathlib import Path
from typing import Any

from cryptography import x509

from shipworthy.core.errors import IntegrityError
from shipworthy.evidence.stamp import check_stamp

DATA = b"a file"
AUTHORITY = b"""\
-----BEGIN CERTIFICATE-----
MIIBdzCCARygAwIBAgIUJonwBTlZuhd2x/nHgZ6ul0XPpVkwCgYIKoZIzj0EAwIw
GDEWMBQGA1UEAwwNVGVzdCBUU0Egcm9vdDAgFw0yNjEyMDEwMjUxNTdaGA8yMTI2
MTEwNzAyNTE1N1owGDEWMBQGA1UEAwwNVGVzdCBUU0Egcm9vdDBZMBMGByqGSM49
AgEGCCqGSM49AwEHA0IABKWrYA7kjWjfwXg2IJZpIvxPopBfqe0J9K6p0pIrPv5c
dAqDE6j4cyPTZ37ijj6o02P9RM5f7/DCaxdiRHxrXrGjQjBAMA8GA1UdEwEB/wQF
MAMBAf8wDgYDVR0PAQH/BAQDAgIEMB0GA1UdDgQWBBRQ5fTAGOcqlfZjPs1rMXw2
5h54ozAKBggqhkjOPQQDAgNJADBGAiEAujiGJO9Ue+5KEoZisZezRA+uOaGaa/U6
Yk6yRmIAK78CIQDGyzphcUslmhv7aguHpjl2Q4qlyYx1/9FPmzwX0BuiBw==
-----END CERTIFICATE-----
"""
"""Of a key that signed two certificates and was thrown away."""


def prepare(folder: Path) -> Any:
    authorities = x509.load_pem_x509_certificates(AUTHORITY)
    honest = (Path(__file__).parent.parent / "corpus" / "time_stamp" / "honest").read_bytes()
    return authorities, check_stamp(honest, DATA, authorities)


def seeds(ready: Any) -> list[bytes]:
    return []


def feed(data: bytes, ready: Any) -> str:
    authorities, honest = ready
    try:
        found = check_stamp(data, DATA, authorities)
    except IntegrityError:
        return "refused"
    assert found == honest, "something that the authority did not sign"
    return "accepted"
