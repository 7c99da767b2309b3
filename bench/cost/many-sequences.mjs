// A synthetic data set of any number of sequences of 8 tokens, and runs of duo-eval whose memory is measured.
import { spawn } from 'node:child_process';
import { closeSync, openSync, writeSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const PROGRAM = fileURLToPath(new URL('../../bin/run.js', import.meta.url));
const PRELOAD = new URL('peak-memory.mjs', import.meta.url).href;
/** Tokens of a sequence. */
export const LENGTH = 8;
const WORDS = 'the of and to in a whale ship sea man that his it with as was for all this at by'.split(' ');
const WORDS_A_TEXT = 40;

/** JSON lines of texts of common words, with about as many bytes as the sequences have tokens between BOS and EOS. */
export function writeTexts(path, sequences) {
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

/** Starts duo-eval; its peak memory comes on file descriptor 3. */
export function start(args) {
  return spawn(process.execPath, ['--import', PRELOAD, PROGRAM, ...args], {
    stdio: ['ignore', 'pipe', 'pipe', 'pipe'],
    env: { ...process.env, WITH_CPU: '1' },
  });
}

/** Peak resident memory in bytes, seconds of wall and processor time, and what it printed. @param statuses that are no failure */
export async function measured(args, statuses = [0]) {
  const child = start(args);
  const said = { 1: '', 2: '', 3: '' };
  for (const descriptor of [1, 2, 3])
    child.stdio[descriptor].on('data', (chunk) => {
      said[descriptor] += chunk;
    });
  const began = performance.now();
  const status = await new Promise((resolve) => child.once('close', resolve));
  const seconds = (performance.now() - began) / 1000;
  if (!statuses.includes(status))
    throw new Error(`${args.join(' ')} ended with status ${status}: ${said[2]}`);
  const [peak, cpu] = said[3].split(' ').map(Number);
  return { peak, seconds, cpu, stdout: said[1] };
}
