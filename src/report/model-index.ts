/**
 * The `model-index` of a model card on the Hugging Face hub: YAML for the head of its README.md, an entry a model, a
 * result a data set, with the figures that a reader looks for and what they are of.
 */
import { stringify } from 'yaml';
import { valueWithError } from '../printing/numbers.js';
import { fieldOf, numberOf, type ResultRow } from '../records/rows.js';
import { plainText } from '../terminal-text.js';

const METRICS: Record<string, { type: string; name: string }> = {
  ppl: { type: 'perplexity', name: 'Zero-shot perplexity' },
  bitsPerByte: { type: 'bits_per_byte', name: 'Bits a byte' },
  genPpl: { type: 'generative_perplexity', name: 'Generative perplexity' },
  entropy: { type: 'unigram_entropy', name: 'Unigram entropy, nats' },
};

export function modelIndex(rows: readonly ResultRow[]): string {
  const models = [...new Set(rows.map(({ model }) => model))];
  const entries = models.map((model) => ({
    name: plainText(model),
    results: rows.filter((row) => row.model === model).map(resultOf),
  }));
  return stringify({ 'model-index': entries }, { lineWidth: 0, aliasDuplicateObjects: false });
}

function resultOf(row: ResultRow): object {
  const split = fieldOf(row, 'dataset.split');
  const figures = [...row.figures].filter(([name, { value }]) => name in METRICS && value !== null);
  return {
    task: {
      type: 'text-generation',
      name: row.eval !== 'ppl' ? 'Unconditional generation' : 'Language modeling',
    },
    dataset: {
      type: row.dataset.toLowerCase().replace(/[^a-z0-9]+/g, '-'),
      name: plainText(row.dataset),
      ...(typeof split === 'string' && { split: plainText(split) }),
    },
    metrics: figures.map(([name, figure]) => ({
      type: METRICS[name].type,
      value: Number(figure.value!.toPrecision(6)),
      name: plainText(`${METRICS[name].name} (${valueWithError(figure)}; ${protocolText(row)})`),
    })),
  };
}

function protocolText(row: ResultRow): string {
  const length = numberOf(row, 'protocol.length') ?? numberOf(row, 'samples.length');
  const limit = numberOf(row, 'dataset.limit');
  const judge = fieldOf(row, 'judge.name');
  return [
    `duo-eval, protocol ${String(fieldOf(row, 'protocol.name') ?? 'unknown')}`,
    length === null ? null : `${length} tokens a sequence`,
    limit === null
      ? null
      : fieldOf(row, 'dataset.selection') === 'spread'
        ? `${limit} sequences`
        : `first ${limit} sequences`,
    typeof judge === 'string' ? `judge ${judge}` : null,
  ]
    .filter(Boolean)
    .join(', ');
}
