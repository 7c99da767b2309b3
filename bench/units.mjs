// What it costs to cut a suite into units:
//
//   npm run study:units                                     both parts, about ten minutes on two quiet cores
//   npm run study:units -- --sequences 5000 --units 300     of other sizes (each repeatable)
//   npm run study:units -- --only sequences                 one part
//
// sequences: a cell of so many sequences of 8 tokens in 8 units, each a process, all at a time: peak memory of a unit, and time
// and memory of the merge. units: a suite of cells of 10 units each; plan, the scripts of a submission, one unit, and the merge
// before anything has run and after. All units are then run by one process, which makes the same files.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { LENGTH, measured, writeTexts } from './cost/many-sequences.mjs';

const { values: flags } = parseArgs({
  options: {
    sequences: { type: 'string', multiple: true, default: ['100000', '1000000'] },
    units: { type: 'string', multiple: true, default: ['1000', '3000', '10000'] },
    only: { type: 'string', multiple: true, default: ['sequences', 'units'] },
    model: {
      type: 'string',
      default: fileURLToPath(new URL('../fixtures/markov-duo.onnx', import.meta.url)),
    },
  },
});

/** A plan has so many units a machine. */
const UNITS_A_MACHINE = 8;
const UNITS_A_CELL = 10;

const folder = mkdtempSync(join(tmpdir(), 'duo-eval-units-'));
const at = (name) => join(folder, name);
try {
  if (flags.only.includes('sequences')) {
    console.log('sequences  unit: cpu seconds   peak MB   merge: seconds (cpu)  peak MB');
    for (const count of flags.sequences.map(Number)) console.log(await ofSequences(count));
  }
  if (flags.only.includes('units')) {
    console.log(
      '  units  cells  seconds (cpu): plan  submit --print  merge, nothing run      one unit         merge  peak MB',
    );
    for (const count of flags.units.map(Number)) await ofUnits(count);
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}

async function ofSequences(count) {
  const texts = writeTexts(at(`${count}.jsonl`), count);
  prepare(count, { texts, ppl: `{protocol: strict, length: ${LENGTH}}` });
  const units = await planned(1);
  // All at a time, as on as many machines; memory and processor time are those of each.
  const runs = await Promise.all(
    units.map(({ key }, i) => measured([...run('--unit', key), '--out', at(`part-${i}.json`), '--quiet'])),
  );
  const merge = await merged();
  return [
    String(count).padStart(9),
    range(
      runs.map(({ cpu }) => cpu),
      1,
    ).padStart(19),
    range(runs.map(({ peak }) => peak / 1e6)).padStart(14),
    times(merge).padStart(23),
    (merge.peak / 1e6).toFixed(0).padStart(9),
  ].join('');
}

async function ofUnits(count) {
  const cells = count / UNITS_A_CELL;
  const texts = writeTexts(at('short.jsonl'), 1000);
  const seeds = Array.from({ length: cells }, (_, i) => i + 1);
  prepare(count, { texts, ppl: `{protocol: strict, length: ${LENGTH}, limit: 40, seeds: [${seeds}]}` });
  const machines = count / UNITS_A_MACHINE;
  const plan = await measured([...run('--machines', String(machines)), '--quiet']);
  const units = JSON.parse(readFileSync(at('plan.json'), 'utf8')).plan.units;
  // Each figure as soon as it is known.
  const say = (text, width) => process.stdout.write(text.padStart(width));
  say(String(units.length), 7);
  say(String(cells), 7);
  say(times(plan), 21);
  const submit = ['submit', at('suite.yaml'), '--to', 'slurm', '--machines', String(machines)];
  say(times(await measured([...submit, '--folder', at('job'), '--print'])), 16);
  say(times(await merged([6])), 20);
  say(times(await measured([...run('--unit', units[0].key), '--out', at('part.json'), '--quiet'])), 14);
  await measured([...run('--units', '1/1'), '--out', at('part.json'), '--quiet']);
  const merge = await merged();
  say(times(merge), 14);
  say(`${(merge.peak / 1e6).toFixed(0)}\n`, 10);
}

/** A suite of one model on these texts, with a cache of its own. */
function prepare(count, { texts, ppl }) {
  process.env.DUO_EVAL_CACHE = at(`cache-${count}`);
  const model = JSON.stringify(flags.model);
  const data = `{name: texts, path: ${JSON.stringify(texts)}}`;
  writeFileSync(at('suite.yaml'), `models: [${model}]\ndatasets: [${data}]\nppl: ${ppl}\n`);
}

function run(...more) {
  return ['run', at('suite.yaml'), '--plan', at('plan.json'), '--threads', '1', ...more];
}

async function planned(machines) {
  await measured([...run('--machines', String(machines)), '--quiet']);
  return JSON.parse(readFileSync(at('plan.json'), 'utf8')).plan.units;
}

function merged(statuses) {
  const merge = ['merge', '--from-cache', at('suite.yaml'), '--plan', at('plan.json'), '--threads', '1'];
  return measured([...merge, '--out', at('results.json'), '--quiet'], statuses);
}

/** `4.1 (3.0)`: by the clock, and of a processor. */
function times({ seconds, cpu }) {
  return `${seconds.toFixed(1)} (${cpu.toFixed(1)})`;
}

/** `1 to 2` */
function range(values, digits = 0) {
  const [low, high] = [Math.min(...values), Math.max(...values)].map((value) => value.toFixed(digits));
  return low === high ? low : `${low} to ${high}`;
}
