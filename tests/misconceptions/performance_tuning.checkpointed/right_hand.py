"""A function of autograd, by hand."""

import torch

RIGHT = True


class Again(torch.autograd.Function):
    @staticmethod
    def forward(ctx, part, x, *weights):
        ctx.part, ctx.weights, ctx.state = part, weights, torch.get_rng_state()
        ctx.save_for_backward(x)
        for block in part:
            x = block(x)
        return x

    @staticmethod
    def backward(ctx, gradient):
        (x,) = ctx.saved_tensors
        x = x.detach().requires_grad_()
        now = torch.get_rng_state()
        torch.set_rng_state(ctx.state)
        with torch.enable_grad():
            y = x
            for block in ctx.part:
                y = block(y)
        torch.set_rng_state(now)
        grads = torch.autograd.grad(y, (x, *ctx.weights), gradient)
        return None, *grads


def checkpointed(blocks, x, k):
    for start in range(0, len(blocks), k):
        part = blocks[start : start + k]
        x = Again.apply(part, x, *(p for block in part for p in block.parameters()))
    return x
