"""Process settings: read once when a command starts, passed down, never global."""

from __future__ import annotations

import os
from pathlib import Path

from msgspec import Struct, field


def _own_grants() -> Path:
    from platformdirs import user_config_path

    return user_config_path("shipworthy") / "grants.json"


def _own_cache_key() -> Path:
    from platformdirs import user_config_path

    return user_config_path("shipworthy") / "cache.key"


def redact_also() -> tuple[str, ...]:
    """Return the kinds that ``SHIPWORTHY_REDACT`` names, in order."""
    names = (name.strip() for name in os.environ.get("SHIPWORTHY_REDACT", "").split(","))
    return tuple(sorted({name for name in names if name}))


class Settings(Struct, frozen=True):
    """Where things are kept.

    Attributes:
        cache_dir: model weights and other downloads (``SHIPWORTHY_CACHE_DIR``).
        keys_dir: this user's signing keys (``SHIPWORTHY_KEYS_DIR``).
        grants_file: what this user lets workspaces do (``SHIPWORTHY_GRANTS``), see `Grants`.
        control_url: address of the database that holds the control state (``SHIPWORTHY_CONTROL_URL``); empty for an
            SQLite file in each workspace. It may hold a password, so it is never shown.
        cache_key_file: the key under which kept replies are sealed (``SHIPWORTHY_CACHE_KEY``), made when first needed.
        redact_also: kinds of personal data that redaction takes out besides those it always does
            (``SHIPWORTHY_REDACT``, names with commas between), see `shipworthy.detect.pii.OPTIONAL`.
    """

    cache_dir: Path
    keys_dir: Path
    grants_file: Path = field(default_factory=_own_grants)
    control_url: str = ""
    cache_key_file: Path = field(default_factory=_own_cache_key)
    redact_also: tuple[str, ...] = ()

    @classmethod
    def load(cls) -> Settings:
        """Read the environment. Creates nothing."""
        from platformdirs import user_cache_path, user_config_path

        def place(name: str, default: Path) -> Path:
            return Path(os.environ[name]).expanduser() if os.environ.get(name) else default

        return cls(
            cache_dir=place("SHIPWORTHY_CACHE_DIR", user_cache_path("shipworthy")),
            keys_dir=place("SHIPWORTHY_KEYS_DIR", user_config_path("shipworthy") / "keys"),
            grants_file=place("SHIPWORTHY_GRANTS", _own_grants()),
            cache_key_file=place("SHIPWORTHY_CACHE_KEY", _own_cache_key()),
            control_url=os.environ.get("SHIPWORTHY_CONTROL_URL", "").strip(),
            redact_also=redact_also(),
        )

    def __repr__(self) -> str:
        # msgspec's own would print the address with its password, in a traceback or a log.
        control = "(set)" if self.control_url else "''"
        kept = f"cache_dir={self.cache_dir!r}, keys_dir={self.keys_dir!r}, grants_file={self.grants_file!r}"
        kept += f", redact_also={self.redact_also!r}"
        return f"Settings({kept}, control_url={control}, cache_key_file={self.cache_key_file!r})"

    def __rich_repr__(self) -> list[tuple[str, object]]:
        control = "(set)" if self.control_url else ""
        kept: list[tuple[str, object]] = [("cache_dir", self.cache_dir), ("keys_dir", self.keys_dir)]
        kept += [("grants_file", self.grants_file), ("control_url", control), ("cache_key_file", self.cache_key_file)]
        kept += [("redact_also", self.redact_also)]
        return kept
