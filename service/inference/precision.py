"""The choice among the graphs of a bundle: 32-bit floats, or 8 bits on processors with an 8-bit dot product."""

import logging
import platform
from pathlib import Path

from service.inference.bundle import Bundle

logger = logging.getLogger("service")

# x86 without these multiplies 8-bit numbers into 16 bits that can overflow: slower, and wrong answers. On 64-bit ARM
# the same product is called asimddp.
_INSTRUCTIONS = {"avx512_vnni", "avx_vnni", "asimddp"}
_CPUINFO = Path("/proc/cpuinfo")


def choose_precision(bundle: Bundle, wanted: str) -> str:
    """Choose the precision to load.

    Args:
        bundle: a verified bundle.
        wanted: a precision, or `auto` for the fastest one that this processor computes correctly.
    """
    if wanted != "auto":
        return wanted
    if "int8" not in bundle.manifest.graphs:
        return "float32"
    if not _multiplies_8_bits():
        logger.info("%s: float32, because this processor has no 8-bit dot product", bundle.path)
        return "float32"
    return "int8"


def _multiplies_8_bits() -> bool:
    if platform.system() != "Linux":
        return False  # the flags are not readable without a library; float32 is right everywhere
    flags = {
        flag
        for line in _CPUINFO.read_text().splitlines()
        if line.startswith(("flags", "Features"))
        for flag in line.partition(":")[2].split()
    }
    return bool(flags & _INSTRUCTIONS)
