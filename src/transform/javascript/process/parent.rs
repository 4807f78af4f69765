use super::channel::{self, Receiver, Sender};
use super::{ROLE, Start};
use crate::transform::javascript::engine::{Answer, Failure, Input, Kind, Limits, Source};
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// How long a file's run may take: one that exceeds its limits must be answered within two seconds. Enough
/// for its 100 ms of CPU at the share of a function of 128 MB, a fourteenth.
pub const PATIENCE: Duration = Duration::from_millis(1_700);

/// How long all files together may take, so that a request to Customer.io still fits into the 10 s that a
/// webhook has.
pub const PATIENCE_WITH_ALL: Duration = Duration::from_secs(6);

/// How long the process may take to start and to check its files. Lambda's init phase ends after 10 s.
const PATIENCE_AT_START: Duration = Duration::from_secs(8);

/// How long a replacement may take to accept its files, while a webhook waits for its answer.
const PATIENCE_FOR_A_REPLACEMENT: Duration = Duration::from_millis(100);

/// Signals as the kernel numbers them, on both of Lambda's architectures.
const SIGABRT: i32 = 6;
const SIGKILL: i32 = 9;
const SIGTERM: i32 = 15;
const SIGXCPU: i32 = 24;

/// The process that runs handlers, and its replacement when it has to be killed.
#[derive(Debug)]
pub(in super::super) struct Process {
    program: PathBuf,
    start: Start,
    running: Mutex<Option<Running>>,
}

#[derive(Debug)]
struct Running {
    child: Child,
    receiver: Receiver,
    sender: Sender,
}

/// What is wrong with a file, by its index; without one, why no process could be started.
pub(in super::super) type Problem = (Option<usize>, Failure);

impl Process {
    /// Starts `program`, which must begin with [`run_if_asked`](super::run_if_asked), and lets it check
    /// each file. Returns which function each defines.
    ///
    /// # Errors
    /// Every file that is not usable.
    pub(in super::super) fn start(
        program: PathBuf,
        sources: &[Source],
        limits: Limits,
    ) -> Result<(Self, Vec<Kind>), Vec<Problem>> {
        let keep_notes = tracing::enabled!(tracing::Level::DEBUG);
        let start = Start { sources: sources.to_vec(), limits, keep_notes, check: true };
        let until = Instant::now() + PATIENCE_AT_START;
        let mut running = Running::start(&program, &start, until)
            .map_err(|error| vec![(None, not_started(&error))])?;
        let (mut kinds, mut problems) = (Vec::new(), Vec::new());
        for index in 0..sources.len() {
            let checked = running.receiver.expect::<Result<Kind, Failure>>();
            let is_over = checked.is_err();
            let checked = checked.unwrap_or_else(|error| {
                let killed = || Failure::saying("the process that checks it was killed");
                Err(running.end(&error, limits).unwrap_or_else(killed))
            });
            match checked {
                Ok(kind) => kinds.push(kind),
                Err(failure) => problems.push((Some(index), failure)),
            }
            if is_over {
                break;
            }
        }
        if !problems.is_empty() {
            return Err(problems);
        }
        let start = Start { check: false, ..start };
        Ok((Self { program, start, running: Mutex::new(Some(running)) }, kinds))
    }

    /// Keeps notes of each run from now on: see [`Answer`].
    pub(in super::super) fn keep_notes(&mut self) {
        self.start.keep_notes = true;
        // The next run starts one that knows.
        *self.running.get_mut().unwrap_or_else(PoisonError::into_inner) = None;
    }

    /// Runs each file on a webhook: an answer a file, up to the first failure.
    pub(in super::super) fn run(&self, input: &Input<'_>) -> Vec<Answer> {
        let mut running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        let until = Instant::now() + PATIENCE_WITH_ALL;
        let answers = self.attempt(&mut running, input, until);
        // Somebody else killed it, for want of memory for example. That says nothing of the webhook.
        let answers = answers.or_else(|| self.attempt(&mut running, input, until));
        answers.unwrap_or_else(|| vec![Failure::saying("its process was killed twice").into()])
    }

    /// `None` if the process was killed, but not by its limits. There is a process afterwards, if one
    /// can be started: at once, so that the next webhook finds it ready.
    fn attempt(
        &self,
        running: &mut Option<Running>,
        input: &Input<'_>,
        until: Instant,
    ) -> Option<Vec<Answer>> {
        let alive = running.take().and_then(Running::if_alive);
        let alive = alive.map_or_else(|| Running::start(&self.program, &self.start, until), Ok);
        let mut process = match alive {
            Ok(process) => process,
            Err(error) => return Some(vec![not_started(&error).into()]),
        };
        let mut answers = Vec::new();
        let Err(error) = process.ask(input, until, self.start.sources.len(), &mut answers) else {
            *running = Some(process);
            return Some(answers);
        };
        let failure = process.end(&error, self.start.limits);
        // It must not burn the CPU that the next one needs.
        drop(process);
        let until = Instant::now() + PATIENCE_FOR_A_REPLACEMENT;
        *running = Running::start(&self.program, &self.start, until).ok();
        answers.push(failure?.into());
        Some(answers)
    }
}

impl Running {
    fn start(program: &Path, start: &Start, until: Instant) -> io::Result<Self> {
        let (ours, theirs) = UnixStream::pair()?;
        let child = Command::new(program)
            .arg(ROLE)
            .env_clear()
            .current_dir("/")
            .stdin(Stdio::from(OwnedFd::from(theirs)))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()?;
        let (receiver, sender) = channel::open(ours)?;
        let mut running = Self { child, receiver, sender };
        running.wait_until(until)?;
        running.sender.send(start)?;
        Ok(running)
    }

    fn wait_until(&mut self, until: Instant) -> io::Result<()> {
        self.receiver.set_deadline(until);
        self.sender.set_deadline(until)
    }

    fn if_alive(mut self) -> Option<Self> {
        matches!(self.child.try_wait(), Ok(None)).then_some(self)
    }

    fn ask(
        &mut self,
        input: &Input<'_>,
        until: Instant,
        files: usize,
        answers: &mut Vec<Answer>,
    ) -> io::Result<()> {
        self.wait_until(until.min(Instant::now() + PATIENCE))?;
        self.sender.send(input)?;
        while answers.len() < files && answers.last().is_none_or(|answer| answer.result.is_ok()) {
            self.receiver.set_deadline(until.min(Instant::now() + PATIENCE));
            answers.push(self.receiver.expect()?);
        }
        Ok(())
    }

    /// Why it has to end, or has ended; `None` if somebody killed it.
    fn end(&mut self, error: &io::Error, limits: Limits) -> Option<Failure> {
        use io::ErrorKind::{BrokenPipe, ConnectionReset, TimedOut, UnexpectedEof, WouldBlock};
        let message = match error.kind() {
            UnexpectedEof | BrokenPipe | ConnectionReset => return self.ended(limits),
            TimedOut | WouldBlock => format!(
                "it was not done after {} ms ({} for all files)",
                PATIENCE.as_millis(),
                PATIENCE_WITH_ALL.as_millis()
            ),
            _ => format!("its process cannot be understood: {error}"),
        };
        Some(Failure::saying(message))
    }

    /// Why it has ended by itself; `None` if somebody killed it.
    fn ended(&mut self, limits: Limits) -> Option<Failure> {
        match self.child.wait().ok().and_then(|status| status.signal()) {
            Some(SIGKILL | SIGTERM) => None,
            Some(SIGXCPU) => Some(Failure::too_slow(limits)),
            Some(SIGABRT) => Some(Failure::too_large(limits)),
            Some(signal) => Some(Failure::saying(format!("its process ended by signal {signal}"))),
            None => Some(Failure::saying("its process ended")),
        }
    }
}

/// Kills it, if it lives.
impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn not_started(error: &io::Error) -> Failure {
    Failure::saying(format!("the process that runs handlers cannot be started: {error}"))
}
