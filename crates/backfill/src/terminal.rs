/// Who watches a run.
pub trait Terminal: Send {
    /// Shows lines that stay.
    fn say(&mut self, text: &str);

    /// Asks whether to go on.
    fn ask(&mut self, question: &str) -> Reply;

    /// Something of `total` steps begins.
    fn begin(&mut self, title: &'static str, total: u64);

    /// So many steps of it are done; `note` says what that means.
    fn advance(&mut self, done: u64, note: &str);

    /// It has ended.
    fn end(&mut self);
}

/// What a question led to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reply {
    /// Go on.
    Yes,
    /// Do not.
    No,
    /// There is nobody to ask.
    Nobody,
}

/// Shows nothing, and nobody is there to reply.
#[derive(Debug, Clone, Copy, Default)]
pub struct Quiet;

impl Terminal for Quiet {
    fn say(&mut self, _: &str) {}

    fn ask(&mut self, _: &str) -> Reply {
        Reply::Nobody
    }

    fn begin(&mut self, _: &'static str, _: u64) {}

    fn advance(&mut self, _: u64, _: &str) {}

    fn end(&mut self) {}
}
