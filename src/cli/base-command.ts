/**
 * What every command shares: `--json` and `--quiet`, environment defaults, and printing. Data goes to stdout (`print`,
 * `printJson`), everything else to stderr (`note`, `warnUser`, `progress`). Errors reach main.ts, which turns them into a
 * sentence, a hint and an exit status.
 *
 *     export default class Ppl extends BaseCommand<typeof Ppl> {
 *       static override summary = 'Measure zero-shot perplexity.';
 *       static override flags = { model: repeatable({ required: true }) };
 *       async run() { this.flags.model … }
 *     }
 */
import { Command } from '@oclif/core/command';
import type { InferredArgs, InferredFlags, Input, ParserOutput } from '@oclif/core/interfaces';
import type { Observer } from '../observer.js';
import { escapedJson } from '../printing/json.js';
import { waitForOthers } from '../storage/waiting.js';
import { environmentDefaults, type FlagShape, renamingNotes } from './environment.js';
import { boolean } from './flags.js';
import { fetchHubModels, hubModelsIn } from './hub-models.js';
import { Progress } from './progress.js';
import { interruptSignal, noteReached } from './signals.js';
import { checkStandardOutput } from './standard-output.js';
import { inertLines, paint, plainText, sentenceLines, streamHasColor, streamWidth } from './terminal.js';

type Parsed = Record<string, unknown>;

export type FlagsOf<T extends typeof Command> = InferredFlags<(typeof BaseCommand)['baseFlags'] & T['flags']>;
export type ArgsOf<T extends typeof Command> = InferredArgs<T['args']>;

export interface BaseOptions {
  /** Print results and failures as JSON on stdout. */
  json: boolean;
  /** Print only errors on stderr. */
  quiet: boolean;
}

export abstract class BaseCommand<T extends typeof Command> extends Command {
  static override baseFlags = {
    json: boolean({ summary: 'Print JSON, also for a failure.', helpGroup: 'GLOBAL' }),
    quiet: boolean({ summary: 'Print no progress, notes or warnings.', helpGroup: 'GLOBAL' }),
    wait: boolean({
      default: true,
      allowNo: true,
      summary: 'Wait for work that another process does.',
      helpGroup: 'GLOBAL',
    }),
  };

  /** Parsed flags and arguments of the command, ready when `run` starts. */
  protected flags!: FlagsOf<T>; // set by `init`
  protected args!: ArgsOf<T>; // set by `init`
  protected options: BaseOptions = { json: false, quiet: false };
  private progressLine: Progress | undefined;
  private readonly said = new Set<string>();

  override async init(): Promise<void> {
    await super.init();
    const { flags, args } = await this.parse(this.ctor as unknown as Input<Parsed, Parsed, Parsed>);
    separateValues(flags, (this.ctor.flags ?? {}) as Record<string, FlagShape>);
    this.flags = flags as FlagsOf<T>;
    this.args = args as ArgsOf<T>;
    waitForOthers(this.flags.wait ? this.observer : null);
    await this.fetchModels({ ...args, ...flags });
  }

  /** Fetches models of the hub, `hf:owner/name`, into the cache before the command opens them. */
  private async fetchModels(values: Parsed): Promise<void> {
    const specs = hubModelsIn(values);
    if (specs.length === 0) return;
    const note = (text: string) => this.note(text);
    await fetchHubModels(specs, { note, quiet: this.options.quiet, signal: this.interrupt });
  }

  /** Parses with `DUO_EVAL_*` variables as defaults. A failure records which values came from a variable. */
  protected override async parse<F extends Parsed, B extends Parsed, A extends Parsed>(
    options?: Input<F, B, A>,
    argv: string[] = this.argv,
  ): Promise<ParserOutput<F, B, A>> {
    const shape = (options ?? this.ctor) as { flags?: object; baseFlags?: object };
    const known = { ...BaseCommand.baseFlags, ...shape.baseFlags, ...shape.flags } as Record<
      string,
      FlagShape
    >;
    const defaults = environmentDefaults(known, argv);
    try {
      const parsed = await super.parse<F, B, A>(
        { baseFlags: BaseCommand.baseFlags, ...options } as unknown as Input<F, B, A>,
        [...defaults.argv, ...argv],
      );
      const flags = parsed.flags as Partial<BaseOptions>;
      this.options = { json: flags.json === true, quiet: flags.quiet === true };
      for (const note of renamingNotes(known, argv, defaults.sources)) this.note(note);
      return parsed;
    } catch (error) {
      if (error instanceof Error) Object.assign(error, { environment: defaults.sources });
      throw error;
    }
  }

  /** Prints text on stdout, unchanged, with a line end. @throws FileError when it cannot be written */
  protected print(text: string): void {
    this.progressLine?.stop();
    process.stdout.write(inertLines(text.endsWith('\n') ? text : `${text}\n`));
    checkStandardOutput();
  }

  /** Prints a value on stdout, as indented JSON. @throws FileError when it cannot be written */
  protected printJson(value: unknown): void {
    this.print(escapedJson(JSON.stringify(value, null, 2)));
  }

  /** Prints a remark on stderr. */
  protected note(text: string): void {
    this.say(plainText(text));
  }

  /** Warns on stderr, once per run, of something the user should know before trusting the result. */
  protected warnUser(text: string): void {
    if (this.isRepeated(text)) return;
    this.say(`${paint('Warning:', 'yellow', streamHasColor(process.stderr))} ${plainText(text)}`);
  }

  private say(text: string): void {
    if (this.options.quiet) return;
    this.progressLine?.stop();
    process.stderr.write(`${sentenceLines(text, process.stderr)}\n`);
  }

  private isRepeated(text: string): boolean {
    if (this.said.has(text)) return true;
    this.said.add(text);
    return false;
  }

  /** The progress line; it is cleared before anything else is printed. */
  protected get progress(): Progress {
    this.progressLine ??= new Progress({ quiet: this.options.quiet });
    return this.progressLine;
  }

  /** Receives reports of long work. Several data sets or cells may report the same note: it is printed once. */
  protected get observer(): Required<Observer> {
    return {
      note: (text) => {
        if (!this.isRepeated(text)) this.note(text);
      },
      warn: (text) => this.warnUser(text),
      progress: (work, done, total, detail, overall) =>
        this.progress.show(work, done, total, detail, overall),
      // Asked for when it is needed: a command that never does so is ended by a signal at once.
      get signal() {
        return interruptSignal();
      },
    };
  }

  /** Aborts at Ctrl-C or another signal; its reason is an InterruptedError. */
  protected get interrupt(): AbortSignal {
    return interruptSignal();
  }

  /** Format of stdout: its columns, and whether it shows colour. */
  protected get screen(): { width: number; color: boolean } {
    return { width: streamWidth(process.stdout), color: streamHasColor(process.stdout) };
  }

  /** Passes every error to main.ts. */
  protected override async catch(error: Error): Promise<unknown> {
    noteReached(this.progressLine?.reached ?? null);
    throw error;
  }

  protected override async finally(): Promise<void> {
    this.progressLine?.stop();
  }
}

/** Values of lists that were given with commas become values of their own. */
function separateValues(values: Parsed, flags: Readonly<Record<string, FlagShape>>): void {
  for (const [name, { separate }] of Object.entries(flags)) {
    const given = values[name];
    if (separate && Array.isArray(given)) values[name] = given.flatMap(separate);
  }
}
