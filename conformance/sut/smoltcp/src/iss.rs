//! set-iss. smoltcp draws initial sequence numbers from a generator that is seeded when an interface is made, and an
//! interface holds nothing of TCP: so a new interface with the right seed makes the next number the one that is wanted.
//! The generator is a permuted congruential one, s' = s * M + A, and its steps can be undone. Whether this smoltcp still
//! works so is tried out at the start (`works`); where it does not, the adapter does not claim set-iss.

use crate::device::Wire;
use crate::info::Variables;
use smoltcp::iface::{Config, Interface};
use smoltcp::socket::tcp::{Socket, SocketBuffer};
use smoltcp::time::Instant;
use smoltcp::wire::{HardwareAddress, IpAddress, IpCidr};

const MULTIPLIER: u64 = 0xbb2e_fcec_3c39_611d;
const ADDEND: u64 = 0x7590_ef39;
/// Of one generated number the lower half must not be zero, see `seed_for`.
const PATTERNS: u64 = 1 << 22;

/// The inverse of MULTIPLIER modulo 2^64, by Newton's iteration.
fn inverse() -> u64 {
    (0..6).fold(MULTIPLIER, |x, _| x.wrapping_mul(2u64.wrapping_sub(MULTIPLIER.wrapping_mul(x))))
}

fn before(state: u64) -> u64 {
    state.wrapping_sub(ADDEND).wrapping_mul(inverse())
}

/// What the generator gives in this state: its three upper bits choose which 32 bits.
fn output(state: u64) -> u32 {
    (state >> (29 - (state >> 61))) as u32
}

/// The seed of an interface whose first connection gets this ISS. Making the interface takes one number (for the
/// identification of IPv4) and another one when the first one's 16 bits are zero, so the first must be another.
pub fn seed_for(iss: u32) -> u64 {
    for pattern in 0..PATTERNS {
        // Upper bits 111: bits 22 to 53 are given out. The 22 bits below are free.
        let drawn = before(7 << 61 | u64::from(iss) << 22 | pattern);
        let first = output(drawn);
        if (first ^ (first >> 16)) & 0xffff != 0 {
            return before(drawn);
        }
    }
    unreachable!("not every number has 16 zero bits")
}

/// A new interface with these addresses.
pub fn interface(addresses: &[IpCidr], seed: u64, wire: &mut Wire, now: Instant) -> Interface {
    let mut config = Config::new(HardwareAddress::Ip);
    config.random_seed = seed;
    let mut interface = Interface::new(config, wire, now);
    interface.update_ip_addrs(|list| {
        for address in addresses {
            // There is room for two by default; more are not asked for.
            let _ = list.push(*address);
        }
    });
    interface
}

/// Whether an interface with `seed_for(n)` really starts a connection with n.
pub fn works() -> bool {
    const TRIED: u32 = 0x89ab_cdef;
    let here = IpAddress::v4(192, 0, 2, 1);
    let mut wire = Wire::new(1500);
    let mut interface = interface(&[IpCidr::new(here, 24)], seed_for(TRIED), &mut wire, Instant::ZERO);
    let mut socket = Socket::new(SocketBuffer::new(vec![0; 64]), SocketBuffer::new(vec![0; 64]));
    let opened = socket.connect(interface.context(), (IpAddress::v4(192, 0, 2, 2), 7), 1024);
    opened.is_ok() && Variables::of(&socket).snd_una() == Some(TRIED)
}
