"""``lastack adapter``: help for those who bring their own stack."""

from __future__ import annotations

import click

from lastack.adapter_check import examine
from lastack.sut.named import open_sut


@click.group()
def adapter() -> None:
    """Bring your own stack.

    Exit status: 0 fit for use, 1 faults, 4 usage, 6 the stack cannot be started.
    """


@adapter.command()
@click.argument("sut")
def check(sut: str) -> int:
    """Prove that an adapter does what conformance/sut/PROTOCOL.md and lastack_sut.h say. Exit status 1 when it does
    not.
    """
    carrier = open_sut(sut)
    hello = carrier.hello
    click.echo(f"{sut}: {hello.name} {hello.version}; {', '.join(sorted(hello.caps)) or 'no capabilities'}")
    faults = 0
    try:
        for finding in examine(carrier):
            mark = {"ok": "ok  ", "fault": "FAIL", "skip": "--  "}[finding.verdict]
            faults += finding.verdict == "fault"
            click.echo(f"{mark} {finding.what}" + (f"\n     {finding.text}" if finding.text else ""))
    finally:
        carrier.close()
    click.echo("the adapter is fit for use" if not faults else f"{faults} faults")
    return 1 if faults else 0
