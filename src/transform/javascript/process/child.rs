use super::cage::Cage;
use super::{ROLE, Start, channel};
use crate::transform::javascript::engine::{self, Answer, Engine, Failure, Input, Run};
use std::io::{self, stdin};
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::process::ExitCode;

/// Runs handlers until the parent is gone, if this process was started for that. The first thing that a
/// program does: nothing else may have been opened or started.
pub fn run_if_asked() -> Option<ExitCode> {
    let is_asked = std::env::args_os().nth(1).is_some_and(|argument| argument == ROLE);
    // Whoever starts this role by hand gets an error, for want of a socket.
    is_asked.then(|| run().map_or(ExitCode::FAILURE, |()| ExitCode::SUCCESS))
}

fn run() -> io::Result<()> {
    let socket = UnixStream::from(stdin().as_fd().try_clone_to_owned()?);
    let (mut receiver, mut sender) = channel::open(socket)?;
    let Some(Start { sources, limits, keep_notes, check }) = receiver.next()? else {
        return Ok(());
    };
    let mut cage = Cage::enter(limits, sources.len())?;
    if check {
        for source in &sources {
            sender.send(&cage.within(|| engine::check(source, limits))?)?;
        }
    }
    loop {
        // Made while the parent is still busy with the webhook before.
        let engines: Vec<_> =
            sources.iter().map(|source| Engine::new(source, limits, keep_notes)).collect();
        let Some(mut input) = receiver.next::<Input<'_>>()? else { return Ok(()) };
        for mut engine in engines {
            let answer = cage.within(|| answer(&mut engine, &input))?;
            sender.send(&answer)?;
            cage.within(|| drop(engine))?;
            match answer.result {
                // Each `extend` works on what the one before it returned.
                Ok(Run::Extended(request)) => input.request = Some(request.into()),
                Ok(Run::Dropped) => input.request = None,
                Ok(_) => {}
                Err(_) => break,
            }
        }
    }
}

fn answer(engine: &mut Result<Engine<'_>, Failure>, input: &Input<'_>) -> Answer {
    match engine {
        Ok(engine) => engine.run(input),
        Err(failure) => failure.clone().into(),
    }
}
