"""``lastack completion``: words that a shell completes, by click."""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class

VARIABLE = "_LASTACK_COMPLETE"


@click.command(short_help="Completion for bash, zsh or fish.")
@click.argument("shell", type=click.Choice(("bash", "zsh", "fish")))
@click.pass_context
def completion(context: click.Context, shell: str) -> None:
    """Print what makes a shell complete commands, options, files and rule ids.

    \b
      eval "$(build/lastack completion bash)"    for this shell

    \b
    Exit status: 0, or 4 for usage.
    """
    made = get_completion_class(shell)
    assert made is not None
    click.echo(made(context.find_root().command, {}, "lastack", VARIABLE).source())
