/**
 * What a configuration of the reference's models says, in any published form: the flat config.json of the
 * hub's models, the nested one of its training (`algo`, `model`, `noise`), bare, under `config`, or inside a .ckpt; and the
 * nested ones of SEDD (louaaron/Score-Entropy-Discrete-Diffusion), RADD (ML-GSAI/RADD) and SDTT (jdeschena/sdtt).
 * Configurations sometimes contradict their weights, so each fact keeps the key that it was read from.
 */
import { ModelError } from '../../errors.js';
import type { Schedule } from '../card.js';
import { type Family, isInBlocks } from '../family.js';
import { usualSchedule } from '../fields.js';
import type { ImportOverrides } from './published-layout.js';

export interface Fact<T> {
  key: string;
  value: T;
}

export interface ReferenceConfig {
  /** The file, for messages. */
  where: string;
  /** Its own name, e.g. `duo_base`; null if it has none. */
  kind: Fact<string> | null;
  family: Family | null;
  causal: Fact<boolean> | null;
  hiddenSize: Fact<number> | null;
  conditionSize: Fact<number> | null;
  blocks: Fact<number> | null;
  heads: Fact<number> | null;
  vocabSize: Fact<number> | null;
  length: Fact<number> | null;
  timeConditioning: Fact<boolean> | null;
  /** Block diffusion: tokens per block, and whether the network reads the clean text beside the noisy one. */
  blockSize: Fact<number> | null;
  readsCleanText: Fact<boolean> | null;
  /** Whether the noise level reaches the blocks of the network. */
  adaLN: Fact<boolean> | null;
  schedule: Schedule | null;
  /** T of discrete time, and whether the network's own probability of the mask is left out (d3pm). */
  steps: Fact<number> | null;
  leavesMaskOut: Fact<boolean> | null;
  /** SEDD's own: what noise puts in place of a token (`absorb`: the mask), and whether the noise level scales the scores. */
  process: Fact<string> | null;
  scaledBySigma: Fact<boolean> | null;
  /** Rows of the embedding as SEDD and RADD say it: the tokenizer's tokens, and one for the mask. */
  rows: Fact<number> | null;
  /** SDTT: distilled, whatever its file is called; with Di4C, the network reads a random number besides the tokens. */
  distilled: boolean;
  di4c: Fact<boolean> | null;
}

/** Names of algorithms and model types, and the family each trains. */
const FAMILY_OF: Readonly<Record<string, Family>> = {
  duo: 'duo',
  duo_base: 'duo',
  udlm: 'duo',
  distillation: 'duo',
  'ot-finetune': 'duo',
  mdlm: 'mdlm',
  'multi-round-sdtt': 'mdlm',
  sedd: 'sedd',
  bd3lm: 'bd3lm',
  d3pm: 'd3pm',
  ar: 'ar',
};

/** @throws ModelError `bad-config` for an impossible value */
export function readReferenceConfig(where: string, json: unknown): ReferenceConfig {
  const root = objectOf(json) ?? {};
  const config = objectOf(root.config) ?? root;
  const algo = objectOf(config.algo) ?? {};
  const model = objectOf(config.model) ?? {};
  const find = (...places: [Record<string, unknown>, string, string][]): Fact<unknown> | null => {
    for (const [object, key, name] of places) {
      if (object[key] !== undefined && object[key] !== null) return { key: name, value: object[key] };
    }
    return null;
  };
  const flat = (key: string): [Record<string, unknown>, string, string] => [config, key, key];
  const inModel = (key: string): [Record<string, unknown>, string, string] => [model, key, `model.${key}`];
  const inAlgo = (key: string): [Record<string, unknown>, string, string] => [algo, key, `algo.${key}`];
  const size = (fact: Fact<unknown> | null) => whole(where, fact);
  const stepsOf = (fact: Fact<unknown> | null) => (fact?.value === 0 ? null : size(fact));
  // SEDD's own configurations name the forward process, not an algorithm.
  const process = text(find([objectOf(config.graph) ?? {}, 'type', 'graph.type']));
  const absorbing = process?.value === 'absorb' ? { key: 'graph.type', value: 'sedd' } : null;
  const parameterization = objectOf(config.parameterization) ?? {};
  // MDLM's names its loss: d3pm is one.
  const discrete = config.parameterization === 'd3pm' ? { key: 'parameterization', value: 'd3pm' } : null;
  const kind = text(
    find(inAlgo('name'), flat('model_type'), [parameterization, 'name', 'parameterization.name']) ??
      absorbing ??
      discrete,
  );
  const tokens = size(find(flat('tokens')));
  return {
    where,
    kind,
    family: kind ? familyOf(kind.value) : null,
    causal: flag(where, find(inAlgo('causal_attention'), flat('causal'))),
    hiddenSize: size(find(inModel('hidden_size'), flat('hidden_dim'))),
    conditionSize: size(find(inModel('cond_dim'), flat('cond_dim'))),
    blocks: size(find(inModel('n_blocks'), flat('n_blocks'))),
    heads: size(find(inModel('n_heads'), flat('n_heads'))),
    vocabSize: size(find([root, 'vocab_size', 'vocab_size'], flat('vocab_size'))),
    length: size(find(inModel('length'), flat('model_length'))),
    timeConditioning: flag(where, find(inAlgo('time_conditioning'), flat('time_conditioning'))),
    blockSize: size(find(flat('block_size'), inAlgo('block_size'))),
    readsCleanText: flag(where, find(inAlgo('cross_attn'), flat('cross_attn'))),
    adaLN: flag(where, find(inModel('adaln'), flat('adaln'))),
    schedule: scheduleOf(where, objectOf(config.noise)),
    // 0 stands for continuous time.
    steps: stepsOf(find(inAlgo('T'), flat('T'))),
    leavesMaskOut: flag(where, find(inAlgo('subs_masking'), flat('subs_masking'))),
    process,
    scaledBySigma: flag(where, find(inModel('scale_by_sigma'))),
    rows: tokens && { key: 'tokens, with the mask,', value: tokens.value + 1 },
    distilled: kind?.value === 'multi-round-sdtt',
    di4c: flag(where, find(flat('is_di4c'))),
  };
}

/** The noise of a model's training. The reference's block diffusion masks with probability t, whatever a configuration says of it. */
export function trainedSchedule(
  family: Family,
  config: ReferenceConfig | null,
  { schedule, diffusionSteps }: ImportOverrides,
): Schedule {
  const { steps = null, ...usual } = usualSchedule(family);
  const said = schedule ?? (isInBlocks(family) ? null : config?.schedule) ?? usual;
  return steps === null ? said : { ...said, steps: diffusionSteps ?? config?.steps?.value ?? steps };
}

function familyOf(name: string): Family | null {
  const key = name.toLowerCase();
  return Object.hasOwn(FAMILY_OF, key) ? FAMILY_OF[key] : null;
}

function scheduleOf(where: string, noise: Record<string, unknown> | null): Schedule | null {
  if (!noise) return null;
  const type = noise.type === 'loglinear' ? 'log-linear' : noise.type;
  const eps = typeof noise.eps === 'string' ? Number(noise.eps) : (noise.eps ?? 1e-3);
  if ((type === 'log-linear' || type === 'cosine') && typeof eps === 'number' && eps > 0 && eps < 1) {
    return { type, eps };
  }
  if (type === 'geometric') {
    throw new ModelError({
      code: 'schedule-type',
      message: `${where} says noise.type is "geometric", a noise schedule that is not known here.`,
      hint: 'Known are log-linear, which the published SEDD models have, and cosine.',
    });
  }
  throw bad(
    where,
    { key: 'noise', value: noise },
    'a noise schedule, log-linear or cosine, with an eps between 0 and 1',
  );
}

function whole(where: string, fact: Fact<unknown> | null): Fact<number> | null {
  if (!fact) return null;
  if (Number.isSafeInteger(fact.value) && (fact.value as number) > 0) return fact as Fact<number>;
  throw bad(where, fact, 'a whole number of at least 1');
}

function flag(where: string, fact: Fact<unknown> | null): Fact<boolean> | null {
  if (!fact || typeof fact.value === 'boolean') return fact as Fact<boolean> | null;
  throw bad(where, fact, 'true or false');
}

const text = (fact: Fact<unknown> | null): Fact<string> | null =>
  typeof fact?.value === 'string' ? (fact as Fact<string>) : null;

const objectOf = (value: unknown): Record<string, unknown> | null =>
  value !== null && typeof value === 'object' && !Array.isArray(value)
    ? (value as Record<string, unknown>)
    : null;

function bad(where: string, { key, value }: Fact<unknown>, takes: string): ModelError {
  return new ModelError({
    code: 'bad-config',
    message: `${where}: "${key}" is ${JSON.stringify(value)?.slice(0, 60)}, and should be ${takes}.`,
    hint: 'Correct the configuration, or get it again.',
  });
}
