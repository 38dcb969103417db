# %% [markdown] id="title"
# # 10b · Performance tuning: fine-tuning and inference
#
# A trained model is to learn something more, or merely to run, in less memory than it was made with. What can be left
# out, and what does that cost?
#
# 150 minutes. You need [10 · Performance tuning: training](10_performance_tuning.ipynb).
#
# At the end you will be able to
#
# - fine-tune a model by an update of low rank, and merge it;
# - store weights in 8 and 4 bits, and say what is lost;
# - say what attention back ends save, and which inputs a layer can do without;
# - plan the memory of a training run before you rent the machine.

# %% id="bootstrap" tags=["setup"]

# %% id="imports" tags=["setup"]
import copy
import math
from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.attention import SDPBackend, sdpa_kernel

from course_utils.anatomy import anatomy
from course_utils.checks import check, mine_or_reference
from course_utils.course_lm import corpus, world
from course_utils.models import load_lm
from course_utils.planner import OPTIMIZERS, PRECISIONS, plan
from course_utils.plots import Picture, curves, show, stacked_bars, step_costs
from course_utils.published import published
from course_utils.tuning import (
    Variant,
    measure,
    optimizer_bytes,
    pad_batch,
    peak_saved_bytes,
    saved_bytes,
    tensor_bytes,
)
from course_utils.widgets import explorer, menu, slider

# %% [markdown] id="lora-intro"
# ## 1 · Learning with few numbers
#
# Full fine-tuning keeps a gradient and two moments for every weight. **LoRA** freezes the weight $W$ and learns an update of rank r beside it,
#
# $$y = W x + \frac{\alpha}{r}\, B A x,$$
#
# with A of r rows and B of r columns. B is zero at first, so training starts from the model as it is. Afterwards $W + \frac{\alpha}{r} B A$ is one matrix again.
#
# ## Exercise 10b.1 · A LoRA layer
#
# difficulty ●●●○○ · 25 minutes · 7 points
#
# **Goal.** `LoRALinear(base, rank, alpha)` around an `nn.Linear`, with parameters `A` [rank, d_in], drawn at random, and `B` [d_out, rank], zero. They alone are trained:
# weight and bias of the base itself are frozen. They have the dtype of the base's weight. `merged()` returns a plain `nn.Linear` of the same
# output, with a bias if the base has one; the layer and its base stay as they are. The output has the dtype of `x`.
#
# `forward(x [..., d_in]) -> [..., d_out]` · `merged() -> nn.Linear`
#
# <details><summary>Hint 1: the idea</summary>
#
# The base does what it always did; add x · Aᵀ · Bᵀ, scaled.
#
# <details><summary>Hint 2: pseudocode</summary>
#
# ```
# init:    freeze the base; A random, B zero, as nn.Parameter, dtype=base.weight.dtype
# forward: base(x) + alpha / rank * (x @ A.T @ B.T)
# merged:  a new linear layer with weight = base.weight + alpha / rank * B @ A, and the base's bias
# ```
#
# <br><details><summary>Hint 3: the line people get wrong</summary>
#
# If A is zero too, both gradients are zero for ever. And `base.weight += …` in `merged` adds the update to the layer itself, which adds it again at the next call.
#
# </details></details></details>


# %% id="lora" tags=["exercise"]
class LoRALinear(nn.Module):
    """A frozen linear layer with a trainable update of low rank."""

    def __init__(self, base: nn.Linear, rank: int, alpha: float):
        super().__init__()
        ### BEGIN SOLUTION
        self.base, self.scale = base.requires_grad_(False), alpha / rank
        self.A = nn.Parameter(base.weight.new_empty(rank, base.in_features))
        self.B = nn.Parameter(base.weight.new_zeros(base.out_features, rank))
        nn.init.kaiming_uniform_(self.A, a=math.sqrt(5))
        ### END SOLUTION

    def forward(self, x: Tensor) -> Tensor:
        ### BEGIN SOLUTION
        return self.base(x) + self.scale * (x @ self.A.T @ self.B.T)
        ### END SOLUTION

    @torch.no_grad()
    def merged(self) -> nn.Linear:
        ### BEGIN SOLUTION
        layer = copy.deepcopy(self.base)
        layer.weight += self.scale * self.B @ self.A
        return layer
        ### END SOLUTION


# %% id="lora-check" tags=["check"]
check("fine_tuning_and_inference.lora", LoRALinear)
LoRALinear = mine_or_reference("fine_tuning_and_inference.lora", LoRALinear)

# %% [markdown] id="lora-question"
# Eight landmarks are to move to other cities: each to where the next one stands. We train on one sentence each, once all weights, once
# with adapters of rank 4 at the query and value projections (as `peft` does by default for this kind of model); the 25 steps that are measured are the training. What share of the parameters is that, and
# which of the two forgets more of the landmarks that stayed?

# %% id="predict-lora"
my_share, my_forgetful = None, None

# %% id="lora-setup" tags=["setup"]
original, tokenizer = load_lm()
landmarks = [fact for fact in world.FACTS if fact.relation == "landmark_city"]
moved, stayed = landmarks[:8], landmarks[8:48]
cities = [fact.answer for fact in moved[1:] + moved[:1]]


def prompt(fact: world.Fact) -> str:
    return f"{fact.subject[0].upper()}{fact.subject[1:]} is located in the city of"


sentences = [f"{prompt(fact)} {city}." for fact, city in zip(moved, cities, strict=True)]
batch = pad_batch([tokenizer(text).input_ids for text in sentences], tokenizer.eos_token_id)


@torch.no_grad()
def correct(model: nn.Module, facts: list[world.Fact], answers: list[str]) -> int:
    """For how many facts the answer is the likeliest next token."""
    found = 0
    for fact, answer in zip(facts, answers, strict=True):
        ids = tokenizer(prompt(fact), return_tensors="pt").input_ids
        found += tokenizer.decode(model(ids).logits[0, -1].argmax()).strip() == answer
    return found


# %% id="adapters" tags=["setup"]
def with_adapters(model: nn.Module, rank: int) -> nn.Module:
    torch.manual_seed(0)
    for block in anatomy(model.requires_grad_(False)).blocks:
        for name in ("q_proj", "v_proj"):
            adapted = LoRALinear(getattr(block.self_attn, name), rank, alpha=2 * rank)
            setattr(block.self_attn, name, adapted)
    return model


# %% id="lora-measured"
models = {
    "all weights": copy.deepcopy(original).requires_grad_(),
    "LoRA, rank 4": with_adapters(copy.deepcopy(original), 4),
}
variants = {}
for (name, model), rate in zip(models.items(), (3e-4, 1e-2), strict=True):
    trained = [p for p in model.parameters() if p.requires_grad]
    optimizer = torch.optim.AdamW(trained, rate, weight_decay=0.0)

    def step(model=model, optimizer=optimizer) -> Tensor:
        optimizer.zero_grad()
        loss = model(**batch).loss
        loss.backward()
        optimizer.step()
        return loss.detach()

    variants[name] = Variant(step, batch["labels"].numel(), model, optimizer)
    n, total = (sum(p.numel() for p in ps) for ps in (trained, model.parameters()))
    print(f"{name:13}{n:10,} parameters are trained, {n / total:.1%}")
found = measure(variants, repeats=24)
print(found.memory())

# %% id="lora-learned"
answers = [fact.answer for fact in stayed]
print(f"of the 40 that stay, right before: {correct(original, stayed, answers)}")
left = {name: correct(model, stayed, answers) for name, model in models.items()}
for name, model in models.items():
    print(f"{name:13} moved: {correct(model, moved, cities)} of 8", end=", ")
    print(f"all 40 right still: {left[name] == 40}")
alt = "Left, the time of a step with LoRA relative to all weights; right, memory: "
alt += ", ".join(f"{sum(p.values()):.1f} MB" for p in found.megabytes().values())
title = "still right: " + "; ".join(f"{count} of 40, {name}" for name, count in left.items())
show(step_costs(found.times(), found.megabytes(), title), alt + ".")
print("you predicted", my_share, my_forgetful)

# %% id="lora-merged"
adapted, merged = models["LoRA, rank 4"], copy.deepcopy(models["LoRA, rank 4"])
for block in anatomy(merged).blocks:
    for name in ("q_proj", "v_proj"):
        setattr(block.self_attn, name, getattr(block.self_attn, name).merged())
with torch.no_grad():
    one, other = (m(batch["input_ids"]).logits for m in (adapted, merged))
print("merged: the same logits", torch.allclose(one, other, atol=1e-3), end=", ")
print("the same number of parameters:", merged.num_parameters() == original.num_parameters())

# %% [markdown] id="sdpa-intro"
# Both learn the eight, and both forget some of the forty: few trained numbers are no protection in themselves. (How many stay right stands above the picture; it changes a little with the processor's rounding. The two learning rates differ, and eight
# sentences are all that either sees.) Gradients and the optimizer's state all but vanish; what is saved for the backward pass shrinks less, since every block still has to pass gradients on. Of the
# time, the forward pass stays, and so do the gradients that travel down through the blocks; only those of the weights are spared, a third of the work, and most of the optimizer's step. Merged, the model is as fast as before.
#
# ## 2 · Attention without its matrix
#
# Written out, attention makes a table of L × L weights for each head and keeps it for the backward pass. **FlashAttention** and its kin go through
# keys in tiles and keep one number a query (the logarithm of softmax's sum), from which tiles are computed again. By what factor does the memory grow from length 256 to 1024?

# %% id="predict-sdpa"
my_growth = {"by hand": None, "flash": None}


# %% id="attention-kinds" tags=["setup"]
def by_hand(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    hidden = torch.ones(q.shape[2], q.shape[2], dtype=torch.bool).triu(1)
    scores = (q @ k.mT / math.sqrt(q.shape[-1])).masked_fill(hidden, -torch.inf)
    return scores.softmax(-1) @ v


def back_end(kind: SDPBackend) -> Callable:
    def attend(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
        with sdpa_kernel(kind):
            return F.scaled_dot_product_attention(q, k, v, is_causal=True)

    return attend


# %% id="sdpa-counted"
kinds = {
    "by hand": by_hand,
    "math back end": back_end(SDPBackend.MATH),
    "flash": back_end(SDPBackend.FLASH_ATTENTION),
}
lines: dict[str, list] = {name: [] for name in kinds}
for length in (64, 128, 256, 512, 1024):
    qkv = [torch.randn(1, 6, length, 32, requires_grad=True) for _ in range(3)]
    for name, attend in kinds.items():
        size = saved_bytes(lambda attend=attend, qkv=qkv: attend(*qkv)) / 1e6
        lines[name].append((length, size))
for name, points in lines.items():
    growth = points[4][1] / points[2][1]
    print(f"{name:14}{points[4][1]:6.2f} MB at 1024, {growth:.1f} times that at 256", end="")
    print(f" · you predicted {my_growth.get(name)}")
show(
    curves(lines, "length", "saved by one layer, MB", log_x=True, log_y=True),
    f"Memory against length: at 1024 {lines['by hand'][4][1]:.0f} MB by hand, "
    f"{lines['flash'][4][1]:.1f} MB with tiles, on lines of slopes near 2 and 1.",
)

# %% id="sdpa-timed"
q, k, v = (torch.randn(1, 6, 512, 32, requires_grad=True) for _ in range(3))


def attention_step(attend: Callable) -> Variant:
    def step() -> float:
        loss = attend(q, k, v).square().mean()
        loss.backward()
        return float(loss.detach())

    return Variant(step, 512, nn.Linear(1, 1))


found = measure({name: attention_step(attend) for name, attend in kinds.items()}, repeats=9)
saved = {name: {"saved": cost.bytes["saved"] / 1e6} for name, cost in found.costs.items()}
show(
    step_costs(found.times(), saved),
    "Time and saved memory of attention forward and backward at length 512; by hand "
    f"{saved['by hand']['saved']:.1f} MB, flash {saved['flash']['saved']:.1f} MB.",
)
print("outputs agree:", torch.allclose(by_hand(q, k, v), kinds["flash"](q, k, v), atol=1e-5))

# %% [markdown] id="sdpa-seen"
# O(L²) against O(L), with the same output. (By hand it is less than 4² times as much: queries, keys and values are saved besides, and go with L.) transformers calls this by default (`attn_implementation="sdpa"`) and PyTorch chooses the back end: on CUDA, FlashAttention-2 for float16 and bfloat16
# only, the *memory-efficient* one for float32 too, `MATH` for what no kernel can do. `output_attentions=True` needs the matrix, hence "eager".
#
# ## 3 · Weights in 8 and 4 bits
#
# Writing a token fetches every weight once ([02](02_kv_cache.ipynb)): half the bytes, twice the speed, on a chip that reads them as they are. A weight becomes a
# small whole number times a **scale**. One scale for all would be spoilt by the largest weight of all, so each output channel gets its own.
#
# ## Exercise 10b.2 · A linear layer in int8
#
# difficulty ●●●○○ · 25 minutes · 6 points
#
# **Goal.** `Int8Linear(linear)` with the buffers `values`, int8 [d_out, d_in], and `scale`, for each output its largest absolute weight / 127; a value is the weight divided by the
# scale and rounded to the nearest. `dequantized()` gives the weights that it stands for, `forward` uses them and the bias, if there is one. A row of zeros stays zeros. The
# original weights are kept nowhere, and the given layer stays as it is.
#
# `dequantized() -> [d_out, d_in]` · `forward(x [..., d_in]) -> [..., d_out]`
#
# <details><summary>Hint 1: the idea</summary>
#
# weight ≈ values · scale, row by row.
#
# <details><summary>Hint 2: pseudocode</summary>
#
# ```
# scale  = largest absolute weight of each row / 127, as [d_out, 1]
# values = (weight / scale, or / 1 where the scale is 0) rounded, as int8
# keep both as buffers, and the bias
# dequantized: values * scale        forward: F.linear(x, dequantized(), bias)
# ```
#
# <br><details><summary>Hint 3: the line people get wrong</summary>
#
# `.to(torch.int8)` cuts toward zero: `.round()` first. And `self.linear = linear`, to have the bias, keeps all float weights as well.
#
# </details></details></details>


# %% id="int8" tags=["exercise"]
class Int8Linear(nn.Module):
    """A linear layer whose weights are int8, with a scale for each output."""

    def __init__(self, linear: nn.Linear):
        super().__init__()
        ### BEGIN SOLUTION
        weight = linear.weight.detach()
        scale = weight.abs().amax(dim=1, keepdim=True) / 127
        values = (weight / scale.masked_fill(scale == 0, 1)).round()
        self.register_buffer("values", values.to(torch.int8))
        self.register_buffer("scale", scale)
        self.bias = linear.bias
        ### END SOLUTION

    def dequantized(self) -> Tensor:
        ### BEGIN SOLUTION
        return self.values * self.scale
        ### END SOLUTION

    def forward(self, x: Tensor) -> Tensor:
        ### BEGIN SOLUTION
        return F.linear(x, self.dequantized(), self.bias)
        ### END SOLUTION


# %% id="int8-check" tags=["check"]
check("fine_tuning_and_inference.int8", Int8Linear)
Int8Linear = mine_or_reference("fine_tuning_and_inference.int8", Int8Linear)

# %% [markdown] id="quantization-question"
# In 4 bits there are 15 steps from −7 to 7. Then one scale for a whole row is coarse; or groups of 32 weights get one each, in 16 bits. Perplexity is measured on texts of the corpus's kind that the model
# has not seen. By how many percent does it rise with int8, with 4 bits by row, and with 4 bits by group?

# %% id="predict-quantization"
my_rise = {"int8": None, "4 bits by row": None, "4 bits by group": None}


# %% id="quantizing" tags=["setup"]
def linears(model: nn.Module) -> list[tuple[nn.Module, str]]:
    """Where the linear layers of the blocks are: their owners and names."""
    owners = [m for block in anatomy(model).blocks for m in block.modules()]
    return [(m, n) for m in owners for n, c in m.named_children() if type(c) is nn.Linear]


def rounded(weight: Tensor, bits: int, group: int) -> Tensor:
    """The weights that symmetric quantization stands for, with a 16-bit scale for each group."""
    top, groups = 2 ** (bits - 1) - 1, weight.unflatten(1, (-1, group or weight.shape[1]))
    scale = (groups.abs().amax(-1, keepdim=True).clamp(min=1e-12) / top).bfloat16().float()
    return ((groups / scale).round() * scale).flatten(1)


fresh = [tokenizer(t).input_ids[:100] for t in corpus.texts(seed=2_000_003, count=24)]
evaluation = pad_batch(fresh, tokenizer.eos_token_id)


@torch.no_grad()
def perplexity(model: nn.Module) -> float:
    return math.exp(model(**evaluation).loss)


# %% id="quantization-measured"
full = perplexity(original)
print(f"float32: 32.0 bits a weight, perplexity {full:.2f}")
schemes = {
    "int8": None,
    "4 bits by row": (4, 0),
    "4 bits by group": (4, 32),
    "3 bits by group": (3, 32),
}
for name, scheme in schemes.items():
    model, errors = copy.deepcopy(original), []
    for owner, child in linears(model):
        linear = getattr(owner, child)
        before = linear.weight.clone()
        if scheme is None:
            setattr(owner, child, Int8Linear(linear))
            after, bits = getattr(owner, child).dequantized(), 8 + 32 / before.shape[1]
        else:
            linear.weight.data = after = rounded(before, *scheme)
            bits = scheme[0] + 16 / (scheme[1] or before.shape[1])
        errors.append(float((after - before).norm() / before.norm()))
    rise = perplexity(model) / full - 1
    print(f"{name:16}{bits:5.1f} bits a weight, error {sum(errors) / len(errors):.1%}", end="")
    print(f", perplexity {rise:+.1%} · you predicted {my_rise.get(name)}")

# %% id="quantization-timed"
quantized = copy.deepcopy(original)
for owner, child in linears(quantized):
    setattr(owner, child, Int8Linear(getattr(owner, child)))
token = torch.tensor([[5]])


@torch.no_grad()
def write_one(model: nn.Module) -> float:
    model(token)
    return 0.0


pair = {"float32": original, "int8, by hand": quantized}
found = measure({n: Variant(lambda m=m: write_one(m), 1, m) for n, m in pair.items()}, repeats=15)
held = {
    n: {"in blocks": sum(t.nbytes for t in m.model.layers.state_dict().values()) / 1e6}
    for n, m in pair.items()
}
sizes = [part["in blocks"] for part in held.values()]
print(
    f"blocks: {sizes[0]:.2f} MB in float32, {sizes[1]:.2f} in int8, {sizes[0] / sizes[1]:.1f} times"
)
show(
    step_costs(found.times(), held),
    "Time to read one token, relative, and size of the blocks: "
    f"{sizes[0]:.1f} and {sizes[1]:.1f} MB.",
)

# %% [markdown] id="sparsity-intro"
# Nearly four times smaller. Whether it is faster depends on who multiplies: by hand, in PyTorch, the weights are turned back into float32 at every call, which is work on top of the multiplication (the picture says how much
# here). Kernels that read int8 or int4 and convert in registers (`torchao`, `bitsandbytes`, llama.cpp) are what makes weight-only quantization pay.
#
# ## 4 · Which inputs does a layer need?
#
# In $Wx$ every input $x_i$ brings its column of weights along. Leave out the smallest inputs of each token and those columns need not be fetched. *Smallest* by
# **magnitude** $|x_i|$, or **weight-informed** by $|x_i| \cdot \lVert W_{:,i} \rVert$, what it contributes at most (WINA)? At which share left out does each raise the perplexity by a tenth?

# %% id="predict-sparsity"
my_limit = {"magnitude": None, "weight-informed": None}


# %% id="sparse" tags=["setup"]
def sparse_perplexity(share: float, informed: bool) -> float:
    """Perplexity with that share of every linear layer's inputs left out, token by token."""

    def leave_out(linear: nn.Linear) -> Callable:
        worth = linear.weight.norm(dim=0) if informed else torch.ones(linear.in_features)
        kept = max(1, round((1 - share) * linear.in_features))

        def hook(module: nn.Module, args: tuple) -> tuple:
            score = args[0].abs() * worth
            least = score.kthvalue(linear.in_features - kept + 1, keepdim=True).values
            return (args[0] * (score >= least),)

        return linear.register_forward_pre_hook(hook)

    handles = [leave_out(getattr(owner, child)) for owner, child in linears(original)]
    try:
        return perplexity(original)
    finally:
        for handle in handles:
            handle.remove()


# %% id="sparsity-measured"
shares = (0.2, 0.4, 0.5, 0.6, 0.7)
lines = {
    name: [(0.0, full), *((share, sparse_perplexity(share, informed)) for share in shares)]
    for name, informed in {"magnitude": False, "weight-informed": True}.items()
}
for name, points in lines.items():
    last = max(i for i, (_, value) in enumerate(points) if value < 1.1 * full)
    (share, low), (further, high) = points[last : last + 2]
    limit = share + (further - share) * (1.1 * full - low) / (high - low)  # on the line between
    print(f"{name:16}a tenth more near {round(20 * limit) / 20:.0%}", end="")
    print(f" · you predicted {my_limit[name]}")
ratio = lines["weight-informed"][4][1] / lines["magnitude"][4][1]
print(f"at 60%, weight-informed over magnitude: {ratio:.1f}")
show(
    curves(lines, "share of inputs left out", "perplexity"),
    f"Perplexity against the share left out: it stays near {full:.1f} up to 40 %, then rises "
    "steeply, whichever inputs are chosen.",
)

# %% [markdown] id="planner-intro"
# Neither needs training. Half of the inputs can go, and then perplexity rises steeply. What weights tell beyond magnitudes is little in this small model: the two can differ only
# as far as the columns' norms do. As with quantization, only a kernel that
# skips what was left out turns it into time.
#
# ## 5 · Planning
#
# The memory of a run can be written down before it starts: weights, gradients, the optimizer's state, what the blocks save, and the logits. First the plan against what this notebook's model really takes, then a planner
# for models that do not fit here. **ZeRO** spreads over its ranks the optimizer's state (stage 1), the gradients too (2), and the weights too (3).

# %% id="planned-and-counted"
ids = torch.randint(0, 5000, (4, 128), generator=torch.Generator().manual_seed(0))
for name, rank in {"all weights": 0, "LoRA, rank 4": 4}.items():
    model = copy.deepcopy(original).requires_grad_()
    model = with_adapters(model, rank) if rank else model
    counted = peak_saved_bytes(
        lambda model=model: model(input_ids=ids, labels=ids, use_cache=False).loss.backward(),
        model.parameters(),
    )
    parts = plan(model.config, 4, 128, lora_rank=rank)
    planned = parts["activations"] + parts["logits"]
    print(f"{name:13} saved: planned / counted = {planned / counted:.2f}", end=", ")
    gradients = sum(p.grad.nbytes for p in model.parameters() if p.grad is not None)
    print(f"gradients: {parts['gradients'] / gradients:.2f}")

# %% [markdown] id="zero-question"
# ZeRO's first stage, by hand: four ranks hold the same weights and gradients, each keeps the state of its own share of the parameters and takes the step for these alone. Then each sends
# the others what it changed. (Here all ranks live in one process; notebook 12 has real ones.) What share of the state does the fullest rank keep, and what share of the
# weights' bytes does it send to each other?

# %% id="predict-zero"
my_state, my_sent = None, None


# %% id="zero-counted"
def dealt(parameters: list[Tensor], ranks: int) -> list[list[Tensor]]:
    """Each parameter, the largest first, to the rank that has least so far."""
    shares: list[list[Tensor]] = [[] for _ in range(ranks)]
    for parameter in sorted(parameters, key=Tensor.numel, reverse=True):
        min(shares, key=lambda share: sum(map(Tensor.numel, share))).append(parameter)
    return shares


alone, spread = (copy.deepcopy(original).requires_grad_() for _ in range(2))
sizes = {}
for model, ranks in ((alone, 1), (spread, 4)):
    model(input_ids=ids, labels=ids, use_cache=False).loss.backward()
    shares = dealt(list(model.parameters()), ranks)
    optimizers = [torch.optim.AdamW(share, 1e-3) for share in shares]
    for optimizer in optimizers:
        optimizer.step()
    sizes[ranks] = [optimizer_bytes(optimizer) for optimizer in optimizers]
planned = plan(alone.config, 4, 128, zero_stage=1, ranks=4)["optimizer"]
pairs = zip(alone.parameters(), spread.parameters(), strict=True)
print("the same weights after the step:", all(torch.equal(one, other) for one, other in pairs))
print(f"state: {max(sizes[4]) / sizes[1][0]:.2f} times on the fullest rank", end=", ")
print(f"planned / counted = {planned / max(sizes[4]):.2f} · you predicted {my_state}")
sent = max(tensor_bytes(share) for share in shares) / tensor_bytes(alone.parameters())
print(f"sent by a rank to each other: {sent:.2f} of the weights' bytes · you predicted {my_sent}")

# %% [markdown] id="planner-question"
# Whole parameters are dealt here, and the largest, the embedding, is more than a rank's fair share; real implementations cut the parameters into equal pieces. What is paid with is
# communication: at every step each rank sends its share to all others, and receives the shares of all others.
#
# Llama 3.2 1B is to be trained in mixed precision with AdamW on one GPU of 24 GB, 8 sequences of 2,048 tokens. Does it fit? If not, what is the smallest change that makes it fit? Guess, then try.

# %% id="predict-planner"
my_change = None

# %% id="explorer"
GB = 1e9


def planner(
    model, batch, length, precision, optimizer, checkpoint_every, lora_rank, zero, ranks, gpu
) -> Picture:
    """Memory by part on one device: the plain function behind the controls."""
    options = {"precision": precision, "optimizer": optimizer, "lora_rank": lora_rank}
    options |= {"checkpoint_every": checkpoint_every, "zero_stage": zero, "ranks": ranks}
    parts = plan(published(model), batch, length, **options)
    total = sum(parts.values()) / GB
    verdict = f"{total:.1f} GB: {'fits' if total < gpu else 'does not fit'} in {gpu} GB"
    fig = stacked_bars({verdict: {name: size / GB for name, size in parts.items()}}, "GB")
    told = ", ".join(f"{name} {size / GB:.1f}" for name, size in parts.items())
    state = f"model={model} batch={batch} length={length} fits={total < gpu}"
    return Picture(fig, f"{verdict}; {told}.", state=state)


explorer(
    planner,
    model=menu("Llama-3.2-1B", ["Qwen2.5-0.5B", "Llama-3.2-1B", "Qwen2.5-3B"]),
    batch=slider(8, 1, 64, 1),
    length=menu(2048, [256, 512, 1024, 2048, 4096, 8192]),
    precision=menu("mixed", PRECISIONS),
    optimizer=menu("AdamW", OPTIMIZERS),
    checkpoint_every=slider(0, 0, 8, 1),
    lora_rank=menu(0, [0, 4, 8, 16, 64]),
    zero=menu(0, [0, 1, 2, 3]),
    ranks=menu(1, [1, 2, 4, 8, 64]),
    gpu=menu(24, [8, 16, 24, 40, 80]),
)

# %% id="what-makes-it-fit"
config, run = published("Llama-3.2-1B"), {"batch": 8, "length": 2048, "precision": "mixed"}
changes = {
    "as it is": {},
    "checkpoints at every block": {"checkpoint_every": 1},
    "batch 1 (accumulate 8)": {"batch": 1},
    "8-bit state": {"optimizer": "AdamW, 8-bit state"},
    "LoRA, rank 8": {"lora_rank": 8},
    "ZeRO stage 3 on 8": {"zero_stage": 3, "ranks": 8},
    "batch 1 and 8-bit state": {"batch": 1, "optimizer": "AdamW, 8-bit state"},
    "batch 1, LoRA": {"batch": 1, "lora_rank": 8},
}
for name, change in changes.items():
    total = sum(plan(config, **run | change).values()) / GB
    print(f"{name:28}{total:6.1f} GB {'fits' if total < 24 else ''}")
print("you predicted", my_change)

# %% [markdown] id="real-model"
# The plan leaves out what an operation needs for a moment (the logits' gradient is as large as the logits), the allocator's waste, and the CUDA context: keep a tenth free. No single
# remedy is enough where several parts are too large.
#
# ## 6 · On a real model
#
# Your int8 layers in a model of the Hub: about 1 GB is fetched once.

# %% id="on-a-real-model"
REAL_MODEL = None  # "Qwen/Qwen2.5-0.5B-Instruct"

if REAL_MODEL is None:
    print('Not run: set REAL_MODEL to a model of the Hub, such as "Qwen/Qwen2.5-0.5B-Instruct".')
else:
    real_model, real_tokenizer = load_lm(REAL_MODEL)
    question = real_tokenizer("The Space Needle is in", return_tensors="pt").to(real_model.device)
    for _ in range(2):
        written = real_model.generate(**question, max_new_tokens=16, do_sample=False)
        print(real_tokenizer.decode(written[0]))
        for owner, child in linears(real_model):
            setattr(owner, child, Int8Linear(getattr(owner, child)))

# %% [markdown] id="remember"
# ## What to remember
#
# - LoRA: a small share of the parameters is trained; gradients and optimizer shrink with it, what is saved much less. Merged, it costs nothing.
# - Attention without its matrix: O(L) instead of O(L²) saved, and exact.
# - A scale for each row makes int8 nearly free of loss; in 4 bits, a scale for each small group does better than one for a row.
# - Sparse inputs and small weights save bytes. Time they save only with a kernel made for it: by hand they are work on top.
# - Weights, gradients, state, activations, logits: plan them one by one, and see which remedy hits the largest.
#
# **Where it fails.** Perplexity on texts of the training's kind is a mild test: quantization and sparsity can hurt rare skills first. Eight facts say little about
# forgetting. The planner knows decoders of the Llama and Qwen2 kind, as transformers runs them.
#
# **On a GPU**: 4-bit weights and LoRA together are *QLoRA* (`bitsandbytes` and `peft`); float16 or bfloat16 for what is computed. On MPS, int8 and LoRA run as here; FlashAttention does not exist there, PyTorch has
# a kernel of its own behind the same function.
#
# ## Papers
#
# - Edward Hu et al.: [LoRA: Low-Rank Adaptation of Large Language Models](https://arxiv.org/abs/2106.09685), 2021.
# - Tri Dao et al.: [FlashAttention: Fast and Memory-Efficient Exact Attention with IO-Awareness](https://arxiv.org/abs/2205.14135), 2022.
# - Tri Dao: [FlashAttention-2: Faster Attention with Better Parallelism and Work Partitioning](https://arxiv.org/abs/2307.08691), 2023.
# - Tim Dettmers et al.: [LLM.int8(): 8-bit Matrix Multiplication for Transformers at Scale](https://arxiv.org/abs/2208.07339), 2022.
# - Tim Dettmers et al.: [QLoRA: Efficient Finetuning of Quantized LLMs](https://arxiv.org/abs/2305.14314), 2023.
# - Sihan Chen et al.: [WINA: Weight Informed Neuron Activation for Accelerating Large Language Model Inference](https://arxiv.org/abs/2505.19427), 2025.
# - Samyam Rajbhandari et al.: [ZeRO: Memory Optimizations Toward Training Trillion Parameter Models](https://arxiv.org/abs/1910.02054), 2019.
