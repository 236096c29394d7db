"""The end of a command that is stopped early: by Ctrl-C, SIGTERM, or a reader that closes the pipe."""

import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager

INTERRUPTED = 130
"""Exit code after Ctrl-C or SIGTERM."""

READER_LEFT = 141
"""Exit code after the reader of standard output has left, as `head` does: 128 + SIGPIPE, as shells report it."""


@contextmanager
def exit_when_stopped() -> Iterator[None]:
    """Exit with `INTERRUPTED` or `READER_LEFT` when the command in this block is stopped.

    Within the block SIGTERM raises `KeyboardInterrupt`, as Ctrl-C does.
    """
    previous = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)
    except BrokenPipeError:
        # Discard what is still buffered, or Python would complain when it flushes standard output at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(READER_LEFT)
    finally:
        signal.signal(signal.SIGTERM, previous)
