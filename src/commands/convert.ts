import { BaseCommand } from '../cli/base-command.js';
import { boolean, choice, integer, string } from '../cli/flags.js';
import { UsageError } from '../errors.js';
import { SIZE_NAMES } from '../models/architectures/dimensions.js';
import { ARCHITECTURE_NAMES } from '../models/architectures/names.js';

const SIZE = 'ARCHITECTURE';
const CARD = 'CARD';

export default class Convert extends BaseCommand<typeof Convert> {
  static override summary = 'Make a checkpoint: an ONNX file and its card.';
  static override description =
    `With --random, a network of the published architecture and random weights: to measure speed, or to train.

dit, the diffusion transformer, takes noisy tokens and the noise level. causal takes cached keys and values beside the tokens; empty ones score whole sequences. Weights past 2 GB go to a file beside the model.`;
  static override examples = ['<%= config.bin %> convert --random --arch dit --vocab 50257 --out dit.onnx'];

  static override flags = {
    random: boolean({ summary: 'Draw the weights at random.' }),
    seed: integer({ min: 0, default: 1, summary: 'Seed of the random weights.' }),
    out: string({ required: true, summary: 'The checkpoint to write.', helpValue: '<file.onnx>' }),
    arch: choice(ARCHITECTURE_NAMES)({ required: true, summary: 'Kind of network.', helpGroup: SIZE }),
    size: choice(SIZE_NAMES)({ default: 'small', summary: 'Published size.', helpGroup: SIZE }),
    vocab: integer({ min: 2, required: true, summary: 'Width of the logits.', helpGroup: SIZE }),
    length: integer({ min: 2, default: 1024, summary: 'Most tokens a sequence.', helpGroup: SIZE }),
    'hidden-size': integer({ min: 1, summary: "Width. [default: the size's]", helpGroup: SIZE }),
    'condition-size': integer({ min: 1, summary: 'Width of the time condition.', helpGroup: SIZE }),
    blocks: integer({ min: 1, summary: "Blocks. [default: the size's]", helpGroup: SIZE }),
    heads: integer({ min: 1, summary: "Heads. [default: the size's]", helpGroup: SIZE }),
    family: choice(['duo', 'mdlm', 'sedd'])({
      summary: 'Family of a dit. [default: duo]',
      helpGroup: CARD,
    }),
    tokenizer: string({
      summary: 'Tokenizer for the card: a folder or a tokenizer.json.',
      helpValue: '<path>',
      helpGroup: CARD,
    }),
  };

  async run(): Promise<void> {
    const { flags } = this;
    if (!flags.random) {
      throw new UsageError({
        code: 'no-source',
        message: 'Nothing says where the weights come from.',
        hint: 'Give --random for random weights.',
      });
    }
    const { randomCheckpoint } = await import('../models/random-checkpoint.js');
    const saved = await randomCheckpoint({
      out: flags.out,
      seed: flags.seed,
      architecture: flags.arch,
      size: flags.size,
      changes: {
        hiddenSize: flags['hidden-size'],
        conditionSize: flags['condition-size'],
        blocks: flags.blocks,
        heads: flags.heads,
      },
      vocabSize: flags.vocab,
      length: flags.length,
      family: flags.family,
      tokenizer: flags.tokenizer,
    });
    const { path, dataPath, cardPath, parameters, bytes } = saved;
    if (this.options.json) {
      this.printJson({ schemaVersion: 1, model: path, data: dataPath, card: cardPath, parameters, bytes });
      return;
    }
    const { alignedColumns } = await import('../cli/aligned-columns.js');
    this.print(
      alignedColumns([
        ['model', path],
        ...(dataPath ? [['data', dataPath]] : []),
        ['card', cardPath],
        ['parameters', parameters.toLocaleString('en-US')],
        ['bytes', bytes.toLocaleString('en-US')],
      ]),
    );
    if (flags.tokenizer === undefined) {
      this.note('The card names no tokenizer: give --tokenizer here, or to each command that reads text.');
    }
  }
}
