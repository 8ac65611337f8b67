//! The border: what every entry does with pointers and panics.

use core::panic::AssertUnwindSafe;
use core::ptr::NonNull;
use std::panic::catch_unwind;

use crate::status::tidegate_status::{
    self, TIDEGATE_ERROR_INTERNAL, TIDEGATE_ERROR_MISALIGNED, TIDEGATE_ERROR_NULL, TIDEGATE_OK,
};

/// Runs the body of an entry. A panic becomes [`TIDEGATE_ERROR_INTERNAL`]: unwinding into C would be undefined.
///
/// Limiters stay usable after one: their state is a single atomic step that was either made or not.
#[inline(always)]
pub fn guard(body: impl FnOnce() -> Result<(), tidegate_status>) -> tidegate_status {
    match guard_value(body) {
        Ok(()) => TIDEGATE_OK,
        Err(status) => status,
    }
}

/// As [`guard`], for entries that return something other than a status.
#[inline(always)]
pub fn guard_value<R>(body: impl FnOnce() -> Result<R, tidegate_status>) -> Result<R, tidegate_status> {
    catch_unwind(AssertUnwindSafe(body)).unwrap_or(Err(TIDEGATE_ERROR_INTERNAL))
}

#[inline(always)]
fn check<T>(pointer: *const T) -> Result<NonNull<T>, tidegate_status> {
    let pointer = NonNull::new(pointer.cast_mut()).ok_or(TIDEGATE_ERROR_NULL)?;
    if pointer.is_aligned() { Ok(pointer) } else { Err(TIDEGATE_ERROR_MISALIGNED) }
}

/// Borrows what C lends for the length of one call.
///
/// # Safety
/// A pointer that is neither NULL nor misaligned points at a valid `T`, which nobody writes or frees during `'a`.
#[inline(always)]
pub unsafe fn borrow<'a, T>(pointer: *const T) -> Result<&'a T, tidegate_status> {
    let pointer = check(pointer)?;
    // SAFETY: checked above for NULL and alignment; the rest is the caller's promise.
    Ok(unsafe { pointer.as_ref() })
}

/// An out-parameter: memory of the caller's, checked but not yet written, possibly never initialized.
pub struct Out<T>(NonNull<T>);

impl<T> Out<T> {
    /// # Safety
    /// A pointer that is neither NULL nor misaligned may be written for as long as this lives.
    #[inline(always)]
    pub unsafe fn new(pointer: *mut T) -> Result<Out<T>, tidegate_status> {
        check(pointer).map(Out)
    }

    #[inline(always)]
    pub fn write(self, value: T) {
        // SAFETY: checked and promised in `new`; what was there is not dropped, for it may be uninitialized.
        unsafe { self.0.write(value) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_becomes_a_status() {
        let quiet = std::panic::take_hook();
        std::panic::set_hook(Box::new(|_| {}));
        let status = guard(|| panic!("a defect"));
        std::panic::set_hook(quiet);
        assert_eq!(status, TIDEGATE_ERROR_INTERNAL);
        assert_eq!(guard(|| Ok(())), TIDEGATE_OK);
    }

    #[test]
    fn null_and_misaligned_pointers_are_refused() {
        let words = [0u64; 2];
        let inside = words.as_ptr().cast::<u8>().wrapping_add(1).cast::<u64>();
        // SAFETY: neither is dereferenced, which is what is tested; the third points at a live u64.
        unsafe {
            assert_eq!(borrow(core::ptr::null::<u64>()), Err(TIDEGATE_ERROR_NULL));
            assert_eq!(borrow(inside), Err(TIDEGATE_ERROR_MISALIGNED));
            assert_eq!(borrow(&raw const words[0]), Ok(&0));
        }
    }
}
