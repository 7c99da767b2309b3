/** The lines under a table of generated texts: who judged them, by which protocol, and whether their figures compare. */
import type { ResultRow } from '../../records/evaluation.js';
import type { AnyResult } from '../../records/record.js';
import { plainText } from '../../terminal-text.js';
import type { GenerativeResult } from './record.js';

type Measured = Omit<GenerativeResult, 'eval'>;

/** Generative perplexities do not compare where unigram entropies differ by more than this, nats. */
const ENTROPY_GAP = 0.1;

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
  return [...notes, ...entropyNote(results), ...sizeNote(results)];
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

export function entropiesMatch(rows: readonly ResultRow[]): boolean {
  const entropies = rows.flatMap(({ figures }) => figures.get('entropy')?.value ?? []);
  return Math.max(...entropies) - Math.min(...entropies) <= ENTROPY_GAP;
}
