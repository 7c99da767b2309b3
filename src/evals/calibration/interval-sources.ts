/**
 * Simulated losses with a known mean and a known dependence, for the calibration of intervals: a replicate stands for an
 * evaluation of another text of the same kind, or of other samples.
 */
import { fillNormals } from '../../random/normals.js';
import { streams } from '../../random/streams.js';
import { fillUniforms } from '../../random/uniforms.js';
import { perplexityMetrics } from '../../records/text-figures.js';
import { VERSIONS } from '../../versions.js';
import type { SweepPoint } from '../frontier/interpolation.js';
import type { JudgedSamples } from '../generation/generative-perplexity.js';
import type { PerplexityResult } from '../perplexity/record.js';

/** Tokens per sequence. */
const simulatedTokens = 128;
/** Nats per token: of the first model on text, and of the first minus the second. */
export const simulatedMean = 3;
export const simulatedDifference = 0.1;

/** A text's losses under two models. */
export interface SimulatedText {
  /** Nats of each sequence. */
  a: Float64Array;
  b: Float64Array;
  /** Document of each sequence; null where unknown. */
  documents: Float64Array | null;
}

/** Ends of an interval; null where there is none, which counts as a miss. */
export type Interval = readonly [number, number] | null;

export function holds(interval: Interval, truth: number): boolean {
  return interval !== null && interval[0] <= truth && truth <= interval[1];
}

/** Random numbers of one replicate, drawn in order. */
export class Draws {
  private step = 0;

  constructor(
    private readonly seed: number,
    private readonly replicate: number,
  ) {}

  normals(count: number): Float64Array {
    const out = new Float32Array(count);
    fillNormals(out, this.address());
    return Float64Array.from(out);
  }

  uniforms(count: number): Float64Array {
    const out = new Float64Array(count);
    fillUniforms(out, this.address());
    return out;
  }

  private address() {
    return { seed: this.seed, stream: streams.sourceToken, sequence: this.replicate, step: ++this.step };
  }
}

/** Independent sequences. */
export function independentText(sequences: number, draws: Draws): SimulatedText {
  const [own, other] = [draws.normals(sequences), draws.normals(sequences)];
  return textOf(sequences, null, (i) => [0.4 * own[i], 0.05 * other[i]]);
}

/** Documents of 2 to 22 sequences, each with a topic that makes it hard or easy as a whole, and that one model knows better. */
export function topicText(documents: number, draws: Draws): SimulatedText {
  const lengths = draws.uniforms(documents).map((u) => 2 + Math.floor(21 * u));
  const documentOf = Float64Array.from([...lengths].flatMap((length, d) => Array(length).fill(d)));
  const [topic, liking] = [draws.normals(documents), draws.normals(documents)];
  const [own, other] = [draws.normals(documentOf.length), draws.normals(documentOf.length)];
  return textOf(documentOf.length, documentOf, (i) => [
    0.3 * topic[documentOf[i]] + 0.3 * own[i],
    0.03 * liking[documentOf[i]] + 0.05 * other[i],
  ]);
}

/** Correlation length of {@link markovModulatedText}: Σ over all lags of the autocorrelation. */
export function markovCorrelationLength(stay: number): number {
  const share = 0.25 / (0.25 + NOISE ** 2); // of the variance that is the state's
  return 1 + share * (2 / (2 - 2 * stay) - 2);
}
const NOISE = 0.5;

/** One long text that is easy or hard for a while: a state of two that stays with probability `stay` a sequence. */
export function markovModulatedText(sequences: number, stay: number, draws: Draws): SimulatedText {
  const turns = draws.uniforms(sequences);
  const [own, other] = [draws.normals(sequences), draws.normals(sequences)];
  let state = turns[0] < 0.5 ? -1 : 1;
  const states = Float64Array.from(turns, (u, i) => {
    if (i > 0 && u > stay) state = -state;
    return state;
  });
  return textOf(sequences, null, (i) => [
    0.5 * states[i] + NOISE * own[i],
    0.05 * states[i] + 0.05 * other[i],
  ]);
}

/** An autoregression of the first order, e_i = 0.9·e_{i−1} + normal: its correlation length is 19. */
export function autoregressiveText(sequences: number, draws: Draws): SimulatedText {
  const phi = 0.9;
  const [own, other] = [draws.normals(sequences), draws.normals(sequences)];
  let value = own[0] / Math.sqrt(1 - phi ** 2);
  const series = own.map((normal, i) => {
    if (i > 0) value = phi * value + normal;
    return value;
  });
  return textOf(sequences, null, (i) => [0.2 * series[i], 0.02 * series[i] + 0.05 * other[i]]);
}

/** @param deviations of sequence i from the means, nats per token: of the first model, and of the difference */
function textOf(
  sequences: number,
  documents: Float64Array | null,
  deviations: (i: number) => readonly [number, number],
): SimulatedText {
  const [a, b] = [new Float64Array(sequences), new Float64Array(sequences)];
  for (let i = 0; i < sequences; i++) {
    const [own, difference] = deviations(i);
    a[i] = simulatedTokens * (simulatedMean + own);
    b[i] = a[i] - simulatedTokens * (simulatedDifference + difference);
  }
  return { a, b, documents };
}

/** Nats per token of {@link judgedSamples}, in the limit of many. */
export const judgedMean = 4 * Math.exp(0.4 ** 2 / 2);

/** Samples that a judge scored: from 64 to 128 counted tokens, of log-normal nats per token, independent of each other. */
export function judgedSamples(samples: number, draws: Draws): JudgedSamples {
  const tokens = draws.uniforms(samples).map((u) => 64 + Math.floor(65 * u));
  return { tokens, nats: draws.normals(samples).map((z, i) => tokens[i] * 4 * Math.exp(0.4 * z)) };
}

/** Entropy that sweeps are compared at, and nats per token there in the limit of many samples. */
export const sweepTarget = { entropy: 4.3, nats: 3 };
const sweepTemperatures = [0.8, 0.9, 1];

/**
 * A sweep of three temperatures with entropies 4, 4.2 and 4.4 and nats 2.7, 2.9 and 3.1. Sample i uses the same random numbers
 * at all: of the variance of nats half is common to them.
 */
export function simulatedSweep(samples: number, draws: Draws): SweepPoint[] {
  const [common, varied] = [draws.normals(samples), draws.normals(samples)];
  return sweepTemperatures.map((temperature, t) => {
    const [own, other] = [draws.normals(samples), draws.normals(samples)];
    const both = (shared: Float64Array, alone: Float64Array, i: number) =>
      Math.SQRT1_2 * (shared[i] + alone[i]);
    return {
      temperature,
      tokens: new Float64Array(samples).fill(100),
      nats: common.map((_, i) => 100 * (2.7 + 0.2 * t + 0.4 * both(common, own, i))),
      entropies: varied.map((_, i) => 4 + 0.2 * t + 0.1 * both(varied, other, i)),
    };
  });
}

/** Of both models, as an evaluation would find them. */
export function lossesOf({ a, b, documents }: SimulatedText) {
  const tokens = new Float64Array(a.length).fill(simulatedTokens);
  const columns = (nats: Float64Array) => ({
    ...{ nats, tokens, textBytes: tokens, textNats: nats, textTokens: tokens, documents },
    natsMcStderr: 0,
  });
  return [columns(a), columns(b)] as const;
}

/** A row as `ppl` would write it. @param index of the model */
export function simulatedResult(
  index: number,
  losses: ReturnType<typeof lossesOf>[number],
): PerplexityResult {
  const listed = (column: Float64Array) => Array.from(column);
  const { nats, tokens, documents } = losses;
  const unknown = { sha256: null, sourceSha256: null, split: null, texts: null, tokens: null };
  return {
    eval: 'ppl',
    model: { name: `model ${index + 1}`, family: 'ar', sha256: null, path: null },
    dataset: { name: 'simulated', ...unknown, sequences: nats.length },
    protocol: {
      ...{ name: 'duo', version: 2, length: simulatedTokens, tokenizerSha256: null, timeRange: null },
      ...{ draws: null, estimator: 'exact', seed: null },
    },
    metrics: perplexityMetrics(losses),
    cost: {
      ...{ sequences: nats.length, tokens: nats.length * simulatedTokens, modelCalls: 0 },
      ...{ wallSeconds: null, tokensPerSecond: null },
    },
    environment: { ...VERSIONS, provider: null, threads: null, cpu: null },
    sequences: {
      ...{ nats: listed(nats), tokens: listed(tokens), textNats: listed(nats) },
      ...{ textTokens: listed(tokens), textBytes: listed(tokens) },
      ...(documents && { document: listed(documents) }),
    },
  };
}
