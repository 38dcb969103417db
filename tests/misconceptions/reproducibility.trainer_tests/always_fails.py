"""What catches everything."""

MISCONCEPTION = "refuses/Trainer"


class TrainerTests:
    def test_all(self, make):
        assert make(0) is None
