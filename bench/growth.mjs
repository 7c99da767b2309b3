// What memory does as the data set grows: peak resident memory of `ppl` on 10 thousand, 100 thousand and 1 million sequences
// of 8 tokens, from JSON lines, by a model that hardly computes. Of each also a run that is killed half-way and continued.
//
//   npm run build && node bench/growth.mjs                    about six minutes
//   npm run build && node bench/growth.mjs --sequences 5000   another size (repeatable)
//   npm run build && node bench/growth.mjs --model file.onnx  another model
import { mkdirSync, mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { LENGTH, measured, start, writeTexts } from './cost/many-sequences.mjs';

const { values: flags } = parseArgs({
  options: {
    sequences: { type: 'string', multiple: true, default: ['10000', '100000', '1000000'] },
    model: {
      type: 'string',
      default: fileURLToPath(new URL('../fixtures/markov-duo.onnx', import.meta.url)),
    },
  },
});

const folder = mkdtempSync(join(tmpdir(), 'duo-eval-growth-'));
process.env.DUO_EVAL_CACHE = join(folder, 'cache');
try {
  console.log('sequences  peak MB  peak MB, continued  nats/token, both');
  for (const sequences of flags.sequences.map(Number)) {
    const path = writeTexts(join(folder, `${sequences}.jsonl`), sequences);
    const whole = await run(path);
    const broken = start([...evaluation(path)]);
    await journalOf(statSync(path).size);
    broken.kill('SIGKILL');
    await new Promise((resolve) => broken.once('exit', resolve));
    const continued = await run(path);
    const figures = whole.nll === continued.nll ? whole.nll : `${whole.nll} and ${continued.nll}`;
    console.log(
      `${String(sequences).padStart(9)}  ${megabytes(whole.peak)}  ${megabytes(continued.peak).padStart(18)}  ${figures}`,
    );
    rmSync(path);
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}

function evaluation(path) {
  const how = ['--length', String(LENGTH), '--protocol', 'strict', '--threads', '1', '--json', '--quiet'];
  return ['ppl', '--model', flags.model, '--dataset', path, ...how];
}

async function run(path) {
  const { peak, stdout } = await measured(evaluation(path));
  return { peak, nll: JSON.parse(stdout).results[0].metrics.nll.value };
}

/** Waits until the run's journal holds about half of its sequences. */
async function journalOf(textBytes) {
  const journals = join(process.env.DUO_EVAL_CACHE, 'journals');
  mkdirSync(journals, { recursive: true });
  const written = () =>
    readdirSync(journals)
      .filter((name) => name.endsWith('.jsonl'))
      .reduce((sum, name) => sum + statSync(join(journals, name)).size, 0);
  // A sequence is 6 bytes of text, and about 45 of the journal.
  while (written() < (textBytes / 6) * 45 * 0.5) await pause(50);
}

function megabytes(bytes) {
  return (bytes / 1e6).toFixed(0).padStart(7);
}
