"""``lastack rules``: what the judge checks."""

from __future__ import annotations

import json

import click


@click.command()
@click.argument("texts", nargs=-1)
@click.option("--json", "as_json", is_flag=True, help="One JSON document.")
def rules(texts: tuple[str, ...], as_json: bool) -> None:
    """Print the judge's rules: id, clause, level, soundness class. TEXTS: only those whose id or clause contains one
    of them.
    """
    from lastack import _judge

    chosen = [
        rule
        for rule in _judge.rules()
        if not texts or any(text.lower() in f"{rule['id']} {rule['clause']}".lower() for text in texts)
    ]
    if as_json:
        click.echo(json.dumps({"schema": 1, "rules": chosen}, indent=1))
        return
    for rule in chosen:
        click.echo(f"{rule['id']}  [{rule['level']}, class {rule['soundness']}]  {rule['clause']}\n    {rule['text']}")
    click.echo(
        f"{len(chosen)} rules. Classes: A anywhere, P on the path without capture loss, "
        "E at the endpoint's own tap, S statistical."
    )
