//! Any sequence of calls of the C interface: never an internal error, and never another answer than the core's.
//!
//! The declarations are those of `include/tidegate.h`, as a C program would see them. Pointers are what a program could pass by mistake: NULL,
//! misaligned, of another kind, freed (which `free` alone must tell); everything else that they point at lives.

use std::ffi::{CString, c_char, c_void};
use std::ptr::{null, null_mut};

use tidegate::{Algorithm, KeyedLimiter, Limiter, Quota};
// Linked in; its functions are named below.
use tidegate_c_abi as _;

use crate::steps::common::Numbers;

type Status = i32;
const OK: Status = 0;
const INTERNAL: Status = -6;

#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct CQuota {
    limit: u64,
    period: u64,
    burst: u64,
    offset: u64,
    anchor: i32,
    calendar: u32,
    reserved: [u32; 6],
}

#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct CDecision {
    allowed: bool,
    limit: u64,
    remaining: u64,
    retry_after: u64,
    reset_after: u64,
}

#[repr(C)]
#[derive(Clone, Copy, Debug, Default)]
struct CReservation {
    outcome: i32,
    reserved: u32,
    at: u64,
    delay: u64,
    cost: u64,
    decision: CDecision,
    internal: [u64; 6],
}

#[repr(C)]
struct CQuotaError {
    status: Status,
    position: usize,
    message: *const c_char,
}

// SAFETY: these are the functions of the crate `tidegate_c_abi`, declared as in `include/tidegate.h`, which its tests hold to the crate.
unsafe extern "C" {
    fn tidegate_quota_make(limit: u64, period: u64, burst: u64, quota: *mut CQuota) -> Status;
    fn tidegate_quota_parse(text: *const c_char, quota: *mut CQuota, error: *mut CQuotaError) -> Status;
    fn tidegate_quota_format(quota: *const CQuota, buffer: *mut c_char, capacity: usize, length: *mut usize) -> Status;
    fn tidegate_limiter_new(algorithm: i32, quota: *const CQuota, limiter: *mut *mut c_void) -> Status;
    fn tidegate_limiter_free(limiter: *mut c_void) -> Status;
    fn tidegate_limiter_try_acquire_at(limiter: *const c_void, now: u64, cost: u64) -> bool;
    fn tidegate_limiter_take_at(limiter: *const c_void, now: u64, cost: u64, decision: *mut CDecision) -> Status;
    fn tidegate_limiter_peek_at(limiter: *const c_void, now: u64, cost: u64, decision: *mut CDecision) -> Status;
    fn tidegate_limiter_charge_at(limiter: *const c_void, now: u64, cost: u64, decision: *mut CDecision) -> Status;
    fn tidegate_limiter_refund_at(limiter: *const c_void, now: u64, permits: u64) -> Status;
    fn tidegate_limiter_reset(limiter: *const c_void) -> Status;
    fn tidegate_limiter_reserve_at(
        limiter: *const c_void,
        now: u64,
        cost: u64,
        max_wait: u64,
        reservation: *mut CReservation,
    ) -> Status;
    fn tidegate_limiter_cancel_at(limiter: *const c_void, now: u64, reservation: *mut CReservation) -> Status;
    fn tidegate_limiter_snapshot(
        limiter: *const c_void,
        buffer: *mut c_char,
        capacity: usize,
        length: *mut usize,
    ) -> Status;
    fn tidegate_limiter_from_snapshot(text: *const c_char, limiter: *mut *mut c_void) -> Status;
    fn tidegate_keyed_new(algorithm: i32, quota: *const CQuota, max_keys: usize, keyed: *mut *mut c_void) -> Status;
    fn tidegate_keyed_free(keyed: *mut c_void) -> Status;
    fn tidegate_keyed_take_at(
        keyed: *const c_void,
        key: *const c_void,
        length: usize,
        now: u64,
        cost: u64,
        decision: *mut CDecision,
    ) -> Status;
    fn tidegate_gcra_take_at(
        gcra: *mut u64,
        quota: *const CQuota,
        now: u64,
        cost: u64,
        decision: *mut CDecision,
    ) -> Status;
}

fn said(status: Status) -> Status {
    assert_ne!(status, INTERNAL, "a panic at the border");
    status
}

fn of(decision: tidegate::Decision) -> CDecision {
    CDecision {
        allowed: decision.is_allowed(),
        limit: decision.limit(),
        remaining: decision.remaining(),
        retry_after: decision.retry_after_nanos().unwrap_or(u64::MAX),
        reset_after: decision.reset_after_nanos(),
    }
}

/// A handle and the core's own beside it.
struct Pair {
    handle: *mut c_void,
    core: Limiter,
    /// What was booked on both.
    slots: Vec<(CReservation, tidegate::Slot)>,
}

struct Keys {
    handle: *mut c_void,
    core: KeyedLimiter<[u8]>,
}

#[derive(Default)]
struct World {
    limiters: Vec<Pair>,
    keyed: Vec<Keys>,
    now: u64,
}

/// Eight bytes a number, up to 4,096 bytes.
pub fn run(bytes: &[u8]) {
    let mut numbers = Numbers::of_bytes(&bytes[..bytes.len().min(4_096)]);
    let mut world = World::default();
    while numbers.has_bytes() {
        world.step(&mut numbers);
    }
    for pair in world.limiters {
        // SAFETY: it lives, and nobody uses it any more.
        let (first, again) = unsafe { (tidegate_limiter_free(pair.handle), tidegate_limiter_free(pair.handle)) };
        assert_eq!(said(first), OK);
        assert_ne!(said(again), OK, "freed twice");
    }
    for keys in world.keyed {
        // SAFETY: as above; the first call is given a handle of another kind, which it refuses.
        let (wrong, first) = unsafe { (tidegate_limiter_free(keys.handle), tidegate_keyed_free(keys.handle)) };
        assert_ne!(said(wrong), OK, "freed as another kind");
        assert_eq!(said(first), OK);
    }
}

const ALGORITHMS: [Algorithm; 5] =
    [Algorithm::Gcra, Algorithm::TokenBucket, Algorithm::FixedWindow, Algorithm::SlidingWindow, Algorithm::SlidingLog];

impl World {
    fn step(&mut self, numbers: &mut Numbers) {
        self.now = match numbers.below(4) {
            0 => self.now.saturating_add(numbers.log(64)),
            1 => self.now.saturating_sub(numbers.log(64)),
            _ => self.now,
        };
        match numbers.below(12) {
            0 if self.limiters.len() < 4 => self.new_limiter(numbers),
            1 if self.keyed.len() < 2 => self.new_keyed(numbers),
            2 => text(numbers),
            3 => self.nothing(numbers),
            4 => snapshot_text(numbers),
            5 => self.keyed_take(numbers),
            6 => word(self.now, numbers),
            _ => self.verb(numbers),
        }
    }

    fn new_limiter(&mut self, numbers: &mut Numbers) {
        let (code, quota, core) = quota(numbers);
        let core = core.and_then(|quota| Limiter::builder(*ALGORITHMS.get(code as usize)?, quota).build_at(0).ok());
        let mut handle = null_mut();
        // SAFETY: the quota can be read and the pointer written.
        let status = said(unsafe { tidegate_limiter_new(code, &quota, &mut handle) });
        // The clock of the handle is another than 0, which matters to those that count from their origin alone.
        let Some(core) = core else { return free_limiter(handle) };
        if status == OK && core.horizon() == (1 << 63) - 1 {
            self.limiters.push(Pair { handle, core, slots: Vec::new() });
        } else {
            free_limiter(handle);
        }
    }

    fn new_keyed(&mut self, numbers: &mut Numbers) {
        let (code, quota, core) = quota(numbers);
        let max_keys = 64;
        let core = core.and_then(|quota| {
            KeyedLimiter::builder(*ALGORITHMS.get(code as usize)?, quota).max_keys(max_keys).build_at(0).ok()
        });
        let mut handle = null_mut();
        // SAFETY: as above.
        let status = said(unsafe { tidegate_keyed_new(code, &quota, max_keys, &mut handle) });
        match core {
            Some(core) if status == OK => self.keyed.push(Keys { handle, core }),
            // SAFETY: it is NULL, or lives.
            _ => assert_eq!(said(unsafe { tidegate_keyed_free(handle) }), OK),
        }
    }

    fn verb(&mut self, numbers: &mut Numbers) {
        let now = self.now;
        let count = self.limiters.len() as u64;
        if count == 0 {
            return;
        }
        let Pair { handle, core, slots } = &mut self.limiters[numbers.below(count) as usize];
        let capacity = core.quota().capacity();
        let cost = numbers.near(&[0, 1, capacity, 2 * (capacity / 2)], 64);
        let mut decision = CDecision::default();
        // SAFETY: the handle lives, and the out-parameters can be written.
        unsafe {
            match numbers.below(9) {
                0 | 1 => {
                    assert_eq!(said(tidegate_limiter_take_at(*handle, now, cost, &mut decision)), OK);
                    assert_eq!(decision, of(core.take_at(now, cost)));
                }
                2 => assert_eq!(tidegate_limiter_try_acquire_at(*handle, now, cost), core.try_acquire_at(now, cost)),
                3 => {
                    assert_eq!(said(tidegate_limiter_charge_at(*handle, now, cost, &mut decision)), OK);
                    assert_eq!(decision, of(core.charge_at(now, cost)));
                }
                4 => {
                    assert_eq!(said(tidegate_limiter_refund_at(*handle, now, cost)), OK);
                    core.refund_at(now, cost);
                }
                5 => {
                    assert_eq!(said(tidegate_limiter_reset(*handle)), OK);
                    core.reset();
                }
                6 => {
                    let mut booked = CReservation::default();
                    let max_wait = numbers.log(64);
                    let status = said(tidegate_limiter_reserve_at(*handle, now, cost, max_wait, &mut booked));
                    assert_eq!(status, OK);
                    match core.reserve_at(now, cost, max_wait) {
                        Ok(slot) => {
                            assert_eq!((booked.outcome, booked.at), (16, slot.at_nanos()));
                            slots.push((booked, slot));
                        }
                        Err(refused) => assert_eq!(booked.decision, of(refused.decision())),
                    }
                }
                7 if !slots.is_empty() => {
                    let (mut booked, slot) = slots.swap_remove(numbers.below(slots.len() as u64) as usize);
                    assert_eq!(said(tidegate_limiter_cancel_at(*handle, now, &mut booked)), OK);
                    core.cancel_at(now, slot);
                    // Once.
                    assert_ne!(said(tidegate_limiter_cancel_at(*handle, now, &mut booked)), OK);
                }
                _ => {}
            }
            assert_eq!(said(tidegate_limiter_peek_at(*handle, now, 1, &mut decision)), OK);
        }
        assert_eq!(decision, of(core.peek_at(now, 1)));
    }

    fn keyed_take(&mut self, numbers: &mut Numbers) {
        let count = self.keyed.len() as u64;
        if count == 0 {
            return;
        }
        let Keys { handle, core } = &self.keyed[numbers.below(count) as usize];
        // Fewer keys than places: nobody is forgotten but who is idle, and time may run backwards, so only what holds anyway is compared.
        let key = numbers.below(16).to_le_bytes();
        let (length, cost) = (numbers.below(9) as usize, numbers.log(64));
        let mut decision = CDecision::default();
        // SAFETY: the handle lives, so many bytes of the key can be read, the decision can be written.
        let status =
            unsafe { tidegate_keyed_take_at(*handle, key.as_ptr().cast(), length, self.now, cost, &mut decision) };
        assert_eq!(said(status), OK);
        assert_eq!(decision.limit, core.quota().capacity());
        assert!(decision.remaining <= decision.limit && (decision.allowed == (decision.retry_after == 0)));
    }

    /// NULL and misaligned pointers: a status, and nothing is touched.
    fn nothing(&self, numbers: &mut Numbers) {
        let mut decision = CDecision { limit: 77, ..CDecision::default() };
        let before = decision;
        let misaligned = (&raw mut decision).cast::<u8>().wrapping_add(1).cast::<CDecision>();
        let handle = self.limiters.first().map_or(null_mut(), |pair| pair.handle);
        let cost = numbers.log(64);
        // SAFETY: NULL and misaligned pointers are refused before they are used; the handle is NULL or lives.
        unsafe {
            assert_ne!(said(tidegate_limiter_take_at(null(), self.now, cost, &mut decision)), OK);
            assert_ne!(said(tidegate_limiter_take_at(handle, self.now, cost, null_mut())), OK);
            assert_ne!(said(tidegate_limiter_take_at(handle, self.now, cost, misaligned)), OK);
            assert_ne!(said(tidegate_limiter_reserve_at(handle, self.now, cost, 0, null_mut())), OK);
            assert_ne!(said(tidegate_limiter_cancel_at(handle, self.now, &mut CReservation::default())), OK);
            assert_ne!(said(tidegate_limiter_new(0, null(), &mut null_mut())), OK);
            assert_ne!(said(tidegate_quota_parse(null(), &mut CQuota::default(), null_mut())), OK);
            assert!(!tidegate_limiter_try_acquire_at(null(), self.now, cost.max(1)));
            assert_eq!(said(tidegate_limiter_free(null_mut())), OK);
        }
        assert_eq!(decision, before);
        if let Some(Pair { handle, core, .. }) = self.limiters.first() {
            // SAFETY: it lives.
            assert_eq!(unsafe { tidegate_limiter_peek_at(*handle, self.now, 1, &mut decision) }, OK);
            assert_eq!(decision, of(core.peek_at(self.now, 1)));
        }
    }
}

fn free_limiter(handle: *mut c_void) {
    // SAFETY: it is NULL, or lives.
    assert_eq!(said(unsafe { tidegate_limiter_free(handle) }), OK);
}

/// A code of an algorithm, which may be none, a quota, which may be wrong, and the core's, if it is right.
fn quota(numbers: &mut Numbers) -> (i32, CQuota, Option<Quota>) {
    let code = if numbers.below(16) == 0 { numbers.next() as i32 } else { numbers.below(6) as i32 };
    let limit = numbers.log(if code == 4 { 10 } else { 64 });
    let (period, burst) = (numbers.log(63), numbers.near(&[limit], 64));
    let mut quota = CQuota::default();
    // SAFETY: it can be written.
    let status = said(unsafe { tidegate_quota_make(limit, period, burst, &mut quota) });
    let core =
        Quota::from_nanos(limit, period).and_then(|quota| if burst == 0 { Ok(quota) } else { quota.burst(burst) });
    if burst > 0 {
        assert_eq!(status == OK, core.is_ok(), "{limit} in {period}, burst {burst}: {status}");
    }
    // A field that a program has scribbled over.
    if numbers.below(16) == 0 {
        quota.anchor = numbers.next() as i32;
        quota.reserved[numbers.below(6) as usize] = numbers.next() as u32;
        return (code, quota, None);
    }
    (code, quota, core.ok().filter(|_| status == OK && burst > 0))
}

/// The grammar: what is read is written and read again; a buffer that is too small is left alone.
fn text(numbers: &mut Numbers) {
    let bytes: Vec<u8> =
        (0..numbers.below(4)).flat_map(|_| numbers.next().to_le_bytes()).filter(|&byte| byte != 0).collect();
    let text = CString::new(bytes).expect("no zero in it");
    let mut quota = CQuota::default();
    let mut error = CQuotaError { status: OK, position: 0, message: null() };
    // SAFETY: the text ends with a zero; the rest can be written. The lengths are those of the buffers.
    unsafe {
        if said(tidegate_quota_parse(text.as_ptr(), &mut quota, &mut error)) != OK {
            return assert_ne!(error.status, OK);
        }
        let (mut buffer, mut length) = ([0; 256], 0);
        assert_eq!(said(tidegate_quota_format(&quota, buffer.as_mut_ptr(), buffer.len(), &mut length)), OK);
        let mut again = CQuota::default();
        assert_eq!(said(tidegate_quota_parse(buffer.as_ptr(), &mut again, &mut error)), OK);
        assert_eq!(again, quota);
        assert_ne!(said(tidegate_quota_format(&quota, buffer.as_mut_ptr(), length, &mut length)), OK);
    }
}

/// A snapshot, as it is or with a byte changed: read, or refused.
fn snapshot_text(numbers: &mut Numbers) {
    let (code, quota, _) = quota(numbers);
    let (mut handle, mut again) = (null_mut(), null_mut());
    let (mut buffer, mut length) = (vec![0u8; 8_192], 0);
    // SAFETY: the quota can be read, the rest written; the buffer's length is its own, and it ends with a zero.
    unsafe {
        if said(tidegate_limiter_new(code, &quota, &mut handle)) != OK {
            return;
        }
        tidegate_limiter_try_acquire_at(handle, numbers.log(64), 1);
        let status = said(tidegate_limiter_snapshot(handle, buffer.as_mut_ptr().cast(), buffer.len(), &mut length));
        if status == OK {
            let changed = numbers.below(2) == 1;
            if changed && length > 0 {
                buffer[numbers.below(length as u64) as usize] = 1 + numbers.below(255) as u8;
            }
            let read = said(tidegate_limiter_from_snapshot(buffer.as_ptr().cast(), &mut again));
            assert!(changed || read == OK, "a snapshot of its own is refused: {read}");
        }
    }
    free_limiter(handle);
    free_limiter(again);
}

/// A word of the caller's own, of any value.
fn word(now: u64, numbers: &mut Numbers) {
    let (_, quota, _) = quota(numbers);
    let mut word = numbers.log(64);
    let before = word;
    let mut decision = CDecision::default();
    // SAFETY: all of it can be read and written.
    let status = said(unsafe { tidegate_gcra_take_at(&mut word, &quota, now, numbers.log(64), &mut decision) });
    assert!(status == OK || word == before, "a refused call has written");
    assert!(status != OK || decision.remaining <= decision.limit);
}
