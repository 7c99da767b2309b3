/**
 * What a GPU gives, in one run of under ten minutes: agreement with the CPU, steps of samplers, calls of perplexity and cached decoding over
 * batch sizes, memory of the card, and the same beside PyTorch on the same card where a Python with torch for CUDA is at hand.
 *
 *     node bench/gpu.mjs                          the first of cuda and webgpu that works, 170 million parameters
 *     node bench/gpu.mjs --provider webgpu        cpu, webgpu, cuda, cuda:1
 *     node bench/gpu.mjs --quick                  the fixtures and networks of a few thousand parameters: a rehearsal, in software too
 *     node bench/gpu.mjs --python python3         PyTorch's side
 *     node bench/gpu.mjs --pairs 8 --json         repetitions; figures for programs
 *
 * bench/README.md, "On a GPU", says how to carry what it needs to a machine without Node and without a network.
 */
import '../dist/models/no-telemetry.js';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { printJson, printTables } from './cost/report.mjs';

const { values: flags } = parseArgs({
  options: {
    provider: { type: 'string' },
    quick: { type: 'boolean', default: false },
    pairs: { type: 'string' },
    python: { type: 'string' },
    json: { type: 'boolean', default: false },
  },
});
const pairs = Number(flags.pairs ?? (flags.quick ? 2 : 8));
const threads = availableParallelism();
const say = (text) => process.stderr.write(`${text}\n`);
const folder = mkdtempSync(join(tmpdir(), 'duo-eval-gpu-'));
process.env.DUO_EVAL_CACHE = join(folder, 'cache');

const { measureAgreement } = await import('./gpu/agreement.mjs');
const { measureRates } = await import('./gpu/rates.mjs');
const { probeProvider, resolveProvider } = await import('../dist/models/provider.js');

async function chosenProvider() {
  if (flags.provider) return resolveProvider({ provider: flags.provider });
  for (const provider of ['cuda', 'webgpu']) {
    const report = await probeProvider(provider);
    if (report.works) return provider;
    say(`${provider}: ${report.reason}`);
  }
  throw new Error('No provider of a GPU works here: duo-eval doctor says what is missing.');
}

/** MiB in use on the first card; null where nothing tells it. */
function cardMiB() {
  try {
    const said = execFileSync('nvidia-smi', ['--query-gpu=memory.used', '--format=csv,noheader,nounits'], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    return Number(said.split('\n')[0]);
  } catch {
    return null;
  }
}

const rows = [];
try {
  const provider = await chosenProvider();
  const setting = {
    provider,
    pairs,
    threads,
    quick: flags.quick,
    python: flags.python,
    folder,
    say,
    cardMiB,
  };
  rows.push(...(await measureAgreement(setting)));
  rows.push(...(await measureRates(setting)));
} finally {
  rmSync(folder, { recursive: true, force: true });
}
if (flags.json) printJson(rows, { pairs, threads });
else printTables(rows, { pairs, threads });
process.exit(0);
