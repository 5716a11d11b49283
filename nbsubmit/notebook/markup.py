"""Plain values → HTML. All text is escaped here: the HTML widget shows markup as it is.

Styles stand inline, with colours that can be read on light and on dark ground, so that the same
markup does in a panel, in a saved notebook and on a page that nbconvert makes.
"""

from __future__ import annotations

import html
from collections.abc import Iterable, Sequence

from nbsubmit.client.screen import Line, Style

_BASIC = (
    *("", "#d1453b", "#1f8f3f", "#9a7500", "#3b7dd8", "#b04fc0", "#16909c", ""),
    *("#7f7f7f", "#e8635a", "#2fa857", "#b38a00", "#5a96ec", "#c46bd3", "#2ba6b2", ""),
)
_STEPS = (0, 95, 135, 175, 215, 255)
_ERROR_GROUND = "rgba(209,69,59,.12)"
_FORMS = {
    "bold": "font-weight:bold",
    "dim": "opacity:.65",
    "italic": "font-style:italic",
}


def tag(name: str, content: str, style: str = "", **attributes: str) -> str:
    """Return an element; the content is markup already, the attributes are text."""
    given = {"style": style, **{key.replace("_", "-"): v for key, v in attributes.items()}}
    shown = "".join(f' {k}="{html.escape(v)}"' for k, v in given.items() if v)
    return f"<{name}{shown}>{content}</{name}>"


def text(value: str) -> str:
    """Return text as markup that shows it."""
    return html.escape(value)


def table(rows: Iterable[Sequence[str]], heads: Sequence[str], caption: str) -> str:
    """Return a table of text."""
    head = "".join(tag("th", text(cell), _CELL, scope="col") for cell in heads)
    body = "".join(tag("tr", "".join(tag("td", text(cell), _CELL) for cell in row)) for row in rows)
    title = tag("caption", text(caption), "text-align:left;font-weight:bold")
    return tag("table", title + tag("tr", head) + body, "border-collapse:collapse")


def pre(content: str, height: str = "") -> str:
    """Return preformatted markup; with a height it scrolls, and its end is in sight."""
    scroll = f";max-height:{height};overflow:auto;display:flex;flex-direction:column-reverse"
    return tag("pre", tag("span", content), _PRE + (scroll if height else ""), tabindex="0")


def bar(label: str, fraction: float | None, note: str) -> str:
    """Return a progress bar with its label before and a note behind it."""
    percent = 0.0 if fraction is None else 100 * min(max(fraction, 0.0), 1.0)
    filled = tag("div", "", f"width:{percent:.1f}%;height:100%;background:#3b7dd8")
    known = {} if fraction is None else {"aria_valuenow": f"{percent:.0f}"}
    track = tag(
        "div",
        filled,
        "flex:1;max-width:24em;min-width:4em;height:.7em;border-radius:.35em;overflow:hidden;"
        "background:rgba(128,128,128,.3)",
        role="progressbar",
        aria_label=label or "progress",
        aria_valuemin="0",
        aria_valuemax="100",
        **known,
    )
    name = tag("span", text(label)) if label else ""
    return tag(
        "div", name + track + tag("span", text(note)), "display:flex;gap:.6em;align-items:center"
    )


def sparkline(values: Sequence[float], top: float | None, label: str) -> str:
    """Return a small curve of values over time, drawn against a top value where there is one."""
    highest = max([top or 0.0, *values, 1e-9])
    width, height = 240, 32
    step = width / max(len(values) - 1, 1)
    points = " ".join(
        f"{n * step:.0f},{height - 1 - (height - 2) * max(v, 0.0) / highest:.0f}"
        for n, v in enumerate(values)
    )
    line = tag("polyline", "", points=points, fill="none", stroke="#3b7dd8", stroke_width="1.5")
    return tag(
        "svg",
        tag("title", text(label)) + line,
        "vertical-align:middle;border-bottom:1px solid rgba(128,128,128,.5)",
        viewBox=f"0 0 {width} {height}",
        width=str(width),
        height=str(height),
        role="img",
        aria_label=label,
    )


def screen(lines: Sequence[Line], most: int) -> str:
    """Return the last lines of a screen, as many as their markup leaves room for."""
    shown: list[str] = []
    left = most
    for line in reversed(lines):
        markup = "".join(_run(*run) for run in line.runs)
        if len(markup) > left and not shown:
            markup = text(line.text[-left // 8 :])
        left -= len(markup) + 1
        if left < 0:
            break
        shown.append(markup)
    return "\n".join(reversed(shown))


def _run(content: str, style: Style) -> str:
    css = _css(style)
    return tag("span", text(content), css) if css else text(content)


def _css(style: Style) -> str:
    ink, ground = _colour(style.foreground), _colour(style.background)
    if style.inverse:
        ink, ground = ground or "#f5f5f5", ink or "#606060"
    parts = [
        f"color:{ink}" if ink else "",
        f"background:{ground}" if ground else "",
        *(form for name, form in _FORMS.items() if getattr(style, name)),
    ]
    lines = [("underline", style.underline), ("line-through", style.strike)]
    decoration = " ".join(name for name, on in lines if on)
    if decoration:
        parts.append(f"text-decoration:{decoration}")
    if style.stream == "stderr" and not ground:
        parts.append(f"background:{_ERROR_GROUND}")
    return ";".join(part for part in parts if part)


def _colour(colour: int | str | None) -> str:
    """Return a colour as CSS writes it; the 256 are xterm's."""
    if colour is None or isinstance(colour, str):
        return colour or ""
    if colour < len(_BASIC):
        return _BASIC[colour]
    first_grey = 232
    if colour >= first_grey:
        grey = 8 + 10 * (colour - first_grey)
        return f"#{grey:02x}{grey:02x}{grey:02x}"
    red, rest = divmod(colour - len(_BASIC), 36)
    green, blue = divmod(rest, 6)
    return f"#{_STEPS[red]:02x}{_STEPS[green]:02x}{_STEPS[blue]:02x}"


_CELL = "text-align:left;padding:0 1em 0 0;vertical-align:top"
_PRE = "margin:4px 0;line-height:1.3;white-space:pre-wrap;overflow-wrap:anywhere"
