//! `Call`: what a function of JavaScript's was called with, and how a closure becomes such a function.
//!
//! As napi's `create_function_from_closure`, whose trampoline allocates at each call: here the arguments stand on the stack. A closure owns
//! what it needs, and is dropped when its function is collected or its environment ends. What it answers with is a value; an error is thrown,
//! and a panic is an error.

use std::any::Any;
use std::mem::MaybeUninit;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::ptr::null_mut;

use napi::bindgen_prelude::{External, FromNapiRef, FromNapiValue, Function, Object, ToNapiValue};
use napi::{Env, Error, JsError, Result, Status, Unknown, sys};

/// No verb has more arguments; those beyond are not looked at.
const MOST: usize = 4;

/// The arguments of a call.
pub(crate) struct Call<'a> {
    pub(crate) env: &'a Env,
    /// Those that are left out are `undefined`.
    values: &'a [sys::napi_value; MOST],
    given: usize,
}

impl Call<'_> {
    /// How many arguments were given.
    #[inline]
    pub(crate) fn given(&self) -> usize {
        self.given
    }

    /// One of them.
    #[inline]
    pub(crate) fn get<T: FromNapiValue>(&self, position: usize) -> Result<T> {
        // SAFETY: a value of this call, in its environment.
        unsafe { T::from_napi_value(self.env.raw(), self.values[position]) }
    }

    /// One of them, as it came.
    #[inline]
    pub(crate) fn value(&self, position: usize) -> sys::napi_value {
        self.values[position]
    }

    /// Something that was made here.
    pub(crate) fn external<T: 'static>(&self, position: usize) -> Result<&External<T>> {
        // SAFETY: as in `get`; the value is held by the caller for as long as the call lasts. The type is checked.
        unsafe { External::from_napi_ref(self.env.raw(), self.values[position]) }
    }
}

/// A function that does what the closure does.
pub(crate) fn function<'env, Answer, F>(
    env: &'env Env,
    name: &str,
    answer: F,
) -> Result<Function<'env, (), Unknown<'env>>>
where
    Answer: ToNapiValue + 'static,
    F: Fn(Call<'_>) -> Result<Answer> + 'static,
{
    let closure = Box::into_raw(Box::new(answer));
    let (raw, mut made) = (env.raw(), null_mut());
    // SAFETY: a live environment, a name as long as is said, and a closure that `enter` and `collect` of the same type are given.
    let mut status = unsafe {
        let (text, length) = (name.as_ptr().cast(), name.len() as isize);
        sys::napi_create_function(raw, text, length, Some(enter::<Answer, F>), closure.cast(), &mut made)
    };
    if status == sys::Status::napi_ok {
        // SAFETY: as above, and `made` is a function.
        status =
            unsafe { sys::napi_add_finalizer(raw, made, closure.cast(), Some(collect::<F>), null_mut(), null_mut()) };
    }
    if status != sys::Status::napi_ok {
        // A function without a finalizer may have been made: nobody has seen it, but what it points to must stay.
        return Err(Error::new(Status::from(status), format!("cannot make the function {name}")));
    }
    // SAFETY: `made` is a function of this environment.
    unsafe { Function::from_napi_value(raw, made) }
}

/// A function as a property.
pub(crate) fn method<Answer, F>(env: &Env, object: &mut Object<'_>, name: &str, answer: F) -> Result<()>
where
    Answer: ToNapiValue + 'static,
    F: Fn(Call<'_>) -> Result<Answer> + 'static,
{
    object.set(name, function(env, name, answer)?)
}

/// What the engine calls.
///
/// # Safety
/// Called by it alone, for a function that `function` made with the same types.
unsafe extern "C" fn enter<Answer, F>(raw: sys::napi_env, info: sys::napi_callback_info) -> sys::napi_value
where
    Answer: ToNapiValue,
    F: Fn(Call<'_>) -> Result<Answer>,
{
    let mut given = MOST;
    let mut values = MaybeUninit::<[sys::napi_value; MOST]>::uninit();
    let mut closure = null_mut();
    // SAFETY: the places are as many as is said; the engine fills them all, with `undefined` where nothing was given.
    let status =
        unsafe { sys::napi_get_cb_info(raw, info, &mut given, values.as_mut_ptr().cast(), null_mut(), &mut closure) };
    if status != sys::Status::napi_ok {
        return null_mut();
    }
    let env = Env::from_raw(raw);
    // SAFETY: filled, as said; the closure lives as long as its function.
    let (values, closure) = unsafe { (values.assume_init(), &*closure.cast::<F>()) };
    let answered = catch_unwind(AssertUnwindSafe(|| {
        let answer = closure(Call { env: &env, values: &values, given: given.min(MOST) })?;
        // SAFETY: a live environment.
        unsafe { Answer::to_napi_value(raw, answer) }
    }));
    match answered {
        Ok(Ok(value)) => value,
        Ok(Err(error)) => throw(raw, error),
        Err(panic) => throw(raw, panicked(panic)),
    }
}

#[cold]
fn throw(raw: sys::napi_env, error: Error) -> sys::napi_value {
    // SAFETY: a live environment.
    unsafe { JsError::from(error).throw_into(raw) };
    null_mut()
}

#[cold]
fn panicked(panic: Box<dyn Any + Send>) -> Error {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    let text = text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_else(|| "a panic".into());
    // A payload that panics when it is dropped is kept.
    std::mem::forget(panic);
    Error::new(Status::GenericFailure, text)
}

/// # Safety
/// Called once, when nobody can call the function any more.
unsafe extern "C" fn collect<F>(_: sys::napi_env, closure: *mut std::ffi::c_void, _: *mut std::ffi::c_void) {
    // SAFETY: from `Box::into_raw` in `function`, with the same type. A panic must not cross.
    let _ = catch_unwind(AssertUnwindSafe(|| drop(unsafe { Box::from_raw(closure.cast::<F>()) })));
}
