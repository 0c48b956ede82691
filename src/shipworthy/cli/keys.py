"""Make signing keys, and the trust files that verifiers keep."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from shipworthy.cli._options import form_option

if TYPE_CHECKING:
    from shipworthy.store.held import KeyHolder


@click.group(no_args_is_help=True)
def command() -> None:
    """Make signing keys, and the trust files that verifiers keep.

    Keys lie in your configuration folder, or where SHIPWORTHY_KEYS_DIR says.
    """


@command.command()
@click.option("--name", required=True, help="The key's file name.")
@click.option("--owner", default="", help="Who signs with it; the name, if left out.")
@click.option("--role", "roles", metavar="RO-…", multiple=True, help="What it may sign as, such as a role of the workspace; a release decision, if left out. May be repeated.")  # fmt: skip  # noqa: E501
def new(name: str, owner: str, roles: tuple[str, ...]) -> None:
    """Make an ed25519 key, readable by you alone. A key is never overwritten."""
    from shipworthy.core.settings import Settings
    from shipworthy.store.signing import new_key

    directory = Settings.load().keys_dir
    key = new_key(directory, name, owner=owner, roles=roles)
    click.echo(f"private key  {directory / name}.key  (mode 0600; keep it where only {key.public.owner} can read it)")
    click.echo(f"public key   {directory / name}.pub.json")
    click.echo(f"keyid        {key.public.keyid}")


@command.command()
@click.option("--name", required=True, help="The key's file name.")
def ecdsa(name: str) -> None:
    """Make a P-256 key for `shipworthy suites sign`: the OpenSSF form takes no ed25519 keys."""
    from shipworthy.core.settings import Settings
    from shipworthy.store.model_signature import new_ec_key

    private, public = new_ec_key(Settings.load().keys_dir, name)
    click.echo(f"private key  {private}  (mode 0600)")
    click.echo(f"public key   {public}")


_NAMED = click.option("--name", required=True, help="What the key is called here.")
_OWNER = click.option("--owner", default="", help="Who signs with it; the name, if left out.")
_ROLES = click.option("--role", "roles", metavar="RO-…", multiple=True, help="What it may sign as; may be repeated.")


@command.command()
@_NAMED
@click.option("--module", required=True, metavar="FILE", help="The token's driver, such as /usr/lib/softhsm/libsofthsm2.so.")  # fmt: skip  # noqa: E501
@click.option("--token", required=True, metavar="LABEL", help="The token's label.")
@click.option("--label", required=True, help="The key's label in the token.")
@click.option("--pin", required=True, metavar="REFERENCE", help="Where the user PIN is: env:NAME or file:PATH.")
@_OWNER
@_ROLES
def pkcs11(*, name: str, module: str, token: str, label: str, pin: str, owner: str, roles: tuple[str, ...]) -> None:
    """Sign with an ed25519 key in a PKCS #11 token: a smart card, an HSM. The key never leaves it.

    Needs `pip install "shipworthy[pkcs11]"`. The key must be there already; it signs once to show that it can.
    """
    from shipworthy.store.held import Pkcs11Holder, Pkcs11Place, check_reference

    check_reference(pin, "--pin")
    _add(name, Pkcs11Holder(Pkcs11Place(module, token, label, pin)), owner, roles)


@command.command()
@_NAMED
@click.option("--address", required=True, metavar="URL", help="Of the server, such as https://bao.example:8200.")
@click.option("--key", required=True, help="The key's name in the transit engine; its type is ed25519.")
@click.option("--mount", default="transit", show_default=True, help="Where the transit engine is mounted.")
@click.option("--token", metavar="REFERENCE", default="env:BAO_TOKEN", show_default=True, help="Where the token is: env:NAME or file:PATH.")  # fmt: skip  # noqa: E501
@click.option("--ca-file", default="", metavar="FILE", help="PEM file of the authority that signed its certificate.")
@_OWNER
@_ROLES
def openbao(
    *, name: str, address: str, key: str, mount: str, token: str, ca_file: str, owner: str, roles: tuple[str, ...]
) -> None:
    """Sign with a key in OpenBao's transit engine. The key never leaves it; its newest version is pinned.

    After a rotation, add the new version under another name: verifiers trust keys, not names.
    """
    from shipworthy.store.held import TransitHolder, TransitPlace, check_reference

    check_reference(token, "--token")
    _add(name, TransitHolder(TransitPlace(address, mount, key, token, ca_file=ca_file)).pinned(), owner, roles)


def _add(name: str, holder: KeyHolder, owner: str, roles: tuple[str, ...]) -> None:
    from shipworthy.core.settings import Settings
    from shipworthy.store.signing import add_key

    directory = Settings.load().keys_dir
    added = add_key(directory, name, holder, owner=owner, roles=roles)
    click.echo(f"where it is  {directory / name}.held.json")
    click.echo(f"public key   {directory / name}.pub.json")
    click.echo(f"keyid        {added.public.keyid}")


@command.command("list")
@form_option
def list_(form: str) -> None:
    """List your keys."""
    from shipworthy.cli._tables import listing
    from shipworthy.core.settings import Settings
    from shipworthy.store.trust import public_keys

    directory = Settings.load().keys_dir
    rows = [{"owner": key.owner, "keyid": key.keyid} for key in public_keys(directory)]
    click.echo(listing(rows, form, ("owner", "keyid"), empty=f"no keys in {directory}"))


@command.command()
@click.option("--threshold", default=1, show_default=True, help="How many of the owners must have signed a pack.")
@click.option("--need", "needs", metavar="ROLE=N", multiple=True, help="How many owners must have signed in a role, such as safety=1; may be repeated.")  # fmt: skip  # noqa: E501
@click.argument("public", nargs=-1, type=click.Path(path_type=Path, exists=True))
def trust(threshold: int, needs: tuple[str, ...], public: tuple[Path, ...]) -> None:
    """Print a trust file of PUBLIC key files (`*.pub.json`), or of your own keys: `keys trust > trust.json`.

    What a key file says of `not_before`, `not_after`, `roles` and `revoked` is taken over.
    """
    import re

    from shipworthy.core.errors import UsageError
    from shipworthy.core.settings import Settings
    from shipworthy.store.trust import load_public, public_keys, trust_json

    directory = Settings.load().keys_dir
    keys = [load_public(path) for path in public] if public else public_keys(directory)
    if not keys:
        raise UsageError(f"there are no keys in {directory}: `shipworthy keys new --name NAME` makes one")
    roles = {}
    for need in needs:
        found = re.fullmatch(r"([^=]+)=([0-9]{1,4})", need)
        if found is None:
            raise UsageError(f"--need {need!r}: a role and a number, such as safety=1")
        roles[found[1]] = int(found[2])
    click.echo(trust_json(keys, threshold, roles), nl=False)
