"""The interfaces of other servers, one module each: translations to the classifier and back.

`service.api.error_shapes` converts errors to the shape of each interface.
"""
