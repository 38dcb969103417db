"""A persistent=False buffer for 64 tokens, which raises when it is full."""

import math

import torch
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
        self.register_buffer("cache", torch.zeros(0), persistent=False)
        self.filled = 0

    def clear_cache(self):
        self.cache = self.cache.new_zeros(0)
        self.filled = 0

    def get_cache_size(self):
        return self.filled

    def split(self, x):
        batch, length, _ = x.shape
        return x.view(batch, length, self.n_heads, self.d_head).transpose(1, 2)

    def forward(self, x, attn_mask=None, is_causal=False, use_cache=False):
        batch, length, d_model = x.shape
        q = self.split(self.W_q(x))
        k = self.split(self.W_k(x))
        v = self.split(self.W_v(x))
        if use_cache:
            if self.filled == 0:
                self.cache = k.new_zeros(2, batch, self.n_heads, 64, self.d_head)
            if self.cache.shape[1] != batch:
                raise RuntimeError("cache and batch differ")
            if self.filled + length > 64:
                raise RuntimeError("the cache is full")
            new = slice(self.filled, self.filled + length)
            self.cache[0, :, :, new] = k.detach()
            self.cache[1, :, :, new] = v.detach()
            self.filled += length
            k, v = self.cache[:, :, :, : self.filled]
        keys = k.shape[2]
        scores = q @ k.transpose(-2, -1) / math.sqrt(self.d_head)
        if attn_mask is not None:
            if attn_mask.dtype == torch.bool:
                scores = scores.masked_fill(~attn_mask, float("-inf"))
            else:
                scores = scores + attn_mask
        if is_causal:
            causal = torch.ones(length, keys, dtype=torch.bool, device=x.device)
            causal = causal.tril(diagonal=keys - length)
            scores = scores.masked_fill(~causal, float("-inf"))
        weights = self.dropout(torch.softmax(scores, dim=-1))
        out = (weights @ v).transpose(1, 2).reshape(batch, length, d_model)
        return self.W_o(out), weights
