"""What agents may do with their tools: ``policy.yaml``."""

from __future__ import annotations

from shipworthy.workspace.kind import kind
from shipworthy.workspace.policies import PolicyFile

kind("policy", written="file")(PolicyFile)
