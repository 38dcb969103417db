"""Read and change what flows through a model, with hooks that take themselves off again.

A *site* names one activation: `("block", i)`, `("attention", i)` or `("mlp", i)`, the output of
block i or of its attention or MLP; blocks count from 0 (see `anatomy`).
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from numbers import Integral

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from .anatomy import Anatomy, anatomy

Site = tuple[str, int]
EditFunction = Callable[[Float[Tensor, "batch pos d_model"], Int[Tensor, "pos"]], Tensor]

_MODULES: dict[str, Callable[[Anatomy], list[nn.Module]]] = {
    "block": lambda parts: parts.blocks,
    "attention": lambda parts: parts.attentions,
    "mlp": lambda parts: parts.mlps,
}


class Activations(Mapping):
    """What `record` saw. `activations[site]` is that of the latest forward pass.

    `activations.passes[site]` lists all passes in order: under `generate` with a cache the first is
    the prompt (prefill), each later one a single token (decode).
    """

    def __init__(self, sites: Iterable[Site]):
        self.passes: dict[Site, list[Float[Tensor, "batch pos d_model"]]] = {
            site: [] for site in sites
        }

    def __getitem__(self, site: Site) -> Float[Tensor, "batch pos d_model"]:
        if site not in self.passes:
            raise KeyError(f"{site} was not recorded, only {list(self.passes)}")
        if not self.passes[site]:
            raise KeyError(f"nothing has reached {site} yet: run the model inside `with record`")
        return self.passes[site][-1]

    def __iter__(self) -> Iterator[Site]:
        return iter(self.passes)

    def __len__(self) -> int:
        return len(self.passes)


def check_evaluating(model: nn.Module) -> None:
    """Raises ValueError for a model in training mode, where dropout makes every run another."""
    if model.training:
        raise ValueError("The model is in training mode: call model.eval() first.")


@contextmanager
def record(model: nn.Module, sites: Iterable[Site]) -> Iterator[Activations]:
    """Keeps a detached copy of the activations at `sites` of every forward pass inside the `with`.

        with record(model, [("block", 3), ("mlp", 0)]) as activations:
            model(input_ids)
        activations["block", 3]  # Float[Tensor, "batch pos d_model"]

    Edits made by `edit` are seen, whichever `with` is the outer one.
    Raises UnknownArchitecture, or ValueError for a site that the model does not have.
    """
    parts = anatomy(model)
    activations = Activations(_checked(sites, parts))
    with ExitStack() as installed:
        for site, passes in activations.passes.items():
            _install(installed, parts, _Recorder(site, passes))
        yield activations


@contextmanager
def edit(model: nn.Module, edits: Mapping[Site, EditFunction]) -> Iterator[None]:
    """Inside the `with`, what leaves each site is what its function makes of it.

        with edit(model, {("block", 3): lambda activation, positions: activation + vector}):
            model.generate(**inputs)

    A function gets a copy of the activation, Float[Tensor, "batch pos d_model"], which it may
    change in place, and the positions, Int[Tensor, "pos"]. It returns a tensor of the activation's
    shape, which is cast to its dtype and device. Gradients flow through.

    Positions count the columns of the whole sequence from 0, the same for every row: under
    `generate` with a cache 0 … P-1 for the prompt, then P, P+1, … Padding counts: with padding on
    the left a row's first token is not at 0.

    Everything that reads the site afterwards sees the edit: later blocks, `record`, transformers'
    `hidden_states`, other people's hooks. Of nested edits of one site the outer one comes first.
    Raises UnknownArchitecture, ValueError for a site that the model does not have, and, from the
    forward pass, TypeError or ValueError for what is not a tensor of the right shape.
    """
    parts = anatomy(model)
    if not isinstance(edits, Mapping):
        raise TypeError(f"edits must map sites to functions, got {type(edits).__name__}.")
    sites = _checked(edits, parts)
    for site, function in edits.items():
        if not callable(function):
            raise TypeError(
                f"The edit of {site} must be a function, got {type(function).__name__}."
            )
    with ExitStack() as installed:
        for site, function in zip(sites, edits.values(), strict=True):
            _install(installed, parts, _Editor(site, function))
        yield


def _checked(sites: Iterable[Site], parts: Anatomy) -> list[Site]:
    return [_checked_site(site, len(parts.blocks)) for site in sites]


def _checked_site(site: Site, n_blocks: int) -> Site:
    match site:
        case [str() as kind, Integral() as i] if kind in _MODULES and not isinstance(i, bool):
            if 0 <= i < n_blocks:
                return kind, int(i)
            raise ValueError(
                f"{site!r} does not exist: the model's blocks are 0 to {n_blocks - 1}."
            )
    raise ValueError(
        f"{site!r} is not a site: expected a list of pairs such as ('block', 3), "
        f"of a kind in {', '.join(_MODULES)} and the number of a block."
    )


class _Hook:
    """What record and edit share: `shape` and `start` of the pass that is now in the site's block.

    Both are read where the block is entered, because some modules flatten batch and position
    (OPT's MLP), and because there the cache does not yet hold the tokens of this pass.
    """

    def __init__(self, site: Site):
        self.site = site

    def enter_block(self, block: nn.Module, args: tuple, kwargs: dict) -> None:
        self.shape = (args[0] if args else kwargs["hidden_states"]).shape
        caches = [x for x in (*args, *kwargs.values()) if hasattr(x, "get_seq_length")]
        self.start = int(caches[0].get_seq_length(self.site[1])) if caches else 0


class _Recorder(_Hook):
    def __init__(self, site: Site, passes: list[Tensor]):
        super().__init__(site)
        self.passes = passes

    def __call__(self, module: nn.Module, args: tuple, output: Tensor | tuple) -> None:
        self.passes.append(_activation(output).detach().clone().reshape(self.shape))


class _Editor(_Hook):
    def __init__(self, site: Site, function: EditFunction):
        super().__init__(site)
        self.function = function

    def __call__(self, module: nn.Module, args: tuple, output: Tensor | tuple) -> Tensor | tuple:
        old = _activation(output)
        positions = torch.arange(self.start, self.start + self.shape[1], device=old.device)
        new = self.function(old.clone().reshape(self.shape), positions)
        self._check(new)
        new = new.to(old.device, old.dtype).reshape(old.shape)
        return (new, *output[1:]) if isinstance(output, tuple) else new

    def _check(self, new: Tensor) -> None:
        if not isinstance(new, Tensor):
            raise TypeError(
                f"The edit of {self.site} returned {type(new).__name__}: it must return a tensor "
                f"of shape {list(self.shape)}."
            )
        if new.shape != self.shape:
            raise ValueError(
                f"The edit of {self.site} returned shape {list(new.shape)}: it must keep the "
                f"activation's shape {list(self.shape)} (batch, position, d_model)."
            )


def _activation(output: Tensor | tuple) -> Tensor:
    return output[0] if isinstance(output, tuple) else output


def _install(installed: ExitStack, parts: Anatomy, hook: _Hook) -> None:
    """Puts `hook` on its site, until `installed` is closed.

    Recorders go last. Editors go first, before the hooks with which transformers collects
    `hidden_states`, but after the editors that are already there.
    """
    kind, i = hook.site
    module = _MODULES[kind](parts)[i]
    entry = parts.blocks[i].register_forward_pre_hook(hook.enter_block, with_kwargs=True)
    installed.callback(entry.remove)
    is_editor = isinstance(hook, _Editor)
    earlier = [k for k, h in module._forward_hooks.items() if is_editor and isinstance(h, _Editor)]
    handle = module.register_forward_hook(hook, prepend=is_editor)
    installed.callback(handle.remove)
    for key in reversed(earlier):
        module._forward_hooks.move_to_end(key, last=False)
