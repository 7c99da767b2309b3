/**
 * What is measured: the checkpoints that the targets name, where they are at hand, and the embedded fixtures, which are
 * in every clone. The text is the embedded State of the Union addresses.
 */
import { existsSync } from 'node:fs';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { packDataset } from '../../dist/datasets/pack-dataset.js';
import { resolveDataset } from '../../dist/datasets/resolve-dataset.js';
import { loadTokenizer } from '../../dist/datasets/tokenizer.js';
import { openCheckpoint } from '../../dist/models/checkpoint.js';

export const ROOT = fileURLToPath(new URL('../..', import.meta.url));

/**
 * @typedef {object} Subject
 * @property {string} name
 * @property {string} path
 * @property {number | null} target of a model call, to the bare one
 * @property {number | null} aim
 * @property {{ batch: number | null, sequences: number }[]} settings sequences a call (null: the default) and a leg
 */

/** A leg is a second or so: what begins and ends an evaluation, counts of its tokens and the like, is not the call's. */
const SMALL = [
  { batch: 1, sequences: 256 },
  { batch: null, sequences: 512 },
];
const STATED = [
  { name: 'wide', target: 1.05, aim: 0.9, settings: [{ batch: 1, sequences: 3 }] },
  { name: 'ar', target: 1.1, aim: 1.02, settings: SMALL },
  { name: 'mdlm', target: 1.1, aim: 1.02, settings: SMALL },
  { name: 'duo', target: 1.1, aim: 1.02, settings: SMALL },
];
const FIXTURES = ['markov-ar', 'markov-mdlm', 'markov-duo'];

/** @returns {Subject[]} */
export function findSubjects({ quick, checkpoints }, say) {
  const folder = checkpoints ?? join(ROOT, '..', 'shared', 'checkpoints');
  const stated = quick
    ? []
    : STATED.map((subject) => ({ ...subject, path: join(folder, `${subject.name}.onnx`) }));
  const missing = stated.filter(({ path }) => !existsSync(path)).map(({ name }) => name);
  if (missing.length > 0) {
    say(
      `Left out: ${missing.join(', ')} (not in ${relative(process.cwd(), folder) || '.'}; name their folder with --checkpoints).`,
    );
  }
  const settings = [{ batch: null, sequences: quick ? 4 : 64 }];
  const fixtures = FIXTURES.map((name) => ({
    name,
    path: join(ROOT, 'fixtures', `${name}.onnx`),
    target: null,
    aim: null,
    settings,
  }));
  return [...stated.filter(({ path }) => existsSync(path)), ...fixtures];
}

const opened = new Map();

/** The checkpoint, its tokenizer and its packed stream; made once. */
export async function open({ path }) {
  if (!opened.has(path)) {
    const checkpoint = await openCheckpoint(path);
    const { tokenizer: file, bosTokenId, eosTokenId, length } = checkpoint.fields;
    const tokenizer = await loadTokenizer(file.value, {
      bosTokenId: bosTokenId.value ?? undefined,
      eosTokenId: eosTokenId.value ?? undefined,
    });
    const stream = await packDataset({
      source: await resolveDataset({ spec: 'sotu' }),
      tokenizer,
      length: length.value,
      protocol: 'duo',
    });
    opened.set(path, { checkpoint, tokenizer, stream });
  }
  return opened.get(path);
}
