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
    let mut terminate = signal(SignalKind::terminate()).map_err(|error| error.to_string())?;
    tokio::select! {
        result = work => result,
        _ = tokio::signal::ctrl_c() => Err("Interrupted.".to_owned()),
        _ = terminate.recv() => Err("Told to end.".to_owned()),
    }
}
