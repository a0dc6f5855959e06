"""Text from data, configs and other programs on the terminal: shown as it is, obeyed by nobody."""

from __future__ import annotations

from rich import markup


def escape(text: str) -> str:
    """The text for rich's markup: brackets stay brackets, and what a terminal would obey is spelt out."""
    if not text.isprintable():
        text = "".join(c if c.isprintable() or c == "\n" else c.encode("unicode_escape").decode() for c in text)
    return markup.escape(text)
