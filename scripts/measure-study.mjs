/**
 * How often the intervals of the measures of generated text hold what they are about, on sources whose answer is known.
 * `npm run study:measures`; docs/generation.md has the figures.
 *
 *   MAUVE       vectors from two mixtures of five Gaussians in 12 dimensions. Its interval is of what MAUVE is on average for this
 *               number of texts, so the truth is the mean over the replications themselves.
 *   JS-n        texts of letters, each with a topic of its own; the truth is the mean, as for MAUVE.
 *   self-BLEU   the same texts; the truth is the mean.
 *   BrierLM     continuations from a first-order chain over three letters, true ones from another; the truth is the closed form
 *               Brier-n = Σ_y q(y)·2p(y) − Σ p², of texts y of n letters.
 *   AUP         four settings with 1, 2, 4 and 8 tokens a call on the same items, right with the named chances; half of the items are as hard
 *               for all settings. The truth is AUP at these chances.
 *   frontier    the same texts at four temperatures from the same random numbers, beside real text of another source; measures are
 *               interpolated to the entropy of that text. The truth is the mean.
 *
 * Names of parts (mauve, ngrams, aup, brier, frontier) as arguments run these alone; --quick replicates less.
 */
import { figureAtEntropy, perplexityAtEntropy } from '../dist/evals/frontier/interpolation.js';
import { unigramEntropy } from '../dist/evals/generation/diversity.js';
import { withAup } from '../dist/evals/tasks/parallelism.js';
import { fillUniforms } from '../dist/random/uniforms.js';
import { accuracyUnderParallelism } from '../dist/statistics/aup.js';
import { brierItem, brierScores } from '../dist/statistics/brier.js';
import { divergenceOfTexts } from '../dist/statistics/jensen-shannon.js';
import { mauveOfFeatures } from '../dist/statistics/mauve.js';
import { numberedGrams } from '../dist/statistics/n-grams.js';
import { selfBleu } from '../dist/statistics/self-bleu.js';

const STREAM = 0x7f00; // of no purpose in src/random/streams.ts
const asked = process.argv.slice(2);
const REPLICATIONS = asked.includes('--quick') ? 40 : 200;
const parts = asked.filter((one) => !one.startsWith('--'));
const isAsked = (part) => parts.length === 0 || parts.includes(part);

const uniformsOf = (sequence, step, count) => {
  const out = new Float64Array(count);
  fillUniforms(out, { seed: 1, stream: STREAM, sequence, step });
  return out;
};
const normal = (u, v) => Math.sqrt(-2 * Math.log(1 - u)) * Math.cos(2 * Math.PI * v);
const mean = (values) => values.reduce((a, b) => a + b, 0) / values.length;
const deviation = (values) => {
  const m = mean(values);
  return Math.sqrt(mean(values.map((x) => (x - m) ** 2)) * (values.length / (values.length - 1)));
};

function told(name, estimates, truth = mean(estimates.map(({ value }) => value))) {
  const known = estimates.filter(({ ci95 }) => ci95 !== null);
  const held = known.filter(({ ci95 }) => ci95[0] <= truth && truth <= ci95[1]).length;
  const spread = deviation(estimates.map(({ value }) => value));
  const stderr = mean(known.map((one) => one.stderr));
  const share = held / known.length;
  const error = Math.sqrt((share * (1 - share)) / known.length);
  console.log(
    `${name.padEnd(34)} truth ${truth.toFixed(4)}  held ${(100 * share).toFixed(1)} ± ${(100 * error).toFixed(1)}%  mean stderr / spread ${(stderr / spread).toFixed(2)}  of ${known.length}`,
  );
}

const DIMENSIONS = 12;
function vectors(sequence, rows, weights) {
  const data = new Float64Array(rows * DIMENSIONS);
  for (let i = 0; i < rows; i++) {
    const u = uniformsOf(sequence, i, 1 + 2 * DIMENSIONS);
    let component = 0;
    let passed = weights[0];
    while (u[0] > passed && component < weights.length - 1) passed += weights[++component];
    for (let k = 0; k < DIMENSIONS; k++)
      data[i * DIMENSIONS + k] = (k === component ? 3 : 0) + normal(u[1 + 2 * k], u[2 + 2 * k]);
  }
  return { data, rows, width: DIMENSIONS };
}

for (const [texts, q] of isAsked('mauve')
  ? [
      [64, [0.3, 0.25, 0.2, 0.15, 0.1]],
      [200, [0.3, 0.25, 0.2, 0.15, 0.1]],
      [200, [0.05, 0.05, 0.1, 0.3, 0.5]],
    ]
  : []) {
  const runs = Array.from({ length: REPLICATIONS }, (_, r) =>
    mauveOfFeatures(vectors(2 * r, texts, [0.3, 0.25, 0.2, 0.15, 0.1]), vectors(2 * r + 1, texts, q), {
      seed: r,
    }),
  );
  for (const figure of ['mauve', 'mauveStar', 'frontierIntegral'])
    told(
      `${figure}, ${texts} texts${q[0] < 0.1 ? ', far apart' : ', equal'}`,
      runs.map(({ figures }) => figures[figure]),
    );
}

const LETTERS = 12;
const LENGTH = 60;
/** A text of letters: half from all letters by rank, half from the three of its topic. */
function texts(sequence, count, tilt) {
  return Array.from({ length: count }, (_, i) => {
    const u = uniformsOf(1e6 + sequence, i, 1 + 2 * LENGTH);
    const topic = Math.floor(u[0] * 4);
    return Int32Array.from({ length: LENGTH }, (_, l) =>
      u[1 + 2 * l] < 0.5
        ? Math.floor(LETTERS * u[2 + 2 * l] ** tilt)
        : 3 * topic + Math.floor(3 * u[2 + 2 * l]),
    );
  });
}
for (const order of isAsked('ngrams') ? [1, 2, 4] : []) {
  const runs = Array.from({ length: REPLICATIONS }, (_, r) => {
    const [p, q] = [texts(2 * r, 64, 2), texts(2 * r + 1, 64, 1.5)];
    const grams = numberedGrams([...p, ...q], 4);
    const of = grams.ofTexts[order];
    return divergenceOfTexts(of.slice(0, 64), of.slice(64), grams.sizes[order], { seed: r });
  });
  told(`JS-${order}, 64 texts`, runs);
}
if (isAsked('ngrams'))
  told(
    'self-BLEU, 64 texts',
    Array.from({ length: REPLICATIONS }, (_, r) => selfBleu(numberedGrams(texts(2 * r, 64, 2), 4))),
  );

const TOKENS = [1, 2, 4, 8];
for (const [what, chances] of isAsked('aup')
  ? [
      ['equal', [0.74, 0.74, 0.74, 0.74]],
      ['falling slowly', [0.74, 0.735, 0.73, 0.725]],
      ['the last 10 points below', [0.8, 0.79, 0.77, 0.7]],
      ['the third 4.8 points below', [0.8, 0.79, 0.752, 0.7]],
    ]
  : [])
  for (const items of [100, 400]) {
    for (const given of [false, true]) {
      const best = Math.max(...chances);
      const truth = accuracyUnderParallelism(
        chances.map((accuracy, i) => ({ accuracy, tokensPerForward: TOKENS[i] })),
        best,
      );
      const runs = Array.from({ length: REPLICATIONS }, (_, r) => {
        const drawn = Array.from({ length: items }, (_one, i) => uniformsOf(3e6 + r, i, 6));
        const results = chances.map((chance, k) =>
          settingOf(
            k,
            r,
            drawn.map((u) => Number((u[0] < 0.5 ? u[1] : u[2 + k]) < chance)),
          ),
        );
        return withAup(results, given ? best : null)[0].metrics.aup;
      });
      told(`AUP, ${what}, ${items} items${given ? ', best given' : ''}`, runs, truth);
    }
  }

/** What AUP reads of a result. */
function settingOf(k, seed, exactMatch) {
  const index = exactMatch.map((_, i) => i);
  return {
    ...{ model: { name: 'model', sha256: '' }, task: { name: 'task', sha256: '' }, dataset: {} },
    protocol: { sampler: 'unmask', steps: 8 / TOKENS[k], seed },
    metrics: { exactMatch: { value: mean(exactMatch) }, tokensPerForward: { value: TOKENS[k] } },
    byItem: {
      ...{ index, unit: index, exactMatch },
      ...{ written: index.map(() => 8), calls: index.map(() => 8 / TOKENS[k]) },
    },
  };
}

const [STAY_P, STAY_Q] = [0.7, 0.8];
const walk = (u, stay) => walkOf(u.subarray(0, 4), stay);
/** As many letters as there are numbers. */
function walkOf(u, stay) {
  const path = [Math.floor(3 * u[0])];
  for (let l = 1; l < u.length; l++) {
    const moved = 1 + Math.floor((2 * (u[l] - stay)) / (1 - stay));
    path.push(u[l] < stay ? path[l - 1] : (path[l - 1] + moved) % 3);
  }
  return path;
}
/** Σ over texts of n letters of p·q, of two chains with these chances to stay. */
const overlap = (a, b, n) => (1 / 3) * (a * b + (2 * (1 - a) * (1 - b)) / 4) ** (n - 1);
const truth = [1, 2, 3, 4].map((n) => 2 * overlap(STAY_P, STAY_Q, n) - overlap(STAY_P, STAY_P, n));
for (const items of isAsked('brier') ? [64, 256] : []) {
  const runs = Array.from({ length: REPLICATIONS }, (_, r) => {
    const all = Array.from({ length: items }, (_, i) => {
      const u = uniformsOf(2e6 + r, i, 12);
      const [a, b, y] = [
        walk(u.subarray(0, 4), STAY_P),
        walk(u.subarray(4, 8), STAY_P),
        walk(u.subarray(8), STAY_Q),
      ];
      return brierItem({ a, b, truth: y });
    });
    return brierScores(all, { seed: r, resamples: 1000 });
  });
  told(
    `Brier-1, ${items} prompts`,
    runs.map(({ byOrder }) => byOrder[0]),
    truth[0],
  );
  told(
    `Brier-4, ${items} prompts`,
    runs.map(({ byOrder }) => byOrder[3]),
    truth[3],
  );
  told(
    `BrierLM, ${items} prompts`,
    runs.map(({ brierLm }) => brierLm),
    truth.reduce((a, b) => a * b) ** 0.25,
  );
}

const TEMPERATURES = [0.5, 0.8, 1.2, 2];

/** The mean entropy of texts, with its error. */
function entropyOf(all) {
  const entropies = all.map(unigramEntropy);
  return { value: mean(entropies), stderr: deviation(entropies) / Math.sqrt(all.length), ci95: null };
}

/** A vector of each text: how often each letter stands in it, with some noise. */
function featuresOf(all, sequence) {
  const data = new Float64Array(all.length * LETTERS);
  for (const [i, letters] of all.entries()) {
    const u = uniformsOf(4e6 + sequence, i, 2 * LETTERS);
    for (let v = 0; v < LETTERS; v++)
      data[i * LETTERS + v] =
        letters.filter((one) => one === v).length / 2 + 0.5 * normal(u[2 * v], u[2 * v + 1]);
  }
  return { data, rows: all.length, width: LETTERS };
}

/** A chain's chance to stay at a temperature. */
function stayAt(stay, temperature) {
  const [own, other] = [stay, (1 - stay) / 2].map((p) => p ** (1 / temperature));
  return own / (own + 2 * other);
}

/** Texts of the chain, all letters of one text from its own numbers. */
const chains = (sequence, count, stay) =>
  Array.from({ length: count }, (_, i) => Int32Array.from(walkOf(uniformsOf(sequence, i, LENGTH), stay)));

/** The same texts in other letters: of the same entropy. */
const rotated = (all, by) => all.map((letters) => letters.map((v) => (v + by) % LETTERS));

for (const [count, apart] of isAsked('frontier')
  ? [
      [64, 0],
      [64, 2],
      [16, 2],
    ]
  : []) {
  const found = new Map();
  const add = (name, one) => found.set(name, [...(found.get(name) ?? []), one]);
  for (let r = 0; r < REPLICATIONS; r++) {
    const real = rotated(texts(20000 + 2 * r + 1, count, 2), apart);
    const sets = TEMPERATURES.map((temperature) => texts(20000 + 2 * r, count, 2 / temperature));
    const at = (all, against, figure, limits) => {
      const { value, stderr } = entropyOf(against);
      const points = all.map((set, i) => ({
        entropy: entropyOf(set),
        figure: figure(set, i),
        samples: count,
      }));
      return figureAtEntropy(points, { value, stderr, degrees: count - 1 }, limits);
    };
    for (const order of [1, 2, 4]) {
      const divergence = (set) => {
        const grams = numberedGrams([...set, ...real], 4);
        const of = grams.ofTexts[order];
        return divergenceOfTexts(of.slice(0, count), of.slice(count), grams.sizes[order], { seed: r });
      };
      add(`JS-${order}`, at(sets, real, divergence, [0, Math.LN2]));
    }
    add(
      'self-BLEU',
      at(sets, real, (set) => selfBleu(numberedGrams(set, 4)), [0, 1]),
    );
    const ofReal = featuresOf(real, 2 * r + 1);
    const mauve = (set) => mauveOfFeatures(featuresOf(set, 2 * r), ofReal, { seed: r }).figures.mauve;
    add('MAUVE', at(sets, real, mauve, [0, 1]));
    const points = sets.map((set, i) => ({
      temperature: TEMPERATURES[i],
      nats: Float64Array.from(set, (one) => one.reduce((sum, v) => sum + Math.log(v + 2), 0)),
      tokens: new Float64Array(count).fill(LENGTH),
      entropies: Float64Array.from(set, unigramEntropy),
    }));
    const { value, stderr } = entropyOf(real);
    add(
      'gen. perplexity',
      perplexityAtEntropy(points, { value, stderr, degrees: count - 1 }, { seed: r }).genPpl,
    );
    const written = TEMPERATURES.map((temperature) =>
      chains(5e6 + 2 * r, count, stayAt(STAY_P, temperature)),
    );
    const brier = (_set, i) => {
      const stay = stayAt(STAY_P, TEMPERATURES[i]);
      const items = Array.from({ length: 64 }, (_, item) => {
        const u = uniformsOf(6e6 + r, item, 12);
        const [a, b, y] = [
          walk(u.subarray(0, 4), stay),
          walk(u.subarray(4, 8), stay),
          walk(u.subarray(8), STAY_Q),
        ];
        return brierItem({ a, b, truth: y });
      });
      return brierScores(items, { seed: r, resamples: 1000 }).byOrder[1];
    };
    add('Brier-2, 64 prompts', at(written, chains(5e6 + 2 * r + 1, count, STAY_Q), brier, [-1, 1]));
  }
  for (const [name, runs] of found) {
    const reached = runs.filter(({ value }) => value !== null);
    told(`frontier, ${count} texts${apart ? '' : ' alike'}, ${name}`, reached);
  }
}
