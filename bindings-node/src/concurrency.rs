//! `Concurrency`: at most so many in flight.
//!
//! Who waits stands in the core's line. Whoever leaves lets others in at once; the core then wakes a number, which JavaScript asks for
//! (`woken`) and polls. All of it happens on one thread, inside the call that let them in: there is no other way in or out.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, Wake, Waker};

use napi::bindgen_prelude::Object;
use napi::{Env, Result};
use napi_derive::napi;
use tidegate::{Concurrency, Enter, Permit};

use crate::call::method;
use crate::number::{Permits, range_error};

/// Nothing: no permit, nobody woken, not yet.
const NONE: f64 = -1.0;
/// More permits than the limit.
const NEVER: f64 = -2.0;

/// Things that JavaScript knows by a number, which is used again once they are gone.
struct Shelf<T> {
    places: Vec<Option<T>>,
    free: Vec<usize>,
}

impl<T> Shelf<T> {
    fn shared() -> Rc<RefCell<Shelf<T>>> {
        Rc::new(RefCell::new(Shelf { places: Vec::new(), free: Vec::new() }))
    }

    fn put(&mut self, thing: T) -> usize {
        match self.free.pop() {
            Some(at) => {
                self.places[at] = Some(thing);
                at
            }
            None => {
                self.places.push(Some(thing));
                self.places.len() - 1
            }
        }
    }

    fn remove(&mut self, at: usize) -> Option<T> {
        let thing = self.places.get_mut(at)?.take();
        if thing.is_some() {
            self.free.push(at);
        }
        thing
    }
}

/// The numbers of those whose turn may have come.
type Woken = Arc<Mutex<VecDeque<usize>>>;

struct Call {
    woken: Woken,
    number: usize,
}

impl Wake for Call {
    fn wake(self: Arc<Self>) {
        self.woken.lock().unwrap_or_else(PoisonError::into_inner).push_back(self.number);
    }
}

/// Makes a concurrency limit: an object of verbs.
#[napi(catch_unwind)]
pub fn create_concurrency(env: &Env, limit: Permits) -> Result<Object<'_>> {
    let refused = |env: &Env, message: String| range_error(env, "ERR_OUT_OF_RANGE", &message);
    let limit = match Concurrency::new(limit.0) {
        Ok(limit) => Arc::new(limit),
        Err(error) => return Err(refused(env, error.to_string())),
    };
    let held = Shelf::<Permit<'static>>::shared();
    let line = Shelf::<Enter<'static>>::shared();
    let woken = Woken::default();
    let mut object = Object::new(env)?;

    // A permit's number, or none.
    let (gate, permits) = (limit.clone(), held.clone());
    method(env, &mut object, "tryEnter", move |call| {
        let entered = gate.try_enter_owned(call.get::<Permits>(0)?.0);
        Ok(entered.map_or(NONE, |permit| permits.borrow_mut().put(permit) as f64))
    })?;
    let permits = held.clone();
    method(env, &mut object, "leave", move |call| {
        let permit = permits.borrow_mut().remove(place(call.get::<Permits>(0)?));
        Ok(permit.is_some())
    })?;
    // A place in line, by its number.
    let (gate, waiting) = (limit.clone(), line.clone());
    method(env, &mut object, "join", move |call| {
        let entering = gate.enter_owned_async(call.get::<Permits>(0)?.0);
        Ok(waiting.borrow_mut().put(entering) as f64)
    })?;
    // A permit's number if the turn has come; otherwise the place is woken when it has.
    let (permits, waiting, calls) = (held, line.clone(), woken.clone());
    method(env, &mut object, "poll", move |call| {
        let number = place(call.get::<Permits>(0)?);
        let waker = Waker::from(Arc::new(Call { woken: calls.clone(), number }));
        let mut waiting = waiting.borrow_mut();
        let Some(Some(entering)) = waiting.places.get_mut(number) else { return Ok(NONE) };
        let answer = match Pin::new(entering).poll(&mut Context::from_waker(&waker)) {
            Poll::Pending => return Ok(NONE),
            Poll::Ready(Ok(permit)) => permits.borrow_mut().put(permit) as f64,
            Poll::Ready(Err(_)) => NEVER,
        };
        waiting.remove(number);
        Ok(answer)
    })?;
    // Leaves the line; what was given in the meantime goes to the next.
    let waiting = line;
    method(env, &mut object, "close", move |call| {
        let entering = waiting.borrow_mut().remove(place(call.get::<Permits>(0)?));
        drop(entering);
        Ok(())
    })?;
    method(env, &mut object, "woken", move |_| {
        Ok(woken.lock().unwrap_or_else(PoisonError::into_inner).pop_front().map_or(NONE, |number| number as f64))
    })?;
    let gate = limit.clone();
    method(env, &mut object, "setLimit", move |call| {
        gate.set_limit(call.get::<Permits>(0)?.0).map_err(|error| refused(call.env, error.to_string()))
    })?;
    let gate = limit.clone();
    method(env, &mut object, "limit", move |_| Ok(gate.limit() as f64))?;
    method(env, &mut object, "inFlight", move |_| Ok(limit.in_flight() as f64))?;
    Ok(object)
}

fn place(number: Permits) -> usize {
    usize::try_from(number.0).unwrap_or(usize::MAX)
}
