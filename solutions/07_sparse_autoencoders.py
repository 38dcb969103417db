# %% [markdown] id="title"
# # 07 · Superposition, probes and sparse autoencoders
#
# A residual stream has far fewer dimensions than a model has things to say. Here you see how a model packs more features than
# dimensions, read features with linear probes (and learn what makes a probe honest), and take a residual stream apart with a
# sparse autoencoder that you write yourself. In the course's own world the true concepts are known, so that every label can be
# checked.
#
# 180 minutes. You need [05 · Activation steering](05_steering.ipynb); [03 · The logit lens](03_logit_lens.ipynb) helps.
#
# At the end you will be able to
#
# - say when a model keeps more features than it has dimensions, and what that costs;
# - fit a linear probe and show, with controls, how much of its accuracy is the probe's own work;
# - write and train a sparse autoencoder: its forward pass, its loss, a decoder of unit norm, its metrics;
# - read a latent, score its label, find the latent of a concept, steer by it and ablate it;
# - measure what a dictionary misses, and build one without training.

# %% id="bootstrap" tags=["setup"]

# %% id="imports" tags=["setup"]
from dataclasses import replace

import torch
from IPython.display import display
from jaxtyping import Float, Int
from torch import Tensor, nn
from transformers import AutoModelForCausalLM

from course_utils.checks import check, mine_or_reference
from course_utils.course_lm import words, world
from course_utils.course_lm.corpus import texts
from course_utils.course_lm.evaluate import REGISTERS, SENTIMENT, continuations
from course_utils.course_sae import BLOCK, load_sae
from course_utils.course_sae.labels import kind_of, labeled_texts, openings, questions
from course_utils.hooks import edit, record
from course_utils.models import load_lm
from course_utils.plots import (
    Dashboard,
    Picture,
    bars_by_baseline,
    curves,
    directions,
    phase_map,
    show,
    texts_and_changes,
)
from course_utils.sae import (
    ITDA,
    L1,
    TOPK,
    Firings,
    Rows,
    SparseAutoencoder,
    block_output,
    course_documents,
    detections,
    firings,
    jaccard,
    logit_effect,
    quality,
    read_blocks,
    ridge_probe,
    ridge_scores,
    tokenized,
    train,
)
from course_utils.steering import caa, perplexity_of, random_like, share_of_kind
from course_utils.widgets import explorer, menu, slider

# %% [markdown] id="exercise-toy-loss"
# ## 1 · More features than dimensions
#
# A toy (Elhage et al., 2022): $n$ features, each mostly 0, go through $m < n$ dimensions and have to come out again,
# $\hat x = \mathrm{ReLU}(W^\top W x + b)$. The columns of $W$ are the directions of the features. Two features in **one** dimension: the model can
# keep the first and drop the second, keep the second, or keep both, one as $+$ and the other as $-$. That is **superposition**.
#
# *Density* is how often a feature is not 0. Up to which density, if any, do you expect superposition, when both features matter alike?
#
# ## Exercise 7.1 · The loss of the toy model
#
# difficulty ●●○○○ · 15 minutes · 3 points
#
# **Goal.** The mean over the batch of $\sum_i I_i\,(x_i - \hat x_i)^2$ with $\hat x = \mathrm{ReLU}(W^\top W x + b)$: a feature counts by its
# importance $I_i$. Leading dimensions are models that train side by side: each has a loss of its own. Gradients flow.
#
# `toy_loss(x [*model, batch, n], W [*model, m, n], b [*model, n], importance [*model, n]) -> [*model]`
#
# <details><summary>Hint 1: the idea</summary>
#
# Rows are examples: down to `m` dimensions with one product, up to `n` with another. Count dimensions from the end.
#
# <details><summary>Hint 2: pseudocode</summary>
#
# ```
# hidden = x times W transposed          [*model, batch, m]
# out    = relu(hidden times W + b)      [*model, batch, n]
# return the weighted squared error, summed over n, averaged over batch
# ```
#
# <br><details><summary>Hint 3: the line people get wrong</summary>
#
# `b` has no batch dimension: `b.unsqueeze(-2)`. And `W.T` turns all dimensions around: `W.mT` the last two.
#
# </details></details></details>


# %% id="toy-loss" tags=["exercise"]
def toy_loss(
    x: Float[Tensor, "*model batch n"],
    W: Float[Tensor, "*model m n"],
    b: Float[Tensor, "*model n"],
    importance: Float[Tensor, "*model n"],
) -> Float[Tensor, "*model"]:
    """Mean over the batch of the squared error, weighted by importance, summed over features."""
    ### BEGIN SOLUTION
    hidden = x @ W.mT
    out = (hidden @ W + b.unsqueeze(-2)).relu()
    return (importance.unsqueeze(-2) * (x - out) ** 2).sum(-1).mean(-1)
    ### END SOLUTION


# %% id="toy-loss-check" tags=["check"]
check("sparse_autoencoders.toy_loss", toy_loss)
toy_loss = mine_or_reference("sparse_autoencoders.toy_loss", toy_loss)


# %% id="predict-density"
my_density = None
PHASES = ["the first alone", "the second alone", "both: superposition"]
sizes, weights = torch.logspace(-1.5, 0, 9), torch.logspace(-1, 1, 9)  # of density, importance
importance = torch.stack([torch.ones(9, 9), weights[:, None].expand(9, 9)], dim=-1)


# %% id="phases"
def trained_toys(m: int, density: Tensor, importance: Tensor, steps: int, tries: int = 4) -> Tensor:
    """W of models that train side by side, of each the best try; importance [*model, n]."""
    *models, n = importance.shape
    torch.manual_seed(0)
    W = nn.Parameter(0.4 * torch.randn(tries, *models, m, n))
    b, recent = nn.Parameter(torch.zeros(tries, *models, n)), torch.zeros(tries, *models)
    optimizer = torch.optim.Adam([W, b], lr=0.02)
    for _ in range(steps):
        x = torch.rand(*models, 128, n) * (torch.rand(*models, 128, n) < density[..., None])
        loss = toy_loss(x.expand(tries, *x.shape), W, b, importance.expand(tries, *models, n))
        optimizer.zero_grad()
        loss.sum().backward()
        optimizer.step()
        recent = 0.98 * recent + 0.02 * loss.detach()
    best = recent.argmin(0)[None, ..., None, None]
    return torch.take_along_dim(W.detach(), best, dim=0)[0]


found = trained_toys(1, sizes[None, :, None].expand(9, 9, 1), importance, 400)
keeps = found[:, :, 0].abs() > 0.5  # [importance, density, feature]
phase = torch.where(keeps.all(-1), 2, keeps[..., 1].long())
print(f"alike: both up to density {sizes[phase[4] == 2].max():.2f} · you predicted {my_density}")
y_label = "importance of the second (the first: 1)"
fig = phase_map(phase, PHASES, sizes, weights, "density", y_label)
show(fig, f"Which of two features one dimension keeps: both in {(phase == 2).sum()} of 81 cells.")

# %% id="geometry"
falling = 0.9 ** torch.arange(5.0)  # importance of five features in two dimensions
shares = torch.tensor([1.0, 0.3, 0.05])
W = trained_toys(2, shares[:, None], falling.expand(3, 5), 1500)
kept = (W.norm(dim=1) > 0.5).sum(-1).tolist()
interference = (W.mT @ W).square()
interference = interference.sum((1, 2)) - interference.diagonal(dim1=1, dim2=2).sum(-1)
for density, count, amount in zip(shares.tolist(), kept, interference.tolist(), strict=True):
    print(f"density {density:.2g}: {count} of 5 features kept, interference {amount:.1f}")
panels = {f"density {d:g}": w.T.tolist() for d, w in zip(shares.tolist(), W, strict=True)}
show(
    directions(panels),
    f"Directions of five features in the plane at density 1, 0.3 and 0.05: {kept} are kept.",
)

# %% [markdown] id="exercise-selectivity"
# *Interference* here is the sum of the squared inner products of different features: what one feature writes where another is read. Rare
# features are seldom there together, so that the price is seldom paid.
#
# ## 2 · Probes
#
# Are the world's concepts directions in the residual stream? A **linear probe** is a linear classifier on activations. But 192 dimensions
# can learn many things by heart. Three controls: **shuffled labels** (is there anything to learn?), **a random model** of the same
# architecture (is it the training?), and a **control task** (Hewitt and Liang, 2019): each *type* gets a random label, so that only a probe that
# learns types by heart can do it. Accuracy minus that of the control is the probe's **selectivity**.
#
# We probe the output of the middle block, at the last token before an answer: for the sentiment and the register of a text, where
# the type is that last token; and for the relation that a sentence asks for and, among landmarks, the city, where the type
# is the subject. Which of the four will have the smallest selectivity?
#
# ## Exercise 7.2 · A probe and its selectivity
#
# difficulty ●●●○○ · 20 minutes · 4 points
#
# **Goal.** Accuracy on the test rows of a probe that is fitted to `x, y`; accuracy of another one on the **control task**; and the first
# minus the second. In the control task each type has one label, the same in training and test: drawn at random, each label as likely as it is
# frequent in `y`, by a generator of its own seeded with `seed`. `fit(x, y)` gives back a function from rows to labels. Types are numbers from 0; some may be in
# the test rows alone.
#
# `selectivity(fit, x [row, d], y [row], types [row], x_test, y_test, types_test, seed=0) -> {"accuracy", "control", "selectivity"}`
#
# <details><summary>Hint 1: the idea</summary>
#
# A table with a random label for each type; looked up for the training rows and for the test rows.
#
# <details><summary>Hint 2: pseudocode</summary>
#
# ```
# table    = y of as many random rows as there are types
# accuracy = mean of fit(x, y)(x_test) == y_test
# control  = mean of fit(x, table[types])(x_test) == table[types_test]
# ```
#
# <br><details><summary>Hint 3: the line people get wrong</summary>
#
# Labels drawn row by row, or `y` shuffled, cannot be learned at all: that is another control. And a type of the test rows must have the
# label that it has in training.
#
# </details></details></details>


# %% id="selectivity" tags=["exercise"]
def selectivity(
    fit,
    x: Float[Tensor, "row d"],
    y: Int[Tensor, " row"],
    types: Int[Tensor, " row"],
    x_test: Float[Tensor, "test d"],
    y_test: Int[Tensor, " test"],
    types_test: Int[Tensor, " test"],
    seed: int = 0,
) -> dict[str, float]:
    """Accuracy of a probe, of its control task, and the difference."""
    ### BEGIN SOLUTION
    generator = torch.Generator().manual_seed(seed)
    n_types = int(max(types.max(), types_test.max())) + 1
    table = y[torch.randint(len(y), (n_types,), generator=generator)]
    accuracy = (fit(x, y)(x_test) == y_test).float().mean().item()
    control = (fit(x, table[types])(x_test) == table[types_test]).float().mean().item()
    return {"accuracy": accuracy, "control": control, "selectivity": accuracy - control}
    ### END SOLUTION


# %% id="selectivity-check" tags=["check"]
check("sparse_autoencoders.selectivity", selectivity)
selectivity = mine_or_reference("sparse_autoencoders.selectivity", selectivity)

# %% id="predict-selectivity"
my_least_selective = None

# %% id="labeled-prompts"
model, tokenizer = load_lm()
torch.manual_seed(0)
untrained = AutoModelForCausalLM.from_config(model.config).eval()
properties = {  # prompt, label, type
    "sentiment": openings("sentiment", 600),
    "register": openings("registers", 600),
    "relation": questions(list(world.RELATIONS), 700, "relation"),
    "city": questions(["landmark_city"], 900, "answer"),
}


def numbered(values: list) -> Tensor:
    """Each value as its number among the sorted ones."""
    names = sorted(set(values))
    return torch.tensor([names.index(value) for value in values])


def last_activations(lm, prompts: list[str], block: int) -> Float[Tensor, "row d_model"]:
    rows = []
    for start in range(0, len(prompts), 64):
        ids, inside = tokenized(tokenizer, prompts[start : start + 64], 64)
        rows.append(block_output(lm, ids, block)[torch.arange(len(ids)), inside.sum(-1) - 1])
    return torch.cat(rows)


# %% id="probed"
def probe(x: Tensor, y: Tensor):
    return ridge_probe(x, y, penalty=0.05)


found = {}
for name, rows in properties.items():
    prompts, y, types = (list(column) for column in zip(*rows, strict=True))
    y, types, cut = numbered(y), numbered(types), 2 * len(rows) // 3
    parts = slice(None, cut), slice(cut, None)
    x = last_activations(model, prompts, BLOCK)
    found[name] = selectivity(probe, *(part[s] for s in parts for part in (x, y, types)))
    shuffled = y[:cut][torch.randperm(cut, generator=torch.Generator().manual_seed(0))]
    by_chance = (probe(x[:cut], shuffled)(x[cut:]) == y[cut:]).float().mean().item()
    x = last_activations(untrained, prompts, BLOCK)
    random_model = (probe(x[:cut], y[:cut])(x[cut:]) == y[cut:]).float().mean().item()
    found[name] |= {"shuffled labels": by_chance, "random model": random_model}
    print(f"{name:10}", "  ".join(f"{k} {v:.2f}" for k, v in found[name].items()))
least = min(found, key=lambda name: found[name]["selectivity"])
print("least selective:", least, "· you predicted", my_least_selective)

# %% [markdown] id="flip-question"
# Where a random model does as well or better, the words alone tell the label, and where the control does, the type. And a probe reads: does the model read there
# too? Take the direction of the sentiment probe, and **reflect** the residual stream on it while the
# model writes: $x \to x - 2\,((x - \bar x)\cdot u)\,u$, at every position. Openings that praise should turn to blame, and the other way round. Beside
# it a random direction, and the direction of the mean difference. What share of the texts will still go on in their opening's kind?

# %% id="predict-flip"
my_share_left = {"probe": None, "mean difference": None, "random": None}

# %% id="flip"
prompts, y, _ = map(list, zip(*properties["sentiment"], strict=True))
x, y = last_activations(model, prompts, BLOCK), numbered(y)  # 0 negative, 1 positive
mean = (x[y == 0].mean(0) + x[y == 1].mean(0)) / 2
centered, said = (x - x.mean(0)).double(), y.double() - y.double().mean()
scatter = centered.T @ centered
scatter += 0.05 * scatter.diagonal().mean() * torch.eye(len(scatter)).double()
candidates = {
    "probe": torch.linalg.solve(scatter, centered.T @ said).float(),
    "mean difference": x[y == 1].mean(0) - x[y == 0].mean(0),
    "random": torch.randn(len(mean), generator=torch.Generator().manual_seed(0)),
}
asked = sorted({p for p in prompts if p.endswith(("because", " and"))})[::3][:32]


def own_share(edits: dict) -> float:  # of texts that go on in the kind of their opening
    with edit(model, edits):
        written = continuations(model, tokenizer, asked, 12)
    kinds = [[kind_of(text, SENTIMENT) for text in some] for some in (asked, written)]
    return sum(a == b for a, b in zip(*kinds, strict=True)) / len(asked)


print(f"as it is: {own_share({}):.2f}")
for name, u in candidates.items():
    flip = {("block", BLOCK): lambda a, _, u=u: a - 2 * ((a - mean) @ u)[..., None] * u / (u @ u)}
    print(f"{name}: {own_share(flip):.2f} · you predicted {my_share_left[name]}")

# %% [markdown] id="exercise-sae-forward"
# Accuracy says that a direction *is there*; the intervention says whether the model *uses* it. Which of the three does this
# model use?
#
# ## 3 · A sparse autoencoder
#
# A probe finds what you ask for. A **sparse autoencoder** (SAE) looks for directions itself: it writes each activation as a sum of a few
# of many directions. The **latents** $f = \mathrm{ReLU}((x - b_{dec}) W_{enc} + b_{enc})$ are non-negative and mostly 0, the **decoder** gives
# $\hat x = f\,W_{dec} + b_{dec}$.
#
# ## Exercise 7.3 · Forward pass and loss
#
# difficulty ●●○○○ · 15 minutes · 4 points
#
# **Goal.** Latents, reconstruction, and the loss of the L1 form: the squared error, **summed** over the width, plus `sparsity` times the **sum** of
# the latents, averaged over all rows. All dimensions but the last are rows, however many there are.
#
# `sae_forward(x [*rows, d_in], W_enc, b_enc, W_dec, b_dec, sparsity) -> (features, reconstruction, loss)`
#
# <details><summary>Hint 1: the idea</summary>
#
# Two affine maps with a ReLU between them; what the decoder's bias adds is taken off before encoding.
#
# <details><summary>Hint 2: pseudocode</summary>
#
# ```
# features       = relu((x - b_dec) W_enc + b_enc)
# reconstruction = features W_dec + b_dec
# loss           = mean over rows of (sum of squared differences + sparsity * sum of features)
# ```
#
# <br><details><summary>Hint 3: the line people get wrong</summary>
#
# `F.mse_loss` averages over the width: `sparsity` would then mean something else for each model.
#
# </details></details></details>


# %% id="sae-forward" tags=["exercise"]
def sae_forward(
    x: Float[Tensor, "*rows d_in"],
    W_enc: Float[Tensor, "d_in d_sae"],
    b_enc: Float[Tensor, " d_sae"],
    W_dec: Float[Tensor, "d_sae d_in"],
    b_dec: Float[Tensor, " d_in"],
    sparsity: float,
) -> tuple[Float[Tensor, "*rows d_sae"], Float[Tensor, "*rows d_in"], Float[Tensor, ""]]:
    """Features, reconstruction, and the loss of the L1 form."""
    ### BEGIN SOLUTION
    features = ((x - b_dec) @ W_enc + b_enc).relu()
    reconstruction = features @ W_dec + b_dec
    squared = (x - reconstruction).square().sum(-1)
    return features, reconstruction, (squared + sparsity * features.sum(-1)).mean()
    ### END SOLUTION


# %% id="sae-forward-check" tags=["check"]
check("sparse_autoencoders.sae_forward", sae_forward)
sae_forward = mine_or_reference("sparse_autoencoders.sae_forward", sae_forward)

# %% [markdown] id="exercise-decoder-step"
# The loss can cheat: halve the features, double the rows of $W_{dec}$, and the penalty falls while nothing became sparser. So every row of
# $W_{dec}$ is kept at **norm 1**.
#
# With your two functions we then train 400 latents on activations of the middle block; the encoder's biases start at -3, so that many latents
# are silent at first. A latent that never fires gets no
# gradient and, as a rule, stays **dead**. Bricken et al. (2023) **resample**: dead latents get new directions, from activations that are
# reconstructed badly; here the direction of what the reconstruction misses. How many of the 400 will be dead after 250 steps, without and with that?
#
# ## Exercise 7.4 · Norm 1 without breaking Adam
#
# difficulty ●●●○○ · 20 minutes · 3 points
#
# **Goal.** One step of the optimizer; the rows of `W_dec` have norm 1 before it, and again after it. The part of each row's gradient
# that points **along the row** would only change the norm; you take it out *before* the step, because Adam would keep it in its averages, where no
# normalizing reaches it. `W_dec.grad` is there; the optimizer may hold other parameters, which make their step too. All in place.
#
# `decoder_step(W_dec [d_sae, d_in], optimizer) -> None`
#
# <details><summary>Hint 1: the idea</summary>
#
# Gradient, minus its projection on the row; step; divide.
#
# <details><summary>Hint 2: pseudocode</summary>
#
# ```
# without gradients:
#     along = sum over d_in of grad * W_dec, kept as a column
#     grad -= along * W_dec
#     optimizer.step()
#     W_dec /= norm of each row
# ```
#
# <br><details><summary>Hint 3: the line people get wrong</summary>
#
# `W_dec = W_dec / …` makes another tensor: the optimizer goes on with the old one. `W_dec /= …` inside `torch.no_grad()`
# changes the parameter itself.
#
# </details></details></details>


# %% id="decoder-step" tags=["exercise"]
def decoder_step(W_dec: nn.Parameter, optimizer: torch.optim.Optimizer) -> None:
    """Take out the gradient along each row, step, and bring the rows back to norm 1."""
    ### BEGIN SOLUTION
    with torch.no_grad():
        along = (W_dec.grad * W_dec).sum(-1, keepdim=True)
        W_dec.grad -= along * W_dec
        optimizer.step()
        W_dec /= W_dec.norm(dim=-1, keepdim=True)
    ### END SOLUTION


# %% id="decoder-step-check" tags=["check"]
check("sparse_autoencoders.decoder_step", decoder_step)
decoder_step = mine_or_reference("sparse_autoencoders.decoder_step", decoder_step)

# %% id="predict-dead"
my_dead = {"as it is": None, "resampled": None}

# %% id="by-hand"
documents = course_documents(7)(0)
pool = [next(documents) for _ in range(330)]
activations = torch.cat(list(read_blocks(model, tokenizer, pool[:300], BLOCK, 128)))
scale = activations.norm(dim=-1).mean() / activations.shape[-1] ** 0.5
rows = Rows(activations / scale, batch_size=256)


def by_hand(resample_at: list[int], latents: int = 400, steps: int = 250, sparsity: float = 2.0):
    torch.manual_seed(0)
    W_dec = nn.Parameter(nn.functional.normalize(torch.randn(latents, rows.rows.shape[1]), dim=-1))
    W_enc, b_enc = (
        nn.Parameter(W_dec.detach().T.clone()),
        nn.Parameter(torch.full((latents,), -3.0)),
    )
    b_dec = nn.Parameter(rows.rows.mean(0))
    optimizer = torch.optim.Adam([W_dec, W_enc, b_enc, b_dec], lr=3e-3)
    idle = torch.zeros(latents)  # steps since each latent fired
    for step in range(steps):
        x = rows.batch(step)
        optimizer.zero_grad()
        features, out, loss = sae_forward(x, W_enc, b_enc, W_dec, b_dec, sparsity)
        loss.backward()
        decoder_step(W_dec, optimizer)
        idle = torch.where((features > 0).any(0), 0, idle + 1)
        if step in resample_at:
            dead = (idle > 20).nonzero()[: len(x), 0]
            with torch.no_grad():
                worst = (x - out).square().sum(-1).topk(len(dead)).indices
                new = nn.functional.normalize((x - out)[worst], dim=-1)
                W_dec[dead], W_enc[:, dead], b_enc[dead] = new, 0.5 * new.T, 0.0
    test = torch.cat([rows.batch(10_000 + i) for i in range(8)])
    features, out, _ = sae_forward(test, W_enc, b_enc, W_dec, b_dec, sparsity)
    fvu = (test - out).square().sum() / (test - test.mean(0)).square().sum()
    return int((idle > 20).sum()), (features > 0).sum(-1).float().mean(), fvu


for name, steps in {"as it is": [], "resampled": [80, 160]}.items():
    dead, l0, fvu = by_hand(steps)
    print(f"{name}: {dead} dead, L0 {l0:.0f}, variance unexplained {fvu:.2f}")
print("you predicted", my_dead)

# %% [markdown] id="exercise-sae-metrics"
# Sparser latents reconstruct worse: a SAE is a point on a **trade-off curve**, and methods are compared curve against curve. **TopK** (Gao et
# al., 2024) has no penalty: the `k` largest latents stay. L1 also shrinks what it keeps. We train both with `course_utils.sae` for a short time and put the
# SAE that ships with the course beside them (1,536 latents, TopK with k = 16, trained for longer on the same block). Which of the two
# will recover more loss at equal L0?
#
# ## Exercise 7.5 · Three numbers
#
# difficulty ●●●●○ · 30 minutes · 5 points
#
# **Goal.** Of a SAE at the output of block `block`, on ids without padding:
#
# - `l0`: how many latents fire (are above 0) at a token, on average;
# - `fvu`, the **fraction of variance unexplained**: $\sum |x - \hat x|^2 / \sum |x - \bar x|^2$ over all tokens, $\bar x$ the mean over all tokens;
# - `loss_recovered`: with the next-token loss $L$ of the model, $L_{mean}$ with $\bar x$ in place of the block's output everywhere, and $L_{sae}$ with
#   $\hat x$ there, $(L_{mean} - L_{sae}) / (L_{mean} - L)$.
#
# The SAE has `encode` and `decode`. The model is left as it was.
#
# `sae_metrics(model, input_ids [batch, pos], block, sae) -> {"l0", "fvu", "loss_recovered"}`
#
# <details><summary>Hint 1: the idea</summary>
#
# `record` the block's output once; then two more passes, each inside an `edit` of that block.
#
# <details><summary>Hint 2: pseudocode</summary>
#
# ```
# with record(model, [("block", block)]): clean loss, and x
# with edit(model, {("block", block): lambda a, positions: mean.expand_as(a)}): ablated loss
# with edit(model, {("block", block): lambda a, positions: sae.decode(sae.encode(a))}): replaced loss
# ```
#
# <br><details><summary>Hint 3: the line people get wrong</summary>
#
# `x.mean()` is one number; the mean activation is `x.mean((0, 1))`. And `logits[:, :-1]` predict `input_ids[:, 1:]`.
#
# </details></details></details>


# %% id="sae-metrics" tags=["exercise"]
def sae_metrics(model, input_ids: Int[Tensor, "batch pos"], block: int, sae) -> dict[str, float]:
    """L0, fraction of variance unexplained and loss recovered."""

    ### BEGIN SOLUTION
    def loss(logits):
        predicted, targets = logits[:, :-1].flatten(0, 1), input_ids[:, 1:].flatten()
        return nn.functional.cross_entropy(predicted, targets).item()

    with torch.no_grad():
        with record(model, [("block", block)]) as outputs:
            clean = loss(model(input_ids).logits)
        x = outputs["block", block]
        mean, features = x.mean((0, 1)), sae.encode(x)
        with edit(model, {("block", block): lambda a, positions: mean.expand_as(a)}):
            ablated = loss(model(input_ids).logits)
        with edit(model, {("block", block): lambda a, positions: sae.decode(sae.encode(a))}):
            replaced = loss(model(input_ids).logits)
    error = (x - sae.decode(features)).square().sum()
    return {
        "l0": (features > 0).sum(-1).float().mean().item(),
        "fvu": (error / (x - mean).square().sum()).item(),
        "loss_recovered": (ablated - replaced) / (ablated - clean),
    }
    ### END SOLUTION


# %% id="sae-metrics-check" tags=["check"]
check("sparse_autoencoders.sae_metrics", sae_metrics)
sae_metrics = mine_or_reference("sparse_autoencoders.sae_metrics", sae_metrics)

# %% id="predict-trade-off"
my_better = None

# %% id="trade-off"
sae = load_sae()
length = 48
long_texts = [t for t in texts(11, 250) if len(tokenizer(t)["input_ids"]) >= length][:24]
held_out = torch.tensor([tokenizer(t)["input_ids"][:length] for t in long_texts])
raw = Rows(activations, batch_size=256)
pace = {"latents": 512, "steps": 150, "learning_rate": 4e-3}
short = {
    "L1": [train(raw, activation=L1, sparsity=c, **pace) for c in (0.7, 1.4, 2.8)],
    "TopK": [train(raw, activation=TOPK, k=k, **pace) for k in (8, 16, 32)],
}
points = {}
for name, trained in (short | {"shipped": [sae]}).items():
    measured = [sae_metrics(model, held_out, BLOCK, one) for one in trained]
    points[name] = sorted((m["l0"], m["loss_recovered"]) for m in measured)
    for m in measured:
        print(f"{name:8}", "  ".join(f"{key} {value:.3f}" for key, value in m.items()))
print("you predicted", my_better)
show(
    curves(points, "L0: latents that fire at a token", "loss recovered", log_x=True),
    "Loss recovered against L0 for L1 and TopK, trained shortly, and the shipped SAE: "
    f"{points['shipped'][0][1]:.3f} at L0 {points['shipped'][0][0]:.0f}.",
)

# %% [markdown] id="exercise-top-contexts"
# *Loss recovered* flatters here: with the mean in its place, the block says nothing at all, and the loss is far above anything sensible. Look at
# the losses as well: the SAE's [card](../course_utils/course_sae/MODEL_CARD.md) has them.
#
# ## 4 · Reading latents
#
# What does a latent stand for? Look where it fires most.
#
# ## Exercise 7.6 · Top contexts
#
# difficulty ●●●○○ · 20 minutes · 5 points
#
# **Goal.** The `k` strongest places of a latent, **at most one in a document**, strongest first; of equal places in a document the first, of
# equally strong documents the first. Only where the latent fires (above 0), and never in the padding, whatever stands there: document
# `doc` has `lengths[doc]` tokens. The context is `width` tokens on both sides, cut at the document's ends; `stop` is the end of a slice.
#
# `top_contexts(activations [doc, pos], lengths [doc], k, width) -> [(doc, pos, start, stop), …]`
#
# <details><summary>Hint 1: the idea</summary>
#
# The strongest place of each document; then the strongest documents.
#
# <details><summary>Hint 2: pseudocode</summary>
#
# ```
# for each document: row without padding; its largest value and where it first stands
#     if it is above 0: keep (value, doc, pos)
# sort by value, largest first, equal ones by doc; keep k
# start = max(0, pos - width); stop = min(length, pos + width + 1)
# ```
#
# <br><details><summary>Hint 3: the line people get wrong</summary>
#
# A negative `start` slices from the other end. And `sort(reverse=True)` on tuples turns ties around as well: sort by `-value`.
#
# </details></details></details>


# %% id="top-contexts" tags=["exercise"]
def top_contexts(
    activations: Float[Tensor, "doc pos"], lengths: Int[Tensor, " doc"], k: int, width: int
) -> list[tuple[int, int, int, int]]:
    """The strongest places, one a document: (document, position, start, stop)."""
    ### BEGIN SOLUTION
    found = []
    for doc, length in enumerate(lengths.tolist()):
        row = activations[doc, :length].tolist()
        pos = row.index(max(row))
        if row[pos] > 0:
            window = max(0, pos - width), min(length, pos + width + 1)
            found.append((row[pos], doc, pos, *window))
    found.sort(key=lambda place: -place[0])
    return [tuple(place[1:]) for place in found[:k]]
    ### END SOLUTION


# %% id="top-contexts-check" tags=["check"]
check("sparse_autoencoders.top_contexts", top_contexts)
top_contexts = mine_or_reference("sparse_autoencoders.top_contexts", top_contexts)


# %% id="world-concepts"
def read(labeled: list) -> tuple[Firings, dict[str, Tensor]]:
    """Firings behind the fourth token, and where each concept is."""
    read = firings(model, tokenizer, sae, BLOCK, [text for _, text in labeled], length=64)
    columns = torch.arange(read.values.shape[1])
    inside = (columns >= 4) & (columns < read.lengths[:, None])
    read = replace(read, values=read.values * inside[..., None])
    names = sorted(set().union(*(labels for labels, _ in labeled)))
    holds = {name: torch.tensor([name in labels for labels, _ in labeled]) for name in names}
    return read, {name: inside & holds[name][:, None] for name in names}


def f1(fires: Tensor, concept: Tensor) -> float:
    return (2 * (fires & concept).sum() / (fires.sum() + concept.sum())).item()


def at_tokens(labeled: list, concepts: dict) -> tuple[Tensor, dict[str, Tensor]]:
    """Activations at the tokens that count, and the concepts there."""
    ids, inside = tokenized(tokenizer, [text for _, text in labeled], 64)
    inside &= torch.arange(ids.shape[1]) >= 4
    return block_output(model, ids, BLOCK)[inside], {k: v[inside] for k, v in concepts.items()}


here, there = labeled_texts(1, 15), labeled_texts(2, 15)
(seen, concepts), (unseen, concepts_unseen) = read(here), read(there)
print(len(here), "documents,", int(seen.lengths.sum()), "tokens;", ", ".join(concepts))

# %% [markdown] id="concepts-question"
# The world tells what each text is about, which no real model's data do. For each concept we take the latent with the best **F1** (the harmonic mean
# of precision and recall, firing against being in a text of the concept) on one half of the texts, and measure it on the other. Beside it
# what a **supervised dictionary** reaches: a probe for the concept, fitted to the same half, with the threshold that has the best F1 there. Which
# concept has the clearest latent? Will a latent reach its probe?

# %% id="predict-concepts"
my_clearest = None


# %% id="concepts"
x_here, at_here = at_tokens(here, concepts)
x_there, at_there = at_tokens(there, concepts_unseen)
latent_of, table = {}, {}
for name, concept in concepts.items():
    precision, recall = detections(seen, concept, sae.d_sae)
    score = 2 * precision * recall / (precision + recall).clamp(min=1e-9)
    latent_of[name] = best = int(score.argmax())
    fires = unseen.of(best) > 0
    scores = ridge_scores(x_here, at_here[name].long())
    said = scores(x_here)[:, 1]
    bounds = said.quantile(torch.linspace(0.5, 0.999, 40).double())
    bound = max(bounds, key=lambda value: f1(said > value, at_here[name]))
    table[name] = {
        "latent": f1(fires, concepts_unseen[name]),
        "probe": f1(scores(x_there)[:, 1] > bound, at_there[name]),
    }
clearest = sorted(table, key=lambda name: -table[name]["latent"])
print("clearest:", ", ".join(clearest[:3]), "· you predicted", my_clearest)
show(
    bars_by_baseline({name: table[name] for name in clearest}, "F1 on texts that chose nothing"),
    f"F1 of the best latent and of a probe for each concept; the clearest latent is that of "
    f"{clearest[0]}, {table[clearest[0]]['latent']:.2f} against {table[clearest[0]]['probe']:.2f}.",
)

# %% id="dashboards"
vocabulary = [tokenizer.decode([i]) for i in range(len(tokenizer))]


def contexts_of(latent: int, k: int = 4, width: int = 7) -> list[list[tuple[str, float]]]:
    values = seen.of(latent)
    return [
        list(zip(seen.tokens[doc][start:stop], values[doc, start:stop].tolist(), strict=True))
        for doc, _, start, stop in top_contexts(values, seen.lengths, k, width)
    ]


def dashboard(latent: int, label: str) -> Dashboard:
    effect = logit_effect(model, sae.W_dec[latent])
    promoted, suppressed = (
        [vocabulary[i] for i in (sign * effect).topk(6).indices.tolist()] for sign in (1, -1)
    )
    strongest = seen.of(latent).max().item()
    title = f"latent {latent}: {label}?"
    return Dashboard(title, contexts_of(latent, 5), strongest, promoted, suppressed)


for name in clearest[:3] + [clearest[-1]]:
    display(dashboard(latent_of[name], name))

# %% [markdown] id="score-question"
# Contexts at the top always look convincing. A label is a claim about *all* firings, so it is scored by prediction: does it tell at which
# tokens of **other** texts the latent fires? Balanced accuracy: the mean of how often it is right where the latent fires and where not; 0.5 is
# chance. The label here says "in a text of this concept". Beside it: the label of another concept.


# %% id="label-scores"
def balanced(label: Tensor, fires: Tensor, counted: Tensor) -> float:
    """How well the label predicts the firing at the tokens that count."""
    label, fires = label[counted], fires[counted]
    return ((label[fires].float().mean() + (~label[~fires]).float().mean()) / 2).item()


counted = torch.stack(list(concepts_unseen.values())).any(0)
for place, name in enumerate(clearest):
    fires = unseen.of(latent_of[name]) > 0
    other = clearest[(place + len(clearest) // 2) % len(clearest)]
    own, wrong = (balanced(concepts_unseen[n], fires, counted) for n in (name, other))
    print(f"latent {latent_of[name]:4} {name:12} {own:.2f}   as {other:12} {wrong:.2f}")

# %% [markdown] id="steer-question"
# ## 5 · Using latents
#
# **Steering.** The latent with the best F1 for *positive* may fire in negative texts as well: compare the numbers of the latents above. So we take
# the one that differs most between the two sides of CAA's pairs. Add its row of the decoder, or the CAA vector of exercise 5.5, or a random direction,
# each at the same block after neutral openings; or add no direction at all but the latent's **logit bias**: what its direction says through the unembedding,
# at every token.
# Strengths cannot be compared, so we read off each the largest share of positive words among the settings whose **perplexity** stays below one limit. Which
# will reach most?
#
# **Ablating.** Take one latent out, $x - f_i\,d_i$, and leave everything else, the SAE's error too. Or set it to its mean, $x + (\bar f_i - f_i)\,d_i$. How much
# does the loss rise on texts of its concept, and on all others?

# %% id="predict-steering"
my_most = None

# %% id="steer"
pairs = [
    (f"The {x} was", f" {a}", f" {b}")
    for x, a, b in zip(words.REVIEWED[:12], words.POSITIVE, words.NEGATIVE, strict=False)
]
difference = caa(model, tokenizer, pairs, BLOCK)
typical = difference.vectors[BLOCK].norm().item()
praise, blame = (
    sae.encode(last_activations(model, [pair[0] + pair[side] for pair in pairs], BLOCK)).mean(0)
    for side in (1, 2)
)
latent_of["praise"] = int((praise - blame).argmax())
row = sae.W_dec[latent_of["praise"]]
ways = {
    "latent": typical * row,
    "CAA": difference.vectors[BLOCK],
    "random": random_like(difference, seed=0).vectors[BLOCK],
}
neutral = [f'{opening}, "' for opening in words.TALK_OPENINGS] * 3
bias = logit_effect(model, row)
bias = bias / bias.std()


def outcome(context) -> tuple[float, float]:
    """Share of positive words, and perplexity of what was written."""
    with context:
        written = continuations(model, tokenizer, neutral, 12, temperature=1.0, seed=0)
    share = share_of_kind(written, SENTIMENT["positive"], SENTIMENT["negative"])
    return share, perplexity_of(model, tokenizer, neutral, written)


class Biased:
    """Inside the `with`, a bias is added to all logits."""

    def __init__(self, amount: float):
        self.amount = amount

    def __enter__(self):
        unembedding = model.get_output_embeddings()
        self.handle = unembedding.register_forward_hook(
            lambda module, args, logits: logits + self.amount * bias
        )

    def __exit__(self, *error):
        self.handle.remove()


results = {"as it is": [outcome(edit(model, {}))]}
for name, vector in ways.items():
    results[name] = [
        outcome(edit(model, {("block", BLOCK): lambda a, _, v=s * vector: a + v}))
        for s in (0.5, 1.0, 1.5, 2.0)
    ]
results["logit bias"] = [outcome(Biased(amount)) for amount in (0.5, 1.0, 1.5, 2.0)]
limit = 1.5 * results["as it is"][0][1]
for name, settings in results.items():
    fluent = [share for share, perplexity in settings if perplexity <= limit]
    shown = "  ".join(f"{share:.2f} at {perplexity:.1f}" for share, perplexity in settings)
    print(
        f"{name:10} {max(fluent, default=float('nan')):.2f} at perplexity <= {limit:.1f}:  {shown}"
    )
print("you predicted", my_most)


# %% id="ablate"
@torch.no_grad()
def loss_of(prompts: list[str], way) -> float:
    ids, inside = tokenized(tokenizer, prompts, 64)
    with edit(model, {("block", BLOCK): lambda a, positions: way(a)}):
        logits = model(ids).logits[:, :-1]
    wanted = inside[:, 1:]
    return nn.functional.cross_entropy(logits[wanted], ids[:, 1:][wanted]).item()


for name in [name for name in clearest if name in (*REGISTERS, "python")]:
    latent = latent_of[name]
    average = unseen.of(latent)[counted].mean()

    def ablated(a: Tensor, to: float = 0.0, latent: int = latent) -> Tensor:
        return a + (to - sae.encode(a)[..., latent, None]) * sae.W_dec[latent]

    inside = [text for labels, text in there if name in labels]
    outside = [text for labels, text in there if name not in labels][::8]
    rises = []
    for part in (inside, outside):
        before = loss_of(part, lambda a: a)
        rises += [loss_of(part, lambda a, to=to: ablated(a, to)) - before for to in (0.0, average)]
    shown = "zero {:+.3f}, mean {:+.3f}; elsewhere zero {:+.3f}, mean {:+.3f}".format(*rises)
    print(f"{name:12} {shown}")

# %% [markdown] id="exercise-dark-matter"
# ## 6 · What a dictionary misses
#
# To tell a concept is one thing, to be needed for it another: compare how much the loss rises with the latent's F1 above.
#
# The SAE's error $x - \hat x$ is small, but is it noise? Engels et al. (2024) call it **dark matter**: much of it can be predicted from $x$ by a
# linear map, so it is structure that the dictionary lacks.
#
# In their models about half of the error and over 90 % of its norm could be predicted (abstract). How much here, of the shipped SAE? And will it
# be more or less of a worse one, trained shortly?
#
# ## Exercise 7.7 · Dark matter
#
# difficulty ●●●○○ · 20 minutes · 3 points
#
# **Goal.** Fit an affine map (with an intercept) by least squares from `x` to `error`, and another one from `x` to its norm $|e|$. For each, on the **test** rows:
# $1 - \sum |y - \hat y|^2 / \sum |y - \bar y|^2$, where $\bar y$ is the mean of the test rows (of the errors a vector). There are more rows than dimensions.
#
# `dark_matter(x [row, d], error [row, d], x_test, error_test) -> (of the error, of its norm)`
#
# <details><summary>Hint 1: the idea</summary>
#
# `torch.linalg.lstsq` on `x` with a column of ones; the same function for both targets.
#
# <details><summary>Hint 2: pseudocode</summary>
#
# ```
# predicted(y, y_test):
#     W    = lstsq([x, 1], y)
#     left = y_test - [x_test, 1] W
#     return 1 - sum of left² / sum of (y_test - mean of y_test)²
# return predicted(error, error_test), predicted(|error|, |error_test|)
# ```
#
# <br><details><summary>Hint 3: the line people get wrong</summary>
#
# The norm of the *predicted error* is something else than a prediction of the norm. `keepdim=True` makes the norms a column.
#
# </details></details></details>


# %% id="dark-matter" tags=["exercise"]
def dark_matter(
    x: Float[Tensor, "row d"],
    error: Float[Tensor, "row d"],
    x_test: Float[Tensor, "test d"],
    error_test: Float[Tensor, "test d"],
) -> tuple[float, float]:
    """The share of the error, and of its norm, that an affine map of x predicts."""

    ### BEGIN SOLUTION
    def predicted(y, y_test):
        ones, ones_test = x.new_ones(len(x), 1), x.new_ones(len(x_test), 1)
        W = torch.linalg.lstsq(torch.cat([x, ones], -1), y).solution
        left = y_test - torch.cat([x_test, ones_test], -1) @ W
        return (1 - left.square().sum() / (y_test - y_test.mean(0)).square().sum()).item()

    norm, norm_test = (e.norm(dim=-1, keepdim=True) for e in (error, error_test))
    return predicted(error, error_test), predicted(norm, norm_test)
    ### END SOLUTION


# %% id="dark-matter-check" tags=["check"]
check("sparse_autoencoders.dark_matter", dark_matter)
dark_matter = mine_or_reference("sparse_autoencoders.dark_matter", dark_matter)

# %% id="predict-dark"
my_dark = {"error": None, "norm": None}

# %% id="dark-measured"
half = len(activations) // 2
x = activations[torch.randperm(len(activations), generator=torch.Generator().manual_seed(0))]
x = x.double()
for name, one in {"shipped": sae, "TopK, shortly, k = 16": short["TopK"][1]}.items():
    error = x - one(x)
    of_error, of_norm = dark_matter(x[:half], error[:half], x[half:], error[half:])
    print(f"{name}: {of_error:.2f} of the error, {of_norm:.2f} of its norm")
print("you predicted", my_dark)

# %% [markdown] id="exercise-matching-pursuit"
# **Without training.** ITDA (Leask et al., 2025) takes *activations themselves* as its dictionary: it reads once through some, and keeps those that the
# ones kept so far describe badly. What describes an activation is matching pursuit.
#
# How does such a dictionary compare with the trained SAE, at the same number of coefficients? And since its atoms are *places in a text*, two dictionaries
# can be compared by the places that they chose, by **Jaccard similarity**: of all places that are in either, the share that is in both. How alike are the
# dictionaries of block 4 and block 3, of block 4 and block 0, and of the model and one with random weights?
#
# ## Exercise 7.8 · Matching pursuit
#
# difficulty ●●●○○ · 20 minutes · 3 points
#
# **Goal.** For each row, in `k` steps: take the atom whose inner product with what is left is largest **in size**; add that product, with its sign, to the atom's
# coefficient; take so much of the atom away from what is left. An atom may come again. Atoms have norm 1. With `k = 0` all coefficients are 0.
#
# `matching_pursuit(x [batch, d], atoms [n, d], k) -> coefficients [batch, n]`
#
# <details><summary>Hint 1: the idea</summary>
#
# Greedy: explain what one atom explains best, then go on with the rest.
#
# <details><summary>Hint 2: pseudocode</summary>
#
# ```
# left = x; coefficients = zeros
# k times:
#     products = left times atoms transposed
#     best     = argmax of |products|, for each row
#     amount   = products at best
#     coefficients at best += amount
#     left     = left - amount * atoms[best]
# ```
#
# <br><details><summary>Hint 3: the line people get wrong</summary>
#
# The products with `left`, anew at every step, not those with `x`: else two atoms that say the same are both taken.
#
# </details></details></details>


# %% id="matching-pursuit" tags=["exercise"]
def matching_pursuit(
    x: Float[Tensor, "batch d"], atoms: Float[Tensor, "n d"], k: int
) -> Float[Tensor, "batch n"]:
    """Coefficients of each row in k greedy steps."""
    ### BEGIN SOLUTION
    left, coefficients = x, x.new_zeros(len(x), len(atoms))
    for _ in range(k):
        products = left @ atoms.T
        best = products.abs().argmax(-1, keepdim=True)
        amount = products.gather(-1, best)
        coefficients = coefficients.scatter_add(-1, best, amount)
        left = left - amount * atoms[best[:, 0]]
    return coefficients
    ### END SOLUTION


# %% id="matching-pursuit-check" tags=["check"]
check("sparse_autoencoders.matching_pursuit", matching_pursuit)
matching_pursuit = mine_or_reference("sparse_autoencoders.matching_pursuit", matching_pursuit)

# %% id="predict-jaccard"
my_jaccard = {"block 3": None, "block 0": None, "random model": None}

# %% id="itda"
few = 3000
ids, inside = tokenized(tokenizer, pool[:60], 96)


def dictionary(lm, block: int, tolerance: float = 0.25) -> ITDA:
    return ITDA.fit(block_output(lm, ids, block)[inside][:few], k=16, tolerance=tolerance)


itda = dictionary(model, BLOCK)
centered = activations[::50] - itda.center
for k in (1, 4, 16):
    left = centered - matching_pursuit(centered, itda.atoms, k) @ itda.atoms
    print(f"{k} atoms leave {left.square().sum() / centered.square().sum():.2f} of the variance")
for name, one in {"ITDA": itda, "SAE": sae}.items():
    q = quality(model, tokenizer, one, BLOCK, pool[300:330], length=96)
    print(
        f"{name}: {one.d_sae} directions, L0 {q.l0:.1f}, variance unexplained {q.fvu:.3f}, "
        f"loss {q.loss_of_reconstruction:.2f} for {q.loss:.2f}"
    )
plan = sae.metadata["training"]
print("activations read:", few, "against", plan["steps"] * plan["batch_size"] // plan["passes"])
others = {"block 3": (model, 3), "block 0": (model, 0), "random model": (untrained, BLOCK)}
for name, where in others.items():
    similarity = jaccard(itda.sources, dictionary(*where).sources)
    print(f"{name}: {similarity:.2f} · you predicted {my_jaccard[name]}")

# %% [markdown] id="explorer-text"
# ## 7 · Try it
#
# The latents of the concepts, and that of praise: choose one, see its strongest contexts, and steer by it. Below, the tokens whose probability of coming next changes most.

# %% id="explorer"
asked = 'He called his mother and said, "'


@torch.no_grad()
def next_token(prompt: str) -> Tensor:
    return model(**tokenizer(prompt, return_tensors="pt")).logits[0, -1].softmax(-1)


def steered_by(concept: str, strength: float) -> Picture:
    """Contexts, texts and changes of one latent: the plain function behind the widgets."""
    latent = latent_of[concept]
    vector = strength * typical * sae.W_dec[latent]
    plain, before = continuations(model, tokenizer, [asked], 10)[0], next_token(asked)
    with edit(model, {("block", BLOCK): lambda a, positions: a + vector}):
        text, after = continuations(model, tokenizer, [asked], 10)[0], next_token(asked)
    change = after - before
    top = change.abs().topk(8).indices.tolist()
    lines = ["".join(token for token, _ in context) for context in contexts_of(latent, 2, 4)]
    shown = {
        f"latent {latent}: {concept}": " … ".join(lines).replace("\n", "/"),
        "unsteered": asked + plain,
        "steered": asked + text,
    }
    tokens = [vocabulary[i] for i in top]
    fig = texts_and_changes(shown, tokens, change[top].tolist())
    alt = f"Latent {latent} ({concept}) at strength {strength:g}: {text!r}, unsteered {plain!r}."
    return Picture(fig, alt, state=f"concept={concept} strength={strength:g}")


explorer(
    steered_by,
    concept=menu("praise", sorted(latent_of)),
    strength=slider(1.0, -2.0, 3.0, 0.25),
)

# %% [markdown] id="real-model"
# ## 8 · On a real model
#
# A SAE of [Gemma Scope](https://arxiv.org/abs/2408.05147) for Gemma 2 2B: download one `params.npz` (some hundred megabytes) from the Hub's `google/gemma-scope-2b-pt-res`,
# and give its path. The model needs you to accept its licence on the Hub.

# %% id="on-a-real-model"
REAL_MODEL = None  # "google/gemma-2-2b"
PARAMS = "layer_12/width_16k/average_l0_82/params.npz"

if REAL_MODEL is None:
    print('Not run: set REAL_MODEL to "google/gemma-2-2b" and PARAMS to the file of its SAE.')
else:
    real, real_tokenizer = load_lm(REAL_MODEL)
    scope = SparseAutoencoder.load_gemma_scope(PARAMS)
    read = firings(real, real_tokenizer, scope, 12, ["The Eiffel Tower is in Paris."])
    for latent in read.latents[0, -1, :5].tolist():
        top = logit_effect(real, scope.W_dec[latent]).topk(5).indices.tolist()
        print(latent, [real_tokenizer.decode([i]) for i in top])

# %% [markdown] id="remember"
# ## What to remember
#
# - Rare features share dimensions: superposition. It costs interference, which is paid only where features meet.
# - A probe's accuracy alone says little. Beside it: shuffled labels, a random model, a control task; and then an intervention.
# - A SAE writes an activation as a sum of few of many directions. Rows of the decoder have norm 1, and the gradient along them goes before Adam sees it.
# - L0, variance unexplained, loss recovered and dead latents are measured together; look at the losses behind a share.
# - A label is scored by prediction on other texts; a latent is measured beside a supervised probe.
# - Compare ways to steer at equal fluency, and put a random direction beside them.
#
# **Where it fails.** A concept may be spread over several latents, or share one with others: look at the low bars above. What a
# dictionary leaves out is not noise. And what holds for this small world of templates need not hold for a model of the web.
#
# ## Papers
#
# - Nelson Elhage et al.: [Toy Models of Superposition](https://arxiv.org/abs/2209.10652), 2022. Exercise 7.1 is its model.
# - John Hewitt, Percy Liang: [Designing and Interpreting Probes with Control Tasks](https://arxiv.org/abs/1909.03368), 2019. Selectivity.
# - Trenton Bricken et al.: [Towards Monosemanticity](https://transformer-circuits.pub/2023/monosemantic-features), 2023. Resampling, and norm 1 without breaking Adam.
# - Hoagy Cunningham et al.: [Sparse Autoencoders Find Highly Interpretable Features in Language Models](https://arxiv.org/abs/2309.08600), 2023.
# - Leo Gao et al.: [Scaling and evaluating sparse autoencoders](https://arxiv.org/abs/2406.04093), 2024. TopK.
# - Senthooran Rajamanoharan et al.: [Jumping Ahead](https://arxiv.org/abs/2407.14435), 2024. JumpReLU, which Gemma Scope has.
# - Tom Lieberum et al.: [Gemma Scope](https://arxiv.org/abs/2408.05147), 2024.
# - Joshua Engels et al.: [Decomposing The Dark Matter of Sparse Autoencoders](https://arxiv.org/abs/2410.14670), 2024.
# - Patrick Leask et al.: [Inference-Time Decomposition of Activations (ITDA)](https://arxiv.org/abs/2505.17769), 2025.
