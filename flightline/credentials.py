"""What may hold a secret in a text: the one place that finds and masks it.

Secrets come in as addresses: `scheme://user:password@host`, `https://token@host`, `user:password@host:port`, and
`?token=...`. Configs with one are refused, since each run stores its config; whatever is shown or recorded is masked.
"""

from __future__ import annotations

import re

MASK = "***"
# A port is no password: http://host:80/a@b has no credentials. abfss://container@account is an ordinary address.
_URL_PASSWORD = re.compile(r"(?<=://)[^\s/?#@'\"]*:(?!\d{1,5}(?:[/?#]|$))[^\s'\"]*@")
_URL_TOKEN = re.compile(r"(?<=http://|ttps://)[^\s/?#@:'\"]+@")
_BARE_PASSWORD = re.compile(r"(?<![\w/:.-])[\w.+-]+:[^\s@/'\"]+@(?=[\w.\[\]-]+:\d+)")
_QUERY_SECRET = re.compile(
    r"([?&;#](?:[\w-]*(?:token|secret|signature|credential|password|passwd|api[_-]?key)|key|sig|pwd|auth|code)=)[^&\s'\"]+",
    re.IGNORECASE,
)
_SECRET_NAME = re.compile(r"password|passwd|secret|token|credential|access[._-]?key|api[._-]?key", re.IGNORECASE)
_NAME_OF_PLACE = re.compile(r"[._-]?(env|file|path|dir|provider|class|enabled)$", re.IGNORECASE)


def mask_credentials(text: str) -> str:
    """Return the text with every password and token of an address replaced by `***`."""
    text = _URL_PASSWORD.sub(f"{MASK}@", text)
    text = _URL_TOKEN.sub(f"{MASK}@", text)
    text = _BARE_PASSWORD.sub(f"{MASK}@", text)
    return _QUERY_SECRET.sub(rf"\g<1>{MASK}", text)


def has_credentials(text: str) -> bool:
    """Whether an address in the text contains a password or a token."""
    return mask_credentials(text) != text


def is_secret_name(name: str) -> bool:
    """Whether an option or property of this name has a secret as its value."""
    return _SECRET_NAME.search(name) is not None and _NAME_OF_PLACE.search(name) is None
