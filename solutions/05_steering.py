# %% [markdown] id="title"
# # 05 · Activation steering
#
# Nothing is trained and no prompt is changed: you add one vector to the residual stream while the model writes,
# and it loves what it would have hated. Here you build such vectors in four ways, put them where they act, and
# measure what they do and what they cost.
#
# 150 minutes. You need [01 · Anatomy](01_anatomy.ipynb); [02 · KV cache](02_kv_cache.ipynb) helps.
#
# At the end you will be able to
#
# - read a direction for a concept off two prompts, or off many, and add it where it was read;
# - write a forward hook that works in prefill and decoding, and leaves nothing behind;
# - tell ActAdd, CAA and concept vectors apart: what is subtracted, where and when it is added;
# - choose a block and a strength by a sweep, with fluency beside it and a random vector as the control.

# %% id="bootstrap" tags=["setup"]

# %% id="imports" tags=["setup"]
import math
import random
from contextlib import contextmanager
from itertools import product

import torch
from jaxtyping import Float
from torch import Tensor

from course_utils.anatomy import anatomy
from course_utils.checks import check, mine_or_reference
from course_utils.course_lm import skills, words
from course_utils.course_lm.evaluate import REGISTERS, TOPICS, continuations
from course_utils.hooks import edit, record
from course_utils.models import load_lm
from course_utils.plots import Picture, curves, heatmaps, show, texts_and_changes
from course_utils.steering import caa, concept, perplexity_of, random_like
from course_utils.widgets import explorer, slider

# %% [markdown] id="why"
# ## 1 · Where is love?
#
# Two prompts that differ in one word: *I love you because*, *I hate you because*. After each, the model holds in the residual
# stream of the last token whatever it needs to go on. The difference of the two is our first **steering vector**:
# a direction that stands for a concept, if we are lucky. Here is what the model does with a neutral prompt.

# %% id="unsteered"
model, tokenizer = load_lm()
parts = anatomy(model)
BLOCKS = range(len(parts.blocks))
friend = "I went up to my friend and said"


def written(prompt: str, new: int = 12) -> str:
    """The greedy continuation."""
    return continuations(model, tokenizer, [prompt], new)[0]


print(friend + written(friend))

# %% [markdown] id="exercise-last-token-vector"
# ## Exercise 5.1 · A vector from two prompts
#
# difficulty ●●○○○ · 15 minutes · 3 points
#
# **Goal.** The residual stream of the last token of `positive` minus that of `negative`, both at the **output of block
# `layer`**, for every block, the last one too, and any model that `anatomy` knows. The prompts may differ in length.
# The model is left as it was.
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
# We will add the vector of each block at the output of that block, at every position, and see what is written. Write down
# the blocks, from 0 to 7, for which you expect *love* in the text.
#
# Is it the direction, or would any push of that size do? The **control** is a random vector of the same norm. Of 20 random vectors,
# how many bring *love*?

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
    """Inside the `with`, your hook is on one block."""
    hook = steering_hook(vector, strength)
    handle = parts.blocks[layer].register_forward_hook(hook, prepend=True)
    try:
        yield
    finally:
        handle.remove()


def steered(prompt: str, vector: Tensor, layer: int, strength: float) -> str:
    with hooked(vector, layer, strength):
        return written(prompt)


love = [
    last_token_vector(model, tokenizer, "I love you because", "I hate you because", i)
    for i in BLOCKS
]
print(f"{friend} …\n   unsteered{written(friend)}")
for i in BLOCKS:
    print(f"{i}  strength 2{steered(friend, love[i], i, 2.0)}")
print("you predicted blocks", my_blocks)

# %% id="random-vectors"
layer = 3
noise = torch.randn(20, love[layer].numel(), generator=torch.Generator().manual_seed(0))
noise = noise / noise.norm(dim=-1, keepdim=True) * love[layer].norm()
texts = [steered(friend, vector, layer, 2.0) for vector in noise]
print("love:", sum("love" in text for text in texts), "of 20 · you predicted", my_random)
print("different texts:", len(set(texts)))
for strength in (4.0, 8.0):
    print(f"the vector at strength {strength:g}{steered(friend, love[layer], layer, strength)}")

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
# Can a style be steered as well? A pair from the saga and the encyclopedia, added with both signs to a news line, a saga line and the
# weather. Will whole sentences turn, or words? Which of the three resists longest?

# %% id="predict-registers"
my_registers = {"sentences or words": None, "resists longest": None}

# %% id="registers"
steering = LLMSteering(model, tokenizer)
prompts = (
    "In 2025, British scientists discovered",
    "Lo, the spears sang loud at the breaking of dawn",
    "The weather in California is",
)
for prompt in prompts:
    steering.remove_steering()
    print(f"   0   {steering.generate(prompt, 12, do_sample=False)!r}")
    for strength in (-1.0, -0.5, 0.5, 1.0):
        steering.set_steering("Lo, the mighty", "The northern", layer=2, strength=strength)
        print(f"{strength:+.1f}   {steering.generate(prompt, 12, do_sample=False)!r}")
print("you predicted", *my_registers.values())

# %% [markdown] id="exercise-actadd"
# A vector read at the last token of one pair holds what comes *next* as well as the register: both prompts wait for a noun. Added at
# every position, it asks for that noun again and again. Many texts and all their tokens do better: section 5.
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
# A vector of a few rows at the start of the prompt, in one pass: can it still be felt when the model writes? It is in the cache: later tokens
# attend to the steered ones, in the blocks behind. Below it is added to a neutral prompt and to one that says *hate* itself.
# Of blocks 0, 1, 3 and 5, which will turn the second?

# %% id="predict-actadd"
my_actadd = []

# %% id="actadd-tried"
pair = ("I love you because", "I hate you because")
for prompt in (friend, "I hate you because"):
    print(f"-  {prompt}{written(prompt, 9)}")
    for i in (0, 1, 3, 5):
        with edit(model, {("block", i): actadd_edit(model, tokenizer, *pair, i, 2.0)}):
            print(f"{i}  {prompt}{written(prompt, 9)}")
print("you predicted blocks", my_actadd)

# %% [markdown] id="caa-question"
# ## 3 · One pair or many?
#
# One pair differs in more than the concept: in its words. **Contrastive activation addition** (CAA) takes the mean over many pairs of
# the same form, so that what is not shared averages out. How like are the differences of two single pairs: what cosine do
# you expect, and how like each of them to the mean of the others?

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
things, held_out = words.REVIEWED[14:], words.REVIEWED[:14]
pairs = [
    (f"Review: The {thing} was", f" {good}", f" {bad}")
    for thing, good, bad in zip(things * 2, words.POSITIVE, words.NEGATIVE, strict=False)
]
layer = 1
single = torch.stack([caa_vector(model, tokenizer, [pair], layer) for pair in pairs])
unit = single / single.norm(dim=-1, keepdim=True)
others = (single.sum(0) - single) / (len(pairs) - 1)
cosines = unit @ unit.T
between = (cosines.sum() - len(pairs)) / (len(pairs) * (len(pairs) - 1))
to_mean = torch.cosine_similarity(single, others).mean()
print(
    f"{len(pairs)} pairs; two of them {between:.2f}, one and the mean of the others {to_mean:.2f}"
)
print("you predicted", *my_cosine.values())

# %% [markdown] id="exercise-score"
# Single pairs share a direction, and their mean shows it. What is it good for? That takes a number.
#
# ## Exercise 5.6 · The score of a sweep
#
# difficulty ●●○○○ · 10 minutes · 3 points
#
# **Goal.** Of all words in the texts that are on one of two lists, the share on the list `wanted`. A word is what stands between white space,
# without any of `.,!?":;` at its ends. It counts as often as it is said. A word on both lists says nothing and does not count. Where no word
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
# The vectors are made from reviews of some things, and tried on reviews of others, which begin neutrally: *Review: The movie was*. Twelve tokens
# are sampled for each. Beside the share of positive adjectives stands **fluency**: the perplexity of what was written, under the
# model without steering. Which block steers best without making it worse?

# %% id="predict-best"
my_best = None

# %% id="sweep"
STRENGTHS = [-2, -1, -0.5, 0, 0.5, 1, 2]
reviews = [f"Review: The {thing} was" for thing in held_out]
vectors = [caa_vector(model, tokenizer, pairs, i) for i in BLOCKS]


def measured(prompts: list[str], wanted, other) -> tuple[float, list[str]]:
    """The share of wanted words in sampled continuations, and these."""
    texts = continuations(model, tokenizer, prompts, 12, temperature=1.0)
    return share_of_kind(texts, wanted, other), texts


def sentiment(vector: Tensor, layer: int, strength: float) -> tuple[float, float]:
    with hooked(vector, layer, strength):
        share, texts = measured(reviews, words.POSITIVE, words.NEGATIVE)
    return share, perplexity_of(model, tokenizer, reviews, texts)


none = sentiment(vectors[0], 0, 0.0)
cells = [
    [sentiment(vectors[i], i, s) if s else none for s in STRENGTHS] for i in BLOCKS
]  # [block][strength] of pairs
shares, perplexities = ([[cell[k] for cell in row] for row in cells] for k in (0, 1))
print(f"unsteered: {none[0]:.2f} positive, perplexity {none[1]:.1f}")

# %% id="sweep-shown"
tables = {"share of positive adjectives": shares, "perplexity": perplexities}
plus, minus = STRENGTHS.index(0.5), STRENGTHS.index(-0.5)
reach = [row[plus] - row[minus] for row in shares]
best = max(BLOCKS, key=lambda i: reach[i])
show(
    heatmaps(tables, list(BLOCKS), STRENGTHS, "block", "strength", log=["perplexity"]),
    f"Two heatmaps, blocks by strengths. Between strengths -0.5 and 0.5 block {best} moves the share "
    f"by {reach[best]:.2f}, block {len(BLOCKS) - 1} by {reach[-1]:.2f}; at strength 2 the perplexity "
    f"of block {best} is {perplexities[best][-1]:.0f}.",
)
for strength, column in ((0.5, plus), (-0.5, minus)):
    share, perplexity = shares[best][column], perplexities[best][column]
    print(f"block {best}, {strength:+}: {share:.2f} positive, perplexity {perplexity:.1f}")
print("you predicted block", my_best)

# %% [markdown] id="sweep-seen"
# Three regions: late blocks, where little is left to be changed; early and middle blocks at moderate strength, where the words turn and the
# perplexity stays; and large strengths, where the share still looks perfect and the text is ruined. A share
# alone would have recommended the last.
#
# Now the control, at the same block and strength: 20 random vectors of the same norm. By how many points does the share move?

# %% id="predict-control"
my_points = None

# %% id="control"
drawn = torch.randn(20, vectors[best].numel(), generator=torch.Generator().manual_seed(0))
drawn = drawn / drawn.norm(dim=-1, keepdim=True) * vectors[best].norm()
moved = [sentiment(vector, best, 0.5)[0] - none[0] for vector in drawn]
mean, most = sum(moved) / len(moved), max(moved, key=abs)
print(f"mean {100 * mean:+.0f} points, the most {100 * most:+.0f} · you predicted {my_points}")
print(f"the vector itself: {100 * (shares[best][plus] - none[0]):+.0f} points")

# %% [markdown] id="where-added"
# CAA as published adds its vector at the last token of the prompt and at every later one. `course_utils.steering` has all the kinds of this
# notebook as objects that know where they are added and what they were made from, refuse another model, and can be saved:
# `with vector.apply(model, strength=…)`. Does it matter here whether the prompt's other tokens are steered too?

# %% id="where-added-counted"
published = caa(model, tokenizer, pairs, block=best)
assert torch.allclose(published.vectors[best], vectors[best], rtol=1e-3, atol=1e-3)
for strength in (0.5, 1.0):
    for sign in (1, -1):
        with published.apply(model, sign * strength):
            share, texts = measured(reviews, words.POSITIVE, words.NEGATIVE)
        perplexity = perplexity_of(model, tokenizer, reviews, texts)
        print(
            f"{sign * strength:+}  from the last prompt token: {share:.2f}, {perplexity:.1f}",
            end="",
        )
        share, perplexity = sentiment(vectors[best], best, sign * strength)
        print(f"   everywhere: {share:.2f}, {perplexity:.1f}")

# %% [markdown] id="against-question"
# ## 5 · Against the prompt
#
# A neutral prompt is easy to turn. Five harder ones: reviews that begin with *I hate*; news to be told as a saga, and a saga as an encyclopedia; talk
# that has to come to weddings, of all topics; and talk that has already begun about football. The vectors of the last four are
# **concept vectors**: the mean over all tokens of many lines of the wanted kind, minus that of another. Which will resist longest?

# %% id="predict-resists"
my_resists = None

# %% id="concepts"
rng = random.Random(0)
lines = {name: [make(rng) for _ in range(30)] for name, make in skills.REGISTER_LINES.items()}
talk = {t: [f"The best part was the {word}." for word in words.TOPICS[t]] for t in TOPICS}
elsewhere = [line for topic in TOPICS if topic != "weddings" for line in talk[topic]]
positives, negatives = ([p[0] + p[k] for p in pairs] for k in (1, 2))
to_positive = concept(model, tokenizer, positives, negatives, best)  # what CAA gave, everywhere
to_saga = concept(model, tokenizer, lines["saga"], lines["news"], best, position="mean")
to_facts = concept(model, tokenizer, lines["encyclopedia"], lines["saga"], best, position="mean")
to_weddings = concept(model, tokenizer, talk["weddings"], elsewhere, best, position="mean")
other_topics = frozenset().union(*(TOPICS[t] for t in TOPICS if t != "weddings"))
hating = [f"Review: I hate this {thing} because" for thing in held_out]
news = zip(words.NEWS["adj"] * 2, words.NEWS["noun"], words.NEWS["verb"] * 2, strict=False)
reports = [f"In 2025, {adjective} {noun} {verb}" for adjective, noun, verb in news]
starts = ["First came the", "We saw the", "Nobody forgot the", "Tell me about the"] * 3
football = [f"{who} talk about football every day." for who in words.TALKERS]
cases = {  # vector, prompts, wanted words, other words
    "I hate … to positive": (to_positive, hating, words.POSITIVE, words.NEGATIVE),
    "news to saga": (to_saga, reports, REGISTERS["saga"], REGISTERS["news"]),
    "saga to encyclopedia": (
        to_facts,
        ["Lo, the spears sang loud at the breaking of dawn"] * 12,
        REGISTERS["encyclopedia"],
        REGISTERS["saga"],
    ),
    "any talk to weddings": (to_weddings, starts, TOPICS["weddings"], other_topics),
    "football to weddings": (to_weddings, football, TOPICS["weddings"], other_topics),
}

# %% id="against-the-prompt"
print("share of wanted words / perplexity, by strength, each vector added everywhere")
print(" " * 22 + "".join(f"{s:>9}      " for s in (0, 0.5, 1, 1.5, 2)) + "  random at 1")
for name, (vector, prompts, wanted, other) in cases.items():
    row = []
    settings = [(vector, strength) for strength in (0, 0.5, 1, 1.5, 2)]
    for added, strength in [*settings, (random_like(vector, seed=0), 1)]:
        with added.apply(model, strength):
            share, texts = measured(prompts, wanted, other)
        row.append(f"{share:6.2f} / {perplexity_of(model, tokenizer, prompts, texts):<6.1f}")
    print(f"{name:22}" + "".join(row))
print("you predicted", my_resists)

# %% [markdown] id="against-seen"
# What the prompt has settled resists. Against *I hate* the sentiment turns at a strength at which the text has begun to suffer, and
# talk of football keeps to football long after neutral talk has come to weddings. Notebook 06 looks at this soberly.
#
# ## 6 · Two concepts at once
#
# Weddings and the sea: add both vectors? The sum leans to the longer one. **Spherical interpolation** (SLERP) first makes both of
# length 1, goes a part `t` of the *angle* between them, and gives the result a length between theirs.
# We make the wedding vector three times as long. Both mixtures are brought to one norm. What share of the words will be of the
# sea, at `t = 0.5`?

# %% id="predict-sea"
my_sea = {"linear": None, "slerp": None}

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
inland = [line for topic in TOPICS if topic != "sea" for line in talk[topic]]
to_sea = concept(model, tokenizer, talk["sea"], inland, best, position="mean").vectors[best]
long = 3 * to_weddings.vectors[best]
size = 2 * to_weddings.vectors[best].norm()
kinds = {topic: frozenset().union(*(TOPICS[x] for x in TOPICS if x != topic)) for topic in TOPICS}
mixtures = {
    "linear": lambda t: (1 - t) * long + t * to_sea,
    "slerp": lambda t: slerp(long, to_sea, t),
}
found = {f"{topic}, {name}": [] for name in mixtures for topic in ("weddings", "sea")}
for t, (name, mix) in product((0.0, 0.25, 0.5, 0.75, 1.0), mixtures.items()):
    vector = size * mix(t) / mix(t).norm()
    with hooked(vector, best, 1.0):
        texts = continuations(model, tokenizer, starts, 12, temperature=1.0)
    for topic in ("weddings", "sea"):
        share = share_of_kind(texts, TOPICS[topic], kinds[topic])
        found[f"{topic}, {name}"].append((t, share))
half = {name: found[f"sea, {name}"][2][1] for name in mixtures}
show(
    curves(found, "t", "share of the topics' words"),
    f"Shares of the words of two topics against t. At t = 0.5 the sea has {half['linear']:.2f} of the "
    f"words in the linear mixture and {half['slerp']:.2f} under slerp.",
)
print("the sea at t = 0.5:", {name: round(share, 2) for name, share in half.items()})
print("   · you predicted:", my_sea)

# %% [markdown] id="explorer-text"
# Under SLERP it does not matter how long the two vectors were: only the angle counts. The linear mixture stays with the longer one
# until later.
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
    block=slider(1, 0, len(BLOCKS) - 1, 1),
    strength=slider(0.5, -3.0, 3.0, 0.25),
)

# %% [markdown] id="real-model"
# ## 8 · On a real model
#
# The same class on any causal model. Set the name and run the cell: about 1 GB is fetched once from the Hub. A larger model
# wants another block and strength: the middle of its blocks is a start.

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
# - Choose block and strength by a sweep, look at fluency beside the share, and compare with random vectors of the same norm.
# - The sum of two vectors leans to the longer one; SLERP goes by the angle.
#
# **Where it fails.** A strong vector ruins the text long before the share of wanted words shows it. What the prompt has settled is hard
# to turn. What works on one concept, one model or one kind of prompt need not work on the next: measure, as in notebook 06.
#
# ## Papers
#
# - Alexander Matt Turner et al.: [Steering Language Models With Activation Engineering](https://arxiv.org/abs/2308.10248), 2023.
#   Algorithm 1 is exercise 5.4.
# - Nina Panickssery et al.: [Steering Llama 2 via Contrastive Activation Addition](https://arxiv.org/abs/2312.06681), 2024.
# - Daniel Tan et al.: [Analyzing the Generalization and Reliability of Steering Vectors](https://arxiv.org/abs/2407.12404), 2024.
# - Joschka Braun et al.: [Understanding (Un)Reliability of Steering Vectors in Language Models](https://arxiv.org/abs/2505.22637), 2025.
