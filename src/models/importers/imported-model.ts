/** An imported model of another program: its network, the location of its weights, and its card. */
import { ModelError } from '../../errors.js';
import type { Parameter } from '../architectures/parameters.js';
import type { NetworkContent } from '../save-checkpoint.js';
import type { WeightSource } from '../weights/weight-source.js';
import { transposedChunks } from './layouts.js';
import { elementsOf, type StoredTensor, type StoredTensors } from './stored-tensor.js';

export type ImportedModel = Pick<NetworkContent, 'parameters' | 'graph' | 'source' | 'copied' | 'card'> & {
  /** Assumptions that were made, as sentences. */
  notices: string[];
};

/** A tensor that a network needs. */
export interface ExpectedTensor {
  name: string;
  shape: readonly number[];
}

/** Problems that one message names; the rest are counted. */
const MOST_NAMED = 24;

/**
 * @param where the file or folder, for messages
 * @param mayBeExtra names that such models have beside their weights
 * @throws ModelError `tensors-do-not-fit`, naming each that is missing, of a wrong shape, or unknown to the network
 */
export function checkTensors(
  where: string,
  expected: readonly ExpectedTensor[],
  tensors: StoredTensors,
  mayBeExtra: (name: string) => boolean = () => false,
): void {
  const problems: string[] = [];
  const known = new Set(expected.map(({ name }) => name));
  for (const { name, shape } of expected) {
    const found = tensors.get(name);
    if (!found) problems.push(`"${name}" [${shape}] is missing`);
    else if (String(found.shape) !== String(shape)) {
      problems.push(`"${name}" is [${found.shape}] and should be [${shape}]`);
    }
  }
  for (const name of tensors.keys()) {
    if (!known.has(name) && !mayBeExtra(name)) problems.push(`"${name}" has no place in the network`);
  }
  if (problems.length === 0) return;
  const named = problems.slice(0, MOST_NAMED).join('; ');
  const rest = problems.length > MOST_NAMED ? `; and ${problems.length - MOST_NAMED} more` : '';
  throw new ModelError({
    code: 'tensors-do-not-fit',
    message: `The tensors of ${where} are not those of the network that they say they are: ${named}${rest}.`,
    hint: 'The file is of another version or another network, or a part of it is missing.',
  });
}

/** Parameters from tensors of the same names after a prefix; linear layers are transposed if the file stores [out, in]. */
export function namedSource(
  tensors: StoredTensors,
  nameOf: (parameter: Parameter) => string,
  keepsOutIn: boolean,
): WeightSource {
  const turned = (parameter: Parameter) => keepsOutIn && parameter.transposed;
  const tensorOf = (parameter: Parameter) => tensors.get(nameOf(parameter)) as StoredTensor;
  const source: WeightSource = (parameter) =>
    turned(parameter) ? transposedChunks(tensorOf(parameter)) : elementsOf(tensorOf(parameter));
  source.byOutput = (parameter) => {
    const tensor = tensorOf(parameter);
    return turned(parameter) ? elementsOf(tensor, tensor.shape[1]) : null;
  };
  return source;
}

/** The same weights with a number added to one element of a parameter. @param index undefined: nowhere */
export const withAdded = (
  weights: WeightSource,
  name: string,
  index: number | undefined,
  added: number,
): WeightSource =>
  async function* (parameter) {
    if (index === undefined) return yield* weights(parameter);
    let from = 0;
    for await (const piece of weights(parameter)) {
      const at = index - from;
      from += piece.length;
      if (parameter.name !== name || at < 0 || at >= piece.length) yield piece;
      else yield piece.map((value, i) => (i === at ? value + added : value));
    }
  };

/** The shape of a parameter in a file that stores linear layers as [out, in]. */
export const shapeOutIn = ({ dims, transposed }: Parameter): readonly number[] =>
  transposed ? [...dims].reverse() : dims;

/** The number of blocks by the indices in tensor names, and whether all of them are there is checked with the tensors. */
export function blocksIn(tensors: StoredTensors, prefix: string): number {
  const indices = [...tensors.keys()].flatMap((name) => {
    const index = name.startsWith(prefix) ? /^(\d{1,4})\./.exec(name.slice(prefix.length)) : null;
    return index ? [index[1]] : [];
  });
  return Math.max(1, new Set(indices).size);
}

/** The sizes of a matrix, [out, in]. @throws ModelError `tensors-do-not-fit` */
export function matrixSizes(where: string, tensors: StoredTensors, name: string): readonly number[] {
  const tensor = tensors.get(name);
  if (tensor?.shape.length === 2 && tensor.shape.every((size) => size > 0)) return tensor.shape;
  throw new ModelError({
    code: 'tensors-do-not-fit',
    message: tensor
      ? `"${name}" of ${where} is [${tensor.shape}], and should have two axes.`
      : `${where} has no tensor "${name}", which a model of this kind has.`,
    hint: 'The file is of another network, or a part of it is missing.',
  });
}
