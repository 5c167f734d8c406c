import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { SandboxLimits } from './limits.ts';
import type { ProblemKind } from './protocol.ts';
import { ask, listenTo } from './testSteps.ts';

/**
 * Callbacks that mean harm, or might as well. Whatever they do: a message, no patch, in bounded time, and nothing of the
 * process is any different afterwards. A body is the inside of `(run, stepIndex, timestep, tensors) => {` + line break + body.
 */

/** What is counted ends a call here: a busy machine is no reason. Without it a test runs into its own time limit. */
const counted = { callMs: 600_000, hangMs: 600_000 };
/** For what takes no turns that could be counted. */
const timed = { callMs: 1000, hangMs: 2000 };
/** For what takes few: each line is long. */
const interrupted = { callMs: 1000, hangMs: 600_000 };

type Row = readonly [title: string, body: string, kinds: ProblemKind | readonly ProblemKind[], message?: RegExp, line?: number];

const endless: readonly Row[] = [
  // QuickJS knows the lines of calls, property reads and throws; an empty loop is found at what came before it.
  ['an endless loop', 'while (true);', 'time', /10 million/, 1],
  ['an endless loop that does something', 'let n = 0;\n\nfor (;;) n += Math.abs(tensors.latents.data[0]);', 'time', /10 million/, 4],
  ['a loop that catches its own end', 'for (;;) { try { for (;;); } catch {} finally { for (;;); } }', 'time'],
  ['a loop with a label', 'again: while (true) { while (true) continue again; }', 'time'],
  ['a getter without end in the patch', 'return { get guidanceScale() { while (true); } };', 'time'],
  ['a proxy without end for a patch', 'return new Proxy({}, { ownKeys() { for (;;); } });', 'time'],
  ['a then without end', 'return { get then() { while (true); } };', 'time'],
  ['a getter without end in the state', 'run.state = { get x() { while (true); } };', 'time'],
  ['a message without end', 'const e = new Error("x"); Object.defineProperty(e, "message", { get() { while (true); } }); throw e;', ['threw', 'time']],
  ['a stack without end', 'throw { get stack() { while (true); } };', ['threw', 'time']],
  ['an endless comparison', '[3, 1, 2].sort(() => { while (true); });', 'time'],
  ['an endless generator', 'for (const x of (function* () { while (true) yield 1; })());', 'time'],
  ['a catastrophic pattern', '/(a+)+$/.test("a".repeat(40) + "b");', 'time'],
  ['a nested pattern', '/((((((((((a*)*)*)*)*)*)*)*)*)*)*b/.test("a".repeat(28));', 'time'],
  ['an endless reviver', 'JSON.parse("[1]", () => { for (;;); });', 'time'],
  ['an async loop', 'return (async () => { for (;;) await 0; })();', ['time', 'memory']],
  ['a flood of promises', 'const again = () => Promise.resolve().then(again); again();', 'time'],
  ['promises that double', 'const two = () => { Promise.resolve().then(two); Promise.resolve().then(two); }; two();', ['time', 'memory']],
  ['a loop that cannot be interrupted', 'new Array(4294967295).join("x");', 'hung', /did not answer for 2000 ms/],
  ['a search that cannot be interrupted', 'Array.prototype.includes.call({ length: Number.MAX_SAFE_INTEGER }, 1);', 'hung'],
  ['recursion in finally', '(function f() { try { f(); } finally { f(); } })();', ['time', 'hung', 'stack']],
];

const greedy: readonly Row[] = [
  ['a string that doubles', 'let s = "x".repeat(1000); const all = []; for (;;) { all.push(s); s += s; }', ['memory', 'threw']],
  ['a huge string', '"x".repeat(2 ** 29);', 'memory', /64 MiB/, 2],
  ['an array of buffers', 'const all = []; for (;;) all.push(new ArrayBuffer(1e6));', 'memory', /64 MiB/],
  ['an array of typed arrays', 'const all = []; for (;;) all.push(new Float64Array(1e5).fill(1));', ['memory', 'threw']],
  ['one typed array', 'new Float32Array(2 ** 30);', ['threw', 'memory']],
  ['a map', 'const map = new Map(); for (let i = 0; ; i++) map.set(i, { i });', ['memory', 'time']],
  ['a list of itself', 'let list = []; for (;;) list = [list, list];', ['memory', 'time']],
  ['a filled array', 'new Array(4294967295).fill(0);', ['memory', 'hung']],
  ['bound functions', 'let f = () => {}; for (;;) f = f.bind(null);', ['memory', 'time', 'crashed', 'stack', 'hung']],
  ['a huge number', '5n ** (10n ** 9n);', ['threw', 'memory', 'hung']],
  ['an endless spread', '[...(function* () { while (true) yield {}; })()];', ['memory', 'time']],
  ['a flood of lines', 'for (let i = 0; ; i++) console.log("x".repeat(1e5), i);', ['time', 'memory']],
];

const deep: readonly Row[] = [
  ['recursion', '(function f() { f(); })();', 'stack', /stack overflow/, 2],
  ['mutual recursion', 'const f = () => g(); const g = () => f(); f();', 'stack'],
  ['a getter that gets itself', 'const o = { get x() { return this.x; } }; o.x;', 'stack'],
  ['toString of itself', 'const o = { toString() { return String(this); } }; String(o);', 'stack'],
  ['a chain of proxies', 'let o = {}; for (let i = 0; i < 1e5; i++) o = new Proxy(o, {}); o.x;', ['stack', 'memory', 'time']],
  ['a proxy for its own prototype', 'const o = {}; Object.setPrototypeOf(o, new Proxy({}, { get: (t, k, r) => r[k] })); o.x;', 'stack'],
  ['nested JSON', 'JSON.parse("[".repeat(1e6));', ['threw', 'stack']],
  ['nested arrays written', 'let a = []; for (let i = 0; i < 1e5; i++) a = [a]; JSON.stringify(a);', 'stack'],
  ['nested code', 'eval("(".repeat(5e5));', ['threw', 'stack']],
  ['a nested pattern source', 'new RegExp("(?:".repeat(1e5) + ")".repeat(1e5));', ['threw', 'stack']],
  ['a state nested too deep', 'let s = {}; for (let i = 0; i < 1000; i++) s = { s }; run.state = s;', 'bad-return', /nested too deep/],
  ['a state that holds itself', 'run.state.self = run.state;', 'bad-return', /nested too deep/],
];

const thrown: readonly Row[] = [
  ['an error', '\nthrow new Error("no");', 'threw', /^Error: no$/, 3],
  ['null', 'throw null;', 'threw', /null/],
  ['undefined', 'throw undefined;', 'threw', /undefined/],
  ['a symbol', 'throw Symbol("x");', 'threw', /a symbol/],
  ['a function', 'throw () => 1;', 'threw'],
  ['an object without a prototype', 'throw Object.create(null);', 'threw', /without a message/],
  ['an error with getters that throw', 'throw { get name() { throw 1; }, get message() { throw 2; }, get stack() { throw 3; } };', 'threw', /without a message/],
  ['a revoked proxy', 'const { proxy, revoke } = Proxy.revocable({}, {}); revoke(); throw proxy;', 'threw'],
  ['a message of a megabyte', 'throw new Error("x".repeat(1e6));', 'threw', /^Error: x{400,600}$/],
  ['an error whose message is no text', 'const e = new Error(); e.message = { toString() { throw 1; } }; throw e;', 'threw'],
  ['a rejected promise', 'return Promise.reject(new Error("later"));', 'threw', /^Error: later$/, 2],
  ['an async throw', 'return (async () => { await 0; throw new TypeError("async"); })();', 'threw', /^TypeError: async$/, 2],
  ['a toString that throws', '`${{ toString() { throw new Error("text"); } }}`;', 'threw', /text/],
  ['a missing value', 'run.nothing.there;', 'threw', /TypeError/, 2],
  ['a name that does not exist', 'nothing;', 'threw', /ReferenceError.*nothing/, 2],
  ['a write to the run', 'run.guidanceScale = 1;', 'threw', /read-only/, 2],
  ['a write to the tensors', 'tensors.latents = 1;', 'threw', /read-only/, 2],
  ['a variable that was not declared', 'typo = 1;', 'threw', /typo/, 2],
];

const reaching: readonly Row[] = [
  ['process', 'process.exit(1);', 'threw', /'process' is not defined/, 2],
  ['require', 'require("node:fs");', 'threw', /'require' is not defined/],
  ['import()', 'return import("node:fs").then((fs) => { fs.writeFileSync("/tmp/x", ""); });', 'threw', /could not load module/],
  ['fetch', 'return fetch("http://127.0.0.1/");', 'threw', /'fetch' is not defined/],
  ['XMLHttpRequest', 'new XMLHttpRequest();', 'threw', /not defined/],
  ['WebSocket', 'new WebSocket("ws://127.0.0.1/");', 'threw', /not defined/],
  ['Worker', 'new Worker("x.js");', 'threw', /not defined/],
  ['SharedArrayBuffer', 'new SharedArrayBuffer(8);', 'threw', /not defined/],
  ['Atomics', 'Atomics.wait(new Int32Array(1), 0, 0);', 'threw', /not defined/],
  ['WebAssembly', 'new WebAssembly.Memory({ initial: 1 });', 'threw', /not defined/],
  ['setTimeout', 'setTimeout(() => {}, 0);', 'threw', /not defined/],
  ['setImmediate', 'setImmediate(() => {});', 'threw', /not defined/],
  ['Date', 'new Date();', 'threw', /'Date' is not defined/],
  ['performance', 'performance.now();', 'threw', /not defined/],
  ['a constructor of functions', 'return { guidanceScale: run.constructor.constructor("return process")().pid };', 'threw', /'process' is not defined/],
  ['a constructor of async functions', 'return (async () => {}).constructor("return globalThis.process.pid")();', 'threw'],
  ['arguments.callee.caller', '(function () { return arguments.callee.caller; })();', 'threw'],
  ['WeakRef', 'new WeakRef({});', 'threw', /not defined/],
];

const wrongReturns: readonly Row[] = [
  ['a number', 'return 5;', 'bad-return', /returned the number 5/],
  ['a string', 'return "x".repeat(1e6);', 'bad-return', /returned the string x{50};/],
  ['a symbol', 'return Symbol();', 'bad-return', /a symbol/],
  ['a function', 'return () => {};', 'bad-return', /a function/],
  ['an array', 'return [];', 'bad-return', /an array/],
  ['the tensors themselves', 'return tensors;', 'bad-return', /returned "latents"; it may return/],
  ['an unknown key', 'return { guidance: 5 };', 'bad-return', /"guidance"/],
  ['a symbol for a key', 'return { [Symbol.iterator]: 1 };', 'bad-return', /a symbol/],
  ['an own __proto__', 'return JSON.parse(\'{"__proto__": {"interrupt": true}}\');', 'bad-return', /__proto__/],
  ['a scale in words', 'return { guidanceScale: "5" };', 'bad-return', /must be a number/],
  ['a scale that is no number', 'return { guidanceScale: NaN };', 'bad-return', /NaN/],
  ['an infinite scale', 'return { guidanceScale: Infinity };', 'bad-return', /Infinity/],
  ['a negative scale', 'return { guidanceScale: -1 };', 'bad-return', /0 to 30/],
  ['a scale beyond all', 'return { guidanceScale: 1e300 };', 'bad-return', /0 to 30/],
  ['a big integer for a scale', 'return { guidanceScale: 5n };', 'bad-return', /bigint/],
  ['a scale that turns into one', 'return { guidanceScale: { valueOf: () => 5 } };', 'bad-return', /an object for guidanceScale/],
  ['an interrupt that is no truth', 'return { interrupt: 1 };', 'bad-return', /true or false/],
  ['a rescale beyond all', 'return { guidanceRescale: 2 };', 'bad-return', /2 for guidanceRescale; it goes from 0 to 1/],
  ['tensors that are none', 'return { tensors: null };', 'bad-return', /null for tensors/],
  ['a tensor that is none', 'return { tensors: { latents: tensors.latents.data } };', 'bad-return', /without dims/],
  ['a tensor that was not asked for', 'return { tensors: { mask: tensors.latents } };', 'bad-return', /mask, which it did not ask for/],
  ['a tensor that does not exist', 'return { tensors: { ["x".repeat(1e5)]: tensors.latents } };', 'bad-return', /x{50}, which it did not ask for/],
  ['a constructor for a tensor', 'return { tensors: { constructor: tensors.latents } };', 'bad-return', /constructor, which it did not ask for/],
  ['wrong sides', 'return { tensors: { latents: { dims: [1, 4, 16, 4], data: tensors.latents.data } } };', 'bad-return', /\[1, 4, 16, 4\] for \[1, 4, 8, 8\]/],
  ['sides without end', 'return { tensors: { latents: { dims: new Array(1e5).fill(1), data: tensors.latents.data } } };', 'bad-return', /for \[1, 4, 8, 8\]/],
  ['too few values', 'return { tensors: { latents: { dims: tensors.latents.dims, data: new Float32Array(8) } } };', 'bad-return', /8 values for latents/],
  ['too many values', 'return { tensors: { latents: { dims: tensors.latents.dims, data: new Float32Array(1e6) } } };', 'bad-return', /1000000 values/],
  ['doubles', 'return { tensors: { latents: { dims: tensors.latents.dims, data: new Float64Array(256) } } };', 'bad-return', /a Float64Array; it must be a Float32Array/],
  ['an array of numbers', 'return { tensors: { latents: { dims: tensors.latents.dims, data: Array.from(tensors.latents.data) } } };', 'bad-return', /an array; it must be/],
  ['what says it is a Float32Array', 'return { tensors: { latents: { dims: tensors.latents.dims, data: { [Symbol.toStringTag]: "Float32Array", length: 256 } } } };', 'bad-return', /an object; it must be/],
  ['a proxy of a Float32Array', 'return { tensors: { latents: { dims: tensors.latents.dims, data: new Proxy(tensors.latents.data, {}) } } };', 'bad-return', /must be a Float32Array/],
  ['a NaN among the values', 'tensors.latents.data[7] = NaN; return { tensors: { latents: tensors.latents } };', 'bad-return', /latents with NaN in it/],
  ['an infinity among the values', 'tensors.latents.data[0] = -Infinity; return { tensors };', 'bad-return', /latents with -Infinity in it/],
  ['a promise for ever', 'return new Promise(() => {});', 'bad-return', /nothing will ever fulfil/],
  ['a then that never calls back', 'return { then() {} };', 'bad-return', /nothing will ever fulfil/],
  ['a state with a function', 'run.state.f = () => 1;', 'bad-return', /run\.state\.f is a function/],
  ['a state with NaN', 'run.state.list = [1, NaN];', 'bad-return', /run\.state\.list\[1\] is NaN/],
  ['a state with a typed array', 'run.state.x = tensors.latents.data;', 'bad-return', /is a Float32Array; write Array\.from/],
  ['a state with a map', 'run.state.x = new Map();', 'bad-return', /no plain object/],
  ['a state of a megabyte', 'run.state.x = "x".repeat(1e6);', 'bad-return', /1000008 characters|a text of/],
  ['a state that is undefined', 'run.state = undefined;', 'bad-return', /undefined/],
  ['a changed JSON', 'Object.prototype.toJSON = () => ({ interrupt: true });', 'bad-return', /cannot be read/],
  ['a changed then', 'Object.prototype.then = function (f) { f({ interrupt: 1 }); }; return {};', 'bad-return'],
];

const harmless: readonly (readonly [title: string, body: string, patch: unknown])[] = [
  ['a changed Object.prototype', 'Object.prototype.interrupt = true; Object.prototype.polluted = 1; return { guidanceScale: 2 };', { guidanceScale: 2, interrupt: true }],
  ['a changed Array.prototype', 'Array.prototype.push = () => { throw 1; }; Array.prototype.map = null; return { guidanceScale: 2 };', { guidanceScale: 2 }],
  ['a changed JSON.parse', 'JSON.parse = JSON.stringify = () => "x"; return { guidanceScale: 2 };', { guidanceScale: 2 }],
  ['a changed Float32Array', 'globalThis.Float32Array = class {}; return { guidanceScale: 2 };', { guidanceScale: 2 }],
  ['a changed console', 'globalThis.console = null; return { guidanceScale: 2 };', { guidanceScale: 2 }],
  ['a __proto__ for a prototype', 'const o = {}; o.__proto__.__proto__; o.__proto__ = { guidanceScale: 9 }; return o;', { guidanceScale: 9 }],
  ['a proxy that behaves', 'return new Proxy({ guidanceScale: 3 }, {});', { guidanceScale: 3 }],
  ['a getter that changes its mind', 'let n = 0; return { get guidanceScale() { return n++; } };', { guidanceScale: 0 }],
  ['a generator object', 'return (function* () { while (true); })();', {}],
  ['what it finds around it', 'const found = Object.getOwnPropertyNames(globalThis).filter((key) => /^(process|require|module|global|Buffer|fetch|os|std|scriptArgs|print|load|Date|Atomics|WebAssembly)$/.test(key)); return { guidanceScale: found.length };', { guidanceScale: 0 }],
  ['this', 'return { guidanceScale: (function () { return this === undefined; })() ? 1 : 2 };', { guidanceScale: 1 }],
];

async function runBody(body: string, limits: Partial<SandboxLimits> = counted) {
  const heard = await listenTo(`(run, stepIndex, timestep, tensors) => {\n${body}\n}`, { limits });
  try {
    const patch = await ask(heard);
    return { patch, again: await ask(heard, 1), ...heard };
  } finally {
    heard.callback.dispose();
  }
}

function clockOf(kinds: Row[2]): Partial<SandboxLimits> {
  if (kinds === 'hung' || kinds.includes('hung')) return timed;
  return kinds.includes('time') ? interrupted : counted;
}

const surroundings = () => ({
  globals: Object.getOwnPropertyNames(globalThis).sort(),
  objectPrototype: Reflect.ownKeys(Object.prototype),
  arrayPrototype: Reflect.ownKeys(Array.prototype),
  env: { ...process.env },
  cwd: process.cwd(),
  exitCode: process.exitCode,
});
let before: ReturnType<typeof surroundings>;
let memoryBefore = 0;
beforeAll(() => {
  before = surroundings();
  memoryBefore = process.memoryUsage().rss;
});
afterAll(async () => {
  expect(surroundings()).toEqual(before);
  expect(process.memoryUsage().rss - memoryBefore).toBeLessThan(400 * 2 ** 20);
  const benign = await listenTo('() => ({ guidanceScale: 4 })');
  expect(await ask(benign)).toEqual({ guidanceScale: 4 });
  benign.callback.dispose();
});

describe.each<[string, readonly Row[]]>([
  ['endless', endless],
  ['greedy', greedy],
  ['deep', deep],
  ['throws', thrown],
  ['reaches out for', reaching],
  ['returns', wrongReturns],
])('a callback that is hostile: %s', (_group, rows) => {
  it.each(rows.map((row) => [row[0], row] as const))('%s', async (_title, [, body, kinds, message = /./, line]) => {
    const { patch, again, problems, lines } = await runBody(body, clockOf(kinds));
    expect([patch, again]).toEqual([undefined, undefined]);
    expect(problems).toHaveLength(1);
    const [problem] = problems;
    expect(typeof kinds === 'string' ? [kinds] : kinds).toContain(problem?.kind);
    expect(problem?.message).toMatch(message);
    expect(problem?.message.length).toBeLessThan(1000);
    if (line !== undefined) expect(problem?.line).toBe(line);
    expect(lines.length).toBeLessThanOrEqual(101);
  });
});

describe('a callback that only looks hostile', () => {
  it.each(harmless)('%s', async (_title, body, expected) => {
    const { patch, problems } = await runBody(body);
    expect(problems).toEqual([]);
    expect(patch).toEqual(expected);
  });
});
