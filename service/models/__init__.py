"""The models: the folder of bundles, the loaded versions, and the choice of the model for each text."""
