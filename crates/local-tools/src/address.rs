//! How `make send` and `make invoke` find a running `make dev`: each one has a file with its address.

use serde_json::{Value, json};
use stand_ins::project::project_file;
use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

/// A port on this machine accepts a connection at once.
const PATIENCE: Duration = Duration::from_secs(1);

/// Where a function listens, and what it accepts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Address {
    /// Port of the function URL on 127.0.0.1.
    pub port: u16,
    /// A random secret of this run; never the merchant's.
    pub webhook_secret: String,
}

/// An address that others can find until this is dropped.
#[derive(Debug)]
pub struct Announced(PathBuf);

impl Address {
    /// The function URL.
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}/", self.port)
    }

    /// Lets others find it.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub fn announce(&self) -> Result<Announced, String> {
        self.announce_in(&folder())
    }

    fn announce_in(&self, folder: &Path) -> Result<Announced, String> {
        let path = folder.join(format!("{}.json", self.port));
        let text = json!({"port": self.port, "webhook_secret": self.webhook_secret}).to_string();
        let written = fs::create_dir_all(folder).and_then(|()| write(&path, &text));
        written.map_err(|error| format!("{} cannot be written ({error}).", path.display()))?;
        Ok(Announced(path))
    }

    /// The running `make dev` of this port, or the newest.
    ///
    /// # Errors
    /// What to type instead.
    pub fn find(port: Option<u16>) -> Result<Self, String> {
        choose(running(&folder()), port)
    }
}

/// Its own file only: others may be running.
impl Drop for Announced {
    fn drop(&mut self) {
        drop(fs::remove_file(&self.0));
    }
}

fn folder() -> PathBuf {
    project_file("target/local/dev")
}

/// For its owner alone, and at once: somebody may be reading.
fn write(path: &Path, text: &str) -> io::Result<()> {
    let new = path.with_extension("new");
    // With the modes of an older file.
    drop(fs::remove_file(&new));
    let mut options = OpenOptions::new();
    let mut file = options.write(true).create_new(true).mode(0o600).open(&new)?;
    file.write_all(text.as_bytes())?;
    fs::rename(new, path)
}

/// Those that still listen, newest first. What a killed one left behind is removed.
fn running(folder: &Path) -> Vec<Address> {
    let files = fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path());
    let files = files.filter(|path| path.extension().is_some_and(|it| it == "json"));
    let written = |path: &PathBuf| fs::metadata(path).and_then(|file| file.modified()).ok();
    let mut files: Vec<(SystemTime, PathBuf)> =
        files.filter_map(|path| Some((written(&path)?, path))).collect();
    files.sort();
    let running = files.into_iter().rev().filter_map(|(_, path)| {
        let address = read(&path).filter(listens);
        if address.is_none() {
            drop(fs::remove_file(path));
        }
        address
    });
    running.collect()
}

fn read(path: &Path) -> Option<Address> {
    let address: Value = serde_json::from_str(&fs::read_to_string(path).ok()?).ok()?;
    let port = u16::try_from(address["port"].as_u64()?).ok()?;
    Some(Address { port, webhook_secret: address["webhook_secret"].as_str()?.to_owned() })
}

fn listens(address: &Address) -> bool {
    let socket = SocketAddr::from((Ipv4Addr::LOCALHOST, address.port));
    TcpStream::connect_timeout(&socket, PATIENCE).is_ok()
}

fn choose(running: Vec<Address>, port: Option<u16>) -> Result<Address, String> {
    let ports: Vec<_> = running.iter().map(|it| it.port.to_string()).collect();
    let mut found = running.into_iter().filter(|it| port.is_none_or(|port| it.port == port));
    found.next().ok_or_else(|| match (port, ports.as_slice()) {
        (Some(port), [_, ..]) => format!(
            "No `make dev` listens on port {port}. Running: PORT={}. Or start one: make dev PORT={port}",
            ports.join(", PORT=")
        ),
        (Some(port), []) => {
            format!("No `make dev` listens on port {port}. Start one: make dev PORT={port}")
        }
        (None, _) => "No function is running here. Start one with `make dev`, or name a deployed one: \
                      DODO_WEBHOOK_SECRET=whsec_… make send EVENT=… URL=https://…"
            .to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::TcpListener;
    use std::os::unix::fs::PermissionsExt;

    fn listening() -> (TcpListener, Address) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        (listener, Address { port, webhook_secret: format!("whsec_{port}") })
    }

    fn folder() -> PathBuf {
        let folder =
            std::env::temp_dir().join(format!("address-{}", stand_ins::dodo::random_hex()));
        fs::create_dir_all(&folder).unwrap();
        folder
    }

    #[test]
    fn two_live_side_by_side_and_each_takes_back_its_own_address_only() {
        let (folder, (_one, first), (_other, second)) = (folder(), listening(), listening());
        let announced = first.announce_in(&folder).unwrap();
        std::thread::sleep(Duration::from_millis(20));
        let later = second.announce_in(&folder).unwrap();
        assert_eq!(running(&folder), [second.clone(), first.clone()], "newest first");
        assert_eq!(choose(running(&folder), Some(first.port)).unwrap(), first);
        drop(later);
        assert_eq!(running(&folder), [first]);
        drop(announced);
        assert_eq!(running(&folder), []);
        fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn the_file_is_for_its_owner_and_one_that_was_left_behind_is_removed() {
        let (folder, (listener, address)) = (folder(), listening());
        let announced = address.announce_in(&folder).unwrap();
        let mode = fs::metadata(&announced.0).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        drop(listener);
        assert_eq!(running(&folder), []);
        assert!(!announced.0.exists());
        fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn who_names_another_port_is_told_which_there_are() {
        let address = |port| Address { port, webhook_secret: String::new() };
        let error = choose(vec![address(9000), address(9010)], Some(9020)).unwrap_err();
        assert!(error.contains("PORT=9000, PORT=9010") && error.contains("9020"), "{error}");
        let error = choose(Vec::new(), Some(9020)).unwrap_err();
        assert!(error.ends_with("make dev PORT=9020"), "{error}");
        assert!(choose(Vec::new(), None).unwrap_err().contains("Start one with `make dev`"));
    }
}
