"""What looking inside costs.

    python tests/benchmarks/interpretability.py              # every measurement
    python tests/benchmarks/interpretability.py lens_time    # those named

Not collected by pytest. CPU time on one thread, so that other processes do not count; ratios are
medians of interleaved rounds.
"""

import sys
import time
import weakref
from collections.abc import Callable
from statistics import median

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from course_utils.anatomy import anatomy
from course_utils.models import load_lm

ROUNDS = 15
LENS_AT_MOST, TRACE_AT_LEAST = 1.10, 8  # what the ratios are held against


def main() -> None:
    torch.set_num_threads(1)
    known = {
        name: function
        for name, function in globals().items()
        if name.startswith(("lens_", "tracing_"))
    }
    for name in sys.argv[1:] or known:
        if name not in known:
            sys.exit(f"unknown measurement {name}: known are {', '.join(known)}")
        known[name]()


def print_ratio(label: str, run: Callable, base: Callable) -> None:
    run(), base()  # warm up
    ratios = [seconds(run) / seconds(base) for _ in range(ROUNDS)]
    print(f"{label}: {median(ratios):.2f} (at most {LENS_AT_MOST:.2f})")


def seconds(run: Callable) -> float:
    start = time.process_time()
    run()
    return time.process_time() - start


# The logit lens


@torch.no_grad()
def lens_time() -> None:
    """The lens over a plain loop over the blocks that computes the same."""
    from course_utils.lens import read, residual_streams

    model, _ = load_lm()
    parts = anatomy(model)
    every = {"measures": ["kl", "entropy"]}
    for shape in ((1, 12), (8, 64), (32, 64)):
        ids = _lens_ids(shape)

        def lens(ids=ids, **options):
            if options:
                options["targets"] = ids
            read(model, residual_streams(model, ids), 5, **options)

        def plain(everything, ids=ids):
            states = parts.decoder(ids, use_cache=False, output_hidden_states=True).hidden_states
            _plain_loop(parts, states, ids if everything else None)

        print_ratio(f"lens / plain loop, {shape}, top-k", lens, lambda p=plain: p(False))
        print_ratio(
            f"lens / plain loop, {shape}, all measures",
            lambda f=lens: f(**every),
            lambda p=plain: p(True),
        )


def _lens_ids(shape: tuple[int, int]) -> Tensor:
    return torch.randint(5, 1000, shape, generator=torch.Generator().manual_seed(0))


def _plain_loop(parts, states: tuple[Tensor, ...], targets: Tensor | None) -> None:
    """What one writes down first; ``hidden_states`` are normed at the end already."""
    final = parts.unembedding(states[-1])
    final_logs = None if targets is None else final.log_softmax(-1)
    for i, state in enumerate(states):
        logits = final if i == len(states) - 1 else parts.unembed(state)
        logits.topk(5)
        if targets is not None:
            logs = logits.log_softmax(-1)
            (final_logs.exp() * (final_logs - logs)).sum(-1)
            -(logs.exp() * logs).sum(-1)
            (logits > logits.gather(-1, targets[..., None])).sum(-1)


@torch.no_grad()
def lens_memory() -> None:
    """Peak bytes of tensors over what was there before, at 32 × 64 tokens."""
    from transformers import AutoModelForCausalLM, Gemma2Config

    small = {"hidden_size": 64, "intermediate_size": 96, "num_hidden_layers": 4, "head_dim": 16}
    heads = {"num_attention_heads": 4, "num_key_value_heads": 2, "vocab_size": 8192}
    squashed = AutoModelForCausalLM.from_config(Gemma2Config(**small, **heads)).eval()
    for label, model in (("course model", load_lm()[0]), ("squashed logits", squashed)):
        _print_lens_memory(label, model)


def _print_lens_memory(label: str, model) -> None:
    from course_utils.lens import CHUNK, read, residual_streams

    ids = _lens_ids((32, 64))
    n_layers, d_model = len(anatomy(model).blocks) + 1, model.config.hidden_size
    states = 4 * n_layers * ids.numel() * d_model
    buffer = 4 * CHUNK * model.config.vocab_size
    with LiveBytes() as live:
        read(model, residual_streams(model, ids), 5, ["kl", "entropy"], ids)
    bound = states + 4 * buffer
    seen, most = (f"{size / 2**20:.1f} MiB" for size in (live.peak, bound))
    print(f"lens, {label}, peak {seen}; all states + 4 buffers {most}")


class LiveBytes(TorchDispatchMode):
    """Bytes of the storages that operations made and that are still there, now and at most."""

    def __init__(self):
        super().__init__()
        self.live = self.peak = 0
        self._known = set()

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        given = {_storage(x) for x in tree_leaves((args, kwargs)) if isinstance(x, Tensor)}
        result = function(*args, **(kwargs or {}))
        for tensor in tree_leaves(result):
            if isinstance(tensor, Tensor) and _storage(tensor) not in given | self._known:
                self._note(tensor)
        return result

    def _note(self, tensor: Tensor) -> None:
        storage = tensor.untyped_storage()
        self._known.add(_storage(tensor))
        self.live += storage.nbytes()
        self.peak = max(self.peak, self.live)
        weakref.finalize(storage, self._forget, _storage(tensor), storage.nbytes())

    def _forget(self, storage: int, size: int) -> None:
        self._known.discard(storage)
        self.live -= size


def _storage(tensor: Tensor) -> int:
    return tensor.untyped_storage()._cdata


# Causal tracing


@torch.no_grad()
def tracing_growing_batch() -> None:
    """A causal trace of 12 tokens over 8 blocks against one forward pass for each cell."""
    from course_utils.tracing import answer_token, causal_trace, corrupt, subject_span

    model, tokenizer = load_lm()
    prompt, subject = "Arthur's Seat is located in the city of", "Arthur's Seat"
    ids = tokenizer(prompt, return_tensors="pt")["input_ids"]
    token = answer_token(tokenizer, prompt, "Edinburgh")
    span = subject_span(tokenizer, prompt, subject)
    for n_samples in (1, 3, 10):
        corrupted = corrupt(model, ids, span, n_samples)
        table = torch.zeros(len(anatomy(model).blocks), ids.shape[1])

        def growing(n=n_samples):
            return causal_trace(model, tokenizer, prompt, subject, "Edinburgh", n_samples=n)

        def per_cell(corrupted=corrupted, table=table):
            return _per_cell(model, ids, corrupted, token, table)

        trace = growing()
        effects = per_cell() - trace.corrupted
        difference = (effects - trace.indirect_effects).abs().max().item()
        ratio = median(seconds(per_cell) / seconds(growing) for _ in range(ROUNDS))
        print(
            f"{ids.shape[1]} tokens, {n_samples} noise samples: {ratio:.1f} times as fast as one "
            f"forward per cell (at least {TRACE_AT_LEAST}); largest difference {difference:.1e}"
        )


def _per_cell(model, ids, corrupted, token: int, table):
    """The probability with each state restored: the clean states once, then a pass for each."""
    blocks = anatomy(model).blocks
    states = []
    handles = [
        block.register_forward_hook(lambda module, args, output: states.append(output[0]))
        for block in blocks
    ]
    model(ids, use_cache=False)
    for handle in handles:
        handle.remove()
    for i, block in enumerate(blocks):
        for position in range(ids.shape[1]):

            def put(module, args, output, i=i, position=position):
                output[:, position] = states[i][position]

            handle = block.register_forward_hook(put)
            logits = model(inputs_embeds=corrupted, use_cache=False, logits_to_keep=1).logits
            handle.remove()
            table[i, position] = logits[:, -1].softmax(-1)[:, token].mean()
    return table


if __name__ == "__main__":
    main()
