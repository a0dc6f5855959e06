"""Dataflow, Cloud Storage and Google's tokens on loopback: as much of the REST APIs as Beam uses to submit and follow.

Nothing of Beam or of Google's clients is replaced: they are pointed here by a service account's key, whose token server
is this one, by STORAGE_EMULATOR_HOST, and by engines.dataflow.endpoint.
"""

from __future__ import annotations

import base64
import contextlib
import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, quote, unquote, urlsplit

import google_crc32c
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

JOB_ID = "2026-01-01_00_00_00-1"
TOKEN = "a-token"


@dataclass
class FakeDataflow:
    """What the server is told to say, and what it was told.

    Attributes:
        states: what a job's state is, one an answer; the last one stays.
        errors: error messages of the job.
        objects: `BUCKET/NAME` to the bytes stored there.
        posted: bodies of the requests that created jobs.
        asked: how often a job's state was asked for.
        strangers: requests to Dataflow that did not come with our token.
        unknown: requests that the server has no answer to; a test that passes has none.
    """

    states: list[str] = field(default_factory=lambda: ["JOB_STATE_PENDING", "JOB_STATE_RUNNING", "JOB_STATE_DONE"])
    errors: list[str] = field(default_factory=list)
    objects: dict[str, bytes] = field(default_factory=dict)
    posted: list[dict[str, Any]] = field(default_factory=list)
    asked: int = 0
    strangers: list[str] = field(default_factory=list)
    unknown: list[str] = field(default_factory=list)
    url: str = ""

    def key(self) -> dict[str, str]:
        """The key of a service account that gets its tokens here, as in the JSON file that Google hands out."""
        private = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        how = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        return {
            "type": "service_account",
            "project_id": "my-project-123",
            "client_email": "flightline@my-project-123.iam.gserviceaccount.com",
            "private_key": private.private_bytes(*how).decode(),
            "token_uri": f"{self.url}/token",
        }

    def answer(self, method: str, path: str, query: dict[str, str], body: bytes, token: str) -> tuple[int, Any]:
        """Status and JSON (or bytes) of an answer."""
        parts = [unquote(part) for part in path.strip("/").split("/")]
        if parts == ["token"]:
            return 200, {"access_token": TOKEN, "expires_in": 3600, "token_type": "Bearer"}
        if parts[0] == "v1b3":
            if token != f"Bearer {TOKEN}":
                self.strangers.append(f"{method} {path}")
            return self._dataflow(method, parts[5:], body)
        if parts[0] in {"storage", "upload", "download"}:
            return self._storage(method, parts[parts.index("b") + 1 :], query, body)
        return self._nothing(method, path)

    def _dataflow(self, method: str, parts: list[str], body: bytes) -> tuple[int, Any]:
        """`parts` is what follows /v1b3/projects/PROJECT/locations/REGION."""
        if (method, parts) == ("POST", ["jobs"]):
            self.posted.append(json.loads(body))
            return 200, self._job()
        if (method, parts) == ("GET", ["jobs", JOB_ID]):
            self.asked += 1
            if len(self.states) > 1:
                self.states.pop(0)
            return 200, self._job()
        if (method, parts) == ("GET", ["jobs", JOB_ID, "messages"]):
            return 200, {
                "jobMessages": [
                    {"id": str(n), "time": f"2026-01-01T00:00:{n:02}Z", "messageImportance": "JOB_MESSAGE_ERROR"}
                    | {"messageText": text}
                    for n, text in enumerate(self.errors)
                ]
            }
        return self._nothing(method, "/".join(parts))

    def _job(self) -> dict[str, Any]:
        return {"id": JOB_ID, "name": self.posted[-1]["name"], "currentState": self.states[0]}

    def _storage(self, method: str, parts: list[str], query: dict[str, str], body: bytes) -> tuple[int, Any]:
        """`parts` is what follows /b: a bucket, or BUCKET/o[/OBJECT]."""
        bucket, name = parts[0], parts[2] if len(parts) > 2 else ""
        if method == "GET" and len(parts) == 1:
            return 200, {"kind": "storage#bucket", "name": bucket}
        if method == "GET" and not name:
            found = [key for key in sorted(self.objects) if key.startswith(f"{bucket}/{query.get('prefix', '')}")]
            return 200, {"items": [self._object(key) for key in found]}
        if method == "GET":
            key = f"{bucket}/{name}"
            if key not in self.objects:
                return 404, {"error": {"code": 404, "message": f"no object {key}"}}
            return 200, self.objects[key] if query.get("alt") == "media" else self._object(key)
        if method == "POST":  # opens a resumable upload
            name = query.get("name") or json.loads(body)["name"]
            self.objects[f"{bucket}/{name}"] = b""
            return 200, {"Location": f"{self.url}/upload/storage/v1/b/{bucket}/o/{quote(name, safe='')}"}
        if method == "PUT":  # its bytes, all of which are in one request for files as small as these
            self.objects[f"{bucket}/{name}"] = body
            return 200, self._object(f"{bucket}/{name}")
        return self._nothing(method, "/".join(parts))

    def _object(self, key: str) -> dict[str, Any]:
        bucket, _, name = key.partition("/")
        when = "2026-01-01T00:00:00.000Z"
        return {
            "kind": "storage#object",
            "bucket": bucket,
            "name": name,
            "size": str(len(self.objects[key])),
            "timeCreated": when,
            "updated": when,
            "generation": "1",
            "crc32c": base64.b64encode(google_crc32c.Checksum(self.objects[key]).digest()).decode(),
        }

    def _nothing(self, method: str, path: str) -> tuple[int, Any]:
        self.unknown.append(f"{method} {path}")
        return 501, {"error": {"code": 501, "message": f"{method} {path} is not in this fake"}}


@contextlib.contextmanager
def run_fake_dataflow() -> Iterator[FakeDataflow]:
    """A server on a free port of 127.0.0.1 while entered."""
    fake = FakeDataflow()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def answer(self) -> None:
            where = urlsplit(self.path)
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            query = {key: values[0] for key, values in parse_qs(where.query).items()}
            status, content = fake.answer(self.command, where.path, query, body, self.headers.get("Authorization", ""))
            data = content if isinstance(content, bytes) else json.dumps(content).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(data)))
            self.send_header("Content-Type", "application/json; charset=UTF-8")
            if isinstance(content, dict) and "Location" in content:
                self.send_header("Location", content["Location"])
            self.end_headers()
            self.wfile.write(data)

        do_GET = do_POST = do_PUT = answer  # noqa: N815

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    # Beam takes an endpoint for a test's by the name `localhost`; 127.0.0.1 it would check as if it were Google's.
    fake.url = f"http://localhost:{server.server_port}"
    try:
        yield fake
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
