"""``assignment.toml``: due dates, what lateness costs, extensions, weights.

[02_kv_cache]
due = 2026-12-01T23:59:00+01:00
late_per_day = 0.1      # of the maximum, for each day that has begun
latest_days = 5         # after that nothing counts
grace_minutes = 15
weight = 2.0            # of this notebook in the sum of all
weights = { "kv_cache.paged_cache" = 0 }        # of single exercises
extensions = { alice = 2026-12-08T23:59:00+01:00 }
"""

from __future__ import annotations

import datetime
import math
import tomllib
from dataclasses import dataclass, field
from pathlib import Path

from course_utils.checks import bank

DAY = 24 * 60 * 60
KEYS = {
    "due",
    "late_per_day",
    "latest_days",
    "grace_minutes",
    "weight",
    "weights",
    "extensions",
}


class AssignmentError(ValueError):
    """The file cannot be used; the message is one sentence."""


@dataclass(frozen=True)
class Assignment:
    """The rules for one notebook. Without a due date nothing is late."""

    due: datetime.datetime | None = None
    late_per_day: float = 0.0
    latest_days: float = math.inf
    grace_minutes: float = 0.0
    weight: float = 1.0
    weights: dict[str, float] = field(default_factory=dict)
    extensions: dict[str, datetime.datetime] = field(default_factory=dict)

    def due_for(self, student: str) -> datetime.datetime | None:
        return self.extensions.get(student, self.due)

    def days_late(self, student: str, received: float, marked_late: bool) -> int:
        """Days that have begun since the student's due date; 1 if only the platform says late."""
        due = self.due_for(student)
        if due is None or not received:
            return int(marked_late and student not in self.extensions)
        late = received - due.timestamp()
        return 0 if late <= 60 * self.grace_minutes else math.ceil(late / DAY)

    def raw(self, result: dict) -> tuple[float, float]:
        """Points and the most that there are, with the exercises' weights."""
        weights = [self.weights.get(exercise["id"], 1.0) for exercise in result["exercises"]]
        pairs = list(zip(weights, result["exercises"], strict=True))
        return (
            sum(w * exercise["points"] for w, exercise in pairs),
            sum(w * exercise["max_points"] for w, exercise in pairs),
        )

    def penalty(self, student: str, result: dict) -> float:
        """What lateness costs, at most all of the points."""
        points, most = self.raw(result)
        submission = result["submission"]
        days = self.days_late(student, submission["received"], submission["marked_late"])
        return points if days > self.latest_days else min(points, days * self.late_per_day * most)


def load(path: Path) -> dict[str, Assignment]:
    """The rules by notebook. Raises AssignmentError for a key or value that is none."""
    try:
        tables = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, tomllib.TOMLDecodeError) as error:
        raise AssignmentError(f"{path} cannot be read: {error}.") from error
    return {name: _assignment(path, name, table) for name, table in tables.items()}


def _assignment(path: Path, name: str, table: object) -> Assignment:
    if not isinstance(table, dict):
        raise AssignmentError(f"{path}: {name} stands outside a table such as [02_kv_cache].")
    if unknown := sorted(table.keys() - KEYS):
        raise AssignmentError(
            f"{path}, [{name}]: there is no {unknown[0]}; there are {', '.join(sorted(KEYS))}."
        )
    for key in ("weights", "extensions"):
        if not isinstance(table.get(key, {}), dict):
            raise AssignmentError(
                f"{path}, [{name}]: {key} is no table such as {{ name = value }}."
            )
    moments = {"due": table.get("due"), **table.get("extensions", {})}
    for key, moment in moments.items():
        if moment is not None and not (
            isinstance(moment, datetime.datetime) and moment.tzinfo is not None
        ):
            raise AssignmentError(
                f"{path}, [{name}]: {key} is no time with an offset, as 2026-12-01T23:59:00+01:00."
            )
    numbers = {k: table[k] for k in KEYS & table.keys() - {"due", "extensions", "weights"}}
    for key, value in {**numbers, **table.get("weights", {})}.items():
        if type(value) not in (int, float) or not 0 <= value < math.inf:
            raise AssignmentError(f"{path}, [{name}]: {key} is {value!r}, no number from 0 on.")
    if (share := numbers.get("late_per_day", 0)) > 1:
        raise AssignmentError(
            f"{path}, [{name}]: late_per_day is {share}, a share of the maximum: 0.1 for a tenth."
        )
    return Assignment(**table)


def refuse_unknown(rules: dict[str, Assignment], results: list[dict], students: set[str]) -> None:
    """Raises AssignmentError for a name in the rules that no notebook, exercise or student has."""
    exercises = {r["notebook"]: {e["id"] for e in r["exercises"]} for r in results}
    known = exercises.keys() | {exercise.notebook for exercise in bank.EXERCISES.values()}
    for notebook, rule in rules.items():
        if notebook not in known:
            raise AssignmentError(
                f"The rules name a notebook {notebook}; there are {', '.join(sorted(known))}."
            )
        if wrong := sorted(rule.weights.keys() - exercises.get(notebook, rule.weights.keys())):
            raise AssignmentError(f"The rules for {notebook} weigh {wrong[0]}: no exercise of it.")
        if wrong := sorted(rule.extensions.keys() - students):
            raise AssignmentError(
                f"The rules for {notebook} give {wrong[0]} more time, but the results and the "
                "roster know no such student."
            )
