/** The oracle of block diffusion (test/oracles/models/bd3lm), as a folder to convert and as a checkpoint. */
import { readFileSync } from 'node:fs';
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

/** Of the family bd3lm, with blocks of 4 in texts of 16. */
export async function blocksCheckpoint(): Promise<Checkpoint & { family: 'bd3lm' }> {
  const { path } = await converted(blocksFolder());
  return (await openCheckpoint(path)) as Checkpoint & { family: 'bd3lm' };
}
