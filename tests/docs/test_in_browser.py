"""The site in a browser that is off the network, read from the disk."""

import os
import re
import subprocess
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from browser import NO_BACKGROUND_TRAFFIC, find_chromium

CHROMIUM = find_chromium()
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium; scripts/browser.sh gets one")


@pytest.fixture
def opened(site, tmp_path):
    """`opened("index.html?q=gate")` → the page as a script has left it, and what was asked of any host."""
    asked = []

    class Anybody(BaseHTTPRequestHandler):
        def do_GET(self):
            asked.append(f"{self.headers.get('Host')}{self.path}")
            self.send_error(404)

        def log_message(self, *words):
            pass

    def look(page):
        with ThreadingHTTPServer(("127.0.0.1", 0), Anybody) as server:
            threading.Thread(target=server.serve_forever, daemon=True).start()
            command = [CHROMIUM, "--headless", "--disable-gpu", *NO_BACKGROUND_TRAFFIC, f"--user-data-dir={tmp_path}"]
            command += ["--no-sandbox"] if os.geteuid() == 0 else []
            # Whatever host is asked for, by http or https, it is this server that is asked.
            command += [f"--host-resolver-rules=MAP * 127.0.0.1:{server.server_address[1]}", "--enable-logging=stderr"]
            command += ["--virtual-time-budget=8000", "--dump-dom", f"{site.as_uri()}/{page}"]
            ended = subprocess.run(command, capture_output=True, text=True, timeout=300, check=True)
            server.shutdown()
        wrong = [line for line in ended.stderr.splitlines() if "CONSOLE" in line or "ssl_client_socket" in line]
        return ended.stdout, asked + wrong

    return look


def test_the_search_answers_without_a_network(opened):
    page, elsewhere = opened("index.html?q=quarantined")
    assert elsewhere == []
    found = re.search(r"(\d+) matching documents?", page)
    assert found, "the search said nothing"
    assert int(found[1]) >= 2
    assert "continuous-training.html?h=quarantined" in page


def test_a_page_below_finds_its_styles_and_scripts(opened):
    page, elsewhere = opened("reference/config.html")
    assert elsewhere == []
    assert re.search(r'<html[^>]* class="[^"]*\bjs\b', page)
    assert "data.block_mb" in page
