# %% [markdown] id="title"
# # 12 · Beyond one machine
#
# A model that one device cannot hold is cut: by batch, by matrix, by layer, or only its optimizer. Here you compute what each cut costs in
# memory, messages and waiting, and hold the figures against two real processes on this machine. In the end you fit a scaling law to
# sixteen training runs of the course model's family, with error bars.
#
# 100 minutes. You need [01 · Anatomy](01_anatomy.ipynb); [11 · Reproducibility](11_reproducibility.ipynb) helps.
#
# At the end you will be able to
#
# - say what ZeRO's stages save, and find it again in the bytes of two processes that train with them;
# - write a ring all-reduce and a pipeline schedule, and derive their traffic and their bubble;
# - tell data, tensor and pipeline parallelism apart by what they send, and when;
# - fit a scaling law, give its exponents with error bars, and say how far it may be trusted.

# %% id="bootstrap" tags=["setup"]

# %% id="imports" tags=["setup"]
import json
from itertools import product

import numpy as np
import torch
from torch import Tensor

from course_utils.checks import check, mine_or_reference
from course_utils.parallel import all_reduce_bytes, bubble, on_ranks, per_device
from course_utils.plots import Picture, curves, show, stacked_bars
from course_utils.scaling import RECORDED, Point, recorded
from course_utils.widgets import explorer, slider

# %% [markdown] id="zero-question"
# ## 1 · Sixteen bytes a parameter
#
# Training in 16 bits with AdamW keeps for each parameter its weight (2 bytes), its gradient (2), and in 32 bits a copy of the weight and two
# averages (12). In plain data parallelism every device keeps all of it, and all do the same step with the same numbers. **ZeRO** (Rajbhandari et al. 2020)
# lets each device keep a share: stage 1 of the optimizer's state, stage 2 of the gradients as well, stage 3 of the weights as well, which are
# then fetched layer by layer when they are needed.
#
# How many GB does a device need for a model of 3 billion parameters on 8 devices, without ZeRO and at stages 1, 2 and 3?

# %% id="predict-zero"
my_gigabytes = {0: None, 1: None, 2: None, 3: None}

# %% [markdown] id="exercise-zero-bytes"
# ## Exercise 12.1 · What ZeRO leaves on a device
#
# difficulty ●●○○○ · 15 minutes · 4 points
#
# **Goal.** The bytes on each of `ranks` devices at `stage` 0 to 3, as `{"weights": …, "gradients": …, "optimizer": …}`. `each` holds the bytes of one
# parameter in the same order. What is sharded is divided evenly; fractions of a byte may stand.
#
# `zero_bytes(parameters, ranks, stage, each=(2, 2, 12)) -> dict[str, float]`
#
# <details><summary>Hint 1: the idea</summary>
#
# Each part has a stage from which on it is sharded.
#
# <details><summary>Hint 2: pseudocode</summary>
#
# ```
# sharded_from = {"weights": 3, "gradients": 2, "optimizer": 1}
# for each part and its size: parameters * size / (ranks if it is sharded, else 1)
# ```
#
# <br><details><summary>Hint 3: the line people get wrong</summary>
#
# `stage == 2` shards the optimizer's state too: `stage >= …`.
#
# </details></details></details>


# %% id="zero-bytes" tags=["exercise"]
def zero_bytes(parameters: int, ranks: int, stage: int, each=(2, 2, 12)) -> dict[str, float]:
    """Bytes of weights, gradients and optimizer on each rank."""
    ### BEGIN SOLUTION
    sharded_from = {"weights": 3, "gradients": 2, "optimizer": 1}
    return {
        part: parameters * size / (ranks if stage >= first else 1)
        for (part, first), size in zip(sharded_from.items(), each, strict=True)
    }
    ### END SOLUTION


# %% id="zero-bytes-check" tags=["check"]
check("beyond_one_machine.zero_bytes", zero_bytes)
zero_bytes = mine_or_reference("beyond_one_machine.zero_bytes", zero_bytes)

# %% id="zero-shown"
bars = {
    f"stage {stage}": {part: size / 1e9 for part, size in zero_bytes(3e9, 8, stage).items()}
    for stage in range(4)
}
totals = [sum(bar.values()) for bar in bars.values()]
for stage, total in enumerate(totals):
    print(f"stage {stage}: {total:4.1f} GB · predicted {my_gigabytes[stage]}")
show(
    stacked_bars(bars, "GB on each of 8 devices, 3 billion parameters"),
    f"GB by part at ZeRO's stages 0 to 3: {totals[0]:.0f} without, {totals[3]:.0f} at stage 3.",
)

# %% [markdown] id="real-zero-text"
# ## 2 · Two processes
#
# `on_ranks(function, world=2)` starts two fresh Python processes on this machine that run the function's source and talk through **gloo**, PyTorch's
# library for messages between CPUs, over the loopback interface. Each rank gets half of the batch. We train one step in three ways, and count the bytes of the tensors
# that each rank holds: `DistributedDataParallel`, the same with `ZeroRedundancyOptimizer` (stage 1), and **FSDP2**, `fully_shard` (stage 3). In
# float32: 4, 4 and 8 bytes a parameter. What share of the plain bytes will each of the two need?

# %% id="predict-real-zero"
my_shares = {"ZeroRedundancyOptimizer": None, "FSDP2": None}


# %% id="real-zero-code"
def counted(model, optimizer) -> list[int]:
    """Bytes of weights, gradients and optimizer state on this rank."""

    def size(tensors) -> int:
        own = [t.to_local() if hasattr(t, "to_local") else t for t in tensors]
        return sum(t.numel() * t.element_size() for t in own if t.numel() > 1)

    weights = list(model.parameters())
    local = getattr(optimizer, "optim", optimizer)  # ZeroRedundancyOptimizer has one inside
    states = [t for state in local.state.values() for t in state.values()]
    return [size(weights), size([p.grad for p in weights]), size(states)]


def one_step(rank: int, world: int, kind: str):
    """A model after one step on this rank's part of the batch, and its optimizer."""
    import torch
    from torch import nn
    from torch.distributed.device_mesh import init_device_mesh
    from torch.distributed.fsdp import fully_shard
    from torch.distributed.optim import ZeroRedundancyOptimizer
    from torch.nn.parallel import DistributedDataParallel

    torch.manual_seed(0)
    model = nn.Sequential(*(nn.Linear(64, 64, bias=False) for _ in range(4)))
    batch = torch.randn(8, 64).chunk(world)[rank]
    if kind == "FSDP2":
        model = fully_shard(model, mesh=init_device_mesh("cpu", (world,)))
    else:
        model = DistributedDataParallel(model)
    if kind == "ZeroRedundancyOptimizer":
        optimizer = ZeroRedundancyOptimizer(model.parameters(), torch.optim.AdamW, lr=0.01)
    else:
        optimizer = torch.optim.AdamW(model.parameters(), lr=0.01)
    model(batch).square().mean().backward()
    optimizer.step()
    return model, optimizer


def three_ways(rank: int, world: int) -> dict:
    """For each way the bytes on this rank, and the weights that come out."""
    found = {}
    for kind in ("plain", "ZeroRedundancyOptimizer", "FSDP2"):
        model, optimizer = one_step(rank, world, kind)
        whole = [p.full_tensor() if kind == "FSDP2" else p for p in model.parameters()]
        found[kind] = counted(model, optimizer), [p.detach() for p in whole]
    return found


# %% id="real-zero"
ranks = on_ranks(three_ways, uses=(counted, one_step))
parameters = sum(weight.numel() for weight in ranks[0]["plain"][1])
for (kind, (_, after)), stage in zip(ranks[0].items(), (0, 1, 3), strict=True):
    computed = sum(zero_bytes(parameters, 2, stage, each=(4, 4, 8)).values())
    held = [sum(rank[kind][0]) for rank in ranks]
    same = all(map(torch.allclose, after, ranks[0]["plain"][1]))
    share = sum(held) / 2 / sum(ranks[0]["plain"][0])
    print(f"{kind:24} bytes on the ranks {held}, computed {computed:.0f}")
    guess = my_shares.get(kind, "all")
    print(f"{'':24} {100 * share:.0f} % of the plain bytes · predicted {guess}")
    print(f"{'':24} the same weights after the step: {same}")
    assert abs(sum(held) / 2 - computed) < 0.01 * computed

# %% [markdown] id="all-reduce-question"
# The same step, the same weights, and a fraction of the bytes. What is paid for it at stage 3 is traffic: the weights travel.
#
# ## 3 · Data parallelism and the ring
#
# Each rank has the gradient of its part of the batch; the step needs their mean, on every rank. That is an **all-reduce**. One rank could collect all
# and send the result back: then it receives and sends `r - 1` times everything while the others wait. In a **ring** each rank talks to its neighbor alone. How
# many bytes does each of `r` ranks send for a gradient of `G` bytes? Does it grow with `r`?

# %% id="predict-ring"
my_ring = {"bytes, of G, on 2 ranks": None, "on 100 ranks": None}

# %% [markdown] id="exercise-ring-all-reduce"
# ## Exercise 12.2 · A ring all-reduce
#
# difficulty ●●●●○ · 35 minutes · 4 points
#
# **Goal.** `tensors[rank]` is what each of r ranks holds: r tensors `[n]`, n divisible by r. Return a list with their **sum** for each rank. What a rank
# learns of another one must come through `send(source, target, values)`, which returns the values as they arrive; `target` is always the next rank
# (or always the one before). Each rank sends `2 (r - 1)` messages of `n / r` values. The tensors that you were given stay as they are.
#
# `ring_all_reduce(tensors, send) -> list[Tensor]`
#
# <details><summary>Hint 1: the idea</summary>
#
# Cut each tensor into r chunks. First half: partial sums travel; after r - 1 turns each rank has one finished chunk. Second half:
# the finished chunks travel.
#
# <details><summary>Hint 2: pseudocode</summary>
#
# ```
# for turn in 0 … 2(r-1) - 1:
#     every rank sends chunk number (rank - turn) % r to the next one
#     first half:  what arrives is added to the same chunk there
#     second half: what arrives takes its place
# ```
#
# <br><details><summary>Hint 3: the line people get wrong</summary>
#
# In the second half nothing is added: who adds for all `2 (r - 1)` turns counts values twice. And `chunk()` gives views: work on clones.
#
# </details></details></details>


# %% id="ring-all-reduce" tags=["exercise"]
def ring_all_reduce(tensors: list[Tensor], send) -> list[Tensor]:
    """The sum of the tensors, on every rank, by messages to the next rank."""
    ### BEGIN SOLUTION
    r = len(tensors)
    chunks = [list(tensor.clone().chunk(r)) for tensor in tensors]
    for turn in range(2 * (r - 1)):
        places = [(rank - turn) % r for rank in range(r)]
        outgoing = [chunks[rank][place] for rank, place in enumerate(places)]
        for rank, (place, values) in enumerate(zip(places, outgoing, strict=True)):
            arrived = send(rank, (rank + 1) % r, values)
            neighbor = chunks[(rank + 1) % r]
            neighbor[place] = neighbor[place] + arrived if turn < r - 1 else arrived
    return [torch.cat(own) for own in chunks]
    ### END SOLUTION


# %% id="ring-all-reduce-check" tags=["check"]
check("beyond_one_machine.ring_all_reduce", ring_all_reduce)
ring_all_reduce = mine_or_reference("beyond_one_machine.ring_all_reduce", ring_all_reduce)


# %% id="ring-counted"
def sent_by_each(r: int, n: int) -> list[int]:
    """Values that each rank sends in your ring."""
    sent = [0] * r

    def send(source: int, target: int, values: Tensor) -> Tensor:
        sent[source] += values.numel()
        return values.clone()

    ring_all_reduce(list(torch.ones(r, n)), send)
    return sent


for r in (2, 4, 100):
    counts = sent_by_each(r, 1200)
    print(f"{r:3} ranks: each sends {set(counts)} values, {max(counts) / 1200:.2f} G", end="")
    print(f"; computed {all_reduce_bytes(1200, r):g}")
print("you predicted", *my_ring.values())

# %% [markdown] id="tensor-question"
# Less than twice the tensor, on any number of ranks: that is why it is used.
#
# ## 4 · Tensor parallelism
#
# A matrix can be cut as well. In an FFN, $y = \text{act}(x W_\text{up})\,W_\text{down}$, each rank takes some *columns* of $W_\text{up}$ and the same *rows* of
# $W_\text{down}$: the activation works on each number by itself, so nothing is sent until the end, where the ranks' partial results are added, by an all-reduce
# (Shoeybi et al. 2019). Attention is cut by heads in the same way. So each layer sends its activations, in the forward pass and in the backward pass: tensor parallelism lives
# within one machine. What would happen if $W_\text{up}$ were cut by rows?
#
# Both kinds on two real processes: the gradient of the whole batch against the mean of two halves' gradients, added by a ring of real messages; and an FFN
# against its two halves.


# %% id="parallel-code"
def ring_of_messages(tensor, rank: int, world: int):
    """The same ring on one of two or more processes; the sum, and the bytes that it sent."""
    import torch
    import torch.distributed as dist

    chunks, sent = list(tensor.flatten().clone().chunk(world)), 0
    for turn in range(2 * (world - 1)):
        out, place = chunks[(rank - turn) % world], (rank - 1 - turn) % world
        arrived = torch.empty_like(chunks[place])
        message = dist.isend(out, (rank + 1) % world)
        dist.recv(arrived, (rank - 1) % world)
        message.wait()
        sent += out.numel() * out.element_size()
        chunks[place] = chunks[place] + arrived if turn < world - 1 else arrived
    return torch.cat(chunks).view_as(tensor), sent


def two_cuts(rank: int, world: int, x, up, down) -> dict:
    """A gradient from half of the batch, an output from half of the matrices."""
    import torch
    import torch.distributed as dist

    weight = up.clone().requires_grad_()
    (x.chunk(world)[rank] @ weight).relu().square().mean().backward()
    total, sent = ring_of_messages(weight.grad, rank, world)
    library = weight.grad.clone()
    dist.all_reduce(library)
    own_up, own_down = up.chunk(world, dim=1)[rank], down.chunk(world, dim=0)[rank]
    y = torch.relu(x @ own_up) @ own_down
    dist.all_reduce(y)
    held = 4 * (own_up.numel() + own_down.numel())
    return {
        "gradient": total / world,
        "library": library / world,
        "sent": sent,
        "y": y,
        "held": held,
    }


# %% id="parallel-run"
torch.manual_seed(0)
x, up, down = torch.randn(16, 32), torch.randn(32, 128) / 6, torch.randn(128, 32) / 11
weight = up.clone().requires_grad_()
(x @ weight).relu().square().mean().backward()
ranks = on_ranks(two_cuts, x, up, down, uses=(ring_of_messages,))
for rank, found in enumerate(ranks):
    gradient, y = (found["gradient"] - weight.grad).abs().max(), x @ up
    difference = (found["y"] - torch.relu(y) @ down).abs().max()
    print(f"rank {rank}: data parallel, gradient equal to 1e-6: {bool(gradient < 1e-6)}")
    print(f"        as the library's: {torch.allclose(found['gradient'], found['library'])}")
    print(f"        bytes sent {found['sent']}, computed {all_reduce_bytes(4 * up.numel(), 2):g}")
    print(f"        tensor parallel, output equal to 1e-5: {bool(difference < 1e-5)}")
    print(f"        bytes of weights {found['held']} of {4 * (up.numel() + down.numel())}")

parts = [columns @ rows for columns, rows in zip(x.chunk(2, 1), up.chunk(2, 0), strict=True)]
for name, hidden in {
    "before": torch.relu(parts[0]) + torch.relu(parts[1]),
    "after": torch.relu(parts[0] + parts[1]),
}.items():
    same = torch.allclose(hidden, torch.relu(x @ up), atol=1e-5)
    print(f"W_up cut by rows, the activation {name} the sum: equal {same}")

# %% [markdown] id="pipeline-question"
# By rows each rank would have a part of the sum that goes *into* the activation: one all-reduce more, in the middle.
#
# ## 5 · Pipeline parallelism
#
# Or the layers are cut: `p` stages, each with some layers, and only the activations between them travel, and their gradients. But a stage waits for the one before it. So the batch is cut
# into `m` micro-batches (Huang et al. 2019, GPipe): while stage 1 works on micro-batch 0, stage 0 takes number 1. A forward and a backward pass
# take one slot each. What share of the slots is idle, the **bubble**, with 4 stages and 1, 4 or 16 micro-batches?

# %% id="predict-bubble"
my_bubble = {1: None, 4: None, 16: None}

# %% [markdown] id="exercise-pipeline"
# ## Exercise 12.3 · A schedule
#
# difficulty ●●●○○ · 25 minutes · 3 points
#
# **Goal.** A table: a row for each stage, an entry for each slot, `"F3"` or `"B3"` where the stage runs micro-batch 3 (from 0 on) forward or backward, `None`
# where it waits. Every stage runs every micro-batch forward once and backward once; forward after the stage before it, backward after the
# stage behind it, and after its own forward pass. Each row has `2 (m + p - 1)` slots, for p stages and m micro-batches. Several schedules do this, any will do.
#
# `pipeline(stages, micro_batches) -> list[list[str | None]]`
#
# <details><summary>Hint 1: the idea</summary>
#
# Forward, micro-batch i reaches stage s in slot s + i. When the last one is through, the same backward, from the last stage on.
#
# <details><summary>Hint 2: pseudocode</summary>
#
# ```
# half = micro_batches + stages - 1
# rows of 2 * half times None
# rows[s][s + i]                     = F i
# rows[s][half + (stages-1 - s) + i] = B i
# ```
#
# <br><details><summary>Hint 3: the line people get wrong</summary>
#
# `[[None] * n] * stages` is the same row several times.
#
# </details></details></details>


# %% id="pipeline" tags=["exercise"]
def pipeline(stages: int, micro_batches: int) -> list[list[str | None]]:
    """A row for each stage, an entry for each slot: "F0", "B0" or None."""
    ### BEGIN SOLUTION
    half = micro_batches + stages - 1
    rows = [[None] * (2 * half) for _ in range(stages)]
    for stage, row in enumerate(rows):
        for i in range(micro_batches):
            row[stage + i] = f"F{i}"
            row[half + stages - 1 - stage + i] = f"B{i}"
    return rows
    ### END SOLUTION


# %% id="pipeline-check" tags=["check"]
check("beyond_one_machine.pipeline", pipeline)
pipeline = mine_or_reference("beyond_one_machine.pipeline", pipeline)

# %% id="bubble-shown"
for row in pipeline(4, 4):
    print(" ".join(slot or "· " for slot in row))
for m in (1, 4, 16):
    print(f"4 stages, {m:2} micro-batches: idle {100 * bubble(pipeline(4, m)):.0f} %", end="")
    print(f", (p-1)/(m+p-1) = {100 * 3 / (m + 3):.0f} % · predicted {my_bubble[m]}")
assert all(
    abs(bubble(pipeline(p, m)) - (p - 1) / (m + p - 1)) < 1e-12
    for p, m in product(range(1, 6), range(1, 9))
)

# %% [markdown] id="together-text"
# More micro-batches, less waiting, but also smaller matrix products; and the activations of all of them wait for their backward pass, unless the schedule goes
# back as early as it can (1F1B).
#
# ## 6 · Try it
#
# All cuts at once, for a published model: `data` × `tensor` × `pipe` devices, ZeRO's stage over the data-parallel ones, 16,384 tokens a replica in micro-batches of 1,024.
# Does it fit into 80 GB, and what is paid? (Activations by Korthikanti et al. 2022, section 4.1, without checkpointing, and without the
# attention scores, which a fused attention does not keep. What is sent in a step: gradients alone, or at stage 3 half as much again, with
# the weights fetched once forward and once backward, Rajbhandari et al. 2020, section 7; what tensor parallelism sends is not in it.)

# %% id="explorer"
# Qwen2.5-3B
SIZE = {"parameters": 3_085_938_688, "layers": 36, "hidden": 2048, "tokens": 16_384}


def planned(data: int, tensor: int, pipe: int, stage: int) -> Picture:
    """Bytes on a device and what is paid: the plain function behind the sliders."""
    parts = per_device(**SIZE, data=data, tensor=tensor, pipe=pipe, stage=stage)
    total = sum(parts.values()) / 1e9
    gradients = all_reduce_bytes(2 * SIZE["parameters"] / (tensor * pipe), data) / 1e9
    sent = gradients * (1.5 if stage == 3 else 1)  # at 3 the weights are fetched twice
    fits = "fits" if total <= 80 else "does not fit"
    row = {"one device": {part: size / 1e9 for part, size in parts.items()}}
    devices = f"GB on each of {data * tensor * pipe} devices, {fits} into 80"
    paid = f"{100 * bubble(pipeline(pipe, 16)):.0f} % idle, {sent:.1f} GB sent for the data cut"
    fig, alt = stacked_bars(row, f"{devices}; {paid}"), f"{total:.1f} {devices}; {paid}."
    return Picture(fig, alt, state=f"data={data} tensor={tensor} pipe={pipe} stage={stage}")


explorer(
    planned,
    data=slider(4, 1, 16, 1),
    tensor=slider(2, 1, 8, 1),
    pipe=slider(1, 1, 12, 1),
    stage=slider(1, 0, 3, 1),
)

# %% [markdown] id="deepspeed-text"
# ## 7 · With GPUs: a DeepSpeed configuration
#
# DeepSpeed brings ZeRO to a script by a file. This one is stage 3 in bfloat16 with the optimizer's state on the CPU. It is not run here; one line of it is arithmetic that
# DeepSpeed checks, and people get wrong: the batch is the product of three numbers. `deepspeed --num_gpus 4 train.py --deepspeed config.json` starts it. Without
# DeepSpeed, `torchrun --nproc-per-node 4 train.py` and `fully_shard` do the same, on `nccl` in place of `gloo`.

# %% id="deepspeed"
GPUS, MICRO, ACCUMULATED = 4, 2, 8
config = {
    "train_batch_size": GPUS * MICRO * ACCUMULATED,
    "train_micro_batch_size_per_gpu": MICRO,
    "gradient_accumulation_steps": ACCUMULATED,
    "gradient_clipping": 1.0,
    "bf16": {"enabled": True},
    "zero_optimization": {
        "stage": 3,
        "overlap_comm": True,
        "offload_optimizer": {"device": "cpu", "pin_memory": True},
    },
}
print(json.dumps(config, indent=1))

# %% [markdown] id="scaling-question"
# ## 8 · How large, how long?
#
# Before a large run one wants to know what it will bring. A **scaling law** gives the loss from the number of parameters $N$ (outside the embedding) and of training tokens $D$:
#
# $$L(N, D) = E + \frac{A}{N^\alpha} + \frac{B}{D^\beta}$$
#
# Sixteen models of course-lm's family, 4 sizes, each trained on 4 numbers of tokens with a schedule of its own length, were measured on text that they had not seen. Their
# losses are recorded beside the command that makes them again. Published exponents: Kaplan et al. (2020), equations 1.1 and 1.2, 0.076 for $N$ and
# 0.095 for $D$, each law by itself and without $E$; Hoffmann et al. (2022), approach 3, 0.34 and 0.28. What do you expect for a small templated
# world and half a million tokens at most: larger exponents, smaller ones, the same? How wide is the error bar?

# %% id="predict-exponents"
my_exponents = {"alpha": None, "beta": None}

# %% id="recorded"
record = json.loads(RECORDED.read_text())
points = recorded()
print(record["command"], "·", len(points), "runs")
by_size = {}
for point in points:
    line = by_size.setdefault(f"{point.parameters / 1e3:.0f}k parameters", [])
    line.append((point.tokens / 1024, point.loss))
low = min(point.loss for point in points)
show(
    curves(by_size, "training tokens / 1024", "loss, nats a token", log_x=True),
    f"Loss against training tokens for four sizes; the lowest is {low:.2f}.",
)

# %% [markdown] id="fit-text"
# With $\alpha$ and $\beta$ given, the law is linear in $E$, $A$, $B$: least squares. So we try a grid of exponents and keep the best pair of those that need no negative number. Errors count relative to the loss. For
# error bars the **bootstrap**: draw sixteen of the sixteen runs with replacement, fit again, 200 times.


# %% id="fit"
GRID = np.linspace(0.02, 1.6, 80)


def fit(points: list[Point]) -> dict[str, float]:
    """E, A, alpha, B, beta with the smallest squared relative error; E, A, B not negative."""
    n, d, loss = np.array(points, dtype=float).T
    alpha, beta = (grid.ravel() for grid in np.meshgrid(GRID, GRID))
    columns = np.stack(
        [np.ones((alpha.size, n.size)), (n / 1e5) ** -alpha[:, None], (d / 1e5) ** -beta[:, None]],
        axis=-1,
    )
    columns = columns / loss[:, None]  # [pair of exponents, run, E A B]
    square = columns.swapaxes(1, 2) @ columns + 1e-9 * np.eye(3)
    solved = np.linalg.solve(square, columns.sum(1)[..., None])[..., 0]
    error = ((columns @ solved[..., None])[..., 0] - 1) ** 2
    error = np.where((solved < 0).any(1), np.inf, error.sum(1))
    best = error.argmin()
    e, a, b = solved[best]
    return {"E": e, "A": a, "alpha": alpha[best], "B": b, "beta": beta[best]}


def predicted(law: dict[str, float], n: float, d: float) -> float:
    return law["E"] + law["A"] * (n / 1e5) ** -law["alpha"] + law["B"] * (d / 1e5) ** -law["beta"]


# %% id="exponents"
law, rng = fit(points), np.random.default_rng(0)
drawn = [fit([points[i] for i in rng.integers(len(points), size=len(points))]) for _ in range(200)]
errors = [abs(predicted(law, n, d) / loss - 1) for n, d, loss in points]
print(f"mean error of the fit {100 * np.mean(errors):.0f} %, E = {law['E']:.1f} nats")
PUBLISHED_EXPONENTS = {"alpha": "0.076, 0.34", "beta": "0.095, 0.28"}
for name, published in PUBLISHED_EXPONENTS.items():
    low, high = np.quantile([each[name] for each in drawn], [0.025, 0.975])
    print(f"{name:5} {law[name]:.2f}, 95 % of the bootstrap {low:.1f} to {high:.1f}", end="")
    print(f" · Kaplan, Hoffmann {published} · predicted {my_exponents[name]}")

# %% [markdown] id="held-out-text"
# What would an $E$ of 0 say, and can runs as short as these see the floor? A law is there to predict. Fitted to the three smaller sizes, what does it say of the largest? And fitted to the three shorter runs, of the longest?

# %% id="held-out"
largest, longest = max(p.parameters for p in points), max(p.tokens for p in points)
for name, is_out in {
    "the largest": lambda p: p.parameters == largest,
    "the longest": lambda p: p.tokens == longest,
}.items():
    kept = fit([p for p in points if not is_out(p)])
    print(f"{name}, predicted and measured:")
    for p in filter(is_out, points):
        print(f"   {predicted(kept, p.parameters, p.tokens):.1f}  {p.loss:.1f}")

# %% [markdown] id="real-model"
# ## 9 · On a real model
#
# A published model and a budget: what Hoffmann's fit (approach 3: E 1.69, A 406.4, B 410.7) says of its size and of the tokens it was trained on.

# %% id="on-a-real-model"
REAL_MODEL = None  # (parameters, tokens), for example (3.1e9, 18e12)

if REAL_MODEL is None:
    print("Not run: set REAL_MODEL to parameters and tokens, such as (3.1e9, 18e12).")
else:
    n, d = REAL_MODEL
    print(f"L = {1.69 + 406.4 / n**0.34 + 410.7 / d**0.28:.2f} nats a token, on their text")

# %% [markdown] id="remember"
# ## What to remember
#
# - Mixed-precision AdamW: 16 bytes a parameter. ZeRO shards the optimizer's 12 first, then gradients, then weights; the step stays the same.
# - An all-reduce in a ring costs each rank 2 (r - 1) / r times the bytes: less than twice, whatever r is.
# - Data parallelism sends gradients once a step; tensor parallelism sends activations in each layer; pipeline parallelism sends little and waits:
#   (p - 1) / (m + p - 1).
# - A scaling law has error bars. Hold out the largest runs, and see.
#
# **Where it fails.** Two processes on one machine show what is stored and sent, not how long it takes: that is the network's affair. The memory of a real device also holds
# buffers, fragments and what the library keeps. And the law here is one of a toy world far from convergence: its exponents are its own.
#
# ## Papers
#
# - Samyam Rajbhandari et al.: ZeRO: Memory Optimizations Toward Training Trillion Parameter Models, 2020.
# - Mohammad Shoeybi et al.: Megatron-LM: Training Multi-Billion Parameter Language Models Using Model Parallelism, 2019.
# - Yanping Huang et al.: GPipe: Efficient Training of Giant Neural Networks using Pipeline Parallelism, 2019.
# - Vijay Korthikanti et al.: Reducing Activation Recomputation in Large Transformer Models, 2022.
# - Jared Kaplan et al.: Scaling Laws for Neural Language Models, 2020.
# - Jordan Hoffmann et al.: Training Compute-Optimal Large Language Models, 2022.
