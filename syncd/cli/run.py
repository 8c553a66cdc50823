"""`syncd run` and `syncd health`: the daemon in this process, its signals, and what service managers and probes are told."""

from __future__ import annotations

import os
import threading

import click

from syncd import log, systemd
from syncd.cli import FAILED, Command, stop
from syncd.cli.elsewhere import Follower
from syncd.cli.session import Session, with_session
from syncd.cli.show import as_json
from syncd.cli.signals import signals_for
from syncd.config import Config
from syncd.daemon import Daemon
from syncd.herald import Herald
from syncd.store import Store
from syncd.web.health import Answers, Endpoint


@click.command(cls=Command)
@with_session
def run(session: Session) -> None:
    """Keep every destination in agreement, until SIGTERM. SIGHUP reads the configuration again.

    The log goes to stderr: readable on a terminal, else JSON lines.
    """
    config = session.whole_config
    log.configure(config.log.level, config.log.format)
    with session.store(create=True) as store:
        assert store is not None, "made where there was none"  # noqa: S101
        with store.only_daemon():
            follower, manager = Follower(session, store, config), systemd.Status()

            def turned() -> None:
                follower.turn(daemon.reload)
                manager.turn(daemon.account().line())

            herald = Herald(config=lambda: daemon.account().config, store=store, clock=session.clock)
            daemon = Daemon(
                config=config, store=store, clock=session.clock, load=follower.load, turned=turned, alarm=herald.alarm
            )
            with signals_for(daemon):
                endpoint = _health(config, daemon, store)
                systemd.tell("READY=1")
                herald.start(daemon.stop)
                try:
                    daemon.run()
                finally:
                    herald.join()
                    if endpoint is not None:
                        endpoint.close()
                if daemon.open_calls and threading.current_thread() is threading.main_thread():
                    # Python would wait for the calls that were left behind, for ever; and the store, closed under one that comes
                    # back just now, would take the process with it.
                    os._exit(0)


def _health(config: Config, daemon: Daemon, store: Store) -> Endpoint | None:
    """Where probes may ask; with port 0 the address is left in the store, too."""
    if config.health is None:
        return None
    answers = Answers(
        alive=daemon.alive, reasons=daemon.reasons, status=daemon.status, metrics=lambda: daemon.account().metrics()
    )
    host, port = config.health.host, config.health.port
    try:
        endpoint = Endpoint(host, port, config.health.key, answers)
    except OSError as error:
        # Coverage comes first: a port that is taken is no reason to look after no destination.
        remedy = "choose another `health.listen`"
        log.logger().error("health.unavailable", listen=f"{host}:{port}", reason=error.strerror, remedy=remedy)
        return None
    with store.write() as tx:
        tx.facts.put("health", {"url": endpoint.url})
    endpoint.start()
    log.logger().info("health.listening", url=endpoint.url)
    return endpoint


@click.command(cls=Command)
@with_session
def health(session: Session) -> int:
    """For probes: 0 where the daemon's `/readyz` answers that it is ready, else 1."""
    import http.client
    from urllib.parse import urlsplit

    where = session.config.health
    if where is None:
        stop("`health` is switched off in the configuration")
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(where.host, where.host)  # noqa: S104
    url = f"http://[{host}]:{where.port}" if ":" in host else f"http://{host}:{where.port}"
    if where.port == 0:
        with session.look() as tx:
            url = (tx.facts.get("health") or {}).get("url", "") if tx else ""
    if not url:
        stop("no daemon has run on this store yet")
    connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=5)
    try:
        connection.request("GET", "/readyz")
        word = connection.getresponse()
        text = word.read(100).decode("utf-8", "replace").strip()
    except OSError as error:
        stop(f"{url} does not answer: {error.strerror or error}")
    except http.client.HTTPException as error:
        stop(f"{url} does not answer as syncd does: {type(error).__name__}")
    finally:
        connection.close()
    if session.json:
        as_json({"ready": word.status == 200, "answer": text, "url": url})
    else:
        click.echo(text)
    return 0 if word.status == 200 else FAILED
