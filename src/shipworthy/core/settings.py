"""Process settings: read once when a command starts, passed down, never global."""

from __future__ import annotations

import os
from pathlib import Path

from msgspec import Struct


class Settings(Struct, frozen=True):
    """Where things are kept.

    Attributes:
        cache_dir: model weights and other downloads (``SHIPWORTHY_CACHE_DIR``).
        keys_dir: this user's signing keys (``SHIPWORTHY_KEYS_DIR``).
        control_url: address of the database that holds the control state (``SHIPWORTHY_CONTROL_URL``); empty for an
            SQLite file in each workspace. It may hold a password, so it is never shown.
    """

    cache_dir: Path
    keys_dir: Path
    control_url: str = ""

    @classmethod
    def load(cls) -> Settings:
        """Read the environment. Creates nothing."""
        from platformdirs import user_cache_path, user_config_path

        def place(name: str, default: Path) -> Path:
            return Path(os.environ[name]).expanduser() if os.environ.get(name) else default

        return cls(
            cache_dir=place("SHIPWORTHY_CACHE_DIR", user_cache_path("shipworthy")),
            keys_dir=place("SHIPWORTHY_KEYS_DIR", user_config_path("shipworthy") / "keys"),
            control_url=os.environ.get("SHIPWORTHY_CONTROL_URL", "").strip(),
        )

    def __repr__(self) -> str:
        # msgspec's own would print the address with its password, in a traceback or a log.
        control = "(set)" if self.control_url else "''"
        return f"Settings(cache_dir={self.cache_dir!r}, keys_dir={self.keys_dir!r}, control_url={control})"

    def __rich_repr__(self) -> list[tuple[str, object]]:
        control = "(set)" if self.control_url else ""
        return [("cache_dir", self.cache_dir), ("keys_dir", self.keys_dir), ("control_url", control)]
