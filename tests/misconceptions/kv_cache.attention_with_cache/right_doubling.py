"""A buffer that doubles when it is full."""

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
        self.buffer = None
        self.size = 0

    def clear_cache(self):
        self.buffer = None
        self.size = 0

    def get_cache_size(self):
        return self.size

    def split(self, x):
        batch, length, _ = x.shape
        return x.view(batch, length, self.n_heads, self.d_head).transpose(1, 2)

    def forward(self, x, attn_mask=None, is_causal=False, use_cache=False):
        batch, length, d_model = x.shape
        q = self.split(self.W_q(x))
        k = self.split(self.W_k(x))
        v = self.split(self.W_v(x))
        if use_cache:
            if self.buffer is None:
                self.buffer = k.new_zeros(2, batch, self.n_heads, 8, self.d_head)
            if self.buffer.shape[1] != batch:
                raise RuntimeError("another batch")
            new = slice(self.size, self.size + length)
            while self.buffer.shape[3] < new.stop:
                self.buffer = torch.cat([self.buffer, torch.zeros_like(self.buffer)], dim=3)
            self.buffer[:, :, :, new] = torch.stack([k, v]).detach()
            self.size = new.stop
            k, v = self.buffer[:, :, :, : self.size]
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
