"""Judges of the exercises of ``07_sparse_autoencoders``.

Oracles: loops over single numbers, NumPy's least squares, PyTorch's own optimizers on a decoder
that is kept apart, and the model run by hooks of the judge's own.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import lru_cache

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from course_utils.anatomy import anatomy
from course_utils.checks.judges import common
from course_utils.checks.judges.common import Refusal
from course_utils.checks.probes import sparse_autoencoders as probes

TOLERANCE = 1e-4
_VAGUE = ("raises/error", "shape/wrong", "value/wrong")

SENTENCES = {
    "sparse_autoencoders.toy_loss": {
        "relu/missing": (
            "The reconstruction has no ReLU.",
            "ReLU(Wᵀ W x + b): without it the model is linear and keeps m features at most.",
        ),
        "relu/hidden": (
            "The ReLU is on the hidden layer.",
            "The hidden layer is linear: the ReLU comes last, after the bias.",
        ),
        "bias/missing": ("The bias is missing.", "It is added inside the ReLU."),
        "bias/outside": ("The bias is added behind the ReLU.", "ReLU(Wᵀ W x + b)."),
        "importance/missing": ("Every feature counts alike.", "Multiply by the importance."),
        "importance/squared": (
            "The importance is inside the square.",
            "Multiply the squared difference by it.",
        ),
        "importance/inputs": (
            "The importance changes what is reconstructed.",
            "It weighs the error of a feature, not the feature.",
        ),
        "average/features": (
            "The loss is averaged over the features.",
            "Sum over the features, average over the batch.",
        ),
        "average/summed": (
            "The loss is summed over the batch.",
            "Sum over the features, average over the batch.",
        ),
        "average/weights": (
            "The importances are made to add up to 1, or to average 1.",
            "Use them as they are.",
        ),
        "error/absolute": ("The error is not squared.", "Square the difference."),
        "error/root": ("It is the root of the squared error.", "Leave the root out."),
        "models/one-alone": (
            "It works for one model alone, not for several at once.",
            "Leading dimensions: .mT instead of .T, b.unsqueeze(-2), sums over dim=-1, -2.",
        ),
        "models/averaged": (
            "Several models give one number.",
            "A loss for each model: average over the batch dimension alone.",
        ),
        "models/needed": (
            "It needs a dimension of models.",
            "x may be [batch, n] alone: count dimensions from the end.",
        ),
        "gradient/lost": (
            "The loss has no gradient, or not to W and b both.",
            "Leave out .item(), .detach() and no_grad.",
        ),
        "gradient/cut": (
            "The gradient of a part of the loss is cut off.",
            "Leave out .detach() and .data: W reads and writes, and learns from both.",
        ),
    },
    "sparse_autoencoders.selectivity": {
        "accuracy/on-training": (
            "The accuracy is that of rows that the probe was fitted to.",
            "Ask the probe about x_test.",
        ),
        "accuracy/percent": ("It is in percent.", "A share from 0 to 1."),
        "accuracy/errors": ("It is the share of errors.", "The share of rows that are right."),
        "accuracy/count": ("It is a count.", "Divide by the number of test rows."),
        "control/not-fitted": (
            "The control task has no probe of its own.",
            "Call fit again, with the control labels.",
        ),
        "control/rows": (
            "The control labels are drawn row by row: rows of a type have different ones.",
            "One label for each type: nothing but the type can tell it.",
        ),
        "control/shuffled": (
            "The control labels are the labels in another order: no probe could learn them.",
            "That is another control. Here each type has one label of its own.",
        ),
        "control/renamed": (
            "The control labels are the labels under other names.",
            "Draw a label for each type.",
        ),
        "control/other-in-test": (
            "A type has another control label in the test rows than in training.",
            "Draw the labels of all types once, then look up types and types_test.",
        ),
        "control/true-labels": (
            "The control's probe is judged by the true labels.",
            "Compare with the control labels of the test rows.",
        ),
        "control/uniform": (
            "Every label is as likely in the control task.",
            "Draw labels as frequent as in y: take y of random rows.",
        ),
        "control/frequencies": (
            "The control labels are not as frequent as the labels in y.",
            "Draw from y, the labels of the training rows: take y of random rows.",
        ),
        "control/on-test": (
            "The control's probe is fitted to the test rows.",
            "Fit it to x, with the control labels of types.",
        ),
        "control/other-rows": (
            "The control's probe is asked about other rows than x_test.",
            "About all of x_test: a type that is not in training has a label too.",
        ),
        "control/unseen-type": (
            "It fails where a type of the test rows is not in training.",
            "Draw a label for every type of both.",
        ),
        "control/on-training": (
            "The control's accuracy is that of rows that its probe was fitted to.",
            "Ask it about x_test.",
        ),
        "selectivity/reversed": ("It is control minus accuracy.", "Accuracy minus control."),
        "selectivity/ratio": ("It is a ratio.", "Accuracy minus control."),
        "selectivity/chance": (
            "It is not accuracy minus control.",
            "Subtract the control's accuracy: it stands for what a probe can learn by heart.",
        ),
        "seed/ignored": (
            "The seed makes no difference.",
            "torch.Generator().manual_seed(seed), and draw with generator=….",
        ),
        "seed/not-fixed": (
            "The same seed gives different control labels.",
            "Draw with a generator that is seeded by seed.",
        ),
        "seed/global": (
            "The global random state is changed.",
            "torch.Generator().manual_seed(seed) leaves it alone.",
        ),
    },
    "sparse_autoencoders.sae_forward": {
        "encoder/no-centering": (
            "The encoder reads x itself.",
            "(x - b_dec) W_enc + b_enc: what the decoder adds is taken away first.",
        ),
        "encoder/no-relu": ("The features have no ReLU.", "They are never below 0."),
        "encoder/no-bias": ("The encoder's bias is missing.", "Add b_enc before the ReLU."),
        "encoder/bias-outside": ("b_enc is added behind the ReLU.", "Add it before."),
        "encoder/tied": ("The encoder is the decoder, transposed.", "It has weights of its own."),
        "decoder/no-bias": ("The decoder's bias is missing.", "features W_dec + b_dec."),
        "decoder/relu": (
            "There is a ReLU on the reconstruction.",
            "The residual stream has values below 0.",
        ),
        "loss/averaged": (
            "The squared error is averaged over the width.",
            "Sum over d_in, average over the rows: else sparsity means another thing.",
        ),
        "loss/summed": ("The loss is summed over the rows.", "Average over the rows."),
        "loss/features-averaged": (
            "The features are averaged, not summed.",
            "Sum over the latents, average over the rows.",
        ),
        "loss/no-sparsity": ("There is no sparsity loss.", "Add sparsity * sum of features."),
        "loss/not-weighed": (
            "The sum of the features is not multiplied by sparsity.",
            "squared error + sparsity * sum of features.",
        ),
        "loss/decoder-norms": (
            "The sparsity loss weighs the features by the norms of the decoder's rows.",
            "The plain sum: here the rows are kept at norm 1 in another way.",
        ),
        "loss/not-averaged": (
            "The loss is not one number.",
            "Average over all rows, whatever dimensions they have.",
        ),
        "loss/swapped": (
            "The sparsity weighs the squared error, not the features.",
            "squared error + sparsity * sum of features.",
        ),
        "loss/counted": (
            "The sparsity loss counts the features.",
            "A count has no gradient: L1 is the sum of their sizes.",
        ),
        "loss/squared-features": (
            "The features are squared.",
            "Squares prefer many small features; the sum prefers few.",
        ),
        "loss/before-relu": (
            "The sparsity loss reads what comes before the ReLU.",
            "Use the features.",
        ),
        "loss/root": (
            "The error is a norm.",
            "Its square: the sum of the squared differences.",
        ),
        "loss/absolute": ("The error is not squared.", "Square the differences."),
        "loss/weights": (
            "The sparsity loss is on the weights.",
            "The features are to be few.",
        ),
        "rows/first-alone": (
            "It works for [batch, d_in] alone.",
            "Sum over dim=-1 and average over all other dimensions.",
        ),
        "gradient/lost": (
            "The loss has no gradient, or not to all parameters.",
            "Leave out .item(), .detach() and no_grad.",
        ),
        "gradient/cut": (
            "The gradient of a part of the loss is cut off.",
            "Leave out .detach(): both terms reach encoder and decoder.",
        ),
        "result/order": (
            "The three results come in another order.",
            "features, reconstruction, loss.",
        ),
    },
    "sparse_autoencoders.decoder_step": {
        "norm/not-kept": (
            "After the step the rows do not have norm 1.",
            "Divide each row by its norm after optimizer.step().",
        ),
        "norm/columns": (
            "The columns have norm 1, not the rows.",
            "A latent's direction is a row: dim=-1, keepdim=True.",
        ),
        "norm/whole": (
            "The whole matrix is divided by one norm.",
            "Each row by its own: dim=-1, keepdim=True.",
        ),
        "norm/before": (
            "The rows are divided by their norms before the step, not after.",
            "The step is what changes the norms.",
        ),
        "gradient/whole": (
            "Adam sees the part of the gradient that points along the row.",
            "That part would only change the norm, but stays in Adam's averages and scales every "
            "later step: subtract (grad · row) row before the step.",
        ),
        "gradient/along-alone": (
            "Adam sees the part along the row, not the rest.",
            "Subtract it from the gradient.",
        ),
        "gradient/half": (
            "The part along the row goes where it lengthens the row, or shortens it, not both.",
            "Whatever its sign: grad -= (grad · row) row.",
        ),
        "gradient/added": (
            "The part along the row is doubled, or turned around, if only in some rows.",
            "grad -= (grad · row) row.",
        ),
        "gradient/all-rows": (
            "The inner products are taken along the wrong dimension, or over the whole matrix.",
            "(grad * W).sum(dim=-1, keepdim=True): one number a row.",
        ),
        "gradient/zero": (
            "The gradient is gone before the step.",
            "zero_grad comes after the step, or before backward.",
        ),
        "gradient/normalized": (
            "The gradient is scaled.",
            "Only its part along the row goes; its length stays.",
        ),
        "step/missing": ("The optimizer makes no step.", "optimizer.step()."),
        "step/twice": ("The optimizer makes more than one step.", "One step a call."),
        "step/by-hand": (
            "The step is made by hand, not by the optimizer.",
            "Call optimizer.step(): it steps all its parameters.",
        ),
        "parameter/replaced": (
            "W_dec itself is not changed: the optimizer still holds the old values.",
            "Change it in place, inside torch.no_grad(): W_dec /= ….",
        ),
        "others/changed": (
            "Another parameter of the optimizer does not make its own step.",
            "optimizer.step() moves all of them; take the part along the rows, and divide by the "
            "norms, for W_dec alone.",
        ),
        "state/reset": (
            "The optimizer's averages are thrown away.",
            "Leave optimizer.state alone.",
        ),
    },
    "sparse_autoencoders.sae_metrics": {
        "l0/share": (
            "L0 is a share of the latents.",
            "The number that fire, averaged over the tokens.",
        ),
        "l0/total": ("L0 is summed over the tokens.", "Average over the tokens."),
        "l0/ever": (
            "It counts the latents that fire somewhere.",
            "Count at each token, then average.",
        ),
        "l0/zeros": ("Every latent counts, also one that is 0.", "Count those above 0."),
        "l0/values": ("The features are added up.", "Count those above 0."),
        "fvu/not-centered": (
            "The error is divided by the squared norm, not by the variance.",
            "Subtract the mean activation: the mean alone would explain much of the norm.",
        ),
        "fvu/explained": ("It is the variance that is explained.", "Unexplained: 1 minus that."),
        "fvu/by-dimension": (
            "It is the mean of each dimension's or each token's own share.",
            "One sum of squared errors over one sum of squared deviations.",
        ),
        "fvu/root": ("It is a ratio of norms.", "Of squared norms."),
        "fvu/sample-variance": (
            "The variance is that of a sample: over n - 1.",
            "Sums over sums: error and deviation of the same tokens.",
        ),
        "fvu/scalar-mean": (
            "The mean is one number.",
            "A mean for each dimension: x.mean((0, 1)).",
        ),
        "fvu/centered-error": (
            "The error is centered before it is squared.",
            "Squared as it is: a reconstruction with a wrong mean is worse for it.",
        ),
        "mean/by-position": (
            "There is a mean for each position, or each row.",
            "One mean over all tokens: x.mean((0, 1)).",
        ),
        "recovered/zero": (
            "It is measured against zeros in place of the residual stream.",
            "Against the mean activation.",
        ),
        "recovered/lost": ("It is the share that is lost.", "1 where nothing is lost."),
        "recovered/clamped": (
            "It is cut off at 0, or at 1.",
            "Leave it as it is: below 0, the reconstruction is worse than the mean.",
        ),
        "recovered/percent": ("It is in percent.", "A share: 1 where nothing is lost."),
        "recovered/ratio": (
            "It is a ratio of two losses.",
            "(mean - replaced) / (mean - clean): 0 as bad as the mean, 1 as good as the model.",
        ),
        "recovered/inverse": ("Numerator and denominator are swapped.", "Divide by mean - clean."),
        "recovered/not-shifted": (
            "Each token's logits are compared with that token itself.",
            "logits[:, :-1] predict input_ids[:, 1:].",
        ),
        "recovered/last-token": (
            "Only the last position is replaced, or counts.",
            "Replace all positions; all tokens behind the first count.",
        ),
        "block/off-by-one": (
            "It reads or replaces the block's input.",
            "hidden_states[block] is what enters; use a hook, or record.",
        ),
        "block/normed": (
            "For the last block it reads what comes after the final norm.",
            "hidden_states[-1] is nobody's output: use a hook, or record.",
        ),
        "hooks/left": (
            "A hook stays on the model.",
            "handle.remove() in finally, or `with edit(…)`.",
        ),
        "model/changed": (
            "The model is not what it was.",
            "Leave its parameters and its mode as they are.",
        ),
        "result/keys": (
            "The dict has other keys.",
            "l0, fvu, loss_recovered.",
        ),
    },
    "sparse_autoencoders.top_contexts": {
        "order/ascending": ("The weakest come first.", "descending=True."),
        "order/documents": ("They come in the order of the documents.", "Strongest first."),
        "documents/repeated": (
            "A document comes more than once.",
            "Its strongest place alone: neighbors would show the same words.",
        ),
        "documents/summed": (
            "Documents are chosen by their sum or their mean.",
            "By their strongest place.",
        ),
        "place/first": (
            "It is the first place where the latent fires.",
            "The strongest: argmax over the positions.",
        ),
        "place/last-of-equals": ("Of equal places it takes a later one.", "The first."),
        "ties/documents": (
            "Of equally strong documents the later ones come first.",
            "sort(descending=True, stable=True) keeps their order; topk does not.",
        ),
        "padding/counted": (
            "Padding counts.",
            "Positions from lengths on are no tokens, whatever stands there.",
        ),
        "padding/multiplied": (
            "Infinity in the padding changes the result.",
            "Cut the padding off, or put another value there: a product with 0 leaves NaN.",
        ),
        "padding/in-context": (
            "The context goes on into the padding.",
            "stop is lengths[doc] at most.",
        ),
        "context/negative": (
            "The context starts before the document.",
            "max(0, …): a negative start slices from the end.",
        ),
        "context/one-side": (
            "The context is too short, or on one side alone.",
            "pos - width up to and with pos + width: stop is one more.",
        ),
        "context/halved": (
            "The width is shared between the two sides.",
            "width tokens on each side.",
        ),
        "result/order": ("The numbers come in another order.", "(doc, pos, start, stop)."),
        "context/shifted": (
            "At the ends of a document the context is moved, or left out.",
            "It is cut there.",
        ),
        "silent/included": (
            "There are places where the latent does not fire.",
            "Only activations above 0.",
        ),
        "silent/fails": ("It fails where the latent does not fire.", "Return an empty list."),
        "count/off": ("There are more or fewer than k.", "At most k; all that there are, if less."),
    },
    "sparse_autoencoders.dark_matter": {
        "intercept/missing": (
            "The map has no intercept.",
            "Append a column of ones to x, or subtract the means of the training rows from both.",
        ),
        "intercept/test-mean": (
            "x_test is centered by its own mean.",
            "By the mean of the training rows: the map is theirs.",
        ),
        "fit/on-test": (
            "It is fitted to the test rows.",
            "Fit on x and error; predict for x_test.",
        ),
        "score/on-training": (
            "It is measured on the rows that it was fitted to.",
            "Predict for x_test and compare with error_test.",
        ),
        "score/not-centered": (
            "The squared error is divided by the squared norm.",
            "By the deviations from the mean of the test rows: else the mean alone scores well.",
        ),
        "score/training-mean": (
            "The deviations are those from the mean of the training rows.",
            "From the mean of the test rows.",
        ),
        "score/by-dimension": (
            "It is the mean over dimensions of each one's own share.",
            "One sum of squared errors over one sum of squared deviations.",
        ),
        "score/scalar-mean": (
            "The mean is one number.",
            "A mean for each dimension: y.mean(0).",
        ),
        "score/centered-error": (
            "What is left is centered before it is squared.",
            "Squared as it is: a prediction with a wrong mean is worse for it.",
        ),
        "score/root": ("It is a ratio of norms.", "Of sums of squares."),
        "score/sample-variance": (
            "The variance is that of a sample: over n - 1.",
            "Sums over sums: error and deviation of the same rows.",
        ),
        "score/correlation": ("It is a correlation.", "1 - squared error / squared deviation."),
        "score/unexplained": ("It is the share that is not predicted.", "1 minus that."),
        "norm/of-prediction": (
            "The norm is that of the predicted error.",
            "Fit another map, from x to the norm.",
        ),
        "norm/squared": ("It predicts the squared norm.", "The norm."),
        "norm/from-norm": ("It predicts the norm from |x|.", "From all of x."),
        "norm/of-x": ("It is the norm of x that is predicted.", "That of the error."),
        "fit/swapped": ("It predicts x from the error.", "The error from x."),
        "result/order": ("The two numbers are swapped.", "First the vector, then the norm."),
        "result/one": ("It is one number.", "Two: for the vector, and for its norm."),
    },
    "sparse_autoencoders.matching_pursuit": {
        "residual/not-updated": (
            "All atoms are chosen by their products with x itself.",
            "After each step take away what the atom explains: atoms that say the same would else "
            "all be chosen.",
        ),
        "residual/unscaled": (
            "The whole atom is taken away, not the multiple of it.",
            "left - amount * atom.",
        ),
        "residual/sign": (
            "What the atom explains is added to what is left, always or where the product is "
            "below 0.",
            "left - amount * atom, with the sign of the product.",
        ),
        "choice/signed": (
            "The largest product is chosen, not the largest in size.",
            "products.abs().argmax(-1): an atom may be taken with a minus sign.",
        ),
        "choice/smallest": ("It chooses the smallest product.", "argmax of the sizes."),
        "choice/shared": (
            "All rows get the same atom.",
            "Each row its own: argmax(dim=-1).",
        ),
        "choice/excluded": (
            "An atom that was chosen cannot come again.",
            "It can: its coefficient grows by each amount.",
        ),
        "coefficients/overwritten": (
            "An atom that comes again loses its earlier amount.",
            "Add: scatter_add, or +=.",
        ),
        "coefficients/sizes": ("The coefficients have lost their signs.", "Use the product."),
        "coefficients/ones": ("The coefficients are counts.", "Use the product."),
        "coefficients/refitted": (
            "The coefficients are fitted anew (orthogonal matching pursuit), at each step or last.",
            "Each step adds one amount and leaves the others.",
        ),
        "coefficients/products": (
            "The coefficient is the product with x itself.",
            "With what is left of x.",
        ),
        "steps/one-more": ("There is one step too many.", "k steps."),
        "steps/one-fewer": ("There is one step too few.", "k steps."),
        "steps/at-least-one": ("For k = 0 it makes a step.", "k steps: none."),
        "steps/one": ("There is only one step.", "k steps."),
        "result/reconstruction": (
            "It is the reconstruction, or what is left of x.",
            "The coefficients, [batch, n].",
        ),
    },
}

Candidates = Sequence[tuple[str, Callable]]


# What the exercises share


def _tensor(value: object) -> Tensor | Refusal:
    """A number or a tensor as float64."""
    if isinstance(value, bool) or not isinstance(value, int | float | Tensor):
        refusal = common.wrong_type(value, "a tensor, or a number")
        return refusal or Refusal("result/wrong-type", "a tensor, or a number", str(type(value)))
    return torch.as_tensor(value).double()


def _compared(
    calls: list[dict],
    inputs: Sequence[tuple],
    right: Callable,
    candidates: Candidates,
    read: Callable[[object], Tensor | Refusal] = _tensor,
) -> Refusal | None:
    """Every call against the oracle; the refusal names the candidate that gives what was seen."""
    seen, wrong, first = [], [], None
    for number, (call, arguments) in enumerate(zip(calls, inputs, strict=True)):
        wanted = right(*arguments)
        expected = common.numbers(wanted)
        if call["outcome"] == "raised":
            return common.raised(call, expected)
        value = read(call["value"])
        if isinstance(value, Refusal):
            return value
        seen.append({"outcome": "returned", "value": value})
        if not common.close(value, wanted, TOLERANCE):
            wrong.append(number)
            first = first or _shown(wanted, value)
    if not wrong:
        return common.mutation(calls)
    slug = common.explain(seen, wrong, inputs, candidates, TOLERANCE)
    if not slug and any(seen[i]["value"].shape != right(*inputs[i]).shape for i in wrong):
        slug = "shape/wrong"
    if not slug and any(seen[i]["value"].isnan().any() for i in wrong):
        slug = "value/nan"
    return Refusal(slug or "value/wrong", *first)


def _shown(wanted: Tensor, seen: Tensor) -> tuple[str, str]:
    if seen.shape != wanted.shape:
        return f"shape {list(wanted.shape)}", f"shape {list(seen.shape)}: {common.numbers(seen)}"
    if not seen.ndim:
        return common.numbers(wanted, digits=5), common.numbers(seen, digits=5)
    return common.difference(wanted, seen, TOLERANCE)


def _gradients(
    calls: list[dict], inputs: Sequence[tuple], places: Sequence[int], loss: Callable
) -> Refusal | None:
    """Gradients against autograd on the oracle; where the loss is another one, whether they are."""
    for call, arguments in zip(calls, inputs, strict=True):
        if call["outcome"] == "raised":
            return common.raised(call, "a loss with gradients")
        if not isinstance(call["value"], list):
            return Refusal("gradient/lost", "a loss with gradients", "no gradient")
        leaves = [x.clone().requires_grad_() if i in places else x for i, x in enumerate(arguments)]
        right = loss(*leaves)
        right.sum().backward()
        *gradients, value = call["value"]
        same = common.close(value.double(), right.detach(), TOLERANCE)
        for place, seen in zip(places, gradients, strict=True):
            wanted = leaves[place].grad
            if wanted.any() and not seen.any():
                return Refusal("gradient/lost", *_shown(wanted, seen))
            if same and not common.close(seen, wanted, TOLERANCE):
                return Refusal("gradient/cut", *_shown(wanted, seen))
    return None


# toy_loss


def _toy(x, W, b, importance, error=torch.square, last=torch.relu, weigh=lambda e, i: i * e):
    """[*model, batch, n]: the weighed errors of single features."""
    hidden = torch.einsum("...mn,...bn->...bm", W, x)
    out = last(torch.einsum("...mn,...bm->...bn", W, hidden) + b[..., None, :])
    return weigh(error(x - out), importance[..., None, :])


def _toy_loss(*arguments, **how) -> Tensor:
    return _toy(*arguments, **how).sum(-1).mean(-1)


def _relu_inside(x, W, b, importance):
    out = torch.relu(x @ W.mT) @ W + b[..., None, :]
    return importance[..., None, :] * (x - out) ** 2


def _bias_outside(x, W, b, importance):
    out = torch.relu(x @ W.mT @ W) + b[..., None, :]
    return importance[..., None, :] * (x - out) ** 2


def _scaled_inputs(x, W, b, importance):
    return _toy(x * importance[..., None, :], W, b, torch.ones_like(importance))


def _scaled_outputs(x, W, b, importance):
    out = torch.relu(x @ W.mT @ W + b[..., None, :])
    return (x - importance[..., None, :] * out) ** 2


def _weights_of_one(scale: Callable):
    return lambda x, W, b, i: _toy_loss(x, W, b, i / scale(i))


def _loss(errors: Callable):
    return lambda *arguments: errors(*arguments).sum(-1).mean(-1)


_TOY: Candidates = [
    ("relu/missing", lambda *a: _toy_loss(*a, last=lambda h: h)),
    ("relu/hidden", _loss(_relu_inside)),
    (
        "relu/hidden",
        lambda x, W, b, i: _loss(
            lambda *a: (
                i[..., None, :] * (x - torch.relu(torch.relu(x @ W.mT) @ W + b[..., None, :])) ** 2
            )
        )(),
    ),
    ("bias/missing", lambda x, W, b, i: _toy_loss(x, W, 0 * b, i)),
    ("bias/outside", _loss(_bias_outside)),
    ("importance/missing", lambda x, W, b, i: _toy_loss(x, W, b, torch.ones_like(i))),
    ("importance/squared", lambda x, W, b, i: _toy_loss(x, W, b, i * i)),
    ("importance/inputs", _loss(_scaled_inputs)),
    ("importance/inputs", _loss(_scaled_outputs)),
    ("average/features", lambda *a: _toy(*a).mean(-1).mean(-1)),
    ("average/summed", lambda *a: _toy(*a).sum((-1, -2))),
    ("average/weights", _weights_of_one(lambda i: i.sum(-1, keepdim=True))),
    ("average/weights", _weights_of_one(lambda i: i.mean(-1, keepdim=True))),
    ("error/absolute", lambda *a: _toy_loss(*a, error=torch.abs)),
    ("error/root", lambda *a: _toy(*a).sum(-1).sqrt().mean(-1)),
    ("error/root", lambda *a: _toy_loss(*a).sqrt()),
    ("average/summed", lambda *a: _toy(*a)),
    ("average/summed", lambda *a: _toy(*a).sum(-1)),
    ("average/features", lambda *a: _toy(*a).mean(-1)),
    ("average/features", lambda *a: _toy(*a).mean(-2)),
]
_TOY_MODELS: Candidates = [
    ("models/averaged", lambda *a: _toy_loss(*a).mean()),
    ("models/averaged", lambda *a: _toy_loss(*a).sum()),
    ("models/averaged", lambda *a: _toy(*a).mean()),
    ("models/one-alone", lambda *a: _toy(*a).mean(0).sum()),
    ("models/one-alone", lambda *a: _toy(*a).mean(0).sum(-1)),
    ("models/one-alone", lambda *a: _toy(*a).sum(-1).mean(0)),
    *_TOY,
]


def toy_loss(calls: list[dict], seed: int) -> Refusal | None:
    refusal = _compared(calls, probes.toy_inputs(seed), _toy_loss, _TOY)
    if refusal and refusal.slug.startswith("raises/error") and "index" in _dims(refusal.seen):
        return Refusal("models/needed", refusal.expected, refusal.seen)
    return refusal


def _dims(text: str) -> str:
    return "index" if "imension" in text or "size of tensor" in text else ""


def toy_models(calls: list[dict], seed: int) -> Refusal | None:
    """The first call, of one model, tells what else may be wrong."""
    alone = _compared(calls[:1], probes.toy_inputs(seed)[:1], _toy_loss, _TOY)
    inputs = probes.toy_models_inputs(seed)
    refusal = _compared(calls[1:], inputs, _toy_loss, _TOY_MODELS)
    if refusal and not alone and refusal.slug in _VAGUE:
        return Refusal("models/one-alone", refusal.expected, refusal.seen)
    return refusal


def toy_gradients(calls: list[dict], seed: int) -> Refusal | None:
    inputs = probes.toy_models_inputs(seed)[:1]
    return _gradients(calls, inputs, probes.TOY_LEARNED, _toy_loss)


# selectivity


def _share(said: Tensor, labels: Tensor) -> float:
    return sum(int(a == b) for a, b in zip(said.tolist(), labels.tolist(), strict=True)) / len(said)


def _selectivity_value(call: dict) -> dict | Refusal:
    keys = ("accuracy", "control", "selectivity")
    expected = "a dict of accuracy, control and selectivity"
    if call["outcome"] == "raised":
        return common.raised(call, expected)
    value = call["value"]
    if value is None:
        return Refusal("result/none", expected, "None")
    if not isinstance(value, dict) or set(value) != set(keys):
        return Refusal("result/wrong-type", expected, str(value)[:80])
    read = {key: _tensor(value[key]) for key in keys}
    for key, number in read.items():
        if isinstance(number, Refusal):
            return number
        if number.numel() != 1:
            return Refusal("shape/wrong", f"one number for {key}", f"shape {list(number.shape)}")
    return {key: number.item() for key, number in read.items()}


def _parts(call: dict, seed: int) -> tuple[list[dict], list[dict]]:
    """The fits to the true labels, and the others."""
    y = probes.selectivity_inputs(seed)[1]
    own = [f for f in call["fits"] if torch.equal(f["y"].double(), y.double())]
    return own, [f for f in call["fits"] if not torch.equal(f["y"].double(), y.double())]


def _answers(fitted: dict, rows: Tensor) -> list[Tensor]:
    return [a["said"] for a in fitted["asked"] if torch.equal(a["rows"], rows)]


def selectivity_accuracy(calls: list[dict], seed: int) -> Refusal | None:
    x, y, _, x_test, y_test, _ = probes.selectivity_inputs(seed)
    for call in calls:
        if call["unseen"]:
            continue
        value = _selectivity_value(call)
        if isinstance(value, Refusal):
            return value
        own, _ = _parts(call, seed)
        if not own or not torch.equal(own[0]["x"], x):
            return Refusal("value/wrong", "fit(x, y)", "no such call of fit")
        seen = value["accuracy"]
        ways = [
            ("accuracy/on-training", [(s, y) for s in _answers(own[0], x)]),
            ("", [(s, y_test) for s in _answers(own[0], x_test)]),
        ]
        shares = [(slug, _share(*pair)) for slug, pairs in ways for pair in pairs]
        right = [share for slug, share in shares if not slug]
        expected = f"accuracy {right[0]:.3f}" if right else "the probe asked about x_test"
        if any(math.isclose(seen, share, abs_tol=1e-4) for share in right):
            continue
        slug = "value/wrong"
        for name, share in shares:
            n = len(y) if name else len(y_test)
            for other, number in (
                (name, share),
                ("accuracy/errors", 1 - share),
                ("accuracy/percent", 100 * share),
                ("accuracy/count", share * n),
            ):
                slug = other if other and math.isclose(seen, number, abs_tol=1e-3) else slug
        return Refusal(slug, expected, f"{seen:.3f}")
    return None


def _control_labels(calls: list[dict], seed: int) -> Refusal | None:
    """What the second probe is fitted to."""
    x, y, types, *_ = probes.selectivity_inputs(seed)
    for call in calls:
        if call["outcome"] == "raised":
            refusal = common.raised(call, "a control task")
            unseen = Refusal("control/unseen-type", refusal.expected, refusal.seen)
            return unseen if call["unseen"] else refusal
        _, others = _parts(call, seed)
        expected = "fit(x, labels), one label for each type"
        if not others:
            return Refusal("control/not-fitted", expected, f"{len(call['fits'])} call(s) of fit")
        labels = others[0]["y"]
        if labels.shape != types.shape or not torch.equal(others[0]["x"], x):
            on_test = torch.equal(others[0]["x"], probes.selectivity_inputs(seed)[3])
            seen = f"{len(labels)} labels, {len(others[0]['x'])} rows"
            return Refusal("control/on-test" if on_test else "control/rows", expected, seen)
        pairs = set(zip(y.tolist(), labels.tolist(), strict=True))
        if len(pairs) == len(set(y.tolist())) == len(set(labels.tolist())):
            return Refusal("control/renamed", expected, "the labels under other names")
        if any(len(set(labels[types == t].tolist())) > 1 for t in types.unique()):
            same = sorted(labels.tolist()) == sorted(y.tolist())
            slug = "control/shuffled" if same else "control/rows"
            return Refusal(slug, expected, "rows of one type with different labels")
        if not set(labels.tolist()) <= set(y.tolist()):
            return Refusal("value/wrong", expected, "labels that y does not have")
    return None


def _control_value(calls: list[dict], seed: int) -> Refusal | None:
    """What the control's probe is asked, and what is made of it."""
    for call in calls:
        x, y, types, x_test, y_test, types_test = probes.selectivity_inputs(seed, call["unseen"])
        value = _selectivity_value(call)
        if isinstance(value, Refusal):
            return value
        _, others = _parts(call, seed)
        if not others:
            return Refusal("control/not-fitted", "another call of fit", "none")
        fitted = others[0]
        of_type = {t: label for t, label in zip(types.tolist(), fitted["y"].tolist(), strict=False)}
        rights = [
            torch.tensor([of_type.get(t, unseen) for t in types_test.tolist()])
            for unseen in y.unique().tolist()
        ]
        asked = _answers(fitted, x_test)
        if not asked:
            slug = "control/other-rows" if fitted["asked"] else "control/not-fitted"
            slug = "control/on-training" if _answers(fitted, x) else slug
            return Refusal(slug, "the control's probe asked about x_test", "it is not")
        shares = [_share(said, right) for said in asked for right in rights]
        seen, expected = value["control"], f"control {shares[0]:.3f}"
        if not any(math.isclose(seen, share, abs_tol=1e-4) for share in shares):
            own, _ = _parts(call, seed)
            against = [_share(said, y_test) for said in asked]
            reused = [_share(s, rights[0]) for f in own for s in _answers(f, x_test)]
            training = [_share(s, fitted["y"]) for s in _answers(fitted, x)]
            for slug, numbers in (
                ("control/true-labels", against),
                ("control/on-training", training),
                ("control/not-fitted", reused),
                ("accuracy/errors", [1 - s for s in shares]),
                ("accuracy/percent", [100 * s for s in shares]),
            ):
                if any(math.isclose(seen, n, abs_tol=1e-4) for n in numbers):
                    return Refusal(slug, expected, f"{seen:.3f}")
            return Refusal("control/other-in-test", expected, f"{seen:.3f}")
        difference, seen = value["accuracy"] - value["control"], value["selectivity"]
        if not math.isclose(seen, difference, abs_tol=1e-4):
            slug = "selectivity/chance"
            if math.isclose(seen, -difference, abs_tol=1e-4):
                slug = "selectivity/reversed"
            elif value["control"] and math.isclose(
                seen, value["accuracy"] / value["control"], abs_tol=1e-3
            ):
                slug = "selectivity/ratio"
            return Refusal(slug, f"selectivity {difference:.3f}", f"{seen:.3f}")
    return common.mutation(calls)


def selectivity_control(calls: list[dict], seed: int) -> Refusal | None:
    return _control_labels(calls, seed) or _control_value(calls, seed)


def selectivity_seeds(calls: list[dict], seed: int) -> Refusal | None:
    _, y, types, x_test, *_ = probes.selectivity_inputs(seed)
    drawn = []
    for call in calls:
        if call["outcome"] == "raised":
            return common.raised(call, "control labels")
        if not call["left"]:
            return Refusal("seed/global", "the random states as they were", "another state")
        _, others = _parts(call, seed)
        if not others or others[0]["y"].shape != types.shape:
            slug = "control/rows" if others else "control/not-fitted"
            slug = "control/on-test" if others and torch.equal(others[0]["x"], x_test) else slug
            return Refusal(slug, "fit(x, labels)", "other rows" if others else "no such call")
        drawn.append(others[0]["y"])
    default, zero, *others, again = drawn
    if not torch.equal(default, zero) or not torch.equal(others[-1], again):
        return Refusal("seed/not-fixed", "the same labels for the same seed", "others")
    if all(torch.equal(zero, other) for other in others):
        return Refusal("seed/ignored", "other labels for another seed", "the same")
    shown = torch.cat([_by_type(labels, types) for labels in (zero, *others)])
    return _frequencies(shown, y)


def _frequencies(shown: Tensor, y: Tensor) -> Refusal | None:
    """Labels that were drawn, against those that they are to be as frequent as."""
    known = y.unique()
    share, wanted = ((z[:, None] == known).double().mean(0) for z in (shown, y))
    even = torch.full_like(wanted, 1 / len(known))
    near = [
        bool(((share - p).abs() <= 4 * (p * (1 - p) / len(shown)).sqrt()).all())
        for p in (wanted, even)
    ]
    if near[0]:
        return None
    slug = "control/uniform" if near[1] else "control/frequencies"
    expected, seen = (", ".join(f"{p:.2f}" for p in z.tolist()) for z in (wanted, share))
    labels = ", ".join(map(str, known.tolist()))
    return Refusal(slug, f"shares of the labels {labels} of about {expected}", seen)


def _by_type(labels: Tensor, types: Tensor) -> Tensor:
    return torch.stack([labels[types == t][0] for t in types.unique()])


# sae_forward


def _features(x, W_enc, b_enc, b_dec) -> Tensor:
    return torch.clamp(torch.einsum("...i,ij->...j", x - b_dec, W_enc) + b_enc, min=0)


def _forward(x, W_enc, b_enc, W_dec, b_dec, sparsity, features=None, out=None, loss=None):
    f = _features(x, W_enc, b_enc, b_dec) if features is None else features
    x_hat = torch.einsum("...j,ji->...i", f, W_dec) + b_dec if out is None else out(f)
    total = loss(x, f, x_hat) if loss else _sae_loss(x, f, x_hat, sparsity)
    return torch.cat([f.flatten(), x_hat.flatten(), total.flatten()])


def _sae_loss(x, f, x_hat, sparsity) -> Tensor:
    rows = x.numel() // x.shape[-1]
    return ((x - x_hat) ** 2).sum() / rows + sparsity * f.sum() / rows


def _other_features(features: Callable):
    return lambda x, W_enc, b_enc, W_dec, b_dec, s: _forward(
        x, W_enc, b_enc, W_dec, b_dec, s, features=features(x, W_enc, b_enc, W_dec, b_dec)
    )


def _other_out(out: Callable):
    return lambda x, W_enc, b_enc, W_dec, b_dec, s: _forward(
        x, W_enc, b_enc, W_dec, b_dec, s, out=lambda f: out(f, W_dec, b_dec)
    )


def _other_loss(loss: Callable):
    """loss(squared errors, differences, features, before the ReLU, W_dec, sparsity)"""

    def forward(x, W_enc, b_enc, W_dec, b_dec, s):
        before = (x - b_dec) @ W_enc + b_enc
        return _forward(
            x,
            W_enc,
            b_enc,
            W_dec,
            b_dec,
            s,
            loss=lambda x, f, x_hat: loss((x - x_hat) ** 2, x - x_hat, f, before, W_dec, s),
        )

    return forward


def _returned_before_relu(x, W_enc, b_enc, W_dec, b_dec, s):
    """Reconstruction and loss are right."""
    right = _forward(x, W_enc, b_enc, W_dec, b_dec, s)
    before = ((x - b_dec) @ W_enc + b_enc).flatten()
    return torch.cat([before, right[len(before) :]])


def _rows_mean(values: Tensor) -> Tensor:
    return values.sum(-1).mean()


_FORWARD: Candidates = [
    ("encoder/no-centering", _other_features(lambda x, W, b, D, d: torch.relu(x @ W + b))),
    ("encoder/no-relu", _other_features(lambda x, W, b, D, d: (x - d) @ W + b)),
    ("encoder/no-relu", _returned_before_relu),
    ("encoder/no-bias", _other_features(lambda x, W, b, D, d: torch.relu((x - d) @ W))),
    ("encoder/bias-outside", _other_features(lambda x, W, b, D, d: torch.relu((x - d) @ W) + b)),
    ("encoder/tied", _other_features(lambda x, W, b, D, d: torch.relu((x - d) @ D.T + b))),
    ("decoder/no-bias", _other_out(lambda f, D, d: f @ D)),
    ("decoder/relu", _other_out(lambda f, D, d: torch.relu(f @ D + d))),
]
_LOSSES: Candidates = [
    ("loss/averaged", _other_loss(lambda q, e, f, p, D, s: q.mean() + s * _rows_mean(f))),
    ("loss/averaged", _other_loss(lambda q, e, f, p, D, s: q.mean() + s * f.mean())),
    ("loss/summed", _other_loss(lambda q, e, f, p, D, s: q.sum() + s * f.sum())),
    ("loss/summed", _other_loss(lambda q, e, f, p, D, s: _rows_mean(q) + s * f.sum())),
    ("loss/summed", _other_loss(lambda q, e, f, p, D, s: q.sum() + s * _rows_mean(f))),
    ("loss/features-averaged", _other_loss(lambda q, e, f, p, D, s: _rows_mean(q) + s * f.mean())),
    ("loss/no-sparsity", _other_loss(lambda q, e, f, p, D, s: _rows_mean(q))),
    ("loss/not-weighed", _other_loss(lambda q, e, f, p, D, s: _rows_mean(q) + _rows_mean(f))),
    (
        "loss/decoder-norms",
        _other_loss(
            lambda q, e, f, p, D, s: _rows_mean(q) + s * _rows_mean(f * D.norm(dim=-1)),
        ),
    ),
    ("loss/swapped", _other_loss(lambda q, e, f, p, D, s: s * _rows_mean(q) + _rows_mean(f))),
    (
        "loss/counted",
        _other_loss(lambda q, e, f, p, D, s: _rows_mean(q) + s * _rows_mean((f > 0).to(f))),
    ),
    (
        "loss/squared-features",
        _other_loss(lambda q, e, f, p, D, s: _rows_mean(q) + s * _rows_mean(f * f)),
    ),
    (
        "loss/squared-features",
        _other_loss(lambda q, e, f, p, D, s: _rows_mean(q) + s * f.norm(dim=-1).mean()),
    ),
    (
        "loss/before-relu",
        _other_loss(lambda q, e, f, p, D, s: _rows_mean(q) + s * _rows_mean(p.abs())),
    ),
    ("loss/before-relu", _other_loss(lambda q, e, f, p, D, s: _rows_mean(q) + s * _rows_mean(p))),
    (
        "loss/root",
        _other_loss(lambda q, e, f, p, D, s: q.sum(-1).sqrt().mean() + s * _rows_mean(f)),
    ),
    (
        "loss/absolute",
        _other_loss(lambda q, e, f, p, D, s: _rows_mean(e.abs()) + s * _rows_mean(f)),
    ),
    ("loss/weights", _other_loss(lambda q, e, f, p, D, s: _rows_mean(q) + s * D.abs().sum())),
    (
        "rows/first-alone",
        _other_loss(
            lambda q, e, f, p, D, s: (q.flatten(1).sum(1) + s * f.flatten(1).sum(1)).mean()
        ),
    ),
]


def _read_forward(value: object) -> Tensor | Refusal:
    expected = "features, reconstruction, loss"
    if value is None:
        return Refusal("result/none", expected, "None")
    if not isinstance(value, list) or len(value) != 3:
        return Refusal("result/wrong-type", expected, str(type(value).__name__))
    parts = [_tensor(part) for part in value]
    if bad := [part for part in parts if isinstance(part, Refusal)]:
        return bad[0]
    return torch.cat([part.flatten() for part in parts])


def _in_order(calls: list[dict], inputs: Sequence[tuple]) -> Refusal | None:
    """Shapes of the three results; the loss may be a number."""
    for call, (x, W_enc, *_) in zip(calls, inputs, strict=True):
        if call["outcome"] != "returned" or not isinstance(call["value"], list):
            continue
        if len(call["value"]) == 3 and all(isinstance(v, Tensor | float) for v in call["value"]):
            wanted = [[*x.shape[:-1], W_enc.shape[1]], list(x.shape), []]
            seen = [list(torch.as_tensor(v).shape) for v in call["value"]]
            if seen[2] == [1]:
                seen[2] = []
            if seen != wanted:
                slug = "result/order" if sorted(seen) == sorted(wanted) else "shape/wrong"
                slug = "loss/not-averaged" if seen[:2] == wanted[:2] and seen[2] else slug
                return Refusal(slug, f"shapes {wanted}", f"shapes {seen}")
    return None


def forward(calls: list[dict], seed: int) -> Refusal | None:
    """Features and reconstruction; the loss has a case of its own."""
    inputs = probes.forward_inputs(seed)
    if refusal := _in_order(calls, inputs):
        return None if refusal.slug == "loss/not-averaged" else refusal
    without = [_without_loss(call) for call in calls]

    def cut(function: Callable) -> Callable:
        return lambda *arguments: function(*arguments)[:-1]

    candidates = [(slug, cut(function)) for slug, function in _FORWARD]
    refusal, alone = (
        _compared(without[:n], inputs[:n], cut(_forward), candidates, _read_forward)
        for n in (len(inputs), 2)
    )
    return _rows_alone(refusal, alone)


def _without_loss(call: dict) -> dict:
    if (
        call["outcome"] == "returned"
        and isinstance(call["value"], list)
        and len(call["value"]) == 3
    ):
        return call | {"value": [*call["value"][:2], torch.zeros(0, dtype=torch.float64)]}
    return call


def forward_loss(calls: list[dict], seed: int) -> Refusal | None:
    """The loss of the features and the reconstruction that the answer itself returns."""
    inputs = probes.forward_inputs(seed)
    if refusal := _in_order(calls, inputs):
        return refusal
    refusal, alone = (_own_loss(calls[:n], inputs[:n]) for n in (len(inputs), 2))
    return _rows_alone(refusal, alone) or common.mutation(calls)


def _own_loss(calls: list[dict], inputs: Sequence[tuple]) -> Refusal | None:
    for call, (x, *_, sparsity) in zip(calls, inputs, strict=True):
        if call["outcome"] == "raised":
            return common.raised(call, "features, reconstruction, loss")
        read = _read_forward(call["value"])
        if isinstance(read, Refusal):
            return read
        f, x_hat, loss = (torch.as_tensor(value).double() for value in call["value"])
        fits = f.shape[:-1] == x.shape[:-1] and x_hat.shape == x.shape
        right = _sae_loss(x, f, x_hat, sparsity) if fits else torch.tensor(math.nan).double()
        if not common.close(loss.reshape(()), right.reshape(()), TOLERANCE):
            named = _compared(calls, inputs, _forward, _LOSSES, _read_forward)
            slug = named.slug if named else "value/wrong"
            return Refusal(slug, *_shown(right.reshape(()), loss.reshape(())))
    return None


def _rows_alone(refusal: Refusal | None, alone: Refusal | None) -> Refusal | None:
    """What is wrong where rows have another shape than [batch, d_in], and only there."""
    if refusal and not alone and refusal.slug in _VAGUE:
        return Refusal("rows/first-alone", refusal.expected, refusal.seen)
    return refusal


def forward_gradients(calls: list[dict], seed: int) -> Refusal | None:
    *arguments, _ = probes.forward_inputs(seed)[0]
    inputs = [(*arguments, sparsity) for sparsity in (2.0, 0.0)]
    refusal = _gradients(calls, inputs, probes.SAE_LEARNED, lambda *a: _forward(*a)[-1])
    if refusal:
        return refusal
    much, none = (call["value"][0] for call in calls)
    if common.close(much, none, 1e-9):
        return Refusal("gradient/cut", "sparsity changes the encoder's gradient", "it does not")
    return None


# decoder_step


def _across(gradient: Tensor, W: Tensor) -> Tensor:
    return gradient - (gradient * W).sum(1, keepdim=True) / (W * W).sum(1, keepdim=True) * W


def _across_unit(gradient: Tensor, W: Tensor) -> Tensor:
    return gradient - (gradient * W).sum(1, keepdim=True) * W


def _unit_rows(W: Tensor) -> Tensor:
    return W / W.norm(dim=1, keepdim=True)


def _stepped(
    given: list[Tensor],
    seed: int,
    kind: str,
    finish: Callable = _unit_rows,
    start: Callable = lambda W: W,
    fresh: bool = False,
) -> list[Tensor]:
    """The decoder after each step of PyTorch's own optimizer on these gradients."""
    W = nn.Parameter(probes.step_inputs(seed)["W"].clone())
    optimizer, path = probes.OPTIMIZERS[kind]([W]), []
    for gradient in given:
        optimizer = probes.OPTIMIZERS[kind]([W]) if fresh else optimizer
        W.data = start(W.data)
        W.grad = gradient.clone()
        optimizer.step()
        W.data = finish(W.data)
        path.append(W.detach().clone())
    return path


_FINISHES = {
    "norm/not-kept": {"finish": lambda W: W},
    "norm/columns": {"finish": lambda W: W / W.norm(dim=0, keepdim=True)},
    "norm/whole": {"finish": lambda W: W / W.norm()},
    "norm/before": {"finish": lambda W: W, "start": _unit_rows},
    "state/reset": {"fresh": True},
}
_GRADIENTS = {
    "gradient/whole": [lambda g, W: g],
    "gradient/along-alone": [lambda g, W: g - _across(g, W)],
    "gradient/half": [
        lambda g, W: g - (g * W).sum(1, keepdim=True).clamp(min=0) * W,
        lambda g, W: g - (g * W).sum(1, keepdim=True).clamp(max=0) * W,
    ],
    "gradient/added": [
        lambda g, W: 2 * g - _across(g, W),
        lambda g, W: 2 * _across(g, W) - g,
        lambda g, W: g - (g * W).sum(1, keepdim=True).abs() * W,
    ],
    "gradient/all-rows": [
        lambda g, W: g - (g * W).sum(0, keepdim=True) * W,
        lambda g, W: g - (g * W).sum() * W,
        lambda g, W: g - (g * W).sum() / (W * W).sum() * W,
        lambda g, W: g - g * W * W,
    ],
    "gradient/zero": [lambda g, W: 0 * g],
    "gradient/normalized": [
        lambda g, W: F.normalize(_across(g, W), dim=1),
        lambda g, W: F.normalize(g, dim=1),
        lambda g, W: g / g.norm(dim=1, keepdim=True),
        lambda g, W: _across(g, W) / _across(g, W).norm(dim=1, keepdim=True),
        lambda g, W: _across(g, W) / _across(g, W).norm(),
    ],
}


def _no_step(calls: list[dict], seed: int) -> Refusal | None:
    """Where the optimizer does not make one step with its own parameter."""
    for call in calls:
        if call["outcome"] == "raised":
            return common.raised(call, "a step of the optimizer, rows of norm 1")
        if not call["held"] or not call["leaf"]:
            return Refusal("parameter/replaced", "the optimizer's own parameter", "another tensor")
        if call["steps"] > 1:
            return Refusal("step/twice", "one step a call", f"{call['steps']} steps")
        if call["steps"] == 0:
            W = probes.step_inputs(seed)["W"]
            slug = "step/missing" if common.close(call["W"], W, 1e-6) else "step/by-hand"
            return Refusal(slug, "one step a call", "none")
    return None


def step_seen(calls: list[dict], seed: int) -> Refusal | None:
    """The gradient that the optimizer is given: without its part along the rows.

    Where a step has left rows of another norm, that is refused by the other case.
    """
    if refusal := _no_step(calls, seed):
        return refusal
    inputs = [
        (gradient, call["given"]["W"])
        for call, gradient in zip(calls, 2 * probes.step_inputs(seed)["gradients"], strict=True)
    ]
    seen = [call["given"]["gradient"] for call in calls]
    wrong = [
        i
        for i, (x, g) in enumerate(zip(seen, inputs, strict=True))
        if not any(common.close(x, way(*g), 1e-6) for way in (_across, _across_unit))
    ]
    if not wrong:
        return None
    for slug, ways in _GRADIENTS.items():
        for way in ways:
            if all(common.close(seen[i], way(*inputs[i]), 1e-6) for i in wrong):
                return Refusal(slug, *_shown(_across(*inputs[wrong[0]])[0], seen[wrong[0]][0]))
    return Refusal("value/wrong", *_shown(_across(*inputs[wrong[0]]), seen[wrong[0]]))


def step_norms(calls: list[dict], seed: int) -> Refusal | None:
    """Norms, and the optimizer's own step of all its parameters, whatever it was given."""
    if refusal := _no_step(calls, seed):
        return refusal
    half = len(calls) // 2
    for part in (calls[:half], calls[half:]):
        if refusal := _norms_of(part, seed) or _others(part, seed):
            return refusal
    return None


def _norms_of(calls: list[dict], seed: int) -> Refusal | None:
    kind, given = calls[0]["kind"], [call["given"]["gradient"] for call in calls]
    seen, right = [call["W"] for call in calls], _stepped(given, seed, kind)
    wrong = [
        i for i, (a, b) in enumerate(zip(seen, right, strict=True)) if not common.close(a, b, 1e-6)
    ]
    if not wrong:
        return None
    slug = next(
        (
            slug
            for slug, how in reversed(_FINISHES.items())
            if all(
                common.close(a, b, 1e-6)
                for a, b in zip(seen, _stepped(given, seed, kind, **how), strict=True)
            )
        ),
        "value/wrong",
    )
    i = wrong[0]
    if slug == "value/wrong" and (seen[i].norm(dim=1) - 1).abs().max() > 1e-6:
        slug = "norm/not-kept"
    return Refusal(slug, *common.difference(right[i], seen[i], 1e-6))


def _others(calls: list[dict], seed: int) -> Refusal | None:
    given = probes.step_inputs(seed)
    other = nn.Parameter(given["other"].clone())
    optimizer = probes.OPTIMIZERS[calls[0]["kind"]]([other])
    for call, gradient in zip(calls, given["others"], strict=True):
        other.grad = gradient.clone()
        optimizer.step()
        if not common.close(call["other"], other.detach(), 1e-6):
            return Refusal("others/changed", *_shown(other.detach(), call["other"]))
    return None


# sae_metrics


def _kept_output(model: nn.Module, ids: Tensor, block: int, way: Callable | None) -> tuple:
    """Logits with the block's output replaced, and that output as it was."""
    kept = []

    def hook(module, args, output):
        x = output[0] if isinstance(output, tuple) else output
        kept.append(x)
        if way is None:
            return None
        return (way(x), *output[1:]) if isinstance(output, tuple) else way(x)

    handle = anatomy(model).blocks[block].register_forward_hook(hook, prepend=True)
    try:
        with torch.no_grad():
            logits = model(ids).logits
    finally:
        handle.remove()
    return logits, kept[0]


def _cross_entropy(logits: Tensor, ids: Tensor) -> float:
    logs = torch.log_softmax(logits[:, :-1], dim=-1)
    return -logs.gather(-1, ids[:, 1:, None]).mean().item()


class _Measured:
    """Everything that right and wrong answers are made of."""

    def __init__(self, seed: int, number: int):
        self.model, self.ids, self.block, self.sae, _ = probes.metrics_bench(seed, number)
        self.clean, self.x = _kept_output(self.model, self.ids, self.block, None)
        with torch.no_grad():
            self.features = self.sae.encode(self.x)
            self.errors = (self.x - self.sae(self.x)) ** 2
            self.mean = self.x.mean((0, 1))
            states = self.model(self.ids, output_hidden_states=True).hidden_states
        self.entering, self.normed = states[self.block], states[self.block + 1]
        self.loss = _cross_entropy(self.clean, self.ids)

    def replaced(self, way: Callable) -> Tensor:
        return _kept_output(self.model, self.ids, self.block, way)[0]

    def recovered(self, ablate: Callable, replace: Callable, loss: Callable) -> float:
        worst, best = loss(self.replaced(ablate)), loss(self.clean)
        return (worst - loss(self.replaced(replace))) / (worst - best or math.nan)


def _loss_unshifted(ids: Tensor) -> Callable:
    return lambda logits: F.cross_entropy(logits.flatten(0, 1), ids.flatten()).item()


def _at_last(way: Callable) -> Callable:
    def replace(x: Tensor) -> Tensor:
        x = x.clone()
        x[:, -1] = way(x)[:, -1]
        return x

    return replace


def _shifted(m: _Measured) -> Callable:
    return lambda logits: _cross_entropy(logits, m.ids)


@lru_cache(maxsize=8)
def _measured(seed: int, number: int) -> tuple[_Measured, dict[str, float]]:
    """What is right."""
    m = _Measured(seed, number)
    right = {
        "l0": (m.features > 0).sum(-1).double().mean().item(),
        "fvu": (m.errors.sum() / ((m.x - m.mean) ** 2).sum()).item(),
        "loss_recovered": m.recovered(lambda x: m.mean.expand_as(x), m.sae, _shifted(m)),
    }
    return m, right


def _wrong_l0(m: _Measured, right: float) -> list[tuple[str, float]]:
    fires = m.features > 0
    return [
        ("l0/share", fires.double().mean().item()),
        ("l0/total", float(fires.sum())),
        ("l0/total", fires.sum((1, 2)).double().mean().item()),
        ("l0/ever", float(fires.flatten(0, 1).any(0).sum())),
        ("l0/values", m.features.sum(-1).mean().item()),
        ("l0/values", m.features.mean().item()),
        ("l0/zeros", float(m.features.shape[-1])),
        ("block/off-by-one", (m.sae.encode(m.entering) > 0).sum(-1).double().mean().item()),
        ("block/normed", (m.sae.encode(m.normed) > 0).sum(-1).double().mean().item()),
    ]


def _wrong_fvu(m: _Measured, right: float) -> list[tuple[str, float]]:
    x, e, left = m.x, m.errors, m.x - m.sae(m.x)
    squares = (x - m.mean) ** 2
    return [
        ("fvu/not-centered", (e.sum() / (x**2).sum()).item()),
        ("fvu/explained", 1 - right),
        ("fvu/by-dimension", (e.sum((0, 1)) / squares.sum((0, 1))).mean().item()),
        ("fvu/by-dimension", (e.sum(-1) / squares.sum(-1)).mean().item()),
        ("fvu/by-dimension", (e.sum((1, 2)) / squares.sum((1, 2))).mean().item()),
        ("fvu/root", math.sqrt(right)),
        ("fvu/sample-variance", right * (1 - 1 / m.ids.numel())),
        ("fvu/scalar-mean", (e.sum() / ((x - x.mean()) ** 2).sum()).item()),
        ("fvu/scalar-mean", (e.mean() / x.var()).item()),
        ("fvu/scalar-mean", (left.var() / x.var()).item()),
        ("fvu/centered-error", (left.var((0, 1)).sum() / x.var((0, 1)).sum()).item()),
        ("mean/by-position", (e.sum() / ((x - x.mean(0)) ** 2).sum()).item()),
        ("mean/by-position", (e.sum() / ((x - x.mean(1, keepdim=True)) ** 2).sum()).item()),
        ("fvu/not-centered", e.sum(-1).mean().item()),
        ("fvu/not-centered", e.mean().item()),
        ("block/off-by-one", _fvu(m.entering, m.sae)),
        ("block/normed", _fvu(m.normed, m.sae)),
    ]


def _fvu(x: Tensor, sae) -> float:
    return (((x - sae(x)) ** 2).sum() / ((x - x.mean((0, 1))) ** 2).sum()).item()


def _wrong_recovered(m: _Measured, right: float) -> list[tuple[str, float]]:
    shifted = _shifted(m)

    def mean(x: Tensor) -> Tensor:
        return m.mean.expand_as(x)

    worst, done = (shifted(m.replaced(way)) for way in (mean, m.sae))

    def against(other: Callable) -> float:
        lost = shifted(m.replaced(lambda x: other(x).expand_as(x)))
        return (lost - done) / (lost - m.loss)

    return [
        ("recovered/zero", against(torch.zeros_like)),
        ("recovered/lost", 1 - right),
        ("recovered/clamped", min(1.0, max(0.0, right))),
        ("recovered/percent", 100 * right),
        ("recovered/ratio", m.loss / done),
        ("recovered/ratio", done / m.loss),
        ("recovered/ratio", done / worst),
        ("recovered/ratio", 1 - done / worst),
        ("recovered/ratio", worst - done),
        ("recovered/ratio", (worst - done) / worst),
        ("recovered/inverse", (worst - m.loss) / (worst - done)),
        ("recovered/not-shifted", m.recovered(mean, m.sae, _loss_unshifted(m.ids))),
        ("recovered/last-token", m.recovered(_at_last(mean), _at_last(m.sae), shifted)),
        ("recovered/last-token", m.recovered(mean, m.sae, lambda logits: -_last(logits, m))),
        ("mean/by-position", against(lambda x: x.mean(0, keepdim=True))),
        ("mean/by-position", against(lambda x: x.mean(1, keepdim=True))),
        ("fvu/scalar-mean", against(lambda x: x.mean())),
        ("block/off-by-one", against(lambda x: m.entering.mean((0, 1)))),
        ("block/normed", against(lambda x: m.normed.mean((0, 1)))),
        ("recovered/last-token", (worst - shifted(m.replaced(_at_last(m.sae)))) / (worst - m.loss)),
    ]


_WRONG = {"l0": _wrong_l0, "fvu": _wrong_fvu, "loss_recovered": _wrong_recovered}


def _last(logits: Tensor, m: _Measured) -> float:
    logs = torch.log_softmax(logits[:, -2], dim=-1)
    return logs.gather(-1, m.ids[:, -1:]).mean().item()


def _read_metrics(call: dict, key: str, expected: str) -> float | Refusal:
    if call["outcome"] == "raised":
        return common.raised(call, expected)
    value, keys = call["value"], set(_WRONG)
    if value is None:
        return Refusal("result/none", expected, "None")
    if not isinstance(value, dict) or "type" in value:
        return Refusal(
            "result/wrong-type", f"a dict of {', '.join(_WRONG)}", common.excerpt(str(value))
        )
    if set(value) != keys:
        return Refusal("result/keys", ", ".join(_WRONG), ", ".join(value))
    seen = _tensor(value[key])
    if isinstance(seen, Refusal):
        return seen
    if seen.numel() != 1:
        return Refusal("shape/wrong", f"one number for {key}", f"shape {list(seen.shape)}")
    return seen.item()


def metrics_of(key: str) -> Callable[[list[dict], int], Refusal | None]:
    def judge(calls: list[dict], seed: int) -> Refusal | None:
        wrong = {}
        for number, call in enumerate(calls):
            m, right = _measured(seed, number)
            expected = f"{key} {right[key]:.4g}"
            seen = _read_metrics(call, key, expected)
            if isinstance(seen, Refusal):
                return seen
            if not math.isclose(seen, right[key], rel_tol=1e-3, abs_tol=1e-6):
                ways = _WRONG[key](m, right[key])
                slugs = [s for s, v in ways if math.isclose(seen, v, rel_tol=1e-3, abs_tol=1e-9)]
                wrong[number] = slugs, expected, f"{seen:.4g}"
        return _metrics_refusal(wrong)

    return judge


def _metrics_refusal(wrong: dict[int, tuple[list[str], str, str]]) -> Refusal | None:
    """A slug that explains every wrong number."""
    if not wrong:
        return None
    slugs, expected, seen = next(iter(wrong.values()))
    shared = [s for s in slugs if all(s in others for others, *_ in wrong.values())]
    return Refusal(shared[0] if shared else "value/wrong", expected, seen)


metrics_l0 = metrics_of("l0")
metrics_fvu = metrics_of("fvu")
metrics_recovered = metrics_of("loss_recovered")


def metrics_leaves(calls: list[dict], seed: int) -> Refusal | None:
    for call in calls:
        if call["outcome"] == "raised":
            return common.raised(call, "three numbers")
        if call["hooks"]:
            return Refusal("hooks/left", "the model as it was", f"{call['hooks']} hook(s) more")
        if call["training"] or not call["same"]:
            seen = "the model in training mode" if call["training"] else "other logits"
            return Refusal("model/changed", "the model as it was", seen)
    return common.mutation(calls)


# top_contexts


def _contexts(
    activations: Tensor,
    lengths: Tensor,
    k: int,
    width: int,
    last: bool = False,
    score: Callable = max,
    keep: Callable = lambda value: value > 0,
    end: Callable = lambda length, pos: length,
) -> list[tuple[int, int, int, int]]:
    """By loops; what is else given makes it another answer."""
    found = []
    for doc, row in enumerate(activations.tolist()):
        row = row[: end(int(lengths[doc]), len(row))]
        best = max(row)
        places = [i for i, value in enumerate(row) if value == best]
        if keep(best):
            found.append((score(row), doc, places[-1] if last else places[0]))
    found.sort(key=lambda entry: (-entry[0], entry[1]))
    return [_window(doc, pos, width, int(lengths[doc])) for _, doc, pos in found[:k]]


def _window(doc: int, pos: int, width: int, length: int) -> tuple[int, int, int, int]:
    return doc, pos, max(0, pos - width), min(length, pos + width + 1)


def _flat(entries: list) -> Tensor:
    return torch.tensor(entries, dtype=torch.float64).reshape(-1, 4)


def _remade(change: Callable, **how) -> Callable:
    """The right places with other windows."""

    def contexts(activations, lengths, k, width):
        return _flat(
            [
                change(doc, pos, width, int(lengths[doc]), activations.shape[1])
                for doc, pos, _, _ in _contexts(activations, lengths, k, width, **how)
            ]
        )

    return contexts


def _all_places(activations: Tensor, lengths: Tensor, k: int, width: int) -> Tensor:
    found = sorted(
        (-value, doc, pos)
        for doc, row in enumerate(activations.tolist())
        for pos, value in enumerate(row[: int(lengths[doc])])
        if value > 0
    )
    return _flat([_window(doc, pos, width, int(lengths[doc])) for _, doc, pos in found[:k]])


def _first_place(activations: Tensor, lengths: Tensor, k: int, width: int) -> Tensor:
    found = []
    for doc, *_ in _contexts(activations, lengths, k, width):
        first = int((activations[doc] > 0).nonzero()[0])
        found.append(_window(doc, first, width, int(lengths[doc])))
    return _flat(found)


def _plain_contexts(**how) -> Callable:
    return lambda *arguments: _flat(_contexts(*arguments, **how))


def _ordered(order: Callable) -> Callable:
    return lambda a, lengths, k, w: _flat(order(_contexts(a, lengths, len(a), w), k))


def _later_ties(activations, lengths, k, width):
    """Equal documents in the reverse order."""
    best = {
        e[0]: activations[e[0], e[1]].item()
        for e in _contexts(activations, lengths, len(activations), width)
    }
    entries = _contexts(activations, lengths, len(activations), width)
    return _flat(sorted(entries, key=lambda e: (-best[e[0]], -e[0]))[:k])


_CONTEXTS: Candidates = [
    ("order/ascending", _ordered(lambda found, k: found[::-1][:k])),
    ("order/ascending", _ordered(lambda found, k: found[:k][::-1])),
    ("order/documents", _ordered(lambda found, k: sorted(found[:k]))),
    ("order/documents", _ordered(lambda found, k: sorted(found)[:k])),
    ("documents/repeated", _all_places),
    ("documents/summed", _plain_contexts(score=sum)),
    ("documents/summed", _plain_contexts(score=lambda row: sum(row) / len(row))),
    ("place/first", _first_place),
    ("place/last-of-equals", _plain_contexts(last=True)),
    ("ties/documents", _later_ties),
    ("padding/counted", _plain_contexts(end=lambda length, pos: pos)),
    (
        "padding/counted",
        _remade(
            lambda d, p, w, n, most: (d, p, max(0, p - w), min(most, p + w + 1)),
            end=lambda length, pos: pos,
        ),
    ),
    ("padding/in-context", _remade(lambda d, p, w, n, most: (d, p, max(0, p - w), p + w + 1))),
    (
        "padding/in-context",
        _remade(lambda d, p, w, n, most: (d, p, max(0, p - w), min(most, p + w + 1))),
    ),
    ("context/negative", _remade(lambda d, p, w, n, most: (d, p, p - w, min(n, p + w + 1)))),
    ("context/negative", _remade(lambda d, p, w, n, most: (d, p, p - w, p + w + 1))),
    ("context/one-side", _remade(lambda d, p, w, n, most: (d, p, max(0, p - w), min(n, p + w)))),
    ("context/one-side", _remade(lambda d, p, w, n, most: (d, p, max(0, p - w), p + 1))),
    ("context/one-side", _remade(lambda d, p, w, n, most: (d, p, p, min(n, p + w + 1)))),
    (
        "context/one-side",
        _remade(lambda d, p, w, n, most: (d, p, max(0, p - w), min(n - 1, p + w))),
    ),
    (
        "context/one-side",
        _remade(lambda d, p, w, n, most: (d, p, max(0, p - w), min(n - 1, p + w + 1))),
    ),
    (
        "context/halved",
        _remade(lambda d, p, w, n, most: (d, p, max(0, p - w // 2), min(n, p + w // 2 + 1))),
    ),
    ("result/order", _remade(lambda d, p, w, n, most: (p, d, *_window(d, p, w, n)[2:]))),
    ("context/shifted", _remade(lambda d, p, w, n, most: _moved(d, p, w, n))),
    ("silent/included", _plain_contexts(keep=lambda value: True)),
    ("silent/included", lambda a, *others: _flat(_contexts(a.abs(), *others))),
    ("count/off", _ordered(lambda found, k: found)),
    ("count/off", _ordered(lambda found, k: found[: k + 1])),
    ("count/off", _ordered(lambda found, k: found[: k - 1])),
]


def _moved(doc: int, pos: int, width: int, length: int) -> tuple[int, int, int, int]:
    start = min(max(0, pos - width), max(0, length - 2 * width - 1))
    return doc, pos, start, min(length, start + 2 * width + 1)


def _read_contexts(value: object) -> Tensor | Refusal:
    expected = "a list of (document, position, start, stop)"
    if value is None:
        return Refusal("result/none", expected, "None")
    if isinstance(value, Tensor):
        value = value.tolist() if value.ndim == 2 or not value.numel() else value
    if not isinstance(value, list):
        return Refusal("result/wrong-type", expected, common.excerpt(str(value)))
    rows = []
    for entry in value:
        entry = entry.tolist() if isinstance(entry, Tensor) else entry
        if not isinstance(entry, list) or len(entry) != 4:
            return Refusal("result/wrong-type", expected, common.excerpt(str(entry)))
        numbers = [_tensor(item) for item in entry]
        if any(isinstance(n, Refusal) or n.numel() != 1 for n in numbers):
            return Refusal("result/wrong-type", expected, common.excerpt(str(entry)))
        rows.append([n.item() for n in numbers])
    return _flat(rows)


def _contexts_case(inputs: Callable) -> Callable[[list[dict], int], Refusal | None]:
    def judge(calls: list[dict], seed: int) -> Refusal | None:
        given = inputs(seed)
        refusal = _compared(
            calls, given, lambda *a: _flat(_contexts(*a)), _CONTEXTS, _read_contexts
        )
        if not refusal or refusal.slug != "shape/wrong":
            return refusal
        return Refusal("count/off", refusal.expected, refusal.seen)

    return judge


contexts = _contexts_case(
    lambda seed: probes.contexts_inputs(seed) + probes.contexts_ties_inputs(seed)
)
contexts_edges = _contexts_case(probes.contexts_edges_inputs)
_padding_finite = _contexts_case(lambda seed: probes.contexts_padding_inputs(seed)[:-1])
_padding_infinite = _contexts_case(lambda seed: probes.contexts_padding_inputs(seed)[-1:])


def contexts_padding(calls: list[dict], seed: int) -> Refusal | None:
    if refusal := _padding_finite(calls[:-1], seed):
        return refusal
    refusal = _padding_infinite(calls[-1:], seed)
    return refusal and Refusal("padding/multiplied", refusal.expected, refusal.seen)


def contexts_silent(calls: list[dict], seed: int) -> Refusal | None:
    refusal = _contexts_case(probes.contexts_silent_inputs)(calls, seed)
    if refusal and refusal.slug == "raises/error" and calls[0]["outcome"] == "returned":
        return Refusal("silent/fails", refusal.expected, refusal.seen)
    return refusal


# dark_matter


def _fitted(x: Tensor, y: Tensor, rows: Tensor, intercept: bool = True) -> np.ndarray:
    ones = lambda z: np.hstack([z, np.ones((len(z), 1))]) if intercept else z  # noqa: E731
    W = np.linalg.lstsq(ones(x.numpy()), y.numpy(), rcond=None)[0]
    return ones(rows.numpy()) @ W


def _r2(y: np.ndarray, said: np.ndarray, around: np.ndarray | float | None = None) -> float:
    around = y.mean(0) if around is None else around
    return 1 - ((y - said) ** 2).sum() / ((y - around) ** 2).sum()


def _norms(error: Tensor) -> Tensor:
    return error.norm(dim=1, keepdim=True)


def _dark(x, error, x_test, error_test, score=None, fit=_fitted) -> Tensor:
    score = score or (lambda y, said, train: _r2(y, said))
    return torch.tensor(
        [
            score(b.numpy(), fit(x, a, x_test), a.numpy())
            for a, b in ((error, error_test), (_norms(error), _norms(error_test)))
        ]
    )


def _by_dimension(y, said, train):
    return 1 - (((y - said) ** 2).sum(0) / ((y - y.mean(0)) ** 2).sum(0)).mean()


def _of_row_norms(y, said, train):
    left, around = (np.linalg.norm(z, axis=1).sum() for z in (y - said, y - y.mean(0)))
    return 1 - left / around


def _correlation(power: int):
    return lambda y, said, train: np.corrcoef(y.flatten(), said.flatten())[0, 1] ** power


def _of_norm(other: Callable) -> Callable:
    """The right number for the vector, another one for the norm."""
    return lambda *a: torch.tensor([_dark(*a)[0].item(), other(*a)])


def _predicted_norms(x, e, x_test, e_test):
    said = np.linalg.norm(_fitted(x, e, x_test), axis=1, keepdims=True)
    return _r2(_norms(e_test).numpy(), said)


def _both(one: Callable, other: Callable) -> Callable:
    return lambda *a: torch.tensor([one(*a)[0].item(), other(*a)[1].item()])


def _dark_other(**how) -> Callable:
    return lambda *a: _dark(*a, **how)


def _with_means_of_each(x, y, rows):
    centered = _fitted(x - x.mean(0), y - y.mean(0), rows - rows.mean(0), False)
    return centered + y.mean(0).numpy()


_NOT_CENTERED = _dark_other(score=lambda y, said, train: _r2(y, said, 0.0))
_BY_DIMENSION = _dark_other(score=_by_dimension)
_DARK: Candidates = [
    ("intercept/missing", _dark_other(fit=lambda x, y, rows: _fitted(x, y, rows, False))),
    ("fit/on-test", lambda x, e, x_test, e_test: _dark(x_test, e_test, x_test, e_test)),
    ("score/on-training", lambda x, e, x_test, e_test: _dark(x, e, x, e)),
    ("fit/on-test", lambda x, e, x_test, e_test: _dark(x_test, e_test, x, e)),
    ("score/not-centered", _NOT_CENTERED),
    ("score/training-mean", _dark_other(score=lambda y, said, t: _r2(y, said, t.mean(0)))),
    ("score/by-dimension", _BY_DIMENSION),
    ("score/scalar-mean", _dark_other(score=lambda y, said, t: _r2(y, said, y.mean()))),
    (
        "score/centered-error",
        _dark_other(score=lambda y, said, t: _r2(y, said + (y - said).mean(0))),
    ),
    ("score/root", _dark_other(score=lambda y, said, t: 1 - math.sqrt(1 - _r2(y, said)))),
    ("score/root", _dark_other(score=_of_row_norms)),
    (
        "score/sample-variance",
        _dark_other(score=lambda y, said, t: 1 - (1 - _r2(y, said)) * (1 - 1 / len(y))),
    ),
    ("score/correlation", _dark_other(score=_correlation(1))),
    ("score/correlation", _dark_other(score=_correlation(2))),
    ("score/unexplained", lambda *a: 1 - _dark(*a)),
    ("norm/of-prediction", _of_norm(_predicted_norms)),
    (
        "norm/squared",
        _of_norm(lambda x, e, t, u: _r2(_norms(u).numpy() ** 2, _fitted(x, _norms(e) ** 2, t))),
    ),
    (
        "norm/from-norm",
        _of_norm(
            lambda x, e, t, u: _r2(_norms(u).numpy(), _fitted(_norms(x), _norms(e), _norms(t)))
        ),
    ),
    ("norm/of-x", _of_norm(lambda x, e, t, u: _r2(_norms(t).numpy(), _fitted(x, _norms(x), t)))),
    (
        "fit/swapped",
        lambda x, e, t, u: torch.tensor(
            [_r2(t.numpy(), _fitted(e, x, u)), _dark(x, e, t, u)[1].item()]
        ),
    ),
    (
        "fit/swapped",
        lambda x, e, t, u: torch.tensor(
            [_r2(t.numpy(), _fitted(e, x, u)), _r2(_norms(t).numpy(), _fitted(e, _norms(x), u))]
        ),
    ),
    ("result/order", lambda *a: _dark(*a).flip(0)),
    (
        "intercept/missing",
        _dark_other(fit=lambda x, y, rows: _fitted(x - x.mean(0), y, rows - x.mean(0), False)),
    ),
    (
        "intercept/missing",
        _dark_other(
            fit=lambda x, y, rows: _fitted(x - x.mean(0), y - y.mean(0), rows - x.mean(0), False)
        ),
    ),
    (
        "intercept/missing",
        _dark_other(fit=lambda x, y, rows: _fitted(x, y, rows) - _fitted(x, y, 0 * rows)),
    ),
    ("intercept/test-mean", _dark_other(fit=_with_means_of_each)),
]


def _read_pair(value: object) -> Tensor | Refusal:
    expected = "two numbers: for the error, and for its norm"
    if value is None:
        return Refusal("result/none", expected, "None")
    if isinstance(value, int | float) or (isinstance(value, Tensor) and value.numel() == 1):
        return Refusal("result/one", expected, "one number")
    if isinstance(value, Tensor):
        value = list(value.flatten())
    if not isinstance(value, list) or len(value) != 2:
        return Refusal("result/wrong-type", expected, common.excerpt(str(value)))
    numbers = [_tensor(item) for item in value]
    if any(isinstance(number, Refusal) or number.numel() != 1 for number in numbers):
        return Refusal("shape/wrong", expected, common.excerpt(str(value)))
    return torch.stack([number.reshape(()) for number in numbers])


def _part(number: int) -> Callable[[list[dict], int], Refusal | None]:
    """Judge one of the two numbers."""

    def judge(calls: list[dict], seed: int) -> Refusal | None:
        inputs, read = probes.dark_inputs(seed), []
        for call in calls:
            value = _read_pair(call["value"]) if call["outcome"] == "returned" else None
            if isinstance(value, Refusal):
                return value
            read.append(call if value is None else call | {"value": value})

        def cut(function: Callable) -> Callable:
            return lambda *arguments: function(*arguments)[number : number + 1]

        return _compared(
            read,
            inputs,
            cut(_dark),
            [(s, cut(f)) for s, f in _DARK],
            lambda value: value[number : number + 1],
        )

    return judge


dark_vector = _part(0)
dark_norm = _part(1)


# matching_pursuit


def _pursued(
    x: Tensor,
    atoms: Tensor,
    k: int,
    size: Callable = abs,
    take: Callable = lambda amount: amount,
    add: bool = True,
    write: Callable = lambda amount: amount,
    again: bool = True,
) -> Tensor:
    """Row by row in plain Python numbers; what is else given makes it another answer."""
    rows = []
    for row in x.tolist():
        left, found = np.array(row), [0.0] * len(atoms)
        for _ in range(k):
            products = [float(left @ atom) for atom in atoms.numpy()]
            sizes = [size(p) if again or not found[i] else -1e9 for i, p in enumerate(products)]
            best = sizes.index(max(sizes))
            amount = products[best]
            found[best] = write(amount) + (found[best] if add else 0.0)
            left = left - take(amount) * atoms[best].numpy()
        rows.append(found)
    return torch.tensor(rows, dtype=torch.float64)


def _at_once(x: Tensor, atoms: Tensor, k: int, size: Callable = torch.abs) -> Tensor:
    products = x @ atoms.T
    chosen = size(products).topk(min(k, len(atoms)), dim=-1).indices
    return torch.zeros_like(products).scatter(-1, chosen, products.gather(-1, chosen))


def _refitted(x: Tensor, atoms: Tensor, k: int) -> Tensor:
    rows = []
    for row in x.numpy():
        left, chosen, found = row, [], np.zeros(len(atoms))
        for _ in range(k):
            chosen.append(int(np.abs(atoms.numpy() @ left).argmax()))
            unique = sorted(set(chosen))
            fit = np.linalg.lstsq(atoms.numpy()[unique].T, row, rcond=None)[0]
            found = np.zeros(len(atoms))
            found[unique] = fit
            left = row - fit @ atoms.numpy()[unique]
        rows.append(torch.from_numpy(found))
    return torch.stack(rows)


def _refitted_last(x: Tensor, atoms: Tensor, k: int) -> Tensor:
    """The right atoms, fitted to x in the end."""
    found = _pursued(x, atoms, k).numpy()
    for row, coefficients in zip(x.numpy(), found, strict=True):
        chosen = coefficients.nonzero()[0]
        coefficients[chosen] = np.linalg.lstsq(atoms.numpy()[chosen].T, row, rcond=None)[0]
    return torch.from_numpy(found)


def _shared(x: Tensor, atoms: Tensor, k: int) -> Tensor:
    left, found = x.clone(), torch.zeros(len(x), len(atoms), dtype=x.dtype)
    for _ in range(k):
        products = left @ atoms.T
        best = int(products.abs().argmax()) % len(atoms)
        found[:, best] += products[:, best]
        left = left - products[:, best : best + 1] * atoms[best]
    return found


def _shared_by_sum(x: Tensor, atoms: Tensor, k: int) -> Tensor:
    left, found = x.clone(), torch.zeros(len(x), len(atoms), dtype=x.dtype)
    for _ in range(k):
        products = left @ atoms.T
        best = int(products.abs().sum(0).argmax())
        found[:, best] += products[:, best]
        left = left - products[:, best : best + 1] * atoms[best]
    return found


def _first_products(x: Tensor, atoms: Tensor, k: int) -> Tensor:
    chosen = _pursued(x, atoms, k) != 0
    return torch.where(chosen, x @ atoms.T, 0.0)


_PURSUIT: Candidates = [
    ("choice/signed", lambda x, a, k: _pursued(x, a, k, size=lambda p: p)),
    ("residual/not-updated", _at_once),
    ("residual/not-updated", lambda x, a, k: _pursued(x, a, k, take=lambda amount: 0.0)),
    ("residual/not-updated", lambda x, a, k: _at_once(x, a, k, lambda p: p)),
    ("residual/unscaled", lambda x, a, k: _pursued(x, a, k, take=lambda amount: 1.0)),
    ("residual/unscaled", lambda x, a, k: _pursued(x, a, k, take=lambda v: math.copysign(1, v))),
    ("residual/sign", lambda x, a, k: _pursued(x, a, k, take=abs)),
    ("residual/sign", lambda x, a, k: _pursued(x, a, k, take=lambda v: -v)),
    (
        "choice/signed",
        lambda x, a, k: _pursued(
            x, a, k, size=lambda p: p, take=lambda v: max(v, 0.0), write=lambda v: max(v, 0.0)
        ),
    ),
    ("choice/smallest", lambda x, a, k: _pursued(x, a, k, size=lambda p: -abs(p))),
    ("choice/shared", _shared),
    ("choice/shared", _shared_by_sum),
    ("choice/excluded", lambda x, a, k: _pursued(x, a, min(k, len(a)), again=False)),
    ("coefficients/overwritten", lambda x, a, k: _pursued(x, a, k, add=False)),
    ("coefficients/sizes", lambda x, a, k: _pursued(x, a, k, write=abs)),
    ("coefficients/ones", lambda x, a, k: _pursued(x, a, k, write=lambda v: 1.0)),
    ("coefficients/refitted", _refitted),
    ("coefficients/refitted", _refitted_last),
    ("coefficients/products", _first_products),
    ("steps/one-more", lambda x, a, k: _pursued(x, a, k + 1)),
    ("steps/one-fewer", lambda x, a, k: _pursued(x, a, max(0, k - 1))),
    ("steps/at-least-one", lambda x, a, k: _pursued(x, a, max(1, k))),
    ("steps/one", lambda x, a, k: _pursued(x, a, 1)),
    ("result/reconstruction", lambda x, a, k: _pursued(x, a, k) @ a),
    ("result/reconstruction", lambda x, a, k: x - _pursued(x, a, k) @ a),
]


def pursuit(calls: list[dict], seed: int) -> Refusal | None:
    return _compared(calls, probes.pursuit_inputs(seed), _pursued, _PURSUIT)


def pursuit_once(calls: list[dict], seed: int) -> Refusal | None:
    return _compared(calls, probes.pursuit_once_inputs(seed), _pursued, _PURSUIT)
