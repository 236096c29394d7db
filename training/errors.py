"""Define the errors of a training run; the command line prints the message and stops."""


class TrainingError(Exception):
    """Base of the errors below; the message says what is wrong and what to do."""


class DataError(TrainingError):
    """A file of texts is missing, damaged, or not the data set it should be."""


class RecipeError(TrainingError):
    """A recipe has a choice that would be ignored, or that contradicts another."""


class RunError(TrainingError):
    """A run folder cannot be used as asked."""


class ExportError(TrainingError):
    """The exported model does not give the answers of the Keras model."""
