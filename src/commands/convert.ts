import { string as argument } from '@oclif/core/args';
import { BaseCommand } from '../cli/base-command.js';
import { boolean, choice, integer, number, string } from '../cli/flags.js';
import { UsageError } from '../errors.js';
import { SIZE_NAMES } from '../models/architectures/dimensions.js';
import { ARCHITECTURE_NAMES } from '../models/architectures/names.js';
import type { ImportedCheckpoint, ImportRequest } from '../models/importers/import-checkpoint.js';
import type { SavedCheckpoint } from '../models/save-checkpoint.js';
import { ACTIVATIONS, INT4_BLOCKS, STORAGE_TYPES } from '../models/weights/storage-names.js';

const RANDOM = 'RANDOM WEIGHTS';
const CARD = 'CARD';
const STORAGE = 'STORAGE';
const USUAL_LENGTH = 1024;

export default class Convert extends BaseCommand<typeof Convert> {
  static override summary = 'Make an ONNX checkpoint from published or random weights.';
  static override description =
    `Writes an ONNX file and its card. Sources are a folder or a hub repository with config.json and model.safetensors, a .safetensors file, a .ckpt of the reference's training, an .onnx to store in another type, or llama2.c's .bin: Duo, MDLM, SEDD and AR of s-sahoo/duo, BD3-LM of kuleshov-group/bd3lms, GPT-2, Llama, Mistral, Qwen, Gemma, Pythia and llama2.c; Dream, LLaDA, SDAR, SMDM, DiffuGPT and dllm's a2d. No code in a file is ever run. Weights are streamed, so memory stays small; those past 2 GB go to files beside the model.

float16 is widened when it is loaded, and the network computes in float32. int8 has one scale per output, int4 one per block of weights, and embeddings in 8 or 4 bits; what flows into their products is rounded to int8 per token or block, which processors with VNNI or AMX multiply two to three times as fast as float32. --activations float32 rounds weights alone.

With --random, the network has the published architecture and random weights, to measure speed or to train. dit reads noisy tokens and the noise level. causal reads tokens with cached keys and values; an empty cache scores whole sequences. block-diffusion reads noisy tokens, and clean ones block by block.`;
  static override examples = [
    '<%= config.bin %> convert ./duo --out duo.onnx --tokenizer ./gpt2',
    '<%= config.bin %> convert stories260K.bin --out stories.onnx',
    '<%= config.bin %> convert duo.onnx --dtype int4 --out duo-int4.onnx',
    '<%= config.bin %> convert --random --arch dit --vocab-size 50257 --out dit.onnx',
  ];

  static override args = {
    source: argument({ description: 'Weights: a folder, a file, or hf:owner/name.' }),
  };

  static override flags = {
    out: string({ char: 'o', required: true, summary: 'The checkpoint to write.', helpValue: '<file.onnx>' }),
    dtype: choice(STORAGE_TYPES)({
      summary: 'Type in which matrices are stored. [default: float32]',
      helpGroup: STORAGE,
    }),
    activations: choice(ACTIVATIONS)({
      summary: 'What flows into products with int8 and int4: rounded to int8, or as it is. [default: int8]',
      helpGroup: STORAGE,
    }),
    'int4-block': choice(INT4_BLOCKS.map(String))({
      summary: 'Weights that share a scale, for int4. [default: 32]',
      helpGroup: STORAGE,
    }),
    'int4-symmetric': boolean({ summary: 'No zero points, for int4.', helpGroup: STORAGE }),
    'shard-size': number({
      above: 0,
      max: 1e6,
      summary: 'Largest file of weights beside a model past 2 GB. [default: 4]',
      helpValue: '<GB>',
      helpGroup: STORAGE,
    }),
    revision: string({ summary: 'Revision of hf:owner/name. [default: main]', helpValue: '<name>' }),
    family: choice(['duo', 'mdlm', 'sedd', 'bd3lm', 'd3pm', 'gidd'])({
      summary: 'Family of a dit, or bd3lm of an a2d. [default: from the files]',
      helpGroup: CARD,
    }),
    tokenizer: string({
      summary: 'Tokenizer for the card: a folder or a tokenizer.json.',
      helpValue: '<path>',
      helpGroup: CARD,
    }),
    length: integer({
      min: 2,
      summary: 'Longest sequence, in tokens. [default: from config.json, else 1024]',
      helpGroup: CARD,
    }),
    'block-size': integer({
      min: 1,
      summary: 'Tokens per block of a bd3lm. [default: from config.json]',
      helpGroup: CARD,
    }),
    'diffusion-steps': integer({
      min: 1,
      max: 1_000_000,
      summary: "Steps of a d3pm's discrete time. [default: from config.json]",
      helpGroup: CARD,
    }),
    schedule: choice(['log-linear', 'cosine'])({
      summary: 'Noise schedule. [default: from config.json, else log-linear]',
      helpGroup: CARD,
    }),
    'mask-token-id': integer({ min: 0, summary: 'Id of the mask token.', helpGroup: CARD }),
    heads: integer({ min: 1, summary: 'Attention heads. [default: from config.json]', helpGroup: CARD }),
    random: boolean({ summary: 'Draw the weights at random.', helpGroup: RANDOM }),
    seed: integer({ min: 0, default: 1, summary: 'Seed of the random weights.', helpGroup: RANDOM }),
    arch: choice(ARCHITECTURE_NAMES)({ summary: 'Architecture.', helpGroup: RANDOM }),
    size: choice(SIZE_NAMES)({ default: 'small', summary: 'One of the published sizes.', helpGroup: RANDOM }),
    'vocab-size': integer({
      min: 2,
      summary: 'Width of the logits.',
      helpGroup: RANDOM,
      aliases: ['vocab'],
    }),
    'hidden-size': integer({
      min: 1,
      summary: 'Width of the hidden states. [default: of the size]',
      helpGroup: RANDOM,
    }),
    'condition-size': integer({ min: 1, summary: 'Width of the noise-level embedding.', helpGroup: RANDOM }),
    blocks: integer({ min: 1, summary: 'Transformer blocks. [default: of the size]', helpGroup: RANDOM }),
  };

  async run(): Promise<void> {
    const { flags, args } = this;
    if (Boolean(flags.random) === (args.source !== undefined)) {
      throw new UsageError({
        code: 'no-source',
        message: flags.random
          ? `Both --random and ${args.source} are given as the source of the weights.`
          : 'No source of weights is given.',
        hint: 'Give a folder or file of weights, or --random for random ones.',
      });
    }
    const storage = this.storage();
    if (args.source === undefined) {
      const saved = await this.draw(storage);
      await this.report(saved, {});
      if (flags.tokenizer === undefined) this.noteNoTokenizer();
      return;
    }
    this.refuseIdleFlags();
    const { importCheckpoint } = await import('../models/importers/import-checkpoint.js');
    const convert = (
      from: Pick<ImportRequest, 'source' | 'from' | 'tokenizer' | 'copiesTokenizer' | 'known'>,
    ) => importCheckpoint({ ...from, ...request });
    const request = {
      out: flags.out,
      ...storage,
      overrides: {
        family: flags.family,
        heads: flags.heads,
        length: flags.length,
        schedule: flags.schedule && { type: flags.schedule, eps: 1e-3 },
        maskTokenId: flags['mask-token-id'],
        blockSize: flags['block-size'],
        diffusionSteps: flags['diffusion-steps'],
      },
    };
    const { tokenizer: given } = flags;
    const saved = args.source.startsWith('hf:')
      ? await this.fromHub(args.source, given, convert)
      : await convert({ source: args.source, tokenizer: given });
    const { family, vocabSize, length, tokenizer } = saved.card;
    await this.report(saved, { family, vocabSize, length });
    for (const notice of saved.notices) this.note(notice);
    if (tokenizer === undefined) this.noteNoTokenizer();
  }

  /** Fetches into the cache, converts from there, and removes what was fetched. */
  private async fromHub(
    spec: string,
    given: string | undefined,
    convert: (
      from: Pick<ImportRequest, 'source' | 'from' | 'tokenizer' | 'copiesTokenizer' | 'known'>,
    ) => Promise<ImportedCheckpoint>,
  ): Promise<ImportedCheckpoint> {
    const { fetchedForConversion } = await import('../models/importers/hub-model.js');
    const { isOnnxFile, parseHubModel } = await import('../models/importers/hub-cache.js');
    const { publishedFacts } = await import('../models/importers/published-models.js');
    const { withHubConnection } = await import('../cli/hub-models.js');
    const named = parseHubModel(this.flags.revision ? `${spec}@${this.flags.revision}` : spec)!; // it begins with `hf:`
    if (isOnnxFile(named) || named.variant !== undefined) {
      throw new UsageError({
        code: 'already-onnx',
        message: `${spec} is an ONNX file: there is nothing to convert.`,
        hint: `Use it as it is: --model ${spec}`,
      });
    }
    const opening = {
      note: (text: string) => this.note(text),
      quiet: this.options.quiet,
      signal: this.interrupt,
    };
    return withHubConnection(named, opening, (connecting) =>
      fetchedForConversion(named, connecting, ({ source, tokenizer, record }) =>
        convert({
          source,
          known: publishedFacts(named),
          from: `hf:${named.repo}@${record.revision}`,
          tokenizer: given ?? tokenizer ?? undefined,
          copiesTokenizer: given === undefined,
        }),
      ),
    );
  }

  /** How matrices are stored, and in how large files. @throws UsageError for flags of int8 and int4 without them */
  private storage(): Pick<ImportRequest, 'dtype' | 'rounding' | 'largestShard'> {
    const { dtype, activations, 'int4-block': block, 'int4-symmetric': symmetric } = this.flags;
    const { 'shard-size': gigabytes } = this.flags;
    if (activations !== undefined && dtype !== 'int8' && dtype !== 'int4') {
      throw new UsageError({
        code: 'flag-of-integers',
        message: '--activations is for --dtype int8 and int4.',
        hint: 'Leave --activations out, or give --dtype int8.',
      });
    }
    const idle = block !== undefined ? 'int4-block' : symmetric ? 'int4-symmetric' : null;
    if (dtype !== 'int4' && idle !== null) {
      throw new UsageError({
        code: 'flag-of-int4',
        message: `--${idle} is for --dtype int4.`,
        hint: `Leave --${idle} out, or give --dtype int4.`,
      });
    }
    return {
      dtype,
      rounding: { activations, block: INT4_BLOCKS.find((size) => String(size) === block), symmetric },
      largestShard: gigabytes === undefined ? undefined : gigabytes * 1e9,
    };
  }

  private async draw(storage: ReturnType<Convert['storage']>): Promise<SavedCheckpoint> {
    const { flags } = this;
    const { arch, 'vocab-size': vocabSize } = flags;
    if (arch === undefined || vocabSize === undefined) {
      throw new UsageError({
        code: 'missing-flag',
        message: `--random needs ${arch === undefined ? '--arch' : '--vocab-size'}.`,
        hint: 'For example: duo-eval convert --random --arch dit --vocab-size 50257 --out dit.onnx',
      });
    }
    const { randomCheckpoint } = await import('../models/random-checkpoint.js');
    return randomCheckpoint({
      out: flags.out,
      seed: flags.seed,
      architecture: arch,
      size: flags.size,
      changes: {
        hiddenSize: flags['hidden-size'],
        conditionSize: flags['condition-size'],
        blocks: flags.blocks,
        heads: flags.heads,
      },
      vocabSize,
      length: flags.length ?? USUAL_LENGTH,
      blockSize: flags['block-size'],
      family: flags.family,
      tokenizer: flags.tokenizer,
      ...storage,
    });
  }

  /** @throws UsageError for flags that would have no effect */
  private refuseIdleFlags(): void {
    const { flags } = this;
    const given = (['arch', 'vocab-size', 'hidden-size', 'condition-size', 'blocks'] as const).find(
      (name) => flags[name] !== undefined,
    );
    if (flags.revision !== undefined && !this.args.source?.startsWith('hf:')) {
      throw new UsageError({
        code: 'revision-of-a-file',
        message: `--revision belongs to hf:owner/name, and ${this.args.source} is on this machine.`,
        hint: 'Leave --revision out.',
      });
    }
    if (given === undefined) return;
    throw new UsageError({
      code: 'flag-of-random',
      message: `--${given} is for --random: the sizes of given weights are their own.`,
      hint: `Leave --${given} out.`,
    });
  }

  private async report(
    { path, dataPath, dataPaths, cardPath, parameters, bytes }: SavedCheckpoint,
    facts: { family?: string; vocabSize?: number; length?: number },
  ): Promise<void> {
    if (this.options.json) {
      const written = {
        model: path,
        data: dataPath,
        dataFiles: dataPaths,
        card: cardPath,
        parameters,
        bytes,
      };
      this.printJson({ schemaVersion: 1, ...written, ...facts });
      return;
    }
    const { alignedColumns } = await import('../cli/aligned-columns.js');
    this.print(
      alignedColumns([
        ['model', path],
        ...dataPaths.map((each) => ['data', each]),
        ['card', cardPath],
        ...(facts.family ? [['family', facts.family]] : []),
        ['parameters', parameters.toLocaleString('en-US')],
        ['bytes', bytes.toLocaleString('en-US')],
        ...(await this.productRows()),
      ]),
    );
  }

  /** What the products of a network in few bits are of, and what this processor makes of that. */
  private async productRows(): Promise<[string, string][]> {
    const { dtype, activations = 'int8' } = this.flags;
    if (dtype !== 'int8' && dtype !== 'int4') return [];
    if (activations === 'float32') {
      const when = dtype === 'int8' ? 'widened at each call' : 'widened in each product';
      return [['products', `of float32; ${dtype} is ${when}, so they are no faster`]];
    }
    const { byteProducts } = await import('../models/machine.js');
    const instructions = byteProducts();
    const scale = dtype === 'int8' ? 'token' : 'block of a token';
    return [
      ['products', `of ${dtype}, and int8 with a scale per ${scale}`],
      [
        'processor',
        instructions ? `has ${instructions} for them` : 'has no instructions for them that are known here',
      ],
    ];
  }

  private noteNoTokenizer(): void {
    this.note('The card names no tokenizer: give --tokenizer here, or to each command that reads text.');
  }
}
