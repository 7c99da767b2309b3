/**
 * Checks the coverage of intervals: losses with a known mean are simulated, the statistics of the product make intervals from
 * them, and the share that holds the mean is counted. For comparison, each check also runs the former method, which took the
 * sequences of a text as independent, draws as normal, and bootstrap percentiles as an interval; it exists only here.
 *
 * A few replicates are whole evaluations: a model, a packed text, sessions, journals and the printed record.
 */
import { MonteCarloSums } from '../../diffusion/monte-carlo-error.js';
import { timePlan } from '../../diffusion/times.js';
import type { Observer } from '../../observer.js';
import { longestBlock, pairedComparison, perplexityMetrics } from '../../records/text-figures.js';
import { bootstrap, sampleQuantile } from '../../statistics/bootstrap.js';
import { ratio } from '../../statistics/ratio.js';
import { studentQuantile95 } from '../../statistics/student.js';
import { VERSIONS } from '../../versions.js';
import { perplexityAtEntropy } from '../frontier/interpolation.js';
import { generativePerplexity } from '../generation/generative-perplexity.js';
import { mergeParts, type SuiteFile, suiteFile } from '../suite/part-record.js';
import { wholeEvaluations } from './interval-evaluations.js';
import { type IntervalCalibrationRecord, type IntervalCheck, judgeCoverage } from './interval-record.js';
import {
  autoregressiveText,
  Draws,
  holds,
  type Interval,
  independentText,
  judgedMean,
  judgedSamples,
  lossesOf,
  markovCorrelationLength,
  markovModulatedText,
  type SimulatedText,
  simulatedDifference,
  simulatedMean,
  simulatedResult,
  simulatedSweep,
  sweepTarget,
  topicText,
} from './interval-sources.js';

export interface IntervalCalibrationRequest {
  replicates: number;
  /** Replicates that are whole evaluations. */
  evaluations: number;
  seed: number;
}

/** One replicate's interval, that of the former method, and the true value. */
interface Replicate {
  interval: Interval;
  former: Interval;
  truth: number;
}

interface Study {
  source: string;
  figure: string;
  size: string;
  /** Why it is not counted. */
  notCounted?: string;
  replicate(draws: Draws, seed: number): Replicate;
}

/** @throws InterruptedError */
export async function calibrateIntervals(
  { replicates, evaluations, seed }: IntervalCalibrationRequest,
  { progress, signal }: Observer = {},
): Promise<IntervalCalibrationRecord> {
  const started = performance.now();
  const all = allStudies();
  const total = all.length + (evaluations > 0 ? 1 : 0);
  const checks: IntervalCheck[] = [];
  for (const [i, { source, figure, size, notCounted, replicate }] of all.entries()) {
    progress?.('simulating', i, total);
    const count = { covered: 0, formerly: 0 };
    for (let r = 0; r < replicates; r++) {
      const { interval, former, truth } = replicate(new Draws(seed, i * 2 ** 20 + r), seed + r);
      if (holds(interval, truth)) count.covered++;
      if (holds(former, truth)) count.formerly++;
      if (r % 50 === 49) {
        await new Promise((resolve) => setImmediate(resolve));
        signal?.throwIfAborted();
      }
    }
    const covered = count.covered / replicates;
    checks.push({
      ...{ source, figure, size, replicates, covered, formerly: count.formerly / replicates },
      ...judgeCoverage(covered, replicates, notCounted ?? null),
    });
  }
  if (evaluations > 0) {
    progress?.('simulating', all.length, total);
    checks.push(await wholeEvaluations(evaluations, seed, signal));
  }
  progress?.('simulating', total, total);
  const of = (verdict: IntervalCheck['verdict']) => checks.filter((one) => one.verdict === verdict).length;
  return {
    ...{ eval: 'interval-calibration', seed, replicates, evaluations, checks },
    ...{ passed: of('pass'), failed: of('fail'), notCounted: of('not-counted') },
    wallSeconds: (performance.now() - started) / 1000,
    environment: VERSIONS,
  };
}

function allStudies(): Study[] {
  const stay = 0.9;
  const long = Math.ceil(100 * markovCorrelationLength(stay));
  const short = 'text of fewer than 100 correlation lengths, which a run warns of';
  const few = 'fewer than 20 documents';
  return [
    ...ofText('independent sequences', '100 sequences', (draws) => independentText(100, draws)),
    ...ofText('documents with topics', '40 documents', (draws) => topicText(40, draws)),
    mergedParts('documents with topics', '40 documents', (draws) => topicText(40, draws)),
    ...ofText('a text that is hard for a while', `${long} sequences`, (draws) =>
      markovModulatedText(long, stay, draws),
    ),
    mergedParts('a text that is hard for a while', `${long} sequences`, (draws) =>
      markovModulatedText(long, stay, draws),
    ),
    ofDraws('draws of times and noise', 32, 2),
    ofDraws('draws of times and noise', 256, 4),
    ofSamples(8),
    ofSamples(64),
    ofSweep(64),
    ...ofText('documents with topics', '8 documents', (draws) => topicText(8, draws), few),
    ...ofText('AR(0.9)', '300 sequences', (draws) => autoregressiveText(300, draws), short),
  ];
}

function ofText(
  source: string,
  size: string,
  draw: (draws: Draws) => SimulatedText,
  notCounted?: string,
): Study[] {
  const told = { source, size, ...(notCounted !== undefined && { notCounted }) };
  return [
    {
      ...told,
      figure: 'perplexity',
      replicate(draws) {
        const text = draw(draws);
        const [losses] = lossesOf(text);
        return {
          interval: perplexityMetrics(losses).ppl.ci95,
          former: perplexityInterval(ratio(text.a, losses.tokens).ci95),
          truth: Math.exp(simulatedMean),
        };
      },
    },
    {
      ...told,
      figure: 'paired difference',
      replicate(draws) {
        const text = draw(draws);
        const [a, b] = lossesOf(text);
        return {
          interval: pairedComparison(a, b, longestBlock([a, b], [[a, b]])).ci95,
          former: ratio(
            text.a.map((nats, i) => nats - text.b[i]),
            a.textTokens,
          ).ci95,
          truth: simulatedDifference,
        };
      },
    },
  ];
}

/** Two models evaluated separately and merged: an interval that differs from that of a joint run counts as a miss. */
function mergedParts(source: string, size: string, draw: (draws: Draws) => SimulatedText): Study {
  return {
    source,
    size,
    figure: 'paired difference of merged parts',
    replicate(draws) {
      const text = draw(draws);
      const losses = lossesOf(text);
      const cells = losses.map((one, index) => ({ index, results: [simulatedResult(index, one)] }));
      const suite = { name: 'simulated', sha256: '', cells: cells.length };
      const whole = suiteFile(suite, cells);
      const parts = cells.map((cell, i) => ({
        path: `part ${i}`,
        file: throughJson(suiteFile(suite, [cell])),
      }));
      const joined = mergeParts(parts);
      const isWhole = JSON.stringify(joined) === JSON.stringify(whole);
      return {
        interval: isWhole ? joined.comparisons[0].ci95 : null,
        former: ratio(
          text.a.map((nats, i) => nats - text.b[i]),
          losses[0].textTokens,
        ).ci95,
        truth: simulatedDifference,
      };
    },
  };
}

function throughJson(file: SuiteFile): SuiteFile {
  return JSON.parse(JSON.stringify(file)) as SuiteFile;
}

/** Losses as a function of the time, heavier towards clean text, with noise of z: the production's times and error. */
function ofDraws(source: string, sequences: number, draws: number): Study {
  return {
    source,
    size: `${sequences} sequences, ${draws} draws`,
    figure: 'draw error',
    replicate(random, seed) {
      const plan = timePlan({ sequences, draws, seed });
      const sums = new MonteCarloSums(plan);
      const scales = random.uniforms(sequences);
      const noise = random.normals(sequences * draws);
      let total = 0;
      const first = new Float64Array(sequences);
      for (let i = 0; i < sequences; i++) {
        for (let j = 0; j < draws; j++) {
          const { u } = plan.at(i, j);
          const nats = (1 + scales[i]) * (3 * u ** 2 + (0.4 + u) * noise[i * draws + j]);
          sums.add(i, j, nats);
          total += nats / draws;
          if (j === 0) first[i] = nats;
        }
      }
      // null only for one draw of one sequence
      const { variance, degreesOfFreedom } = sums.error(draws, (i) => first[i])!;
      const around = (factor: number) => {
        const half = factor * Math.sqrt(variance);
        return [total - half, total + half] as const;
      };
      const truth = scales.reduce((sum, scale) => sum + 1 + scale, 0); // ∫ 3u² = 1
      return { interval: around(studentQuantile95(degreesOfFreedom)), former: around(1.96), truth };
    },
  };
}

function ofSamples(samples: number): Study {
  return {
    source: 'samples that a judge scored',
    size: `${samples} samples`,
    figure: 'generative perplexity',
    replicate(draws, seed) {
      const judged = judgedSamples(samples, draws);
      const replicates = bootstrap(
        samples,
        (indices) => {
          const total = (values: Float64Array) => indices.reduce((sum, i) => sum + values[i], 0);
          return total(judged.nats) / total(judged.tokens);
        },
        { seed, resamples: RESAMPLES },
      ).sort();
      return {
        interval: generativePerplexity(judged, { seed, resamples: RESAMPLES }).genPpl.ci95,
        former: perplexityInterval([sampleQuantile(replicates, 0.025), sampleQuantile(replicates, 0.975)]),
        truth: Math.exp(judgedMean),
      };
    },
  };
}

/** Fewer resamples than the product uses: a replicate's interval is noisier, but no longer or shorter on average. */
const RESAMPLES = 400;

function ofSweep(samples: number): Study {
  return {
    source: 'a sweep of three temperatures',
    size: `${samples} samples`,
    figure: 'perplexity at an entropy',
    replicate(draws, seed) {
      const sweep = simulatedSweep(samples, draws);
      const options = { seed, resamples: RESAMPLES };
      const { genPpl } = perplexityAtEntropy(sweep, sweepTarget.entropy, options);
      return {
        interval: genPpl.ci95,
        former: formerSweep(sweep, options),
        truth: Math.exp(sweepTarget.nats),
      };
    },
  };
}

/** The former method for sweeps: percentiles, each temperature resampled separately; the target lies between the last two. */
function formerSweep(
  sweep: ReturnType<typeof simulatedSweep>,
  options: { seed: number; resamples: number },
): Interval {
  const places = sweep.slice(1).map(({ nats, entropies, tokens }, group) => {
    const mean = (values: Float64Array) =>
      bootstrap(values.length, (indices) => indices.reduce((sum, i) => sum + values[i], 0) / indices.length, {
        ...options,
        group,
      });
    return { x: mean(entropies), y: mean(nats.map((one, i) => one / tokens[i])) };
  });
  const [low, high] = places;
  const nats = low.x.map((x, r) => {
    const share = (sweepTarget.entropy - x) / (high.x[r] - x);
    return low.y[r] + share * (high.y[r] - low.y[r]);
  });
  nats.sort();
  return perplexityInterval([sampleQuantile(nats, 0.025), sampleQuantile(nats, 0.975)]);
}

function perplexityInterval(interval: Interval): Interval {
  return interval && [Math.exp(interval[0]), Math.exp(interval[1])];
}
