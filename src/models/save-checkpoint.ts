/** Writes a network as a checkpoint: the ONNX file, its external data where it needs some, and the card. */
import { type WriteOptions, type WrittenModel, writeModel } from '../graph/write.js';
import { writeFileAtomically } from '../storage/atomic-file.js';
import type { Dimensions } from './architectures/dimensions.js';
import { architectures } from './architectures/index.js';
import type { ArchitectureName } from './architectures/names.js';
import { elementCount } from './architectures/parameters.js';
import { type Card, cardPath, metadataOfCard } from './card.js';
import { bytesOfSource, type WeightSource } from './weights/weight-source.js';

export interface CheckpointContent {
  architecture: ArchitectureName;
  dimensions: Dimensions;
  source: WeightSource;
  /** Without what the dimensions say already. */
  card: Card;
}

export interface SavedCheckpoint extends WrittenModel {
  cardPath: string;
  parameters: number;
}

/** @throws ModelError when there can be no such network   @throws FileError */
export async function saveCheckpoint(
  path: string,
  { architecture, dimensions, source, card }: CheckpointContent,
  options: WriteOptions = {},
): Promise<SavedCheckpoint> {
  const { parameters, checkpointGraph } = architectures[architecture];
  const graph = checkpointGraph(dimensions);
  const { vocabSize, length, ...size } = dimensions;
  const whole: Card = { ...card, vocabSize, length, architecture: { name: architecture, ...size } };
  // The tokenizer's path is relative to the card, and would be wrong in a model moved without it.
  for (const [key, json] of metadataOfCard({ ...whole, tokenizer: undefined })) graph.setMetadata(key, json);
  const list = parameters(dimensions);
  const written = await writeModel(path, graph, bytesOfSource(list, source), options);
  await writeFileAtomically(cardPath(path), `${JSON.stringify(whole, null, 2)}\n`);
  return {
    ...written,
    cardPath: cardPath(path),
    parameters: list.reduce((sum, parameter) => sum + elementCount(parameter), 0),
  };
}
