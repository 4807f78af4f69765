//! What to say about a port that cannot be used.

use std::io;
use std::net::TcpListener;

/// A sentence for an error when listening on `port`, which the variable `name` of `make dev` chooses.
pub fn taken(name: &str, port: u16, error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::AddrInUse => format!(
            "Port {port} is in use, perhaps by another `make dev`. Choose another: make dev {name}={}",
            free_after(port)
        ),
        io::ErrorKind::PermissionDenied => format!(
            "Port {port} is for administrators only. Choose one above 1023: make dev {name}={}",
            free_after(9000)
        ),
        _ => format!("Port {port} cannot be used ({error}). Choose another: make dev {name}=…"),
    }
}

/// A port that is free now, soon after another.
fn free_after(port: u16) -> u16 {
    let candidates = (1..=100).filter_map(|step| port.checked_add(step * 10));
    let mut free = candidates.filter(|port| TcpListener::bind(("127.0.0.1", *port)).is_ok());
    free.next().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_port_in_use_is_a_sentence_with_a_free_one() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let error = TcpListener::bind(("127.0.0.1", port)).unwrap_err();
        let text = taken("PAGE_PORT", port, &error);
        assert!(text.starts_with(&format!("Port {port} is in use")), "{text}");
        let (_, suggested) = text.rsplit_once("make dev PAGE_PORT=").unwrap();
        TcpListener::bind(("127.0.0.1", suggested.parse().unwrap())).unwrap();
    }
}
