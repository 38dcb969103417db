"""What a cache costs: the same model and loop, and only the class of the cache differs.

    python tests/benchmarks/kv_cache.py

Not collected by pytest. CPU time of greedy decoding, each round all caches in turn; the median
of the rounds' ratios.
"""

import time
from statistics import median

import torch
from transformers import Cache, DynamicCache, StaticCache

from course_utils.kv_cache import PagedCache, PagedLayer, PreallocatedCache, generate
from course_utils.models import load_lm

ROUNDS, PROMPT, NEW = 15, 64, 128


def main() -> None:
    torch.set_num_threads(1)
    model, _ = load_lm()
    ids = torch.randint(5, 1000, (1, PROMPT), generator=torch.Generator().manual_seed(0))
    config, length = model.config, PROMPT + NEW
    blocks, d_head = -(-length // 16), config.hidden_size // config.num_attention_heads

    def layers(make) -> Cache:
        return Cache(layers=[make() for _ in range(config.num_hidden_layers)])

    caches = {
        "the notebook's static": lambda: layers(lambda: PreallocatedCache(length)),
        "DynamicCache": lambda: DynamicCache(config=config),
        "StaticCache": lambda: StaticCache(config=config, max_cache_len=length),
        "paged": lambda: layers(
            lambda: PagedLayer(PagedCache(blocks, config.num_key_value_heads, d_head))
        ),
    }
    first = generate(model, ids, NEW, caches["DynamicCache"]())
    for name, make in caches.items():
        assert torch.equal(generate(model, ids, NEW, make()), first), name  # and warm up
    rounds = [
        {
            name: seconds(lambda m=make: generate(model, ids, NEW, m()))
            for name, make in caches.items()
        }
        for _ in range(ROUNDS)
    ]
    for times in rounds:
        times["the library's faster one"] = min(times["DynamicCache"], times["StaticCache"])
    print_ratio(rounds, "the notebook's static", "DynamicCache")
    print_ratio(rounds, "the notebook's static", "StaticCache")
    print_ratio(rounds, "the notebook's static", "the library's faster one")
    print_ratio(rounds, "paged", "the notebook's static")
    for new in (64, 128, 256):
        pairs = [
            {
                "with": seconds(lambda n=new: generate(model, ids, n, caches_of(layers, n))),
                "without": seconds(lambda n=new: uncached(model, ids, n)),
            }
            for _ in range(ROUNDS // 3)
        ]
        print(f"{new} new tokens: ", end="")
        print_ratio(pairs, "without", "with")


def caches_of(layers, new: int) -> Cache:
    return layers(lambda: PreallocatedCache(PROMPT + new))


def uncached(model, ids, new: int) -> None:
    for _ in range(new):
        logits = model(ids, use_cache=False).logits
        ids = torch.cat([ids, logits[:, -1:].argmax(-1)], dim=1)


def print_ratio(rounds: list[dict[str, float]], one: str, other: str) -> None:
    ratio = median(times[one] / times[other] for times in rounds)
    print(f"{one} / {other}: {ratio:.3f}")


def seconds(run) -> float:
    """CPU time, so that other processes do not count."""
    start = time.process_time()
    run()
    return time.process_time() - start


if __name__ == "__main__":
    with torch.no_grad():
        main()
