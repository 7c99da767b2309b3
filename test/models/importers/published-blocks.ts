/** The oracle of block diffusion (test/oracles/models/bd3lm), as a folder to convert and as a checkpoint. */
import { readFileSync } from 'node:fs';
import ort from 'onnxruntime-node';
import { type Checkpoint, openCheckpoint } from '../../../src/models/checkpoint.js';
import { converted, folderWith } from './published.js';

const folder = new URL('../../oracles/models/bd3lm/', import.meta.url);
const bytes = (name: string): Buffer => readFileSync(new URL(name, folder));

export const expected = JSON.parse(bytes('expected.json').toString('utf8'));
const config = JSON.parse(bytes('config.json').toString('utf8'));

/** @param changes of its configuration */
export const blocksFolder = (changes: object = {}): string => folderOf({ ...config, ...changes });

export const folderOf = (whole: object): string =>
  folderWith({ 'model.safetensors': bytes('model.safetensors'), 'config.json': whole });

/** Runs the checkpoint's graph on one text. */
export interface BlocksNetwork {
  /** @param types 0 for noisy tokens, 1 for clean ones   @param past of clean tokens before them */
  run(
    ids: number[],
    positions: number[],
    types: number[],
    past?: Past,
  ): Promise<{ logits: ort.Tensor; present: Past }>;
}
export type Past = Record<string, ort.Tensor>;

export async function blocksNetwork(): Promise<BlocksNetwork> {
  const { path } = await converted(blocksFolder());
  const session = await ort.InferenceSession.create(path, { logSeverityLevel: 4, intraOpNumThreads: 1 });
  const nothing = new ort.Tensor('float32', new Float32Array(0), [1, 3, 0, 12]);
  const pasts = session.inputNames.filter((name) => name.startsWith('past_key_values.'));
  const noPast: Past = Object.fromEntries(pasts.map((name) => [name, nothing]));
  const int64 = (row: number[]) => new ort.Tensor('int64', BigInt64Array.from(row, BigInt), [1, row.length]);
  return {
    async run(ids, positions, types, past = noPast) {
      const outputs = await session.run({
        input_ids: int64(ids),
        position_ids: int64(positions),
        token_type_ids: int64(types),
        sigma: new ort.Tensor('float32', Float32Array.of(0), [1]),
        ...past,
      });
      const present = pasts.map((name) => [name, outputs[name.replace('past_key_values', 'present')]]);
      return { logits: outputs.logits, present: Object.fromEntries(present) };
    },
  };
}

/** Of the family bd3lm, with blocks of 4 in texts of 16. */
export async function blocksCheckpoint(): Promise<Checkpoint & { family: 'bd3lm' }> {
  const { path } = await converted(blocksFolder());
  return (await openCheckpoint(path)) as Checkpoint & { family: 'bd3lm' };
}
