"""The command line: ``main`` turns every outcome into the documented exit status, and never shows a traceback for bad
input.

Exit status: 0 as expected; 1 unexpected failure, stale known issue, violation in a capture; 2 interrupted; 3 internal
error; 4 usage; 5 nothing selected; 6 environment, adapter or unreadable input; 7 fuzz finding.
"""

from __future__ import annotations

import os
import sys
from typing import NoReturn

import click

from lastack import __version__
from lastack.catalogue import CatalogueError
from lastack.cli import adapter, check, completion, coverage, doctor, explain, fuzz, known, listing, run, show_rules
from lastack.errors import AdapterBroken, LastackError, NoInput, Unavailable, UsageError, meant

OK, FAILED, INTERRUPTED, INTERNAL, USAGE, NOTHING, ENVIRONMENT, FINDING = range(8)


class _Commands(click.Group):
    """Says which command may be meant by one that does not exist."""

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args and not args[0].startswith("-") and args[0] not in self.commands:
            ctx.fail(f"No such command {args[0]!r}{meant(args[0], self.commands)}")
        return super().resolve_command(ctx, args)


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 80})
@click.version_option(__version__, prog_name="lastack")
def cli() -> None:
    """The last word on whether a TCP stack is right: script it, fuzz it, replay it.

    \b
    Exit status of every command (each one's --help says what it means there):
      0  as expected: nothing failed, nothing found
      1  failed: an unexpected failure, a stale known issue, a violation
      2  interrupted
      3  an internal error of lastack (LASTACK_DEBUG=1 shows where)
      4  usage
      5  no scenario was selected
      6  the stack, the environment or an input cannot be used
      7  fuzzing has found something
    """


for command in (
    run.run,
    listing.list_scenarios,
    check.check,
    explain.explain,
    show_rules.rules,
    fuzz.fuzz,
    fuzz.replay,
    adapter.adapter,
    doctor.doctor,
    known.known,
    coverage.coverage,
    completion.completion,
):
    cli.add_command(command)


def main() -> NoReturn:
    """Runs the command of ``sys.argv`` and exits with its status."""
    sys.exit(_status(sys.argv[1:]))


def _status(arguments: list[str]) -> int:
    try:
        result = cli.main(arguments, prog_name="lastack", standalone_mode=False)
        return result if isinstance(result, int) else OK
    except click.UsageError as error:
        error.show()
        return USAGE
    except click.ClickException as error:
        error.show()
        return USAGE
    except (UsageError, CatalogueError) as error:
        return _say(error, USAGE)
    except (Unavailable, AdapterBroken, NoInput) as error:
        return _say(error, ENVIRONMENT)
    except LastackError as error:
        return _say(error, FAILED)
    except (KeyboardInterrupt, click.Abort):
        click.echo("interrupted", err=True)
        return INTERRUPTED
    except BrokenPipeError:
        # The reader of our output has gone (`lastack list | head`): not our failure. Keep Python from complaining at
        # exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return OK
    except Exception as error:
        if os.environ.get("LASTACK_DEBUG"):
            raise
        click.echo(f"lastack: internal error: {type(error).__name__}: {error} (LASTACK_DEBUG=1 shows where)", err=True)
        return INTERNAL


def _say(error: Exception, status: int) -> int:
    click.echo(f"lastack: {error}", err=True)
    return status
