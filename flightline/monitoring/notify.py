"""Telling somebody: a line in a file that is kept, one in a file of the user's, a POST to a webhook."""

from __future__ import annotations

import json
import os
import urllib.error
import urllib.request
from collections.abc import Iterable
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from flightline.config.settings import Config
from flightline.errors import summarize_error
from flightline.monitoring.alerts import Event

EVENTS_FILE = "alerts.jsonl"
WEBHOOK_TIMEOUT_S = 10.0


def notify(config: Config, run_id: str, events: Iterable[Event]) -> list[str]:
    """Tells of alerts wherever the config says; returns what could not be told, a sentence each.

    The file of the workspace is written first, and the rest whatever happens to one of them.
    """
    told = [
        {**event.to_dict(), "at": _format_time(event.at), "pipeline": config.name, "run": run_id} for event in events
    ]
    problems = []
    for file in filter(None, (config.monitoring_folder / EVENTS_FILE, config.monitoring.file)):
        try:
            _append_json_lines(file, told)
        except OSError as error:
            problems.append(f"the alerts could not be written to {file}: {error}")
    if config.monitoring.webhook:
        for one in told:
            try:
                _post_json(config.monitoring.webhook, one)
            except (OSError, ValueError) as error:
                problems.append(f"the webhook could not be told of {one['alert']}: {summarize_error(error)}")
    return problems


def _append_json_lines(file: Path, told: Iterable[dict[str, Any]]) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.open("a", encoding="utf-8") as lines:
        lines.writelines(json.dumps(one) + "\n" for one in told)
        lines.flush()
        os.fsync(lines.fileno())


def _post_json(url: str, content: dict[str, Any]) -> None:
    """Raises OSError or ValueError where nobody answered, or with anything but 2xx."""
    request = urllib.request.Request(  # noqa: S310 - the config takes http and https alone
        url, json.dumps(content).encode(), {"Content-Type": "application/json", "User-Agent": "flightline"}
    )
    with urllib.request.urlopen(request, timeout=WEBHOOK_TIMEOUT_S) as answer:  # noqa: S310
        answer.read(1)


def _format_time(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, timezone.utc).isoformat(timespec="seconds")
