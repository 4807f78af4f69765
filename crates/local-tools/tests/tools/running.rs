//! The program `local`, as the Makefile starts it.

use stand_ins::proc;
use stand_ins::settings::SETTINGS;
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Child, Command, Output, Stdio};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

/// Long enough for a machine that is busy with other tests.
const PATIENCE: Duration = Duration::from_secs(90);

fn command(arguments: &[&str], environment: &[(&str, &str)]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_local"));
    // What may be in the environment of the tests.
    for name in SETTINGS.into_iter().chain(["DODO_WEBHOOK_SECRET"]) {
        command.env_remove(name);
    }
    command.args(arguments).envs(environment.iter().copied()).current_dir(root());
    command
}

pub fn root() -> PathBuf {
    stand_ins::project::project_file("")
}

/// How a tool ended, and what it printed.
#[derive(Debug)]
pub struct Ended {
    pub code: Option<i32>,
    pub output: String,
    pub errors: String,
}

impl Ended {
    /// Asserts that it failed with a sentence, not with a panic, and returns it.
    pub fn sentence(self) -> String {
        let Self { code, errors, .. } = &self;
        assert!(code.is_some_and(|code| code == 1 || code == 2), "{self:?}");
        assert!(!errors.trim().is_empty() && !errors.contains("panicked"), "{self:?}");
        self.errors
    }
}

impl From<Output> for Ended {
    fn from(output: Output) -> Self {
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        let code = output.status.code();
        Self { code, output: text(output.stdout), errors: text(output.stderr) }
    }
}

/// Waits until none of the processes lives.
pub fn wait_until_gone(processes: &[u32]) {
    // Of one that has ended, and that nobody has asked for, this is empty.
    let lives =
        |pid: &&u32| fs::read(format!("/proc/{pid}/cmdline")).is_ok_and(|it| !it.is_empty());
    let start = Instant::now();
    loop {
        let left: Vec<_> = processes.iter().filter(lives).collect();
        if left.is_empty() {
            return;
        }
        assert!(start.elapsed() < Duration::from_secs(20), "{left:?} of {processes:?} are left");
        thread::sleep(Duration::from_millis(50));
    }
}

/// Runs a tool to its end.
pub fn local(arguments: &[&str], environment: &[(&str, &str)]) -> Ended {
    let mut command = command(arguments, environment);
    command.stdin(Stdio::null()).output().unwrap().into()
}

/// The same with something to read.
pub fn local_reading(arguments: &[&str], input: &str) -> Ended {
    let mut command = command(arguments, &[]);
    let piped = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut process = piped.spawn().unwrap();
    process.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    process.wait_with_output().unwrap().into()
}

/// A folder of its own for a test; removed in the end.
pub struct Folder(pub PathBuf);

impl Folder {
    pub fn new() -> Self {
        let folder = std::env::temp_dir().join(format!("tools-{}", stand_ins::dodo::random_hex()));
        fs::create_dir_all(&folder).unwrap();
        Self(folder)
    }

    /// As editors save: under another name, then renamed.
    pub fn write(&self, name: &str, text: &str) -> String {
        let (new, path) = (self.0.join("new~"), self.0.join(name));
        fs::write(&new, text).unwrap();
        fs::rename(new, &path).unwrap();
        path.to_str().unwrap().to_owned()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// A running `local dev`; it is interrupted when dropped.
pub struct Dev {
    process: Child,
    lines: Arc<Mutex<Vec<String>>>,
    /// How many lines have been looked through.
    seen: usize,
    pub port: String,
    /// Where its page is.
    pub page: String,
}

impl Dev {
    /// Starts it on free ports and waits until it is ready. As a terminal does, it gets a process group.
    pub fn start(arguments: &[&str], environment: &[(&str, &str)]) -> Self {
        Self::start_with_errors(arguments, environment, Stdio::inherit())
    }

    /// The same; what it and its children write to standard error goes to `errors`.
    pub fn start_with_errors(
        arguments: &[&str],
        environment: &[(&str, &str)],
        errors: Stdio,
    ) -> Self {
        let any_port: &[&str] = if arguments.contains(&"--port") { &[] } else { &["--port", "0"] };
        let ports = [&["dev", "--page-port", "0"], any_port].concat();
        let mut command = command(&[&ports[..], arguments].concat(), environment);
        let command = command.process_group(0).stderr(errors);
        let piped = command.stdin(Stdio::null()).stdout(Stdio::piped());
        let mut process = piped.spawn().unwrap();
        let lines = Arc::new(Mutex::new(Vec::new()));
        let (output, written) = (BufReader::new(process.stdout.take().unwrap()), lines.clone());
        thread::spawn(move || {
            output.lines().map_while(Result::ok).for_each(|it| written.lock().unwrap().push(it));
        });
        let mut dev = Self { process, lines, seen: 0, port: String::new(), page: String::new() };
        let page = dev.says("page ");
        dev.page = page.split_whitespace().last().unwrap().into();
        let url = dev.says("function URL");
        dev.port = url.trim_end_matches('/').rsplit(':').next().unwrap().into();
        dev.says("Ctrl-C ends it");
        dev
    }

    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}/", self.port)
    }

    /// Sends a sample to it.
    pub fn send(&self, event: &str) -> Ended {
        local(&["send", event, "--port", &self.port], &[])
    }

    /// Waits until it prints a line with `words`, after those found before, and returns it.
    pub fn says(&mut self, words: &str) -> String {
        let start = Instant::now();
        loop {
            if let Some(line) = self.next_with(words) {
                return line;
            }
            let has_ended = !matches!(self.process.try_wait(), Ok(None));
            let is_late = has_ended || start.elapsed() > PATIENCE;
            assert!(!is_late, "\"{words}\" in\n{}", self.output());
            thread::sleep(Duration::from_millis(20));
        }
    }

    fn next_with(&mut self, words: &str) -> Option<String> {
        let lines = self.lines.lock().unwrap();
        let found = lines[self.seen..].iter().position(|line| line.contains(words))?;
        self.seen += found + 1;
        Some(lines[self.seen - 1].clone())
    }

    /// Everything so far.
    pub fn output(&self) -> String {
        self.lines.lock().unwrap().join("\n")
    }

    /// As Ctrl-C in a terminal does: all of its process group get the signal. Returns the exit code.
    pub fn interrupt(&mut self) -> Option<i32> {
        self.signal("-INT", &format!("-{}", self.process.id()))
    }

    /// As `kill -9` does.
    pub fn kill(&mut self) {
        self.signal("-KILL", &self.process.id().to_string());
    }

    fn signal(&mut self, signal: &str, to: &str) -> Option<i32> {
        assert!(Command::new("kill").args([signal, "--", to]).status().unwrap().success());
        self.process.wait().unwrap().code()
    }

    /// All the processes that it has started, and those that they have.
    pub fn descendants(&self) -> Vec<u32> {
        let mut found = proc::children(self.process.id());
        let mut index = 0;
        while let Some(pid) = found.get(index) {
            found.extend(proc::children(*pid));
            index += 1;
        }
        found
    }
}

impl Drop for Dev {
    fn drop(&mut self) {
        if matches!(self.process.try_wait(), Ok(None)) {
            self.interrupt();
        }
        for name in ["function", "queue-function"] {
            let log = format!("target/local/{name}-{}.log", self.port);
            let _ = fs::remove_file(root().join(log));
        }
    }
}
