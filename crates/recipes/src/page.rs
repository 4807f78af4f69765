//! A page: sections with their list items and code blocks, each with its line.

use super::Fault;

pub struct Page {
    /// Relative to the repository.
    pub file: String,
    pub sections: Vec<Section>,
}

/// What stands under a heading.
pub struct Section {
    pub heading: String,
    pub line: usize,
    /// List items, without their dash.
    pub items: Vec<Text>,
    /// What is quoted with `>`.
    pub quote: Option<Text>,
    /// The contents of blocks marked `liquid`.
    pub blocks: Vec<Text>,
}

#[derive(Debug, Clone)]
pub struct Text {
    pub text: String,
    /// Its first line, from 1.
    pub line: usize,
}

impl Page {
    pub fn parse(file: &str, text: &str) -> Self {
        let mut page = Self { file: file.to_owned(), sections: Vec::new() };
        let mut block: Option<(bool, Text)> = None;
        for (line, text) in (1..).zip(text.lines()) {
            match &mut block {
                Some((is_liquid, content)) if text.starts_with("```") => {
                    if *is_liquid {
                        page.last(line).blocks.push(content.clone());
                    }
                    block = None;
                }
                Some((_, content)) => content.text.extend([text, "\n"]),
                None if text.starts_with("```") => {
                    let content = Text { text: String::new(), line: line + 1 };
                    block = Some((text == "```liquid", content));
                }
                None => page.add(line, text),
            }
        }
        page
    }

    fn add(&mut self, line: usize, text: &str) {
        if let Some(heading) = text.strip_prefix('#') {
            let heading = heading.trim_start_matches('#').trim().to_owned();
            self.sections.push(Section::new(heading, line));
        } else if let Some(item) = text.strip_prefix("- ") {
            self.last(line).items.push(Text { text: item.to_owned(), line });
        } else if let Some(quote) = text.strip_prefix("> ") {
            self.last(line).quote = Some(Text { text: quote.to_owned(), line });
        }
    }

    fn last(&mut self, line: usize) -> &mut Section {
        if self.sections.is_empty() {
            self.sections.push(Section::new(String::new(), line));
        }
        let last = self.sections.len() - 1;
        &mut self.sections[last]
    }

    pub fn fault(&self, line: usize, message: impl Into<String>) -> Fault {
        Fault { file: self.file.clone(), line, message: message.into() }
    }
}

impl Section {
    fn new(heading: String, line: usize) -> Self {
        Self { heading, line, items: Vec::new(), quote: None, blocks: Vec::new() }
    }
}
