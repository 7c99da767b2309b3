/** About src/commands/ppl.ts */
import { beforeAll, expect, it } from 'vitest';
import { succeed, type Workspace, workspace } from '../support/workspace.js';
import { byteTokens, type SmallModel, smallModel, writeModel } from './small-models.js';

/** Text of one token between two boundaries: what a model pays for a masked token is the same everywhere. */
const TOKEN = 97;
const BOUNDARY = 256;
const MASK = 255;

let space: Workspace;
beforeAll(() => {
  space = workspace();
  space.write('text.txt', 'a'.repeat(14 * 12));
});

const slope = (scored: number) => (scored === TOKEN || scored === BOUNDARY ? -1 : 0);

/** The log of a masked model whose logits are σ·slope, or constant; every draw has its own time. */
async function losses(name: string, model: SmallModel, timeConditioning: boolean, protocol: string) {
  const graph = smallModel({ logit: () => 0, ...model });
  const file = writeModel(space, name, graph, { family: 'mdlm', maskTokenId: MASK, timeConditioning });
  const args = ['ppl', '--model', file, '--dataset', 'text.txt', '--draws', '4', '--protocol', protocol];
  const drawn = ['--estimator', 'control-variate', '--log-sequences', `${name}.jsonl`];
  await succeed(space, [...args, ...drawn, '--quiet']);
  const lines = space.read(`${name}.jsonl`).trim().split('\n');
  return lines.map((line) => JSON.parse(line) as { alpha: number; nats: number; t: number | null });
}

it('is −ln α: a model that answers with it pays what that makes', async () => {
  // The same noise in both, so the ratio of their losses is that of −ln p of one token.
  const blind = await losses('blind', {}, false, 'duo');
  const told = await losses('told', { sigmaSlope: slope }, true, 'duo');
  expect(told).toHaveLength(12 * 4);
  for (const [i, { alpha, nats, t }] of told.entries()) {
    expect(alpha).toBeCloseTo(1 - 0.999 * t!, 12);
    const sigma = -Math.log(alpha);
    const price = sigma + Math.log(2 * Math.exp(-sigma) + byteTokens - 3);
    if (blind[i].nats === 0) expect(nats).toBe(0);
    else expect(nats / blind[i].nats / (price / Math.log(byteTokens - 1))).toBeCloseTo(1, 5);
  }
});

it('is 0 for a model trained without it, though its graph has the input', async () => {
  const blind = await losses('blind-0', {}, false, 'strict');
  const untold = await losses('untold', { sigmaSlope: slope }, false, 'strict');
  expect(untold.map(({ nats }) => nats)).toEqual(blind.map(({ nats }) => nats));
  expect(blind.some(({ nats }) => nats > 0)).toBe(true);
});

it('is the last of the schedule below its end, under strict', async () => {
  const blind = await losses('blind-s', {}, false, 'strict');
  const told = await losses('told-s', { sigmaSlope: slope }, true, 'strict');
  for (const [i, { alpha, nats }] of told.entries()) {
    const sigma = Math.min(-Math.log(alpha), -Math.log(1e-3));
    const price = sigma + Math.log(2 * Math.exp(-sigma) + byteTokens - 3);
    if (blind[i].nats !== 0)
      expect(nats / blind[i].nats / (price / Math.log(byteTokens - 1))).toBeCloseTo(1, 5);
  }
});

it('is that of the share still masked, under an unmasking policy', async () => {
  const graph = smallModel({ logit: () => 0, sigmaSlope: slope });
  const file = writeModel(space, 'policy', graph, {
    family: 'mdlm',
    maskTokenId: MASK,
    timeConditioning: true,
  });
  const args = [
    'ppl',
    '--model',
    file,
    '--dataset',
    'text.txt',
    '--likelihood',
    'exact',
    '--policy',
    'left-to-right',
  ];
  const ran = await succeed(space, [...args, '--log-sequences', 'policy.jsonl', '--json', '--quiet']);
  expect(JSON.parse(ran.stdout).results[0].protocol.sigma).toBe('of the share still masked');
  const lines = space.read('policy.jsonl').trim().split('\n');
  expect(lines.length).toBeGreaterThan(1);
  for (const line of lines) {
    const { order, logProbability } = JSON.parse(line) as { order: number[]; logProbability: number[] };
    const length = logProbability.length;
    for (const [i, position] of order.entries()) {
      const masked = length - 1 - i;
      const sigma = -Math.log(1 - masked / length);
      const price = sigma + Math.log(2 * Math.exp(-sigma) + byteTokens - 3);
      expect(-logProbability[position]).toBeCloseTo(price, 5);
    }
  }
});

it('that changes nothing is said, under an unmasking policy too', async () => {
  const card = { family: 'mdlm', maskTokenId: MASK, timeConditioning: true } as const;
  const said = async (name: string, model: SmallModel) => {
    const file = writeModel(space, name, smallModel({ logit: () => 0, ...model }), card);
    const args = [
      'ppl',
      '--model',
      file,
      '--dataset',
      'text.txt',
      '--likelihood',
      'exact',
      '--policy',
      'entropy',
    ];
    return (await succeed(space, [...args, '--tokens-per-call', '8'])).stderr;
  };
  expect(await said('deaf', { sigmaSlope: () => 0 })).toMatch(
    /noise level that the network is told changes nothing/,
  );
  expect(await said('heeding', { sigmaSlope: slope })).not.toMatch(/changes nothing/);
});
