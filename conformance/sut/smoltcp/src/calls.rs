//! The user calls of RFC 9293 3.10.1 to 3.10.5 on smoltcp's sockets.

use crate::info::Variables;
use crate::request::{self, refused, unsupported, Fields, Not, Outcome};
use crate::stack::{Conn, Place, Role, Stack};
use serde_json::{json, Map, Value};
use smoltcp::socket::tcp::{ConnectError, ListenError, RecvError, State};
use smoltcp::wire::IpEndpoint;

const NO_CONNECTION: &str = "connection does not exist";
const CLOSING: &str = "connection closing";
const FIRST_EPHEMERAL_PORT: u64 = 49_152;
const EPHEMERAL_PORTS: u64 = 16_384;

type Reply = Outcome<Fields>;

fn reply<const N: usize>(fields: [(&str, Value); N]) -> Reply {
    Ok(fields.into_iter().map(|(name, value)| (name.to_string(), value)).collect())
}

fn gone(conn: &Conn) -> Not {
    Not::Refused(if conn.reason.is_empty() { NO_CONNECTION } else { conn.reason }.into())
}

impl Stack {
    pub fn call(&mut self, request: &Fields) -> Reply {
        let op = request::text(request, "op")?;
        match op {
            "listen" => return self.listen(request),
            "connect" => return self.connect(request),
            "find" => return self.find(request),
            "set" => return self.set(request),
            "set-iss" => return self.set_iss(request),
            "accept" | "send" | "recv" | "shutdown" | "close" | "abort" | "events" => {}
            _ => return unsupported(format!("no operation '{op}'")),
        }
        let number = match request::handle(request)? {
            Some(number) if number < self.conns.len() => number,
            _ => return refused(NO_CONNECTION),
        };
        if op == "events" {
            return self.events(number);
        }
        if let Role::Listener { .. } = self.conns[number].role {
            return match op {
                "accept" => self.accept(number),
                "close" | "abort" | "shutdown" => self.close_listener(number),
                "send" => refused("remote socket unspecified"),
                _ => refused(NO_CONNECTION),
            };
        }
        match op {
            "accept" => refused("not a listener"),
            "send" => self.send(number, request),
            "recv" => self.receive(number, request),
            "shutdown" => self.shutdown(number),
            "close" => self.close(number),
            _ => self.abort(number),
        }
    }

    fn listen(&mut self, request: &Fields) -> Reply {
        let port = request::port(request)?;
        let backlog = request::number_or(request, "backlog", u32::MAX.into(), 1)?.max(1) as usize;
        let taken = |conn: &Conn| matches!(conn.role, Role::Listener { port: other, open: true, .. } if other == port);
        if self.conns.iter().any(taken) {
            return refused("connection already exists");
        }
        // smoltcp's own word on the port; the socket that stays is made below.
        if let Err(error) = self.choices.socket().listen(port) {
            return refused(match error {
                ListenError::InvalidState => "connection already exists",
                ListenError::Unaddressable => "local socket unspecified",
            });
        }
        self.conns.push(Conn::new(Role::Listener { port, backlog, open: true }, self.choices.clone(), port));
        let number = self.conns.len() - 1;
        self.run(false);
        reply([("conn", number.into())])
    }

    fn connect(&mut self, request: &Fields) -> Reply {
        let remote = request::remote(request)?;
        if request.get("data").is_some_and(|data| data.as_str() != Some("")) {
            return unsupported("smoltcp takes no text for a connection that is not established, and has no Fast Open");
        }
        let port = match request::port(request)? {
            0 => self.ephemeral_port(remote)?,
            port => port,
        };
        if self.of_tuple(port, remote).is_some() {
            return refused("connection already exists");
        }
        let mut socket = self.choices.socket();
        match socket.connect(self.interface.context(), remote, port) {
            Ok(()) => {}
            Err(ConnectError::InvalidState) => return refused("connection already exists"),
            Err(ConnectError::Unaddressable) => return refused("remote socket unspecified"),
        }
        let mut conn = Conn::new(Role::Connection { listener: None }, self.choices.clone(), port);
        conn.remote = Some(remote);
        conn.iss = Variables::of(&socket).snd_una();
        conn.named = true;
        let number = self.add(conn, socket);
        self.iss_was_used();
        self.run(false);
        reply([("conn", number.into())])
    }

    /// smoltcp leaves the choice of the local port to the program that uses it (RFC 6056 3.3.1: at random, here by seed).
    fn ephemeral_port(&self, remote: IpEndpoint) -> Outcome<u16> {
        let start = self.seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 40;
        (0..EPHEMERAL_PORTS)
            .map(|step| (FIRST_EPHEMERAL_PORT + (start + self.conns.len() as u64 + step) % EPHEMERAL_PORTS) as u16)
            .find(|port| self.of_tuple(*port, remote).is_none())
            .ok_or_else(|| Not::Refused("insufficient resources".into()))
    }

    fn of_tuple(&self, port: u16, remote: IpEndpoint) -> Option<usize> {
        self.conns.iter().rposition(|conn| {
            conn.in_set().is_some() && conn.local_port == port && conn.remote == Some(remote)
        })
    }

    fn find(&mut self, request: &Fields) -> Reply {
        match self.of_tuple(request::port(request)?, request::remote(request)?) {
            Some(number) => {
                self.conns[number].named = true;
                reply([("conn", number.into())])
            }
            None => refused(NO_CONNECTION),
        }
    }

    fn set(&mut self, request: &Fields) -> Reply {
        let name = request::text(request, "name")?;
        let value = request::number(request, "value", u64::MAX)?;
        match request::handle(request)? {
            None => {
                self.choices.set(name, value)?;
                for number in 0..self.conns.len() {
                    if matches!(self.conns[number].role, Role::Waiting(_)) {
                        self.conns[number].choices = self.choices.clone();
                        self.apply(number);
                    }
                }
            }
            Some(number) => {
                let Some(conn) = self.conns.get_mut(number).filter(|conn| conn.in_set().is_some()) else {
                    return refused(NO_CONNECTION);
                };
                conn.choices.set(name, value)?;
                self.apply(number);
                self.run(false);
            }
        }
        reply([])
    }

    fn apply(&mut self, number: usize) {
        let choices = self.conns[number].choices.clone();
        if let Some(socket) = self.socket_mut(number) {
            choices.apply(socket);
        }
    }

    fn set_iss(&mut self, request: &Fields) -> Reply {
        if !crate::iss::works() {
            return unsupported("this smoltcp draws its initial sequence numbers in a way the adapter does not know");
        }
        self.isses.push_back(request::number(request, "value", u32::MAX.into())? as u32);
        if self.isses.len() == 1 {
            self.prepare_iss();
        }
        reply([])
    }

    fn accept(&mut self, listener: usize) -> Reply {
        let ready = self.conns.iter().position(|conn| {
            conn.opened && matches!(conn.role, Role::Connection { listener: Some(from) } if from == listener)
        });
        let Some(number) = ready else { return refused("would block") };
        let conn = &mut self.conns[number];
        conn.role = Role::Connection { listener: None };
        conn.named = true;
        let remote = conn.remote.map(request::remote_to_json);
        self.run(false);
        reply([("conn", number.into()), ("remote", remote.into())])
    }

    fn send(&mut self, number: usize, request: &Fields) -> Reply {
        let data = request::octets(request, "data")?;
        let urgent = request::truth_or(request, "urgent", false)?;
        let conn = &self.conns[number];
        if conn.shut {
            return refused(CLOSING);
        }
        if conn.in_set().is_none() {
            return Err(gone(conn));
        }
        if urgent {
            return unsupported("smoltcp cannot send urgent data");
        }
        if matches!(conn.state, State::SynSent | State::SynReceived) {
            return unsupported("smoltcp takes no text before a connection is established");
        }
        let taken = match self.socket_mut(number).map(|socket| socket.send_slice(&data)) {
            Some(Ok(taken)) => taken,
            _ => return refused(CLOSING),
        };
        self.run(false);
        reply([("count", taken.into())])
    }

    fn receive(&mut self, number: usize, request: &Fields) -> Reply {
        let cap = request::number(request, "cap", u64::MAX)?;
        let conn = &self.conns[number];
        if conn.closed {
            return refused(CLOSING);
        }
        let (state, eof, in_set) = (conn.state, conn.eof, conn.in_set().is_some());
        let Some(socket) = self.socket_mut(number) else { return Err(gone(&self.conns[number])) };
        let mut data = vec![0; socket.recv_queue().min(cap.min(usize::MAX as u64) as usize)];
        let got = if matches!(state, State::SynSent | State::SynReceived) {
            Ok(0)
        } else {
            socket.recv_slice(&mut data)
        };
        let unread = socket.recv_queue();
        let ended = match got {
            Ok(taken) => {
                data.truncate(taken);
                taken == 0 && eof && unread == 0
            }
            Err(RecvError::Finished) => true,
            Err(RecvError::InvalidState) if eof && self.conns[number].reason.is_empty() => true,
            Err(RecvError::InvalidState) => return Err(gone(&self.conns[number])),
        };
        if !in_set && data.is_empty() && !self.conns[number].reason.is_empty() {
            return Err(gone(&self.conns[number]));
        }
        self.conns[number].unread = unread;
        self.run(false);
        reply([("data", request::hex(&data).into()), ("eof", ended.into())])
    }

    fn shutdown(&mut self, number: usize) -> Reply {
        if self.conns[number].shut {
            return refused(CLOSING);
        }
        if self.conns[number].in_set().is_none() {
            return Err(gone(&self.conns[number]));
        }
        self.conns[number].shut = true;
        if let Some(socket) = self.socket_mut(number) {
            socket.close();
        }
        self.run(false);
        reply([])
    }

    /// smoltcp's close() is the CLOSE of RFC 9293; that the user will not read any more cannot be told to it.
    fn close(&mut self, number: usize) -> Reply {
        if self.conns[number].closed {
            return refused(CLOSING);
        }
        if self.conns[number].shut && self.conns[number].in_set().is_some() {
            self.conns[number].closed = true;
            return reply([]);
        }
        let closed = self.shutdown(number);
        self.conns[number].closed = closed.is_ok();
        closed
    }

    fn abort(&mut self, number: usize) -> Reply {
        if self.conns[number].in_set().is_none() {
            return Err(gone(&self.conns[number]));
        }
        let conn = &mut self.conns[number];
        (conn.shut, conn.closed) = (true, true);
        conn.reason = CLOSING;
        if let Some(socket) = self.socket_mut(number) {
            socket.abort();
        }
        self.run(false);
        reply([])
    }

    fn close_listener(&mut self, listener: usize) -> Reply {
        if let Role::Listener { open, .. } = &mut self.conns[listener].role {
            if !std::mem::replace(open, false) {
                return refused(CLOSING);
            }
        }
        for number in 0..self.conns.len() {
            match self.conns[number].role {
                Role::Waiting(of) if of == listener => {
                    self.take_out(number, false);
                    self.conns[number].role = Role::Connection { listener: None };
                    self.conns[number].place = Place::Nowhere;
                }
                // Nobody will ever accept it.
                Role::Connection { listener: Some(of) } if of == listener && self.conns[number].in_set().is_some() => {
                    self.conns[number].reason = CLOSING;
                    if let Some(socket) = self.socket_mut(number) {
                        socket.abort();
                    }
                }
                _ => {}
            }
        }
        self.run(false);
        reply([])
    }

    fn events(&mut self, number: usize) -> Reply {
        let conn = &mut self.conns[number];
        let mut fields: Map<String, Value> = Map::new();
        fields.insert("events".into(), json!(std::mem::take(&mut conn.events)));
        if !conn.reason.is_empty() {
            fields.insert("reason".into(), conn.reason.into());
        }
        Ok(fields)
    }
}
