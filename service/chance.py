"""Random numbers for request ids, divided traffic and samples; they guard nothing."""

import os
import random

CHANCE = random.Random()  # noqa: S311 (seeded by the system)
"""The generator, another one in each forked process, and not the one of the module `random`, which programs seed."""

if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=CHANCE.seed)
