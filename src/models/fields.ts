/**
 * What is known about a checkpoint, field by field: where each value comes from (flags, card, ONNX metadata, tensors, the
 * family's default), and whether the values agree with the graph and with each other.
 */
import { existsSync } from 'node:fs';
import { dirname, isAbsolute, join } from 'node:path';
import { type ErrorDetails, ModelError } from '../errors.js';
import { blockProblem } from './architectures/dimensions.js';
import { type Attention, type Card, type CardFile, cardPath as cardPathOf, type Schedule } from './card.js';
import {
  FAMILIES,
  type Family,
  isDiffusion,
  isInBlocks,
  isInSteps,
  isMasked,
  readsNoiseLevel,
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
  /** L′: tokens per block; null but for block diffusion. */
  blockSize: Field<number | null>;
  /** What a token sees. */
  attention: Field<Attention | null>;
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
  const told = signature.sigma !== null && family.value !== null && readsNoiseLevel(family.value);
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
    timeConditioning: pick('timeConditioning', null, told) as Field<boolean>,
    blockSize,
    attention,
    trainedOn: pick('trainedOn'),
    distilled: pick('distilled'),
    note: pick('note'),
    sha256: pick('sha256'),
  };
}

/** Of models whose card names none: that of the published ones. Block diffusion masks with probability t, to the end. */
export const usualSchedule = (family: Family | null): Schedule => ({
  type: 'log-linear',
  eps: family !== null && isInBlocks(family) ? 0 : 1e-3,
  ...(family !== null && isInSteps(family) && { steps: USUAL_STEPS }),
});

/** T of the reference's discrete time. */
const USUAL_STEPS = 1000;

/** A flag says the type of a schedule alone: its number of steps is still the card's. */
function wholeSchedule(
  field: Field<Schedule | null>,
  { cardFile, metadata }: FieldSources,
): Field<Schedule | null> {
  const said = cardFile?.card.schedule ?? metadata.schedule;
  if (field.from !== 'flag' || field.value === null || said?.steps === undefined) return field;
  return { ...field, value: { steps: said.steps, ...field.value } };
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

export interface Findings {
  /** What keeps the checkpoint from being evaluated, in the order in which to fix it. */
  problems: ModelError[];
  /** Deviations from what was requested, to print once. */
  notices: string[];
}

/** @param where the model, for sentences   @param card path of its card, null when there is none */
export function checkAgainstGraph(
  where: string,
  card: string | null,
  fields: CheckpointFields,
  signature: Signature,
): Findings {
  const problems: ModelError[] = [];
  const notices: string[] = [];
  const problem = (code: string, message: string, hint: string) =>
    problems.push(new ModelError({ code, message: `${where}: ${message}`, hint }));
  const fix = (field: Field<unknown>, flag: string | null) =>
    field.from === 'flag' && flag
      ? `Correct or leave out ${flag}.`
      : `Correct ${placeOf(field, where, card)}.`;
  const put = (entry: string) => `Put ${entry} into ${card ?? cardPathOf(where)}`;

  const { family, vocabSize, length, maskTokenId, timeConditioning } = fields;

  if (family.value === null) {
    const why = signature.sigma
      ? 'its input "sigma" says that it is a diffusion model, but not of which family'
      : 'its tensors do not tell';
    problem(
      'no-family',
      `no family is known; ${why}.`,
      `Give --family ${FAMILIES.join('|')}, or put "family" into ${card ?? cardPathOf(where)}.`,
    );
  }

  const { width } = signature.logits;
  if (vocabSize.value === null) {
    problem(
      'no-vocab-size',
      'neither its graph nor a card says how wide the logits are.',
      `${put('"vocabSize"')}.`,
    );
  } else if (width !== null && width !== vocabSize.value) {
    problem(
      'vocab-size-mismatch',
      `${sourceSays(vocabSize)} vocabSize ${vocabSize.value}, but the graph's logits are ${width} wide.`,
      fix(vocabSize, '--vocab-size'),
    );
  }

  const { fixedLength } = signature;
  if (length.value !== null && fixedLength !== null && length.value !== fixedLength) {
    if (length.value > fixedLength) {
      notices.push(
        `${where}: ${sourceSays(length)} length ${length.value}, but the graph takes exactly ${fixedLength} tokens; ${fixedLength} is used.`,
      );
      fields.length = { value: fixedLength, from: 'detected' };
    } else {
      problem(
        'length-mismatch',
        `${sourceSays(length)} length ${length.value}, but the graph takes exactly ${fixedLength} tokens.`,
        length.from === 'flag'
          ? `Use --length ${fixedLength}, or export the model with a dynamic length.`
          : fix(length, null),
      );
    }
  }

  for (const [key, flag] of [
    ['maskTokenId', '--mask-token-id'],
    ['bosTokenId', null],
    ['eosTokenId', null],
  ] as const) {
    const id = fields[key];
    if (id.value !== null && vocabSize.value !== null && id.value >= vocabSize.value) {
      problem(
        'token-outside-vocabulary',
        `${sourceSays(id)} ${key} ${id.value}, but the vocabulary ends at ${vocabSize.value - 1}.`,
        fix(id, flag),
      );
    }
  }

  if (family.value !== null && isMasked(family.value) && maskTokenId.value === null) {
    const last = vocabSize.value === null ? 'the last id' : `the last id, here ${vocabSize.value - 1}`;
    problem(
      'no-mask-token',
      `a model of the family ${family.value} has a mask token, but nothing says which.`,
      `${put('"maskTokenId"')}; the published MDLM and SEDD use ${last}.`,
    );
  }

  if (family.value !== null && isInBlocks(family.value)) {
    for (const { code, message, hint } of blockProblems(fields, signature))
      problem(
        code,
        message,
        hint ?? `${put('"blockSize": n')}, the tokens of a block that it was trained with.`,
      );
  } else if (fields.blockSize.value !== null && family.value !== null) {
    notices.push(
      `${where}: ${sourceSays(fields.blockSize)} blockSize ${fields.blockSize.value}, which a model of the family ${family.value} has no use for.`,
    );
  }

  if (
    fields.schedule.value?.eps === 0 &&
    (timeConditioning.value || fields.schedule.value.type === 'cosine')
  ) {
    problem(
      'schedule-eps',
      'its schedule ends at eps 0, where the noise level is infinite.',
      fix(fields.schedule, '--schedule'),
    );
  }
  if (timeConditioning.value && !signature.sigma) {
    problem(
      'no-sigma',
      `${sourceSays(timeConditioning)} timeConditioning true, but the graph has no input "sigma".`,
      fix(timeConditioning, null),
    );
  }
  const { schedule } = fields;
  const inSteps = family.value !== null && isInSteps(family.value);
  if (inSteps !== (schedule.value?.steps !== undefined) && schedule.value && family.value !== null) {
    problem(
      'steps-of-schedule',
      inSteps
        ? `a model of the family ${family.value} has discrete time, but its schedule does not say of how many steps.`
        : `${sourceSays(schedule)} a schedule of ${schedule.value.steps} steps, but time is continuous in the family ${family.value}.`,
      inSteps
        ? `${put('"schedule": {…, "steps": T}')}; the reference trains with 1,000.`
        : fix(schedule, null),
    );
  }
  if (family.value !== null && !isDiffusion(family.value) && schedule.value && schedule.from !== 'default') {
    notices.push(
      `${where}: ${sourceSays(schedule)} a schedule, which a model of the family ${family.value} has no use for.`,
    );
  }
  return { problems, notices };
}

/** What keeps a checkpoint from being a model of block diffusion; the hint of a missing size depends on the card. */
function blockProblems(
  { blockSize, attention, length, timeConditioning }: CheckpointFields,
  { fixedLength, positionIds, tokenTypeIds }: Signature,
): ErrorDetails[] {
  const problems: ErrorDetails[] = [];
  const size = blockSize.value;
  if (size === null)
    problems.push({
      code: 'no-block-size',
      message: 'a model of block diffusion has blocks, but nothing says how long.',
    });
  const blocks = typeof attention.value === 'object' ? attention.value?.blockCausal : attention.value;
  if (size !== null && blocks !== size) {
    problems.push({
      code: 'blocks-contradict',
      message: `${sourceSays(blockSize)} blockSize ${size}, but ${sourceSays(attention)} attention ${JSON.stringify(attention.value)}.`,
      hint: `Correct one of them: "attention": {"blockCausal": ${size}} belongs to "blockSize": ${size}.`,
    });
  }
  const uneven = size === null || length.value === null ? null : blockProblem(size, length.value);
  if (uneven) problems.push(uneven);
  if (timeConditioning.value) {
    problems.push({
      code: 'one-time-per-block',
      message: `${sourceSays(timeConditioning)} timeConditioning true, but every block of such a model has a noise level of its own, and the network reads one per sequence.`,
      hint: 'Put "timeConditioning": false into the card: the published models read 0.',
    });
  }
  if (!positionIds || !tokenTypeIds) {
    problems.push({
      code: 'no-token-types',
      message: `the graph has no input "${positionIds ? 'token_type_ids' : 'position_ids'}", which tells ${positionIds ? 'noisy tokens from clean ones' : 'where in the text a token is'}.`,
      hint: 'Convert its weights: duo-eval convert. docs/models.md says what such a graph takes.',
    });
  }
  if (fixedLength !== null) {
    problems.push({
      code: 'fixed-length',
      message: `the graph takes exactly ${fixedLength} tokens, but a model of block diffusion reads noisy and clean ones together, as many as there are.`,
      hint: 'Export it with a dynamic length, or convert its weights: duo-eval convert.',
    });
  }
  return problems;
}

/** «the card says» or its like, by the source of the field. */
function sourceSays({ from }: Field<unknown>): string {
  switch (from) {
    case 'flag':
      return 'a flag says';
    case 'metadata':
      return 'its metadata say';
    case 'detected':
      return 'its tensors say';
    default:
      return 'the card says';
  }
}

function placeOf({ from }: Field<unknown>, where: string, card: string | null): string {
  if (from === 'card' && card) return card;
  return from === 'metadata' ? `the metadata of ${where}` : where;
}
