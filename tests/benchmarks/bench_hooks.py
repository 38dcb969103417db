"""What an edit costs: time of steered over unsteered generation, interleaved, median of the ratios.

    python tests/benchmarks/bench_hooks.py

Not collected by pytest. The model has the shape of the course's own, at random.
"""

import time

import torch
import transformers

from course_utils.hooks import edit, record
from course_utils.models import load_config

ROUNDS, NEW_TOKENS = 9, 24


def main() -> None:
    torch.set_num_threads(1)
    torch.manual_seed(0)
    config = load_config()
    blocks = config.num_hidden_layers
    config.eos_token_id = None  # every round makes as many tokens
    model = transformers.AutoModelForCausalLM.from_config(config).eval()
    prompt = torch.randint(0, config.vocab_size, (1, 16))
    vector = torch.randn(config.hidden_size)

    def generate() -> None:
        model.generate(prompt, max_new_tokens=NEW_TOKENS, do_sample=False)

    def steered() -> None:
        with edit(model, {("block", 5): lambda activation, positions: activation + vector}):
            generate()

    def by_hand() -> None:
        """The least a hook can do."""
        handle = model.model.layers[5].register_forward_hook(lambda m, args, out: out + vector)
        generate()
        handle.remove()

    def recorded() -> None:
        with record(model, [("block", i) for i in range(blocks)]):
            generate()

    for run in (generate, steered, by_hand, recorded):
        run()  # warm up
    print(f"steered by edit / plain            {median_ratio(steered, generate):.3f}")
    print(f"steered by a bare hook / plain     {median_ratio(by_hand, generate):.3f}")
    print(f"all {blocks} blocks recorded / plain      {median_ratio(recorded, generate):.3f}")
    print(f"plain / plain (noise)              {median_ratio(generate, generate):.3f}")


def median_ratio(run, base) -> float:
    ratios = [seconds(run) / seconds(base) for _ in range(ROUNDS)]
    return torch.tensor(ratios).median().item()


def seconds(run) -> float:
    """CPU time, so that other processes do not count."""
    start = time.process_time()
    run()
    return time.process_time() - start


if __name__ == "__main__":
    with torch.no_grad():
        main()
