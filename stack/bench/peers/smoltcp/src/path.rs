//! smoltcp as a contender on a path (see stack/bench/path.h): two interfaces whose frames are handed out one by one.

use crate::wire::Wire;
use smoltcp::iface::{Config, Interface, PollResult, SocketHandle, SocketSet, SocketStorage};
use smoltcp::socket::tcp::{CongestionControl, Socket, SocketBuffer};
use smoltcp::time::Instant;
use smoltcp::wire::{HardwareAddress, IpAddress, IpCidr};
use std::cell::Cell;
use std::ffi::{c_char, c_int};

const WINDOW: usize = 256 * 1024;
const PORT: u16 = 80;
const SENDER: IpAddress = IpAddress::v4(192, 0, 2, 2);
const RECEIVER: IpAddress = IpAddress::v4(192, 0, 2, 1);

#[repr(C)]
pub struct PathContender {
    abi: u32,
    name: *const c_char,
    version: *const c_char,
    configuration: *const c_char,
    create: extern "C" fn(*mut *const c_char) -> *mut Ends,
    destroy: extern "C" fn(*mut Ends),
    arrive: extern "C" fn(*mut Ends, u64, c_int, *const u8, usize),
    run: extern "C" fn(*mut Ends, u64),
    next: extern "C" fn(*mut Ends, u64) -> u64,
    take: extern "C" fn(*mut Ends, u64, *mut c_int, *mut u8, usize) -> usize,
    received: extern "C" fn(*mut Ends) -> u64,
}
unsafe impl Sync for PathContender {}

thread_local! {
    /// smoltcp asks a plain function for the value of its timestamp option.
    static CLOCK_MS: Cell<u32> = const { Cell::new(0) };
}

fn timestamp() -> u32 {
    CLOCK_MS.with(Cell::get)
}

/// An endpoint with a wire of its own: what is put into queue ARRIVALS it reads, what it sends lies in queue DEPARTURES.
struct End {
    interface: Interface,
    sockets: SocketSet<'static>,
    handle: SocketHandle,
    wire: Wire,
}

const ARRIVALS: usize = 0;
const DEPARTURES: usize = 1;

impl End {
    fn new(address: IpAddress) -> End {
        let mut wire = Wire::new(true, None, std::ptr::null_mut());
        let mut interface = Interface::new(Config::new(HardwareAddress::Ip), &mut wire.port(ARRIVALS), Instant::ZERO);
        interface.update_ip_addrs(|list| list.push(IpCidr::new(address, 24)).unwrap());
        let mut sockets = SocketSet::new(Vec::<SocketStorage>::new());
        let mut socket = Socket::new(SocketBuffer::new(vec![0; WINDOW]), SocketBuffer::new(vec![0; WINDOW]));
        socket.set_nagle_enabled(false);
        socket.set_tsval_generator(Some(timestamp));
        socket.set_congestion_control(CongestionControl::Cubic);
        let handle = sockets.add(socket);
        End { interface, sockets, handle, wire }
    }

    fn socket(&mut self) -> &mut Socket<'static> {
        self.sockets.get_mut::<Socket>(self.handle)
    }

    fn poll(&mut self, now: Instant) {
        let mut port = self.wire.port(ARRIVALS);
        while self.interface.poll(now, &mut port, &mut self.sockets) != PollResult::None {}
    }
}

pub struct Ends {
    sender: End,
    receiver: End,
    received: u64,
}

fn instant(now_us: u64) -> Instant {
    CLOCK_MS.with(|clock| clock.set((now_us / 1000) as u32));
    Instant::from_micros(now_us as i64)
}

impl Ends {
    fn applications(&mut self, now: Instant) {
        let text = [b'x'; 16384];
        while self.sender.socket().can_send() && self.sender.socket().send_slice(&text).unwrap_or(0) == text.len() {}
        while self.receiver.socket().can_recv() {
            self.received += self.receiver.socket().recv(|data| (data.len(), data.len())).unwrap() as u64;
        }
        self.sender.poll(now);
        self.receiver.poll(now);
    }
}

extern "C" fn create(_why: *mut *const c_char) -> *mut Ends {
    let mut sender = End::new(SENDER);
    let mut receiver = End::new(RECEIVER);
    receiver.socket().listen(PORT).unwrap();
    let handle = sender.handle;
    let context = sender.interface.context();
    sender.sockets.get_mut::<Socket>(handle).connect(context, (RECEIVER, PORT), (SENDER, 49152)).unwrap();
    Box::into_raw(Box::new(Ends { sender, receiver, received: 0 }))
}

extern "C" fn destroy(ends: *mut Ends) {
    drop(unsafe { Box::from_raw(ends) });
}

extern "C" fn arrive(ends: *mut Ends, now_us: u64, to_receiver: c_int, frame: *const u8, size: usize) {
    let ends = unsafe { &mut *ends };
    let now = instant(now_us);
    let end = if to_receiver != 0 { &mut ends.receiver } else { &mut ends.sender };
    end.wire.put(ARRIVALS, unsafe { std::slice::from_raw_parts(frame, size) });
    end.poll(now);
    ends.applications(now);
}

extern "C" fn run(ends: *mut Ends, now_us: u64) {
    unsafe { &mut *ends }.applications(instant(now_us));
}

extern "C" fn next(ends: *mut Ends, now_us: u64) -> u64 {
    let ends = unsafe { &mut *ends };
    let now = instant(now_us);
    let mut next = u64::MAX;
    for end in [&mut ends.sender, &mut ends.receiver] {
        if let Some(at) = end.interface.poll_at(now, &end.sockets) {
            next = next.min(at.total_micros().max(now_us as i64) as u64);
        }
    }
    next
}

extern "C" fn take(ends: *mut Ends, _now_us: u64, to_receiver: *mut c_int, frame: *mut u8, room: usize) -> usize {
    let ends = unsafe { &mut *ends };
    for (end, forward) in [(&mut ends.sender, 1), (&mut ends.receiver, 0)] {
        let size = end.wire.take(DEPARTURES, unsafe { std::slice::from_raw_parts_mut(frame, room) });
        if size != 0 {
            unsafe { *to_receiver = forward };
            return size;
        }
    }
    0
}

extern "C" fn received(ends: *mut Ends) -> u64 {
    unsafe { &*ends }.received
}

static SELF: PathContender = PathContender {
    abi: 1,
    name: c"smoltcp".as_ptr(),
    version: c"0.14.0".as_ptr(),
    configuration: c"CUBIC without the sender's side of SACK".as_ptr(),
    create,
    destroy,
    arrive,
    run,
    next,
    take,
    received,
};

#[no_mangle]
pub extern "C" fn bench_path_entry() -> *const PathContender {
    &SELF
}
