"""The command line: which commands there are, and how every error becomes one clear text and an exit code.

Nothing of a command is imported before it is called, so that `syncd --help` costs no more than reading its arguments.
"""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Sequence
from contextlib import suppress
from typing import Any, NoReturn

import click

from syncd import __version__

FAILED, USAGE, WORK, STORE, BUSY, CONFIG, INTERRUPTED = 1, 2, 3, 74, 75, 78, 130

LONGEST = 1_000
"""Characters of a refusal: more of what was given is not repeated."""

COMMANDS = {
    "check": ("check:check", "Every problem of the configuration, with file and line."),
    "doctor": ("doctor:doctor", "The same, and a call to each destination: credentials, rights, clock."),
    "oncall": ("rota:oncall", "Who is on call, now or at any time."),
    "shifts": ("rota:shifts", "Who has which shift."),
    "why": ("rota:why", "Why this person is on call, step by step."),
    "gaps": ("rota:gaps", "Needed time without anybody, with too many, or with somebody away."),
    "fairness": ("rota:fairness", "Hours, nights, weekends and holidays per person."),
    "impact": ("impact:impact", "Whose shifts would move with another configuration."),
    "override": ("override:override", "Somebody else for a time: add, list, remove."),
    "swap": ("swap:swap", "Two people take each other's shift."),
    "away": ("away:away", "Time off, and who could cover: add, list, remove."),
    "plan": ("sync:plan", "What an export would do; changes nothing."),
    "export": ("sync:export", "Make destinations show the rota."),
    "purge": ("purge:purge", "Remove all that we wrote at a destination."),
    "forget": ("purge:forget", "Drop what we know of a destination that left the configuration."),
    "run": ("run:run", "The daemon: keep every destination in agreement, for ever."),
    "health": ("run:health", "For probes: whether the daemon is ready."),
    "status": ("standing:status", "How each destination stands."),
    "holds": ("standing:holds", "Changes that wait for a human."),
    "ack": ("standing:ack", "Let a held change happen."),
    "conflicts": ("standing:conflicts", "Edits at destinations that gave way to the rota."),
    "restore": ("restore:restore", "Bring one of them back into the rota."),
    "history": ("history:history", "What was done, newest first."),
    "destination": ("destination:destination", "A destination in the configuration file: add, set, remove."),
    "link": ("link:link", "What a vendor has, as a schedule and a destination to begin with."),
    "undo": ("undo:undo", "Put back what a run changed."),
    "import": ("bring:import_", "Another product's schedule as our YAML."),
    "template": ("template:template", "A template from a schedule: save."),
    "notices": ("notices:notices", "What people hear of, and where; set changes it."),
    "auth": ("auth:auth", "Sign in at a vendor as a user: google, outlook."),
    "backup": ("keep:backup", "A copy of the store while it is in use."),
    "audit": ("keep:audit", "Whether the journal was tampered with: verify."),
}


class Failure(click.ClickException):
    """One text for the reader, and the exit code. `problems`: of the configuration, where it is about those."""

    def __init__(self, message: str, code: int = FAILED, problems: Sequence[Any] = ()) -> None:
        super().__init__(message)
        self.code = code
        self.problems = problems


class _Voice:
    """How stderr is spoken to: in sentences, or with `--json` one object a line."""

    json = False


def _remember(context: click.Context, parameter: click.Parameter, value: object) -> None:
    """`--config` and `--json` count wherever they stand; the innermost wins."""
    if value:
        context.meta[f"syncd.{parameter.name}"] = value


def _everywhere() -> list[click.Parameter]:
    return [
        click.Option(
            ["--config"], metavar="FILE", expose_value=False, callback=_remember, help="The configuration (else $SYNCD_CONFIG)."
        ),
        click.Option(["--json"], is_flag=True, expose_value=False, callback=_remember, help="JSON for programs, times in UTC."),
    ]


class Command(click.Command):
    """A command that takes `--config` and `--json` too."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.params += _everywhere()


class Group(click.Group):
    command_class = Command

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.params += _everywhere()


class Syncd(Group):
    """Knows every command's name and first line without importing it."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        from importlib import import_module

        module, _, name = COMMANDS[cmd_name][0].partition(":")
        command: click.Command = getattr(import_module(f"syncd.cli.{module}"), name)
        return command

    def resolve_command(self, ctx: click.Context, args: list[str]) -> tuple[str | None, click.Command | None, list[str]]:
        if args and args[0] not in COMMANDS and not args[0].startswith("-"):
            from difflib import get_close_matches

            near = get_close_matches(args[0], COMMANDS, 1)
            ctx.fail(f"no command {args[0]!r}" + (f"; did you mean {near[0]!r}?" if near else "; `syncd --help` lists them"))
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, short) for name, (_, short) in COMMANDS.items()])

    def main(self, args: Sequence[str] | None = None, *, standalone_mode: bool = True, **more: Any) -> Any:  # type: ignore[override]
        """As click's, but with our texts and exit codes; ends the process unless `standalone_mode` is off."""
        more.setdefault("prog_name", "syncd")
        words = sys.argv[1:] if args is None else list(args)
        _Voice.json = "--json" in words
        if os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb":
            more.setdefault("color", False)
        try:
            if not all(word.isascii() or _is_text(word) for word in words):
                stop("an argument is no UTF-8 text; mend it, or the locale ($LANG)", USAGE)
            code = super().main(words, standalone_mode=False, **more)
        except SystemExit as ended:
            code = ended.code
        except (KeyboardInterrupt, click.Abort):
            code = refuse("interrupted", INTERRUPTED)
        except Exception as error:
            code = code_of(error)
        code = code if isinstance(code, int) else 0
        if standalone_mode:
            sys.exit(code)
        return code


def _is_text(word: str) -> bool:
    try:
        word.encode()
    except UnicodeEncodeError:
        return False
    return True


def code_of(error: Exception) -> int:
    """Says what went wrong on stderr, without a traceback or a secret; the exit code."""
    if isinstance(error, Failure):
        return refuse(error.message, error.code, error.problems)
    if isinstance(error, click.ClickException):
        if not _Voice.json:
            error.show()
            return error.exit_code
        return refuse(error.format_message(), error.exit_code)
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EIO, errno.EBADF) and error.filename is None:
        with suppress(OSError, ValueError):  # else the interpreter tries once more at its end, and tells of that, too
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return refuse(f"the answer cannot be written: {error.strerror}", FAILED)
    if isinstance(error, ImportError) and (error.name or "syncd").partition(".")[0] not in ("syncd", "connectors"):
        return refuse(f"the package {error.name} is missing: install syncd again, from requirements/run.txt", FAILED)
    from syncd.config.problem import ConfigError
    from syncd.store.errors import LeaseHeld, NotFound, StoreError

    if isinstance(error, ConfigError):
        return refuse("the configuration cannot be used", CONFIG, error.problems)
    if isinstance(error, NotFound):
        return refuse(str(error), USAGE)
    if isinstance(error, StoreError):
        return refuse(str(error), BUSY if isinstance(error, LeaseHeld) else STORE)
    if os.environ.get("SYNCD_DEBUG"):
        import traceback

        say("".join(traceback.format_exception(error)))
    from syncd.log import redact  # whatever it is, others' words may be in it

    said = redact(f"{type(error).__name__}: {error}")
    return refuse(f"{said}; this is a mistake of the program: $SYNCD_DEBUG=1 shows where", FAILED)


def refuse(message: str, code: int, problems: Sequence[Any] = ()) -> int:
    """The one shape of an error: a sentence, or a line for each problem that is one; with `--json`
    `{"error": TEXT, "exit": CODE, "problems": [as `check` has them]}`. The exit code is handed back."""
    if len(message) > LONGEST:
        message = f"{message[: LONGEST // 2]} … {message[-LONGEST // 2 :]}"
    message = "".join(char if char.isprintable() or char == "\n" else "\N{REPLACEMENT CHARACTER}" for char in message)
    if _Voice.json:
        _to_stderr(_json({"error": message, "exit": code, "problems": [problem.json() for problem in problems]}))
    elif problems:
        for problem in [one for one in problems if one.severity == "error"] or problems:
            _to_stderr(str(problem))
    else:
        _to_stderr(f"syncd: {message}")
    return code


def say(text: str) -> None:
    """A remark on stderr, without what was ever read from a secret; with `--json` as `{"note": TEXT}`."""
    from syncd.connector import Secret

    if Secret.revealed:  # what others wrote may be in it: a vendor's words, a traceback
        from syncd.log import redact

        text = redact(text)
    if _Voice.json:
        text = _json({"note": text.removeprefix("syncd: ")})
    _to_stderr(text)


def _json(said: dict[str, Any]) -> str:
    import json

    return json.dumps(said, ensure_ascii=False)


def _to_stderr(text: str) -> None:
    from syncd.connector import Secret

    if Secret.revealed:
        from syncd.log import masked

        text = masked(text)
    click.echo(text, err=True)


def asks() -> bool:
    """Whether there is somebody at a terminal who can answer a question."""
    return sys.stdin is not None and sys.stdin.isatty()


def watched() -> bool:
    """Whether somebody sees what goes to stderr, and no program reads it."""
    return not _Voice.json and sys.stderr is not None and sys.stderr.isatty()


def _version(context: click.Context, parameter: click.Parameter, value: bool) -> None:
    if value:
        click.echo(f"syncd {__version__}")
        context.exit()


@click.group(cls=Syncd, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.option("--version", is_flag=True, is_eager=True, expose_value=False, callback=_version, help="Show the version.")
def cli() -> None:
    """Keeps one on-call rota in agreement with every calendar and pager that shows it.

    Times are shown in the zone of their schedule. Exit codes: 0 done; 1 a destination failed, or part of it waits or is held;
    2 usage or an unknown name; 3 `plan --exit-code` and there is work; 74 the store; 75 somebody else is at it;
    78 the configuration; 130 interrupted.
    """


def main(args: Sequence[str] | None = None) -> int:
    """What the console script calls: the exit code."""
    if os.getpid() == 1:
        from syncd.cli.first import be_first

        be_first()
    code: int = cli.main(args, standalone_mode=False)
    return code


def stop(message: str, code: int = FAILED, problems: Sequence[Any] = ()) -> NoReturn:
    raise Failure(message, code, problems)
