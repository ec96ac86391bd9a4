"""Types of the native module; bindings/core.cpp is the source."""

class Segment:
    """A TCP segment read from an IP packet. Numbers are those of the packet; ``text`` is its one-line form."""

    @property
    def src(self) -> str: ...
    @property
    def dst(self) -> str: ...
    @property
    def version(self) -> int: ...
    @property
    def ttl(self) -> int: ...
    @property
    def traffic_class(self) -> int: ...
    @property
    def ip_id(self) -> int: ...
    @property
    def dont_fragment(self) -> bool: ...
    @property
    def src_port(self) -> int: ...
    @property
    def dst_port(self) -> int: ...
    @property
    def seq(self) -> int: ...
    @property
    def ack(self) -> int: ...
    @property
    def flags(self) -> int: ...
    @property
    def reserved(self) -> int: ...
    @property
    def window(self) -> int: ...
    @property
    def urgent(self) -> int: ...
    @property
    def checksum(self) -> int: ...
    @property
    def header_size(self) -> int: ...
    @property
    def option_octets(self) -> bytes: ...
    @property
    def payload(self) -> bytes: ...
    @property
    def text(self) -> str: ...
    @property
    def checksum_ok(self) -> bool: ...

class Stack:
    """A stack behind the C ABI of conformance/sut/lastack_sut.h; statuses are its LASTACK_* numbers."""

    @property
    def name(self) -> str: ...
    @property
    def version(self) -> str: ...
    @property
    def profile(self) -> str: ...
    @property
    def caps(self) -> list[str]: ...
    def create(
        self,
        *,
        now_us: int,
        seed: int,
        ip4: str,
        ip6: str,
        mtu: int,
        rcv_buf: int,
        snd_buf: int,
        msl_ms: int,
        options: str,
    ) -> tuple[bool, str]: ...
    def destroy(self) -> None: ...
    def rx(self, now_us: int, packet: bytes) -> tuple[int, list[bytes], int | None]: ...
    def tick(self, now_us: int) -> tuple[int, list[bytes], int | None]: ...
    def app(
        self,
        now_us: int,
        op: int,
        *,
        conn: int = -1,
        flags: int = 0,
        backlog: int = 0,
        value: int = 0,
        name: str = "",
        port: int = 0,
        remote: tuple[str, int] | None = None,
        data: bytes = b"",
        cap: int = 0,
    ) -> dict[str, object]: ...
    def info(self, now_us: int, conn: int) -> int | dict[str, object]: ...
    def state(self, now_us: int, conn: int) -> str | None: ...
    def next(self, now_us: int) -> int | None: ...

def linked_core() -> Stack: ...
def load_shared_object(path: str) -> Stack: ...
def parse(packet: bytes) -> Segment | str:
    """The segment, or what is wrong with the packet. A wrong checksum is reported by ``checksum_ok`` only."""

def build(
    *,
    src: str,
    dst: str,
    src_port: int,
    dst_port: int,
    seq: int = 0,
    ack: int = 0,
    flags: int = 0,
    window: int = 0,
    urgent: int = 0,
    options: bytes = b"",
    payload: bytes = b"",
    reserved: int = 0,
    data_offset: int | None = None,
    checksum: int | None = None,
) -> bytes:
    """An IP packet with exactly these fields; ``data_offset`` (words) and ``checksum`` replace the right values."""

def rebase(packet: bytes, seq_shift: int, ack_shift: int) -> bytes:
    """The packet with shifted SEQ, and shifted ACK and SACK blocks; a right checksum stays right, a wrong one wrong."""

def internet_checksum(data: bytes) -> int: ...
