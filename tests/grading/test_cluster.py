"""Grading on a Dask cluster whose workers are killed by pid; the sandbox is canned."""

import contextlib
import os
import signal
import threading
import time
from pathlib import Path

import pytest

from course_utils.grading import batch
from course_utils.grading.results import Results
from course_utils.grading.sandbox import Limits, Reply, SandboxUnavailable
from course_utils.grading.submissions import Submission

distributed = pytest.importorskip("distributed")

KILL = "kill"


class FakeSandbox:
    versions = {}
    unsafe = False
    limits = Limits()

    def __enter__(self):
        return self

    def __exit__(self, *error):
        pass

    @contextlib.contextmanager
    def submission(self):
        yield self

    def begin(self):
        pass

    def cell(self, source, *given):
        time.sleep(0.05)
        if source == KILL:
            os.kill(os.getpid(), signal.SIGKILL)
        return Reply({"error": "", "printed": ""}, "")

    def define(self, name, source, attribute):
        return Reply(None, "")

    def case(self, *given):
        return Reply({}, "")


class FakeEngine(batch.Engine):
    def sandbox(self, release):
        return FakeSandbox()


@pytest.fixture(scope="module")
def cluster():
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(Path(__file__).parents[2])  # the workers import this file
        with distributed.LocalCluster(
            n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None
        ) as opened:
            yield opened


def jobs(sampling, results, *words: str) -> list[batch.Job]:
    found = [Submission(f"s{i}", "00_sampling", {"softmax": word}) for i, word in enumerate(words)]
    return batch.jobs(found, [sampling], results, afresh=False)


def content(results: Results) -> dict:
    times = {"started", "seconds"}
    return {r["pseudonym"]: {k: v for k, v in r.items() if k not in times} for r in results}


def test_results_do_not_depend_on_the_engine_and_survive_killed_workers(
    cluster, sampling, tmp_path
):
    from course_utils.grading import cluster as engine

    here, there = Results(tmp_path / "here", create=True), tmp_path / "there"
    there.mkdir()
    (there / "secret").write_bytes(here.secret)
    there = Results(there)
    words = [f"# {i}" for i in range(40)]
    todo = jobs(sampling, here, *words)
    batch.run(todo, [sampling], FakeEngine(), here)
    address = cluster.scheduler_address
    given = (jobs(sampling, there, *words), [sampling], FakeEngine(), there, address)
    grading = threading.Thread(target=engine.run, args=given, daemon=True)
    grading.start()
    for _ in range(2):
        time.sleep(0.5)
        with contextlib.suppress(ProcessLookupError):
            os.kill(next(iter(cluster.workers.values())).pid, signal.SIGKILL)
    grading.join(timeout=120)
    assert len(list(there)) == 40
    assert content(there) == content(here)
    assert {result["verdict"] for result in there} == {""}


def test_an_open_line_is_refused(sampling, tmp_path):
    from course_utils.grading import cluster as engine

    results = Results(tmp_path, create=True)
    with pytest.raises(SandboxUnavailable, match="is not encrypted"):
        engine.run([], [sampling], FakeEngine(), results, "tcp://grader.example.org:8786")


def test_what_always_kills_its_worker_is_a_verdict(cluster, sampling, tmp_path):
    from course_utils.grading import cluster as engine

    results = Results(tmp_path, create=True)
    todo = jobs(sampling, results, "# 1", KILL, "# 2")
    engine.run(todo, [sampling], FakeEngine(), results, cluster.scheduler_address)
    verdicts = sorted(result["verdict"] for result in results)
    assert verdicts == ["", "", batch.KILLER]
