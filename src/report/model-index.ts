/**
 * The `model-index` of a model card on the Hugging Face hub: YAML for the head of its README.md, one entry per model
 * and one result per data set, with the main figures and their sources.
 */
import { stringify } from 'yaml';
import { valueWithError } from '../printing/numbers.js';
import { fieldOf, numberOf, type ResultRow } from '../records/evaluation.js';
import { plainText } from '../terminal-text.js';

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
  const metrics = [...row.figures.values()].flatMap((figure) => {
    const { declared, value } = figure;
    if (!declared.modelIndex || value === null) return [];
    const { type, name } = declared.modelIndex;
    const text = `${name} (${valueWithError(figure)}; ${protocolText(row)})`;
    return [{ type, value: Number(value.toPrecision(6)), name: plainText(text) }];
  });
  return {
    task: {
      type: 'text-generation',
      name: row.evaluation?.scoresText ? 'Language modeling' : 'Unconditional generation',
    },
    dataset: {
      type: row.dataset.toLowerCase().replace(/[^a-z0-9]+/g, '-'),
      name: plainText(row.dataset),
      ...(typeof split === 'string' && { split: plainText(split) }),
    },
    metrics,
  };
}

function protocolText(row: ResultRow): string {
  const length = numberOf(row, 'protocol.length') ?? numberOf(row, 'samples.length');
  const limit = numberOf(row, 'dataset.limit');
  const judge = fieldOf(row, 'judge.name');
  return [
    `duo-eval, protocol ${String(fieldOf(row, 'protocol.name') ?? 'unknown')}`,
    length === null ? null : `${length} tokens per sequence`,
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
