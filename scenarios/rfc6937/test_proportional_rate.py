"""RFC 6937: in a recovery data leaves in proportion to what is delivered. A stack that waits until half of the window has
come back (RFC 6675 as it stands) is UNSUPPORTED; the bound holds for every one."""

import pytest
from lastack import requirement
from sacking import MSS, Sacking

pytestmark = pytest.mark.lab(sack=True)


@requirement("RFC6937-3-a", "RFC6675-4-a")
def test_new_text_leaves_in_proportion_to_reports(lab):
    """The first of ten segments is lost. By the ninth report about half as many segments have left as were reported, and
    never more than one for each (3)."""
    at = Sacking(lab)
    at.flight(10)
    at.sut.send(bytes(30 * MSS), push=True)
    left = [number for number, _ in at.sent(0.001)]
    if left:
        lab.unsupported("the window of this stack is larger than ten segments")
    steps = []
    for i in range(1, 10):
        at.ack(301, (1301, 1301 + i * MSS))
        steps.append(len(at.sent(0.001)))
    in_recovery = steps[2:]
    assert sum(steps) <= len(steps) + 1
    if sum(in_recovery[1:5]) == 0:
        lab.unsupported("nothing leaves in the first half of the recovery: no proportional rate")
    assert max(in_recovery) <= 2
    at.peer.drain()
    at.peer.ignore()
