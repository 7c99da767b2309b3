import { string as argument } from '@oclif/core/args';
import { BaseCommand } from '../cli/base-command.js';
import { checkpointFlags, checkpointOverrides } from '../cli/checkpoint-flags.js';
import { boolean, integer, string } from '../cli/flags.js';
import { paint } from '../cli/terminal.js';
import { DataError, UsageError } from '../errors.js';
import { parseModelSpec } from '../library/checkpoints.js';
import type { CheckpointDescription } from '../models/checkpoint.js';

export default class Inspect extends BaseCommand<typeof Inspect> {
  static override summary = 'Show what is known about a checkpoint, and what is missing.';
  static override description =
    'Each field is shown with its source: a flag, the card beside the model, the metadata in the model, its tensors, or the usual value of its family. A few model calls check which tokens a token sees, whether the noise level has an effect, whether logits are read at the right rows, and whether the length fits. Problems that prevent evaluation come last.';
  static override examples = [
    '<%= config.bin %> inspect duo.onnx',
    '<%= config.bin %> inspect gpt2.onnx --family ar --tokenizer ./gpt2 --json',
  ];

  static override args = {
    model: argument({ description: 'ONNX file, or hf:owner/name.' }),
  };

  static override flags = {
    model: string({
      char: 'm',
      summary: 'The same, as other commands take it.',
      helpValue: '<[name=]path>',
    }),
    length: integer({ min: 2, summary: 'Tokens per sequence.' }),
    probe: boolean({
      default: true,
      allowNo: true,
      summary: 'Run the network a few times, to check what the card says.',
    }),
    ...checkpointFlags,
  };

  async run(): Promise<void> {
    const { flags, args } = this;
    const given = args.model ?? flags.model;
    if (given === undefined || (args.model !== undefined && flags.model !== undefined)) {
      throw new UsageError({
        code: 'no-model',
        message:
          given === undefined ? 'No model is given.' : 'Two models are given; one is inspected at a time.',
        hint: 'For example: duo-eval inspect duo.onnx',
      });
    }
    const { path, name } = parseModelSpec(given);
    const { checkpointOf, describeCheckpoint } = await import('../models/checkpoint.js');
    const { inspectCheckpoint } = await import('../models/inspection.js');
    const overrides = { ...checkpointOverrides(flags), length: flags.length };
    const description = describeCheckpoint(path, overrides, name);
    const inspection = await inspectCheckpoint(description);
    if (flags.probe && inspection.problems.length === 0) {
      const { probeInspection } = await import('../evals/perplexity/inspection-probe.js');
      const tokenizer = await tokenizerOf(description);
      const probe = await probeInspection(checkpointOf(description), tokenizer);
      inspection.problems.push(...probe.problems);
      inspection.remarks.push(...probe.remarks);
    }
    if (this.options.json) {
      this.printJson(inspection);
      return;
    }
    const { inspectionText } = await import('../models/inspection-text.js');
    const { width, color } = this.screen;
    this.print(inspectionText(inspection, width, (heading) => paint(heading, 'bold', color)));
  }
}

/** Null where none can be read: a model is inspected without one, too. */
async function tokenizerOf({ fields: { tokenizer } }: CheckpointDescription) {
  if (tokenizer.value === null) return null;
  const { loadTokenizer } = await import('../datasets/tokenizer.js');
  try {
    return await loadTokenizer(tokenizer.value);
  } catch (error) {
    if (error instanceof DataError) return null;
    throw error;
  }
}
