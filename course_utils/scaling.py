"""Losses of small models of course-lm's family, for the scaling law of ``12_beyond_one_machine``.

``python -m course_utils.scaling`` trains them again, on one core in a quarter of an hour, and
writes ``scaling_losses.json``.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

    from course_utils.course_lm.corpus import Batch

RECORDED = Path(__file__).with_name("scaling_losses.json")
SIZES = {32: (2, 2), 64: (3, 2), 96: (4, 4), 128: (6, 4)}  # hidden size: blocks, heads
STEPS = (64, 128, 256, 512)
ROWS, WINDOW = 4, 256
HELD_OUT = 1  # the corpus seed of the text that losses are measured on; 0 is trained on
MEASURED = 24  # batches


class Point(NamedTuple):
    """A trained model: its parameters outside the embedding, the tokens it saw, its loss in nats
    a token on text it did not see."""

    parameters: float
    tokens: float
    loss: float


def recorded() -> list[Point]:
    """The losses that the course ships: one run for each size and number of tokens."""
    return [Point(*row) for row in json.loads(RECORDED.read_text())["points"]]


def train(hidden: int, steps: int, tokenizer: PreTrainedTokenizerBase, batches: list[Batch]):
    """A model of the family, trained for so many steps; the learning rates rise over the first
    tenth and fall to zero."""
    from course_utils.course_lm import train

    blocks, heads = SIZES[hidden]
    settings = train.Settings(
        steps=steps,
        warmup=max(1, steps // 10),
        decay=steps,
        hidden_size=hidden,
        intermediate_size=2 * hidden,
        blocks=blocks,
        heads=heads,
        kv_heads=heads // 2,
    )
    model = train.build_model(settings, len(tokenizer), tokenizer.eos_token_id)
    optimizers = train.optimizers(model, settings)
    for step in range(steps):
        train.weighted_loss(model.model, model.lm_head, batches[step]).backward()
        factor = settings.learning_rate_factor(step)
        for optimizer, rate in zip(optimizers, (settings.muon_lr, settings.adam_lr), strict=True):
            optimizer.param_groups[0]["lr"] = rate * factor
            optimizer.step()
            optimizer.zero_grad()
    return model


def loss_of(model, batches: Iterable[Batch]) -> float:
    """The mean loss over batches, in nats a token."""
    import torch

    from course_utils.course_lm.train import weighted_loss

    with torch.no_grad():
        losses = [weighted_loss(model.model, model.lm_head, batch).item() for batch in batches]
    return sum(losses) / len(losses)


def inner_parameters(model) -> int:
    """The parameters outside the embedding, as scaling laws count them."""
    embedding = model.get_input_embeddings().weight
    return sum(p.numel() for p in model.parameters() if p is not embedding)


def main() -> None:
    import torch
    from tqdm.auto import tqdm
    from transformers import AutoTokenizer

    from course_utils.course_lm import FOLDER
    from course_utils.course_lm.corpus import Corpus

    torch.set_num_threads(1)
    torch.set_flush_denormal(True)
    started = time.time()
    tokenizer = AutoTokenizer.from_pretrained(FOLDER)
    seen, unseen = (Corpus(tokenizer, seed, WINDOW) for seed in (0, HELD_OUT))
    batches = [seen.batch(i, ROWS) for i in range(max(STEPS))]
    held_out = [unseen.batch(i, ROWS) for i in range(MEASURED)]
    points = []
    for hidden, steps in tqdm([(hidden, steps) for hidden in SIZES for steps in STEPS]):
        model = train(hidden, steps, tokenizer, batches)
        loss = round(loss_of(model, held_out), 4)
        points.append([inner_parameters(model), steps * ROWS * WINDOW, loss])
        tqdm.write(f"{points[-1]} after {time.time() - started:.0f} s")
    record = {
        "command": "python -m course_utils.scaling",
        "torch": torch.__version__,
        "seconds": round(time.time() - started),
        "columns": list(Point._fields),
        "points": points,
    }
    RECORDED.write_text(json.dumps(record, indent=1) + "\n")


if __name__ == "__main__":
    main()
