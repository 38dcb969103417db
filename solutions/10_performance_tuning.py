# %% [markdown] id="title"
# # 10 · Performance tuning: training
#
# The same model, the same data, the same loss: how much memory and time does a step take, and which
# of the known remedies helps *here*? You predict, count, measure, and believe the measurement.
#
# 240 minutes, in two sittings: sections 1 to 4, then the rest. You need [01 · Anatomy](01_anatomy.ipynb).
# Fine-tuning and inference are in [10b](10b_fine_tuning_and_inference.ipynb).
#
# At the end you will be able to
#
# - say what the memory of a training step is made of, and count it to the byte;
# - tell work that is bound by memory from work that is bound by arithmetic;
# - accumulate gradients and recompute activations without changing what is learned;
# - choose precision, optimizer, data loading and compilation by a fair measurement.

# %% id="bootstrap" tags=["setup"]

# %% id="imports" tags=["setup"]
import math
import shutil
import tempfile
import time
import warnings
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.autograd.graph import saved_tensors_hooks
from torch.utils.data import DataLoader

from course_utils.checks import check, mine_or_reference
from course_utils.course_lm import corpus
from course_utils.models import load_lm
from course_utils.plots import Picture, curves, show, step_costs
from course_utils.tuning import CorpusBatches, Variant, measure, optimizer_bytes, peak_saved_bytes
from course_utils.widgets import explorer, menu, slider

# %% [markdown] id="a-small-decoder"
# ## 1 · What does a training step keep?
#
# The model is a small decoder, written out so that you see every tensor; its data are texts of the course's
# corpus, a row of 64 tokens each. Nothing here needs it to become good.


# %% id="decoder" tags=["setup"]
class Block(nn.Module):
    def __init__(self, d: int, heads: int):
        super().__init__()
        self.heads, self.norm1, self.norm2 = heads, nn.RMSNorm(d), nn.RMSNorm(d)
        self.qkv, self.out = nn.Linear(d, 3 * d, bias=False), nn.Linear(d, d, bias=False)
        self.mlp = nn.Sequential(nn.Linear(d, 4 * d), nn.GELU(), nn.Linear(4 * d, d))

    def forward(self, x: Tensor) -> Tensor:  # [rows, pos, d]
        q, k, v = self.qkv(self.norm1(x)).unflatten(-1, (3, self.heads, -1)).permute(2, 0, 3, 1, 4)
        heads = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        x = x + self.out(heads.transpose(1, 2).flatten(2))
        return x + self.mlp(self.norm2(x))


class Decoder(nn.Module):
    def __init__(self, d: int = 64, n: int = 4, heads: int = 4, vocab: int = 5120):
        super().__init__()
        self.embedding, self.positions = nn.Embedding(vocab, d), nn.Embedding(256, d)
        self.blocks, self.norm = nn.ModuleList(Block(d, heads) for _ in range(n)), nn.RMSNorm(d)
        nn.init.normal_(self.embedding.weight, std=0.02)

    def forward(self, ids: Tensor) -> Tensor:  # [rows, pos] -> logits [rows, pos, vocab]
        x = self.embedding(ids) + self.positions.weight[: ids.shape[1]]
        for block in self.blocks:
            x = block(x)
        return self.norm(x) @ self.embedding.weight.T


_, tokenizer = load_lm()
END, IGNORED = tokenizer.eos_token_id, -100
texts = [ids + [END] for ids in tokenizer(list(corpus.texts(seed=0, count=1000))).input_ids]
stream = torch.tensor([token for text in texts for token in text])
rows = stream[: len(stream) // 65 * 65].view(-1, 65)


def made(seed: int = 0, **sizes) -> Decoder:
    torch.manual_seed(seed)
    return Decoder(**sizes)


def mean_loss(model: nn.Module, ids: Tensor, targets: Tensor) -> Tensor:
    return F.cross_entropy(model(ids).flatten(0, 1).float(), targets.flatten())


def training(model: nn.Module, n_rows: int = 8, optimizer=None, loss=mean_loss) -> Variant:
    """A step on the first rows of the corpus, to be measured."""
    ids, targets = rows[:n_rows, :-1], rows[:n_rows, 1:]

    def step() -> Tensor:
        model.zero_grad()
        value = loss(model, ids, targets)
        value.backward()
        if optimizer:
            optimizer.step()
        return value.detach()

    return Variant(step, targets.numel(), model, optimizer)


def report(found, title: str = "") -> None:
    """The counted table as text, and time beside memory as a picture."""
    print(found.memory())
    sizes = [sum(parts.values()) for parts in found.megabytes().values()]
    alt = f"Left, the time of a token of {', '.join(found.costs)}, as measured where this ran. "
    alt += f"Right, counted memory, from {min(sizes):.1f} to {max(sizes):.1f} MB."
    show(step_costs(found.times(), found.megabytes(), title), alt)


# %% [markdown] id="memory-question"
# `measure` runs variants in turns and gives the time of a token as a ratio to the first variant's, median and
# quartiles over the rounds: on a busy machine ratios of one round are all one can trust. Memory it counts:
# parameters, gradients, the optimizer's state (AdamW here), and what autograd **saves for the backward pass**.
#
# Which of the four is the largest with a batch of 1 row, and which with 32?

# %% id="predict-memory"
my_largest = {1: None, 32: None}

# %% id="memory-measured"
batches = (1, 8, 32)
variants = {}
for n in batches:
    model = made()
    variants[f"batch {n}"] = training(model, n, torch.optim.AdamW(model.parameters()))
found = measure(variants, repeats=3, tolerance=None)
report(found)
for n in (1, 32):
    parts = found.costs[f"batch {n}"].bytes
    print(f"batch {n}: most is {max(parts, key=parts.get)} · you predicted {my_largest[n]}")

# %% [markdown] id="memory-seen"
# Three parts go with the parameters: 4 bytes each for the weights and the gradients, 8 for AdamW's two moments. The fourth goes with the
# tokens. Hence two families of remedies: those that shrink the state (optimizers, LoRA, ZeRO), and those that shrink what is saved
# (smaller batches, recomputation, lower precision, offloading).
#
# ## Exercise 10.1 · What autograd saves
#
# difficulty ●●●○○ · 25 minutes · 5 points
#
# **Goal.** Count the bytes that autograd saves while `forward()` runs once. `saved_tensors_hooks(pack, unpack)` calls `pack` with each
# tensor that is saved and `unpack` with what `pack` returned, when the backward pass needs it. A tensor may come several times, and as
# a view: what stays in memory is its **storage**, once and whole. Storages of `parameters` (a list or `model.parameters()`) do not count. A
# backward pass through the result has to work as ever, and on the same storages: nothing is copied.
#
# `saved_bytes(forward, parameters=()) -> int`
#
# <details><summary>Hint 1: the idea</summary>
#
# A dict from storage to bytes: whatever comes twice overwrites itself.
#
# <details><summary>Hint 2: pseudocode</summary>
#
# ```
# known = the storages of the parameters
# pack(tensor): unless its storage is known, note storage -> storage.nbytes(); return the tensor
# with the hooks on: forward()
# return the sum of what was noted
# ```
#
# <br><details><summary>Hint 3: the line people get wrong</summary>
#
# A linear layer saves `weight.T`, another tensor object than the parameter. Compare `tensor.untyped_storage().data_ptr()`, on both sides.
#
# </details></details></details>


# %% id="saved-bytes" tags=["exercise"]
def saved_bytes(forward, parameters=()) -> int:
    """Bytes of the storages that autograd saves while forward() runs, but for parameters'."""
    ### BEGIN SOLUTION
    known = {parameter.untyped_storage().data_ptr() for parameter in parameters}
    kept = {}

    def pack(tensor: Tensor) -> Tensor:
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in known:
            kept[storage.data_ptr()] = storage.nbytes()
        return tensor

    with saved_tensors_hooks(pack, lambda tensor: tensor):
        forward()
    return sum(kept.values())
    ### END SOLUTION


# %% id="saved-bytes-check" tags=["check"]
check("performance_tuning.saved_bytes", saved_bytes)
saved_bytes = mine_or_reference("performance_tuning.saved_bytes", saved_bytes)

# %% id="saved-by-part"
model, ids, targets = made(), rows[:8, :-1], rows[:8, 1:]
x = torch.randn(8, 64, 64, requires_grad=True)  # [rows, pos, d]
block = model.blocks[0]
parts = {
    "a block": lambda: block(x),
    "its MLP": lambda: block.mlp(x),
    "logits and loss": lambda: F.cross_entropy(
        (model.norm(x) @ model.embedding.weight.T).transpose(1, 2), targets
    ),
}
for name, forward in parts.items():
    size = saved_bytes(forward, model.parameters())
    print(f"{name:17} {size / 1e6:6.2f} MB, {size / (4 * targets.numel()):7.0f} numbers a token")

# %% [markdown] id="intensity-question"
# The width is 64 and the vocabulary 5,120: in a small model the log-probabilities of the vocabulary outweigh all blocks.
#
# ## 2 · Why batches, and which sizes?
#
# A chip can do many FLOPs in the time in which it fetches one byte. What it does for each byte fetched is the work's **arithmetic
# intensity** (notebook [02](02_kv_cache.ipynb)).
#
# ## Exercise 10.2 · The intensity of a linear layer
#
# difficulty ●●○○○ · 10 minutes · 2 points
#
# **Goal.** FLOPs for each byte of a linear layer without bias: a multiply-add is 2 FLOPs; inputs [batch, d_in] and weights
# are read once, outputs [batch, d_out] written once. A weight has `weight_bytes`, an input or an output `value_bytes`.
#
# `arithmetic_intensity(batch, d_in, d_out, weight_bytes=2, value_bytes=2) -> float`
#
# <details><summary>Hint 1: the idea</summary>
#
# Count the numbers of each of the three tensors, times its bytes.
#
# <details><summary>Hint 2: pseudocode</summary>
#
# ```
# flops = 2 * batch * d_in * d_out
# bytes = weights + inputs + outputs, each its count times its width
# return flops / bytes
# ```
#
# <br><details><summary>Hint 3: the line people get wrong</summary>
#
# The weights are fetched once for the whole batch, not once for each row: that is why batches pay.
#
# </details></details></details>


# %% id="intensity" tags=["exercise"]
def arithmetic_intensity(
    batch: int, d_in: int, d_out: int, weight_bytes: float = 2, value_bytes: float = 2
) -> float:
    """FLOPs of a linear layer for each byte that it moves."""
    ### BEGIN SOLUTION
    moved = weight_bytes * d_in * d_out + value_bytes * batch * (d_in + d_out)
    return 2 * batch * d_in * d_out / moved
    ### END SOLUTION


# %% id="intensity-check" tags=["check"]
check("performance_tuning.intensity", arithmetic_intensity)
arithmetic_intensity = mine_or_reference("performance_tuning.intensity", arithmetic_intensity)

# %% id="predict-batch"
# A layer of 1024 by 1024 in float32, here: up to which batch does a row get cheaper if the batch is
# doubled? And of the widths 124 to 132, and 1020 to 1028, which is the fastest for its FLOPs?
my_batch, my_fastest_width = None, None

# %% id="batch-measured"
layer, sizes = nn.Linear(1024, 1024, bias=False), [2**i for i in range(10)]


@torch.no_grad()
def apply(x: Tensor) -> float:
    layer(x)
    return 0.0


inputs = {n: torch.randn(n, 1024) for n in sizes}
found = measure({str(n): Variant(lambda x=x: apply(x), n, layer) for n, x in inputs.items()}, 15)
for n in sizes[::3]:
    print(f"batch {n:4}: {arithmetic_intensity(n, 1024, 1024, 4, 4):6.1f} FLOPs a byte")
lines = {
    "measured here": [(n, found.times()[str(n)][0]) for n in sizes],
    "if fetching the weights were all": [(n, 1 / n) for n in sizes],
}
show(
    curves(lines, "rows in the batch", "time of a row, relative", log_x=True, log_y=True),
    "The time of a row against the rows in the batch, as measured where this ran, beside a line of "
    "1 / batch. Where the two part, arithmetic has become the limit.",
)
print("you predicted", my_batch)

# %% [markdown] id="roof"
# While the measured line follows the dashed one, the layer is bound by memory: more rows are free. Where it levels off, arithmetic is the limit,
# and a larger batch buys no speed, only memory. On a GPU the bend lies higher. In the explorer (the peak and bandwidth are the A100
# 80GB SXM datasheet's, 312 TFLOP/s and 2,039 GB/s) find the batch where it gets over the bend, with weights of 16, 8 and 4 bits.

# %% id="explorer"
PEAK, BANDWIDTH = 312e12, 2.039e12


def roof(batch: int, width: int, weight_bits: int) -> Picture:
    """A linear layer of width by width: the plain function behind the sliders."""
    bend = PEAK / BANDWIDTH
    size = weight_bits / 8
    line = [(2**i, arithmetic_intensity(2**i, width, width, size)) for i in range(13)]
    now = arithmetic_intensity(batch, width, width, size)
    share = min(1, now / bend)
    lines = {"the layer": line, "bend of the A100": [(1, bend), (4096, bend)]}
    lines["now"] = [(batch, 0.5), (batch, now)]
    title = f"{now:.0f} FLOPs a byte: at most {share:.0%} of the peak"
    fig = curves(lines, "rows in the batch", "FLOPs a byte", log_x=True, log_y=True, title=title)
    alt = f"Intensity against the batch; at {batch} rows {title}; the bend is at {bend:.0f}."
    return Picture(fig, alt, state=f"batch={batch} width={width} weight_bits={weight_bits}")


explorer(
    roof,
    batch=slider(64, 1, 4096, 1),
    width=menu(4096, [512, 1024, 4096, 8192]),
    weight_bits=menu(16, [4, 8, 16]),
)

# %% [markdown] id="sizes-question"
# **Powers of two.** Kernels work on tiles: what does not fill the last tile is computed all the same. You have said which width is the fastest.

# %% id="sizes-measured"
lines, costs = {}, {}
for center in (128, 1024):
    widths = [center + offset for offset in (-4, -3, -1, 0, 1, 3, 4)]
    pairs = {w: (torch.randn(256, w), torch.randn(w, w)) for w in widths}
    variants = {
        str(w): Variant(lambda p=pair: float((p[0] @ p[1])[0, 0]), 1, nn.Linear(1, 1))
        for w, pair in pairs.items()
    }
    costs[center] = measure(variants, repeats=15, tolerance=None).costs
    per_flop = {w: sorted(costs[center][str(w)].seconds)[7] / w**2 for w in widths}
    lines[f"around {center}"] = [(w - center, per_flop[w] / per_flop[center]) for w in widths]
show(
    curves(lines, "width, from the power of two", "time for each FLOP, relative to it"),
    "Time for each FLOP at widths from 4 below to 4 above 128 and 1024, relative to these.",
)
waste = {
    tile: [math.ceil(w / tile) * tile / w - 1 for w in (1023, 1024, 1025)] for tile in (16, 128)
}
for tile, shares in waste.items():
    print(f"tiles of {tile:3}: {', '.join(f'{s:.1%}' for s in shares)} wasted at 1023, 1024, 1025")
print("you predicted", my_fastest_width)

# %% [markdown] id="accumulation"
# The table is arithmetic, the picture a measurement: a point above 1 is a width that costs more for each FLOP than the power of two does. Compare the odd
# widths with the multiples of 4, then run the cell again: what does not come back was noise. A processor's vectors hold 4 to 16 floats: what does
# not fill the last one is wasted, which weighs more at small widths. On a GPU, tiles are 64 to 256 wide, and tensor cores want multiples of 8 in 16-bit: there one column more than a power of
# two can cost a whole tile.
#
# ## 3 · A large batch in small pieces
#
# Does the batch not fit? Run it in **micro-batches** and add up their gradients. It is the same gradient if each *target* weighs the same.
#
# ## Exercise 10.3 · Accumulation with unequal micro-batches
#
# difficulty ●●●○○ · 20 minutes · 6 points
#
# **Goal.** Leave in `parameter.grad` the gradient of the mean loss over all targets of all micro-batches, as if they were one batch. A micro-batch
# is `(ids, targets)`, both [rows, pos], of different sizes; a target of −100 does not count, and a micro-batch may have none that do.
# `model(ids)` gives logits [rows, pos, vocab]. Earlier gradients are dropped. Only one graph may be in memory at a time. The model's
# weights and mode and the micro-batches stay as they are. Return the mean loss.
#
# `accumulate(model, micro_batches) -> float`
#
# <details><summary>Hint 1: the idea</summary>
#
# The mean is a sum divided by a count, and the count is known before the first forward pass.
#
# <details><summary>Hint 2: pseudocode</summary>
#
# ```
# count = the number of targets other than -100, in all micro-batches
# drop the gradients
# for each micro-batch: loss = sum of its losses / count; backward; add it to the total
# return the total
# ```
#
# <br><details><summary>Hint 3: the line people get wrong</summary>
#
# `F.cross_entropy(...) / len(micro_batches)` is the mean of means: right only if all have equally many targets. Use `reduction="sum"`.
#
# </details></details></details>


# %% id="accumulate" tags=["exercise"]
def accumulate(model: nn.Module, micro_batches: list[tuple[Tensor, Tensor]]) -> float:
    """Gradients of the mean loss of all targets, one micro-batch at a time; the mean loss."""
    ### BEGIN SOLUTION
    count = sum(int((targets != IGNORED).sum()) for _, targets in micro_batches)
    model.zero_grad()
    total = 0.0
    for ids, targets in micro_batches:
        logits = model(ids).flatten(0, 1)
        loss = F.cross_entropy(logits, targets.flatten(), reduction="sum") / count
        loss.backward()
        total += loss.item()
    return total
    ### END SOLUTION


# %% id="accumulate-check" tags=["check"]
check("performance_tuning.accumulate", accumulate)
accumulate = mine_or_reference("performance_tuning.accumulate", accumulate)

# %% id="predict-accumulation"
# 16 rows, the last ones with ever fewer targets, in one batch and in micro-batches of 4 and of 1:
# to which share of the one batch's does all the memory fall, and how far off (norm of the
# difference, relative) is the gradient with the mean of the means of 4 micro-batches?
my_memory_ratio, my_error = {4: None, 1: None}, None

# %% id="accumulation-measured"
ids, targets = rows[:16, :-1], rows[:16, 1:].clone()
targets[torch.arange(64) >= torch.arange(64, 0, -4)[:, None]] = IGNORED


def pieces(n: int) -> list[tuple[Tensor, Tensor]]:
    return list(zip(ids.split(n), targets.split(n), strict=True))


def mean_of_means(model: nn.Module, parts: list[tuple[Tensor, Tensor]]) -> float:
    loss = sum(mean_loss(model, *part) / len(parts) for part in parts)
    loss.backward()
    return loss.item()


def gradient(scheme, n: int) -> Tensor:
    scheme(model := made(), pieces(n))
    return torch.cat([parameter.grad.flatten() for parameter in model.parameters()])


schemes, whole = (
    {"sum / count": accumulate, "mean of means": mean_of_means},
    gradient(accumulate, 16),
)
for name, scheme in schemes.items():
    error = (gradient(scheme, 4) - whole).norm() / whole.norm()
    print(f"{name}: {'equal to 1e-6' if error < 1e-6 else f'off by {error:.0%}'}")
try:
    measure(
        {n: Variant(lambda s=s: s(made(), pieces(4)), 1, made()) for n, s in schemes.items()}, 1
    )
except ValueError as refusal:
    print("measure:", str(refusal).partition(": ")[2])

steps = {}
for n, model in {n: made() for n in (16, 4, 1)}.items():
    run = lambda model=model, n=n: accumulate(model, pieces(n))  # noqa: E731
    steps[f"16 rows by {n}"] = Variant(run, targets.numel(), model)
report(measure(steps, repeats=3))
print("you predicted", my_memory_ratio, my_error)

# %% [markdown] id="checkpointing"
# The mean of means is another gradient, and its loss another loss: `measure` refuses to time the two side by side. With equal losses, what is saved falls with the
# micro-batch, while weights and gradients stay. Time changes little as long as a micro-batch is large enough to be bound by arithmetic; look whether yours are.
#
# ## 4 · Computing twice instead of keeping
#
# **Gradient checkpointing** keeps a block's input alone and computes the inside again when the backward pass gets there. By hand it is a function of
# autograd: forward runs without a graph, backward runs it again with one, dropout's random numbers as before. (On a GPU use
# `torch.utils.checkpoint.checkpoint(run, x, use_reentrant=False)`, which does the same.)
#
# With n blocks and a checkpoint every k, n/k inputs are kept and k blocks at a time are computed again. If a block's inside takes as
# much as c inputs, that is n/k + c·k: the least at k = √(n/c).
#
# ## Exercise 10.4 · Checkpoint every k blocks
#
# difficulty ●●●○○ · 20 minutes · 6 points
#
# **Goal.** Run the blocks one after another and keep the input of every k-th alone: groups of k blocks are recomputed, the last group may be
# smaller. Output and gradients are those of a plain loop, also where `x` needs no gradient and with dropout; `x` and the
# blocks stay as they are. `recompute(run, x)` of the cell above takes a module; `nn.Sequential(*blocks)` makes one of several. Or use the library's `checkpoint`.
#
# `checkpointed(blocks, x [..., d], k) -> [..., d]`
#
# <details><summary>Hint 1: the idea</summary>
#
# A loop over the starts 0, k, 2k, …; each group goes through `recompute`.
#
# <details><summary>Hint 2: pseudocode</summary>
#
# ```
# for start in 0, k, 2k, … below the number of blocks:
#     x = recompute(the blocks from start to start + k as one module, x)
# return x
# ```
#
# <br><details><summary>Hint 3: the line people get wrong</summary>
#
# With a function written inside the loop (`def run(y): for block in blocks[start : start + k]`) the backward pass runs the *last* group every time:
# `start` is looked up when it is called. `nn.Sequential(*blocks[start : start + k])` is made at once.
#
# </details></details></details>


# %% id="recompute" tags=["setup"]
class Recompute(torch.autograd.Function):
    @staticmethod
    def forward(ctx, run, x, *parameters):
        ctx.run, ctx.random_state = run, torch.get_rng_state()
        ctx.save_for_backward(x, *parameters)
        return run(x)  # inside forward no graph is made

    @staticmethod
    def backward(ctx, gradient):
        x, *parameters = ctx.saved_tensors
        x = x.detach().requires_grad_(x.requires_grad)
        with torch.random.fork_rng(devices=[]), torch.enable_grad():
            torch.set_rng_state(ctx.random_state)
            y = ctx.run(x)
        needed = [tensor for tensor in (x, *parameters) if tensor.requires_grad]
        found = iter(torch.autograd.grad(y, needed, gradient, allow_unused=True))
        return None, *(next(found) if t.requires_grad else None for t in (x, *parameters))


def recompute(run: nn.Module, x: Tensor) -> Tensor:
    """run(x), whose inner tensors are not kept; its parameters are named, so that they learn."""
    return Recompute.apply(run, x, *run.parameters())


# %% id="checkpointed" tags=["exercise"]
def checkpointed(blocks: list[nn.Module], x: Tensor, k: int) -> Tensor:
    """What the blocks make of x; of every k blocks the input is kept, and nothing else."""
    ### BEGIN SOLUTION
    for start in range(0, len(blocks), k):
        x = recompute(nn.Sequential(*blocks[start : start + k]), x)
    return x
    ### END SOLUTION


# %% id="checkpointed-check" tags=["check"]
check("performance_tuning.checkpointed", checkpointed)
checkpointed = mine_or_reference("performance_tuning.checkpointed", checkpointed)

# %% id="predict-checkpointing"
# With n blocks, how often does a block run forward if every one is a checkpoint, and which k takes
# the least memory for 36 blocks?
my_runs, my_k = None, None


# %% id="checkpointing-measured"
def peak(blocks: list[Block], k: int | None) -> float:
    """MB of saved tensors in a forward and a backward pass."""
    run = (lambda: checkpointed(blocks, x, k)) if k else (lambda: nn.Sequential(*blocks)(x))
    parameters = nn.ModuleList(blocks).parameters()
    return peak_saved_bytes(lambda: run().sum().backward(), parameters) / 1e6


x = torch.randn(2, 64, 64, requires_grad=True)
lines: dict[str, list] = {"nothing recomputed": [], "every block": [], "every √n blocks": []}
runs = []
for n in (4, 9, 16, 25, 36):
    blocks = list(made(n=n, vocab=8).blocks)
    blocks[0].register_forward_hook(lambda *_: runs.append(1))
    for name, k in zip(lines, (None, 1, math.isqrt(n)), strict=True):
        runs.clear()
        lines[name].append((n, peak(blocks, k)))
        if n == 36:
            print(f"36 blocks, {name}: {lines[name][-1][1]:5.1f} MB, {len(runs)} runs of a block")
by_k = {k: peak(blocks, k) for k in (1, 2, 3, 4, 6, 9, 12)}
print(f"least at k = {min(by_k, key=by_k.get)} · you predicted {my_k}, and {my_runs} runs")
show(
    curves(lines, "blocks", "peak of saved tensors, MB"),
    f"Peak memory against the number of blocks: {lines['nothing recomputed'][-1][1]:.0f} MB at 36 "
    f"where all is kept, {lines['every block'][-1][1]:.0f} with a checkpoint at every block.",
)


# %% id="checkpointing-timed"
class Checkpointed(Decoder):
    every = 1

    def forward(self, ids: Tensor) -> Tensor:
        x = self.embedding(ids) + self.positions.weight[: ids.shape[1]]
        return self.norm(checkpointed(list(self.blocks), x, self.every)) @ self.embedding.weight.T


plain, wrapped = made(n=9, vocab=512), Checkpointed(n=9, vocab=512)
wrapped.load_state_dict(plain.state_dict())
clip = lambda model, ids, targets: mean_loss(model, ids % 512, targets % 512)  # noqa: E731
report(
    measure(
        {"all kept": training(plain, loss=clip), "every block": training(wrapped, loss=clip)},
        repeats=5,
    )
)

# %% [markdown] id="mixed-precision"
# A block runs twice instead of once. A backward pass costs about two forward passes, so a step goes from 3 units to 4: a third more time is what to
# expect; the quartiles in the picture say how well it could be measured here. Our block's inside is worth many inputs, so a checkpoint at every block is best here; the √n of Chen et al. holds where an inside is
# worth one input.
#
# ## 5 · Fewer bits
#
# **Mixed precision**: weights and sums in float32, matrix products in 16 bits. bfloat16 has float32's range and 8 bits of precision; float16 has
# 11 bits of precision and a small range. By what factor does `torch.autocast` with bfloat16 change memory and time of a step *on this processor*?

# %% id="predict-mixed"
my_mixed = {"saved": None, "time": None}
# A loss is the mean over 2,048 targets, the vocabulary has 5,120 tokens. What share of the loss's
# gradient at the logits becomes 0 in float16, whose smallest number is 6e-8?
my_lost = None


# %% id="mixed-measured"
def in_bfloat16(model: nn.Module, ids: Tensor, targets: Tensor) -> Tensor:
    with torch.autocast("cpu", torch.bfloat16):
        return mean_loss(model, ids, targets)


found = measure(
    {"float32": training(made()), "bfloat16 autocast": training(made(), loss=in_bfloat16)},
    repeats=3,
    tolerance=0.01,
)
capability = torch.backends.cpu.get_cpu_capability()
report(found, f"capability {capability}")
saved = [cost.bytes["saved"] for cost in found.costs.values()]
print(f"saved: {saved[1] / saved[0]:.2f} times · you predicted {my_mixed}")

# %% [markdown] id="mixed-seen"
# Less is saved, though not half: the residual stream, the norms and the log-probabilities stay in float32, and there is a 16-bit copy of the weights
# besides. As to time, the picture says what this machine does. A processor without bfloat16 units (`avx512_bf16` or AMX among the
# flags of `lscpu`) converts back and forth and is **slower**, often several times; on GPUs since Ampere, which have them, it is faster. On MPS autocast takes float16 or bfloat16.
#
# **float16 and loss scaling.** float16 ends at 65,504 and knows nothing below 6·10⁻⁸; the gradient at the logits, a mean over all targets, is made of small numbers. So the loss is
# multiplied by a power of two before the backward pass, and the gradients divided by it after.

# %% id="underflow-measured"
model = made()
practice = training(model, 8, torch.optim.AdamW(model.parameters(), 2e-3))
for _ in range(24):
    practice.step()
logits = model(rows[:32, :-1])
logits.retain_grad()
F.cross_entropy(logits.flatten(0, 1), rows[:32, 1:].flatten()).backward()
grads = logits.grad[logits.grad != 0]
for power in (0, 10, 16, 30):
    half = (grads * 2.0**power).half()
    lost, infinite = ((half == 0).double().mean(), half.isinf().double().mean())
    verdict = "overflow: the step is skipped, the scale halved" if infinite else "usable"
    print(f"loss times 2^{power:<2}: {lost:.0%} become 0, {verdict}")
print("you predicted", my_lost)

# %% [markdown] id="optimizers"
# `torch.amp.GradScaler` does just that: it multiplies the loss, divides the gradients before the step, skips a step with an infinity, halves
# the scale then and doubles it after 2,000 good steps. bfloat16 needs none of it.
#
# ## 6 · What does an optimizer remember?
#
# SGD nothing, momentum one number a parameter, AdamW two. **Adafactor** keeps for a matrix only sums over its rows and columns. And the two moments can be stored in
# **8 bits** each, with a scale for every 256 of them, as below: the first moment linearly (0 stays 0), the second by its logarithm, since it spans many powers of ten.


# %% id="adam-8-bit" tags=["setup"]
class Adam8bit(torch.optim.Optimizer):
    """Adam with a byte for each moment, in blocks of 256 that have scales of their own."""

    def __init__(self, parameters, lr: float = 1e-3, betas=(0.9, 0.999), eps: float = 1e-8):
        super().__init__(parameters, {"lr": lr, "betas": betas, "eps": eps})
        self.steps = 0

    @torch.no_grad()
    def step(self) -> None:
        self.steps += 1
        for group in self.param_groups:
            for parameter in group["params"]:
                update = self.moments(parameter, *group["betas"], group["eps"])
                flat = update.flatten()[: parameter.numel()]
                parameter.sub_(group["lr"] * flat.view_as(parameter))

    def moments(self, parameter: Tensor, beta1: float, beta2: float, eps: float) -> Tensor:
        state, n = self.state[parameter], parameter.numel()
        gradient = F.pad(parameter.grad.flatten(), (0, -n % 256)).view(-1, 256)
        first, second = torch.zeros_like(gradient), torch.zeros_like(gradient)
        if state:
            first = state["first"] * state["scale"]
            second = (state["low"] + state["second"] * state["span"]).exp2()
        first, second = first.lerp(gradient, 1 - beta1), second.lerp(gradient**2, 1 - beta2)
        state["scale"] = first.abs().amax(1, keepdim=True).clamp(min=1e-30) / 127
        state["first"] = (first / state["scale"]).round().to(torch.int8)
        log = second.clamp(min=1e-30).log2()
        state["low"] = log.amin(1, keepdim=True)
        state["span"] = (log.amax(1, keepdim=True) - state["low"]).clamp(min=1e-6) / 255
        state["second"] = ((log - state["low"]) / state["span"]).round().to(torch.uint8)
        corrected = second / (1 - beta2**self.steps)
        return first / (1 - beta1**self.steps) / (corrected.sqrt() + eps)


# %% id="predict-optimizers"
# How many bytes of state a parameter has each, and which learns worst in 20 steps?
my_bytes, my_worst = None, None

# %% id="optimizers-measured"
kinds = {
    "AdamW": lambda ps: torch.optim.AdamW(ps, 2e-3, foreach=True),
    "AdamW, fused": lambda ps: torch.optim.AdamW(ps, 2e-3, fused=True),
    "Adam, 8-bit state": lambda ps: Adam8bit(ps, 2e-3),
    "Adafactor": lambda ps: torch.optim.Adafactor(ps, 2e-2),
    "SGD, momentum": lambda ps: torch.optim.SGD(ps, 0.1, momentum=0.9),
    "SGD": lambda ps: torch.optim.SGD(ps, 0.5),
}
n, variants = sum(p.numel() for p in made().parameters()), {}
for name, make in kinds.items():
    model = made()
    optimizer = make(model.parameters())
    for batch in rows[:80].split(4):
        optimizer.zero_grad()
        loss = mean_loss(model, batch[:, :-1], batch[:, 1:])
        loss.backward()
        optimizer.step()
    variants[name] = Variant(lambda o=optimizer: o.step() or 0.0, n, model, optimizer)
    print(f"{name:18}{optimizer_bytes(optimizer) / n:5.2f} bytes a parameter, loss {loss:.1f}")
report(measure(variants, repeats=9))
print("you predicted", my_bytes, my_worst)

# %% [markdown] id="data"
# The picture's time is that of `optimizer.step()` alone, for each parameter. A fused kernel does one pass over memory where the others do many. Which one learns best in 20
# steps depends on its learning rate at least as much: none was tuned here. ZeRO divides the same state by the number of devices
# ([10b](10b_fine_tuning_and_inference.ipynb) plans it, notebook 12 runs it).
#
# ## 7 · Feeding the model
#
# ## Exercise 10.5 · A collator with dynamic padding
#
# difficulty ●●○○○ · 15 minutes · 4 points
#
# **Goal.** Make one batch of several texts, lists of token ids: as wide as the longest, rounded up to a multiple of `multiple`, padded on the right
# with `pad_id`. `attention_mask` is 1 for tokens and 0 for padding; `labels` are the ids, and −100 for padding (the model shifts them itself). `pad_id` may well
# be the end token's, which stands in the texts too. All three are `torch.long`.
#
# `pad_batch(texts, pad_id, multiple=1) -> {"input_ids", "attention_mask", "labels"}`, each [rows, pos]
#
# <details><summary>Hint 1: the idea</summary>
#
# What is padding is known from the lengths, not from the ids.
#
# <details><summary>Hint 2: pseudocode</summary>
#
# ```
# width = length of the longest text, rounded up to a multiple
# ids   = a tensor full of pad_id; mask = zeros
# for each text: write it into its row of ids, and ones into its row of mask
# labels = ids, -100 where mask is 0
# ```
#
# <br><details><summary>Hint 3: the line people get wrong</summary>
#
# `labels[ids == pad_id] = -100` hides the end token from the loss: the model never learns to stop.
#
# </details></details></details>


# %% id="pad-batch" tags=["exercise"]
def pad_batch(texts: list[list[int]], pad_id: int, multiple: int = 1) -> dict[str, Tensor]:
    """Several texts as one batch, padded on the right to the longest."""
    ### BEGIN SOLUTION
    width = math.ceil(max(map(len, texts)) / multiple) * multiple
    ids = torch.full((len(texts), width), pad_id)
    mask = torch.zeros_like(ids)
    for row, text in enumerate(texts):
        ids[row, : len(text)] = torch.tensor(text)
        mask[row, : len(text)] = 1
    return {
        "input_ids": ids,
        "attention_mask": mask,
        "labels": ids.masked_fill(mask == 0, IGNORED),
    }
    ### END SOLUTION


# %% id="pad-batch-check" tags=["check"]
check("performance_tuning.pad_batch", pad_batch)
pad_batch = mine_or_reference("performance_tuning.pad_batch", pad_batch)

# %% id="predict-padding"
# 1,000 texts in batches of 16: what share of the positions holds a token if all are padded to the
# longest of all, of the batch, of a batch of texts sorted by length, or if texts are packed one
# behind the other into rows of 256?
my_shares = None
# And if a worker makes the batches while the model trains: how much faster are twelve steps?
my_gain = None


# %% id="padding-measured"
def share_of_tokens(texts: list[list[int]], multiple: int = 1) -> float:
    masks = [
        pad_batch(texts[i : i + 16], END, multiple)["attention_mask"]
        for i in range(0, len(texts), 16)
    ]
    return float(sum(m.sum() for m in masks) / sum(m.numel() for m in masks))


total, longest = sum(map(len, texts)), max(map(len, texts))
shares = {
    "the longest of all": share_of_tokens(texts, multiple=longest),
    "the longest of the batch": share_of_tokens(texts),
    "… to a multiple of 8": share_of_tokens(texts, multiple=8),
    "sorted by length": share_of_tokens(sorted(texts, key=len)),
    "packed": total / (math.ceil(total / 256) * 256),
}
for name, share in shares.items():
    print(f"{name:26}{share:5.0%} tokens")
print("you predicted", my_shares)

# %% [markdown] id="loading-question"
# Packing wastes nothing, but texts in a row must not see each other: that needs a mask by document, and positions that begin anew (`course_utils.course_lm.train` has both). Sorted
# batches are no random batches: shuffle buckets.
#
# **Workers.** Batches can be made by other processes while the model trains (`num_workers`), several in advance (`prefetch_factor`). A batch of the corpus is generated and
# tokenized when asked for. You have said what a worker gains.


# %% id="loading-measured"
def epoch(loader: DataLoader) -> float:
    """Twelve steps of a small model on batches that are made meanwhile."""
    model, total = made(d=32, n=1), 0.0
    for batch in loader:
        model.zero_grad()
        loss = mean_loss(model, batch[:, :-1], batch[:, 1:])
        loss.backward()
        total += loss.item()
    return total


ahead = {"prefetch_factor": 4, "persistent_workers": True}
dataset = CorpusBatches(tokenizer, count=12, rows=8, window=65)
loaders = {
    f"workers: {n}": DataLoader(dataset, batch_size=None, num_workers=n, **(ahead if n else {}))
    for n in (0, 1, 2)
}
variants = {n: Variant(lambda d=d: epoch(d), 6144, nn.Linear(1, 1)) for n, d in loaders.items()}
found = measure(variants, repeats=3)
show(step_costs(found.times()), "Time of twelve steps with 0, 1 and 2 workers, as measured here.")
print("equal losses:", len({round(cost.loss, 3) for cost in found.costs.values()}) == 1)
print("you predicted", my_gain)
del loaders, variants  # ends the workers

# %% [markdown] id="compile"
# The workers are kept from one round to the next (`persistent_workers=True`), so the picture leaves out what starting them takes. The gain is at most the share of a step that
# making a batch takes, and it needs a core that the training leaves free: where the ratio stays near 1 or above, there was none. `pin_memory=True` matters only for copies to a CUDA device, together with `.to("cuda", non_blocking=True)`; on MPS and the CPU it does nothing.
#
# ## 8 · Compiling
#
# `torch.compile` writes C++ (on a GPU, Triton) that does chains of small operations in one pass over memory. Compiling takes seconds. After how many calls has it paid for itself? Take
# nine small operations on the logits: scale and bias, a softcap, a gate, and the logits again.

# %% id="predict-compile"
my_break_even = None


# %% id="compile-measured"
def chain(x: Tensor) -> Tensor:
    return (30 * torch.tanh((x * 1.1 + 0.3) / 30)).relu() * torch.sigmoid(x) + x


def compiled_chain(x: Tensor):
    """The compiled function and the seconds it took, or the reason why there is none."""
    compiled, start = torch.compile(chain, dynamic=False), time.perf_counter()
    try:
        with warnings.catch_warnings(action="ignore"), torch.no_grad():
            compiled(x)
    except Exception as error:  # no compiler, or one that does not fit
        return None, type(error).__name__
    return compiled, time.perf_counter() - start


x = torch.randn(512, 5120)
compiled, seconds = compiled_chain(x)
fast = compiled or chain
with torch.no_grad():
    found = measure(
        {
            "eager": Variant(lambda: float(chain(x).mean()), 1, nn.Linear(1, 1)),
            "compiled": Variant(lambda: float(fast(x).mean()), 1, nn.Linear(1, 1)),
        },
        repeats=9,
    )
    same = torch.allclose(fast(x), chain(x), atol=1e-5)
gained = [sorted(cost.seconds)[4] for cost in found.costs.values()]
if compiled is None:
    title = f"not compiled: {seconds}"
elif gained[1] < gained[0]:
    title = f"{seconds:.1f} s to compile: pays after {seconds / (gained[0] - gained[1]):,.0f} calls"
else:
    title = f"{seconds:.1f} s to compile: never pays"
show(
    step_costs(found.times(), title=title),
    "Time of a chain of nine operations, eager and compiled; the title says after how many calls "
    "compiling has paid for itself where this ran.",
)
print("the same numbers:", same)
print("you predicted", my_break_even)

# %% [markdown] id="empty-cache"
# No compiler on your machine? `torch.compile` then fails at the first *call*. Install `g++` (on Windows, MSVC; on a Mac, Xcode's command line tools), or
# go without: `torch.compile(f, backend="eager")` runs everywhere and gains nothing. Each new shape compiles again: use few widths (`multiple`), or `dynamic=True`.
#
# ## 9 · Emptying the cache
#
# On a GPU, PyTorch keeps freed memory and hands it out again. `torch.cuda.empty_cache()` gives it back to the driver. It frees no tensor; it only lets *others* have what is
# not in use (and can join fragments). Here is such an allocator in miniature, fed with the sizes of the n tensors that a step hands to `pack`. How many
# calls to the driver do 20 steps take, as multiples of n, with the cache kept and with the cache emptied after each step?

# %% id="predict-cache"
my_calls = {"kept": None, "emptied": None}
# And if what is saved goes to files: by how much does the time of a step grow?
my_offload = None

# %% id="cache-counted"
asked: list[int] = []
model = made()
with saved_tensors_hooks(lambda t: asked.append(-(-t.nbytes // 512) * 512) or t, lambda t: t):
    loss = mean_loss(model, ids, targets)


def driver_calls(empties: bool, steps: int = 20) -> int:
    free: dict[int, int] = {}
    calls = 0
    for _ in range(steps):
        for size in asked:
            calls += not free.get(size)
            free[size] = max(0, free.get(size, 0) - 1)
        for size in asked:
            free[size] += 1
        if empties:
            calls += sum(free.values())
            free.clear()
    return calls


for name, empties in {"kept": False, "emptied": True}.items():
    calls = driver_calls(empties)
    print(f"cache {name:7}: {calls:5,} calls, {calls / len(asked):.0f} n", end="")
    print(f" · you predicted {my_calls[name]}")

# %% [markdown] id="offload"
# A call to the driver waits for the device. So: empty the cache before another program needs the memory, or between phases of different shapes; never in the loop. On MPS it is
# `torch.mps.empty_cache()`; on the CPU there is none to empty.
#
# ## 10 · Saving to disk
#
# The same hooks that count can also carry off: `pack` writes a tensor to a file and returns the file's name, `unpack` reads it. What the step takes in memory and in time then?


# %% id="offload-measured"
folder, written = Path(tempfile.mkdtemp()), []


def offloaded(model: nn.Module, ids: Tensor, targets: Tensor) -> Tensor:
    known = {p.untyped_storage().data_ptr() for p in model.parameters()}

    def pack(tensor: Tensor):
        if tensor.untyped_storage().data_ptr() in known:
            return tensor
        written.append(tensor.nbytes)
        torch.save(tensor.clone(), path := folder / f"{len(written)}.pt")
        return path

    with saved_tensors_hooks(pack, lambda p: torch.load(p) if isinstance(p, Path) else p):
        return mean_loss(model, ids, targets)


try:
    variants = {"in memory": training(made()), "on disk": training(made(), loss=offloaded)}
    variants["on disk"].step()
    print(f"{len(written)} files, {sum(written) / 1e6:.1f} MB a step")
    report(measure(variants, repeats=3))
finally:
    shutil.rmtree(folder)
print("you predicted", my_offload)

# %% [markdown] id="real-model"
# A tensor that is saved twice is written twice here; SSDTrain writes it once, in the background, while the GPU computes: with a fast disk the time is hidden. Offloading to the
# memory of the host is one line: `torch.autograd.graph.save_on_cpu(pin_memory=True)`.
#
# ## 11 · On a real model
#
# One step of a real model, counted with your function: about 1 GB is fetched once from the Hub.

# %% id="on-a-real-model"
REAL_MODEL = None  # "Qwen/Qwen2.5-0.5B-Instruct"

if REAL_MODEL is None:
    print('Not run: set REAL_MODEL to a model of the Hub, such as "Qwen/Qwen2.5-0.5B-Instruct".')
else:
    real_model, real_tokenizer = load_lm(REAL_MODEL)
    real = real_tokenizer("The Space Needle is in Seattle. " * 8, return_tensors="pt").input_ids
    real = real.to(real_model.device)
    size = saved_bytes(lambda: real_model(real, labels=real), real_model.parameters())
    print(f"{real.shape[1]} tokens: {size / 1e6:,.0f} MB are saved for the backward pass")

# %% [markdown] id="remember"
# ## What to remember
#
# | remedy | memory | time | exact? |
# |---|---|---|---|
# | larger batch | what is saved grows with it | cheaper a token until arithmetic is the limit | another optimization problem |
# | accumulation | what is saved, of one micro-batch | nearly the same | yes, with sum / count |
# | checkpointing | inputs, and one group's inside | one forward pass more: about 4/3 | yes |
# | mixed precision | less is saved; a copy of the weights more | less only where the chip has units for it | no: rounding |
# | optimizer | 0 to 8 bytes a parameter | fused: fewer passes over memory | other optimizers learn otherwise |
# | data loading | batches in advance | at most the share that making batches takes | packing needs a mask by document |
# | compiling | about the same | pays after so many calls | up to rounding |
# | emptying the cache | frees what nothing uses, for others | more calls to the driver | yes |
# | offloading | next to nothing is kept | as slow as the disk, unless hidden | yes |
# | ZeRO ([10b](10b_fine_tuning_and_inference.ipynb)) | state, gradients, weights divided by the devices | what the devices send each other | yes |
# | LoRA ([10b](10b_fine_tuning_and_inference.ipynb)) | gradients and state of a small share | a little less | no: another model is learned |
#
# **Where it fails.** Times from a machine that does other things are ratios of one round at best; look at the quartiles before you believe a difference. A
# number measured on a small model on a CPU is no forecast for a large one on a GPU; what was counted is.
#
# **On a GPU** the same cells run, with `.to("cuda")` for the model and what it is given, and `"cuda"` in `torch.autocast`; `measure` then waits for the device and adds its peak of allocated memory. TF32
# (`torch.set_float32_matmul_precision("high")`) is there the first thing to switch on. On MPS, what is not implemented needs `PYTORCH_ENABLE_MPS_FALLBACK=1`, and runs on the CPU.
#
# ## Papers
#
# - Tianqi Chen et al.: [Training Deep Nets with Sublinear Memory Cost](https://arxiv.org/abs/1604.06174), 2016. Checkpointing every √n.
# - Paulius Micikevicius et al.: [Mixed Precision Training](https://arxiv.org/abs/1710.03740), 2017. Loss scaling.
# - Noam Shazeer, Mitchell Stern: [Adafactor: Adaptive Learning Rates with Sublinear Memory Cost](https://arxiv.org/abs/1804.04235), 2018.
# - Tim Dettmers et al.: [8-bit Optimizers via Block-wise Quantization](https://arxiv.org/abs/2110.02861), 2021.
# - Kun Wu et al.: SSDTrain: An Activation Offloading Framework to SSDs for Faster Large Language Model Training, 2024.
# - Samuel Williams, Andrew Waterman, David Patterson: [Roofline: An Insightful Visual Performance Model for
#   Multicore Architectures](https://doi.org/10.1145/1498765.1498785), 2009.
