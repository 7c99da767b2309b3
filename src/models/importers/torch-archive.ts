/**
 * What torch.save writes: a zip archive of one pickle and the storages it refers to. From Lightning's .ckpt it takes the
 * network's weights, or their running average if the training kept one, and the configuration.
 */
import { ModelError } from '../../errors.js';
import { Description, PickleDict, readPickle, TensorReference } from './pickle.js';
import { ELEMENT_TYPES } from './pickle-globals.js';
import { countOf, type StoredTensor, type StoredTensors } from './stored-tensor.js';
import { type Member, readArchive, readMember } from './zip.js';

/** Limit on the pickle of a checkpoint, which is without the tensors; a tokenizer in it takes a few MB. */
const LARGEST_PICKLE = 1 << 27;
const WIDTHS: Readonly<Record<string, number>> = {
  float64: 8,
  float32: 4,
  float16: 2,
  bfloat16: 2,
  int64: 8,
  int32: 4,
  int16: 2,
  int8: 1,
  uint8: 1,
  bool: 1,
};
/** No configuration is deeper. */
const DEEPEST = 60;
const MOST_VALUES = 100_000;
/** The state of a network contains buffers as well as parameters; an average contains parameters alone. */
const BUFFER = /(^|\.)rotary_emb\.inv_freq$/;

export interface TorchCheckpoint {
  tensors: StoredTensors;
  /** The weights are the running average over the training. */
  averaged: boolean;
  /** A file of Lightning, which holds more than the network. */
  isTraining: boolean;
  /** hyper_parameters as plain values, or null. */
  hyperparameters: unknown;
}

/** @throws ModelError `unsafe-pickle`, `broken-pickle`, `broken-archive`, `no-weights` */
export function readTorchArchive(path: string): TorchCheckpoint {
  const members = readArchive(path);
  const entry = [...members].find(([name]) => /^[^/]+\/data\.pkl$/.test(name));
  if (entry === undefined) throw noWeights(path, 'it is an archive, but not one of PyTorch');
  const [pickle, member] = entry;
  const folder = pickle.slice(0, -'data.pkl'.length);
  const order = members.get(`${folder}byteorder`);
  if (order && readMember(path, order, 64).toString() !== 'little') {
    throw noWeights(path, 'it was written on a big-endian machine');
  }
  const root = readPickle(readMember(path, member, LARGEST_PICKLE), path);
  if (!(root instanceof PickleDict)) throw noWeights(path, 'it holds no dictionary');
  const state = root.get('state_dict');
  const isTraining = state instanceof PickleDict;
  const stored = new Tensors(path, folder, members);
  const tensors = stored.of((isTraining ? state : root) as PickleDict);
  if (tensors.size === 0) throw noWeights(path, 'it holds no tensors by name');
  const average = isTraining ? averageOf(path, root, tensors, stored) : null;
  return {
    tensors: average ?? tensors,
    averaged: average !== null,
    isTraining,
    hyperparameters: plain(root.get('hyper_parameters')),
  };
}

class Tensors {
  constructor(
    private readonly path: string,
    private readonly folder: string,
    private readonly members: ReadonlyMap<string, Member>,
  ) {}

  of(state: PickleDict): Map<string, StoredTensor> {
    const tensors = new Map<string, StoredTensor>();
    for (const [name, value] of state.entries) {
      if (typeof name === 'string' && value instanceof TensorReference)
        tensors.set(name, this.stored(name, value));
    }
    return tensors;
  }

  stored(name: string, { storage, offset, shape, strides }: TensorReference): StoredTensor {
    const type = Object.hasOwn(ELEMENT_TYPES, storage.type) ? ELEMENT_TYPES[storage.type] : storage.type;
    const member = this.members.get(`${this.folder}data/${storage.key}`);
    const width = WIDTHS[type] ?? 1;
    const count = countOf(shape);
    if (!member || storage.elements * width > member.bytes || offset + count > storage.elements) {
      throw new ModelError({
        code: 'broken-archive',
        message: member
          ? `${this.path} cannot be used: the tensor "${name}" [${shape}] takes more than its storage has, ${member.bytes} bytes.`
          : `${this.path} cannot be used: the storage of the tensor "${name}" is missing.`,
        hint: 'Get the file again.',
      });
    }
    const inOrder = isContiguous(shape, strides);
    return {
      name,
      type: inOrder ? type : `${type} with strides [${strides}]`,
      shape,
      path: this.path,
      offset: member.offset + offset * width,
    };
  }
}

function isContiguous(shape: readonly number[], strides: readonly number[]): boolean {
  if (shape.length !== strides.length) return false;
  let expected = 1;
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    if (shape[axis] !== 1 && strides[axis] !== expected) return false;
    expected *= shape[axis];
  }
  return true;
}

/** `ema.shadow_params`: a list in the order of the network's parameters, which is that of the state without its buffers. */
function averageOf(
  path: string,
  root: PickleDict,
  tensors: ReadonlyMap<string, StoredTensor>,
  stored: Tensors,
): Map<string, StoredTensor> | null {
  const ema = root.get('ema');
  if (!(ema instanceof PickleDict)) return null;
  const list = ema.get('shadow_params');
  const names = [...tensors.keys()].filter((name) => name.startsWith('backbone.') && !BUFFER.test(name));
  const wrong = (why: string) =>
    new ModelError({
      code: 'ema-does-not-fit',
      message: `${path}: its running average of the weights does not fit them: ${why}.`,
      hint: 'It may be of another version of the training code: save the averaged weights as safetensors instead.',
    });
  if (!Array.isArray(list) || list.length !== names.length) {
    throw wrong(`it has ${Array.isArray(list) ? list.length : 'no'} tensors for ${names.length} parameters`);
  }
  const averaged = new Map<string, StoredTensor>(
    [...tensors].filter(([name]) => BUFFER.test(name) || !name.startsWith('backbone.')),
  );
  for (const [i, name] of names.entries()) {
    const reference = list[i];
    const shape = String(tensors.get(name)?.shape);
    if (!(reference instanceof TensorReference) || String(reference.shape) !== shape) {
      throw wrong(`its tensor ${i} should be "${name}" [${shape}]`);
    }
    averaged.set(name, stored.stored(name, reference));
  }
  return averaged;
}

/**
 * Dictionaries, lists, and the configurations of OmegaConf, whose nodes keep `_content` or `_val`, as plain values. What is too deep
 * or too large for a configuration becomes null, because a pickle can refer to one value any number of times.
 */
function plain(root: unknown): unknown {
  let left = MOST_VALUES;
  const of = (value: unknown, depth: number): unknown => {
    if (depth > DEEPEST || left-- <= 0) return null;
    if (value instanceof PickleDict) {
      const texts = [...value.entries].filter(
        (entry): entry is [string, unknown] => typeof entry[0] === 'string',
      );
      return Object.fromEntries(texts.map(([key, inner]) => [key, of(inner, depth + 1)]));
    }
    if (Array.isArray(value)) return value.map((inner) => of(inner, depth + 1));
    if (value instanceof Description) {
      if (value.items.entries.size > 0) return of(value.items, depth + 1);
      if (!(value.state instanceof PickleDict)) return null;
      const { entries } = value.state;
      return of(entries.get('_content') ?? entries.get('_val') ?? null, depth + 1);
    }
    return ['string', 'number', 'boolean'].includes(typeof value) ? value : null;
  };
  return of(root, 0);
}

function noWeights(path: string, why: string): ModelError {
  return new ModelError({
    code: 'no-weights',
    message: `${path} has no weights that can be read: ${why}.`,
    hint: 'Give a .ckpt of the training, or a state_dict that torch.save wrote.',
  });
}
