/** Likelihoods as JSON lines, and for a terminal: one row per item, and what the columns mean. */

import { isInBlocks } from '../../models/family.js';
import { escapedJson } from '../../printing/json.js';
import { dim, type FittedColumn, fittedTable } from '../../printing/layout.js';
import { valueWithError, whole } from '../../printing/numbers.js';
import type { Screen } from '../../printing/table.js';
import { plainText, wrap } from '../../terminal-text.js';
import { policyText } from '../perplexity/exact-likelihood.js';
import type { LikelihoodRecord } from './record.js';

interface Column extends FittedColumn {
  cell(record: LikelihoodRecord): string;
}

const right = { align: 'right' } as const;
const nats = (value: number | null | undefined): string => value?.toFixed(3) ?? '';
const boundOf = ({ bound, boundStderr }: LikelihoodRecord): string =>
  boundStderr ? valueWithError({ value: bound, stderr: boundStderr }) : nats(bound);
/** From left to right about as they grow; those that a narrow screen omits first are at the end. */
const COLUMNS: readonly Column[] = [
  { title: 'item', ...right, cell: ({ item }) => whole(item) },
  { title: 'tokens', ...right, cell: ({ tokens }) => whole(tokens.length) },
  { title: 'tail', align: 'left', cell: ({ tail }) => tail },
  { title: 'bound', ...right, cell: boundOf },
  { title: 'evidence', ...right, cell: ({ evidence }) => nats(evidence) },
  { title: 'upper bound', ...right, cell: ({ upperBound }) => nats(upperBound?.value) },
  { title: 'left to right', ...right, cell: ({ leftToRight }) => nats(leftToRight) },
  { title: 'policy', ...right, optional: true, cell: ({ policy }) => nats(policy?.value) },
  { title: 'best', ...right, optional: true, cell: ({ best }) => nats(best?.value) },
  { title: 'worst', ...right, optional: true, cell: ({ worst }) => nats(worst?.value) },
  { title: 'calls', ...right, optional: true, cell: ({ modelCalls }) => whole(modelCalls) },
];

/** A line, its end included. */
export function likelihoodLine(record: LikelihoodRecord): string {
  return `${escapedJson(JSON.stringify(record))}\n`;
}

/** The whole text with a line end. */
export function formatLikelihoods(records: readonly LikelihoodRecord[], screen: Screen): string {
  const columns = COLUMNS.filter(({ cell }) => records.some((record) => cell(record) !== ''));
  const rows = records.map((record) => columns.map(({ cell }) => cell(record)));
  const notes = notesOf(records).flatMap((note) => wrap(note, screen.width));
  const lines = notes.map((line) => (screen.color ? dim(line) : line));
  return `${fittedTable(columns, rows, screen)}\n\n${lines.join('\n')}\n`;
}

function notesOf(records: readonly LikelihoodRecord[]): string[] {
  const drawn = records.find(({ method }) => method === 'exact-count');
  const how = drawn
    ? `± is the standard error over ${drawn.modelCalls} draws; all else is exact.`
    : 'Nothing is drawn: all is exact.';
  const notes = [plainText(`ln p of each continuation under ${records[0].model.name}, nats. ${how}`)];
  if (records.some(({ method }) => method === 'subsets')) {
    const inBlocks = isInBlocks(records[0].model.family);
    const where = inBlocks ? 'block by block, those of a block' : 'the tokens are revealed';
    notes.push(
      `evidence: ${where} one by one in a uniformly random order. bound: the mean over the orders, at most the evidence; best and worst are single orders.`,
    );
  }
  const psi = records.find(({ upperBound }) => upperBound !== null)?.upperBound?.psi;
  if (psi === 'evidence')
    notes.push('upper bound: with ψ = the evidence it equals the evidence. It is that value, and no bound.');
  else if (psi !== undefined) {
    notes.push(
      `upper bound: ln ψ + p/ψ − 1 ≥ ln p, with p the evidence and ln ψ = ${psi.replaceAll('-', ' ')}.${
        records.some(({ upperBound }) => (upperBound?.value ?? 0) > 0)
          ? ' Above 0 it says nothing; --psi best is never above the best order.'
          : ''
      }`,
    );
  }
  const policy = records.find((record) => record.policy !== null)?.policy;
  if (policy) {
    notes.push(
      `policy: ln p of the sampler ${policyText({ ...policy, policy: policy.name })} at temperature 1, exactly. It is no property of the model alone.`,
    );
  }
  return notes;
}
