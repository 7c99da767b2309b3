/** What `inspect` reports about a checkpoint: every field with its source, the tensors, and how to supply what is missing. */

import { statSync } from 'node:fs';
import { relative } from 'node:path';
import { ModelError } from '../errors.js';
import { plainText } from '../terminal-text.js';
import type { CheckpointDescription } from './checkpoint.js';
import { isDiffusion, isInSteps } from './family.js';
import type { CheckpointFields, Field } from './fields.js';
import type { TensorSignature } from './signature.js';
import { type StoredWeights, storedWeights } from './stored-weights.js';

export interface Inspection {
  schemaVersion: 1;
  model: {
    name: string;
    path: string | null;
    /** Bytes of the model file. */
    size: number;
    sha256: string;
    /** Path of the card; null when there is none. */
    card: string | null;
    /** Files beside the model that hold weights, relative to its folder. */
    externalData: { file: string; size: number }[];
    opset: number;
    irVersion: number;
    producer: string | null;
    /** Number of parameters; shared ones count once. */
    parameters: number;
    /** How they are stored, the largest part first. */
    weights: StoredWeights[];
  };
  fields: { [K in keyof CheckpointFields]: Field<unknown> };
  /** Keys of card and metadata that this version does not use. */
  unknownKeys: Record<string, unknown>;
  inputs: TensorSignature[];
  outputs: TensorSignature[];
  /** What keeps it from being evaluated. */
  problems: Advice[];
  /** What an evaluation will still require, or will do differently from what was requested. */
  remarks: Advice[];
}

export interface Advice {
  message: string;
  hint: string | null;
}

export async function inspectCheckpoint(checkpoint: CheckpointDescription): Promise<Inspection> {
  const problems: Advice[] = checkpoint.problems.map(({ message, hint }) => ({ message, hint }));
  await checkpoint.verifySha256().catch((error: unknown) => {
    if (!(error instanceof ModelError)) throw error;
    problems.push({ message: error.message, hint: error.hint });
  });
  const graph = checkpoint.graph();
  const { model } = graph;
  const weights = storedWeights(graph);
  return clean({
    schemaVersion: 1,
    model: {
      name: checkpoint.name,
      path: checkpoint.path,
      size: checkpoint.fileSize,
      sha256: await checkpoint.sha256(),
      card: checkpoint.cardPath,
      externalData: checkpoint.dataFiles.slice(1).map((file) => ({
        file: relative(checkpoint.folder, file),
        size: statSync(file).size,
      })),
      opset: graph.opset,
      irVersion: Number(model.irVersion),
      producer: [model.producerName, model.producerVersion].filter(Boolean).join(' ') || null,
      parameters: weights.reduce((sum, { parameters }) => sum + parameters, 0),
      weights,
    },
    fields: checkpoint.fields,
    unknownKeys: checkpoint.unknownKeys,
    inputs: checkpoint.signature.inputs,
    outputs: checkpoint.signature.outputs,
    problems,
    remarks: [...checkpoint.notices.map((message) => ({ message, hint: null })), ...remarksOn(checkpoint)],
  });
}

/** Names and metadata come from other people: their text must not control a terminal, not even as JSON. */
function clean<T>(value: T): T {
  if (typeof value === 'string') return plainText(value) as T;
  if (Array.isArray(value)) return value.map(clean) as T;
  if (value === null || typeof value !== 'object') return value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [plainText(key), clean(inner)])) as T;
}

/** What the card says of rows and positions, explained. */
function remarksOnRows({
  attention,
  shiftLogits,
  neverMasked,
  textVocabSize,
  family,
  vocabSize,
}: CheckpointFields): Advice[] {
  const explain = (message: string): Advice => ({ message, hint: null });
  const remarks: Advice[] = [];
  if (shiftLogits.value && family.value !== null && isDiffusion(family.value))
    remarks.push(
      explain('Row i − 1 of its logits is read for token i, and row 0 for token 0 too (shiftLogits).'),
    );
  if (neverMasked.value?.includes(0))
    remarks.push(
      explain(
        'The first token of a text is never masked: it is given, as a BOS, and not scored (neverMasked).',
      ),
    );
  if (textVocabSize.value !== null && textVocabSize.value !== vocabSize.value)
    remarks.push(
      explain(
        `Logits from ${textVocabSize.value} on are padding that no tokenizer makes: they never count (textVocabSize).`,
      ),
    );
  if (attention.value === 'causal' && family.value !== null && isDiffusion(family.value))
    remarks.push(explain('A token sees those up to itself, and no later one (attention).'));
  else if (attention.value !== null && typeof attention.value === 'object')
    remarks.push(
      explain(
        `A token sees those of its block of ${attention.value.blockCausal} and of earlier blocks (attention).`,
      ),
    );
  return remarks;
}

/** What the input `sigma` is fed, by timestepInput. */
const FED = { none: '0', sigma: 'the noise level', t: 'the time t, from 0 to 1' } as const;

function remarksOn({ fields, signature }: CheckpointDescription): Advice[] {
  const remarks: Advice[] = [];
  const remark = (message: string, hint: string | null) => remarks.push({ message, hint });
  if (fields.tokenizer.value === null) {
    remark(
      'No tokenizer is known: text cannot be turned into token ids.',
      'Give --tokenizer a folder or a tokenizer.json, or put "tokenizer" into the card.',
    );
  }
  if (fields.length.value === null) {
    remark(
      'No length is known, and the graph takes any.',
      'Give --length the tokens of a sequence it was trained with, or put "length" into the card.',
    );
  }
  if (fields.bosTokenId.value === null || fields.eosTokenId.value === null) {
    remark(
      'No BOS and EOS are named; the tokenizer is asked for them.',
      'Put "bosTokenId" and "eosTokenId" into the card if it does not know them.',
    );
  }
  remarks.push(...remarksOnRows(fields));
  const { family, schedule } = fields;
  if (family.value !== null && isDiffusion(family.value) && schedule.from === 'default') {
    remark(
      `The noise schedule is taken to be ${schedule.value?.type}, as published; nothing says so.`,
      'If it was another, give --schedule, or put "schedule" into the card.',
    );
  }
  if (signature.sigma && family.value !== null && fields.timeConditioning.from === 'default') {
    remark(
      `The input sigma is fed ${FED[fields.timestepInput.value]}, as in the published ${family.value}.`,
      'Put "timestepInput" into the card to say so, or otherwise.',
    );
  } else if (signature.sigma && fields.timestepInput.value === 't') {
    remark(`The input sigma is fed ${FED.t} (timestepInput).`, null);
  }
  if (schedule.value?.type === 'mixed' && schedule.value.uniformShare !== undefined) {
    const share = schedule.value.uniformShare;
    remark(
      `Its noise is the mask and any other token: at t = 1/2, a share of ${share} of the tokens is uniform noise (uniformShare).`,
      null,
    );
  }
  if (signature.fixedBatch !== null) {
    remark(`The graph takes exactly ${signature.fixedBatch} sequences per call.`, null);
  }
  if (family.value !== null && isInSteps(family.value) && schedule.value?.steps !== undefined) {
    remark(
      `Its bound has ${schedule.value.steps} steps and the reconstruction of the clean text: two calls per draw.`,
      null,
    );
  }
  return remarks;
}
