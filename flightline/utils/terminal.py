"""Show text from data, configs and other programs on the terminal without interpreting it."""

from __future__ import annotations

from rich import markup


def escape(text: str) -> str:
    """Escape a text for rich: brackets are no markup, and control characters are shown as escapes."""
    if not text.isprintable():
        text = "".join(c if c.isprintable() or c == "\n" else c.encode("unicode_escape").decode() for c in text)
    return markup.escape(text)
