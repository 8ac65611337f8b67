//! Structs that may grow: each begins with the size that the caller was compiled with.
//!
//! A shorter struct, from an older header, is read as if it went on with zeros; a longer one, from a newer header, is accepted if all
//! that is not known here is zero. Zero means the default in every field.

use core::mem::MaybeUninit;
use core::ptr;

use crate::guard::borrow;
use crate::status::tidegate_status::{self, TIDEGATE_ERROR_MISALIGNED, TIDEGATE_ERROR_STRUCT_SIZE};

/// A struct of options.
///
/// # Safety
/// `repr(C)`; the first field is `struct_size: usize`; every pattern of bits is a value.
pub unsafe trait Sized: Copy {}

/// Beyond any size to come: such a `struct_size` was never initialized, and reading so far would leave the caller's memory.
const ABSURD: usize = 4096;

/// Reads what the caller knows of the struct.
///
/// # Safety
/// If `options` is neither NULL nor misaligned, it points at a `size_t`, and at as many bytes, all initialized, as that says.
pub unsafe fn read<T: Sized>(options: *const T) -> Result<T, tidegate_status> {
    // SAFETY: of the struct only the first field is known to be there; its alignment is that of the whole on all platforms
    // where pointers are as wide as u64, and is checked below for the others.
    let stated = *unsafe { borrow(options.cast::<usize>()) }?;
    if !options.is_aligned() {
        return Err(TIDEGATE_ERROR_MISALIGNED);
    }
    // No version of a struct ends within a field; a size that does would leave half a pointer.
    if !(size_of::<usize>()..=ABSURD).contains(&stated) || !stated.is_multiple_of(size_of::<usize>()) {
        return Err(TIDEGATE_ERROR_STRUCT_SIZE);
    }
    let size = size_of::<T>();
    let mut known = MaybeUninit::<T>::zeroed();
    // SAFETY: at most `size` bytes go in, and the caller promises `stated` of them. Zeros, and whatever C wrote, are a value of T.
    let known = unsafe {
        ptr::copy_nonoverlapping(options.cast::<u8>(), known.as_mut_ptr().cast::<u8>(), stated.min(size));
        known.assume_init()
    };
    if stated > size {
        // SAFETY: the caller promises `stated` initialized bytes.
        let beyond = unsafe { core::slice::from_raw_parts(options.cast::<u8>().add(size), stated - size) };
        if beyond.iter().any(|byte| *byte != 0) {
            return Err(TIDEGATE_ERROR_STRUCT_SIZE);
        }
    }
    Ok(known)
}
