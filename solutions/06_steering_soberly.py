# %% [markdown] id="title"
# # 06 · Steering, soberly
#
# In notebook 05 a vector turned reviews from awful to wonderful. How would you know that it works, on whom it does not, and
# whether a sentence in the prompt would have done as well? Here you build the measurements that can say no.
#
# 120 minutes. You need [05 · Activation steering](05_steering.ipynb).
#
# At the end you will be able to
#
# - measure steering sample by sample: the slope of a difference of log-probabilities against strength;
# - count the samples that are steered backwards, which a mean hides;
# - put an interval around any number you report, and a random vector beside it;
# - compare a vector with what one would otherwise do: a prefix, examples, a logit bias;
# - ask before steering for which concepts it is likely to work, and how sure that is.

# %% id="bootstrap" tags=["setup"]

# %% id="imports" tags=["setup"]
import random
from collections.abc import Callable
from contextlib import contextmanager, nullcontext
from dataclasses import replace

import torch
from jaxtyping import Float, Int
from torch import Tensor

from course_utils.anatomy import anatomy
from course_utils.checks import check, mine_or_reference
from course_utils.course_lm import skills, words, world
from course_utils.course_lm.evaluate import continuations, next_tokens
from course_utils.hooks import record
from course_utils.models import load_lm
from course_utils.plots import Picture, dose_responses, intervals, labeled_points, show
from course_utils.steering import SteeringVector, concept, perplexity_of, share_of_kind
from course_utils.widgets import explorer, menu, slider

# %% [markdown] id="flattering"
# ## 1 · A number that flatters
#
# A sentiment vector as in notebook 05: the mean difference between reviews that end in a positive and in a negative adjective, added
# everywhere. Half of the adjectives and half of the things make the vector; from section 2 on its slopes are measured on the others. The shares of this
# section count all adjectives, those that made the vector too. First the block, chosen as in
# notebook 05 and on the hardest prompts, those that hate: of the blocks whose vector brings a share of positive words within 0.1 of the largest, the one with the lowest perplexity.

# %% id="block-chosen"
model, tokenizer = load_lm()
parts = anatomy(model)
things, new_things = words.REVIEWED[15:], words.REVIEWED[:15]
good, bad = words.POSITIVE[:15], words.NEGATIVE[:15]
new_good, new_bad = words.POSITIVE[15:], words.NEGATIVE[15:]
positives = [f"Review: The {t} was {w}" for t, w in zip(things, good, strict=True)]
negatives = [f"Review: The {t} was {w}" for t, w in zip(things, bad, strict=True)]
every_block = concept(model, tokenizer, positives, negatives, range(len(parts.blocks)))

hated, tried = [f"Review: I hate this {thing} because" for thing in things], {}
for block in range(len(parts.blocks)):
    with every_block.at(block).apply(model, 1.0):
        texts = continuations(model, tokenizer, hated, 12, temperature=1.0)
    share = share_of_kind(texts, words.POSITIVE, words.NEGATIVE)
    tried[block] = share, perplexity_of(model, tokenizer, hated, texts)
    print(f"block {block}: {share:.2f} positive, perplexity {tried[block][1]:.1f}")
most = max(share for share, _ in tried.values())
BLOCK = min((b for b in tried if tried[b][0] >= most - 0.1), key=lambda b: tried[b][1])
vector = every_block.at(BLOCK)
print("chosen: block", BLOCK)

# %% [markdown] id="usual-report"
# Here is the usual report on that vector: the share of positive words in what is written behind neutral prompts, without and with it.

# %% id="flattering-seen"
openings = [f"Review: The {thing} was" for thing in things]
for strength in (0, 0.5, 1):
    with vector.apply(model, strength):
        texts = continuations(model, tokenizer, openings, 12, temperature=1.0)
    share = share_of_kind(texts, words.POSITIVE, words.NEGATIVE)
    print(f"strength {strength}: {share:.2f} positive · {openings[0]}{texts[0]}")

# %% [markdown] id="propensity"
# One number, over the prompts that made the vector, over words that are drawn by chance. It cannot show a prompt on which the vector fails, or on which it works
# the wrong way. So we ask prompt by prompt, without chance. A **sample** is a prompt with a wanted and an unwanted continuation; its
# **difference** is $\log p(\text{wanted}) - \log p(\text{unwanted})$, in nats, under steering. Six settings, all but the first with words and
# things that the vector was not made from. The last but one asks for something else: is a positive vector good weather?

# %% id="settings"
Sample = tuple[str, str, str]  # prompt, wanted, unwanted
pairs = list(zip(new_good, new_bad, strict=True))
tellers = [opening + ', "You are' for opening in words.TALK_OPENINGS]
places = [f"The weather in {place} is" for place in list(world.PLACES_WEATHER)[::4]]
weather = [(a, b) for a in ("sunny", "mild", "dry") for b in "rainy cold foggy windy snowy".split()]


def samples_of(prompts: list[str], pairs: list[tuple[str, str]]) -> list[Sample]:
    """Prompts and pairs of words in turn, one sample for each pair."""
    return [
        (prompts[i % len(prompts)], f" {wanted}", f" {unwanted}")
        for i, (wanted, unwanted) in enumerate(pairs)
    ]


settings = {
    "as in training": samples_of(openings, list(zip(good, bad, strict=True))),
    "new things and words": samples_of([f"Review: The {t} was" for t in new_things], pairs),
    "another phrasing": samples_of(["Everyone here is", "I felt", "What a"], pairs),
    "another phrasing: people": samples_of(tellers, pairs),
    "another topic: weather": samples_of(places, weather),
    "against the prompt": samples_of(
        [f"Review: I hate this {t} because it was" for t in new_things], pairs
    ),
}


# %% id="log-probability"
@torch.no_grad()
def log_probability(prompts: list[str], texts: list[str]) -> Float[Tensor, "sample"]:
    """log p of each text after its prompt, in nats, under whatever steering is on."""
    whole = [prompt + text for prompt, text in zip(prompts, texts, strict=True)]
    batch = tokenizer(whole, return_tensors="pt", padding=True, padding_side="right").to(
        model.device
    )
    begins = torch.tensor([len(tokenizer(prompt).input_ids) for prompt in prompts])
    columns = torch.arange(1, batch.input_ids.shape[1])
    counted = (columns >= begins[:, None]).to(model.device) & batch.attention_mask[:, 1:].bool()
    log_p = model(**batch).logits[:, :-1].log_softmax(-1)
    chosen = log_p.gather(-1, batch.input_ids[:, 1:, None])[..., 0]
    return (chosen * counted).sum(-1).cpu()


# %% id="differences"
def differences(
    vector: SteeringVector, samples: list[Sample], strengths: Float[Tensor, "strength"]
) -> Float[Tensor, "sample strength"]:
    """log p(wanted) - log p(unwanted) of each sample at each strength."""
    prompts, wanted, unwanted = (list(column) for column in zip(*samples, strict=True))
    columns = []
    for strength in strengths.tolist():
        with vector.apply(model, strength):
            columns.append(log_probability(prompts, wanted) - log_probability(prompts, unwanted))
    return torch.stack(columns, dim=1)


# %% [markdown] id="exercise-slope"
# ## 2 · Dose and response
#
# Steering that works makes the difference rise with the strength. How fast it rises is the sample's **steerability**: the slope of a line through its differences
# (Tan et al., 2024).
#
# ## Exercise 6.1 · The slope
#
# difficulty ●●○○○ · 10 minutes · 3 points
#
# **Goal.** For each sample the slope of the least-squares line *with an intercept*, in nats per unit of strength. The strengths may be uneven, in any order, and need
# not lie around 0. The result is `[sample]`, also for one sample.
#
# `steerability(strengths [strength], differences [sample, strength]) -> [sample]`
#
# <details><summary>Hint 1: the idea</summary>
#
# The slope is the covariance of strengths and differences over the variance of the strengths.
#
# <details><summary>Hint 2: pseudocode</summary>
#
# ```
# s = strengths minus their mean
# for each sample: sum of s * differences, divided by the sum of s * s
# ```
#
# <br><details><summary>Hint 3: the line people get wrong</summary>
#
# Without subtracting the mean of the strengths the line is forced through the origin, and a prompt that leans to one side anyway gets a slope for it.
# `strengths.var()` divides by n - 1, a `.mean()` by n: use sums for both.
#
# </details></details></details>


# %% id="slope" tags=["exercise"]
def steerability(
    strengths: Float[Tensor, "strength"], differences: Float[Tensor, "sample strength"]
) -> Float[Tensor, "sample"]:
    """The slope of each sample's least-squares line, in nats per unit of strength."""
    ### BEGIN SOLUTION
    centered = strengths - strengths.mean()
    return (differences * centered).sum(dim=-1) / centered.square().sum()
    ### END SOLUTION


# %% id="slope-check" tags=["check"]
check("steering_soberly.slope", steerability)
steerability = mine_or_reference("steering_soberly.slope", steerability)

# %% [markdown] id="backwards-question"
# Six settings of 15 samples. The vector is strong: in which of them do you expect samples whose slope is *negative*, steered away from what is wanted? How many of
# the 90?

# %% id="predict-backwards"
my_backwards = {"in which": [], "how many": None}

# %% id="dose-and-response"
STRENGTHS = torch.tensor([-1.0, -0.5, 0.0, 0.5, 1.0])
responses = {name: differences(vector, s, STRENGTHS) for name, s in settings.items()}
slopes = {name: steerability(STRENGTHS, table) for name, table in responses.items()}
wrong_way = {name: (slope < 0).tolist() for name, slope in slopes.items()}
count = sum(map(sum, wrong_way.values()))
total = sum(map(len, wrong_way.values()))
weakest = min(slopes, key=lambda name: slopes[name].mean())
show(
    dose_responses(
        {name: table.tolist() for name, table in responses.items()},
        STRENGTHS.tolist(),
        wrong_way,
        "difference (nats)",
    ),
    "Differences of single samples against strength, a panel for each setting, the mean in "
    f"black. {count} of {total} samples fall as the strength rises; the mean slope is smallest "
    f"for {weakest!r}, with {slopes[weakest].mean():.1f} nats per unit of strength.",
)
print({name: sum(marks) for name, marks in wrong_way.items()}, "· you predicted:", my_backwards)

# %% [markdown] id="exercise-backwards"
# The black lines are what a report shows. Around each the single samples spread, and a broken line, where there is one, is a user who gets the opposite. The mean of a
# setting says nothing of that: it can be above 0 all the same. A report owes its reader that share.
#
# ## Exercise 6.2 · Steered backwards
#
# difficulty ●●○○○ · 15 minutes · 4 points
#
# **Goal.** Each sample has a slope and belongs to a group, 0 … `n_groups` - 1, in any order. For each group return the share of its samples that are
# **anti-steerable**: slope below 0. A slope of 0 is not backwards. Samples without a slope (`nan`) do not count at all. A group in which no sample counts has `nan`.
#
# `anti_steerable_share(slopes [sample], groups [sample], n_groups) -> [group]`
#
# <details><summary>Hint 1: the idea</summary>
#
# Group after group: choose its slopes, drop the `nan`s, take the share that is negative.
#
# <details><summary>Hint 2: pseudocode</summary>
#
# ```
# for each group:
#     own = slopes of the group that are not nan
#     share = number of own below 0 / number of own; nan where there is none
# ```
#
# <br><details><summary>Hint 3: the line people get wrong</summary>
#
# `nan < 0` is False: a sample without a slope silently counts as steered forwards unless you leave it out of the denominator.
#
# </details></details></details>


# %% id="backwards" tags=["exercise"]
def anti_steerable_share(
    slopes: Float[Tensor, "sample"], groups: Int[Tensor, "sample"], n_groups: int
) -> Float[Tensor, "group"]:
    """The share of samples with a negative slope in each group."""
    ### BEGIN SOLUTION
    shares = []
    for group in range(n_groups):
        own = slopes[(groups == group) & ~slopes.isnan()]
        shares.append((own < 0).float().mean())  # of nothing: nan
    return torch.stack(shares)
    ### END SOLUTION


# %% id="backwards-check" tags=["check"]
check("steering_soberly.backwards", anti_steerable_share)
anti_steerable_share = mine_or_reference("steering_soberly.backwards", anti_steerable_share)


# %% id="by-setting"
def backwards(*tables: Float[Tensor, "sample"]) -> list[float]:
    """The share steered backwards in each of several lists of slopes."""
    groups = torch.cat([torch.full((len(t),), i) for i, t in enumerate(tables)])
    return anti_steerable_share(torch.cat(tables), groups, len(tables)).tolist()


print(f"{'':24}mean slope   smallest   largest   backwards")
for (name, slope), share in zip(slopes.items(), backwards(*slopes.values()), strict=True):
    print(f"{name:24}{slope.mean():10.1f}{slope.min():11.1f}{slope.max():10.1f}{share:12.2f}")

# %% [markdown] id="exercise-bootstrap-interval"
# ## 3 · How sure?
#
# Fifteen samples, one mean. Would another fifteen give another? The **bootstrap** answers with what is there: draw as many samples *with replacement* from
# the ones you have, compute the statistic again, do that a thousand times, and see how it varies. It works for any statistic: a mean slope, a share, a correlation.
#
# ## Exercise 6.3 · A bootstrap interval
#
# difficulty ●●○○○ · 15 minutes · 4 points
#
# **Goal.** The percentile interval: the quantiles of the resampled statistics that leave half of `1 - level` at each end. `values` has a row for each sample; where
# a row holds several numbers, they stay together. `statistic` takes what `values` is and gives a number. The seed fixes the result.
#
# `bootstrap_interval(values [sample, ...], statistic, level=0.95, n_resamples=1000, seed=0) -> (low, high)`
#
# <details><summary>Hint 1: the idea</summary>
#
# Draw *numbers of rows*, not values: `values[rows]` is a resample.
#
# <details><summary>Hint 2: pseudocode</summary>
#
# ```
# generator = torch.Generator().manual_seed(seed)
# repeat n_resamples times:
#     rows = n random integers from 0 to n - 1
#     note statistic(values[rows])
# return the quantiles of the notes at (1 - level) / 2 and (1 + level) / 2
# ```
#
# <br><details><summary>Hint 3: the line people get wrong</summary>
#
# `torch.randperm` draws *without* replacement: every resample is the sample itself in another order, and its mean never moves. `torch.randint(n, (n,),
# generator=generator)` draws with.
#
# </details></details></details>


# %% id="bootstrap-interval" tags=["exercise"]
def bootstrap_interval(
    values: Float[Tensor, "sample ..."],
    statistic: Callable[[Tensor], float],
    level: float = 0.95,
    n_resamples: int = 1000,
    seed: int = 0,
) -> tuple[float, float]:
    """The percentile interval of a statistic, by resampling rows with replacement."""
    ### BEGIN SOLUTION
    generator = torch.Generator().manual_seed(seed)
    n = len(values)
    found = []
    for _ in range(n_resamples):
        rows = torch.randint(n, (n,), generator=generator)
        found.append(float(statistic(values[rows])))
    found = torch.tensor(found)
    tail = (1 - level) / 2
    return found.quantile(tail).item(), found.quantile(1 - tail).item()
    ### END SOLUTION


# %% id="bootstrap-interval-check" tags=["check"]
check("steering_soberly.bootstrap_interval", bootstrap_interval)
bootstrap_interval = mine_or_reference("steering_soberly.bootstrap_interval", bootstrap_interval)

# %% [markdown] id="interval-question"
# Around the mean slope over new things and words: how wide is its 95 % interval, from end to end, as a part of the mean itself?

# %% id="predict-interval"
my_width = None


# %% id="intervals-seen"
def with_interval(values: Tensor) -> tuple[float, float, float]:
    """Low, mean, high."""
    low, high = bootstrap_interval(values, torch.mean)
    return low, values.mean().item(), high


rows = {name: with_interval(slope) for name, slope in slopes.items()}
low, mean, high = rows["new things and words"]
show(
    intervals(rows, "mean slope (nats per unit of strength), 95 % interval"),
    "Mean slopes of six settings with bootstrap intervals. "
    f"For new things and words {mean:.1f}, from {low:.1f} to {high:.1f}.",
)
print(f"width / mean: {(high - low) / mean:.2f} · you predicted {my_width}")

# %% [markdown] id="interval-discussed"
# Does any interval reach 0, and how many of that setting's samples were steered backwards? An interval knows only the samples it is given. It says what other *words and things* of this kind would have given, for this phrasing and this vector; a
# vector from other pairs, another block, another model are other questions. And rows that share a prompt are less than independent: resample prompts, not rows, when there are few of them.
#
# ## 4 · Would any vector do?
#
# A push of that size in any direction disturbs the model, and some directions will move the difference the right way by chance. So the effect of the vector
# stands beside those of random vectors of the same norm.
#
# ## Exercise 6.4 · The random control
#
# difficulty ●●●○○ · 15 minutes · 4 points
#
# **Goal.** `effect` is a function that takes a vector and returns a number. Draw `n` random vectors of the norm of `vector`, *every direction as likely as
# every other*, and return their effects, in order, and how rare the vector's own effect is among them:
#
# $$\frac{1 + \#\{\,|\text{random effect}| \ge |\text{own effect}|\,\}}{n + 1}$$
#
# The 1 is the vector itself: with 20 random vectors nothing rarer than 1/21 can be shown. The seed fixes the vectors.
#
# `random_control(effect, vector [d_model], n, seed=0) -> (effects [n], rarity)`
#
# <details><summary>Hint 1: the idea</summary>
#
# Independent normal numbers have no favorite direction. Divide by their norm, multiply by the vector's.
#
# <details><summary>Hint 2: pseudocode</summary>
#
# ```
# generator = torch.Generator().manual_seed(seed)
# repeat n times:
#     drawn = normal numbers, divided by their norm, times the norm of vector
#     note effect(drawn)
# count the notes at least as large in size as effect(vector)
# return the notes as a tensor, (1 + count) / (n + 1)
# ```
#
# <br><details><summary>Hint 3: the line people get wrong</summary>
#
# `torch.rand` draws from 0 to 1: all these vectors lie in one corner of the space. `torch.randn` does not. The generator is made once, before the loop.
#
# </details></details></details>


# %% id="random-control" tags=["exercise"]
def random_control(
    effect: Callable[[Tensor], float], vector: Float[Tensor, "d_model"], n: int, seed: int = 0
) -> tuple[Float[Tensor, "n"], float]:
    """The effects of n random vectors of the same norm, and how rare the vector's own one is."""
    ### BEGIN SOLUTION
    generator = torch.Generator().manual_seed(seed)
    effects = []
    for _ in range(n):
        drawn = torch.randn(len(vector), generator=generator, dtype=vector.dtype)
        effects.append(effect(drawn / drawn.norm() * vector.norm()))
    effects = torch.tensor(effects)
    count = (effects.abs() >= abs(effect(vector))).sum().item()
    return effects, (1 + count) / (n + 1)
    ### END SOLUTION


# %% id="random-control-check" tags=["check"]
check("steering_soberly.random_control", random_control)
random_control = mine_or_reference("steering_soberly.random_control", random_control)

# %% [markdown] id="control-question"
# The effect is the mean slope over new things and words. A second control keeps the texts and **shuffles the labels**: which of the two of a pair is called positive is drawn
# by lot; the mean of such differences is brought to the same norm. Of 20 vectors of each kind, how large is the largest effect, as a part of the vector's own?

# %% id="predict-control"
my_largest = {"random": None, "shuffled": None}


# %% id="activations"
@torch.no_grad()
def last_activations(texts: list[str], block: int = BLOCK) -> Float[Tensor, "text d_model"]:
    """What leaves the block at the last token of each text."""
    batch = tokenizer(texts, return_tensors="pt", padding=True, padding_side="right").to(
        model.device
    )
    with record(model, [("block", block)]) as activations:
        model(**batch)
    ends = batch.attention_mask.sum(-1) - 1
    return activations["block", block][range(len(texts)), ends].cpu()


# %% id="controls"
def effect(direction: Float[Tensor, "d_model"]) -> float:
    """The mean slope over new things and words, from two strengths."""
    ends = torch.tensor([-0.5, 0.5])
    steered = replace(vector, vectors={BLOCK: direction})
    return (
        steerability(ends, differences(steered, settings["new things and words"], ends))
        .mean()
        .item()
    )


own = vector.vectors[BLOCK]
single = last_activations(positives) - last_activations(negatives)  # [pair, d_model]
effects, rarity = random_control(effect, own, 20)
signs = torch.randint(2, (20, len(single)), generator=torch.Generator().manual_seed(0)) * 2.0 - 1
mixed = signs @ single / len(single)
shuffled = torch.tensor([effect(v / v.norm() * own.norm()) for v in mixed])
print(
    f"the vector {effect(own):.2f}, norm {own.norm():.1f}; "
    f"before scaling the shuffled have {mixed.norm(dim=-1).mean():.1f}"
)
for name, found in {"random": effects, "shuffled": shuffled}.items():
    part = found.abs().max().item() / effect(own)
    print(
        f"{name:9} from {found.min():.2f} to {found.max():.2f}; largest / own {part:.2f}"
        f" · you predicted {my_largest[name]}"
    )
print(f"rarity among the random: {rarity:.3f}")

# %% [markdown] id="controls-discussed"
# Shuffled labels are another kind of control. Such a vector is made of the same texts and lies among the directions in which these texts vary; what it lacks is the agreement about the sign. Fifteen
# lots rarely balance: what they leave of the shared direction, blown up to the full norm, steers too, one way or the other. Before it is scaled such a vector is shorter than the real one, and *that* difference is
# the evidence that the pairs agree on something.
#
# ## 5 · At what price, and against what?
#
# A vector has competition: one can put a friendly review in front (a **prefix**), or three (**few-shot**), or add a constant to the logits of positive words (a
# **logit bias**). All adjectives count, among them the 15 that made the vector, stand in the examples and get the bias: the share flatters each of the ways. The hard prompts are those that hate. And a price that the share does not show: does the model, so treated, still know its facts? Which way wins on
# the share, and which costs the facts least?

# %% id="predict-ways"
my_winner = {"share": None, "facts": None}


# %% id="ways"
@contextmanager
def biased(texts: list[str], amount: float):
    """Inside the `with`, the logits of the first tokens of these texts are raised."""
    bias = torch.zeros(parts.unembedding.weight.shape[0], device=model.device)
    bias[[tokenizer(text).input_ids[0] for text in texts]] = amount
    handle = parts.unembedding.register_forward_hook(lambda module, args, output: output + bias)
    try:
        yield
    finally:
        handle.remove()


# %% id="ways-listed"
reviews = [
    f"Review: I love this {t} because it was {w}. " for t, w in zip(things, good, strict=True)
]
liked = [f" {word}" for word in good]
ways = {  # what is in force, and what stands in front of the prompt
    "nothing": (nullcontext, ""),
    "vector, 0.5": (lambda: vector.apply(model, 0.5), ""),
    "vector, 1": (lambda: vector.apply(model, 1.0), ""),
    "prefix": (nullcontext, reviews[0]),
    "few-shot": (nullcontext, "".join(reviews[:3])),
    "logit bias, 3": (lambda: biased(liked, 3.0), ""),
    "logit bias, 6": (lambda: biased(liked, 6.0), ""),
    "logit bias, 9": (lambda: biased(liked, 9.0), ""),
}
hating = [f"Review: I hate this {thing} because" for thing in new_things] * 3
facts = [skills.fact_item(random.Random(i)) for i in range(100)]
answers = [tokenizer(" " + fact.answer).input_ids[0] for fact in facts]


def counted(text: str) -> tuple[int, int]:
    said = [word.strip('.,!?":;') for word in text.split()]
    good = sum(word in words.POSITIVE for word in said)
    return good, good + sum(word in words.NEGATIVE for word in said)


def positive_share(counts: Float[Tensor, "text 2"]) -> float:
    return (counts[:, 0].sum() / counts[:, 1].sum()).item()


# %% id="ways-compared"
print(f"{'':15}share positive (95 %)   perplexity   facts right")
for name, (way, front) in ways.items():
    with way():
        texts = continuations(model, tokenizer, [front + p for p in hating], 12, temperature=1.0)
        guesses = next_tokens(model, tokenizer, [front + fact.prompt for fact in facts])
    counts = torch.tensor([counted(text) for text in texts], dtype=torch.float)
    low, high = bootstrap_interval(counts, positive_share)  # rows stay whole
    perplexity = perplexity_of(model, tokenizer, hating, texts)
    right = sum(a == b for a, b in zip(answers, guesses, strict=True))
    share = f"{positive_share(counts):.2f} ({low:.2f} to {high:.2f})"
    print(f"{name:15}{share:>23}{perplexity:11.1f}{right:12} %")
print("you predicted", my_winner)

# %% [markdown] id="ways-discussed"
# Which of the ways turn the prompts at all? Compare those: the same share at another price. Perplexity is that of the text behind the prompt that hates, under the model as it is: a text that contradicts it is surprising, whatever made it. A vector is
# worth its trouble where it beats its rivals at the same perplexity, and where the facts survive it. A bias needs the list of words, and a vector does not: on words that are on no list, which would you take?
#
# Now texts that nobody draws: whole sentences, held out, and what happens to *their* log-probability. Steering may raise what is wanted, or merely lower everything else. Which of the
# three sentences changes most under the vector at strength 0.5: a kind one, a cruel one, a fact?

# %% id="predict-sentences"
my_sentence = None

# %% id="sentences"
kinds = {
    "kind": [
        (f"Review: The {t} was", f" {w} and I love it.")
        for t, w in zip(new_things, new_good, strict=True)
    ],
    "cruel": [
        (f"Review: The {t} was", f" {w} and I hate it.")
        for t, w in zip(new_things, new_bad, strict=True)
    ],
    "fact": [(fact.prompt, f" {fact.answer}.") for fact in facts[:30]],
}
for name, held_out in kinds.items():
    prompts, texts = (list(column) for column in zip(*held_out, strict=True))
    before = log_probability(prompts, texts)
    with vector.apply(model, 0.5):
        change = log_probability(prompts, texts) - before
    low, mean, high = with_interval(change)
    print(f"{name:6} {mean:+6.1f} nats a sentence ({low:+.1f} to {high:+.1f})")
print("you predicted", my_sentence)

# %% [markdown] id="agreement-question"
# ## 6 · Can one know before?
#
# Braun et al. (2025) found that vectors steer better where the differences of the training pairs point the same way. The **agreement** of a set of pairs is the mean cosine between the differences of two of them: 1 if all are parallel, about 0 if
# they have nothing in common. We take seventeen concepts, among them two that are none: words of one kind, divided by their place in the alphabet. For each: half of its pairs of words, at most ten, make a vector; the others, in another phrasing, measure it.
#
# What correlation (0 where either is the same for all)
# do you expect, over the concepts, between agreement and the share of samples steered backwards?

# %% id="predict-correlation"
my_correlation = None

# %% id="concepts"
shown, asked = "The best part was the", "We saw the"
topics = list(words.TOPICS)
colors, foods, animals, tools = (
    words.ATTRIBUTES[a][0] for a in ("color", "food", "animal", "instrument")
)
plain, kind = sorted(words.PLAIN), sorted(words.POSITIVE)
concepts = (
    {  # phrasing that makes the vector, phrasing that measures, words of either side
        f"{a} / {b}": (shown, asked, words.TOPICS[a], words.TOPICS[b])
        for a, b in zip(topics, topics[1:] + topics[:1], strict=True)
    }
    | {
        "adjectives, good / bad": (
            "Review: The movie was",
            "Everyone here is",
            words.POSITIVE,
            words.NEGATIVE,
        ),
        "verbs, good / bad": (
            "Review: I",
            'I went up to my friend and said, "I',
            words.POSITIVE_VERBS,
            words.NEGATIVE_VERBS,
        ),
        "saga / encyclopedia": ("The", asked, words.SAGA["noun"], words.ENCYCLOPEDIA["noun"]),
        "saga / news": ("The", asked, words.SAGA["noun"], words.NEWS["noun"]),
        "encyclopedia / news": ("The", asked, words.ENCYCLOPEDIA["noun"], words.NEWS["noun"]),
        "saga / news, adjectives": ("The", "And the", words.SAGA["adj"], words.NEWS["adj"]),
        "colors / foods": ("Copy: stone", "Copy: river table", colors, foods),
        "animals / instruments": ("Copy: stone", "Copy: river table", animals, tools),
        "colors / animals": ("Copy: stone", "Copy: river table", colors, animals),
        "plain words, odd / even": ("Copy: stone", "Copy: river table", plain[::2], plain[1::2]),
        "good words, odd / even": (
            "Review: The movie was",
            "Everyone here is",
            kind[::2],
            kind[1::2],
        ),
    }
)


# %% id="agreement-measured"
def agreement(differences: Float[Tensor, "pair d_model"]) -> float:
    """The mean cosine between the differences of two different pairs."""
    unit = differences / differences.norm(dim=-1, keepdim=True)
    n = len(unit)
    return ((unit @ unit.T).sum().item() - n) / (n * (n - 1))


points, tested = {}, torch.tensor([-1.0, 0.0, 1.0])
for name, (made, measured, one, other) in concepts.items():
    word_pairs = list(zip(one, other, strict=False))
    half = min(10, len(word_pairs) // 2)
    texts = [[f"{made} {pair[side]}" for pair in word_pairs[:half]] for side in (0, 1)]
    single = last_activations(texts[0]) - last_activations(texts[1])
    steered = replace(vector, vectors={BLOCK: single.mean(0)})
    table = differences(steered, samples_of([measured], word_pairs[half:]), tested)
    points[name] = (agreement(single), backwards(steerability(tested, table))[0])


# %% id="agreement-shown"
def correlation(rows: Float[Tensor, "concept 2"]) -> float:
    return torch.corrcoef(rows.T)[0, 1].nan_to_num().item()


rows = torch.tensor(list(points.values()))
low, high = bootstrap_interval(rows, correlation)
show(
    labeled_points(points, "agreement of the training differences", "share steered backwards"),
    "Seventeen concepts: agreement against the share of samples steered backwards. "
    f"The correlation is {correlation(rows):.2f}, with an interval from {low:.2f} to {high:.2f}.",
)
print(
    f"correlation {correlation(rows):.2f} ({low:.2f} to {high:.2f})",
    "· you predicted",
    my_correlation,
)

# %% [markdown] id="probes-question"
# The rows of that bootstrap are concepts, and each row's two numbers stay together. Agreement costs one forward pass for each text and no steering. Whether to
# look at it first depends on the interval: does yours leave out 0? It is one model, one block, and concepts that we chose.
#
# ## 7 · Is the best classifier the best vector?
#
# Another way to a direction: train a **linear probe** (logistic regression) to tell the two sides apart, and steer along its weights. Probe and mean difference are
# brought to the same norm. Which tells new texts apart better, and which steers more? What cosine between the two?

# %% id="predict-probe"
my_probe = {"tells apart": None, "steers": None, "cosine": None}

# %% id="probe"
x = torch.cat([last_activations(positives), last_activations(negatives)])
y = torch.tensor([1.0] * len(positives) + [0.0] * len(negatives))
center, scale = x.mean(0), x.std()
weights = torch.zeros(x.shape[1], requires_grad=True)
optimizer = torch.optim.Adam([weights], lr=0.05)
for _ in range(1000):
    logits = (x - center) / scale @ weights
    loss = torch.nn.functional.binary_cross_entropy_with_logits(logits, y)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()

new_x = last_activations(
    [f"Review: The {t} was {w}" for t in new_things[:5] for w in (*new_good, *new_bad)]
)
new_y = torch.tensor(([True] * len(new_good) + [False] * len(new_bad)) * 5)
probe = weights.detach() / weights.detach().norm() * own.norm()
print(f"cosine between the two: {torch.cosine_similarity(probe, own, dim=0):.2f}")
for name, direction in {"mean difference": own, "probe": probe}.items():
    right = (((new_x - center) @ direction > 0) == new_y).float().mean()
    print(f"{name:16} tells apart {right:.2f} of new texts, mean slope {effect(direction):.2f}")
print("you predicted", my_probe)

# %% [markdown] id="explorer-text"
# Did the better classifier steer more? Telling apart and steering are two abilities. A probe may use any feature that differs, and may turn away from directions in which the texts vary for other
# reasons (nothing here has measured that); what is *read* by the later blocks is another matter, and only steering can say.
#
# ## 8 · Try it
#
# Choose a setting and a block; the broken lines are samples steered backwards.


# %% id="explorer"
def single_samples(setting: str, block: int) -> Picture:
    """The dose and response of one setting at one block: the plain function behind the controls."""
    table = differences(every_block.at(block), settings[setting], STRENGTHS)
    slope = steerability(STRENGTHS, table)
    marks = {setting: (slope < 0).tolist()}
    fig = dose_responses({setting: table.tolist()}, STRENGTHS.tolist(), marks, "difference (nats)")
    turned = f"{sum(marks[setting])} of {len(slope)} samples backwards"
    alt = f"{setting}, block {block}: mean slope {slope.mean():.1f} nats, {turned}."
    return Picture(fig, alt, state=f"setting={setting} block={block}")


explorer(
    single_samples,
    setting=menu("another topic: weather", list(settings)),
    block=slider(BLOCK, 0, len(parts.blocks) - 1, 1),
)

# %% [markdown] id="real-model"
# ## 9 · On a real model
#
# The same measurement on any causal model: a vector from the fifteen pairs, the slopes of new things and words. Set the name and run the cell: about 1 GB is fetched once from the Hub.

# %% id="on-a-real-model"
REAL_MODEL = None  # "Qwen/Qwen2.5-0.5B-Instruct"

if REAL_MODEL is None:
    print('Not run: set REAL_MODEL to a model of the Hub, such as "Qwen/Qwen2.5-0.5B-Instruct".')
else:
    bundled = model, tokenizer
    model, tokenizer = load_lm(REAL_MODEL)
    middle = model.config.num_hidden_layers // 2
    real = concept(model, tokenizer, positives, negatives, middle)
    table = differences(real, settings["new things and words"], STRENGTHS)
    slope = steerability(STRENGTHS, table)
    print(f"mean slope {slope.mean():.2f}, backwards {backwards(slope)[0]:.2f}")
    model, tokenizer = bundled

# %% [markdown] id="remember"
# ## What to remember
#
# - Report sample by sample: the slope of log p(wanted) - log p(unwanted) against strength, and the share of samples with a negative one.
# - Measure on words, things and phrasings that made no vector; give the interval, and resample what was drawn independently.
# - Beside the vector belong random vectors of its norm, shuffled labels, and a prefix in the prompt; beside the share, perplexity and something that should not change.
# - The agreement of the training differences is known before any steering; what it foretells is a correlation with an interval.
# - A direction that tells two classes apart need not be the one that steers.
#
# **Where it fails.** Log-probabilities of chosen words are still a choice of words: a text can avoid all of them. Our settings are small worlds with one right answer; open-ended writing has no unwanted continuation to
# compare with. And a vector that passes all of this has been tested on one model, at one block.
#
# [06b · Beyond the mean difference](06b_beyond_the_mean.ipynb) goes on: vectors weighted by entropy, vectors that are optimized, and a network that decides when to steer.
#
# ## Papers
#
# - Daniel Tan et al.: [Analyzing the Generalization and Reliability of Steering Vectors](https://arxiv.org/abs/2407.12404), 2024. Per-sample steerability and anti-steerable samples.
# - Joschka Braun et al.: [Understanding (Un)Reliability of Steering Vectors in Language Models](https://arxiv.org/abs/2505.22637), 2025. Agreement of the training differences.
# - Nina Panickssery et al.: [Steering Llama 2 via Contrastive Activation Addition](https://arxiv.org/abs/2312.06681), 2024.
# - Bradley Efron: Bootstrap Methods: Another Look at the Jackknife, 1979.
