import { expect, it } from 'vitest';
import { integration } from '../../../src/diffusion/integration.js';
import { noiseSchedule } from '../../../src/diffusion/schedule.js';
import { LossSession } from '../../../src/evals/perplexity/loss-session.js';
import { valueInfo } from '../../../src/graph/messages.js';
import { Concat, Slice } from '../../../src/graph/operators.js';
import { type Checkpoint, checkpointOfGraph } from '../../../src/models/checkpoint.js';
import type { Family } from '../../../src/models/family.js';
import { CausalSession } from '../../../src/sampling/causal-session.js';
import { startDrawSession } from '../../../src/sampling/draw-session.js';
import { LatentSession } from '../../../src/sampling/latent-session.js';
import { smallNetwork } from '../../graph/small-network.js';

const SAID = 24;
const REAL = 32;
const LENGTH = 5;

/** Logits of 32 entries that the graph (or, where it leaves them open, the card) says are 24. */
function wide(family: Family, { declared = SAID, product = false }: Wide = {}): Checkpoint {
  const graph = smallNetwork({ vocabSize: REAL, logits: product ? 'logits' : 'scores' });
  if (!product) {
    const scores = graph.value('scores');
    const part = (from: number, to: number) => Slice(scores, { starts: [from], ends: [to], axes: [2] });
    graph.output(Concat([part(0, 9), part(9, REAL)], { axis: -1 }), 'logits');
  }
  graph.proto.output = [valueInfo('logits', 'float32', ['batch', 'length', declared])];
  return checkpointOfGraph(graph, { family, vocabSize: SAID, maskTokenId: 7 }, 'wide');
}

interface Wide {
  declared?: number | string;
  /** The logits are a product with the vocabulary's weights, which tell its width before anything is run. */
  product?: boolean;
}

const on = { provider: 'cpu', threads: 1 } as const;
const x = Int32Array.from({ length: LENGTH }, (_, l) => l);

const level = (family: Family) => {
  if (family === 'ar') return null;
  const levels = integration('duo', noiseSchedule({ type: 'log-linear', eps: 1e-3 }));
  return levels.at(0.9);
};

async function loss(checkpoint: Checkpoint): Promise<unknown> {
  const { family, name, fields } = checkpoint;
  const session = await LossSession.start({ checkpoint, ...on });
  const model = {
    name,
    family,
    vocabSize: SAID,
    maskTokenId: fields.maskTokenId.value,
    seed: 1,
    wrapped: false,
  };
  return session
    .losses([{ sequence: 0, draw: 0, x, level: level(family) }], { ...model, fixedLength: null })
    .finally(() => session.close());
}

async function draw(checkpoint: Checkpoint): Promise<unknown> {
  const session = await startDrawSession({ checkpoint, ...on });
  return session
    .denoise({ tokens: x, batch: 1, length: LENGTH, sigma: 1, uniforms: new Float64Array(LENGTH) })
    .finally(() => session.close());
}

async function continueText(checkpoint: Checkpoint): Promise<unknown> {
  const session = await CausalSession.start({ checkpoint, ...on });
  const given = Uint8Array.of(1, 1, 1, 1, 0);
  return session
    .begin({ label: 'sample 0', batch: 1, length: LENGTH, tokens: x.slice(), given })
    .draw(LENGTH - 1, Float64Array.of(0.5))
    .finally(() => session.close());
}

async function moveLatent(checkpoint: Checkpoint): Promise<unknown> {
  const session = await LatentSession.start({ checkpoint, ...on });
  const decoding = session.forSamples(1, [0]).begin({
    label: 'sample 0',
    batch: 1,
    length: LENGTH,
    given: new Uint8Array(LENGTH),
    tokens: x.slice(),
  } as never);
  return decoding
    .step({ step: 0, sigma: 1, evidence: 0, uniforms: new Float64Array(LENGTH) } as never)
    .finally(() => session.close());
}

const cases: [string, (how?: Wide) => Promise<unknown>][] = [
  ['a loss of ar', (how) => loss(wide('ar', how))],
  ['a loss of duo', (how) => loss(wide('duo', how))],
  ['a loss of mdlm, which looks at some rows', (how) => loss(wide('mdlm', how))],
  ['a loss where only the card says a width', (how) => loss(wide('ar', { ...how, declared: 'vocabulary' }))],
  ['a draw', (how) => draw(wide('duo', how))],
  ['a text token by token', (how) => continueText(wide('ar', how))],
  ['a Gaussian latent', (how) => moveLatent(wide('duo', how))],
];

it.each(cases)('logits wider than was said are refused: %s', async (_, run) => {
  await expect(run()).rejects.toMatchObject({ code: 'logits-shape', exitCode: 3 });
});

it.each(cases)('and before the first call where the weights tell: %s', async (_, run) => {
  await expect(run({ product: true })).rejects.toMatchObject({
    code: 'logits-shape',
    message: expect.stringContaining(
      'the logits have the shape [batch, length, 32], but [batch, length, 24]',
    ),
    hint: expect.stringContaining('"vocabSize": 32'),
  });
});

it('a row for each token is due', async () => {
  const graph = smallNetwork({ vocabSize: SAID, logits: 'all' });
  const all = graph.value('all');
  graph.output(Concat([all, all], { axis: 1 }), 'logits');
  graph.proto.output = [valueInfo('logits', 'float32', ['batch', 'length', SAID])];
  const checkpoint = checkpointOfGraph(graph, { family: 'ar' }, 'long');
  await expect(loss(checkpoint)).rejects.toMatchObject({ code: 'logits-shape' });
});
