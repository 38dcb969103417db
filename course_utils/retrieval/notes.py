"""Notes of a bicycle workshop, and questions to them, each with the notes that answer it.

Half of the questions use other words than the notes, half ask for a part by its number.
"""

from __future__ import annotations

from itertools import permutations

from .store import Chunk

PARTS = [f"BR-{''.join(digits)}" for digits in sorted(set(permutations("4471")))]
NOTES = {
    "brakes": [
        "If the lever touches the handlebar, the brake pads are worn: replace both at once.",
        "Squealing discs are dirty. Wipe them with alcohol and never touch them with bare fingers.",
    ],
    "tires": [
        "To mend a flat, roughen the tube around the hole and press a patch on it for a minute.",
        "City tires want 4 bar, racing tires 7 bar, mountain tires 2 bar.",
        "Check a new tire for thorns and glass before the tube goes in.",
        "Valve cores are tightened with tool V-12.",
    ],
    "drivetrain": [
        "A chain that skips under load is too long from wear: measure it, then change it.",
        "Clean the chain with a rag, oil each link, and wipe off what is left after ten minutes.",
        "When shifting is slow, turn the barrel adjuster half a turn.",
        "The bottom bracket of model Heron 3 has a left-hand thread on the right side.",
        "The bottom bracket of model Heron 5 is pressed in; use the puller.",
    ],
    "lights": [
        "A dynamo that hums but gives no light has a broken wire at the connector.",
        "Batteries of rear lamps go into the red bin, never into the household waste.",
        "Fuse F2 protects the charger of electric bicycles; fuse F7 protects the lift.",
    ],
    "shop": [
        "We open at nine and close at six; on Saturdays we leave at noon.",
        "Customers may pay in three installments without interest.",
        "A bicycle that nobody fetches within eight weeks is sold.",
        "The first aid box hangs beside the sink in the back room.",
        "Apprentices do not use the lathe alone.",
        "Returns need the receipt and are accepted for fourteen days.",
    ],
    "stock": [f"Part {part} lies on shelf {shelf}." for shelf, part in enumerate(PARTS, start=1)],
}
QUESTIONS = {
    "How do I repair a punctured inner tube?": "To mend a flat",
    "My gears change sluggishly, what now?": "When shifting is slow",
    "Somebody cut his hand: where are the bandages?": "The first aid box",
    "What are your business hours at the weekend?": "We open at nine",
    "Is it possible to spread the cost over some months?": "Customers may pay",
    "The stopping power is gone when I squeeze hard": "If the lever",
    **{f"Which shelf has {part}?": f"Part {part}" for part in PARTS[::2]},
}


def chunks() -> list[Chunk]:
    """A chunk for each note; its heading is the file, its span the characters within it."""
    made = []
    for file, notes in NOTES.items():
        start = 0
        for note in notes:
            made.append(Chunk(f"{file}.md", note, file, start, start + len(note)))
            start += len(note) + 1
    return made


def relevant() -> list[set[int]]:
    """For each question the numbers, among the chunks, of those that answer it."""
    texts = [chunk.content for chunk in chunks()]
    return [
        {i for i, text in enumerate(texts) if text.startswith(beginning)}
        for beginning in QUESTIONS.values()
    ]
