//! smoltcp as a contender (see stack/bench/contender.h): two interfaces, each with its socket set, joined by two queues of recycled
//! frames. The receiving application looks at the text in place, as smoltcp's own benchmark does. Only this file knows smoltcp.

mod path;
mod wire;

use smoltcp::iface::{Config, Interface, PollIngressSingleResult, PollResult, SocketHandle, SocketSet, SocketStorage};
use smoltcp::socket::tcp::{CongestionControl, Socket, SocketBuffer, State};
use smoltcp::time::{Duration, Instant};
use smoltcp::wire::{HardwareAddress, IpAddress, IpCidr};
use std::ffi::{c_char, c_void};
use wire::{Port, Tap, Wire};

const MSS: usize = 1460;
const WINDOW: usize = 44 * MSS;
const LISTEN_PORT: u16 = 80;
const CLIENT: IpAddress = IpAddress::v4(192, 0, 2, 2);
const SERVER: IpAddress = IpAddress::v4(192, 0, 2, 1);
/// How long smoltcp keeps TIME-WAIT.
const TIME_WAIT: Duration = Duration::from_secs(10);
/// Sockets of connections that carry no text: the buffers are the application's to size, so they shall not count.
const NO_TEXT: usize = 64;

#[repr(C)]
pub struct BenchConfig {
    checksums: u8,
    features: u8,
    resident: u32,
    tap: Option<Tap>,
    tap_context: *mut c_void,
}

#[repr(C)]
pub struct BenchCount {
    frames: u64,
    octets: u64,
}

#[repr(C)]
pub struct BenchContender {
    abi: u32,
    name: *const c_char,
    version: *const c_char,
    configuration: *const c_char,
    create: extern "C" fn(*const BenchConfig, *mut *const c_char) -> *mut Pair,
    destroy: extern "C" fn(*mut Pair),
    bulk: extern "C" fn(*mut Pair, u64, *mut BenchCount),
    connections: extern "C" fn(*mut Pair, u64, *mut BenchCount),
    open_idle: extern "C" fn(*mut Pair, u32) -> u64,
    reset: extern "C" fn(*mut Pair),
    admit: extern "C" fn(*mut Pair, u32),
    arrive: extern "C" fn(*mut Pair, *const u8, usize),
    next_frame: extern "C" fn(*mut Pair, *mut u8, usize) -> usize,
    pool_octets: Option<extern "C" fn(*mut Pair) -> u64>,
    rest: Option<extern "C" fn(*mut Pair)>,
}
unsafe impl Sync for BenchContender {}

/// One endpoint: an interface, its sockets, and which of the two queues it reads.
struct Side {
    interface: Interface,
    sockets: SocketSet<'static>,
    port: usize,
}

impl Side {
    fn new(wire: &mut Wire, port: usize, address: IpAddress) -> Side {
        let config = Config::new(HardwareAddress::Ip);
        let mut interface = Interface::new(config, &mut wire.port(port), Instant::ZERO);
        interface.update_ip_addrs(|list| list.push(IpCidr::new(address, 24)).unwrap());
        Side { interface, sockets: SocketSet::new(Vec::<SocketStorage>::new()), port }
    }

    /// Writes everything that may leave now.
    fn egress(&mut self, now: Instant, wire: &mut Wire) {
        let mut port = wire.port(self.port);
        while self.interface.poll_egress(now, &mut port, &mut self.sockets) != PollResult::None {}
    }

    /// Takes one frame, then writes what it brought about. False when there is none.
    fn ingress(&mut self, now: Instant, wire: &mut Wire) -> bool {
        let mut port: Port = wire.port(self.port);
        if self.interface.poll_ingress_single(now, &mut port, &mut self.sockets) == PollIngressSingleResult::None {
            return false;
        }
        self.interface.poll_egress(now, &mut port, &mut self.sockets);
        true
    }

    fn socket(&mut self, handle: SocketHandle) -> &mut Socket<'static> {
        self.sockets.get_mut::<Socket>(handle)
    }
}

pub struct Pair {
    client: Side,
    server: Side,
    wire: Wire,
    features: bool,
    resident: u32,
    now: Instant,
    next_port: u16,
    /// The client's sockets for connections(), used in turn: one more than there are residents.
    turn: Vec<SocketHandle>,
    next_turn: usize,
    /// The server's socket for connections() and the replay.
    passive: SocketHandle,
}

fn timestamp() -> u32 {
    1000
}

fn new_socket(features: bool, buffer: usize) -> Socket<'static> {
    let mut socket = Socket::new(SocketBuffer::new(vec![0; buffer]), SocketBuffer::new(vec![0; buffer]));
    socket.set_nagle_enabled(false);
    if features {
        socket.set_tsval_generator(Some(timestamp));
        socket.set_congestion_control(CongestionControl::Cubic);
    }
    socket
}

impl Pair {
    fn new(config: &BenchConfig) -> Pair {
        let mut wire = Wire::new(config.checksums != 0, config.tap, config.tap_context);
        let client = Side::new(&mut wire, 0, CLIENT);
        let mut server = Side::new(&mut wire, 1, SERVER);
        let features = config.features != 0;
        let passive = server.sockets.add(new_socket(features, NO_TEXT));
        server.socket(passive).listen(LISTEN_PORT).unwrap();
        Pair {
            client,
            server,
            wire,
            features,
            resident: config.resident,
            now: Instant::ZERO,
            next_port: 49152,
            turn: Vec::new(),
            next_turn: 0,
            passive,
        }
    }

    fn connect(&mut self, handle: SocketHandle) {
        self.next_port = if self.next_port == u16::MAX { 49152 } else { self.next_port + 1 };
        let from = (CLIENT, self.next_port);
        let context = self.client.interface.context();
        self.client.sockets.get_mut::<Socket>(handle).connect(context, (SERVER, LISTEN_PORT), from).unwrap();
    }

    /// Until neither end has anything to say.
    fn pump(&mut self) {
        self.client.egress(self.now, &mut self.wire);
        self.server.egress(self.now, &mut self.wire);
        loop {
            let server = self.server.ingress(self.now, &mut self.wire);
            let client = self.client.ingress(self.now, &mut self.wire);
            if !server && !client {
                break;
            }
        }
    }

    fn bulk(&mut self, octets: u64, count: &mut BenchCount) {
        let text = [b'x'; MSS];
        let sender = self.client.sockets.add(new_socket(self.features, WINDOW));
        let receiver = self.server.sockets.add(new_socket(self.features, WINDOW));
        let spare = self.server.sockets.remove(self.passive);
        self.server.socket(receiver).listen(LISTEN_PORT).unwrap();
        self.connect(sender);
        self.pump();
        let mut left = octets;
        loop {
            while left > 0 {
                let size = left.min(MSS as u64) as usize;
                let socket = self.client.socket(sender);
                if socket.send_capacity() - socket.send_queue() < size {
                    break;
                }
                left -= socket.send_slice(&text[..size]).unwrap() as u64;
            }
            self.client.egress(self.now, &mut self.wire);
            let mut moved = false;
            while self.server.ingress(self.now, &mut self.wire) {
                moved = true;
                let socket = self.server.socket(receiver);
                if socket.can_recv() {
                    count.octets += socket.recv(|data| (data.len(), data.len())).unwrap() as u64;
                }
            }
            while self.client.ingress(self.now, &mut self.wire) {
                moved = true;
            }
            if !moved {
                break;
            }
        }
        self.client.sockets.remove(sender);
        self.server.sockets.remove(receiver);
        self.passive = self.server.sockets.add(spare);
        self.wire.clear();
    }

    fn one_connection(&mut self) {
        if self.turn.len() <= self.resident as usize {
            self.turn.push(self.client.sockets.add(new_socket(self.features, NO_TEXT)));
            self.next_turn = self.turn.len() - 1;
        } else {
            self.next_turn = (self.next_turn + 1) % self.turn.len();
        }
        let active = self.turn[self.next_turn];
        self.connect(active);
        self.pump();
        self.client.socket(active).close();
        self.pump();
        self.server.socket(self.passive).close();
        self.pump();
        self.now += if self.resident == 0 { TIME_WAIT } else { TIME_WAIT / self.resident };
        if self.resident == 0 {
            self.client.egress(self.now, &mut self.wire);
            debug_assert_eq!(self.client.socket(active).state(), State::Closed);
        }
        self.server.socket(self.passive).listen(LISTEN_PORT).unwrap();
    }
}

/// Every poll looks at every socket: many more than this and a measurement takes hours.
const MOST_RESIDENTS: u32 = 2000;

extern "C" fn create(config: *const BenchConfig, why: *mut *const c_char) -> *mut Pair {
    if unsafe { (*config).resident } > MOST_RESIDENTS {
        unsafe { *why = c"smoltcp looks at every socket for every packet: so many residents take hours".as_ptr() };
        return std::ptr::null_mut();
    }
    Box::into_raw(Box::new(Pair::new(unsafe { &*config })))
}

extern "C" fn destroy(pair: *mut Pair) {
    drop(unsafe { Box::from_raw(pair) });
}

extern "C" fn bulk(pair: *mut Pair, octets: u64, count: *mut BenchCount) {
    let (pair, count) = unsafe { (&mut *pair, &mut *count) };
    let before = pair.wire.frames;
    pair.bulk(octets, count);
    count.frames += pair.wire.frames - before;
}

extern "C" fn connections(pair: *mut Pair, n: u64, count: *mut BenchCount) {
    let (pair, count) = unsafe { (&mut *pair, &mut *count) };
    let before = pair.wire.frames;
    for _ in 0..n {
        pair.one_connection();
    }
    count.frames += pair.wire.frames - before;
}

extern "C" fn open_idle(pair: *mut Pair, n: u32) -> u64 {
    admit(pair, n);
    let pair = unsafe { &mut *pair };
    for _ in 0..n {
        let active = pair.client.sockets.add(new_socket(pair.features, NO_TEXT));
        pair.connect(active);
        pair.pump();
        if pair.client.socket(active).state() != State::Established {
            return 0;
        }
    }
    2 * n as u64
}

/// smoltcp has no listener: each connection needs a socket that waits for it.
extern "C" fn admit(pair: *mut Pair, n: u32) {
    let pair = unsafe { &mut *pair };
    for _ in 0..n {
        let mut socket = new_socket(pair.features, NO_TEXT);
        socket.listen(LISTEN_PORT).unwrap();
        pair.server.sockets.add(socket);
    }
}

extern "C" fn reset(pair: *mut Pair) {
    let pair = unsafe { &mut *pair };
    pair.wire.clear();
    pair.server.sockets.remove(pair.passive);
    pair.server = Side::new(&mut pair.wire, 1, SERVER);
    pair.passive = pair.server.sockets.add(new_socket(pair.features, NO_TEXT));
    pair.server.socket(pair.passive).listen(LISTEN_PORT).unwrap();
}

extern "C" fn arrive(pair: *mut Pair, frame: *const u8, size: usize) {
    let pair = unsafe { &mut *pair };
    pair.wire.put(pair.server.port, unsafe { std::slice::from_raw_parts(frame, size) });
    pair.server.ingress(pair.now, &mut pair.wire);
    // The application of the replay closes when its peer has closed.
    if pair.server.socket(pair.passive).state() == State::CloseWait {
        pair.server.socket(pair.passive).close();
        pair.server.egress(pair.now, &mut pair.wire);
    }
}

extern "C" fn next_frame(pair: *mut Pair, frame: *mut u8, room: usize) -> usize {
    let pair = unsafe { &mut *pair };
    pair.wire.take(pair.client.port, unsafe { std::slice::from_raw_parts_mut(frame, room) })
}

static SELF: BenchContender = BenchContender {
    abi: 2,
    name: c"smoltcp".as_ptr(),
    version: c"0.14.0".as_ptr(),
    configuration: c"opt-level 3, fat LTO, one codegen unit, panic=abort; features: timestamps, CUBIC (SACK blocks are always on)".as_ptr(),
    create,
    destroy,
    bulk,
    connections,
    open_idle,
    reset,
    admit,
    arrive,
    next_frame,
    pool_octets: None,
    rest: None,
};

#[no_mangle]
pub extern "C" fn bench_contender_entry() -> *const BenchContender {
    &SELF
}
