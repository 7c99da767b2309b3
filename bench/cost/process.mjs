/**
 * Whole processes, from the outside: how long `--help` and `--version` take beside a Node that does nothing, how long a
 * cached run takes to its first model call, and how much memory a wide vocabulary takes.
 */
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { interleavedRatios, timed } from './interleaved.mjs';
import { ROOT } from './subjects.mjs';

const PROGRAM = join(ROOT, 'bin', 'run.js');
export const PRELOAD = new URL('peak-memory.mjs', import.meta.url).href;
/** Stated: seconds to the first model call of a cached run. */
const FIRST_CALL_SECONDS = 1.5;
/** Stated: bytes at batch 1 on wide.onnx. */
const PEAK_BYTES = 1.2e9;
const RUNS_WITH_WIDE = 3;

export async function measureProcess({ subjects, pairs, threads, say }) {
  const rows = [];
  const nothing = { run: () => node(['-e', '0']) };
  for (const flag of ['--help', '--version']) {
    say(`${flag} …`);
    const values = await interleavedRatios({ run: () => node([PROGRAM, flag]) }, nothing, pairs);
    rows.push({ kind: 'ratio', what: flag, to: 'node -e 0', values, target: 3, aim: null });
  }

  const duo = find(subjects, 'duo') ?? find(subjects, 'markov-duo');
  say(`one sequence of ${duo.name}, cached …`);
  // A run of one sequence, to its end: no less than the time to the first call.
  const one = () => node([PROGRAM, ...evaluate(duo, threads, 1)]);
  await one();
  const values = [];
  for (let i = 0; i < pairs; i++) values.push((await timed({ run: one })) / 1000 / FIRST_CALL_SECONDS);
  const to = `${FIRST_CALL_SECONDS} s`;
  rows.push({
    kind: 'ratio',
    what: `${duo.name}, one call, cached`,
    to,
    values,
    target: duo.target && 1,
    aim: null,
  });

  const wide = find(subjects, 'wide');
  if (wide) {
    say('memory of wide …');
    const peaks = [];
    for (let i = 0; i < Math.min(RUNS_WITH_WIDE, pairs); i++) {
      const args = ['--import', PRELOAD, PROGRAM, ...evaluate(wide, threads, 4), '--batch', '1'];
      peaks.push(Number(await node(args)) / PEAK_BYTES);
    }
    rows.push({
      kind: 'ratio',
      what: 'wide, batch 1, memory',
      to: '1.2 GB',
      values: peaks,
      target: 1,
      aim: null,
    });
  }
  return rows;
}

const find = (subjects, name) => subjects.find((subject) => subject.name === name);

const evaluate = ({ path }, threads, limit) => [
  ...['ppl', '--model', path, '--dataset', 'sotu', '--limit', String(limit)],
  ...['--threads', String(threads), '--quiet', '--json'],
];

/** Runs Node to its end. @returns {Promise<string>} what it wrote to file descriptor 3 */
export function node(args) {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, args, { stdio: ['ignore', 'ignore', 'pipe', 'pipe'] });
    const texts = ['', ''];
    for (const [i, stream] of [child.stdio[2], child.stdio[3]].entries()) {
      stream.setEncoding('utf8').on('data', (text) => {
        texts[i] += text;
      });
    }
    child.on('error', reject);
    child.on('close', (status) => {
      if (status === 0) resolve(texts[1]);
      else reject(new Error(`node ${args.join(' ')} ended with status ${status}: ${texts[0]}`));
    });
  });
}
