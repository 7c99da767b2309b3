/** The lines under a table of generated texts: who judged them, by which protocol, and whether their figures compare. */
import { valueWithError } from '../../printing/numbers.js';
import type { ResultRow } from '../../records/evaluation.js';
import type { SampledFigure } from '../../records/figures.js';
import type { AnyResult } from '../../records/record.js';
import { plainText } from '../../terminal-text.js';
import type { GenerativeResult } from './record.js';

/** The parts that rows of `gen` and `bench` share. */
export type Measured = Omit<GenerativeResult, 'eval'>;

/** Generative perplexities do not compare where unigram entropies differ by more than this, nats. */
export const ENTROPY_GAP = 0.1;

/** The rows of generated texts in a file: those of `gen` and `bench`. */
export function measuredRows(results: readonly AnyResult[]): Measured[] {
  return results.filter(({ samples }) => samples) as unknown as Measured[];
}

export function generativeNotes(results: readonly Measured[]): string[] {
  if (results.length === 0) return [];
  const notes = [...new Set(results.map(judgedBy))];
  const ofText = results.some(({ metrics }) => metrics.entropy.unit !== undefined);
  notes.push(
    `± is the standard error over samples${ofText ? '; of real text over its documents, or blocks of it' : ''}. Entropy: of the tokens of a sample, in nats. rep-4: share of its 4-grams that stood in it before.`,
  );
  return [
    ...notes,
    ...unscoredNotes(results.map(({ samples: { name, count }, unscored }) => ({ name, count, unscored }))),
    ...comparedNotes(results),
    ...gamedNotes(results),
    ...precisionNotes(results),
    ...entropyNote(results),
    ...sizeNote(results),
  ];
}

/** Texts that a perplexity leaves out. */
export function unscoredNotes(sets: readonly { name: string; count: number; unscored?: number }[]): string[] {
  const said = sets.flatMap(({ name, count, unscored }) =>
    unscored ? [`${unscored} of ${count} texts of ${name}`] : [],
  );
  if (said.length === 0) return [];
  return [
    plainText(
      `Too short for the judge to score a token of, and left out of the perplexity: ${said.join('; ')}.`,
    ),
  ];
}

/** What the figures that compare with real text are. */
function comparedNotes(results: readonly Measured[]): string[] {
  const notes: string[] = [];
  const reference = results.find((one) => one.reference)?.reference;
  if (reference) {
    notes.push(
      `Compared with ${reference.count} texts of ${reference.dataset.name}. JS-n: Jensen–Shannon divergence of the n-grams, nats, 0 where equal. self-BLEU: of each sample with all others as references. Both depend on the number of texts.`,
    );
  }
  const mauve = results.find((one) => one.mauve)?.mauve;
  if (mauve) {
    notes.push(
      `MAUVE: 1 is best; of the states of ${mauve.model.name} behind the last token, ${mauve.clusters} clusters, mean over ${mauve.seeds} seeds of k-means. Its error joins the seeds and a bootstrap over texts. It rises with fewer texts, so compare equal numbers.`,
    );
  }
  const brier = results.find((one) => one.brier)?.brier;
  if (brier) {
    notes.push(
      `BrierLM: two continuations of each of ${brier.items} prompts of ${brier.dataset.name}; higher is better. Brier-1 counts the first token alone.`,
    );
  }
  return notes.map((note) => plainText(note));
}

/** A perplexity is worth telling from others where its interval is no wider than this to either side, as a share. */
const PRECISION = 0.1;
/** MAUVE of fewer clusters says little. */
const FEW_CLUSTERS = 20;

/**
 * Of the perplexity that its samples leave most open; null where none is open by more than {@link PRECISION}.
 * @param open half the interval of ln perplexity, by name
 */
export function tooFewSamples(
  open: readonly { name: string; samples: number; half: number }[],
): string | null {
  const [widest] = [...open].sort((a, b) => b.half - a.half);
  if (!widest || widest.half <= PRECISION) return null;
  const { name, samples, half } = widest;
  const needed = Math.ceil((samples * (half / PRECISION) ** 2) / 10) * 10;
  return `${samples} samples leave the perplexity of ${name} open by ${Math.round(100 * half)}% to either side (95%); about ${needed} would narrow it to ${100 * PRECISION}%.`;
}

/** Says where intervals are too wide to mean much, and how many samples would make them narrow. */
function precisionNotes(results: readonly Measured[]): string[] {
  const open = results
    .filter(({ dataset, samples }) => !dataset && samples.control === undefined)
    .flatMap(({ samples, metrics }) => {
      const ci95 = metrics.genNll.ci95;
      return ci95 ? [{ name: samples.name, samples: samples.count, half: (ci95[1] - ci95[0]) / 2 }] : [];
    });
  const line = tooFewSamples(open);
  const notes = line === null ? [] : [line];
  const mauve = results.find((one) => one.mauve)?.mauve;
  if (mauve && mauve.clusters < FEW_CLUSTERS) {
    notes.push(
      `${mauve.clusters} clusters tell few kinds of text apart: MAUVE means more from ${FEW_CLUSTERS * mauve.textsPerCluster} samples on.`,
    );
  }
  return notes.map((note) => plainText(note));
}

/** A figure that says how good texts are. */
interface Judged {
  figure: 'genPpl' | 'mauve' | 'brierLm' | 'brier1' | 'jsDivergence1' | 'jsDivergence4' | 'selfBleu';
  title: string;
  /** 1: more of it is better. */
  better: 1 | -1;
}

const GAMED: readonly Judged[] = [
  { figure: 'genPpl', title: 'gen. perplexity', better: -1 },
  { figure: 'mauve', title: 'MAUVE', better: 1 },
  { figure: 'brierLm', title: 'BrierLM', better: 1 },
  { figure: 'brier1', title: 'Brier-1', better: 1 },
  { figure: 'jsDivergence1', title: 'JS-1', better: -1 },
  { figure: 'jsDivergence4', title: 'JS-4', better: -1 },
  { figure: 'selfBleu', title: 'self-BLEU', better: -1 },
];

/** A difference this many standard errors from 0 is no luck. */
const SURELY = 1.96;

/** Measures on which a naive sampler beats a model, beyond errors, and those on which none does. */
function gamedNotes(results: readonly Measured[]): string[] {
  const controls = results.filter(({ samples }) => samples.control !== undefined);
  const models = results.filter(({ samples, dataset }) => samples.control === undefined && !dataset);
  if (controls.length === 0 || models.length === 0) return [];
  const notes: string[] = [];
  const held: string[] = [];
  for (const judged of GAMED) {
    const beaten = models.flatMap((model) => {
      const winners = controls.filter((control) => isSurelyBetter(control, model, judged));
      return winners.length > 0 ? [beatenBy(model, winners, judged)] : [];
    });
    const isKnown = [...models, ...controls].every(({ metrics }) => known(metrics[judged.figure]));
    if (beaten.length > 0)
      notes.push(
        `${judged.title} is gamed here: ${beaten.join('; ')}. Controls write without a model, so this figure alone does not say which texts are good.`,
      );
    else if (isKnown) held.push(judged.title);
  }
  if (held.length > 0) notes.push(`No control surely beats a model on ${held.join(', ')}.`);
  return notes.map((note) => plainText(note));
}

function beatenBy(model: Measured, controls: readonly Measured[], { figure }: Judged): string {
  const said = ({ metrics }: Measured) => valueWithError(metrics[figure] ?? UNKNOWN);
  const names = [...new Set(controls.map((control) => `control ${control.samples.name} (${said(control)})`))];
  return `${names.join(' and ')} ${names.length > 1 ? 'beat' : 'beats'} ${model.samples.name} (${said(model)})`;
}

const UNKNOWN = { value: null, stderr: null };

const known = (figure: SampledFigure | undefined): boolean =>
  typeof figure?.value === 'number' && figure.stderr !== null;

/** Perplexities are compared by their logarithms, the nats per token. */
function isSurelyBetter(control: Measured, model: Measured, { figure, better }: Judged): boolean {
  const [a, b] = [control, model].map(({ metrics }) => metrics[figure === 'genPpl' ? 'genNll' : figure]);
  if (!a || !b || a.value === null || b.value === null) return false;
  if (a.stderr === null || b.stderr === null) return false;
  return better * (a.value - b.value) > SURELY * Math.hypot(a.stderr, b.stderr);
}

function judgedBy({ judge, protocol }: Measured): string {
  if (!judge) return 'No judge, so no generative perplexity: --judge names an autoregressive checkpoint.';
  const decoding =
    protocol.name === 'duo' ? 'spaces cleaned up as the reference code does' : 'texts as they are';
  return plainText(
    `Judged by ${judge.name}, windows of ${judge.context} tokens, protocol ${protocol.name}: ${decoding}.`,
  );
}

/** Entropies compare between texts of one tokenizer and length. */
function entropyNote(results: readonly Measured[]): string[] {
  const alike = new Map<string, Measured[]>();
  for (const result of results) {
    const key = `${result.samples.tokenizerSha256} ${result.samples.length}`;
    alike.set(key, [...(alike.get(key) ?? []), result]);
  }
  const notes = [...alike.values()].flatMap(entropyGap);
  if (alike.size > 1) {
    notes.push(
      'Entropies are of different tokenizers or lengths: they compare only between rows of the same.',
    );
  }
  return notes;
}

function entropyGap(results: readonly Measured[]): string[] {
  const known = results.filter(({ metrics }) => metrics.entropy.value !== null);
  // `known` leaves out null
  const entropies = known.map(({ metrics }) => metrics.entropy.value!);
  const [least, most] = [Math.min(...entropies), Math.max(...entropies)];
  if (!(most - least > ENTROPY_GAP)) return [];
  const nameOf = (value: number) => known[entropies.indexOf(value)].samples.name;
  return [
    plainText(
      `Entropies differ by ${(most - least).toFixed(2)} nats (${nameOf(least)} to ${nameOf(most)}): less varied text is easier to predict, so these generative perplexities do not rank models. Compare at equal entropy.`,
    ),
  ];
}

function sizeNote(results: readonly Measured[]): string[] {
  const sizes = new Set(results.map(({ samples }) => samples.count * samples.length));
  if (sizes.size < 2) return [];
  return ['distinct-n and compression depend on the amount of text, which is not the same in all rows.'];
}

/** The same for a report over several files. */
export function reportedNotes(rows: readonly ResultRow[]): string[] {
  const notes = ['Perplexity is that of the judge; entropy is that of the tokens of a sample, in nats.'];
  if (rows.length > 1 && !entropiesMatch(rows)) {
    notes.push(
      `Entropies differ by more than ${ENTROPY_GAP} nats: text of low entropy has a low perplexity whether it is good or not, so these perplexities do not rank the models.`,
    );
  }
  return notes;
}

function entropiesMatch(rows: readonly ResultRow[]): boolean {
  return areEntropiesAlike(rows.flatMap(({ figures }) => figures.get('entropy')?.value ?? []));
}

/** Whether perplexities of texts with these entropies, nats, rank what wrote them. */
export const areEntropiesAlike = (entropies: readonly number[]): boolean =>
  Math.max(...entropies) - Math.min(...entropies) <= ENTROPY_GAP;
