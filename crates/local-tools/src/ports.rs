//! What to say about a port that cannot be used.

use std::io;
use std::net::TcpListener;

/// A sentence for an error when listening on `port`, which the variable `name` of `make dev` chooses.
pub fn taken(name: &str, port: u16, error: &io::Error) -> String {
    let why = match error.kind() {
        io::ErrorKind::AddrInUse => "is in use, perhaps by another `make dev`".to_owned(),
        io::ErrorKind::PermissionDenied => "is for administrators only".to_owned(),
        _ => format!("cannot be used ({error})"),
    };
    let other = free_after(port.max(LEAST));
    // Where one is taken, the other mostly is too.
    let page =
        if name == "PORT" { format!(" PAGE_PORT={}", free_after(other)) } else { String::new() };
    format!("Port {port} {why}. Type the same with another, such as {name}={other}{page}")
}

/// Each listener needs a port of its own; 0 takes a free one.
///
/// # Errors
/// Which two have the same, and what to type instead.
pub fn differ(chosen: &[(&str, u16)]) -> Result<(), String> {
    for (index, (name, port)) in chosen.iter().enumerate() {
        let same = chosen[..index].iter().find(|(_, other)| other == port && *port != 0);
        if let Some((first, _)) = same {
            let other = free_after(*port);
            return Err(format!(
                "{first} and {name} are both {port}. Type the same with another, such as {name}={other}"
            ));
        }
    }
    Ok(())
}

/// Ports below are for administrators.
const LEAST: u16 = 1024;

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
    fn two_of_the_same_are_a_sentence_but_two_free_ones_are_not() {
        let error = differ(&[("PORT", 9000), ("PAGE_PORT", 9000)]).unwrap_err();
        assert!(error.starts_with("PORT and PAGE_PORT are both 9000. "), "{error}");
        assert!(error.contains("such as PAGE_PORT="), "{error}");
        assert_eq!(differ(&[("PORT", 0), ("PAGE_PORT", 0), ("CUSTOMERIO_PORT", 9000)]), Ok(()));
    }

    #[test]
    fn a_port_in_use_is_a_sentence_with_a_free_one() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let error = TcpListener::bind(("127.0.0.1", port)).unwrap_err();
        let text = taken("PAGE_PORT", port, &error);
        assert!(text.starts_with(&format!("Port {port} is in use")), "{text}");
        let (_, suggested) = text.rsplit_once("such as PAGE_PORT=").unwrap();
        TcpListener::bind(("127.0.0.1", suggested.parse().unwrap())).unwrap();

        let text = taken("PORT", port, &error);
        let (_, suggested) = text.rsplit_once("such as PORT=").unwrap();
        let (one, other) = suggested.split_once(" PAGE_PORT=").unwrap();
        assert_ne!(one, other);
    }
}
