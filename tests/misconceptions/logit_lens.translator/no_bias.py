"""Leaves the bias out."""

import torch
from torch import nn

MISCONCEPTION = "affine/no-bias"


class Translator(nn.Module):
    def __init__(self, d_model):
        super().__init__()
        self.change = nn.Linear(d_model, d_model, bias=False)
        nn.init.zeros_(self.change.weight)

    def forward(self, states):
        return states + self.change(states)

    def loss(self, states, unembed, final_logits):
        logs = unembed(self(states)).log_softmax(-1)
        final = final_logits.log_softmax(-1)
        return (final.exp() * (final - logs)).sum(-1).mean()

    def fit(self, states, unembed, final_logits, steps=100, learning_rate=1e-3, batch_size=128):
        optimizer = torch.optim.Adam(self.parameters(), lr=learning_rate)
        for _ in range(steps):
            rows = torch.randint(len(states), (batch_size,))
            loss = self.loss(states[rows], unembed, final_logits[rows])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
