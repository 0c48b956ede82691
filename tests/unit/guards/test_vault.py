from __future__ import annotations

from shipworthy.guards import _vault
from shipworthy.guards._vault import Vault


def test_a_session_is_forgotten_after_a_time() -> None:
    now = [0.0]
    vault = Vault(lambda: now[0])
    assert vault.session("u", "s").token("email", "a@b.example", own=True) == "<EMAIL_1>"
    now[0] += _vault.SECONDS
    assert list(vault.session("u", "s").tokens("<EMAIL_1>")) == [(0, 9, "a@b.example")]
    now[0] += _vault.SECONDS + 1
    assert list(vault.session("u", "s").tokens("<EMAIL_1>")) == []


def test_the_oldest_session_goes_first(monkeypatch) -> None:
    monkeypatch.setattr(_vault, "SESSIONS", 2)
    vault = Vault()
    for name in ("a", "b", "a", "c", "d"):
        vault.session("u", name).token("email", "a@b.example", own=True)
    assert list(vault.session("u", "d").tokens("<EMAIL_1>"))
    assert not list(vault.session("u", "b").tokens("<EMAIL_1>"))


def test_a_full_session_gives_no_token(monkeypatch) -> None:
    monkeypatch.setattr(_vault, "VALUES", 1)
    session = Vault().session("u", "s")
    assert session.token("email", "a@b.example", own=True) == "<EMAIL_1>"
    assert session.token("email", "c@d.example", own=True) == ""
    assert session.token("email", "A@B.example", own=False) == "<EMAIL_1>"
