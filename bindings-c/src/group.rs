//! Several limits at once: all of them are charged, or none.

use core::ffi::c_void;

use tidegate::{Group, GroupDecision, MAX_MEMBERS, Member};

use crate::decision::tidegate_decision;
use crate::guard::{Out, borrow_many, guard, guard_bool, optional};
use crate::handle::lent;
use crate::keyed::tidegate_keyed;
use crate::limiter::tidegate_limiter;
use crate::status::tidegate_status::{self, TIDEGATE_ERROR_NULL, TIDEGATE_ERROR_RANGE, TIDEGATE_ERROR_UNKNOWN_VALUE};

/// The most members of a group.
pub const TIDEGATE_MAX_MEMBERS: usize = 16;
const _: () = assert!(TIDEGATE_MAX_MEMBERS == MAX_MEMBERS);

/// One limit of a group: a limiter, or one key of a keyed limiter, and what a call costs there. Fill it with zeros, then set what you need.
///
/// A group is an array of 1 to TIDEGATE_MAX_MEMBERS of these; nothing else is made or ended, so it may be another one for each call.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct tidegate_member {
    /// A limiter; then `keyed` is NULL.
    pub limiter: *const tidegate_limiter,
    /// A keyed limiter; then `limiter` is NULL.
    pub keyed: *const tidegate_keyed,
    /// The bytes of the key; may be NULL if there are none. With `keyed` only.
    pub key: *const c_void,
    /// Their number.
    pub key_len: usize,
    /// What a call costs here, in permits.
    pub cost: u64,
    /// Must be 0.
    pub reserved: u64,
}

/// Asks the group that C describes.
///
/// # Safety
/// `members` is NULL, misaligned or points at `count` members, whose handles are NULL, misaligned or live and whose keys are as long as they say.
unsafe fn ask<R>(
    members: *const tidegate_member,
    count: usize,
    verb: impl FnOnce(&Group<'_>) -> R,
) -> Result<R, tidegate_status> {
    if count == 0 || count > MAX_MEMBERS {
        return Err(TIDEGATE_ERROR_RANGE);
    }
    // SAFETY: promised by the caller.
    let members = unsafe { borrow_many(members, count) }?;
    let Some(first) = members.first() else { return Err(TIDEGATE_ERROR_RANGE) };
    // SAFETY: promised by the caller.
    let mut all = [unsafe { member(first) }?; MAX_MEMBERS];
    for (place, one) in all.iter_mut().zip(members).skip(1) {
        // SAFETY: promised by the caller.
        *place = unsafe { member(one) }?;
    }
    // The number is right, and members without names are told apart by position.
    let group = Group::new(all.get(..count).unwrap_or_default()).map_err(|_| TIDEGATE_ERROR_RANGE)?;
    Ok(verb(&group))
}

/// # Safety
/// As [`ask`], for one member.
unsafe fn member<'a>(member: &tidegate_member) -> Result<Member<'a>, tidegate_status> {
    if member.reserved != 0 {
        return Err(TIDEGATE_ERROR_UNKNOWN_VALUE);
    }
    match (member.limiter.is_null(), member.keyed.is_null()) {
        (false, true) if member.key.is_null() && member.key_len == 0 => {
            // SAFETY: promised by the caller.
            Ok(Member::limiter("", unsafe { lent(member.limiter) }?, member.cost))
        }
        (true, false) => {
            // SAFETY: promised by the caller.
            let (keyed, key) = unsafe { (lent(member.keyed)?, borrow_many(member.key.cast::<u8>(), member.key_len)?) };
            Ok(Member::key("", keyed.key(key), member.cost))
        }
        (true, true) => Err(TIDEGATE_ERROR_NULL),
        _ => Err(TIDEGATE_ERROR_UNKNOWN_VALUE),
    }
}

impl From<GroupDecision<'_>> for tidegate_decision {
    fn from(decision: GroupDecision<'_>) -> tidegate_decision {
        tidegate_decision {
            allowed: decision.is_allowed(),
            limit: decision.limit(),
            remaining: decision.remaining(),
            retry_after_ns: decision.retry_after_nanos().unwrap_or(u64::MAX),
            reset_after_ns: decision.reset_after_nanos(),
        }
    }
}

/// # Safety
/// As [`ask`]; `decision` and `binding` are NULL, misaligned or may be written.
unsafe fn decide(
    members: *const tidegate_member,
    count: usize,
    decision: *mut tidegate_decision,
    binding: *mut usize,
    verb: impl for<'a> FnOnce(&Group<'a>) -> GroupDecision<'a>,
) -> tidegate_status {
    guard(|| {
        // SAFETY: promised by the caller.
        let (out, binding) = unsafe { (Out::new(decision)?, optional(binding)?) };
        // SAFETY: promised by the caller.
        let (decision, index) = unsafe {
            ask(members, count, |group| {
                let decision = verb(group);
                let binding = decision.binding_index();
                (tidegate_decision::from(decision), binding)
            })
        }?;
        out.write(decision);
        if let Some(out) = binding {
            out.write(index);
        }
        Ok(())
    })
}

/// Spends the cost of every member if all of them fit; whether they did. At the time of the first member's clock, which should be that of all.
///
/// @return false also for what tidegate_group_take refuses: a gate that cannot be asked stays shut.
/// @pre The handles have not been freed; keys are as long as they say.
///
/// Thread safety: may be called on the same limiters from any number of threads at once.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tidegate_group_try_acquire(members: *const tidegate_member, count: usize) -> bool {
    // SAFETY: the same contract.
    guard_bool(|| unsafe { ask(members, count, |group| group.try_acquire()) })
}

/// tidegate_group_try_acquire at the time `now_ns` (see tidegate_limiter_try_acquire_at).
///
/// @return As tidegate_group_try_acquire.
/// @pre The handles have not been freed; keys are as long as they say.
///
/// Thread safety: may be called on the same limiters from any number of threads at once.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tidegate_group_try_acquire_at(
    members: *const tidegate_member,
    count: usize,
    now_ns: u64,
) -> bool {
    // SAFETY: the same contract.
    guard_bool(|| unsafe { ask(members, count, |group| group.try_acquire_at(now_ns)) })
}

/// Spends the cost of every member if all of them fit, and says everything about the one that binds: denied, the one with the longest wait;
/// allowed, the one of which the least share remains. If any denies, none is charged once the call has returned.
///
/// @param members 1 to TIDEGATE_MAX_MEMBERS of them. A limiter that is named twice is charged twice.
/// @param count Their number.
/// @param[out] decision Not NULL; written on success only.
/// @param[out] binding NULL, or where to write the member that binds; written on success only.
/// @return TIDEGATE_OK, also when denied; TIDEGATE_ERROR_RANGE for `count`; TIDEGATE_ERROR_UNKNOWN_VALUE for a member that is both kinds at once,
/// a limiter with a key, or reserved fields that are not 0; TIDEGATE_ERROR_NULL (also for a member that is neither kind), TIDEGATE_ERROR_MISALIGNED, TIDEGATE_ERROR_HANDLE, TIDEGATE_ERROR_LENGTH for pointers. On any of them nothing is spent.
/// @pre The handles have not been freed; keys are as long as they say.
///
/// Thread safety: may be called on the same limiters from any number of threads at once.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tidegate_group_take(
    members: *const tidegate_member,
    count: usize,
    decision: *mut tidegate_decision,
    binding: *mut usize,
) -> tidegate_status {
    // SAFETY: the same contract.
    unsafe { decide(members, count, decision, binding, |group| group.take()) }
}

/// tidegate_group_take at the time `now_ns` (see tidegate_limiter_try_acquire_at).
///
/// @param[out] decision Not NULL; written on success only.
/// @param[out] binding NULL, or where to write the member that binds; written on success only.
/// @return As tidegate_group_take.
/// @pre The handles have not been freed; keys are as long as they say.
///
/// Thread safety: may be called on the same limiters from any number of threads at once.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tidegate_group_take_at(
    members: *const tidegate_member,
    count: usize,
    now_ns: u64,
    decision: *mut tidegate_decision,
    binding: *mut usize,
) -> tidegate_status {
    // SAFETY: the same contract.
    unsafe { decide(members, count, decision, binding, |group| group.take_at(now_ns)) }
}

/// What tidegate_group_take would answer, without spending.
///
/// @param[out] decision Not NULL; written on success only.
/// @param[out] binding NULL, or where to write the member that binds; written on success only.
/// @return As tidegate_group_take.
/// @pre The handles have not been freed; keys are as long as they say.
///
/// Thread safety: may be called on the same limiters from any number of threads at once.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tidegate_group_peek(
    members: *const tidegate_member,
    count: usize,
    decision: *mut tidegate_decision,
    binding: *mut usize,
) -> tidegate_status {
    // SAFETY: the same contract.
    unsafe { decide(members, count, decision, binding, |group| group.peek()) }
}

/// tidegate_group_peek at the time `now_ns` (see tidegate_limiter_try_acquire_at).
///
/// @param[out] decision Not NULL; written on success only.
/// @param[out] binding NULL, or where to write the member that binds; written on success only.
/// @return As tidegate_group_take.
/// @pre The handles have not been freed; keys are as long as they say.
///
/// Thread safety: may be called on the same limiters from any number of threads at once.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tidegate_group_peek_at(
    members: *const tidegate_member,
    count: usize,
    now_ns: u64,
    decision: *mut tidegate_decision,
    binding: *mut usize,
) -> tidegate_status {
    // SAFETY: the same contract.
    unsafe { decide(members, count, decision, binding, |group| group.peek_at(now_ns)) }
}
