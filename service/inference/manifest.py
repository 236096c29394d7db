"""The manifest of a bundle: `manifest.json` as pydantic models. `bundle` reads it; `training` writes it."""

from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, SerializeAsAny, field_validator, model_validator

from service.inference.histograms import TextHistograms
from service.inference.languages import AUTO
from service.inference.tokenizers import FileName, TokenizerSpec, read_spec

SCHEMA_VERSION = 1
MANIFEST_FILE = "manifest.json"
REFERENCE = "reference"
"""Precision of the graph that stays closest to the trained network; it also gives the activations of its layers."""

MAX_LENGTH = 100_000
"""Token ids that a manifest may let a model read at most; each load of the bundle tries such a text."""

Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class ManifestPart(BaseModel):
    """Base of the parts of a manifest: immutable, without unknown fields."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class InputSpec(ManifestPart):
    """The graph's input, and how token ids are truncated and padded to fit it."""

    name: str
    dtype: Literal["int32"]
    maxlen: int = Field(ge=1, le=MAX_LENGTH, description="Token ids that the model reads at most.")
    padding: Literal["pre", "post"]
    truncating: Literal["pre", "post"] = Field(description="Side on which a longer text loses ids.")

    def truncates(self, length: int) -> bool:
        """Tell whether a text of so many token ids loses some of them."""
        return length > self.maxlen

    def window(self, length: int) -> tuple[int, int]:
        """Return the part of a text that the model reads after truncation.

        Args:
            length: token ids of the text.

        Returns:
            The positions of the first id that is read and of the one after the last.
        """
        if not self.truncates(length):
            return 0, length
        return (length - self.maxlen, length) if self.truncating == "pre" else (0, self.maxlen)


class NgramSpec(ManifestPart):
    """The graph's optional second input: n-grams of the token ids (see `service.inference.ngrams`)."""

    name: str
    file: FileName = Field(description="NumPy file with the keys of the n-grams, int64[n], rising.")
    max_order: int = Field(ge=2, le=62, description="Token ids in the longest n-grams.")


class OutputSpec(ManifestPart):
    """The graph's output."""

    name: str
    dtype: Literal["float32"]
    logit: str | None = Field(default=None, description="Name of a second output, the logit, if the graphs have it.")


class FilterOutputs(ManifestPart):
    """Outputs of the reference graph with the numbers that the filters of a layer compute with."""

    kernel: str = Field(description="float32[filters, dimensions, 1, width]")
    bias: str = Field(description="float32[1, filters, 1]")
    vectors: str = Field(description="The layer's input, float32[batch, positions, dimensions]")


class LayerSpec(ManifestPart):
    """A layer of the network, for `/models` and `/layers`."""

    name: str
    kind: str = Field(description="Its class in Keras.")
    output_shape: tuple[int, ...] = Field(
        min_length=1, description="For one text: of most layers [positions, channels]."
    )
    parameters: int = Field(ge=0)
    kernel_size: int | None = Field(
        default=None, ge=1, le=MAX_LENGTH, description="Neighbours that one step of a convolution sees."
    )
    activations: str | None = Field(
        default=None,
        description="Of an unpadded convolution of stride 1 over embedded ids: the reference graph's output with its "
        "activations, float32[batch, positions, filters].",
    )
    filters: FilterOutputs | None = Field(default=None, description="Of such a layer: what its filters compute with.")

    @property
    def graph_outputs(self) -> set[str]:
        """Return the names of the outputs that the reference graph has for this layer."""
        return {
            name for name in (self.activations, *(self.filters.model_dump().values() if self.filters else ())) if name
        }


class GraphSpec(ManifestPart):
    """One ONNX file that computes the model."""

    file: FileName
    input_shape: tuple[None, Annotated[int, Field(ge=1, le=MAX_LENGTH)] | None] = Field(
        description="[batch, length]; null where any size goes."
    )
    metrics: dict[str, Any] = Field(description="Measurements of this graph against Keras and on the test set.")


class Manifest(ManifestPart):
    """The content of `manifest.json`."""

    schema_version: int
    name: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]*$")]
    version: int = Field(ge=1)
    description: str
    language: str = Field(default="en", pattern="^[a-z]{2}$", description="Of the training texts (ISO 639-1).")
    tokenizer: Annotated[SerializeAsAny[TokenizerSpec], BeforeValidator(read_spec)]
    input: InputSpec
    ngrams: NgramSpec | None = None
    output: OutputSpec
    graphs: dict[str, GraphSpec] = Field(min_length=1, description="By precision.")
    layers: tuple[LayerSpec, ...] = Field(default=(), description="In the order of computation.")
    labels: tuple[str, str] = Field(description="Name of a probability below the threshold, then at or above.")
    threshold: float = Field(gt=0, lt=1)
    metrics: dict[str, Any] = Field(description="Measured quality.")
    histograms: TextHistograms | None = Field(default=None, description="Of held-out texts; without them no drift.")
    recipe: dict[str, Any]
    seed: int
    libraries: dict[str, str] = Field(description="Versions that made the bundle.")
    files: dict[FileName, Sha256] = Field(description="SHA-256 of every other file of the bundle.")

    @field_validator("name")
    @classmethod
    def _check_name(cls, name: str) -> str:
        if name == AUTO:
            raise ValueError("this name is reserved: it selects the model by the language of each text")
        return name

    @model_validator(mode="after")
    def _check_activations(self) -> Self:
        if any(layer.activations for layer in self.layers) and REFERENCE not in self.graphs:
            raise ValueError(f"its layers have activations, but it has no {REFERENCE} graph to compute them")
        return self

    @property
    def mentioned_files(self) -> set[str]:
        """Return the files that other parts of the manifest refer to."""
        ngrams = [self.ngrams.file] if self.ngrams else []
        return {self.tokenizer.vocabulary, *(graph.file for graph in self.graphs.values()), *ngrams}
