"""The training text of the course's language model: an endless seeded stream, no files.

`tokenizer()` makes the byte-level BPE tokenizer, `Corpus` the training windows.
"""

import random
from collections.abc import Iterator
from typing import TYPE_CHECKING

from . import skills, words, world
from .skills import CUT, SKILLS, Piece

if TYPE_CHECKING:
    import torch
    from transformers import PreTrainedTokenizerFast

END = "<|endoftext|>"
VOCABULARY = 4096
WINDOW = 256

# Share of the training documents' tokens, by skill.
SHARES = {
    "facts": 0.17,
    "redefinition": 0.07,
    "reading": 0.22,
    "verification": 0.17,
    "sentiment": 0.05,
    "registers": 0.04,
    "copying": 0.08,
    "extraction": 0.05,
    "topics": 0.03,
    "arithmetic": 0.07,
    "python": 0.02,
    "weather": 0.01,
    "choice": 0.02,
}


def texts(seed: int, count: int) -> Iterator[str]:
    """The texts of `count` documents of the full mixture, a skill after the other by its share."""
    rng = random.Random(seed)
    names = list(SHARES)
    for skill in rng.choices(names, [SHARES[n] for n in names], k=count):
        yield "".join(p.text for p in SKILLS[skill].document(rng, 1.0)).replace(CUT, "")


def single_token_words() -> list[str]:
    """Words that get a token of their own, with the space before them."""
    answers = {fact.answer for fact in world.FACTS} | set(world.PLACES_WEATHER.values())
    values = {v for attribute in words.ATTRIBUTES.values() for v in attribute[0]}
    labels = {*words.POSITIVE, *words.NEGATIVE, *words.PLAIN, *world.PYTHON_MODULES}
    return sorted(answers | values | labels)


def labeled_words() -> list[str]:
    """The words of the registers and the topics."""
    registers = {w for register in skills.REGISTERS.values() for part in register.values() for w in part}
    return sorted(registers.union(*words.TOPICS.values()))


def tokenizer(seed: int = 0) -> "PreTrainedTokenizerFast":
    """Byte-level BPE with single digits, trained on the corpus; END is its one special token."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    bpe = Tokenizer(models.BPE())
    bpe.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.Digits(individual_digits=True), pre_tokenizers.ByteLevel(False)]
    )
    bpe.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=VOCABULARY,
        special_tokens=[END],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    often = [" " + " ".join(single_token_words())] * 400 + [" " + " ".join(labeled_words())] * 100
    bpe.train_from_iterator([*texts(seed, 20_000), *often], trainer)
    return PreTrainedTokenizerFast(
        tokenizer_object=bpe, bos_token=END, eos_token=END, pad_token=END, model_max_length=1024
    )


class Corpus:
    """Batches of training windows, endless; the state is the seed and the index of the batch.

    A window holds whole documents, END between them, and is filled up with END at no weight.
    """

    def __init__(self, tokenizer: "PreTrainedTokenizerFast", seed: int, window: int = WINDOW):
        self.tokenizer, self.seed, self.window = tokenizer, seed, window

    def batch(
        self, index: int, rows: int, level: float
    ) -> tuple["torch.Tensor", "torch.Tensor"]:
        """Batch number `index`: token ids [rows, window] and the loss weight of each token.

        level: difficulty from 0 (one invented person, short contexts) to 1.
        """
        import torch

        rng = random.Random(f"{self.seed} {index}")
        bins: list[list[tuple[int, float]]] = [[] for _ in range(rows)]
        spent = dict.fromkeys(SHARES, 0.0)
        misses = 0
        while misses < 30:
            skill = min(SHARES, key=lambda s: spent[s] / SHARES[s] + rng.random() * self.window)
            tokens = self._tokens(rng, SKILLS[skill].document(rng, level))
            open_bins = [b for b in bins if len(b) + len(tokens) + 1 <= self.window]
            if not open_bins:
                misses += 1
                continue
            misses = 0
            spent[skill] += len(tokens)
            rng.choice(open_bins).extend([*tokens, (self.tokenizer.eos_token_id, 1.0)])
        for row in bins:
            row += [(self.tokenizer.eos_token_id, 0.0)] * (self.window - len(row))
        ids = torch.tensor([[t for t, _ in row] for row in bins])
        weights = torch.tensor([[w for _, w in row] for row in bins])
        return ids, weights

    def _tokens(self, rng: random.Random, document: list[Piece]) -> list[tuple[int, float]]:
        """Token ids and loss weights. Of the tokens that weigh less than 1 only a share counts,
        drawn at random, with weight 1: the rest costs no computation."""
        text = "".join(piece.text for piece in document)
        ends, position = [], 0
        for piece in document:
            position += len(piece.text.replace(CUT, ""))
            ends.append(position)
        tokens, offset, piece = [], 0, 0
        for part in text.split(CUT):
            encoding = self.tokenizer(part, return_offsets_mapping=True)
            for token, (start, _) in zip(encoding["input_ids"], encoding["offset_mapping"]):
                while offset + start >= ends[piece]:
                    piece += 1
                weight = document[piece].weight
                if weight < 1:
                    weight = float(rng.random() < weight)
                tokens.append((token, weight))
            offset += len(part)
        return tokens


def generated_text(seed: int, tokens: int) -> Iterator[str]:
    """Documents of the training mixture until they hold at least `tokens` words and marks."""
    total, start = 0, 0
    while total < tokens:
        for text in texts(seed + start, 1000):
            total += len(text.split())
            yield text
        start += 1


__all__ = ["END", "Corpus", "generated_text", "single_token_words", "skills", "texts", "tokenizer"]
