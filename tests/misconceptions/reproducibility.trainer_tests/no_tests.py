"""Methods with names of their own."""

MISCONCEPTION = "suite/no-tests"


class TrainerTests:
    def loss_falls(self, make):
        trainer = make(0)
        first = trainer.step()
        assert trainer.step() < first
