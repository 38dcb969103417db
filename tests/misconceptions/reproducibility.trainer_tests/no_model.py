"""The loss would tell."""

from course_utils import checks

Course = checks.reference("reproducibility.trainer_tests")

MISCONCEPTION = "survives/MixesRows"


class TrainerTests(Course):
    test_model = None
