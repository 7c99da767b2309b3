// What duo-eval adds to the work itself: ratios to a bare run of the runtime, of Node and to the stated limits.
//
//   npm run bench                     everything, about four minutes
//   npm run bench -- --quick          few repetitions, the embedded fixtures alone
//   npm run bench -- --only calls     one part: calls, steps, training, likelihood, process, hot-paths (repeatable)
//   npm run bench -- --model duo      one model's calls and steps (repeatable): wide, ar, mdlm, duo, markov-ar, …
//   npm run bench -- --pairs 40       more interleaved pairs than 12
//   npm run bench -- --checkpoints d  another folder than ../shared/checkpoints
//   npm run bench -- --threads 1      threads of the runtime, on both sides
//   npm run bench -- --json           figures for programs
//   npm run bench -- --against-torch  PyTorch's time over ours, a sampler's step; --all: training and decoding, 1 and 2 threads, threads
//                                     that sleep; --python of an environment with torch, transformers, safetensors
//
// Procedure and measured figures: bench/README.md. A target missed on a busy machine is no failure: the status is 0.
import { mkdtempSync, rmSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { measureHotPaths } from './cost/hot-paths.mjs';
import { measureLikelihood } from './cost/likelihood.mjs';
import { measureCalls } from './cost/model-call.mjs';
import { measureProcess } from './cost/process.mjs';
import { printJson, printTables } from './cost/report.mjs';
import { measureSteps } from './cost/steps.mjs';
import { findSubjects } from './cost/subjects.mjs';
import { measureTraining } from './cost/training.mjs';

const PARTS = {
  calls: measureCalls,
  steps: measureSteps,
  training: measureTraining,
  likelihood: measureLikelihood,
  process: measureProcess,
  'hot-paths': measureHotPaths,
};

const { values: flags } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
    only: { type: 'string', multiple: true, default: Object.keys(PARTS) },
    model: { type: 'string', multiple: true },
    pairs: { type: 'string' },
    threads: { type: 'string', default: String(availableParallelism()) },
    checkpoints: { type: 'string' },
    'against-torch': { type: 'boolean', default: false },
    all: { type: 'boolean', default: false },
    python: { type: 'string', default: 'python3' },
  },
});
const unknown = flags.only.find((part) => !Object.hasOwn(PARTS, part));
const pairs = Number(flags.pairs ?? (flags.quick ? 2 : 12));
const threads = Number(flags.threads);
if (
  unknown !== undefined ||
  !(Number.isInteger(pairs) && pairs > 0 && Number.isInteger(threads) && threads > 0)
) {
  console.error(
    `--only takes ${Object.keys(PARTS).join(', ')}; --pairs and --threads a positive whole number.`,
  );
  process.exit(2);
}

const cache = mkdtempSync(join(tmpdir(), 'duo-eval-bench-'));
process.env.DUO_EVAL_CACHE = cache;
const say = (text) => process.stderr.write(`${text}\n`);
const rows = [];
try {
  if (flags['against-torch']) {
    const { measureAgainstTorch } = await import('./against-torch.mjs');
    rows.push(...(await measureAgainstTorch({ ...flags, pairs, threads, say })));
    flags.only = [];
  }
  const all = flags.only.length === 0 ? [] : findSubjects(flags, say);
  const named = all.filter(({ name }) => flags.model === undefined || flags.model.includes(name));
  for (const part of flags.only) {
    const subjects = part === 'calls' || part === 'steps' ? named : all;
    rows.push(...(await PARTS[part]({ subjects, pairs, threads, quick: flags.quick, say })));
  }
} finally {
  rmSync(cache, { recursive: true, force: true });
}
if (flags.json) printJson(rows, { pairs, threads });
else printTables(rows, { pairs, threads });
process.exit(0); // idle threads of the runtime are not waited for
