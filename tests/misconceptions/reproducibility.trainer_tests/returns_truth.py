"""Returns whether all is well; a test that returns False has passed."""

import math

from course_utils.reproducibility import same_run, trained

MISCONCEPTION = "suite/never-fails"


class TrainerTests:
    def test_loss(self, make):
        trainer = make(0)
        loss = trainer.evaluate(trainer.batch(0))
        return abs(loss - math.log(trainer.vocabulary)) < 0.5

    def test_seed(self, make):
        return same_run(make(0), make(0))

    def test_evaluation(self, make):
        trainer = trained(make(0))
        ids = trainer.batch(3)
        return trainer.evaluate(ids) == trainer.evaluate(ids)
