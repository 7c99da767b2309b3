/**
 * Entry of the process that runs the network for a server: it opens the checkpoint, and answers one message with one (network-protocol.ts).
 * Sessions are opened when they are first needed. It ends with its parent.
 */
import type { Tokenizer } from '../datasets/tokenizer.js';
import { DuoEvalError } from '../errors.js';
import type { ScoringSession } from '../evals/likelihood/scored-questions.js';
import type { TokenCall, TokenSession } from '../evals/likelihood/token-session.js';
import { openCheckpoint } from '../library/checkpoints.js';
import type { Checkpoint } from '../models/checkpoint.js';
import { endWithParent } from '../models/child-process.js';
import { isDiffusion, isMasked } from '../models/family.js';
import { resolveSampler } from '../samplers/registry.js';
import type { ResolvedSampler } from '../samplers/sampler.js';
import { generate } from '../sampling/generate.js';
import { tokenizerOf } from '../sampling/prepare-sampling.js';
import { sampledModel } from '../sampling/sample-request.js';
import { type SamplingSession, startSamplingSession } from '../sampling/sampling-session.js';
import {
  type DrawRow,
  type DrawSetting,
  type FromNetwork,
  type NetworkModel,
  type NetworkTasks,
  type TaskName,
  type ToNetwork,
  writtenFailure,
} from './network-protocol.js';

/** Each temperature, top-k and top-p is a graph of its own, and each holds the weights. */
const MOST_DRAW_SESSIONS = 2;

/** After these the process is of no further use: its native code hangs, or has ended. */
const LOST = new Set(['model-hung', 'model-worker-died', 'session-closed']);

class Network {
  private scoring: Promise<TokenSession> | null = null;
  private likelihoods: Promise<ScoringSession> | null = null;
  private tokenizer: Promise<Tokenizer> | null = null;
  /** By what decides the graph, the least recently used first. */
  private readonly drawing = new Map<string, Promise<SamplingSession>>();
  private readonly samplers = new Map<string, ResolvedSampler>();

  constructor(
    private readonly checkpoint: Checkpoint,
    private readonly model: NetworkModel,
  ) {}

  async score({ calls, top }: NetworkTasks['score']['argument']): Promise<NetworkTasks['score']['answer']> {
    this.scoring ??= this.startScoring(top);
    const session = await this.scoring.catch((error) => {
      this.scoring = null;
      throw error;
    });
    const answers = await session.ask(calls as TokenCall[]);
    return answers.map((answer) => ({
      logProbability: Float64Array.from(answer.logProbability),
      top: (answer.top ?? []).map(({ token, logProbability }) => ({
        token: Int32Array.from(token, Number),
        logProbability: Float64Array.from(logProbability),
      })),
    }));
  }

  async likelihood({
    requests,
  }: NetworkTasks['likelihood']['argument']): Promise<NetworkTasks['likelihood']['answer']> {
    const { openScoring, scoreContinuations } = await import('../evals/likelihood/scoring-session.js');
    const { checkpoint, model } = this;
    const { provider, threads, timeoutMs, likelihood } = model;
    this.likelihoods ??= openScoring({
      ...{ checkpoint, provider, threads, timeoutMs, ...likelihood },
      tooLong: 'truncate',
      tokenizer: () => {
        this.tokenizer ??= tokenizerOf(checkpoint, undefined);
        return this.tokenizer;
      },
    });
    const session = await this.likelihoods.catch((error) => {
      this.likelihoods = null;
      throw error;
    });
    const scores = await scoreContinuations(session, requests);
    return scores.map(({ draws: _, ...score }) => score);
  }

  async draw(
    { setting, rows, length }: NetworkTasks['draw']['argument'],
    tell: (event: NetworkTasks['draw']['event']) => void,
    signal: AbortSignal,
  ): Promise<NetworkTasks['draw']['answer']> {
    const { sampler, options, steps } = setting;
    const { checkpoint, model } = this;
    const resolved = this.samplers.get(sampler) ?? (await resolveSampler(sampler));
    this.samplers.set(sampler, resolved);
    const session = await this.drawSession(setting, resolved);
    const told = rows.flatMap((row, place) => (row.told ? [place] : []));
    const settled = settledBy(resolved, checkpoint, rows);
    const batches = generate({
      model: sampledModel(checkpoint, model),
      source: session.source,
      sampler: resolved,
      ...{ options, steps, length, signal },
      seed: 0,
      samples: rows.length,
      batch: rows.length,
      each: rows.map(({ seed, sample, tokens, fixed }) => ({ seed, sample, given: { tokens, fixed } })),
      onStep: ({ step, tokens }) => {
        const ofRow = (row: number) => {
          const own = tokens.slice(row * length, (row + 1) * length);
          return { row, tokens: own, settled: settled(own, step) };
        };
        if (told.length > 0) tell({ step, rows: told.map(ofRow) });
      },
    });
    const drawn: NetworkTasks['draw']['answer'] = [];
    for await (const batch of batches)
      for (const { tokens, nfe } of batch) drawn.push({ tokens, calls: nfe });
    return drawn;
  }

  private startScoring(top: number): Promise<TokenSession> {
    const { checkpoint, model } = this;
    const { provider, threads, timeoutMs } = model;
    return import('../evals/likelihood/token-session.js').then(({ TokenSession }) =>
      TokenSession.start({ checkpoint, provider, threads, timeoutMs }, 'left-to-right', { top }),
    );
  }

  private async drawSession(setting: DrawSetting, { sampler }: ResolvedSampler): Promise<SamplingSession> {
    const { checkpoint, model } = this;
    const { options, temperature, topK, topP } = setting;
    const score = isMasked(checkpoint.family) ? (sampler.score?.(options) ?? null) : null;
    const key = JSON.stringify([temperature, topK, topP, score]);
    const open = this.drawing.get(key);
    this.drawing.delete(key);
    const session =
      open ??
      startSamplingSession({
        ...{ checkpoint, sampler, options, temperature, topK, topP },
        ...{ provider: model.provider, threads: model.threads, timeoutMs: model.timeoutMs },
        tokenizer: model,
      });
    this.drawing.set(key, session);
    for (const [old, closing] of [...this.drawing].slice(0, -MOST_DRAW_SESSIONS)) {
      this.drawing.delete(old);
      void closing.then(
        (one) => one.close(),
        () => {},
      );
    }
    return session.catch((error) => {
      this.drawing.delete(key);
      throw error;
    });
  }
}

/** How many of a text's first tokens will not change any more. */
function settledBy(
  { sampler }: ResolvedSampler,
  { family, maskTokenId }: Checkpoint,
  rows: readonly DrawRow[],
): (tokens: Int32Array, step: number) => number {
  if (!isDiffusion(family)) {
    // From left to right, all texts of the batch at one position.
    const first = Math.min(...rows.map(({ fixed }) => Math.max(1, fixed.indexOf(0))));
    return (_, step) => first + step;
  }
  if (!isMasked(family) || sampler.name === 'psi' || maskTokenId === null) return () => 0;
  return (tokens) => {
    const mask = tokens.indexOf(maskTokenId);
    return mask < 0 ? tokens.length : mask;
  };
}

let network: Promise<Network> | null = null;
const underWay = new Map<number, AbortController>();

const send = (message: FromNetwork) => void process.send?.(message);

async function answer(id: number, task: TaskName, argument: unknown): Promise<void> {
  const stop = new AbortController();
  underWay.set(id, stop);
  try {
    const opened = await network;
    if (!opened) throw new RangeError('the process is asked before a model is open');
    const tell = (event: unknown) => send({ kind: 'event', id, event });
    const value =
      task === 'score'
        ? await opened.score(argument as NetworkTasks['score']['argument'])
        : task === 'likelihood'
          ? await opened.likelihood(argument as NetworkTasks['likelihood']['argument'])
          : await opened.draw(argument as NetworkTasks['draw']['argument'], tell, stop.signal);
    send({ kind: 'answer', id, answer: value });
  } catch (error) {
    const lost = error instanceof DuoEvalError && LOST.has(error.code);
    send({ kind: 'failed', id, failure: writtenFailure(error), lost });
  } finally {
    underWay.delete(id);
  }
}

async function open(model: NetworkModel): Promise<Network> {
  const checkpoint = await openCheckpoint(model.spec, model.overrides);
  send({ kind: 'opened' });
  return new Network(checkpoint, model);
}

process.on('message', (message: ToNetwork) => {
  switch (message.kind) {
    case 'open':
      network = open(message.model);
      network.catch((error) =>
        send({ kind: 'failed', id: null, failure: writtenFailure(error), lost: true }),
      );
      break;
    case 'ask':
      void answer(message.id, message.task, message.argument);
      break;
    case 'drop':
      underWay.get(message.id)?.abort(new DOMException('nobody waits for it', 'AbortError'));
      break;
  }
});
endWithParent();
