"""Send alert events to the workspace's alert file, the user's alert file, and a webhook."""

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
    """Send events to every configured destination; return a message for each that failed.

    A failing destination does not keep the others from being notified. The workspace's file comes first.
    """
    messages = [
        {**event.to_dict(), "time": _format_time(event.time), "pipeline": config.name, "run": run_id}
        for event in events
    ]
    problems = []
    for file in filter(None, (config.monitoring_folder / EVENTS_FILE, config.monitoring.alerts_file)):
        try:
            _append_json_lines(file, messages)
        except OSError as error:
            problems.append(f"the alerts could not be written to {file}: {error}")
    url, variable = config.monitoring.webhook, config.monitoring.webhook_env
    if variable is not None:
        url = os.environ.get(variable)
        if messages and not (url or "").startswith(("http://", "https://")):
            problems.append(f"the webhook was not called: the environment variable {variable} holds no http(s) address")
            return problems
    if url:
        for message in messages:
            try:
                _post_json(url, message)
            except (OSError, ValueError) as error:
                problems.append(f"the webhook did not accept {message['alert']}: {summarize_error(error)}")
    return problems


def _append_json_lines(file: Path, messages: Iterable[dict[str, Any]]) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.open("a", encoding="utf-8") as lines:
        lines.writelines(json.dumps(one) + "\n" for one in messages)
        lines.flush()
        os.fsync(lines.fileno())


def _post_json(url: str, content: dict[str, Any]) -> None:
    """POST `content` as JSON; raise OSError or ValueError without a 2xx response."""
    request = urllib.request.Request(  # noqa: S310 - http and https only
        url, json.dumps(content).encode(), {"Content-Type": "application/json", "User-Agent": "flightline"}
    )
    with urllib.request.urlopen(request, timeout=WEBHOOK_TIMEOUT_S) as answer:  # noqa: S310
        answer.read(1)


def _format_time(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, timezone.utc).isoformat(timespec="seconds")
