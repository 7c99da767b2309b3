/** The record of `tasks`: a model on a task, its share of right answers, and how sure the answers are. */
import { z } from 'zod';
import { column, count, figureIn, known, part, sampledFigureIn } from '../../records/figures.js';
import { COUNT, plausibleColumns, plausiblePair, RANGES } from '../../records/plausible.js';
import { costRecord, datasetRecord, environmentRecord, modelRecord } from '../../records/record.js';
import { OUTPUT_TYPES } from './task.js';

const taskRecord = part({
  name: z.string().describe('As lm-evaluation-harness calls it, where it is one of its tasks.'),
  version: z.number(),
  about: z.string().nullable(),
  path: z.string().nullable().describe('The task file as given; null: built in.'),
  sha256: z.string().describe('Of the task file, and those that it includes.'),
  output: z.enum(OUTPUT_TYPES),
  metrics: z.array(z.string()),
});

const taskProtocolRecord = part({
  name: z.literal('tasks'),
  version: z.int().describe('Raised when the same name would give another figure.'),
  taskSha256: z.string().describe('Of the task file: rows of one task compare where it is the same.'),
  shots: count.describe('Examples before each question.'),
  estimator: z
    .enum(['chain-rule', 'policy', 'evidence', 'bound', 'generation'])
    .describe('What ln p of a continuation is: docs/tasks.md says it for each.'),
  policy: z.string().nullable().describe('The order of method policy; null for others.'),
  tokensPerCall: known,
  draws: known.describe('Draws per continuation, or the most of them; null where nothing is drawn.'),
  until: known.describe('Draws went on until the chance of another pick was at most this; null: all draws.'),
  seed: known,
  tail: z
    .string()
    .nullable()
    .describe(
      'What stood behind continuations: none, eos, masked or given; null for ar, which does not see it.',
    ),
  bos: z.enum(['always', 'when-empty']).describe('Before which contexts BOS stood.'),
  tooLong: z.enum(['truncate', 'refuse']),
  sampler: z.string().nullable().optional().describe('What generated; absent where nothing was.'),
  samplerOptions: z
    .record(z.string(), z.union([z.number(), z.string(), z.boolean()]))
    .optional()
    .describe('Those that were given; absent where none was.'),
  steps: known.optional(),
});

const metric = (range: Parameters<typeof figureIn>[0]) => figureIn(range).nullable();

const itemsRecord = part({
  index: column.describe('Place of its document in the split.'),
  unit: column.describe('Number of its cluster; its own where items are independent.'),
  flip: column.describe('Chance that more draws would pick another choice.'),
  acc: column.optional(),
  accNorm: column.optional(),
  accBytes: column.optional(),
  exactMatch: column.optional(),
  nats: column.optional().describe('−ln p of the answer or text.'),
  written: column.optional().describe('Tokens of a generated answer, up to its end.'),
  calls: column.optional().describe('Model calls that wrote it.'),
}).superRefine(
  plausibleColumns({
    ...{ index: COUNT, unit: COUNT, flip: RANGES.share, nats: RANGES.loss, written: COUNT, calls: COUNT },
    ...{ acc: RANGES.share, accNorm: RANGES.share, accBytes: RANGES.share, exactMatch: RANGES.share },
  }),
);

const partRecord = part({
  part: count.describe('From 1.'),
  of: count,
  items: part({
    index: column.describe('Place of its document in the split.'),
    flip: column,
    variance: column.describe('Over draws, of its ln p; 0: exact.'),
    cut: column.describe('Tokens that were cut from the left.'),
    tokens: column,
    words: column,
    bytes: column,
    cluster: z.array(z.string()).optional().describe('Digests; absent: items are independent.'),
    chance: column.optional(),
    ceiling: column.optional(),
    written: column.optional(),
    calls: column.optional(),
    acc: column.optional().describe('What each item adds to the figure of this name, as in the next ones.'),
    accNorm: column.optional(),
    accBytes: column.optional(),
    exactMatch: column.optional(),
    answerNll: column.optional(),
    wordNll: column.optional(),
    byteNll: column.optional(),
    bitsPerByte: column.optional(),
  }).superRefine(
    plausibleColumns({
      ...{ index: COUNT, flip: RANGES.share, variance: RANGES.any, cut: COUNT, tokens: COUNT },
      ...{ words: COUNT, bytes: COUNT, chance: RANGES.share, ceiling: RANGES.share },
      ...{ written: COUNT, calls: COUNT },
      ...{ acc: RANGES.share, accNorm: RANGES.share, accBytes: RANGES.share, exactMatch: RANGES.share },
      ...{ answerNll: RANGES.loss, wordNll: RANGES.loss, byteNll: RANGES.loss, bitsPerByte: RANGES.loss },
    }),
  ),
});

/** The settings of a model and sampler on a task, of which AUP is. */
const parallelismRecord = part({
  best: z.number().describe('y_max: the best accuracy of all that were compared, as a share.'),
  isGiven: z.boolean().describe('Whether it was given, and not found in the same results.'),
  resamples: count.describe('Replicates of items; 0: there is no interval.'),
  points: z.array(
    part({
      steps: known,
      samplerOptions: z.record(z.string(), z.union([z.number(), z.string(), z.boolean()])).optional(),
      tokensPerForward: z.number(),
      accuracy: z.number(),
      counts: z.boolean().describe('Whether it is at most 5 points below the slowest.'),
    }),
  ),
});

export const tasksRecord = part({
  eval: z.literal('tasks'),
  model: modelRecord,
  dataset: datasetRecord.describe('Its name is that of the task; sha256 is that of the documents.'),
  task: taskRecord,
  protocol: taskProtocolRecord,
  metrics: part({
    acc: metric(RANGES.share).describe('Share of items whose most probable choice is right.'),
    accNorm: metric(RANGES.share).describe('The same with ln p divided by the characters of the choice.'),
    accBytes: metric(RANGES.share).describe('The same with ln p divided by its bytes.'),
    exactMatch: metric(RANGES.share),
    answerNll: metric(RANGES.loss).describe('−ln p of an answer, mean over items.'),
    perplexity: metric(RANGES.perplexity).describe('exp(answerNll).'),
    wordNll: metric(RANGES.loss),
    wordPerplexity: metric(RANGES.perplexity).describe('exp(wordNll): −ln p per word.'),
    byteNll: metric(RANGES.loss),
    bytePerplexity: metric(RANGES.perplexity).describe('exp(byteNll): −ln p per byte.'),
    bitsPerByte: metric(RANGES.loss),
    tokensPerForward: metric(RANGES.speed)
      .optional()
      .describe(
        'TPF: tokens of the answers, up to their ends, over the model calls that wrote them. Generated answers alone.',
      ),
    aup: sampledFigureIn(RANGES.area)
      .optional()
      .describe(
        'Area under accuracy, in percent, over tokens per forward; on the slowest of the settings that it is of.',
      ),
  })
    .superRefine(plausiblePair('perplexity', 'answerNll'))
    .superRefine(plausiblePair('wordPerplexity', 'wordNll')),
  items: part({
    count: count.describe('Items that were asked.'),
    units: count.describe('Clusters of them, or items where they are independent.'),
    clustered: z.boolean(),
    cut: count.describe('Items that were cut from the left, being longer than the model.'),
    flips: z.number().describe('Sum of the chances that more draws would change a pick.'),
    chance: known.describe('Share that picking at random gets right; null where there are no choices.'),
    ceiling: known
      .optional()
      .describe(
        'Share that an ideal model gets right with as many tokens a call; null: no closed form is known.',
      ),
  }),
  aup: parallelismRecord.optional().describe('What metrics.aup is of. Absent where it is.'),
  cost: costRecord.describe('sequences are items; tokens the scored ones.'),
  environment: environmentRecord,
  part: partRecord
    .optional()
    .describe('Of a part of the items (--shard): what merge joins. Absent where they are all.'),
  byItem: itemsRecord.optional().describe('One entry per item. Absent without --by-item.'),
});
/** One model on one task. */
export type TasksResult = z.infer<typeof tasksRecord>;
