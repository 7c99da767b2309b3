import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { InferenceSession, Tensor } from 'onnxruntime-node';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Judge, type JudgeOptions } from '../../../src/evals/generation/judge.js';
import { sharedIsThere, sharedModel, whyNot } from '../../end-to-end/shared.js';
import { temporaryFolder } from '../../support/folder.js';
import { fixture, root } from '../../support/run.js';

let folder: string;
const before = process.env.DUO_EVAL_CACHE;
beforeAll(() => {
  folder = temporaryFolder().root;
  process.env.DUO_EVAL_CACHE = folder;
});
afterAll(() => {
  if (before === undefined) delete process.env.DUO_EVAL_CACHE;
  else process.env.DUO_EVAL_CACHE = before;
});

const said: string[] = [];
const observer = {
  note: (text: string) => void said.push(text),
  warn: (text: string) => void said.push(text),
};
const options = (path: string, more: Partial<JudgeOptions> = {}): JudgeOptions => ({
  path,
  provider: 'cpu',
  threads: 1,
  fresh: true,
  ...more,
});

/** −ln p of every target from position 1 on: bare logits of the whole window, log-softmax in float64. */
async function directNats(session: InferenceSession, ids: Int32Array): Promise<number[]> {
  const input = new Tensor('int64', BigInt64Array.from(ids, BigInt), [1, ids.length]);
  const { logits } = await session.run({ input_ids: input });
  const width = logits.dims[2];
  const data = logits.data as Float32Array;
  return Array.from(ids.subarray(1), (target, l) => {
    const row = Float64Array.from(data.subarray(l * width, (l + 1) * width));
    const largest = row.reduce((a, b) => Math.max(a, b));
    return largest + Math.log(row.reduce((sum, x) => sum + Math.exp(x - largest), 0)) - row[target];
  });
}

/** The counting rule written again: everything but EOS, and the window's first EOS if it is a target. */
function ruled(ids: Int32Array, nats: number[], eos: number) {
  const firstEos = ids.indexOf(eos);
  const scored = nats.filter((_, l) => ids[l + 1] !== eos || l + 1 === firstEos);
  return { nats: scored.reduce((a, b) => a + b, 0), tokens: scored.length };
}

const texts = [
  'We meet tonight at a crossroads of history, and the state of our union is strong.',
  'the of and the of and the of and the of and',
  'Fellow citizens.<|endoftext|>Fellow citizens of the Senate<|endoftext|> and more',
  '<|endoftext|>It begins with a boundary<|endoftext|>',
  'zq xx ##',
];

async function compared(path: string, eos: number, context: number, length: number) {
  const judge = await Judge.open(options(path, { context, batch: 3 }), observer);
  const session = await InferenceSession.create(path, { intraOpNumThreads: 1 });
  try {
    const ids = texts.map((text) => judge.idsOf(text, length));
    const { nats, tokens } = await judge.judge('texts', ids);
    for (const [i, all] of ids.entries()) {
      let expected = { nats: 0, tokens: 0 };
      for (let start = 0; start < all.length; start += context) {
        const window = all.slice(start, start + context);
        if (window.length < 2) continue;
        const one = ruled(window, await directNats(session, window), eos);
        expected = { nats: expected.nats + one.nats, tokens: expected.tokens + one.tokens };
      }
      expect(tokens[i], texts[i]).toBe(expected.tokens);
      expect(Math.abs(nats[i] - expected.nats), texts[i]).toBeLessThan(1e-5 * Math.max(1, expected.nats));
    }
    return ids;
  } finally {
    await session.release();
    await judge.close();
    judge.finish();
  }
}

describe('the nats of a judge', () => {
  it('are those of its bare logits, EOS rule included, for an exact chain over bytes', async () => {
    const ids = await compared(fixture('markov-ar.onnx'), 256, 128, 128);
    expect(Array.from(ids[3]).filter((id) => id === 256)).toHaveLength(2);
  });

  it('are summed over windows of its context', async () => {
    const ids = await compared(fixture('markov-ar.onnx'), 256, 17, 60);
    expect(ids[0]).toHaveLength(60);
  });

  it.skipIf(!sharedIsThere)(
    `are those of a trained network${sharedIsThere ? '' : ` (${whyNot})`}`,
    async () => {
      await compared(sharedModel('ar'), 511, 128, 128);
    },
  );

  it('do not depend on the batch', async () => {
    const sums = [];
    for (const batch of [1, 5]) {
      const judge = await Judge.open(options(fixture('markov-ar.onnx'), { batch }), observer);
      const { nats } = await judge.judge(
        'texts',
        texts.map((text) => judge.idsOf(text, 40)),
      );
      sums.push(Array.from(nats));
      await judge.close();
      judge.finish();
    }
    expect(sums[1]).toEqual(sums[0]);
  });
});

describe('a judge', () => {
  it('must be autoregressive', async () => {
    await expect(Judge.open(options(fixture('markov-duo.onnx')), observer)).rejects.toMatchObject({
      code: 'judge-not-autoregressive',
      exitCode: 3,
    });
  });

  it('has the context of its card, and no longer one', async () => {
    const judge = await Judge.open(options(fixture('markov-ar.onnx')), observer);
    expect(judge.context).toBe(128);
    await expect(
      Judge.open(options(fixture('markov-ar.onnx'), { context: 129 }), observer),
    ).rejects.toMatchObject({
      code: 'judge-context',
    });
  });

  it('whose tokenizer is too large for it is refused', async () => {
    const gpt2 = join(root, '..', 'shared', 'checkpoints', 'tokenizer');
    if (!existsSync(gpt2)) return;
    const judge = await Judge.open(options(fixture('markov-ar.onnx'), { tokenizer: gpt2 }), observer);
    expect(() => judge.idsOf('the state of the union of the people', 64)).toThrow(/knows 257 tokens/);
  });
});
