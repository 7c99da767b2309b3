/** Writes samples and their traces: lines to files or stdout, and the page that plays them. */
import type { Tokenizer } from '../datasets/tokenizer.js';
import type { LineOutput } from '../printing/line-output.js';
import { fileOutput } from '../printing/line-output.js';
import { replaceFile } from '../printing/output.js';
import { type SampleRecord, type SamplesHeader, samplesLine } from '../records/samples-file.js';
import type { GivenTokens } from './generation-plan.js';
import type { SampleRun } from './sample-run.js';
import { type SampleTrace, statesOf } from './trace.js';
import { tracePage } from './trace-page.js';

export interface SampleTargets {
  /** Receives the lines of `--out` or stdout; null if they are not written. */
  lines: LineOutput | null;
  /** `--trace` */
  trace?: string;
  /** `--trace-html` */
  page?: string;
}

/** Facts for the page. */
export interface PageContext {
  tokenizer: Tokenizer;
  given: GivenTokens | null;
  maskTokenId: number | null;
}

export interface SamplesSummary {
  samples: number;
  /** Model calls of all samples. */
  modelCalls: number;
  /** Seconds spent on the samples, including those of earlier runs. */
  seconds: number;
}

/** Most traces on a page, which holds them all in memory. */
const MOST_ON_PAGE = 16;

/**
 * Writes every sample as it comes; the files appear when all are written. @throws FileError, and what the samples throw
 * @param each called with every record, in order
 */
export async function writeSamples(
  run: SampleRun,
  targets: SampleTargets,
  context: PageContext,
  each: (record: SampleRecord) => void = () => {},
): Promise<SamplesSummary> {
  const { header } = run;
  const summary: SamplesSummary = { samples: 0, modelCalls: 0, seconds: 0 };
  const outputs = [targets.lines, targets.trace === undefined ? null : await fileOutput(targets.trace)];
  const [lines, trace] = outputs;
  const onPage: SampleTrace[] = [];
  try {
    await lines?.write(samplesLine(header));
    await trace?.write(`${JSON.stringify({ ...header, kind: 'trace' })}\n`);
    for await (const { record, trace: sampleTrace } of run.records()) {
      await lines?.write(samplesLine(record));
      if (sampleTrace && trace) await writeTrace(trace, sampleTrace);
      if (sampleTrace && targets.page !== undefined && onPage.length < MOST_ON_PAGE) onPage.push(sampleTrace);
      summary.samples++;
      summary.modelCalls += record.nfe;
      summary.seconds += record.seconds;
      each(record);
    }
    if (targets.page !== undefined) await replaceFile(targets.page, pageOf(header, onPage, context));
    for (const output of outputs) await output?.commit();
  } catch (error) {
    for (const output of outputs) await output?.discard();
    throw error;
  }
  return summary;
}

/** One line for the tokens before the first step (step 0) and one after each step. */
async function writeTrace(output: LineOutput, trace: SampleTrace): Promise<void> {
  let step = 0;
  for (const tokens of statesOf(trace)) {
    await output.write(
      `${JSON.stringify({ sample: trace.sample, step: step++, tokens: Array.from(tokens) })}\n`,
    );
  }
}

function pageOf(
  header: SamplesHeader,
  samples: readonly SampleTrace[],
  { tokenizer, given, maskTokenId }: PageContext,
): string {
  const { model, sampler, length, seed, temperature, count } = header;
  const options = Object.entries(sampler.options).map(([name, value]) => `${name} ${value}`);
  return tracePage({
    title: `${model.name}: from noise to text`,
    lead: [
      `${sampler.name}, ${sampler.steps} ${sampler.steps === 1 ? 'step' : 'steps'}`,
      ...options,
      `${length} tokens`,
      `temperature ${temperature}`,
      `seed ${seed}`,
    ].join(' · '),
    samples,
    given: given?.fixed ?? null,
    maskTokenId,
    textOf: (id) => tokenizer.decode([id], { cleanUp: false }),
    note: count > samples.length ? `The first ${samples.length} of ${count} samples.` : undefined,
  });
}
