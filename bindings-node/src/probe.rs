//! Two functions made as the verbs are, for the package's tests and benchmark: they show the boundary itself.

use napi::bindgen_prelude::Function;
use napi::{Env, Result};
use napi_derive::napi;

/// Does nothing: what a call costs at least.
#[napi(catch_unwind)]
pub fn empty_verb(env: &Env) -> Result<Function<'_, (), ()>> {
    env.create_function_from_closure("empty", |_| Ok(()))
}

/// Panics: the process must survive it.
#[napi(catch_unwind)]
pub fn panicking_verb(env: &Env) -> Result<Function<'_, (), ()>> {
    env.create_function_from_closure("panicking", |_| -> Result<()> { panic!("a panic on purpose") })
}
