# The service with Ray, for the machines of a cluster (docs/cluster.md). On top of the service's image:
#   docker build --tag conv1d-sentiment . && docker build --file docker/ray.Dockerfile --tag conv1d-sentiment-ray .
ARG SERVICE_IMAGE=conv1d-sentiment

# With the base image's pip, as the environment of the service has none.
FROM ${SERVICE_IMAGE} AS ray
ARG VERSION=0.1.0
LABEL org.opencontainers.image.title="conv1d-sentiment-ray" \
      org.opencontainers.image.description="Scores a corpus on a cluster of Ray" \
      org.opencontainers.image.version="${VERSION}"
USER 0:0
COPY requirements/ray.txt /build/
RUN pip --python /venv/bin/python install --quiet --no-cache-dir --disable-pip-version-check \
    --root-user-action ignore --require-hashes --only-binary :all: -r /build/ray.txt
# KubeRay starts Ray from a login shell, which sets PATH anew, and its probes use wget. Ray asks for the user's name.
RUN apt-get update -qq && apt-get install -y -qq --no-install-recommends wget && rm -rf /var/lib/apt/lists/* \
    && echo 'PATH=/venv/bin:$PATH' > /etc/profile.d/venv.sh \
    && useradd --uid 10001 --create-home sentiment
ENV HOME=/home/sentiment \
    PYTHONPATH=/app \
    RAY_USAGE_STATS_ENABLED=0
ENTRYPOINT []
CMD ["/venv/bin/ray", "--help"]
USER 10001:10001
