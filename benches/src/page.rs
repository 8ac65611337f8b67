//! Pages of the documentation: text written by hand, with parts between markers that programs write.
//!
//! A part called `speed` lies between `<!-- speed: begin -->` and `<!-- speed: end -->`, each on a line of its own.

use std::path::PathBuf;
use std::{fs, io};

use crate::results::root;

/// A page, and what of it was replaced.
pub struct Page {
    path: PathBuf,
    text: String,
}

impl Page {
    /// The page at a path in the source tree.
    ///
    /// # Errors
    /// It cannot be read.
    pub fn open(path: &str) -> io::Result<Page> {
        let path = root().join(path);
        let text = fs::read_to_string(&path)?;
        Ok(Page { path, text })
    }

    /// Puts `text` between the markers of `part`.
    ///
    /// # Errors
    /// The page lacks the markers.
    pub fn replace(&mut self, part: &str, text: &str) -> io::Result<()> {
        self.text = replaced(&self.text, part, text).ok_or_else(|| {
            let says = format!("{}: no markers of `{part}`", self.path.display());
            io::Error::new(io::ErrorKind::InvalidData, says)
        })?;
        Ok(())
    }

    /// The text as it is to be.
    pub fn into_text(self) -> String {
        self.text
    }
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
}
