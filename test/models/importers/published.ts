/** Small models that PyTorch saved (files/), put where a user would have them, and what comes of converting them. */
import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import ort from 'onnxruntime-node';
import { HEAD } from '../../../src/diffusion/heads/head.js';
import { appendLossHead } from '../../../src/diffusion/heads/losses.js';
import { openCheckpoint } from '../../../src/models/checkpoint.js';
import { type Feeds, integers, networkFeeds } from '../../../src/models/feeds.js';
import { startHeadSession } from '../../../src/models/head-session.js';
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

/** An oracle of ../../oracles/models, as a folder to convert, and what is expected of it. */
export function modelOracle(name: string) {
  const bytes = (file: string) =>
    readFileSync(new URL(`../../oracles/models/${name}/${file}`, import.meta.url));
  const config = JSON.parse(bytes('config.json').toString('utf8'));
  return {
    expected: JSON.parse(bytes('expected.json').toString('utf8')),
    config,
    /** @param change of its tensors' names: undefined drops a tensor   @param whole the configuration */
    folder: (whole: object | null = config, change: (name: string) => string | undefined = (same) => same) =>
      folderWith({
        'model.safetensors': renamedTensors(bytes('model.safetensors'), change),
        ...(whole && { 'config.json': whole }),
      }),
  };
}

/** A safetensors file with other names, and without some of its tensors; their bytes stay. */
export function renamedTensors(bytes: Buffer, change: (name: string) => string | undefined): Buffer {
  const length = Number(bytes.readBigUInt64LE());
  const header = JSON.parse(bytes.subarray(8, 8 + length).toString('utf8'));
  const entries = Object.entries<{ data_offsets: [number, number] }>(header);
  const tensors = entries.filter(([name]) => name !== '__metadata__');
  const parts: Buffer[] = [];
  let at = 0;
  const kept = tensors.flatMap(([name, { data_offsets: offsets, ...rest }]) => {
    const now = change(name);
    if (now === undefined) return [];
    const part = bytes.subarray(8 + length + offsets[0], 8 + length + offsets[1]);
    parts.push(part);
    at += part.length;
    return [[now, { ...rest, data_offsets: [at - part.length, at] }] as const];
  });
  const text = Buffer.from(JSON.stringify(Object.fromEntries(kept)));
  const size = Buffer.alloc(8);
  size.writeBigUInt64LE(BigInt(text.length));
  return Buffer.concat([size, text, ...parts]);
}

/** The loss per unit of −dα at each masked position, [batch][length], from the checkpoint with its family's head; 0 elsewhere. */
export async function maskedLosses(
  path: string,
  { noisy, clean, oneMinusAlpha }: { noisy: number[][]; clean: number[][]; oneMinusAlpha: number[] },
): Promise<number[][]> {
  const checkpoint = await openCheckpoint(path);
  const { family, vocabSize, maskTokenId } = checkpoint;
  const graph = checkpoint.graph();
  appendLossHead(graph, family, { logits: 'logits', vocabSize, maskTokenId });
  const session = await startHeadSession(graph, { checkpoint, provider: 'cpu', threads: 1 });
  const rows = noisy.flatMap((row, b) => row.flatMap((z, l) => (z === maskTokenId ? [[b, l]] : [])));
  const [batch, length] = [noisy.length, noisy[0].length];
  const feeds: Feeds = {
    ...networkFeeds(checkpoint.signature, {
      inputIds: BigInt64Array.from(noisy.flat(), BigInt),
      batch,
      length,
      sigma: Float32Array.from(oneMinusAlpha, (level) => -Math.log1p(-level)),
    }),
    [HEAD.rows]: integers('int64', rows.flat(), [rows.length, 2]),
    [HEAD.targets]: integers(
      'int64',
      rows.map(([b, l]) => clean[b][l]),
      [rows.length],
    ),
    [HEAD.oneMinusAlpha]: {
      type: 'float64',
      data: Float64Array.from(rows, ([b]) => oneMinusAlpha[b]),
      dims: [rows.length],
    },
  };
  const data = (await session.run(feeds, { label: 'losses' }))[HEAD.loss].data as Float32Array;
  await session.close();
  const losses = noisy.map((row) => row.map(() => 0));
  for (const [i, [b, l]] of rows.entries()) losses[b][l] = data[i];
  return losses;
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
