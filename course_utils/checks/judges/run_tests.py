"""Judges of ``properties`` and ``TrainerTests`` of notebook 11. Oracle: how each model or trainer
was made."""

from __future__ import annotations

from course_utils import trainers
from course_utils.checks.judges import common
from course_utils.checks.judges.common import Refusal
from course_utils.checks.probes import reproducibility as probes

NAMES = ("causal", "rows", "padding")
_WORDS = {
    "one ahead": "every position sees one token ahead",
    "three ahead": "every position sees three tokens ahead",
    "all": "every position sees the mean of all",
    "one place ahead": "the second position sees the next token",
    "one late place ahead": "the fourth position sees the next token",
    "the first place ahead": "the first position sees the next token",
    "the last place ahead": "the last position but one sees the last token",
    "a little of the last": "every position sees a hundredth of the last token",
    "mean of the rows": "every row sees the mean of all rows",
    "row before": "every row but the first sees the one before it",
    "next row": "every row but the last sees the next one",
    "next row, around": "every row sees the next one, and the last sees the first",
    "last row, in the first": "the first row sees the last one",
    "places from the end": "positions are counted from the end",
    "length": "the length of the row is added",
    "count of padding": "the number of padding tokens is added",
    "padding, at the first place": "the first position sees the number of padding tokens",
    "rows and padding": "rows see each other, and the length of the row is added",
}


def _slug(kind: str) -> str:
    return "misses/" + kind.replace(",", "").replace(" ", "-")


SENTENCES = {
    "reproducibility.properties": {
        _slug(kind): (f"A model passes in which {words}.", hint)
        for kinds, hint in [
            (
                probes.CAUSAL,
                "For each position: change all later tokens, and compare all logits up to it.",
            ),
            (probes.ROW, "Compare every row alone with the same row in the batch."),
            (
                probes.PADDING,
                "Compare the logits of the text with those of the text and padding behind it.",
            ),
        ]
        for kind in kinds
        for words in [_WORDS[kind]]
    }
    | {
        "answer/reversed": (
            "The answers are reversed.",
            "True where the model has the property, False where it does not.",
        ),
        "answer/first-alone": (
            "Of two properties that fail only the first is reported.",
            "Ask for each of the three, whatever the others say.",
        ),
        "answer/mixed-up": (
            "A property fails that this model has.",
            "Change one thing at a time, and leave the length as it is where the length is not "
            "what you ask about.",
        ),
        "answer/other-keys": (
            "The result has other keys than the three properties.",
            "causal, rows, padding.",
        ),
        "answer/not-truth-values": ("The values are no truth values.", "True or False for each."),
        "tolerance/none": (
            "A sound model in float32 is refused: its logits differ in the last bits.",
            "Rounding is what is below 1e-4 of the largest logit.",
        ),
        "tolerance/absolute": (
            "A sound model with large logits is refused: its rounding is larger as well.",
            "Compare with the largest logit: 1e-4 * logits.abs().max().",
        ),
        "dropout/on": (
            "A sound model in training mode is refused: dropout makes each run another.",
            "model.eval() first, and back to the old mode in the end.",
        ),
        "refuses/sound": ("A sound model is refused.", "What did you compare with what?"),
        "leaves/mode": (
            "The model is left in another mode.",
            "was = model.training … finally: model.train(was).",
        ),
        "leaves/gradients": (
            "Gradients are left in the parameters.",
            "torch.no_grad(), or autograd.grad with respect to the inputs.",
        ),
        "leaves/model": ("The model is changed.", "Leave weights and hooks as they were."),
    },
    "reproducibility.trainer_tests": {
        "suite/no-tests": ("There are no tests.", "Methods whose names begin with test."),
        "suite/never-fails": (
            "A trainer passes that does nothing at all: there is no test that can fail.",
            "assert what must be true; what is printed or returned, nobody looks at.",
        ),
        "suite/own-error": (
            "A test fails for every trainer, by an error of its own.",
            "Read the error: an assert says what is wrong, another error is a slip in the test.",
        ),
        **{
            f"refuses/{kind.__name__}": (f"A sound trainer is refused: {text}", hint)
            for kind, text, hint in [
                (
                    trainers.Trainer,
                    "the plain one.",
                    "Is the test true of it at all? Dropout draws from torch's global stream: run "
                    "one trainer to its end before you make the next.",
                ),
                (
                    trainers.ByHand,
                    "its loss is written out, its gradients are clipped, its optimizer is SGD.",
                    "Ask what a trainer does, not how: it may clear gradients before or after.",
                ),
                (
                    trainers.MicroBatches,
                    "it takes rows one by one, in float64, without dropout, and warms up slowly.",
                    "Give it time to learn, and compare losses with a tolerance.",
                ),
                (
                    trainers.ZeroStart,
                    "its unembedding starts at zero; in the first step nothing else learns.",
                    "Look after several steps; take the vocabulary from the trainer.",
                ),
                (
                    trainers.Decaying,
                    "its learning rate falls from the first step on.",
                    "Compare with trainer.rate(step), not with a shape that you expect.",
                ),
            ]
        },
        **{
            f"survives/{kind.__name__}": (
                kind.__doc__.split("\n\n")[0].replace("\n    ", " "),
                hint,
            )
            for group, hint in {
                "the loss": "Compute the loss from the logits yourself, on a batch with padding.",
                "the model": "Exercise 11.5 finds it, on a model that has learned for a few steps.",
                "the step": "Can one batch be learned? Do all parameters change? Is the rate "
                "rate(step)? Do old gradients matter?",
                "seed and data": "Two trainers of one seed, and one of another; batch after batch.",
                "the checkpoint": "Save, go on; load in one of another seed, go on: equal bits.",
                "the evaluation": "Evaluate twice; train with evaluations between the steps and "
                "without: equal bits.",
            }.items()
            for kind in trainers.BROKEN[group]
        },
    },
}


# properties


def sound(calls: list[dict], seed: int) -> Refusal | None:
    slugs = {
        "float32": "tolerance/none",
        "large logits": "tolerance/absolute",
        "training mode": "dropout/on",
        "float64": "refuses/sound",
    }
    for kind, call in sorted(
        zip(probes.SOUND_KINDS, calls, strict=True), key=lambda pair: pair[0] != "float64"
    ):
        expected = "causal, rows and padding True for a sound model"
        if refusal := _unusable(call, expected):
            return refusal
        wrong = [name for name in NAMES if not call["value"][name]]
        if wrong:
            slug = "answer/reversed" if len(wrong) == 3 and kind == "float64" else slugs[kind]
            return Refusal(slug, expected, f"{wrong[0]} False ({kind})")
    for call in calls:
        if call["changed"]:
            what = call["changed"][0]
            names = {"the mode": "leaves/mode", "the gradients": "leaves/gradients"}
            return Refusal(names.get(what, "leaves/model"), "the model as it was", f"other: {what}")
    return None


def _finds(name: str, kinds: tuple[str, ...]):
    """A judge: in each of these models the property fails, and it alone."""

    def judge(calls: list[dict], seed: int) -> Refusal | None:
        for kind, call in zip(kinds, calls, strict=True):
            right = {other: other != name for other in NAMES}
            expected = f"{name} False, the others True: {_WORDS[kind]}"
            if kind == "rows and padding":
                right["rows"] = False
                expected = f"rows and padding False: {_WORDS[kind]}"
            if refusal := _unusable(call, expected):
                return refusal
            seen = f"{call['value']}"
            if kind == "all":
                right["padding"] = False  # padding is among what it sees
            found = {key: bool(call["value"][key]) for key in NAMES}
            if found == right:
                continue
            if found == {key: not value for key, value in right.items()}:
                return Refusal("answer/reversed", expected, seen)
            if kind == "rows and padding" and found[name] and not found["rows"]:
                return Refusal("answer/first-alone", expected, seen)
            if found[name]:
                return Refusal(_slug(kind), expected, seen)
            if kind not in AMBIGUOUS:
                return Refusal("answer/mixed-up", expected, seen)
        return None

    return judge


AMBIGUOUS = ("all", "a little of the last", "three ahead", "one ahead")  # padding is a later token
causal = _finds("causal", probes.CAUSAL)
rows = _finds("rows", probes.ROW)
padding = _finds("padding", probes.PADDING)


def _unusable(call: dict, expected: str) -> Refusal | None:
    if call["outcome"] == "raised":
        return common.raised(call, expected)
    value = call["value"]
    if not isinstance(value, dict) or "type" in value:
        return common.wrong_type(value, expected) or Refusal(
            "result/wrong-type", expected, "a tensor"
        )
    if set(value) != set(NAMES):
        return Refusal("answer/other-keys", f"the keys {list(NAMES)}", f"{list(value)}"[:100])
    if odd := [v for v in value.values() if not isinstance(v, bool)]:
        return Refusal("answer/not-truth-values", "truth values", f"a {type(odd[0]).__name__}")
    return None


# TrainerTests


def sound_trainers(calls: list[dict], seed: int) -> Refusal | None:
    for kind, call in zip(trainers.SOUND, calls, strict=True):
        expected = "every test passed by a sound trainer"
        if call["outcome"] == "raised":
            return common.raised(call, expected)
        failed = dict(call["value"])
        if failed.pop("") == "0":
            return Refusal("suite/no-tests", "at least one test", "none")
        if failed:
            name, error = next(iter(failed.items()))
            own = kind is trainers.Trainer and not error.startswith("AssertionError")
            slug = "suite/own-error" if own else f"refuses/{kind.__name__}"
            return Refusal(slug, expected, f"{name} fails, {error}")
    return None


def _caught(group: str):
    """A judge: each broken trainer of the group fails a test that the plain one passes."""

    def judge(calls: list[dict], seed: int) -> Refusal | None:
        kinds = trainers.BROKEN[group]
        for call in calls:
            if call["outcome"] == "raised":
                return common.raised(call, "a broken trainer caught")
        broken = calls[1 : 1 + len(kinds)]  # behind the plain trainer
        for hopeless in calls[1 + len(kinds) :]:
            if not hopeless["value"].keys() - {""}:
                expected = "a trainer refused that does nothing at all"
                return Refusal("suite/never-fails", expected, "no test fails")
        missed = [
            k for k, call in zip(kinds, broken, strict=True) if not call["value"].keys() - {""}
        ]
        if not missed:
            return None
        expected = f"{len(kinds)} of {len(kinds)} trainers caught that break {group}"
        seen = f"{len(kinds) - len(missed)} caught"
        return Refusal(f"survives/{missed[0].__name__}", expected, seen)

    return judge


loss = _caught("the loss")
model = _caught("the model")
step = _caught("the step")
data = _caught("seed and data")
checkpoint = _caught("the checkpoint")
evaluation = _caught("the evaluation")
