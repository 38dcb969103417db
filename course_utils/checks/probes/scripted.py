"""A language model whose next token is known, with a tokenizer: what ``generate`` is tried on.

The model is a Hugging Face causal language model in all that a caller sees: logits at every
position, a KV cache, ``model.generate``. Its logits are rows of a table; which row depends on
every token before, so that a lost, repeated or reordered token shows in what follows. The
tokenizer works on bytes: one character may be split over two tokens.
"""

from __future__ import annotations

from functools import lru_cache

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

END = "<|endoftext|>"
PROMPT_WORDS = ["The", " cat", " sat", " on", " a", " mat", "Once", " more"]
WORDS = [
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
PIECES = ["\n", ",", " café"]  # the last one in two tokens, cut inside the é
RULES = 1009


class RanOn(BaseException):
    """The model was called far more often than any answer needs."""


def tokens() -> list[str]:
    """The tokens as the tokenizer writes them: one byte, one character; the end token is 0."""
    byte_level = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    texts = [byte_level.pre_tokenize_str(x)[0][0] for x in PROMPT_WORDS + WORDS + PIECES]
    return [END, *texts[:-1], texts[-1][:-1], texts[-1][-1]]


def make_tokenizer() -> PreTrainedTokenizerFast:
    vocabulary = {token: i for i, token in enumerate(tokens())}
    tokenizer = Tokenizer(models.WordLevel(vocabulary, unk_token=END))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True)
    tokenizer.decoder = decoders.ByteLevel()
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        bos_token=END,
        eos_token=END,
        pad_token=END,
        clean_up_tokenization_spaces=False,
    )


class ScriptedConfig(PreTrainedConfig):
    model_type = "scripted"
    num_hidden_layers = 1
    num_attention_heads = 1
    num_key_value_heads = 1
    hidden_size = 1
    max_position_embeddings = 4096


class ScriptedLM(PreTrainedModel, GenerationMixin):
    """Logits are ``table[rule]``, with the rule computed from all tokens so far.

    ``passes`` counts the forward passes; the pass after ``most_passes`` raises RanOn.
    """

    config_class = ScriptedConfig
    main_input_name = "input_ids"
    _supports_sdpa = True

    def __init__(self, table: Tensor, key: int):
        end = {"bos_token_id": 0, "eos_token_id": 0, "pad_token_id": 0}
        super().__init__(ScriptedConfig(vocab_size=table.shape[-1], **end))
        self.generation_config = GenerationConfig(**end)
        self.table = torch.nn.Parameter(table, requires_grad=False)
        self.key = key
        self.passes, self.most_passes = 0, 0
        self.eval()

    def begin(self, most_passes: int) -> None:
        """Start counting forward passes anew."""
        self.passes, self.most_passes = 0, most_passes

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
        self.passes += 1
        if self.passes > self.most_passes:
            raise RanOn
        batch, length = input_ids.shape
        seen = input_ids.to(self.table.dtype).view(batch, 1, length, 1)
        if past_key_values is None and use_cache is not False:
            past_key_values = DynamicCache()
        if past_key_values is not None:
            seen, _ = past_key_values.update(seen, seen.clone(), 0)
        rules = rule(seen.view(batch, -1).long(), self.key)[:, -length:]
        return CausalLMOutputWithPast(
            logits=self.table[rules][:, -logits_to_keep:], past_key_values=past_key_values
        )


def rule(ids: Tensor, key: int) -> Tensor:
    """The row of the table for each prefix of the ids: Long[Tensor, "*batch pos"]."""
    factors = _factors(key)
    places = torch.arange(ids.shape[-1]) % len(factors)
    return ((ids + 1) * factors[places]).cumsum(-1) % RULES


@lru_cache(maxsize=64)
def _factors(key: int) -> Tensor:
    return torch.randint(1, RULES, (512,), generator=torch.Generator().manual_seed(key))
