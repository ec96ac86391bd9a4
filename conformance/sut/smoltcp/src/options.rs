//! The choices of a reset: buffers, the standard wishes, and smoltcp's own options.

use crate::request::{number_or, refused, text, unsupported, Fields, Outcome};
use smoltcp::socket::tcp::{CongestionControl, Socket, SocketBuffer};
use smoltcp::time::Duration;
use std::sync::atomic::{AtomicU32, Ordering};

/// smoltcp leaves the size of its buffers to the program that uses it; 65535 octets need no window scale.
const BUFFER: u64 = 65_535;
const MOST_BUFFER: u64 = 64 << 20;
const TWO_HOURS_MS: u64 = 7_200_000;
/// A hundred years: smoltcp adds durations to times without a check.
const LONGEST_MS: u64 = 3_153_600_000_000;

/// The clock of the timestamps option, in ms: smoltcp asks a plain function.
pub static CLOCK_MS: AtomicU32 = AtomicU32::new(0);

/// What sockets are made with.
#[derive(Clone)]
pub struct Choices {
    receive_buffer: usize,
    send_buffer: usize,
    timestamps: bool,
    delayed_ack: bool,
    nagle: bool,
    keepalive: bool,
    keepalive_ms: u64,
    user_timeout_ms: Option<u64>,
    hop_limit: Option<u8>,
    congestion: CongestionControl,
}

fn switch(name: &str, value: &str) -> Outcome<bool> {
    match value {
        "0" => Ok(false),
        "1" => Ok(true),
        _ => refused(format!("option '{name}' needs a value from 0 to 1")),
    }
}

impl Choices {
    /// The choices of a `reset`, and the standard wishes that smoltcp cannot honour.
    pub fn of_reset(fields: &Fields) -> Outcome<(Choices, Vec<&'static str>)> {
        let size = |name| match number_or(fields, name, u64::MAX, 0)? {
            0 => Ok(BUFFER as usize),
            size if size <= MOST_BUFFER => Ok(size as usize),
            _ => unsupported(format!("{name}: at most {MOST_BUFFER} octets")),
        };
        let mut choices = Choices {
            receive_buffer: size("rcv_buf")?,
            send_buffer: size("snd_buf")?,
            timestamps: false,
            delayed_ack: true,
            nagle: true,
            keepalive: false,
            keepalive_ms: TWO_HOURS_MS,
            user_timeout_ms: None,
            hop_limit: None,
            congestion: CongestionControl::Reno,
        };
        if !matches!(number_or(fields, "msl_ms", u64::MAX, 0)?, 0 | 5000) {
            return unsupported("the MSL is fixed in smoltcp: TIME-WAIT lasts 10 s");
        }
        let mut ignored = Vec::new();
        for word in text(fields, "options")?.split(',').filter(|word| !word.is_empty()) {
            let (name, value) = word.split_once('=').unwrap_or((word, ""));
            choices.take(name, value, &mut ignored)?;
        }
        Ok((choices, ignored))
    }

    fn take(&mut self, name: &str, value: &str, ignored: &mut Vec<&'static str>) -> Outcome<()> {
        match name {
            "timestamps" => self.timestamps = switch(name, value)?,
            "delayed_ack" => self.delayed_ack = switch(name, value)?,
            "nagle" => self.nagle = switch(name, value)?,
            // Its SYN always offers both; it never speaks ECN.
            "sack" if !switch(name, value)? => ignored.push("sack"),
            "window_scale" if !switch(name, value)? => ignored.push("window_scale"),
            "ecn" if switch(name, value)? => ignored.push("ecn"),
            "sack" | "window_scale" | "ecn" => {}
            "hop_limit" => match value.parse() {
                Ok(0) | Err(_) => return refused("option 'hop_limit' needs a value from 1 to 255"),
                Ok(limit) => self.hop_limit = Some(limit),
            },
            "congestion" => {
                self.congestion = match value {
                    "none" => CongestionControl::None,
                    "reno" => CongestionControl::Reno,
                    "cubic" => CongestionControl::Cubic,
                    _ => return refused("option 'congestion' is none, reno or cubic"),
                }
            }
            _ => return refused(format!("unknown option '{name}'")),
        }
        Ok(())
    }

    /// A `set` of one name.
    pub fn set(&mut self, name: &str, value: u64) -> Outcome<()> {
        match name {
            "nodelay" => self.nagle = value == 0,
            "delayed_ack" => self.delayed_ack = value != 0,
            "keepalive" => self.keepalive = value != 0,
            "keepalive_ms" => self.keepalive_ms = value.clamp(1, LONGEST_MS),
            "user_timeout_ms" => self.user_timeout_ms = (value != 0).then_some(value.min(LONGEST_MS)),
            _ => return unsupported("no such option"),
        }
        Ok(())
    }

    pub fn socket(&self) -> Socket<'static> {
        let mut socket = Socket::new(
            SocketBuffer::new(vec![0; self.receive_buffer]),
            SocketBuffer::new(vec![0; self.send_buffer]),
        );
        if self.timestamps {
            socket.set_tsval_generator(Some(|| CLOCK_MS.load(Ordering::Relaxed)));
        }
        socket.set_hop_limit(self.hop_limit);
        socket.set_congestion_control(self.congestion);
        self.apply(&mut socket);
        socket
    }

    /// What can be changed while a connection lives.
    pub fn apply(&self, socket: &mut Socket<'static>) {
        // smoltcp's own delay is what it has from birth; only "none" is told.
        if !self.delayed_ack {
            socket.set_ack_delay(None);
        } else if socket.ack_delay().is_none() {
            socket.set_ack_delay(Some(Duration::from_millis(10)));
        }
        socket.set_nagle_enabled(self.nagle);
        socket.set_timeout(self.user_timeout_ms.map(Duration::from_millis));
        let keepalive = self.keepalive.then(|| Duration::from_millis(self.keepalive_ms));
        if socket.keep_alive() != keepalive {
            socket.set_keep_alive(keepalive);
        }
    }
}
