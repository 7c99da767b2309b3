/** About src/models/fields.ts, contradictions.ts, family.ts and inspection-text.ts: block diffusion. */

import { readFileSync, writeFileSync } from 'node:fs';
import { beforeAll, describe, expect, it } from 'vitest';
import { Graph } from '../../src/graph/graph.js';
import { describeCheckpoint } from '../../src/models/checkpoint.js';
import { inspectCheckpoint } from '../../src/models/inspection.js';
import { inspectionText } from '../../src/models/inspection-text.js';
import { randomCheckpoint } from '../../src/models/random-checkpoint.js';
import { temporaryFolder } from '../support/folder.js';
import { smallNetwork, writeCheckpoint } from './small-network.js';

const folder = temporaryFolder();
const request = {
  ...({
    architecture: 'block-diffusion',
    size: 'tiny',
    vocabSize: 11,
    length: 12,
    blockSize: 4,
    seed: 1,
  } as const),
  changes: { hiddenSize: 8, conditionSize: 4, heads: 2, blocks: 1 },
} as const;
let card: Record<string, unknown>;
const path = folder.path('blocks.onnx');
const cardPath = folder.path('blocks.card.json');
beforeAll(async () => {
  await randomCheckpoint({ ...request, out: path });
  card = JSON.parse(readFileSync(cardPath, 'utf8'));
  // The card alone is to be heard.
  const graph = Graph.fromBytes(readFileSync(path));
  for (const key of ['blockSize', 'attention', 'schedule', 'maskTokenId'])
    graph.setMetadata(`duo-eval.${key}`, 'null');
  writeFileSync(path, graph.toBytes());
});

function described(changes: object) {
  writeFileSync(cardPath, JSON.stringify({ ...card, ...changes }));
  return describeCheckpoint(path);
}

describe('a card that is whole', () => {
  it.each([
    { blockSize: 4, attention: { blockCausal: 4 } },
    { blockSize: null, attention: { blockCausal: 4 } },
    { blockSize: 4, attention: null },
  ])('%j', (changes) => {
    const { problems, fields } = described(changes);
    expect(problems).toEqual([]);
    expect(fields.blockSize).toEqual({ value: 4, from: 'card' });
    expect(fields.attention).toEqual({ value: { blockCausal: 4 }, from: 'card' });
  });

  it('needs no schedule: it ends at α = 0', () => {
    expect(described({ schedule: null }).fields.schedule).toEqual({
      value: { type: 'log-linear', eps: 0 },
      from: 'default',
    });
  });

  it('is shown by inspect, with the blocks', async () => {
    const text = inspectionText(await inspectCheckpoint(described({})), 80);
    expect(text).toMatch(/blockSize +card +4/);
    expect(text).toMatch(/attention +card +blockCausal 4/);
  });
});

it.each([
  [{ blockSize: null, attention: null }, 'no-block-size', /nothing says how long/],
  [
    { blockSize: 4, attention: { blockCausal: 2 } },
    'blocks-contradict',
    /blockSize 4, but the card says attention/,
  ],
  [{ attention: 'full' }, 'blocks-contradict', /attention "full"/],
  [
    { blockSize: 5, attention: null },
    'blocks-do-not-divide',
    /Blocks of 5 tokens do not divide the length of 12/,
  ],
  [
    { timeConditioning: true },
    'one-time-per-block',
    /every block of such a model has a noise level of its own/,
  ],
  [{ maskTokenId: null }, 'no-mask-token', /has a mask token/],
  [{ family: 'duo', timeConditioning: true, maskTokenId: null }, 'schedule-eps', /ends at eps 0/],
] as const)('a card with %j is refused', (changes, code, message) => {
  const found = described(changes).problems.filter((problem) => problem.code === code);
  expect(found).toHaveLength(1);
  expect(found[0].message).toMatch(message);
  expect(found[0].hint).toBeTruthy();
  expect(found[0].exitCode).toBe(3);
});

it('a graph that is not told noisy tokens from clean ones is refused', () => {
  const { problems } = describeCheckpoint(
    writeCheckpoint({ family: 'bd3lm', blockSize: 4, length: 16, maskTokenId: 31 }, smallNetwork()),
  );
  expect(problems.map(({ code }) => code)).toContain('no-token-types');
});

it('blocks of other families are said to have no use', () => {
  const { problems, notices } = describeCheckpoint(
    writeCheckpoint({ family: 'ar', blockSize: 4 }, smallNetwork()),
  );
  expect(problems).toEqual([]);
  expect(notices.join()).toMatch(/blockSize 4, which a model of the family ar has no use for/);
});

it.each([
  [{ architecture: 'dit' }, /--block-size is for --arch block-diffusion/],
  [{ blockSize: undefined }, /--arch block-diffusion needs the tokens of a block/],
  [{ blockSize: 5 }, /Blocks of 5 tokens do not divide the length of 12/],
  [{ family: 'mdlm' }, /makes no model of the family mdlm/],
] as const)('random weights with %j are refused', async (changes, message) => {
  const other = { ...request, ...changes, out: folder.path('other.onnx') };
  await expect(randomCheckpoint(other as never)).rejects.toThrow(message);
});
