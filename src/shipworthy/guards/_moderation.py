"""Classifiers of somebody else's, asked over HTTP: which categories does a text, or an answer, fall into?"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from shipworthy.core.errors import GuardError
from shipworthy.net.answer import HttpAnswer, describe_error
from shipworthy.net.endpoint import Endpoint
from shipworthy.net.options import HttpOptions

LLAMA_GUARD: Mapping[str, str] = {
    "S1": "violence", "S2": "crime", "S3": "sexual_exploitation", "S4": "sexual_exploitation", "S5": "defamation",
    "S6": "expert_advice", "S7": "privacy", "S8": "copyright", "S9": "weapons", "S10": "hate", "S11": "self_harm",
    "S12": "sexual", "S13": "elections", "S14": "code_abuse",
}  # fmt: skip
"""What the codes of Llama Guard 3 stand for, in the words of `output_policy`; others are given as they are."""

_CODE = re.compile(r"[A-Za-z]{1,3}[0-9]{1,3}")


def plain(category: str) -> str:
    """Return a category in one writing.

    >>> plain("self-harm/intent"), plain("Hate")
    ('self_harm_intent', 'hate')
    """
    return re.sub(r"[^a-z0-9]+", "_", category.lower()).strip("_")


class ModerationEndpoint:
    """An endpoint of one of two shapes.

    Args:
        shape: ``openai_moderation`` (``POST /moderations``) or ``llama_guard`` (``POST /chat/completions`` with a model
            that answers ``safe``, or ``unsafe`` and a line of codes).
        base_url: up to, not including, these.
        model: as the endpoint names it; may be left out of ``openai_moderation``.
        key: credential reference; "" for an endpoint without.
        codes: what further codes stand for.
        timeout: seconds for one try; there is one more try.

    Raises:
        UsageError: the address is none, or a key would travel in the clear.
    """

    def __init__(
        self,
        shape: str,
        base_url: str,
        *,
        model: str = "",
        key: str = "",
        key_header: str = "Authorization",
        codes: Mapping[str, str] | None = None,
        timeout: float = 1.5,
        plain_http: bool = False,
        ca_file: str = "",
    ) -> None:
        self._shape, self._model, self._codes = shape, model, {**LLAMA_GUARD, **(codes or {})}
        path = "/moderations" if shape == "openai_moderation" else "/chat/completions"
        prefix = "Bearer " if key_header.lower() == "authorization" else ""
        self._endpoint = Endpoint(
            base_url.rstrip("/") + path,
            HttpOptions(timeout=timeout, retries=1, longest_wait=timeout, plain_http=plain_http, ca_file=ca_file),
            credentials={key_header: (key, prefix)} if key else None,
        )

    async def categories(self, text: str, request: str | None) -> Sequence[str]:
        """Return the categories of a text; nothing where it is safe.

        Args:
            request: what the text answers; None where it is itself a request.

        Raises:
            GuardError: the endpoint did not answer, or not in its shape: nobody has judged the text.
            TargetError: the same, of the connection.
        """
        if self._shape == "openai_moderation":
            body: dict[str, Any] = {"input": text} | ({"model": self._model} if self._model else {})
            return _moderated(self._sound(await self._endpoint.ask(body)))
        messages = [{"role": "user", "content": text if request is None else request}]
        messages += [{"role": "assistant", "content": text}] if request is not None else []
        body = {"model": self._model, "messages": messages, "temperature": 0, "max_tokens": 64, "stream": False}
        return self._guarded(self._sound(await self._endpoint.ask(body)))

    async def close(self) -> None:
        """Close its connections."""
        await self._endpoint.close()

    def _sound(self, answer: HttpAnswer) -> Any:
        if answer.status != 200 or not answer.is_json:
            raise GuardError(f"{self._endpoint.origin} answered {describe_error(answer)}")
        return answer.body

    def _guarded(self, body: Any) -> Sequence[str]:
        try:
            said = body["choices"][0]["message"]["content"].strip()
        except (KeyError, IndexError, TypeError, AttributeError):
            raise GuardError("the endpoint did not answer with a chat completion") from None
        first, _, rest = said.partition("\n")
        if first.strip().lower() == "safe" and not rest.strip():
            return ()
        codes = _CODE.findall(rest)
        if first.strip().lower() != "unsafe" or not codes:
            raise GuardError("the endpoint answered neither 'safe' nor 'unsafe' and codes: is the model a Llama Guard?")
        return [plain(self._codes.get(code.upper(), code)) for code in codes]


def _moderated(body: Any) -> Sequence[str]:
    try:
        results = body["results"]
        if not results:
            raise GuardError("the endpoint answered without a result")
        found = []
        for result in results:
            said = result["categories"]
            if not all(isinstance(v, bool | None) for v in said.values()) or not isinstance(result["flagged"], bool):
                raise GuardError("the endpoint's categories are not true or false")
            named = [plain(name) for name, hit in said.items() if hit]
            # Flagged without a word why is flagged.
            found += named or (["flagged"] if result["flagged"] else [])
    except (KeyError, TypeError, AttributeError):
        raise GuardError("the endpoint did not answer with a moderation") from None
    return found
