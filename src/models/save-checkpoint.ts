/** Writes a network as a checkpoint: the ONNX file, its external data if needed, and the card. */
import type { Graph } from '../graph/graph.js';
import { type WriteOptions, type WrittenModel, writeModel } from '../graph/write.js';
import type { Dimensions } from './architectures/dimensions.js';
import { architectures } from './architectures/index.js';
import type { ArchitectureName } from './architectures/names.js';
import type { BuildOptions } from './architectures/network.js';
import { elementCount, type Parameter } from './architectures/parameters.js';
import { type Card, cardPath, metadataOfCard } from './card.js';
import type { Rounding, StorageType } from './weights/storage-names.js';
import { storedBytes } from './weights/storage-type.js';
import { storeMatrices } from './weights/stored-matrices.js';
import type { WeightSource } from './weights/weight-source.js';

export interface CheckpointContent {
  architecture: ArchitectureName;
  dimensions: Dimensions;
  source: WeightSource;
  /** Without the fields that follow from the dimensions. */
  card: Card;
  /** How the file stores the matrices; float32 by default. */
  dtype?: StorageType;
  /** For int8 and int4. */
  rounding?: Rounding;
}

/** A network of any kind, and its weights. */
export interface NetworkContent {
  parameters: readonly Parameter[];
  /** As the checkpoint contract requires. */
  graph(options: BuildOptions): Graph;
  source: WeightSource;
  /** Bytes of weights of the graph that are no parameters, by name. */
  copied?: ReadonlyMap<string, () => Iterable<Uint8Array>>;
  /** Complete, with vocabulary, length and architecture. */
  card: Card;
  /** How the file stores the matrices; float32 by default. */
  dtype?: StorageType;
  /** For int8 and int4. */
  rounding?: Rounding;
}

export interface SavedCheckpoint extends WrittenModel {
  cardPath: string;
  parameters: number;
}

/** @throws ModelError when there can be no such network   @throws FileError */
export async function saveCheckpoint(
  path: string,
  { architecture, dimensions, source, card, dtype, rounding }: CheckpointContent,
  options: WriteOptions = {},
): Promise<SavedCheckpoint> {
  const { parameters, checkpointGraph } = architectures[architecture];
  const { vocabSize, length, blockSize, ...size } = dimensions;
  const network: NetworkContent = {
    parameters: parameters(dimensions),
    graph: (build) => checkpointGraph(dimensions, build),
    source,
    card: {
      ...card,
      vocabSize,
      length,
      ...blocksOfCard(blockSize),
      architecture: { name: architecture, ...size },
    },
    dtype,
    rounding,
  };
  return saveNetwork(path, network, options);
}

/** The card's keys of block diffusion. @param blockSize of the dimensions */
export const blocksOfCard = (blockSize: number | undefined): Pick<Card, 'blockSize' | 'attention'> =>
  blockSize === undefined ? {} : { blockSize, attention: { blockCausal: blockSize } };

/** @throws ModelError when the weights are unusable   @throws FileError; then no file of the checkpoint is there */
export async function saveNetwork(
  path: string,
  { parameters, graph: build, source, copied, card, dtype = 'float32', rounding }: NetworkContent,
  options: WriteOptions = {},
): Promise<SavedCheckpoint> {
  const graph = build({});
  const forms = storeMatrices(graph, parameters, dtype, rounding);
  // The tokenizer's path is relative to the card, and would be wrong in a model moved without it.
  for (const [key, json] of metadataOfCard({ ...card, tokenizer: undefined })) graph.setMetadata(key, json);
  const bytes = storedBytes(parameters, source, forms);
  const written = await writeModel(path, graph, (weight) => copied?.get(weight.name)?.() ?? bytes(weight), {
    ...options,
    beside: [
      ...(options.beside ?? []),
      { path: cardPath(path), content: `${JSON.stringify(card, null, 2)}\n` },
    ],
  });
  return {
    ...written,
    cardPath: cardPath(path),
    parameters: parameters.reduce((sum, parameter) => sum + elementCount(parameter), 0),
  };
}
