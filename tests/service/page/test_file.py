"""A file: read, sent in pieces, counted, given back."""

import csv
import io
import json
import subprocess
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.sync_api import Route, expect

from tests.service.page.conftest import Visit
from tests.service.running import Running

REVIEWS = 1200
FILLER = "The film was on for a long time, and the people around me in the cinema were eating all of it. " * 5


def csv_file(delimiter: str = ",", column: str = "review", end: str = "\n") -> bytes:
    """Several pieces, with all that is allowed in CSV and some of what is not."""
    stream = io.StringIO()
    writer = csv.writer(stream, delimiter=delimiter, lineterminator=end)
    writer.writerow(["id", column, "no\nte"])
    for number in range(REVIEWS):
        verdict = ["I loved it, great.", "A waste of time; awful.", 'He said "wonderful"\n\nand meant it.'][number % 3]
        writer.writerow([number, f"{verdict} {FILLER}{number}", 'a "note"'])
        if number % 100 == 7:
            stream.write(f'{number}{delimiter} "{delimiter}{end}{end}')  # blank; a quote that begins no field
        if number % 100 == 9:
            stream.write(f"too{delimiter}many{delimiter}fields{delimiter}here{end}")
    return b"\xef\xbb\xbf" + stream.getvalue().encode()


def ndjson_file() -> bytes:
    lines = [json.dumps({"id": number, "text": f"good {FILLER}{number}"}) for number in range(REVIEWS)]
    lines[3:3] = ['"a string"', "", "{broken"]
    return ("\n".join(lines) + "\n").encode()


def labelled_ndjson_file() -> bytes:
    return b'{"label": 1, "text": "good"}\n{"label": 0, "text": "bad"}\n'


def plain_file() -> bytes:
    lines = [f"{['good', 'bad'][number % 2]} {FILLER}{number}" for number in range(REVIEWS)]
    lines[5:5] = ["", "  ", ""]
    lines[600:600] = [""] * 3
    return ("\r\n".join(lines) + "\n\n\n").encode()


def choose(visit: Visit, path: Path) -> None:
    visit.page.locator("#chosen").set_input_files(path)
    expect(visit.page.locator("#file-form")).to_be_visible()


def score(visit: Visit) -> None:
    visit.page.get_by_role("button", name="Score").click()
    expect(visit.page.locator("#result")).to_be_visible()


def download(visit: Visit) -> tuple[str, bytes]:
    with visit.page.expect_download() as downloading:
        visit.page.get_by_role("link", name="Download").click()
    return downloading.value.suggested_filename, Path(downloading.value.path()).read_bytes()


def answered(service: Running, content: bytes, media_type: str, **query: str) -> bytes:
    """What the route says of the file in one request."""
    url = f"{service.address}/predict/batch"
    response = httpx.post(url, content=content, headers={"Content-Type": media_type}, params=query, timeout=60)
    assert response.status_code == 200, response.text
    return response.content


CASES: list[Any] = [
    ("reviews.csv", csv_file(), "text/csv", {"column": "review"}),
    ("crlf.csv", csv_file(column="text", end="\r\n"), "text/csv", {}),
    ("semicolons.csv", csv_file(";"), "text/csv", {"column": "review", "delimiter": ";"}),
    ("reviews.tsv", csv_file("\t"), "text/tab-separated-values", {"column": "review"}),
    ("reviews.ndjson", ndjson_file(), "application/x-ndjson", {}),
    ("labelled.jsonl", labelled_ndjson_file(), "application/x-ndjson", {"prefix": "model_"}),
    ("reviews.txt", plain_file(), "text/plain", {}),
    ("one.csv", b'text,label\n"good, very"\n', "text/csv", {"prefix": "model_"}),
]


@pytest.mark.parametrize(("name", "content", "media_type", "query"), CASES, ids=[case[0] for case in CASES])
def test_what_comes_down_is_the_routes_answer_to_the_whole_file(
    visit: Visit, service: Running, tmp_path: Path, name: str, content: bytes, media_type: str, query: dict[str, str]
) -> None:
    (tmp_path / name).write_bytes(content)
    choose(visit, tmp_path / name)
    score(visit)
    suggested, downloaded = download(visit)
    stem, extension = name.split(".")
    assert suggested == f"{stem}.scored.{'ndjson' if 'text/' not in media_type or extension == 'txt' else extension}"
    assert downloaded == answered(service, content, media_type, **query)
    pieces = visit.paths().count("/predict/batch")
    assert pieces == 1 if len(content) < 1000 else pieces > 2


def test_a_file_is_counted_and_its_extremes_are_shown(visit: Visit, tmp_path: Path) -> None:
    reviews = tmp_path / "few.txt"
    reviews.write_text("a great film\nthe worst film\na waste\n\nwonderful, great, the best\n")
    choose(visit, reviews)
    score(visit)
    expect(visit.page.locator(".figures dd")).to_have_text(["4", "50%", "1"])
    expect(visit.page.locator("#result .note").first).to_contain_text("The line is blank")
    highest, lowest = (visit.page.locator(".reviews").nth(side).locator("li") for side in (0, 1))
    expect(highest).to_have_count(2)
    expect(highest.first).to_contain_text("great")
    expect(lowest.first).to_contain_text(("waste", "worst")[0] if "waste" in lowest.first.inner_text() else "worst")
    bars = [float(bar.get_attribute("height") or 0) for bar in visit.page.locator(".histogram rect").all()]
    table = [int(cell.inner_text()) for cell in visit.page.locator(".histogram td").all()]
    assert len(bars) == len(table) == 20
    assert sum(table) == 4
    assert [bool(height) for height in bars] == [bool(count) for count in table]


def test_any_column_can_be_chosen(visit: Visit, tmp_path: Path) -> None:
    reviews = tmp_path / "columns.csv"
    reviews.write_text("title,review\nbad,a great film with great actors\n")
    choose(visit, reviews)
    column = visit.page.get_by_role("combobox", name="Column")
    expect(column).to_have_value("review")  # the one with the longest fields
    column.select_option("title")
    score(visit)
    expect(visit.page.locator(".reviews li").first).to_contain_text("bad")


def test_a_dropped_file_is_taken_wherever_it_falls(visit: Visit) -> None:
    visit.page.evaluate(
        """() => {
            const dataTransfer = new DataTransfer();
            dataTransfer.items.add(new File(["good\\nbad\\n"], "dropped.txt"));
            document.querySelector("h1").dispatchEvent(new DragEvent("drop", {dataTransfer, bubbles: true}));
        }"""
    )
    expect(visit.page.locator("#file-name")).to_contain_text("dropped.txt")
    score(visit)
    expect(visit.page.locator(".figures dd").first).to_have_text("2")


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("empty.txt", b"", "Send a file"),
        ("zipped.txt", b"\x1f\x8b" + bytes(50), "gzip"),
        ("endless.csv", b'text\n"' + b"x" * 5_000_000, "never closed"),
    ],
    ids=["empty", "zipped", "endless"],
)
def test_a_file_that_cannot_be_read_says_why(
    visit: Visit, tmp_path: Path, name: str, content: bytes, message: str
) -> None:
    visit.expects_problems = True
    (tmp_path / name).write_bytes(content)
    choose(visit, tmp_path / name)
    visit.page.get_by_role("button", name="Score").click()
    expect(visit.page.locator("#file-problem")).to_contain_text(message)
    expect(visit.page.get_by_role("button", name="Score")).to_be_visible()


@pytest.mark.parametrize("encoding", ["utf-16", "cp949", "utf-8"])
def test_a_file_in_another_encoding_is_read_as_what_it_is(
    visit: Visit, service: Running, tmp_path: Path, encoding: str
) -> None:
    text = "내용,번호\n정말 재미있어요,1\n지루해요,2\n"
    (tmp_path / "excel.csv").write_bytes(text.encode(encoding))
    choose(visit, tmp_path / "excel.csv")
    expect(visit.page.get_by_role("combobox", name="Column")).to_have_value("내용")
    visit.page.locator("#copy-file").click()
    expect(visit.page.locator("#file-copied")).to_have_text("Copied")
    command = visit.page.evaluate("navigator.clipboard.readText()")
    score(visit)
    _, downloaded = download(visit)
    assert downloaded == answered(service, text.encode(), "text/csv", column="내용")
    done = subprocess.run(["bash", "-euc", command], capture_output=True, check=True, cwd=tmp_path)
    assert done.stdout.decode(encoding) == downloaded.decode()


def test_a_busy_service_is_asked_again(visit: Visit, tmp_path: Path) -> None:
    visit.expects_problems = True
    refusals = [0]

    def refuse_once(route: Route) -> None:
        refusals[0] += 1
        if refusals[0] > 1:
            route.continue_()
        else:
            problem = {"type": "/problems/overloaded", "title": "", "status": 503, "detail": "busy"}
            route.fulfill(status=503, json=problem, headers={"Retry-After": "1"})

    visit.page.route("**/predict/batch*", refuse_once)
    (tmp_path / "reviews.txt").write_text("good\n")
    choose(visit, tmp_path / "reviews.txt")
    score(visit)
    expect(visit.page.locator(".figures dd").first).to_have_text("1")


INCOMPLETE = [
    (
        "reviews.txt",
        '{"line":1,"label":"positive","probability":0.9,"words":1,"known_words":1,"truncated":false}\n'
        '{"line":2,"error":{"type":"/problems/shutting-down","title":"","status":503,"detail":"The service stops."}}\n'
        '{"summary":{"lines":2,"scored":1,"errors":1,"complete":false}}\n',
    ),
    ("reviews.csv", "text,label,probability,error\ngood,positive,0.9,\n,,,line 3: The service stops.\n"),
]


@pytest.mark.parametrize(("name", "answer"), INCOMPLETE, ids=["text", "csv"])
def test_an_answer_that_is_not_whole_is_said_to_be(visit: Visit, tmp_path: Path, name: str, answer: str) -> None:
    visit.page.route("**/predict/batch*", lambda route: route.fulfill(body=answer))
    (tmp_path / name).write_text("text\ngood\nbad\ngood\n")
    choose(visit, tmp_path / name)
    score(visit)
    expect(visit.page.locator("#file-problem")).to_contain_text("stopped in the middle")
    expect(visit.page.locator(".figures dd")).to_have_text(["1", "100%", "1"])


def test_a_file_can_be_stopped_and_keeps_what_it_has(visit: Visit, tmp_path: Path) -> None:
    def hold_the_third(route: Route) -> None:
        if "line=1" in route.request.url:
            route.continue_()  # later pieces never get an answer

    visit.page.route("**/predict/batch*", hold_the_third)
    (tmp_path / "reviews.txt").write_bytes(plain_file())
    choose(visit, tmp_path / "reviews.txt")
    visit.page.get_by_role("button", name="Score").click()
    expect(visit.page.locator("#progress-note")).not_to_contain_text("0 reviews")
    expect(visit.page.locator("#progress-note")).to_contain_text("%")
    visit.page.get_by_role("button", name="Stop").click()
    expect(visit.page.locator("#file-problem")).to_contain_text("Stopped")
    expect(visit.page.locator("#result")).to_be_visible()
    expect(visit.page.get_by_role("button", name="Score")).to_be_visible()


@pytest.mark.parametrize("name", ["reviews.csv", "it's [all] {here} $HOME.csv", "-rf.csv"])
def test_the_copied_command_scores_the_file(visit: Visit, service: Running, tmp_path: Path, name: str) -> None:
    content = b"id,review;text\n1,good\n2,\n"
    (tmp_path / name).write_bytes(content)
    choose(visit, tmp_path / name)
    visit.page.get_by_role("combobox", name="Column").select_option("review;text")
    visit.page.locator("#copy-file").click()
    expect(visit.page.locator("#file-copied")).to_have_text("Copied")
    command = visit.page.evaluate("navigator.clipboard.readText()")
    done = subprocess.run(["bash", "-euc", command], capture_output=True, check=True, cwd=tmp_path)
    assert done.stdout == answered(service, content, "text/csv", column="review;text")


def test_the_most_positive_reviews_are_positive_and_the_most_negative_ones_negative(
    visit: Visit, tmp_path: Path
) -> None:
    (tmp_path / "reviews.txt").write_text("a waste of time\nawful\n")
    choose(visit, tmp_path / "reviews.txt")
    score(visit)
    positive, negative = visit.page.locator("#result .pair > div").all()
    expect(positive).to_have_text("Most positiveNothing")
    expect(negative.locator("li")).to_have_count(2)


def test_the_size_of_a_file_is_told_in_the_unit_that_suits_it(visit: Visit, tmp_path: Path) -> None:
    for size, written in [(47, "47B"), (1_234, "1.2kB"), (2_500_000, "2.5MB")]:
        (tmp_path / "reviews.txt").write_text("x" * size)
        choose(visit, tmp_path / "reviews.txt")
        expect(visit.page.locator("#file-name")).to_have_text(f"reviews.txt, {written}")
