# %% [markdown] id="title"
# # 06b · Beyond the mean difference
#
# So far a steering vector was a mean difference, with one strength for every input. Here are three that are not: activations
# weighted by how open a choice is, perturbations found by gradients, and a network that decides when to steer.
#
# 60 minutes. You need [06 · Steering, soberly](06_steering_soberly.ipynb).
#
# At the end you will be able to
#
# - steer how undecided a model is, and see whether it is more than disturbed;
# - attack a model through its activations, and measure how many tokens a position can force;
# - train a small controller that steers some inputs and leaves others alone.

# %% id="bootstrap" tags=["setup"]

# %% id="imports" tags=["setup"]
import random
from dataclasses import replace

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor, nn

from course_utils.checks import check, mine_or_reference
from course_utils.course_lm import skills, words
from course_utils.course_lm.evaluate import continuations, next_tokens
from course_utils.hooks import edit, record
from course_utils.models import load_lm
from course_utils.plots import Picture, curves, next_token_bars, show
from course_utils.steerability import bootstrap_interval, random_control
from course_utils.steering import FROM_LAST, concept, perplexity_of, share_of_kind
from course_utils.widgets import explorer, menu, slider

# %% [markdown] id="entropy"
# ## 1 · How undecided?
#
# Two choices between two. *Machines*: two of them have paid a few times each; the model says which is better. *Opinions*: two
# judgments, then *I*, and the model loves or hates. Its probabilities for the two words tell how sure it is, by
# their **entropy** $-\sum p \log p$: 0 for a certain choice, $\log 2 \approx 0.69$ nats for an even one. Only where some choices are more open than others is there something to weight.

# %% id="choices"
model, tokenizer = load_lm()
BLOCK, TRAIN = 3, 96
rng = random.Random(0)
machines = list(dict.fromkeys(skills.choice_item(rng).prompt for _ in range(160)))
judged = words.POSITIVE + words.NEGATIVE
opinions = [
    "The {} was {}. The {} was {}. I".format(*(rng.choice(x) for x in (words.REVIEWED, judged) * 2))
    for _ in range(160)
]
choices = {  # prompts, and the two words
    "machines": (machines, (" A", " B")),
    "opinions": (opinions, (" love", " hate")),
}


@torch.no_grad()
def at_the_end(
    prompts: list[str], arms: tuple[str, str]
) -> tuple[Float[Tensor, "prompt d_model"], Float[Tensor, "prompt 2"]]:
    """What leaves the block, and the probabilities of both words, at each prompt's end."""
    batch = tokenizer(prompts, return_tensors="pt", padding=True, padding_side="left")
    with record(model, [("block", BLOCK)]) as activations:
        logits = model(**batch.to(model.device), logits_to_keep=1).logits[:, -1]
    ids = [tokenizer(arm).input_ids[0] for arm in arms]
    return activations["block", BLOCK][:, -1].cpu(), logits.softmax(-1)[:, ids].cpu()


# %% id="entropies"
def entropy(probabilities: Float[Tensor, "prompt choice"]) -> Float[Tensor, "prompt"]:
    p = probabilities / probabilities.sum(-1, keepdim=True)
    return torch.special.entr(p).sum(-1)


ends = {name: at_the_end(*choice) for name, choice in choices.items()}
for name, (_, probabilities) in ends.items():
    tenths = entropy(probabilities).quantile(torch.tensor([0.1, 0.5, 0.9])).tolist()
    print(f"{name}: {choices[name][0][0]}")
    print(
        f"  both words together {probabilities.sum(-1).mean():.2f}; 10, 50, 90 % of the entropies",
        end="",
    )
    print(" below", *(f"{x:.2f}" for x in tenths))

# %% [markdown] id="exercise-entropy-vector"
# ## Exercise 6b.1 · A vector weighted by entropy
#
# difficulty ●●○○○ · 15 minutes · 4 points
#
# **Goal.** Rahn et al. (2024) weight the activations before a decision by the entropy of the choice that follows. Here: the mean of the activations, *weighted by entropy* (weights that
# add up to 1), minus their plain mean, so that what all prompts share drops out. `probabilities` holds those of the choices alone: divide each row by its sum first. A choice of probability 0 adds nothing to the entropy. If
# all entropies are 0 there are no weights: raise `ValueError`.
#
# `entropy_weighted_vector(activations [prompt, d_model], probabilities [prompt, choice]) -> [d_model]`
#
# <details><summary>Hint 1: the idea</summary>
#
# One entropy for each prompt; divided by their sum they are weights.
#
# <details><summary>Hint 2: pseudocode</summary>
#
# ```
# p         = probabilities, each row divided by its sum
# entropies = minus the sum of p log p, row by row
# raise if they are all 0
# weights   = entropies / their sum
# return weights @ activations - mean of activations
# ```
#
# <br><details><summary>Hint 3: the line people get wrong</summary>
#
# `0 * log(0)` is nan. `torch.special.entr(p)` is -p log p, and 0 at 0.
#
# </details></details></details>


# %% id="entropy-vector" tags=["exercise"]
def entropy_weighted_vector(
    activations: Float[Tensor, "prompt d_model"], probabilities: Float[Tensor, "prompt choice"]
) -> Float[Tensor, "d_model"]:
    """The mean activation weighted by the entropy of the choice, minus the plain mean."""
    ### BEGIN SOLUTION
    p = probabilities / probabilities.sum(dim=-1, keepdim=True)
    entropies = torch.special.entr(p).sum(dim=-1)
    if not entropies.any():
        raise ValueError("every choice is certain")
    weights = entropies / entropies.sum()
    return weights @ activations - activations.mean(dim=0)
    ### END SOLUTION


# %% id="entropy-vector-check" tags=["check"]
check("beyond_the_mean.entropy_vector", entropy_weighted_vector)
entropy_weighted_vector = mine_or_reference(
    "beyond_the_mean.entropy_vector", entropy_weighted_vector
)

# %% [markdown] id="entropy-question"
# A vector for each choice, from 96 prompts, measured on the others. It is added at the last token of the prompt; strength 1 is the typical distance of an activation from their mean. Where does the entropy rise with the
# strength? And of 20 random vectors of that size, how many change it as much?

# %% id="predict-entropy"
my_entropy = {"rises for": [], "random as large": {"machines": None, "opinions": None}}

# %% id="entropy-steered"
frame = concept(model, tokenizer, opinions[:1], opinions[1:2], BLOCK)  # to be filled
to_doubt = {}
for name, (activations, probabilities) in ends.items():
    raw = entropy_weighted_vector(activations[:TRAIN], probabilities[:TRAIN])
    size = (activations[:TRAIN] - activations[:TRAIN].mean(0)).norm(dim=-1).mean()
    to_doubt[name] = raw / raw.norm() * size


def doubting(name: str, direction: Float[Tensor, "d_model"], strength: float = 1.0) -> Tensor:
    """Probabilities of both words for the held-out prompts, under steering: [prompt, 2]."""
    prompts, arms = choices[name]
    steering = replace(frame, vectors={BLOCK: direction}, positions=FROM_LAST, method="entropy")
    with steering.apply(model, strength):
        return at_the_end(prompts[TRAIN:], arms)[1]


found = {f"{what}, {name}": [] for what in ("entropy", "either word") for name in choices}
for strength in (-2.0, -1.0, -0.5, 0.0, 0.5, 1.0, 2.0):
    for name, direction in to_doubt.items():
        steered = doubting(name, direction, strength)
        found[f"entropy, {name}"].append((strength, entropy(steered).mean().item()))
        found[f"either word, {name}"].append((strength, steered.sum(-1).mean().item()))

# %% id="entropy-shown"
before, after = ({n: found[f"entropy, {n}"][i][1] for n in choices} for i in (3, 5))
show(
    curves(found, "strength", "entropy (nats); probability of either word"),
    "Mean entropy and probability of either word against strength, for two choices. Strength 1 takes the entropy from "
    + " and from ".join(f"{before[n]:.2f} to {after[n]:.2f} ({n})" for n in choices),
)


def rise_of(name: str):
    """What a direction adds to the mean entropy at strength 1."""
    return lambda direction: entropy(doubting(name, direction)).mean().item() - before[name]


for name, direction in to_doubt.items():
    effects, rarity = random_control(rise_of(name), direction, 20)
    print(f"{name}: the vector {after[name] - before[name]:+.2f} nats,", end=" ")
    print(f"random from {effects.min():+.2f} to {effects.max():+.2f}, rarity {rarity:.2f}")
print("you predicted:", my_entropy)

# %% [markdown] id="entropy-discussed"
# Entropy alone flatters too: a model that has lost the thread is undecided as well. What speaks for a direction of doubt is a rarity near 1/21, and a probability of
# *either word* that stays where it was; what speaks against it is a random vector that does the same. And a model that is equally undecided everywhere gives a vector of noise, however carefully it is weighted.
#
# ## 2 · An attack
#
# A vector need not be a difference of anything. Fort (2023) asks how many tokens an attacker can force who controls the activations of the first `a` tokens of a context: he finds the
# perturbation by gradient descent, and the number of tokens he can dictate grows in proportion to `a`: $t_{max} = \kappa\,a$.
#
# ## Exercise 6b.2 · One step of the attack
#
# difficulty ●●●○○ · 25 minutes · 4 points
#
# **Goal.** The perturbation is added to the *embeddings* of the first `a` tokens of the context, for each row its own. The row's loss is the mean cross-entropy of its targets, each predicted from the context
# and the targets before it. One step moves every number of the perturbation by `rate` against the sign of its gradient.
#
# Return the new perturbation and the losses *before* the step, both detached. The model, its gradients and the given perturbation stay as they are. Any model: `model.get_input_embeddings()` is the module, and a model takes `inputs_embeds=`.
#
# `attack_step(model, context [context], targets [batch, target], perturbation [batch, a, d_model], rate) -> (perturbation, losses [batch])`
#
# <details><summary>Hint 1: the idea</summary>
#
# Embed context and targets, add the perturbation to the first `a` positions, run the model, ask `torch.autograd.grad` for the gradient with respect to the perturbation.
#
# <details><summary>Hint 2: pseudocode</summary>
#
# ```
# ids      = context, once a row, followed by the targets without the last
# moving   = perturbation, detached, requiring a gradient
# embedded = the embeddings of ids (detached), the first a plus moving
# logits   = model(inputs_embeds=embedded), at the last n_targets positions
# losses   = mean cross-entropy of each row
# gradient = torch.autograd.grad(losses.sum(), moving)[0]
# return perturbation - rate * sign of gradient, losses
# ```
#
# <br><details><summary>Hint 3: the line people get wrong</summary>
#
# The logits *at* a target predict the one after it. Without the last target in `ids`, the last `n_targets` logits are those that predict the targets.
#
# </details></details></details>


# %% id="attack-step" tags=["exercise"]
def attack_step(
    model,
    context: Int[Tensor, "context"],
    targets: Int[Tensor, "batch target"],
    perturbation: Float[Tensor, "batch a d_model"],
    rate: float,
) -> tuple[Float[Tensor, "batch a d_model"], Float[Tensor, "batch"]]:
    """The perturbation after one signed gradient step, and the losses before it."""
    ### BEGIN SOLUTION
    a, n_targets = perturbation.shape[1], targets.shape[1]
    ids = torch.cat([context.expand(len(targets), -1), targets[:, :-1]], dim=1)
    moving = perturbation.detach().clone().requires_grad_()
    embedded = model.get_input_embeddings()(ids).detach()
    embedded = torch.cat([embedded[:, :a] + moving, embedded[:, a:]], dim=1)
    logits = model(inputs_embeds=embedded).logits[:, -n_targets:]
    losses = F.cross_entropy(logits.transpose(1, 2), targets, reduction="none").mean(dim=1)
    [gradient] = torch.autograd.grad(losses.sum(), moving)
    return moving.detach() - rate * gradient.sign(), losses.detach()
    ### END SOLUTION


# %% id="attack-step-check" tags=["check"]
check("beyond_the_mean.attack_step", attack_step)
attack_step = mine_or_reference("beyond_the_mean.attack_step", attack_step)

# %% [markdown] id="attack-question"
# Targets are words of the model's own vocabulary in random order, so that nothing leads from one to the next. A target counts as forced if, with the perturbation, each of its tokens is the likeliest. How many
# tokens can one position force?

# %% id="predict-kappa"
my_kappa = None


# %% id="attack"
@torch.no_grad()
def forced(targets: Int[Tensor, "batch target"], perturbation: Tensor) -> Tensor:
    """Which rows have each of their targets as the likeliest token."""
    a, n_targets = perturbation.shape[1], targets.shape[1]
    ids = torch.cat([context.expand(len(targets), -1), targets[:, :-1]], dim=1)
    embedded = model.get_input_embeddings()(ids)
    embedded[:, :a] += perturbation
    best = model(inputs_embeds=embedded).logits[:, -n_targets:].argmax(-1)
    return (best == targets).all(-1)


def attacked(targets: Int[Tensor, "batch target"], a: int, steps: int = 60) -> Tensor:
    """The rows that so many steps of the attack force; the rate falls to 0."""
    spread = model.get_input_embeddings().weight.std().item()
    perturbation = torch.zeros(len(targets), a, model.config.hidden_size, device=model.device)
    for step in range(steps):
        rate = spread * (1 - step / steps)
        perturbation, _ = attack_step(model, context, targets, perturbation, rate)
    return forced(targets, perturbation)


# %% id="targets"
story = "Once there was a stone by the river"
context = tokenizer(story, return_tensors="pt").input_ids[0].to(model.device)
pool = words.PLAIN + words.REVIEWED + words.POSITIVE
single = [word for word in pool if len(tokenizer(" " + word).input_ids) == 1]
rng = random.Random(0)
texts = ["".join(f" {rng.choice(single)}" for _ in range(24)) for _ in range(6)]
targets = tokenizer(texts, return_tensors="pt").input_ids.to(model.device)

# %% id="kappa"
POSITIONS, LENGTHS = (1, 2, 4), (1, 2, 3, 4, 6, 8, 12, 16, 24)
longest = {}  # number of positions -> for each target the most tokens that were forced
for a in POSITIONS:
    longest[a] = torch.zeros(len(targets))
    for n in LENGTHS:
        done = attacked(targets[:, :n], a).cpu()
        longest[a][done] = n
        if not done.any():
            break
table = torch.stack([longest[a] for a in POSITIONS], dim=1)  # [target, a]


# %% id="kappa-shown"
def kappa(table: Float[Tensor, "target a"]) -> float:
    """The least-squares slope of t_max against a, through the origin."""
    a = torch.tensor(POSITIONS, dtype=table.dtype)
    return (table.mean(0) @ a / (a @ a)).item()


low, high = bootstrap_interval(table, kappa)
fit = {
    "measured": [(a, longest[a].mean().item()) for a in POSITIONS],
    "κ·a": [(a, kappa(table) * a) for a in (0, *POSITIONS)],
}
show(
    curves(fit, "positions under control, a", "tokens forced, t_max"),
    f"Mean number of tokens forced against the number of positions, with the line through the origin: κ = {kappa(table):.1f}, from {low:.1f} to {high:.1f}.",
)
print(f"κ = {kappa(table):.1f} ({low:.1f} to {high:.1f}) · you predicted {my_kappa}")
noise = torch.randn(len(targets), 1, model.config.hidden_size, device=model.device)
print(
    "forced by random perturbations of one position:",
    int(forced(targets[:, :1], noise).sum()),
    "of",
    len(targets),
)

# %% [markdown] id="kappa-discussed"
# The spread is that over targets; it does not cover the attacker: more steps, another rate, another start force more, so κ is what *this* attack reaches, from below. Compare with a
# steering vector, which is one direction for all prompts: an attacker who may choose a direction for each prompt has far more power than any mean difference shows, which is why "we
# found no vector that does it" says little about safety.
#
# ## 3 · A controller
#
# A constant strength steers everything: a vector that makes reviews friendly also meets questions of fact. Hegazy et al. (2025) train a small network that reads an activation and scales the steering for
# this input, on prompts that should be steered and prompts that should not. Ours reads the last token of the prompt at the block where the vector is added.
#
# Against a constant strength 1: will the controller keep the share of positive words, and how many of 100 facts stay right?

# %% id="predict-controller"
my_controller = {"share": None, "facts": None}

# %% id="controller"
things, new_things = words.REVIEWED[15:], words.REVIEWED[:15]
VECTOR_BLOCK = 2
ends = zip(words.REVIEWED, words.POSITIVE, words.NEGATIVE, strict=False)
sides = list(
    zip(
        *((f"Review: The {t} was {a}", f"Review: The {t} was {b}") for t, a, b in ends), strict=True
    )
)
kindness = concept(model, tokenizer, *sides, VECTOR_BLOCK)
to_kind = kindness.vectors[VECTOR_BLOCK]

hating = [
    f"{start} this {thing} because"
    for start in ("Review: I hate", "I regret", "Review: I despise")
    for thing in things
]
rng = random.Random(1)
others = [
    make(rng).prompt
    for make in (skills.fact_item, skills.weather_item, skills.choice_item)
    for _ in range(16)
]


def ends_of(prompts: list[str]) -> Float[Tensor, "prompt d_model"]:
    batch = tokenizer(prompts, return_tensors="pt", padding=True, padding_side="left").to(
        model.device
    )
    with record(model, [("block", VECTOR_BLOCK)]) as seen, torch.no_grad():
        model(**batch)
    return seen["block", VECTOR_BLOCK][:, -1]


# %% id="controller-network"
x = ends_of([*hating, *others])
y = torch.tensor([1.0] * len(hating) + [0.0] * len(others), device=model.device)
center, spread = x.mean(0), x.std()
torch.manual_seed(0)
controller = nn.Sequential(nn.Linear(x.shape[1], 16), nn.ReLU(), nn.Linear(16, 1)).to(model.device)

# %% id="controller-trained"
optimizer = torch.optim.Adam(controller.parameters(), lr=1e-2)
for _ in range(200):
    logits = controller((x - center) / spread)[:, 0]
    loss = F.binary_cross_entropy_with_logits(logits, y)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()


@torch.no_grad()
def scale(activations: Float[Tensor, "prompt d_model"]) -> Float[Tensor, "prompt"]:
    """From 0, leave it alone, to 1."""
    return controller((activations - center) / spread)[:, 0].sigmoid()


# %% id="controlled"
class Controlled:
    """An edit that scales the vector for each prompt, by what its last token shows in the prefill."""

    def __call__(self, activation: Tensor, positions: Tensor) -> Tensor:
        if positions[0] == 0:
            self.scale = scale(activation[:, -1])
        return activation + self.scale[:, None, None] * to_kind.to(activation)


def constant(strength: float):
    return lambda activation, positions: activation + strength * to_kind.to(activation)


# %% id="controller-compared"
new_hating = [f"Review: I hate this {thing} because" for thing in new_things] * 2
facts = [skills.fact_item(random.Random(i)) for i in range(100)]
answers = [tokenizer(" " + fact.answer).input_ids[0] for fact in facts]
print(f"{'':14}share positive   perplexity   facts right")
for name, added in {
    "no steering": constant(0.0),
    "constant 0.5": constant(0.5),
    "constant 1": constant(1.0),
    "controller": Controlled(),
}.items():
    with edit(model, {("block", VECTOR_BLOCK): added}):
        texts = continuations(model, tokenizer, new_hating, 12, temperature=1.0)
        guesses = next_tokens(model, tokenizer, [fact.prompt for fact in facts])
    share = share_of_kind(texts, words.POSITIVE, words.NEGATIVE)
    right = sum(a == b for a, b in zip(answers, guesses, strict=True))
    print(
        f"{name:14}{share:14.2f}{perplexity_of(model, tokenizer, new_hating, texts):13.1f}{right:12} %"
    )
print("you predicted", my_controller)

# %% id="controller-elsewhere"
rng = random.Random(2)
seen = {
    "hating, new things": new_hating,
    "facts, new": [fact.prompt for fact in facts],
    "hating, another form": [f'{opening}, "I hate you' for opening in words.TALK_OPENINGS],
    "loving": [f"Review: I love this {thing} because" for thing in new_things],
    "topics": [skills.topic_item(rng).prompt for _ in range(20)],
    "claims": [skills.verification_item(rng).prompt for _ in range(20)],
}
print("mean scale")
for name, prompts_of_kind in seen.items():
    print(f"{name:22}{scale(ends_of(prompts_of_kind)).mean():.2f}")

# %% [markdown] id="controller-discussed"
# The controller is a probe with a consequence, and it fails as probes do: on kinds of input that were in neither of its two classes it still gives some number. Whoever
# trains one has to think of what it will meet.
#
# ## 4 · Try it
#
# Choose a prompt and a strength of the entropy vector. Outlines are the model's own probabilities, bars those under steering.


# %% id="explorer"
def one_choice(choice: str, prompt: int, strength: float) -> Picture:
    """One held-out choice, steered: the plain function behind the controls."""
    asked, arms = choices[choice][0][TRAIN + prompt], choices[choice][1]
    steering = replace(frame, vectors={BLOCK: to_doubt[choice]}, positions=FROM_LAST)
    plain = at_the_end([asked], arms)[1][0].tolist()
    with steering.apply(model, strength):
        steered = at_the_end([asked], arms)[1][0].tolist()
    fig = next_token_bars(arms, steered, plain, asked[-70:])
    told = ", ".join(
        f"{a!r} {x:.2f} (unsteered {y:.2f})" for a, x, y in zip(arms, steered, plain, strict=True)
    )
    state = f"choice={choice} prompt={prompt} strength={strength:g}"
    return Picture(fig, f"{choice}, prompt {prompt}, strength {strength:g}: {told}.", state)


explorer(
    one_choice,
    choice=menu("opinions", list(choices)),
    prompt=slider(0, 0, 9, 1),
    strength=slider(1.0, -3.0, 3.0, 0.25),
)

# %% [markdown] id="real-model"
# ## 5 · On a real model
#
# One attack on any causal model. Set the name and run the cell: about 1 GB is fetched once from the Hub; a GPU helps.

# %% id="on-a-real-model"
REAL_MODEL = None  # "Qwen/Qwen2.5-0.5B-Instruct"

if REAL_MODEL is None:
    print('Not run: set REAL_MODEL to a model of the Hub, such as "Qwen/Qwen2.5-0.5B-Instruct".')
else:
    real, its_tokenizer = load_lm(REAL_MODEL)
    story = (
        its_tokenizer("Once there was a stone by the river", return_tensors="pt")
        .input_ids[0]
        .to(real.device)
    )
    wish = its_tokenizer(" purple bridge candle", return_tensors="pt").input_ids.to(real.device)
    moved = torch.zeros(1, 1, real.config.hidden_size, device=real.device, dtype=real.dtype)
    for step in range(100):
        moved, losses = attack_step(real, story, wish, moved, 0.01 * (1 - step / 100))
    print(f"loss {losses.item():.3f} after 100 steps on one position")

# %% [markdown] id="remember"
# ## What to remember
#
# - How open a choice is can be a direction; whether it is more than a disturbance is seen beside random vectors and by what else changes.
# - Who controls activations directly can force tokens in proportion to the positions under control; a measured κ is a lower bound for the attack that was run.
# - A controller steers where it was taught to. Its mistakes are on inputs of neither class.
#
# **Where it fails.** All three fit something: to prompts, to targets, to two classes. Each needs inputs that it was not fitted to, and the controls of notebook 06.
#
# ## Papers
#
# - Nate Rahn, Pierluca D'Oro, Marc G. Bellemare: [Controlling Large Language Model Agents with Entropic Activation Steering](https://arxiv.org/abs/2406.00244), 2024.
# - Stanislav Fort: Scaling Laws for Adversarial Attacks on Language Model Activations, 2023.
# - Amr Hegazy, Mostafa Elhoushi, Amr Alanwar: [Guiding Giants: Lightweight Controllers for Weighted Activation Steering in LLMs](https://arxiv.org/abs/2505.20309), 2025.
