from __future__ import annotations

import pytest

from shipworthy.net.answer import HttpAnswer, describe_error


@pytest.mark.parametrize(
    ("status", "body", "said"),
    [
        (
            401,
            {"error": {"code": "invalid_api_key", "message": "sk-secret"}},
            "status 401 (invalid_api_key): check the key",
        ),
        (400, {"error": "a sentence with text"}, "status 400"),
        (400, {"error": {"type": "a sentence", "code": "sk-0123456789"}}, "status 400"),
        (500, None, "status 500"),
        (400, {"error": {"code": "x_y", "type": "x_y"}}, "status 400 (x_y)"),
    ],
)
def test_an_error_is_named_by_its_kind_alone(status, body, said):
    assert describe_error(HttpAnswer(status, body, True, "")) == said
