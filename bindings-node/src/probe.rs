//! Functions for the package's tests and benchmark: they show the boundary itself.

use std::ptr::null_mut;

use napi::bindgen_prelude::{FromNapiValue, Function};
use napi::{Env, Result, Unknown, check_status, sys};
use napi_derive::napi;

use crate::call::function;

/// Does nothing and is given nothing: what a call costs at least.
#[napi(catch_unwind)]
pub fn empty_function(env: &Env) -> Result<Function<'_, (), Unknown<'_>>> {
    // SAFETY: it looks at neither of its arguments, so that any will do; NULL is `undefined`.
    unsafe extern "C" fn empty(_: sys::napi_env, _: sys::napi_callback_info) -> sys::napi_value {
        null_mut()
    }
    let mut made = null_mut();
    // SAFETY: a live environment, a name as long as is said, and nothing that must be kept.
    check_status!(unsafe {
        sys::napi_create_function(env.raw(), c"empty".as_ptr(), 5, Some(empty), null_mut(), &mut made)
    })?;
    // SAFETY: a function of this environment.
    unsafe { Function::from_napi_value(env.raw(), made) }
}

/// A verb that does nothing: it looks at what it was called with, and answers yes.
#[napi(catch_unwind)]
pub fn empty_verb(env: &Env) -> Result<Function<'_, (), Unknown<'_>>> {
    function(env, "empty", |call| Ok(call.given() == 0))
}

/// A verb that panics: the process must survive it.
#[napi(catch_unwind)]
pub fn panicking_verb(env: &Env) -> Result<Function<'_, (), Unknown<'_>>> {
    function(env, "panicking", |_| -> Result<()> { panic!("a panic on purpose") })
}

/// Panics, as what the macro made: the process must survive it.
#[napi(catch_unwind)]
pub fn panicking_function() {
    panic!("a panic on purpose")
}
