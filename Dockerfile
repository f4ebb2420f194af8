# Everything here is also a step of `make smoke`, which needs no container engine: a venv filled
# from requirements.lock by hash, the wheel on top of it, state in a folder of its own.
#
# For a production image name the base by digest: --build-arg BASE=python@sha256:...
ARG BASE=python:3.13-slim-bookworm

FROM ${BASE} AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 PIP_NO_INPUT=1
WORKDIR /src
COPY requirements.lock requirements-build.lock ./
RUN python -m venv /opt/build \
 && /opt/build/bin/pip install --require-hashes -r requirements-build.lock \
 && python -m venv --without-pip /opt/dispatcher \
 && /opt/build/bin/pip --python /opt/dispatcher/bin/python install --require-hashes -r requirements.lock
COPY . .
RUN /opt/build/bin/pip wheel --no-deps --no-build-isolation -w dist . \
 && /opt/build/bin/pip --python /opt/dispatcher/bin/python install --no-deps dist/*.whl \
 && mkdir /var/lib/dispatcher

FROM ${BASE}
LABEL org.opencontainers.image.title="dispatcher" \
      org.opencontainers.image.description="A duty calendar that chases itself" \
      org.opencontainers.image.licenses="Apache-2.0"
COPY --from=build /opt/dispatcher /opt/dispatcher
COPY --from=build --chown=10001:10001 --chmod=0700 /var/lib/dispatcher /var/lib/dispatcher
ENV PATH=/opt/dispatcher/bin:$PATH \
    LANG=C.UTF-8 \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    DISPATCHER_HOME=/var/lib/dispatcher
USER 10001:10001
WORKDIR /var/lib/dispatcher
VOLUME /var/lib/dispatcher
HEALTHCHECK --interval=60s --timeout=15s --start-period=60s --retries=3 CMD ["dispatcher", "health"]
STOPSIGNAL SIGTERM
ENTRYPOINT ["dispatcher"]
CMD ["run"]
