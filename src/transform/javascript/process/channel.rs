use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use std::io::{self, BufRead, BufReader, Read, Write};
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

/// Two ways over one socket: messages as JSON, a line each.
pub(super) fn open(socket: UnixStream) -> io::Result<(Receiver, Sender)> {
    let sender = Sender(socket.try_clone()?);
    let socket = Timed { socket, until: None };
    Ok((Receiver { reader: BufReader::new(socket), line: String::new() }, sender))
}

/// What the other side says.
#[derive(Debug)]
pub(super) struct Receiver {
    reader: BufReader<Timed>,
    line: String,
}

/// What the other side is told.
#[derive(Debug)]
pub(super) struct Sender(UnixStream);

/// A socket whose reads end at an instant, if there is one.
#[derive(Debug)]
struct Timed {
    socket: UnixStream,
    until: Option<Instant>,
}

impl Read for Timed {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if let Some(until) = self.until {
            self.socket.set_read_timeout(Some(left(until)?))?;
        }
        self.socket.read(buffer)
    }
}

/// A time-out of zero would mean none.
fn left(until: Instant) -> io::Result<Duration> {
    let left = until.saturating_duration_since(Instant::now());
    if left.is_zero() { Err(io::ErrorKind::TimedOut.into()) } else { Ok(left) }
}

impl Receiver {
    /// Receiving ends at an instant from now on.
    pub(super) fn set_deadline(&mut self, until: Instant) {
        self.reader.get_mut().until = Some(until);
    }

    /// `None` when the other side has closed.
    pub(super) fn next<'a, T: Deserialize<'a>>(&'a mut self) -> io::Result<Option<T>> {
        // A large message is no reason to keep its memory.
        self.line = String::new();
        if self.reader.read_line(&mut self.line)? == 0 {
            return Ok(None);
        }
        Ok(Some(serde_json::from_str(&self.line)?))
    }

    /// A message that the other side owes.
    pub(super) fn expect<T: DeserializeOwned>(&mut self) -> io::Result<T> {
        self.next()?.ok_or_else(|| io::ErrorKind::UnexpectedEof.into())
    }
}

impl Sender {
    /// Sending ends at an instant from now on.
    pub(super) fn set_deadline(&mut self, until: Instant) -> io::Result<()> {
        self.0.set_write_timeout(Some(left(until)?))
    }

    pub(super) fn send(&mut self, message: &impl Serialize) -> io::Result<()> {
        let mut line = serde_json::to_vec(message)?;
        line.push(b'\n');
        self.0.write_all(&line)
    }
}
