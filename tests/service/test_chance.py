"""Random numbers of several processes."""

import os
import random

import pytest

from service.chance import CHANCE


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_forked_process_draws_others() -> None:
    read, write = os.pipe()
    child = os.fork()
    if not child:
        os.write(write, CHANCE.randbytes(16))
        os._exit(0)
    os.waitpid(child, 0)
    assert os.read(read, 16) != CHANCE.randbytes(16)


def test_a_program_that_seeds_the_module_does_not_repeat_them() -> None:
    drawn = []
    for _ in range(2):
        random.seed(1)
        drawn.append(CHANCE.random())
    assert drawn[0] != drawn[1]
