"""How long a check takes: the course's own answer to every exercise, all of them in turn.

    python tests/benchmarks/checks.py

Not collected by pytest. Seconds on the clock, one thread, the median of the rounds; the first
round, which imports and loads, does not count.
"""

import time
from statistics import median

import torch

from course_utils import checks

ROUNDS = 5


def main() -> None:
    torch.set_num_threads(1)
    times: dict[str, list[float]] = {exercise.id: [] for exercise in checks.exercises()}
    for _ in range(1 + ROUNDS):
        for id, seconds in times.items():
            answer = checks.reference(id)
            started = time.perf_counter()
            assert checks.run(id, answer).passed, id
            seconds.append(time.perf_counter() - started)
    medians = {id: median(seconds[1:]) for id, seconds in times.items()}
    for id, seconds in sorted(medians.items(), key=lambda pair: pair[1]):
        print(f"{seconds:5.2f} s  {id}")
    print(f"{median(medians.values()):5.2f} s  median of {len(medians)} checks")


if __name__ == "__main__":
    main()
