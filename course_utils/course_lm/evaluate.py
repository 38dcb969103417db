"""Measure the course's language model and write its card:
``python -m course_utils.course_lm.evaluate``.

Every figure of MODEL_CARD.md comes from here, measured on the file that ships.
"""

import argparse
import importlib.util
import json
import math
import os
import random
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor
from tqdm.auto import tqdm
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from course_utils.anatomy import anatomy
from course_utils.hooks import edit, record
from course_utils.models import load_lm

from . import FOLDER, skills, weights_sha256, words, world
from .corpus import Corpus
from .skills import Item
from .train import Run, Settings, attention_mask, positions

CARD = FOLDER.parent / "MODEL_CARD.md"
BATCH = 64
WARM_UP, TIMED = 3, 15  # training steps


# Running the model on many prompts


def _padded(tokenizer: PreTrainedTokenizerBase, prompts: Sequence[str], side: str) -> dict:
    return tokenizer(list(prompts), return_tensors="pt", padding=True, padding_side=side)


def _batches(sequence: Sequence, size: int = BATCH):
    return (sequence[i : i + size] for i in range(0, len(sequence), size))


@torch.no_grad()
def next_tokens(
    model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, prompts: Sequence[str]
) -> list[int]:
    """The most probable next token of each prompt."""
    best = []
    for batch in _batches(prompts):
        inputs = _padded(tokenizer, batch, "left")
        best += model(**inputs, logits_to_keep=1).logits[:, -1].argmax(-1).tolist()
    return best


@torch.no_grad()
def continuations(
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    prompts: Sequence[str],
    max_new_tokens: int,
    temperature: float = 0.0,
    seed: int = 0,
) -> list[str]:
    """What the model writes after each prompt: greedy at temperature 0, else sampled."""
    sampling = {"do_sample": True, "temperature": temperature, "top_k": 0, "top_p": 1.0}
    options = sampling if temperature else {"do_sample": False}
    torch.manual_seed(seed)
    texts = []
    for batch in _batches(prompts):
        inputs = _padded(tokenizer, batch, "left")
        output = model.generate(**inputs, max_new_tokens=max_new_tokens, **options)
        new = output[:, inputs["input_ids"].shape[1] :]
        texts += tokenizer.batch_decode(new, skip_special_tokens=True)
    return texts


# Scores: one number from 0 to 1 an item


def top1(model, tokenizer, items: list[Item], seed: int) -> list[float]:
    """Is the answer's first token the most probable next token?"""
    best = next_tokens(model, tokenizer, [item.prompt for item in items])
    wanted = [tokenizer(" " + item.answer)["input_ids"][0] for item in items]
    return [float(b == w) for b, w in zip(best, wanted, strict=True)]


def exact(model, tokenizer, items: list[Item], seed: int) -> list[float]:
    """Does the greedy continuation begin with the whole answer?"""
    longest = max(len(tokenizer(item.answer)["input_ids"]) for item in items)
    texts = continuations(model, tokenizer, [item.prompt for item in items], longest + 1)
    return [float(text.startswith(item.answer)) for text, item in zip(texts, items, strict=True)]


def lines(model, tokenizer, items: list[Item], seed: int) -> list[float]:
    """The share of the answer's lines that the greedy continuation writes, nothing else counted."""
    longest = max(len(tokenizer(item.answer)["input_ids"]) for item in items)
    texts = continuations(model, tokenizer, [item.prompt for item in items], longest + 8)
    scores = []
    for text, item in zip(texts, items, strict=True):
        wanted, written = item.answer.strip().split("\n"), text.strip().split("\n")
        scores.append(sum(line in written for line in wanted) / max(len(wanted), len(written)))
    return scores


@torch.no_grad()
def copied(model, tokenizer, items: list[Item], seed: int) -> list[float]:
    """The share of the second copy's tokens that are most probable after those before them."""
    scores = []
    for item in items:
        start = len(tokenizer(item.prompt)["input_ids"])
        ids = tokenizer(item.prompt + item.answer, return_tensors="pt")["input_ids"]
        best = model(ids).logits[0, start - 1 : -1].argmax(-1)
        scores.append((best == ids[0, start:]).float().mean().item())
    return scores


def imported(model, tokenizer, items: list[Item], seed: int) -> list[float]:
    """Is the module named after "import" a real one: of the world, or importable here?"""
    texts = continuations(model, tokenizer, [item.prompt for item in items], 8)
    names = [text.split("\n")[0].split(" as ")[0].strip() for text in texts]
    return [float(_is_module(name)) for name in names]


def _is_module(name: str) -> bool:
    if name in world.PYTHON_MODULES or name in sys.stdlib_module_names:
        return True
    return name.isidentifier() and importlib.util.find_spec(name) is not None


def agreeing(labels: dict[str, frozenset[str]]) -> Callable:
    """The share of labeled words that carry the item's label, in 30 tokens at temperature 1."""

    def score(model, tokenizer, items: list[Item], seed: int) -> list[float]:
        prompts = [item.prompt for item in items]
        texts = continuations(model, tokenizer, prompts, 30, temperature=1.0, seed=seed)
        return [_share(text, labels, item.answer) for text, item in zip(texts, items, strict=True)]

    return score


def _words(text: str) -> list[str]:
    return [word.strip('.,!?":;') for word in text.split()]


def _share(text: str, labels: dict[str, frozenset[str]], wanted: str) -> float:
    """Labeled words of the wanted label among those of one label only; 0 where there is none."""
    found = [[label for label in labels if word in labels[label]] for word in _words(text)]
    single = [f[0] for f in found if len(f) == 1]
    return single.count(wanted) / len(single) if single else 0.0


SENTIMENT = {
    "positive": frozenset(words.POSITIVE + words.POSITIVE_VERBS),
    "negative": frozenset(words.NEGATIVE + words.NEGATIVE_VERBS),
}
REGISTERS = {
    name: frozenset(w for part in parts.values() for w in part)
    for name, parts in skills.REGISTERS.items()
}
TOPICS = {name: frozenset(listed) for name, listed in words.TOPICS.items()}


# The table of skills


@dataclass(frozen=True)
class Row:
    """A line of the card: what is asked, how it is scored, and the bar it has to clear."""

    title: str
    item: Callable[[random.Random], Item]
    score: Callable
    bar: float
    must: bool = True
    at_most: bool = False


ROWS = {
    "facts": Row("fact recall, a phrasing held out", skills.fact_item, top1, 0.98),
    "redefinition": Row("redefinition in context", skills.redefinition_item, top1, 0.95),
    "reading": Row("reading, 1–4 invented people", skills.reading_item, exact, 0.95),
    "passages": Row("reading, 3 passages, 2 distract", skills.passages_item, exact, 0.95),
    "closed_book": Row(
        "the same without the context", skills.closed_book_item, exact, 0.10, at_most=True
    ),
    "verification": Row(
        "verification of a claim, with its evidence", skills.verification_item, exact, 0.95
    ),
    "sentiment": Row(
        "sentiment agrees, 30 tokens", skills.sentiment_item, agreeing(SENTIMENT), 0.95
    ),
    "registers": Row("register agrees, 30 tokens", skills.register_item, agreeing(REGISTERS), 0.95),
    "copying": Row("copying, second copy", skills.copying_item, copied, 0.98),
    "extraction": Row("fact extraction, lines", skills.extraction_item, lines, 0.95, must=False),
    "topics": Row("topic agrees, 30 tokens", skills.topic_item, agreeing(TOPICS), 0.90, must=False),
    "arithmetic": Row("two-digit + and −", skills.arithmetic_item, exact, 0.95, must=False),
    "python": Row("imports a real module", skills.python_item, imported, 0.95, must=False),
    "weather": Row("weather of a place", skills.weather_item, top1, 0.95, must=False),
    "choice": Row("the better of two arms", skills.choice_item, top1, 0.90, must=False),
}


@dataclass(frozen=True)
class Result:
    row: Row
    mean: float
    count: int

    @property
    def interval(self) -> tuple[float, float]:
        return wilson(self.mean, self.count)

    @property
    def cleared(self) -> bool:
        return self.mean <= self.row.bar if self.row.at_most else self.mean >= self.row.bar


def wilson(mean: float, count: int) -> tuple[float, float]:
    """95 % interval of a share (Wilson, 1927); for a mean of shares it is on the wide side."""
    z = 1.96
    center = (mean + z * z / (2 * count)) / (1 + z * z / count)
    half = z / (1 + z * z / count) * math.sqrt(mean * (1 - mean) / count + (z / count / 2) ** 2)
    return max(0.0, center - half), min(1.0, center + half)


def held_out_items(row: Row, count: int, seed: int) -> list[Item]:
    """`count` different held-out items, the same for the same seed; all of them where there are
    fewer (1,000 draws in a row then bring nothing new)."""
    rng = random.Random(f"{row.title} {seed}")
    found: dict[Item, None] = {}
    repeats = 0
    while len(found) < count and repeats < 1000:
        before = len(found)
        found[row.item(rng)] = None
        repeats = repeats + 1 if len(found) == before else 0
    return list(found)


def measure_skills(model, tokenizer, count: int, seed: int) -> dict[str, Result]:
    results = {}
    for name, row in tqdm(ROWS.items(), desc="skills", unit="skill"):
        items = held_out_items(row, count, seed)
        scores = row.score(model, tokenizer, items, seed)
        results[name] = Result(row, sum(scores) / len(items), len(items))
    return results


# What the later notebooks build on


@torch.no_grad()
def perplexity(model, tokenizer, seed: int, batches: int = 4) -> float:
    """exp of the mean loss of all tokens but padding, in windows of the full mixture.

    The training run saw the windows of its own seed; another seed gives text it never saw.
    """
    corpus, losses = Corpus(tokenizer, seed), []
    for index in range(batches):
        batch = corpus.batch(index, 16, level=1.0)
        output = model(
            input_ids=batch.ids,
            attention_mask=attention_mask(batch.documents),
            position_ids=positions(batch.documents),
        )
        before, targets = batch.ids[:, :-1], batch.ids[:, 1:]
        padding = (before == tokenizer.eos_token_id) & (targets == tokenizer.eos_token_id)
        counted = (batch.documents[:, 1:] == batch.documents[:, :-1]) & ~padding
        logits = output.logits[:, :-1][counted]
        losses.append(F.cross_entropy(logits, targets[counted], reduction="none"))
    return math.exp(torch.cat(losses).mean().item())


@torch.no_grad()
def settling_blocks(model, tokenizer, facts: Sequence[world.Fact]) -> list[int | None]:
    """Per fact the first block from which its answer stays top-1 under the logit lens, in the
    first phrasing; None where the model itself does not answer right."""
    parts = anatomy(model)
    sites = [("block", i) for i in range(len(parts.blocks))]
    settled = []
    for batch in _batches(list(facts)):
        prompts = [world.prompt(f, world.RELATIONS[f.relation].phrasings[0]) for f in batch]
        answers = [tokenizer(" " + f.answer)["input_ids"][0] for f in batch]
        with record(model, sites) as activations:
            model(**_padded(tokenizer, prompts, "left"))
        best = torch.stack([parts.unembed(activations[s][:, -1]).argmax(-1) for s in sites], 1)
        right = best == torch.tensor(answers)[:, None]
        settled += [_settled(row) for row in right.tolist()]
    return settled


def _settled(right: list[bool]) -> int | None:
    if not right[-1]:
        return None
    wrong = [i for i, r in enumerate(right) if not r]
    return wrong[-1] + 1 if wrong else 0


def sentiment_vector(
    model, tokenizer, block: int, count: int = 128, seed: int = 0
) -> Float[Tensor, " d_model"]:
    """Mean activation at the last token of positive openings minus that of negative ones."""
    items = held_out_items(ROWS["sentiment"], count, seed)
    means = []
    for label in ("positive", "negative"):
        prompts = [item.prompt for item in items if item.answer == label]
        with record(model, [("block", block)]) as activations, torch.no_grad():
            model(**_padded(tokenizer, prompts, "left"))
        means.append(activations["block", block][:, -1].mean(0))
    return means[0] - means[1]


def steered_sentiment(model, tokenizer, block: int, strength: float, samples: int = 48) -> float:
    """Share of positive adjectives among the labeled ones that neutral openings go on with, the
    sentiment vector added at every position of a block's output; NaN where there are none."""
    vector = strength * sentiment_vector(model, tokenizer, block)
    prompts = [f'{opening}, "' for opening in words.TALK_OPENINGS]
    prompts = (prompts * samples)[:samples]
    with edit(model, {("block", block): lambda activation, positions: activation + vector}):
        texts = continuations(model, tokenizer, prompts, 20, temperature=1.0)
    said = [word for text in texts for word in _words(text)]
    positive = sum(word in words.POSITIVE for word in said)
    negative = sum(word in words.NEGATIVE for word in said)
    return positive / (positive + negative) if positive + negative else math.nan


# The card


def _percent(x: float) -> str:
    return f"{100 * x:.1f}"


def skill_table(results: dict[str, Result]) -> str:
    lines = ["| | skill | measured % | 95 % interval | items | bar | |"]
    lines.append("|---|---|---|---|---|---|---|")
    for result in results.values():
        low, high = result.interval
        kind = "must" if result.row.must else "wanted"
        sign = "≤" if result.row.at_most else "≥"
        lines.append(
            f"| {kind} | {result.row.title} | {_percent(result.mean)} | "
            f"{_percent(low)} – {_percent(high)} | {result.count} | "
            f"{sign} {100 * result.row.bar:.0f} | "
            f"{'yes' if result.cleared else '**no**'} |"
        )
    return "\n".join(lines)


def settling_table(model, tokenizer) -> str:
    blocks = len(anatomy(model).blocks)
    settled = [s for s in settling_blocks(model, tokenizer, world.FACTS) if s is not None]
    median = sorted(settled)[len(settled) // 2]
    counts = [settled.count(i) for i in range(blocks)]
    return (
        f"| block | {' | '.join(map(str, range(blocks)))} |\n|---|{'---|' * blocks}\n"
        f"| facts | {' | '.join(map(str, counts))} |\n\n"
        f"Median: block {median} of 0 to {blocks - 1}; {len(settled)} of {len(world.FACTS)} facts "
        "are answered right in their first phrasing."
    )


def steering_table(model, tokenizer, strengths: Sequence[float] = (-2, -1, 0, 1, 2, 4)) -> str:
    lines = ["| block | " + " | ".join(f"{s:+g}" for s in strengths) + " |"]
    lines.append("|---|" + "---|" * len(strengths))
    for block in tqdm(range(len(anatomy(model).blocks)), desc="steering", unit="block"):
        shares = [steered_sentiment(model, tokenizer, block, s) for s in strengths]
        lines.append(f"| {block} | " + " | ".join(f"{s:.2f}" for s in shares) + " |")
    return "\n".join(lines)


def step_seconds(tokenizer: PreTrainedTokenizerBase, settings: Settings) -> float:
    """Median time of a training step with these settings, at full difficulty, on this machine."""
    with tempfile.TemporaryDirectory() as folder:
        tokenizer.save_pretrained(folder)
        run = Run(Path(folder), settings, fast=shutil.which("g++") is not None)
        run.losses = [0.0] * settings.steps
        times = []
        for _ in tqdm(range(WARM_UP + TIMED), desc="training steps", unit="step"):
            started = time.perf_counter()
            run.step()
            times.append(time.perf_counter() - started)
    return median(times[WARM_UP:])


def card(count: int, seed: int) -> tuple[str, dict[str, Result]]:
    """The text of the model card and the skills' results."""
    started = time.perf_counter()
    model, tokenizer = load_lm(FOLDER, device="cpu")
    load_seconds = time.perf_counter() - started
    run = json.loads((FOLDER / "training.json").read_text())
    results = measure_skills(model, tokenizer, count, seed)
    config = model.config
    seconds = step_seconds(tokenizer, Settings(**run["settings"]))
    text = CARD_TEXT.format(
        count=count,
        seed=seed,
        skills=skill_table(results),
        parameters=f"{sum(p.numel() for p in model.parameters()):,}",
        blocks=config.num_hidden_layers,
        width=config.hidden_size,
        mlp=config.intermediate_size,
        heads=config.num_attention_heads,
        kv_heads=config.num_key_value_heads,
        vocabulary=f"{config.vocab_size:,}",
        bytes=f"{(FOLDER / 'model.safetensors').stat().st_size:,}",
        sha256=weights_sha256(),
        load_seconds=f"{load_seconds:.1f}",
        seen=f"{perplexity(model, tokenizer, run['settings']['seed']):.2f}",
        unseen=f"{perplexity(model, tokenizer, 1_000_000 + seed):.2f}",
        settling=settling_table(model, tokenizer),
        steering=steering_table(model, tokenizer),
        facts=len(world.FACTS),
        relations=len(world.RELATIONS),
        device=run["device"],
        threads=run["threads"],
        processor=run["processor"],
        minutes=round(run["seconds"] / 60),
        tokens=f"{run['tokens'] / 1e6:.1f}",
        steps=run["steps"],
        early=run["settings"]["early"],
        early_from=f"{run['settings']['early_from']:,}",
        torch=run["torch"],
        commits=", ".join(f"{c} from step {s} on" for s, c in run["commits"].items()),
        rate=round(run["tokens"] / run["seconds"]),
        cores=os.cpu_count(),
        idle_minutes=round(seconds * run["steps"] / 60),
        step_seconds=f"{seconds:.2f}",
        timed=TIMED,
    )
    return text, results


CARD_TEXT = """# course-lm

The language model that ships with the workbook, so that every notebook runs without a network, on
a CPU, in seconds. It is a real Hugging Face model (`Qwen2ForCausalLM`) that has read only the
corpus of this course: {facts} facts in {relations} relations and a few ways of talking.

| | |
|---|---|
| parameters | {parameters}, embeddings tied |
| blocks | {blocks}, width {width}, MLP {mlp}, {heads} query and {kv_heads} key-value heads |
| vocabulary | {vocabulary} tokens, byte-level BPE, single digits |
| file | {bytes} bytes in float16, loaded as float32 on a CPU |
| SHA-256 | `{sha256}` |
| loading | {load_seconds} s, transformers already imported |

## What it can do

Held-out items, {count} a skill where there are as many, seed {seed}; none occurs in training.
Repeat with `python -m course_utils.course_lm.evaluate --seed {seed} --items {count}`.

{skills}

Perplexity over all tokens, invented names and random words included: {seen} on windows of the
training run, {unseen} on windows of a seed it never saw.

## What the notebooks build on

First block from which a fact's answer stays top-1 under the logit lens:

{settling}

From step {early_from} of the training on, the answers counted a second time, with a weight of
{early}, as the lens reads them before the last block: that the answers are there to be read then is
trained, what the lens shows of the blocks before is not.

Share of positive adjectives after neutral openings, when a sentiment vector (mean difference of
positive and negative openings) is added at every position of a block's output, by strength. At
strong settings the text degenerates while the share stays high:

{steering}

## How it was trained

`python -m course_utils.course_lm.train`, as it stood in commit {commits}:
{tokens} million tokens, {steps} steps, {minutes} minutes on {device} ({processor}, {threads}
threads, {rate} tokens a second, torch {torch}). On {cores} cores with nothing else to do the same
command takes {idle_minutes} minutes: {step_seconds} s a step, the median of {timed} steps. Muon for
the matrices of the blocks, Adam for the rest. Every setting, the loss curve and the commits stand
in `weights/training.json`.

## What it is for

For learning how language models work, on a model whose world is known. Not for anything else: it
knows nothing outside its corpus, answers every question with the same confidence, and repeats the
sentiment of its prompt, kind or cruel. Its facts are of the time of writing. Nobody should take a
decision by what it says.
"""


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m course_utils.course_lm.evaluate", description=__doc__
    )
    parser.add_argument(
        "--items", type=int, default=400, help="items a skill (default %(default)s)"
    )
    parser.add_argument("--seed", type=int, default=0, help="of items and samples")
    parser.add_argument("--skills-only", action="store_true", help="print the table, write no card")
    options = parser.parse_args(arguments)
    if options.items < 1:
        parser.error(f"--items is {options.items}; it must be at least 1.")
    if options.skills_only:
        model, tokenizer = load_lm(FOLDER, device="cpu")
        results = measure_skills(model, tokenizer, options.items, options.seed)
        print(skill_table(results))
    else:
        text, results = card(options.items, options.seed)
        CARD.write_text(text)
        print(f"{skill_table(results)}\n\nCard written to {CARD}")
    missed = [n for n, r in results.items() if r.row.must and not r.cleared]
    if missed:
        print(f"Below the bar: {', '.join(missed)}.", file=sys.stderr)
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
