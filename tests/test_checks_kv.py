"""What the refusals of notebook 02 say."""

import pytest
import torch

from course_utils import checks


def no_mask(q, k, v, mask=None):
    weights = (q @ k.mT / q.shape[-1] ** 0.5).softmax(-1)
    return weights @ v, weights


def test_a_refusal_names_the_arguments_by_their_shapes():
    masks = checks.run("kv_cache.attention", no_mask).cases[1]
    named = "q [2, 3, 4, 5], k [2, 3, 6, 5], v [2, 3, 6, 7], mask bool [4, 6]"
    assert masks.expected.endswith(f"({named})")


def test_a_refusal_names_numbers():
    report = checks.run("kv_cache.causal_mask", lambda n, s: torch.ones(n, s, dtype=torch.bool))
    assert "(n_new = 4, n_keys = 4)" in report.cases[0].expected


@pytest.mark.parametrize("method", ["allocate", "append", "fork", "free"])
def test_a_pool_with_a_method_that_raises_is_refused(method):
    def fails(self, *args):
        raise OSError("broken")

    answer = type("Broken", (checks.reference("kv_cache.paged_cache"),), {method: fails})
    report = checks.run("kv_cache.paged_cache", answer)
    assert not report.passed
    assert "OSError: broken" in str(report)
