"""Row by row."""

import torch
import torch.nn.functional as F

RIGHT = True


def attack_step(model, context, targets, perturbation, rate):
    moved, losses = [], []
    embed = model.get_input_embeddings()
    for row, own in zip(targets, perturbation, strict=True):
        own = own.detach().clone().requires_grad_()
        embedded = embed(torch.cat([context, row[:-1]])[None]).detach()
        pad = torch.zeros(embedded.shape[1] - len(own), own.shape[1], dtype=own.dtype)
        logits = model(inputs_embeds=embedded + torch.cat([own, pad])).logits[0]
        loss = F.cross_entropy(logits[len(context) - 1 :], row)
        gradient = torch.autograd.grad(loss, own)[0]
        moved.append(own.detach() - rate * gradient.sign())
        losses.append(loss.detach())
    return torch.stack(moved), torch.stack(losses)
