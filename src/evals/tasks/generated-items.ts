/**
 * Items whose answer is generated: a prompt is given and its continuation is drawn, or a text with gaps is given and the gaps are
 * filled. The most probable tokens are taken, or, where the task says so, tokens are drawn. An answer ends at EOS, or where the task says.
 */
import type { Tokenizer } from '../../datasets/tokenizer.js';
import { DataError } from '../../errors.js';
import { batchOf } from '../../models/batch-limit.js';
import type { Checkpoint } from '../../models/checkpoint.js';
import type { Placement } from '../../models/provider.js';
import { resolveSampler, samplerOptions, samplersFor } from '../../samplers/registry.js';
import type { OptionValue, ResolvedSampler } from '../../samplers/sampler.js';
import { generate } from '../../sampling/generate.js';
import type { GeneratedSample, GivenTokens, SampledModel } from '../../sampling/generation-plan.js';
import { infillLength, infillTokens } from '../../sampling/given-text.js';
import { sampledModel } from '../../sampling/sample-request.js';
import { type SamplingSession, startSamplingSession } from '../../sampling/sampling-session.js';
import { longestItem } from '../likelihood/items.js';
import type { Finding, ItemRunner } from './item-runner.js';
import { listCeiling, revealsOfAncestral, revealsOfPolicy } from './lists.js';
import type { ItemOutcome } from './outcomes.js';
import type { Task } from './task.js';
import type { TaskItem } from './task-items.js';

export interface GeneratingSettings {
  checkpoint: Checkpoint;
  tokenizer: () => Promise<Tokenizer>;
  provider: Placement;
  threads?: number;
  timeoutMs?: number;
  notice?: (text: string) => void;
  /** By default the first that drives the family. */
  sampler: string | null;
  /** `key=value` */
  samplerOptions?: readonly string[];
  steps: number;
  seed: number;
  bos: 'always' | 'when-empty';
  tooLong: 'truncate' | 'refuse';
  /** Sequences per model call; changes no answer. By default chosen by the size of the logits. */
  batch?: number | null;
}

/** The most probable token, or a draw from the distribution as it is. */
const drawSettings = (isDrawn: boolean) =>
  ({ temperature: 1, topK: isDrawn ? null : 1, topP: null }) as const;

/** An item, ready to be written. */
interface Asked {
  item: TaskItem;
  given: GivenTokens;
  cut: number;
  /** Position behind the answer: what is not given before it is the answer. */
  end: number;
}

export class GeneratingRunner implements ItemRunner {
  modelCalls = 0;
  readonly readTokens = null;

  private constructor(
    private readonly settings: GeneratingSettings,
    private readonly sampler: ResolvedSampler,
    private readonly options: Readonly<Record<string, OptionValue>>,
    private readonly model: SampledModel,
    private readonly session: SamplingSession,
    private readonly tokenizer: Tokenizer,
  ) {}

  /**
   * @param isDrawn whether tokens are drawn, instead of the most probable ones being taken
   * @throws UsageError for a sampler that there is not, ModelError as the network's start
   */
  static async start(settings: GeneratingSettings, isDrawn: boolean): Promise<GeneratingRunner> {
    const { checkpoint } = settings;
    const sampler = await resolveSampler(settings.sampler ?? samplersFor(checkpoint.family)[0]);
    const tokenizer = await settings.tokenizer();
    const options = samplerOptions(sampler.sampler, settings.samplerOptions ?? []);
    const session = await startSamplingSession({
      ...{ ...settings, ...drawSettings(isDrawn), options, tokenizer },
      sampler: sampler.sampler,
    });
    const model = sampledModel(checkpoint, tokenizer);
    return new GeneratingRunner(settings, sampler, options, model, session, tokenizer);
  }

  get checkpoint() {
    return this.settings.checkpoint;
  }

  get runtime() {
    return this.session;
  }

  /** As records have it. */
  get samplerName(): string {
    return this.sampler.sampler.name;
  }

  get givenOptions(): Readonly<Record<string, OptionValue>> | undefined {
    const given = (this.settings.samplerOptions ?? []).map((one) => one.slice(0, one.indexOf('=')));
    return given.length === 0
      ? undefined
      : Object.fromEntries(given.map((name) => [name, this.options[name]]));
  }

  close(): Promise<void> {
    return this.session.close();
  }

  async tokenizerSha256(): Promise<string> {
    return this.tokenizer.sha256;
  }

  /** Items of one length are written together; no answer depends on what else is in its batch. */
  async run(task: Task, items: readonly TaskItem[], { signal, found }: Finding): Promise<void> {
    const asked = items.map((item): Asked => ({ item, ...this.givenOf(task, item) }));
    for (const batch of this.batchesOf(asked)) {
      signal?.throwIfAborted();
      for (const outcome of await this.answers(task, batch, signal)) found(outcome);
    }
  }

  /** An autoregressive text may be followed by anything, so texts of several lengths share a batch; others are of one length. */
  private batchesOf(asked: readonly Asked[]): Asked[][] {
    const { checkpoint, batch = null } = this.settings;
    const isCausal = checkpoint.family === 'ar';
    const isAlone = this.sampler.module !== null || this.sampler.sampler.needs === 'latent';
    const lengthOf = ({ given }: Asked) => given.tokens.length;
    const inOrder = [...asked].sort((a, b) => lengthOf(a) - lengthOf(b) || a.item.index - b.item.index);
    const batches: Asked[][] = [];
    for (const one of inOrder) {
      const last = batches.at(-1);
      const size = isAlone ? 1 : batchOf(checkpoint, lengthOf(one), batch);
      if (last && last.length < size && (isCausal || lengthOf(last[0]) === lengthOf(one))) last.push(one);
      else batches.push([one]);
    }
    return batches;
  }

  private async answers(
    task: Task,
    batch: readonly Asked[],
    signal: AbortSignal | undefined,
  ): Promise<ItemOutcome[]> {
    const { steps, seed } = this.settings;
    const isCausal = this.checkpoint.family === 'ar';
    const length = Math.max(...batch.map(({ given }) => given.tokens.length));
    const each = batch.map(({ item, given }) => ({
      seed,
      sample: item.index,
      given: stretched(given, length),
    }));
    // A latent and a user's module know a sample by its number.
    const [{ sample, given }] = each;
    const isAlone = batch.length === 1;
    const plan = {
      ...{ model: this.model, source: this.session.source, sampler: this.sampler, signal, seed, length },
      options: this.options,
      // An autoregressive sampler takes one step per token.
      steps: isCausal ? length : steps,
      ...(isAlone
        ? { given, first: sample, samples: sample + 1, batch: 1 }
        : { each, samples: each.length, batch: each.length }),
    };
    const written: GeneratedSample[] = [];
    for await (const samples of generate(plan)) written.push(...samples);
    return batch.map((asked, b): ItemOutcome => {
      const { item, given: own, cut, end } = asked;
      const count = own.fixed.subarray(0, end).reduce((sum, fixed) => sum + Number(fixed === 0), 0);
      // Of ar one call a token, however far the longest text of its batch goes.
      const calls = isCausal ? count : written[b].nfe;
      this.modelCalls += calls;
      const answer = this.answerOf(task, written[b].tokens, asked);
      return {
        ...{ index: item.index, logLikelihoods: [], errors: [], isGreedy: [], flip: 0 },
        // A text of ar may end at its last token, and takes a call for each.
        ...{ calls: isCausal ? Math.max(1, answer.tokens) : calls, written: answer.tokens },
        ...{ cut, tokens: count, ceiling: this.ceilingOf(task, item, count), generated: answer.text },
      };
    });
  }

  /** How often an ideal model is right, where that is known (lists.ts). @param count tokens that are written */
  private ceilingOf({ scoring, generation }: Task, { puzzle }: TaskItem, count: number): number | null {
    if (scoring !== 'replace' && scoring !== 'shuffle') return null;
    const { family, schedule } = this.model;
    const letters = puzzle.split('>')[0].trim().split(/\s+/).length;
    // The forms are of letters that are one token each, and of models that draw.
    if (count !== letters || generation?.draw !== true) return null;
    if (family === 'ar') return 1;
    if (family !== 'mdlm' || schedule === null || this.sampler.module !== null) return null;
    if (this.givenOptions) return null;
    const { steps } = this.settings;
    if (this.samplerName === 'ancestral')
      return listCeiling(scoring, letters, revealsOfAncestral(schedule, steps));
    if (this.samplerName === 'unmask')
      return listCeiling(scoring, letters, revealsOfPolicy(Math.ceil(letters / steps)));
    return null;
  }

  private givenOf(task: Task, item: TaskItem): Omit<Asked, 'item'> {
    const { checkpoint } = this.settings;
    const [{ context }] = item.requests;
    // an item that is generated has the task's limit
    const wanted = task.generation!.tokens;
    const gap = ANSWER_GAP.exec(context);
    if (gap === null)
      return GAP.test(context) ? this.infillOf(context, item, wanted) : this.promptOf(context, item, wanted);
    const size = this.tokenizer.encode(gap[1] + (item.targets[0] ?? '')).length;
    const [before, after] = [context.slice(0, gap.index), context.slice(gap.index + gap[0].length)];
    // What ends with its gap is a prompt to a model that writes from left to right.
    if (checkpoint.family === 'ar' && after.trim() === '') return this.promptOf(before, item, size);
    return this.infillOf(`${before}<gap ${size}>${after}`, item, wanted);
  }

  private infillOf(text: string, item: TaskItem, wanted: number): Omit<Asked, 'item'> {
    const { checkpoint, tooLong } = this.settings;
    const { tokenizer } = this;
    const longest = longestItem(checkpoint);
    const needed =
      infillLength(text, tokenizer) ?? Math.min(longest, tokenizer.encode(text).length + wanted + 2);
    const whole = infillTokens(text, tokenizer, needed);
    const hasBos = Number(tokenizer.bosTokenId !== null);
    const cut = Math.max(0, needed - longest);
    if (cut > 0 && (tooLong === 'refuse' || cut > whole.fixed.indexOf(0) - hasBos))
      throw tooMany(item.where, needed, longest);
    const left = <A extends Int32Array | Uint8Array>(all: A) => [
      ...all.subarray(0, hasBos),
      ...all.subarray(hasBos + cut),
    ];
    const given = {
      tokens: Int32Array.from(left(whole.tokens)),
      fixed: Uint8Array.from(left(whole.fixed)),
    };
    const { fixedLength } = checkpoint.signature;
    return {
      given: stretched(given, fixedLength ?? given.fixed.length),
      cut,
      end: given.fixed.lastIndexOf(0) + 1,
    };
  }

  private promptOf(text: string, item: TaskItem, wanted: number): Omit<Asked, 'item'> {
    const { checkpoint, bos, tooLong } = this.settings;
    const { bosTokenId } = this.tokenizer;
    const { fixedLength } = checkpoint.signature;
    const hasBos = bosTokenId !== null && (bos === 'always' || text === '');
    const whole = [...(hasBos ? [bosTokenId] : []), ...this.tokenizer.encode(text)];
    const room = Math.max(1, longestItem(checkpoint) - wanted);
    const cut = Math.max(0, whole.length - room);
    if (cut > 0 && tooLong === 'refuse') throw tooMany(item.where, whole.length, room);
    const ids = whole.slice(cut);
    const isFree = checkpoint.family === 'ar' || fixedLength === null;
    const length = isFree ? ids.length + wanted : fixedLength;
    const given = { tokens: Int32Array.from(ids), fixed: new Uint8Array(ids.length).fill(1) };
    return { given: stretched(given, length), cut, end: length };
  }

  /** What was written, up to EOS and to what ends it, and how many tokens that is, with that end. */
  private answerOf(
    task: Task,
    tokens: Int32Array,
    { given: { fixed }, end: last }: Asked,
  ): { text: string; tokens: number } {
    const { eosTokenId } = this.tokenizer;
    const written = [...tokens.subarray(0, last)].filter((_, l) => fixed[l] === 0);
    const end = eosTokenId === null ? -1 : written.indexOf(eosTokenId);
    const decoded = (ids: readonly number[]) => this.tokenizer.decode(ids, { cleanUp: false });
    const text = decoded(end < 0 ? written : written.slice(0, end));
    const { until = [], tokens: most = 0 } = task.generation ?? {};
    const ends = until.flatMap((mark) => {
      const at = text.indexOf(mark);
      return at < 0 ? [] : [{ at, behind: at + mark.length }];
    });
    const cut = Math.min(...ends.map(({ at }) => at), most > 0 ? text.length : 0);
    const ending = ends.find(({ at }) => at === cut);
    if (ending === undefined) return { text: text.slice(0, cut), tokens: end < 0 ? written.length : end + 1 };
    let count = 1;
    while (count < written.length && decoded(written.slice(0, count)).length < ending.behind) count++;
    return { text: text.slice(0, cut), tokens: count };
  }
}

const GAP = /<gap(?: +\d+)?>/;
/** A gap for as many tokens as the answer has; spaces before it belong to the answer. */
const ANSWER_GAP = /( *)<gap answer>/;

/** With room behind. */
function stretched({ tokens, fixed }: GivenTokens, length: number): GivenTokens {
  const longer = { tokens: new Int32Array(length), fixed: new Uint8Array(length) };
  longer.tokens.set(tokens);
  longer.fixed.set(fixed);
  return longer;
}

function tooMany(where: string, has: number, room: number): DataError {
  return new DataError({
    code: 'prompt-not-scorable',
    message: `${where}: its prompt has ${has} tokens, and beside the answer there is room for ${room}.`,
    hint: '--too-long truncate cuts it from the left.',
  });
}
