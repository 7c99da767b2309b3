/**
 * Damaged and hostile files of every kind the program reads, hubs and samplers that misbehave, and what it makes of them: none
 * may end the process by a signal, take more than 10 s of processor time or 1.5 GiB of memory, wait for what does not come, raise
 * anything but a sentence with an exit status, or be accepted with a broken structure.
 *
 *   npm run fuzz -- --seed 1 --count 10000
 *
 * --from 4000         begins at this number: --count 2000 each, --from 0, 2000, 4000 … are together the one long campaign
 * --kind checkpoint   only cases of this kind (repeatable)
 * --only 1234         only the case of this number: what a failure's line says, to see it again
 * --children 2        processes side by side
 * --program dist      folder of the compiled program
 * --json              the table as JSON
 */
import { availableParallelism } from 'node:os';
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { campaign } from './campaign.mjs';
import { kindOf, kinds } from './kinds/index.mjs';

const { values } = parseArgs({
  options: {
    seed: { type: 'string', default: '1' },
    count: { type: 'string', default: '1000' },
    from: { type: 'string', default: '0' },
    kind: { type: 'string', multiple: true },
    only: { type: 'string', multiple: true },
    children: { type: 'string', default: String(Math.min(4, availableParallelism())) },
    program: { type: 'string', default: new URL('../dist', import.meta.url).pathname },
    json: { type: 'boolean', default: false },
    verbose: { type: 'boolean', default: false },
  },
});
const seed = wholeNumber('seed', values.seed);
const count = wholeNumber('count', values.count);
const from = wholeNumber('from', values.from);
for (const kind of values.kind ?? [])
  if (!Object.hasOwn(kinds, kind)) usage(`There is no kind ${kind}: ${Object.keys(kinds).join(', ')}.`);

const wanted = values.only?.map((index) => wholeNumber('only', index)) ?? numbers(from, count);

function wholeNumber(flag, text) {
  if (!/^\d+$/.test(text)) usage(`--${flag} takes a whole number, not ${text}.`);
  return Number(text);
}

function usage(sentence) {
  console.error(sentence);
  process.exit(2);
}

/** The first `count` indices at or after `from`, of the chosen kinds where some are chosen. */
function numbers(from, count) {
  const chosen = [];
  for (let index = from; chosen.length < count; index++)
    if (values.kind?.includes(kindOf(index)) ?? true) chosen.push(index);
  return chosen;
}

const rows = new Map(
  Object.keys(kinds).map((kind) => [
    kind,
    { kind, cases: 0, accepted: 0, refused: {}, codes: {}, slowestMs: 0, largestMiB: 0, failures: 0 },
  ]),
);
let failures = 0;
const began = performance.now();
await campaign({
  seed,
  indices: wanted,
  children: wholeNumber('children', values.children),
  program: resolve(values.program),
  onOutcome({ index, kind, how, ms, took = 0, status, code, message, failure }) {
    const row = rows.get(kind);
    row.cases++;
    row.slowestMs = Math.max(row.slowestMs, Math.round(ms));
    row.largestMiB = Math.max(row.largestMiB, Math.round(took / 2 ** 20));
    if (failure) {
      failures++;
      row.failures++;
      console.error(`FAILED --seed ${seed} --only ${index} (${kind}; ${how}): ${failure}`);
    } else if (status === 0) row.accepted++;
    else {
      row.refused[status] = (row.refused[status] ?? 0) + 1;
      row.codes[code] = (row.codes[code] ?? 0) + 1;
    }
    if (values.verbose || values.only)
      console.error(
        `${index} ${kind} (${how}) ${status} ${Math.round(ms)} ms ${code ?? ''} ${message ?? ''}`,
      );
  },
});

const table = [...rows.values()].filter(({ cases }) => cases > 0);
const seconds = (performance.now() - began) / 1000;
if (values.json) console.log(JSON.stringify({ seed, seconds, failures, kinds: table }, null, 2));
else {
  const cells = table.map(({ kind, cases, accepted, refused, slowestMs, largestMiB, failures }) => [
    kind,
    cases,
    Object.entries(refused)
      .map(([status, times]) => `${times} × ${status}`)
      .join(', ') || '-',
    accepted,
    slowestMs,
    largestMiB,
    failures,
  ]);
  const all = [
    ['kind', 'cases', 'refused, by exit status', 'accepted', 'slowest ms', 'largest MiB', 'failures'],
    ...cells,
  ].map((row) => row.map(String));
  const widths = all[0].map((_, column) => Math.max(...all.map((row) => row[column].length)));
  for (const row of all)
    console.log(
      row
        .map((cell, column) =>
          column === 0 || column === 2 ? cell.padEnd(widths[column]) : cell.padStart(widths[column]),
        )
        .join('  '),
    );
  console.log(`seed ${seed}, ${wanted.length} cases in ${seconds.toFixed(0)} s`);
}
process.exitCode = failures > 0 ? 1 : 0;
