# %% [markdown] id="title"
# # 04 · Causal tracing and ablation: which parts of a model an answer needs
#
# Where does a model keep that the Space Needle is in Seattle? You damage the model's view of the subject, repair one
# state at a time, and see which repair brings the answer back: first for one fact, then for more than a hundred, with
# intervals and controls. Then you switch heads off, in three ways, and see how far the way decides what you find.
#
# 120 minutes. You need [notebook 01](01_anatomy.ipynb) (blocks, heads, residual stream) and PyTorch hooks.
#
# At the end you will be able to
#
# - measure the effect of one state on an answer, with a clean, a corrupted and a restored run;
# - average effects over facts, with intervals, and test them by controls;
# - find heads that do induction, and heads that rest on the first token;
# - ablate a head by zero, mean and resampling, and say what each of them shows.

# %% id="bootstrap" tags=["setup"]

# %% id="imports" tags=["setup"]
import random
from itertools import islice

import torch

from course_utils.anatomy import anatomy
from course_utils.checks import check, mine_or_reference
from course_utils.course_lm import world
from course_utils.course_lm.corpus import single_token_words
from course_utils.models import load_lm
from course_utils.plots import Picture, bars_by_baseline, effect_curves, effect_map, head_map, show
from course_utils.tracing import (
    BASELINES,
    KINDS,
    ROLES,
    ablate,
    activation_patching,
    answer_token,
    attention_patterns,
    causal_trace,
    first_token_scores,
    subject_span,
    token_roles,
)
from course_utils.widgets import explorer, menu, slider

# %% [markdown] id="three-runs"
# ## 1 · What does the noise take away?
#
# Causal tracing compares three runs on one prompt:
#
# - **clean**: as it is; the answer $o$ has the probability $P[o]$;
# - **corrupted**: the subject's embeddings get noise; the probability falls to $P_*[o]$;
# - **corrupted, with one state restored**: one state is set to what it was in the clean run.
#
# The **total effect** is what the noise takes away, the **indirect effect** what one state $h$ brings back:
#
# $$\mathrm{TE} = P[o] - P_*[o] \qquad\qquad \mathrm{IE}(h) = P_{*,\,\text{clean } h}[o] - P_*[o]$$
#
# (Meng et al. 2022, section 2. Probabilities, not logits; the mean over several draws of the noise.)

# %% id="clean-run"
model, tokenizer = load_lm()
n_blocks = len(anatomy(model).blocks)
prompt, subject, answer = (
    "The Space Needle is located in the city of",
    "The Space Needle",
    "Seattle",
)
input_ids = tokenizer(prompt, return_tensors="pt")["input_ids"].to(model.device)
span = subject_span(tokenizer, prompt, subject)
answer_id = answer_token(tokenizer, prompt, answer)
tokens = tokenizer.batch_decode(input_ids[0][:, None])
with torch.no_grad():
    probabilities = model(input_ids).logits[0, -1].softmax(-1)
print(f"subject {tokens[span]}, positions {span.start} to {span.stop - 1} of {len(tokens)}")
print(f"P[{answer}] = {probabilities[answer_id]:.2f}")

# %% [markdown] id="exercise-corrupt"
# ## Exercise 4.1 · Corrupt
#
# difficulty ●●○○○ · 15 minutes · 5 points
#
# **Goal.** The prompt's token embeddings, once for every noise sample, with normal noise added at the subject's positions.
# Its standard deviation is **3 times that of all numbers in the model's embedding table**. The same `seed` gives the same
# noise. The result is for `model(inputs_embeds=...)`. It works on any model whose embedding layer is a plain table. (Gemma's multiplies
# what it looks up; `course_utils.tracing` takes that into account.)
#
# `corrupt(model, input_ids, subject, n_samples, seed) -> Float[Tensor, "n_samples pos d_model"]`; `subject` is a slice.
#
# <details><summary>Hint 1: the idea</summary>
#
# Look the ids up in the table, repeat the result for every sample, and add noise in the slice.
#
# <details><summary>Hint 2: pseudocode</summary>
#
# ```
# table     = the model's input embeddings
# corrupted = embeddings of input_ids, n_samples times
# noise     = normal numbers, [n_samples, tokens of the subject, d_model], from a generator with the seed
# corrupted at the subject += 3 * (standard deviation of the table's weight) * noise
# ```
#
# <br><details><summary>Hint 3: the line people get wrong</summary>
#
# `corrupted[:, subject] += …`: every sample, and the subject alone. `.repeat(n_samples, 1, 1)` makes copies; `.expand` does
# not, and all samples would share one memory. GPT-2's table has another name than Qwen's: `model.get_input_embeddings()`.
#
# </details></details></details>


# %% id="corrupt" tags=["exercise"]
@torch.no_grad()
def corrupt(model, input_ids, subject, n_samples: int, seed: int):
    """Embeddings [n_samples, pos, d_model] of the prompt [1, pos], with noise on the subject."""
    ### BEGIN SOLUTION
    table = model.get_input_embeddings()
    corrupted = table(input_ids).repeat(n_samples, 1, 1)
    generator = torch.Generator().manual_seed(seed)
    noise = torch.randn(corrupted[:, subject].shape, generator=generator)
    corrupted[:, subject] += 3 * table.weight.std() * noise.to(corrupted)
    return corrupted
    ### END SOLUTION


# %% id="corrupt-check" tags=["check"]
check("causal_tracing.corrupt", corrupt)
corrupt = mine_or_reference("causal_tracing.corrupt", corrupt)

# %% [markdown] id="after-corrupt"
# How probable is Seattle with the noise, and what does the model say instead?

# %% id="predict-corrupted"
my_probability = None

# %% id="corrupted-run"
corrupted = corrupt(model, input_ids, span, 10, 0)
with torch.no_grad():
    noisy = model(inputs_embeds=corrupted).logits[:, -1].softmax(-1)
print(f"P*[{answer}] = {noisy[:, answer_id].mean():.2f} · you predicted {my_probability}")
print(f"TE = {probabilities[answer_id] - noisy[:, answer_id].mean():.2f}")
print("instead:", tokenizer.batch_decode(noisy.argmax(-1)[:, None]))

# %% [markdown] id="exercise-restore"
# ## 2 · Which state brings the answer back?
#
# ## Exercise 4.2 · Restore one state
#
# difficulty ●●●○○ · 20 minutes · 4 points
#
# **Goal.** The probability of the answer in the corrupted run, when the **output of one block at one position** is set to its
# value in the clean run: the mean over the samples. Layer $i$ is the output of block $i$. No hook stays on the model, even if
# it raises an error, or by Ctrl-C. `anatomy(model).blocks` finds the blocks, whatever they are called.
#
# `restore(model, input_ids, corrupted, block, position, answer) -> Float[Tensor, ""]`; `answer` is a token id.
#
# <details><summary>Hint 1: the idea</summary>
#
# A forward hook sees a module's output, and what it returns takes the output's place. Use one to keep the clean state, then one
# to put it into the corrupted run.
#
# <details><summary>Hint 2: pseudocode</summary>
#
# ```
# keep: a hook on blocks[block] that stores its output; run input_ids; take the hook off
# put:  a hook that returns the output with [:, position] = the stored state
# run inputs_embeds=corrupted; take the hook off in finally
# softmax of the last position's logits, the answer's column, mean over the samples
# ```
#
# <br><details><summary>Hint 3: the line people get wrong</summary>
#
# `output[:, position] = state`. A block of transformers 5 returns a tensor `[batch, pos, d_model]`: `output[0]` is the first
# sample. And `hidden_states[i]` is the *input* of block i, its last entry is through the final norm: take states with hooks.
#
# </details></details></details>


# %% id="restore" tags=["exercise"]
@torch.no_grad()
def restore(model, input_ids, corrupted, block: int, position: int, answer: int):
    """Mean probability of the answer with the clean output of the block at the position."""
    module = anatomy(model).blocks[block]
    ### BEGIN SOLUTION
    states = []

    def keep(module, args, output):
        states.append(output[0, position])

    def put(module, args, output):
        output = output.clone()
        output[:, position] = states[0]
        return output

    def run_with(hook, **inputs):
        handle = module.register_forward_hook(hook)
        try:
            return model(**inputs).logits
        finally:
            handle.remove()

    run_with(keep, input_ids=input_ids)
    logits = run_with(put, inputs_embeds=corrupted)
    return logits[:, -1].softmax(-1)[:, answer].mean()
    ### END SOLUTION


# %% id="restore-check" tags=["check"]
check("causal_tracing.restore", restore)
restore = mine_or_reference("causal_tracing.restore", restore)

# %% [markdown] id="after-restore"
# After block 0, the state at which token brings back most? And after the last block but one?

# %% id="predict-positions"
my_early_token, my_late_token = None, None

# %% id="two-rows"
for block, mine in [(0, my_early_token), (n_blocks - 2, my_late_token)]:
    row = [
        restore(model, input_ids, corrupted, block, i, answer_id).item() for i in range(len(tokens))
    ]
    best = max(range(len(tokens)), key=row.__getitem__)
    print(f"block {block}: {tokens[best]!r} at {best}, P = {row[best]:.2f} · you predicted {mine}")

# %% [markdown] id="exercise-effects"
# ## Exercise 4.3 · The map of indirect effects
#
# difficulty ●●○○○ · 15 minutes · 3 points
#
# **Goal.** The total effect, and the indirect effect of every block's output at every position. Use the formulas above. No hook
# stays on the model.
#
# `effects(model, input_ids, corrupted, answer) -> (Float[Tensor, ""], Float[Tensor, "block pos"])`
#
# <details><summary>Hint 1: the idea</summary>
#
# One clean run, one corrupted run, and `restore` for each cell.
#
# <details><summary>Hint 2: pseudocode</summary>
#
# ```
# clean = probability of the answer for input_ids
# noisy = mean probability of the answer for inputs_embeds=corrupted
# indirect[block, position] = restore(…) - noisy
# return clean - noisy, indirect
# ```
#
# <br><details><summary>Hint 3: the line people get wrong</summary>
#
# Both effects subtract the *corrupted* run. The softmax comes before the mean over the samples:
# `.softmax(-1)[:, answer].mean()`.
#
# </details></details></details>


# %% id="effects" tags=["exercise"]
@torch.no_grad()
def effects(model, input_ids, corrupted, answer: int):
    """The total effect, and the indirect effects [block, pos]."""
    n_blocks, n_positions = len(anatomy(model).blocks), input_ids.shape[1]
    ### BEGIN SOLUTION
    clean = model(input_ids).logits[0, -1].softmax(-1)[answer]
    noisy = model(inputs_embeds=corrupted).logits[:, -1].softmax(-1)[:, answer].mean()
    rows = [
        torch.stack(
            [restore(model, input_ids, corrupted, b, p, answer) for p in range(n_positions)]
        )
        for b in range(n_blocks)
    ]
    return clean - noisy, torch.stack(rows) - noisy
    ### END SOLUTION


# %% id="effects-check" tags=["check"]
check("causal_tracing.effects", effects)
effects = mine_or_reference("causal_tracing.effects", effects)

# %% id="residual-map"
total, indirect = effects(model, input_ids, corrupted, answer_id)
block, position = divmod(int(indirect[:, span].argmax()), span.stop - span.start)
show(
    effect_map(indirect.cpu(), tokens, span, title=f"Output of a block restored; TE = {total:.2f}"),
    f"Heat map of {n_blocks} blocks by {len(tokens)} tokens. In the subject the largest effect is "
    f"{indirect[:, span].max():.2f}, at {tokens[span][position]!r} after block {block}; "
    f"at the last token it grows from {indirect[0, -1]:z.2f} to {indirect[-1, -1]:z.2f}.",
)
print(f"last token, block by block: {' '.join(f'{x:z.2f}' for x in indirect[:, -1])}")

# %% [markdown] id="map-seen"
# Where is the effect large? Look for a site on the subject, and for one on the last token, and at which blocks they are. The last column is no finding: the last block's output at
# the last token *is* the answer, so its effect is the total effect; nothing reads the other positions there any more.
#
# One run for each cell computes the same things again and again. The library lets a **batch grow**: up to block $l$ a restored run is the same as the corrupted
# one, so its rows join the batch only after block $l$. `causal_trace` gives the same numbers that way, and does two more things:
# it restores the outputs of MLPs or of attention, in a window of blocks around one, cut off at the first and last block.

# %% id="parts-maps"
few = corrupt(model, input_ids, span, 3, 0)
total_of_few, map_of_few = effects(model, input_ids, few, answer_id)
trace = causal_trace(model, tokenizer, prompt, subject, answer, n_samples=3)
print(f"TE of three samples: yours {total_of_few:.2f}, causal_trace {trace.total_effect:.2f}")
difference = (map_of_few.cpu() - trace.indirect_effects).abs().max()
print(f"largest difference of a cell: {difference:.4f} (0 if the noise is drawn in the same order)")
parts_traces = {
    kind: causal_trace(model, tokenizer, prompt, subject, answer, kind, 3) for kind in KINDS[1:]
}
for kind, one in parts_traces.items():
    effect = one.indirect_effects
    show(
        effect_map(effect, tokens, span, title=f"Output of {kind} restored in 3 blocks"),
        f"Heat map for {kind}. The largest effect on the subject is {effect[:, span].max():.2f}, "
        f"on the last token {effect[:, -1].max():.2f} around block {int(effect[:, -1].argmax())}.",
    )

# %% [markdown] id="exercise-average"
# ## 3 · One fact is an anecdote
#
# Meng et al. report, for GPT-2 XL over 1,000 statements, an early site at the *last subject token* where MLPs matter, and a late
# site at the last token where attention matters (section 2.2, figure 2). Does our small model show it? To average over prompts of
# different lengths, align tokens by their role. `token_roles(subject, length)` gives a dict from each role to the list of its positions, which may be empty: the first, middle and
# last subject tokens, the first token after them, further tokens, the last token. The only token of a short subject is its last;
# the prompt's last token has that role alone.
#
# ## Exercise 4.4 · Average over facts
#
# difficulty ●●●○○ · 20 minutes · 3 points
#
# **Goal.** For every block and role: the mean effect over facts, and half of its 95 % interval, **1.96 standard errors**
# ($s/\sqrt{n}$, with the standard deviation $s$ of a sample, divided by $n-1$). Tokens of one role are averaged *within* a fact
# first: each fact counts once. A fact that lacks a role does not count for it.
#
# `average_effects(maps, subjects) -> (Float[Tensor, "block role"], Float[Tensor, "block role"])`; `maps` is a list of tensors
# `[block, pos]`, `subjects` a list of slices.
#
# <details><summary>Hint 1: the idea</summary>
#
# Collect one column of blocks for each fact and role, where the role has positions.
#
# <details><summary>Hint 2: pseudocode</summary>
#
# ```
# for each map, subject:
#     for each role and its positions in token_roles(subject, length of the map):
#         if there are any: keep the mean over the positions, a column of blocks
# for each role: mean over the kept columns; 1.96 * their standard deviation / sqrt(how many)
# stack the roles as columns
# ```
#
# <br><details><summary>Hint 3: the line people get wrong</summary>
#
# `columns.std(0)` divides by n - 1, NumPy's `std` by n. And $n$ is the number of facts *with the role*, not of all facts, not of
# tokens.
#
# </details></details></details>


# %% id="average" tags=["exercise"]
def average_effects(maps, subjects):
    """Mean effect [block, role] over facts, and half of its 95 % interval."""
    ### BEGIN SOLUTION
    columns = {role: [] for role in ROLES}
    for effect, subject in zip(maps, subjects, strict=True):
        for role, at in token_roles(subject, effect.shape[1]).items():
            if at:
                columns[role].append(effect[:, at].mean(1))
    stacked = [torch.stack(columns[role]) for role in ROLES]
    mean = torch.stack([x.mean(0) for x in stacked], dim=1)
    half = torch.stack([1.96 * x.std(0) / len(x) ** 0.5 for x in stacked], dim=1)
    return mean, half
    ### END SOLUTION


# %% id="average-check" tags=["check"]
check("causal_tracing.average", average_effects)
average_effects = mine_or_reference("causal_tracing.average", average_effects)

# %% [markdown] id="predict-average-text"
# Now a hundred facts and some more, drawn from the course's world, each known with a probability above one half. At the subject's last token: which
# restores more in the first blocks, MLPs or attention? And where at the last token is attention's peak?

# %% id="predict-average"
my_early_kind, my_late_block = None, None


# %% id="pick-facts"
def question(fact):
    """Prompt, subject as it stands there, answer."""
    text = world.prompt(fact, world.RELATIONS[fact.relation].phrasings[0])
    name = fact.subject if fact.subject in text else fact.subject[0].upper() + fact.subject[1:]
    return text, name, fact.answer


def is_known(text, name, word):
    ids = tokenizer(text, return_tensors="pt")["input_ids"].to(model.device)
    word_ids = tokenizer(f" {word}")["input_ids"]
    if len(word_ids) != 1 or text.count(name) != 1:
        return False
    with torch.no_grad():
        return model(ids, logits_to_keep=1).logits[0, -1].softmax(-1)[word_ids[0]] > 0.5


questions = [question(fact) for fact in world.FACTS]
drawn = random.Random(0).sample(questions, len(questions))
facts = list(islice((item for item in drawn if is_known(*item)), 105))
print(f"{len(facts)} facts, such as {facts[0][0]!r} → {facts[0][2]}")
assert len(facts) >= 100

# %% id="trace-facts"
WINDOWS = {"block": 1, "mlp": 3, "attention": 3}


def with_interval(numbers):
    """The mean and half of its 95 % interval, as text."""
    numbers = torch.tensor(numbers)
    return f"{numbers.mean():z.2f} ± {1.96 * numbers.std() / len(numbers) ** 0.5:.2f}"


traces, averages = {}, {}
for kind, window in WINDOWS.items():  # a line after each
    traces[kind] = [
        causal_trace(model, tokenizer, *fact, kind, window, n_samples=2) for fact in facts
    ]
    averages[kind] = average_effects(
        [one.indirect_effects for one in traces[kind]], [one.subject for one in traces[kind]]
    )
    totals = with_interval([one.total_effect for one in traces[kind]])
    print(f"{kind}: {len(facts)} facts traced, mean total effect {totals}")

# %% id="average-figure"
for role in (2, 5):
    print(f"{ROLES[role]}, mean by block")
    for kind in KINDS:
        mean, half = (table[:, role] for table in averages[kind])
        best = int(mean.argmax())
        row = " ".join(f"{x:z5.2f}" for x in mean)
        print(f"{kind:>9} {row}   peak {mean[best]:.2f} ± {half[best]:.2f} at block {best}")
print("you predicted", my_early_kind, "and block", my_late_block)
peaks = (f"{kind} {averages[kind][0][:, 2].max():.2f}" for kind in KINDS)
show(
    effect_curves(averages, {ROLES[i]: i for i in (2, 5)}),
    "Six curves of mean indirect effect by block, 95 % bands; windows of 3 blocks for MLPs and "
    f"attention. Peaks at the last subject token: {', '.join(peaks)}; at the last token attention "
    f"peaks at {averages['attention'][0][:, 5].max():.2f}.",
)


# %% id="average-verdicts"
def reaches_half(kind, role):
    """The first block at which the curve is above half of its peak."""
    mean = averages[kind][0][:, role]
    return int((mean > mean.max() / 2).nonzero()[0])


residual = averages["block"][0][:, 2]
left = int((residual > residual.max() / 2).nonzero()[-1])
print(f"two sites: the state at the last subject token keeps half of its peak up to block {left},")
print(f"  that at the last token has half of its own from block {reaches_half('block', 5)} on")
late = [reaches_half(kind, 5) for kind in ("attention", "mlp")]
print("late site: attention has half of its peak from block {} on, MLPs from {}".format(*late))
early = [averages[kind][0][: n_blocks // 2, 2].max() for kind in ("mlp", "attention")]
print("early site, first half of the blocks: MLPs at most {:.2f}, attention {:.2f}".format(*early))

# %% [markdown] id="average-seen"
# Read the lines against the published pattern, claim by claim. *Two sites*: does the subject's come early, and the last token's late? *The late site
# belongs to attention*: whose curve rises first at the last token? *The early site belongs to the MLPs*: who restores more at the last subject token, and are the bands apart?
#
# Where a claim fails here, think of what is different: a subject may be several pieces of words, which attention in the
# first blocks has to put together, and few blocks leave little room between that and recalling the fact. The
# method is the published one; the result is this model's own.
#
# ## 4 · Two controls
#
# An effect means little until something that should have none has been tried. **Another subject's state**: restore a state from the run of a prompt about a
# *different* subject, where the curve of its own has its peak. If any clean-looking state helped, this one would too. **Noise elsewhere**: corrupt the tokens *after* the subject. Is the total effect
# smaller?

# %% id="predict-controls"
my_other_subject, my_noise_elsewhere = None, None


# %% id="controls"
def partner(one, others):
    """The first of the others that has another subject and answer, the same words around the
    subject, and as many tokens."""
    for other in others:
        is_alike = one[0].replace(one[1], "") == other[0].replace(other[1], "")
        lengths = {len(tokenizer(x[0])["input_ids"]) for x in (one, other)} if is_alike else ()
        if len(lengths) == 1 and one[2] != other[2] and is_known(*other):
            return other


pairs = ((i, partner(one, questions)) for i, one in enumerate(facts))
partners = dict(islice(((i, other) for i, other in pairs if other), 40))
print(f"{len(partners)} facts, last subject token, at the peak of each curve")
for kind, window in WINDOWS.items():
    block, own, others = int(averages[kind][0][:, 2].argmax()), [], []
    for i, other in partners.items():
        last = traces[kind][i].subject.stop - 1
        control = causal_trace(model, tokenizer, *facts[i], kind, window, 2, states_of=other[0])
        own.append(traces[kind][i].indirect_effects[block, last])
        others.append(control.indirect_effects[block, last])
    print(f"{kind:>9}, block {block}: own {with_interval(own)}, another's {with_interval(others)}")
print("you predicted for another's:", my_other_subject)

# %% id="controls-elsewhere"
elsewhere, same_facts = [], []
for (text, name, word), one in zip(facts[:60], traces["block"], strict=False):
    rest = text.split(name)[1]
    if text.startswith(name) and text.count(rest) == 1 and len(tokenizer(rest)["input_ids"]) > 1:
        trace = causal_trace(model, tokenizer, text, rest, word, n_samples=2)
        elsewhere.append(trace.total_effect)
        same_facts.append(one.total_effect)
print(f"{len(elsewhere)} facts, total effect of noise on")
print(f"the subject: {with_interval(same_facts)}")
print(f"the rest:    {with_interval(elsewhere)} · you predicted {my_noise_elsewhere}")

# %% [markdown] id="controls-read"
# Does another subject's state bring anything back? Where its effect is below 0 it takes what the noise had left; if it is as large as the prompt's own, any clean-looking state would
# do, and the site says nothing about *this* subject.
#
# With the noise after the subject, the subject's own states need not be tried: attention looks back only, so they are the same in both runs. But compare the two total effects. If noise on *any* tokens destroys an answer, a large total effect alone says nothing about where a fact is.
#
# ## 5 · Which heads copy, which rest?
#
# In a text written twice, an **induction head** looks from a token to the one that came *after* the same token last time, and so
# knows what comes next. Another kind attends to the first token, whatever the text says: a **resting place**.
#
# ## Exercise 4.5 · Induction score
#
# difficulty ●●○○○ · 15 minutes · 2 points
#
# **Goal.** The text is $n$ tokens, written twice. For each head: its attention weight from each token of the *second* copy to the
# token *after* the same one in the first; the mean over these $n$ queries and the batch.
#
# `induction_scores(patterns) -> Float[Tensor, "block head"]`; `patterns` is `[block, batch, head, query, key]`.
#
# <details><summary>Hint 1: the idea</summary>
#
# The query at position q holds a token that stood at q - n. Which key comes after it?
#
# <details><summary>Hint 2: pseudocode</summary>
#
# ```
# n       = half of the length
# queries = n, n + 1, …, 2n - 1
# keys    = queries - n + 1
# pick patterns at (query, key) pairs; mean over the batch and the pairs
# ```
#
# <br><details><summary>Hint 3: the line people get wrong</summary>
#
# `patterns[..., queries, keys]` picks pairs, if both are tensors of $n$ numbers. A whole `diagonal(1 - n)` has one entry too many: the
# last token of the first copy.
#
# </details></details></details>


# %% id="induction-scores" tags=["exercise"]
def induction_scores(patterns):
    """Mean attention [block, head] from the second copy to the token after the same one."""
    ### BEGIN SOLUTION
    n = patterns.shape[-1] // 2
    queries = torch.arange(n, 2 * n)
    return patterns[..., queries, queries - n + 1].mean(dim=(1, 3))
    ### END SOLUTION


# %% id="induction-scores-check" tags=["check"]
check("causal_tracing.induction_scores", induction_scores)
induction_scores = mine_or_reference("causal_tracing.induction_scores", induction_scores)

# %% [markdown] id="predict-heads-text"
# In which block do you expect the strongest induction head? It needs an earlier one that tells
# each token what came before it.

# %% id="predict-heads"
my_induction_block = None


# %% id="head-scores"
def copies(rows: int, seed: int):
    """Lines of 12 random words, each line twice: token ids [rows, 2n]."""
    draw = random.Random(seed)
    words = [w for w in single_token_words() if len(tokenizer(f" {w}")["input_ids"]) == 1]
    lines = [f"Copy: {' '.join(draw.sample(words, 12))}\n" for _ in range(rows)]
    return tokenizer([line * 2 for line in lines], return_tensors="pt")["input_ids"].to(
        model.device
    )


by_length = {}
for question_text, _, word in questions:
    ids, word_ids = (tokenizer(x)["input_ids"] for x in (question_text, f" {word}"))
    if len(word_ids) == 1:
        by_length.setdefault(len(ids), []).append((ids, word_ids[0]))
most = max(by_length.values(), key=len)  # facts whose prompts have as many tokens
same_length = random.Random(0).sample(most, min(96, len(most)))
prompts = torch.tensor([ids for ids, _ in same_length], device=model.device)
answers = torch.tensor([word for _, word in same_length], device=model.device)
text, other_text = copies(16, 0), copies(16, 1)
induction = induction_scores(attention_patterns(model, text)).cpu()
resting = first_token_scores(attention_patterns(model, prompts)).cpu()


def strongest(scores, count):
    """The (block, head) of the largest scores."""
    return [divmod(i, scores.shape[1]) for i in scores.flatten().topk(count).indices.tolist()]


print("induction:", strongest(induction, 6), "· you predicted block", my_induction_block)
print("resting:  ", strongest(resting, 6))

# %% id="head-figure"
show(
    head_map({"induction": induction, "first token": resting}),
    f"Heat maps, {n_blocks} blocks by {induction.shape[1]} heads. The highest induction score is "
    f"{induction.max():.2f} in block {strongest(induction, 1)[0][0]}, the highest weight on "
    f"the first token {resting.max():.2f} in block {strongest(resting, 1)[0][0]}.",
)

# %% [markdown] id="exercise-ablate"
# ## 6 · What is lost without them?
#
# A pattern says where a head looks, not what it is for. To find out, take the head away. But what to put in its place?
#
# | baseline | the head's output becomes | what is removed |
# |---|---|---|
# | zero | 0 | all of it; the model has never seen that |
# | mean | its mean over a reference set | what depends on the text |
# | resample | its value in another text | what depends on the text; another text's comes in |
#
# ## Exercise 4.6 · Ablate a head
#
# difficulty ●●●○○ · 20 minutes · 4 points
#
# **Goal.** The model's logits with the output of one head replaced, at every position. A head's output is a slice of what the
# attention's output map `o_proj` reads. "mean": one vector, over all rows and positions of the reference. "resample": row $i$
# of the batch gets the values of row $i$ of the reference, position by position. For Qwen and Llama models, whose attention
# is `model.model.layers[block].self_attn`; their heads may be wider than hidden size / heads. Nothing stays changed.
#
# `ablate_head(model, input_ids, block, head, baseline, reference) -> Float[Tensor, "batch pos vocab"]`; `reference` holds token
# ids of the shape of `input_ids`.
#
# <details><summary>Hint 1: the idea</summary>
#
# A forward *pre*-hook on `o_proj` sees its input, `[batch, pos, heads * d_head]`, and may return another.
#
# <details><summary>Hint 2: pseudocode</summary>
#
# ```
# d_head  = o_proj.in_features // number of heads
# columns = head * d_head to (head + 1) * d_head
# run the reference, keep what o_proj reads
# value   = 0, or the mean over rows and positions, or the values themselves, of the columns
# run input_ids with a pre-hook that puts value into the columns; hooks off in finally
# ```
#
# <br><details><summary>Hint 3: the line people get wrong</summary>
#
# `register_forward_pre_hook(put)` returns a tuple, `(changed,)`. In the *output* of `o_proj` the heads are mixed: no slice of it
# is a head's.
#
# </details></details></details>


# %% id="ablate-head" tags=["exercise"]
@torch.no_grad()
def ablate_head(model, input_ids, block: int, head: int, baseline: str, reference):
    """Logits [batch, pos, vocab] without one head; baseline "zero", "mean" or "resample"."""
    o_proj = model.model.layers[block].self_attn.o_proj
    ### BEGIN SOLUTION
    d_head = o_proj.in_features // model.config.num_attention_heads
    columns, seen = slice(head * d_head, (head + 1) * d_head), []

    def put(module, args):
        changed = args[0].clone()
        changed[..., columns] = value
        return (changed,)

    def run_with(hook, ids):
        handle = o_proj.register_forward_pre_hook(hook)
        try:
            return model(ids).logits
        finally:
            handle.remove()

    run_with(lambda module, args: seen.append(args[0][..., columns]), reference)
    values = {"zero": 0 * seen[0], "mean": seen[0].mean((0, 1)), "resample": seen[0]}
    value = values[baseline]
    return run_with(put, input_ids)
    ### END SOLUTION


# %% id="ablate-head-check" tags=["check"]
check("causal_tracing.ablate_head", ablate_head)
ablate_head = mine_or_reference("causal_tracing.ablate_head", ablate_head)

# %% [markdown] id="predict-ablation-text"
# The strongest induction head: by how much does the probability of the next word of a copy fall without it? And without the six
# strongest?

# %% id="predict-ablation"
my_one_head, my_six_heads = None, None


# %% id="ablate-induction"
def copying(logits):
    """Mean probability of the words of the second copy."""
    first_word = text.shape[1] // 2 + len(tokenizer("Copy:")["input_ids"])
    probability = logits[:, first_word - 1 : -2].softmax(-1)
    return probability.gather(-1, text[:, first_word:-1, None]).mean().item()


def without(heads, baseline, ids, reference):
    """Logits with several heads ablated at once."""
    sites = [("head", *head) for head in heads]
    with torch.no_grad(), ablate(model, sites, baseline, reference):
        return model(ids).logits


with torch.no_grad():
    print(f"all heads: {copying(model(text).logits):.2f}")
top = strongest(induction, 6)
blocks = {block for block, _ in top}
rest = [head for head in strongest(-induction, induction.numel()) if head not in top]
weakest = sorted(rest, key=lambda head: head[0] not in blocks)[:6]  # of the same blocks first
copy_loss = {}
for label, heads in {
    "the strongest": top[:1],
    "the six strongest": top,
    "six weak": weakest,
}.items():
    row = [copying(without(heads, baseline, text, other_text)) for baseline in BASELINES]
    copy_loss[label] = dict(zip(BASELINES, row, strict=True))
    print(f"without {label:18}", *(f"{b} {p:.2f}" for b, p in copy_loss[label].items()))
print(f"one by your function: {copying(ablate_head(model, text, *top[0], 'mean', other_text)):.2f}")
print("you predicted", my_one_head, "and", my_six_heads)

# %% [markdown] id="ablation-seen"
# "This head does the copying": how much of it is left without the strongest one? "These heads together do
# it": does that hold under every baseline, and does the control, as many weak heads of the same blocks where there are enough, keep the copying? Where one head costs little and
# six cost much, heads share the work, and an ablation of one underrates it.
#
# Now the heads that rest, and those of block 0, one by one. How much does the probability of a fact's answer change?

# %% id="predict-resting"
my_resting_loss = None


# %% id="ablate-resting"
def recalled(logits):
    """Mean probability of the facts' answers."""
    return logits[:, -1].softmax(-1).gather(1, answers[:, None]).mean().item()


shuffled = prompts.roll(1, 0)
with torch.no_grad():
    print(f"all heads: {recalled(model(prompts).logits):.2f}")
groups = {"six resting heads": strongest(resting, 6)}
groups |= {f"head {h} of block 0": [(0, h)] for h in range(model.config.num_attention_heads)}
fact_loss = {
    label: {b: recalled(without(heads, b, prompts, shuffled)) for b in BASELINES}
    for label, heads in groups.items()
}
for label, row in fact_loss.items():
    print(f"without {label:18}", *(f"{b} {p:.2f}" for b, p in row.items()))
print("you predicted for the resting heads:", my_resting_loss)
show(
    bars_by_baseline(fact_loss, "mean probability of the answer"),
    "Three bars, zero, mean and resample, for each group of heads. Without six resting heads the "
    f"answer keeps {fact_loss['six resting heads']['resample']:.2f} under resampling; the "
    f"lowest bar of all is {min(min(row.values()) for row in fact_loss.values()):.2f}.",
)

# %% [markdown] id="resting-seen"
# "A head that rests on the first token does nothing for these facts": compare its three bars with the full model. For which heads do the
# baselines part? Zero and mean take something away; resampling puts *another subject's* information in its place, and the
# model may follow it. A small drop under zero with a large one under resampling would mean: the head carries what differs between
# subjects, and the rest of the model can do without it, but not against it. Say which baseline a claim rests on.
#
# ## 7 · Patching between two prompts
#
# Noise is one way to corrupt. Another is a second prompt of as many tokens: take states from the run on the Space Needle, put them into the run on another
# landmark, and watch the log-odds of Seattle against the other's city: (patched − target's own) / (Space Needle's own − target's own). 0: still the other city, as before; 1: as if the prompt were about the
# Space Needle.

# %% id="predict-patching"
my_halfway_block = None  # from which block on does the last token's state alone bring half of it?

# %% id="patching"
eiffel = ("The Eiffel Tower is located in the city of", "The Eiffel Tower", "Paris")
other = partner((prompt, subject, answer), [eiffel, *questions])
patching = activation_patching(model, tokenizer, prompt, other[0], (answer, other[2]))
is_half = patching.recovered[:, -1] > 0.5
halfway = n_blocks - int(is_half.flip(0).cumprod(0).sum())
print(f"target: {other[0]!r}")
print(
    f"log-odds {answer} : {other[2]}  {patching.source:.0f} in one, {patching.target:.0f} in the",
    "other",
)
print(f"last token: more than half from block {halfway} on · you predicted {my_halfway_block}")
other_span = subject_span(tokenizer, *other[:2])
show(
    effect_map(patching.recovered, patching.tokens, other_span, label="share of the log-odds"),
    f"Heat map of the share of the log-odds recovered. On the subject at most "
    f"{patching.recovered[:, other_span].max():.2f}; the last token: half from block {halfway} on.",
)

# %% [markdown] id="explore"
# ## 8 · Explore
#
# Which prompt has its early site elsewhere? What does a wider window do to MLPs? When does the attention map change its shape?

# %% id="explorer"
choices = {
    text: (text, name, word) for text, name, word in [(prompt, subject, answer), *facts[:12]]
}


def traced(text: str, kind: str, window: int) -> Picture:
    """The map of one prompt: the plain function behind the controls."""
    window = 1 if kind == "block" else window
    one = causal_trace(model, tokenizer, *choices[text], kind, window, n_samples=4)
    title = f"{text} →{one.answer}\n{kind}, window {window}: TE {one.total_effect:.2f}"
    largest = one.indirect_effects.max()
    alt = f"{title}. Largest indirect effect {largest:.2f}."
    fig = effect_map(one.indirect_effects, one.tokens, one.subject, title)
    return Picture(fig, alt, state=f"text={text} kind={kind} window={window}")


explorer(
    traced,
    text=menu(prompt, list(choices)),
    kind=menu("mlp", list(KINDS)),
    window=slider(3, 1, 8, 1),
)

# %% [markdown] id="limits"
# ## 9 · Where the method fails
#
# - Noise of 3 standard deviations may put states where no text would. A restored state then sits among strange ones, and what it
#   brings back depends on the noise. Patching between two prompts uses states of real prompts alone.
# - Restoring finds states that *suffice*; ablating finds parts that are *needed*. Where several parts do the same work,
#   each may suffice and none be needed. Was it so with the induction heads?
# - A window of MLPs restores several outputs at once; its peak can be broader than the site.
# - Finding where a fact passes does not say where to edit it: Hase et al. 2023 found little relation between the two.
#
# ## 10 · On a real model

# %% id="on-a-real-model"
REAL_MODEL = None  # "Qwen/Qwen2.5-0.5B"

if REAL_MODEL is None:
    print('Not run: set REAL_MODEL to a model of the Hub, such as "Qwen/Qwen2.5-0.5B".')
else:
    real, real_tokenizer = load_lm(REAL_MODEL)
    one = causal_trace(real, real_tokenizer, prompt, subject, answer, "mlp", 5, n_samples=4)
    title = f"{REAL_MODEL}: TE {one.total_effect:.2f}"
    show(effect_map(one.indirect_effects, one.tokens, one.subject, title), title)

# %% [markdown] id="remember"
# ## What to remember
#
# - TE is what corruption takes away, IE what one state brings back: both against the corrupted run, in probabilities.
# - Layer $i$ is the output of block $i$. Take states with hooks, and take the hooks off in `finally`.
# - Average over facts, with an interval over *facts*, and run the controls: noise elsewhere, another subject's state.
# - A batch that grows from block to block gives the numbers of a run for each cell.
# - Zero, mean and resampling remove different things. A claim about a head names its baseline.
#
# ## Papers
#
# - Kevin Meng et al.: [Locating and Editing Factual Associations in GPT](https://arxiv.org/abs/2202.05262), 2022. Causal tracing.
# - Catherine Olsson et al.: [In-context Learning and Induction Heads](https://arxiv.org/abs/2209.11895), 2022.
# - Kevin Wang et al.: [Interpretability in the Wild](https://arxiv.org/abs/2211.00593), 2022. Mean ablation; heads that back each
#   other up.
# - Guangxuan Xiao et al.: [Efficient Streaming Language Models with Attention Sinks](https://arxiv.org/abs/2309.17453), 2023. Heads
#   that rest.
# - Peter Hase et al.: [Does Localization Inform Editing?](https://arxiv.org/abs/2301.04213), 2023.
