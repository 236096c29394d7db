import asyncio
import json
import logging
import sys

from service.server.logs import FLUSH_SECONDS, JsonFormatter, RequestLog, TextFormatter


def record(message: str = "all %s", **extra: object) -> logging.LogRecord:
    try:
        raise ValueError("why\nnot")
    except ValueError:
        made = logging.LogRecord("service", logging.WARNING, "file.py", 1, message, ("well",), sys.exc_info())
    vars(made).update(extra)
    return made


def test_a_line_for_machines_is_one_object_with_what_was_added() -> None:
    line = JsonFormatter().format(record(model="imdb", path=object()))
    assert "\n" not in line
    fields = json.loads(line)
    assert (fields["level"], fields["message"], fields["model"]) == ("warning", "all well", "imdb")
    assert fields["traceback"].endswith("why\nnot")
    assert fields["time"].endswith("+00:00")


def test_a_line_for_people_reads_from_left_to_right() -> None:
    lines = TextFormatter().format(record(model="imdb")).splitlines()
    assert lines[0] == "WARNING: all well model=imdb"
    assert lines[1] == "Traceback (most recent call last):"


def test_lines_of_requests_are_written_together_and_soon() -> None:
    written: list[bytes] = []

    async def main() -> None:
        log = RequestLog(for_people=False, write=written.append)
        for number in range(3):
            log.add(status=200, number=number)
        assert written == []
        await asyncio.sleep(FLUSH_SECONDS * 3)
        log.add(number=3)
        log.flush()
        log.flush()

    asyncio.run(main())
    assert [[json.loads(line)["number"] for line in lines.splitlines()] for lines in written] == [[0, 1, 2], [3]]


def test_a_request_is_a_line_for_people_too() -> None:
    written: list[bytes] = []

    async def main() -> None:
        log = RequestLog(for_people=True, write=written.append)
        log.add(method="GET", status=200)
        log.flush()

    asyncio.run(main())
    assert written == [b"INFO: request method=GET status=200\n"]


def test_what_a_client_sends_cannot_make_a_line_of_its_own() -> None:
    written: list[bytes] = []

    async def main() -> None:
        for for_people in (True, False):
            log = RequestLog(for_people, write=written.append)
            log.add(path="/a\nINFO: request status=200", method="\u2028\x1b[31m")
            log.flush()

    asyncio.run(main())
    for lines in written:
        assert lines.count(b"\n") == 1
        assert b"\x1b" not in lines
