"""Published models, known by their sizes alone: a configuration for each, and no weights.

Sources: the configurations and model cards that the publishers give. What changes no count here
(the base of the rotary embedding, dropout, token ids) stays at transformers' default.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from transformers import PreTrainedConfig

_SIZES = {
    "gpt2": {
        "model_type": "gpt2",
        "num_hidden_layers": 12,
        "hidden_size": 768,
        "num_attention_heads": 12,
        "vocab_size": 50_257,
        "max_position_embeddings": 1024,
    },
    "Qwen2.5-0.5B": {
        "model_type": "qwen2",
        "num_hidden_layers": 24,
        "hidden_size": 896,
        "intermediate_size": 4864,
        "num_attention_heads": 14,
        "num_key_value_heads": 2,
        "vocab_size": 151_936,
        "max_position_embeddings": 32_768,
        "tie_word_embeddings": True,
    },
    "gemma-3-1b-it": {
        "model_type": "gemma3_text",
        "num_hidden_layers": 26,
        "hidden_size": 1152,
        "intermediate_size": 6912,
        "num_attention_heads": 4,
        "num_key_value_heads": 1,
        "head_dim": 256,
        "vocab_size": 262_144,
        "max_position_embeddings": 32_768,
        "sliding_window": 512,
        "tie_word_embeddings": True,
    },
    "Llama-3.2-1B": {
        "model_type": "llama",
        "num_hidden_layers": 16,
        "hidden_size": 2048,
        "intermediate_size": 8192,
        "num_attention_heads": 32,
        "num_key_value_heads": 8,
        "vocab_size": 128_256,
        "max_position_embeddings": 131_072,
        "tie_word_embeddings": True,
    },
    "Qwen2.5-3B": {
        "model_type": "qwen2",
        "num_hidden_layers": 36,
        "hidden_size": 2048,
        "intermediate_size": 11_008,
        "num_attention_heads": 16,
        "num_key_value_heads": 2,
        "vocab_size": 151_936,
        "max_position_embeddings": 32_768,
        "tie_word_embeddings": True,
    },
}
PUBLISHED = tuple(_SIZES)


def published(name: str, **changes: object) -> PreTrainedConfig:
    """The configuration of one of PUBLISHED, with the changes made to it.

    Raises ValueError for any other name.
    """
    from transformers import AutoConfig

    if name not in _SIZES:
        raise ValueError(f"No sizes of {name!r} are written down: choose {', '.join(_SIZES)}.")
    return AutoConfig.for_model(**_SIZES[name] | changes)
