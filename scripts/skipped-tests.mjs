/**
 * Prints the tests that were skipped, each with its reason, and fails when one is skipped for none that is known: a test that
 * silently does not run proves nothing. Usage: node scripts/skipped-tests.mjs FILE…, each written by vitest's JSON reporter.
 */
import { readFileSync } from 'node:fs';
import { relative } from 'node:path';

/** Reasons, and the tests that may be skipped for them, by file and name. The first that fits counts. */
const REASONS = [
  [
    'needs ../shared: real data, restricted text, shared checkpoints or cases',
    /\.\.\/shared|shared checkpoint|real data|real tokenizers|shared cases|stories260K|trained checkpoint/i,
  ],
  [
    'needs ../shared: real data, restricted text, shared checkpoints or cases',
    /shared-checkpoints|trained-exports-keep|trained-weights-are-read|fetched-bytes-match|judge-equals|gen-measures-samples-files|of-the-cases|shared-cases|shared-tokenizers/,
  ],
  ['needs Chromium', /in-a-browser|html-printer|browser/i],
  [
    'needs a Vulkan driver or a GPU',
    /webgpu|vulkan|cuda|draws-follow-the-float64-distribution|providers-say-what-to-install/i,
  ],
  ['needs sqlite3', /sqlite/i],
  [
    'is for another platform, or not for root',
    /linux|windows|win32|root|named pipes|may not be written|full disk|link to a pipe|says it is empty|cannot make|where names are bytes/i,
  ],
  ['needs lm-evaluation-harness', /lm-eval|harness/i],
  ['needs PyTorch', /torch/i],
  ['needs Slurm, Redis, buildah or kubectl', /slurm|redis|buildah|kubectl/i],
];

const testResults = process.argv
  .slice(2)
  .flatMap((path) => JSON.parse(readFileSync(path, 'utf8')).testResults);
if (testResults.length === 0) throw new Error('These files hold no results of tests.');
const skipped = testResults.flatMap(({ name, assertionResults }) =>
  assertionResults
    .filter(({ status }) => status === 'skipped' || status === 'pending' || status === 'todo')
    .map(({ fullName }) => `${relative(process.cwd(), name)}: ${fullName}`),
);
const byReason = new Map();
const unknown = [];
for (const test of skipped) {
  const reason = REASONS.find(([, pattern]) => pattern.test(test))?.[0];
  if (reason) byReason.set(reason, [...(byReason.get(reason) ?? []), test]);
  else unknown.push(test);
}
console.log(`${skipped.length} tests were skipped.`);
for (const [reason, tests] of byReason)
  console.log(`  ${tests.length}: ${reason}\n${tests.map((test) => `      ${test}`).join('\n')}`);
if (unknown.length > 0) {
  console.error(
    `Skipped for no reason on the list of scripts/skipped-tests.mjs:\n${unknown.map((test) => `  ${test}`).join('\n')}`,
  );
  process.exitCode = 1;
}
