"""Figures of a run in MLflow, on a real server; where MLflow is not, `bench/peers/run_tests.py mlflow` has it."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest

from shipworthy.cli import run as shipworthy
from shipworthy.core.errors import MissingExtra
from shipworthy.evals.mlflow_run import log_run
from shipworthy.evals.results import Run
from shipworthy.store.layout import Layout

TABLE = "suite,sample,answer,metric,good,hit,value\na b,S-1,no,leak,low,false,\na b,S-1,no,help,high,,0.5\na b,S-2,the secret,leak,low,true,\n"  # fmt: skip  # noqa: E501


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    files = "system: {id: SYS-x, title: X, owner: us}\ntargets: {default: {use: replay, file: x.jsonl}}\n"
    (tmp_path / "system.yaml").write_text(files)
    (tmp_path / "table.csv").write_text(TABLE)
    monkeypatch.chdir(tmp_path)
    assert shipworthy(["runs", "import", "table.csv"]) == 0
    return Run.load(Layout(tmp_path).run_directory("latest"))


def test_without_its_client_it_says_what_to_install(run: Run) -> None:
    if find_spec("mlflow") is not None:
        pytest.skip("MLflow's client is here")
    with pytest.raises(MissingExtra, match=r"shipworthy|mlflow"):
        log_run(run, "http://127.0.0.1:9", "x")


def test_a_password_in_the_address_is_refused_before_anything_is_sent(
    run: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    assert shipworthy(["runs", "mlflow", "--uri", "http://me:hunter2@127.0.0.1:9"]) == 2
    said = capsys.readouterr().err
    assert "no password in the address" in said and "hunter2" not in said


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    pytest.importorskip("mlflow.server", reason="MLflow's server is not here: bench/peers/run_tests.py mlflow")
    folder = tmp_path_factory.mktemp("mlflow")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    store = ["--backend-store-uri", f"sqlite:///{folder}/base.db", "--artifacts-destination", str(folder / "kept")]
    where = os.environ | {"HOME": str(folder), "MLFLOW_DISABLE_TELEMETRY": "true", "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"}  # fmt: skip  # noqa: E501
    command = [sys.executable, "-m", "mlflow", "server", "--host", "127.0.0.1", "--port", str(port), "--workers", "1"]
    with (folder / "said").open("w") as said:
        process = subprocess.Popen([*command, *store], env=where, cwd=folder, stdout=said, stderr=said)
    uri = f"http://127.0.0.1:{port}"
    deadline = time.monotonic() + 240
    while True:
        try:
            with urllib.request.urlopen(f"{uri}/health", timeout=5):
                break
        except OSError:
            if process.poll() is not None or time.monotonic() > deadline:
                process.kill()
                pytest.fail(f"the server did not start: {(folder / 'said').read_text()[-2000:]}")
            time.sleep(0.2)
    yield uri
    process.terminate()
    process.wait(60)


def test_a_server_has_the_figures_and_no_text(
    run: Run, server: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    import mlflow

    assert shipworthy(["runs", "mlflow", run.id, "--uri", server]) == 0
    assert "12 figures" in capsys.readouterr().out
    client = mlflow.MlflowClient(tracking_uri=server)
    experiment = client.get_experiment_by_name("SYS-x")
    (found,) = client.search_runs([experiment.experiment_id])
    figures, rate = found.data.metrics, run.result("a b", "leak").interval
    assert (figures["a b/leak"], figures["a b/leak/low"], figures["a b/leak/high"]) == (rate.rate, rate.low, rate.high)
    assert (figures["a b/leak/clusters"], figures["a b/help"], figures["a b/help/errors"]) == (2, 0.5, 0)
    assert (found.info.status, found.data.tags["shipworthy.run"]) == ("FINISHED", run.id)
    assert found.data.params["subject_digest"] == run.manifest.subject_digest
    assert "the secret" not in str(found.to_dictionary())
    # Again: it is there already, and nothing is counted twice.
    assert shipworthy(["runs", "mlflow", run.id, "--uri", server]) == 0
    assert "is there already" in capsys.readouterr().out
    assert len(client.search_runs([experiment.experiment_id])) == 1


def test_a_server_that_is_not_there_is_told(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("mlflow", reason="MLflow's client is not here: bench/peers/run_tests.py mlflow")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    assert shipworthy(["runs", "mlflow", "--uri", f"http://127.0.0.1:{port}"]) == 4
    said = capsys.readouterr().err
    assert "MLflow at" in said and "Traceback" not in said
