"""What the techniques of notebook 10 cost on this machine, and what the checks take.

    python tests/benchmarks/tuning.py

Not collected by pytest. Ratios of interleaved rounds, median and quartiles; on a GPU with
``--device cuda``, where the peak of allocated memory is counted too.
"""

import argparse
import contextlib
import time
from statistics import median

import torch
from torch import nn
from torch.utils.checkpoint import checkpoint
from transformers import AutoModelForCausalLM

from course_utils import checks
from course_utils.course_lm.train import Settings, build_model
from course_utils.tuning import LoRALinear, Variant, measure

ROUNDS = 9


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--rows", type=int, default=8)
    parser.add_argument("--length", type=int, default=128)
    options = parser.parse_args()
    torch.set_num_threads(1)
    ids = torch.randint(0, 5000, (options.rows, options.length), device=options.device)
    print(measure(variants(ids, options.device), ROUNDS, tolerance=0.02))
    for exercise in checks.exercises():
        if exercise.notebook.startswith("10"):
            answer = checks.reference(exercise.id)
            times = [seconds(lambda e=exercise, a=answer: checks.run(e.id, a)) for _ in range(5)]
            print(f"check {exercise.id}: {median(times):.2f} s")


def variants(ids: torch.Tensor, device: str) -> dict[str, Variant]:
    """Ways to take one step of the course's own architecture."""

    def step(kind: str, fused: bool = False) -> Variant:
        model = build_model(Settings(), 5120, 0)
        if kind == "eager attention":
            model = eager(model)
        if kind == "LoRA":
            adapt(model)
        if kind == "checkpoints":
            for layer in model.model.layers:
                layer.forward = recomputed(layer.forward)
        model = model.to(device)
        trained = [p for p in model.parameters() if p.requires_grad]
        optimizer = torch.optim.AdamW(trained, fused=fused or None)
        half = torch.autocast(device, torch.bfloat16)

        def run() -> torch.Tensor:
            optimizer.zero_grad()
            with half if kind == "bfloat16 autocast" else contextlib.nullcontext():
                loss = model(input_ids=ids, labels=ids, use_cache=False).loss
            loss.backward()
            optimizer.step()
            return loss.detach()

        return Variant(run, ids.numel(), model, optimizer)

    kinds = ("plain", "eager attention", "bfloat16 autocast", "checkpoints", "LoRA")
    return {kind: step(kind) for kind in kinds} | {"fused AdamW": step("fused AdamW", fused=True)}


def eager(model: nn.Module) -> nn.Module:
    other = AutoModelForCausalLM.from_config(model.config, attn_implementation="eager")
    other.load_state_dict(model.state_dict())
    return other


def adapt(model: nn.Module) -> None:
    model.requires_grad_(False)
    for layer in model.model.layers:
        for name in ("q_proj", "v_proj"):
            adapted = LoRALinear(getattr(layer.self_attn, name), rank=4, alpha=8)
            setattr(layer.self_attn, name, adapted)


def recomputed(forward):
    return lambda *args, **kwargs: checkpoint(forward, *args, use_reentrant=False, **kwargs)


def seconds(run) -> float:
    start = time.process_time()
    run()
    return time.process_time() - start


if __name__ == "__main__":
    main()
