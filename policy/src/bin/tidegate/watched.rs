//! A progress bar on standard error for long traces, if that is a terminal.

use std::io::{IsTerminal, Read};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use indicatif::{ProgressBar, ProgressStyle};
use tidegate_policy::simulate::{Arrival, Source, TraceError};

/// A reader that counts.
pub struct Counted<R> {
    reader: R,
    bytes: Arc<AtomicU64>,
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let read = self.reader.read(buffer)?;
        self.bytes.fetch_add(read as u64, Relaxed);
        Ok(read)
    }
}

impl<R> Counted<R> {
    pub fn new(reader: R) -> (Counted<R>, Arc<AtomicU64>) {
        let bytes = Arc::new(AtomicU64::new(0));
        (Counted { reader, bytes: bytes.clone() }, bytes)
    }
}

/// A source whose bar moves on every so many requests.
pub struct Watched<S> {
    source: S,
    bytes: Arc<AtomicU64>,
    bar: ProgressBar,
    seen: u64,
}

impl<S> Watched<S> {
    /// `length` is that of the file, if it is known. Nothing is drawn where nobody looks.
    pub fn new(source: S, bytes: Arc<AtomicU64>, length: Option<u64>) -> Watched<S> {
        let bar = if !std::io::stderr().is_terminal() {
            ProgressBar::hidden()
        } else if let Some(length) = length {
            let style =
                ProgressStyle::with_template("{bar:40} {percent:>3} %  {bytes} of {total_bytes}  {msg}, {eta} left");
            ProgressBar::new(length).with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
        } else {
            let style = ProgressStyle::with_template("{spinner} {bytes}  {msg}");
            ProgressBar::new_spinner().with_style(style.unwrap_or_else(|_| ProgressStyle::default_spinner()))
        };
        Watched { source, bytes, bar, seen: 0 }
    }
}

impl<S: Source> Source for Watched<S> {
    fn next(&mut self, arrival: &mut Arrival) -> Result<bool, TraceError> {
        self.seen += 1;
        if self.seen.is_multiple_of(1 << 16) {
            self.bar.set_position(self.bytes.load(Relaxed));
            self.bar.set_message(format!("{} requests", crate::said::count(self.seen)));
        }
        let more = self.source.next(arrival);
        if !matches!(more, Ok(true)) {
            self.bar.finish_and_clear();
        }
        more
    }

    fn place(&self) -> Option<String> {
        self.source.place()
    }
}
