"""A hub with one repository of models, as far as huggingface_hub's file system asks it."""

import base64
import hashlib
import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

REPOSITORY = "somebody/models"


class Hub(BaseHTTPRequestHandler):
    """Answers with trees and files of the repository, and takes commits of small files."""

    files: dict[str, bytes]

    def do_GET(self) -> None:
        path = unquote(urlsplit(self.path).path)
        if found := re.fullmatch(f"/api/models/{REPOSITORY}/tree/main/?(.*)", path):
            self._tree(found[1])
        elif path in (f"/api/models/{REPOSITORY}", f"/api/models/{REPOSITORY}/revision/main"):
            self._send({"id": REPOSITORY, "sha": self._commit_id(), "siblings": [], "tags": []})
        elif path.startswith("/api/"):
            self._refuse("RepoNotFound", "Repository not found")
        elif (content := self.files.get(path.removeprefix(f"/{REPOSITORY}/resolve/main/"))) is not None:
            self._send_file(content)
        else:
            self._refuse("EntryNotFound", "Entry not found")

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if self.path == f"/api/models/{REPOSITORY}/preupload/main":
            asked = json.loads(body)["files"]
            self._send(
                {"files": [{"path": each["path"], "uploadMode": "regular", "shouldIgnore": False} for each in asked]}
            )
        elif self.path == f"/api/models/{REPOSITORY}/paths-info/main":
            paths = parse_qs(body.decode())["paths"]
            self._send([self._entry(path) for path in paths if path in self.files])
        elif self.path.startswith(f"/api/models/{REPOSITORY}/commit/main"):
            for line in body.splitlines():
                self._do(**json.loads(line))
            address = f"http://{self.headers['Host']}/{REPOSITORY}/commit/{self._commit_id()}"
            self._send({"success": True, "commitUrl": address, "commitOid": self._commit_id()})
        else:
            self._refuse("RepoNotFound", "Repository not found")

    def _do(self, key: str, value: dict[str, Any]) -> None:
        if key == "file":
            self.files[value["path"]] = base64.b64decode(value["content"])
        elif key == "deletedFile":
            del self.files[value["path"]]
        elif key == "deletedFolder":
            for path in [path for path in self.files if path.startswith(value["path"].rstrip("/") + "/")]:
                del self.files[path]

    def _tree(self, folder: str) -> None:
        inside = f"{folder}/" if folder else ""
        below = [path.removeprefix(inside) for path in self.files if path.startswith(inside)]
        if folder and not below:
            self._refuse("EntryNotFound", f"{folder} does not exist on main")
        else:
            self._send([self._entry(inside + name) for name in dict.fromkeys(path.split("/")[0] for path in below)])

    def _entry(self, path: str) -> dict[str, Any]:
        content = self.files.get(path)
        oid = hashlib.sha1(path.encode(), usedforsecurity=False).hexdigest()
        return {
            "path": path,
            "oid": oid,
            "size": len(content or b""),
            "type": "directory" if content is None else "file",
        }

    def _commit_id(self) -> str:
        return hashlib.sha1(repr(sorted(self.files.items())).encode(), usedforsecurity=False).hexdigest()

    def _send_file(self, content: bytes) -> None:
        total = len(content)
        if found := re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range", "")):
            first, last = int(found[1]), min(int(found[2] or total - 1), total - 1)
            self._send(content[first : last + 1], 206, {"Content-Range": f"bytes {first}-{last}/{total}"})
        else:
            self._send(content)

    def _refuse(self, code: str, message: str) -> None:
        self._send({"error": message}, 404, {"X-Error-Code": code, "X-Error-Message": message})

    def _send(self, content: Any, status: int = 200, headers: dict[str, str] | None = None) -> None:
        body = content if isinstance(content, bytes) else json.dumps(content).encode()
        self.send_response(status)
        for name, value in {"Content-Length": str(len(body)), **(headers or {})}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        pass


@contextmanager
def hub_server(bundles: Path, port: int = 0) -> Iterator[str]:
    """A hub that holds bundles in `hf://somebody/models/store`; gives its address."""
    files = {f"store/{path.relative_to(bundles)}": path.read_bytes() for path in bundles.rglob("*") if path.is_file()}
    server = ThreadingHTTPServer(("127.0.0.1", port), type("Handler", (Hub,), {"files": files}))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
