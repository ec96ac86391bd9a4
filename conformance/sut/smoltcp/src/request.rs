//! Fields of a request, checked: what is missing or of another type is the adapter's `internal`, never a guess. And the
//! three other outcomes of a request.

use serde_json::{json, Map, Value};
use smoltcp::wire::{IpAddress, IpEndpoint};
use std::net::IpAddr;

pub type Fields = Map<String, Value>;

/// Why a request was not done (PROTOCOL.md, common fields).
pub enum Not {
    Unsupported(String),
    Refused(String),
    Broken(String),
}

pub type Outcome<T> = Result<T, Not>;

pub fn unsupported<T>(why: impl Into<String>) -> Outcome<T> {
    Err(Not::Unsupported(why.into()))
}

pub fn refused<T>(why: impl Into<String>) -> Outcome<T> {
    Err(Not::Refused(why.into()))
}

pub fn broken<T>(why: impl Into<String>) -> Outcome<T> {
    Err(Not::Broken(why.into()))
}

fn value<'a>(fields: &'a Fields, name: &str) -> Option<&'a Value> {
    fields.get(name).filter(|value| !value.is_null())
}

fn required<'a>(fields: &'a Fields, name: &str) -> Outcome<&'a Value> {
    value(fields, name).ok_or_else(|| Not::Broken(format!("field '{name}' is missing")))
}

pub fn number(fields: &Fields, name: &str, most: u64) -> Outcome<u64> {
    match required(fields, name)?.as_u64() {
        Some(number) if number <= most => Ok(number),
        _ => broken(format!("field '{name}' is not an integer from 0 to {most}")),
    }
}

pub fn number_or(fields: &Fields, name: &str, most: u64, otherwise: u64) -> Outcome<u64> {
    if value(fields, name).is_none() { Ok(otherwise) } else { number(fields, name, most) }
}

pub fn port(fields: &Fields) -> Outcome<u16> {
    Ok(number(fields, "port", u16::MAX.into())? as u16)
}

/// A handle, or None for -1.
pub fn handle(fields: &Fields) -> Outcome<Option<usize>> {
    match required(fields, "conn")?.as_i64() {
        Some(-1) => Ok(None),
        Some(number) if (0..=i64::from(i32::MAX)).contains(&number) => Ok(Some(number as usize)),
        _ => broken("field 'conn' is not a handle"),
    }
}

pub fn truth_or(fields: &Fields, name: &str, otherwise: bool) -> Outcome<bool> {
    match value(fields, name) {
        None => Ok(otherwise),
        Some(Value::Bool(truth)) => Ok(*truth),
        Some(_) => broken(format!("field '{name}' is not true or false")),
    }
}

pub fn text<'a>(fields: &'a Fields, name: &str) -> Outcome<&'a str> {
    required(fields, name)?.as_str().ok_or_else(|| Not::Broken(format!("field '{name}' is not a string")))
}

pub fn octets(fields: &Fields, name: &str) -> Outcome<Vec<u8>> {
    let digits = text(fields, name)?.as_bytes();
    if digits.len() % 2 != 0 {
        return broken(format!("field '{name}' is not hex: it has an odd number of digits"));
    }
    let digit = |position: usize| {
        (digits[position] as char)
            .to_digit(16)
            .map(|digit| digit as u8)
            .ok_or_else(|| Not::Broken(format!("field '{name}' is not hex: no digit at position {position}")))
    };
    (0..digits.len() / 2).map(|i| Ok(digit(2 * i)? * 16 + digit(2 * i + 1)?)).collect()
}

pub fn hex(octets: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    octets.iter().flat_map(|octet| [octet >> 4, octet & 15]).map(|digit| DIGITS[usize::from(digit)] as char).collect()
}

pub fn address(fields: &Fields, name: &str) -> Outcome<IpAddress> {
    let address: Result<IpAddr, _> = text(fields, name)?.parse();
    address.map(IpAddress::from).map_err(|_| Not::Broken(format!("field '{name}' is not an IP address")))
}

pub fn remote(fields: &Fields) -> Outcome<IpEndpoint> {
    let Some(remote) = required(fields, "remote")?.as_object() else {
        return broken("field 'remote' is not an object {\"ip\":..., \"port\":...}");
    };
    Ok(IpEndpoint::new(address(remote, "ip")?, port(remote)?))
}

pub fn remote_to_json(remote: IpEndpoint) -> Value {
    json!({"ip": remote.addr.to_string(), "port": remote.port})
}
