"""What a reference to a secret stands for on this machine: it must be something that can be told from ordinary text."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from shipworthy.core.credentials import revealed, weakness
from shipworthy.core.errors import CredentialError, EmptyCredential

if TYPE_CHECKING:
    from shipworthy.workspace.draft import Draft, Placed
    from shipworthy.workspace.fields import Loc


def check_reference(placed: Placed[Any], loc: Loc, reference: str, draft: Draft) -> None:
    """Report a value that would be found everywhere or nowhere; the value itself is not said.

    That a reference leads nowhere is a warning: another machine may have what this one lacks. A run fails closed.
    """
    try:
        values = revealed([reference])
    except EmptyCredential as error:
        draft.problems.append(placed.problem(loc, str(error), "put the value there, or take the reference out"))
    except CredentialError as error:
        draft.warnings.append(placed.problem(loc, f"a run cannot be made here: {error}"))
    else:
        if wrong := next(filter(None, map(weakness, values)), ""):
            said = f"what {reference!r} stands for {wrong}: it could not be told from ordinary text"
            draft.problems.append(placed.problem(loc, said))
