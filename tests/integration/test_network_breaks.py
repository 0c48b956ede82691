"""A run over a network that breaks: every break is an error, none is a score, and the rest is finished afterwards."""

from __future__ import annotations

import asyncio

from shipworthy.core import registry
from shipworthy.core.records import Metric, Sample, Score, say
from shipworthy.evals.manifest import make_manifest
from shipworthy.evals.models import build_crew
from shipworthy.evals.plan import Plan, SuitePlan
from shipworthy.evals.results import Run
from shipworthy.evals.run import run_plan
from shipworthy.evals.subject import Subject
from shipworthy.store.declare import declare_run
from shipworthy.store.runlog import RunLog
from shipworthy.workspace.suite import Suite
from shipworthy.workspace.use import Use

BODY = (
    b'{"choices":[{"message":{"role":"assistant","content":"yes"},"finish_reason":"stop"}],"usage":{"total_tokens":6}}'
)
ANSWER = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s" % (len(BODY), BODY)


class SaysYes:
    metrics = (Metric("not_refused"),)

    def describe(self):
        return {"scorer": "says_yes"}

    async def score(self, attempt, sample, ctx):
        return (Score(metric="not_refused", hit="yes" in attempt.answer, scorer="says_yes"),)


class Flaky:
    """Every third request finds its connection closed, in turn: at once, after half an answer, without an answer."""

    def __init__(self) -> None:
        self.seen, self.well = 0, False

    async def serve(self, reader, writer) -> None:
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                await reader.readexactly(int(head.lower().partition(b"content-length:")[2].split(b"\r\n")[0]))
                self.seen += 1
                if self.seen % 3 == 0 and not self.well:
                    writer.write(ANSWER[: (0, len(ANSWER) // 2, 20)[self.seen // 3 % 3]])
                    break
                writer.write(ANSWER)
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()


def test_breaks_are_errors_and_can_be_tried_again(tmp_path, monkeypatch):
    monkeypatch.setitem(registry._made, ("scorer", "says_yes"), SaysYes)
    samples = tuple(Sample(id=f"N-{i}", messages=(say("user", f"question {i}"),)) for i in range(60))
    suite = Suite(
        id="net",
        version="1",
        title="Net",
        content="synthetic",
        metric="not_refused",
        scorers=(Use(use="says_yes"),),
        samples=samples,
    )
    plan = Plan("full", 1, [SuitePlan(suite, samples, suite.attacks, 1, 1)])

    async def main() -> tuple[Run, Run]:
        flaky = Flaky()
        server = await asyncio.start_server(flaky.serve, "127.0.0.1", 0)
        url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1"
        parameters = {"base_url": url, "model": "stub", "retries": 0}
        runs = []
        for again in (False, True):
            flaky.well = again
            subject = Subject(registry.create("target", "openai_compatible", parameters))
            crew = build_crew(plan, subject)
            tries = {name: n + 1 for name, n in runs[0].failed.items()} if again else {}
            if not again:
                head = make_manifest(plan, subject, crew, system="SYS-n", spec_digest="sha256:1")
                declare_run(tmp_path, head)
            log = RunLog.open(tmp_path)
            await run_plan(plan, subject, crew, log, concurrency=4, again=tries)
            await crew.close()
            await subject.close()
            log.close()
            runs.append(Run.load(tmp_path))
        server.close()
        return runs[0], runs[1]

    broken, mended = asyncio.run(main())
    assert broken.complete
    assert broken.errors >= 10
    counts = broken.counts("net", "not_refused")
    assert sum(counts.trials) + counts.errors == 60
    assert sum(counts.totals) == sum(counts.trials)  # nothing that broke was scored, as a hit or as safe
    assert broken.outcomes["target_error"] == broken.errors
    assert (mended.errors, sum(mended.counts("net", "not_refused").trials)) == (0, 60)
