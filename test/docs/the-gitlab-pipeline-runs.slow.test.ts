/**
 * The pipeline of the page, job after job, as a runner of GitLab would run its scripts.
 * About docs/gates-and-ci.md, src/commands/run.ts, src/commands/merge.ts, src/commands/gate.ts
 */
import { expect, it } from 'vitest';
import { parse } from 'yaml';
import { blocksOf } from './pages.js';
import { reader } from './reader.js';

interface Job {
  stage: string;
  parallel?: number;
  script: string[];
}

it('runs a suite in parts, merges them, writes a report and judges the gates', async () => {
  const page = blocksOf('docs/gates-and-ci.md').find(
    ({ language, text }) => language === 'yaml' && text.includes('stages:'),
  );
  const { evaluate, judge } = parse(page?.text ?? '') as Record<'evaluate' | 'judge', Job>;
  const runner = reader();
  runner.write(
    'suite.yaml',
    'models: [fixtures/markov-ar.onnx]\ndatasets: [sotu, moby-dick]\nppl: {limit: 8}\n',
  );
  runner.write('gates.yaml', 'gates:\n  - {metric: ppl, max: 1000}\n');
  const run = (job: Job, env?: Record<string, string>) => runner.shell(job.script.join('\n'), env);
  const parallel = evaluate.parallel ?? 1;
  for (let index = 1; index <= parallel; index++)
    await run(evaluate, { CI_NODE_INDEX: String(index), CI_NODE_TOTAL: String(parallel) });
  const { stdout } = await run(judge);
  expect(stdout).toMatch(/pass/);
  const { stdout: written } = await runner.shell('ls results.json report.html gates.xml');
  expect(written.trim().split('\n')).toHaveLength(3);
});
