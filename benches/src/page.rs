//! `docs/benchmarks.md`: text written by hand, with parts between markers that programs write.
//!
//! A part called `speed` lies between `<!-- speed: begin -->` and `<!-- speed: end -->`, each on a line of its own.

use std::path::PathBuf;
use std::{fs, io};

/// Where the page is, in the source tree that this was built from.
pub fn path() -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/benchmarks.md"))
}

/// Replaces one part of the page.
///
/// # Errors
/// The page cannot be read or written, or lacks the markers.
pub fn replace(part: &str, text: &str) -> io::Result<()> {
    let page = fs::read_to_string(path())?;
    let page = replaced(&page, part, text)
        .ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, format!("no markers of `{part}`")))?;
    fs::write(path(), page)
}

fn replaced(page: &str, part: &str, text: &str) -> Option<String> {
    let (begin, end) = (format!("<!-- {part}: begin -->\n"), format!("<!-- {part}: end -->"));
    let (before, rest) = page.split_once(&begin)?;
    let (_, after) = rest.split_once(&end)?;
    Some(format!("{before}{begin}{}\n{end}{after}", text.trim_end()))
}

#[cfg(test)]
mod tests {
    use super::replaced;

    #[test]
    fn only_the_part_is_replaced() {
        let page = "a\n<!-- x: begin -->\nold\n<!-- x: end -->\nb\n<!-- y: begin -->\n<!-- y: end -->\n";
        let next = replaced(page, "x", "new\n").unwrap();
        assert_eq!(next, page.replace("old", "new"));
        assert_eq!(replaced(&next, "x", "new").unwrap(), next, "writing twice is writing once");
        assert!(replaced(page, "z", "new").is_none());
    }

    #[test]
    fn the_page_has_the_parts_that_are_written() {
        let page = std::fs::read_to_string(super::path()).unwrap();
        for part in ["machine", "bounds", "speed", "threads", "instructions"] {
            assert!(replaced(&page, part, "").is_some(), "{part}");
        }
    }
}
