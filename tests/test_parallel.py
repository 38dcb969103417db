"""Ranks are real processes, of which none stays; what is computed agrees with what is counted."""

import inspect
import signal
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import psutil
import pytest
import torch

from course_utils.parallel import (
    all_reduce_bytes,
    bubble,
    on_ranks,
    per_device,
    pipeline,
    ring_all_reduce,
    zero_bytes,
)


def helper(rank):
    return rank * 10


def summed(rank, world, tensor, factor):
    import os

    import torch.distributed as dist

    own = tensor * (rank + factor)
    dist.all_reduce(own)
    return {"sum": own, "rank": helper(rank), "interface": os.environ["GLOO_SOCKET_IFNAME"]}


def fails_on_one(rank, world):
    import torch.distributed as dist

    if rank == 1:
        raise ValueError("rank 1 has had enough")
    dist.barrier()


def waits_forever(rank, world):
    import time

    time.sleep(1000)


def children(pid=None):
    return set(psutil.Process(pid).children(recursive=True))


def folders():
    return set(Path(tempfile.gettempdir()).glob("*/script.py"))


def test_every_rank_returns_what_it_made():
    before = children()
    results = on_ranks(summed, torch.ones(3), 2, uses=(helper,))
    assert [result["rank"] for result in results] == [0, 10]
    assert all(torch.equal(result["sum"], torch.full((3,), 5.0)) for result in results)
    assert results[0]["interface"] in ("lo", "lo0")
    assert children() == before


def test_a_rank_that_fails_ends_all_with_its_own_words():
    before = children()
    with pytest.raises(RuntimeError, match="rank 1 has had enough"):
        on_ranks(fails_on_one)
    assert children() == before


def test_ranks_that_wait_are_ended():
    before, started = children(), time.monotonic()
    with pytest.raises(TimeoutError, match="wait for each other"):
        on_ranks(waits_forever, seconds=1)
    assert time.monotonic() - started < 30
    assert children() == before


def test_an_interrupt_leaves_nothing(interruptible):
    before, files = children(), folders()
    timer = threading.Timer(1, signal.raise_signal, [signal.SIGINT])
    timer.start()
    with pytest.raises(KeyboardInterrupt):
        on_ranks(waits_forever)
    timer.join()
    assert (children(), folders()) == (before, files)


def test_ranks_end_with_a_parent_that_is_killed(tmp_path):
    script = tmp_path / "parent.py"
    script.write_text(
        "from course_utils.parallel import on_ranks\n\n\n"
        f"{inspect.getsource(waits_forever)}\n\n"
        f"import tempfile\ntempfile.tempdir = {str(tmp_path)!r}\non_ranks(waits_forever)\n"
    )
    parent = subprocess.Popen([sys.executable, script])
    while len(ranks := children(parent.pid)) < 2:
        assert parent.poll() is None
        time.sleep(0.05)
    time.sleep(0.5)  # the ranks have begun
    parent.kill()
    parent.wait()
    _, alive = psutil.wait_procs(ranks, timeout=20)
    assert not alive


@pytest.mark.parametrize("ranks", [1, 2, 3, 5])
def test_a_ring_sends_what_is_computed(ranks):
    tensors, sent = list(torch.randn(ranks, 4 * ranks).double()), [0] * ranks

    def send(source, target, values):
        assert target == (source + 1) % ranks
        sent[source] += values.numel() * values.element_size()
        return values.clone()

    for result in ring_all_reduce(tensors, send):
        torch.testing.assert_close(result, torch.stack(tensors).sum(0))
    assert sent == [all_reduce_bytes(8 * 4 * ranks, ranks)] * ranks


def test_zero_as_published():
    """Rajbhandari et al. 2020, figure 1: 7.5 billion parameters on 64 devices."""
    totals = [sum(zero_bytes(7_500_000_000, 64, stage).values()) / 1e9 for stage in range(4)]
    assert [round(total, 1) for total in totals] == [120.0, 31.4, 16.6, 1.9]


@pytest.mark.parametrize(("stages", "micro_batches"), [(1, 1), (3, 2), (4, 9)])
def test_the_bubble_is_that_of_the_formula(stages, micro_batches):
    idle = bubble(pipeline(stages, micro_batches))
    assert idle == pytest.approx((stages - 1) / (micro_batches + stages - 1))


def test_one_device_holds_all_and_more_devices_hold_less():
    size = {"parameters": 1_200_000, "layers": 6, "hidden": 64, "tokens": 100}
    alone = per_device(**size)
    assert sum(alone.values()) == 16 * 1_200_000 + 100 * 64 * 6 * 34
    cut = per_device(**size, tensor=2, pipe=3)
    assert cut["weights"] == alone["weights"] / 6
    assert cut["activations"] == 100 * 64 * 2 * 22
