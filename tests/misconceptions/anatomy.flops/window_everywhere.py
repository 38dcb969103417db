"""A model with a window has it in every layer."""

from torch import nn
from transformers.pytorch_utils import Conv1D

MISCONCEPTION = "local/window-everywhere"


def flops_per_token(model, length):
    config = model.config
    maps = [m for m in model.modules() if isinstance(m, nn.Linear | Conv1D)]
    products = 2 * sum(m.weight.numel() for m in maps)

    heads = config.num_attention_heads
    head_dim = getattr(config, "head_dim", None) or config.hidden_size // heads

    window = getattr(config, "sliding_window", None) or length
    keys = min(length, window) * config.num_hidden_layers
    return products + 4 * heads * head_dim * keys
