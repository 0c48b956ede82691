"""What takes all of shipworthy: a pack's safety files read again, its report and its pages made again.

The stand-alone verifier has this module too, and not what it imports: it says that it did not compare.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from shipworthy.core.errors import IntegrityError
from shipworthy.evidence import unchanged
from shipworthy.evidence.dossier_shape import FOLDER as DOSSIER
from shipworthy.evidence.verification import Check

Step = tuple[str, Callable[[Mapping[str, bytes]], Check]]


def checks(members: Mapping[str, bytes], *, for_customers: bool, signed_off: bool) -> Iterator[Check]:
    """Make again what can be made again, and yield what was found; the first that fails is the last.

    Args:
        members: of a pack that holds together otherwise.
        for_customers: whether it is one for customers; `signed_off` whether people decided on the release.
    """
    # Each is imported only where it is needed: all of it together takes longer than reading a small pack.
    steps: list[Step] = []
    try:
        if for_customers:
            from shipworthy.evidence.customer_pack import check_pages

            steps += [("pages", check_pages)]
        else:
            from shipworthy.evidence.known import check_known
            from shipworthy.evidence.rendered import check_report
            from shipworthy.evidence.written import check_written

            steps += [("fields", check_known), ("files", check_written), ("report", check_report)]
            if any(name.startswith(DOSSIER) for name in members):
                from shipworthy.evidence.dossier.packed import check_dossier

                steps += [("dossier", check_dossier)]
            if signed_off:
                from shipworthy.evidence.ruled import check_rules

                steps += [("rules", check_rules)]
    except ImportError as error:
        why = "not compared with the records, nor are the guide and the verifier beside it: "
        why += f"that takes all of shipworthy ({error})"
        yield Check("report", True, why, compared=False)
        if not for_customers and (other := unchanged.not_to_the_byte(members)):
            why = f"{other[0]}: not the file that was decided on, to the byte: telling whether more than"
            yield Check("files", False, f"{why} operational settings differ takes all of shipworthy")
        return
    for what, check in steps:
        try:
            found = check(members)
        except (IntegrityError, ValueError, LookupError, TypeError, AttributeError, RecursionError) as error:
            found = Check(what, False, f"cannot be read again ({type(error).__name__}: {error})")
        yield found
        if not found.ok:
            return
