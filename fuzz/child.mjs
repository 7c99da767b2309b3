/**
 * A process that reads damaged files, case after case, as its parent hands it their numbers; what happened goes back.
 * It may die or hang at any case: that is the parent's to find out.
 *
 * Arguments: seed, folder of the compiled program, folder to work in, the parent's process id, with which this one ends.
 */
import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { BrokenStructure } from './broken.mjs';
import { kindOf, kinds } from './kinds/index.mjs';
import { randomOf } from './random.mjs';
import { starvedMs } from './starved.mjs';

const [seed, program, work, parent] = process.argv.slice(2);
new Worker(new URL('ends-with-parent.mjs', import.meta.url), { workerData: Number(parent) }).unref();
process.env.DUO_EVAL_CACHE = join(work, 'cache');
process.env.DUO_EVAL_CONFIG = join(work, 'config');
const { DuoEvalError } = await import(`${program}/errors.js`);
const { describeFailure } = await import(`${program}/cli/failure.js`);

/** A case that does next to nothing for so long waits for what does not come. */
const LONGEST_IDLE_MS = 30_000;

/** A kind, ready: its seeds are made when it is first asked for. */
const ready = new Map();
async function kindNamed(name) {
  if (!ready.has(name)) {
    const scratch = join(work, `seeds-${name}`);
    mkdirSync(scratch, { recursive: true });
    const kind = kinds[name]({ program, scratch });
    await kind.begin?.();
    ready.set(name, kind);
  }
  return ready.get(name);
}

async function runCase(index) {
  const name = kindOf(index);
  const folder = join(work, 'case');
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  const kind = await kindNamed(name);
  const { how, read } = await kind.prepare(randomOf(Number(seed), index), folder);
  process.send({ began: index, how });
  const start = process.cpuUsage();
  const began = performance.now();
  const before = { rss: process.memoryUsage.rss(), peak: peakBytes(), starved: starvedMs() };
  const spent = () => {
    const { user, system } = process.cpuUsage(start);
    // Threads that ended take their waits with them.
    const starved = Math.max(0, starvedMs() - before.starved);
    return { ms: (user + system) / 1000, wallMs: performance.now() - began - starved };
  };
  const idle = setInterval(() => {
    const { ms, wallMs } = spent();
    if (wallMs > LONGEST_IDLE_MS && ms < wallMs / 10) process.send({ index, how, ms, idle: wallMs });
  }, 1000);
  const outcome = await read().then(
    (said) => (said === 'refused' ? { code: 'read as absent' } : { status: 0 }),
    outcomeOf,
  );
  clearInterval(idle);
  const peak = peakBytes();
  process.send({
    ...{ index, how, ...spent(), mostMs: kind.longestMs },
    // What the process had before is not the case's.
    ...{ rss: process.memoryUsage.rss(), took: peak > before.peak ? peak - before.rss : 0 },
    ...outcome,
  });
}

const peakBytes = () => process.resourceUsage().maxRSS * 1024;

/** The exit status that the command line would end with, and why. */
function outcomeOf(error) {
  if (error instanceof BrokenStructure) return { status: 0, broken: error.message };
  const { exitCode, code, message } = describeFailure(error, 'ppl');
  const fault = error instanceof DuoEvalError ? {} : { stack: error?.stack };
  return { status: exitCode, code, message, ...fault };
}

const stray = (error) => {
  process.send({ stray: String(error?.stack ?? error) });
};
process.on('uncaughtException', stray);
process.on('unhandledRejection', stray);
process.on('message', (index) => runCase(index).catch(stray));
process.on('disconnect', () => process.exit());
process.send({ ready: true });
