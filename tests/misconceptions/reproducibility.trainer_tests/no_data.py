"""Seeds alone."""

import torch

from course_utils import checks
from course_utils.reproducibility import trained, weights

Course = checks.reference("reproducibility.trainer_tests")

MISCONCEPTION = "survives/OneBatch"


class TrainerTests(Course):
    def test_seed_and_data(self, make):
        one, twin = weights(trained(make(3))), weights(trained(make(3)))
        other = weights(trained(make(4)))
        assert all(map(torch.equal, one, twin))
        assert not any(map(torch.equal, one, other))
