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

use crate::number::{Permits, range_error};
use crate::verbs::verb;

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
    verb(env, &mut object, "tryEnter", move |context| {
        let entered = gate.try_enter_owned(context.get::<Permits>(0)?.0);
        Ok(entered.map_or(NONE, |permit| permits.borrow_mut().put(permit) as f64))
    })?;
    let permits = held.clone();
    verb(env, &mut object, "leave", move |context| {
        let permit = permits.borrow_mut().remove(place(context.get::<Permits>(0)?));
        Ok(permit.is_some())
    })?;
    // A place in line, by its number.
    let (gate, waiting) = (limit.clone(), line.clone());
    verb(env, &mut object, "join", move |context| {
        let entering = gate.enter_owned_async(context.get::<Permits>(0)?.0);
        Ok(waiting.borrow_mut().put(entering) as f64)
    })?;
    // A permit's number if the turn has come; otherwise the place is woken when it has.
    let (permits, waiting, calls) = (held, line.clone(), woken.clone());
    verb(env, &mut object, "poll", move |context| {
        let number = place(context.get::<Permits>(0)?);
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
    verb(env, &mut object, "close", move |context| {
        let entering = waiting.borrow_mut().remove(place(context.get::<Permits>(0)?));
        drop(entering);
        Ok(())
    })?;
    verb(env, &mut object, "woken", move |_| {
        Ok(woken.lock().unwrap_or_else(PoisonError::into_inner).pop_front().map_or(NONE, |number| number as f64))
    })?;
    let gate = limit.clone();
    verb(env, &mut object, "setLimit", move |context| {
        gate.set_limit(context.get::<Permits>(0)?.0).map_err(|error| refused(context.env, error.to_string()))
    })?;
    let gate = limit.clone();
    verb(env, &mut object, "limit", move |_| Ok(gate.limit() as f64))?;
    verb(env, &mut object, "inFlight", move |_| Ok(limit.in_flight() as f64))?;
    Ok(object)
}

fn place(number: Permits) -> usize {
    usize::try_from(number.0).unwrap_or(usize::MAX)
}
