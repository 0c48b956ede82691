"""Why a request gets no answer, before it is put into the client's dialect."""

from __future__ import annotations

from shipworthy.core.served import Ending


class HttpRefusal(Exception):
    """A request that is not answered.

    Attributes:
        status: HTTP status.
        kind: the wire's word for it, such as ``invalid_request_error``.
        message: what was wrong and what to do; never text of the conversation or of the upstream.
        field: of the request; empty where it is about no field.
        code: a more exact word.
        retry_s: seconds after which another try makes sense; None where none does.
        ending: as it is recorded.
    """

    def __init__(
        self,
        status: int,
        kind: str,
        message: str,
        *,
        field: str = "",
        code: str = "",
        retry_s: float | None = None,
        ending: Ending = "refused",
    ) -> None:
        self.status, self.kind, self.message, self.field, self.code = status, kind, message, field, code
        self.retry_s, self.ending = retry_s, ending
        super().__init__(message)


def retry_after(refusal: HttpRefusal) -> dict[str, str]:
    """Return the header that says when to try again, where that makes sense."""
    return {"retry-after": str(max(1, round(refusal.retry_s)))} if refusal.retry_s is not None else {}
