from course_utils.grading import similarity

ONE = """
def top_k_filter(logits, k):
    # keep the largest
    values, places = logits.topk(min(k, logits.shape[-1]), dim=-1)
    result = torch.full_like(logits, -torch.inf)
    for row in range(3):
        result[row] = values[row] if row > 0 else places[row] * 2
    return result.scatter(-1, places, values)
"""
RENAMED = ONE.replace("values", "v").replace("places", "where").replace("# keep", "# I keep")
OTHER = """
def top_k_filter(logits, k):
    threshold = sorted(logits.tolist())[-k]
    if threshold is None:
        raise ValueError(threshold)
    with torch.no_grad():
        while True:
            logits = [x if x >= threshold else float("-inf") for x in logits]
            return torch.tensor(logits)
"""


def results(*sources: str) -> list[dict]:
    return [
        {
            "pseudonym": f"s{i}",
            "notebook": "00_sampling",
            "submission": {"cells": {"top-k": source}},
        }
        for i, source in enumerate(sources)
    ]


def test_new_names_and_comments_do_not_hide_a_copy():
    ((share, *who),) = similarity.pairs(results(ONE, RENAMED, OTHER), {})
    assert (share, who) == (1.0, ["00_sampling", "s0", "s1"])


def test_three_copies_in_a_small_class_are_found():
    others = [f"def f{i}(x):\n    return x" for i in range(8)]
    found = similarity.pairs(results(ONE, RENAMED, ONE, *others), {})
    assert {tuple(who) for _, _, *who in found} == {("s0", "s1"), ("s0", "s2"), ("s1", "s2")}


def test_what_was_handed_out_counts_not():
    assert similarity.pairs(results(ONE, RENAMED), {("00_sampling", "top-k"): ONE}) == []
    others = {("00_sampling", "top-k"): ONE, ("08_embeddings", "top-k"): OTHER}
    assert similarity.pairs(results(ONE, RENAMED), others) == []


def test_code_that_does_not_parse_is_compared_as_far_as_it_goes():
    similarity.pairs(results("def f(:\n  '''", "", ONE), {})


def test_a_cell_too_long_to_be_graded_is_not_compared():
    assert similarity.fingerprints("x = 1\n" * 50_000) == frozenset()
