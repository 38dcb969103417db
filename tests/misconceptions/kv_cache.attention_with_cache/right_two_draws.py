"""PyTorch's function twice: dropout draws anew for the weights."""

import torch
import torch.nn.functional as F
from torch import nn

RIGHT = True


class ScaledDotProductAttentionWithCache(nn.Module):
    def __init__(self, d_model, n_heads, dropout_p=0.0):
        super().__init__()
        self.n_heads = n_heads
        self.d_head = d_model // n_heads
        self.W_q = nn.Linear(d_model, d_model, bias=False)
        self.W_k = nn.Linear(d_model, d_model, bias=False)
        self.W_v = nn.Linear(d_model, d_model, bias=False)
        self.W_o = nn.Linear(d_model, d_model, bias=False)
        self.dropout = nn.Dropout(dropout_p)
        self.k_cache = None
        self.v_cache = None

    def clear_cache(self):
        self.k_cache = None
        self.v_cache = None

    def get_cache_size(self):
        return 0 if self.k_cache is None else self.k_cache.shape[2]

    def split(self, x):
        batch, length, _ = x.shape
        return x.view(batch, length, self.n_heads, self.d_head).transpose(1, 2)

    def forward(self, x, attn_mask=None, is_causal=False, use_cache=False):
        batch, length, d_model = x.shape
        q = self.split(self.W_q(x))
        k = self.split(self.W_k(x))
        v = self.split(self.W_v(x))
        if use_cache:
            if self.k_cache is not None:
                if self.k_cache.shape[0] != batch:
                    raise ValueError("the batch does not fit the cache")
                k = torch.cat([self.k_cache, k], dim=2)
                v = torch.cat([self.v_cache, v], dim=2)
            self.k_cache = k.detach()
            self.v_cache = v.detach()
        bias = torch.zeros(batch, 1, length, k.shape[2], dtype=x.dtype, device=x.device)
        if is_causal:
            past = k.shape[2] - length
            column = torch.arange(k.shape[2], device=x.device)
            row = torch.arange(length, device=x.device)[:, None] + past
            bias = bias.masked_fill(column > row, float("-inf"))
        if attn_mask is not None:
            if attn_mask.dtype == torch.bool:
                bias = bias.masked_fill(~attn_mask, float("-inf"))
            else:
                bias = bias + attn_mask
        p = self.dropout.p if self.training else 0.0
        out = F.scaled_dot_product_attention(q, k, v, attn_mask=bias, dropout_p=p)
        scores = (q @ k.mT) * self.d_head**-0.5 + bias
        weights = F.dropout(scores.softmax(-1), p)
        return self.W_o(out.transpose(1, 2).flatten(2)), weights
