/** The part of the record that `gen` writes: texts, what judged them, and how good and how varied they are. */
import type {
  CostRecord,
  DatasetRecord,
  EnvironmentRecord,
  ModelRecord,
  TextSampling,
} from '../../records/record.js';
import type { SampleColumns } from '../../records/sample-columns.js';

/** A figure over samples; of real text, over units of text. */
export interface SampledFigure extends TextSampling {
  value: number | null;
  /** Over samples; null where the figure is of the whole set. */
  stderr: number | null;
  /** 95% interval over samples: bootstrap-t for perplexity (of fewer than 8 samples Student's t of its logarithm), Student's t for means; of real text Student's t over units. */
  ci95: [number, number] | null;
}

/** The texts of a row, and how they came about. */
export interface SampleSetRecord {
  /** `name=path`, else the file's or the data set's name. */
  name: string;
  /** As given; null for text that was not read from a samples file. */
  path: string | null;
  /** Of the token ids of all samples, int32 little-endian. */
  sha256: string;
  /** Texts. */
  count: number;
  /** Tokens a text. */
  length: number;
  tokenizerSha256: string | null;
  /** What its texts begin and end with where they are wrapped, by card, flag or tokenizer; null: nothing. Absent where no one knows. */
  bosTokenId?: number | null;
  eosTokenId?: number | null;
  /** What drew them; null for real text. */
  sampler: { name: string; options: Record<string, number | string | boolean>; steps: number } | null;
  seed: number | null;
  temperature: number | null;
  topK: number | null;
  topP: number | null;
  /** Some tokens were given. */
  prompt: boolean | null;
  /** Of the tokens that were given, and where; left out where nobody knows. */
  promptSha256?: string | null;
  /** Model calls a sample, mean; null for real text. */
  nfe: number | null;
  /** Seconds that all samples took; null for real text. */
  seconds: number | null;
}

export interface JudgeRecord extends ModelRecord {
  tokenizerSha256: string;
  /** Tokens of a window. */
  context: number;
}

export interface GenerativeProtocolRecord {
  /** duo: spaces cleaned up when decoding, as the reference does; strict: texts as they are. */
  name: string;
  /** Raised when the same name would give another figure. */
  version: number;
  /** Of the bootstrap. */
  seed: number;
  /** Replicates of the bootstrap over samples. */
  resamples: number;
  /** How intervals of the perplexity are made: bootstrap-t over samples; Student's t of the logarithm over fewer
   *  than 8 samples, and over units of real text; of frontier
   *  Student's t with the bootstrap's standard error; percentiles of the bootstrap in files of version 1. */
  interval: 'bootstrap-t' | 'student-t' | 'bootstrap-stderr' | 'percentile';
  /** Level of deflate in the compression ratio. */
  compressionLevel: number;
}

/** One set of texts. */
export interface GenerativeResult {
  eval: 'gen';
  /** What wrote them; null for real text. */
  model: ModelRecord | null;
  samples: SampleSetRecord;
  /** Where real text comes from; null for a model's. */
  dataset: DatasetRecord | null;
  /** Null without a judge. */
  judge: JudgeRecord | null;
  protocol: GenerativeProtocolRecord;
  metrics: {
    /** exp(genNll). */
    genPpl: SampledFigure;
    /** Nats a counted token under the judge. */
    genNll: SampledFigure;
    /** Unigram entropy of a sample's token ids, nats, mean over samples. */
    entropy: SampledFigure;
    /** Different n-grams over n-grams, all samples together. */
    distinct1: SampledFigure;
    distinct2: SampledFigure;
    distinct3: SampledFigure;
    /** Share of a sample's 4-grams that are not new, mean over samples. */
    repetition4: SampledFigure;
    /** Bytes of all texts over their bytes deflated. */
    compressionRatio: SampledFigure;
  };
  /** Of judging: `tokens` are the counted ones, `modelCalls` windows. */
  cost: CostRecord;
  environment: EnvironmentRecord;
  /** `--by-sample`: what pairing with another run needs. */
  bySample?: SampleColumns;
}
