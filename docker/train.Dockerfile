# Training, for `docker compose run --rm train`. A file of its own, because a builder without BuildKit makes every stage
# that stands before the one asked for, and the service's image should not cost a TensorFlow.
ARG BASE_IMAGE=python:3.13-slim-trixie

FROM ${BASE_IMAGE} AS application
WORKDIR /app
COPY service service
COPY training training
RUN python -m compileall -q service training && chmod -R a+rX .

FROM ${BASE_IMAGE} AS train
ARG BASE_IMAGE
ARG VERSION=0.1.0
LABEL org.opencontainers.image.title="conv1d-sentiment-train" \
      org.opencontainers.image.description="Trains the models of conv1d-sentiment" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.base.name="${BASE_IMAGE}"
# Keras keeps the data set in KERAS_HOME; the runs go to runs/ in the root folder, where this starts; what else wants to be
# written goes to HOME.
ENV HOME=/tmp \
    KERAS_HOME=/data \
    ORT_DISABLE_TELEMETRY=1 \
    PYTHONPATH=/app \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    TF_CPP_MIN_LOG_LEVEL=2
ENTRYPOINT ["/venv/bin/python", "-m", "training"]
COPY requirements/training.txt /build/
# In one layer, as it is gigabytes; with the base image's pip, so that the environment has none. A volume takes over the
# owner of the folder that it is mounted on.
RUN python -m venv --without-pip /venv \
    && pip --python /venv/bin/python install --quiet --no-cache-dir --disable-pip-version-check \
       --root-user-action ignore --require-hashes --only-binary :all: -r /build/training.txt \
    && mkdir /data /models /runs && chown 10001:10001 /data /models /runs
USER 10001:10001
COPY --from=application /app /app
