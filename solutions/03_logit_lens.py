# %% [markdown] id="title"
# # 03 · The logit lens
#
# A model says what comes next after its last block. What would it say if it stopped after the third? The **logit
# lens** asks, with the model's own means. You write it twice, find out when a model remembers and when it reads,
# train a better lens, and see where both mislead.
#
# 120 minutes. You need [01 · Anatomy](01_anatomy.ipynb): blocks, residual stream, unembedding.
#
# At the end you will be able to
#
# - read what any layer of a decoder would say, from its hidden states and with hooks of your own;
# - notice two mistakes of published lenses by looking at their logits;
# - say at which block a model's answer is settled, over many prompts and not by one picture;
# - train a tuned lens, compare it with the plain one, and say what neither shows.

# %% id="bootstrap" tags=["setup"]

# %% id="imports" tags=["setup"]
import random

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from course_utils.anatomy import anatomy
from course_utils.checks import check, mine_or_reference
from course_utils.course_lm import skills, world
from course_utils.course_lm.corpus import texts
from course_utils.hooks import edit, record
from course_utils.lens import document_states, mean_kl, read, residual_streams
from course_utils.models import load_lm
from course_utils.plots import Picture, curves, grouped_bars, lens_heatmap, show
from course_utils.widgets import explorer, menu, slider, text_box

# %% [markdown] id="scales"
# ## 1 · What is in `hidden_states`?
#
# Every block reads the residual stream and adds to it; after the last one a norm and the unembedding turn it into logits. The plainest lens
# unembeds an earlier state: `unembedding(hidden_states[i])`. Our model has 8 blocks, so there are 9 entries.
#
# Take the largest logit at the last position, for each entry. By what factor will that of the last entry but one differ from that of the last?

# %% id="predict-scale"
my_ratio = None

# %% id="scales-seen"
model, tokenizer = load_lm()
parts = anatomy(model)
n_blocks = len(parts.blocks)


@torch.no_grad()
def hidden_states(text: str) -> tuple[Tensor, ...]:
    ids = tokenizer(text, return_tensors="pt").input_ids.to(model.device)
    return model(ids, output_hidden_states=True).hidden_states  # n_blocks + 1 of [1, pos, d_model]


prompt = "The Space Needle is located in the city of"
entries = hidden_states(prompt)
own = model(tokenizer(prompt, return_tensors="pt").input_ids.to(model.device)).logits[0, -1].max()
plain = [parts.unembedding(entry[0, -1]).max() for entry in entries]
normed = [parts.unembedding(parts.final_norm(entry[0, -1])).max() for entry in entries]
print("largest logit at the last position")
print("entry    unembedded  normed, unembedded")
for i in range(n_blocks + 1):
    print(f"{i:5} {plain[i]:13.1f} {normed[i]:19.1f}")
print(f"the model's own: {own:.1f}")
print(f"entry {n_blocks - 1} to the last: {plain[-2] / plain[-1]:.1f} · you predicted {my_ratio}")

# %% [markdown] id="scales-discussed"
# Look down the first column: does the last entry go on where the others lead? If it jumps to another scale, the entries cannot all be of one kind.
# And of the two numbers in the last row, which one is the model's own?
#
# A second question, before you write code on this: which entry is the *output* of block 3? Record the outputs of the blocks, read them through norm and unembedding,
# and look for the same number among the entries.

# %% id="predict-entry"
my_entry = None

# %% id="entries-seen"
blocks = [("block", i) for i in range(n_blocks)]
with record(model, blocks) as outputs, torch.no_grad():
    model(tokenizer(prompt, return_tensors="pt").input_ids.to(model.device))
print("largest logit, normed and unembedded")
print("block   its output   entry of its number   the next entry")
for site in blocks:
    states = outputs[site], entries[site[1]], entries[site[1] + 1]
    logits = [parts.unembedding(parts.final_norm(x[0, -1])).max() for x in states]
    print(f"{site[1]:5} {logits[0]:12.2f} {logits[1]:21.2f} {logits[2]:16.2f}")
last = parts.final_norm(outputs["block", n_blocks - 1])
print("the last output, normed, is the last entry:", torch.allclose(last, entries[-1], atol=1e-4))
print("block 3 · you predicted entry", my_entry)

# %% [markdown] id="exercise-logit-lens"
# The output of block `i` is entry `i + 1`: entry `i` is what *enters* block `i`, and entry 0 is the embedding. In the last row no entry fits, because the last one has been through the final norm already. Hence two
# mistakes, both found in published lenses: to unembed without the norm (the first table, left), or to norm the last entry again (its last row, right); and to call entry `i` "layer `i`", one block too late (the second
# table, middle). In this course **layer i is the output of block i**.
#
# ## Exercise 3.1 · The lens
#
# difficulty ●●○○○ · 20 minutes · 4 points
#
# **Goal.** What the model would say after the last token of `text`, for the embedding and for each block. Ask the model for its hidden states.
# Return a list of `n_blocks + 1` dicts:
#
# - `layer`: `"embedding"`, then 0, 1, …;
# - `top_tokens`: the `top_k` likeliest, likeliest first, each decoded by itself;
# - `top_token_logits`: their logits, as a list or tensor.
#
# It has to work on Llama, Qwen2, GPT-2 and GPT-NeoX models: `anatomy(model)` has `final_norm` and `unembedding`, whatever they are called there. (A few
# others do more after the norm: Gemma 2 squashes its logits. `course_utils.lens` takes care of them.)
#
# `logit_lens(model, tokenizer, text, top_k=5) -> list of dicts`
#
# <details><summary>Hint 1: the idea</summary>
#
# Every row treats its state as the model treats the last one: norm, unembed. Which entries have been normed?
#
# <details><summary>Hint 2: pseudocode</summary>
#
# ```
# states = the hidden states, each at [0, last position]
# norm all of them but the last
# for layer, state in (("embedding", states[0]), (0, states[1]), (1, states[2]), …):
#     logits = unembedding(state)
#     values, ids = the top_k of logits
#     note layer, the decoded ids, values
# ```
#
# <br><details><summary>Hint 3: the line people get wrong</summary>
#
# The last row must show the model's own logits. Print them beside it. `[tokenizer.decode(i) for i in ids]` decodes one by one.
#
# </details></details></details>


# %% id="logit-lens" tags=["exercise"]
@torch.no_grad()
def logit_lens(model, tokenizer, text: str, top_k: int = 5) -> list[dict]:
    """A dict with layer, top_tokens and top_token_logits for the embedding and every block."""
    ### BEGIN SOLUTION
    parts = anatomy(model)
    ids = tokenizer(text, return_tensors="pt").input_ids.to(model.device)
    *inner, last = model(ids, output_hidden_states=True).hidden_states
    states = [parts.final_norm(entry[0, -1]) for entry in inner] + [last[0, -1]]
    rows = []
    for layer, state in zip(["embedding", *range(len(inner))], states, strict=True):
        top = parts.unembedding(state).float().topk(top_k)
        tokens = [tokenizer.decode(i) for i in top.indices]
        rows.append({"layer": layer, "top_tokens": tokens, "top_token_logits": top.values})
    return rows
    ### END SOLUTION


# %% id="logit-lens-check" tags=["check"]
check("logit_lens.logit_lens", logit_lens)
logit_lens = mine_or_reference("logit_lens.logit_lens", logit_lens)

# %% [markdown] id="iphone"
# Now look. From which block on does the model say "Apple"?

# %% id="predict-apple"
my_block = None


# %% id="iphone-seen"
def print_lens(text: str, top_k: int = 3) -> None:
    print(repr(text))
    for row in logit_lens(model, tokenizer, text, top_k):
        pairs = zip(row["top_tokens"], row["top_token_logits"], strict=True)
        print(f"{row['layer']:>9} ", "  ".join(f"{t!r:12}{x:5.1f}" for t, x in pairs))


print_lens("IPhone was developed by")
print("you predicted block", my_block)
print("one matrix embeds and unembeds:", parts.embedding.weight is parts.unembedding.weight)

# %% [markdown] id="hooks"
# Which token does the embedding name, and what has that to do with the last line? Do the first blocks name companies, if not the right one? And does the answer's logit go on growing once it
# leads?
#
# ## 2 · Where do hidden states come from?
#
# From hooks. transformers puts its own on the blocks when they are first asked for, and leaves them there. A hook is a function that PyTorch calls with a
# module's output; `register_forward_hook` returns a handle, and `handle.remove()` takes it off. Two habits of old code:
#
# - the state is taken as `output[0]`, because blocks used to return a tuple. What is that in our model, for two prompts at once?
# - hooks are taken off by `block._forward_hooks.clear()`. How many hidden states are there afterwards?

# %% id="predict-cleared"
my_shape = None  # of output[0]
my_entries = None  # after clear()

# %% id="cleared"
other, _ = load_lm()
ids = tokenizer(["IPhone was developed by"] * 2, return_tensors="pt").input_ids.to(other.device)
block, shapes = anatomy(other).blocks[2], []
handle = block.register_forward_hook(
    lambda block, args, output: shapes.append((list(output.shape), list(output[0].shape)))
)
before = other(ids, output_hidden_states=True).hidden_states
handle.remove()
print("output {}, output[0] {}".format(*shapes[0]), "· you predicted", my_shape)
block._forward_hooks.clear()
after = other(ids, output_hidden_states=True).hidden_states
print(f"{len(before)} entries before, {len(after)} after · you predicted {my_entries}")
print("entry 3 is now what entry 4 was:", torch.equal(after[3], before[4]))

# %% [markdown] id="exercise-by-hooks"
# No error, no warning, in either case. A tensor's `[0]` is the first row of the batch, and the other prompt is gone. Cleared hooks were also those by which transformers collects hidden
# states: what you register, you remove, and nothing else.
#
# ## Exercise 3.2 · The lens by hooks
#
# difficulty ●●●○○ · 20 minutes · 4 points
#
# **Goal.** The same function and result, without `output_hidden_states`: hooks of your own see the output of each block, and what enters
# block 0. A block may return a tuple, whose first item is its output. Afterwards the model has exactly the hooks it had before, also when the pass ends in an error or by Ctrl-C.
#
# `logit_lens_by_hooks(model, tokenizer, text, top_k=5) -> list of dicts`
#
# <details><summary>Hint 1: the idea</summary>
#
# A list to collect in, a hook that appends to it, `try … finally` around the pass. What needs the final norm now?
#
# <details><summary>Hint 2: pseudocode</summary>
#
# ```
# states, handles = [], []
# try:
#     a pre-hook on block 0 appends its input args[0]
#     a hook on each block appends its output
#     model(ids)
# finally:
#     remove every handle
# for each state: norm, unembed, top_k, as before
# ```
#
# <br><details><summary>Hint 3: the line people get wrong</summary>
#
# All states need the norm, the last one too: the hook saw it before the norm. A hook that *returns* something replaces the output, so append and return nothing.
# `output[0] if isinstance(output, tuple) else output`.
#
# </details></details></details>


# %% id="by-hooks" tags=["exercise"]
@torch.no_grad()
def logit_lens_by_hooks(model, tokenizer, text: str, top_k: int = 5) -> list[dict]:
    """As logit_lens; no hook stays behind."""
    ### BEGIN SOLUTION
    parts = anatomy(model)
    ids = tokenizer(text, return_tensors="pt").input_ids.to(model.device)
    states, handles = [], []

    def see_input(block, args):
        states.append(args[0])

    def see_output(block, args, output):
        states.append(output[0] if isinstance(output, tuple) else output)

    try:
        handles.append(parts.blocks[0].register_forward_pre_hook(see_input))
        for block in parts.blocks:
            handles.append(block.register_forward_hook(see_output))
        model(ids)
    finally:
        for handle in handles:
            handle.remove()
    rows = []
    for layer, state in zip(["embedding", *range(len(parts.blocks))], states, strict=True):
        top = parts.unembedding(parts.final_norm(state[0, -1])).float().topk(top_k)
        tokens = [tokenizer.decode(i) for i in top.indices]
        rows.append({"layer": layer, "top_tokens": tokens, "top_token_logits": top.values})
    return rows
    ### END SOLUTION


# %% id="by-hooks-check" tags=["check"]
check("logit_lens.by_hooks", logit_lens_by_hooks)
logit_lens_by_hooks = mine_or_reference("logit_lens.by_hooks", logit_lens_by_hooks)

# %% [markdown] id="memory"
# ## 3 · Memory against context
#
# "In this text the word IPhone means Windows operating system." The world that the model has learned says Apple, what it reads says
# Microsoft. From which block on is Microsoft above Apple, and stays there?

# %% id="predict-overtakes"
my_overtaking = None


# %% id="memory-functions"
def first_token(answer: str) -> int:
    return tokenizer(" " + answer).input_ids[0]


def logits_at_end(prompts: list[str]) -> Float[Tensor, "block batch vocab"]:
    """The logits of every block after the last token of each prompt."""
    inputs = tokenizer(prompts, return_tensors="pt", padding=True, padding_side="right")
    streams = residual_streams(model, inputs.input_ids)  # a dict by layer of [batch, pos, d_model]
    rows, ends = range(len(prompts)), inputs.attention_mask.sum(1) - 1
    return torch.stack([parts.unembed(streams[i][rows, ends]) for i in range(n_blocks)]).cpu()


# %% id="memory-seen"
redefined = "In this text the word IPhone means Windows operating system. IPhone was developed by"
rival = logits_at_end([redefined])[:, 0]
is_above = rival[:, first_token("Microsoft")] > rival[:, first_token("Apple")]
lines = {
    name: list(enumerate(rival[:, first_token(name)].tolist())) for name in ("Apple", "Microsoft")
}
for name, points in lines.items():
    print(f"{name:10}", "  ".join(f"{logit:5.1f}" for _, logit in points))
overtaking = min(i for i in range(n_blocks + 1) if is_above[i:].all())
print(f"above from block {overtaking} on ({n_blocks}: never) · you predicted {my_overtaking}")
print("the model goes on with", repr(tokenizer.decode(rival[-1].argmax())))
apple, microsoft = (points[-1][1] for points in lines.values())
show(
    curves(lines, "block", "logit", title=redefined),
    f"Logits of Apple and Microsoft by block; at the last one {apple:.1f} and {microsoft:.1f}.",
)

# %% [markdown] id="exercise-first-block"
# How large is the gap at that block, and where does it open? "Above" says nothing of by how much, and among logits of no token that leads it may be noise. So below we
# also ask for more: that the answer *leads* all tokens. And one prompt is an anecdote. To speak of many, the picture has to become a number.
#
# ## Exercise 3.3 · Leads, and stays
#
# difficulty ●●○○○ · 15 minutes · 3 points
#
# **Goal.** The first block from which on the answer has the largest logit at *every* block. An answer that does not lead at the last block
# has none: give the number of blocks.
#
# `first_leading_block(logits [block, batch, vocab], answers [batch]) -> [batch]`, whole numbers
#
# <details><summary>Hint 1: the idea</summary>
#
# Go through the blocks from the last one: how many lead before one does not?
#
# <details><summary>Hint 2: pseudocode</summary>
#
# ```
# leads = argmax over the vocabulary == answers          # [block, batch]
# count = for each column: blocks that lead, from the last one on, without a gap
# return number of blocks - count
# ```
#
# <br><details><summary>Hint 3: the line people get wrong</summary>
#
# `leads.int().argmax(0)` is the first block that leads, whether it stays or not, and 0 where none does. On `leads.flip(0)`,
# `cumprod(0)` stays 1 until the first False.
#
# </details></details></details>


# %% id="first-block" tags=["exercise"]
def first_leading_block(
    logits: Float[Tensor, "block batch vocab"], answers: Int[Tensor, "batch"]
) -> Int[Tensor, "batch"]:
    """The first block from which on the answer leads; the number of blocks if it does not."""
    ### BEGIN SOLUTION
    leads = logits.argmax(dim=-1) == answers  # [block, batch]
    count = leads.flip(0).cumprod(dim=0).sum(dim=0)
    return len(logits) - count
    ### END SOLUTION


# %% id="first-block-check" tags=["check"]
check("logit_lens.first_block", first_leading_block)
first_leading_block = mine_or_reference("logit_lens.first_block", first_leading_block)

# %% [markdown] id="many"
# Now 140 redefinitions, ten different ones of each relation of the model's world, of those that its corpus leaves out (`skills.held_out`), and the same questions without the redefinition. Does
# the answer that is read settle earlier than the one that is remembered, later, or at the same block? And in how many of the 140 does the
# *remembered* answer lead at some block, before the model says the other?

# %% id="predict-many"
my_order = None  # "earlier", "later" or "same"
my_remembered = None  # of 140

# %% id="redefinitions"
rng = random.Random(0)


def redefinitions(relation: world.Relation, count: int = 10) -> list[tuple[str, str, str, str]]:
    """Of each: a redefining sentence, a question, its remembered answer and the one to be read."""
    found = {}
    while len(found) < count:
        old, new = rng.sample(relation.facts, 2)
        if old.answer != new.answer and skills.held_out(f"{old.subject} means {new.subject}"):
            sentence = skills.REDEFINITIONS[0].format(a=old.subject, b=new.subject)
            question = world.prompt(old, relation.phrasings[0])
            found[sentence] = sentence, question, old.answer, new.answer
    return list(found.values())


items = [item for relation in world.RELATIONS.values() for item in redefinitions(relation)]
old_ids, new_ids = (torch.tensor([first_token(item[i]) for item in items]) for i in (2, 3))
recalled = logits_at_end([question for _, question, _, _ in items])
context = logits_at_end([f"{sentence} {question}" for sentence, question, _, _ in items])
print(len(items), "redefinitions, for example:", " ".join(items[0][:2]), "…", items[0][3])

# %% id="many-seen"
pair = torch.stack([old_ids, new_ids], dim=1).expand(n_blocks, -1, -1)
settled = {
    "remembered answer leads (no redefinition)": first_leading_block(recalled, old_ids),
    "new answer leads": first_leading_block(context, new_ids),
    "new answer is above the old": first_leading_block(
        context.gather(2, pair), torch.ones(len(items), dtype=torch.long)
    ),
}
for name, block in settled.items():
    counts = block.bincount(minlength=n_blocks + 1).tolist()
    print(f"{name:43} median block {block.median():.0f};", *(f"{count:3}" for count in counts))
at_some_block = (context.argmax(-1) == old_ids).any(0).sum()
print(f"the remembered answer leads at some block in {at_some_block} of {len(items)}")
print("you predicted:", my_order, "and", my_remembered)
names = [*map(str, range(n_blocks)), "never"]
bars = {name: block.bincount(minlength=n_blocks + 1).tolist() for name, block in settled.items()}
medians = ", ".join(f"{name}: {block.median():.0f}" for name, block in settled.items())
show(
    grouped_bars(bars, names, "first block from which on", "prompts"),
    f"For {len(items)} redefinitions, from which block on an answer leads. Medians: {medians}.",
)

# %% [markdown] id="many-discussed"
# The last column counts prompts where it never happens. Compare the medians with your prediction, and the count of prompts where the memory shows at all with the story that "the model first
# remembers, then overwrites": how many of the 140 does that story fit?
#
# Before you make a law of the block where answers settle: about one tenth of this model's training loss came from answers read off before its last block
# ([model card](../course_utils/course_lm/MODEL_CARD.md)). What the lens shows at the last inner block is partly trained, not found.
#
# ## 4 · How far from the end?
#
# The leading token is a coarse measure. The **Kullback-Leibler divergence** compares whole distributions:
#
# $$\text{KL}(p_\text{final} \,\|\, p_\text{layer}) = \sum_\text{tokens} p_\text{final}\,(\log p_\text{final} - \log p_\text{layer})$$
#
# In nats. It is 0 at the last layer. It asks: if I expect what the layer says, how surprised am I by what the model says?
#
# ## Exercise 3.4 · The KL curve
#
# difficulty ●●○○○ · 15 minutes · 3 points
#
# **Goal.** The divergence of every layer, for logits of any batch shape. The last entry of the first dimension is the final layer. Logits can be as large as those in section 1, and the
# result has to stay finite.
#
# `kl_to_final(logits [layer, *batch, vocab]) -> [layer, *batch]`
#
# <details><summary>Hint 1: the idea</summary>
#
# The formula, with logarithms that are never taken of a rounded 0.
#
# <details><summary>Hint 2: pseudocode</summary>
#
# ```
# logs  = log-probabilities of logits, over the last dimension
# final = logs of the last layer
# return sum over the last dimension of exp(final) * (final - logs)
# ```
#
# <br><details><summary>Hint 3: the line people get wrong</summary>
#
# `softmax(...).log()` is `-inf` where the softmax is rounded to 0: use `log_softmax`. And `F.kl_div(a, b)` is the divergence
# from *b* to *a*: its first argument is the layer, in logarithms.
#
# </details></details></details>


# %% id="kl-curve" tags=["exercise"]
def kl_to_final(logits: Float[Tensor, "layer *batch vocab"]) -> Float[Tensor, "layer *batch"]:
    """KL(final ‖ layer) in nats."""
    ### BEGIN SOLUTION
    logs = logits.log_softmax(dim=-1)
    return (logs[-1].exp() * (logs[-1] - logs)).sum(dim=-1)
    ### END SOLUTION


# %% id="kl-curve-check" tags=["check"]
check("logit_lens.kl_curve", kl_to_final)
kl_to_final = mine_or_reference("logit_lens.kl_curve", kl_to_final)

# %% [markdown] id="prompts"
# Four prompts: a fact, a redefinition, a sum, a line of Python. Which of the four is the last to come near its end?

# %% id="predict-latest"
my_latest = None

# %% id="prompts-seen"
four = {
    "fact": "IPhone was developed by",
    "redefinition": redefined,
    "sum": "12 + 23 = ",
    "import": "import numpy as np\nimport ",
}
kl = kl_to_final(logits_at_end(list(four.values())))  # [block, 4]
for name, column in zip(four, kl.T, strict=True):
    print(f"{name:13}", "  ".join(f"{x:4.1f}" for x in column))
above_half = kl > kl[0] / 2
half = {
    name: int(column.nonzero().max()) + 1 for name, column in zip(four, above_half.T, strict=True)
}
print("less than half of block 0's KL from block … on:", half, "· you predicted", my_latest)
lines = {name: list(enumerate(column.tolist())) for name, column in zip(four, kl.T, strict=True)}
show(
    curves(lines, "block", "KL(final ‖ block), nats"),
    f"KL to the final distribution by block for four prompts, from {kl[0].min():.1f} to "
    f"{kl[0].max():.1f} nats at block 0 down to 0 at the last one.",
)

# %% id="arithmetic"
print_lens(four["sum"])
sums = [skills.arithmetic_item(rng) for _ in range(100)]
digits = torch.tensor([tokenizer(item.answer).input_ids[0] for item in sums])
right = logits_at_end([item.prompt for item in sums]).argmax(-1) == digits  # [block, 100]
print("first digit right, of 100 sums and differences, by block:", *right.sum(1).tolist())
print_lens(four["import"], top_k=4)
print_lens("import numpy as np\nimport", top_k=4)

# %% [markdown] id="heatmap"
# The count is of first digits alone; how many whole answers are right, the
# [model card](../course_utils/course_lm/MODEL_CARD.md) says. A lens shows what a model is about to say, right or wrong.
#
# The line of Python asks for a name, which may take several tokens. With a space at its end the prompt is cut otherwise than running text: do the two prints name whole modules, or pieces of
# their names?
#
# ## 5 · Every position at once
#
# The lens works at every token of the prompt, not only at the last. In the map below a cell shows what a layer (row) would say next after
# a token (column); its color is the KL to what the model says there in the end. `course_utils.lens.read` does this for a whole batch, a few hundred rows of logits
# at a time. After which token of the prompt below does the model take longest to come near its end, added up over the blocks?

# %% id="predict-column"
my_token = None

# %% id="lens-map"
SHOWN = ("tokens", "logits", "entropy", "rank of the next token")


def lens_map(prompt: str, k: int = 1, shows: str = "tokens") -> Picture:
    """What each layer says after the first 16 tokens: the plain function behind the explorer."""
    ids = tokenizer(prompt or " ", return_tensors="pt").input_ids[:, :16]
    streams = {layer: x[0].cpu() for layer, x in residual_streams(model, ids).items()}
    final = parts.unembed(streams[n_blocks - 1][-1:].to(model.device)).argmax(-1).cpu()
    following = torch.cat([ids[0, 1:], final])
    on_device = {layer: x.to(model.device) for layer, x in streams.items()}
    seen = read(model, on_device, k, ["kl", "entropy"], following.to(model.device))
    cells = {
        "tokens": lambda i, j: "\n".join(tokenizer.decode(t).strip() for t in seen.top_ids[i, j]),
        "logits": lambda i, j: "\n".join(f"{x:.1f}" for x in seen.top_logits[i, j]),
        "entropy": lambda i, j: f"{seen.entropy[i, j]:.1f}",
        "rank of the next token": lambda i, j: f"{seen.rank[i, j]}",
    }[shows]
    fig = lens_heatmap(
        [[cells(i, j) for j in range(ids.shape[1])] for i in range(n_blocks + 1)],
        seen.kl.tolist(),
        [str(layer) for layer in seen.layers],
        [tokenizer.decode(i) for i in ids[0]],
        "KL(final ‖ layer), nats",
        most=6,
    )
    answer = tokenizer.decode(seen.top_ids[-1, -1, 0])
    shown = tokenizer.decode(ids[0])
    alt = f"Layers by tokens of {shown!r}; after the last token the last block says {answer!r}."
    middle = f"KL there at block {n_blocks // 2}: {seen.kl[n_blocks // 2 + 1, -1]:.1f} nats."
    return Picture(fig, f"{alt} {middle}", state=f"prompt={prompt} k={k} shows={shows}")


# %% id="explorer"
streams = residual_streams(model, tokenizer(prompt, return_tensors="pt").input_ids)
kl = read(model, streams, top_k=1, measures=["kl"]).kl[1:, 0].sum(0)  # of each position
slowest = tokenizer.decode(tokenizer(prompt).input_ids[kl.argmax()])
print(f"the largest sum over the blocks is that of {slowest!r} · you predicted {my_token}")
explorer(
    lens_map,
    prompt=text_box(prompt),
    k=slider(1, 1, 3, 1),
    shows=menu("tokens", SHOWN),
)

# %% [markdown] id="exercise-translator"
# Write prompts of your own into the box; the map shows their first 16 tokens. Where does the next token lead from the first block on?
#
# ## 6 · A better lens
#
# Earlier blocks need not write in the language of the last one. The **tuned lens** (Belrose et al.) learns a translation for each layer: an affine map
# before norm and unembedding, trained so that the layer says as nearly as possible what the model says in the end. The
# model stays as it is.
#
# ## Exercise 3.5 · A translator
#
# difficulty ●●●○○ · 30 minutes · 4 points
#
# **Goal.** One layer's translator.
#
# - `forward`: $x + W x + b$. Before training it is the identity, so the tuned lens begins as the plain one.
# - `loss`: KL from the final distribution to that of the translated states, in nats, as the mean over all rows, whatever their shape. `unembed(x)` norms and unembeds; it is the model's,
#   and nothing in it is trained.
# - `fit(states [row, d_model], unembed, final_logits [row, vocab], …)`: `steps` steps of Adam, each on `batch_size` rows drawn at random, with `learning_rate`.
#
# `loss(states [*rows, d_model], unembed, final_logits [*rows, vocab]) -> one number, as a tensor`
#
# <details><summary>Hint 1: the idea</summary>
#
# A linear layer that begins with zeros, added to its input. The loss is exercise 3.4 with one layer.
#
# <details><summary>Hint 2: pseudocode</summary>
#
# ```
# init:    change = Linear(d_model, d_model), weight and bias zero
# forward: states + change(states)
# loss:    logs  = log-softmax of unembed(self(states))
#          final = log-softmax of final_logits
#          mean over rows of the sum over tokens of exp(final) * (final - logs)
# fit:     optimizer = Adam of self.parameters()
#          steps times: rows = random indices; loss of these rows;
#                       zero_grad, backward, step
# ```
#
# <br><details><summary>Hint 3: the line people get wrong</summary>
#
# `states += …` changes the tensor that it was given. And `F.kl_div(..., reduction="batchmean")` divides by the first dimension
# alone, `"mean"` by the vocabulary too: sum over the last dimension, then `.mean()`.
#
# </details></details></details>


# %% id="translator" tags=["exercise"]
class Translator(nn.Module):
    """The affine map of one layer, in residual form."""

    def __init__(self, d_model: int):
        super().__init__()
        ### BEGIN SOLUTION
        self.change = nn.Linear(d_model, d_model)
        nn.init.zeros_(self.change.weight)
        nn.init.zeros_(self.change.bias)
        ### END SOLUTION

    def forward(self, states: Float[Tensor, "*rows d_model"]) -> Float[Tensor, "*rows d_model"]:
        ### BEGIN SOLUTION
        return states + self.change(states)
        ### END SOLUTION

    def loss(self, states, unembed, final_logits: Float[Tensor, "*rows vocab"]) -> Tensor:
        ### BEGIN SOLUTION
        logs = unembed(self(states)).log_softmax(dim=-1)
        final = final_logits.log_softmax(dim=-1)
        return (final.exp() * (final - logs)).sum(dim=-1).mean()
        ### END SOLUTION

    def fit(
        self, states, unembed, final_logits, steps=100, learning_rate=1e-3, batch_size=128
    ) -> None:
        ### BEGIN SOLUTION
        optimizer = torch.optim.Adam(self.parameters(), lr=learning_rate)
        for _ in range(steps):
            rows = torch.randint(len(states), (batch_size,), device=states.device)
            loss = self.loss(states[rows], unembed, final_logits[rows])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        ### END SOLUTION


# %% id="translator-check" tags=["check"]
check("logit_lens.translator", Translator)
Translator = mine_or_reference("logit_lens.translator", Translator)

# %% [markdown] id="tuned"
# A translator for each layer but the last, trained on the tokens of 100 documents, measured on 40 others. Of the plain lens's KL at block 1,
# what share will the tuned lens have left? (`course_utils.lens` has the whole as `train_tuned_lens`, and a `TunedLens` that can be saved and loaded.)

# %% id="predict-tuned"
my_share = None

# %% id="tuned-trained"
train, held_out = (
    document_states(model, tokenizer, list(texts(seed, count)), length=48)
    for seed, count in ((1, 100), (2, 40))
)
with torch.no_grad():
    final_logits = parts.unembed(train[n_blocks - 1])
torch.manual_seed(0)
translators = {}
for layer in list(train)[:-1]:
    translators[layer] = Translator(train[layer].shape[-1]).to(model.device)
    translators[layer].fit(train[layer], parts.unembed, final_logits, 80, learning_rate=3e-3)
with torch.no_grad():
    translated = {layer: t(held_out[layer]) for layer, t in translators.items()}
translated[n_blocks - 1] = held_out[n_blocks - 1]
print(f"trained on {len(train[0])} tokens, measured on {len(held_out[0])}")

# %% id="tuned-seen"
lenses = {"plain lens": mean_kl(model, held_out), "tuned lens": mean_kl(model, translated)}
for name, curve in lenses.items():
    print(f"{name}, embedding and blocks:", "  ".join(f"{kl:.1f}" for kl in curve.values()))
left = lenses["tuned lens"][1] / lenses["plain lens"][1]
print(f"left at block 1: {left:.1f} · you predicted {my_share}")
nearer = sum(lenses["tuned lens"][layer] < lenses["plain lens"][layer] for layer in translators)
print(f"the tuned lens is nearer at {nearer} of {len(translators)} layers")
lines = {name: [(b, curve[b]) for b in range(n_blocks)] for name, curve in lenses.items()}
show(
    curves(lines, "block", "KL(final ‖ block), nats"),
    f"Mean KL on held-out tokens by block: plain lens from {lines['plain lens'][0][1]:.1f} "
    f"nats, the tuned lens at {lines['tuned lens'][0][1]:.1f}; both end at 0.",
)

# %% [markdown] id="misleads"
# Where the tuned lens is nearer, part of what looked like "not yet known" can be read after all, through an affine map.
#
# ## 7 · Where the lens misleads
#
# **It has a bias.** Averaged over all tokens, a faithful lens would say what the model says on average. Does it? Compare the
# *mean* distributions, and look at the tokens that block 1 names too often.

# %% id="bias"
with torch.no_grad():
    for name, states in (("plain", held_out), ("tuned", translated)):
        means = torch.stack(
            [parts.unembed(states[block]).softmax(-1).mean(0) for block in range(n_blocks)]
        )
        print(f"{name} lens, KL of the means:", *(f"{x:5.1f}" for x in kl_to_final(means.log())))
        too_often = (means[1] - means[-1]).topk(5).indices
        print("  block 1 leans to", [tokenizer.decode(token) for token in too_often])

# %% [markdown] id="used"
# Where these numbers are above 0, the lens leans to some tokens on the whole, whatever the prompt is. How much of that has a tuned lens left?
#
# **What can be read need not be used.** Before the right answer leads, the lens names another one. Is that a step of the model's
# reasoning? Of the blocks where another token leads for at least half of the facts that the model knows, take the last. Take the direction of that token out of the stream there, at the last position, and let the
# model go on. In what share of these facts does the final answer change? Beside it, two other directions: a random one, and that of the right answer; and that of the right answer once more at the
# last inner block, to see that the method can change anything.

# %% id="predict-used"
my_changed = None

# %% id="used-seen"
facts = [fact for i, fact in enumerate(world.FACTS) if i % 8 == 0]
questions = [world.prompt(f, world.RELATIONS[f.relation].phrasings[0]) for f in facts]
answers = torch.tensor([first_token(fact.answer) for fact in facts])
intact = logits_at_end(questions)
said, is_other = intact[-1].argmax(-1), intact.argmax(-1) != answers  # [batch], [block, batch]
share = is_other[:, said == answers].float().mean(1)
early_block = max((block for block in range(n_blocks) if share[block] >= 0.5), default=0)
early, known = intact[early_block].argmax(-1), (said == answers) & is_other[early_block]
ends = torch.tensor([len(tokenizer(question).input_ids) - 1 for question in questions])


def answers_without(directions: Float[Tensor, "batch d_model"], block: int) -> Int[Tensor, "batch"]:
    """What the model says with these directions taken out behind the block, at the end."""
    units = torch.nn.functional.normalize(directions, dim=-1).to(model.device)

    def take_out(stream, positions):
        rows = torch.arange(len(ends))
        state = stream[rows, ends]
        stream[rows, ends] = state - (state * units).sum(-1, keepdim=True) * units
        return stream

    with edit(model, {("block", block): take_out}):
        return logits_at_end(questions)[-1].argmax(-1)


# %% id="used-compared"
read_off = parts.unembedding.weight[early.to(model.device)] * parts.final_norm.weight
chance = torch.randn(read_off.shape, generator=torch.Generator().manual_seed(0))
print(f"of {len(facts)} facts {(said == answers).sum()} are known at the end; for {known.sum()} of")
print(f"these another token leads at block {early_block}")
right = parts.unembedding.weight[answers.to(model.device)] * parts.final_norm.weight
for block, name, directions in (
    (early_block, "the token that leads", read_off),
    (early_block, "a random direction", chance),
    (early_block, "the right answer", right),
    (n_blocks - 2, "the right answer", right),
):
    changed = (answers_without(directions, block) != said)[known].float().mean()
    print(f"block {block}, without {name}: the answer changes in {changed:.0%}")
print("you predicted", my_changed)

# %% [markdown] id="real"
# Compare the first share with the last: the token that the lens names at the early block, and the direction in which the answer stands at the last inner one. Where taking out changes next to nothing, what the lens read off was not what
# the model went on with. And if the right answer's own direction is not needed at the early block either, the answer is not there yet, or stands in another form. What the lens reads off is a projection of the state,
# chosen by us; whether the model *uses* it takes interventions to say, and they come in notebook 04.
#
# **It sees one token.** An answer of several tokens shows by its first piece, and a space at the end of the prompt changes what that is.
#
# ## 8 · On a real model
#
# Your lens runs on Llama, Qwen2, GPT-2 and GPT-NeoX models. Set the name and run the cell: about 1 GB is fetched once from the Hub.

# %% id="on-a-real-model"
REAL_MODEL = None  # "Qwen/Qwen2.5-0.5B-Instruct"

if REAL_MODEL is None:
    print('Not run: set REAL_MODEL to a model of the Hub, such as "Qwen/Qwen2.5-0.5B-Instruct".')
else:
    real_model, real_tokenizer = load_lm(REAL_MODEL)
    for row in logit_lens(real_model, real_tokenizer, prompt, top_k=3):
        print(f"{row['layer']:>9}", row["top_tokens"])

# %% [markdown] id="remember"
# ## What to remember
#
# - `hidden_states[i]` enters block i. The last entry has been normed, the others have not.
# - Every state through the final norm exactly once. If logits jump from one scale to another, look for the norm.
# - A hook that you register you remove, in `finally`; nobody else's.
# - "Leads" is not "leads and stays". Ask it of a hundred prompts and show the distribution.
# - KL(final ‖ layer) in nats compares whole distributions; a tuned lens is trained to make it smaller, by translating.
#
# **Where it fails.** What an early layer seems to say may be the lens's own bias; what can be read need not be used; and what is there in another basis, or will take several tokens to
# say, the plain lens does not show. A tuned lens is a trained map: it tells what *can be predicted* from a state.
#
# ## Papers
#
# - nostalgebraist: [interpreting GPT: the logit lens](https://www.lesswrong.com/posts/AcKRB8wDpdaN6v6ru/interpreting-gpt-the-logit-lens), 2020.
# - Nora Belrose et al.: [Eliciting Latent Predictions from Transformers with the Tuned Lens](https://arxiv.org/abs/2303.08112), 2023. Exercise 3.5 is its translator.
# - Kevin Meng et al.: [Locating and Editing Factual Associations in GPT](https://arxiv.org/abs/2202.05262), 2022. The interventions of notebook 04.
