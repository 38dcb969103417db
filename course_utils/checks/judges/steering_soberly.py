"""Judges of the exercises of ``06_steering_soberly``.

Oracles: NumPy's polynomial fit; counting by a loop; resampling by counts drawn from a multinomial
distribution; and, for random vectors, moments of directions in the plane.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np
import torch
from torch import Tensor

from course_utils.checks.judges import common
from course_utils.checks.judges.common import Refusal
from course_utils.checks.probes import steering_soberly as probes

TOLERANCE = 1e-5
DEVIATIONS = 5.5  # how far chance may go, in standard deviations

SENTENCES = {
    "steering_soberly.slope": {
        "line/through-origin": (
            "The line is made to go through the origin.",
            "A prompt leans to one side without steering too: subtract both means first.",
        ),
        "line/endpoints": (
            "Only two of the strengths are used.",
            "The least-squares line uses all of them.",
        ),
        "line/mean-of-steps": (
            "It is the mean of the slopes between neighbors.",
            "Fit one line to all points: covariance over variance.",
        ),
        "line/equal-steps": (
            "The strengths count as if their steps were equal.",
            "Use the strengths themselves, not their numbers.",
        ),
        "line/intercept": ("It is the intercept.", "The slope is the other coefficient."),
        "line/inverse": (
            "It is the slope of strength against difference.",
            "Divide by the variance of the strengths.",
        ),
        "line/correlation": (
            "It is a correlation, which does not know how steep a line is.",
            "Divide by the variance of the strengths alone.",
        ),
        "line/covariance": (
            "It is a covariance.",
            "Divide by the variance of the strengths.",
        ),
        "line/mixed-denominators": (
            "One of covariance and variance is divided by n, the other by n - 1.",
            "Sum over sum: torch.var divides by n - 1 by default.",
        ),
        "samples/averaged": (
            "There is one slope for all samples.",
            "A slope for each sample: the mean is what hides those steered backwards.",
        ),
        "samples/sign-lost": (
            "The signs of the slopes are lost.",
            "A negative slope is what we are looking for.",
        ),
        "samples/sign-reversed": ("The signs of the slopes are reversed.", "Rising is positive."),
        "order/strengths-sorted": (
            "The strengths are sorted, the differences are not.",
            "Sort both, or neither: a line does not need an order.",
        ),
        "axes/transposed": (
            "Samples and strengths are confused.",
            "differences is [sample, strength]: sum over the last dimension.",
        ),
        "shape/squeezed": (
            "With one sample the result loses its dimension.",
            "The result is [sample], also where there is one: no squeeze().",
        ),
    },
    "steering_soberly.backwards": {
        "share/of-all-samples": (
            "It is divided by the number of all samples.",
            "Divide by the number of samples of the group.",
        ),
        "share/forwards": (
            "It is the share that is steered forwards.",
            "Backwards is a slope below 0.",
        ),
        "share/count": ("It is a count.", "Divide by the number of samples of the group."),
        "share/percent": ("It is a percentage.", "A share, from 0 to 1."),
        "share/of-the-backwards": (
            "It says how those steered backwards are spread over the groups.",
            "Within each group: how many of its samples are steered backwards?",
        ),
        "share/mean-slope": (
            "It is made from the mean slope of the group.",
            "Count samples: mean(slopes < 0), not mean(slopes) < 0.",
        ),
        "groups/ignored": (
            "There is one share for all samples.",
            "One for each group: 0, 1, … n_groups - 1.",
        ),
        "groups/order-of-appearance": (
            "The groups stand in the order in which they appear.",
            "Group g stands at place g.",
        ),
        "groups/taken-as-sorted": (
            "The samples are taken as if they stood group after group.",
            "groups[i] is the group of sample i: slopes[groups == group].",
        ),
        "groups/one-based": (
            "The groups are counted from 1.",
            "The groups are 0, 1, … n_groups - 1.",
        ),
        "zero/backwards": (
            "A slope of 0 counts as backwards.",
            "Backwards is a slope below 0, not <= 0.",
        ),
        "nan/counted": (
            "Samples without a slope (nan) count as if they were steered forwards.",
            "Leave them out of the denominator as well.",
        ),
        "nan/backwards": (
            "Samples without a slope (nan) count as backwards.",
            "nan is not >= 0 either: leave these samples out.",
        ),
        "nan/spreads": (
            "One sample without a slope makes the whole group nan.",
            "Leave these samples out: slopes[~slopes.isnan()].",
        ),
        "empty/zero": (
            "A group without samples gets a number.",
            "Nothing was measured there: nan.",
        ),
        "empty/error": (
            "It fails on a group without samples.",
            "Its share is nan: guard the division.",
        ),
        "empty/left-out": (
            "A group without samples is left out of the result.",
            "The result has n_groups entries: is there a minlength missing?",
        ),
    },
    "steering_soberly.bootstrap_interval": {
        "resample/without-replacement": (
            "Every resample is the sample itself: the interval has no width.",
            "Draw with replacement: torch.randint(n, (n,)), not randperm.",
        ),
        "resample/repeated": (
            "The same resample is drawn again and again.",
            "Make the generator once, before the loop.",
        ),
        "resample/number-ignored": (
            "n_resamples has no effect.",
            "Draw so many resamples as are asked for.",
        ),
        "resample/other-size": (
            "The resamples are not of the size of the sample.",
            "Draw n of n: the spread depends on the number.",
        ),
        "interval/of-the-values": (
            "It is an interval of the values, not of the statistic.",
            "The quantiles of the statistics of all resamples.",
        ),
        "interval/standard-deviation": (
            "It is the statistic and the values' standard deviation on both sides.",
            "The quantiles of the statistics of all resamples.",
        ),
        "interval/normal": (
            "It is symmetric: a mean and so many standard errors on both sides.",
            "The quantiles of the statistics themselves, which need not be symmetric.",
        ),
        "interval/pivotal": (
            "It is the pivotal interval, reflected about the statistic.",
            "The percentile interval is asked for: the quantiles as they are.",
        ),
        "interval/extremes": (
            "It goes from the smallest to the largest statistic.",
            "The quantiles at (1 - level) / 2 and (1 + level) / 2.",
        ),
        "level/tails": (
            "Too much is cut off: 1 - level at each end.",
            "Half of 1 - level at each end.",
        ),
        "level/ignored": (
            "The level has no effect: it is always 95 %.",
            "The quantiles at (1 - level) / 2 and (1 + level) / 2.",
        ),
        "statistic/ignored": (
            "It is the interval of the mean, whatever the statistic.",
            "Call statistic(resample) for each resample.",
        ),
        "rows/apart": (
            "The columns are resampled apart from each other.",
            "Draw numbers of rows: values[rows] keeps each row whole.",
        ),
        "order/reversed": ("The bounds are in the wrong order.", "Return low, high."),
        "result/one-number": ("There is one number.", "Return two: low, high."),
        "seed/none": (
            "The same seed gives another interval.",
            "torch.Generator().manual_seed(seed), handed to every draw.",
        ),
        "seed/ignored": (
            "Every seed gives the same interval.",
            "Use the seed that is given.",
        ),
    },
    "steering_soberly.random_control": {
        "norm/one": (
            "The random vectors have norm 1.",
            "Multiply by the norm of the vector: the same push, in another direction.",
        ),
        "norm/varies": (
            "The norms of the random vectors vary.",
            "Divide each by its norm before it gets the vector's.",
        ),
        "norm/other": (
            "The random vectors have another norm than the vector.",
            "random / random.norm() * vector.norm()",
        ),
        "draw/positive": (
            "All numbers of the random vectors are positive.",
            "torch.randn, not torch.rand.",
        ),
        "draw/cube": (
            "Directions to the corners of a cube are more frequent than others.",
            "Normal numbers (torch.randn), divided by their norm, favor no direction.",
        ),
        "draw/of-the-vector": (
            "The random vectors hold the numbers of the vector itself, mixed or with other signs.",
            "Draw directions that have nothing to do with it: torch.randn.",
        ),
        "draw/around-the-vector": (
            "The random vectors lie around the vector.",
            "No direction is likelier than another: do not add the vector.",
        ),
        "draw/repeated": (
            "The same random vector is drawn again and again.",
            "Make the generator once, before the loop.",
        ),
        "count/wrong": ("There are not n random vectors.", "Draw n of them."),
        "effects/wrong": (
            "These are not the effects of the random vectors, in their order.",
            "effects[i] = effect(random vector i).",
        ),
        "effects/with-own": (
            "The vector's own effect is among the random ones.",
            "Return the n random effects; the vector's own only enters the comparison.",
        ),
        "effects/absolute": (
            "The signs of the effects are lost.",
            "Return the effects as they are; compare their sizes.",
        ),
        "rarity/no-one-added": (
            "1 is not added both to the count and to n: a plain share can be 0.",
            "(1 + count) / (n + 1): the vector itself is one of those that could have been drawn.",
        ),
        "rarity/one-sided": (
            "The sign counts: an effect the other way is not compared by its size.",
            "Compare abs(random effect) with abs(own effect).",
        ),
        "rarity/strictly-larger": (
            "A random effect of the same size does not count.",
            "At least as large: >=.",
        ),
        "rarity/smaller": (
            "It is the share of smaller effects.",
            "Count the random effects that are at least as large.",
        ),
        "rarity/count": ("It is a count.", "(1 + count) / (n + 1)."),
        "rarity/wrong": (
            "The second result is another number.",
            "(1 + number of random effects at least as large in size) / (n + 1).",
        ),
        "result/order": ("The results are in the wrong order.", "Return effects, rarity."),
        "result/two": ("Two results are expected.", "Return effects, rarity."),
        "seed/none": (
            "The same seed gives other random vectors.",
            "torch.Generator().manual_seed(seed), handed to every draw.",
        ),
        "seed/ignored": ("Every seed gives the same random vectors.", "Use the seed."),
    },
}


# Values


def normal(call: dict) -> dict:
    """Numbers and lists of numbers as tensors in float64."""
    return call | {"value": tensor(call["value"])} if "value" in call else call


def tensor(value: object) -> object:
    if isinstance(value, int | float) and not isinstance(value, bool):
        return torch.tensor(float(value), dtype=torch.float64)
    if isinstance(value, list) and value:
        items = [tensor(item) for item in value]
        alike = all(isinstance(x, Tensor) for x in items) and len({x.shape for x in items}) == 1
        return torch.stack([x.double() for x in items]) if alike else items
    if isinstance(value, Tensor) and value.dtype != torch.bool:
        return value.double()
    return value


def show(value: object) -> str:
    if not isinstance(value, Tensor):
        return value["text"] if isinstance(value, dict) else f"a {type(value).__name__}"
    shape = "" if value.dim() < 2 and value.numel() < 9 else f" of shape {list(value.shape)}"
    return common.number(value.item()) if not value.dim() else common.numbers(value) + shape


def close(one: object, other: Tensor) -> bool:
    return isinstance(one, Tensor) and common.close(one, other, TOLERANCE)


def valued(
    calls: list[dict], inputs: Sequence[tuple], right: Callable, candidates: Sequence[tuple]
) -> Refusal | None:
    """Judges tensors; a candidate is (slug, what the answer would be under a misconception)."""
    calls = [normal(call) for call in calls]
    expected = [right(*arguments) for arguments in inputs]
    pairs = list(zip(calls, expected, strict=True))
    wrong = [i for i, (call, one) in enumerate(pairs) if not close(call.get("value"), one)]
    if not wrong:
        return common.mutation(calls)
    call, one = pairs[wrong[0]]
    if call["outcome"] == "raised":
        return common.raised(call, show(one))
    slug = common.explain(calls, wrong, inputs, candidates, TOLERANCE)
    value = call["value"]
    if slug:
        return Refusal(slug, show(one), show(value))
    if refusal := common.wrong_type(value, show(one)):
        return refusal
    if value.shape != one.shape:
        return Refusal("shape/wrong", f"shape {list(one.shape)}", f"shape {list(value.shape)}")
    slug = "value/nan" if value.isnan().any() and not one.isnan().any() else "value/wrong"
    return Refusal(slug, *common.difference(one, value, TOLERANCE))


# steerability


def _fit(strengths: Tensor, differences: Tensor, degree: int = 0) -> Tensor:
    """By NumPy; degree 0 is the slope, 1 the intercept."""
    fitted = np.polyfit(strengths.numpy(), differences.numpy().T, 1)
    return torch.from_numpy(fitted[degree])


def _steps(s: Tensor, d: Tensor) -> Tensor:
    return (d.diff(dim=-1) / s.diff()).mean(-1)


def _covariance(s: Tensor, d: Tensor) -> Tensor:
    return ((d - d.mean(-1, keepdim=True)) * (s - s.mean())).sum(-1)


def _transposed(s: Tensor, d: Tensor) -> Tensor:
    return _fit(s, d.T) if d.shape[0] == len(s) else _fit(s, d)


def _numbered(s: Tensor, d: Tensor) -> Tensor:
    return _fit(torch.arange(len(s), dtype=torch.float64), d)


def _spaced(s: Tensor, d: Tensor) -> Tensor:
    return _fit(torch.linspace(s.min(), s.max(), len(s), dtype=torch.float64), d)


_SLOPES = [
    ("line/through-origin", lambda s, d: d @ s / (s @ s)),
    ("line/through-origin", lambda s, d: (d * s).sum(-1) / (s - s.mean()).square().sum()),
    ("line/through-origin", lambda s, d: ((d - d.mean(-1, keepdim=True)) @ s) / (s @ s)),
    (
        "line/through-origin",
        lambda s, d: torch.where(s == 0, 0, d / s).sum(-1) / (s != 0).sum(),
    ),
    ("line/endpoints", lambda s, d: (d[:, -1] - d[:, 0]) / (s[-1] - s[0])),
    ("line/endpoints", lambda s, d: d[:, -1] - d[:, 0]),
    (
        "line/endpoints",
        lambda s, d: (d[:, s.argmax()] - d[:, s.argmin()]) / (s.max() - s.min()),
    ),
    (
        "line/endpoints",
        lambda s, d: (d.amax(-1) - d.amin(-1)) / (s.max() - s.min()),
    ),
    ("line/mean-of-steps", _steps),
    ("line/mean-of-steps", lambda s, d: d.diff(dim=-1).mean(-1)),
    ("line/equal-steps", _numbered),
    ("line/equal-steps", _spaced),
    ("line/intercept", lambda s, d: _fit(s, d, 1)),
    (
        "line/inverse",
        lambda s, d: _covariance(s, d) / d.sub(d.mean(-1, keepdim=True)).square().sum(-1),
    ),
    (
        "line/correlation",
        lambda s, d: _covariance(s, d) / (len(s) - 1) / s.std() / d.std(dim=-1),
    ),
    ("line/covariance", _covariance),
    ("line/covariance", lambda s, d: _covariance(s, d) / len(s)),
    ("line/covariance", lambda s, d: _covariance(s, d) / (len(s) - 1)),
    ("line/covariance", lambda s, d: _covariance(s, d) / (len(s) - 1) / s.std()),
    ("line/mixed-denominators", lambda s, d: _covariance(s, d) / len(s) / s.var()),
    ("line/mixed-denominators", lambda s, d: _covariance(s, d) / s.var()),
    ("line/mixed-denominators", lambda s, d: _covariance(s, d) / s.var(correction=0)),
    (
        "line/mixed-denominators",
        lambda s, d: _covariance(s, d) / (len(s) - 1) / s.var(correction=0),
    ),
    ("samples/averaged", lambda s, d: _fit(s, d).mean()),
    ("samples/averaged", lambda s, d: _fit(s, d).mean(0, keepdim=True)),
    ("samples/sign-lost", lambda s, d: _fit(s, d).abs()),
    ("samples/sign-reversed", lambda s, d: -_fit(s, d)),
    ("order/strengths-sorted", lambda s, d: _fit(s.sort().values, d)),
    ("order/strengths-sorted", lambda s, d: _fit(s, d.sort(dim=-1).values)),
    ("axes/transposed", _transposed),
    ("shape/squeezed", lambda s, d: _fit(s, d).squeeze()),
]


def slope(calls: list[dict], seed: int) -> Refusal | None:
    return _slopes(calls, probes.slope_inputs(seed))


def slope_order(calls: list[dict], seed: int) -> Refusal | None:
    return _slopes(calls, probes.order_inputs(seed))


def slope_shapes(calls: list[dict], seed: int) -> Refusal | None:
    return _slopes(calls, probes.shape_inputs(seed))


def _slopes(calls: list[dict], inputs: list[tuple]) -> Refusal | None:
    refusal = valued(calls, inputs, _fit, _SLOPES)
    misfit = any(
        "shape" in call.get("text", "") or "size" in call.get("text", "") for call in calls
    )
    if refusal and refusal.slug == "raises/error" and misfit:
        return Refusal("axes/transposed", refusal.expected, refusal.seen)
    return refusal


# anti_steerable_share


def _count(slopes: Tensor, groups: Tensor, n: int, is_back: Callable, counts: Callable) -> Tensor:
    """One group after the other."""
    shares = []
    for group in range(n):
        own = [x for x, g in zip(slopes.tolist(), groups.tolist(), strict=True) if g == group]
        own = [x for x in own if counts(x)]
        shares.append(sum(map(is_back, own)) / len(own) if own else math.nan)
    return torch.tensor(shares, dtype=torch.float64)


def _below(x: float) -> bool:
    return x < 0


def _is_number(x: float) -> bool:
    return not math.isnan(x)


def _always(x: float) -> bool:
    return True


def _shares(slopes: Tensor, groups: Tensor, n: int) -> Tensor:
    return _count(slopes, groups, n, _below, _is_number)


def _sizes(groups: Tensor, n: int) -> Tensor:
    return torch.tensor([(groups == group).sum() for group in range(n)], dtype=torch.float64)


def _backwards(slopes: Tensor, groups: Tensor, n: int) -> Tensor:
    return torch.nan_to_num(_shares(slopes, groups, n)) * _valid(slopes, groups, n)


def _valid(slopes: Tensor, groups: Tensor, n: int) -> Tensor:
    return _sizes(groups[~slopes.isnan()], n)


def _spreading(slopes: Tensor, groups: Tensor, n: int) -> Tensor:
    hurt = torch.tensor([bool(slopes[groups == g].isnan().any()) for g in range(n)])
    return torch.where(hurt, torch.nan, _shares(slopes, groups, n))


def _mean_slopes(slopes: Tensor, groups: Tensor, n: int) -> Tensor:
    return torch.stack([slopes[groups == g].nanmean() for g in range(n)])


def _by_appearance(slopes: Tensor, groups: Tensor, n: int) -> Tensor:
    shares = _shares(slopes, groups, n)
    return shares[list(dict.fromkeys(groups.tolist()))]


def _present(slopes: Tensor, groups: Tensor, n: int) -> Tensor:
    return _shares(slopes, groups, n)[_sizes(groups, n) > 0]


def _one_share(slopes: Tensor, groups: Tensor, n: int) -> Tensor:
    return _shares(slopes, torch.zeros_like(groups), 1)[0]


_SHARES = [
    ("share/of-all-samples", lambda s, g, n: _backwards(s, g, n) / len(s)),
    ("share/of-all-samples", lambda s, g, n: _backwards(s, g, n) / (~s.isnan()).sum()),
    ("share/forwards", lambda s, g, n: 1 - _shares(s, g, n)),
    ("share/forwards", lambda s, g, n: _count(s, g, n, lambda x: x > 0, _is_number)),
    ("share/count", _backwards),
    ("share/percent", lambda s, g, n: 100 * _shares(s, g, n)),
    ("share/of-the-backwards", lambda s, g, n: _backwards(s, g, n) / _backwards(s, g, n).sum()),
    ("share/mean-slope", lambda s, g, n: (_mean_slopes(s, g, n) < 0).double()),
    ("share/mean-slope", _mean_slopes),
    ("groups/ignored", _one_share),
    ("groups/ignored", lambda s, g, n: _one_share(s, g, n).expand(n)),
    ("empty/left-out", _present),
    ("groups/order-of-appearance", _by_appearance),
    ("groups/taken-as-sorted", lambda s, g, n: _shares(s, g.sort().values, n)),
    ("groups/one-based", lambda s, g, n: _shares(s, g - 1, n)),
    ("groups/one-based", lambda s, g, n: _shares(s, g - 1, n).nan_to_num()),
    ("zero/backwards", lambda s, g, n: _count(s, g, n, lambda x: x <= 0, _is_number)),
    ("nan/counted", lambda s, g, n: _count(s, g, n, _below, _always)),
    ("nan/backwards", lambda s, g, n: _count(s, g, n, lambda x: not x >= 0, _always)),
    ("nan/spreads", _spreading),
    ("empty/zero", lambda s, g, n: _shares(s, g, n).nan_to_num(0.0)),
    ("empty/zero", lambda s, g, n: _shares(s, g, n).nan_to_num(1.0)),
]
_DIVISION = ("ZeroDivisionError", "StatisticsError", "ValueError")


def share(calls: list[dict], seed: int) -> Refusal | None:
    return valued(calls, probes.share_inputs(seed), _shares, _SHARES)


def share_zero(calls: list[dict], seed: int) -> Refusal | None:
    return valued(calls, probes.zero_inputs(seed), _shares, _SHARES)


def share_nan(calls: list[dict], seed: int) -> Refusal | None:
    return valued(calls, probes.nan_inputs(seed), _shares, _SHARES)


def share_empty(calls: list[dict], seed: int) -> Refusal | None:
    refusal = valued(calls, probes.empty_inputs(seed), _shares, _SHARES)
    if refusal and refusal.slug == "raises/error":
        return Refusal("empty/error", refusal.expected, refusal.seen)
    return refusal


# bootstrap_interval


class Resampled:
    """What many resamples give, drawn by how often each sample is in them."""

    COUNT = 20_000

    def __init__(self, values: Tensor, statistic: Callable, level: float, seed: int):
        self.values, self.statistic, self.level = values.numpy(), statistic, level
        self.rng = np.random.default_rng(seed)
        self.tail = (1 - level) / 2
        self.of_all = statistic(values)
        self.found = self._statistics(len(values))

    def _statistics(self, size: int, statistic: Callable | None = None) -> np.ndarray:
        statistic = statistic or self.statistic
        n = len(self.values)
        counts = self.rng.multinomial(size, np.full(n, 1 / n), self.COUNT)
        if statistic is probes.correlation:
            return _correlations(*(counts @ x / size for x in _moments(*self.values.T)))
        means = counts @ self.values / size
        if statistic is probes.mean:
            return means
        return counts @ self.values**2 / size - means**2

    def _quantiles(self, found: np.ndarray, tail: float) -> tuple[float, float]:
        return tuple(np.quantile(found, [tail, 1 - tail]).tolist())

    @property
    def right(self) -> tuple[float, float]:
        return self._quantiles(self.found, self.tail)

    def fits(self, low: float, high: float) -> bool:
        """Whether each bound is as near to its quantile as chance lets it be."""
        return self._near(low, self.tail) and self._near(high, 1 - self.tail)

    def _near(self, bound: float, place: float) -> bool:
        error = DEVIATIONS * math.sqrt(place * (1 - place) / probes.RESAMPLES)
        least, most = np.quantile(self.found, [max(0, place - error), min(1, place + error)])
        return least <= bound <= most

    def candidates(self) -> list[tuple[str, tuple[float, float]]]:
        low, high = self.right
        first = self.values if self.values.ndim == 1 else self.values[:, 0]
        z = abs(float(torch.special.ndtri(torch.tensor(self.tail, dtype=torch.float64))))
        error, spread, center = self.found.std(), first.std(), self.of_all
        found = [("order/reversed", (high, low))]
        found += [("level/tails", self._quantiles(self.found, 2 * self.tail))]
        if self.level != 0.95:
            found += [("level/ignored", self._quantiles(self.found, 0.025))]
        found += [("interval/of-the-values", self._quantiles(first, self.tail))]
        if self.values.ndim > 1:
            found += [("rows/apart", self._apart())]
        if self.statistic is not probes.mean:
            if self.values.ndim == 1:
                of_mean = self._statistics(len(self.values), probes.mean)
                found += [("statistic/ignored", self._quantiles(of_mean, self.tail))]
            for factor in (z, 1.96):
                for middle in (center, self.found.mean()):
                    found += [("interval/normal", _around(middle, factor * error))]
        found += [("interval/pivotal", (2 * center - high, 2 * center - low))]
        found += [("interval/normal", _around(center, error))]
        found += [
            ("interval/standard-deviation", _around(center, factor * spread))
            for factor in (z, 1.96, 1.0)
        ]
        for size in (len(self.values) // 2, 2 * len(self.values), 4 * len(self.values)):
            other = self._statistics(size)
            found += [("resample/other-size", self._quantiles(other, self.tail))]
        return found

    def _apart(self) -> tuple[float, float]:
        n = len(self.values)
        one, other = (self.rng.choice(column, (self.COUNT, n)) for column in self.values.T)
        means = (x.mean(-1) for x in _moments(one, other))
        return self._quantiles(_correlations(*means), self.tail)

    def explain(self, low: float, high: float) -> str:
        if abs(high - low) < 1e-9 * max(1.0, abs(low)):
            own = math.isclose(low, self.of_all, rel_tol=1e-5, abs_tol=1e-9)
            return "resample/without-replacement" if own else "resample/repeated"
        distances = [(max(abs(low - a), abs(high - b)), slug) for slug, (a, b) in self.candidates()]
        nearest, slug = min(distances)
        width = max(self.right[1] - self.right[0], high - low)
        if nearest < 0.1 * width:
            return slug
        outside = low < np.quantile(self.found, 0.003) and high > np.quantile(self.found, 0.997)
        return "interval/extremes" if outside else "value/wrong"


def _moments(one: np.ndarray, other: np.ndarray) -> list[np.ndarray]:
    return [one, other, one * other, one**2, other**2]


def _correlations(one, other, product, one_squared, other_squared) -> np.ndarray:
    """From the means of the moments."""
    spreads = (one_squared - one**2) * (other_squared - other**2)
    return (product - one * other) / np.sqrt(spreads)


def _around(middle: float, half: float) -> tuple[float, float]:
    return float(middle - half), float(middle + half)


def _bounds(call: dict, expected: str) -> tuple[float, float] | Refusal:
    if call["outcome"] == "raised":
        return common.raised(call, expected)
    value = tensor(call["value"])
    if isinstance(value, Tensor) and value.numel() == 2:
        return tuple(value.flatten().tolist())
    if isinstance(value, Tensor) and value.numel() == 1:
        return Refusal("result/one-number", expected, show(value))
    if isinstance(value, Tensor):
        return Refusal("shape/wrong", expected, f"{value.numel()} numbers")
    return common.wrong_type(value, expected)


def _intervals(calls: list[dict], inputs: list[tuple]) -> Refusal | None:
    for call, (values, statistic, level, _, seed) in zip(calls, inputs, strict=True):
        resampled = Resampled(values, statistic, level, seed)
        low, high = resampled.right
        expected = f"about {low:.3g} to {high:.3g}, level {level:g}"
        bounds = _bounds(call, expected)
        if isinstance(bounds, Refusal):
            return bounds
        seen = f"{bounds[0]:.3g} to {bounds[1]:.3g}"
        if any(map(math.isnan, bounds)):
            return Refusal("value/nan", expected, seen)
        if not resampled.fits(*bounds):
            return Refusal(resampled.explain(*bounds), expected, seen)
    return common.mutation(calls)


def interval(calls: list[dict], seed: int) -> Refusal | None:
    *calls, single = calls
    if refusal := _intervals(calls, probes.mean_inputs(seed)):
        return refusal
    bounds = _bounds(single, "two bounds")
    if isinstance(bounds, Refusal):
        return bounds
    if any(map(math.isnan, bounds)) or math.isclose(*bounds, rel_tol=1e-6, abs_tol=1e-9):
        return None
    seen = f"{bounds[0]:.3g} to {bounds[1]:.3g}"
    return Refusal("resample/number-ignored", "with n_resamples=1 the same number twice", seen)


def interval_skewed(calls: list[dict], seed: int) -> Refusal | None:
    return _intervals(calls, probes.skewed_inputs(seed))


def interval_paired(calls: list[dict], seed: int) -> Refusal | None:
    return _intervals(calls, probes.paired_inputs(seed))


def interval_seeds(calls: list[dict], seed: int) -> Refusal | None:
    found = []
    for call in calls:
        bounds = _bounds(call, "two bounds")
        if isinstance(bounds, Refusal):
            return bounds
        found.append(bounds)
    return _seeds(found, lambda one: f"{one[0]:.3g} to {one[1]:.3g}")


def _seeds(found: list, told: Callable) -> Refusal | None:
    """The first two were asked for with the same seed, the others with others."""
    first, again, *others = found
    if first != again:
        return Refusal("seed/none", "the same twice with seed 7", f"{told(first)}, {told(again)}")
    if all(other == first for other in others):
        return Refusal("seed/ignored", "others with other seeds", f"{told(first)} always")
    return None


# random_control


def control_directions(calls: list[dict], seed: int) -> Refusal | None:
    flat, wide = calls
    return _directed(wide, probes.wide_vector(seed), 30) or _directed(
        flat, probes.flat_vector(seed), probes.DIRECTIONS
    )


def _directed(call: dict, vector: Tensor, n: int) -> Refusal | None:
    drawn = _drawn(call, vector, n)
    if isinstance(drawn, Refusal):
        return drawn
    return _norms(drawn, vector) or _directions(drawn, vector)


def _drawn(call: dict, vector: Tensor, n: int) -> Tensor | Refusal:
    """The random vectors that the effect was asked for, [n, d_model]."""
    expected = f"{n} random vectors of shape {list(vector.shape)}"
    if call["outcome"] == "raised":
        return common.raised(call, expected)
    if call["asked"] is None:
        seen = ", ".join(map(str, call["shapes"])) or "the effect is never asked for"
        return Refusal("shape/wrong" if call["shapes"] else "count/wrong", expected, seen)
    drawn = call["asked"][~_is_own(call["asked"], vector)]
    if len(drawn) != n:
        return Refusal("count/wrong", expected, f"{len(drawn)}")
    return drawn


def _is_own(asked: Tensor, vector: Tensor) -> Tensor:
    """Which of them are the vector itself, or what float32 makes of it."""
    return (asked == vector).all(-1) | (asked == vector.float().double()).all(-1)


def _norms(drawn: Tensor, vector: Tensor) -> Refusal | None:
    norms, norm = drawn.norm(dim=-1), vector.norm()
    if torch.allclose(norms, norm, rtol=1e-4):
        return None
    expected = f"norms of {norm:.3g}"
    seen = f"norms from {norms.min():.3g} to {norms.max():.3g}"
    if torch.allclose(norms, torch.ones_like(norms), rtol=1e-4):
        return Refusal("norm/one", expected, seen)
    slug = "norm/varies" if norms.std() > 1e-3 * norms.mean() else "norm/other"
    return Refusal(slug, expected, seen)


def _directions(drawn: Tensor, vector: Tensor) -> Refusal | None:
    units, expected = drawn / drawn.norm(dim=-1, keepdim=True), "every direction alike"
    distinct = len(torch.unique(units.mul(1e5).round(), dim=0))
    sizes = units.abs().sort(-1).values
    own = (vector / vector.norm()).abs().sort().values
    if torch.allclose(sizes, sizes[:, :1].expand_as(sizes), atol=1e-4):
        return Refusal("draw/cube", expected, "numbers of one size")
    if torch.allclose(sizes, own.expand_as(sizes), atol=1e-4):
        return Refusal("draw/of-the-vector", expected, "the vector's own numbers")
    if distinct < 0.9 * len(units):
        seen = f"{distinct} different ones among {len(units)}"
        return Refusal("draw/repeated", expected, seen)
    if (units >= 0).all():
        return Refusal("draw/positive", expected, "no negative number")
    lean = float(units.mean(0) @ (vector / vector.norm()))
    if abs(lean) > DEVIATIONS / math.sqrt(len(units) * len(vector)):
        slug = "draw/around-the-vector" if lean > 0 else "value/wrong"
        return Refusal(slug, expected, f"mean cosine with the vector {lean:.2f}")
    if len(vector) == 2:
        return _in_plane(torch.atan2(units[:, 1], units[:, 0]), expected)
    return None


def _in_plane(angles: Tensor, expected: str) -> Refusal | None:
    """The first Fourier components of uniform angles are 0, with a variance of 1 / 2n each."""
    chance = DEVIATIONS / math.sqrt(2 * len(angles))
    for k in (1, 2, 3, 4):
        parts = float((k * angles).cos().mean()), float((k * angles).sin().mean())
        if max(map(abs, parts)) > chance:
            slug = "draw/cube" if k == 4 else "value/wrong"
            return Refusal(slug, expected, f"{k} directions more frequent than others")
    return None


def control_rarity(calls: list[dict], seed: int) -> Refusal | None:
    vectors = [probes.wide_vector(seed, stream) for stream in (643, 644)]
    given = zip(calls, vectors, (40, 25), strict=True)
    refusals = [_controlled(call, vector, n) for call, vector, n in given]
    return next(filter(None, refusals), None)


def control_ties(calls: list[dict], seed: int) -> Refusal | None:
    return _controlled(calls[0], probes.wide_vector(seed, 645), 60)


def _results(call: dict, n: int) -> tuple[Tensor, float] | Refusal:
    expected = f"{n} effects and a number"
    value = tensor(call["value"])
    if isinstance(value, Tensor):
        return Refusal("result/two", expected, show(value))
    if not isinstance(value, list):
        return common.wrong_type(value, expected)
    if len(value) != 2 or not all(isinstance(x, Tensor) for x in value):
        return Refusal("result/two", expected, f"{len(value)} results")
    effects, rarity = value
    if rarity.numel() > 1 and effects.numel() == 1:
        return Refusal("result/order", expected, "a number and effects")
    if rarity.numel() != 1:
        return Refusal("rarity/wrong", expected, f"{rarity.numel()} numbers")
    return effects, rarity.item()


def _controlled(call: dict, vector: Tensor, n: int) -> Refusal | None:
    drawn = _drawn(call, vector, n)
    if isinstance(drawn, Refusal):
        return drawn
    results = _results(call, n)
    if isinstance(results, Refusal):
        return results
    effects, rarity = results
    is_own = _is_own(call["asked"], vector)
    given = torch.tensor(call["given"], dtype=torch.float64)
    random, own = given[~is_own], given[is_own]
    if not close(effects, random):
        slug = "effects/wrong"
        if effects.numel() == n + 1:
            slug = "effects/with-own"
        elif close(effects, random.abs()):
            slug = "effects/absolute"
        return Refusal(slug, show(random), show(effects))
    own = float(own[0]) if len(own) else math.nan
    right = (1 + int((random.abs() >= abs(own)).sum())) / (n + 1)
    if math.isclose(rarity, right, rel_tol=1e-5):
        return common.mutation([call])
    told = f"{right:.3g} (own effect {own:.3g})", f"{rarity:.3g}"
    near = (slug for slug, p in _rarities(random, own, n) if math.isclose(p, rarity, abs_tol=1e-6))
    return Refusal(next(near, "rarity/wrong"), *told)


def _rarities(random: Tensor, own: float, n: int) -> list[tuple[str, float]]:
    size = random.abs()
    at_least, above = int((size >= abs(own)).sum()), int((size > abs(own)).sum())
    one_sided = [
        int(count.sum())
        for count in (random >= own, random <= own, random >= abs(own), size >= own, random > own)
    ]
    return [
        ("rarity/strictly-larger", (1 + above) / (n + 1)),
        *(("rarity/no-one-added", k / n) for k in (at_least, above, at_least + 1)),
        ("rarity/no-one-added", at_least / (n + 1)),
        *(("rarity/one-sided", (1 + k) / (n + 1)) for k in one_sided),
        *(("rarity/one-sided", k / n) for k in one_sided),
        ("rarity/smaller", (1 + n - at_least) / (n + 1)),
        ("rarity/smaller", 1 - at_least / n),
        ("rarity/smaller", 1 - (1 + at_least) / (n + 1)),
        *(("rarity/count", float(k)) for k in (at_least, at_least + 1, above)),
    ]


def control_seeds(calls: list[dict], seed: int) -> Refusal | None:
    vector = probes.wide_vector(seed, 646)
    found = []
    for call in calls:
        drawn = _drawn(call, vector, 6)
        if isinstance(drawn, Refusal):
            return drawn
        found.append([round(x, 5) for x in drawn.flatten().tolist()])
    return _seeds(found, lambda one: f"a first number of {one[0]:.3g}")
