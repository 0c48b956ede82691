"""Optional dependencies, imported when first needed."""

from __future__ import annotations

from importlib import import_module
from types import ModuleType

from shipworthy.core.errors import MissingExtra


def require(module: str, *, extra: str, package: str | None = None) -> ModuleType:
    """Import an optional module or say exactly what to install.

    Args:
        module: dotted name to import.
        extra: the extra of shipworthy that installs it.
        package: distribution name, when it differs from the module's first segment.

    Raises:
        MissingExtra: the module, or something it imports, is not installed.
    """
    try:
        return import_module(module)
    except ImportError as error:
        raise MissingExtra(package or module.partition(".")[0], extra) from error
