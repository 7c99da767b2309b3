/** Output of an evaluation's results: files are checked before the work starts, and written when it is done. */
import type { Format } from '../printing/formats.js';
import type { OutputPlan } from '../printing/output.js';
import type { ResultsFile } from '../records/record.js';

/** @param others further files that the command writes   @throws UsageError, FileError */
export async function plannedOutput(
  flags: { format?: Format; json?: boolean; out?: readonly string[] },
  others: readonly string[] = [],
): Promise<OutputPlan> {
  const { checkWritable, planOutput } = await import('../printing/output.js');
  const plan = planOutput(flags);
  checkWritable([...plan.files.map(({ path }) => path), ...others]);
  return plan;
}

/** Writes the files. @returns the text for stdout   @throws FileError */
export async function writeResults(
  plan: OutputPlan,
  results: ResultsFile,
  screen: { width: number; color: boolean; plots?: boolean },
): Promise<string> {
  const { formatResults, writeResults: write } = await import('../library/results.js');
  for (const { path, format } of plan.files) await write(results, path, format);
  return formatResults(results, plan.stdout, screen);
}
