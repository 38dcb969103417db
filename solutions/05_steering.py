# %% [markdown] id="title"
# # 05 · Activation steering
#
# Nothing is trained and no prompt is changed: you add one vector to the residual stream while the model writes, and it
# writes something else. Here you build such vectors in four ways, put them where they act, and measure what they do and
# what they cost.
#
# 150 minutes. You need [01 · Anatomy](01_anatomy.ipynb); [02 · KV cache](02_kv_cache.ipynb) helps.
#
# At the end you will be able to
#
# - read a direction for a concept off two prompts, or off many, and add it where it was read;
# - write a forward hook that works in prefill and decoding, and leaves nothing behind;
# - tell ActAdd, CAA and concept vectors apart: what is subtracted, where and when it is added;
# - choose a block and a strength by a sweep on some prompts, and report on others, with fluency and random vectors beside it.

# %% id="bootstrap" tags=["setup"]

# %% id="imports" tags=["setup"]
import math
import random
import re
from contextlib import contextmanager
from itertools import product

import torch
from jaxtyping import Float
from torch import Tensor

from course_utils.anatomy import anatomy
from course_utils.checks import check, mine_or_reference
from course_utils.course_lm import skills, words, world
from course_utils.course_lm.evaluate import REGISTERS, TOPICS, continuations
from course_utils.hooks import edit, record
from course_utils.models import load_lm
from course_utils.plots import Picture, curves, heatmaps, show, texts_and_changes
from course_utils.steering import (
    SteeringVector,
    actadd,
    aligned,
    caa,
    concept,
    perplexity_of,
    random_like,
)
from course_utils.widgets import explorer, slider

# %% [markdown] id="why"
# ## 1 · Where is love?
#
# Two prompts that differ in one word: *I love you because*, *I hate you because*. Whatever sets their continuations apart stands
# somewhere in the residual stream; we take that of the last token. The difference of the two is our first **steering
# vector**: a direction that stands for a concept, if we are lucky. Here is what the model does with a neutral prompt; the vector
# is to make it say the *other* of the two words.

# %% id="unsteered"
model, tokenizer = load_lm()
parts = anatomy(model)
BLOCKS = range(len(parts.blocks))
friend = "I went up to my friend and said"


def written(prompt: str, new: int = 12) -> str:
    """The greedy continuation."""
    return continuations(model, tokenizer, [prompt], new)[0]


def says(text: str, word: str) -> bool:
    """Whether the word stands in the text: "lovely" is not "love"."""
    return re.search(rf"\b{word}\b", text) is not None


print(friend + written(friend))
own, other = ("love", "hate") if says(written(friend), "love") else ("hate", "love")
print(f"The vector: I {other} you because, minus I {own} you because")

# %% [markdown] id="exercise-last-token-vector"
# ## Exercise 5.1 · A vector from two prompts
#
# difficulty ●●○○○ · 15 minutes · 3 points
#
# **Goal.** The residual stream of the last token of `positive` minus that of `negative`, both at the **output of block
# `layer`**, for every block, the last one too, and any model that `anatomy` knows. The prompts may differ in length.
# The model and the tokenizer are left as they were.
#
# `last_token_vector(model, tokenizer, positive, negative, layer) -> [d_model]`
#
# <details><summary>Hint 1: the idea</summary>
#
# Run the model on each prompt and keep what leaves the block. `course_utils.hooks.record` does that, or a hook of your own.
#
# <details><summary>Hint 2: pseudocode</summary>
#
# ```
# for each of the two prompts:
#     run the model on its ids, recording ("block", layer)
#     keep the recorded activation of row 0, last position
# return the first minus the second
# ```
#
# <br><details><summary>Hint 3: the line people get wrong</summary>
#
# `output_hidden_states=True` gives one entry more than there are blocks: entry `i` is the *input* of block `i`. And the last
# entry is already through the final norm: it is nobody's output. In a batch of both prompts, `[-1]` of the shorter one is padding.
#
# </details></details></details>


# %% id="last-token-vector" tags=["exercise"]
def last_token_vector(
    model, tokenizer, positive: str, negative: str, layer: int
) -> Float[Tensor, " d_model"]:
    """Positive minus negative, at the last token, at the output of block `layer`."""
    ### BEGIN SOLUTION
    last = []
    for prompt in (positive, negative):
        inputs = tokenizer(prompt, return_tensors="pt").to(model.device)
        with record(model, [("block", layer)]) as activations, torch.no_grad():
            model(**inputs)
        last.append(activations["block", layer][0, -1])
    return last[0] - last[1]
    ### END SOLUTION


# %% id="last-token-vector-check" tags=["check"]
check("steering.last_token_vector", last_token_vector)
last_token_vector = mine_or_reference("steering.last_token_vector", last_token_vector)

# %% [markdown] id="where-question"
# ## 2 · In which blocks does it work?
#
# We will add the vector of each block at the output of that block, at every position, at strength 1, 2 and 4, until the other
# word is written. Write down the blocks for which you expect it.
#
# Is it the direction, or would any push of that size do? The **control** is a random vector of the same norm. At the block
# that needs least strength, how many of 20 random vectors bring it?

# %% id="predict-blocks"
my_blocks = []
my_random = None

# %% [markdown] id="exercise-hook"
# ## Exercise 5.2 · The hook
#
# difficulty ●●○○○ · 15 minutes · 3 points
#
# **Goal.** Make a **forward hook**: a function that PyTorch calls with what a block returned, and whose result takes
# its place. It adds `strength * vector` at every position of every row. A block returns a tensor `[batch, pos, d_model]`;
# in some models a tuple that begins with one, whose other entries pass as they are. The dtype and device are those of the activation.
# `vector` itself stays as it is.
#
# `steering_hook(vector [d_model], strength) -> hook(module, args, output)`
#
# <details><summary>Hint 1: the idea</summary>
#
# A function inside a function: the inner one remembers `vector` and `strength`.
#
# <details><summary>Hint 2: pseudocode</summary>
#
# ```
# def hook(module, args, output):
#     hidden = the first entry of a tuple, or output itself
#     hidden = hidden + strength * vector, cast to hidden's dtype and device
#     return what the block returned, with hidden in its place
# return hook
# ```
#
# <br><details><summary>Hint 3: the line people get wrong</summary>
#
# `output[0]` of a tensor is its first row, and changing it steers one row of the batch, silently. Ask
# `isinstance(output, tuple)`. `vector.to(hidden)` casts dtype and device.
#
# </details></details></details>


# %% id="hook" tags=["exercise"]
def steering_hook(vector: Float[Tensor, " d_model"], strength: float):
    """A forward hook that adds strength * vector at every position."""
    ### BEGIN SOLUTION

    def hook(module, args, output):
        hidden = output[0] if isinstance(output, tuple) else output
        hidden = hidden + strength * vector.to(hidden)
        return (hidden, *output[1:]) if isinstance(output, tuple) else hidden

    return hook
    ### END SOLUTION


# %% id="hook-check" tags=["check"]
check("steering.hook", steering_hook)
steering_hook = mine_or_reference("steering.hook", steering_hook)


# %% id="each-block"
@contextmanager
def hooked(vector: Tensor, layer: int, strength: float):
    """Inside the `with`, your hook is on one block, and runs before others that are there."""
    hook = steering_hook(vector, strength)
    handle = parts.blocks[layer].register_forward_hook(hook, prepend=True)
    try:
        yield
    finally:
        handle.remove()


def steered(prompt: str, vector: Tensor, layer: int, strength: float) -> str:
    with hooked(vector, layer, strength):
        return written(prompt)


love_hate = (f"I {other} you because", f"I {own} you because")
turn = [last_token_vector(model, tokenizer, *love_hate, i) for i in BLOCKS]
enough = {}  # block -> the smallest strength that brings the other word
for i in BLOCKS:
    texts = {s: steered(friend, turn[i], i, s) for s in (1.0, 2.0, 4.0)}
    turned = [s for s in texts if says(texts[s], other)]
    enough |= {i: turned[0]} if turned else {}
    print(f"{i}  {enough.get(i, '-')!s:>4}{texts[enough.get(i, 4.0)]}")
print(other, "from blocks", list(enough), "· you predicted", my_blocks)


# %% id="random-vectors"
def random_vectors(like: Tensor, count: int) -> Float[Tensor, "count d_model"]:
    """Random directions, of the norm of `like`."""
    drawn = torch.randn(count, like.numel(), generator=torch.Generator().manual_seed(0))
    return drawn / drawn.norm(dim=-1, keepdim=True) * like.norm().item()


layer = min(enough, key=enough.get, default=len(BLOCKS) // 2)
strength = enough.get(layer, 2.0)
texts = [steered(friend, vector, layer, strength) for vector in random_vectors(turn[layer], 20)]
print(f"block {layer}, strength {strength:g}, 20 random vectors:")
print(f"{other}:", sum(says(text, other) for text in texts), "· you predicted", my_random)
print("different texts:", len(set(texts)))
for times in (2, 4):
    print(f"at {times} times the strength{steered(friend, turn[layer], layer, times * strength)}")

# %% [markdown] id="exercise-llm-steering"
# ## Exercise 5.3 · Steering as a class
#
# difficulty ●●●○○ · 30 minutes · 6 points
#
# **Goal.** What one wants to use: set, generate, remove.
#
# - `set_steering(positive_prompt, negative_prompt, layer, strength=1.0)` reads the vector of exercise 5.1 from the model without
#   steering. From then on `generate` adds `strength * vector` at the output of block `layer`, at every position, in prefill and decoding.
#   Set again, the new vector takes the place of the old one.
# - `remove_steering()`: from then on nothing is added. Where nothing is set, nothing happens.
# - `generate(prompt, max_new_tokens=50, **kwargs)` hands `kwargs` to `model.generate` and returns the prompt **and** its continuation,
#   without special tokens. It works without steering as well.
# - Outside `generate` the model is as you found it: the hook is on only while yours runs, and off again whatever happens, an error
#   or a Ctrl-C too. Other people's hooks stay: transformers has some of its own.
#
# `LLMSteering(model, tokenizer)`
#
# <details><summary>Hint 1: the idea</summary>
#
# `set_steering` remembers a vector, a layer and a strength. `generate` puts `steering_hook(vector, strength)` on, calls the
# model, and takes it off.
#
# <details><summary>Hint 2: pseudocode</summary>
#
# ```
# generate: if a vector is set: handle = register the hook on anatomy(model).blocks[layer]
#           try:     ids = model.generate(inputs, max_new_tokens, kwargs)
#           finally: remove the handle, if there is one
#           return the decoded ids[0]
# ```
#
# <br><details><summary>Hint 3: the line people get wrong</summary>
#
# `except Exception` does not see a Ctrl-C: use `finally`. And `block._forward_hooks.clear()` takes away the hooks with which
# transformers collects `hidden_states`: from then on these come back wrong, without an error.
#
# </details></details></details>


# %% id="llm-steering" tags=["exercise"]
class LLMSteering:
    """Generate with a steering vector from two prompts."""

    def __init__(self, model, tokenizer):
        self.model = model
        self.tokenizer = tokenizer
        self.vector = None

    def set_steering(
        self, positive_prompt: str, negative_prompt: str, layer: int, strength: float = 1.0
    ) -> None:
        ### BEGIN SOLUTION
        self.vector = last_token_vector(
            self.model, self.tokenizer, positive_prompt, negative_prompt, layer
        )
        self.layer, self.strength = layer, strength
        ### END SOLUTION

    def remove_steering(self) -> None:
        ### BEGIN SOLUTION
        self.vector = None
        ### END SOLUTION

    def generate(self, prompt: str, max_new_tokens: int = 50, **kwargs) -> str:
        ### BEGIN SOLUTION
        inputs = self.tokenizer(prompt, return_tensors="pt").to(self.model.device)
        handle = None
        if self.vector is not None:
            block = anatomy(self.model).blocks[self.layer]
            hook = steering_hook(self.vector, self.strength)
            handle = block.register_forward_hook(hook, prepend=True)
        try:
            ids = self.model.generate(**inputs, max_new_tokens=max_new_tokens, **kwargs)
        finally:
            if handle is not None:
                handle.remove()
        return self.tokenizer.decode(ids[0], skip_special_tokens=True)
        ### END SOLUTION


# %% id="llm-steering-check" tags=["check"]
check("steering.llm_steering", LLMSteering)
LLMSteering = mine_or_reference("steering.llm_steering", LLMSteering)

# %% [markdown] id="registers-question"
# The course's model was trained on several registers: the saga, the encyclopedia and the news are three. Can such
# a style be steered as well? A pair from the saga and the encyclopedia, added with both signs to a news line, a saga line and the
# weather; and a random vector of the same norm. Will whole sentences turn, or words? Which of the three will turn last? A first
# look: section 5 counts.

# %% id="predict-registers"
my_registers = {"sentences or words": None, "turns last": None}

# %% id="registers"
steering = LLMSteering(model, tokenizer)
pair = ("Lo, the mighty", "The northern")
noise = random_vectors(last_token_vector(model, tokenizer, *pair, layer), 1)[0]
openings = (
    "In 2025, British scientists discovered",
    "Lo, the spears sang loud at the breaking of dawn",
    "The weather in California is",
)
for prompt in openings:
    steering.remove_steering()
    print(f"   0    {steering.generate(prompt, 12, do_sample=False)!r}")
    for s in (-1.0, -0.5, 0.5, 1.0):
        steering.set_steering(*pair, layer, strength=s)
        print(f"{s:+.1f}    {steering.generate(prompt, 12, do_sample=False)!r}")
    print(f"random  {prompt + steered(prompt, noise, layer, 1.0)!r}")
print("you predicted", *my_registers.values())

# %% [markdown] id="exercise-actadd"
# That vector comes from two beginnings, and is added at every position. Which part of what you saw is the
# register, and which these particular words? Section 5 takes many lines, and all of their tokens.
#
# ## Exercise 5.4 · ActAdd: pad and align
#
# difficulty ●●●○○ · 25 minutes · 4 points
#
# **Goal.** Activation addition as published adds a vector *with positions*. Both prompts are brought to the same number of
# tokens: the shorter one is padded **on the right with the space token**, which is not masked. Their difference is taken at every position,
# at the output of block `layer`, and added, times `strength`, at the first positions of the user's prompt: row `i` at
# position `i`, in prefill only.
#
# You return what `course_utils.hooks.edit` takes: a function of the activation `[batch, pos, d_model]` (a copy) and of the
# `positions` of its columns in the whole sequence, 0 … P-1 in the prefill, then P, P+1, … It returns the new activation, and raises
# `ValueError` if the prompt has fewer tokens than the vector has rows.
#
# `actadd_edit(model, tokenizer, positive, negative, layer, strength) -> edit(activation, positions)`
#
# <details><summary>Hint 1: the idea</summary>
#
# Work on lists of ids: the shorter one gets the id of one space, as often as needed.
#
# <details><summary>Hint 2: pseudocode</summary>
#
# ```
# space  = the id of " "
# ids    = the two lists of ids, each + [space] * (longest - its length)
# vector = strength * (recorded activation of the first - that of the second)   [n, d_model]
# edit: raise if positions start at 0 and there are fewer than n
#       for each column whose position is below n: add vector[position]
# ```
#
# <br><details><summary>Hint 3: the line people get wrong</summary>
#
# `activation[:, :n] += vector` adds in decoding passes too: there the only column is number 0 of the pass, but not of the
# text. And where a tokenizer begins every text with a token of its own, `tokenizer(" ")` holds that token:
# `add_special_tokens=False`.
#
# </details></details></details>


# %% id="actadd" tags=["exercise"]
def actadd_edit(model, tokenizer, positive: str, negative: str, layer: int, strength: float):
    """What `edit` puts on block `layer` to add the ActAdd vector of two prompts."""
    ### BEGIN SOLUTION
    [space] = tokenizer(" ", add_special_tokens=False).input_ids
    ids = [tokenizer(prompt).input_ids for prompt in (positive, negative)]
    longest = max(map(len, ids))
    ids = [row + [space] * (longest - len(row)) for row in ids]
    with record(model, [("block", layer)]) as activations, torch.no_grad():
        model(torch.tensor(ids, device=model.device))
    one, other = activations["block", layer]
    vector = strength * (one - other)  # [n, d_model]

    def add(activation, positions):
        if positions[0] == 0 and len(positions) < len(vector):
            raise ValueError(f"{len(positions)} tokens, but the vector has {len(vector)} rows")
        for column, position in enumerate(positions.tolist()):
            if position < len(vector):
                activation[:, column] += vector[position]
        return activation

    return add
    ### END SOLUTION


# %% id="actadd-check" tags=["check"]
check("steering.actadd", actadd_edit)
actadd_edit = mine_or_reference("steering.actadd", actadd_edit)

# %% [markdown] id="actadd-question"
# A vector of a few rows at the start of the prompt, in one pass: can it still be felt when the model writes? It was in the residual stream
# when the blocks behind computed keys and values, and these stay in the cache. Two pairs, one of which needs padding, on a neutral
# prompt and on one that has said the model's own word; the control has random rows of the same norms. With the first
# pair, at which of every second block will the *second* prompt come to the other word?

# %% id="predict-actadd"
my_actadd = []

# %% id="actadd-tried"
for pair in (love_hate, (f"I {other}", love_hate[1])):
    ids = aligned(tokenizer, *pair)[0]
    print("|".join(tokenizer.decode([i]) for i in ids), "minus", pair[1])
    for prompt in (friend, love_hate[1]):
        found, at_random = [], []
        for i in BLOCKS[::2]:
            add = actadd_edit(model, tokenizer, *pair, i, strength)
            with edit(model, {("block", i): add}):
                text = written(prompt, 9)
            found += [i] if says(text, other) else []
            control = random_like(actadd(model, tokenizer, *pair, i), seed=0)
            with control.apply(model, strength):
                at_random += [i] if says(written(prompt, 9), other) else []
        print(f"   {prompt}{written(prompt, 9)}\n   at block {i}: {text}")
        print(f"   {other} at blocks {found}, with random rows at {at_random}")
print("you predicted blocks", my_actadd)

# %% [markdown] id="caa-question"
# ## 3 · One pair or many?
#
# One pair differs in more than the concept: in its words. **Contrastive activation addition** (CAA) takes the mean over many pairs of
# the same form, in the hope that what is not shared averages out. How like are the differences of two single pairs: what cosine do
# you expect, and how like is each of them to the mean of the others? Does it depend on the block?

# %% id="predict-cosine"
my_cosine = {"two pairs": None, "a pair and the mean of the others": None}

# %% [markdown] id="exercise-caa"
# ## Exercise 5.5 · CAA
#
# difficulty ●●○○○ · 15 minutes · 3 points
#
# **Goal.** `pairs` holds triples of a prompt, a positive completion and a negative completion, such as
# `("Review: The movie was", " wonderful", " awful")`. The vector is the mean over the pairs of the difference at the **completion's
# last token**, at the output of block `layer`: of any block, on any model, which is left as it was.
#
# `caa_vector(model, tokenizer, pairs, layer) -> [d_model]`
#
# <details><summary>Hint 1: the idea</summary>
#
# Exercise 5.1 for each pair, on prompt + completion; then the mean.
#
# <details><summary>Hint 2: pseudocode</summary>
#
# ```
# differences = [last_token_vector(prompt + positive, prompt + negative) for each pair]
# return their mean
# ```
#
# <br><details><summary>Hint 3: the line people get wrong</summary>
#
# At the *prompt's* last token both texts are the same, and in a causal model so are their activations: the difference is zero.
#
# </details></details></details>


# %% id="caa" tags=["exercise"]
def caa_vector(
    model, tokenizer, pairs: list[tuple[str, str, str]], layer: int
) -> Float[Tensor, " d_model"]:
    """The mean difference at the last token of the completions."""
    ### BEGIN SOLUTION
    differences = [
        last_token_vector(model, tokenizer, prompt + positive, prompt + negative, layer)
        for prompt, positive, negative in pairs
    ]
    return torch.stack(differences).mean(dim=0)
    ### END SOLUTION


# %% id="caa-check" tags=["check"]
check("steering.caa", caa_vector)
caa_vector = mine_or_reference("steering.caa", caa_vector)

# %% id="pairs"
things = words.REVIEWED[20:]  # the others are for measuring
heard = list(zip(words.POSITIVE[::2], words.NEGATIVE[::2], strict=False))
pairs = [
    (f"Review: The {things[k % len(things)]} was", f" {good}", f" {bad}")
    for k, (good, bad) in enumerate(heard)
]
singles = [torch.stack([caa_vector(model, tokenizer, [pair], i) for pair in pairs]) for i in BLOCKS]
n = len(pairs)
print(f"{n} pairs\nblock   two of them   one and the mean of the others")
for i, single in zip(BLOCKS, singles, strict=True):
    unit = single / single.norm(dim=-1, keepdim=True)
    between = ((unit @ unit.T).sum() - n) / (n * (n - 1))
    others = (single.sum(0) - single) / (n - 1)
    to_mean = torch.cosine_similarity(single, others).mean()
    print(f"{i}       {between:.2f}          {to_mean:.2f}")
print("you predicted", *my_cosine.values())

# %% [markdown] id="exercise-score"
# Does the mean direction steer? That takes a number.
#
# ## Exercise 5.6 · The score of a sweep
#
# difficulty ●●○○○ · 10 minutes · 3 points
#
# **Goal.** Of all words in the texts that are on one of two lists, the share on the list `wanted`. A word is what stands between white space, as
# it is written, without any of `.,!?":;` at its ends. It counts as often as it is said. The lists may be sets. A word on both lists says nothing and does not count. Where no word
# counts, the result is `nan`.
#
# `share_of_kind(texts, wanted, other) -> float`
#
# <details><summary>Hint 1: the idea</summary>
#
# Two counters for all texts together, and one division at the end.
#
# <details><summary>Hint 2: pseudocode</summary>
#
# ```
# for each word of each text, stripped of punctuation:
#     good += 1 if it is on wanted alone
#     bad  += 1 if it is on other alone
# return good / (good + bad), nan if both are 0
# ```
#
# <br><details><summary>Hint 3: the line people get wrong</summary>
#
# The mean of the texts' shares is another number: a text with one labeled word would weigh as much as one with ten.
#
# </details></details></details>


# %% id="score" tags=["exercise"]
def share_of_kind(texts: list[str], wanted, other) -> float:
    """The share of wanted words among those on one of the two lists."""
    ### BEGIN SOLUTION
    said = [word.strip('.,!?":;') for text in texts for word in text.split()]
    good = sum(word in wanted and word not in other for word in said)
    bad = sum(word in other and word not in wanted for word in said)
    return good / (good + bad) if good + bad else math.nan
    ### END SOLUTION


# %% id="score-check" tags=["check"]
check("steering.score", share_of_kind)
share_of_kind = mine_or_reference("steering.score", share_of_kind)

# %% [markdown] id="sweep-question"
# ## 4 · Which block, how strong?
#
# The vectors are made from reviews of some things with every second adjective. They are tried on other things, and the
# adjectives that count are those that made no vector. Twelve tokens are sampled after each *Review: The … was*. Beside the share of positive
# adjectives stands **fluency**: the perplexity of what was written, under the model without steering.
#
# A setting is a block and a strength, 0.5 or 1 (strength 2 is only looked at). How far apart are its shares with + and with -? Of the settings
# within 0.1 of the largest distance, we take the one whose higher perplexity of the two is lowest. Which block will that be?

# %% id="predict-best"
my_best = None

# %% id="sweep"
STRENGTHS = [-1, -0.5, 0, 0.5, 1, 2]
KIND, UNKIND = frozenset(words.POSITIVE[1::2]), frozenset(words.NEGATIVE[1::2])
to_choose, to_report = (
    [f"Review: The {thing} was" for thing in some] * 2
    for some in (words.REVIEWED[:10], words.REVIEWED[10:20])
)
vectors = [single.mean(0) for single in singles]  # CAA's


def measured(steering, prompts: list[str], wanted, other, seed: int) -> tuple[float, float]:
    """Inside `with steering`: the share of wanted words among what is sampled, and perplexity."""
    with steering:
        texts = continuations(model, tokenizer, prompts, 12, temperature=1.0, seed=seed)
    share = share_of_kind(texts, wanted, other)
    return share, perplexity_of(model, tokenizer, prompts, texts)


def sentiment(vector: Tensor, layer: int, strength: float, prompts=to_choose, seed=0):
    return measured(hooked(vector, layer, strength), prompts, KIND, UNKIND, seed)


none = sentiment(vectors[0], 0, 0.0)
cells = [[sentiment(vectors[i], i, s) if s else none for s in STRENGTHS] for i in BLOCKS]
shares, perplexities = ([[cell[k] for cell in row] for row in cells] for k in (0, 1))
print(f"unsteered: {none[0]:.2f} positive, perplexity {none[1]:.1f}")


# %% id="sweep-shown"
def chosen(results: dict[tuple, tuple[float, float]]) -> tuple:
    """Of the settings whose share is within 0.1 of the best, the one of lowest perplexity."""
    best = max((share for share, _ in results.values() if not math.isnan(share)), default=0.0)
    good = [setting for setting, (share, _) in results.items() if share >= best - 0.1]
    return min(good or results, key=lambda setting: results[setting][1])


def at(table: list[list[float]], block: int, strength: float) -> float:
    return table[block][STRENGTHS.index(strength)]


reach = {  # of both signs: how far apart the shares are, and the higher perplexity
    (i, s): (at(shares, i, s) - at(shares, i, -s), max(at(perplexities, i, x) for x in (s, -s)))
    for i, s in product(BLOCKS, (0.5, 1))
}
best, size = chosen(reach)
tables = {"share of positive adjectives": shares, "perplexity": perplexities}
far, last = (reach[i, size][0] for i in (best, BLOCKS[-1]))
show(
    heatmaps(tables, list(BLOCKS), STRENGTHS, "block", "strength", log=["perplexity"]),
    f"Two heatmaps, blocks by strengths. From strength -{size} to {size} block {best} moves the "
    f"share by {far:.2f}, the last one by {last:.2f}; at strength 2 the perplexity of block {best} "
    f"is {at(perplexities, best, 2):.0f}.",
)
print(f"chosen: block {best}, strength {size} · you predicted block", my_best)

# %% [markdown] id="sweep-seen"
# In which blocks does nothing happen, in which do the words turn, and where is the text ruined? Is there a setting whose share is as good
# as any while its perplexity is not? The share alone would not tell.
#
# A setting can be flattered by the prompts that chose it: now other things, and another seed. The control is 20 random vectors of
# the same norm, at the same setting. By how many points will they move the share, on average and whatever the direction? And
# CAA as published adds its vector at the prompt's *last* token and at every later one, not at every token of the prompt: will
# it move the share less, as much or more? `course_utils.steering` has all the kinds of this notebook as objects that know where
# they are added, used by `with vector.apply(model, strength=…)`.

# %% id="predict-control"
my_points = {"random": None, "from the last token": None}

# %% id="control"
new = to_report, 1  # prompts and seed that chose nothing
plain = sentiment(vectors[best], best, 0.0, *new)
more, less = (sentiment(vectors[best], best, s, *new) for s in (size, -size))
for name, (share, perplexity) in {
    "unsteered": plain,
    f"{size:+}": more,
    f"{-size:+}": less,
}.items():
    print(f"{name:>9}: {100 * share:3.0f} % positive, perplexity {perplexity:.1f}")
drawn = [sentiment(v, best, size, *new) for v in random_vectors(vectors[best], 20)]
moves = [abs(share - plain[0]) for share, _ in drawn if not math.isnan(share)]
fluency = sum(perplexity for _, perplexity in drawn) / len(drawn)
print(
    f"20 random vectors: {100 * sum(moves) / len(moves):.0f} points on average, "
    f"{100 * max(moves):.0f} at most, perplexity {fluency:.1f} · predicted {my_points['random']}"
)

# %% id="where-added-counted"
published = caa(model, tokenizer, pairs, block=best)
print(f"{published.method}, {published.positions}, made on {published.model}")
assert torch.allclose(published.vectors[best], vectors[best].cpu(), rtol=1e-3, atol=1e-3)


def under(vector: SteeringVector, strength: float, prompts, wanted, other, seed):
    return measured(vector.apply(model, strength), prompts, wanted, other, seed)


kinds = {"CAA": published, "a random vector": random_like(published, seed=0)}
for name, s in product(kinds, (size, -size)):
    share, perplexity = under(kinds[name], s, to_report, KIND, UNKIND, 1)
    everywhere = f" (everywhere {100 * (more if s > 0 else less)[0]:.0f} %)" * (name == "CAA")
    print(f"{name}, {s:+}: {100 * share:.0f} %{everywhere}, perplexity {perplexity:.1f}")
print("you predicted", my_points["from the last token"])

# %% [markdown] id="against-question"
# ## 5 · Against the prompt
#
# A neutral review has not decided yet. These prompts have, more or less: reviews that begin with *I hate*; news and the
# weather to be told as a saga, and a saga as an encyclopedia; talk that has to come to weddings, of all topics; and talk that has begun about
# football. The vectors are **concept vectors**: the mean over the tokens of many lines of the wanted kind, minus that of
# another (the first is that of CAA, added everywhere). Again half of the words make the vectors and the other half counts, some prompts choose block and
# strength and others are reported. Every second block is tried; *random* is the mean over three vectors; where no word counts, the share
# enters its points as 0. Which will move least?

# %% id="predict-resists"
my_resists = None

# %% id="concepts"
COUNTED = {kind: frozenset(sorted(x)[1::2]) for kind, x in (REGISTERS | TOPICS).items()}


def lines_of(register: str, count: int = 30) -> list[str]:
    """Drawn at random, without a word that counts, and without the spears of a prompt below."""
    rng, found = random.Random(0), []
    while len(found) < count:
        line = skills.REGISTER_LINES[register](rng)
        said = {word.strip('.,!?":;') for word in line.split()}
        found += [line] if said.isdisjoint(COUNTED[register] | {"spears"}) else []
    return found


def towards(topic: str) -> SteeringVector:
    part = "The best part was the {}.".format
    talk = {t: [part(word) for word in sorted(TOPICS[t] - COUNTED[t])] for t in TOPICS}
    others = [line for t in TOPICS if t != topic for line in talk[t]]
    return concept(model, tokenizer, talk[topic], others, EVERY_SECOND, position="mean")


EVERY_SECOND = BLOCKS[1:-1:2]
saga, facts = lines_of("saga"), lines_of("encyclopedia")
to_saga = concept(model, tokenizer, saga, facts, EVERY_SECOND, position="mean")
to_facts = concept(model, tokenizer, facts, saga, EVERY_SECOND, position="mean")
to_weddings = towards("weddings")
kind, unkind = ([pair[0] + pair[k] for pair in pairs] for k in (1, 2))
to_positive = concept(model, tokenizer, kind, unkind, EVERY_SECOND)  # CAA's, everywhere


# %% id="cases"
def counted(kind: str) -> tuple[frozenset, frozenset]:
    """The words that count for a kind, and for the other registers or topics."""
    kinds = REGISTERS if kind in REGISTERS else TOPICS
    return COUNTED[kind], frozenset().union(*(COUNTED[x] for x in kinds if x != kind))


hating = [f"Review: I hate this {thing} because" for thing in words.REVIEWED]
british, spears, california = ([prompt] * 20 for prompt in openings)
reports = [f"In 2025, {name} scientists" for name in words.NEWS["adj"] if name != "British"]
weather = [f"The weather in {place} is" for place in world.PLACES_WEATHER if place != "California"]
dawn = [" ".join(line.split()[:4]) for line in saga]
talk = ["First came the", "We saw the", "Nobody forgot the", "Tell me about the"] * 5
football = [f"{who} talk about football every day." for who in words.TALKERS] * 3
sentiment_words = KIND, UNKIND
cases = {  # vector, prompts to choose by, prompts to report, words that count: wanted, other
    "I hate … to positive": (to_positive, hating[:12], hating[12:], *sentiment_words),
    "news to saga": (to_saga, reports * 2, british, *counted("saga")),
    "weather to saga": (to_saga, weather[:12], california, *counted("saga")),
    "saga to encyclopedia": (to_facts, dawn[:12], spears, *counted("encyclopedia")),
    "any talk to weddings": (to_weddings, talk[:2] * 6, talk[2:4] * 10, *counted("weddings")),
    "football to weddings": (to_weddings, football[::2], football[1::2], *counted("weddings")),
}


# %% id="against-the-prompt"
def shown(share: float, perplexity: float) -> str:
    return ("no word " if math.isnan(share) else f"{100 * share:3.0f} %") + f" / {perplexity:<6.1f}"


settings, moved = {}, {}
print(
    "case                  block  strength  unsteered        steered          random: points moved"
)
for name, (vector, tried, reported, *kinds) in cases.items():
    grid = product(vector.blocks, (0.5, 1, 2))
    results = {(i, s): under(vector.at(i), s, tried, *kinds, 0) for i, s in grid}
    settings[name] = i, s = chosen(results)
    vector = vector.at(i)
    before, after = (under(vector, x, reported, *kinds, 1) for x in (0, s))
    drawn = [under(random_like(vector, seed), s, reported, *kinds, 1)[0] for seed in range(3)]
    start, end, *drawn = (0 if math.isnan(x) else x for x in (before[0], after[0], *drawn))
    moved[name] = end - start
    by_chance = sum(abs(x - start) for x in drawn) / len(drawn)
    print(f"{name:22}{i:>4}{s:>9}    {shown(*before):17}{shown(*after):17}{100 * by_chance:6.0f}")
print(f"moved least: {min(moved, key=moved.get)} · you predicted {my_resists}")

# %% [markdown] id="against-seen"
# Which cases turned, and at what perplexity? A text that leaves its prompt's register may cost perplexity although it is a good
# text of the other: which of the columns tells you, and what would you measure instead? Notebook 06 takes this up.
#
# ## 6 · Two concepts at once
#
# Weddings and cooking: add both vectors? Where one is longer than the other, the sum points more its way. **Spherical
# interpolation** (SLERP) first makes both of length 1, goes a part `t` of the *angle* between them, and gives the result
# a length between theirs. We make the wedding vector three times as long, and bring both mixtures to one norm. What share of the words will
# be of weddings, in the sum and under SLERP at `t = 0.5`? The first line is that without steering.

# %% id="predict-mixed"
my_weddings = {"sum": None, "slerp": None}

# %% [markdown] id="exercise-slerp"
# ## Exercise 5.7 · SLERP
#
# difficulty ●●●○○ · 15 minutes · 3 points
#
# **Goal.** With $u = a/|a|$, $v = b/|b|$ and $\theta$ the angle between them:
#
# $$\text{slerp}(a, b, t) = \big((1-t)\,|a| + t\,|b|\big)\;\frac{\sin((1-t)\,\theta)\,u + \sin(t\,\theta)\,v}{\sin\theta}$$
#
# Where the two point the same way ($\sin\theta = 0$), mix linearly: $(1-t)\,a + t\,b$. Where they are opposite, or one of them is zero, there is no answer: raise
# `ValueError`.
#
# `slerp(a [d_model], b [d_model], t) -> [d_model]`
#
# <details><summary>Hint 1: the idea</summary>
#
# Directions and lengths apart: mix the unit vectors on the sphere, the norms linearly, multiply at the end.
#
# <details><summary>Hint 2: pseudocode</summary>
#
# ```
# raise if a norm is 0
# u, v   = a and b divided by their norms
# cosine = u · v, kept between -1 and 1
# raise if it is almost -1; mix linearly if it is almost 1
# angle  = acos(cosine)
# return the formula
# ```
#
# <br><details><summary>Hint 3: the line people get wrong</summary>
#
# The cosine is that of the *unit* vectors. In float32 it is never exactly 1: compare with a margin, `cosine > 1 - 1e-6`.
#
# </details></details></details>


# %% id="slerp" tags=["exercise"]
def slerp(
    a: Float[Tensor, " d_model"], b: Float[Tensor, " d_model"], t: float
) -> Float[Tensor, " d_model"]:
    """A part t of the way from a to b on the sphere, of norm (1 - t)|a| + t|b|."""
    ### BEGIN SOLUTION
    size_a, size_b = a.norm(), b.norm()
    if size_a == 0 or size_b == 0:
        raise ValueError("a zero vector has no direction")
    u, v = a / size_a, b / size_b
    cosine = (u @ v).clamp(-1, 1)
    if cosine < -1 + 1e-6:
        raise ValueError("the vectors are opposite: no way between them is the shortest")
    if cosine > 1 - 1e-6:
        return (1 - t) * a + t * b
    angle = torch.acos(cosine)
    way = (torch.sin((1 - t) * angle) * u + torch.sin(t * angle) * v) / torch.sin(angle)
    return ((1 - t) * size_a + t * size_b) * way
    ### END SOLUTION


# %% id="slerp-check" tags=["check"]
check("steering.slerp", slerp)
slerp = mine_or_reference("steering.slerp", slerp)

# %% id="two-concepts"
block, s = settings["any talk to weddings"]
one, food = to_weddings.at(block), towards("cooking").at(block)
long, steps = one + one + one, (0, 0.25, 0.5, 0.75, 1)
mixtures = {"none": one, "sum": long + food} | {f"slerp {t}": long.slerp(food, t) for t in steps}
mine = slerp(long.vectors[block], food.vectors[block], 0.5)
assert torch.allclose(mine, mixtures["slerp 0.5"].vectors[block], rtol=1e-3, atol=1e-3)
mixtures["random"] = random_like(one, seed=0)
found = {}
for name, mixture in mixtures.items():
    to_norm = (one.vectors[block].norm() / mixture.vectors[block].norm()).item()
    with mixture.apply(model, s * to_norm if name != "none" else 0):
        texts = continuations(model, tokenizer, talk, 12, temperature=1.0, seed=1)
    found[name] = [share_of_kind(texts, *counted(topic)) for topic in ("weddings", "cooking")]
    shares_of = "weddings {:.2f}, cooking {:.2f}".format(*found[name])
    print(f"{name:10} {shares_of}, perplexity {perplexity_of(model, tokenizer, talk, texts):.1f}")
print("you predicted, for weddings:", my_weddings)
lines = {}
for k, topic in enumerate(("weddings", "cooking")):
    lines[f"{topic}, slerp"] = [(t, found[f"slerp {t}"][k]) for t in steps]
    lines[f"{topic}, sum"] = [(t, found["sum"][k]) for t in (0, 1)]
show(
    curves(lines, "t of slerp", "share of the topics' words"),
    "Shares of the words of two topics against t of slerp; the sum's as level lines. Weddings have "
    f"{found['sum'][0]:.2f} in the sum and {found['slerp 0.5'][0]:.2f} under slerp at t = 0.5.",
)

# %% [markdown] id="explorer-text"
# SLERP goes by the angle alone, however long the two vectors were. Did the sum at equal norm differ from it at `t = 0.5`, and at which `t` is SLERP most like the sum? Half of the angle
# need not be half of the words: between which two `t` do the shares change most?
#
# ## 7 · Try it
#
# The sentiment vectors of all blocks: choose a block and a strength. Left what is written without steering, right with it; below,
# the tokens whose probability of coming next changes most.

# %% id="explorer"
asked = "Review: The movie was"


@torch.no_grad()
def next_token(prompt: str) -> Tensor:
    inputs = tokenizer(prompt, return_tensors="pt").to(model.device)
    return model(**inputs).logits[0, -1].softmax(-1).cpu()


def side_by_side(block: int, strength: float) -> Picture:
    """Texts and changes at one setting: the plain function behind the sliders."""
    plain, before = written(asked), next_token(asked)
    with hooked(vectors[block], block, strength):
        text, after = written(asked), next_token(asked)
    change = after - before
    top = change.abs().topk(8).indices
    texts = {"unsteered": asked + plain, "steered": asked + text}
    tokens = [tokenizer.decode([i]) for i in top.tolist()]
    fig = texts_and_changes(texts, tokens, change[top].tolist())
    alt = (
        f"At block {block}, strength {strength:g}: {text!r}, unsteered {plain!r}; the most changed "
    )
    alt += f"token is {tokens[0]!r}, by {change[top[0]]:+.2f}."
    return Picture(fig, alt, state=f"block={block} strength={strength:g}")


explorer(
    side_by_side,
    block=slider(best, 0, len(BLOCKS) - 1, 1),
    strength=slider(float(size), -3.0, 3.0, 0.25),
)

# %% [markdown] id="real-model"
# ## 8 · On a real model
#
# The same class on any causal model. Set the name and run the cell: about 1 GB is fetched once from the Hub. Another model
# wants another block and strength: sweep first.

# %% id="on-a-real-model"
REAL_MODEL = None  # "Qwen/Qwen2.5-0.5B-Instruct"

if REAL_MODEL is None:
    print('Not run: set REAL_MODEL to a model of the Hub, such as "Qwen/Qwen2.5-0.5B-Instruct".')
else:
    real = LLMSteering(*load_lm(REAL_MODEL))
    middle = real.model.config.num_hidden_layers // 2
    for strength in (-2.0, 0.0, 2.0):
        real.set_steering("I love this because", "I hate this because", middle, strength)
        print(f"{strength:+g}", real.generate("The movie was", 30, do_sample=False))

# %% [markdown] id="remember"
# ## What to remember
#
# - A steering vector is a difference of activations, read where it is added: the output of block `layer` is
#   `hidden_states[layer + 1]`, and behind the last block it is only found by a hook.
# - ActAdd pads with spaces and adds row by row at the start of the prompt, once. CAA takes the mean over pairs, and adds from the last
#   prompt token on. Concept vectors come from sets of texts.
# - A hook adds, casts, handles tensor and tuple, and is taken off in `finally`. With a cache it sees the prompt, then one token at a time.
# - Choose block and strength on some prompts and report on others; count words that made no vector; put fluency and random
#   vectors of the same norm beside every share.
# - Of vectors of unlike length the sum points more the longer one's way; SLERP goes by the angle.
#
# **Where it fails.** A share of wanted words does not see a ruined text, and what works on one concept, one model or one kind of
# prompt need not work on the next: the tables above show where, for this model. Measure, as in notebook 06.
#
# ## Papers
#
# - Alexander Matt Turner et al.: [Steering Language Models With Activation Engineering](https://arxiv.org/abs/2308.10248), 2023.
#   Algorithm 1 is exercise 5.4.
# - Nina Panickssery et al.: [Steering Llama 2 via Contrastive Activation Addition](https://arxiv.org/abs/2312.06681), 2024.
# - Daniel Tan et al.: [Analyzing the Generalization and Reliability of Steering Vectors](https://arxiv.org/abs/2407.12404), 2024.
# - Joschka Braun et al.: [Understanding (Un)Reliability of Steering Vectors in Language Models](https://arxiv.org/abs/2505.22637), 2025.
