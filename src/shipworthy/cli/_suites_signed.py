"""`shipworthy suites sign` and `suites verify`: a suite's folder, or a data set's, in the OpenSSF form."""

from __future__ import annotations

from pathlib import Path

import click

from shipworthy.cli._options import workspace_option

SIGNATURE = "suite.sig"
"""The name of the file in the folder, where none is given."""
_SIGNATURE = click.option("--signature", metavar="FILE", type=click.Path(dir_okay=False, path_type=Path), help="The signature; suite.sig in the folder, if left out.")  # fmt: skip  # noqa: E501


@click.command()
@workspace_option
@click.argument("source")
@click.option("--key", required=True, metavar="FILE", type=click.Path(path_type=Path), help="PEM of a private key on P-256, P-384 or P-521: `shipworthy keys ecdsa` makes one.")  # fmt: skip  # noqa: E501
@_SIGNATURE
def sign(*, workspace: Path, source: str, key: Path, signature: Path | None) -> None:
    """Sign SOURCE, a suite's name or a folder such as a data set's, in the OpenSSF form (OMS 1.0).

    Every file in the folder is signed but git's own. `model_signing verify key`, of the package model-signing, and
    `shipworthy suites verify` check it.
    """
    from shipworthy.store.model_signature import sign_folder

    folder = _folder(workspace, source)
    place = signature or folder / SIGNATURE
    found = sign_folder(folder, key, place)
    click.echo(f"{place}: {len(found.files):,} files of {found.name}")
    click.echo(f"digest  {found.digest}")
    click.echo(f"key     {found.hint}")


@click.command()
@workspace_option
@click.argument("source")
@click.option("--key", required=True, metavar="FILE", type=click.Path(path_type=Path), help="PEM of the public key that you trust.")  # fmt: skip  # noqa: E501
@_SIGNATURE
def verify(*, workspace: Path, source: str, key: Path, signature: Path | None) -> None:
    """Check that SOURCE, a suite's name or a folder, is what was signed: no file less, more or other.

    A changed file, another key or a signature that lets files out ends with exit code 4.
    """
    from shipworthy.store.model_signature import verify_folder

    folder = _folder(workspace, source)
    found = verify_folder(folder, signature or folder / SIGNATURE, key)
    click.echo(f"{folder}: {len(found.files):,} files, as they were signed under the name {found.name!r}")
    click.echo(f"digest  {found.digest}")


def _folder(workspace: Path, source: str) -> Path:
    """Return the folder of a suite of the workspace or of the library, or one that is named.

    Raises:
        UsageError: there is none, or the suite is a single file.
    """
    from shipworthy.core.errors import UsageError
    from shipworthy.workspace.library import LIBRARY

    if Path(source).is_dir():
        return Path(source)
    for folder in (workspace / "suites" / source, LIBRARY / source):
        if "/" not in source and source not in (".", "..") and (folder / "suite.yaml").is_file():
            return folder
    if (workspace / "suites" / f"{source}.yaml").is_file():
        raise UsageError(f"the suite {source} is one file; what is signed is a folder: suites/{source}/suite.yaml")
    raise UsageError(f"there is no folder {source}, nor a suite of that name with a folder of its own")
