/**
 * What is known about a checkpoint, field by field, and where each value comes from: flags, card, ONNX metadata, tensors, the
 * family's default.
 */
import { existsSync } from 'node:fs';
import { dirname, isAbsolute, join } from 'node:path';
import type { Attention, Card, CardFile, Schedule, TimestepInput } from './card.js';
import {
  type Family,
  isDiffusion,
  isInBlocks,
  isInSteps,
  isMixed,
  usuallyNeverMasked,
  usualTimestep,
} from './family.js';
import { detectFamily, type Signature } from './signature.js';

export type Provenance = 'flag' | 'card' | 'metadata' | 'detected' | 'default' | 'missing';

export interface Field<T> {
  value: T;
  from: Provenance;
}

export interface CheckpointFields {
  family: Field<Family | null>;
  /** Width of the logits; K of the uniform-state formulas. */
  vocabSize: Field<number | null>;
  /** Tokens per sequence. */
  length: Field<number | null>;
  /** A folder or a tokenizer.json, relative to the working directory, or absolute. */
  tokenizer: Field<string | null>;
  bosTokenId: Field<number | null>;
  eosTokenId: Field<number | null>;
  maskTokenId: Field<number | null>;
  /** null for autoregressive models. */
  schedule: Field<Schedule | null>;
  /** Does the network read the noise level? If not, an input `sigma` is fed 0. */
  timeConditioning: Field<boolean>;
  /** As what it reads it: σ, or the time. */
  timestepInput: Field<TimestepInput>;
  /** L′: tokens per block; null but for block diffusion. */
  blockSize: Field<number | null>;
  /** What a token sees. */
  attention: Field<Attention | null>;
  /** Whether row i − 1 of the graph's logits belongs to token i; null but for denoisers. */
  shiftLogits: Field<boolean | null>;
  /** Positions that never become the mask; null but for masked families. */
  neverMasked: Field<readonly number[] | null>;
  /** Logits from here on are padding; null: all are tokens. */
  textVocabSize: Field<number | null>;
  trainedOn: Field<string | null>;
  distilled: Field<unknown>;
  note: Field<string | null>;
  /** The expected SHA-256 of the model file. */
  sha256: Field<string | null>;
}

/** Values given by flags; relative paths are relative to the working directory. */
export type CheckpointOverrides = Pick<
  Card,
  | 'family'
  | 'vocabSize'
  | 'length'
  | 'tokenizer'
  | 'bosTokenId'
  | 'eosTokenId'
  | 'maskTokenId'
  | 'blockSize'
  | 'schedule'
  | 'timeConditioning'
  | 'timestepInput'
  | 'attention'
  | 'shiftLogits'
  | 'neverMasked'
  | 'textVocabSize'
>;

export interface FieldSources {
  path: string | null;
  signature: Signature;
  cardFile: CardFile | null;
  metadata: Card;
  overrides: CheckpointOverrides;
}

export function mergeFields(sources: FieldSources): CheckpointFields {
  const { signature, path } = sources;
  const pick = <K extends keyof Card & string, T = NonNullable<Card[K]>>(
    key: K,
    detected: T | null = null,
    fallback: T | null = null,
  ): Field<T | null> => {
    const layers: [Provenance, unknown][] = [
      ['flag', (sources.overrides as Card)[key]],
      ['card', sources.cardFile?.card[key]],
      ['metadata', sources.metadata[key]],
      ['detected', detected],
      ['default', fallback],
    ];
    const [from, value] = layers.find(([, given]) => given !== undefined && given !== null) ?? [
      'missing',
      null,
    ];
    return { from, value: value as T | null };
  };

  const family = pick('family', detectFamily(signature));
  const diffusion = family.value !== null && isDiffusion(family.value);
  const usual = diffusion ? usualSchedule(family.value) : null;
  const schedule = wholeSchedule(pick('schedule', null, usual), sources);
  const { blockSize, attention } = attended(family.value, pick('blockSize'), pick('attention'));
  return {
    family,
    vocabSize: pick('vocabSize', signature.logits.width),
    length: pick('length', signature.fixedLength),
    tokenizer: tokenizerPath(pick('tokenizer', path === null ? null : tokenizerBesideModel(path)), sources),
    bosTokenId: pick('bosTokenId'),
    eosTokenId: pick('eosTokenId'),
    maskTokenId: pick('maskTokenId'),
    schedule,
    ...timestepOf(family.value, signature, pick('timeConditioning'), pick('timestepInput')),
    blockSize,
    attention,
    shiftLogits: pick('shiftLogits', null, diffusion ? false : null),
    neverMasked: pick('neverMasked', null, usualNeverMasked(family.value)),
    textVocabSize: pick('textVocabSize'),
    trainedOn: pick('trainedOn'),
    distilled: pick('distilled'),
    note: pick('note'),
    sha256: pick('sha256'),
  };
}

/** Of models whose card names none: that of the published ones. Block diffusion masks with probability t, to the end. */
export const usualSchedule = (family: Family | null): Schedule =>
  family !== null && isMixed(family)
    ? { type: 'mixed', eps: 1e-4 } // its share of uniform noise differs from model to model
    : {
        type: 'log-linear',
        eps: family !== null && isInBlocks(family) ? 0 : 1e-3,
        ...(family !== null && isInSteps(family) && { steps: USUAL_STEPS }),
      };

/** T of the reference's discrete time. */
const USUAL_STEPS = 1000;

/** A flag says the type of a schedule alone: its number of steps is still the card's. */
function wholeSchedule(
  field: Field<Schedule | null>,
  { cardFile, metadata }: FieldSources,
): Field<Schedule | null> {
  const said = cardFile?.card.schedule ?? metadata.schedule;
  if (field.from !== 'flag' || field.value === null) return field;
  const { steps, uniformShare } = said ?? {};
  return {
    ...field,
    value: {
      ...(steps !== undefined && { steps }),
      ...(uniformShare !== undefined && field.value.type === 'mixed' && { uniformShare }),
      ...field.value,
    },
  };
}

/** Null where no position is singled out. */
function usualNeverMasked(family: Family | null): number[] | null {
  const usual = family === null ? [] : usuallyNeverMasked(family);
  return usual.length > 0 ? [...usual] : null;
}

/** "timeConditioning" and "timestepInput" say the same of a network that reads nothing; either is enough. */
function timestepOf(
  family: Family | null,
  { sigma }: Signature,
  isTold: Field<boolean | null>,
  asWhat: Field<TimestepInput | null>,
): Pick<CheckpointFields, 'timeConditioning' | 'timestepInput'> {
  const usual = family === null ? 'none' : usualTimestep(family);
  const ofTold = (told: boolean): TimestepInput => (!told ? 'none' : usual === 'none' ? 'sigma' : usual);
  const timestepInput: Field<TimestepInput> =
    asWhat.value !== null
      ? { ...asWhat, value: asWhat.value }
      : isTold.value !== null
        ? { value: ofTold(isTold.value), from: isTold.from }
        : { value: sigma === null ? 'none' : usual, from: 'default' };
  const timeConditioning: Field<boolean> =
    isTold.value !== null
      ? { ...isTold, value: isTold.value }
      : { value: timestepInput.value !== 'none', from: timestepInput.from };
  return { timeConditioning, timestepInput };
}

/** "blockSize" and "attention" say the same of block diffusion; either is enough. */
function attended(
  family: Family | null,
  size: Field<number | null>,
  said: Field<Attention | null>,
): Pick<CheckpointFields, 'blockSize' | 'attention'> {
  if (family === null || !isInBlocks(family)) {
    const usual = family === null || isDiffusion(family) ? 'full' : 'causal';
    const attention = said.value === null ? ({ value: usual, from: 'default' } as const) : said;
    return { attention, blockSize: size.value === null ? { value: null, from: 'default' } : size };
  }
  const blocks = said.value !== null && typeof said.value === 'object' ? said.value.blockCausal : null;
  const blockSize = size.value === null && blocks !== null ? { value: blocks, from: said.from } : size;
  const same = blockSize.value === null ? null : { blockCausal: blockSize.value };
  return { blockSize, attention: said.value === null ? { value: same, from: blockSize.from } : said };
}

/** Paths in a card are relative to the card, paths in metadata to the model. */
function tokenizerPath(field: Field<string | null>, { path, cardFile }: FieldSources): Field<string | null> {
  const base = field.from === 'card' ? cardFile?.path : field.from === 'metadata' ? path : null;
  if (field.value === null || !base || isAbsolute(field.value)) return field;
  return { ...field, value: join(dirname(base), field.value) };
}

function tokenizerBesideModel(path: string): string | null {
  const candidate = join(dirname(path), 'tokenizer.json');
  return existsSync(candidate) ? candidate : null;
}
