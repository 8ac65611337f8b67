//! One line of the vectors, read field by field; `None` is a line that makes no sense.

/// What is left of a line.
pub(crate) struct Fields<'a>(core::str::Split<'a, char>);

impl<'a> Fields<'a> {
    pub(crate) fn of(line: &'a str) -> Fields<'a> {
        Fields(line.split('\t'))
    }

    pub(crate) fn word(&mut self) -> Option<&'a str> {
        self.0.next()
    }

    pub(crate) fn number(&mut self) -> Option<u64> {
        self.word()?.parse().ok()
    }

    /// A number, or `-` where there is none.
    pub(crate) fn given(&mut self) -> Option<Option<u64>> {
        match self.word()? {
            "-" => Some(None),
            number => Some(Some(number.parse().ok()?)),
        }
    }

    /// A number of nanoseconds, or `never`.
    pub(crate) fn wait(&mut self) -> Option<Option<u64>> {
        match self.word()? {
            "never" => Some(None),
            number => Some(Some(number.parse().ok()?)),
        }
    }
}
