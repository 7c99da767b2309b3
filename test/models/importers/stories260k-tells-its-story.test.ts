import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import ort from 'onnxruntime-node';
import { describe, expect, it } from 'vitest';
import { loadTokenizer } from '../../../src/datasets/tokenizer.js';
import { openCheckpoint } from '../../../src/models/checkpoint.js';
import { converted, folder, logitsOf } from './published.js';

const data = fileURLToPath(new URL('../../../../shared/data/', import.meta.url));
const weights = join(data, 'stories260K/stories260K.bin');
const missing = existsSync(weights) ? '' : ' (skipped: ../shared/data is not there)';

async function story() {
  const { path } = await converted(weights);
  const checkpoint = await openCheckpoint(path);
  return { path, tokenizer: await loadTokenizer(checkpoint.fields.tokenizer.value!) };
}

/** Natural logarithms of the probabilities of each token but the first, given those before it. */
async function nats(path: string, ids: number[]): Promise<number[]> {
  const tensor = await logitsOf(path, { ids: [ids] });
  const V = tensor.dims[2];
  const logits = tensor.data as Float32Array;
  return ids.slice(1).map((id, i) => {
    const row = Float64Array.from(logits.subarray(i * V, (i + 1) * V));
    const most = row.reduce((a, b) => Math.max(a, b));
    return most + Math.log(row.reduce((sum, value) => sum + Math.exp(value - most), 0)) - row[id];
  });
}

const mean = (values: number[]) => values.reduce((a, b) => a + b, 0) / values.length;

describe.skipIf(missing)(`llama2.c's stories260K, converted${missing}`, () => {
  it('greedily writes what it was said to write', async () => {
    const { path, tokenizer } = await story();
    const session = await ort.InferenceSession.create(path, { logSeverityLevel: 4 });
    const ids = [1];
    let past: Record<string, ort.Tensor> = {};
    for (const name of session.inputNames.filter((input) => input.startsWith('past')))
      past[name] = new ort.Tensor('float32', new Float32Array(0), [1, 4, 0, 8]);
    const int64 = (values: number[]) =>
      new ort.Tensor('int64', BigInt64Array.from(values, BigInt), [1, values.length]);
    for (let i = 0; i < 40; i++) {
      const { logits, ...presents } = (await session.run({
        input_ids: int64([ids[i]]),
        position_ids: int64([i]),
        attention_mask: int64(ids.map(() => 1)),
        ...past,
      })) as Record<string, ort.Tensor>;
      const row = logits.data as Float32Array;
      ids.push(row.indexOf(row.reduce((a, b) => Math.max(a, b))));
      past = Object.fromEntries(
        Object.entries(presents).map(([name, tensor]) => [
          name.replace('present', 'past_key_values'),
          tensor,
        ]),
      );
    }
    await session.release();
    expect(tokenizer.decode(ids.slice(1), { cleanUp: false })).toMatch(
      /^Once upon a time, there was a little girl named Lily\. She loved to play outside in the park/,
    );
  });

  it.each([
    ['tinystories/TinyStories-train.slice.txt', 700, 1.29],
    ['lm1b/1b_benchmark.dev.tokens', 500, 4.1],
  ])(
    'gives %s, its first %d characters, the nats per token it was said to give',
    async (file, length, expected) => {
      const { path, tokenizer } = await story();
      const text = readFileSync(join(data, file), 'utf8').slice(0, length);
      const ids = [tokenizer.bosTokenId!, ...tokenizer.encode(text)];
      expect(tokenizer.decode(ids.slice(1), { cleanUp: false })).toBe(text);
      expect(mean(await nats(path, ids))).toBeCloseTo(expected, 2);
    },
  );

  it('with a classifier of its own, equal to the embedding, gives the same logits', async () => {
    const bytes = readFileSync(weights);
    const embedding = bytes.subarray(28, 28 + 4 * 512 * 64);
    const untied = Buffer.concat([bytes, embedding]);
    untied.writeInt32LE(-512, 20);
    const source = join(folder, 'untied.bin');
    writeFileSync(source, untied);
    const [one, other] = [await converted(weights), await converted(source)];
    expect(other.card.architecture).toMatchObject({ tied: false });
    const ids = [[1, 403, 407, 261, 378]];
    const [a, b] = [await logitsOf(one.path, { ids }), await logitsOf(other.path, { ids })];
    const difference = (a.data as Float32Array).map((value, i) => Math.abs(value - Number(b.data[i])));
    expect(Math.max(...difference)).toBeLessThan(1e-4);
  });

  it('says in its card that texts are bounded by the token 1', async () => {
    const { path } = await story();
    const { fields } = await openCheckpoint(path);
    expect([fields.bosTokenId.value, fields.eosTokenId.value, fields.length.value]).toEqual([1, 1, 512]);
  });

  it.each<[string, (bytes: Buffer) => Buffer, RegExp]>([
    ['cut short', (bytes) => bytes.subarray(0, -4), /asks for 1056540 bytes, and it has 1056536/],
    ['of other sizes', (bytes) => Buffer.concat([Buffer.from([65]), bytes.subarray(1)]), /65 in 8 heads/],
  ])('%s is refused', async (_what, damage, message) => {
    const path = join(folder, `damaged-${_what}.bin`);
    writeFileSync(path, damage(readFileSync(weights)));
    await expect(converted(path)).rejects.toMatchObject({
      code: 'broken-llama2c',
      exitCode: 3,
      message: expect.stringMatching(message),
    });
  });
});
