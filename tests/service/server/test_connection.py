"""Writing to a connection, corked and uncorked."""

import asyncio

import pytest

from service.server.connection import Connection


class Written(asyncio.Transport):
    """A transport that keeps what is written, by call."""

    def __init__(self) -> None:
        super().__init__()
        self.calls: list[bytes] = []

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self.calls.append(bytes(data))

    def is_closing(self) -> bool:
        return False


def connecting(steps: str) -> list[bytes]:
    """Take steps on a connection: `(` corks it, `)` uncorks it, and anything else is written."""

    async def run() -> list[bytes]:
        written = Written()
        connection = Connection(written, lambda: None, stall_seconds=1)
        for step in steps:
            if step == "(":
                connection.cork()
            elif step == ")":
                connection.uncork()
            else:
                connection.write(step.encode())
        return written.calls

    return asyncio.run(run())


@pytest.mark.parametrize(
    ("steps", "calls"),
    [
        ("ab", [b"a", b"b"]),
        ("(ab", [b"ab"]),
        ("(abc", [b"ab", b"c"]),
        ("(a)b", [b"a", b"b"]),
        ("()ab", [b"a", b"b"]),
        ("(ab(cd", [b"ab", b"cd"]),
        ("(a", []),
    ],
)
def test_a_corked_connection_holds_one_write_for_the_next(steps: str, calls: list[bytes]) -> None:
    assert connecting(steps) == calls
