/** From published tensors to a decoder: where each of its parameters lies, and what an importer hands back. */
import { decoderGraph } from '../architectures/decoder.js';
import {
  architectureOfDecoder,
  type DecoderDimensions,
  decoderParameters,
} from '../architectures/decoder-dimensions.js';
import type { Parameter } from '../architectures/parameters.js';
import type { Card } from '../card.js';
import type { WeightSource } from '../weights/weight-source.js';
import { checkTensors, type ImportedModel, shapeOutIn } from './imported-model.js';
import { rowsOf, transposedChunks } from './layouts.js';
import type { PublishedModel } from './published-layout.js';
import { elementsOf, type StoredTensor, type StoredTensors } from './stored-tensor.js';

/** Where a parameter lies in a published file. */
export interface Place {
  name: string;
  /** Of the whole tensor, as the file has it; that of the parameter as PyTorch stores it, [out, in], by default. */
  shape?: readonly number[];
  /** Its parts of the tensor, [from, to) each, one after another: rows of a matrix, elements of a vector. All by default. */
  rows?: readonly (readonly [from: number, to: number])[];
  /** Added to each element: norms that store weight − 1. */
  plus?: number;
}

/** Our names without the block, and theirs: `norm1` for `input_layernorm`. */
export type NameTable = Readonly<Record<string, string>>;

/** `blocks.3.norm1.weight` by the table: the block's name before it, and `.weight` or `.bias` after it. */
export function nameBy(table: NameTable, block: (index: string) => string): (parameter: Parameter) => string {
  return ({ name }) => {
    const [, index, part, kind] = /^(?:blocks\.(\d+)\.)?(.+?)(\.weight|\.bias)?$/.exec(name) ?? [];
    return `${index === undefined ? '' : block(index)}${table[part]}${kind ?? ''}`;
  };
}

export interface DecoderImport {
  dimensions: DecoderDimensions;
  placeOf(parameter: Parameter): Place;
  /** Names that such files have beside the network's weights. */
  mayBeExtra?(name: string): boolean;
  /** Without the keys that follow from the dimensions. */
  card: Card;
  notices: string[];
}

/** @throws ModelError as decoderGraph, and `tensors-do-not-fit` */
export function decoderImport(
  { where, tensors }: Pick<PublishedModel, 'where' | 'tensors'>,
  { dimensions, placeOf, mayBeExtra, card, notices }: DecoderImport,
): ImportedModel {
  const { vocabSize, length, attention } = dimensions;
  const parameters = decoderParameters(dimensions);
  const expected = new Map(
    parameters.map((parameter) => {
      const { name, shape = shapeOutIn(parameter) } = placeOf(parameter);
      return [name, { name, shape }];
    }),
  );
  checkTensors(where, [...expected.values()], tensors, mayBeExtra);
  return {
    parameters,
    graph: (options) => decoderGraph(dimensions, options),
    source: sourceOf(tensors, placeOf),
    card: {
      ...card,
      vocabSize,
      length,
      timeConditioning: false,
      ...(attention !== 'causal' && { attention }),
      ...(typeof attention === 'object' && { blockSize: attention.blockCausal }),
      architecture: architectureOfDecoder(dimensions),
    },
    notices,
  };
}

function sourceOf(tensors: StoredTensors, placeOf: (parameter: Parameter) => Place): WeightSource {
  const partsOf = (parameter: Parameter) => {
    const { name, rows, plus = 0 } = placeOf(parameter);
    const tensor = tensors.get(name) as StoredTensor; // checkTensors has seen it
    return { parts: rows?.map(([from, to]) => rowsOf(tensor, from, to)) ?? [tensor], plus };
  };
  const source: WeightSource = function* elements(parameter) {
    const { parts, plus } = partsOf(parameter);
    const readings = parameter.transposed ? [transposedChunks(parts)] : parts.map((part) => elementsOf(part));
    for (const reading of readings) {
      for (const values of reading) yield plus === 0 ? values : values.map((value) => value + plus);
    }
  };
  source.byOutput = (parameter) => (parameter.transposed ? rowsInOrder(partsOf(parameter).parts) : null);
  return source;
}

function* rowsInOrder(parts: readonly StoredTensor[]): Generator<Float32Array> {
  for (const part of parts) yield* elementsOf(part, part.shape[1]);
}
