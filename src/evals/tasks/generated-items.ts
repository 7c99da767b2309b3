/**
 * Items whose answer is generated: a prompt is given and its continuation is drawn, or a text with gaps is given and the gaps are
 * filled. Draws are greedy (the most probable token) unless the settings say otherwise. An answer ends at EOS, or where the task says.
 */

import type { Tokenizer } from '../../datasets/tokenizer.js';
import { DataError } from '../../errors.js';
import type { Checkpoint } from '../../models/checkpoint.js';
import type { Provider } from '../../models/provider.js';
import { resolveSampler, samplerOptions, samplersFor } from '../../samplers/registry.js';
import type { ResolvedSampler } from '../../samplers/sampler.js';
import { generate } from '../../sampling/generate.js';
import type { GivenTokens, SampledModel } from '../../sampling/generation-plan.js';
import { infillTokens } from '../../sampling/given-text.js';
import { sampledModel } from '../../sampling/sample-request.js';
import { type SamplingSession, startSamplingSession } from '../../sampling/sampling-session.js';
import { longestItem } from '../likelihood/items.js';
import type { Finding, ItemRunner } from './item-runner.js';
import type { ItemOutcome } from './outcomes.js';
import type { Task } from './task.js';
import type { TaskItem } from './task-items.js';

export interface GeneratingSettings {
  checkpoint: Checkpoint;
  tokenizer: () => Promise<Tokenizer>;
  provider: Provider;
  threads?: number;
  timeoutMs?: number;
  notice?: (text: string) => void;
  /** By default the first that drives the family. */
  sampler: string | null;
  steps: number;
  seed: number;
  bos: 'always' | 'when-empty';
  tooLong: 'truncate' | 'refuse';
}

const GREEDY = { temperature: 1, topK: 1, topP: null } as const;

export class GeneratingRunner implements ItemRunner {
  modelCalls = 0;

  private constructor(
    private readonly settings: GeneratingSettings,
    private readonly sampler: ResolvedSampler,
    private readonly model: SampledModel,
    private readonly session: SamplingSession,
    private readonly tokenizer: Tokenizer,
  ) {}

  /** @throws UsageError for a sampler that there is not, ModelError as the network's start */
  static async start(settings: GeneratingSettings): Promise<GeneratingRunner> {
    const { checkpoint } = settings;
    const sampler = await resolveSampler(settings.sampler ?? samplersFor(checkpoint.family)[0]);
    const tokenizer = await settings.tokenizer();
    const options = samplerOptions(sampler.sampler, []);
    const session = await startSamplingSession({
      ...{ ...settings, ...GREEDY, options, tokenizer },
      sampler: sampler.sampler,
    });
    return new GeneratingRunner(settings, sampler, sampledModel(checkpoint, tokenizer), session, tokenizer);
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

  close(): Promise<void> {
    return this.session.close();
  }

  async tokenizerSha256(): Promise<string> {
    return this.tokenizer.sha256;
  }

  async run(task: Task, items: readonly TaskItem[], { signal, found }: Finding): Promise<void> {
    for (const item of items) {
      signal?.throwIfAborted();
      found(await this.answer(task, item, signal));
    }
  }

  private async answer(task: Task, item: TaskItem, signal: AbortSignal | undefined): Promise<ItemOutcome> {
    const { steps, seed } = this.settings;
    const { given, cut } = this.givenOf(task, item);
    const { length } = given.tokens;
    const plan = {
      ...{
        model: this.model,
        source: this.session.source,
        sampler: this.sampler,
        given,
        signal,
        seed,
        length,
      },
      options: samplerOptions(this.sampler.sampler, []),
      // An autoregressive sampler takes one step per token.
      steps: this.checkpoint.family === 'ar' ? length : steps,
      ...{ first: item.index, samples: item.index + 1, batch: 1 },
    };
    let tokens: Int32Array = new Int32Array(0);
    let calls = 0;
    for await (const [sample] of generate(plan)) [tokens, calls] = [sample.tokens, sample.nfe];
    this.modelCalls += calls;
    const written = given.fixed.reduce((count, fixed) => count + Number(fixed === 0), 0);
    return {
      ...{ index: item.index, logLikelihoods: [], errors: [], isGreedy: [], flip: 0 },
      ...{ calls, cut, tokens: written, generated: this.textOf(task, tokens, given) },
    };
  }

  private givenOf(task: Task, item: TaskItem): { given: GivenTokens; cut: number } {
    const { checkpoint, bos, tooLong } = this.settings;
    const { tokenizer } = this;
    const [{ context }] = item.requests;
    // an item that is generated has the task's limit
    const wanted = task.generation!.tokens;
    const longest = longestItem(checkpoint);
    const { fixedLength } = checkpoint.signature;
    const isCausal = checkpoint.family === 'ar';
    if (/<gap(?: +\d+)?>/.test(context)) {
      const length = fixedLength ?? Math.min(longest, tokenizer.encode(context).length + wanted + 2);
      return { given: infillTokens(context, tokenizer, length), cut: 0 };
    }
    const { bosTokenId } = tokenizer;
    const hasBos = bosTokenId !== null && (bos === 'always' || context === '');
    const whole = [...(hasBos ? [bosTokenId] : []), ...tokenizer.encode(context)];
    const room = Math.max(1, longest - wanted);
    const cut = Math.max(0, whole.length - room);
    if (cut > 0 && tooLong === 'refuse') throw tooMany(item.where, whole.length, room);
    const ids = whole.slice(cut);
    const length = isCausal || fixedLength === null ? ids.length + wanted : fixedLength;
    const [tokens, fixed] = [new Int32Array(length), new Uint8Array(length)];
    tokens.set(ids);
    fixed.fill(1, 0, ids.length);
    return { given: { tokens, fixed }, cut };
  }

  /** What was written, up to EOS and to what ends it. */
  private textOf(task: Task, tokens: Int32Array, { fixed }: GivenTokens): string {
    const { eosTokenId } = this.tokenizer;
    const written = [...tokens].filter((_, l) => fixed[l] === 0);
    const end = eosTokenId === null ? -1 : written.indexOf(eosTokenId);
    const text = this.tokenizer.decode(end < 0 ? written : written.slice(0, end), { cleanUp: false });
    const { until = [], tokens: most = 0 } = task.generation ?? {};
    const ends = until.map((mark) => text.indexOf(mark)).filter((at) => at >= 0);
    return text.slice(0, Math.min(...ends, most > 0 ? text.length : 0));
  }
}

function tooMany(where: string, has: number, room: number): DataError {
  return new DataError({
    code: 'prompt-not-scorable',
    message: `${where}: its prompt has ${has} tokens, and beside the answer there is room for ${room}.`,
    hint: '--too-long truncate cuts it from the left.',
  });
}
