"""The Open Inference Protocol (KServe V2) as Triton speaks it over HTTP, for clients that do not know this service.

`infer`, `server` and `repository` are the routes; `routing` says which model a path names, `messages` and `tensors`
turn bodies into texts and predictions into bodies, `coding` compresses, `errors` gives every refusal the protocol's
shape; `requests` and `answers` are the schemas.
"""
