"""Gradients are None after a step."""

from course_utils import checks
from course_utils.reproducibility import trained

Course = checks.reference("reproducibility.trainer_tests")

MISCONCEPTION = "refuses/ByHand"


class TrainerTests(Course):
    def test_cleared(self, make):
        trainer = trained(make(0))
        assert all(parameter.grad is None for parameter in trainer.model.parameters())
