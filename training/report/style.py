"""How every picture of the project looks: one SVG that is light or dark as its reader is, and the same on every run."""

import io
import textwrap
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any

import matplotlib
from matplotlib.axes import Axes
from matplotlib.figure import Figure

# Blue and orange are told apart with every kind of colour vision, and have other markers too. Text and background have
# a contrast of at least 4.5; the backgrounds are those of GitHub's themes.
PAPER, INK, SOFT, GRID, FIRST, SECOND = "#ffffff", "#1f2328", "#59636e", "#d1d9e0", "#1d5fa8", "#b2500f"
DARK = {PAPER: "#0d1117", INK: "#e6edf3", SOFT: "#9198a1", GRID: "#30363d", FIRST: "#7fb6f2", SECOND: "#f0a069"}
"""What stands for each colour on a dark page."""

WIDTH = 5.6  # inches: on a phone, where it shrinks to two thirds, the text is still read
_WRAP = 56  # characters of a title in one line
_STYLE: Any = {
    "font.size": 10.5,
    "text.color": INK,
    "axes.labelcolor": SOFT,
    "axes.edgecolor": SOFT,
    "axes.facecolor": PAPER,
    "figure.facecolor": PAPER,
    "xtick.color": SOFT,
    "ytick.color": SOFT,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": GRID,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "legend.frameon": False,
    "lines.linewidth": 2,
    "svg.fonttype": "none",  # text stays text: small, sharp, and to be searched
    "svg.hashsalt": "pictures",  # the names of its parts, and so the file, are the same each time
}
_NO_METADATA = dict.fromkeys(("Creator", "Date", "Format", "Type"))


@dataclass(frozen=True)
class Picture:
    """A finished picture.

    Attributes:
        name: of its file, without the ending.
        title: what it says, in a sentence; it stands in the picture too.
        about: what is drawn in it.
        svg: the file's content.
    """

    name: str
    title: str
    about: str
    svg: str

    def write(self, folder: Path) -> None:
        """Write `<name>.svg`."""
        (folder / f"{self.name}.svg").write_text(self.svg)


def picture(
    name: str, title: str, about: str, draw: Callable[[Axes], None], size: tuple[float, float] = (WIDTH, 3.5)
) -> Picture:
    """Draw one pair of axes.

    Args:
        name: as in `Picture`.
        title: as in `Picture`.
        about: as in `Picture`.
        draw: draws into the axes, in the colours above.
        size: width and height, inches.
    """
    content = io.StringIO()
    with matplotlib.rc_context(_STYLE), warnings.catch_warnings():
        # Text is drawn in the reader's fonts; those that measure it here need not have every letter.
        warnings.filterwarnings("ignore", "Glyph .* missing from font")
        figure = Figure(figsize=size, layout="constrained")
        draw(figure.add_subplot())
        heading = "\n".join(textwrap.wrap(title, int(_WRAP * size[0] / WIDTH)))
        figure.suptitle(heading, x=0.012, ha="left", fontsize=11.5, weight="bold")
        figure.savefig(content, format="svg", metadata=_NO_METADATA)
    return Picture(name, title, about, _for_both_themes(content.getvalue(), title, about))


def _for_both_themes(svg: str, title: str, about: str) -> str:
    """Add names for screen readers to a drawing, and dark colours for those who want them.

    The light colours stay where matplotlib wrote them, so that a viewer that knows no style sheets shows those.
    """
    start = svg.index("<svg")  # what is before it names a document type on a server
    inside = svg.index(">", start) + 1
    dark = "".join(
        f'[style*="{kind}: {light}"]{{{kind}:{dark}!important}}'
        for light, dark in DARK.items()
        for kind in ("fill", "stroke")
    )
    head = (
        f"\n <title>{escape(title)}</title>\n <desc>{escape(about)}</desc>\n <style>"
        "text{font-family:system-ui,-apple-system,'Segoe UI',Roboto,'Helvetica Neue',Arial,sans-serif!important}"
        f"@media (prefers-color-scheme:dark){{{dark}}}</style>"
    )
    opening = svg[start : inside - 1] + ' role="img">'
    return opening + head + svg[inside:]
