# %% [markdown] id="title"
# # 00 · Start here: from text to the next token
#
# A language model does not write. It gives a number to every token that could come next; a few
# lines of code around it turn those numbers into a text, one token at a time. Here you write
# these lines.
#
# 90 minutes. You need Python and indexing into PyTorch tensors, and no earlier notebook.
#
# At the end you will be able to
#
# - read what a model reads and answers: tokens and logits;
# - turn logits into probabilities, and say what a temperature does to them;
# - cut off the tail with top-k and top-p, and say where the two differ;
# - generate text with a loop of your own, on any causal language model.

# %% [markdown] id="how-it-works"
# ## How this workbook works
#
# Run the cells from top to bottom with Shift+Enter. You will meet four kinds:
#
# - **Prediction.** A cell with a line such as `my_tokens = None`. Put your guess in place of `None` *before*
#   you run the cell below it, which shows your guess beside the measurement. A wrong guess tells you where
#   to look.
# - **Exercise.** Replace the line `raise NotImplementedError(...)` with your code and run the cell.
#   Three hints are folded above it, each inside the one before.
# - **Check.** The cell below an exercise tries your code and says what was expected, what it saw, and
#   which misconception that looks like. Correct your code, run both cells again, as often as you like.
#   Until your version passes, the rest of the notebook uses the course's: you can skip an exercise
#   and come back.
# - **Explorer.** Sliders above a figure. Drag one, or reach it with Tab and move it with the arrow keys.

# %% id="bootstrap" tags=["setup"]

# %% id="imports" tags=["setup"]
import torch
from jaxtyping import Float
from torch import Tensor

from course_utils.checks import check, mine_or_reference
from course_utils.models import load_lm
from course_utils.plots import Picture, mass_curves, next_token_bars, show
from course_utils.widgets import explorer, slider

# %% [markdown] id="the-model"
# The model comes with the course and runs without a network. It is small, and it knows a small world:
# landmarks and capitals, products and their makers, reviews, the weather.

# %% id="load"
model, tokenizer = load_lm()
print(f"{model.num_parameters() / 1e6:.1f} million parameters, {len(tokenizer):,} tokens")

# %% [markdown] id="tokens"
# ## 1 · What does the model read?
#
# Neither letters nor words, but **tokens**: pieces of text from a fixed list, the *vocabulary*. The
# tokenizer cuts a text into them and gives each its number.
#
# How many tokens is `The Space Needle opened in 1962.`? Write down your guess.

# %% id="predict-tokens"
my_tokens = None

# %% id="count-tokens"
text = "The Space Needle opened in 1962."
ids = tokenizer(text).input_ids
print("tokens:", len(ids), "· you predicted", my_tokens)
print(ids)
print([tokenizer.decode([i]) for i in ids])
assert tokenizer.decode(ids) == text

# %% [markdown] id="tokens-seen"
# A space belongs to the word after it; before a digit it stands alone, for each digit is a token of its
# own. So the same word can be different tokens, and a word that is rare in the training text comes in pieces:

# %% id="same-word"
for word in ["Seattle", " Seattle", " seattle", " Seattleite"]:
    pieces = [tokenizer.decode([i]) for i in tokenizer(word).input_ids]
    print(f"{word!r:14} {pieces}")

# %% [markdown] id="logits"
# ## 2 · What does the model answer?
#
# One number for every token of the vocabulary, a **logit**: the larger, the likelier this token comes
# next. A model is given a *batch* of texts, here of one: "The capital of France is". What is the shape of
# `model(ids).logits`? Write a tuple of three numbers.

# %% id="predict-shape"
my_shape = None

# %% id="logits-shape"
prompt = "The capital of France is"
ids = tokenizer(prompt, return_tensors="pt").input_ids.to(model.device)  # [batch, pos]
with torch.no_grad():
    logits = model(ids).logits  # [batch, pos, vocab]
print("logits:", tuple(logits.shape), "· you predicted", my_shape)
for position in range(ids.shape[1]):
    best = logits[0, position].argmax()
    print(f"{tokenizer.decode(ids[0, : position + 1]):26} -> {tokenizer.decode(best)!r}")

# %% [markdown] id="logits-seen"
# There are logits at *every* position: each says what could come after the tokens up to there. To go on
# with a text, only the last position is needed. From here on we ask for that one:


# %% id="next-token-logits"
@torch.no_grad()
def next_token_logits(prompt: str) -> Float[Tensor, "vocab"]:
    """The logits of the token that comes after the prompt."""
    ids = tokenizer(prompt, return_tensors="pt").input_ids.to(model.device)
    return model(ids).logits[0, -1].float().cpu()


fact = "The Space Needle is located in the city of"
opening = "Review: The"
for prompt in [fact, opening]:
    print(prompt, "...")
    for logit, token in zip(*next_token_logits(prompt).topk(5), strict=True):
        print(f"    {logit:5.1f}  {tokenizer.decode(token)!r}")
print(f"The smallest logit after the fact is {next_token_logits(fact).min():.1f}.")

# %% [markdown] id="exercise-softmax"
# After the fact one token stands out; after the opening many come close to each other. But a logit is
# not a probability: logits can be negative, and they do not add up to 1.
#
# ## Exercise 0.1 · Softmax with a temperature
#
# difficulty ●●○○○ · 10 minutes · 3 points
#
# **Goal.** Turn logits $z$ into probabilities at temperature $T$:
#
# $$p_i = \frac{e^{z_i / T}}{\sum_j e^{z_j / T}}$$
#
# The sum runs over the last dimension, whatever comes before it. Logits of 1000 must not give `nan`, and
# a logit of $-\infty$ gets the probability 0. A temperature of 0 or below raises an error; every other one, however
# high or low, is right. The logits may have any floating-point dtype and be on any device. Write the formula out:
# `torch.softmax` would pass, and teach you nothing.
#
# `softmax(logits [*batch, vocab], temperature) -> probabilities [*batch, vocab]`
#
# <details><summary>Hint 1: the idea</summary>
#
# A number added to all logits of a row changes none of its probabilities: choose one that keeps the exponential
# small, and add it *before* you divide by the temperature. Then take the exponential, and divide by the sum.
#
# <details><summary>Hint 2: pseudocode</summary>
#
# ```
# refuse a temperature that is not positive
# shifted = logits - ...
# weights = exp(... / temperature)
# return weights / ...
# ```
#
# <br><details><summary>Hint 3: the line people get wrong</summary>
#
# The largest and the sum of *each row* need `dim=-1`, and `keepdim=True` so that they line up with
# the row they came from. Without it rows meet columns: an error, or a division by
# the wrong sums.
#
# </details></details></details>


# %% id="softmax" tags=["exercise"]
def softmax(
    logits: Float[Tensor, "*batch vocab"], temperature: float
) -> Float[Tensor, "*batch vocab"]:
    """Probabilities over the last dimension. Raises ValueError if temperature <= 0."""
    ### BEGIN SOLUTION
    if temperature <= 0:
        raise ValueError(f"temperature is {temperature}: give a number above 0")
    scaled = logits / temperature
    weights = torch.exp(scaled - scaled.amax(dim=-1, keepdim=True))
    return weights / weights.sum(dim=-1, keepdim=True)
    ### END SOLUTION


# %% id="softmax-check" tags=["check"]
check("sampling.softmax", softmax)
softmax = mine_or_reference("sampling.softmax", softmax)

# %% [markdown] id="temperature"
# ## 3 · What does a temperature do?
#
# It divides every logit, and so every *gap* between two logits. Is the likeliest token after the fact
# more or less probable at temperature 2 than at temperature 1? Write `"more"` or `"less"`.

# %% id="predict-temperature"
my_answer = None

# %% id="temperatures"
print("T      after the fact        after the opening")
for temperature in [0.5, 1.0, 2.0, 4.0]:
    row = f"{temperature:<6}"
    for prompt in [fact, opening]:
        probability, token = softmax(next_token_logits(prompt), temperature).max(dim=-1)
        row += f" {tokenizer.decode(token)!r:12} {probability:.3f}   "
    print(row.rstrip())

at_1, at_2 = (softmax(next_token_logits(fact), t).max() for t in [1.0, 2.0])
print("from 1 to 2:", "more" if at_2 > at_1 else "less", "· you predicted", my_answer)

# %% [markdown] id="temperature-seen"
# A temperature above 1 shrinks the gaps: the distribution becomes flatter. Below 1 it becomes more
# peaked, until the likeliest token takes all. The order of the tokens never changes: the same token
# is at the top of each column.
#
# Here are the 15 likeliest tokens after the opening: outlines at temperature 1, bars at 0.5.

# %% id="bars"
own = softmax(next_token_logits(opening), 1.0)
colder = softmax(next_token_logits(opening), 0.5)
head = own.topk(15).indices
fig = next_token_bars(
    [tokenizer.decode(i) for i in head],
    colder[head].tolist(),
    own[head].tolist(),
    title=f"{opening!r} at temperature 0.5",
)
show(
    fig,
    f"Bar chart of the 15 likeliest tokens after {opening!r}. The longest bar is "
    f"{own.max():.2f} at temperature 1 and {colder.max():.2f} at temperature 0.5.",
)
print(f"These 15 hold {own[head].sum():.2f} at temperature 1, {colder[head].sum():.2f} at 0.5.")

# %% [markdown] id="tail"
# ## 4 · What is in the tail?
#
# The vocabulary has thousands of tokens, and softmax gives each a probability above 0. One bad draw stays in the text,
# and the model goes on from there. Suppose we draw 100 tokens after the opening, at temperature 2: how many of
# them come from outside the 50 likeliest?

# %% id="predict-tail"
my_strays = None

# %% id="strays"
warm = softmax(next_token_logits(opening), 2.0)
generator = torch.Generator().manual_seed(0)
draws = torch.multinomial(warm, 100, replacement=True, generator=generator)
strays = [i for i in draws if i not in warm.topk(50).indices]
print("outside the 50 likeliest:", len(strays), "of 100 · you predicted", my_strays)
print("for example", [tokenizer.decode(i) for i in strays[:8]])

# %% [markdown] id="exercise-top-k"
# ## Exercise 0.2 · Keep the k largest
#
# difficulty ●●○○○ · 10 minutes · 3 points
#
# **Goal.** Keep the `k` largest logits of each row and set the others to $-\infty$: softmax then gives
# them the probability 0. If logits are tied at the border, keep any `k` of them or all that are tied. If
# `k` is larger than the vocabulary, keep everything. `k` is at least 1; the course's version raises a `ValueError`
# otherwise. Leave the input as it is; it may have any floating-point dtype and be on any device
# (`torch.full_like` and `torch.zeros_like` make tensors that fit it).
#
# `top_k_filter(logits [*batch, vocab], k) -> logits [*batch, vocab]`
#
# <details><summary>Hint 1: the idea</summary>
#
# A logit stays if it is at least as large as the k-th largest of its row.
#
# <details><summary>Hint 2: pseudocode</summary>
#
# ```
# border = ... of each row
# return logits, with -inf wherever ...
# ```
#
# <br><details><summary>Hint 3: the line people get wrong</summary>
#
# `logits.topk(k).values` is sorted from large to small, so the border of each row is `[..., -1:]`. Written
# `[-1]` it is the last *row*; written `[..., -1]` it loses the dimension that lines it up with its row.
# Fill with `masked_fill`, which makes a new tensor: 0 instead of `-inf` would be a logit like any other.
#
# </details></details></details>


# %% id="top-k" tags=["exercise"]
def top_k_filter(
    logits: Float[Tensor, "*batch vocab"],
    k: int,
) -> Float[Tensor, "*batch vocab"]:
    """The k largest logits of each row; the others are -inf."""
    ### BEGIN SOLUTION
    k = min(k, logits.shape[-1])
    border = logits.topk(k, dim=-1).values[..., -1:]
    return logits.masked_fill(logits < border, -torch.inf)
    ### END SOLUTION


# %% id="top-k-check" tags=["check"]
check("sampling.top_k", top_k_filter)
top_k_filter = mine_or_reference("sampling.top_k", top_k_filter)

# %% [markdown] id="which-k"
# Which `k` is right? Count the tokens that it takes to hold 0.9 of the probability. Your guess first: how many
# after the fact, how many after the opening?

# %% id="predict-nucleus"
my_counts = {fact: None, opening: None}

# %% id="nucleus"
for prompt in [fact, opening]:
    mass = softmax(next_token_logits(prompt), 1.0).sort(descending=True).values.cumsum(dim=-1)
    needed = int((mass < 0.9).sum()) + 1
    print(f"{prompt!r}: {needed} · you predicted {my_counts[prompt]}")

# %% [markdown] id="exercise-top-p"
# No single `k` fits both: what is generous after the fact is stingy after the opening. Holtzman et
# al. (2020) let the distribution decide: keep the smallest set of tokens whose probability reaches `p`.
#
# ## Exercise 0.3 · Keep the smallest set that reaches p
#
# difficulty ●●●○○ · 15 minutes · 4 points
#
# **Goal.** Keep, in each row, the smallest set of tokens whose probabilities add up to at least `p`
# (0 < p ≤ 1), and set the other logits to $-\infty$. The token that reaches `p` belongs to the set, so at
# least one always stays. If logits are tied, any smallest set is right. Leave the input as it is; it may have any
# floating-point dtype and be on any device.
#
# `top_p_filter(logits [*batch, vocab], p) -> logits [*batch, vocab]`
#
# <details><summary>Hint 1: the idea</summary>
#
# Sort the probabilities from large to small. A token is needed as long as those *before* it have not
# reached `p`.
#
# <details><summary>Hint 2: pseudocode</summary>
#
# ```
# sort the probabilities, and remember where each came from
# mass_before = ...
# drop        = the places where mass_before ...
# put drop back into the order of the vocabulary
# ```
#
# <br><details><summary>Hint 3: the line people get wrong</summary>
#
# `drop` is in sorted order, `logits` in the order of the vocabulary. `order[..., j]` says where the
# j-th likeliest token stands in the vocabulary, so
# `torch.zeros_like(drop).scatter(-1, order, drop)` puts each mark where it belongs; `drop[order]` and
# `drop.gather(-1, order)` go the wrong way.
#
# </details></details></details>


# %% id="top-p" tags=["exercise"]
def top_p_filter(
    logits: Float[Tensor, "*batch vocab"],
    p: float,
) -> Float[Tensor, "*batch vocab"]:
    """The smallest set of tokens whose probability reaches p; the other logits are -inf."""
    ### BEGIN SOLUTION
    sorted_probabilities, order = softmax(logits, 1.0).sort(dim=-1, descending=True)
    mass_before = sorted_probabilities.cumsum(dim=-1) - sorted_probabilities
    drop = mass_before >= p
    return logits.masked_fill(torch.zeros_like(drop).scatter(-1, order, drop), -torch.inf)
    ### END SOLUTION


# %% id="top-p-check" tags=["check"]
check("sampling.top_p", top_p_filter)
top_p_filter = mine_or_reference("sampling.top_p", top_p_filter)

# %% id="mass"
curves = {f"after {x!r}": softmax(next_token_logits(x), 1.0).tolist() for x in [fact, opening]}
kept = [int(top_p_filter(next_token_logits(x), 0.9).isfinite().sum()) for x in [fact, opening]]
show(
    mass_curves(curves, k=20, p=0.9),
    "Probability of the likeliest tokens against their number. The line p = 0.9 is crossed at "
    f"{kept[0]} after {fact!r} and at {kept[1]} after {opening!r}; k = 20 is the same for both.",
)
print(f"At p = 0.9 top-p keeps {kept[0]} after the fact, {kept[1]} after the opening.")

# %% [markdown] id="exercise-generate"
# ## Exercise 0.4 · Generate
#
# difficulty ●●●○○ · 20 minutes · 5 points
#
# **Goal.** Now the loop. Run the model on all tokens so far, take the logits at the last position, apply
# the temperature, then top-k, then top-p (a filter that is `None` is left out), draw one token, append it,
# and again. Return the text of the *new* tokens only. Stop after `max_new_tokens`, or when the end token
# `tokenizer.eos_token_id` is drawn: it is not part of the result.
#
# Draw with `generator`: the same seed gives the same text, and the global random state stays as it is. It draws
# on the CPU; when the model is on a GPU, bring the probabilities there with `.cpu()` and the token back with
# `.to(ids.device)`. With `max_new_tokens=0` the text is empty. The temperature is above 0 and `top_k` at
# least 1; the course's version raises a `ValueError` otherwise.
#
# `generate(model, tokenizer, prompt, max_new_tokens, temperature=1.0, top_k=None, top_p=None, seed=0) -> str`
#
# <details><summary>Hint 1: the idea</summary>
#
# You have all the parts: `softmax`, `top_k_filter`, `top_p_filter`, and `torch.multinomial`, which draws
# an index with given probabilities.
#
# <details><summary>Hint 2: pseudocode</summary>
#
# ```
# repeat max_new_tokens times:
#     logits = ...                    of which position?
#     apply the settings              in which order?
#     token  = one draw
#     stop, or go on with ...
# return the text of ...
# ```
#
# <br><details><summary>Hint 3: the line people get wrong</summary>
#
# The temperature comes *before* top-p, because top-p counts probabilities, and they change with it. And
# the result is `tokenizer.decode(ids[0, prompt_length:])`: cutting the prompt's *characters* off the
# whole text, or decoding token by token, goes wrong where a letter is split over two tokens.
#
# </details></details></details>


# %% id="generate" tags=["exercise"]
@torch.no_grad()
def generate(
    model,
    tokenizer,
    prompt: str,
    max_new_tokens: int,
    temperature=1.0,
    top_k=None,
    top_p=None,
    seed=0,
) -> str:
    """The continuation of the prompt: without the prompt, without the end token."""
    generator = torch.Generator().manual_seed(seed)  # draws on the CPU
    ids = tokenizer(prompt, return_tensors="pt").input_ids.to(model.device)  # [1, pos]
    ### BEGIN SOLUTION
    prompt_length = ids.shape[1]
    for _ in range(max_new_tokens):
        logits = model(ids).logits[0, -1].float().cpu() / temperature  # [vocab]
        if top_k is not None:
            logits = top_k_filter(logits, top_k)
        if top_p is not None:
            logits = top_p_filter(logits, top_p)
        token = torch.multinomial(softmax(logits, 1.0), 1, generator=generator)  # [1]
        if token == tokenizer.eos_token_id:
            break
        ids = torch.cat([ids, token[None].to(ids.device)], dim=1)
    return tokenizer.decode(ids[0, prompt_length:])
    ### END SOLUTION


# %% id="generate-check" tags=["check"]
check("sampling.generate", generate)
generate = mine_or_reference("sampling.generate", generate)

# %% [markdown] id="compare"
# ## 5 · What do the settings do to a text?
#
# Twenty seeds, the same opening, eight tokens each. How many *different* texts will there be if only the
# likeliest token may be drawn (`top_k=1`)? And at temperature 1?

# %% id="predict-different"
my_different = {"top_k=1": None, "temperature=1.0": None}

# %% id="different"
texts = {
    "top_k=1": [generate(model, tokenizer, opening, 8, top_k=1, seed=s) for s in range(20)],
    "temperature=1.0": [generate(model, tokenizer, opening, 8, seed=s) for s in range(20)],
}
for setting, samples in texts.items():
    print(f"{setting:16} {len(set(samples)):3} different · you predicted {my_different[setting]}")

# %% id="read-them"
all_settings = [{"top_k": 1}, {}, {"temperature": 2.0}, {"temperature": 2.0, "top_k": 20}]
for settings in all_settings:
    print(settings or "temperature 1, no filter")
    print("   ", opening + generate(model, tokenizer, opening, 25, **settings, seed=1))

# %% [markdown] id="compare-seen"
# With `top_k=1` nothing is left to chance: that is *greedy decoding*, and the seed has no effect. At
# temperature 2 words from the tail come in; a filter keeps them out while the choice stays wide. Where in the four texts
# do you see it? Change the seed.

# %% [markdown] id="explore"
# ## 6 · Explore
#
# Outlines are the model's own probabilities; bars are those that a token is drawn from, after
# temperature, top-k and top-p. Leave `k` at 100: at which temperature does `p = 0.5` keep fewer
# than ten tokens? Then change `prompt` and run the cell again.

# %% id="explorer"
prompt = "Review: The hotel was"


def chart(temperature: float, k: int, p: float) -> Picture:
    """The 15 likeliest next tokens: the plain function behind the sliders."""
    logits = next_token_logits(prompt)
    own = softmax(logits, 1.0)
    drawn_from = softmax(top_p_filter(top_k_filter(logits / temperature, k), p), 1.0)
    head = own.topk(15).indices
    tokens = [tokenizer.decode(i) for i in head]
    left = f"{int((drawn_from > 0).sum())} of {len(own)} tokens can be drawn"
    alt = f"After {prompt!r}, {left}; the likeliest, {tokens[0]!r}, with {drawn_from.max():.2f}."
    fig = next_token_bars(
        tokens, drawn_from[head].tolist(), own[head].tolist(), title=f"{prompt!r}: {left}"
    )
    return Picture(fig, alt, state=f"temperature={temperature:.1f} k={k} p={p:.2f}")


explorer(
    chart,
    temperature=slider(1.0, 0.1, 3.0, 0.1),
    k=slider(100, 1, 100, 1),
    p=slider(0.9, 0.05, 1.0, 0.05),
)

# %% [markdown] id="limits"
# ## 7 · Where the method fails
#
# Sampling decides how the model's beliefs are used, not whether they are true. There is no Zorvan Tower.
# What will the model say of it, and with what probability?

# %% id="predict-invented"
my_probability = None

# %% id="invented"
invented = "The Zorvan Tower is located in the city of"
for temperature in [1.0, 0.3]:
    probability, token = softmax(next_token_logits(invented), temperature).max(dim=-1)
    print(f"T = {temperature}: {tokenizer.decode(token)!r} with {probability:.2f}")
print("at T = 1 you predicted", my_probability)

# %% [markdown] id="limits-seen"
# The model has no way to say that it does not know, and a low temperature makes the guess *look* certain. Low
# temperature is not truthfulness.

# %% [markdown] id="real-model"
# ## 8 · On a real model
#
# Your `generate` runs on any causal language model. Set the name and run the cell: about 1 GB is fetched once
# from the Hub.

# %% id="on-a-real-model"
REAL_MODEL = None  # "Qwen/Qwen2.5-0.5B-Instruct"

if REAL_MODEL is None:
    print('Not run: set REAL_MODEL to a model of the Hub, such as "Qwen/Qwen2.5-0.5B-Instruct".')
else:
    real_model, real_tokenizer = load_lm(REAL_MODEL)
    for settings in all_settings:
        continuation = generate(real_model, real_tokenizer, opening, 25, **settings)
        print(settings or "temperature 1, no filter", "\n   ", opening + continuation)

# %% [markdown] id="remember"
# ## What to remember
#
# - A model maps tokens to logits, one for each token of the vocabulary, at every position.
# - Softmax makes probabilities of them. The temperature divides the gaps: below 1 more peaked, above 1
#   flatter, and the order stays.
# - Top-k keeps a fixed number of tokens, top-p as many as it takes to reach p: few where the model is
#   sure, many where it is not.
# - Generation is a loop: run, filter, draw, append. The order is temperature, top-k, top-p.
# - The settings change how varied a text is. They do not change what the model knows.
#
# ## Papers
#
# - Ari Holtzman, Jan Buys, Li Du, Maxwell Forbes, Yejin Choi:
#   [The Curious Case of Neural Text Degeneration](https://arxiv.org/abs/1904.09751), ICLR 2020. Introduces top-p.
# - Angela Fan, Mike Lewis, Yann Dauphin:
#   [Hierarchical Neural Story Generation](https://aclanthology.org/P18-1082/), ACL 2018. Uses top-k sampling.
