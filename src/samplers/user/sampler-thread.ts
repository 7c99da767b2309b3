/**
 * The thread that a user's module runs in. For the module everything is as if it ran beside the model: the same run, the same
 * random numbers, the same answers. But a thread can be stopped whatever the module does, and if the module waits for
 * something that cannot come, the thread runs out of work and reports it.
 */
import { parentPort, workerData } from 'node:worker_threads';
import { noiseSchedule } from '../../diffusion/schedule.js';
import type { CausalDecoding, CausalModel, LatentAnswer, LatentDecoding, LatentModel } from '../decoding.js';
import type { Denoised, Sampler, SamplingRun } from '../sampler.js';
import { consecutiveSamples, uniformsOf } from '../sampler-uniforms.js';
import {
  type FromThread,
  MOST_STEPS_AHEAD,
  type ModelAnswer,
  type ModelCall,
  type PlainRun,
  type PlainSchedule,
  type PlainSetting,
  type SentError,
  type ThreadTask,
  type ThrownError,
  type ToThread,
} from './sampler-protocol.js';

const port = parentPort!; // this file is the entry of a worker
const post = (message: FromThread) => port.postMessage(message);
const { module } = workerData as ThreadTask;
/** Address of this program's samplers, whose lines are left out of a module's stack traces. */
const ownFolder = new URL('../', import.meta.url).href;

let sampler: Sampler;
/** By run: steps that were posted and are not checked yet. */
const ahead = new Map<number, number>();
/** By run that waits for such checks: ends the wait. */
const waiting = new Map<number, () => void>();
/** Runs that are to stop. */
const stopping = new Set<number>();
const calls = new Map<number, (answer: ModelAnswer) => void>();
let lastCall = 0;
/** Tasks that the module has not finished yet. */
let underWay = 0;

/** During the module's turn the thread stays alive only while something of the module's can still happen. */
function listen(): void {
  if (calls.size > 0 || waiting.size === underWay) port.ref();
  else port.unref();
}

function receive(message: ToThread): void {
  switch (message.kind) {
    case 'check':
      void check(message.setting);
      break;
    case 'sample':
      void sample(message.run, message.facts);
      break;
    case 'checked-steps':
      if (ahead.has(message.run)) ahead.set(message.run, (ahead.get(message.run) ?? 0) - message.steps);
      waiting.get(message.run)?.();
      break;
    case 'stop':
      if (ahead.has(message.run)) stopping.add(message.run);
      waiting.get(message.run)?.();
      break;
    case 'answer':
      calls.get(message.call)?.(message.answer);
      break;
  }
}

async function check(setting: PlainSetting): Promise<void> {
  underWay++;
  listen();
  try {
    await sampler.check?.({ ...setting, schedule: scheduleOf(setting.schedule) });
    post({ kind: 'checked' });
  } catch (error) {
    post({ kind: 'checked', error: thrownError(error) });
  }
  underWay--;
  listen();
}

async function sample(number: number, facts: PlainRun): Promise<void> {
  underWay++;
  listen();
  const { tokens, fixed } = facts;
  const given = tokens.slice();
  const isFixed = fixed.slice();
  const run = runOf(number, facts);
  const taken = (yielded: boolean) => ({ tokens, replaced: run.tokens !== tokens, yielded });
  ahead.set(number, 0);
  try {
    for await (const yielded of sampler.sample(run)) {
      post({ kind: 'step', run: number, ...taken(yielded !== undefined) });
      await roomForStep(number);
      if (stopping.has(number)) break;
      for (let i = 0; i < given.length; i++) if (isFixed[i]) tokens[i] = given[i];
    }
    if (!stopping.has(number)) post({ kind: 'done', run: number, ...taken(false) });
  } catch (error) {
    if (!stopping.has(number)) post({ kind: 'failed', run: number, error: thrownError(error) });
  }
  if (stopping.delete(number)) post({ kind: 'stopped', run: number });
  ahead.delete(number);
  underWay--;
  listen();
}

/** Waits while too many steps are unchecked. */
async function roomForStep(number: number): Promise<void> {
  const unchecked = () => ahead.get(number) ?? 0;
  ahead.set(number, unchecked() + 1);
  while (unchecked() >= MOST_STEPS_AHEAD && !stopping.has(number)) {
    await new Promise<void>((resolve) => {
      waiting.set(number, () => {
        waiting.delete(number);
        listen();
        resolve();
      });
      listen();
    });
  }
}

function runOf(number: number, facts: PlainRun): SamplingRun {
  const { seed, first, schedule, causal, latent, ...same } = facts;
  const { batch, length, tokens } = facts;
  const link: Link = {
    send: (call) => post({ kind: 'call', run: number, id: null, call }),
    ask: (call) => ask(number, call),
  };
  return {
    ...same,
    schedule: scheduleOf(schedule),
    causal: causal ? causalModel(causal, link) : undefined,
    latent: latent ? latentModel(link) : undefined,
    uniforms: uniformsOf(consecutiveSamples(seed, first, batch), length),
    denoise: async ({ t, step, greedy, skip, score }) =>
      (await link.ask({ what: 'denoise', call: { t, step, greedy, skip, score }, tokens })).value as Denoised,
  };
}

/** The way to the model. */
interface Link {
  /** A call without an answer. */
  send(call: ModelCall): void;
  ask(call: ModelCall): Promise<{ value: unknown; networkCalls?: number }>;
}

function ask(run: number, call: ModelCall): ReturnType<Link['ask']> {
  return new Promise((resolve, reject) => {
    const id = ++lastCall;
    post({ kind: 'call', run, id, call });
    calls.set(id, (answer) => {
      calls.delete(id);
      listen();
      if ('error' in answer) reject(receivedError(answer.error));
      else resolve(answer);
    });
    listen();
  });
}

let lastDecoding = 0;

function causalModel(facts: NonNullable<PlainRun['causal']>, link: Link): CausalModel {
  return {
    ...facts,
    begin(batch) {
      const decoding = ++lastDecoding;
      link.send({ what: 'begin-causal', decoding, batch });
      const state = {
        networkCalls: 0,
        async draw(position: number, uniforms: Float64Array) {
          const answer = await link.ask({ what: 'draw', decoding, position, uniforms });
          state.networkCalls = answer.networkCalls ?? 0;
          return answer.value as Int32Array;
        },
        release: () => link.send({ what: 'release', decoding }),
      };
      return state satisfies CausalDecoding;
    },
  };
}

function latentModel(link: Link): LatentModel {
  return {
    begin(batch) {
      const decoding = ++lastDecoding;
      link.send({ what: 'begin-latent', decoding, batch });
      const state = {
        networkCalls: 0,
        async step(step: Parameters<LatentDecoding['step']>[0]) {
          const answer = await link.ask({ what: 'latent-step', decoding, step });
          state.networkCalls = answer.networkCalls ?? 0;
          return answer.value as LatentAnswer;
        },
        release: () => link.send({ what: 'release', decoding }),
      };
      return state satisfies LatentDecoding;
    },
  };
}

const scheduleOf = (schedule: PlainSchedule) => schedule && noiseSchedule(schedule);

/** Numbers of this program's errors that the module received; it may throw them again. */
const received = new WeakMap<object, number>();

function receivedError({ own, ...facts }: SentError): Error {
  const error = Object.assign(new Error(facts.message), facts);
  received.set(error, own);
  return error;
}

/** An error that the module threw, without the lines of this program in its stack. */
function thrownError(error: unknown): ThrownError {
  const number = typeof error === 'object' && error !== null ? received.get(error) : undefined;
  if (number !== undefined) return { own: number };
  if (!(error instanceof Error)) return { message: String(error), stack: '' };
  const lines = String(error.stack ?? '').split('\n');
  return {
    message: String(error.message),
    stack: lines.filter((line) => !line.includes(ownFolder)).join('\n'),
  };
}

/** A module's export in a form that another thread can receive: the keys of a sampler, functions as their type. */
function descriptionOf(sampler: unknown): unknown {
  if (sampler === null || typeof sampler !== 'object') return typeof sampler;
  const { name, summary, families, needs, options, check, sample } = sampler as Record<string, unknown>;
  return {
    ...(plainCopy({ name, summary, families, needs, options }, 5) as object),
    check: check === undefined ? undefined : typeof check,
    sample: typeof sample,
  };
}

function plainCopy(value: unknown, levels: number): unknown {
  if (typeof value === 'function' || typeof value === 'symbol') return undefined;
  if (value === null || typeof value !== 'object') return value;
  if (levels === 0) return undefined;
  if (Array.isArray(value)) return value.map((entry) => plainCopy(entry, levels - 1));
  const entries = Object.entries(value).filter(([, entry]) => entry !== undefined);
  return Object.fromEntries(entries.map(([key, entry]) => [key, plainCopy(entry, levels - 1)]));
}

process.on('beforeExit', () => post({ kind: 'idle' }));
port.on('message', receive);
underWay++;
listen();
try {
  sampler = (await import(module)).default;
  post({ kind: 'loaded', description: descriptionOf(sampler) });
} catch (error) {
  post({ kind: 'broken', error: thrownError(error) });
}
underWay--;
listen();
