use std::fmt;

/// What is wrong on a page, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// Relative to the repository.
    pub file: String,
    /// From 1.
    pub line: usize,
    /// A sentence without its full stop.
    pub message: String,
}

impl fmt::Display for Fault {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}:{}: {}", self.file, self.line, self.message)
    }
}

impl std::error::Error for Fault {}
