/**
 * A network that reads the noise level is told that of the share still masked, however its likelihood is asked for: left to right from
 * the table of subsets, as a policy, and as a policy of `ppl`. About src/evals/likelihood/
 */
import { expect, it } from 'vitest';
import { exactLikelihood } from '../../../src/evals/perplexity/exact-likelihood.js';
import { batchModelOf } from '../../../src/evals/perplexity/loss-source.js';
import { PolicySession } from '../../../src/evals/perplexity/policy-session.js';
import { conditionalLikelihood } from '../../../src/library/likelihood.js';
import { openCheckpoint } from '../../../src/models/checkpoint.js';
import { temporaryFolder } from '../../support/folder.js';
import { fixture } from '../../support/run.js';
import { off } from './likelihood-oracle.js';

process.env.DUO_EVAL_CACHE = temporaryFolder().root;

/** BOS, some text, EOS. */
const text = [1023, 440, 110, 278, 326, 619, 1023];

it.each(['mdlm', 'sedd'])('%s', async (name) => {
  const model = await openCheckpoint(fixture(`${name}.onnx`));
  const prompts = [{ context: text.slice(0, 1), continuation: text.slice(1) }];
  const [table] = await conditionalLikelihood({ model, prompts, threads: 1 });
  const [policy] = await conditionalLikelihood({
    ...{ model, prompts, threads: 1, subsetsUpTo: 0 },
    longer: { method: 'policy', policy: 'left-to-right' },
  });
  const session = await PolicySession.start(
    { checkpoint: model, provider: 'cpu', threads: 1 },
    exactLikelihood({ policy: 'left-to-right' }),
    1,
  );
  const [{ nats }] = await session.losses(
    [{ sequence: 0, draw: 0, x: Int32Array.from(text), level: null }],
    batchModelOf(model, { seed: 1, wrapped: true }),
  );
  await session.close();
  expect(table.modelCalls).toBe(63);
  expect(off(table.leftToRight, -nats)).toBeLessThan(1e-5);
  expect(off(policy.policy?.value, -nats)).toBeLessThan(1e-5);
});

it('masks of the tail count as masked', async () => {
  const model = await openCheckpoint(fixture('sedd.onnx'));
  const prompts = [{ context: text.slice(0, 1), continuation: text.slice(1, 4), tail: 'masked' }];
  const [table] = await conditionalLikelihood({ model, prompts, threads: 1 });
  const [policy] = await conditionalLikelihood({
    ...{ model, prompts, threads: 1, subsetsUpTo: 0 },
    longer: { method: 'policy', policy: 'left-to-right' },
  });
  expect(off(policy.policy?.value, table.leftToRight ?? Number.NaN)).toBeLessThan(1e-5);
});
