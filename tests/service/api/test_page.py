"""The page and its files over HTTP; what they do in a browser is tested in `tests/service/page`."""

import json
import re
from html.parser import HTMLParser

import pytest
from fastapi.testclient import TestClient

from service.api.page import FOLDER

FILES = sorted(path.name for path in FOLDER.iterdir())
SCRIPTS = [name for name in FILES if name.endswith(".js")]
MEDIA_TYPES = {"html": "text/html", "css": "text/css", "js": "text/javascript", "json": "application/json"}
TEXTS: dict[str, dict[str, str | dict[str, str]]] = json.loads((FOLDER / "texts.json").read_text())


@pytest.mark.parametrize("path", ["/", *(f"/page/{name}" for name in FILES)])
def test_every_file_has_its_media_type_and_a_policy_that_lets_nothing_else_in(client: TestClient, path: str) -> None:
    answer = client.get(path)
    extension = path.rpartition(".")[2] if "." in path else "html"
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith(MEDIA_TYPES.get(extension, "image/svg+xml"))
    assert answer.headers["x-content-type-options"] == "nosniff"
    policy = answer.headers["content-security-policy"].split("; ")
    assert "default-src 'none'" in policy
    assert "script-src 'self'" in policy
    assert not re.search("unsafe|http|[*]", answer.headers["content-security-policy"])


@pytest.mark.parametrize("path", ["/", "/page/style.css"])
def test_a_file_that_the_browser_has_is_not_sent_again(client: TestClient, path: str) -> None:
    first = client.get(path)
    assert first.headers["cache-control"] == "no-cache"
    again = client.get(path, headers={"If-None-Match": f'"another", W/{first.headers["etag"]}'})
    assert (again.status_code, again.content) == (304, b"")
    assert again.headers["etag"] == first.headers["etag"]
    assert client.get(path, headers={"If-None-Match": '"another"'}).content == first.content


@pytest.mark.parametrize("name", ["", "nothing.js", "__init__.py", "..%2Fsettings.py", "../settings.py", "%2e%2e/x"])
def test_nothing_but_its_files_is_there(client: TestClient, name: str) -> None:
    answer = client.get(f"/page/{name}")
    assert (answer.status_code, answer.json()["type"]) == (404, "/problems/route-not-found")


def test_head_has_the_headers_alone(client: TestClient) -> None:
    assert client.head("/").headers["etag"] == client.get("/").headers["etag"]
    assert client.head("/").content == b""


def test_no_markup_holds_script_style_or_an_address_elsewhere() -> None:
    class Reader(HTMLParser):
        def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
            for name, value in attrs:
                assert not name.startswith("on"), (tag, name)
                assert name != "style", tag
                assert "//" not in (value or ""), value

        def handle_data(self, data: str) -> None:
            assert self.lasttag not in ("script", "style") or not data.strip()

    Reader().feed((FOLDER / "index.html").read_text())
    for name in FILES:
        text = (FOLDER / name).read_text().replace("http://www.w3.org/2000/svg", "")
        assert not re.search(r"https?://|@import|url\(", text), name


def test_both_languages_say_the_same_things() -> None:
    # What the service says of a problem is English already.
    english, korean = ({key for key in texts if not key.startswith("problem.")} for texts in TEXTS.values())
    assert english == korean
    for key in english:
        there, here = (set(re.findall(r"\{\w+\}", json.dumps(TEXTS[language][key]))) for language in ("en", "ko"))
        assert there == here, key


def test_everything_that_is_said_has_words_and_every_word_is_said() -> None:
    code = "".join((FOLDER / name).read_text() for name in ("index.html", *SCRIPTS))
    named = set(re.findall(r'data-say(?:-\w+)?="([\w.]+)"', code)) | set(re.findall(r'(?:say|Say)\("([\w.]+)"', code))
    assert named
    assert named <= set(TEXTS["en"])
    # The others are made of a prefix and a name, or chosen in an expression.
    for key in set(TEXTS["en"]) - named:
        assert re.search(rf"`{key.split('.')[0]}\.\$|\"{re.escape(key)}\"|`{re.escape(key.split('.')[0])}\.", code), key
