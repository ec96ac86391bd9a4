//! One stack: smoltcp's interface and sockets, and what a program that uses smoltcp has to do itself. smoltcp has no
//! listener that survives a connection: a socket that listens becomes the connection. So a listener of the protocol is a
//! number here, and one socket in LISTEN is kept ready for it as long as its backlog is not full; what comes beyond is
//! reset, as smoltcp does when no socket listens.

use crate::device::Wire;
use crate::info::{self, Variables};
use crate::iss;
use crate::options::{Choices, CLOCK_MS};
use serde_json::{Map, Value};
use smoltcp::iface::{Interface, SocketHandle, SocketSet};
use smoltcp::socket::tcp::{Socket, State};
use smoltcp::time::Instant;
use smoltcp::wire::{IpCidr, IpEndpoint, IpVersion, Ipv4Packet, Ipv6Packet, TcpPacket};
use std::collections::VecDeque;
use std::sync::atomic::Ordering;

pub enum Role {
    /// The user's listener.
    Listener { port: u16, backlog: usize, open: bool },
    /// A socket in LISTEN that waits for the listener of this number.
    Waiting(usize),
    /// A connection; where it came from, until the user has accepted it.
    Connection { listener: Option<usize> },
}

pub enum Place {
    InSet(SocketHandle),
    /// Out of the way: closed, but the user may still ask.
    Aside(Box<Socket<'static>>),
    Nowhere,
}

pub struct Conn {
    pub role: Role,
    pub place: Place,
    pub choices: Choices,
    pub local_port: u16,
    pub remote: Option<IpEndpoint>,
    pub iss: Option<u32>,
    pub irs: Option<u32>,
    pub state: State,
    pub unread: usize,
    pub named: bool,
    pub opened: bool,
    pub eof: bool,
    /// The user has sent its last, or has gone.
    pub shut: bool,
    pub closed: bool,
    pub reason: &'static str,
    pub events: Vec<&'static str>,
}

impl Conn {
    pub fn new(role: Role, choices: Choices, local_port: u16) -> Conn {
        Conn {
            role,
            place: Place::Nowhere,
            choices,
            local_port,
            remote: None,
            iss: None,
            irs: None,
            state: State::Closed,
            unread: 0,
            named: false,
            opened: false,
            eof: false,
            shut: false,
            closed: false,
            reason: "",
            events: Vec::new(),
        }
    }

    pub fn happened(&mut self, event: &'static str) {
        if !self.events.contains(&event) {
            self.events.push(event);
        }
    }

    pub fn in_set(&self) -> Option<SocketHandle> {
        match self.place {
            Place::InSet(handle) => Some(handle),
            _ => None,
        }
    }
}

pub struct Stack {
    pub wire: Wire,
    pub interface: Interface,
    pub sockets: SocketSet<'static>,
    pub conns: Vec<Conn>,
    pub choices: Choices,
    pub isses: VecDeque<u32>,
    pub now: Instant,
    pub seed: u64,
    addresses: Vec<IpCidr>,
    mtu: usize,
    interfaces_made: u64,
}

impl Stack {
    pub fn new(addresses: Vec<IpCidr>, mtu: usize, seed: u64, choices: Choices, now_us: i64) -> Stack {
        let now = Instant::from_micros(now_us);
        let mut wire = Wire::new(mtu);
        let interface = iss::interface(&addresses, seed, &mut wire, now);
        let mut stack = Stack {
            wire,
            interface,
            sockets: SocketSet::new(Vec::new()),
            conns: Vec::new(),
            choices,
            isses: VecDeque::new(),
            now,
            seed,
            addresses,
            mtu,
            interfaces_made: 0,
        };
        stack.at(now_us);
        stack
    }

    /// Time never goes backwards here.
    pub fn at(&mut self, now_us: i64) {
        self.now = self.now.max(Instant::from_micros(now_us));
        CLOCK_MS.store(self.now.total_millis() as u32, Ordering::Relaxed);
    }

    pub fn rx(&mut self, packet: Vec<u8>) {
        let reset = carries_reset(&packet);
        self.wire.arrive(packet);
        self.run(reset);
    }

    /// Lets smoltcp work, then looks what has changed. `reset`: the packet that came in carries RST.
    pub fn run(&mut self, reset: bool) {
        self.interface.poll(self.now, &mut self.wire, &mut self.sockets);
        for number in 0..self.conns.len() {
            self.observe(number, reset);
        }
        self.keep_listening();
    }

    /// When smoltcp wants to be called next, in microseconds.
    pub fn next_us(&mut self) -> Option<i64> {
        self.interface.poll_at(self.now, &self.sockets).map(|time| time.max(self.now).total_micros())
    }

    pub fn socket(&self, number: usize) -> Option<&Socket<'static>> {
        match &self.conns[number].place {
            Place::InSet(handle) => Some(self.sockets.get(*handle)),
            Place::Aside(socket) => Some(socket),
            Place::Nowhere => None,
        }
    }

    pub fn socket_mut(&mut self, number: usize) -> Option<&mut Socket<'static>> {
        match &mut self.conns[number].place {
            Place::InSet(handle) => Some(self.sockets.get_mut(*handle)),
            Place::Aside(socket) => Some(socket),
            Place::Nowhere => None,
        }
    }

    /// smoltcp asks its sockets one after the other, and the first one that would take a segment gets it. A connection
    /// has to stand before the sockets that listen, or a SYN that belongs to it would open another.
    pub fn add(&mut self, mut conn: Conn, socket: Socket<'static>) -> usize {
        conn.state = socket.state();
        conn.place = Place::Aside(Box::new(socket));
        self.conns.push(conn);
        for conn in &mut self.conns {
            if let Place::InSet(handle) = conn.place {
                let smoltcp::socket::Socket::Tcp(socket) = self.sockets.remove(handle);
                conn.place = Place::Aside(Box::new(socket));
            }
        }
        for listening in [false, true] {
            for conn in &mut self.conns {
                if matches!(conn.role, Role::Waiting(_)) != listening || conn.state == State::Closed {
                    continue;
                }
                if let Place::Aside(socket) = std::mem::replace(&mut conn.place, Place::Nowhere) {
                    conn.place = Place::InSet(self.sockets.add(*socket));
                }
            }
        }
        self.conns.len() - 1
    }

    /// Takes a socket away from smoltcp; `keep`: the user may still ask.
    pub fn take_out(&mut self, number: usize, keep: bool) {
        if let Some(handle) = self.conns[number].in_set() {
            self.conns[number].place = match self.sockets.remove(handle) {
                smoltcp::socket::Socket::Tcp(socket) if keep => Place::Aside(Box::new(socket)),
                _ => Place::Nowhere,
            };
        }
        self.conns[number].state = State::Closed;
    }

    /// The next ISS is the front of the queue; without a queue, what comes of the seed.
    pub fn prepare_iss(&mut self) {
        self.interfaces_made += 1;
        let seed = match self.isses.front() {
            Some(iss) => iss::seed_for(*iss),
            None => self.seed.wrapping_add(self.interfaces_made),
        };
        self.interface = iss::interface(&self.addresses, seed, &mut self.wire, self.now);
    }

    /// A connection has been given its ISS.
    pub fn iss_was_used(&mut self) {
        if self.isses.pop_front().is_some() {
            self.prepare_iss();
        }
    }

    fn observe(&mut self, number: usize, reset: bool) {
        let Some(handle) = self.conns[number].in_set() else { return };
        let socket: &Socket = self.sockets.get(handle);
        let (state, unread) = (socket.state(), socket.recv_queue());
        if let Role::Waiting(listener) = self.conns[number].role {
            if state != State::Listen {
                self.opened_by_peer(number, listener, handle);
            }
            return;
        }
        let old = self.conns[number].state;
        if old == State::SynSent && state != State::SynSent && state != State::Closed {
            self.conns[number].irs = Variables::of(socket).rcv_nxt(socket).map(|next| next.wrapping_sub(1));
        }
        let conn = &mut self.conns[number];
        conn.state = state;
        let opening = |state| matches!(state, State::SynSent | State::SynReceived | State::Listen | State::Closed);
        if opening(old) && !opening(state) {
            conn.opened = true;
            conn.happened("connected");
            if let Role::Connection { listener: Some(listener) } = conn.role {
                self.conns[listener].happened("readable");
            }
        }
        let conn = &mut self.conns[number];
        if unread > conn.unread {
            conn.happened("readable");
        }
        conn.unread = unread;
        if !conn.eof && matches!(state, State::CloseWait | State::LastAck | State::Closing | State::TimeWait) {
            conn.eof = true;
            conn.happened("eof");
        }
        // A RST in SYN-RECEIVED makes a socket listen again, for which there is another here.
        if matches!(state, State::Closed | State::Listen) {
            self.ended(number, old, reset);
        }
    }

    fn opened_by_peer(&mut self, number: usize, listener: usize, handle: SocketHandle) {
        let socket: &Socket = self.sockets.get(handle);
        let variables = Variables::of(socket);
        let conn = &mut self.conns[number];
        conn.role = Role::Connection { listener: Some(listener) };
        conn.state = socket.state();
        conn.remote = socket.remote_endpoint();
        conn.iss = variables.snd_una();
        conn.irs = variables.rcv_nxt(socket).map(|next| next.wrapping_sub(1));
        self.iss_was_used();
    }

    fn ended(&mut self, number: usize, old: State, reset: bool) {
        let conn = &mut self.conns[number];
        if conn.reason.is_empty() {
            (conn.reason, _) = match old {
                _ if reset && old == State::SynSent => ("connection refused", conn.happened("refused")),
                _ if reset => ("connection reset", conn.happened("reset")),
                State::TimeWait | State::LastAck | State::Closed => ("", ()),
                _ if conn.shut && old == State::SynSent => ("connection closing", ()),
                _ => ("connection aborted due to user timeout", conn.happened("timeout")),
            };
        }
        conn.happened("closed");
        let keep = conn.named || conn.opened;
        self.take_out(number, keep);
    }

    fn keep_listening(&mut self) {
        for listener in 0..self.conns.len() {
            let Role::Listener { port, backlog, open: true } = self.conns[listener].role else { continue };
            let of_mine = |conn: &&Conn| match conn.role {
                Role::Connection { listener: Some(from) } => from == listener && conn.in_set().is_some(),
                _ => false,
            };
            let waiting = self.conns.iter().any(|conn| matches!(conn.role, Role::Waiting(of) if of == listener));
            if waiting || self.conns.iter().filter(of_mine).count() >= backlog {
                continue;
            }
            let mut socket = self.choices.socket();
            if socket.listen(port).is_ok() {
                self.add(Conn::new(Role::Waiting(listener), self.choices.clone(), port), socket);
            }
        }
    }

    pub fn info(&self, number: usize) -> Map<String, Value> {
        let conn = &self.conns[number];
        let mut fields = match (&conn.role, self.socket(number)) {
            (Role::Connection { .. }, Some(socket)) if conn.in_set().is_some() => {
                let v6 = conn.remote.is_some_and(|remote| remote.addr.version() == IpVersion::Ipv6);
                info::fields(socket, self.mtu - if v6 { 60 } else { 40 })
            }
            (Role::Connection { .. }, _) => Map::from_iter([("state".into(), "CLOSED".into())]),
            (Role::Listener { open: false, .. }, _) => Map::from_iter([("state".into(), "CLOSED".into())]),
            _ => Map::from_iter([("state".into(), "LISTEN".into())]),
        };
        if let Some(iss) = conn.iss {
            fields.insert("iss".into(), iss.into());
        }
        if let Some(irs) = conn.irs {
            fields.insert("irs".into(), irs.into());
        }
        fields
    }
}

/// Whether a packet is a TCP segment with RST; smoltcp does not say why a connection ended.
fn carries_reset(packet: &[u8]) -> bool {
    if packet.is_empty() {
        return false;
    }
    let segment = match IpVersion::of_packet(packet) {
        Ok(IpVersion::Ipv4) => Ipv4Packet::new_checked(packet).ok().map(|ip| ip.payload().to_vec()),
        Ok(IpVersion::Ipv6) => Ipv6Packet::new_checked(packet).ok().map(|ip| ip.payload().to_vec()),
        Err(_) => None,
    };
    segment.is_some_and(|segment| TcpPacket::new_checked(&segment[..]).is_ok_and(|tcp| tcp.rst()))
}
