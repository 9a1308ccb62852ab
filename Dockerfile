# One image for every stage, the sandbox and the operators' tools: `podwire` is its entrypoint, the command says which of them it is.
# BASE and the image that builds the wheels are the same, so that they fit its interpreter and its C library.
ARG BASE=python:3.13-slim-trixie

# Only what changes this list makes the dependencies be fetched again.
FROM ${BASE} AS requirements
COPY pyproject.toml .
RUN python -c 'import tomllib; print(*tomllib.load(open("pyproject.toml", "rb"))["project"]["dependencies"], sep="\n")' >/requirements.txt

FROM ${BASE} AS build
WORKDIR /build
COPY --from=requirements /requirements.txt /
RUN python -m pip wheel --no-cache-dir --wheel-dir /wheels -r /requirements.txt
COPY . .
RUN python -m pip wheel --no-cache-dir --no-deps --wheel-dir /wheels .
# Without pip in it. The kubernetes package reads kubeconfigs and service accounts here: its typed client is imported by nothing, and is
# 110 MB. Compiled in the end, since the root file system is read-only where it runs.
RUN python -m venv --without-pip /opt/podwire \
 && python -m pip --python /opt/podwire/bin/python install --no-cache-dir --no-index --find-links /wheels --no-compile podwire \
 && cd /opt/podwire/lib/python3*/site-packages \
 && rm -r kubernetes/aio && find kubernetes/client/api kubernetes/client/models -type f ! -name __init__.py -delete \
 && /opt/podwire/bin/python -m compileall -q . \
 && /opt/podwire/bin/python -c 'from kubernetes.client import ApiClient; from kubernetes.config import load_incluster_config, load_kube_config'

FROM ${BASE}
ARG VERSION=0.1.0
ARG REVISION=unknown
LABEL org.opencontainers.image.title="podwire" \
      org.opencontainers.image.description="Tells the reducer of opentelemetry-network which pod, container and workload stands behind every address and container ID of a Kubernetes cluster" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"
COPY --from=build /opt/podwire /opt/podwire
# A volume that is mounted here for the first time takes over owner and mode.
RUN install -d -m 0700 -o 10001 -g 10001 /run/podwire
ENV PATH=/opt/podwire/bin:$PATH \
    PODWIRE_RUN_DIR=/run/podwire \
    PYTHONUNBUFFERED=1
USER 10001:10001
HEALTHCHECK --interval=10s --timeout=5s --start-period=20s --retries=3 CMD ["podwire", "healthcheck"]
ENTRYPOINT ["podwire"]
CMD ["--help"]
