/**
 * A checkpoint: a network and what must be known about it (fields.ts).
 *
 * A checkpoint is a file or a graph in memory (`checkpointOfGraph`): nothing here needs a path.
 */
import { existsSync } from 'node:fs';
import { basename } from 'node:path';
import { ModelError } from '../errors.js';
import { Graph } from '../graph/graph.js';
import { type ModelFile, readModelFile } from '../graph/read.js';
import { shiftLogits } from '../graph/rows.js';
import type { CacheKey } from '../storage/cache-entry.js';
import { sha256OfBytes } from '../storage/digest.js';
import { type CardFile, cardOfMetadata, readCard, type Schedule } from './card.js';
import { checkAgainstGraph } from './contradictions.js';
import { inOurTerms } from './exported-names.js';
import { type FamilyTraits, hasBlocks, isDiffusion, isInBlocks } from './family.js';
import { type CheckpointFields, type CheckpointOverrides, mergeFields } from './fields.js';
import { FileSnapshot } from './identity.js';
import { fetchedHubModel } from './importers/hub-cache.js';
import { readSignature, type Signature } from './signature.js';
import { roundsByCall } from './stored-weights.js';

export type { CheckpointOverrides } from './fields.js';

/** All that is known about a checkpoint, complete or not. */
export interface CheckpointDescription {
  name: string;
  /** As the user gave it; null for a graph made in memory. */
  path: string | null;
  /** Path of the card; null when there is none. */
  cardPath: string | null;
  fields: CheckpointFields;
  /** Keys of card and metadata that this program does not use. */
  unknownKeys: Record<string, unknown>;
  signature: Signature;
  /** Folder that external data of the graph are relative to; '' for a graph made in memory. */
  folder: string;
  fileSize: number;
  /** Every file the weights lie in, the model itself first. */
  dataFiles: readonly string[];
  /** What keeps the checkpoint from being evaluated; empty for a good one. */
  problems: ModelError[];
  /** Deviations from what was requested, as sentences to print once. */
  notices: string[];
  /** A new copy of the graph without its weights, to append to: row i of its logits belongs to token i (ar: to the next). */
  graph(): Graph;
  /** SHA-256, in hexadecimal, of the model file and any external data files. */
  sha256(): Promise<string>;
  /** @throws ModelError `sha256-mismatch` when the card names the digest of another file */
  verifySha256(): Promise<void>;
  /** @throws ModelError `model-changed` when a file is no longer the one that was opened */
  verifyUnchanged(): void;
}

/** A checkpoint that can be evaluated: its family says whether it has a noise schedule and a mask token. */
export type Checkpoint = CheckpointDescription & {
  vocabSize: number;
  /** Logits from here on are padding; null: none are. */
  textVocabSize: number | null;
  /** Positions that never become the mask. */
  neverMasked: readonly number[];
} & FamilyTraits<Schedule>;

/**
 * @param path of an ONNX file, or `hf:owner/name` for one that was fetched before
 * @throws ModelError naming what is wrong or missing, and the flag that would supply it
 */
export async function openCheckpoint(
  path: string,
  overrides: CheckpointOverrides = {},
  name?: string,
): Promise<Checkpoint> {
  const description = describeCheckpoint(path, overrides, name);
  const checkpoint = checkpointOf(description);
  await description.verifySha256();
  return checkpoint;
}

/** Reads as much of a checkpoint as possible, for `inspect`. @throws ModelError when it is not a readable model */
export function describeCheckpoint(
  path: string,
  overrides: CheckpointOverrides = {},
  name?: string,
): CheckpointDescription {
  if (!path.startsWith('hf:')) return describeFile(path, overrides, name ?? modelName(path));
  const fetched = fetchedHubModel(path);
  // Results name the model, not where this machine keeps it.
  return { ...describeFile(fetched.path, overrides, name ?? fetched.name), path: fetched.shownAs };
}

function describeFile(path: string, overrides: CheckpointOverrides, name: string): CheckpointDescription {
  const file = readOrSuggest(path);
  inOurTerms(file.graph);
  const snapshot = new FileSnapshot(path, file.dataFiles);
  const bytes = file.graph.toBytes();
  const cardFile = readCard(path) ?? (file.dataFiles[0] === path ? null : readCard(file.dataFiles[0]));
  const description = describe({
    name,
    path,
    folder: file.folder,
    fileSize: file.fileSize,
    dataFiles: file.dataFiles,
    bytes,
    graph: file.graph,
    cardFile,
    overrides,
    sha256: () => snapshot.sha256(),
    verifyUnchanged: () => snapshot.verify(),
  });
  description.verifySha256 = () => verifyDigest(path, description.fields, snapshot);
  return description;
}

/** A missing file whose name has the form `owner/name` was probably meant as a repository. */
function readOrSuggest(path: string): ModelFile {
  try {
    return readModelFile(path);
  } catch (error) {
    const repository = /^[\w-][\w.-]*\/[\w-][\w.-]*$/.test(path) && !/\.onnx$/i.test(path);
    if (!(error instanceof ModelError) || existsSync(path) || !repository) throw error;
    const hint = `Check the path. If it is a repository of the Hugging Face hub, give --model hf:${path}`;
    throw new ModelError({ code: error.code, message: error.message, hint, cause: error });
  }
}

/** A checkpoint of a graph made in memory; `fields` replace a card. @throws ModelError as openCheckpoint */
export function checkpointOfGraph(graph: Graph, fields: CheckpointOverrides, name: string): Checkpoint {
  inOurTerms(graph);
  const bytes = graph.toBytes();
  const description = describe({
    name,
    path: null,
    folder: '',
    fileSize: bytes.length,
    dataFiles: [],
    bytes,
    graph,
    cardFile: null,
    overrides: fields,
    sha256: async () => sha256OfBytes(bytes),
    verifyUnchanged: () => {},
  });
  return checkpointOf(description);
}

/** @throws ModelError `one-token-graph` for a graph that generates, one token at a time, and cannot score a sequence */
export function checkReadsSequences({ name, signature: { fixedLength } }: CheckpointDescription): void {
  if (fixedLength !== 1) return;
  throw new ModelError({
    code: 'one-token-graph',
    message: `The graph of ${name} takes one token at a time: it continues texts and cannot score them.`,
    hint: "Give the exporter's file for whole sequences: decoder_model.onnx, decoder_model_merged.onnx or model.onnx, often in the same folder.",
  });
}

interface Opened {
  name: string;
  path: string | null;
  folder: string;
  fileSize: number;
  dataFiles: readonly string[];
  bytes: Uint8Array;
  graph: Graph;
  cardFile: CardFile | null;
  overrides: CheckpointOverrides;
  sha256: () => Promise<string>;
  verifyUnchanged: () => void;
}

function describe(opened: Opened): CheckpointDescription {
  const { path, name, graph, cardFile, overrides, bytes } = opened;
  const where = path ?? name;
  const signature = readSignature(graph, where);
  const metadata = cardOfMetadata(graph.metadata, where);
  const fields = mergeFields({ path, signature, cardFile, metadata, overrides });
  const { problems, notices } = checkAgainstGraph(where, cardFile?.path ?? null, fields, signature);
  if (roundsByCall(graph) && signature.fixedBatch !== 1) {
    notices.push(
      `${where}: its products round their inputs by the range of a whole call, so figures depend a little on what shares one. --batch 1 keeps sequences apart.`,
    );
  }
  const known = new Set(Object.keys(fields));
  const unknownKeys = Object.fromEntries(
    Object.entries({ ...metadata, ...cardFile?.card }).filter(([key]) => !known.has(key)),
  );
  return {
    name,
    path,
    cardPath: cardFile?.path ?? null,
    fields,
    unknownKeys,
    signature,
    folder: opened.folder,
    fileSize: opened.fileSize,
    dataFiles: opened.dataFiles,
    problems,
    notices,
    graph: () => graphOf(bytes, fields, signature),
    sha256: opened.sha256,
    verifySha256: async () => {},
    verifyUnchanged: opened.verifyUnchanged,
  };
}

/** What decides the answers of a checkpoint beside its file, for the keys of journals: by the usual value where nothing is said. */
export function decidingFields(checkpoint: Checkpoint): Record<string, CacheKey> {
  const { family, vocabSize, textVocabSize, fields } = checkpoint;
  const { schedule, maskTokenId, timeConditioning, timestepInput, shiftLogits, neverMasked } = fields;
  return {
    ...{ family, vocabSize, maskTokenId: maskTokenId.value },
    schedule: schedule.value && settingsOf(schedule.value),
    timeConditioning: timeConditioning.value,
    ...(timestepInput.value === 't' && { timestepInput: 't' }),
    ...(hasBlocks(checkpoint) && { blockSize: checkpoint.blockSize }),
    ...(textVocabSize !== null && { textVocabSize }),
    ...(shiftLogits.value && { shiftLogits: true }),
    ...(neverMasked.from !== 'default' && neverMasked.value && { neverMasked: [...neverMasked.value] }),
  };
}

/** Keys of a card that this version does not use decide nothing. */
const settingsOf = ({ type, eps, steps, uniformShare }: Schedule): Record<string, CacheKey> => ({
  ...{ type, eps },
  ...(steps !== undefined && { steps }),
  ...(uniformShare !== undefined && { uniformShare }),
});

/** What the card says of rows is done here, once, so that nothing that is appended to the graph needs to know it. */
function graphOf(
  bytes: Uint8Array,
  { family, shiftLogits: shifted }: CheckpointFields,
  { logits }: Signature,
) {
  const graph = Graph.fromBytes(bytes);
  if (shifted.value && family.value !== null && isDiffusion(family.value))
    shiftLogits(graph, 'logits', logits.dtype);
  return graph;
}

/** Whether the graph has moved its logits by a row itself, as the importer of such a network says in its card. */
export function readsRowBefore({ unknownKeys }: Pick<CheckpointDescription, 'unknownKeys'>): boolean {
  const { architecture } = unknownKeys;
  return (
    typeof architecture === 'object' &&
    architecture !== null &&
    'shift' in architecture &&
    !!architecture.shift
  );
}

/** @throws ModelError the first of its problems */
export function checkpointOf(description: CheckpointDescription): Checkpoint {
  if (description.problems.length > 0) throw description.problems[0];
  const { family, vocabSize, schedule, maskTokenId, blockSize, neverMasked, textVocabSize } =
    description.fields;
  // Anything that the family requires and the checkpoint lacks is among the problems (contradictions.ts).
  return {
    ...description,
    family: family.value,
    vocabSize: vocabSize.value,
    textVocabSize: textVocabSize.value,
    neverMasked: neverMasked.value ?? [],
    schedule: family.value === 'ar' ? null : schedule.value,
    maskTokenId: maskTokenId.value,
    ...(family.value !== null && isInBlocks(family.value) && { blockSize: blockSize.value }),
  } as Checkpoint;
}

function modelName(path: string): string {
  return basename(path).replace(/\.onnx$/i, '');
}

/** @throws ModelError when the card names another file's digest */
async function verifyDigest(
  path: string,
  { sha256 }: CheckpointFields,
  snapshot: FileSnapshot,
): Promise<void> {
  if (sha256.value === null) return;
  const said = sha256.value.toLowerCase();
  const found = await snapshot.sha256OfModelFile();
  if (said === found || said === (await snapshot.sha256())) return;
  throw new ModelError({
    code: 'sha256-mismatch',
    message: `${path}: the card says sha256 ${said.slice(0, 12)}…, but the file has ${found.slice(0, 12)}….`,
    hint: 'The model was changed or its download is damaged: get it again, or correct "sha256" in the card.',
  });
}
