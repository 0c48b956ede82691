"""Trust files that know time, roles and revocation; and that a limit which cannot be read is never no limit."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shipworthy.core.errors import IntegrityError, UsageError
from shipworthy.store.authority import check_signers
from shipworthy.store.signing import SigningKey, new_key
from shipworthy.store.trust import Trust, load_trust, public_json, read_time, time_text, trust_json

NOW = datetime(2026, 6, 15, 12, tzinfo=UTC)


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> dict[str, SigningKey]:
    directory = tmp_path_factory.mktemp("keys")
    return {name: new_key(directory, name) for name in ("ada", "bob", "eve")}


def written(path: Path, value: Any) -> Path:
    path.write_text(json.dumps(value))
    return path


def trust_of(tmp_path: Path, keys: dict[str, SigningKey], file: dict[str, Any] | None = None, **limits: Any) -> Trust:
    """A trust file of all keys, with limits on some by name."""
    listed = [public_json(key.public) | limits.get(name, {}) for name, key in keys.items()]
    return load_trust(written(tmp_path / "trust.json", {"keys": listed, "threshold": 1} | (file or {})))


def signers(trust: Trust, keys: dict[str, SigningKey], *names: str) -> list[Any]:
    wanted = {keys[name].public.keyid for name in names}
    return [key for key in trust.keys if key.keyid in wanted]


def test_an_old_trust_file_still_loads_and_has_no_limits(tmp_path: Path, keys: dict[str, SigningKey]) -> None:
    text = trust_json([keys["ada"].public, keys["bob"].public], 2)
    assert set(json.loads(text)) == {"keys", "threshold"}
    assert set(json.loads(text)["keys"][0]) == {"keyid", "public", "owner"}
    path = tmp_path / "old.json"
    path.write_text(text)
    found = load_trust(path)
    assert found == Trust((keys["ada"].public, keys["bob"].public), 2)
    check_signers(found, found.keys, NOW)


@pytest.mark.parametrize(
    ("limit", "at", "why"),
    [
        ({"not_before": "2026-06-15"}, datetime(2026, 6, 15, tzinfo=UTC), ""),
        ({"not_before": "2026-06-15"}, datetime(2026, 6, 14, 23, 59, 59, tzinfo=UTC), "valid from 2026-06-15"),
        ({"not_before": "2026-06-15T12:00:01Z"}, NOW, "valid from"),
        ({"not_after": "2026-06-15"}, datetime(2026, 6, 15, 23, 59, 59, tzinfo=UTC), ""),  # to the end of that day
        ({"not_after": "2026-06-15"}, datetime(2026, 6, 16, tzinfo=UTC), "valid until 2026-06-15T23:59:59Z"),
        ({"not_after": "2026-06-15T11:59:59Z"}, NOW, "valid until"),
        ({"revoked": {"at": "2026-06-16"}}, NOW, ""),
        ({"revoked": {"at": "2026-06-15"}}, NOW, "revoked on 2026-06-15"),
        ({"revoked": {"at": "2026-06-15T12:00:00Z", "why": "left the company"}}, NOW, "left the company"),
        ({"revoked": {"at": "2026-06-16", "compromised": True}}, NOW, "no signature by it counts"),
        ({"revoked": {"at": "2030-01-01", "compromised": True}}, NOW - timedelta(days=900), "no signature by it"),
        ({"roles": ["incident"]}, NOW, "may sign as incident"),
        ({"roles": ["incident", "release"]}, NOW, ""),
    ],
)
def test_a_signature_counts_within_its_limits(
    tmp_path: Path, keys: dict[str, SigningKey], limit: dict[str, Any], at: datetime, why: str
) -> None:
    trust = trust_of(tmp_path, keys, ada=limit)
    if not why:
        check_signers(trust, signers(trust, keys, "ada"), at)
        return
    with pytest.raises(IntegrityError, match=why) as caught:
        check_signers(trust, signers(trust, keys, "ada"), at)
    assert keys["ada"].public.keyid[:12] in str(caught.value)
    with pytest.raises(IntegrityError):  # nor does a good one beside it help
        check_signers(trust, signers(trust, keys, "ada", "bob"), at)


def test_each_role_has_its_own_number_of_signers(tmp_path: Path, keys: dict[str, SigningKey]) -> None:
    limits = {"ada": {"roles": ["release"]}, "bob": {"roles": ["safety"]}, "eve": {"roles": ["release", "safety"]}}
    trust = trust_of(tmp_path, keys, {"roles": {"release": 1, "safety": 1}}, **limits)
    check_signers(trust, signers(trust, keys, "ada", "bob"), NOW)
    check_signers(trust, signers(trust, keys, "eve"), NOW)
    for names, lacking in ((("ada",), "safety"), (("bob",), "release")):
        with pytest.raises(IntegrityError, match=f"0 of 1 needed signers have signed as '{lacking}'"):
            check_signers(trust, signers(trust, keys, *names), NOW)
    two = trust_of(tmp_path, keys, {"roles": {"safety": 2}}, **limits)
    with pytest.raises(IntegrityError, match="1 of 2"):
        check_signers(two, signers(two, keys, "ada", "eve"), NOW)
    check_signers(two, signers(two, keys, "bob", "eve"), NOW)


@pytest.mark.parametrize(
    ("limit", "says"),
    [
        ({"not_afer": "2026-01-01"}, "did you mean 'not_after'"),
        ({"not_after": "2026-13-01"}, "must be a date"),
        ({"not_after": "2026-1-1"}, "must be a date"),
        ({"not_after": "2026-01-01T00:00:00"}, "must be a date"),
        ({"not_after": "٢٠٢٦-01-01"}, "must be a date"),
        ({"not_after": 20260101}, "must be a date"),
        ({"not_before": "9999-12-31", "not_after": "2026-01-01"}, "ends before it begins"),
        ({"roles": []}, "`roles` must list"),
        ({"roles": "release"}, "`roles` must list"),
        ({"roles": ["Release"]}, "`roles` must list"),
        ({"revoked": True}, "must say since when"),
        ({"revoked": None}, "must say since when"),
        ({"revoked": {"compromised": True}}, "must say since when"),
        ({"revoked": {"at": "2026-01-01", "compromised": "yes"}}, "must be true or false"),
        ({"revoked": {"at": "2026-01-01", "compromized": True}}, "did you mean 'compromised'"),
    ],
)
def test_a_limit_that_cannot_be_read_is_an_error(
    tmp_path: Path, keys: dict[str, SigningKey], limit: dict[str, Any], says: str
) -> None:
    with pytest.raises(UsageError, match=says) as caught:
        trust_of(tmp_path, keys, ada=limit)
    assert "trust.json" in str(caught.value)


@pytest.mark.parametrize(
    "file",
    [
        {"roles": {"safety": 1}},  # nobody has it
        {"roles": {"release": 4}},
        {"roles": {"release": 0}},
        {"roles": {"release": True}},
        {"roles": {"release": "1"}},
        {"roles": ["release"]},
        {"role": {"release": 1}},
    ],
)
def test_demands_that_cannot_be_met_are_errors(
    tmp_path: Path, keys: dict[str, SigningKey], file: dict[str, Any]
) -> None:
    with pytest.raises(UsageError, match=r"trust\.json"):
        trust_of(tmp_path, keys, file)


def test_what_is_read_is_written_the_same(tmp_path: Path, keys: dict[str, SigningKey]) -> None:
    limits = {
        "ada": {"not_before": "2026-01-01", "not_after": "2026-12-31", "roles": ["safety"]},
        "bob": {"revoked": {"at": "2026-03-01T10:00:00Z", "compromised": True, "why": "a laptop was stolen"}},
    }
    trust = trust_of(tmp_path, keys, {"roles": {"safety": 1}}, **limits)
    path = tmp_path / "again.json"
    path.write_text(trust_json(trust.keys, trust.threshold, trust.roles))
    assert load_trust(path) == trust


@given(st.datetimes(min_value=datetime(1970, 1, 1), max_value=datetime(9999, 12, 31)))
def test_a_time_that_is_written_is_read(at: datetime) -> None:
    moment = at.replace(microsecond=0, tzinfo=UTC)
    assert read_time(time_text(moment), "here") == moment


@given(st.text(max_size=24))
def test_any_other_text_is_an_error_and_no_crash(text: str) -> None:
    try:
        read_time(text, "here")
    except UsageError as error:
        assert "here must be a date" in str(error)
