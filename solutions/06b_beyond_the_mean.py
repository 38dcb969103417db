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
from course_utils.plots import Picture, bars_by_baseline, curves, show
from course_utils.steerability import bootstrap_interval, random_control
from course_utils.steering import FROM_LAST, concept, perplexity_of, share_of_kind
from course_utils.widgets import explorer, menu, slider

# %% [markdown] id="entropy"
# ## 1 · How undecided?
#
# Two choices between two. *Machines*: two of them have paid a few times each, and the model says which is better. *Judgments*: two
# things were good or bad, and so will be the third. The probabilities of both answers tell how sure the model is, by
# their **entropy** $-\sum p \log p$: 0 for a certain choice, $\log 2 \approx 0.69$ nats for an even one. A direction of doubt can only be
# read off where some choices are more open than others: is that so for both?

# %% id="choices"
model, tokenizer = load_lm()
BLOCKS, TRAIN = range(model.config.num_hidden_layers), 96
rng = random.Random(0)
machines = list(dict.fromkeys(skills.choice_item(rng).prompt for _ in range(128)))
judged = words.POSITIVE + words.NEGATIVE
judgments = [
    "The {} was {}. The {} was {}. The {} was".format(
        *(rng.choice(kind) for kind in (words.REVIEWED, judged) * 2), rng.choice(words.REVIEWED)
    )
    for _ in range(144)
]
choices = {  # prompts, and the words that count for either answer
    "machines": (machines, {"A": ["A"], "B": ["B"]}),
    "judgments": (judgments, {"good": words.POSITIVE, "bad": words.NEGATIVE}),
}


# %% id="at-the-end"
@torch.no_grad()
def at_the_end(
    prompts: list[str], answers: dict[str, list[str]]
) -> tuple[Float[Tensor, "block prompt d_model"], Float[Tensor, "prompt 2"]]:
    """What leaves each block, and the probabilities of both answers, at each prompt's end."""
    batch = tokenizer(prompts, return_tensors="pt", padding=True, padding_side="left")
    with record(model, [("block", block) for block in BLOCKS]) as seen:
        logits = model(**batch.to(model.device), logits_to_keep=1).logits[:, -1]
    p = logits.softmax(-1)
    ids = [[tokenizer(f" {word}").input_ids[0] for word in kind] for kind in answers.values()]
    ends = torch.stack([seen["block", block][:, -1] for block in BLOCKS])
    return ends.cpu(), torch.stack([p[:, kind].sum(-1) for kind in ids], dim=-1).cpu()


# %% id="entropies"
def entropy(probabilities: Float[Tensor, "prompt choice"]) -> Float[Tensor, "prompt"]:
    p = probabilities / probabilities.sum(-1, keepdim=True)
    return torch.special.entr(p).sum(-1)


ends = {name: at_the_end(*choice) for name, choice in choices.items()}
for name, (_, probabilities) in ends.items():
    tenths = entropy(probabilities).quantile(torch.tensor([0.1, 0.5, 0.9])).tolist()
    print(f"{name}: {choices[name][0][0]}")
    print(f"  both answers together {probabilities.sum(-1).mean():.2f};", end=" ")
    print("10, 50, 90 % of the entropies below", *(f"{x:.2f}" for x in tenths))

# %% [markdown] id="exercise-entropy-vector"
# ## Exercise 6b.1 · A vector weighted by entropy
#
# difficulty ●●○○○ · 15 minutes · 4 points
#
# **Goal.** Rahn et al. (2024) make a steering vector for agents from the activations at the end of the prompt, weighted by the entropy of the
# decision that follows. They estimate the entropy from many sampled completions; our choices are one word, whose probabilities can be read off. Here: the mean of the activations, *weighted by entropy* (weights that
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
# A vector for each choice, from 96 prompts; strength 1 is the typical distance of an activation from their mean. It is added at the last token of the
# prompt, at the block where it raises the entropy of 32 of these prompts most, and measured on the prompts that are left. Where does the entropy rise with the
# strength? And of 20 random vectors of that size, what change is the largest?

# %% id="predict-entropy"
my_entropy = {"rises for": [], "largest random": {"machines": None, "judgments": None}}

# %% id="doubting"
frame = concept(model, tokenizer, judgments[:1], judgments[1:2], 0)  # to be filled
Place = tuple[int, Float[Tensor, "d_model"]]  # a block and what is added there


def doubting(name: str, place: Place, strength: float, prompts: list[str]) -> Tensor:
    """Probabilities of both answers under steering: [prompt, 2]."""
    steering = replace(frame, vectors=dict([place]), positions=FROM_LAST, method="entropy")
    with steering.apply(model, strength):
        return at_the_end(prompts, choices[name][1])[1]


to_doubt = {}
for name, (activations, probabilities) in ends.items():
    places, rises = [], []
    for block, x in enumerate(activations[:, :TRAIN]):
        raw = entropy_weighted_vector(x, probabilities[:TRAIN])
        places.append((block, raw / raw.norm() * (x - x.mean(0)).norm(dim=-1).mean()))
        steered = doubting(name, places[-1], 1.0, choices[name][0][:32])
        rises.append((entropy(steered) - entropy(probabilities[:32])).mean().item())
    to_doubt[name] = places[rises.index(max(rises))]
    print(
        f"{name:10} rise by block",
        *(f"{round(x, 2) + 0:+.2f}" for x in rises),
        "· block",
        to_doubt[name][0],
    )

# %% id="entropy-steered"
held_out = {name: prompts[TRAIN:] for name, (prompts, _) in choices.items()}
found = {f"{what}, {name}": [] for what in ("entropy", "either answer") for name in choices}
for strength in (-2.0, -1.0, -0.5, 0.0, 0.5, 1.0, 2.0):
    for name, place in to_doubt.items():
        steered = doubting(name, place, strength, held_out[name])
        found[f"entropy, {name}"].append((strength, entropy(steered).mean().item()))
        found[f"either answer, {name}"].append((strength, steered.sum(-1).mean().item()))

# %% id="entropy-shown"
before, after = ({n: found[f"entropy, {n}"][i][1] for n in choices} for i in (3, 5))
show(
    curves(found, "strength", "entropy (nats); probability of either answer"),
    "Mean entropy and probability of either answer against strength, for two choices. "
    "Strength 1 takes the entropy from "
    + " and from ".join(f"{before[n]:.2f} to {after[n]:.2f} ({n})" for n in choices)
    + ".",
)


def rise_of(name: str):
    """What a direction adds to the mean entropy at strength 1."""
    block = to_doubt[name][0]
    return lambda direction: (
        entropy(doubting(name, (block, direction), 1.0, held_out[name])).mean().item()
        - before[name]
    )


for name, (_, direction) in to_doubt.items():
    effects, rarity = random_control(rise_of(name), direction, 20)
    print(f"{name:10} the vector {after[name] - before[name]:+.2f} nats,", end=" ")
    largest = effects.abs().max()
    print(f"largest random {largest:.2f}, rarity {rarity:.2f}")
print("you predicted:", my_entropy)

# %% [markdown] id="entropy-discussed"
# Entropy alone flatters too: a model that has lost the thread is undecided as well. What speaks for a direction of doubt is a rarity near 1/21, and a probability of
# *either answer* that stays where it was; what speaks against it is a random vector that does the same. And a model that is equally undecided everywhere gives a vector of noise, however carefully it is weighted:
# which of the two choices is such a case?
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
# Targets are words of the model's own vocabulary in random order, so that nothing leads from one to the next. A target counts as forced if, with the perturbation, each of its tokens is the likeliest. We give
# the attacker 2, 4 and 8 of the context's 9 tokens. How many tokens does each position force: what κ do you expect?

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
    """The perturbation after so many steps of the attack; the rate falls to 0."""
    largest = 0.3 * model.get_input_embeddings().weight.std().item()
    perturbation = torch.zeros(len(targets), a, model.config.hidden_size, device=model.device)
    for step in range(steps):
        rate = largest * (1 - step / steps)
        perturbation, _ = attack_step(model, context, targets, perturbation, rate)
    return perturbation


# %% id="targets"
story = "Once there was a stone by the river"
context = tokenizer(story, return_tensors="pt").input_ids[0].to(model.device)
pool = words.PLAIN + words.REVIEWED + words.POSITIVE
single = [word for word in pool if len(tokenizer(" " + word).input_ids) == 1]
rng = random.Random(0)
texts = ["".join(f" {rng.choice(single)}" for _ in range(24)) for _ in range(6)]
targets = tokenizer(texts, return_tensors="pt").input_ids.to(model.device)

# %% id="kappa"
POSITIONS, LENGTHS = (2, 4, 8), (1, 2, 3, 4, 6, 8, 12, 16, 24)
longest = {}  # number of positions -> for each target the most tokens that were forced
for a in POSITIONS:
    longest[a] = torch.zeros(len(targets))
    for n in LENGTHS:
        done = forced(targets[:, :n], attacked(targets[:, :n], a)).cpu()
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
    "Mean number of tokens forced against the number of positions, with the line through the "
    f"origin: κ = {kappa(table):.2f}, from {low:.2f} to {high:.2f}.",
)
print(f"κ = {kappa(table):.2f} ({low:.2f} to {high:.2f}) · you predicted {my_kappa}")
pushed = attacked(targets[:, :1], POSITIONS[-1])
noise = torch.randn(pushed.shape).to(pushed)
noise *= pushed.norm(dim=(1, 2), keepdim=True) / noise.norm(dim=(1, 2), keepdim=True)
print(
    f"{POSITIONS[-1]} positions, random, of the attack's norms, force the first token of",
    f"{int(forced(targets[:, :1], noise).sum())} of {len(targets)} targets",
)

# %% [markdown] id="kappa-discussed"
# Do the points lie on the line through the origin, as the law asks? A $t_{max}$ is one of 1, 2, 3, 4, 6, 8, 12, 16 and 24: rounded down, and never more than 24. Where a few positions force less than their share, one κ tells half the story. Its spread is that over targets; it does not cover the attacker: more steps, another rate, another start force more, so κ is what *this* attack reaches, from below. Compare with a
# steering vector, which is one direction for all prompts: an attacker chooses one for each position and each target, by gradients: "we
# found no vector that does it" says little about what such an attacker finds.
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
VECTOR_BLOCK = 2  # as in notebook 06
sides = [
    [f"Review: The {t} was {w}" for t, w in zip(things, kind[:15], strict=True)]
    for kind in (words.POSITIVE, words.NEGATIVE)
]
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
    """An edit that scales the vector for each prompt, by its last token in the prefill."""

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
    perplexity = perplexity_of(model, tokenizer, new_hating, texts)
    right = sum(a == b for a, b in zip(answers, guesses, strict=True))
    print(f"{name:14}{share:14.2f}{perplexity:13.1f}{right:12} %")
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
# The controller is a probe with a consequence: on kinds of input that were in neither of its two classes it still gives some number. Which of these six were in
# neither, and where would you have wanted another number? Whoever trains a controller has to think of what it will meet.
#
# ## 4 · Try it
#
# Choose a prompt and a strength of the entropy vector. Both answers' probabilities stand beside those without steering.


# %% id="explorer"
def one_choice(choice: str, prompt: int, strength: float) -> Picture:
    """One held-out choice, steered: the plain function behind the controls."""
    asked, answers = held_out[choice][prompt], choices[choice][1]
    plain = at_the_end([asked], answers)[1][0].tolist()
    steered = doubting(choice, to_doubt[choice], strength, [asked])[0].tolist()
    bars = {
        answer: {"steered": x, "unsteered": y}
        for answer, x, y in zip(answers, steered, plain, strict=True)
    }
    fig = bars_by_baseline(bars, f"probability after …{asked[-55:]}")
    told = ", ".join(
        f"{a} {x:.2f} (unsteered {y:.2f})" for a, x, y in zip(answers, steered, plain, strict=True)
    )
    state = f"choice={choice} prompt={prompt} strength={strength:g}"
    return Picture(fig, f"{choice}, prompt {prompt}, strength {strength:g}: {told}.", state)


explorer(
    one_choice,
    choice=menu("judgments", list(choices)),
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
# - Who controls activations directly can force tokens, the more the more positions are under control; a measured κ tells what the attack that was run reaches, and no more.
# - A controller steers where it was taught to. Try it on inputs of neither class: there its scale was never trained.
#
# **Where it fails.** All three fit something: to prompts, to targets, to two classes. Each needs inputs that it was not fitted to, and the controls of notebook 06.
#
# ## Papers
#
# - Nate Rahn, Pierluca D'Oro, Marc G. Bellemare: [Controlling Large Language Model Agents with Entropic Activation Steering](https://arxiv.org/abs/2406.00244), 2024.
# - Stanislav Fort: Scaling Laws for Adversarial Attacks on Language Model Activations, 2023.
# - Amr Hegazy, Mostafa Elhoushi, Amr Alanwar: [Guiding Giants: Lightweight Controllers for Weighted Activation Steering in LLMs](https://arxiv.org/abs/2505.20309), 2025.
