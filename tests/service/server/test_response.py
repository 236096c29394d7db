"""A response while the client reads slowly."""

import asyncio
import logging

from uvicorn.protocols.http.flow_control import FlowControl

from service.server.connection import Connection
from service.server.response import ResponseCycle
from tests.service.server.test_connection import Written


def test_a_response_that_waits_for_a_slow_client_holds_nothing_of_what_is_written_meanwhile() -> None:
    async def run() -> list[bytes]:
        written = Written()
        connection, flow = Connection(written, lambda: None, stall_seconds=1), FlowControl(written)
        response = ResponseCycle(
            scope={"type": "http", "method": "GET", "http_version": "1.1"},  # type: ignore[typeddict-item]
            transport=connection,
            flow=flow,
            logger=logging.getLogger(),
            access_logger=logging.getLogger(),
            access_log=False,
            default_headers=[],
            message_event=asyncio.Event(),
            expect_100_continue=False,
            keep_alive=True,
            on_response=lambda: None,
        )
        flow.pause_writing()
        head = asyncio.create_task(
            response.send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]})
        )
        await asyncio.sleep(0)
        connection.write(b"a refusal")
        flow.resume_writing()
        await head
        await response.send({"type": "http.response.body", "body": b"ok"})
        return written.calls

    assert asyncio.run(run()) == [b"a refusal", b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"]
