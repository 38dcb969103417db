"""An optimizer on the perturbation's sign, the model frozen for the time."""

import torch
import torch.nn.functional as F

RIGHT = True


def attack_step(model, context, targets, perturbation, rate):
    a = perturbation.shape[1]
    moving = torch.nn.Parameter(perturbation.detach().clone())
    ids = torch.cat([context.expand(len(targets), -1), targets[:, :-1]], dim=1)
    asked = [p.requires_grad for p in model.parameters()]
    model.requires_grad_(False)
    embedded = model.get_input_embeddings()(ids)
    embedded = torch.cat([embedded[:, :a] + moving, embedded[:, a:]], dim=1)
    logits = model(inputs_embeds=embedded).logits[:, -targets.shape[1] :]
    losses = F.cross_entropy(logits.mT, targets, reduction="none").mean(-1)
    losses.mean().backward()
    moving.grad.sign_()
    torch.optim.SGD([moving], lr=rate).step()
    for p, asks in zip(model.parameters(), asked, strict=True):
        p.requires_grad_(asks)
    return moving.detach(), losses.detach()
