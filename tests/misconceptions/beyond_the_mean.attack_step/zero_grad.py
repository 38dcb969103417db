"""loss.backward(), and then every gradient is wiped."""

import torch
import torch.nn.functional as F

MISCONCEPTION = "mutates/gradients"


def attack_step(model, context, targets, perturbation, rate):
    batch, n_targets = targets.shape
    a = perturbation.shape[1]
    moving = perturbation.detach().clone().requires_grad_()
    ids = torch.cat([context.repeat(batch, 1), targets[:, :-1]], dim=1)
    embedded = model.get_input_embeddings()(ids).detach()
    embedded = torch.cat([embedded[:, :a] + moving, embedded[:, a:]], dim=1)
    logits = model(inputs_embeds=embedded).logits[:, -n_targets:]
    losses = F.cross_entropy(logits.transpose(1, 2), targets, reduction="none").mean(dim=1)
    losses.sum().backward()
    gradient = moving.grad
    model.zero_grad()
    return perturbation - rate * gradient.sign(), losses.detach()
