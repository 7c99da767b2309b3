/** About src/evals/tasks/task-items.ts, src/evals/tasks/functions.ts, src/evals/tasks/documents.ts, tasks/ */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { documentsOf } from '../../../src/evals/tasks/documents.js';
import { readTask } from '../../../src/evals/tasks/task-files.js';
import { itemsOf } from '../../../src/evals/tasks/task-items.js';
import { temporaryFolder } from '../../support/folder.js';
import { root } from '../../support/run.js';

interface Case {
  task: string;
  shots: number;
  splits: Record<string, object[]>;
  /** [document, choice, [context, continuation]] */
  requests: [number, number, [string, string]][];
}

/** Built by lm-evaluation-harness 0.4.13 with its own task files from these documents, drawn examples included. */
const { cases }: { cases: Case[] } = JSON.parse(
  gunzipSync(readFileSync(join(root, 'test', 'oracles', 'tasks', 'lm-eval-requests.json.gz'))).toString(),
);

const noHub = async () => {
  throw new Error('the hub is asked');
};

describe('built-in tasks', () => {
  it.each(cases)('$task, $shots examples', async ({ task: name, shots, splits, requests }) => {
    const folder = temporaryFolder();
    for (const [split, documents] of Object.entries(splits))
      folder.file(`${split}.jsonl`, documents.map((one) => JSON.stringify(one)).join('\n'));
    const read = readTask(name);
    const task = { ...read, shots: { ...read.shots, count: shots } };
    const options = { data: folder.root, fetch: noHub };
    const documents = await documentsOf(task, task.split, options);
    const examples = shots === 0 ? null : await documentsOf(task, task.shots.split ?? '', options);
    const items = itemsOf(task, documents, examples, { limit: null, order: 'first', shard: null });
    const found = items.flatMap(({ index, requests: asked }) =>
      asked.map(({ context, continuation }, choice) => [index, choice, [context, continuation]]),
    );
    expect(found).toEqual(requests);
  });
});
