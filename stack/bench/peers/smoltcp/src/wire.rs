//! The memory queue between the two interfaces: two lists of frames in flight and one of frames to be used again. Knows smoltcp's
//! device contract and nothing of TCP.

use smoltcp::phy::{Checksum, ChecksumCapabilities, Device, DeviceCapabilities, Medium, RxToken, TxToken};
use smoltcp::time::Instant;
use std::cell::RefCell;
use std::collections::VecDeque;
use std::ffi::c_void;

pub type Tap = extern "C" fn(*mut c_void, *mut u8, usize);

struct Frame {
    size: usize,
    octets: Box<[u8; 2048]>,
}

pub struct Wire {
    /// What port i will read.
    towards: [VecDeque<Frame>; 2],
    spare: RefCell<Vec<Frame>>,
    pub frames: u64,
    checksums: bool,
    tap: Option<Tap>,
    tap_context: *mut c_void,
}

fn fresh(spare: &RefCell<Vec<Frame>>) -> Frame {
    spare.borrow_mut().pop().unwrap_or_else(|| Frame { size: 0, octets: Box::new([0; 2048]) })
}

impl Wire {
    pub fn new(checksums: bool, tap: Option<Tap>, tap_context: *mut c_void) -> Wire {
        Wire { towards: [VecDeque::new(), VecDeque::new()], spare: RefCell::new(Vec::new()), frames: 0, checksums, tap, tap_context }
    }

    pub fn port(&mut self, number: usize) -> Port<'_> {
        let [first, second] = &mut self.towards;
        let (arrivals, departures) = if number == 0 { (first, second) } else { (second, first) };
        Port {
            arrivals,
            departures,
            spare: &self.spare,
            frames: &mut self.frames,
            checksums: self.checksums,
            tap: self.tap,
            tap_context: self.tap_context,
        }
    }

    pub fn put(&mut self, port: usize, octets: &[u8]) {
        let mut frame = fresh(&self.spare);
        frame.size = octets.len();
        frame.octets[..octets.len()].copy_from_slice(octets);
        self.towards[port].push_back(frame);
    }

    pub fn take(&mut self, port: usize, out: &mut [u8]) -> usize {
        let Some(frame) = self.towards[port].pop_front() else { return 0 };
        let size = frame.size.min(out.len());
        out[..size].copy_from_slice(&frame.octets[..size]);
        self.spare.borrow_mut().push(frame);
        size
    }

    pub fn clear(&mut self) {
        for queue in &mut self.towards {
            self.spare.borrow_mut().extend(queue.drain(..));
        }
    }
}

pub struct Port<'a> {
    arrivals: &'a mut VecDeque<Frame>,
    departures: &'a mut VecDeque<Frame>,
    spare: &'a RefCell<Vec<Frame>>,
    frames: &'a mut u64,
    checksums: bool,
    tap: Option<Tap>,
    tap_context: *mut c_void,
}

pub struct Arrival<'a> {
    frame: Frame,
    spare: &'a RefCell<Vec<Frame>>,
}

impl RxToken for Arrival<'_> {
    fn consume<R, F: FnOnce(&[u8]) -> R>(self, f: F) -> R {
        let result = f(&self.frame.octets[..self.frame.size]);
        self.spare.borrow_mut().push(self.frame);
        result
    }
}

pub struct Departure<'a> {
    queue: &'a mut VecDeque<Frame>,
    spare: &'a RefCell<Vec<Frame>>,
    frames: &'a mut u64,
    tap: Option<Tap>,
    tap_context: *mut c_void,
}

impl TxToken for Departure<'_> {
    fn consume<R, F: FnOnce(&mut [u8]) -> R>(self, size: usize, f: F) -> R {
        let mut frame = fresh(self.spare);
        frame.size = size;
        let result = f(&mut frame.octets[..size]);
        if let Some(tap) = self.tap {
            tap(self.tap_context, frame.octets.as_mut_ptr(), size);
        }
        *self.frames += 1;
        self.queue.push_back(frame);
        result
    }
}

impl Device for Port<'_> {
    type RxToken<'b>
        = Arrival<'b>
    where
        Self: 'b;
    type TxToken<'b>
        = Departure<'b>
    where
        Self: 'b;

    fn receive(&mut self, now: Instant) -> Option<(Arrival<'_>, Departure<'_>)> {
        let frame = self.arrivals.pop_front()?;
        let spare = self.spare;
        Some((Arrival { frame, spare }, self.transmit(now)?))
    }

    fn transmit(&mut self, _now: Instant) -> Option<Departure<'_>> {
        Some(Departure {
            queue: self.departures,
            spare: self.spare,
            frames: self.frames,
            tap: self.tap,
            tap_context: self.tap_context,
        })
    }

    fn capabilities(&self) -> DeviceCapabilities {
        let mut capabilities = DeviceCapabilities::default();
        capabilities.medium = Medium::Ip;
        capabilities.max_transmission_unit = 1500;
        capabilities.checksum = ChecksumCapabilities::default();
        if !self.checksums {
            capabilities.checksum.ipv4 = Checksum::None;
            capabilities.checksum.tcp = Checksum::None;
        }
        capabilities
    }
}
