/** Whether what is said of a checkpoint agrees with its graph and with itself. */
import { ModelError } from '../errors.js';
import { cardPath as cardPathOf } from './card.js';
import type { CheckpointFields, Field } from './checkpoint.js';
import { FAMILIES, isDiffusion, isMasked } from './family.js';
import type { Signature } from './signature.js';

export interface Findings {
  /** What keeps the checkpoint from being evaluated, the first to mend first. */
  problems: ModelError[];
  /** What is done differently from what was asked, to be said once. */
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
      `${said(vocabSize)} vocabSize ${vocabSize.value}, but the graph's logits are ${width} wide.`,
      fix(vocabSize, '--vocab-size'),
    );
  }

  const { fixedLength } = signature;
  if (length.value !== null && fixedLength !== null && length.value !== fixedLength) {
    if (length.value > fixedLength) {
      notices.push(
        `${where}: ${said(length)} length ${length.value}, but the graph takes exactly ${fixedLength} tokens; ${fixedLength} is used.`,
      );
      fields.length = { value: fixedLength, from: 'detected' };
    } else {
      problem(
        'length-mismatch',
        `${said(length)} length ${length.value}, but the graph takes exactly ${fixedLength} tokens.`,
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
        `${said(id)} ${key} ${id.value}, but the vocabulary ends at ${vocabSize.value - 1}.`,
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

  if (timeConditioning.value && !signature.sigma) {
    problem(
      'no-sigma',
      `${said(timeConditioning)} timeConditioning true, but the graph has no input "sigma".`,
      fix(timeConditioning, null),
    );
  }
  const { schedule } = fields;
  if (family.value !== null && !isDiffusion(family.value) && schedule.value && schedule.from !== 'default') {
    notices.push(
      `${where}: ${said(schedule)} a schedule, which a model of the family ${family.value} has no use for.`,
    );
  }
  return { problems, notices };
}

/** «the card says», by where the field came from. */
function said({ from }: Field<unknown>): string {
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
