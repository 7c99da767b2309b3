/**
 * The thread that a user's module runs in. To the module everything is as if it ran beside the model: the same run, the
 * same numbers, the same answers. Here it can be stopped, whatever it does; and where it waits for nothing that could
 * come, the thread comes to its end and says so.
 */
import { parentPort, workerData } from 'node:worker_threads';
import { noiseSchedule } from '../../diffusion/schedule.js';
import type { CausalDecoding, CausalModel } from '../causal-model.js';
import type { LatentAnswer, LatentDecoding, LatentModel } from '../latent-model.js';
import type { Denoised, Sampler, SamplingRun } from '../sampler.js';
import { uniformsOf } from '../sampler-uniforms.js';
import {
  type FromThread,
  MOST_STEPS_AHEAD,
  type ModelAnswer,
  type ModelCall,
  type PlainError,
  type PlainRun,
  type PlainSchedule,
  type PlainSetting,
  type ThreadTask,
  type ToldError,
  type ToThread,
} from './sampler-protocol.js';

const port = parentPort!;
const say = (message: FromThread) => port.postMessage(message);
const { module } = workerData as ThreadTask;
const own = new URL('../', import.meta.url).href;

let sampler: Sampler;
/** Steps given and not yet looked at; of runs that wait for that, what ends the wait. Runs that are to stop. */
const ahead = new Map<number, number>();
const waiting = new Map<number, () => void>();
const stopping = new Set<number>();
const calls = new Map<number, (answer: ModelAnswer) => void>();
let lastCall = 0;
/** Tasks of this program that the module has not yet come to the end of. */
let underWay = 0;

/** While it is the module's turn, this thread lives only as long as something of the module's may still happen. */
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
    case 'seen':
      if (ahead.has(message.run)) ahead.set(message.run, ahead.get(message.run)! - message.steps);
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
    say({ kind: 'checked' });
  } catch (error) {
    say({ kind: 'checked', error: plain(error) });
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
      say({ kind: 'step', run: number, ...taken(yielded !== undefined) });
      await room(number);
      if (stopping.has(number)) break;
      for (let i = 0; i < given.length; i++) if (isFixed[i]) tokens[i] = given[i];
    }
    if (!stopping.has(number)) say({ kind: 'done', run: number, ...taken(false) });
  } catch (error) {
    if (!stopping.has(number)) say({ kind: 'failed', run: number, error: plain(error) });
  }
  if (stopping.delete(number)) say({ kind: 'stopped', run: number });
  ahead.delete(number);
  underWay--;
  listen();
}

/** Waits where the other side has too many steps to look at. */
async function room(number: number): Promise<void> {
  ahead.set(number, ahead.get(number)! + 1);
  while (ahead.get(number)! >= MOST_STEPS_AHEAD && !stopping.has(number)) {
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
    tell: (call) => say({ kind: 'call', run: number, id: null, call }),
    ask: (call) => ask(number, call),
  };
  return {
    ...same,
    schedule: scheduleOf(schedule),
    causal: causal ? causalModel(causal, link) : undefined,
    latent: latent ? latentModel(link) : undefined,
    uniforms: uniformsOf(seed, first, batch, length),
    denoise: async ({ t, step, greedy, skip }) =>
      (await link.ask({ what: 'denoise', call: { t, step, greedy, skip }, tokens })).value as Denoised,
  };
}

interface Link {
  tell(call: ModelCall): void;
  ask(call: ModelCall): Promise<{ value: unknown; networkCalls?: number }>;
}

function ask(run: number, call: ModelCall): ReturnType<Link['ask']> {
  return new Promise((resolve, reject) => {
    const id = ++lastCall;
    say({ kind: 'call', run, id, call });
    calls.set(id, (answer) => {
      calls.delete(id);
      listen();
      if ('error' in answer) reject(told(answer.error));
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
      link.tell({ what: 'begin-causal', decoding, batch });
      const state = {
        networkCalls: 0,
        async draw(position: number, uniforms: Float64Array) {
          const answer = await link.ask({ what: 'draw', decoding, position, uniforms });
          state.networkCalls = answer.networkCalls!;
          return answer.value as Int32Array;
        },
        release: () => link.tell({ what: 'release', decoding }),
      };
      return state satisfies CausalDecoding;
    },
  };
}

function latentModel(link: Link): LatentModel {
  return {
    begin(batch) {
      const decoding = ++lastDecoding;
      link.tell({ what: 'begin-latent', decoding, batch });
      const state = {
        networkCalls: 0,
        async step(step: Parameters<LatentDecoding['step']>[0]) {
          const answer = await link.ask({ what: 'latent-step', decoding, step });
          state.networkCalls = answer.networkCalls!;
          return answer.value as LatentAnswer;
        },
        release: () => link.tell({ what: 'release', decoding }),
      };
      return state satisfies LatentDecoding;
    },
  };
}

const scheduleOf = (schedule: PlainSchedule) => schedule && noiseSchedule(schedule);

/** Errors of this program that the module was given; it may hand them on. */
const tellings = new WeakMap<object, number>();

function told({ own, ...facts }: ToldError): Error {
  const error = Object.assign(new Error(facts.message), facts);
  tellings.set(error, own);
  return error;
}

/** With the lines of the stack that are not this program's. */
function plain(error: unknown): PlainError {
  const number = typeof error === 'object' && error !== null ? tellings.get(error) : undefined;
  if (number !== undefined) return { own: number };
  if (!(error instanceof Error)) return { message: String(error), stack: '' };
  const lines = String(error.stack ?? '').split('\n');
  return { message: String(error.message), stack: lines.filter((line) => !line.includes(own)).join('\n') };
}

/** What can be said of an export to another thread: keys that samplers have, functions as their type. */
function described(sampler: unknown): unknown {
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

process.on('beforeExit', () => say({ kind: 'idle' }));
port.on('message', receive);
underWay++;
listen();
try {
  sampler = (await import(module)).default;
  say({ kind: 'loaded', description: described(sampler) });
} catch (error) {
  say({ kind: 'broken', error: plain(error) });
}
underWay--;
listen();
