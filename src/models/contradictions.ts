/** Whether what is known about a checkpoint (fields.ts) agrees with its graph, with its family and with itself. */
import { type ErrorDetails, ModelError } from '../errors.js';
import { blockProblem } from './architectures/dimensions.js';
import { cardPath as cardPathOf } from './card.js';
import {
  FAMILIES,
  type Family,
  isDiffusion,
  isInBlocks,
  isInSteps,
  isMasked,
  isMixed,
  isUniformState,
  usesMask,
} from './family.js';
import type { CheckpointFields, Field } from './fields.js';
import type { Signature } from './signature.js';

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

  const masked = family.value !== null && usesMask(family.value);
  for (const [key, flag] of [
    ['maskTokenId', '--mask-token-id'],
    ['bosTokenId', null],
    ['eosTokenId', null],
  ] as const) {
    const id = fields[key];
    if (id.value === null || vocabSize.value === null) continue;
    // Some models read their mask and never predict it: a row of the embedding after those of the logits.
    const isOnlyRead = key === 'maskTokenId' && masked && id.value < (signature.embeddingRows ?? 0);
    if (id.value >= vocabSize.value && !isOnlyRead) {
      problem(
        'token-outside-vocabulary',
        `${sourceSays(id)} ${key} ${id.value}, but the vocabulary ends at ${vocabSize.value - 1}.`,
        fix(id, flag),
      );
    }
  }

  if (masked && maskTokenId.value === null) {
    const last = vocabSize.value === null ? 'the last id' : `the last id, here ${vocabSize.value - 1}`;
    problem(
      'no-mask-token',
      `a model of the family ${family.value} has a mask token, but nothing says which.`,
      `${put('"maskTokenId"')}; the published MDLM, SEDD and GIDD use ${last}.`,
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

  for (const { code, message, hint, field } of rowProblems(fields))
    problem(code, message, hint ?? fix(field, null));

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
  const { timestepInput } = fields;
  if (timeConditioning.value !== (timestepInput.value !== 'none')) {
    problem(
      'timestep-contradicts',
      `${sourceSays(timeConditioning)} timeConditioning ${timeConditioning.value}, but ${sourceSays(timestepInput)} timestepInput "${timestepInput.value}".`,
      'Leave out one of them: "timestepInput" says all.',
    );
  }
  if (timeConditioning.value && !signature.sigma) {
    problem(
      'no-sigma',
      `${sourceSays(timeConditioning)} timeConditioning true, but the graph has no input "sigma".`,
      fix(timeConditioning, null),
    );
  }
  const { schedule, shiftLogits } = fields;
  if (family.value !== null && !isDiffusion(family.value) && shiftLogits.value) {
    notices.push(
      `${where}: ${sourceSays(shiftLogits)} shiftLogits true, as every model of the family ${family.value} is read; nothing is shifted twice.`,
    );
  }
  const mixed = family.value !== null && isMixed(family.value);
  if (family.value !== null && isDiffusion(family.value) && schedule.value) {
    const { type, uniformShare } = schedule.value;
    if (mixed !== (type === 'mixed')) {
      problem(
        'schedule-of-family',
        mixed
          ? `${sourceSays(schedule)} a schedule of type ${type}, but the noise of a model of the family ${family.value} is masks and uniform noise together: type mixed.`
          : `${sourceSays(schedule)} a schedule of type mixed, but a model of the family ${family.value} has noise of one kind.`,
        fix(schedule, '--schedule'),
      );
    } else if (mixed && uniformShare === undefined) {
      problem(
        'schedule-uniform-share',
        `a model of the family ${family.value} was trained with a share of uniform noise, but nothing says which.`,
        `${put('"schedule": {"type": "mixed", "uniformShare": 0.2}')}, with the p_uniform of its training.`,
      );
    }
  }
  const inSteps = family.value !== null && isInSteps(family.value);
  if (family.value !== null && schedule.value && inSteps !== (schedule.value.steps !== undefined)) {
    problem(
      'steps-of-schedule',
      inSteps
        ? `a model of the family ${family.value} has discrete time, but its schedule does not say of how many steps.`
        : `${sourceSays(schedule)} a schedule of ${schedule.value.steps} steps, but time is continuous in the family ${family.value}.`,
      inSteps
        ? `${put('"schedule": {"type": "log-linear", "steps": T}')}; the reference trains with 1,000.`
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

interface RowProblem {
  code: string;
  message: string;
  /** By default, to correct the field. */
  hint?: string;
  field: Field<unknown>;
}

/** What the card says of rows and positions that a model of its family cannot have. */
function rowProblems(fields: CheckpointFields): RowProblem[] {
  const { family, attention, shiftLogits, neverMasked, textVocabSize, vocabSize, maskTokenId } = fields;
  const problems: RowProblem[] = [];
  if (family.value === null) return problems;
  if (!isDiffusion(family.value) && attention.value !== 'causal') {
    problems.push({
      code: 'attention-contradicts',
      message: `${sourceSays(attention)} attention ${JSON.stringify(attention.value)}, but a model of the family ${family.value} sees no later token.`,
      hint: 'It would be scored on text that it has seen. If it fills masks, its family is mdlm.',
      field: attention,
    });
  }
  if (shiftLogits.value && isInBlocks(family.value)) {
    problems.push({
      code: 'shift-across-blocks',
      message: `${sourceSays(shiftLogits)} shiftLogits true, but the row before a block is another block's.`,
      hint: 'Convert its weights: duo-eval convert. The shift then is inside the network.',
      field: shiftLogits,
    });
  }
  const positions = neverMasked.value ?? [];
  const beyond = positions.find((position) => position > 0);
  if (beyond !== undefined) {
    problems.push({
      code: 'never-masked',
      message: `${sourceSays(neverMasked)} neverMasked ${JSON.stringify(positions)}, but only the first token of a text, position 0, can be given.`,
      field: neverMasked,
    });
  } else if (positions.length > 0 && !isMasked(family.value)) {
    problems.push({
      code: 'never-masked',
      message: `${sourceSays(neverMasked)} neverMasked ${JSON.stringify(positions)}, but a model of the family ${family.value} masks nothing.`,
      field: neverMasked,
    });
  }
  const text = textVocabSize.value;
  if (text !== null && vocabSize.value !== null && text > vocabSize.value) {
    problems.push({
      code: 'text-vocab-size',
      message: `${sourceSays(textVocabSize)} textVocabSize ${text}, but the logits are only ${vocabSize.value} wide.`,
      field: textVocabSize,
    });
  }
  if (text !== null && hasAnyToken(family.value) && text !== vocabSize.value) {
    problems.push({
      code: 'text-vocab-size',
      message: `${sourceSays(textVocabSize)} textVocabSize ${text}, but the noise of a model of the family ${family.value} is any of the ${vocabSize.value ?? 'K'} tokens of its logits.`,
      field: textVocabSize,
    });
  }
  if (text !== null && text <= 2 && maskTokenId.value !== null && maskTokenId.value < text) {
    problems.push({
      code: 'text-vocab-size',
      message: `${sourceSays(textVocabSize)} textVocabSize ${text}, of which one is the mask: nothing is left to say.`,
      field: textVocabSize,
    });
  }
  return problems;
}

/** Families whose noise may be any token of the logits. */
const hasAnyToken = (family: Family): boolean => isUniformState(family) || isMixed(family);

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
