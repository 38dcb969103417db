"""Training on more than one device: real processes on this machine, and what is computed about
devices that are not here. The references of ``12_beyond_one_machine``."""

from __future__ import annotations

import inspect
import os
import subprocess
import sys
import tempfile
import textwrap
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import torch
from jaxtyping import Float
from torch import Tensor

PART_NAMES = ("weights", "gradients", "optimizer")

_RUNNER = """
if __name__ == "__main__":
    import os
    import sys
    import threading
    from pathlib import Path

    def end_with_parent():
        sys.stdin.read()  # to its end, which comes when the parent is gone
        os._exit(1)

    threading.Thread(target=end_with_parent, daemon=True).start()

    import torch
    import torch.distributed as dist

    torch.set_num_threads(1)
    folder, rank, world = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
    store = dist.FileStore(str(folder / "store"), world)
    dist.init_process_group("gloo", store=store, rank=rank, world_size=world)
    result = {name}(rank, world, *torch.load(folder / "arguments.pt"))
    torch.save(result, folder / f"{{rank}}.pt")
    dist.barrier()
    dist.destroy_process_group()
"""


def on_ranks(
    function: Callable, *arguments, world: int = 2, uses: Sequence = (), seconds: float = 60
) -> list:
    """What ``function(rank, world, *arguments)`` returns on each rank of a gloo process group.

    Each rank is a fresh Python process on this machine that runs the function's own source, with
    that of ``uses`` before it: what they need they import themselves. Arguments and results are
    tensors and plain values. Processes talk over the loopback interface alone, and none is left,
    not even where this one is killed.
    Raises RuntimeError with the last lines of a rank that fails, TimeoutError after ``seconds``.
    """
    sources = [textwrap.dedent(inspect.getsource(each)) for each in (*uses, function)]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        script = "\n\n".join(sources) + _RUNNER.format(name=function.__name__)
        (folder / "script.py").write_text(script, encoding="utf-8")
        torch.save(arguments, folder / "arguments.pt")
        _run(folder, world, seconds)
        return [torch.load(folder / f"{rank}.pt") for rank in range(world)]


def _run(folder: Path, world: int, seconds: float) -> None:
    loopback = {"linux": "lo", "darwin": "lo0"}.get(sys.platform)
    environment = os.environ | ({"GLOO_SOCKET_IFNAME": loopback} if loopback else {})
    environment |= {"OMP_NUM_THREADS": "1"}
    ranks = []
    try:
        for rank in range(world):
            command = [sys.executable, "script.py", str(folder), str(rank), str(world)]
            with (folder / f"{rank}.log").open("w") as log:
                out = {"stdin": subprocess.PIPE, "stdout": log, "stderr": subprocess.STDOUT}
                ranks.append(subprocess.Popen(command, cwd=folder, env=environment, **out))
        _wait(ranks, folder, time.monotonic() + seconds)
    finally:
        for process in ranks:
            process.kill()
            process.communicate()


def _wait(ranks: list[subprocess.Popen], folder: Path, until: float) -> None:
    """Until all have ended; raises as soon as one fails."""
    codes = [None]
    while None in codes:
        if time.monotonic() > until:
            raise TimeoutError("The ranks wait for each other: does every rank make every call?")
        time.sleep(0.05)
        codes = [process.poll() for process in ranks]
        for rank, code in enumerate(codes):
            if code:
                last = (folder / f"{rank}.log").read_text()[-1500:]
                raise RuntimeError(f"Rank {rank} ended with {code}:\n{last}")


# Data parallelism


def ring_all_reduce(
    tensors: list[Float[Tensor, " n"]], send: Callable[[int, int, Tensor], Tensor]
) -> list[Float[Tensor, " n"]]:
    """The sum of the ranks' tensors, on every rank, with messages to the next rank alone: first
    the chunks are summed on their way around the ring, then the sums go around.

    ``send(source, target, values)`` returns the values as they arrive; n is divisible by the
    number of ranks.
    """
    ranks = len(tensors)
    chunks = [list(tensor.clone().chunk(ranks)) for tensor in tensors]
    for turn in range(2 * (ranks - 1)):
        adds = turn < ranks - 1  # then every rank has one chunk of the sum, and passes it on
        places = [(rank - turn) % ranks for rank in range(ranks)]
        outgoing = [chunks[rank][place] for rank, place in enumerate(places)]
        for rank, (place, values) in enumerate(zip(places, outgoing, strict=True)):
            own = chunks[(rank + 1) % ranks]
            arrived = send(rank, (rank + 1) % ranks, values)
            own[place] = own[place] + arrived if adds else arrived
    return [torch.cat(own) for own in chunks]


def all_reduce_bytes(n_bytes: float, ranks: int) -> float:
    """What each rank sends in a ring all-reduce of so many bytes."""
    return 2 * (ranks - 1) / ranks * n_bytes


def zero_bytes(
    parameters: int, ranks: int, stage: int, each: Sequence[int] = (2, 2, 12)
) -> dict[str, float]:
    """Bytes of weights, gradients and optimizer state on each rank under ZeRO's stage 0 to 3.

    ``each``: bytes for a parameter. By default weights and gradients in 16 bits, the optimizer's
    copy of the weights and AdamW's two averages in 32 (Rajbhandari et al. 2020, section 3.1).
    """
    sharded_from = {"weights": 3, "gradients": 2, "optimizer": 1}
    return {
        part: parameters * size / (ranks if stage >= sharded_from[part] else 1)
        for part, size in zip(PART_NAMES, each, strict=True)
    }


# Pipeline parallelism


def pipeline(stages: int, micro_batches: int) -> list[list[str | None]]:
    """A row for each stage, an entry for each time slot: "F3" or "B3" where the stage runs
    micro-batch 3 forward or backward, None where it waits. All forward passes, then all backward
    ones (Huang et al. 2019, GPipe)."""
    half = micro_batches + stages - 1
    rows: list[list[str | None]] = [[None] * (2 * half) for _ in range(stages)]
    for stage, row in enumerate(rows):
        for i in range(micro_batches):
            row[stage + i] = f"F{i}"
            row[half + stages - 1 - stage + i] = f"B{i}"
    return rows


def bubble(rows: Sequence[Sequence[str | None]]) -> float:
    """The share of the slots in which a stage waits."""
    slots = [slot for row in rows for slot in row]
    return slots.count(None) / len(slots)


def per_device(
    parameters: float,
    layers: int,
    hidden: int,
    tokens: int,
    data: int = 1,
    tensor: int = 1,
    pipe: int = 1,
    stage: int = 0,
) -> dict[str, float]:
    """Bytes on each device: weights, gradients, optimizer, activations.

    ``tokens`` is the batch of one data-parallel replica. Activations of a layer in 16 bits:
    tokens * hidden * (10 + 24 / tensor), kept for all tokens of the batch, without what attention
    needs beside (Korthikanti et al. 2022, section 4.1).
    """
    own = zero_bytes(int(parameters / (tensor * pipe)), data, stage)
    layers_here = -(-layers // pipe)
    return own | {"activations": tokens * hidden * layers_here * (10 + 24 / tensor)}
