from __future__ import annotations

import asyncio
import io
import sys

from shipworthy.core.errors import TargetError
from shipworthy.evals.progress import Progress
from shipworthy.exchange.budget import Budget


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def failing(request):
    if "question 1" in request.messages[-1].text:
        raise TargetError("down")
    return "yes"


def test_plain_lines_where_there_is_no_terminal(bench, scripted, suite, plan_of):
    stream = io.StringIO()
    progress = Progress(stream, every_s=0.05)
    bench.run(plan_of(suite(40)), scripted(failing, pause=0.02), concurrency=1, progress=progress)
    lines = stream.getvalue().splitlines()
    assert len(lines) >= 2
    assert "\x1b" not in stream.getvalue()
    assert lines[-1].startswith("40/40 attempts (100 %), ")
    assert "11 errors, $0.029, 348 tokens, took " in lines[-1]  # 1 and 10 to 19
    assert " left" in lines[0]


def test_a_bar_on_a_terminal(bench, scripted, suite, plan_of):
    stream = Terminal()
    bench.run(plan_of(suite(12)), scripted(failing, pause=0.02), progress=Progress(stream))
    shown = stream.getvalue()
    assert "12/12" in shown
    assert "3 errors" in shown
    assert "took" in shown


def test_a_resumed_run_counts_what_was_there(bench, scripted, suite, plan_of):
    from shipworthy.exchange.budget import Limits

    plan, stream = plan_of(suite(10)), io.StringIO()
    bench.run(plan, scripted(), limits=Limits(requests=4))
    bench.run(plan, scripted(), progress=Progress(stream))
    assert stream.getvalue().splitlines()[-1].startswith("10/10")


def test_nothing_is_shown_where_nothing_is_wanted(capsys, bench, scripted, suite, plan_of):
    bench.run(plan_of(suite(3)), scripted(), progress=Progress(style="none"))
    assert capsys.readouterr() == ("", "")


def test_tokens_stand_where_no_money_is_reported():
    from shipworthy.core.records import Usage
    from shipworthy.exchange.budget import Budget

    async def main():
        progress, budget = Progress(io.StringIO()), Budget()
        progress.start(10, 0, budget)
        budget.spend("target", Usage(1000, 234))
        line = progress.line()
        progress.stop()
        return line

    assert "1,234 tokens" in asyncio.run(main())


def test_the_line_says_of_how_much_by_the_estimate_until_the_run_itself_tells():
    from shipworthy.core.records import Usage
    from shipworthy.evals.estimate import Estimate
    from shipworthy.evals.took import Between

    lines = {}

    async def main():
        expected = Estimate(Between(60, 120), Between(90_000, 110_000), Between(0.9, 1.1))
        progress, budget = Progress(io.StringIO(), expected=expected), Budget()
        progress.start(100, 0, budget)
        lines[0] = progress.line()
        for done in (10, 50, 100):
            while progress.done < done:
                budget.spend("target", Usage(1900, 100, 0.02))
                progress.done += 1
            lines[done] = progress.line()
        progress.stop()

    asyncio.run(main())
    assert lines[0].endswith("$0.00 of $0.90 to $1.10, 1m00s to 2m00s left")
    assert "$0.20 of $0.90 to $1.10, 20k tokens, " in lines[10]
    assert "$1.00 of about $2.00, 100k tokens, " in lines[50]
    assert "$2.00, 200k tokens, took " in lines[100]


def test_a_stream_that_is_gone_does_not_end_a_run(monkeypatch):
    class Gone(io.StringIO):
        def write(self, text):
            raise BrokenPipeError

    async def run(progress):
        progress.start(2, 0, Budget())
        await asyncio.sleep(0)
        progress.stop()

    asyncio.run(run(Progress(Gone())))
    monkeypatch.setattr(sys, "stderr", None)
    asyncio.run(run(Progress()))
