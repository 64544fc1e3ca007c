"""How a state looks where there is no stylesheet of a page: a sign, a word, and colours for light and dark."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Look:
    """``light`` and ``dark`` are the colours of its line and its sign on such a ground; ``fill`` tints a light box."""

    sign: str
    word: str
    light: str
    dark: str
    fill: str


ABSENT = Look(" ", "not taken", "#8a929c", "#69727d", "#ffffff")
PLAIN = Look("○", "", "#9aa0a8", "#69727d", "#ffffff")
LOOKS = {
    "complete": Look("✓", "done", "#14704e", "#4fc796", "#e6f4ee"),
    "resolved_manually": Look("✓", "resolved", "#14704e", "#4fc796", "#e6f4ee"),
    "in_progress": Look("▶", "running", "#1f5dbf", "#72a8ff", "#e3edfc"),
    "enqueued": Look("◌", "ready", "#0f7285", "#4dc4d8", "#e2f3f6"),
    "waiting_for_retry": Look("↻", "retrying", "#8a5200", "#e6a748", "#fbf0dd"),
    "error": Look("✗", "failed", "#bd2c22", "#ff8278", "#fbe5e3"),
    "cancelled": Look("⊘", "cancelled", "#6b4ea0", "#b79cf0", "#efe9f8"),
    "pending": Look("·", "waiting", "#626c79", "#98a2af", "#f1f1ed"),
}


def look_of(state: str, *, is_run: bool) -> Look:
    """The look of a step's state; "" is a step that isn't there, or, where nothing ran, one of a template."""
    if state:
        return LOOKS.get(state, LOOKS["pending"])
    return ABSENT if is_run else PLAIN
