'use strict';
// Waiting: a place in line from the core, then one timer. Timers are unref'ed, so that a wait keeps no process alive; a wait longer than
// a timer can be (24.8 days) is one timer after another. Whoever leaves gives his place back, and the clock has the last word.

const { booking, decision, groupDecision } = require('./native.js');
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

/** Whose permits are waited for: verbs, their clock, the names of a group's members, and the key if there is one. */
class Line {
  #verbs;
  #clock;
  #names;
  #named;

  constructor(verbs, clock, names, ...named) {
    this.#verbs = verbs;
    this.#clock = clock;
    this.#names = names;
    this.#named = named;
  }

  #call(verb, ...given) {
    const clock = this.#clock;
    return clock === undefined ? verb(...this.#named, ...given) : verb(...this.#named, ...given, clock());
  }

  #read(code) {
    return this.#names === undefined ? decision(code) : groupDecision(code, this.#names);
  }

  take(n) {
    return this.#read(this.#call(this.#verbs.take, n));
  }

  look() {
    return this.#read(this.#call(this.#verbs.peek, 0));
  }

  book(n, longest) {
    return booking(this.#call(this.#verbs.reserve, n, longest), this.#names);
  }

  cancel(kept) {
    this.#call(this.#verbs.cancel, kept);
  }

  settle(kept, actual) {
    return this.#read(this.#call(this.#verbs.settle, kept, actual));
  }

  until(at) {
    const clock = this.#clock;
    return clock === undefined ? this.#verbs.until(at) : this.#verbs.until(at, clock());
  }
}

const RESERVATION = Symbol('Reservation');

/** Permits booked for an instant ahead, until they are given back or settled. */
class Reservation {
  #line;
  #kept;
  #at;
  #permits;
  #state = 'held';

  constructor(key, line, { kept, at }, permits) {
    if (key !== RESERVATION) throw wrongType('reservations are made by reserve()');
    this.#line = line;
    this.#kept = kept;
    this.#at = at;
    this.#permits = permits;
  }

  get atNs() {
    return this.#at;
  }

  get permits() {
    return this.#permits;
  }

  get waitMs() {
    return this.#line.until(this.#at);
  }

  get cancelled() {
    return this.#state === 'cancelled';
  }

  cancel() {
    if (this.#state !== 'held') return false;
    this.#line.cancel(this.#kept);
    this.#state = 'cancelled';
    return true;
  }

  /** What it has really cost: the difference is given back, or charged. */
  settle(actual) {
    if (this.#state !== 'held') throw outOfRange(`the reservation is ${this.#state}`, 'ERR_GONE');
    const settled = this.#line.settle(this.#kept, actual);
    this.#state = 'settled';
    return settled;
  }

  /** Resolves when the instant has come; rejects when the signal says so, and gives the permits back. */
  wait(given) {
    const { signal, ref } = options(given);
    return until(this, checked(signal), ref === true);
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
  #ref;

  constructor(nanos, call, ref = false) {
    this.#ref = ref;
    if (nanos !== FOREVER) this.#arm(Math.ceil(Number(nanos) / 1e6), call);
  }

  #arm(rest, call) {
    const piece = Math.min(rest, LONGEST_TIMER);
    this.#timer = setTimeout(() => (rest > piece ? this.#arm(rest - piece, call) : call()), piece);
    if (!this.#ref) this.#timer.unref?.();
  }

  stop() {
    clearTimeout(this.#timer);
  }
}

/** Somebody's work goes on after it, so it keeps the process alive. Rejects, early, when the signal is aborted. */
function sleep(ms, signal) {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(signal.reason);
    const end = (settle, value) => {
      timer.stop();
      signal?.removeEventListener('abort', aborted);
      settle(value);
    };
    const aborted = () => end(reject, signal.reason);
    const timer = new Timer(longest(ms, 'a wait'), () => end(resolve), true);
    signal?.addEventListener('abort', aborted, { once: true });
  });
}

function until(reservation, signal, ref) {
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
          if (!ref) timer.unref?.();
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

/** Acquires from a line: a decision at once if the permits are there, or when the wait is over. */
async function acquire(line, n, given) {
  const { timeoutMs, signal: unchecked, ref } = options(given);
  const signal = checked(unchecked);
  const most = longest(timeoutMs, 'timeoutMs');
  if (signal?.aborted) throw signal.reason;
  const taken = line.take(n);
  if (taken.allowed) return taken;
  const booked = line.book(n, most);
  if (booked.kept === undefined) throw booked.why === 'too-long' ? new TimeoutError(booked.decision) : refused(booked);
  await until(new Reservation(RESERVATION, line, booked, n), signal, ref === true);
  return line.look();
}

/** A reservation, or the error that says why there is none. */
function reserve(line, n, given) {
  const booked = line.book(n, longest(options(given).maxWaitMs, 'maxWaitMs'));
  if (booked.kept === undefined) throw refused(booked);
  return new Reservation(RESERVATION, line, booked, Number(n));
}

module.exports = { Line, Reservation, Timer, acquire, checked, longest, reserve, sleep };
