use dodo_customerio::customerio::LaterReason;
use std::io;
use std::path::PathBuf;

/// Why a run has stopped, as sentences that say what to change. What was read and sent until then is kept,
/// and the same command goes on from there. None of them holds personal data.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Settings or arguments, each mistake in a sentence of its own.
    #[error("{}", .0.join("\n"))]
    Settings(Vec<String>),
    /// A file of the run, or its folder.
    #[error(
        "{} cannot be used ({source}). Make it usable, or choose another folder with BACKFILL_FOLDER (--folder).",
        path.display()
    )]
    Folder {
        /// Which one.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// It was there, and not for one alone.
    #[error(
        "{path} is open to others, and the files of a run hold personal data. Type: chmod 700 '{path}', or choose another folder with BACKFILL_FOLDER (--folder).",
        path = .0.display()
    )]
    OpenFolder(PathBuf),
    /// Another run has it.
    #[error(
        "Another run works in {}. Wait for its end, or choose another folder with BACKFILL_FOLDER (--folder).",
        .0.display()
    )]
    InUse(PathBuf),
    /// 401 or 403 of Dodo's API.
    #[error(
        "Dodo's API refuses DODO_API_KEY ({0}). Check that the key exists and belongs to DODO_ENVIRONMENT (live or test); to change that of a stack, type: make secret"
    )]
    KeyRefused(u16),
    /// A status that Dodo does not document.
    #[error(
        "Dodo's API responds to GET /{list} with status {status}. Check DODO_API_URL, if it is set, and try again later."
    )]
    DodoStatus {
        /// Which list.
        list: String,
        /// The status.
        status: u16,
    },
    /// It has failed for too long.
    #[error(
        "Dodo's API has not responded properly for {0} minutes ({1}). Type the same command again later: it goes on from here."
    )]
    DodoDown(u64, String),
    /// More objects in a millisecond than pages allow.
    #[error(
        "Dodo's API does not give all of the {0} that were created at one moment: more than its pages hold. Ask Dodo for a higher page limit."
    )]
    TooFull(&'static str),
    /// 401 or 403 of Customer.io.
    #[error(
        "Customer.io refuses the credentials ({0}). Check CUSTOMERIO_SITE_ID and CUSTOMERIO_API_KEY (the pair of the Track API, not the App API key) and CUSTOMERIO_REGION; to change the pair of a stack, type: make secret"
    )]
    PairRefused(u16),
    /// The region that Customer.io names is another.
    #[error(
        "This Customer.io workspace is in the region {0}. Set CUSTOMERIO_REGION to {0} (for a stack: make deploy PARAMS=CustomerIoRegion={0}) and type the same command again."
    )]
    WrongRegion(String),
    /// Customer.io has failed for too long, or does not behave like itself.
    #[error("{0} Type the same command again once that has changed: it goes on from here.")]
    CustomerIo(LaterReason),
    /// Nobody to ask.
    #[error(
        "Nobody can be asked here, so nothing was sent. To send what is described above, give --yes (make backfill YES=1)."
    )]
    NobodyToAsk,
}

impl Error {
    /// Adds the path to an error of the system.
    pub(crate) fn at(path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |source| Self::Folder { path, source }
    }

    /// One mistake in settings or arguments.
    pub(crate) fn setting(sentence: impl Into<String>) -> Self {
        Self::Settings(vec![sentence.into()])
    }
}
