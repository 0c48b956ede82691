"""What a pack tells its reader of how to verify it."""

GUIDE = "VERIFY.md"

VERIFY = """# How to verify this pack

Trust begins with you: get the signers' public keys (`trust.json`) by another way than this pack.

    shipworthy evidence verify PACK.zip --trust trust.json

or, with nothing but Python 3.11 and the package `cryptography`, by the stand-alone verifier:

    python3 -I verify.py PACK.zip --trust trust.json

Take that file, too, from a source that you trust, and not from this pack. The `verify.py` in here is a copy for later
readers: it is signed like every other member, but a signer who would forge a pack would put another verifier into it,
and a program cannot vouch for itself. Anybody who has shipworthy in the version that `manifest.json` names makes the
same file with `shipworthy evidence verifier --out verify.py`, which prints its digest; hold a copy against it with
`sha256sum verify.py` before you run it.

Neither needs a network. Both exit with 0 if the pack holds and its verdict is `ship`, with 1 if it is `no-ship`,
with 3 if it is `inconclusive`, and with 4 and the name of the file if the pack does not hold. `--require any`
takes every verdict; `--system`, `--subject`, `--max-age`, `--audit-head` and `--audit-log` ask for more, and exit
with 5 where it is not so.

What is checked: the archive, to the byte; the SHA-256 of every member (`manifest.json`); the ed25519 signatures
over the manifest (`attestations/decision.dsse.json`, an in-toto statement in a DSSE envelope), and that each
signer's key was valid; the hash chains of each run's records and their Merkle root; that the audit log recorded
these runs and this decision; that specification and subject are the ones named by digest; every criterion, counted
again from the records; the trace from risks to records; that the safety files are those that were decided on; that
all members say the same of system, gate, plans and suites; certificates of gateways, where there are any: their
signatures, and that what they say follows from their cells; and, by all of shipworthy in the version that built the
pack, the report, this guide and `verify.py`.

What is not: whether the scorers judged rightly, whether the samples are the right ones, and whether the signers were
honest about what they ran. Records are redacted: their text is not the text that was scored. `seal.json` of each run
names the heads of the original logs, which their owner can show.
"""

CUSTOMER = """# How to verify this pack

It holds one release decision in the view for customers: no record, no prompt, no attack and no safety file. Trust
begins with you: get the signers' public keys (`trust.json`) by another way than this pack.

    shipworthy evidence verify PACK.zip --trust trust.json

It needs no network, and exits with 0 if the pack holds and its verdict is `ship`, with 1 if it is `no-ship`, with 3 if
it is `inconclusive`, and with 4 and the name of the file if the pack does not hold.

What is checked: the archive, to the byte; the SHA-256 of every member; the ed25519 signatures, and that each signer's
key was valid; that the verdict follows from the verdicts of its criteria; and, by the version that built the pack, that
every page says what the facts in `customer.json` say.

What cannot be checked with it: any number. They are the signer's word. `decision_digest` and the Merkle root of each
run's records, in what was signed, name the evidence behind them: whoever is shown the whole pack can hold the two
against each other.

It organises evidence and certifies nothing.
"""
