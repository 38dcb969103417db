"""What a training step of a sparse autoencoder costs, over a plain torch loop and over SAELens.

    python tests/benchmarks/sae.py

Not collected by pytest. CPU time, interleaved, the median of the rounds' ratios. Every loop does
the same work: forward, loss, backward, the decoder's gradient along its rows taken out, Adam, rows
of norm 1. SAELens is measured where it is installed. The checks' own time comes last.
"""

import importlib.util
import time
from statistics import median

import torch
import torch.nn.functional as F
from torch import nn

from course_utils import checks
from course_utils.sae import L1, TOPK, Training

ROUNDS, STEPS = 15, 4
BATCH, D_IN, D_SAE, K, SPARSITY = 1024, 192, 1536, 16, 2.0


class Plain:
    """The loop that one would write: dense products, a loss, an optimizer."""

    def __init__(self, x, activation: str):
        torch.manual_seed(0)
        self.activation = activation
        self.W_dec = nn.Parameter(F.normalize(torch.randn(D_SAE, D_IN), dim=-1))
        self.W_enc = nn.Parameter(self.W_dec.detach().T.clone())
        self.b_enc = nn.Parameter(torch.zeros(D_SAE))
        self.b_dec = nn.Parameter(x.mean(0))
        parameters = [self.W_enc, self.b_enc, self.W_dec, self.b_dec]
        self.optimizer = torch.optim.Adam(parameters, lr=1e-3)

    def step(self, x) -> float:
        before = (x - self.b_dec) @ self.W_enc + self.b_enc
        features = before.relu()
        if self.activation == TOPK:
            top = features.topk(K, dim=-1)
            features = torch.zeros_like(features).scatter(-1, top.indices, top.values)
        out = features @ self.W_dec + self.b_dec
        loss = (x - out).square().sum(-1).mean()
        if self.activation == L1:
            loss = loss + SPARSITY * features.sum(-1).mean()
        self.optimizer.zero_grad()
        loss.backward()
        with torch.no_grad():
            along = (self.W_dec.grad * self.W_dec).sum(-1, keepdim=True)
            self.W_dec.grad -= along * self.W_dec
            self.optimizer.step()
            self.W_dec /= self.W_dec.norm(dim=-1, keepdim=True)
        return loss.item()


def saelens(x, activation: str):
    """A step of SAELens' own training class; None where it is not installed."""
    if importlib.util.find_spec("sae_lens") is None:
        return None
    import sae_lens
    from sae_lens.saes.sae import TrainStepInput

    if activation == TOPK:
        config = sae_lens.TopKTrainingSAEConfig(d_in=D_IN, d_sae=D_SAE, k=K)
        sae = sae_lens.TopKTrainingSAE(config)
    else:
        config = sae_lens.StandardTrainingSAEConfig(d_in=D_IN, d_sae=D_SAE, l1_coefficient=SPARSITY)
        sae = sae_lens.StandardTrainingSAE(config)
    optimizer = torch.optim.Adam(sae.parameters(), lr=1e-3)
    coefficients = {"l1": SPARSITY} if activation == L1 else {}

    def step(batch) -> None:
        given = TrainStepInput(sae_in=batch, coefficients=coefficients, dead_neuron_mask=None)
        output = sae.training_forward_pass(given)
        optimizer.zero_grad()
        output.loss.backward()
        optimizer.step()

    return step


def main() -> None:
    torch.set_num_threads(1)
    torch.manual_seed(1)
    x = torch.randn(BATCH, D_IN)
    for activation, options in ((TOPK, {"k": K}), (L1, {"sparsity": SPARSITY})):
        loops = {"ours": Training(x, D_SAE, activation, steps=10**6, **options).step}
        loops["plain"] = Plain(x, activation).step
        if other := saelens(x, activation):
            loops["SAELens"] = other
        for loop in loops.values():
            seconds(loop, x)  # warm up
        rounds = [{name: seconds(loop, x) for name, loop in loops.items()} for _ in range(ROUNDS)]
        for name in loops:
            if name != "ours":
                ratio = median(times["ours"] / times[name] for times in rounds)
                print(f"{activation:8} step / {name}: {ratio:.3f}")
    for exercise in checks.exercises():
        if exercise.id.startswith("sparse_autoencoders"):
            answer = checks.reference(exercise.id)
            times = [cpu(lambda e=exercise, a=answer: checks.run(e.id, a)) for _ in range(3)]
            print(f"check {exercise.id}: {median(times):.2f} s")


def seconds(loop, x) -> float:
    return cpu(lambda: [loop(x) for _ in range(STEPS)])


def cpu(run) -> float:
    """CPU time, so that other processes do not count."""
    start = time.process_time()
    run()
    return time.process_time() - start


if __name__ == "__main__":
    main()
