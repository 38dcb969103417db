"""Many small tests."""

import math
import tempfile
from pathlib import Path

import pytest
import torch

RIGHT = True


def clone(trainer):
    return [p.detach().clone() for p in trainer.model.parameters()]


def equal(one, other):
    return all(torch.equal(a, b) for a, b in zip(one, other, strict=True))


class TrainerTests:
    def test_guess(self, make):
        trainer = make(5)
        loss = trainer.evaluate(trainer.batch(1))
        assert loss == pytest.approx(math.log(trainer.vocabulary), abs=0.6)

    def test_cross_entropy(self, make):
        trainer = make(0)
        for _ in range(5):
            trainer.step()
        trainer.model.eval()
        ids = trainer.batch(40)
        with torch.no_grad():
            logits = trainer.model(ids).float()
        losses = []
        for row in range(len(ids)):
            for t in range(ids.shape[1] - 1):
                if ids[row, t + 1] != 0:
                    losses.append(-logits[row, t].log_softmax(-1)[ids[row, t + 1]])
        mean = float(sum(losses) / len(losses))
        assert trainer.evaluate(ids) == pytest.approx(mean, abs=1e-3)

    def test_future(self, make):
        trainer = make(0)
        for _ in range(2):
            trainer.step()
        model = trainer.model.eval()
        ids = trainer.batch(3)[-1:]
        other = ids.clone()
        other[:, 4:] = (ids[:, 4:] + 3) % (trainer.vocabulary - 1) + 1
        assert torch.allclose(model(ids)[:, :4], model(other)[:, :4], atol=1e-4)

    def test_rows(self, make):
        trainer = make(0)
        for _ in range(2):
            trainer.step()
        model = trainer.model.eval()
        ids = trainer.batch(3)
        assert torch.allclose(model(ids)[:1], model(ids[:1]), atol=1e-4)

    def test_padding(self, make):
        trainer = make(0)
        for _ in range(2):
            trainer.step()
        model = trainer.model.eval()
        ids = trainer.batch(3)[-1:]
        padded = torch.cat([ids, torch.zeros_like(ids[:, :2])], 1)
        assert torch.allclose(model(ids), model(padded)[:, : ids.shape[1]], atol=1e-4)

    def test_overfits(self, make):
        trainer = make(1)
        ids = trainer.batch(0)
        before = trainer.evaluate(ids)
        for _ in range(14):
            trainer.step(ids)
        assert trainer.evaluate(ids) < 0.8 * before

    def test_all_parameters_move(self, make):
        trainer = make(1)
        before = clone(trainer)
        for _ in range(4):
            trainer.step()
        for one, other in zip(before, clone(trainer), strict=True):
            assert (one != other).any()

    def test_rate(self, make):
        trainer = make(1)
        rates = []
        for _ in range(4):
            trainer.step()
            rates.append(trainer.optimizer.param_groups[0]["lr"])
        assert rates == pytest.approx([trainer.rate(step) for step in range(4)])

    def test_old_gradients_do_not_matter(self, make):
        def run(clears):
            trainer = make(2)
            for _ in range(5):
                trainer.step()
                if clears:
                    trainer.model.zero_grad()
            return clone(trainer)

        assert equal(run(True), run(False))

    def test_seeds(self, make):
        def run(seed):
            trainer = make(seed)
            return [trainer.step() for _ in range(3)]

        assert run(1) == run(1)
        assert run(1) != run(2)

    def test_next_batch(self, make):
        one = make(3)
        seen = [one.step() for _ in range(4)]
        other = make(3)
        assert seen == [other.step(other.batch(i)) for i in range(4)]

    def test_resume(self, make):
        with tempfile.TemporaryDirectory() as folder:
            one = make(0)
            for _ in range(2):
                one.step()
            one.save(Path(folder, "a"))
            right = [one.step() for _ in range(4)]
            other = make(8)
            other.step()
            other.load(Path(folder, "a"))
            assert right == [other.step() for _ in range(4)]
            assert equal(clone(one), clone(other))

    def test_evaluation_leaves_no_trace(self, make):
        def run(evaluates):
            trainer = make(0)
            for _ in range(4):
                if evaluates:
                    assert trainer.evaluate(ids) == trainer.evaluate(ids)
                trainer.step()
            return clone(trainer)

        ids = make(0).batch(9)
        assert equal(run(True), run(False))
