import { readFileSync } from 'node:fs';
import { BaseCommand } from '../cli/base-command.js';
import { checkpointFlags, checkpointOverrides } from '../cli/checkpoint-flags.js';
import { choice, integer, number, string } from '../cli/flags.js';
import { providerFlags } from '../cli/provider-flags.js';
import { UsageError } from '../errors.js';

/** Least characters of a token: shorter ones can be guessed. */
const LEAST_TOKEN = 16;

export default class Serve extends BaseCommand<typeof Serve> {
  static override summary = 'Serve a checkpoint over HTTP, as the OpenAI API has it.';
  static override description =
    `Answers /v1/completions (with "echo" and "logprobs"), /v1/chat/completions, /v1/loglikelihood, /tokenize and others, and shows a page at / on which text emerges from noise. lm-evaluation-harness and OpenAI's clients can drive it; docs/server.md shows how.

It listens for programs of this machine alone, unless --host says otherwise. A token that clients must send comes from --token-file or from the variable DUO_EVAL_TOKEN, not from the command line, which others can read. Ctrl-C lets it finish what is under way.`;
  static override examples = [
    '<%= config.bin %> serve --model mdlm.onnx',
    '<%= config.bin %> serve --model duo.onnx --port 0 --token-file token.txt',
  ];

  static override flags = {
    model: string({
      char: 'm',
      required: true,
      summary: 'Checkpoint: an ONNX file, hf:owner/name, or name=either.',
      helpValue: '<model>',
    }),
    host: string({ default: '127.0.0.1', summary: 'Address to listen on.', helpValue: '<address>' }),
    port: integer({ min: 0, max: 65_535, default: 8765, summary: 'Port to listen on; 0: any free one.' }),
    'token-file': string({ summary: 'File of the token that clients must send.', helpValue: '<file>' }),
    'max-queue': integer({
      min: 1,
      max: 100_000,
      default: 256,
      summary: 'Requests that may wait or run; others get status 429.',
    }),
    timeout: number({ above: 0, default: 300, summary: 'Longest time for a request, in seconds.' }),
    'stop-timeout': number({
      min: 0,
      default: 30,
      summary: 'Time that requests have to finish at Ctrl-C, in seconds.',
    }),
    'max-body': number({ above: 0, max: 64, default: 4, summary: 'Largest body of a request, in MiB.' }),
    'max-length': integer({ min: 2, summary: "Most tokens of a text. [default: the model's length]" }),
    bos: choice(['always', 'when-empty'])({
      default: 'always',
      summary: 'Put BOS before every prompt that lacks it, or only before an empty one.',
    }),
    tail: choice(['none', 'eos', 'masked'])({
      default: 'none',
      summary: 'What follows a text whose log-probabilities are asked for.',
    }),
    likelihood: choice(['policy', 'evidence', 'bound'])({
      default: 'policy',
      summary:
        'What /v1/loglikelihood gives for masked models: the chain rule from left to right, the evidence over all orders, or the bound.',
    }),
    draws: integer({ min: 2, summary: 'Draws for a continuation, where it is drawn. [default: 128]' }),
    batch: integer({ min: 1, max: 4096, summary: 'Texts per model call; does not change figures.' }),
    ...providerFlags('Where the model runs'),
    threads: integer({ min: 1, max: 1024, summary: 'CPU threads.' }),
    ...checkpointFlags,
  };

  async run(): Promise<void> {
    const { flags, observer } = this;
    const token = tokenOf(flags['token-file']);
    const { openCheckpoint, runtimeOf } = await import('../library/checkpoints.js');
    const overrides = { ...checkpointOverrides(flags), length: flags['max-length'] };
    const checkpoint = await openCheckpoint(flags.model, overrides, observer);
    const { serve } = await import('../server/serve.js');
    const { isLoopback } = await import('../server/entrance.js');
    if (!isLoopback(flags.host)) {
      this.warnUser(
        token === null
          ? `Anyone who reaches ${flags.host} can use this server: it asks for no token, and does not encrypt. Give --token-file, and put a proxy with TLS before it.`
          : `The server listens on ${flags.host} and does not encrypt: put a proxy with TLS before it, or its token can be read on the way.`,
      );
    }
    const server = await serve(
      {
        ...{ checkpoint, spec: flags.model, overrides, token },
        ...{ host: flags.host, port: flags.port, places: flags['max-queue'] },
        bodyBytes: Math.floor(flags['max-body'] * 2 ** 20),
        ...{
          bos: flags.bos,
          tail: flags.tail,
          method: flags.likelihood,
          draws: flags.draws,
          batch: flags.batch,
        },
        ...(await runtimeOf({ provider: flags.provider, device: flags.device, threads: flags.threads })),
        timeoutMs: flags.timeout * 1000,
      },
      observer,
    );
    this.print(`${checkpoint.name} is served at ${server.url}`);
    const { signal } = observer;
    await new Promise<void>((resolve) => {
      if (signal.aborted) resolve();
      signal.addEventListener('abort', () => resolve(), { once: true });
    });
    this.note('Finishing what is under way; a second Ctrl-C ends at once.');
    const late = await server.close(flags['stop-timeout'] * 1000);
    if (late > 0) this.warnUser(`${late} requests were not finished in time.`);
  }
}

/** @throws UsageError for a file that cannot be read, or holds no token */
function tokenOf(file: string | undefined): string | null {
  const where = file === undefined ? 'DUO_EVAL_TOKEN' : file;
  let text = process.env.DUO_EVAL_TOKEN;
  // What the network's process and others inherit needs no token.
  delete process.env.DUO_EVAL_TOKEN;
  if (file !== undefined) {
    try {
      text = readFileSync(file, 'utf8').slice(0, 10_000);
    } catch (cause) {
      throw new UsageError({
        code: 'no-token',
        message: `${file} cannot be read as a token: ${(cause as NodeJS.ErrnoException).code ?? 'unknown reason'}.`,
        hint: 'Write the token into a file that you alone may read: one line.',
        cause,
      });
    }
  }
  if (text === undefined || (file === undefined && text.trim() === '')) return null;
  const token = text.trim();
  if (token.length >= LEAST_TOKEN && /^[\x21-\x7e]+$/.test(token)) return token;
  throw new UsageError({
    code: 'no-token',
    message: `${where} holds no usable token: it is one word of at least ${LEAST_TOKEN} letters, digits and signs.`,
    hint: 'For example: openssl rand -hex 16 > token.txt',
  });
}
