/**
 * Throughput of configurations (a model, a sampler, a number of steps), and the quality of the timed samples. All
 * models are open at once. In each round every configuration samples one batch in turn; a first round is not counted.
 */
import { Bench } from 'tinybench';
import { isMasked } from '../../models/family.js';
import { type Observer, partOf, partsOf } from '../../observer.js';
import { generate } from '../../sampling/generate.js';
import type { GeneratedSample, StepState } from '../../sampling/generation-plan.js';
import { givenCount, sampledModel } from '../../sampling/sample-request.js';
import { type SamplingSession, startSamplingSession } from '../../sampling/sampling-session.js';
import type { Estimate } from '../../statistics/bootstrap.js';
import { firstInRound, type TimedPair } from '../../statistics/interleaved-ratio.js';
import { paretoFront } from '../../statistics/pareto-front.js';
import { addBrier, type Comparison } from '../generation/comparison.js';
import type { Judge } from '../generation/judge.js';
import type { GenerativeResult } from '../generation/record.js';
import { type MeasuredTexts, measureTexts } from '../generation/run.js';
import { type GeneratedText, type TextSet, tokenizerFacts } from '../generation/texts.js';
import { type Against, againstRecord } from './against.js';
import type { Configuration } from './configurations.js';
import { DecodeOrder } from './decode-order.js';
import { timeInstallations } from './installations.js';
import { memoryOf } from './memory.js';
import type { BenchResult } from './record.js';
import { roundsOf, stepsOf } from './rounds.js';
import { medianFigure, speedUp } from './timing.js';

export interface ThroughputOptions {
  /** Real text for comparison. */
  references: readonly TextSet[];
  judge: Judge | null;
  /** By default texts are compared with real text by their n-grams alone. */
  comparison?: Comparison;
  /** Seed of the bootstrap. */
  seed: number;
  memory: boolean;
  /** Timed in turn with every configuration. */
  against?: Against;
}

/** A configuration while it is measured. */
interface Runner extends Configuration {
  session: SamplingSession;
  samples: GeneratedSample[];
  /** Seconds of each counted round. */
  seconds: number[];
  warmupSeconds: number;
  /** Kendall's τ of the round that is not counted. */
  decodeOrder: Estimate | null;
  /** Tokens of a text that were written and masked again, of the same round. */
  remasked: Estimate | null;
  /** Samples of all counted rounds. */
  runtimeSeconds: number;
  /** The same of another checkpoint, whose samples are not kept. */
  rival: Runner | null;
}

/** Rows in the order of the configurations, then the references'. @throws ModelError, UsageError, NumericalError */
export async function measureThroughput(
  configurations: readonly Configuration[],
  options: ThroughputOptions,
  observer: Observer,
): Promise<(BenchResult | GenerativeResult)[]> {
  const runners: Runner[] = [];
  const { against } = options;
  const [ofRounds, ...ofPrompts] = partsOf(
    stepsOf(configurations, {
      legs: against?.kind === 'checkpoint' ? 2 : 1,
      prompts: options.comparison?.prompts?.all.length ?? null,
    }),
  );
  const pairs =
    against?.kind === 'installation'
      ? await timeInstallations(against.installation, configurations, roundsOf(configurations), observer)
      : new Map<string, TimedPair[]>();
  try {
    for (const configuration of configurations) {
      const runner = await start(configuration, observer);
      runners.push(runner);
      // `requests` has every configuration
      const rival = against?.kind === 'checkpoint' ? against.requests.get(configuration.name)! : null;
      const name = `${configuration.name} (against)`;
      if (rival) runner.rival = await start({ ...configuration, name, request: rival }, observer);
    }
    await timeRounds(runners, partOf(observer, ofRounds));
  } finally {
    for (const { session, rival } of runners) {
      await session.close();
      await rival?.session.close();
    }
  }
  for (const runner of runners) if (runner.rival) pairs.set(runner.name, pairsOf(runner, runner.rival));
  const real: MeasuredTexts[] = [];
  for (const set of options.references)
    real.push(await measureTexts(set, measuring(runners[0], options), observer));
  const results: BenchResult[] = [];
  for (const [i, runner] of runners.entries()) {
    const part = { ...ofPrompts[i], named: () => `${runner.name}: continuing prompts` };
    const result = await resultOf(runner, { runners, real: real[0] ?? null }, options, {
      whole: observer,
      ofTexts: partOf(observer, { before: ofPrompts[i].before, share: 0 }),
      ofPrompts: partOf(observer, part),
    });
    // `pairs` has every runner
    if (against) result.throughput.against = await againstRecord(against, pairs.get(runner.name)!);
    results.push(result);
  }
  const marks = paretoFront(
    results.map(({ throughput, metrics }) => ({
      speed: throughput.tokensPerSecond.value,
      perplexity: metrics.genPpl.value,
    })),
  );
  for (const [i, { throughput }] of results.entries()) throughput.pareto = options.judge ? marks[i] : null;
  const controls = await controlRows(
    runners[0],
    { entropy: results[0].metrics.entropy.value, real },
    options,
    observer,
  );
  return [...results, ...controls, ...real.map(({ result }) => result)];
}

/** Naive samplers, with about the entropy of the first configuration's texts. */
async function controlRows(
  first: Runner,
  { entropy, real }: { entropy: number | null; real: readonly MeasuredTexts[] },
  options: ThroughputOptions,
  observer: Observer,
): Promise<GenerativeResult[]> {
  const rows: GenerativeResult[] = [];
  for (const { set, brier } of options.comparison?.controls(entropy ?? 0, first.samples.length) ?? []) {
    const measured = { ...measuring(first, options), against: real[0] ?? null, brier };
    rows.push((await measureTexts(set, measured, observer)).result);
  }
  return rows;
}

async function start(configuration: Configuration, { warn }: Observer): Promise<Runner> {
  const { request } = configuration;
  const session = await startSamplingSession({ ...request, sampler: request.sampler.sampler, notice: warn });
  const timed = {
    samples: [],
    seconds: [],
    warmupSeconds: 0,
    runtimeSeconds: 0,
    decodeOrder: null,
    remasked: null,
  };
  return { ...configuration, session, ...timed, rival: null };
}

/** Tokens of a round that the model wrote. */
const tokensOf = ({ request }: Configuration): number =>
  request.batch * (request.length - givenCount(request));

/**
 * One batch of each configuration per round, after a round that is not counted. tinybench warms up, repeats and times. Its
 * tasks run concurrently and wait for their turns outside the timed part, so every round times every configuration.
 */
async function timeRounds(runners: readonly Runner[], observer: Observer): Promise<void> {
  const rounds = roundsOf(runners);
  const order = Array.from({ length: rounds + 1 }, (_, i) =>
    runners.flatMap((runner) => legsOf(runner, i - 1)),
  );
  const turns = new Turns(order.flat());
  const bench = new Bench({
    concurrency: 'bench',
    ...{ iterations: rounds, time: 0 },
    ...{ warmupIterations: 1, warmupTime: 0 },
  });
  let begun = 0;
  let failure: unknown = null; // stored, since a throwing task would leave the others waiting forever
  for (const leg of order[0]) {
    let round = -1;
    const work = async () => {
      const began = bench.now();
      if (failure === null)
        await oneBatch(leg, round, rounds, observer.signal).catch((error) => {
          failure = error;
        });
      const overriddenDuration = bench.now() - began;
      if (round < 0) leg.warmupSeconds = overriddenDuration / 1000;
      else leg.seconds.push(overriddenDuration / 1000); // in the order of rounds, which tinybench does not keep
      return { overriddenDuration };
    };
    bench.add(leg.name, work, {
      async: true, // set explicitly: otherwise tinybench calls the function once to find out
      beforeEach: async () => {
        await turns.wait(leg);
        if (observer.signal?.aborted) failure ??= observer.signal.reason;
        observer.progress?.('rounds', begun++, order.flat().length, leg.name);
      },
      afterEach: () => {
        round++;
        turns.next();
      },
    });
  }
  await bench.run();
  if (failure !== null) throw failure;
  observer.progress?.('rounds', begun, begun);
}

/** Lets several waiting tasks run one at a time, in a given order. */
class Turns<T> {
  private now = 0;
  private readonly waiting = new Map<T, () => void>();

  /** @param order each entry is a turn */
  constructor(private readonly order: readonly T[]) {}

  async wait(one: T): Promise<void> {
    if (this.order[this.now] !== one) await new Promise<void>((resolve) => this.waiting.set(one, resolve));
  }

  next(): void {
    const one = this.order[++this.now];
    const resume = this.waiting.get(one);
    this.waiting.delete(one);
    resume?.();
  }
}

/** What a round times, in its order. */
function legsOf(runner: Runner, round: number): Runner[] {
  if (!runner.rival) return [runner];
  return firstInRound(Math.max(0, round)) === 'own' ? [runner, runner.rival] : [runner.rival, runner];
}

/** Both did the same work in every round. */
function pairsOf(runner: Runner, rival: Runner): TimedPair[] {
  const tokens = tokensOf(runner);
  return runner.seconds.map((own, round) => ({
    first: firstInRound(round),
    own: tokens / own,
    other: tokens / rival.seconds[round],
  }));
}

/** The uncounted round draws separate samples, numbered after all others. */
async function oneBatch(runner: Runner, round: number, rounds: number, signal?: AbortSignal): Promise<void> {
  const { request, session } = runner;
  const first = (round < 0 ? rounds : round) * request.batch;
  const before = session.runSeconds;
  const model = sampledModel(request.checkpoint, request.tokenizer);
  const recorded = round < 0 ? new DecodeOrder(request.length, givenCount(request), model.maskTokenId) : null;
  const plan = {
    ...{ ...request, model, source: session.source, first, samples: first + request.batch, signal },
    ...(recorded && { onStep: (state: StepState) => recorded.record(state) }),
  };
  for await (const batch of generate(plan)) if (round >= 0) runner.samples.push(...batch);
  if (recorded) Object.assign(runner, { decodeOrder: recorded.tau(), remasked: recorded.remasked() });
  else runner.runtimeSeconds += session.runSeconds - before;
}

async function resultOf(
  runner: Runner,
  { runners, real }: { runners: readonly Runner[]; real: MeasuredTexts | null },
  options: ThroughputOptions,
  observers: { whole: Observer; ofTexts: Observer; ofPrompts: Observer },
): Promise<BenchResult> {
  const { request, session, seconds, warmupSeconds } = runner;
  const { checkpoint, batch } = request;
  const measured = await measureTexts(
    await textsOf(runner),
    { ...measuring(runner, options), against: real },
    observers.ofTexts,
  );
  addBrier(measured, (await options.comparison?.brierOf(request, observers.ofPrompts)) ?? null);
  const { result } = measured;
  const total = seconds.reduce((sum, one) => sum + one, 0);
  const timing = (of: Runner) => ({ seconds: of.seconds, tokens: tokensOf(of) });
  const against = (baseline: Runner | undefined) =>
    baseline ? speedUp(timing(runner), timing(baseline)) : null;
  const { provider, threads } = session;
  return {
    ...result,
    eval: 'bench',
    // texts sampled from a model name it
    model: result.model!,
    throughput: {
      tokensPerSecond: medianFigure(seconds.map((one) => tokensOf(runner) / one)),
      latency: medianFigure(seconds),
      decodeOrder: runner.decodeOrder,
      ...(runner.remasked && { remasked: runner.remasked }),
      rounds: seconds.length,
      batch,
      warmupSeconds,
      speedUpOverAr: against(runners.find((one) => one.request.checkpoint.family === 'ar')),
      speedUpOverMasked: against(maskedBaseline(runners)),
      harnessShare: Math.max(0, 1 - runner.runtimeSeconds / total),
      peakMemoryBytes: options.memory ? await memoryOf(runner, observers.whole) : null,
      cached: session.source.causal?.cached ?? (checkpoint.family === 'ar' ? false : null),
      pareto: null,
    },
    environment: { ...result.environment, provider, threads, batch },
  };
}

/** The masked configuration with the most steps. */
function maskedBaseline(runners: readonly Runner[]): Runner | undefined {
  const masked = runners.filter(({ request }) => isMasked(request.checkpoint.family));
  return masked.sort((a, b) => b.request.steps - a.request.steps)[0];
}

function measuring({ request }: Configuration, { judge, seed, comparison }: ThroughputOptions) {
  return { protocol: request.protocol, judge, seed, features: comparison?.features ?? null };
}

/** The samples that were timed. */
async function textsOf({ name, request, session, samples, seconds }: Runner): Promise<TextSet> {
  const { checkpoint, tokenizer, sampler, options, steps, length, protocol } = request;
  const cached = session.source.causal && { cached: session.source.causal.cached };
  async function* texts(): AsyncGenerator<GeneratedText> {
    for (const { tokens, nfe } of samples) {
      const text = tokenizer.decode(tokens, { cleanUp: protocol === 'duo' });
      yield { tokens, text, nfe, seconds: seconds.reduce((sum, one) => sum + one, 0) / samples.length };
    }
  }
  return {
    name,
    model: {
      name: checkpoint.name,
      family: checkpoint.family,
      sha256: await checkpoint.sha256(),
      path: checkpoint.path,
    },
    dataset: null,
    count: samples.length,
    tokenizer,
    facts: {
      path: null,
      length,
      ...tokenizerFacts(tokenizer),
      sampler: { name: sampler.sampler.name, options: { ...options }, steps, ...cached },
      seed: request.seed,
      temperature: request.temperature,
      topK: request.topK,
      topP: request.topP,
      prompt: false,
      given: givenCount(request),
    },
    texts: texts(),
  };
}
