"""Files of 20 MB through the real nginx, HAProxy and Caddy, each as people configure them, and what is cut off."""

import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from http.client import HTTPConnection, IncompleteRead
from pathlib import Path

import httpx
import pytest

from tests.service.conftest import MODELS_DIR
from tests.service.running import Running, running

ROWS = 400
TEXT = ("a warm and funny film with a fine cast and a dull ending " * 900)[:50_000]

NGINX = """
daemon off; master_process off; worker_processes 1; pid {folder}/nginx.pid; error_log {folder}/error.log warn;
events {{ worker_connections 256; }}
http {{
  access_log off;
  client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy; fastcgi_temp_path {folder}/f;
  uwsgi_temp_path {folder}/u; scgi_temp_path {folder}/s;
  client_max_body_size 0;
  upstream service {{ server {service}; {keep} }}
  server {{ listen 127.0.0.1:{port}; location / {{ proxy_pass http://service; {settings} }} }}
}}
"""
UNBUFFERED = "proxy_http_version 1.1; proxy_request_buffering off; proxy_buffering off;"
NGINX_SETTINGS = {
    "default": ("", ""),
    "unbuffered": ("", UNBUFFERED),
    "kept": ("keepalive 16;", 'proxy_http_version 1.1; proxy_set_header Connection "";'),
    "longer": ("", f"{UNBUFFERED} proxy_read_timeout 300s; proxy_send_timeout 300s;"),
    "documented": ("", ""),
}


def documented_nginx(service: str, port: int) -> str:
    """The recipe of the documentation, for another service and another port."""
    page = Path(__file__).parents[3] / "docs" / "proxies.md"
    recipe = page.read_text().split("```nginx\n")[1].split("```")[0]
    for written, meant in (("127.0.0.1:8000", service), ("listen 80;", f"listen 127.0.0.1:{port};")):
        assert written in recipe
        recipe = recipe.replace(written, meant)
    return recipe


HAPROXY = """
defaults
  mode http
  timeout connect 2s
  timeout client 65s
  timeout server 65s
listen service
  bind 127.0.0.1:{port}
  {settings}
  server one {service}
"""

CADDY = """
{{
  admin off
  auto_https off
}}
http://127.0.0.1:{port} {{
  reverse_proxy {service} {{
    {settings}
  }}
}}
"""


@pytest.fixture(scope="module")
def big_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """20 MB in 400 rows: much to send, little to compute."""
    path = tmp_path_factory.mktemp("big") / "big.csv"
    path.write_text("id,text\n" + "".join(f"{row},{TEXT}\n" for row in range(ROWS)))
    return path


@pytest.fixture(scope="module")
def service() -> Iterator[Running]:
    # nginx sends the name of its upstream as Host, unless it is told another one.
    settings = {"SENTIMENT_STREAM_IDLE_SECONDS": "5", "SENTIMENT_ALLOWED_HOSTS": "service"}
    with running("--models-dir", str(MODELS_DIR), "--workers", "1", **settings) as service:
        yield service


def free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port: int = taken.getsockname()[1]
        return port


def program(name: str) -> str:
    path = shutil.which(name) or shutil.which(name, path="/usr/sbin:/usr/local/sbin")
    if path is None:
        pytest.skip(f"{name} is not installed")
    return path


@contextmanager
def proxy(kind: str, service: Running, folder: Path) -> Iterator[str]:
    """Run a proxy in front of the service, and give its address."""
    port, upstream = free_port(), service.address.removeprefix("http://")
    name, _, setting = kind.partition("/")
    if name == "nginx":
        keep, settings = NGINX_SETTINGS[setting]
        content = NGINX.format(folder=folder, service=upstream, port=port, keep=keep, settings=settings)
        if setting == "documented":
            begin, _, _ = content.partition("  upstream service")
            content = f"{begin}{documented_nginx(upstream, port)}}}\n"
        command = [program("nginx"), "-p", str(folder), "-c"]
    elif name == "haproxy":
        content = HAPROXY.format(service=upstream, port=port, settings=setting and f"option {setting}")
        command = [program("haproxy"), "-f"]
    else:
        content = CADDY.format(service=upstream, port=port, settings=setting.replace("=", " "))
        command = [program("caddy"), "run", "--adapter", "caddyfile", "--config"]
    config = folder / "proxy.conf"
    config.write_text(content)
    with (folder / "proxy.log").open("wb") as log:
        process = subprocess.Popen([*command, str(config)], stdout=log, stderr=log, cwd=folder)
    try:
        for _ in range(200):
            with socket.socket() as connection:
                if connection.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.1)
        else:
            pytest.fail(f"{kind} did not start: {(folder / 'proxy.log').read_text()}")
        yield f"http://127.0.0.1:{port}"
    finally:
        process.kill()
        process.wait()


KINDS = [
    *(f"nginx/{name}" for name in NGINX_SETTINGS),
    "haproxy/",
    "haproxy/forwardfor",
    "caddy/",
    "caddy/flush_interval=-1",
]


@pytest.mark.parametrize("chunked", [False, True], ids=["length", "chunks"])
@pytest.mark.parametrize("kind", KINDS)
def test_a_file_of_20_mb_passes_whole(
    kind: str, chunked: bool, service: Running, big_file: Path, tmp_path: Path
) -> None:
    answer = tmp_path / "scored.csv"
    framing = ["-H", "Transfer-Encoding: chunked"] if chunked else []
    with proxy(kind, service, tmp_path) as address:
        done = subprocess.run(
            [
                *("curl", "-sS", "-T", str(big_file), "-X", "POST", "-H", "Content-Type: text/csv", *framing),
                *("-o", str(answer), "-w", "%{http_code}", f"{address}/predict/batch"),
            ],
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )
    assert (done.returncode, done.stdout, done.stderr) == (0, "200", "")
    lines = answer.read_text().splitlines()
    assert [line.split(",", 1)[0] for line in lines] == ["id", *map(str, range(ROWS))]
    assert all(line.startswith(f"{row},{TEXT},") for row, line in enumerate(lines[1:]))
    assert lines[1].split(",")[2] in ("positive", "negative")


@pytest.mark.parametrize("kind", ["nginx/default", "nginx/kept", "nginx/documented", "haproxy/forwardfor", "caddy/"])
def test_a_client_that_sends_all_before_it_reads_gets_all(
    kind: str, service: Running, big_file: Path, tmp_path: Path
) -> None:
    with proxy(kind, service, tmp_path) as address, httpx.Client(timeout=60) as client:
        response = client.post(
            f"{address}/predict/batch", content=big_file.read_bytes(), headers={"content-type": "text/csv"}
        )
    assert response.status_code == 200
    assert response.text.count("\n") == ROWS + 1


@pytest.mark.parametrize("kind", ["nginx/unbuffered", "nginx/documented", "haproxy/", "haproxy/forwardfor", "caddy/"])
def test_no_client_takes_a_file_that_was_cut_off_for_whole(kind: str, service: Running, tmp_path: Path) -> None:
    # Caddy hands on no answer before it has the rest of the request, so its client sends that, too late.
    rest = b"0\r\n\r\n" if kind.startswith("caddy") else b""
    rows = b"text\n" + b"I loved every minute of it.\n" * 1_000
    with proxy(kind, service, tmp_path) as address:
        host, port = address.removeprefix("http://").split(":")
        connection = HTTPConnection(host, int(port), timeout=60)
        connection.putrequest("POST", "/predict/batch")
        connection.putheader("Content-Type", "text/csv")
        connection.putheader("Transfer-Encoding", "chunked")
        connection.endheaders()
        connection.send(b"%x\r\n%b\r\n" % (len(rows), rows))  # and no more for a while
        if rest:
            time.sleep(7)  # the service waits for 5
            connection.send(rest)
        with closing(connection):
            response = connection.getresponse()
            if response.status == 200:
                with pytest.raises((IncompleteRead, ConnectionError)):
                    response.read()
            else:
                assert response.status in (408, 502, 504)


def test_the_documented_nginx_needs_no_setting_of_the_service(tmp_path: Path) -> None:
    flags = ("--models-dir", str(MODELS_DIR), "--workers", "1")
    with running(*flags) as service:
        with proxy("nginx/documented", service, tmp_path) as address:
            assert httpx.post(f"{address}/predict", json={"text": "good"}).status_code == 200
        with proxy("nginx/kept", service, tmp_path) as address:
            refused = httpx.post(f"{address}/predict", json={"text": "good"})
    assert refused.status_code == 421
    assert "--allowed-hosts service" in refused.text
    assert "proxy_set_header Host $host;" in refused.text
