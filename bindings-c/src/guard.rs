//! The border: what every entry does with pointers and panics.

use core::ptr::NonNull;

#[cfg(feature = "std")]
use crate::status::tidegate_status::TIDEGATE_ERROR_LENGTH;
use crate::status::tidegate_status::{
    self, TIDEGATE_ERROR_INTERNAL, TIDEGATE_ERROR_MISALIGNED, TIDEGATE_ERROR_NULL, TIDEGATE_OK,
};

/// Runs the body of an entry. A panic becomes [`TIDEGATE_ERROR_INTERNAL`]: unwinding into C would be undefined.
///
/// Limiters stay usable after one: their state is a single atomic step that was either made or not.
#[inline(always)]
pub fn guard(body: impl FnOnce() -> Result<(), tidegate_status>) -> tidegate_status {
    stopped(|| body().err().unwrap_or(TIDEGATE_OK), TIDEGATE_ERROR_INTERNAL)
}

/// As [`guard`], for entries that answer yes or no: a gate that cannot be asked stays shut.
#[inline(always)]
pub fn guard_bool(body: impl FnOnce() -> Result<bool, tidegate_status>) -> bool {
    stopped(|| body().unwrap_or(false), false)
}

/// `otherwise` in place of a panic. The body answers in what fits a register: a `Result` would be packed and unpacked on each call.
#[cfg(feature = "std")]
#[inline(always)]
fn stopped<R>(body: impl FnOnce() -> R, otherwise: R) -> R {
    std::panic::catch_unwind(core::panic::AssertUnwindSafe(body)).unwrap_or(otherwise)
}

/// Without `std` nothing unwinds, and nothing panics: `make exports` looks for the code of panics in the library and fails if it finds any.
#[cfg(not(feature = "std"))]
#[inline(always)]
fn stopped<R>(body: impl FnOnce() -> R, _otherwise: R) -> R {
    body()
}

/// Neither NULL nor misaligned.
#[inline(always)]
pub fn check<T>(pointer: *const T) -> Result<NonNull<T>, tidegate_status> {
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

/// Borrows what C lends to be changed.
///
/// # Safety
/// A pointer that is neither NULL nor misaligned points at a valid `T`, which nobody else uses during `'a`.
#[inline(always)]
pub unsafe fn borrow_mut<'a, T>(pointer: *mut T) -> Result<&'a mut T, tidegate_status> {
    let mut pointer = check(pointer)?;
    // SAFETY: checked above for NULL and alignment; the rest is the caller's promise.
    Ok(unsafe { pointer.as_mut() })
}

/// Borrows many: `len` of them, one after the other.
///
/// # Safety
/// A pointer that is neither NULL nor misaligned points at `len` valid `T`s, which nobody writes or frees during `'a`.
#[cfg(feature = "std")]
#[inline(always)]
pub unsafe fn borrow_many<'a, T>(pointer: *const T, len: usize) -> Result<&'a [T], tidegate_status> {
    if len == 0 {
        return Ok(&[]);
    }
    let pointer = check(pointer)?;
    match len.checked_mul(size_of::<T>()) {
        Some(bytes) if bytes <= isize::MAX as usize => {
            // SAFETY: checked for NULL, alignment and the bound of a slice; the rest is the caller's promise.
            Ok(unsafe { core::slice::from_raw_parts(pointer.as_ptr(), len) })
        }
        _ => Err(TIDEGATE_ERROR_LENGTH),
    }
}

/// As [`Out::new`], for a pointer that may be NULL.
///
/// # Safety
/// As there.
#[cfg(feature = "std")]
#[inline(always)]
pub unsafe fn optional<T>(pointer: *mut T) -> Result<Option<Out<T>>, tidegate_status> {
    // SAFETY: the same contract.
    if pointer.is_null() { Ok(None) } else { unsafe { Out::new(pointer) }.map(Some) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_becomes_a_status() {
        let quiet = std::panic::take_hook();
        std::panic::set_hook(Box::new(|_| {}));
        let status = guard(|| panic!("a defect"));
        let shut = guard_bool(|| panic!("a defect"));
        std::panic::set_hook(quiet);
        assert_eq!(status, TIDEGATE_ERROR_INTERNAL);
        assert!(!shut);
        assert_eq!(guard(|| Ok(())), TIDEGATE_OK);
        assert_eq!(guard(|| Err(TIDEGATE_ERROR_NULL)), TIDEGATE_ERROR_NULL);
        assert!(guard_bool(|| Ok(true)) && !guard_bool(|| Err(TIDEGATE_ERROR_NULL)));
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
