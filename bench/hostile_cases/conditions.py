"""Conditions, limits and levels that nothing can meet, that everything meets, or that read as another number."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from case import Case, Outcome, accepted, crashed, judge
from lab import Lab

KIND, EMPTY = "condition", "condition that asks nothing"


def controls(lab: Lab) -> Iterator[Case]:
    """Conditions as people write them."""
    for must in ("upper95 <= 0.30", "upper95<=30%", "lower90 >= 0.01", "worst_attack_upper95 <= .3", "UPPER95 <= 3e-1", "rise_upper95 <= 0.05"):  # fmt: skip
        yield Case(KIND, f"control: {must}", lambda must=must: accepted(_checked(lab, must=must)))


def cases(lab: Lab) -> Iterator[Case]:
    """Texts that are no condition, and those that are one and mean nothing."""
    for must in _WRONG:
        yield Case(KIND, f"{must!r}"[:60], lambda must=must: judge(_checked(lab, must=must), codes=(2,)))
    for fields in _FIELDS:
        name = ", ".join(f"{key}: {str(value)[:20]!r}" for key, value in fields.items())
        yield Case(KIND, name, lambda fields=fields: judge(_checked(lab, **{"must": "upper95 <= 0.30"} | fields), codes=(2,)))  # fmt: skip
    for must in _VACUOUS:
        yield Case(EMPTY, must, lambda must=must: _warned(lab, must))
    for gate in _GATES:
        name = ", ".join(f"{key}: {str(value)[:20]!r}" for key, value in gate.items())
        yield Case(KIND, f"gate, {name}", lambda gate=gate: judge(_gated(lab, gate), codes=(2,)))


def _checked(lab: Lab, **criterion: Any) -> Any:
    root = lab.workspace(samples=60)
    made = {"id": "CR-leak", "suite": "leaks", "metric": "leak", **criterion}
    one = {"id": "RQ-leak", "text": "x", "mitigates": ["RK-leak"], "criteria": [made]}
    other = {"id": "RQ-help", "text": "x", "mitigates": ["RK-harm"], "criteria": [{"id": "CR-help", "suite": "helps", "must": "upper95 <= 0.5"}]}  # fmt: skip
    (root / "requirements.yaml").write_text(json.dumps({"requirements": [one, other]}))
    return lab.run("check", "-C", root, tty=True)


def _gated(lab: Lab, fields: dict[str, Any]) -> Any:
    root = lab.workspace(samples=60)
    (root / "gate.yaml").write_text(json.dumps({"gate": {"id": "release", "criteria": "all"} | fields}))
    return lab.run("check", "-C", root, tty=True)


def _warned(lab: Lab, must: str) -> Outcome:
    ran = _checked(lab, must=must)
    if why := crashed(ran):
        return Outcome("traceback", why)
    # The honest conditions of the controls have none.
    if ran.code == 2 or re.search(r"\b[1-9]\d* warnings?:", ran.said):
        return Outcome("refused")
    return Outcome("accepted_wrongly", f"exit {ran.code} without a warning: {ran.said.strip()[-120:]}")


_WRONG: tuple[Any, ...] = (
    "", " ", "upper95", "upper95 <=", "<= 0.05", "upper95 0.05", "upper95 < 0.05", "upper95 == 0.05", "upper95 => 0.05",
    "upper95 >= 0.05", "lower95 <= 0.05", "0.05 >= upper95", "upper <= 0.05", "upper9 <= 0.05", "upper100 <= 0.05",
    "upper49 <= 0.05", "upper00 <= 0.05", "upper999 <= 0.05", "upper95.12345 <= 0.05", "upper-95 <= 0.05",
    "rate <= 0.05", "mean <= 0.05", "middle95 <= 0.05", "upper95 <= abc", "upper95 <= ", "upper95 <= 0.05 0.06",
    "upper95 <= 0.05; rm -rf /", "upper95 <= 0.05 and lower95 >= 0", "upper95 <= 0.05\nlower95 >= 0", "upper95 <= 0.0.5",
    "upper95 <= 1e5.5", "upper95 <= 0x1", "upper95 <= 1_0", "upper95 <= 1,5", "upper95 <= 1e999", "upper95 <= -1e999",
    "upper95 <= nan", "upper95 <= inf", "upper95 <= -inf", "upper95 <= 0.05 %%", "upper95 <= 0.05 <= 1", "upper95 <= --5",
    "upper95 <= +-5", "upper95 <= 9" + "9" * 400, "upper95 <= 0." + "0" * 400 + "1e", "drop_upper95 <= 0",
    "drop_upper95 <= -0.1", "rise_upper95 <= 0", "drop_lower95 <= 0.1", "drop_upper95 >= 0.1", "worst_attack_lower95 >= 0.1",
    "worst_upper95 <= 0.1", "upper\u0669\u0665 <= 0.05", "upper95 <= \u0660.\u0665", "upper95 <= \uff10.\uff15",
    "upper95 <= 0\u066b05", "\uff55pper95 <= 0.05", "upper95 \u2264 0.05", "upper95 <= \u00bd", "upper95 <= 5\u2009%x<",
    "upper\u200b95 <= 0.05", "upper95\u00a0<= 0.05", "upper95 <= 0.05\u200b", "upper95 <= \u0968", "u\u0440per95 <= 0.05",
    "upper95 <= 0.05\x00", "upper95 <= 0.05 \x1b[2Jship", "\x1b[2Jupper95 <= 0.05", "upper95 <= 0.05" + " " * 100_000 + "x",
    "upper95 <= " + "1" * 100_000 + "x", "x" * 1_000_000, "upper95 <= -0.1", "upper95 <= 0.05 requests", "lower95 >= 1.5",
    "lower95 >= 101 %", "upper95 <= 0.05 s", "upper95 <= 5 $", None, 7, 0.05, True, [], {}, ["upper95 <= 0.05"],
    {"upper95": 0.05}, "lower95 >= 1", "worst_attack_upper95 <= 0.05 ms",
)  # fmt: skip

_VACUOUS = (
    "upper95 <= 1", "upper95 <= 1.0", "upper95 <= 100%", "upper95 <= 1.5", "upper95 <= 1e10", "lower95 >= 0", "lower95 >= 0%",
    "lower95 >= -1", "lower95 >= 0.0", "upper50 <= 0.3", "lower50 >= 0.3", "worst_attack_upper95 <= 1",
    "worst_attack_upper50 <= 0.3", "drop_upper95 <= 1", "rise_upper95 <= 1", "rise_upper95 <= 100%", "drop_upper50 <= 0.1",
    "upper95 <= 99.99999999999999999 %",
)  # fmt: skip

_FIELDS: tuple[dict[str, Any], ...] = (
    {"suite": "none"}, {"suite": ""}, {"suite": 7}, {"suite": None}, {"suite": "../leaks"}, {"suite": "\x1b[2J"},
    {"metric": "none"}, {"metric": "\x1b[2Jship"}, {"metric": []}, {"attack": "none-such"}, {"attack": "\x1b[2J"},
    {"attack": 7}, {"severity": "S0"}, {"severity": "s1"}, {"severity": "\x1b[2J"}, {"id": ""}, {"id": "CR leak"},
    {"id": "\x1b[2J"}, {"id": "CR-help"}, {"id": None}, {"min_clusters": 0}, {"min_clusters": -1}, {"min_clusters": 1.5},
    {"min_clusters": "many"}, {"min_clusters": 10**30}, {"audited_by": "nobody"}, {"audited_by": "\x1b[2J"},
    {"unknown": 1}, {"Must": "upper95 <= 1"}, {"must ": "upper95 <= 1"}, {"verdict": "ship"}, {"waived": True},
)  # fmt: skip

_GATES: tuple[dict[str, Any], ...] = (
    {"max_error_rate": -0.1}, {"max_error_rate": 1.5}, {"max_error_rate": "5 %"}, {"max_error_rate": None},
    {"max_error_rate": True}, {"criteria": []}, {"criteria": "none"}, {"criteria": ["CR-none"]}, {"criteria": None},
    {"criteria": 7}, {"criteria": "\x1b[2J"}, {"bound": "magic"}, {"bound": "\x1b[2J"},
    {"id": ""}, {"id": "\x1b[2J"}, {"verdict": "ship"}, {"unknown": 1}, {"baseline": "x"},
)  # fmt: skip
