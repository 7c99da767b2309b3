/** Flags that say of a checkpoint what its card does not, or otherwise: the same for every command that opens one. */
import { existsSync } from 'node:fs';
import { UsageError } from '../errors.js';
import { FAMILIES } from '../models/family.js';
import { choice, integer, string } from './flags.js';

const GROUP = 'CHECKPOINT';

/** What stands at the ends of a sequence, where data are packed or text is given. */
const boundaries = (known: string, helpGroup?: string) => ({
  'bos-token-id': integer({ min: 0, summary: `Id of BOS. [default: ${known}]`, helpGroup }),
  'eos-token-id': integer({ min: 0, summary: `Id of EOS. [default: ${known}]`, helpGroup }),
});

export const boundaryFlags = boundaries("the tokenizer's");

export interface BoundaryFlagValues {
  'bos-token-id'?: number;
  'eos-token-id'?: number;
}

export const boundariesOf = (flags: BoundaryFlagValues) => ({
  bosTokenId: flags['bos-token-id'],
  eosTokenId: flags['eos-token-id'],
});

export const checkpointFlags = {
  family: choice(FAMILIES)({ summary: 'Kind of model.', helpGroup: GROUP }),
  tokenizer: string({
    summary: 'Tokenizer: a folder or a tokenizer.json.',
    helpValue: '<path>',
    helpGroup: GROUP,
  }),
  'vocab-size': integer({ min: 2, summary: 'Width of the logits.', helpGroup: GROUP }),
  'mask-token-id': integer({ min: 0, summary: 'Id of the mask token.', helpGroup: GROUP }),
  ...boundaries("the card's, else the tokenizer's", GROUP),
  schedule: choice(['log-linear', 'cosine'])({
    summary: 'Noise schedule it was trained with.',
    helpGroup: GROUP,
  }),
};

interface CheckpointFlagValues extends BoundaryFlagValues {
  family?: (typeof FAMILIES)[number];
  tokenizer?: string;
  'vocab-size'?: number;
  'mask-token-id'?: number;
  schedule?: 'log-linear' | 'cosine';
}

/** The flags as what overrides a card. */
export function checkpointOverrides(flags: CheckpointFlagValues) {
  return {
    family: flags.family,
    tokenizer: flags.tokenizer,
    vocabSize: flags['vocab-size'],
    maskTokenId: flags['mask-token-id'],
    ...boundariesOf(flags),
    schedule: flags.schedule && { type: flags.schedule, eps: 1e-3 },
  };
}

/**
 * `name=path` or a path, as `--model` takes it. A file whose name holds `=` is meant where there is one and none of what
 * follows the sign; `./a=b.onnx` is a path always.
 */
export function parseModelSpec(spec: string): { name: string | undefined; path: string } {
  const named = /^([A-Za-z0-9][\w.+-]*)=(.+)$/s.exec(spec);
  if (!named || (!existsSync(named[2]) && existsSync(spec))) return { name: undefined, path: spec };
  return { name: named[1], path: named[2] };
}

/** Rows are told apart by name. @throws UsageError */
export function checkDistinctNames(names: readonly string[]): void {
  const twice = names.find((name, i) => names.indexOf(name) !== i);
  if (twice === undefined) return;
  throw new UsageError({
    code: 'duplicate-model-name',
    message: `Two models are called "${twice}".`,
    hint: `Name them: --model first=path --model second=path`,
  });
}
