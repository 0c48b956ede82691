"""What each kind of output is sent: by the rules of who reads it, and without a way for a name to break out."""

from __future__ import annotations

import hmac
import json
import re

import pytest

from shipworthy.core.alarm import Alarm
from shipworthy.store.alarms import ClosedAlarm
from shipworthy.telemetry.outputs.common import AlarmEvent, OutputAddress
from shipworthy.telemetry.outputs.registry import make_message, output_kinds
from shipworthy.telemetry.outputs.syslog import cef

NASTY = 'shop <@here> *bold* | a=b\\c\nnext "q" [x](http://a.example)'
ALARM = Alarm(
    id="AL-20261201T000000Z-abcdef", kind="rate", stream="harm", day="2026-11-30", since="2026-11-28", severity=2,
    told=f"violation in 30.0 of 10,000 sessions of {NASTY}", feature=NASTY, events=60, sessions=20_000, per=30.0,
    low=22.9, high=38.6, baseline_per=10.0, normal_per=12.5, spans=("ab/cd",), at="2026-12-01T00:00:05+00:00", entry=7,
)  # fmt: skip
RAISED = AlarmEvent(ALARM, "raised", None, "SYS-shop")
CLOSED = AlarmEvent(ALARM, "closed", ClosedAlarm("carol", "mended", False, "2026-12-01T02:00:00+00:00", 9), "SYS-shop")
TO = OutputAddress("https://a.example/base", "K3Y", "")


def body(kind: str, event: AlarmEvent = RAISED, to: OutputAddress = TO):
    return json.loads(make_message(kind, event, to).body)


@pytest.mark.parametrize("kind", output_kinds())
@pytest.mark.parametrize("event", [RAISED, CLOSED], ids=["raised", "closed"])
def test_every_kind_names_the_alarm(kind: str, event: AlarmEvent) -> None:
    made = make_message(kind, event, TO if kind not in ("syslog", "dogstatsd") else TO._replace(url="udp://h:1"))
    assert ALARM.id.encode() in made.body
    assert kind == "pagerduty" or b"K3Y" not in made.body, "a key is in a header"


def test_a_webhook_is_signed_over_time_and_body() -> None:
    made = make_message("webhook", RAISED, TO)
    when, signed = re.fullmatch(r"t=(\d+),v1=([0-9a-f]{64})", made.headers["x-shipworthy-signature"]).groups()
    assert signed == hmac.new(b"K3Y", when.encode() + b"." + made.body, "sha256").hexdigest()
    assert json.loads(made.body)["event"] == "alarm.raised"
    assert "x-shipworthy-signature" not in make_message("webhook", RAISED, TO._replace(key="")).headers


def test_a_name_calls_nobody_in_a_chat() -> None:
    slack = json.dumps(body("slack"), ensure_ascii=False)
    assert "<@here>" not in slack and "&lt;@here&gt;" in slack and "*bold*" not in slack
    (card,) = body("teams")["attachments"]
    assert card["contentType"] == "application/vnd.microsoft.card.adaptive"
    assert "[x](" not in card["content"]["body"][0]["text"]


def test_pagerduty_opens_and_resolves_one_incident() -> None:
    opened, resolved = body("pagerduty"), body("pagerduty", CLOSED)
    assert (opened["event_action"], resolved["event_action"]) == ("trigger", "resolve")
    assert opened["dedup_key"] == resolved["dedup_key"] == ALARM.id
    assert (opened["routing_key"], opened["payload"]["severity"]) == ("K3Y", "error")


def test_a_finding_is_one_by_the_models_of_ocsf() -> None:
    raised, closed = body("ocsf"), body("ocsf", CLOSED)
    assert (raised["type_uid"], closed["type_uid"]) == (200_401, 200_403)
    assert raised["time"] == 1_796_083_205_000 and closed["finding_info"]["created_time"] == raised["time"]
    module = pytest.importorskip(
        "py_ocsf_models.events.findings.detection_finding",
        reason="py-ocsf-models is not installed: python bench/peers/run_tests.py monitoring"
        " tests/unit/telemetry/outputs/test_messages.py",
    )
    for one in (raised, closed):
        module.DetectionFinding.model_validate(one)


def test_a_bulk_request_is_answered_item_by_item() -> None:
    made = make_message("opensearch", RAISED, TO)
    action, document = (json.loads(line) for line in made.body.splitlines())
    assert action == {"create": {"_index": "shipworthy-alarms", "_id": f"{ALARM.id}:raised"}}
    assert document["@timestamp"] == "2026-12-01T00:00:05Z" and made.url.endswith("/base/_bulk")
    for status, good in ((201, True), (409, True), (429, False), (400, False)):
        answer = json.dumps({"errors": not good, "items": [{"create": {"status": status}}]}).encode()
        assert (made.refused(answer) == "") is good
    assert made.refused(b"<html>") and made.refused(b'{"items": []}')


def test_a_collector_that_answers_200_and_a_code_has_refused() -> None:
    made = make_message("hec", RAISED, TO._replace(into="safety"))
    assert json.loads(made.body)["index"] == "safety" and made.headers["authorization"] == "Splunk K3Y"
    assert made.refused(b'{"text":"Success","code":0}') == "" and made.refused(b'{"code":7}') and made.refused(b"")


def test_cef_cannot_be_broken_out_of() -> None:
    line = cef(RAISED)
    assert "\n" not in line
    fields = re.split(r"(?<!\\)\|", line, maxsplit=7)
    assert len(fields) == 8 and fields[:2] == ["CEF:0", "shipworthy"]
    assert fields[6] == "8"
    keys = re.findall(r"(?:^| )(\w+)(?<!\\)=", fields[7])
    assert keys == ["rt", "externalId", "act", "cat", "dvchost", "cnt", "cs1", "cs1Label", "cs2", "cs2Label", "cs3",
                    "cs3Label", "msg"]  # fmt: skip
    made = make_message("syslog", RAISED, TO._replace(url="tcp://h:514"))
    size, _, rest = made.body.partition(b" ")
    assert int(size) == len(rest) and rest.startswith(b"<83>1 2026-12-01T00:00:05Z SYS-shop shipworthy - rate - CEF:0|")


def test_a_datagram_for_dogstatsd_says_its_lengths_in_bytes() -> None:
    made = make_message("dogstatsd", AlarmEvent(ALARM, "raised", None, "SYS-é"), TO._replace(url="udp://h:8125"))
    event, gauge = made.body.split(b"\n")
    title, text = (int(n) for n in re.match(rb"_e\{(\d+),(\d+)\}:", event).groups())
    rest = event.partition(b":")[2]
    assert rest[title : title + 1] == b"|" and rest[title + 1 + text : title + 4 + text] == b"|d:"
    assert b"|t:error|" in event and gauge.startswith(b"shipworthy.alarm.open:1|g|#system:")
