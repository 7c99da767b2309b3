/** Small models that PyTorch saved (files/), put where a user would have them, and what comes of converting them. */
import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import ort from 'onnxruntime-node';
import { type ImportRequest, importCheckpoint } from '../../../src/models/importers/import-checkpoint.js';
import { temporaryFolder } from '../../support/folder.js';

export const oracle = JSON.parse(
  readFileSync(new URL('../../oracles/importers.json', import.meta.url), 'utf8'),
);
export const fileOf = (name: string) => fileURLToPath(new URL(`files/${name}`, import.meta.url));

export const folder = temporaryFolder().root;
let made = 0;

/** The form of the hub's models. */
export const hubConfig = {
  model_type: 'DUO',
  vocab_size: 11,
  hidden_dim: 8,
  cond_dim: 6,
  n_blocks: 2,
  n_heads: 2,
  model_length: 16,
  causal: false,
  dropout: 0.1,
};

/** A folder with these files: copies by name of a file in files/, texts, bytes, or objects as JSON. */
export function folderWith(files: Record<string, string | Buffer | object>): string {
  const place = join(folder, `source-${made++}`);
  mkdirSync(place);
  for (const [name, content] of Object.entries(files)) {
    if (typeof content === 'string') copyFileSync(fileOf(content), join(place, name));
    else writeFileSync(join(place, name), Buffer.isBuffer(content) ? content : JSON.stringify(content));
  }
  return place;
}

export async function converted(source: string, request: Partial<ImportRequest> = {}) {
  return importCheckpoint({ source, out: join(folder, `out-${made++}`, 'model.onnx'), ...request });
}

export async function logitsOf(
  path: string,
  { ids = oracle.inputIds as number[][], sigma = oracle.sigma as number[] } = {},
): Promise<ort.Tensor> {
  const session = await ort.InferenceSession.create(path, { logSeverityLevel: 4, intraOpNumThreads: 1 });
  const [batch, length] = [ids.length, ids[0].length];
  const int64 = (value: (row: number, column: number) => number) =>
    new ort.Tensor(
      'int64',
      BigInt64Array.from(ids.flatMap((row, b) => row.map((_, i) => BigInt(value(b, i))))),
      [batch, length],
    );
  const feeds: Record<string, ort.Tensor> = { input_ids: int64((b, i) => ids[b][i]) };
  for (const input of session.inputMetadata) {
    if (input.name === 'sigma') feeds.sigma = new ort.Tensor('float32', Float32Array.from(sigma), [batch]);
    if (input.name === 'attention_mask') feeds.attention_mask = int64(() => 1);
    if (input.name === 'position_ids') feeds.position_ids = int64((_, i) => i);
    if (input.isTensor && input.name.startsWith('past')) {
      const [, heads, , width] = input.shape as number[];
      feeds[input.name] = new ort.Tensor('float32', new Float32Array(0), [batch, heads, 0, width]);
    }
  }
  const { logits } = await session.run(feeds);
  await session.release();
  return logits;
}

export function largestDifference(logits: ort.Tensor, expected: number[][][]): number {
  const flat = expected.flat(2);
  if (flat.length !== logits.data.length) throw new Error(`${logits.data.length} logits, not ${flat.length}`);
  return flat.reduce((most, value, i) => Math.max(most, Math.abs(value - Number(logits.data[i]))), 0);
}
