"""The guards in front of the system and behind it: ``guards.yaml``, and the rules in it."""

from __future__ import annotations

from shipworthy.workspace.guards import GuardFile, GuardRule
from shipworthy.workspace.kind import kind

kind("guard", written="part")(GuardRule)
kind("pipeline", written="file")(GuardFile)
