"""Weights are float32."""

import torch

from course_utils import checks

Course = checks.reference("reproducibility.trainer_tests")

MISCONCEPTION = "refuses/MicroBatches"


class TrainerTests(Course):
    def test_dtype(self, make):
        assert all(p.dtype == torch.float32 for p in make(0).model.parameters())
