"""Grading on a Dask cluster: a warm sandbox in each worker, results as on one machine.

Start workers with one thread each, with TLS set up in Dask's configuration (``distributed.comm``):
``dask scheduler``, ``dask worker tls://… --nthreads 1``, or on SLURM
``dask_jobqueue.SLURMCluster(cores=1, processes=1, protocol="tls://")``. Workers need the course,
the same versions, and namespaces.
"""

from __future__ import annotations

import atexit
from collections.abc import Callable

from distributed import Client, as_completed
from distributed.scheduler import KilledWorker
from tqdm.auto import tqdm

from course_utils.grading import batch
from course_utils.grading.batch import Engine, Job
from course_utils.grading.release import Release, use_bank
from course_utils.grading.results import Results
from course_utils.grading.sandbox import Sandbox, SandboxUnavailable, require

_warm: dict[Release, Sandbox] = {}  # in a worker


class ClusterError(SandboxUnavailable):
    """The scheduler cannot be reached or is not safe to use; the message is one sentence."""


def run(
    todo: list[Job], releases: list[Release], engine: Engine, results: Results, address: str
) -> None:
    """Grade the jobs on the cluster at an address, each result written when it is there.

    A job whose worker died is tried again, as often as Dask's ``allowed-failures`` says (three
    times); then it waits until all others are done. What kills its workers even alone is a
    verdict. Raises SandboxUnavailable.
    """
    if not address.startswith("tls://") and not _is_here(address):
        raise ClusterError(
            f"{address} is not encrypted: give a scheduler at tls://…, or one on 127.0.0.1."
        )
    by_name = {release.notebook: release for release in releases}
    with _client(address) as client, tqdm(total=len(todo)) as bar:

        def done(result: dict) -> None:
            results.write(result)
            bar.update()

        _grade_all(client, [(job, by_name[job.submission.notebook]) for job in todo], engine, done)


def _is_here(address: str) -> bool:
    return address.startswith(("tcp://127.0.0.1:", "tcp://localhost:", "inproc://"))


def _client(address: str) -> Client:
    try:
        return Client(address)
    except (OSError, ValueError, TypeError) as error:
        raise ClusterError(f"No Dask scheduler answers at {address}: {error}.") from error


def _grade_all(
    client: Client, todo: list[tuple[Job, Release]], engine: Engine, done: Callable[[dict], None]
) -> None:
    pending, suspects = {}, []
    for job, release in todo:
        if job.submission.verdict:
            done(batch.ungraded(job, release))
        else:
            pending[client.submit(_grade, job, release, engine, pure=False)] = job, release
    for future in as_completed(list(pending)):
        job, release = pending.pop(future)
        try:
            done(future.result())
        except KilledWorker:
            suspects.append((job, release))
    for job, release in suspects:
        done(_alone(client, job, release, engine))


def _alone(client: Client, job: Job, release: Release, engine: Engine) -> dict:
    """With nobody else at work: a worker that dies now dies of this job."""
    try:
        return client.submit(_grade, job, release, engine, pure=False).result()
    except KilledWorker:
        return batch.ungraded(job, release, batch.KILLER)


def _grade(job: Job, release: Release, engine: Engine) -> dict:
    if release not in _warm:
        require(engine.unsafe)
        if engine.bank:
            use_bank(engine.bank)
        sandbox = engine.sandbox(release)
        sandbox.__enter__()
        atexit.register(sandbox.__exit__)
        _warm[release] = sandbox
    return batch.graded(_warm[release], release, job)
