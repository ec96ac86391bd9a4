"""``lastack explain``: an exchange in words, for people who learn or debug."""

from __future__ import annotations

import json

import click

UNREADABLE = 6


@click.command(short_help="Explain an exchange segment by segment.")
@click.argument("file", metavar="FILE")
@click.option("--connection", type=click.IntRange(1), metavar="N", help="Only connection N (as check numbers them).")
@click.option("--limit", type=click.IntRange(1), default=200, metavar="N", help="At most so many segments.  [200]")
@click.option("-r", "--relative", is_flag=True, help="Numbers relative to each end's initial sequence number.")
@click.option("--json", "as_json", is_flag=True, help="One JSON document.")
def explain(file: str, connection: int | None, limit: int, relative: bool, as_json: bool) -> int:
    """Explain an exchange segment by segment, in the terms of RFC 9293.

    FILE: a capture, '-' for standard input, or segments written as text, one
    a line:

    \b
      C > S  SYN seq=1000
      S > C  SYN,ACK seq=5000 ack=1001
      C > S  ACK seq=1001 ack=5001
      C > S  PSH,ACK seq=1001 ack=5001 len=10     # a remark
      S > C  ACK seq=5001 ack=1011 win=4096 at=0.5

    Also win= urg= data="text" mss= ws= sackok ts=1:0 sack=1-2,5-6, times in
    seconds as at=, and <SEQ=1000><CTL=SYN> as in the RFCs. lastack check
    takes the same text.

    \b
    Exit status:
      0  explained, violations included (lastack check decides about those)
      4  usage, or a line of the text that cannot be read
      6  unreadable input
    """
    from lastack.trace import explaining
    from lastack.trace.inputs import Inputs
    from lastack.trace.judging import error_text
    from lastack.trace.terminal import Printer, printable

    with Inputs([file]) as inputs:
        source = inputs.sources[0]
        found = explaining.explain(source, connection, limit, relative)
        if as_json:
            click.echo(json.dumps(found, indent=1))
        else:
            printer = Printer()
            printer.print(explaining.render(found, source, printer.glyphs, connection))
        if error := found["report"]["error"]:
            click.echo(f"lastack: {printable(file)}: {error_text(error)}", err=True)
            return UNREADABLE
    return 0
