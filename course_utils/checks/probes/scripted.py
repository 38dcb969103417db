"""A language model whose next token is known, with a tokenizer: what ``generate`` is tried on.

The model is a Hugging Face causal language model in all that a caller sees: logits at every
position, a KV cache, ``model.generate``. Its logits are rows of a table; which row depends on
every token before, so that a lost, repeated or reordered token shows in what follows. The
tokenizer works on bytes: one character may be split over two tokens.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache
from weakref import WeakKeyDictionary

import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers
from torch import Tensor
from transformers import (
    DynamicCache,
    GenerationConfig,
    GenerationMixin,
    PreTrainedConfig,
    PreTrainedModel,
    PreTrainedTokenizerFast,
)
from transformers.modeling_outputs import CausalLMOutputWithPast

PAD, BEGIN, END = "<|pad|>", "<|begin|>", "<|endoftext|>"
PROMPT_WORDS = ["The", " cat", " sat", " on", " a", " mat", "Once", " more"]
COLORS = [
    " red",
    " blue",
    " green",
    " gold",
    " pink",
    " grey",
    " black",
    " white",
    " brown",
    " lime",
]
SYLLABLES = [consonant + vowel for consonant in "bdfgkmnprtvz" for vowel in "aeiou"]
WORDS = COLORS + [f" {a}{b}" for a in SYLLABLES[:5] for b in SYLLABLES]
PIECES = ["\n", ",", ".", "!", "?", " café"]  # the last one in two tokens, cut inside the é
RULES = 521


class RanOn(BaseException):
    """The model was called far more often than any answer needs."""


@lru_cache
def tokens() -> tuple[str, ...]:
    """The tokens as the tokenizer writes them: one byte, one character.

    The end token is the last one: no id that a Python int shares by chance, nor the pad's or 0.
    """
    byte_level = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    texts = [byte_level.pre_tokenize_str(x)[0][0] for x in PROMPT_WORDS + WORDS + PIECES]
    return (PAD, BEGIN, *texts[:-1], texts[-1][:-1], texts[-1][-1], END)


def make_tokenizer() -> PreTrainedTokenizerFast:
    vocabulary = {token: i for i, token in enumerate(tokens())}
    tokenizer = Tokenizer(models.WordLevel(vocabulary, unk_token=PAD))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True)
    tokenizer.decoder = decoders.ByteLevel()
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        bos_token=BEGIN,
        eos_token=END,
        pad_token=PAD,
        clean_up_tokenization_spaces=False,
    )


class ScriptedConfig(PreTrainedConfig):
    model_type = "scripted"
    num_hidden_layers = 1
    num_attention_heads = 1
    num_key_value_heads = 1
    hidden_size = 1
    max_position_embeddings = 4096


@dataclass
class _Notes:
    most_passes: int
    fed: list[int] = field(default_factory=list)
    trained: bool = False


_notes: WeakKeyDictionary[ScriptedLM, _Notes] = WeakKeyDictionary()  # no attribute of the model


class ScriptedLM(PreTrainedModel, GenerationMixin):
    """Logits are ``table[rule]``, with the rule computed from all tokens so far.

    ``passes`` counts the forward passes, ``fed`` says how many tokens a sequence each was given,
    ``trained`` whether one ran in training mode, and none can be set; the pass after the
    ``most_passes`` of ``begin`` raises RanOn.
    """

    config_class = ScriptedConfig
    main_input_name = "input_ids"
    _supports_sdpa = True

    def __init__(self):
        names = tokens()
        special = {
            "bos_token_id": names.index(BEGIN),
            "eos_token_id": names.index(END),
            "pad_token_id": names.index(PAD),
        }
        super().__init__(ScriptedConfig(vocab_size=len(names), **special))
        self.generation_config = GenerationConfig(**special)
        self.table = torch.nn.Parameter(torch.zeros(RULES, len(names)), requires_grad=False)
        self.begin(self.table, key=2, most_passes=0)

    def begin(self, table: Tensor, key: int, most_passes: int) -> None:
        """Take another table and key, and start counting forward passes anew."""
        self.table.data = table
        self.key = key
        _notes[self] = _Notes(most_passes)
        self.eval()

    @property
    def passes(self) -> int:
        return len(_notes[self].fed)

    @property
    def fed(self) -> list[int]:
        return list(_notes[self].fed)

    @property
    def most_passes(self) -> int:
        return _notes[self].most_passes

    @property
    def trained(self) -> bool:
        return _notes[self].trained

    def forward(
        self,
        input_ids: Tensor,
        attention_mask: Tensor | None = None,
        position_ids: Tensor | None = None,
        past_key_values: DynamicCache | None = None,
        use_cache: bool | None = None,
        logits_to_keep: int = 0,
        **kwargs,
    ) -> CausalLMOutputWithPast:
        notes = _notes[self]
        notes.fed.append(input_ids.shape[-1])
        notes.trained |= self.training
        if len(notes.fed) > notes.most_passes:
            raise RanOn
        batch, length = input_ids.shape
        if past_key_values is None and use_cache is not False:
            past_key_values = DynamicCache()
        if position_ids is None:
            past = 0 if past_key_values is None else past_key_values.get_seq_length()
            position_ids = torch.arange(past, past + length)
        seen = terms(input_ids, position_ids, self.key)
        if past_key_values is not None:
            states = seen.to(self.table.dtype).view(batch, 1, length, 1)
            states, _ = past_key_values.update(states, states, 0)
            seen = states.view(batch, -1).long()
        rules = (seen.cumsum(-1) % RULES)[:, -length:]
        return CausalLMOutputWithPast(
            logits=self.table[rules[:, -logits_to_keep:]], past_key_values=past_key_values
        )


def rule(ids: Tensor, key: int, positions: Tensor | None = None) -> Tensor:
    """The row of the table for each prefix of the ids: Long[Tensor, "*batch pos"]."""
    positions = torch.arange(ids.shape[-1]) if positions is None else positions
    return terms(ids, positions, key).cumsum(-1) % RULES


def terms(ids: Tensor, positions: Tensor, key: int) -> Tensor:
    """What each token adds to the rule at its position; float32 holds it exactly."""
    factors = _factors(key)
    return (ids + 1) * factors[positions % len(factors)]


@lru_cache(maxsize=64)
def _factors(key: int) -> Tensor:
    return torch.randint(1, RULES, (512,), generator=torch.Generator().manual_seed(key))
