/**
 * config.json as Hugging Face's transformers writes it, versions 4 and 5: each key with the type it must have, and what several
 * model types say in the same way. Nothing that a configuration asks for is left out silently: what the network here does not have is
 * refused by name.
 */
import { ModelError } from '../../errors.js';
import type { RotaryTurn } from '../architectures/rotary.js';
import type { Card } from '../card.js';
import type { PublishedModel } from './published-layout.js';
import type { Source } from './source.js';
import type { KnownTokenizer } from './special-tokens.js';

/** Longest sequence of a card, if no flag says another: attention takes memory that grows with its square. */
const USUAL_LONGEST = 2048;
/** Limit on it, because the rotary tables have that length. */
const LARGEST_LENGTH = 1 << 20;

type Json = Record<string, unknown>;

export class TransformersConfig {
  constructor(
    readonly path: string,
    private readonly json: Json,
  ) {}

  /** @throws ModelError `config-missing`: tensors do not show the number of heads or the kind of positions */
  static of({ where, config }: Pick<PublishedModel, 'where' | 'config'>): TransformersConfig {
    if (config) return new TransformersConfig(config.path, config.json);
    throw new ModelError({
      code: 'config-missing',
      message: `${where} has no config.json beside it, which says what its tensors do not show: heads, positions, norms.`,
      hint: 'Put the config.json of its repository into the same folder.',
    });
  }

  has(key: string): boolean {
    return this.json[key] !== undefined && this.json[key] !== null;
  }

  /** A whole number of at least 1. */
  count(key: string, otherwise?: number): number {
    return this.valueOf(key, otherwise, 'a whole number above 0', (value) =>
      typeof value === 'number' && Number.isSafeInteger(value) && value > 0 ? value : null,
    );
  }

  /** A whole number of at least 0. */
  whole(key: string, otherwise: number): number {
    return this.valueOf(key, otherwise, 'a whole number', (value) =>
      typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 ? value : null,
    );
  }

  /** A number above 0, and not beyond float32, which the network computes in. */
  positive(key: string, otherwise?: number): number {
    return this.valueOf(key, otherwise, 'a number above 0', (value) =>
      typeof value === 'number' && Number.isFinite(Math.fround(value)) && Math.fround(value) > 0
        ? value
        : null,
    );
  }

  /** A number from 0 on and below 1. */
  share(key: string): number {
    return this.valueOf(key, undefined, 'a number from 0 to 1', (value) =>
      typeof value === 'number' && value >= 0 && value < 1 ? value : null,
    );
  }

  flag(key: string, otherwise: boolean): boolean {
    return this.valueOf(key, otherwise, 'true or false', (value) =>
      typeof value === 'boolean' ? value : null,
    );
  }

  /** One of some texts, as the value beside it. */
  choice<T>(key: string, known: Readonly<Record<string, T>>, otherwise?: string): T {
    const value = this.has(key) ? this.json[key] : otherwise;
    const found = typeof value === 'string' && Object.hasOwn(known, value) ? known[value] : undefined;
    if (found !== undefined) return found;
    throw this.unsupported(key, `known: ${Object.keys(known).join(', ')}`);
  }

  /** A part of the configuration with keys of its own; null if it is not there. */
  part(key: string): TransformersConfig | null {
    if (!this.has(key)) return null;
    const value = this.json[key];
    if (typeof value === 'object' && !Array.isArray(value))
      return new TransformersConfig(`${this.path}, ${key}`, value as Json);
    throw this.unsupported(key, 'it should be an object');
  }

  list(key: string): unknown[] {
    const value = this.json[key] ?? [];
    if (Array.isArray(value)) return value;
    throw this.unsupported(key, 'it should be a list');
  }

  /** The id of a token, the first of several; undefined if there is none. */
  token(key: string, vocabSize: number): number | undefined {
    const value = this.json[key];
    const [id] = Array.isArray(value) ? value : [value];
    return Number.isSafeInteger(id) && id >= 0 && id < vocabSize ? id : undefined;
  }

  /** @throws ModelError `unknown-architecture` if a key asks for something that is not built */
  refuse(keys: readonly string[], why: string): void {
    const asked = keys.find((key) => this.has(key) && this.json[key] !== false && this.json[key] !== 0);
    if (asked !== undefined) throw this.unsupported(asked, why);
  }

  unsupported(key: string, why: string): ModelError {
    return new ModelError({
      code: 'unknown-architecture',
      message: `${this.path} says ${key} is ${shown(this.json[key])}: ${why}.`,
      hint: 'Export this model to ONNX instead.',
    });
  }

  /** @throws ModelError `config-contradicts-tensors` for the first size that is not that of the tensors */
  checkSizes(sizes: Readonly<Record<string, number>>): void {
    for (const [key, size] of Object.entries(sizes)) {
      if (this.has(key) && this.json[key] !== size)
        throw this.contradiction(key, shown(this.json[key]), size);
    }
  }

  contradiction(key: string, said: string | number, size: number): ModelError {
    return new ModelError({
      code: 'config-contradicts-tensors',
      message: `${this.path} says ${key} is ${said}, but the tensors say ${size}.`,
      hint: 'The configuration is of another model: put the right one beside the weights.',
    });
  }

  private valueOf<T>(
    key: string,
    otherwise: T | undefined,
    what: string,
    read: (value: unknown) => T | null,
  ): T {
    const value = this.has(key) ? read(this.json[key]) : (otherwise ?? null);
    if (value !== null) return value;
    throw new ModelError({
      code: 'bad-config',
      message: this.has(key)
        ? `${this.path} says ${key} is ${shown(this.json[key])}, and it should be ${what}.`
        : `${this.path} does not say ${key}, which should be ${what}.`,
      hint: 'Get it again from the repository of the weights.',
    });
  }
}

/** Names of activations. */
export const ACTIVATIONS = {
  silu: 'silu',
  swish: 'silu',
  gelu: 'gelu',
  gelu_new: 'gelu-tanh',
  gelu_fast: 'gelu-tanh',
  gelu_pytorch_tanh: 'gelu-tanh',
} as const;

const shown = (value: unknown): string => (JSON.stringify(value) ?? 'nothing').slice(0, 60);

/** Keys under which an older or newer version says the same. */
export interface RotaryKeys {
  theta: string;
  fraction: string;
  /** The fraction of a head's coordinates that turn, if no key says it. */
  usualFraction: number;
}

const USUAL_ROTARY: RotaryKeys = {
  theta: 'rope_theta',
  fraction: 'partial_rotary_factor',
  usualFraction: 1,
};

/**
 * Rotary positions: `rope_parameters` of version 5, else `rope_theta` and `rope_scaling`.
 * @param context the longest sequence that the positions are for   @param length the longest that the network will read
 */
export function rotaryOf(
  config: TransformersConfig,
  { headSize, context, length }: { headSize: number; context: number; length: number },
  keys: RotaryKeys = USUAL_ROTARY,
): RotaryTurn {
  const parameters = config.part('rope_parameters') ?? config.part('rope_scaling');
  const own = (key: string, inParts: string, otherwise: number) =>
    parameters?.has(inParts) ? parameters.positive(inParts, otherwise) : config.positive(key, otherwise);
  const theta = own(keys.theta, 'rope_theta', 10_000);
  const fraction = own(keys.fraction, 'partial_rotary_factor', keys.usualFraction);
  const turned = Math.floor(headSize * fraction);
  return {
    theta,
    ...(turned !== headSize && { turned }),
    ...(parameters && scalingOf(parameters, { context, length })),
  };
}

function scalingOf(
  parameters: TransformersConfig,
  { context, length }: { context: number; length: number },
): Pick<RotaryTurn, 'scaling'> {
  const key = parameters.has('rope_type') ? 'rope_type' : 'type';
  const kinds = {
    default: 'default',
    linear: 'linear',
    llama3: 'llama3',
    yarn: 'yarn',
    dynamic: 'dynamic',
  } as const;
  const kind = parameters.choice(key, kinds, 'default');
  if (kind === 'default') return {};
  const originalLength = parameters.count('original_max_position_embeddings', context);
  if (kind === 'dynamic') {
    if (length <= originalLength) return {};
    throw parameters.unsupported(
      key,
      `beyond ${originalLength} tokens its positions depend on the text's length`,
    );
  }
  const factor = parameters.positive('factor');
  if (kind === 'linear') return { scaling: { type: 'linear', factor } };
  if (kind === 'llama3') {
    const lowFactor = parameters.positive('low_freq_factor');
    const highFactor = parameters.positive('high_freq_factor');
    return { scaling: { type: 'llama3', factor, lowFactor, highFactor, originalLength } };
  }
  return {
    scaling: {
      type: 'yarn',
      factor,
      originalLength,
      betaFast: parameters.positive('beta_fast', 32),
      betaSlow: parameters.positive('beta_slow', 1),
      magnitude: yarnMagnitude(parameters, factor),
      truncates: parameters.flag('truncate', true),
    },
  };
}

/** arXiv 2309.00071, section 3.4: 0.1 ln(factor) + 1, unless the configuration says it. */
function yarnMagnitude(parameters: TransformersConfig, factor: number): number {
  const at = (scale: number) => (factor <= 1 ? 1 : 0.1 * scale * Math.log(factor) + 1);
  if (parameters.has('attention_factor')) return parameters.positive('attention_factor');
  return parameters.has('mscale') && parameters.has('mscale_all_dim')
    ? at(parameters.positive('mscale')) / at(parameters.positive('mscale_all_dim'))
    : at(1);
}

/**
 * The longest sequence of the card: the flag's, else the model's context, but no more than 2,048 tokens.
 * @param usual the context of a configuration that does not say it   @throws ModelError `length-past-context`
 */
export function lengthOf(
  config: TransformersConfig,
  { overrides, where }: Pick<PublishedModel, 'overrides' | 'where'>,
  usual: number,
  key = 'max_position_embeddings',
): { length: number; context: number; notices: string[] } {
  const context = config.count(key, usual);
  const most = Math.min(context, LARGEST_LENGTH);
  const length = overrides.length ?? Math.min(most, USUAL_LONGEST);
  if (length > most) {
    throw new ModelError({
      code: 'length-past-context',
      message: `${where}: its positions are for ${context} tokens, and --length asks for ${length}.`,
      hint: `Use --length ${most} or less.`,
    });
  }
  const shortened = overrides.length === undefined && length < context;
  const notice = `Its context is ${context} tokens; the card takes sequences of up to ${length}, for the sake of memory. --length says otherwise.`;
  return { length, context, notices: shortened ? [notice] : [] };
}

/** @throws ModelError when a sliding window hides tokens of a sequence of this length */
export function checkWindow(config: TransformersConfig, window: number | null, length: number): void {
  if (window === null || window >= length) return;
  throw new ModelError({
    code: 'sliding-window',
    message: `${config.path} says that tokens see ${window} tokens back, which is not built for networks that see later ones: sequences of ${length} tokens would need it.`,
    hint: `Use --length ${window} or less, where the window hides nothing.`,
  });
}

/**
 * The class that a repository names must be the one that is built; code of its own is never run.
 * @throws ModelError `unknown-architecture`
 */
export function checkClass(config: TransformersConfig, known: readonly string[]): void {
  const named = config.list('architectures').filter((name) => !known.includes(String(name)));
  if (named.length > 0) {
    throw config.unsupported('architectures', `of this model_type, ${known.join(' and ')} are known`);
  }
  if (!config.has('auto_map')) return;
  throw config.unsupported(
    'auto_map',
    'the repository brings code of its own for this network, which is never run, and what it changes is not known',
  );
}

/** BOS and EOS of the tokenizer, else of the configuration. */
export function textTokens(
  config: TransformersConfig,
  vocabSize: number,
  tokenizer: KnownTokenizer | null,
): Pick<Card, 'bosTokenId' | 'eosTokenId'> {
  const bosTokenId = tokenizer?.bosTokenId ?? config.token('bos_token_id', vocabSize);
  const eosTokenId = tokenizer?.eosTokenId ?? config.token('eos_token_id', vocabSize);
  return {
    ...(bosTokenId !== undefined && { bosTokenId }),
    ...(eosTokenId !== undefined && { eosTokenId }),
  };
}

/** The `model_type` of a configuration, or null. */
export const modelType = (config: Source['config']): string | null => {
  const type = config?.json.model_type;
  return typeof type === 'string' ? type : null;
};
