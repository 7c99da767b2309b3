// What memory does as the data set grows: peak resident memory of `ppl` on 10 thousand, 100 thousand and 1 million sequences
// of 8 tokens, from JSON lines, by a model that hardly computes. Of each also a run that is killed half-way and continued.
//
//   npm run build && node bench/growth.mjs                    about six minutes
//   npm run build && node bench/growth.mjs --sequences 5000   another size (repeatable)
//   npm run build && node bench/growth.mjs --model file.onnx  another model
import { spawn } from 'node:child_process';
import {
  closeSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  rmSync,
  statSync,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { parseArgs } from 'node:util';

const ROOT = new URL('..', import.meta.url).pathname;
const PRELOAD = new URL('cost/peak-memory.mjs', import.meta.url).href;
const LENGTH = 8;
const WORDS = 'the of and to in a whale ship sea man that his it with as was for all this at by'.split(' ');
const WORDS_A_TEXT = 40;

const { values: flags } = parseArgs({
  options: {
    sequences: { type: 'string', multiple: true, default: ['10000', '100000', '1000000'] },
    model: { type: 'string', default: join(ROOT, 'fixtures', 'markov-duo.onnx') },
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

/** Texts of common words, with about as many bytes as the sequences have tokens between BOS and EOS. */
function writeTexts(path, sequences) {
  const descriptor = openSync(path, 'w');
  let word = 1;
  for (let bytes = 0; bytes < sequences * (LENGTH - 2); ) {
    const words = Array.from({ length: WORDS_A_TEXT }, () => {
      word = (word * 48271) % 2147483647; // Lehmer's generator
      return WORDS[word % WORDS.length];
    });
    const text = words.join(' ');
    bytes += text.length;
    writeSync(descriptor, `${JSON.stringify({ text })}\n`);
  }
  closeSync(descriptor);
  return path;
}

function evaluation(path) {
  const how = ['--length', String(LENGTH), '--protocol', 'strict', '--threads', '1', '--json', '--quiet'];
  return ['ppl', '--model', flags.model, '--dataset', path, ...how];
}

function start(args) {
  return spawn(process.execPath, ['--import', PRELOAD, join(ROOT, 'bin', 'run.js'), ...args], {
    stdio: ['ignore', 'pipe', 'inherit', 'pipe'],
  });
}

async function run(path) {
  const child = start(evaluation(path));
  const said = { 1: '', 3: '' };
  for (const descriptor of [1, 3])
    child.stdio[descriptor].on('data', (chunk) => {
      said[descriptor] += chunk;
    });
  const status = await new Promise((resolve) => child.once('close', resolve));
  if (status !== 0) throw new Error(`ppl ended with status ${status}`);
  return { peak: Number(said[3]), nll: JSON.parse(said[1]).results[0].metrics.nll.value };
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
