# Built from the lock; runs as a fixed user without rights, also on a read-only root:
#   docker run --read-only --cap-drop ALL --security-opt no-new-privileges \
#     -v ./syncd.yaml:/etc/syncd/syncd.yaml:ro -v syncd-state:/var/lib/syncd syncd
# Both stages name one patch release; where a registry is trusted less than its bytes, pin it by digest:
#   docker build --build-arg PYTHON=python:3.11.14-slim-bookworm@sha256:… .
ARG PYTHON=python:3.11.14-slim-bookworm
FROM ${PYTHON} AS build
WORKDIR /src
COPY requirements/run.txt requirements/run.txt
RUN python -m venv /opt/syncd && /opt/syncd/bin/pip install --no-cache-dir --require-hashes --no-deps -r requirements/run.txt
COPY pyproject.toml README.md LICENSE ./
COPY config config
COPY systemd systemd
COPY connectors connectors
COPY syncd syncd
# What only building needs goes, and of the descriptions of Google's hundreds of services (100 MB) all but the calendar's.
RUN /opt/syncd/bin/pip install --no-cache-dir --no-deps --no-build-isolation . \
    && find /opt/syncd/lib -path '*/discovery_cache/documents/*.json' ! -name calendar.v3.json -delete \
    && /opt/syncd/bin/pip uninstall --yes --quiet setuptools pip \
    && install -d -m 0700 /state/syncd

FROM ${PYTHON}
COPY --from=build /opt/syncd /opt/syncd
COPY --from=build --chown=10001:10001 /state/ /var/lib/
ENV PATH=/opt/syncd/bin:$PATH STATE_DIRECTORY=/var/lib/syncd SYNCD_CONFIG=/etc/syncd/syncd.yaml \
    HOME=/var/lib/syncd PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1
USER 10001:10001
WORKDIR /var/lib/syncd
VOLUME /var/lib/syncd
HEALTHCHECK --interval=60s --timeout=10s --start-period=60s --retries=3 CMD ["syncd", "health"]
STOPSIGNAL SIGTERM
ENTRYPOINT ["syncd"]
CMD ["run"]
