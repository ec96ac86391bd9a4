//! What smoltcp knows of a connection, in RFC 9293's variables. Its public calls show the state and the queues; the rest
//! is read from the socket's debug text, which names its fields. A field that a later smoltcp does not name any more is
//! left out of the answer, never guessed.

use serde_json::{json, Map, Value};
use smoltcp::socket::tcp::{Socket, State};
use std::fmt::Write;

/// The debug text of a socket, without the contents of its buffers.
pub struct Variables(String);

struct WithoutBuffers {
    text: String,
    skipping: bool,
}

impl Write for WithoutBuffers {
    fn write_str(&mut self, piece: &str) -> std::fmt::Result {
        if self.skipping {
            self.skipping = !piece.contains(']');
        } else {
            self.text.push_str(piece);
            // Only a buffer of octets is written element by element; other lists ("[None, None]") are short.
            self.skipping = piece == "[" && (self.text.ends_with("Owned([") || self.text.ends_with("storage: ["));
        }
        Ok(())
    }
}

impl Variables {
    pub fn of(socket: &Socket<'_>) -> Variables {
        let mut writer = WithoutBuffers { text: String::new(), skipping: false };
        let _ = write!(writer, "{socket:?}");
        Variables(writer.text)
    }

    /// The text after the first `start`.
    fn after(&self, start: &str) -> Option<&str> {
        self.0.find(start).map(|at| &self.0[at + start.len()..])
    }

    /// The integer after the first `start`.
    fn integer(&self, start: &str) -> Option<i64> {
        leading_integer(self.after(start)?)
    }

    fn sequence_number(&self, name: &str) -> Option<u32> {
        let number = |form: &str| self.integer(&format!(" {name}: {form}"));
        number("SeqNumber(").or_else(|| number("Some(SeqNumber(")).map(|number| number as u32)
    }

    /// A time in microseconds within the value of `name`, which is the name of a form and its fields.
    fn time_in(&self, name: &str) -> Option<i64> {
        let value = self.after(name)?;
        leading_integer(value.strip_prefix("Some(").unwrap_or(value).strip_prefix("Instant { micros: ")?)
    }

    pub fn snd_una(&self) -> Option<u32> {
        self.sequence_number("local_seq_no")
    }

    pub fn snd_nxt(&self) -> Option<u32> {
        self.sequence_number("remote_last_seq")
    }

    /// RCV.NXT: smoltcp counts from the beginning of what the user has not taken yet.
    pub fn rcv_nxt(&self, socket: &Socket<'_>) -> Option<u32> {
        Some(self.sequence_number("remote_seq_no")?.wrapping_add(socket.recv_queue() as u32))
    }

    /// RCV.WND: the last window that was told, less what came since.
    fn rcv_wnd(&self, socket: &Socket<'_>) -> Option<u32> {
        let told = self.integer(" remote_last_win: ")? << self.integer(" remote_win_shift: ")?;
        let edge = self.sequence_number("remote_last_ack")?.wrapping_add(told as u32);
        let window = edge.wrapping_sub(self.rcv_nxt(socket)?);
        (window <= i32::MAX as u32).then_some(window)
    }

    fn timers(&self, user_timeout_us: Option<u64>) -> Value {
        let mut timers = Map::new();
        let mut put = |name: &str, deadline: Option<i64>| {
            timers.insert(name.into(), json!(deadline.map(|deadline| deadline.max(0))));
        };
        put("retransmit", self.time_in(" timer: Retransmit { expires_at: "));
        put("persist", self.time_in(" timer: ZeroWindowProbe { expires_at: "));
        put("time-wait", self.time_in(" timer: Close { expires_at: "));
        put("keepalive", self.time_in(" timer: Idle { keep_alive_at: "));
        put("delayed-ack", self.time_in(" ack_delay_timer: Waiting("));
        let heard = self.time_in(" remote_last_ts: ");
        put("user", user_timeout_us.and_then(|timeout| heard?.checked_add_unsigned(timeout)));
        timers.into()
    }
}

fn leading_integer(text: &str) -> Option<i64> {
    let negative = text.starts_with('-');
    let digits = text.trim_start_matches('-');
    let end = digits.find(|c: char| !c.is_ascii_digit()).unwrap_or(digits.len());
    let number: i64 = digits[..end].parse().ok()?;
    Some(if negative { -number } else { number })
}

pub fn state_name(state: State) -> &'static str {
    match state {
        State::Closed => "CLOSED",
        State::Listen => "LISTEN",
        State::SynSent => "SYN-SENT",
        State::SynReceived => "SYN-RECEIVED",
        State::Established => "ESTABLISHED",
        State::FinWait1 => "FIN-WAIT-1",
        State::FinWait2 => "FIN-WAIT-2",
        State::CloseWait => "CLOSE-WAIT",
        State::Closing => "CLOSING",
        State::LastAck => "LAST-ACK",
        State::TimeWait => "TIME-WAIT",
    }
}

/// The fields of a connection that is open; `mtu` less headers bounds the MSS.
pub fn fields(socket: &Socket<'_>, largest_segment: usize) -> Map<String, Value> {
    let variables = Variables::of(socket);
    let mut info = Map::new();
    let mut put = |name: &str, value: Option<Value>| {
        if let Some(value) = value {
            info.insert(name.into(), value);
        }
    };
    put("state", Some(state_name(socket.state()).into()));
    put("snd_una", variables.snd_una().map(Value::from));
    put("snd_nxt", variables.snd_nxt().map(Value::from));
    put("snd_wnd", variables.integer(" remote_win_len: ").map(Value::from));
    if socket.state() != State::SynSent {
        put("rcv_nxt", variables.rcv_nxt(socket).map(Value::from));
        put("rcv_wnd", variables.rcv_wnd(socket).map(Value::from));
        put("timestamps", Some(socket.timestamp_enabled().into()));
        put("sack", variables.after(" remote_has_sack: ").map(|text| text.starts_with("true").into()));
        let scale = variables.after(" remote_win_scale: ").and_then(|text| text.strip_prefix("Some("));
        put("snd_scale", Some(scale.and_then(leading_integer).unwrap_or(0).into()));
        put("rcv_scale", variables.integer(" remote_win_shift: ").map(Value::from));
    }
    put("ecn", Some(false.into()));
    let options = if socket.timestamp_enabled() { 12 } else { 0 };
    put("mss", variables.integer(" remote_mss: ").map(|mss| (mss.min(largest_segment as i64) - options).into()));
    put("cwnd", variables.integer(" cwnd: ").map(Value::from));
    put("ssthresh", variables.integer(" ssthresh: ").map(|octets| octets.min(u32::MAX.into()).into()));
    put("rto_us", variables.integer(" rto: ").map(|ms| (ms * 1000).into()));
    if variables.after(" have_measurement: ").is_some_and(|text| text.starts_with("true")) {
        put("srtt_us", variables.integer(" srtt: ").map(|ms| (ms * 1000).into()));
    }
    if let (Some(una), Some(nxt)) = (variables.snd_una(), variables.snd_nxt()) {
        let in_flight = nxt.wrapping_sub(una) as usize;
        let opening = matches!(socket.state(), State::SynSent | State::SynReceived);
        let sent = if opening { 0 } else { in_flight };
        put("unsent", Some(socket.send_queue().saturating_sub(sent).into()));
    }
    put("unread", Some(socket.recv_queue().into()));
    put("timers", Some(variables.timers(socket.timeout().map(|timeout| timeout.total_micros()))));
    info
}
