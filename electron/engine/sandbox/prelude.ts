/** File names in the interpreter's stack traces. */
export const userFile = 'callback.js';
export const preludeFile = 'prelude.js';

/**
 * JavaScript that runs inside the interpreter before the user's: it makes the callback's surroundings, and takes what the
 * callback returns apart into a JSON text and raw bytes. Whatever getters, proxies and changed prototypes do, they do in
 * there and within the limits; whoever reads the text and the bytes outside checks them as if anybody had written them.
 *
 * A function of `fill(buffer index)` (an ArrayBuffer), `take(name, sides, ArrayBuffer, byte offset, length)` (its answer: what is wrong,
 * or nothing), `log(line)`, and as JSON the limits and three 32-bit seeds. It returns [accept, step, settle, describe]:
 * accept(callback, names): JSON of the tensor names | step(JSON): answer JSON, or null for a promise, which `settle()` asks
 * for once all jobs are done | describe(thrown): JSON of name, message, stack.
 */
export const prelude = `(function (fill, take, log, limitsText, seedsText) {
  'use strict';
  const { parse, stringify } = JSON;
  const { freeze, defineProperty, getPrototypeOf, getOwnPropertyDescriptor } = Object;
  const { apply, ownKeys } = Reflect;
  const { isArray } = Array;
  const { isFinite } = Number;
  const OwnFloat32Array = Float32Array;
  const OwnTypeError = TypeError;
  const OwnSet = Set;
  const text = String;
  const typedArray = getPrototypeOf(Float32Array.prototype);
  const getterOf = (key) => getOwnPropertyDescriptor(typedArray, key).get;
  const tagOf = getterOf(Symbol.toStringTag);
  const bufferOf = getterOf('buffer');
  const offsetOf = getterOf('byteOffset');
  const lengthOf = getterOf('length');
  const limits = parse(limitsText);

  // What differs from run to run, or is of use between threads only.
  delete globalThis.Date;
  delete globalThis.performance;
  delete globalThis.WeakRef;
  delete globalThis.FinalizationRegistry;
  delete globalThis.SharedArrayBuffer;
  delete globalThis.Atomics;

  // sfc32 by Chris Doty-Humphrey (PractRand), 53 bits a number.
  let a = 0, b = 0, c = 0, d = 0;
  const next = () => {
    const t = (a + b + d) | 0;
    d = (d + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = (c << 21) | (c >>> 11);
    c = (c + t) | 0;
    return t >>> 0;
  };
  const seeds = parse(seedsText);
  // Its counter tells the steps apart; -1: before the first.
  const reseed = (step) => {
    a = seeds[0]; b = seeds[1]; c = seeds[2]; d = step | 0;
    for (let i = 0; i < 20; i++) next();
  };
  reseed(-1);
  Math.random = function random() {
    const high = next() >>> 5;
    return (high * 67108864 + (next() >>> 6)) / 9007199254740992;
  };

  const kindOf = (value) => {
    if (value === null || value === undefined) return text(value);
    if (isArray(value)) return 'an array';
    if (typeof value === 'object') return 'an object';
    if (typeof value === 'function') return 'a function';
    if (typeof value === 'symbol') return 'a symbol';
    return 'the ' + typeof value + ' ' + text(value).slice(0, 50);
  };
  const tag = (value) => (typeof value === 'object' && value !== null ? apply(tagOf, value, []) : undefined);

  let lines = 0;
  const show = (value) => {
    if (typeof value === 'string') return value;
    if (typeof value !== 'object' || value === null) return text(value);
    const typed = tag(value);
    if (typed !== undefined) {
      const length = apply(lengthOf, value, []);
      const first = [];
      for (let i = 0; i < length && i < 5; i++) first.push(text(value[i]));
      return typed + '(' + length + ') [' + first.join(', ') + (length > 5 ? ', …]' : ']');
    }
    if (value instanceof Error) return text(value.name) + ': ' + text(value.message);
    return stringify(value, (key, part) => (tag(part) === undefined ? part : show(part))) ?? text(value);
  };
  const print = (...values) => {
    lines++;
    if (lines > limits.logLines) {
      if (lines === limits.logLines + 1) log('Further lines of this step are left out.');
      return;
    }
    let line = '';
    for (const value of values) {
      let part;
      try { part = show(value); } catch { part = '(cannot be shown)'; }
      line += (line === '' ? '' : ' ') + part;
    }
    log(line.length > limits.logLength ? line.slice(0, limits.logLength) + '…' : line);
  };
  globalThis.console = freeze({ log: print, info: print, debug: print, warn: print, error: print });

  class BadReturn {
    constructor(message) { this.message = message; }
  }
  const refuse = (message) => { throw new BadReturn(message); };

  const describe = (error) => {
    if (error instanceof BadReturn) return stringify({ badReturn: error.message });
    if ((typeof error !== 'object' && typeof error !== 'function') || error === null) {
      return stringify({ name: '', message: 'threw ' + kindOf(error), stack: '' });
    }
    const read = (key) => {
      try {
        const value = error[key];
        return typeof value === 'string' ? value.slice(0, 4000) : '';
      } catch { return ''; }
    };
    return stringify({ name: read('name'), message: read('message'), stack: read('stack') });
  };

  /** JSON-safe as it stands, so that a state read back after a resume is the state that was written. */
  const checkPlain = (value, where, depth) => {
    if (value === null || typeof value === 'string' || typeof value === 'boolean') return;
    if (typeof value === 'number') {
      if (!isFinite(value)) refuse(where + ' is ' + value + ', which JSON cannot hold');
      return;
    }
    if (depth > 50) refuse(where + ' is nested too deep');
    if (isArray(value)) {
      for (let i = 0; i < value.length; i++) checkPlain(value[i], where + '[' + i + ']', depth + 1);
      return;
    }
    const typed = tag(value);
    if (typed !== undefined) refuse(where + ' is a ' + typed + '; write Array.from(it)');
    if (typeof value !== 'object') refuse(where + ' is ' + kindOf(value) + ', which JSON cannot hold');
    const prototype = getPrototypeOf(value);
    if (prototype !== null && prototype !== Object.prototype) refuse(where + ' is no plain object');
    for (const key of ownKeys(value)) {
      if (typeof key !== 'string') refuse(where + ' has a symbol for a key');
      checkPlain(value[key], where + '.' + key, depth + 1);
    }
  };

  const patchKeys = new OwnSet(['interrupt', 'guidanceScale', 'guidanceRescale', 'tensors']);
  const takeTensors = (tensors) => {
    if (typeof tensors !== 'object' || tensors === null || isArray(tensors)) {
      refuse('returned ' + kindOf(tensors) + ' for tensors; they are given as { latents: { dims, data } }');
    }
    for (const name of ownKeys(tensors)) {
      if (typeof name !== 'string') refuse('returned a tensor whose name is a symbol');
      const value = tensors[name];
      if (value === undefined) continue;
      if (typeof value !== 'object' || value === null) refuse('returned ' + kindOf(value) + ' for ' + name + '; a tensor is { dims, data }');
      const { dims, data } = value;
      if (!isArray(dims)) refuse('returned ' + name + ' without dims');
      const typed = tag(data);
      if (typed !== 'Float32Array') refuse('returned ' + name + ' whose data is ' + (typed === undefined ? kindOf(data) : 'a ' + typed) + '; it must be a Float32Array');
      let sides = '';
      for (let i = 0; i < dims.length && i < 9; i++) sides += (i === 0 ? '' : ', ') + text(dims[i]).slice(0, 20);
      const fault = take(name.slice(0, 50), sides, apply(bufferOf, data, []), apply(offsetOf, data, []), apply(lengthOf, data, []));
      if (fault !== '') refuse(fault);
    }
  };

  const finish = (returned, state) => {
    const answer = { interrupt: false, guidanceScale: null, guidanceRescale: null, state: '' };
    if (returned !== undefined && returned !== null) {
      if (typeof returned !== 'object' || isArray(returned)) {
        refuse('returned ' + kindOf(returned) + '; give back nothing, or an object with interrupt, guidanceScale, guidanceRescale or tensors');
      }
      for (const key of ownKeys(returned)) {
        if (patchKeys.has(key)) continue;
        const named = typeof key === 'string' ? '"' + key.slice(0, 50) + '"' : 'a symbol';
        refuse('returned ' + named + '; it may return interrupt, guidanceScale, guidanceRescale and tensors: { … }');
      }
      const { interrupt, tensors } = returned;
      if (interrupt !== undefined) {
        if (typeof interrupt !== 'boolean') refuse('returned ' + kindOf(interrupt) + ' for interrupt; it must be true or false');
        answer.interrupt = interrupt;
      }
      for (const key of ['guidanceScale', 'guidanceRescale']) {
        const value = returned[key];
        if (value === undefined) continue;
        if (typeof value !== 'number') refuse('returned ' + kindOf(value) + ' for ' + key + '; it must be a number');
        if (!isFinite(value)) refuse('returned ' + value + ' for ' + key);
        answer[key] = value;
      }
      if (tensors !== undefined) takeTensors(tensors);
    }
    checkPlain(state(), 'run.state', 0);
    answer.state = stringify(state());
    return stringify(answer);
  };

  let callback, owner;
  const accept = (candidate, names) => {
    if (typeof candidate === 'object' && candidate !== null) {
      owner = candidate;
      names = candidate.callbackOnStepEndTensorInputs;
      callback = candidate.callbackOnStepEnd;
    } else {
      callback = candidate;
    }
    if (typeof callback !== 'function') {
      refuse('There is no callback: write function callbackOnStepEnd(run, stepIndex, timestep, tensors) { … }, or export default such a function.');
    }
    if (names === undefined) return '["latents"]';
    if (!isArray(names)) refuse('callbackOnStepEndTensorInputs must be an array of tensor names.');
    const asked = [];
    for (let i = 0; i < names.length && i < 100; i++) {
      if (typeof names[i] !== 'string') refuse('callbackOnStepEndTensorInputs must be an array of tensor names.');
      asked.push(names[i]);
    }
    return stringify(asked);
  };

  const createTensor = ({ dims, buffer }) => {
    let length = 1;
    for (const side of dims) length *= side;
    // Allocated and let go again: with no memory left this throws, where what comes from outside would not be noticed missing.
    new OwnFloat32Array(length);
    return freeze({ dims: freeze(dims), data: new OwnFloat32Array(fill(buffer)) });
  };
  const createRun = (facts, slots, holder) => {
    const run = {
      get state() { return holder.state; },
      set state(value) { holder.state = value; },
    };
    for (const key of ownKeys(facts)) run[key] = facts[key];
    // Only what is looked at is copied.
    for (const key of ['latents', 'cleanEstimate']) {
      let value;
      const get = () => {
        if (value === undefined && holder !== current) throw new OwnTypeError('run.' + key + ' of an earlier step is gone; keep what you need of it');
        return (value ??= createTensor(slots[key]));
      };
      defineProperty(run, key, { enumerable: true, get });
    }
    return freeze(run);
  };

  let settled = null;
  let current = null;
  const step = (requestText) => {
    const { facts, slots, tensors: named, state } = parse(requestText);
    lines = 0;
    settled = null;
    reseed(facts.stepIndex);
    const holder = { state: parse(state) };
    current = holder;
    const tensors = {};
    for (const slot of named) tensors[slot.name] = createTensor(slot);
    const run = createRun(facts, slots, holder);
    const returned = apply(callback, owner, [run, facts.stepIndex, facts.timestep, freeze(tensors)]);
    const stateNow = () => holder.state;
    if (typeof returned !== 'object' || returned === null || typeof returned.then !== 'function') return finish(returned, stateNow);
    returned.then(
      (value) => { try { settled = { answer: finish(value, stateNow) }; } catch (error) { settled = { error }; } },
      (error) => { settled = { error }; },
    );
    return null;
  };
  const settle = () => {
    if (settled === null) refuse('returned a promise that nothing will ever fulfil');
    if ('error' in settled) throw settled.error;
    return settled.answer;
  };

  return [accept, step, settle, describe];
})`;
