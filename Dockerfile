# The service, and nothing that only training or building needs. The target `slim` has no models: for a volume, or, with
# --build-arg REQUIREMENTS=stores, for a store such as s3://bucket/models.
ARG BASE_IMAGE=python:3.13-slim-trixie

# The virtual environment has no pip of its own: the base image's fills it, and it stays behind here.
FROM ${BASE_IMAGE} AS dependencies
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_ROOT_USER_ACTION=ignore
RUN python -m venv --without-pip /venv
ARG REQUIREMENTS=service
COPY requirements/${REQUIREMENTS}.txt /build/requirements.txt
RUN pip --python /venv/bin/python install --quiet --require-hashes --only-binary :all: -r /build/requirements.txt
# What serving never loads goes again, 50 MB: the library for C programs that onnxruntime's wheel has beside its Python
# module, which is a whole of its own, and the packages' own tests. The packages still list these files;
# docker/check_packages.py checks that no others are missing, and that the service can import all that it has.
RUN rm -f /venv/lib/python3*/site-packages/onnxruntime/capi/libonnxruntime.so.* \
    && find /venv -type d -name tests -prune -exec rm -r {} +

# The code is copied, not installed: building a package would fetch a build tool that nothing pins.
FROM ${BASE_IMAGE} AS application
WORKDIR /app
COPY docker/add_models.py docker/healthcheck.py ./
COPY service service
# Readable by the user of the final stage, however strict the umask of the checkout was. A volume takes over the owner of
# the folder that it is mounted on.
RUN python -m compileall -q service && chmod -R a+rX . && mkdir -p /volumes/models

FROM ${BASE_IMAGE} AS models
COPY models /models
RUN chmod -R a+rX /models

FROM ${BASE_IMAGE} AS slim
ARG BASE_IMAGE
ARG VERSION=0.1.0
LABEL org.opencontainers.image.title="conv1d-sentiment" \
      org.opencontainers.image.description="Sentiment of short texts over HTTP" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.base.name="${BASE_IMAGE}"
# onnxruntime reports its use to its maker unless told not to.
ENV ORT_DISABLE_TELEMETRY=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    SENTIMENT_HOST=0.0.0.0 \
    SENTIMENT_MODELS_DIR=/models
WORKDIR /app
# A number, so that Kubernetes can see that it is not root.
USER 10001:10001
EXPOSE 8000
# The first check comes after one interval, so a short one is what makes a new container healthy soon.
HEALTHCHECK --interval=5s --timeout=3s --start-period=30s --retries=3 \
    CMD ["/venv/bin/python", "-IS", "/app/healthcheck.py"]
ENTRYPOINT ["/venv/bin/python", "-m", "service"]
CMD ["serve"]
# Last, because they change most; they stay root's, so the service cannot rewrite itself.
COPY --from=dependencies /venv /venv
COPY --from=application --chown=10001:10001 /volumes /
COPY --from=application /app /app

FROM slim AS service
ENV SENTIMENT_MODELS_DIR=/app/models
COPY --from=models /models /app/models
