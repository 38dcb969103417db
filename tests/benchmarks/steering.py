"""What steering costs: time of steered over unsteered generation.

    python tests/benchmarks/steering.py

Not collected by pytest. CPU time, interleaved rounds, the ratio of the medians. The checks' own
time comes last.
"""

import time
from statistics import median

import torch

from course_utils import checks
from course_utils.models import load_lm
from course_utils.steering import LLMSteering, actadd, caa, concept

ROUNDS, NEW = 15, 48
PROMPT = "Review: The movie was wonderful and the hotel was"


def main() -> None:
    torch.set_num_threads(1)
    model, tokenizer = load_lm()
    inputs = tokenizer(PROMPT, return_tensors="pt")

    def generate() -> None:
        model.generate(**inputs, min_new_tokens=NEW, max_new_tokens=NEW, do_sample=False)

    pairs = [("The movie was", " kind", " rude"), ("The hotel was", " warm", " cold")]
    vectors = {
        "a concept, everywhere": concept(model, tokenizer, ["I love"], ["I hate"], 3),
        "CAA": caa(model, tokenizer, pairs, 3),
        "ActAdd": actadd(model, tokenizer, "I love", "I hate", 3),
    }

    def steered(vector) -> None:
        with vector.apply(model, 0.5):
            generate()

    llm = LLMSteering(model, tokenizer)
    llm.set_steering("I love", "I hate", 3, 0.5)
    runs = {name: lambda v=v: steered(v) for name, v in vectors.items()} | {
        "LLMSteering": lambda: llm.generate(PROMPT, NEW, min_new_tokens=NEW, do_sample=False),
        "unsteered again (noise)": generate,
    }
    for run in (*runs.values(), generate):
        run()  # warm up
    times = {name: [] for name in ("unsteered", *runs)}
    for _ in range(ROUNDS):
        for name, run in {"unsteered": generate, **runs}.items():
            times[name].append(seconds(run))
    base = median(times.pop("unsteered"))
    for name, measured in times.items():
        print(f"{name:24} / unsteered: {median(measured) / base:.3f}")
    for exercise in checks.exercises():
        if exercise.id.startswith("steering"):
            answer = checks.reference(exercise.id)
            times = [seconds(lambda e=exercise, a=answer: checks.run(e.id, a)) for _ in range(3)]
            print(f"check {exercise.id}: {median(times):.2f} s")


def seconds(run) -> float:
    """CPU time, so that other processes do not count."""
    start = time.process_time()
    run()
    return time.process_time() - start


if __name__ == "__main__":
    with torch.no_grad():
        main()
