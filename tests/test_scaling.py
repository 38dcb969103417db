"""The recorded losses are whole, and the command makes such losses."""

import json

import torch

from course_utils import scaling
from course_utils.course_lm import FOLDER
from course_utils.course_lm.corpus import Corpus


def test_four_sizes_times_four_lengths_were_recorded():
    points = scaling.recorded()
    sizes = sorted({point.parameters for point in points})
    lengths = sorted({point.tokens for point in points})
    assert (len(points), len(sizes), len(lengths)) == (16, 4, 4)
    assert lengths == [steps * scaling.ROWS * scaling.WINDOW for steps in scaling.STEPS]
    record = json.loads(scaling.RECORDED.read_text())
    assert record["command"] == "python -m course_utils.scaling"
    assert record["seconds"] < 15 * 60


def test_more_parameters_and_more_tokens_help():
    points = scaling.recorded()
    for one in points:
        for other in points:
            if one != other and one.parameters <= other.parameters and one.tokens <= other.tokens:
                assert other.loss < one.loss


def test_a_run_starts_near_a_guess_and_learns():
    from transformers import AutoTokenizer

    torch.set_num_threads(1)
    tokenizer = AutoTokenizer.from_pretrained(FOLDER)
    batches = [Corpus(tokenizer, 0, 64).batch(i, 2) for i in range(6)]
    losses = [
        scaling.loss_of(scaling.train(32, steps, tokenizer, batches), batches[-1:])
        for steps in (1, 6)
    ]
    assert losses[1] < losses[0] < 1.1 * torch.tensor(float(len(tokenizer))).log()
