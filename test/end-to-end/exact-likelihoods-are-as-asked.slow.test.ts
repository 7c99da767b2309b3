/** About src/commands/ppl.ts, src/cli/likelihood-flags.ts */
import { beforeAll, describe, expect, it } from 'vitest';
import type { SequenceRecord } from '../../src/evals/perplexity/run.js';
import { finished, fixture } from '../support/run.js';
import { succeed, type Workspace, workspace } from '../support/workspace.js';
import { expectFailure } from './failure.js';
import { figures, resultsOf } from './results.js';
import { finishedLosses, startPpl } from './stopped-runs.js';

let space: Workspace;
beforeAll(() => {
  space = workspace();
});

const model = ['--model', fixture('markov-mdlm.onnx'), '--length', '32'];
const exact = ['--likelihood', 'exact', '--policy'];
const ppl = (...args: string[]) => ['ppl', ...model, '--limit', '6', '--json', '--quiet', ...args];

describe('an exact likelihood', () => {
  it('names its policy, has no draw error, and counts its calls', async () => {
    const ran = await succeed(space, ppl(...exact, 'margin', '--tokens-per-call', '4', '--block-size', '8'));
    const [{ protocol, metrics, cost }] = resultsOf(ran).results;
    expect(protocol).toMatchObject({
      ...{ likelihood: 'exact', policy: 'margin', tokensPerCall: 4, blockSize: 8, ties: 'lowest' },
      ...{ threshold: null, from: 'bos', estimator: 'exact', draws: null, seed: null, timeRange: null },
    });
    expect(metrics.nll.mcStderr).toBe(0);
    expect([cost.tokens, cost.modelCalls]).toEqual([6 * 31, 6 * 8]);
  });

  it('is the same to the last bit in any batch, at any threshold, from any order', async () => {
    for (const policy of [
      ['max-probability', '--threshold', '0.5'],
      ['random', '--tokens-per-call', '3', '--seed', '4'],
    ]) {
      const of = (batch: string) => succeed(space, ppl(...exact, ...policy, '--batch', batch));
      const one = resultsOf(await of('1'));
      expect(figures(resultsOf(await of('4')))).toEqual(figures(one));
    }
  });

  it('logs the order of the positions and ln p of each', async () => {
    const args = ppl(...exact, 'entropy', '--tokens-per-call', '2', '--by-sequence');
    const [{ sequences }] = resultsOf(
      await succeed(space, [...args, '--log-sequences', 'log.jsonl']),
    ).results;
    const lines = space.read('log.jsonl').trim().split('\n');
    const records = lines.map((line) => JSON.parse(line) as SequenceRecord);
    expect(records).toHaveLength(6);
    for (const [i, { order, logProbability, nats, draw, t }] of records.entries()) {
      expect([...order!].sort((a, b) => a - b)).toEqual(Array.from({ length: 31 }, (_, l) => l + 1));
      expect(logProbability![0]).toBeNull();
      expect(logProbability!.reduce<number>((sum, one) => sum - (one ?? 0), 0)).toBeCloseTo(nats, 10);
      expect(nats).toBe(sequences!.nats[i]);
      expect([draw, t]).toEqual([0, null]);
    }
  });

  it('of a stopped run is that of one that was not, order included', async () => {
    const args = [...exact, 'max-probability', '--log-sequences', 'log.jsonl', '--length', '32'];
    const models = ['--model', `masked=${fixture('markov-mdlm.onnx')}`, '--model', fixture('markov-ar.onnx')];
    const spaces = [workspace(), workspace()];
    const run = ['ppl', ...models, '--limit', '48', '--batch', '4', '--json', '--quiet', ...args];
    const whole = await succeed(spaces[0], run);
    const child = startPpl(spaces[1], [], run);
    const end = finished(child);
    while (finishedLosses(spaces[1]).length === 0) await new Promise((resolve) => setTimeout(resolve, 5));
    child.kill('SIGKILL');
    await end;
    expect(finishedLosses(spaces[1]).length).toBeGreaterThan(0);
    const continued = await succeed(spaces[1], run);
    expect(figures(resultsOf(continued))).toEqual(figures(resultsOf(whole)));
    const sorted = (one: Workspace) => one.read('log.jsonl').trim().split('\n').sort();
    expect(sorted(spaces[1])).toEqual(sorted(spaces[0]));
  });

  it('is planned with the calls that it takes', async () => {
    const { stdout } = await succeed(space, ppl(...exact, 'entropy', '--tokens-per-call', '5', '--dry-run'));
    expect(JSON.parse(stdout).cells).toMatchObject([{ policy: 'entropy', modelCalls: 6 * 7 }]);
  });

  it('stands beside ar, and differs from no bound', async () => {
    const args = ['--by-sequence', '--out'];
    await succeed(space, ppl(...exact, 'entropy', ...args, 'exact.json'));
    await succeed(space, ppl(...args, 'bound.json'));
    const both = ppl('--model', fixture('markov-ar.onnx'), ...exact, 'entropy', ...args, 'both.json');
    expect(resultsOf(await succeed(space, both)).comparisons).toMatchObject([{ significant: false }]);
    expectFailure(await space.run(['compare', 'exact.json', 'bound.json']), {
      exit: 2,
      says: /protocol\.likelihood is exact and a bound/,
      hint: /exact likelihood of a sampler and a bound/,
    });
  });
});

describe('a policy that cannot be', () => {
  it.each([
    [['entropy', '--draws', '4'], /--draws has an effect only on a bound/, /Leave out --draws/],
    [['entropy', '--estimator', 'plain'], /--estimator has an effect only on a bound/, /./],
    [['entropy', '--tokens-per-call', '0'], /--tokens-per-call takes a whole number/, /./],
    [['entropy', '--tokens-per-call', '33'], /cannot reveal 33/, /--tokens-per-call 32/],
    [
      ['entropy', '--block-size', '12'],
      /A text has 32 tokens, which blocks of 12 do not divide/,
      /--block-size 8/,
    ],
    [['entropy', '--threshold', '0.5'], /entropy has no score/, /--policy max-probability/],
    [['left-to-right', '--threshold', '0.5'], /left-to-right has no score/, /max-probability/],
    [['margin', '--entropy-bound', '0.5'], /needs the order entropy/, /./],
    [['entrophy'], /--policy has no value "entrophy"/, /Did you mean entropy/],
  ])('%j', async (policy, says, hint) => {
    expectFailure(await space.run(['ppl', ...model, ...exact, ...policy]), { exit: 2, says, hint });
  });

  it('without --likelihood exact, and the other way round', async () => {
    expectFailure(await space.run(['ppl', ...model, '--ties', 'seeded']), {
      exit: 2,
      says: /--ties has an effect only with --likelihood exact/,
    });
    expectFailure(await space.run(['ppl', ...model, '--likelihood', 'exact']), {
      exit: 2,
      says: /depends on the order/,
      hint: /--policy left-to-right\|max-probability/,
    });
  });

  it.each(['ar', 'duo'])('of the family %s, which has no order to choose', async (family) => {
    const args = ['ppl', '--model', fixture(`markov-${family}.onnx`), ...exact, 'entropy'];
    expectFailure(await space.run(args), {
      exit: 2,
      says: new RegExp(`markov-${family} is of the family ${family}`),
      hint: /mdlm, sedd/,
    });
  });
});
