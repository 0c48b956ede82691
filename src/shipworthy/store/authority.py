"""Whether those who signed may: each key's time, role and revocation, and how many a trust file asks for in each role.

Standard library only: the stand-alone verifier uses it. The time of a signature is what the signed statement says, by
its signer's own clock. So a key that somebody else may have must be revoked as `compromised`: whoever has it can sign
with any time.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from shipworthy.core.errors import IntegrityError
from shipworthy.store.trust import RELEASE, PublicKey, Trust, owners, signs_off, time_text


def check_signers(trust: Trust, signers: Sequence[PublicKey], at: datetime) -> None:
    """Check that every signer was allowed to sign a release decision at a time, and that all that must have signed did.

    One signature that does not count refuses all: it must not stand beside good ones as if it did.

    Args:
        signers: whose signatures are good.
        at: when they signed, as they say.

    Raises:
        IntegrityError: says which key, and why it does not count; or which role lacks signers.
    """
    for key in signers:
        if why := _refusal(trust, key, at):
            raise IntegrityError(f"the signature of {key.owner} ({key.keyid[:12]}) does not count: {why}")
    for role, needed in sorted(trust.roles.items()):
        if signs_off(role):
            continue  # asked of those who signed off the release, in the workspace's own roles
        if (signed := owners(key for key in signers if role in key.roles)) < needed:
            raise IntegrityError(f"{signed} of {needed} needed signers have signed as {role!r}")


def check_key(key: PublicKey, role: str, at: datetime) -> None:
    """Check that a key might sign in a role at a time; for what one person signs, such as an approval.

    Raises:
        IntegrityError: says why its signature does not count.
    """
    if why := _out_of_time(key, at):
        raise IntegrityError(f"the signature of {key.owner} ({key.keyid[:12]}) does not count: {why}")
    if role not in key.roles:
        roles = ", ".join(key.roles)
        raise IntegrityError(f"the key of {key.owner} ({key.keyid[:12]}) may sign as {roles}, and not as {role}")


def _refusal(trust: Trust, key: PublicKey, at: datetime) -> str:
    if why := _out_of_time(key, at):
        return why
    if not {RELEASE, *(role for role in trust.roles if not signs_off(role))}.intersection(key.roles):
        return f"the key may sign as {', '.join(key.roles)}, and not a release decision"
    return ""


def _out_of_time(key: PublicKey, at: datetime) -> str:
    when = f"it was signed on {time_text(at)}"
    if key.revoked is not None and (key.revoked.compromised or at >= key.revoked.at):
        why = f" ({key.revoked.why})" if key.revoked.why else ""
        since = f"the key was revoked on {time_text(key.revoked.at)}{why}"
        return f"{since} as compromised: no signature by it counts" if key.revoked.compromised else f"{since}, {when}"
    if key.not_before is not None and at < key.not_before:
        return f"the key is valid from {time_text(key.not_before)}, {when}"
    if key.not_after is not None and at > key.not_after:
        return f"the key was valid until {time_text(key.not_after)}, {when}"
    return ""
