"""Scenes of colored shapes: what they are, what they are called, and how they look.

A scene is a group, "two blue squares", or two groups of which one is above or left of the other.
It stands on a grid of 4 by 4 places in a picture of 48 by 48 pixels. "above" holds for every
member of both groups, and then neither group is left of the other, so that one caption fits.
"""

from __future__ import annotations

import random
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cache
from itertools import product

import numpy as np
from jaxtyping import UInt8
from PIL import Image, ImageDraw

COLORS = {
    "red": (214, 39, 40),
    "green": (44, 160, 60),
    "blue": (40, 90, 200),
    "yellow": (240, 200, 30),
    "purple": (140, 70, 180),
    "black": (30, 30, 30),
}
SHAPES = ("circle", "square", "triangle", "star")
NUMBERS = ("a", "two", "three")
OPPOSITES = {"above": "below", "left of": "right of"}
RELATIONS = tuple(OPPOSITES)
GRID, CELL = 4, 12
SIZE = GRID * CELL
PAPER = (246, 246, 240)
RADII = (4, 4.5, 5)
SUPERSAMPLING = 8
HELD_OUT = 5  # one combination of two groups in so many is never trained

Pixels = UInt8[np.ndarray, "48 48 3"]


@dataclass(frozen=True)
class Group:
    """One to three shapes of one kind and color."""

    count: int
    color: str
    shape: str

    def __str__(self) -> str:
        return f"{NUMBERS[self.count - 1]} {self.color} {self.shape}{'s' * (self.count > 1)}"


@dataclass(frozen=True)
class Scene:
    """``first``, alone or ``relation`` ("above", "left of") ``second``."""

    first: Group
    relation: str = ""
    second: Group | None = None

    @property
    def caption(self) -> str:
        return self.captions[0]

    @property
    def captions(self) -> tuple[str, ...]:
        """Its two names, "A above B" and "B below A"; of one group the one."""
        if self.second is None:
            return (str(self.first),)
        a, b = self.first, self.second
        return f"{a} {self.relation} {b}", f"{b} {OPPOSITES[self.relation]} {a}"

    @property
    def is_held_out(self) -> bool:
        """Whether this combination of two groups is kept from training."""
        return self.second is not None and zlib.crc32(self.caption.encode()) % HELD_OUT == 0


@cache
def groups() -> tuple[Group, ...]:
    return tuple(Group(*x) for x in product(range(1, len(NUMBERS) + 1), COLORS, SHAPES))


@cache
def pairs() -> tuple[Scene, ...]:
    """All scenes of two groups, which differ in color or shape."""
    return tuple(
        Scene(a, relation, b)
        for a, relation, b in product(groups(), RELATIONS, groups())
        if (a.color, a.shape) != (b.color, b.shape)
    )


def gallery(n: int, seed: int = 0) -> list[Scene]:
    """n different held-out scenes."""
    held_out = [scene for scene in pairs() if scene.is_held_out]
    if n > len(held_out):
        raise ValueError(f"{n} scenes: there are {len(held_out)} that are held out.")
    return random.Random(seed).sample(held_out, n)


def neighbors(scene: Scene) -> Iterator[Scene]:
    """The scenes that differ in one thing: a number, color or shape, the relation, or its sides."""
    for other in _changed(scene.first):
        yield replace(scene, first=other)
    if scene.second is not None:
        for other in _changed(scene.second):
            yield replace(scene, second=other)
        (relation,) = set(RELATIONS) - {scene.relation}
        yield replace(scene, relation=relation)
        yield replace(scene, first=scene.second, second=scene.first)


def _changed(group: Group) -> Iterator[Group]:
    for count in range(1, len(NUMBERS) + 1):
        yield replace(group, count=count)
    for color in COLORS:
        yield replace(group, color=color)
    for shape in SHAPES:
        yield replace(group, shape=shape)


def is_scene(scene: Scene) -> bool:
    """Whether its groups differ in color or shape."""
    a, b = scene.first, scene.second
    return b is None or (a.color, a.shape) != (b.color, b.shape)


# Drawing


def picture(scene: Scene, seed: int = 0) -> Image.Image:
    """The scene as a picture; another seed gives other places and sizes."""
    return Image.fromarray(pixels(scene, random.Random(seed)))


def pixels(scene: Scene, rng: random.Random) -> Pixels:
    canvas = np.full((SIZE, SIZE, 3), PAPER, np.uint8)
    parts = [scene.first] if scene.second is None else [scene.first, scene.second]
    for group, places in zip(parts, _places(scene, rng), strict=True):
        radius = rng.choice(RADII)
        color, alpha = np.array(COLORS[group.color]), _mask(group.shape, radius)[..., None]
        for row, column in places:
            y, x = (CELL * i + rng.randint(-1, 1) for i in (row, column))
            y, x = (min(max(i, 0), SIZE - CELL) for i in (y, x))
            there = canvas[y : y + CELL, x : x + CELL]
            there[:] = there + alpha * (color - there.astype(float))
    return canvas


def _places(scene: Scene, rng: random.Random) -> list[list[tuple[int, int]]]:
    """Rows and columns for the members of each group."""
    cells = list(product(range(GRID), repeat=2))
    if scene.second is None:
        return [rng.sample(cells, scene.first.count)]
    axis = RELATIONS.index(scene.relation)  # 0: rows, 1: columns
    while True:
        split = rng.randrange(1, GRID)
        sides = [[c for c in cells if (c[axis] < split) == before] for before in (True, False)]
        counts = (scene.first.count, scene.second.count)
        places = [rng.sample(side, n) for side, n in zip(sides, counts, strict=True)]
        spans = [{cell[1 - axis] for cell in group} for group in places]
        one, other = spans
        if max(one) >= min(other) and max(other) >= min(one):
            return places


@cache
def _mask(shape: str, radius: float) -> np.ndarray:
    """How much of each pixel of a cell the shape covers, 0 to 1."""
    size = CELL * SUPERSAMPLING
    image = Image.new("L", (size, size))
    draw, center, r = ImageDraw.Draw(image), size / 2, radius * SUPERSAMPLING
    if shape == "circle":
        draw.ellipse((center - r, center - r, center + r, center + r), fill=255)
    elif shape == "square":
        side = 0.9 * r
        draw.rectangle((center - side, center - side, center + side, center + side), fill=255)
    else:
        n, inner = (3, 1) if shape == "triangle" else (5, 0.4)
        draw.polygon(_polygon(n, r, inner, center), fill=255)
    return np.asarray(image.resize((CELL, CELL), Image.Resampling.BOX)) / 255


def _polygon(n: int, radius: float, inner: float, center: float) -> list[tuple[float, float]]:
    """A regular polygon with a corner at the top; a star where ``inner`` is below 1."""
    corners = 2 * n if inner < 1 else n
    points = []
    for i in range(corners):
        angle = 2 * np.pi * i / corners
        r = radius * (inner if inner < 1 and i % 2 else 1)
        points.append((float(center + r * np.sin(angle)), float(center - r * np.cos(angle))))
    return points
