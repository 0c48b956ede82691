"""Build, verify and show evidence packs.

A pack is one signed ZIP behind one decision. It verifies offline, with keys that the verifier already has.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from shipworthy.cli._options import allow_code_option, form_option, workspace_option
from shipworthy.cli._pack_diff import diff_command

if TYPE_CHECKING:
    from shipworthy.evidence.dossier.paper import View


@click.group(no_args_is_help=True)
def command() -> None:
    """Build, verify, show and compare evidence packs."""


command.add_command(diff_command)


@command.command()
@workspace_option
@allow_code_option
@click.argument("decision", default="latest")
@click.option("--output", "-o", type=click.Path(path_type=Path, dir_okay=False), help="The pack's file.")
@click.option(
    "--key",
    "keys",
    multiple=True,
    help="A private key: its file, or its name among your keys. Several may sign. Left out: your only key.",
)
@click.option("--view", type=click.Choice(("internal", "customer", "regulator")), default="internal", show_default=True, help="For whom: `regulator` adds an index by Annex IV; `customer` holds their view and nothing else.")  # fmt: skip  # noqa: E501
@click.option(
    "--conformance",
    "certificates",
    multiple=True,
    metavar="FILE",
    type=click.Path(path_type=Path, dir_okay=False),
    help="A gateway's signed certificate (`shipworthy conformance --output`) to put in. May be repeated.",
)
def build(
    *,
    workspace: Path,
    allow_code: bool,
    decision: str,
    output: Path | None,
    keys: tuple[str, ...],
    view: View,
    certificates: tuple[Path, ...],
) -> None:
    """Write the signed evidence pack of DECISION (an id, a prefix of one, or `latest`).

    Without --output it becomes `evidence/DECISION.zip` in the workspace, or `evidence/DECISION-VIEW.zip`. A certificate
    must be signed by one of the pack's keys, or by one whose public key is among yours. What people signed of the
    decision (`shipworthy release`) goes in with it, once they have decided; their keys are those in the workspace's
    `signers.json`.
    """
    from shipworthy.core.digests import bytes_digest
    from shipworthy.core.errors import UsageError
    from shipworthy.core.settings import Settings
    from shipworthy.evidence.pack import build_pack, write_pack
    from shipworthy.release.signing import SIGNERS, signers_of
    from shipworthy.store.layout import Layout
    from shipworthy.store.signing import find_keys
    from shipworthy.store.trust import public_keys
    from shipworthy.workspace.load import Workspace

    def read_bytes(path: Path) -> bytes:
        try:
            return path.read_bytes()
        except OSError as error:
            raise UsageError(f"cannot read the certificate {path}: {error.strerror}") from error

    signers = find_keys(Settings.load().keys_dir, keys)
    loaded = Workspace.load(workspace, allow_code=allow_code)
    decided = Layout(workspace).load_decision(decision)
    given = [read_bytes(one) for one in certificates]
    known = public_keys(Settings.load().keys_dir) if given else []
    if (workspace / SIGNERS).is_file():
        people = signers_of(workspace).keys
        known = [*(key for key in known if key.keyid not in {one.keyid for one in people}), *people]
    if view == "customer":
        from shipworthy.evidence.customer_pack import build_customer_pack

        if given:
            raise UsageError("a customer's pack holds no certificate: leave --conformance out")
        data = build_customer_pack(loaded, decided, signers)
    else:
        data = build_pack(loaded, decided, signers, given, known, view=view)
    path = output or workspace / "evidence" / f"{decided.id}{'' if view == 'internal' else f'-{view}'}.zip"
    write_pack(path, data)
    click.echo(f"{path}  ({len(data):,} bytes, {bytes_digest(data)})")
    click.echo(f"decision {decided.id}: {decided.verdict}; signed by {', '.join(key.public.owner for key in signers)}")


@command.command()
@click.argument("pack", type=click.Path(path_type=Path))
@click.option(
    "--trust",
    required=True,
    type=click.Path(path_type=Path),
    help="Whom you believe: your own trust file, never the pack's.",
)
@click.option("--require", "verdict", type=click.Choice(("ship", "no-ship", "inconclusive", "go", "go-with-risk-acceptance", "any")), default="ship", show_default=True, help="The verdict that it must have; `go…` is what people signed.")  # fmt: skip  # noqa: E501
@click.option("--system", metavar="ID", help="The system that it must be about.")
@click.option("--subject", metavar="DIGEST", help="Digest of the subject that it must be about, sha256:… in full.")
@click.option("--max-age", metavar="AGE", help="How old the decision and its oldest run may be: 12h, 90d, 8w.")
@click.option("--audit-head", metavar="DIGEST", help="A head of the audit log that you kept: the log must have had it.")
@click.option("--audit-log", metavar="FILE", type=click.Path(path_type=Path), help="A newer audit log (lines, a control.sqlite, or a newer pack): a later decision on the system supersedes this one.")  # fmt: skip  # noqa: E501
@click.option("--stamp", metavar="FILE", type=click.Path(path_type=Path), help="A time stamp (RFC 3161) that must be of this pack; `evidence stamp` gets one.")  # fmt: skip  # noqa: E501
@click.option("--stamp-trust", metavar="PEM", type=click.Path(path_type=Path), help="Whom you believe of time: certificates of time stamping authorities.")  # fmt: skip  # noqa: E501
@click.pass_context
def verify(
    ctx: click.Context, /, pack: Path, trust: Path, stamp: Path | None, stamp_trust: Path | None, **asked_for: Any
) -> None:
    """Check that PACK is, to the byte, what trusted signers made, that its content holds together, and what it says.

    Works offline. A pack must say *ship*, unless --require says otherwise, so `verify && deploy` deploys nothing else.
    The report inside is rendered again from the records inside and compared.

    Exit codes: 0 verified, and all that was asked for; 1 verified, verdict no-ship; 2 usage error; 3 verified, verdict
    inconclusive; 4 not verified, and the file is named; 5 verified, and other evidence than was asked for: another
    verdict, system or subject, too old, superseded, or of another audit log.
    """
    from shipworthy.evidence.require import answer, wanted
    from shipworthy.evidence.stamp import given_stamp
    from shipworthy.evidence.verification import report
    from shipworthy.evidence.verify import verify_pack
    from shipworthy.store.trust import load_trust

    asked = wanted(**asked_for)
    believed = load_trust(trust)
    found = verify_pack(pack, believed, given_stamp(stamp, stamp_trust))
    given = answer(found, asked, believed)
    click.echo("\n".join((report(found), *given.lines)))
    ctx.exit(given.code)


@command.command()
@click.argument("pack", type=click.Path(path_type=Path))
@click.argument("member", required=False)
@click.option("--raw", is_flag=True, help="Write MEMBER's bytes as they are: for a file, not for a terminal.")
@form_option
def show(pack: Path, member: str | None, raw: bool, form: str) -> None:
    """List what is in PACK, or print one MEMBER of it. Checks the container, not the signature.

    The list can be had as JSON; a member is printed as what it is. What a terminal would obey is spelled out in what is
    printed (in JSON it means the same); --raw leaves it as it is.
    """
    from shipworthy.core.errors import UsageError, did_you_mean
    from shipworthy.core.terminal import escape, shown
    from shipworthy.evidence.archive import MAX_BYTES, read

    try:
        with pack.open("rb") as file:
            members = read(file.read(MAX_BYTES + 1))
    except OSError as error:
        raise UsageError(f"cannot read the pack {pack}: {error.strerror}") from error
    if member is None and form == "json":
        import json

        from shipworthy.core.digests import bytes_digest

        rows = [{"name": n, "bytes": len(d), "digest": bytes_digest(d)} for n, d in members.items()]
        click.echo(json.dumps({"members": rows, "signature": "not checked"}, indent=2))
    elif member is None:
        for name, data in members.items():
            click.echo(f"{len(data):>12,}  {name}")
        click.echo("The signature was not checked: `shipworthy evidence verify` does that.", err=True)
    elif member not in members:
        raise UsageError(f"the pack has no member {shown(member)!r}: {did_you_mean(member, list(members))}")
    elif raw:
        click.echo(members[member], nl=False)
    else:
        try:
            text = members[member].decode("utf-8")
        except UnicodeDecodeError:
            raise UsageError(f"{member} is no text: --raw writes it as it is") from None
        click.echo(escape(text), nl=False)
        click.echo("The signature was not checked: `shipworthy evidence verify` does that.", err=True)


@command.command()
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@click.option("--url", metavar="URL", help="The authority to ask. Only the file's digest is sent to it.")
@click.option("--ca-file", metavar="PEM", type=click.Path(path_type=Path), help="An authority of certificates for its https, beside the system's own.")  # fmt: skip  # noqa: E501
@click.option("--request", metavar="FILE", type=click.Path(path_type=Path, dir_okay=False), help="Write the request and ask nobody: send it from where there is a network.")  # fmt: skip  # noqa: E501
@click.option("--out", metavar="FILE", type=click.Path(path_type=Path, dir_okay=False), help="Where to write the time stamp; FILE.tsr if left out.")  # fmt: skip  # noqa: E501
def stamp(*, file: Path, url: str | None, ca_file: Path | None, request: Path | None, out: Path | None) -> None:
    """Have a third party say when FILE, such as a pack, was there: a time stamp after RFC 3161.

    The token lies beside the file. `evidence verify PACK --stamp PACK.tsr --stamp-trust PEM` looks at it, offline, and
    so do the stand-alone verifier and `openssl ts -verify`. What it adds is a clock that the signers do not hold: who
    has the keys cannot write a pack today that was signed last month.
    """
    from shipworthy.core.errors import UsageError
    from shipworthy.evidence.stamp_request import ask, request_for
    from shipworthy.store.files import write_atomic

    if (url is None) is (request is None):
        raise UsageError("give --url to ask an authority, or --request to write what it would be asked")
    try:
        data = file.read_bytes()
    except OSError as error:
        raise UsageError(f"cannot read {file}: {error.strerror}") from error
    target = request or out or Path(f"{file}.tsr")
    made, line = request_for(data), "the request, to be sent as application/timestamp-query"
    written = made.data
    if url is not None:
        written, found = ask(url, made, data, ca_file=str(ca_file or ""))
        line = f"{file.name} was there at {found.at:%Y-%m-%d %H:%M:%S} UTC, says {url} (who that is, verify tells)"
    try:
        write_atomic(target, written)
    except OSError as error:
        raise UsageError(f"cannot write {target}: {error.strerror}") from error
    click.echo(f"{target}  ({len(written):,} bytes): {line}")


@command.command()
@click.option("--out", metavar="FILE", type=click.Path(path_type=Path, dir_okay=False), help="Where to write it.")
def verifier(*, out: Path | None) -> None:
    """Print the digest of the stand-alone verifier of this version, and write the verifier to a file.

    It is one Python program that needs `cryptography` and no shipworthy: `python3 -I verify.py PACK --trust FILE`.
    Every pack holds a copy; an auditor should have it, or its digest, from a trusted source, not from the pack.
    """
    from shipworthy.core.digests import bytes_digest
    from shipworthy.core.errors import UsageError
    from shipworthy.evidence.bundle import bundle
    from shipworthy.store.files import write_atomic

    data = bundle()
    if out is not None:
        try:
            write_atomic(out, data)
        except OSError as error:
            raise UsageError(f"cannot write {out}: {error.strerror}") from error
    click.echo(bytes_digest(data) + (f"  {out}" if out else ""))
