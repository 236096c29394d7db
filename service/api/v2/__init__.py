"""The Open Inference Protocol (KServe V2) as Triton implements it over HTTP.

`infer`, `server` and `repository` are the routes; `routing` finds the model of a path; `messages` and `tensors` convert
bodies to texts and predictions to bodies; `requests` and `answers` are the schemas.
"""
