"""Explorers: sliders over a plain function that draws a picture."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import ipywidgets
from IPython.display import display

from course_utils.plots import Picture

WIDGET_VIEW = "application/vnd.jupyter.widget-view+json"


def slider(value: float, low: float, high: float, step: float) -> ipywidgets.Widget:
    """A slider over whole numbers where ``step`` is an int, else over decimals.

    Raises ValueError if the value lies outside the range.
    """
    if not low <= value <= high:
        raise ValueError(f"The slider starts at {value}: give a value from {low} to {high}.")
    kind = ipywidgets.IntSlider if isinstance(step, int) else ipywidgets.FloatSlider
    return kind(value=value, min=low, max=high, step=step, continuous_update=False)


def menu(value: object, options: Sequence) -> ipywidgets.Widget:
    """A list to choose from. Raises ValueError if the value is not on it."""
    if value not in options:
        raise ValueError(
            f"The menu starts at {value!r}: give one of {', '.join(map(str, options))}."
        )
    return ipywidgets.Dropdown(value=value, options=list(options))


def explorer(draw: Callable[..., Picture], **sliders: ipywidgets.Widget) -> None:
    """Display sliders above the picture that ``draw(**values)`` returns for their values.

    Where there are no widgets, the reader sees the picture of the first values.
    """
    box, first = _build(draw, sliders)
    view = {"version_major": 2, "version_minor": 0, "model_id": box.model_id}
    display({WIDGET_VIEW: view, **first._repr_mimebundle_()}, raw=True)


def _build(
    draw: Callable[..., Picture], sliders: dict[str, ipywidgets.Widget]
) -> tuple[ipywidgets.VBox, Picture]:
    def draw_now() -> Picture:
        return draw(**{name: control.value for name, control in sliders.items()})

    def redraw(_change) -> None:
        image.value = draw_now().html

    first = draw_now()
    image = ipywidgets.HTML(value=first.html)
    for name, control in sliders.items():
        control.description = name
        control.style.description_width = "90px"
        control.layout.width = "480px"
        control.observe(redraw, names="value")
    return ipywidgets.VBox([*sliders.values(), image]), first


def text_box(value: str) -> ipywidgets.Widget:
    """A line of text; a change counts when it is finished, by Enter or by leaving the box."""
    return ipywidgets.Text(value=value, continuous_update=False)
