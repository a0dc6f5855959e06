"""A page in headless Chromium: every request that it makes is seen, whatever host it is for."""

from __future__ import annotations

import html
import json
import os
import re
import shutil
import subprocess
import threading
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

CHROMIUM_COMMANDS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
NO_BACKGROUND_TRAFFIC = (  # what the browser would ask for on its own account
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-features=NetworkTimeServiceQuerying",
    "--disable-sync",
    "--no-first-run",
)

# The page itself may run no script; the one around it looks in from outside, at the width of a phone.
FRAME_PAGE = """<!doctype html>
<iframe id="inner" src="/page.html" width="{width}" height="800" frameborder="0"></iframe>
<pre id="seen"></pre><script>
document.getElementById("inner").onload = event => {{
  const page = event.target.contentDocument, root = page.documentElement;
  document.getElementById("seen").textContent = JSON.stringify({{
    text: page.body.textContent, hostile: "hostile" in window, scripts: page.scripts.length, images: page.images.length,
    overflow_px: root.scrollWidth - root.clientWidth, background: getComputedStyle(page.body).backgroundColor,
  }});
}};</script>"""


@dataclass(frozen=True)
class PageVisit:
    """What became of a page: what it holds, the requests for anything but itself, and what the console said."""

    page: dict[str, Any]
    requests: list[str]
    console: list[str]


def find_chromium() -> str | None:
    return next((path for name in CHROMIUM_COMMANDS if (path := shutil.which(name))), None)


def visit_page(chromium: str, page: str, profile: Path, width: int) -> PageVisit:
    """Loads `page` in a window of so many pixels."""
    requests: list[str] = []

    class Server(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            known = {"/page.html": page, "/around.html": FRAME_PAGE.format(width=width)}
            mine = self.headers.get("Host", "").startswith("127.0.0.1")
            body = known.get(self.path, "").encode() if mine else b""
            if not body and self.path != "/favicon.ico":
                requests.append(f"{self.headers.get('Host')}{self.path}")
            self.send_response(200 if body else 404)
            self.send_header("Content-Type", "text/html; charset=utf-8")
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Server) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        here = f"127.0.0.1:{server.server_address[1]}"
        command = [
            chromium,
            "--headless",
            "--disable-gpu",
            *NO_BACKGROUND_TRAFFIC,
            *(["--no-sandbox"] if os.geteuid() == 0 else []),
        ]
        command += [f"--user-data-dir={profile}", "--enable-logging=stderr", "--virtual-time-budget=5000", "--dump-dom"]
        # Whatever host is asked for, it is this server that is asked.
        command += [f"--host-resolver-rules=MAP * {here}", f"http://{here}/around.html"]
        ended = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
        server.shutdown()
    found = re.search(r'<pre id="seen">(.*?)</pre>', ended.stdout, re.DOTALL)
    assert found, f"the page did not load:\n{ended.stderr[-2000:]}"
    console = [line for line in ended.stderr.splitlines() if "CONSOLE" in line]
    return PageVisit(json.loads(html.unescape(found[1])), requests, console)
