"""The training text of the course's language model: an endless seeded stream, no files.

`tokenizer()` makes the byte-level BPE tokenizer, `Corpus` the training windows.
"""

import random
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple

from . import skills, words, world
from .skills import CUT, SKILLS, Piece

if TYPE_CHECKING:
    import torch
    from transformers import PreTrainedTokenizerFast

Token = tuple[int, float]  # id, weight in the loss

END = "<|endoftext|>"
VOCABULARY = 5120
WINDOW = 256
NAME = re.compile(rf"\b({'|'.join(words.FIRST)})({'|'.join(words.LAST)})\b")

# Share of the training tokens, by skill: at the start, where what grows late comes first (finding
# again what a context holds, by its content), and at the end.
START = {
    "facts": 0.08,
    "redefinition": 0.03,
    "reading": 0.47,
    "verification": 0.14,
    "sentiment": 0.02,
    "registers": 0.01,
    "copying": 0.17,
    "extraction": 0.03,
    "topics": 0.01,
    "arithmetic": 0.02,
    "python": 0.005,
    "weather": 0.005,
    "choice": 0.01,
}
SHARES = {
    "facts": 0.21,
    "redefinition": 0.04,
    "reading": 0.18,
    "verification": 0.30,
    "sentiment": 0.05,
    "registers": 0.03,
    "copying": 0.06,
    "extraction": 0.04,
    "topics": 0.03,
    "arithmetic": 0.02,
    "python": 0.01,
    "weather": 0.02,
    "choice": 0.01,
}


def shares(mixture: float) -> dict[str, float]:
    """The mixture on the way from START (0) to SHARES (1)."""
    return {skill: (1 - mixture) * START[skill] + mixture * SHARES[skill] for skill in SHARES}


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
    registers = {
        w for register in skills.REGISTERS.values() for part in register.values() for w in part
    }
    return sorted(registers.union(*words.TOPICS.values()))


def _syllables_apart(text: str) -> str:
    """The text with a line break between the syllables of the invented names, for the tokenizer:
    a name is its syllables, and no two names share a token that holds two of them."""
    return NAME.sub(r"\1\n\2", text)


def subject_words() -> list[str]:
    """The words of what the facts and the weather are about."""
    subjects = {s for fact in world.FACTS for s in (fact.subject, *fact.aliases)}
    return sorted({w for subject in subjects | {*world.PLACES_WEATHER} for w in subject.split()})


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
    syllables = " " + " ".join(words.FIRST) + "\n" + "\n".join(words.LAST)
    often = [syllables] * 10_000
    often += [" " + " ".join(single_token_words())] * 400
    often += [" " + " ".join([*labeled_words(), *subject_words()])] * 100
    bpe.train_from_iterator([*map(_syllables_apart, texts(seed, 20_000)), *often], trainer)
    return PreTrainedTokenizerFast(
        tokenizer_object=bpe, bos_token=END, eos_token=END, pad_token=END, model_max_length=1024
    )


class Batch(NamedTuple):
    """Training windows, each [rows, window]: token ids, loss weights, and the number of the
    document in its window that a token belongs to (documents do not see each other)."""

    ids: "torch.Tensor"
    weights: "torch.Tensor"
    documents: "torch.Tensor"


class Corpus:
    """Batches of training windows, endless: a batch depends on the seed and its index alone.

    A window holds whole documents, each with END behind it, and is filled up with END at no weight.
    """

    def __init__(self, tokenizer: "PreTrainedTokenizerFast", seed: int, window: int = WINDOW):
        self.tokenizer, self.seed, self.window = tokenizer, seed, window

    def batch(self, index: int, rows: int, level: float = 1.0, mixture: float = 1.0) -> Batch:
        """Batch number `index`. level: difficulty from 0 (two invented people at most, few words
        to copy) to 1. mixture: from START (0) to SHARES (1)."""
        import torch

        packed = self._packed(random.Random(f"{self.seed} {index}"), rows, level, mixture)
        tokens = [[token for document in row for token in document] for row in packed]
        numbers = [[i for i, document in enumerate(row) for _ in document] for row in packed]
        return Batch(
            torch.tensor([[token for token, _ in row] for row in tokens]),
            torch.tensor([[weight for _, weight in row] for row in tokens]),
            torch.tensor(numbers),
        )

    def _packed(
        self, rng: random.Random, rows: int, level: float, mixture: float
    ) -> list[list[list[Token]]]:
        """Documents dealt to windows until 30 in a row have fitted nowhere; then padding."""
        windows: list[list[list[Token]]] = [[] for _ in range(rows)]
        room = [self.window] * rows
        share, spent = shares(mixture), dict.fromkeys(SHARES, 0.0)
        misses = 0
        while misses < 30:
            skill = min(share, key=lambda s: spent[s] / share[s] + rng.random() * self.window)
            document = self._tokens(rng, SKILLS[skill].document(rng, level))
            document.append((self.tokenizer.eos_token_id, 1.0))
            open_windows = [i for i in range(rows) if room[i] >= len(document)]
            if not open_windows:
                misses += 1
                continue
            misses = 0
            spent[skill] += len(document)
            chosen = rng.choice(open_windows)
            windows[chosen].append(document)
            room[chosen] -= len(document)
        for window, left in zip(windows, room, strict=True):
            window.append([(self.tokenizer.eos_token_id, 0.0)] * left)
        return windows

    def _tokens(self, rng: random.Random, document: list[Piece]) -> list[Token]:
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
            for token, (start, _) in zip(
                encoding["input_ids"], encoding["offset_mapping"], strict=True
            ):
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
