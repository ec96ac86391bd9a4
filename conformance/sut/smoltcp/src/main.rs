//! lastack's adapter for smoltcp: one JSON object per line in, one out (conformance/sut/PROTOCOL.md). smoltcp runs in
//! virtual time: it is told the time of each request and has no other clock.

mod calls;
mod device;
mod info;
mod iss;
mod options;
mod request;
mod stack;

use options::Choices;
use request::{broken, refused, unsupported, Fields, Not, Outcome};
use serde_json::{json, Value};
use smoltcp::wire::IpCidr;
use stack::Stack;
use std::io::{BufRead, Read, Write};

const PROTOCOL: u64 = 1;
const LONGEST_LINE: u64 = 4 << 20;
/// smoltcp adds durations to times without a check: 2^60 us leave room.
const LAST_TIME_US: u64 = 1 << 60;

struct Adapter {
    stack: Option<Stack>,
    version: String,
}

fn hello(version: &str) -> Fields {
    let mut caps = vec![
        "virtual-time",
        "info",
        "ipv6",
        "timestamps",
        "sack",
        "window-scale",
        "deterministic",
        "simultaneous-open",
    ];
    if iss::works() {
        caps.push("set-iss");
    }
    let reply = json!({"protocol": PROTOCOL, "name": "smoltcp", "version": version, "caps": caps,
                       "profile": "msl_ms=5000"});
    reply.as_object().cloned().unwrap_or_default()
}

fn reset(request: &Fields) -> Outcome<(Stack, Fields)> {
    let mut addresses = Vec::new();
    for (name, prefix) in [("ip4", 24), ("ip6", 64)] {
        addresses.push(IpCidr::new(request::address(request, name)?, prefix));
    }
    let mtu = request::number_or(request, "mtu", 65_535, 1500)? as usize;
    if mtu < 256 {
        return unsupported("mtu: at least 256 octets");
    }
    let seed = request::number_or(request, "seed", u64::MAX, 0)?;
    let now = request::number_or(request, "t_us", LAST_TIME_US, 0)?;
    let (choices, ignored) = Choices::of_reset(request)?;
    let mut fields = Fields::new();
    if !ignored.is_empty() {
        fields.insert("ignored".into(), json!(ignored));
    }
    Ok((Stack::new(addresses, mtu, seed, choices, now as i64), fields))
}

impl Adapter {
    fn answer(&mut self, request: &Fields) -> Outcome<Fields> {
        match request::text(request, "cmd")? {
            "hello" => Ok(hello(&self.version)),
            "bye" => Ok(Fields::new()),
            "reset" => {
                self.stack = None;
                let (stack, fields) = reset(request)?;
                self.stack = Some(stack);
                Ok(fields)
            }
            verb @ ("rx" | "tick" | "app" | "info") => {
                let Some(stack) = &mut self.stack else { return broken("there is no stack: reset it first") };
                stack.at(request::number(request, "t_us", LAST_TIME_US)? as i64);
                match verb {
                    "rx" => stack.rx(request::octets(request, "ip")?),
                    "tick" => stack.run(false),
                    "app" => return stack.call(request),
                    _ => match request::handle(request)? {
                        Some(number) if number < stack.conns.len() => {
                            return Ok(Fields::from_iter([("info".into(), stack.info(number).into())]));
                        }
                        _ => return refused("unknown handle"),
                    },
                }
                Ok(Fields::new())
            }
            verb => unsupported(format!("no request '{verb}'")),
        }
    }

    /// The whole reply to a line, and whether it was the last one.
    fn reply_to(&mut self, line: &[u8]) -> (Value, bool) {
        let request = match serde_json::from_slice(line) {
            Ok(Value::Object(request)) => request,
            Ok(_) => return (json!({"id": null, "internal": "the request is not a JSON object"}), false),
            Err(error) => return (json!({"id": null, "internal": format!("not JSON: {error}")}), false),
        };
        let verb = request.get("cmd").and_then(Value::as_str).unwrap_or("");
        let mut reply = self.answer(&request).unwrap_or_else(|not| {
            let (outcome, text) = match not {
                Not::Unsupported(text) => ("unsupported", text),
                Not::Refused(text) => ("error", text),
                Not::Broken(text) => ("internal", text),
            };
            Fields::from_iter([(outcome.into(), text.into())])
        });
        reply.insert("id".into(), request.get("id").filter(|id| id.is_i64() || id.is_u64()).cloned().into());
        if let (Some(stack), "reset" | "rx" | "tick" | "app") = (&mut self.stack, verb) {
            let out: Vec<String> = stack.wire.take_leaving().iter().map(|packet| request::hex(packet)).collect();
            if !out.is_empty() {
                reply.insert("out".into(), out.into());
            }
            reply.insert("next_us".into(), stack.next_us().into());
        }
        (reply.into(), verb == "bye")
    }
}

/// The version of smoltcp that this program was built with, from the lock file.
fn version() -> String {
    let lock = include_str!("../Cargo.lock");
    let mut lines = lock.lines().skip_while(|line| *line != "name = \"smoltcp\"");
    let version = lines.nth(1).and_then(|line| line.strip_prefix("version = "));
    version.unwrap_or("unknown").trim_matches('"').to_string()
}

fn main() -> std::io::Result<()> {
    let mut input = std::io::stdin().lock();
    let mut output = std::io::stdout().lock();
    let mut adapter = Adapter { stack: None, version: version() };
    loop {
        let mut line = Vec::new();
        if input.by_ref().take(LONGEST_LINE).read_until(b'\n', &mut line)? == 0 {
            return Ok(());
        }
        let (reply, last) = if line.last() != Some(&b'\n') && line.len() as u64 == LONGEST_LINE {
            input.skip_until(b'\n')?;
            (json!({"id": null, "internal": format!("the line is longer than {LONGEST_LINE} octets")}), false)
        } else {
            adapter.reply_to(&line)
        };
        writeln!(output, "{reply}")?;
        output.flush()?;
        if last {
            return Ok(());
        }
    }
}
