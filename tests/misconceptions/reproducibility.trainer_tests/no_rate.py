"""Gradients are tested, the rate is not."""

from course_utils import checks
from course_utils.reproducibility import same_run, trained

Course = checks.reference("reproducibility.trainer_tests")

MISCONCEPTION = "survives/IgnoresRate"


class TrainerTests(Course):
    def test_steps(self, make):
        trainer, twin = trained(make(0)), trained(make(0))
        for parameter in twin.model.parameters():
            parameter.grad = None
        assert same_run(trainer, twin)
