/**
 * Figures published in the papers, as context for results: The Diffusion Duality (arXiv 2506.10892, table
 * 3: zero-shot perplexity) and Chapter II (arXiv 2602.21185: generative perplexity, judged by gpt2-large, and unigram
 * entropy in nats). All are of models of 170M parameters, trained for 1M steps on OpenWebText with the GPT-2 tokenizer and
 * 1,024 tokens per sequence. Reproductions by others use the public checkpoints (issue 29 of kuleshov-group/mdlm).
 */
import { fieldOf, numberOf, type ResultRow } from '../records/evaluation.js';

export const PUBLISHED_SOURCE =
  'The Diffusion Duality, arXiv 2506.10892 and 2602.21185: 170M parameters, 1M steps on OpenWebText, GPT-2 tokenizer, 1,024 tokens per sequence';

export const PUBLISHED_DATASETS = [
  'ptb',
  'wikitext103',
  'lm1b',
  'lambada',
  'ag_news',
  'pubmed',
  'arxiv',
] as const;

export interface PublishedModel {
  name: string;
  /** As `family` of a checkpoint. */
  family: string;
  /** Perplexities, in the order of the data sets. */
  perplexities: readonly number[];
  /** Reproductions by others with the public checkpoint. */
  rerun: boolean;
}

const model = (name: string, family: string, perplexities: number[], rerun = false): PublishedModel => ({
  name,
  family,
  perplexities,
  rerun,
});

export const PUBLISHED_MODELS: readonly PublishedModel[] = [
  model('AR', 'ar', [82.05, 25.75, 51.25, 51.28, 52.09, 49.01, 41.73]),
  model('SEDD absorb', 'sedd', [100.09, 34.28, 68.2, 49.86, 62.09, 44.53, 38.48]),
  model('MDLM', 'mdlm', [95.26, 32.83, 67.01, 47.52, 61.15, 41.89, 37.37]),
  model('SEDD uniform', 'duo', [105.51, 41.1, 82.62, 57.29, 82.64, 55.89, 50.86]),
  model('UDLM', 'duo', [112.82, 39.42, 77.59, 53.57, 80.96, 50.98, 44.08]),
  model('Duo', 'duo', [89.35, 33.57, 73.86, 49.78, 67.81, 44.48, 40.39]),
  model('AR, run by others', 'ar', [105.81, 34.17, 55.55, 48.44, 59.14, 48.77, 41.23], true),
  model('MDLM, run by others', 'mdlm', [83.82, 36.9, 67.94, 48.4, 64.79, 42.87, 37.73], true),
];

export const PUBLISHED_STEPS = [1024, 512, 256, 128, 64, 32, 16, 8] as const;

export interface PublishedSampling {
  model: string;
  family: string;
  sampler: string;
  /** Generative perplexity and entropy, in the order of the steps. */
  figures: readonly (readonly [number, number])[];
}

const sampling = (
  name: string,
  family: string,
  sampler: string,
  perplexities: number[],
  entropies: number[],
): PublishedSampling => ({
  model: name,
  family,
  sampler,
  figures: perplexities.map((perplexity, i) => [perplexity, entropies[i]]),
});

export const PUBLISHED_SAMPLINGS: readonly PublishedSampling[] = [
  sampling(
    ...(['Duo', 'duo', 'ancestral'] as const),
    [77.69, 78.14, 78.62, 80.02, 85.62, 96.19, 122.78, 198.27],
    [5.55, 5.55, 5.55, 5.55, 5.57, 5.57, 5.58, 5.57],
  ),
  sampling(
    ...(['Duo', 'duo', 'greedy-tail'] as const),
    [71.72, 73.98, 73.59, 74.37, 78.19, 84.52, 98.24, 121.89],
    [5.22, 5.23, 5.22, 5.22, 5.23, 5.2, 5.13, 4.91],
  ),
  sampling(
    ...(['Duo, distilled', 'duo', 'ancestral'] as const),
    [50.55, 52.43, 53.69, 54.16, 55.83, 61.31, 75.24, 111.88],
    [5.36, 5.38, 5.43, 5.46, 5.49, 5.52, 5.53, 5.52],
  ),
  sampling(
    ...(['Duo, distilled', 'duo', 'greedy-tail'] as const),
    [36.53, 37.58, 39.08, 40.12, 43.12, 46.31, 54.11, 69.58],
    [5.19, 5.21, 5.26, 5.3, 5.35, 5.38, 5.37, 5.3],
  ),
  sampling(
    ...(['MDLM', 'mdlm', 'ancestral'] as const),
    [104.85, 104.43, 112.7, 120.77, 143.88, 196.79, 343.33, 830.82],
    [5.63, 5.63, 5.66, 5.67, 5.7, 5.75, 5.81, 5.91],
  ),
  sampling(
    ...(['MDLM, distilled (SDTT)', 'mdlm', 'ancestral'] as const),
    [36.89, 37.16, 38.65, 41.98, 47.04, 62.29, 89.17, 193.05],
    [5.39, 5.4, 5.41, 5.43, 5.45, 5.49, 5.53, 5.58],
  ),
  sampling(
    ...(['SEDD absorb', 'sedd', 'analytic'] as const),
    [105.03, 104.45, 109.82, 117.28, 138.42, 184.71, 316.33, 748.37],
    [5.62, 5.62, 5.63, 5.65, 5.67, 5.72, 5.77, 5.85],
  ),
  sampling(
    ...(['SEDD uniform', 'duo', 'analytic'] as const),
    [99.9, 100.44, 103.41, 105.82, 113.02, 125.21, 165.66, 276.89],
    [5.56, 5.56, 5.56, 5.57, 5.57, 5.57, 5.58, 5.59],
  ),
];

const PUBLISHED_SPLITS: Readonly<Record<string, string>> = {
  ...{ ptb: 'validation', wikitext103: 'validation', lm1b: 'test', lambada: 'test', ag_news: 'test' },
  ...{ pubmed: 'validation', arxiv: 'validation' },
};
/** SHA-256 of the tokenizer.json of gpt2 on Hugging Face. */
const GPT2_TOKENIZER = '8414cab924d8b9b33013f0d221c5862f365ee9be39c5c2bfae8a5a9e970478a6';
/** 100 batches of 8, scripts/gen_ppl_owt_duo.sh of the reference. */
const PUBLISHED_SAMPLES = 800;

/** Why a row's figures do not compare with the published ones; empty where protocol, text, sampling and training data match. */
export function reasonsNotComparable(row: ResultRow): string[] {
  const reasons: string[] = [];
  const protocol = fieldOf(row, 'protocol.name');
  if (protocol !== 'duo') reasons.push(`protocol ${String(protocol)}, not duo`);
  const length = numberOf(row, 'protocol.length') ?? numberOf(row, 'samples.length');
  if (length !== null && length !== 1024) reasons.push(`${length} tokens per sequence, not 1,024`);
  reasons.push(
    ...(row.evaluation?.scoresText ? textDifferences(row) : samplingDifferences(row)),
    ...tokenizerDifferences(row),
  );
  const trained = fieldOf(row, 'model.trainedOn');
  if (typeof trained !== 'string') reasons.push('training data unknown');
  else if (!/open\s*web\s*text|\bowt\b/i.test(trained))
    reasons.push(`trained on ${trained}, not OpenWebText`);
  return reasons;
}

function textDifferences(row: ResultRow): string[] {
  const reasons: string[] = [];
  if (fieldOf(row, 'protocol.likelihood') === 'exact')
    reasons.push('the exact likelihood of a sampler, not the bound');
  const [limit, all] = [numberOf(row, 'dataset.limit'), numberOf(row, 'dataset.sequences')];
  if (limit !== null && (all === null || limit < all))
    reasons.push(
      fieldOf(row, 'dataset.selection') === 'spread'
        ? `only ${limit} sequences`
        : `only the first ${limit} sequences`,
    );
  const split = fieldOf(row, 'dataset.split');
  const published = PUBLISHED_SPLITS[row.dataset];
  if (published !== undefined && split !== published)
    reasons.push(`split ${typeof split === 'string' ? split : 'unknown'}, not ${published}`);
  return reasons;
}

/** The papers' samples are full-length, without a prompt, and drawn from the model's unmodified probabilities. */
function samplingDifferences(row: ResultRow): string[] {
  const reasons: string[] = [];
  const setting = (name: string) => fieldOf(row, `samples.${name}`);
  const temperature = setting('temperature');
  if (temperature !== 1)
    reasons.push(
      typeof temperature === 'number' ? `temperature ${temperature}, not 1` : 'temperature unknown',
    );
  const topK = setting('topK');
  if (typeof topK === 'number') reasons.push(`top-k ${topK}, not all tokens`);
  const topP = setting('topP');
  if (typeof topP === 'number' && topP < 1) reasons.push(`top-p ${topP}, not 1`);
  const prompt = setting('prompt');
  if (prompt !== false) reasons.push(prompt === true ? 'after a prompt' : 'prompt unknown');
  const options = Object.entries((setting('sampler.options') ?? {}) as Record<string, unknown>);
  if (options.length > 0)
    reasons.push(`sampler options ${options.map(([name, value]) => `${name} ${String(value)}`).join(', ')}`);
  const samples = numberOf(row, 'samples.count');
  if (samples === null || samples < PUBLISHED_SAMPLES)
    reasons.push(`${samples ?? 'unknown'} samples, not ${PUBLISHED_SAMPLES}`);
  const judge = fieldOf(row, 'judge.name');
  if (!/gpt-?2-?large/i.test(String(judge ?? '')))
    reasons.push(`judged by ${String(judge ?? 'nobody')}, not gpt2-large`);
  return reasons;
}

function tokenizerDifferences(row: ResultRow): string[] {
  const own = fieldOf(row, 'protocol.tokenizerSha256') ?? fieldOf(row, 'samples.tokenizerSha256');
  if (own === GPT2_TOKENIZER) return [];
  return [typeof own === 'string' ? "another tokenizer file than GPT-2's" : 'tokenizer unknown'];
}
