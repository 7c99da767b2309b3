/**
 * Texts that are written for a request: from its parameters to a draw, and from drawn tokens to text as it comes. What is told before
 * the end does not change any more: tokens that are settled, and of their text what no stop sequence can take back.
 */
import { randomInt } from 'node:crypto';
import { UsageError } from '../errors.js';
import { isDiffusion, isInBlocks, isMasked } from '../models/family.js';
import { checkFamily, resolveSampler, samplerOptions, samplersFor } from '../samplers/registry.js';
import { sampledModel } from '../sampling/sample-request.js';
import type { DrawSetting } from './network-protocol.js';
import type { DrawnFields } from './requests.js';
import type { ServedModel } from './served-model.js';

/** Steps of samplers that change tokens more than once. */
const DEFAULT_STEPS = 32;

export interface SettingOptions {
  /** Tokens that are written. */
  count: number;
  /** Tokens of the whole text. */
  length: number;
  /** Whether an autoregressive text ends at EOS. */
  stopsAtEos: boolean;
}

/** @throws UsageError for a sampler or options that do not fit the model */
export async function drawSetting(
  { checkpoint, tokenizer }: ServedModel,
  fields: DrawnFields,
  { count, length, stopsAtEos }: SettingOptions,
): Promise<DrawSetting> {
  const { family } = checkpoint;
  const name = fields.sampler ?? (isMasked(family) ? 'unmask' : samplersFor(family)[0]);
  // A name, never a path: a request opens no file.
  if (name === undefined || !/^[A-Za-z][\w-]*$/.test(name))
    throw unusable(`There is no sampler ${JSON.stringify(name?.slice(0, 40))}.`);
  const { sampler } = await resolveSampler(name);
  checkFamily(sampler, family, checkpoint.name);
  if (sampler.needs === 'latent')
    throw unusable(`The sampler ${name} keeps a latent for each batch, which a server does not.`);
  const given = Object.entries(fields.sampler_options ?? {}).map(([key, value]) => `${key}=${value}`);
  const stops = stopsAtEos && !isDiffusion(family) ? ['stop=true'] : [];
  const options = samplerOptions(sampler, [...stops, ...given]);
  const steps = isDiffusion(family)
    ? (fields.steps ?? (isMasked(family) ? Math.max(1, count) : DEFAULT_STEPS))
    : 1;
  await sampler.check?.({ ...sampledModel(checkpoint, tokenizer), length, steps, options });
  const temperature = fields.temperature ?? 1;
  const topK = fields.top_k ?? 0;
  return {
    ...{ sampler: sampler.name, options, steps },
    temperature: temperature === 0 ? 1 : temperature,
    topK: temperature === 0 ? 1 : topK > 0 ? topK : null,
    topP: temperature === 0 || (fields.top_p ?? 1) === 1 ? null : (fields.top_p ?? null),
  };
}

const unusable = (message: string): UsageError =>
  new UsageError({
    code: 'sampler-not-served',
    message,
    hint: 'duo-eval samplers lists the samplers, and the families they drive.',
  });

/** What is written before and after what the model writes. */
export interface Canvas {
  /** [length]; where `fixed` is 1 they are given. */
  tokens: Int32Array;
  fixed: Uint8Array;
  /** What is the answer: from here on, so many. */
  start: number;
  count: number;
}

/**
 * @param before given tokens at the beginning   @param after given tokens behind the gap
 * @param block rounds the end of the text up to whole blocks of this size; what is beyond the count is not part of the answer
 * @throws UsageError for a gap that the family cannot fill
 */
export function canvasOf(
  { checkpoint, name }: ServedModel,
  before: readonly number[],
  count: number,
  { after = [], block = 1 }: { after?: readonly number[]; block?: number } = {},
): Canvas {
  const { family, signature } = checkpoint;
  if (after.length > 0 && (!isDiffusion(family) || isInBlocks(family))) {
    throw new UsageError({
      code: 'infill-from-left',
      message: `${name} writes from left to right: it cannot fill in before given tokens.`,
      hint: 'Leave out "suffix", or serve a model of masked or uniform-state diffusion.',
    });
  }
  const needed = before.length + count + after.length;
  const fixedLength = isDiffusion(family) ? signature.fixedLength : null;
  const length = fixedLength ?? Math.ceil(needed / block) * block;
  const tokens = new Int32Array(length);
  const fixed = new Uint8Array(length);
  tokens.set(before);
  fixed.fill(1, 0, before.length);
  tokens.set(after, before.length + count);
  fixed.fill(1, before.length + count, needed);
  return { tokens, fixed, start: before.length, count };
}

/** A seed nobody chose. */
export const drawnSeed = (): number => randomInt(2 ** 47);

export interface TextEnds {
  stop: readonly string[];
  /** Null: it does not end a text. */
  eosTokenId: number | null;
}

/** The text of an answer as its tokens come. */
export class GrowingText {
  /** What may be told by now, from the beginning. */
  text = '';
  /** Tokens of the text, without EOS. */
  tokens: number[] = [];
  /** Why it is over; null: it is not. */
  finish: 'stop' | 'length' | null = null;
  private readonly base: string;
  private readonly tail: readonly number[];

  /** @param before given tokens: some tokenizers write a space where a text does not begin with its token */
  constructor(
    private readonly model: ServedModel,
    before: readonly number[],
    private readonly ends: TextEnds,
  ) {
    this.tail = before.slice(-8);
    this.base = model.decode(this.tail);
  }

  /**
   * @param tokens the first tokens of the answer, of which no one changes any more   @param whole whether these are all
   * @returns what is new of the text
   */
  take(tokens: ArrayLike<number>, whole: boolean): string {
    if (this.finish !== null) return '';
    const { eosTokenId, stop } = this.ends;
    let ids = Array.from(tokens);
    const eos = eosTokenId === null ? -1 : ids.indexOf(eosTokenId);
    if (eos >= 0) ids = ids.slice(0, eos);
    let text = this.decode(ids);
    const at = Math.min(...stop.map((one) => text.indexOf(one)).filter((place) => place >= 0));
    if (Number.isFinite(at)) text = text.slice(0, at);
    if (eos >= 0 || Number.isFinite(at)) this.finish = 'stop';
    else if (whole) this.finish = 'length';
    else text = withoutUncertainEnd(text, stop);
    this.tokens = ids;
    const fresh = text.length > this.text.length ? text.slice(this.text.length) : '';
    this.text += fresh;
    return fresh;
  }

  private decode(ids: readonly number[]): string {
    const whole = this.model.decode([...this.tail, ...ids]);
    return whole.startsWith(this.base) ? whole.slice(this.base.length) : this.model.decode(ids);
  }
}

/** Without a character that is not complete, and without what may be the beginning of a stop sequence. */
function withoutUncertainEnd(text: string, stop: readonly string[]): string {
  const whole = text.replace(/\ufffd+$/, '');
  let kept = whole.length;
  for (const one of stop)
    for (let size = Math.min(one.length - 1, whole.length); size > 0; size--)
      if (whole.endsWith(one.slice(0, size))) {
        kept = Math.min(kept, whole.length - size);
        break;
      }
  return whole.slice(0, kept);
}
