'use strict';
// Waiting: a place in line from the core, then one timer. Timers are unref'ed, so that a wait keeps no process alive; a wait longer than
// a timer can be (24.8 days) is one timer after another. Whoever leaves gives his place back, and the clock has the last word.

const { RateLimitExceeded, TimeoutError, kind, options, outOfRange, wrongType } = require('./errors.js');

const LONGEST_TIMER = 2 ** 31 - 1;
const FOREVER = 2n ** 64n - 1n;

/** Milliseconds, or bigint nanoseconds, as bigint nanoseconds; undefined and Infinity are no bound. */
function longest(time, name) {
  if (time === undefined || time === Infinity) return FOREVER;
  if (typeof time === 'bigint') {
    if (time < 0n) throw outOfRange(`${name} must be at least 0; received ${time}n`);
    return time > FOREVER ? FOREVER : time;
  }
  if (typeof time !== 'number') throw wrongType(`${name} must be milliseconds as a number, or nanoseconds as a bigint; received ${kind(time)}`);
  if (!(time >= 0)) throw outOfRange(`${name} must be at least 0; received ${time}`);
  if (time >= 2 ** 53) return FOREVER;
  const whole = Math.trunc(time);
  return BigInt(whole) * 1_000_000n + BigInt(Math.round((time - whole) * 1e6));
}

/** What `reserve` throws where there is no reservation. */
function refused({ why, decision }) {
  if (why === 'never') return outOfRange(`the cost can never fit within ${decision.limit} permits`, 'ERR_NEVER');
  if (why === 'too-long') return new RateLimitExceeded(decision);
  return new RateLimitExceeded(decision, why === 'no-room' ? 'the table has no slot for a new key' : 'the queue of reservations is as long as the limiter can count');
}

const RESERVATION = Symbol('Reservation');

/** Permits booked for an instant ahead. `line` is whose they are: its clock, and how to give them back. */
class Reservation {
  #line;
  #slot;
  #cancelled = false;

  constructor(key, line, slot) {
    if (key !== RESERVATION) throw wrongType('reservations are made by reserve()');
    this.#line = line;
    this.#slot = slot;
  }

  get atNs() {
    return this.#slot[0];
  }

  get permits() {
    return Number(this.#slot[1]);
  }

  get waitMs() {
    return this.#line.until(this.#slot[0]);
  }

  get cancelled() {
    return this.#cancelled;
  }

  cancel() {
    if (this.#cancelled) return false;
    this.#line.cancel(this.#slot);
    this.#cancelled = true;
    return true;
  }

  /** Resolves when the instant has come; rejects when the signal says so, and gives the permits back. */
  wait(given) {
    const { signal } = options(given);
    return until(this, checked(signal));
  }
}

function checked(signal) {
  if (signal === undefined) return undefined;
  if (typeof signal !== 'object' || signal === null || typeof signal.addEventListener !== 'function') {
    throw wrongType(`signal must be an AbortSignal; received ${kind(signal)}`);
  }
  return signal;
}

/** Calls back once after so many nanoseconds, unless stopped; never, if that is beyond counting. */
class Timer {
  #timer;

  constructor(nanos, call) {
    if (nanos !== FOREVER) this.#arm(Math.ceil(Number(nanos) / 1e6), call);
  }

  #arm(rest, call) {
    const piece = Math.min(rest, LONGEST_TIMER);
    this.#timer = setTimeout(() => (rest > piece ? this.#arm(rest - piece, call) : call()), piece);
    this.#timer.unref?.();
  }

  stop() {
    clearTimeout(this.#timer);
  }
}

function until(reservation, signal) {
  return new Promise((resolve, reject) => {
    let timer;
    const leave = () => {
      clearTimeout(timer);
      try {
        reservation.cancel();
      } finally {
        reject(signal.reason);
      }
    };
    const look = () => {
      try {
        const rest = reservation.waitMs;
        if (rest > 0) {
          // Rounded up: a timer counts whole milliseconds.
          timer = setTimeout(look, Math.min(Math.ceil(rest), LONGEST_TIMER));
          timer.unref?.();
          return;
        }
      } catch (error) {
        // The clock threw.
        signal?.removeEventListener('abort', leave);
        reject(error);
        return;
      }
      signal?.removeEventListener('abort', leave);
      resolve();
    };
    if (signal?.aborted) return leave();
    signal?.addEventListener('abort', leave, { once: true });
    look();
  });
}

/**
 * Acquires from a line: a decision at once if the permits are there, or when the wait is over.
 * `take` spends now and decides; `book(longest)` answers `{ slot }` or `{ why, decision }`; `look` decides on nothing.
 */
async function acquire(line, given) {
  const { timeoutMs, signal: unchecked } = options(given);
  const signal = checked(unchecked);
  const most = longest(timeoutMs, 'timeoutMs');
  if (signal?.aborted) throw signal.reason;
  const taken = line.take();
  if (taken.allowed) return taken;
  const booked = line.book(most);
  if (booked.slot === undefined) throw booked.why === 'too-long' ? new TimeoutError(booked.decision) : refused(booked);
  await until(new Reservation(RESERVATION, line, booked.slot), signal);
  return line.look();
}

/** A reservation, or the error that says why there is none. */
function reserve(line, given) {
  const booked = line.book(longest(options(given).maxWaitMs, 'maxWaitMs'));
  if (booked.slot === undefined) throw refused(booked);
  return new Reservation(RESERVATION, line, booked.slot);
}

module.exports = { Reservation, Timer, acquire, checked, longest, reserve };
