//! The wire: packets from the harness wait here until smoltcp takes them, smoltcp's wait until the reply is written.
//! Nothing leaves this process.

use smoltcp::phy::{Device, DeviceCapabilities, Medium, RxToken, TxToken};
use smoltcp::time::Instant;
use std::collections::VecDeque;

/// More packets than this from one request are not a stack at work but one in a loop.
const MOST_PACKETS: usize = 10_000;

pub struct Wire {
    mtu: usize,
    arriving: VecDeque<Vec<u8>>,
    leaving: Vec<Vec<u8>>,
}

impl Wire {
    pub fn new(mtu: usize) -> Wire {
        Wire { mtu, arriving: VecDeque::new(), leaving: Vec::new() }
    }

    pub fn arrive(&mut self, packet: Vec<u8>) {
        self.arriving.push_back(packet);
    }

    pub fn take_leaving(&mut self) -> Vec<Vec<u8>> {
        std::mem::take(&mut self.leaving)
    }
}

pub struct Arrived(Vec<u8>);

impl RxToken for Arrived {
    fn consume<R, F: FnOnce(&[u8]) -> R>(self, f: F) -> R {
        f(&self.0)
    }
}

pub struct Leaving<'a>(&'a mut Vec<Vec<u8>>);

impl TxToken for Leaving<'_> {
    fn consume<R, F: FnOnce(&mut [u8]) -> R>(self, len: usize, f: F) -> R {
        let mut packet = vec![0; len];
        let result = f(&mut packet);
        self.0.push(packet);
        result
    }
}

impl Device for Wire {
    type RxToken<'a> = Arrived;
    type TxToken<'a> = Leaving<'a>;

    fn receive(&mut self, _: Instant) -> Option<(Arrived, Leaving<'_>)> {
        let packet = self.arriving.pop_front()?;
        Some((Arrived(packet), Leaving(&mut self.leaving)))
    }

    fn transmit(&mut self, _: Instant) -> Option<Leaving<'_>> {
        (self.leaving.len() < MOST_PACKETS).then_some(Leaving(&mut self.leaving))
    }

    fn capabilities(&self) -> DeviceCapabilities {
        let mut capabilities = DeviceCapabilities::default();
        capabilities.medium = Medium::Ip;
        capabilities.max_transmission_unit = self.mtu;
        capabilities
    }
}
