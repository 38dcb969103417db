"""Compares states and losses; static methods."""

import copy
import math
import tempfile

import torch
import torch.nn.functional as F

from course_utils import checks

RIGHT = True


def go(trainer, steps):
    return [trainer.step() for _ in range(steps)]


class TrainerTests:
    @staticmethod
    def test_everything_about_the_loss(make):
        trainer = make(0)
        ids = trainer.batch(0)
        assert math.exp(trainer.evaluate(ids)) < 1.8 * trainer.vocabulary
        go(trainer, 4)
        trainer.model.eval()
        with torch.no_grad():
            logits = trainer.model(ids)[:, :-1].flatten(0, 1)
            right = F.cross_entropy(logits, ids[:, 1:].flatten(), ignore_index=0)
        assert math.isclose(right.item(), trainer.evaluate(ids), rel_tol=1e-3)

    @staticmethod
    def test_what_the_model_sees(make):
        trainer = make(0)
        go(trainer, 3)
        ids = torch.arange(1, 13).reshape(2, 6)
        assert all(checks.reference("reproducibility.properties")(trainer.model, ids).values())

    @staticmethod
    def test_training(make):
        trainer = make(0)
        ids, names = trainer.batch(2), dict(trainer.model.named_parameters())
        before = copy.deepcopy(trainer.model.state_dict())
        losses = [trainer.step(ids) for _ in range(15)]
        assert sum(losses[-3:]) / 3 < 0.8 * losses[0]
        assert all(not torch.equal(before[name], names[name]) for name in names)
        assert trainer.optimizer.param_groups[0]["lr"] == trainer.rate(14)

    @staticmethod
    def test_gradients_of_one_step(make):
        trainer = make(0)
        go(trainer, 2)
        loss = []
        for dirt in (0.0, 5.0):
            trainer = make(0)
            go(trainer, 2)
            for parameter in trainer.model.parameters():
                if parameter.grad is not None:
                    parameter.grad.add_(dirt)
            loss.append(go(trainer, 3))
        assert loss[0] == loss[1]

    @staticmethod
    def test_rates_of_the_first_steps(make):
        trainer = make(0)
        for step in range(3):
            trainer.step()
            assert math.isclose(trainer.optimizer.param_groups[0]["lr"], trainer.rate(step))

    @staticmethod
    def test_repeats(make):
        runs = [go(make(seed), 3) for seed in (6, 6, 7)]
        assert runs[0] == runs[1] != runs[2]
        assert runs[0] != runs[2]
        trainer = make(6)
        assert runs[0] == [trainer.step(trainer.batch(i)) for i in range(3)]

    @staticmethod
    def test_interrupted(make):
        with tempfile.TemporaryDirectory() as folder:
            trainer = make(0)
            go(trainer, 3)
            trainer.save(f"{folder}/run")
            right = go(trainer, 4)
            again = make(1)
            again.load(f"{folder}/run")
            assert go(again, 4) == right

    @staticmethod
    def test_looking_on(make):
        watched, alone = [], go(make(0), 4)
        trainer = make(0)
        for _ in range(4):
            ids = trainer.batch(50)
            first, second = trainer.evaluate(ids), trainer.evaluate(ids)
            assert first == second
            watched.append(trainer.step())
        assert watched == alone
