/** The lines under a table: what the columns mean, under which protocol, and what the reader must not overlook. */
import { plainText } from '../../terminal-text.js';
import type { Comparison, PerplexityResult, ResultsFile } from '../record.js';

export const COMPARISON_TITLE = 'Difference in nats a text token, first model minus second';

/** One paragraph an entry, plain text. */
export function notesOf({ results, comparisons }: ResultsFile): string[] {
  const notes: string[] = [];
  for (const line of distinct(results.map(protocolLine))) notes.push(line);
  for (const line of distinct(results.map(limitLine))) notes.push(line);
  if (results.length > 0) {
    notes.push('± is the standard error over sequences; "draw error" that of nats/token over draws alone.');
  }
  if (comparisons.some(({ significant }) => significant === false)) {
    notes.push('~ marks a difference whose 95% interval holds 0.');
  }
  return notes;
}

/** `~` when a difference may be chance, `?` when there is too little to say. */
export function markOf({ significant }: Comparison): string {
  if (significant === null) return '?';
  return significant ? '' : '~';
}

function protocolLine({ protocol, model }: PerplexityResult): string {
  const parts = [`${protocol.length} positions a sequence`];
  if (protocol.timeRange) {
    if (protocol.draws !== null)
      parts.push(`${protocol.draws} draw${protocol.draws === 1 ? '' : 's'} a sequence`);
    parts.push(`mean over t in [${protocol.timeRange.join(', ')}]`);
  } else {
    parts.push(`${model.family}: exact`);
  }
  if (protocol.integration) parts.push(protocol.integration);
  return plainText(`Protocol ${protocol.name}: ${parts.join('; ')}.`).replace(/\.\.$/, '.');
}

function limitLine({ dataset, cost }: PerplexityResult): string {
  if (dataset.limit === null || dataset.limit === undefined) return '';
  if (dataset.sequences !== null && cost.sequences >= dataset.sequences) return '';
  const of = dataset.sequences === null ? '' : ` of ${dataset.sequences}`;
  return plainText(`${dataset.name}: only the first ${cost.sequences}${of} sequences, not a random sample.`);
}

function distinct(lines: string[]): string[] {
  return [...new Set(lines)].filter(Boolean);
}
