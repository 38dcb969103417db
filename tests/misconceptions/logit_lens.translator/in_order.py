"""Goes through the rows from the first to the last."""

import torch
from torch import nn

MISCONCEPTION = "fit/in-order"


class Translator(nn.Module):
    def __init__(self, d_model):
        super().__init__()
        self.change = nn.Linear(d_model, d_model)
        nn.init.zeros_(self.change.weight)
        nn.init.zeros_(self.change.bias)

    def forward(self, states):
        return states + self.change(states)

    def loss(self, states, unembed, final_logits):
        logs = unembed(self(states)).log_softmax(-1)
        final = final_logits.log_softmax(-1)
        return (final.exp() * (final - logs)).sum(-1).mean()

    def fit(self, states, unembed, final_logits, steps=100, learning_rate=1e-3, batch_size=128):
        optimizer = torch.optim.Adam(self.parameters(), lr=learning_rate)
        for step in range(steps):
            start = step * batch_size % len(states)
            rows = slice(start, start + batch_size)
            loss = self.loss(states[rows], unembed, final_logits[rows])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
