"""Grading on a Dask cluster: a warm sandbox in each worker, results as on one machine.

Start workers with one thread each (``dask worker tls://… --nthreads 1``), with TLS set up in
Dask's configuration (``distributed.comm``); on SLURM, ``dask_jobqueue.SLURMCluster(cores=1)``.
"""

from __future__ import annotations

import atexit

from distributed import Client, as_completed
from distributed.scheduler import KilledWorker
from tqdm.auto import tqdm

from course_utils.grading import batch
from course_utils.grading.batch import Engine, Job
from course_utils.grading.release import Release
from course_utils.grading.results import Results

_sandboxes: dict[str, object] = {}  # in a worker: the warm sandbox of each notebook


def run(
    todo: list[Job], releases: list[Release], engine: Engine, results: Results, address: str
) -> None:
    """Grade the jobs on the cluster at an address, each result written when it is there.

    A job that was running when its worker died is tried again; after three deaths it is tried
    alone, and what then kills its worker again is a verdict.
    """
    by_name = {release.notebook: release for release in releases}
    with Client(address) as client, tqdm(total=len(todo)) as bar:
        suspects = []
        pending = {}
        for job in todo:
            release = by_name[job.submission.notebook]
            if job.submission.verdict:
                results.write(batch.ungraded(job, release))
                bar.update()
            else:
                pending[client.submit(_grade, job, release, engine, pure=False)] = job, release
        for future in as_completed(list(pending)):
            job, release = pending.pop(future)
            try:
                results.write(future.result())
                bar.update()
            except KilledWorker:
                suspects.append((job, release))
        for job, release in suspects:
            results.write(_alone(client, job, release, engine))
            bar.update()


def _alone(client: Client, job: Job, release: Release, engine: Engine) -> dict:
    try:
        return client.submit(_grade, job, release, engine, pure=False).result()
    except KilledWorker:
        return batch.ungraded(job, release, batch.KILLER)


def _grade(job: Job, release: Release, engine: Engine) -> dict:
    if release.notebook not in _sandboxes:
        sandbox = engine.sandbox(release)
        sandbox.__enter__()
        atexit.register(sandbox.__exit__)
        _sandboxes[release.notebook] = sandbox
    return batch.graded(_sandboxes[release.notebook], release, job)
