// Measures what fixtures/README.md claims, on the runs of fixtures:train, and prints its tables: `npm run fixtures:claims`. What was
// measured once is kept in the cache. Options: --work <folder> as fixtures:train had it, and names of tables.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { stepsRatio } from './equal-quality.mjs';
import { SEEDS, STEPS } from './fixture-recipes.mjs';
import { between, geometric, interval, markdownTable, overSeeds, plusMinus } from './over-seeds.mjs';
import { stateHeader } from './state-header.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { work: { type: 'string', default: join(root, '.training') } },
});
const { work } = values;

const NUMBERS_OF_STEPS = [1, 2, 4, 8, 16, 32];
/** Of the teacher alone: where it may be as good as few steps of the distilled model. */
const MORE_STEPS = [64];
const SAMPLERS = ['ancestral', 'greedy-tail'];
const DATASETS = ['sotu', 'moby-dick'];
/** Of each data set, the first. */
const SEQUENCES = 512;
/** Of a normal distribution, in standard errors: half of a 95% interval of many samples. */
const NORMAL_95 = 1.96;
const FAMILIES = ['ar', 'mdlm', 'sedd', 'duo', 'duo-plain', 'duo-argmax', 'duo-dcd'];
const RATIOS = [
  ['ar', 'mdlm'],
  ['sedd', 'mdlm'],
  ['mdlm', 'duo'],
  ['duo', 'duo-plain'],
  ['duo', 'duo-argmax'],
  ['duo', 'duo-dcd'],
];

const checkpoint = (kind, seed) => join(work, `${kind}-${seed}`, `${fileOf(kind)}.onnx`);
const fileOf = (kind) => (['duo-plain', 'duo-argmax'].includes(kind) ? 'duo' : kind);
const suiteModels = (kinds) =>
  kinds.flatMap((kind) => SEEDS.map((seed) => ({ name: `${kind}-${seed}`, path: checkpoint(kind, seed) })));

const TABLES = {
  losses: ['Held-out loss as training went, nats per token', heldOutLosses],
  variances: ['Variance of the gradient', gradientVariances],
  perplexities: ['Perplexity', perplexities],
  steps: ['Few steps', fewSteps],
};
for (const name of positionals.length ? positionals : Object.keys(TABLES)) {
  const [title, measure] = TABLES[name];
  console.log(`\n### ${title}\n\n${measure()}`);
}

/** Steps of the compared runs, in so many parts. Runs that were stopped have saved at others, too. */
function everyPart(parts) {
  return Array.from({ length: parts }, (_, i) => ((i + 1) * STEPS) / parts);
}

/** All runs of a seed see the same sequences, times and noise, so their differences are paired. */
function heldOutLosses() {
  const curves = (kind) =>
    SEEDS.map((seed) => {
      const rows = readFileSync(join(work, `${kind}-${seed}`, 'validation.csv'), 'utf8')
        .trim()
        .split('\n')
        .slice(1);
      return new Map(rows.map((row) => row.split(',').map(Number)));
    });
  const [withIt, argmax, without] = ['duo', 'duo-argmax', 'duo-plain'].map(curves);
  const rows = everyPart(10).map((step) => [
    step,
    ...[withIt, argmax, without].map((kind) => plusMinus(overSeeds(kind.map((curve) => curve.get(step))))),
    ...[argmax, without].map((kind) =>
      plusMinus(overSeeds(withIt.map((curve, i) => curve.get(step) - kind[i].get(step)))),
    ),
  ]);
  return markdownTable(
    [
      'step',
      'curriculum',
      'its noise levels alone',
      'neither',
      'curriculum − levels',
      'curriculum − neither',
    ],
    rows,
  );
}

function gradientVariances() {
  const measured = ['duo', 'duo-plain'].map((kind) =>
    SEEDS.map((seed) => {
      const states = everyPart(5).map((step) => join(work, `${kind}-${seed}`, 'states', `${step}.state`));
      const script = join(root, 'scripts', 'gradient-variance.mjs');
      const asked = [readFileSync(script), ...states.map((state) => stateHeader(state).sha256)];
      const digest = createHash('sha256').update(asked.join()).digest('hex').slice(0, 16);
      const kept = join(work, `gradient-variance-${kind}-${seed}-${digest}.jsonl`);
      if (!existsSync(kept)) writeFileSync(kept, run(process.execPath, [script, ...states]));
      return readFileSync(kept, 'utf8')
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line));
    }),
  );
  const [withIt, without] = measured;
  const logs = (runs, step, reads) =>
    runs.flatMap((lines) =>
      lines
        .filter((one) => one.step === step && one.reads === reads)
        .map(({ variance }) => Math.log(variance)),
    );
  const cell = (logarithms) => (logarithms.length === SEEDS.length ? between(geometric(logarithms)) : '');
  const rows = everyPart(5).map((step) => {
    const within = ['mixture', 'argmax', 'softer', 'tokens'].map((reads) => logs(withIt, step, reads));
    const [mixture, argmax, softer, tokens] = within;
    const ratio = (above, below) => cell(below.map((value, i) => above[i] - value));
    return [
      step,
      ...within.map(cell),
      cell(logs(without, step, 'tokens')),
      ratio(argmax, mixture),
      ratio(argmax, softer),
      ratio(tokens, argmax),
    ];
  });
  return markdownTable(
    [
      'step',
      'mixture',
      'argmax',
      'softer',
      'tokens, all levels',
      'run without',
      'argmax ÷ mixture',
      'argmax ÷ softer',
      'all levels ÷ argmax',
    ],
    rows,
  );
}

/** Of the seeds that have been trained; of a single one without an interval. */
function perplexities() {
  const trained = (kind) => SEEDS.filter((seed) => existsSync(checkpoint(kind, seed)));
  const results = suite('ppl', {
    models: suiteModels(FAMILIES).filter(({ path }) => existsSync(path)),
    datasets: DATASETS,
    ppl: { protocol: 'duo', first: SEQUENCES },
  });
  const nll = (kind, dataset) =>
    trained(kind).map(
      (seed) =>
        results.find((one) => one.model.name === `${kind}-${seed}` && one.dataset.name === dataset).metrics
          .nll.value,
    );
  const cell = (logarithms) =>
    logarithms.length > 1 ? between(geometric(logarithms)) : Math.exp(logarithms[0]).toFixed(1);
  const rows = FAMILIES.map((kind) => [
    kind,
    trained(kind).length,
    ...DATASETS.map((dataset) => cell(nll(kind, dataset))),
  ]);
  const pairs = RATIOS.filter((kinds) => kinds.every((kind) => trained(kind).length === SEEDS.length));
  const ratios = pairs.map(([one, other]) => [
    `${one} ÷ ${other}`,
    ...DATASETS.flatMap((dataset) => {
      const others = nll(other, dataset);
      const differences = nll(one, dataset).map((value, i) => value - others[i]);
      return [
        between(geometric(differences)),
        differences.map((value) => Math.exp(value).toFixed(2)).join(', '),
      ];
    }),
  ]);
  return [
    markdownTable(['family', 'seeds', ...DATASETS], rows),
    markdownTable(['', ...DATASETS.flatMap((dataset) => [dataset, 'seed by seed'])], ratios),
  ].join('\n\nRatios of perplexity, each of two networks of one seed:\n\n');
}

function fewSteps() {
  const results = [
    ...samplesOf('few-steps', ['duo', 'duo-dcd'], NUMBERS_OF_STEPS),
    ...samplesOf('more-steps', ['duo'], MORE_STEPS),
  ];
  const rows = (steps, row) => SAMPLERS.flatMap((sampler) => steps.map((count) => row(sampler, count)));
  const quality = rows([...NUMBERS_OF_STEPS, ...MORE_STEPS], (sampler, steps) => [
    `${sampler}, ${steps}`,
    ...['duo', 'duo-dcd'].flatMap((kind) => {
      const metrics = ofSeeds(results, kind, sampler, steps);
      if (metrics.some((one) => !one)) return ['', ''];
      return [
        between(geometric(metrics.map(({ genNll }) => genNll.value))),
        plusMinus(overSeeds(metrics.map(({ entropy }) => entropy.value)), 2),
      ];
    }),
  ]);
  const ratios = rows(NUMBERS_OF_STEPS, (sampler, steps) => [
    `${sampler}, ${steps}`,
    ...distilledToTeacher(results, sampler, steps),
  ]);
  const head = ['duo', 'duo-dcd'].flatMap((kind) => [`${kind}: perplexity`, 'entropy']);
  return [
    markdownTable(['sampler, steps', ...head], quality),
    markdownTable(
      [
        'sampler, steps',
        'duo-dcd ÷ duo',
        ...SEEDS.map((seed) => `seed ${seed}`),
        'steps of duo for as good ÷ steps',
      ],
      ratios,
    ),
  ].join('\n\nPerplexity of duo-dcd over that of its teacher:\n\n');
}

/** Metrics of a kind of model, seed by seed; undefined where nothing was measured. */
function ofSeeds(results, kind, sampler, steps) {
  return SEEDS.map(
    (seed) =>
      results.find(
        ({ model, samples }) =>
          model.name === `${kind}-${seed}` &&
          samples.sampler.name === sampler &&
          samples.sampler.steps === steps,
      )?.metrics,
  );
}

/** Ratios of perplexity over the seeds and of each seed, its interval that of samples alone, and of steps. */
function distilledToTeacher(results, sampler, steps) {
  const nll = (kind, count) => ofSeeds(results, kind, sampler, count).map(({ genNll }) => genNll);
  const [teachers, students] = [nll('duo', steps), nll('duo-dcd', steps)];
  const differences = students.map(({ value }, i) => value - teachers[i].value);
  const counts = [...NUMBERS_OF_STEPS, ...MORE_STEPS];
  const curves = counts.map((count) => [count, nll('duo', count)]);
  return [
    between(geometric(differences)),
    ...differences.map((mean, i) =>
      between(interval({ mean, half: NORMAL_95 * Math.hypot(students[i].stderr, teachers[i].stderr) })),
    ),
    students
      .map(({ value }, i) =>
        stepsRatio(
          value,
          steps,
          curves.map(([count, of]) => [count, of[i].value]),
        ),
      )
      .join(', '),
  ];
}

function samplesOf(name, kinds, steps) {
  return suite(name, {
    models: suiteModels(kinds),
    gen: { judge: join(work, 'judge', 'ar.onnx'), samplers: SAMPLERS, steps, samples: 64 },
  });
}

/** Results of a suite, cell by cell from the cache where they are there. */
function suite(name, content) {
  const [file, out] = [join(work, `${name}.yaml`), join(work, `${name}.json`)];
  writeFileSync(file, JSON.stringify(content)); // JSON is YAML
  run(process.execPath, [join(root, 'bin', 'run.js'), 'run', file, '--out', out, '--quiet']);
  return JSON.parse(readFileSync(out, 'utf8')).results;
}

function run(command, args) {
  const { status, stdout } = spawnSync(command, args, {
    encoding: 'utf8',
    maxBuffer: 2 ** 28,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  if (status !== 0) throw new Error(`${args.slice(0, 3).join(' ')} ended with ${status}`);
  return stdout;
}
