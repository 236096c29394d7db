"""What the parts of a manifest have in common."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

FileName = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$")]


class Part(BaseModel):
    """A part of a manifest: it has what is described and nothing else, and does not change."""

    model_config = ConfigDict(extra="forbid", frozen=True)
