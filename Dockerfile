# Built from the lock; runs as a fixed user without rights, also on a read-only root:
#   docker run --read-only --cap-drop ALL --security-opt no-new-privileges \
#     -v ./syncd.yaml:/etc/syncd/syncd.yaml:ro -v syncd-state:/var/lib/syncd syncd
FROM python:3.11-slim AS build
WORKDIR /src
COPY requirements/run.txt requirements/run.txt
RUN python -m venv /opt/syncd && /opt/syncd/bin/pip install --no-cache-dir --require-hashes --no-deps -r requirements/run.txt
COPY pyproject.toml README.md LICENSE ./
COPY config config
COPY systemd systemd
COPY connectors connectors
COPY syncd syncd
RUN /opt/syncd/bin/pip install --no-cache-dir --no-deps --no-build-isolation .

FROM python:3.11-slim
RUN useradd --uid 10001 --no-create-home --shell /usr/sbin/nologin syncd \
    && install -d -o 10001 -g 10001 -m 0700 /var/lib/syncd
COPY --from=build /opt/syncd /opt/syncd
ENV PATH=/opt/syncd/bin:$PATH STATE_DIRECTORY=/var/lib/syncd SYNCD_CONFIG=/etc/syncd/syncd.yaml PYTHONDONTWRITEBYTECODE=1
USER 10001:10001
VOLUME /var/lib/syncd
HEALTHCHECK --interval=60s --timeout=5s --start-period=30s CMD ["syncd", "health"]
STOPSIGNAL SIGTERM
ENTRYPOINT ["syncd"]
CMD ["run"]
