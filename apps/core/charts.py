"""What every chart shares: one look for page and SVG, and the one renderer."""

from __future__ import annotations

import json
import threading
from typing import Any

SIZES = {"wide": (720, 400), "small": (270, 300)}
"""Width and height of the plot in pixels: on a screen or paper, and on a phone."""

THEMES: dict[str, dict[str, str]] = {
    "light": {
        "paper": "#ffffff",
        "ink": "#16191d",
        "soft": "#525a63",
        "line": "#d5d9de",
        "dot": "#767e87",
        "accent": "#0a5a9c",
    },
    "dark": {
        "paper": "#14171a",
        "ink": "#e9ecef",
        "soft": "#a8b0b9",
        "line": "#3a4149",
        "dot": "#8a929b",
        "accent": "#79b8f2",
    },
}
_FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Noto Sans', Arial, sans-serif"


def config(colour: dict[str, str]) -> dict[str, Any]:
    """Vega-Lite's configuration in the colours of a theme."""
    return {
        "background": colour["paper"],
        "font": _FONT,
        "view": {"stroke": None},
        "axis": {
            "labelColor": colour["soft"],
            "titleColor": colour["soft"],
            "titleFontWeight": "normal",
            "labelFontSize": 12,
            "titleFontSize": 12,
            "gridColor": colour["line"],
            "domainColor": colour["line"],
            "tickColor": colour["line"],
        },
    }


def standalone(drawing: str, theme: str) -> bytes:
    """An SVG that a page draws with its own styles, with the colours of a theme inside it.

    It speaks in classes: `line` and a `point` that is `current` in the accent, `ref` for what guides the
    eye, `change` for where something turns.
    """
    colour = THEMES.get(theme, THEMES["light"])
    style = (
        f"svg{{background:{colour['paper']};font-family:system-ui,sans-serif}}path{{fill:none}}"
        f".line{{stroke:{colour['accent']};stroke-width:1.5}}.ref{{stroke:{colour['line']}}}"
        f".change{{stroke:{colour['dot']};stroke-dasharray:2 3}}"
        f".point path{{stroke:{colour['soft']};stroke-width:1.5}}.point circle{{fill:{colour['ink']}}}"
        f".current circle{{fill:{colour['accent']}}}"
        f"text{{fill:{colour['soft']};font-size:11px}}"
    )
    head, rest = drawing.split(">", 1)
    return f'{head} xmlns="http://www.w3.org/2000/svg"><style>{style}</style>{rest}'.encode()


_one_at_a_time = threading.Lock()


def render(spec: bytes) -> bytes:
    """A Vega-Lite spec (JSON) as SVG.

    Only a process that serves may call it: the renderer hangs in the child of one that has used it.
    """
    import vl_convert

    with _one_at_a_time:
        text: str = vl_convert.vegalite_to_svg(json.loads(spec), allowed_base_urls=[])
    return text.encode()


def png(svg: bytes, scale: float = 2.0) -> bytes:
    """An SVG of ours as PNG, of twice its size. Only a process that serves may call it: see `render`."""
    import vl_convert

    with _one_at_a_time:
        made: bytes = vl_convert.svg_to_png(svg.decode(), scale=scale)
    return made
