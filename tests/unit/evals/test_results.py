from __future__ import annotations

import json

import pytest
from msgspec.structs import replace

from shipworthy.core.errors import IntegrityError, TargetError, UsageError
from shipworthy.core.records import Sample, say
from shipworthy.evals.results import Run
from shipworthy.exchange.budget import Limits
from shipworthy.store import reading
from shipworthy.store.reading import read_attempts
from shipworthy.workspace.use import Use

HEAD = Use.of("payload_in_document", position="head")
TAIL = Use.of("payload_in_document", position="tail")


def answer(request):
    text = request.messages[-1].text
    if "question 3" in text:
        raise TargetError("down")
    return "yes" if "question 1" in text else 'no, it\'s "fine"'


@pytest.fixture
def run(bench, scripted, suite, plan_of):
    samples = tuple(
        Sample(id=f"S-{i}", cluster=f"C-{i // 2}", messages=(say("user", f"question {i}"),)) for i in range(6)
    )
    return bench.run(
        plan_of(suite(samples=samples, attacks=(Use(use="none"), Use(use="rot13")), attempts=2), suite(2, id="other")),
        scripted(answer),
    )


def test_counts_are_per_cluster_and_can_be_filtered_by_attack(run):
    whole = run.counts("small", "not_refused")
    assert whole.clusters == ("C-0", "C-1", "C-2")
    assert whole.trials == [8, 6, 8]
    assert whole.totals == [2, 0, 0]
    assert whole.errors == 2  # question 3 with the attack `none`, twice; rot13 hides the word
    assert run.counts("small", "not_refused", "none")[:4] == ([2, 0, 0], [4, 2, 4], ("C-0", "C-1", "C-2"), 2)
    assert run.counts("small", "not_refused", "rot13").errors == 0
    with pytest.raises(UsageError, match="has no metric 'not_refuse': did you mean 'not_refused'"):
        run.counts("small", "not_refuse")


def test_counts_are_made_once_and_anew_after_another_record(run):
    before = run.counts("small", "not_refused", "rot13")
    assert run.counts("small", "not_refused", "rot13") is before
    scored = next(row for row in run.rows() if row.attack == "rot13" and row.outcome == "scored")
    run._count(replace(scored, id="AT-ffffffffffffffff"))
    after = run.counts("small", "not_refused", "rot13")
    assert sum(after.trials) == sum(before.trials) + 1


def test_an_attack_is_named_by_id_or_in_full(bench, scripted, suite, plan_of):
    run = bench.run(plan_of(suite(2, attacks=(HEAD, TAIL))), scripted())
    assert sum(run.counts("small", "not_refused", "payload_in_document").trials) == 4
    assert sum(run.counts("small", "not_refused", "payload_in_document(position=head)").trials) == 2
    with pytest.raises(UsageError, match="did you mean"):
        run.counts("small", "not_refused", "payload_in_documents")


def test_unknown_names_name_the_nearest(run):
    with pytest.raises(UsageError, match="did you mean 'small'"):
        run.counts("smal", "not_refused")
    with pytest.raises(UsageError, match="no attempt on a sample"):
        run.sample("S-99")
    with pytest.raises(UsageError, match="no attempt 'AT-0"):
        run.attempt("AT-0")


def test_the_rate_counts_each_cluster_once(run):
    found = run.rate("small", "not_refused")
    assert (found.hits, found.trials, found.clusters) == (2, 22, 3)
    counts = run.counts("small", "not_refused")
    shares = [hits / trials for hits, trials in zip(counts.totals, counts.trials, strict=True)]
    assert found.rate == pytest.approx(sum(shares) / 3)
    assert found.rate != pytest.approx(2 / 22)  # the clusters differ in size
    with pytest.raises(UsageError, match="is an event, not a value"):
        run.mean("small", "not_refused")


def test_samples_and_attempts_can_be_looked_up(run):
    attempts = run.sample("S-1", suite="small")
    assert len(attempts) == 4
    assert {a.sample for a in attempts} == {"S-1"}
    assert run.attempt(attempts[0].id) == attempts[0]
    assert len(run.sample("S-1")) == 5  # the other suite has a sample of that name, too


def test_sql_sees_attempts_scores_and_guards(run):
    assert run.sql("SELECT count(*) FROM attempts").fetchall() == [(26,)]
    rows = run.sql(
        "SELECT attack, sum(hit::INT), count(hit) FROM scores WHERE suite = 'small' AND outcome = 'scored' "
        "GROUP BY 1 ORDER BY 1"
    ).fetchall()
    assert rows == [("none", 2, 10), ("rot13", 0, 12)]
    assert run.sql("SELECT DISTINCT answer FROM attempts WHERE sample = 'S-0'").fetchall() == [('no, it\'s "fine"',)]
    assert run.sql("SELECT count(*) FROM guard_events").fetchall() == [(0,)]
    with pytest.raises(UsageError, match=r"^DuckDB: ."):
        run.sql("SELECT * FROM no_such_table")


def test_the_parquet_cache_follows_the_log(bench, scripted, suite, plan_of):
    plan = plan_of(suite(5))
    run = bench.run(plan, scripted(), limits=Limits(requests=2))
    assert run.sql("SELECT count(*) FROM attempts").fetchall() == [(2,)]
    kept = {p.name: p.stat().st_mtime_ns for p in (run.directory / "parquet").iterdir()}
    run.sql("SELECT count(*) FROM scores")
    assert kept == {p.name: p.stat().st_mtime_ns for p in (run.directory / "parquet").iterdir()}
    run = bench.run(plan, scripted())
    assert run.sql("SELECT count(*) FROM attempts").fetchall() == [(5,)]
    assert len(list((run.directory / "parquet").iterdir())) == 3  # what was out of date is gone


def test_a_data_frame_has_a_column_for_every_metric(run):
    pandas = pytest.importorskip("pandas")
    frame = run.to_pandas()
    assert len(frame) == 26
    assert int(frame["not_refused"].sum()) == 3
    missing = frame[frame["outcome"] != "scored"]["not_refused"]
    assert bool(missing.isna().all())
    assert isinstance(frame, pandas.DataFrame)


def test_a_notebook_shows_rates_with_interval_denominator_and_errors(run):
    html = run._repr_html_()
    rate = f"{100 * run.rate('small', 'not_refused').rate:.1f} %"
    for word in (rate, "2 / 22", "errors left out", "95 % interval", "without guards", "<td>2</td>"):
        assert word in html
    assert "complete" in repr(run)


def test_a_suite_without_a_single_score_has_a_row_that_says_so(bench, scripted, suite, plan_of):
    def down(_):
        raise TargetError("down")

    run = bench.run(plan_of(suite(3)), scripted(down))
    (row,) = run.summary()
    assert (row.interval, row.errors) == (None, 3)
    assert "no score" in run._repr_html_()


def test_a_changed_log_is_refused(run):
    log = run.directory / "attempts-0000.jsonl"
    log.write_bytes(log.read_bytes().replace(b'"hit":true', b'"hit":false', 1))
    with pytest.raises(IntegrityError, match="jsonl:"):
        Run.load(run.directory)


def test_what_is_no_run_is_refused(tmp_path):
    with pytest.raises(UsageError, match="no run"):
        Run.load(tmp_path)


def test_the_manifest_says_what_was_meant(run):
    manifest = json.loads((run.directory / "manifest.json").read_bytes())
    assert manifest["planned"] == 26
    assert [(s["id"], s["samples"], s["attempts"]) for s in manifest["suites"]] == [("small", 6, 24), ("other", 2, 2)]
    assert manifest["subject"]["target"] == {"target": "scripted"}


def test_one_pass_serves_counts_marks_and_whoever_else_looks(run, monkeypatch):
    passes, seen = [], []
    real = reading.read_lines
    monkeypatch.setattr(reading, "read_lines", lambda path, origin: (passes.append(path), real(path, origin))[1])
    loaded = Run.load(run.directory, visit=seen.append, marks=True)
    assert len(loaded.marks.scored["small", "not_refused"]) == 22
    assert [row.id for row in seen] == [attempt.id for attempt in read_attempts(run.directory)]
    counted = loaded.counts("small", "not_refused")
    assert counted[:4] == run.counts("small", "not_refused")[:4]
    assert counted.unscored == {"target_error": 2}
    assert counted.filled(2, 1.0, 0.0) == ([2, 2, 0], [8, 8, 8])
    assert counted.filled(0, 1.0, 0.0) == ([2, 0, 0], [8, 8, 8])
    assert loaded.roles == run.roles
    assert loaded.reading.records == len(seen)
    last = seen[-1]
    assert loaded.attempt(last.id).content_hash == last.content_hash
    assert len(passes) == 2  # the second is the test's own `read_attempts`


def test_marks_are_the_same_in_the_pass_or_after_it(run):
    in_pass, after = Run.load(run.directory, marks=True).marks, Run.load(run.directory).marks
    assert (in_pass.scored, in_pass.failed) == (after.scored, after.failed)
    assert len(after.failed) == 2
