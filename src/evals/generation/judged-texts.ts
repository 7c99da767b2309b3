/**
 * Samples that were made and judged in parts. What a judge found for a text is kept under the text's own digest, so whoever joins the
 * parts takes it for that text and no other, and asks the judge for the rest.
 */
import { providerOf } from '../../models/provider.js';
import type { Observer } from '../../observer.js';
import { areSamplesKept, isAllIn } from '../../sampling/sample-journal.js';
import type { SampleRequest } from '../../sampling/sample-request.js';
import { openSampleRun, samplesKey } from '../../sampling/sample-run.js';
import type { CacheKey } from '../../storage/cache-entry.js';
import { openWorkJournal, readWorkJournal, type WorkRange } from '../../storage/work-journal.js';
import { Judge, type JudgeOptions, type KnownText } from './judge.js';

/** What was found for a sample. */
interface Line extends KnownText {
  sample: number;
}

/** Samples of a model and their judge, as parts of a cell of a suite share them. */
export interface JudgedSampling {
  sampling: SampleRequest;
  judge: JudgeOptions | null;
  /** Everything that decides the texts and what is found for them; what the parts are joined to. */
  key: CacheKey;
}

const journalKey = (key: CacheKey): CacheKey => ({ judgedTexts: 1, of: key });

/** Samples a range and judges it; both stay in journals. @throws as `gen` of all */
export async function judgePart(
  { sampling, judge: options, key }: JudgedSampling,
  range: WorkRange,
  observer: Observer,
): Promise<void> {
  const judge = options && (await Judge.open(options, observer));
  try {
    const ids: Int32Array[] = [];
    const run = await openSampleRun(sampling, observer, { for: key, range });
    try {
      for await (const { record } of run.records())
        if (judge) ids.push(judge.idsOf(record.text, record.tokens.length));
    } finally {
      await run.close();
    }
    if (judge) await keepJudged(judge, ids, { sampling, key, range });
  } finally {
    await judge?.close();
  }
}

async function keepJudged(
  judge: Judge,
  ids: readonly Int32Array[],
  { sampling, key, range }: Pick<JudgedSampling, 'sampling' | 'key'> & { range: WorkRange },
): Promise<void> {
  const known = new Set<number>();
  const journal = await openWorkJournal<Line>(journalKey(key), {
    what: `The judgement of ${sampling.checkpoint.name}, samples ${range.from} to ${range.to - 1}`,
    fresh: sampling.fresh,
    parts: { for: key, range },
    onEntry: (line) => {
      judge.learn(line);
      known.add(line.sample);
    },
  });
  try {
    const texts = await judge.judged(sampling.checkpoint.name, ids);
    for (const [i, text] of texts.entries())
      if (!known.has(range.from + i)) journal.append({ sample: range.from + i, ...text });
  } catch (error) {
    judge.keep();
    throw error;
  } finally {
    journal.close();
  }
  judge.finish();
}

/** Of each range whether all parts together have sampled and judged it. */
export async function areJudged(
  { sampling, judge, key }: JudgedSampling,
  ranges: readonly WorkRange[],
): Promise<boolean[]> {
  const parts = { for: key, ranges };
  const sampled = areSamplesKept(await samplesKey(sampling, providerOf(sampling.provider)), parts);
  if (judge === null) return sampled;
  const judged = new Set<number>();
  readWorkJournal<Line>(journalKey(key), ({ sample }) => judged.add(sample), parts);
  return ranges.map((range, i) => sampled[i] && isAllIn(judged, range));
}

/** Tells the judge what parts have found. @returns what removes it, once the results are written */
export async function recallJudged(judge: Judge, key: CacheKey, fresh: boolean): Promise<() => void> {
  const journal = await openWorkJournal<Line>(journalKey(key), {
    what: 'The judgement of samples',
    fresh,
    parts: { for: key },
    onEntry: (line) => judge.learn(line),
  });
  journal.close();
  return journal.finish;
}
