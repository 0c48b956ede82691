"""Process settings: built once in `cli`, passed down, never global."""

from __future__ import annotations

import os
from pathlib import Path

from msgspec import Struct


class Settings(Struct, frozen=True):
    """Where things are kept on this machine.

    Attributes:
        cache_dir: model weights and other downloads (``SHIPWORTHY_CACHE_DIR``).
        keys_dir: this user's signing keys (``SHIPWORTHY_KEYS_DIR``).
    """

    cache_dir: Path
    keys_dir: Path

    @classmethod
    def load(cls) -> Settings:
        """Read the environment. Creates nothing."""
        from platformdirs import user_cache_path, user_config_path

        def place(name: str, default: Path) -> Path:
            return Path(os.environ[name]).expanduser() if os.environ.get(name) else default

        return cls(
            cache_dir=place("SHIPWORTHY_CACHE_DIR", user_cache_path("shipworthy")),
            keys_dir=place("SHIPWORTHY_KEYS_DIR", user_config_path("shipworthy") / "keys"),
        )
