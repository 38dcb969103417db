"""Figures with alt text. Colors tell apart for every kind of color vision (Okabe and Ito)."""

from __future__ import annotations

import base64
import html
import io
import textwrap
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from IPython.display import display
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from PIL import Image

BLUE, ORANGE, GREEN = "#0072B2", "#D55E00", "#009E73"
SKY, GREY, BLACK = "#56B4E9", "#666666", "#000000"
YELLOW, PURPLE = "#F0E442", "#A0437B"
PART_COLORS = (SKY, ORANGE, GREEN, GREY, YELLOW, PURPLE)
LINE_COLORS = (BLUE, ORANGE, GREEN, BLACK, PURPLE, GREY)
DOTS_PER_INCH = 144


class Picture:
    """A figure as an ``<img>`` with alt text; where there is no HTML, the alt text alone.

    ``state`` goes into the image's ``data-state``: what is shown, for a program to read.
    """

    def __init__(self, fig: Figure, alt: str, state: str | None = None):
        if not alt.strip():
            raise ValueError("The alt text is empty: say what is to be seen, with a number.")
        png = io.BytesIO()
        fig.savefig(png, format="png", dpi=DOTS_PER_INCH, facecolor="white")
        source = base64.b64encode(png.getvalue()).decode()
        width = round(96 * fig.get_figwidth())
        data_state = "" if state is None else f' data-state="{html.escape(state)}"'
        self.alt = alt
        self.html = (
            f'<img alt="{html.escape(alt)}"{data_state} style="width: {width}px; max-width: 100%"'
            f' src="data:image/png;base64,{source}">'
        )

    def _repr_mimebundle_(self, include=None, exclude=None) -> dict[str, str]:
        return {"text/html": self.html, "text/plain": self.alt}


def show(fig: Figure, alt: str, state: str | None = None) -> None:
    """Display a figure with its alt text."""
    display(Picture(fig, alt, state))


def next_token_bars(
    tokens: Sequence[str],
    probabilities: Sequence[float],
    model_probabilities: Sequence[float] | None = None,
    title: str = "",
) -> Figure:
    """One bar a token, from the top; ``model_probabilities``, where given, as outlines behind."""
    outlines = probabilities if model_probabilities is None else model_probabilities
    if not 0 < len(tokens) == len(probabilities) == len(outlines):
        raise ValueError(
            f"{len(tokens)} tokens, {len(probabilities)} probabilities, {len(outlines)} outlines: "
            "give at least one token and as many numbers."
        )
    rows = range(len(tokens))
    fig = Figure(figsize=(7, 0.9 + 0.26 * len(tokens)), layout="constrained")
    ax = fig.subplots()
    ax.barh(rows, probabilities, color=SKY, height=0.7, label="drawn from")
    if model_probabilities is not None:
        outline = {"facecolor": "none", "edgecolor": BLACK, "linestyle": ":"}
        ax.barh(rows, outlines, height=0.7, label="the model's own", **outline)
        ax.legend(loc="lower right", frameon=False)
    for row, probability, outline in zip(rows, probabilities, outlines, strict=True):
        label = "–" if probability == 0 else f"{probability:.2f}"
        ax.annotate(
            label,
            (max(probability, outline), row),
            xytext=(4, 0),
            textcoords="offset points",
            va="center",
            fontsize=9,
        )
    ax.set_yticks(rows, [repr(token) for token in tokens], parse_math=False)
    ax.invert_yaxis()
    ax.set_xlim(0, 1.12 * max(*probabilities, *outlines))
    ax.set_xlabel("probability of being the next token")
    ax.set_title(title, loc="left", fontsize=10, parse_math=False)
    ax.spines[["top", "right"]].set_visible(False)
    return fig


def curves(
    lines: Mapping[str, Sequence[tuple[float, float]]],
    x_label: str,
    y_label: str,
    log_x: bool = False,
    log_y: bool = False,
    title: str = "",
) -> Figure:
    """Lines through points (x, y), up to five, labeled in the legend."""
    if not 0 < len(lines) <= 5 or not all(lines.values()):
        raise ValueError(f"{len(lines)} lines: give one to five, each with a point.")
    fig = Figure(figsize=(7, 3.8), layout="constrained")
    ax = fig.subplots()
    styles = zip(lines.items(), LINE_COLORS, ("-", "--", "-.", ":", "-"), strict=False)
    for (label, points), color, line in styles:
        ax.plot(
            *zip(*points, strict=True), line, color=color, marker="o", markersize=3, label=label
        )
    if log_x:
        ax.set_xscale("log", base=2 if not log_y else 10)
        ax.xaxis.set_major_formatter("{x:g}")
    if log_y:
        ax.set_yscale("log")
        ax.yaxis.set_major_formatter("{x:g}")
    ax.set_xlabel(x_label)
    ax.set_ylabel(y_label)
    ax.set_title(title, loc="left", fontsize=10, parse_math=False)
    fig.legend(loc="outside upper right", frameon=False, ncols=2)
    ax.spines[["top", "right"]].set_visible(False)
    return fig


def mass_curves(curves: Mapping[str, Sequence[float]], k: int, p: float) -> Figure:
    """Probability of the most likely n tokens against n, one curve a distribution.

    ``curves`` maps a label to probabilities in any order; a vertical line marks n = k,
    a horizontal one mass = p.
    """
    fig = Figure(figsize=(7, 3.8), layout="constrained")
    ax = fig.subplots()
    styles = zip(curves.items(), (BLUE, ORANGE, GREEN), ("-", "--", "-."), strict=False)
    for (label, probabilities), color, line in styles:
        mass, total = [], 0.0
        for probability in sorted(probabilities, reverse=True):
            total += probability
            mass.append(total)
        ax.plot(range(1, len(mass) + 1), mass, color=color, linestyle=line, label=label)
    ax.axvline(k, color=GREY, linewidth=1)
    ax.axhline(p, color=GREY, linewidth=1)
    offset = {"textcoords": "offset points", "color": GREY}
    ax.annotate(f"k = {k}", (k, 0.02), xytext=(4, 0), **offset)
    ax.annotate(f"p = {p}", (1, p), xytext=(4, -12), **offset)
    ax.set_xscale("log")
    ax.xaxis.set_major_formatter("{x:.0f}")
    ax.set_xlim(left=1)
    ax.set_ylim(0, 1.03)
    ax.set_xlabel("tokens kept, the most likely first")
    ax.set_ylabel("their probability")
    fig.legend(loc="outside upper left", frameon=False)
    ax.spines[["top", "right"]].set_visible(False)
    return fig


def stacked_bars(rows: Mapping[str, Mapping[str, float]], x_label: str) -> Figure:
    """One bar a row, from the top, cut into its parts; wide parts carry their value.

    The parts of the first row give the order. Parts that are 0 in every row are left out.
    """
    fig = Figure(figsize=(7, 1.3 + 0.4 * len(rows)), layout="constrained")
    ax = fig.subplots()
    _stack(ax, rows)
    ax.set_xlabel(x_label)
    fig.legend(loc="outside upper left", frameon=False, ncols=6)
    return fig


def _stack(ax: Axes, rows: Mapping[str, Mapping[str, float]]) -> None:
    parts = [part for part in next(iter(rows.values())) if any(row[part] for row in rows.values())]
    widest = max(sum(row.values()) for row in rows.values())
    ends = [0.0] * len(rows)
    for part, color in zip(parts, PART_COLORS, strict=False):
        values = [row[part] for row in rows.values()]
        bars = ax.barh(list(rows), values, left=ends, color=color, height=0.7, label=part)
        labels = [f"{value:.3g}" if value > 0.06 * widest else "" for value in values]
        ax.bar_label(bars, labels, label_type="center", fontsize=9)
        ends = [end + value for end, value in zip(ends, values, strict=True)]
    ax.invert_yaxis()
    ax.set_xlim(0, widest)
    ax.spines[["top", "right"]].set_visible(False)


def growth_curves(
    curves: Mapping[str, tuple[Sequence[float], Sequence[float]]], x_label: str, y_label: str
) -> Figure:
    """Lines on two logarithmic axes, each labeled at its end; shorter ones in front."""
    fig = Figure(figsize=(7, 4.2), layout="constrained")
    ax = fig.subplots()
    for (label, (x, y)), color in zip(curves.items(), LINE_COLORS, strict=False):
        ax.plot(x, y, color=color, zorder=2 + 1 / len(x))
        ax.plot(x[-1], y[-1], "o", color=color, zorder=4)
        ax.annotate(
            label,
            (x[-1], y[-1]),
            xytext=(7, -3),
            textcoords="offset points",
            va="center",
            fontsize=9,
            color=color,
            bbox={"facecolor": "white", "edgecolor": "none", "pad": 1},
        )
    ax.set_xscale("log", base=2)
    ax.set_yscale("log")
    ax.xaxis.set_major_formatter("{x:,.0f}")
    ax.set_xlim(min(x[0] for x, _ in curves.values()), 4 * max(x[-1] for x, _ in curves.values()))
    ax.set_xlabel(x_label)
    ax.set_ylabel(y_label)
    ax.spines[["top", "right"]].set_visible(False)
    return fig


def memory_chart(
    weights: Mapping[str, float],
    lengths: Sequence[int],
    cache: Sequence[float],
    length: int,
    cache_now: float,
    title: str = "",
) -> Figure:
    """Above, the weights by part and the KV cache as bars; below, the cache against the length.

    Sizes are in bytes; ``cache`` holds one for each of ``lengths``, ``cache_now`` that of
    ``length``, which a dot marks. The weights are a horizontal line.
    """
    total = sum(weights.values())
    unit, name = (1e9, "GB") if max(total, cache_now) >= 1e9 else (1e6, "MB")
    parts = {part: size / unit for part, size in weights.items()}
    rows = {
        "weights": parts | {"KV cache": 0.0},
        "KV cache": dict.fromkeys(parts, 0.0) | {"KV cache": cache_now / unit},
    }
    fig = Figure(figsize=(7, 5), layout="constrained")
    above, below = fig.subplots(2, height_ratios=(2, 3))
    _stack(above, rows)
    above.set_xlabel(name)
    above.set_title(title, loc="left", fontsize=10)
    below.plot(lengths, [size / unit for size in cache], color=BLUE)
    below.plot([length], [cache_now / unit], "o", color=BLUE)
    below.axhline(total / unit, color=GREY, linewidth=1)
    offset = {"textcoords": "offset points", "fontsize": 9}
    end = lengths[-1]
    below.annotate("weights", (end, total / unit), xytext=(4, 4), color=GREY, **offset)
    below.annotate("KV cache", (end, cache[-1] / unit), xytext=(4, -4), color=BLUE, **offset)
    below.xaxis.set_major_formatter("{x:,.0f}")
    below.set_xlim(0, 1.12 * lengths[-1])
    below.set_ylim(bottom=0)
    below.set_xlabel("tokens in each sequence")
    below.set_ylabel(name)
    below.spines[["top", "right"]].set_visible(False)
    fig.legend(loc="outside lower left", frameon=False, ncols=6)
    return fig


def lens_heatmap(
    cells: Sequence[Sequence[str]],
    colors: Sequence[Sequence[float]],
    layers: Sequence[str],
    tokens: Sequence[str],
    color_label: str,
    most: float,
) -> Figure:
    """A row for each layer, the first one at the bottom; a column for each token of the prompt.

    ``colors`` from 0 on; ``most`` and what lies above it have the last color.
    """
    rows, columns = len(layers), len(tokens)
    if not len(cells) == len(colors) == rows or {len(row) for row in (*cells, *colors)} != {
        columns
    }:
        raise ValueError(f"Give {rows} rows of {columns} cells, and as many colors.")
    lines = max(cell.count("\n") + 1 for row in cells for cell in row)
    size = (1.8 + 0.72 * columns, 1.3 + (0.15 + 0.18 * lines) * rows)
    fig = Figure(figsize=size, layout="constrained")
    ax = fig.subplots()
    image = ax.imshow(colors, cmap="cividis_r", vmin=0, vmax=most, aspect="auto", origin="lower")
    for y, row in enumerate(cells):
        for x, cell in enumerate(row):
            ink = "white" if colors[y][x] > 0.5 * most else "black"
            ax.text(x, y, cell, ha="center", va="center", fontsize=8, color=ink, parse_math=False)
    ax.set_yticks(range(rows), layers)
    ax.set_xticks(range(columns), tokens, rotation=30, ha="right", parse_math=False)
    ax.set_xlabel("token that was read")
    ax.set_ylabel("layer")
    ax.tick_params(length=0)
    is_above = max(max(row) for row in colors) > most
    fig.colorbar(image, ax=ax, label=color_label, extend="max" if is_above else "neither")
    return fig


def grouped_bars(
    groups: Mapping[str, Sequence[float]], labels: Sequence[str], x_label: str, y_label: str
) -> Figure:
    """Bars side by side, up to four at each label."""
    if not 0 < len(groups) <= 4 or any(len(values) != len(labels) for values in groups.values()):
        raise ValueError(f"{len(groups)} groups: give one to four, a number for each label.")
    fig = Figure(figsize=(7, 3.6), layout="constrained")
    ax = fig.subplots()
    width = 0.8 / len(groups)
    for i, ((name, values), color) in enumerate(
        zip(groups.items(), (SKY, ORANGE, BLACK, GREEN), strict=False)
    ):
        places = [x + (i + 0.5) * width - 0.4 for x in range(len(labels))]
        ax.bar(places, values, width, color=color, label=name)
    ax.set_xticks(range(len(labels)), labels)
    ax.set_xlabel(x_label)
    ax.set_ylabel(y_label)
    fig.legend(loc="outside upper left", frameon=False, ncols=2)
    ax.spines[["top", "right"]].set_visible(False)
    return fig


# Causal tracing and ablation


def effect_map(
    effects: Sequence[Sequence[float]],
    tokens: Sequence[str],
    subject: slice,
    title: str = "",
    label: str = "indirect effect",
) -> Figure:
    """A heat map of effects [block, pos]: tokens from the top, the subject's marked by a star."""
    table = [[float(x) for x in row] for row in effects]
    if not table or any(len(row) != len(tokens) for row in table):
        raise ValueError(f"Give a table with a column for each of the {len(tokens)} tokens.")
    fig = Figure(figsize=(7, 1.4 + 0.26 * len(tokens)), layout="constrained")
    ax = fig.subplots()
    columns = list(zip(*table, strict=True))
    image = ax.imshow(columns, cmap="cividis", aspect="auto", vmin=min(0.0, *map(min, columns)))
    marked = range(*subject.indices(len(tokens)))
    labels = [repr(token) + (" *" if i in marked else "") for i, token in enumerate(tokens)]
    ax.set_yticks(range(len(tokens)), labels, parse_math=False)
    ax.set_xticks(range(len(table)))
    ax.set_xlabel("block")
    ax.set_ylabel("token (* subject)")
    ax.set_title(title, loc="left", fontsize=10, parse_math=False)
    fig.colorbar(image, ax=ax, label=label)
    return fig


def effect_curves(
    averages: Mapping[str, tuple[Sequence[Sequence[float]], Sequence[Sequence[float]]]],
    roles: Mapping[str, int],
) -> Figure:
    """Mean effects by block with bands of their intervals: a panel for each role, a line for each
    kind of state. ``averages`` maps a kind to tables [block, role] of means and half-widths."""
    fig = Figure(figsize=(7, 3.4), layout="constrained")
    panels = fig.subplots(1, len(roles), sharey=True, squeeze=False)[0]
    styles = [(BLUE, "-", "o"), (ORANGE, "--", "s"), (GREEN, "-.", "^")]
    for ax, (role, column) in zip(panels, roles.items(), strict=True):
        for (kind, (mean, half)), (color, line, marker) in zip(
            averages.items(), styles, strict=False
        ):
            middle = [float(row[column]) for row in mean]
            width = [float(row[column]) for row in half]
            low = [m - w for m, w in zip(middle, width, strict=True)]
            high = [m + w for m, w in zip(middle, width, strict=True)]
            blocks = range(len(middle))
            label = kind if ax is panels[0] else None
            ax.plot(blocks, middle, line, color=color, marker=marker, markersize=4, label=label)
            ax.fill_between(blocks, low, high, color=color, alpha=0.2, linewidth=0)
        ax.set_title(role, loc="left", fontsize=10)
        ax.set_xlabel("block")
        ax.set_xticks(range(len(middle)))
        ax.spines[["top", "right"]].set_visible(False)
    panels[0].set_ylabel("mean indirect effect")
    fig.legend(loc="outside upper right", frameon=False, ncols=3)
    return fig


def head_map(scores: Mapping[str, Sequence[Sequence[float]]]) -> Figure:
    """Heat maps [block, head] side by side on one scale from 0 to 1, large numbers written in."""
    fig = Figure(figsize=(7, 3.6), layout="constrained")
    panels = fig.subplots(1, len(scores), sharey=True, squeeze=False)[0]
    for ax, (label, table) in zip(panels, scores.items(), strict=True):
        rows = [[float(x) for x in row] for row in table]
        image = ax.imshow(rows, cmap="cividis", aspect="auto", vmin=0, vmax=1)
        for block, row in enumerate(rows):
            for head, score in enumerate(row):
                if score >= 0.3:
                    color = "black" if score > 0.5 else "white"
                    ax.text(head, block, f"{score:.1f}", ha="center", va="center", color=color)
        ax.set_title(label, loc="left", fontsize=10)
        ax.set_xlabel("head")
        ax.set_xticks(range(len(rows[0])))
        ax.set_yticks(range(len(rows)))
    panels[0].set_ylabel("block")
    fig.colorbar(image, ax=list(panels), label="attention weight")
    return fig


def bars_by_baseline(rows: Mapping[str, Mapping[str, float]], x_label: str) -> Figure:
    """A group of bars for each row, one for each of up to three baselines, with their values."""
    names = list(next(iter(rows.values())))
    fig = Figure(figsize=(7, 1.0 + 0.55 * len(rows)), layout="constrained")
    ax = fig.subplots()
    for number, (name, color) in enumerate(zip(names, (SKY, ORANGE, GREEN), strict=False)):
        at = [i + 0.27 * (number - (len(names) - 1) / 2) for i in range(len(rows))]
        bars = ax.barh(at, [row[name] for row in rows.values()], 0.25, color=color, label=name)
        ax.bar_label(bars, [f"{row[name]:.2f}" for row in rows.values()], fontsize=8, padding=2)
    ax.set_yticks(range(len(rows)), list(rows))
    ax.invert_yaxis()
    ax.set_xlim(0, 1.12)
    ax.set_xlabel(x_label)
    fig.legend(loc="outside upper right", frameon=False, ncols=len(names))
    ax.spines[["top", "right"]].set_visible(False)
    return fig


def heatmaps(
    tables: Mapping[str, Sequence[Sequence[float]]],
    rows: Sequence,
    columns: Sequence,
    row_label: str,
    column_label: str,
    log: Sequence[str] = (),
) -> Figure:
    """Tables side by side, each under its title with a color scale of its own and its values.

    The first row is at the bottom. ``log`` names the tables whose colors go by the logarithm.
    A NaN is left white, with a dash.
    """
    fig = Figure(figsize=(3.6 * len(tables) + 0.6, 0.9 + 0.34 * len(rows)), layout="constrained")
    axes = fig.subplots(1, len(tables), sharey=True, squeeze=False)[0]
    for ax, (title, table) in zip(axes, tables.items(), strict=True):
        values = np.array(table, dtype=float)
        colors = np.log(values) if title in log else values
        image = ax.imshow(colors, cmap="cividis", aspect="auto", origin="lower")
        for (i, j), value in np.ndenumerate(values):
            dark = image.norm(colors[i, j]) < 0.6
            label = "–" if np.isnan(value) else f"{value:.2g}" if value < 10 else f"{value:.0f}"
            color = BLACK if np.isnan(value) or not dark else "white"
            ax.text(j, i, label, ha="center", va="center", fontsize=8, color=color)
        ax.set_xticks(range(len(columns)), [f"{x:g}" for x in columns])
        ax.set_xlabel(column_label)
        ax.set_title(title, loc="left", fontsize=10)
    axes[0].set_yticks(range(len(rows)), [str(row) for row in rows])
    axes[0].set_ylabel(row_label)
    return fig


def texts_and_changes(
    texts: Mapping[str, str], tokens: Sequence[str], changes: Sequence[float], title: str = ""
) -> Figure:
    """Texts side by side, each under its name; below, a bar for how much a probability changed."""
    fig = Figure(figsize=(7, 2.2 + 0.24 * len(tokens)), layout="constrained")
    above, below = fig.subplots(2, height_ratios=(1.3, 0.24 * len(tokens) + 0.5))
    above.set_axis_off()
    above.set_title(title, loc="left", fontsize=10, parse_math=False)
    for i, (name, text) in enumerate(texts.items()):
        written = f"{name}\n\n{textwrap.fill(text, 88 // len(texts) - 4)}"
        place = (i / len(texts), 1.0)
        above.text(*place, written, va="top", fontsize=9, wrap=False, parse_math=False)
    rows = range(len(tokens))
    below.barh(rows, changes, color=[BLUE if change > 0 else ORANGE for change in changes])
    for row, change in zip(rows, changes, strict=True):
        offset = (4 if change >= 0 else -4, 0)
        side = "left" if change >= 0 else "right"
        place = {"xytext": offset, "textcoords": "offset points", "ha": side, "va": "center"}
        below.annotate(f"{change:+.2f}", (change, row), fontsize=9, **place)
    widest = max(0.01, *(abs(change) for change in changes))
    below.set_xlim(-1.25 * widest, 1.25 * widest)
    below.axvline(0, color=BLACK, linewidth=0.8)
    below.set_yticks(rows, [repr(token) for token in tokens], parse_math=False)
    below.invert_yaxis()
    below.set_xlabel("change of the probability of being the next token")
    below.spines[["top", "right"]].set_visible(False)
    return fig


# Steering, soberly


def dose_responses(
    panels: Mapping[str, Sequence[Sequence[float]]],
    strengths: Sequence[float],
    backwards: Mapping[str, Sequence[bool]],
    y_label: str,
) -> Figure:
    """A line for each sample over the strengths, each panel with its mean in black.

    ``panels`` maps a title to the samples' values; those that ``backwards`` marks are drawn in
    another color, broken, in front.
    """
    columns = min(3, len(panels))
    rows = -(-len(panels) // columns)
    fig = Figure(figsize=(7, 0.5 + 2.3 * rows), layout="constrained")
    axes = fig.subplots(rows, columns, sharex=True, sharey=True, squeeze=False).flatten()
    for ax, (title, samples) in zip(axes, panels.items(), strict=False):
        for values, wrong_way in zip(samples, backwards[title], strict=True):
            style = {"color": ORANGE, "linestyle": "--", "zorder": 3} if wrong_way else {}
            ax.plot(strengths, values, **{"color": SKY, "linewidth": 0.8, **style})
        mean = np.mean(np.array(samples, dtype=float), axis=0)
        ax.plot(strengths, mean, color=BLACK, linewidth=2, zorder=4)
        ax.axhline(0, color=GREY, linewidth=0.5)
        ax.set_title(title, loc="left", fontsize=9, parse_math=False)
        ax.set_xlabel("strength")
        ax.spines[["top", "right"]].set_visible(False)
    for ax in axes[len(panels) :]:
        ax.set_axis_off()
    for ax in axes[::columns]:
        ax.set_ylabel(y_label)
    return fig


def intervals(rows: Mapping[str, tuple[float, float, float]], x_label: str) -> Figure:
    """A point with its interval for each row (low, value, high), from the top; a line at 0."""
    fig = Figure(figsize=(7, 0.9 + 0.32 * len(rows)), layout="constrained")
    ax = fig.subplots()
    for y, (low, value, high) in enumerate(rows.values()):
        ax.plot([low, high], [y, y], color=BLUE)
        ax.plot([value], [y], "o", color=BLUE)
    ax.axvline(0, color=GREY, linewidth=0.8)
    ax.set_yticks(range(len(rows)), list(rows), parse_math=False)
    ax.set_ylim(len(rows) - 0.5, -0.5)
    ax.set_xlabel(x_label)
    ax.spines[["top", "right"]].set_visible(False)
    return fig


def labeled_points(points: Mapping[str, tuple[float, float]], x_label: str, y_label: str) -> Figure:
    """A numbered point for each name (x, y), with the names beside the figure.

    Numbers stand at three heights in turn, so that neighbors can be read.
    """
    fig = Figure(figsize=(7, max(3.4, 0.6 + 0.21 * len(points))), layout="constrained")
    ax, names = fig.subplots(1, 2, width_ratios=(5, 3))
    from_left = sorted(enumerate(points.values(), start=1), key=lambda point: point[1][0])
    for place, (number, (x, y)) in enumerate(from_left):
        ax.plot([x], [y], "o", color=BLUE, markersize=5)
        height = {"xytext": (0, 6 + 9 * (place % 3)), "textcoords": "offset points"}
        ax.annotate(str(number), (x, y), ha="center", fontsize=8, **height)
    listed = "\n".join(f"{i}  {name}" for i, name in enumerate(points, start=1))
    names.text(0, 1, listed, va="top", fontsize=9, linespacing=1.3, parse_math=False)
    names.set_axis_off()
    ax.set_xlabel(x_label)
    ax.set_ylabel(y_label)
    ax.margins(0.1)
    ax.spines[["top", "right"]].set_visible(False)
    ax.spines[["top", "right"]].set_visible(False)
    return fig


def contact_sheet(
    pictures: Sequence[str | Path | Image.Image],
    labels: Sequence[str],
    title: str = "",
    columns: int = 6,
) -> Figure:
    """Pictures, images or their paths, in rows, each with its label below."""
    if not 0 < len(pictures) == len(labels):
        raise ValueError(f"{len(pictures)} pictures, {len(labels)} labels: give one for each.")
    columns = min(columns, len(pictures))
    rows = -(-len(pictures) // columns)
    fig = Figure(figsize=(1.35 * columns + 0.2, 2.05 * rows + 0.3), layout="constrained")
    fig.suptitle(textwrap.shorten(title, 20 * columns), x=0.01, ha="left", fontsize=10)
    axes = fig.subplots(rows, columns, squeeze=False).flatten()
    for ax in axes:
        ax.set_axis_off()
        ax.set_anchor("N")
    for ax, picture, label in zip(axes, pictures, labels, strict=False):
        if not isinstance(picture, Image.Image):
            with Image.open(picture) as opened:
                picture = opened.convert("RGB")
        ax.imshow(picture, interpolation="nearest")
        lines = [textwrap.fill(line, 20) for line in label.splitlines()]
        ax.set_title("\n".join(lines), fontsize=7, y=-0.08, va="top", parse_math=False)
    return fig
