/** The parts of the record that `bench` and `frontier` write: how fast models generate, beside how well. */

import type { EnvironmentRecord, ModelRecord } from '../../records/record.js';
import type { RatioFigure, TimedPair } from '../../statistics/interleaved-ratio.js';
import type { GenerativeResult, JudgeRecord, SampledFigure, SampleSetRecord } from '../generation/record.js';

/** A median over rounds. */
export interface MedianFigure {
  value: number;
  /** 95% interval of the median, from order statistics; null with fewer than 6 rounds. */
  ci95: [number, number] | null;
}

export interface ThroughputRecord {
  /** Generated tokens a second of wall time. */
  tokensPerSecond: MedianFigure;
  /** Timed rounds; one batch of samples each, all configurations taking turns. */
  rounds: number;
  /** Samples a round. */
  batch: number;
  /** Of the round before them, which is not counted. */
  warmupSeconds: number;
  /** Median over rounds of the baseline's seconds a token over this one's; null where there is no baseline. */
  speedUpOverAr: number | null;
  /** The baseline is the masked configuration of most steps. */
  speedUpOverMasked: number | null;
  /** Share of the time outside the runtime. */
  harnessShare: number;
  /** Largest resident memory of a process that does nothing but a batch of this; null where it was not measured. */
  peakMemoryBytes: number | null;
  /** Autoregressive: whether keys and values were kept; null for others. */
  cached: boolean | null;
  /** No other configuration is as fast and as good; null without a judge. */
  pareto: boolean | null;
  /** `--against`: the same configuration of another build, timed in turn with this one. */
  against?: AgainstRecord;
}

/** Another build of the model or of duo-eval, and how this one compares. */
export interface AgainstRecord {
  kind: 'checkpoint' | 'installation';
  /** Of the checkpoint; of an installation `--against name=folder`, else the folder's own. */
  name: string;
  /** As given. */
  path: string;
  /** Of the ONNX file; of an installation's built files, names and contents. */
  sha256: string | null;
  /** duo-eval/version that ran it. */
  tool: string;
  onnxruntime: string | null;
  /** Tokens a second of the other. */
  tokensPerSecond: MedianFigure;
  /** Rounds, in each of which both were timed. */
  rounds: number;
  /** This one's tokens a second over the other's. With as many tokens, its inverse is the ratio of the latencies. */
  ratio: RatioFigure;
  /** What the ratio is from, round by round. */
  pairs: TimedPair[];
}

/** One model, sampler and number of steps. */
export interface BenchResult extends Omit<GenerativeResult, 'eval' | 'model'> {
  eval: 'bench';
  model: ModelRecord;
  throughput: ThroughputRecord;
}

/** One temperature of a sweep. */
export interface SweepPointRecord {
  temperature: number;
  genPpl: SampledFigure;
  entropy: SampledFigure;
  /** Samples over the seconds they took, in tokens. */
  tokensPerSecond: number | null;
  samples: number;
}

/** One model, sampler and number of steps, over temperatures. */
export interface FrontierResult {
  eval: 'frontier';
  model: ModelRecord;
  sampler: NonNullable<SampleSetRecord['sampler']>;
  /** Tokens a sample. */
  length: number;
  /** Left out where the draws were not cut. */
  topK?: number | null;
  topP?: number | null;
  tokenizerSha256: string | null;
  /** What samples begin and end with where they are wrapped, by card, flag or tokenizer; null: nothing. Absent where no one knows. */
  bosTokenId?: number | null;
  eosTokenId?: number | null;
  /** The entropy at which models are compared, nats. */
  target: { entropy: number; dataset: string | null };
  metrics: {
    /** Interpolated at that entropy; unknown where the sweep does not reach it. */
    genPpl: SampledFigure;
  };
  /** That has this entropy, interpolated. */
  temperature: number | null;
  /** Share of bootstrap replicates whose sweep does not reach it. */
  outside: number;
  points: SweepPointRecord[];
  /** Model calls a sample. */
  nfe: number | null;
  /** Over all temperatures. */
  tokensPerSecond: number | null;
  /** No other configuration is as fast and as good; null where they ran on different machines. */
  pareto: boolean | null;
  judge: JudgeRecord;
  protocol: GenerativeResult['protocol'];
  environment: EnvironmentRecord;
}
