"""The same seed twice, and never another."""

import torch

from course_utils import checks
from course_utils.reproducibility import trained, weights

Course = checks.reference("reproducibility.trainer_tests")

MISCONCEPTION = "survives/OneSeed"


class TrainerTests(Course):
    def test_seed_and_data(self, make):
        one, twin = weights(trained(make(3))), make(3)
        for index in range(2):
            twin.step(twin.batch(index))
        assert all(map(torch.equal, one, weights(twin)))
