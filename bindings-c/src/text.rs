//! Texts into buffers of the caller's, as `snprintf` does it: ended by NUL, and `length` says what there is to say.

use core::ffi::c_char;
use core::fmt::{self, Write};

use crate::guard::Out;
use crate::status::tidegate_status::{
    self, TIDEGATE_ERROR_BUFFER_TOO_SMALL, TIDEGATE_ERROR_LENGTH, TIDEGATE_ERROR_NULL,
};

/// A buffer of the caller's, which may be NULL if its capacity is 0.
pub struct Buffer {
    start: *mut u8,
    capacity: usize,
    length: Out<usize>,
}

/// Counts all, keeps what fits.
struct Writer {
    start: *mut u8,
    room: usize,
    written: usize,
}

impl Write for Writer {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let fits = self.room.saturating_sub(self.written).min(text.len());
        if fits > 0 {
            // SAFETY: `written + fits <= room`, which the caller lent; `text` is not in it, for it is borrowed from Rust.
            unsafe { core::ptr::copy_nonoverlapping(text.as_ptr(), self.start.add(self.written), fits) };
        }
        self.written = self.written.saturating_add(text.len());
        Ok(())
    }
}

impl Buffer {
    /// # Safety
    /// `buffer` is NULL or `capacity` bytes that may be written, `length` NULL, misaligned or a `size_t` that may be written.
    pub unsafe fn new(buffer: *mut c_char, capacity: usize, length: *mut usize) -> Result<Buffer, tidegate_status> {
        // SAFETY: promised by the caller.
        let length = unsafe { Out::new(length) }?;
        if buffer.is_null() && capacity > 0 {
            return Err(TIDEGATE_ERROR_NULL);
        }
        if capacity > isize::MAX as usize {
            return Err(TIDEGATE_ERROR_LENGTH);
        }
        Ok(Buffer { start: buffer.cast(), capacity, length })
    }

    /// Writes the text and its NUL if both fit; else only the length. The first is tried without writing.
    pub fn write(self, text: &dyn fmt::Display) -> Result<(), tidegate_status> {
        let mut counted = Writer { start: self.start, room: 0, written: 0 };
        // A Writer never fails, and the texts of the core do not either.
        let _ = write!(counted, "{text}");
        if counted.written < self.capacity {
            let mut writer = Writer { start: self.start, room: counted.written, written: 0 };
            let _ = write!(writer, "{text}");
            // SAFETY: counted.written < capacity.
            unsafe { self.start.add(counted.written).write(0) };
            self.length.write(counted.written);
            return Ok(());
        }
        self.length.write(counted.written);
        Err(TIDEGATE_ERROR_BUFFER_TOO_SMALL)
    }
}
