"""What is tried of one exercise stays in one process: its reports are used more than once."""

from xdist.scheduler import LoadScopeScheduling


class ByExercise(LoadScopeScheduling):
    def _split_scope(self, nodeid: str) -> str:
        """The exercise in "test_bank.py::test_a_right_answer_is_accepted[EXERCISE/ANSWER]"."""
        return nodeid.partition("[")[2].rstrip("]").partition("/")[0]


def pytest_xdist_make_scheduler(config, log):
    return ByExercise(config, log)
