//! Clean shutdown on Ctrl-C and SIGTERM.

/// Runs `work` until it is done, Ctrl-C is pressed or the process gets SIGTERM. Whatever `work` holds is
/// dropped in any case.
///
/// # Errors
/// The error of `work`, or that it was interrupted.
pub async fn until_interrupted<T>(
    work: impl Future<Output = Result<T, String>>,
) -> Result<T, String> {
    use tokio::signal::unix::{SignalKind, signal};
    // Before `work` begins: its first step may take a while, and must not be cut off.
    let listen = |kind| signal(kind).map_err(|error| error.to_string());
    let mut interrupt = listen(SignalKind::interrupt())?;
    let mut terminate = listen(SignalKind::terminate())?;
    tokio::select! {
        result = work => result,
        _ = interrupt.recv() => Err("Interrupted.".to_owned()),
        _ = terminate.recv() => Err("Told to end.".to_owned()),
    }
}
