/** What must be known of generative figures to compare them: who judged, by which protocol, and whether they may be compared. */
import { plainText } from '../../terminal-text.js';
import type { GenerativeResult } from './record.js';

/** What the notes look at, of `gen` and `bench` alike. */
type Measured = Omit<GenerativeResult, 'eval'>;

/** Nats between unigram entropies, from which on generative perplexities are not comparable. */
const ENTROPY_GAP = 0.1;

/** One paragraph an entry, plain text; none without results. */
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
