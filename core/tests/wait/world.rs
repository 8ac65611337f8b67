//! A world of its own time: an executor of one thread, its timers, and the clock that they move.
//!
//! Tasks are polled in the order in which they were woken. When none is, the clock jumps to the earliest timer. Nothing here depends on
//! the machine, so a run is the same each time. It is also the executor written by hand that waiting must work under.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};
use std::future::Future;
use std::pin::{Pin, pin};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

use tidegate::{Clock, Limiter, LimiterBuilder, ManualClock};

#[derive(Default)]
struct Timers {
    due: BinaryHeap<Reverse<(u64, u64)>>,
    wakers: Vec<Option<Waker>>,
}

#[derive(Clone)]
pub struct World {
    pub clock: Arc<ManualClock>,
    timers: Arc<Mutex<Timers>>,
    slept: Arc<Mutex<Vec<u64>>>,
}

/// A sleep, which counts from its first poll.
pub struct Sleep {
    world: World,
    nanos: u64,
    timer: Option<(u64, usize)>,
}

struct Task {
    number: usize,
    woken: Arc<Mutex<VecDeque<usize>>>,
}

impl Wake for Task {
    fn wake(self: Arc<Self>) {
        self.woken.lock().unwrap().push_back(self.number);
    }
}

impl World {
    pub fn new(now: u64) -> World {
        let clock = Arc::new(ManualClock::new(now));
        World { clock, timers: Arc::default(), slept: Arc::default() }
    }

    pub fn now(&self) -> u64 {
        self.clock.now()
    }

    /// A limiter that lives in this world.
    pub fn limiter(&self, builder: LimiterBuilder) -> Limiter {
        builder.shared_clock(self.clock.clone()).build().expect("a legal quota")
    }

    /// The durations slept so far, in the order in which they began.
    pub fn slept(&self) -> Vec<u64> {
        self.slept.lock().unwrap().clone()
    }

    /// The world's sleep, as `tokio::time::sleep` is tokio's.
    pub fn sleep(&self) -> impl Fn(Duration) -> Sleep + Clone + Send + use<> {
        let world = self.clone();
        move |duration| {
            let nanos = u64::try_from(duration.as_nanos()).unwrap();
            world.slept.lock().unwrap().push(nanos);
            Sleep { world: world.clone(), nanos, timer: None }
        }
    }

    /// Runs tasks until none can go on; how many have finished.
    pub fn run<'a>(&self, tasks: impl IntoIterator<Item = Pin<Box<dyn Future<Output = ()> + Send + 'a>>>) -> usize {
        let woken = Arc::new(Mutex::new(VecDeque::new()));
        let mut tasks: Vec<_> = tasks
            .into_iter()
            .enumerate()
            .map(|(number, task)| {
                woken.lock().unwrap().push_back(number);
                (Some(task), Waker::from(Arc::new(Task { number, woken: woken.clone() })))
            })
            .collect();
        let mut finished = 0;
        loop {
            let Some(next) = woken.lock().unwrap().pop_front() else {
                if self.tick() {
                    continue;
                }
                return finished;
            };
            let (task, waker) = &mut tasks[next];
            if let Some(running) = task
                && running.as_mut().poll(&mut Context::from_waker(waker)).is_ready()
            {
                *task = None;
                finished += 1;
            }
        }
    }

    /// Moves the clock to the earliest timer and wakes its task. False if there is none.
    fn tick(&self) -> bool {
        let mut timers = self.timers.lock().unwrap();
        while let Some(Reverse((at, number))) = timers.due.pop() {
            if let Some(waker) = timers.wakers[number as usize].take() {
                self.clock.set(self.now().max(at));
                waker.wake();
                return true;
            }
        }
        false
    }
}

impl Future for Sleep {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let now = self.world.now();
        let world = self.world.clone();
        let mut timers = world.timers.lock().unwrap();
        let (at, number) = match self.timer {
            Some(timer) => timer,
            None => {
                let (at, number) = (now.saturating_add(self.nanos), timers.wakers.len());
                timers.wakers.push(None);
                timers.due.push(Reverse((at, number as u64)));
                self.timer = Some((at, number));
                (at, number)
            }
        };
        if now >= at {
            timers.wakers[number] = None;
            return Poll::Ready(());
        }
        timers.wakers[number] = Some(cx.waker().clone());
        Poll::Pending
    }
}

impl Drop for Sleep {
    fn drop(&mut self) {
        if let Some((_, number)) = self.timer {
            self.world.timers.lock().unwrap().wakers[number] = None;
        }
    }
}

/// One poll with a waker that does nothing.
pub fn poll_once<F: Future>(future: Pin<&mut F>) -> Poll<F::Output> {
    future.poll(&mut Context::from_waker(Waker::noop()))
}

/// Polls a future that needs no waiting.
pub fn ready<F: Future>(future: F) -> F::Output {
    match poll_once(pin!(future)) {
        Poll::Ready(output) => output,
        Poll::Pending => panic!("it waits"),
    }
}
