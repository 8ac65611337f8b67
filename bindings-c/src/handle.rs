//! Handles: objects on the heap that C holds by pointer, from `new` to `free`.
//!
//! Each begins with a mark of its kind, which every call looks at: it tells a handle from one of another kind, from zeroed memory and, mostly,
//! from one that was freed. `free` is sure: it asks a list of the handles that live, so that freeing twice, or freeing what is none, is
//! a status and touches no memory. The list costs `new` and `free` some tens of nanoseconds, and other calls nothing.

use core::ptr;
use std::alloc::{Layout, alloc, dealloc};
use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use crate::guard::{Out, check};
use crate::status::tidegate_status::{self, TIDEGATE_ERROR_HANDLE, TIDEGATE_ERROR_MEMORY};

/// An opaque type of the header: never made, only pointed at.
pub trait Handle {
    /// What lies behind the pointer.
    type Object: Sync + Send;
    /// Tells the kinds apart. Neither zero nor text nor an address.
    const MARK: u64;
}

/// What the pointer points at in truth.
#[repr(C)]
struct Marked<T> {
    mark: u64,
    object: T,
}

/// The handles that live, and their marks. Addresses stand here inverted: a tool that looks for leaks must not take the list for an owner.
static LIVING: Mutex<BTreeMap<usize, u64>> = Mutex::new(BTreeMap::new());

fn living<R>(change: impl FnOnce(&mut BTreeMap<usize, u64>) -> R) -> R {
    // A poisoned lock is as good: a map of integers is never left halfway.
    change(&mut LIVING.lock().unwrap_or_else(PoisonError::into_inner))
}

/// Moves `object` to the heap and hands it to C.
pub fn keep<H: Handle>(object: H::Object, out: Out<*mut H>) -> Result<(), tidegate_status> {
    let layout = Layout::new::<Marked<H::Object>>();
    // Not `Box::new`, which ends the program when there is no memory.
    // SAFETY: the layout is not empty: it has a mark.
    let memory = unsafe { alloc(layout) }.cast::<Marked<H::Object>>();
    if memory.is_null() {
        return Err(TIDEGATE_ERROR_MEMORY);
    }
    // SAFETY: just allocated with this layout.
    unsafe { memory.write(Marked { mark: H::MARK, object }) };
    living(|living| living.insert(!memory.addr(), H::MARK));
    out.write(memory.cast());
    Ok(())
}

/// What a handle points at, if it is one that lives, as far as its mark can tell.
///
/// # Safety
/// A pointer that is neither NULL nor misaligned came from [`keep`] and has not been freed, or points at eight bytes that can be read and
/// are not the mark.
#[inline(always)]
unsafe fn marked<H: Handle>(handle: *const H) -> Result<*mut Marked<H::Object>, tidegate_status> {
    let marked = check(handle.cast::<Marked<H::Object>>())?.as_ptr();
    // SAFETY: promised by the caller for the first eight bytes, and these are they.
    if unsafe { (&raw const (*marked).mark).read() } == H::MARK { Ok(marked) } else { Err(TIDEGATE_ERROR_HANDLE) }
}

/// The object behind a handle, for the length of one call.
///
/// # Safety
/// As [`marked`].
#[inline(always)]
pub unsafe fn lent<'a, H: Handle>(handle: *const H) -> Result<&'a H::Object, tidegate_status>
where
    H::Object: 'a,
{
    // SAFETY: the same contract. It bears the mark, so `keep` made it; nothing writes through it but its own atomics and locks, and those who
    // have it for themselves.
    unsafe { marked(handle).map(|marked| &(*marked).object) }
}

/// The object behind a handle of which one caller at a time may make use.
///
/// # Safety
/// As [`marked`]; nobody else uses the handle during `'a`.
#[inline(always)]
pub unsafe fn lent_alone<'a, H: Handle>(handle: *mut H) -> Result<&'a mut H::Object, tidegate_status>
where
    H::Object: 'a,
{
    // SAFETY: the same contract, and nobody else uses it.
    unsafe { marked(handle).map(|marked| &mut (*marked).object) }
}

/// Ends a handle; NULL is fine. What is none that lives is not touched.
///
/// # Safety
/// Nobody else uses the handle during the call or after it.
pub unsafe fn free<H: Handle>(handle: *mut H) -> Result<(), tidegate_status> {
    if handle.is_null() {
        return Ok(());
    }
    let address = !handle.addr();
    let lives = living(|living| match living.get(&address) {
        Some(&mark) if mark == H::MARK => living.remove(&address).is_some(),
        _ => false,
    });
    if !lives {
        return Err(TIDEGATE_ERROR_HANDLE);
    }
    let memory = handle.cast::<Marked<H::Object>>();
    // SAFETY: the list says that `keep` made it and that nobody freed it; it is off the list, so nobody will again. The mark goes
    // first, so that whoever comes too late finds none; volatile, because nobody reads it in the eyes of the compiler.
    unsafe {
        ptr::write_volatile(&raw mut (*memory).mark, 0);
        ptr::drop_in_place(&raw mut (*memory).object);
        dealloc(memory.cast(), Layout::new::<Marked<H::Object>>());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    enum Thing {}
    impl Handle for Thing {
        type Object = String;
        const MARK: u64 = 0x7468_696e_675f_5f01;
    }
    enum Other {}
    impl Handle for Other {
        type Object = u8;
        const MARK: u64 = 0x6f74_6865_725f_5f01;
    }

    #[test]
    fn a_handle_is_freed_once_and_as_what_it_is() {
        let mut handle = ptr::null_mut::<Thing>();
        // SAFETY: `handle` is memory for a pointer; what is freed twice is not touched, which is what is tested.
        unsafe {
            keep(String::from("text"), Out::new(&mut handle).unwrap()).unwrap();
            assert_eq!(lent(handle).unwrap(), "text");
            assert_eq!(lent(handle.cast::<Other>()).err(), Some(TIDEGATE_ERROR_HANDLE));
            assert_eq!(free(handle.cast::<Other>()), Err(TIDEGATE_ERROR_HANDLE));
            assert_eq!(free(handle), Ok(()));
            assert_eq!(free(handle), Err(TIDEGATE_ERROR_HANDLE));
            assert_eq!(free(ptr::dangling_mut::<Thing>()), Err(TIDEGATE_ERROR_HANDLE));
            assert_eq!(free(ptr::null_mut::<Thing>()), Ok(()));
        }
    }
}
